package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/tools/txtar"

	"github.com/lineaged/lineaged/answer"
)

var update = flag.Bool("update", false, "write the answers of this run into testdata")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// worlds are what transcripts may begin with: "world: NAME".
var worlds = map[string]struct {
	make   func(testing.TB) *world
	config []answer.ClusterConfig
	names  func() answer.Identity
}{
	"shop":        {func(t testing.TB) *world { return shop(t, 30) }, shopConfig, everybody},
	"shop in gap": {func(t testing.TB) *world { return shop(t, 15) }, shopConfig, everybody},
	"two clusters": {twoClusters, []answer.ClusterConfig{
		{Source: "west", Name: "west", Environment: "shop"}, {Source: "east", Name: "east", Environment: "shop"}, {Source: "127.0.0.1:39092"},
	}, everybody},
	"movers":      {allMovers, []answer.ClusterConfig{{Source: "west", Name: "west", Environment: "shop"}, {Source: "east", Name: "east", Environment: "shop"}}, conventions()},
	"outage":      {outage, []answer.ClusterConfig{{Source: "west", Name: "west", Environment: "shop"}, {Source: "east", Name: "east", Environment: "shop"}}, conventions()},
	"gone movers": {goneMovers, []answer.ClusterConfig{{Source: "west", Name: "west", Environment: "shop"}, {Source: "east", Name: "east", Environment: "shop"}}, conventions()},
	"formatted":   {formatted, shopConfig, everybody},
	"formatting":  {formatting, shopConfig, everybody},
	"readers":     {readers, shopConfig, everybody},
	"declared":    {func(t testing.TB) *world { return shop(t, 30) }, shopConfig, everybody},
	"nameless":    {nameless, shopConfig, conventions()},
	"empty":       {func(t testing.TB) *world { return newWorld(t) }, []answer.ClusterConfig{{Source: "127.0.0.1:9092"}}, everybody},
}

var shopConfig = []answer.ClusterConfig{{Source: "west", Name: "west", Environment: "shop"}}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

// ask sends a document and returns the status and the body.
func ask(h http.Handler, query, variables string) (int, []byte) {
	body := map[string]any{"query": query}
	if variables != "" {
		body["variables"] = json.RawMessage(variables)
	}
	b, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	r := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "http://localhost/graphql", bytes.NewReader(b))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.Bytes()
}

// TestTranscripts asks what the files in testdata ask and compares the answers. A file begins with "world: NAME" and
// "at: DURATION", the time since the world's midnight; then come NAME.graphql, NAME.variables if any, and NAME.answer.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatal("no transcripts", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { transcript(t, file) })
		})
	}
}

func transcript(t *testing.T, file string) {
	ar, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head := map[string]string{}
	for line := range strings.Lines(string(ar.Comment)) {
		if key, value, ok := strings.Cut(line, ": "); ok {
			head[key] = strings.TrimSpace(value)
		}
	}
	made, ok := worlds[head["world"]]
	if !ok {
		t.Fatalf("no world %q", head["world"])
	}
	at, err := time.ParseDuration(head["at"])
	if err != nil {
		t.Fatal(err)
	}
	store := made.make(t).store
	time.Sleep(time.Until(midnight.Add(at)))
	h := serve(served{History: store, Identity: made.names, Declared: declarations[head["world"]], Clusters: made.config, Connects: []answer.ConnectConfig{{Name: "connect-west"}}, Log: quiet()})

	var out txtar.Archive
	out.Comment = ar.Comment
	answered := 0
	for i, f := range ar.Files {
		if strings.HasSuffix(f.Name, ".answer") {
			continue
		}
		out.Files = append(out.Files, f)
		name, ok := strings.CutSuffix(f.Name, ".graphql")
		if !ok {
			continue
		}
		variables := ""
		if i+1 < len(ar.Files) && ar.Files[i+1].Name == name+".variables" {
			variables = string(ar.Files[i+1].Data)
			out.Files = append(out.Files, ar.Files[i+1])
			ar.Files[i+1].Name = name + ".answer" // is in out already
		}
		status, body := ask(h, string(f.Data), variables)
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, body, "", " "); err != nil {
			t.Fatalf("%s: %v in %s", name, err, body)
		}
		pretty.WriteByte('\n')
		if status != http.StatusOK {
			pretty.WriteString(http.StatusText(status) + "\n")
		}
		out.Files = append(out.Files, txtar.File{Name: name + ".answer", Data: pretty.Bytes()})
		answered++
		if !*update {
			want := ""
			for _, g := range ar.Files {
				if g.Name == name+".answer" && bytes.HasPrefix(g.Data, []byte("{\n")) {
					want = string(g.Data)
				}
			}
			if got := pretty.String(); got != want {
				t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
			}
		}
	}
	if answered == 0 {
		t.Fatal("the transcript asks nothing")
	}
	if *update {
		if err := os.WriteFile(file, txtar.Format(&out), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
