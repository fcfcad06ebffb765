package export

import (
	"bytes"
	"context"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/timeseries"
)

// TestNodeGraphs compares what Grafana is given with what is in testdata.
func TestNodeGraphs(t *testing.T) {
	inShop(t, func(t *testing.T, e *Exporter) {
		for _, d := range []struct {
			file, query string
			make        func(context.Context, url.Values) (*Document, error)
		}{
			{"grafana-nodes.json", "root=topic:west/orders&last=2m", e.GraphNodes},
			{"grafana-edges.json", "root=topic:west/orders&last=2m", e.GraphEdges},
			{"grafana-coverage.json", "root=topic:west/orders&last=2m&depth=1&limit=3", e.GraphCoverage},
			{"grafana-annotations.json", "last=2m", e.Annotations},
		} {
			got, file := []byte(asked(t, d.make, d.query)), filepath.Join("testdata", d.file)
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

// flatRows reads a flat array.
func flatRows(t *testing.T, text string) (rows []map[string]any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &rows); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return rows
}

// TestEdgesHaveTheirNodes asks for nodes and edges in many ways: each edge has both ends among the nodes, as the panel
// needs, each id is there once, and each node has one ring.
func TestEdgesHaveTheirNodes(t *testing.T) {
	inShop(t, func(t *testing.T, e *Exporter) {
		for _, query := range []string{
			"", "root=&depth=&direction=", "depth=2&direction=UPSTREAM&last=2m", "root=topic:west/orders", "root=topic:west/orders&depth=0", "root=billing&depth=1&direction=downstream",
			"limit=1", "limit=2&root=topic:west/orders", "includeInactive=true&includeInternal=true", "from=946684800000&to=946684920000", "root=topic:east/orders&last=1m",
		} {
			ids := map[any]bool{}
			for _, n := range flatRows(t, asked(t, e.GraphNodes, query)) {
				if ids[n["id"]] || n["id"] == "" {
					t.Errorf("%s: node %v is there twice", query, n["id"])
				}
				ids[n["id"]] = true
				if sum := n["arc__active"].(float64) + n["arc__inactive"].(float64) + n["arc__unknown"].(float64); sum != 1 {
					t.Errorf("%s: the rings of %v are %v in all", query, n["id"], sum)
				}
			}
			if len(ids) == 0 {
				t.Errorf("%s: no nodes", query)
			}
			seen := map[any]bool{}
			for _, x := range flatRows(t, asked(t, e.GraphEdges, query)) {
				if seen[x["id"]] || !ids[x["source"]] || !ids[x["target"]] {
					t.Errorf("%s: edge %v is there twice, or has no node at one of its ends", query, x["id"])
				}
				seen[x["id"]] = true
			}
		}
	})
}

// TestUnknownIsNoZero looks at a time of which a part was not observed, and at one of which nothing was: no rate is 0
// there, the rows say so, and so do the coverage and the annotations.
func TestUnknownIsNoZero(t *testing.T) {
	inShop(t, func(t *testing.T, e *Exporter) {
		const dark = "start=2000-01-01T00:01:40Z&end=2000-01-01T00:02:00Z" // east's brokers did not answer
		nodes := flatRows(t, asked(t, e.GraphNodes, "root=topic:east/orders&"+dark))
		if len(nodes) == 0 || nodes[0]["arc__unknown"] != 1.0 || nodes[0]["secondarystat"] != unobserved || nodes[0]["mainstat"] != "in "+unobserved {
			t.Errorf("a topic that nobody saw is %v", nodes)
		}
		for _, x := range flatRows(t, asked(t, e.GraphEdges, "root=topic:east/orders&"+dark)) {
			if x["strokedasharray"] != dotted || strings.HasPrefix(x["mainstat"].(string), "0") {
				t.Errorf("a flow that nobody saw is %v", x)
			}
		}
		said := asked(t, e.GraphCoverage, "root=topic:east/orders&"+dark)
		if !strings.Contains(said, `{"what":"coverage","text":"nothing was observed"}`) || !strings.Contains(said, "connection refused") {
			t.Errorf("the coverage is %s", said)
		}
		marks := flatRows(t, asked(t, e.Annotations, dark))
		if !slices.ContainsFunc(marks, func(m map[string]any) bool {
			return m["title"] == "not observed" && strings.Contains(m["text"].(string), "connection refused") && m["timeEnd"].(float64) == 946684920000
		}) {
			t.Errorf("the annotations are %v", marks)
		}
		if marks := flatRows(t, asked(t, e.Annotations, dark+"&node=topic:west/orders")); slices.ContainsFunc(marks, func(m map[string]any) bool {
			return strings.Contains(m["text"].(string), "connection refused")
		}) {
			t.Errorf("of a topic of west there is %v", marks)
		}
	})
}

// TestAnnotations asks for events: of types, of nodes, and of more than there may be.
func TestAnnotations(t *testing.T) {
	s := timeseries.NewMemory(timeseries.Options{Tick: tick})
	t.Cleanup(func() { _ = s.Close() })
	orders := topic(west, "orders", 1)
	observe(t, s, "west", "end-offsets", 1, lineage.Observation{Facts: []lineage.Fact{clusterFact("west", west), topicFact("west", orders)}})
	var events []lineage.Event
	for n := range 5 {
		events = append(events, lineage.Event{At: round(2).Add(time.Duration(n-5) * time.Second), Type: lineage.GroupJoined, Group: lineage.GroupRef{Cluster: west, Group: "<a href=//evil>"}, Detail: "<b>"})
	}
	events = append(events, lineage.Event{At: round(2), Type: lineage.ConfigChanged, Topic: orders, Detail: "retention.ms"})
	observe(t, s, "west", "end-offsets", 2, lineage.Observation{Events: events})
	e := New(answer.New(answer.Options{
		History: s, Identity: func() answer.Identity { return people{} }, Now: func() time.Time { return round(2).Add(time.Second) },
		Clusters: []answer.ClusterConfig{{Source: "west", Name: "west", Environment: "shop"}},
	}))
	count := func(query string) (titles []any) {
		for _, m := range flatRows(t, asked(t, e.Annotations, query)) {
			titles = append(titles, m["title"])
		}
		return titles
	}
	if got := count("last=1m"); len(got) != 7 || got[0] != "config changed" || got[1] != "group joined" || got[6] != "not observed" {
		t.Errorf("there are %v", got)
	}
	if got := count("last=1m&types=config_changed,TOPIC_CREATED"); len(got) != 2 || got[0] != "config changed" {
		t.Errorf("of a type there are %v", got)
	}
	if got := count("last=1m&node=topic:west/orders"); len(got) != 2 || got[0] != "config changed" {
		t.Errorf("of a topic there are %v", got)
	}
	text := asked(t, e.Annotations, "last=1m&limit=2")
	rows := flatRows(t, text)
	if len(rows) != 4 || rows[2]["title"] != "not shown" || !strings.HasPrefix(rows[2]["text"].(string), "4 events before") || rows[2]["timeEnd"] != rows[1]["time"] {
		t.Errorf("of six with a limit of two there are %v", rows)
	}
	if strings.ContainsAny(rows[1]["text"].(string), "<>") || !strings.Contains(rows[1]["text"].(string), "&lt;a href=//evil&gt;") {
		t.Errorf("a group's name is markup: %v", rows[1]["text"])
	}
}

// TestGrafanaRefusals asks for what makes no sense: the error names the key and the value.
func TestGrafanaRefusals(t *testing.T) {
	inShop(t, func(t *testing.T, e *Exporter) {
		for _, d := range []struct{ query, want string }{
			{"from=yesterday&to=2", `from: "yesterday" is no instant in milliseconds since 1970, of the years 1970 to 2199`},
			{"from=1&to=7258118400000", `to: "7258118400000" is no instant in milliseconds since 1970, of the years 1970 to 2199`},
			{"from=1", `from: "1" has no to: give both`},
			{"to=1", `to: "1" has no from: give both`},
			{"from=2&to=2", `from: "2" is not before to: "2"`},
			{"from=1&to=2&last=1h", `last: "1h" stands beside from and to: give one window`},
			{"limit=1001", `limit: "1001" is no whole number of 1 to 1000`},
			{"depth=16&root=billing", `depth: "16" is no whole number of 0 to 15`},
			{"root=orders", `root: "orders" is the name of 2 nodes: topic:east/orders, topic:west/orders; give the id of one`},
			{"format=json", `format: "json" is of a parameter that is not known; there are direction, depth, limit, from, to, last, at, start, end, root, includeInactive, includeInternal`},
		} {
			_, err := tried(t, e.GraphNodes, d.query)
			refusedAs(t, d.query, err, d.want)
		}
		for _, d := range []struct{ query, want string }{
			{"types=FLOW_STOPED", `types: "FLOW_STOPED" is no type of event; one is e.g. FLOW_STOPPED`},
			{"node=nobody", `node: "nobody" is neither a node's id, such as topic:west/orders, nor the name of one in this window`},
			{"limit=0", `limit: "0" is no whole number of 1 to 1000`},
		} {
			_, err := tried(t, e.Annotations, d.query)
			refusedAs(t, d.query, err, d.want)
		}
	})
}

// inNodeGraph reads the arrays of Grafana: ids are exact, and pages lead to them.
func inNodeGraph(t *testing.T, p *picture, name string) {
	t.Helper()
	var b strings.Builder
	if err := writeRows(&b, p.Nodes, p.graphNode); err != nil {
		t.Fatal(err)
	}
	for i, row := range flatRows(t, b.String()) {
		page, err := url.Parse(row["detail__page"].(string))
		if err != nil || page.Query().Get("root") != p.Nodes[i].ID || row["id"] != p.Nodes[i].ID || strings.ContainsFunc(row["title"].(string), func(r rune) bool { return r < 0x20 }) {
			t.Fatalf("%q: %v, %v", name, row, err)
		}
	}
	b.Reset()
	if err := writeRows(&b, p.Flows, p.graphEdge); err != nil {
		t.Fatal(err)
	}
	for i, row := range flatRows(t, b.String()) {
		if row["source"] != p.Flows[i].From || row["target"] != p.Flows[i].To || row["mainstat"] == "" {
			t.Fatalf("%q: %v", name, row)
		}
	}
}
