package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/lineaged/lineaged/catalog"
	"github.com/lineaged/lineaged/lineage"
)

// TestEditsOverKills kills the real program again and again while three edit through it. After each start everything
// that was acknowledged is there once and in its order, at most the one edit more that was on its way, and the ledger
// beside it verifies.
func TestEditsOverKills(t *testing.T) {
	kills := 3
	if os.Getenv("LINEAGED_LONG") != "" {
		kills = 100
	}
	broker, _ := freePort(t)
	data := filepath.Join(t.TempDir(), "data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		t.Fatal(err)
	}
	writers := make([]*editor, 3)
	var drafts []catalog.Draft
	for i := range writers {
		writers[i] = &editor{node: lineage.Node{Scope: "west", Kind: lineage.TopicNode, Name: fmt.Sprint("t", i)}}
		drafts = append(drafts, catalog.Draft{Node: writers[i].node, Changes: []lineage.Change{{Slot: lineage.Slot{Field: lineage.OwnerField}, Texts: []string{"first"}}}})
	}
	editsOn(t, data, func(l *catalog.Log) { // a node that somebody edited is known without a cluster
		made, err := l.Put(drafts, "", time.Now())
		if err != nil {
			t.Fatal(err)
		}
		for i, e := range made {
			writers[i].version, writers[i].acknowledged = e.Number, []string{"first"}
		}
	})
	for kill := range kills {
		cmd, url := process(t, "serve", "--brokers", broker, "--interval", "1s", "--listen", "127.0.0.1:0", "--data", data, "--catalog-edit", "true")
		enough := make(chan struct{}, len(writers))
		var all sync.WaitGroup
		for _, w := range writers {
			all.Go(func() { w.edit(t.Context(), url, 3+kill%5, enough) })
		}
		for range writers { // each has some acknowledged, and goes on while it is killed
			<-enough
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed
		all.Wait()
		editsOn(t, data, func(l *catalog.Log) {
			for _, w := range writers {
				w.compare(t, kill, l)
			}
		})
	}
	if entries := len(writers[0].acknowledged); entries < 3*kills {
		t.Errorf("only %d edits of one were acknowledged over %d kills", entries, kills)
	}
	var out, wrong bytes.Buffer
	if code := run(t.Context(), []string{"audit", "verify", data}, nil, &out, &wrong); code != exitOK {
		t.Errorf("audit verify: exit code %d, %s%s", code, out.String(), wrong.String())
	}
}

// editsOn opens the log of edits while nobody else has it.
func editsOn(t *testing.T, data string, use func(*catalog.Log)) {
	t.Helper()
	l, err := catalog.Open(filepath.Join(data, catalogFolder), 2*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	use(l)
	if d := l.Damaged(); d != nil {
		t.Errorf("damaged: %q", d)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// editor edits the owner of one node, and remembers what was acknowledged.
type editor struct {
	node         lineage.Node
	version      int64
	acknowledged []string
	sent         string // on its way, or never answered
}

// edit goes on until the server is gone; enough is told once some are acknowledged, or none can be.
func (w *editor) edit(ctx context.Context, url string, some int, enough chan<- struct{}) {
	for n := 0; ; n++ {
		if n == some {
			enough <- struct{}{}
		}
		w.sent = fmt.Sprint("owner-", len(w.acknowledged), "-", n)
		version, err := w.set(ctx, url)
		if err != nil {
			if n < some {
				enough <- struct{}{}
			}
			return
		}
		w.version, w.acknowledged, w.sent = version, append(w.acknowledged, w.sent), ""
	}
}

func (w *editor) set(ctx context.Context, url string) (version int64, err error) {
	document := fmt.Sprintf(`mutation { setMetadata(node: %q, expected: %d, changes: [{field: OWNER, values: [%q]}]) { version } }`, w.node.ID(), w.version, w.sent)
	body, _ := json.Marshal(map[string]string{"query": document})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/graphql", bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err
	}
	var got struct {
		Data struct{ SetMetadata *struct{ Version int64 } }
	}
	if err := json.Unmarshal(text, &got); err != nil || got.Data.SetMetadata == nil {
		return 0, fmt.Errorf("%w: %s", err, text)
	}
	return got.Data.SetMetadata.Version, nil
}

// compare holds what the log has of the node against what was acknowledged; what was on its way is there or is not.
func (w *editor) compare(t *testing.T, kill int, l *catalog.Log) {
	t.Helper()
	var have []string
	for _, e := range l.Edits().All() {
		if e.Node != w.node {
			continue
		}
		have = append(have, e.Changes[0].Texts...)
		w.version = e.Number
	}
	if !slices.Equal(have, w.acknowledged) && !slices.Equal(have, append(slices.Clone(w.acknowledged), w.sent)) {
		t.Fatalf("after kill %d, %s: the log has %q, acknowledged are %q, and %q was on its way", kill, w.node.ID(), have, w.acknowledged, w.sent)
	}
	w.acknowledged = have
}
