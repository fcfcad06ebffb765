package export

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"github.com/lineaged/lineaged/answer"
)

var update = flag.Bool("update", false, "write the documents of this run into testdata")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestDocuments compares a document of each form with the one in testdata.
func TestDocuments(t *testing.T) {
	inShop(t, func(t *testing.T, e *Exporter) {
		for _, d := range []struct {
			file, query string
			make        func(context.Context, url.Values) (*Document, error)
		}{
			{"lineage.svg", "root=topic:west/orders&start=2000-01-01T00:00:50Z&end=2000-01-01T00:02:00Z&format=svg", e.Lineage},
			{"lineage.dot", "root=topic:west/orders&start=2000-01-01T00:00:50Z&end=2000-01-01T00:01:40Z&format=dot", e.Lineage},
			{"lineage.mmd", "root=topic:west/orders&start=2000-01-01T00:00:50Z&end=2000-01-01T00:01:40Z&format=mermaid", e.Lineage},
			{"lineage.csv", "root=topic:west/orders&last=2m&format=csv", e.Lineage},
			{"lineage.json", "root=topic:west/orders&last=2m&format=json", e.Lineage},
			{"cut.csv", "root=topic:west/orders&root=billing&last=2m&format=csv&limit=3&direction=downstream&depth=1&includeInactive=false&evidence=GROUP_OFFSETS,PRODUCER_STATE", e.Lineage},
			{"everything.json", "last=2m&format=json", e.Lineage},
			{"usage.csv", "topic=topic:west/orders&last=2m&format=csv", e.Usage},
			{"impact.csv", "root=topic:west/orders&last=2m&format=csv", e.Impact},
			{"impact.json", "root=payments&last=2m&format=json&evidence=GROUP_OFFSETS", e.Impact},
			{"usage.json", "topic=payments&last=2m&format=json", e.Usage},
		} {
			got := []byte(asked(t, d.make, d.query))
			file := filepath.Join("testdata", d.file)
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s: got\n%s\nwant\n%s", d.file, got, want)
			}
		}
	})
}

// TestRefusals asks for what makes no sense: the error names the key and the value.
func TestRefusals(t *testing.T) {
	inShop(t, func(t *testing.T, e *Exporter) {
		for _, d := range []struct{ query, want string }{
			{"root=topic:west/orders", `format: "" is none of svg, dot, mermaid, csv, json`},
			{"root=topic:west/orders&format=png", `format: "png" is none of svg, dot, mermaid, csv, json`},
			{"root=topic:west/orders&format=svg&format=dot", `format: "dot" is a second value; give one`},
			{"root=topic:west/orders&format=svg&depth=16", `depth: "16" is no whole number of 0 to 15`},
			{"root=topic:west/orders&format=svg&limit=0", `limit: "0" is no whole number of 1 to 1000`},
			{"root=topic:west/orders&format=svg&direction=left", `direction: "left" is none of UPSTREAM, DOWNSTREAM, BOTH`},
			{"root=topic:west/orders&format=svg&last=1h30", `last: "1h30" is no duration; one is e.g. 30s, 10m, 1h30m or 7d`},
			{"root=topic:west/orders&format=svg&last=0s", `last: "0s" is no duration; one is e.g. 30s, 10m, 1h30m or 7d`},
			{"root=topic:west/orders&format=svg&at=yesterday", `at: "yesterday" is no instant; one is RFC 3339 with an offset, e.g. 2026-11-22T20:00:00Z`},
			{"root=topic:west/orders&format=svg&at=2000-01-01T00:00:00Z&last=1h", `at: "2000-01-01T00:00:00Z" stands beside another window: give one of last, or start with end, or at`},
			{"root=topic:west/orders&format=svg&start=2000-01-01T00:00:00Z", `start: "2000-01-01T00:00:00Z" has no end: give both`},
			{"root=topic:west/orders&format=svg&end=2000-01-01T00:00:00Z", `end: "2000-01-01T00:00:00Z" has no start: give both`},
			{"root=topic:west/orders&format=svg&start=2000-01-01T00:01:00Z&end=2000-01-01T00:00:00Z", `start: "2000-01-01T00:01:00Z" is not before end: "2000-01-01T00:00:00Z"`},
			{"root=topic:west/orders&format=svg&evidence=HEARSAY", `evidence: "HEARSAY" is no kind of evidence; one is e.g. GROUP_OFFSETS`},
			{"root=topic:west/orders&format=svg&includeInternal=1", `includeInternal: "1" is neither true nor false`},
			{"root=topic:west/orders&format=dot&theme=dark", `theme: "dark" is for format svg only`},
			{"root=topic:west/orders&format=svg&theme=pink", `theme: "pink" is none of light, dark`},
			{"root=topic:west/orders&format=svg&dept=3", `dept: "3" is of a parameter that is not known; there are direction, depth, limit, last, at, start, end, format, theme, evidence, includeInactive, includeInternal, root`},
			{"root=&format=svg", `root: "" is no node: give an id such as topic:west/orders, or a name`},
			{"format=svg&depth=2", `depth: "2" needs a root: without one everything that moved is exported`},
			{"root=orders&format=svg", `root: "orders" is the name of 2 nodes: topic:east/orders, topic:west/orders; give the id of one`},
			{"root=nobody&format=svg", `root: "nobody" is neither a node's id, such as topic:west/orders, nor the name of one in this window`},
			{"root=topic:west/nothing&format=svg", "no node topic:west/nothing"},
			{"root=billing&format=svg&at=1999-01-01T00:00:00Z", `root: whether there was a node named "billing" is not known: nothing was observed in this window`},
		} {
			_, err := tried(t, e.Lineage, d.query)
			refusedAs(t, d.query, err, d.want)
		}
		for _, d := range []struct{ query, want string }{
			{"format=csv", `topic: "" is no topic: give an id such as topic:west/orders, or a name`},
			{"topic=payments&format=svg", `format: "svg" is none of csv, json`},
			{"topic=billing&format=csv", `topic: "application:shop/billing" is not a topic`},
		} {
			_, err := tried(t, e.Usage, d.query)
			refusedAs(t, d.query, err, d.want)
		}
		for _, d := range []struct{ query, want string }{
			{"format=csv", `root: "" is no node: give an id such as topic:west/orders, or a name`},
			{"root=payments&format=svg", `format: "svg" is none of csv, json`},
			{"root=payments&format=csv&depth=3", `depth: "3" is of a parameter that is not known; there are last, at, start, end, format, evidence, includeInactive, includeInternal, root`},
			{"root=topic:west/nothing&format=csv", "no node topic:west/nothing"},
		} {
			_, err := tried(t, e.Impact, d.query)
			refusedAs(t, d.query, err, d.want)
		}
	})
}

func refusedAs(t *testing.T, query string, err error, want string) {
	t.Helper()
	if r, ok := errors.AsType[*answer.RefusedError](err); !ok || r.Sentence != want {
		t.Errorf("%s: got %v, want %s", query, err, want)
	}
}
