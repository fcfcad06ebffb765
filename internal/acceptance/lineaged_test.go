package acceptance

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/child"
	"github.com/lineaged/lineaged/internal/kafkatest"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := kafkatest.CloseShared(); err != nil {
		fmt.Fprintf(os.Stderr, "stop the shared clusters: %v\n", err)
		code = max(code, 1)
	}
	closeTelling()
	if built.dir != "" {
		os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

var long = os.Getenv("LINEAGED_LONG") != ""

// built is the binary that the first test builds when none is given.
var built struct {
	once sync.Once
	dir  string
	err  error
}

func binary(t testing.TB) string {
	t.Helper()
	if bin := os.Getenv("LINEAGED_BIN"); bin != "" {
		return bin
	}
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "lineaged-acceptance-"); built.err != nil { //nolint:usetesting // shared by all tests
			return
		}
		out, err := exec.Command("go", "build", "-o", filepath.Join(built.dir, "lineaged"), "../../cmd/lineaged").CombinedOutput() //nolint:noctx // shared by all tests
		if err != nil {
			built.err = fmt.Errorf("go build: %w\n%s", err, out)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return filepath.Join(built.dir, "lineaged")
}

// server is a running `lineaged serve` with a data folder of its own.
type server struct {
	url, data, log string
	bin            string
	args           []string
	p              *child.Process
}

// serve starts lineaged and waits until it answers. The test's end holds what it answers against itself, and stops it,
// in order and within the promised 5 s.
func serve(t testing.TB, args ...string) *server {
	t.Helper()
	ports, err := kafkatest.FreePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s := &server{
		url: fmt.Sprintf("http://127.0.0.1:%d", ports[0]), data: filepath.Join(dir, "data"), log: filepath.Join(dir, "lineaged.log"),
		bin: binary(t),
	}
	s.args = append([]string{"serve", "--data", s.data, "--listen", strings.TrimPrefix(s.url, "http://")}, args...)
	s.start(t)
	started := time.Now()
	t.Cleanup(func() {
		if s.p.Running() && !t.Failed() {
			s.lawsOfWindows(t, started, 0)
		}
		s.stop(t)
		if t.Failed() {
			log, err := os.ReadFile(s.log)
			t.Logf("lineaged's log (%v):\n%s", err, child.Tail(string(log), 40))
		}
	})
	return s
}

// watch serves one open cluster under the given name.
func watch(t testing.TB, c *kafkatest.Cluster, name string, interval time.Duration) *server {
	t.Helper()
	return serve(t, "--brokers", c.Bootstrap(), "--cluster-name", name, "--interval", interval.String())
}

func (s *server) start(t testing.TB) {
	t.Helper()
	cmd := exec.Command(s.bin, s.args...) //nolint:noctx // child ends it
	cmd.Env = child.Environ()
	var err error
	if s.p, err = child.Start(s.log, cmd); err != nil {
		t.Fatal(err)
	}
	eventually(t, 15*time.Second, "lineaged answers", func() error {
		if !s.p.Running() {
			t.Fatalf("lineaged ended with code %d:\n%s", s.p.ExitCode(), child.Tail(s.p.Output(), 20))
		}
		return s.get(t, "/healthz")
	})
}

// stopLimit is the promise: SIGTERM stops within 5 s.
const stopLimit = 5 * time.Second

func (s *server) stop(t testing.TB) {
	t.Helper()
	if !s.p.Running() {
		return
	}
	if err := s.p.Terminate(stopLimit); err != nil {
		t.Errorf("lineaged: %v", err)
	} else if code := s.p.ExitCode(); code != 0 {
		t.Errorf("lineaged ended with code %d after SIGTERM:\n%s", code, child.Tail(s.p.Output(), 20))
	}
}

// get asks for a plain page and returns an error unless the answer is 200.
func (s *server) get(t testing.TB, path string) error {
	t.Helper()
	_, status, err := s.fetch(t, path)
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("%s: status %d", path, status)
	}
	return err
}

func (s *server) fetch(t testing.TB, path string) (body string, status int, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
	if err != nil {
		return "", 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", 0, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return string(b), resp.StatusCode, err
}

// graphQLError is an entry of an answer's errors.
type graphQLError struct {
	Message    string
	Extensions struct{ Code string }
}

// post sends a body to /graphql.
func (s *server) post(t testing.TB, body []byte) (status int, answer []byte, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 30*time.Second) // also at the end of a test
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/graphql", bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(resp.Body)
	return resp.StatusCode, answer, err
}

// ask runs a query and decodes its data into out.
func (s *server) ask(t testing.TB, query string, variables map[string]any, out any) error {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return err
	}
	status, b, err := s.post(t, body)
	if err != nil {
		return err
	}
	var answer struct {
		Data   json.RawMessage
		Errors []graphQLError
	}
	if err := json.Unmarshal(b, &answer); err != nil {
		return fmt.Errorf("status %d, not JSON: %.200s", status, b)
	}
	if len(answer.Errors) > 0 {
		return fmt.Errorf("answer has errors: %+v", answer.Errors)
	}
	return json.Unmarshal(answer.Data, out)
}

// mustAsk is ask for a query that cannot fail.
func (s *server) mustAsk(t testing.TB, query string, variables map[string]any, out any) {
	t.Helper()
	if err := s.ask(t, query, variables, out); err != nil {
		t.Fatalf("%v\nquery: %s", err, query)
	}
}

// waitRound waits until a round that began after the given instant is visible.
func (s *server) waitRound(t testing.TB, cluster string, after time.Time) {
	t.Helper()
	eventually(t, 60*time.Second, "a round after "+after.Format(time.TimeOnly), func() error {
		var d struct {
			Clusters []struct {
				Name      string
				LastRound *time.Time
				Error     *string
			}
		}
		if err := s.ask(t, `{clusters{name lastRound error}}`, nil, &d); err != nil {
			return err
		}
		for _, c := range d.Clusters {
			if c.Name == cluster && c.LastRound != nil && c.LastRound.After(after) {
				return nil
			}
		}
		return fmt.Errorf("clusters: %+v", d.Clusters)
	})
}

// eventually polls f until it returns nil; at the limit the test fails with f's last error.
func eventually(t testing.TB, limit time.Duration, what string, f func() error) {
	t.Helper()
	end := time.Now().Add(limit)
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s: not within %s: %v", what, limit, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// sleepUntil waits for an instant: the passing of time is what some tests are about.
func sleepUntil(t testing.TB, at time.Time) {
	t.Helper()
	select {
	case <-time.After(time.Until(at)):
	case <-t.Context().Done():
		t.Fatal("cut off")
	}
}
