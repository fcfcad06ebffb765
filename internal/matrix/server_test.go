//go:build matrix

package matrix

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/child"
	"github.com/lineaged/lineaged/internal/kafkatest"
)

// server is a running `lineaged serve`.
type server struct{ url string }

// binary builds lineaged once, unless LINEAGED_BIN names one.
var binary = sync.OnceValues(func() (string, error) {
	if bin := os.Getenv("LINEAGED_BIN"); bin != "" {
		return bin, nil
	}
	bin := filepath.Join(cache(), "lineaged")
	out, err := exec.Command("go", "build", "-o", bin, "../../cmd/lineaged").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return bin, nil
})

// serve starts lineaged on a configuration and waits for its first round. The test's end stops it.
func serve(t *testing.T, config string) server {
	t.Helper()
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	ports, err := kafkatest.FreePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s := server{fmt.Sprintf("http://127.0.0.1:%d", ports[0])}
	file := filepath.Join(dir, "lineaged.yaml")
	if err := os.WriteFile(file, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(bin, "serve", "--config", file, "--data", filepath.Join(dir, "data"), "--listen", strings.TrimPrefix(s.url, "http://")) //nolint:noctx // child ends it
	cmd.Env = child.Environ()
	p, err := child.Start(filepath.Join(dir, "lineaged.log"), cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Terminate(5 * time.Second); err != nil {
			t.Errorf("lineaged: %v", err)
		}
		if t.Failed() {
			t.Logf("lineaged's log:\n%s", child.Tail(p.Output(), 20))
		}
	})
	eventually(t, time.Minute, "lineaged took its first round", func() error {
		var d struct {
			Clusters []struct{ LastRound *time.Time }
		}
		if err := s.ask(t, `{clusters{lastRound}}`, nil, &d); err != nil {
			return err
		}
		for _, c := range d.Clusters {
			if c.LastRound == nil {
				return errors.New("no round yet")
			}
		}
		return nil
	})
	return s
}

// ask runs a query and decodes its data.
func (s server) ask(t testing.TB, query string, variables map[string]any, out any) error {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/graphql", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	var answer struct {
		Data   json.RawMessage
		Errors []struct {
			Message    string
			Extensions struct{ Code string }
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return err
	}
	if len(answer.Errors) > 0 {
		return fmt.Errorf("%+v", answer.Errors)
	}
	return json.Unmarshal(answer.Data, out)
}

// flow is a flow as the tests read it.
type flow struct {
	Kind      string
	From, To  struct{ ID string }
	Active    *bool
	Records   *int64 `json:",string"`
	Estimated bool
	Lag       *int64 `json:",string"`
	Evidence  []struct {
		Kind   string
		Detail *string
	}
}

func (f flow) told(node string) told {
	t := told{node: node, records: f.Records, estimated: f.Estimated}
	for _, e := range f.Evidence {
		if e.Detail != nil && !slices.Contains(t.details, *e.Detail) {
			t.details = append(t.details, *e.Detail)
		}
	}
	return t
}

// String is for failures.
func (f flow) String() string {
	b, _ := json.Marshal(f) // of plain fields
	return string(b)
}

// around returns the flows that touch a node, in the last half hour.
func (s server) around(t testing.TB, node string) ([]flow, error) {
	t.Helper()
	var d struct{ Lineage *struct{ Flows []flow } }
	err := s.ask(t, `query($r: [ID!]!) { lineage(roots: $r, depth: 1, window: {last: "30m"}, includeInternal: true) { flows { kind from { id } to { id } active records estimated lag evidence { kind detail } } } }`,
		map[string]any{"r": []string{node}}, &d)
	if err == nil && d.Lineage == nil {
		err = fmt.Errorf("lineage of %s is null", node)
	}
	if err != nil {
		return nil, err
	}
	return d.Lineage.Flows, nil
}

func (s server) mustAround(t testing.TB, node string) []flow {
	t.Helper()
	flows, err := s.around(t, node)
	if err != nil {
		t.Fatalf("around %s: %v", node, err)
	}
	return flows
}

// blindSpots are what coverage says of the last half hour.
func (s server) blindSpots(t testing.TB) (what []string) {
	t.Helper()
	var d struct {
		Coverage struct{ BlindSpots []struct{ What string } }
	}
	if err := s.ask(t, `{coverage(window: {last: "30m"}) {blindSpots {what}}}`, nil, &d); err != nil {
		t.Fatal(err)
	}
	for _, b := range d.Coverage.BlindSpots {
		what = append(what, b.What)
	}
	return what
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
		time.Sleep(200 * time.Millisecond)
	}
}
