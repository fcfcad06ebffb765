//go:build matrix

package matrix

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/child"
	"github.com/lineaged/lineaged/internal/kafkatest"
)

// stateless are the checks of the revision of 2026-07-28 that need tools of the suite's own example server.
var stateless = regexp.MustCompile(`^(sep-2575-server-rejects-undeclared-capability|sep-2575-missing-capability-http-400|sep-2575-http-server-no-independent-requests-on-stream|sep-2575-server-no-log-without-loglevel)$`)

// TestAssistants holds /mcp of the demo against the protocol's own conformance suite: what is offered passes, and what
// fails is what is not offered (assistants/not-offered.yaml).
func TestAssistants(t *testing.T) {
	need(t, "npm", "Node 20 or later")
	dir := once(t, "conformance-0.1.16-0.2.0-alpha.12", func(dir string) {
		for _, file := range []string{"package.json", "package-lock.json"} {
			b, err := os.ReadFile(filepath.Join("assistants", file))
			if err == nil {
				err = os.WriteFile(filepath.Join(dir, file), b, 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		run(t, dir, "npm", "ci", "--no-audit", "--no-fund")
	})
	expected, err := filepath.Abs("assistants/not-offered.yaml")
	if err != nil {
		t.Fatal(err)
	}
	url := demo(t) + "/mcp"
	suite := func(release string, args ...string) (string, error) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		cmd := exec.CommandContext(ctx, filepath.Join(dir, "node_modules", "node", "bin", "node"), append([]string{
			filepath.Join(dir, "node_modules", release, "dist", "index.js"), "server", "--url", url,
		}, args...)...)
		cmd.Dir, cmd.Env = t.TempDir(), append(child.Environ(), "NO_COLOR=1")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := suite("conformance", "--expected-failures", expected); err != nil || !strings.Contains(out, "tools-list: 1 passed") {
		t.Errorf("the suite of 2025-11-25: %v\n%s", err, child.Tail(out, 60))
	}
	for _, scenario := range []string{"tools-list", "caching", "http-header-validation", "dns-rebinding-protection", "server-sse-multiple-streams"} {
		if out, err := suite("conformance-2026", "--spec-version", "2026-07-28", "--scenario", scenario); err != nil {
			t.Errorf("%s of 2026-07-28: %v\n%s", scenario, err, child.Tail(out, 60))
		}
	}
	out, _ := suite("conformance-2026", "--spec-version", "2026-07-28", "--scenario", "server-stateless")
	passed := 0
	for _, check := range regexp.MustCompile(`\[(sep-[\w-]+) *\S* +\S*(SUCCESS|FAILURE)`).FindAllStringSubmatch(out, -1) {
		switch {
		case check[2] == "SUCCESS":
			passed++
		case !stateless.MatchString(check[1]):
			t.Errorf("server-stateless of 2026-07-28: %s fails", check[1])
		}
	}
	if passed < 20 {
		t.Errorf("server-stateless of 2026-07-28 passes %d checks\n%s", passed, child.Tail(out, 60))
	}
}

// demo starts the demo, and returns its address when it is ready.
func demo(t *testing.T) string {
	t.Helper()
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	ports, err := kafkatest.FreePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	at := fmt.Sprintf("127.0.0.1:%d", ports[0])
	cmd := exec.Command(bin, "demo", "--listen", at) //nolint:noctx // child ends it
	cmd.Env = child.Environ()
	p, err := child.Start(filepath.Join(t.TempDir(), "demo.log"), cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Terminate(5 * time.Second); err != nil {
			t.Errorf("the demo: %v", err)
		}
	})
	eventually(t, time.Minute, "the demo answers", func() error {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+at+"/graphql", bytes.NewReader([]byte(`{"query":"{clusters{id}}"}`)))
		if err != nil {
			return err
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		return resp.Body.Close()
	})
	return "http://" + at
}
