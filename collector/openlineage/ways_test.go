package openlineage

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

// waysTold is what was told last of the ways through a job, in words: "a>c" a way, ">c" that all to c is told, and "-"
// behind what is so no more.
func (w *world) waysTold() string {
	var f *lineage.WaysFact
	for _, o := range w.obs {
		for _, x := range o.Facts {
			if x.Key.Kind == lineage.WaysFacts {
				f = x.Ways
			}
		}
	}
	if f == nil {
		return "nothing"
	}
	var out []string
	for _, x := range f.Ways {
		is := ">" + f.Ends[x.To].Name
		if x.From >= 0 {
			is = f.Ends[x.From].Name + is
		}
		if f.Ends[x.To].Kind == lineage.TopicNode {
			is += " in " + f.Ends[x.To].Scope
		}
		if !x.Until.IsZero() {
			is += "-"
		}
		out = append(out, is)
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}

func (w *world) leadsTo(what, want string) {
	w.Helper()
	w.round()
	all := strings.Split(want, ", ")
	slices.Sort(all)
	if got := w.waysTold(); got != strings.Join(all, ", ") {
		w.Errorf("%s: told are %s, want %s", what, got, want)
	}
}

func facet(ways ...string) string {
	var entries []string
	for _, x := range ways {
		from, to, _ := strings.Cut(x, ">")
		var inputs []string
		for n := range strings.FieldsSeq(from) {
			inputs = append(inputs, `{"type":"DATASET","namespace":"x","name":"`+n+`"}`)
		}
		space := "x"
		if at := strings.LastIndexByte(to, '/'); at > 0 {
			space, to = to[:at], to[at+1:]
		}
		entries = append(entries, fmt.Sprintf(`{"type":"DATASET","namespace":%q,"name":%q,"inputs":[%s]}`, space, to, strings.Join(inputs, ",")))
	}
	return `"lineage":{"entries":[` + strings.Join(entries, ",") + `]}`
}

// blinded is the newest blind spot that has a word in it; empty: none has now.
func (w *world) blinded(word string) string {
	for _, o := range slices.Backward(w.obs) {
		for _, f := range o.Facts {
			if f.Key.Kind != lineage.BlindSpotFacts {
				continue
			}
			for _, s := range f.BlindSpots {
				if strings.Contains(s.What, word) {
					return s.What
				}
			}
			return ""
		}
	}
	return ""
}

func TestWaysThroughAJob(t *testing.T) {
	w := newWorld(t)
	w.send(w.event(1, "START", "", "x/a x/b", "x/c x/d"))
	w.leadsTo("no facet", "nothing")
	w.send(w.event(1, "RUNNING", facet("a>c"), "", ""))
	w.leadsTo("a facet of one of two outputs, in another event than inputs and outputs", "a>c, >c, >d")
	if said := w.blinded("lineage facet"); !strings.Contains(said, "dataset:x/d by job:ns/j") {
		t.Errorf("of the other output it is said: %q", said)
	}
	w.start()
	w.send(w.event(1, "RUNNING", facet("e>d"), "", ""))
	w.leadsTo("after a restart, and from what no list of inputs has", "a>c, >c, e>d, >d")
	if said := w.blinded("lineage facet"); said != "" {
		t.Errorf("it is still said: %q", said)
	}
	w.send(w.event(2, "START", "", "x/b", "x/c"))
	w.leadsTo("another run without a facet", "a>c, b>c, >c, e>d, >d")
	w.send(w.event(1, "COMPLETE", "", "", ""), w.event(2, "COMPLETE", "", "", ""))
	w.leadsTo("both are over", "a>c-, b>c-, >c-, e>d-, >d-")
	w.at = w.at.Add(25 * time.Hour)
	w.round()
	if n := len(w.c.source.runs); n > 0 {
		t.Fatalf("%d runs are kept after a day", n)
	}
	w.start()
	w.send(w.event(3, "START", facet("b>c"), "", ""))
	w.leadsTo("a day after", "a>c-, b>c, >c, e>d-, >d-")
	w.at = w.at.Add(8 * 24 * time.Hour)
	w.send(w.event(3, "RUNNING", "", "", ""))
	w.leadsTo("when nobody draws the others any more", "b>c, >c")
	w.send(w.event(3, "COMPLETE", "", "", ""))
	w.leadsTo("over", "b>c-, >c-")
	w.at = w.at.Add(9 * 24 * time.Hour)
	w.leadsTo("and forgotten", "nothing")
	for key := range w.positions {
		if strings.HasPrefix(key, waysPrefix) {
			t.Errorf("position %s is left", key)
		}
	}
}

func TestWaysOfOutputs(t *testing.T) {
	w := newWorld(t)
	body := strings.TrimSuffix(w.event(1, "START", "", "x/a x/b", ""), `"outputs":[]}`)
	w.send(body + `"outputs":[{"namespace":"x","name":"c","facets":{"lineage":{"inputs":[{"type":"DATASET","namespace":"x","name":"a"}]}}},{"namespace":"x","name":"d"}]}`)
	w.leadsTo("the facet of an output covers that one: to the other all leads", "a>c, >c, a>d, b>d")
}

// A facet may name a table, and another event say that it is a topic; and a topic by another address of its cluster.
func TestWaysToATopic(t *testing.T) {
	w := newWorld(t)
	w.send(w.event(1, "START", facet("a>hive/orders_t", "b>kafka://b2:9092/orders"), "", ""))
	w.leadsTo("two outputs", "b>orders in id-west, >orders in id-west, a>orders_t, >orders_t")
	body := strings.TrimSuffix(w.event(1, "RUNNING", "", "", ""), `"outputs":[]}`)
	w.send(body + `"outputs":[{"namespace":"hive","name":"orders_t","facets":{"symlinks":{"identifiers":[{"namespace":"kafka://b1:9092","name":"orders","type":"TABLE"}]}}}]}`)
	w.leadsTo("they are one topic", "a>orders in id-west, b>orders in id-west, >orders in id-west")

	w = newWorld(t)
	w.board.Await("east")
	w.send(w.event(1, "START", facet("a>kafka://e1:9092/orders"), "", ""))
	w.leadsTo("of a cluster that was not reached yet", "nothing")
	w.board.SetCluster(collector.Watched{Source: "east", ID: "id-east", Bootstrap: []string{"e1:9092"}, IDs: map[string]lineage.TopicID{"orders": orders}})
	w.leadsTo("of one that was", "a>orders in id-east, >orders in id-east")
}

func TestWaysOfASnapshot(t *testing.T) {
	w := newWorld(t)
	w.send(w.event(1, "RUNNING", snapshots+","+facet("a>c", "b>d"), "", ""))
	w.leadsTo("all there is", "a>c, >c, b>d, >d")
	w.send(w.event(1, "RUNNING", snapshots+","+facet("a>d"), "", ""))
	w.leadsTo("and all there is now", "a>d, >d")
	w.send(w.event(1, "RUNNING", snapshots, "x/a x/b", "x/c"))
	w.leadsTo("without a facet", "a>c, b>c")
}

func TestDeclaredWays(t *testing.T) {
	w := newWorld(t)
	declared := func(facets, out string) string {
		return fmt.Sprintf(`{"eventTime":%q,"job":{"namespace":"ns","name":"j","facets":{%s}},"inputs":[{"namespace":"x","name":"a"},{"namespace":"x","name":"b"}],"outputs":[%s]}`, w.now(), facets, out)
	}
	const c, d = `{"namespace":"x","name":"c"}`, `{"namespace":"x","name":"d"}`
	w.send(declared("", c+","+d), w.event(1, "START", facet("a>c"), "", ""))
	w.leadsTo("a run tells of one output, and nobody of the other", "a>c, >c, a>d, b>d")
	w.at = w.at.Add(time.Second)
	w.send(declared(facet("b>c"), c))
	w.leadsTo("a facet of the declaration counts as one of a run", "a>c, b>c, >c")
}

func TestMoreWaysThanMayBe(t *testing.T) {
	w := newWorld(t)
	all := func(letter string) string {
		var names []string
		for n := range 120 {
			names = append(names, fmt.Sprintf("x/%s%d", letter, n))
		}
		return strings.Join(names, " ")
	}
	w.send(w.event(1, "START", facet("a>c"), "", ""), w.event(2, "START", "", all("in"), all("out")))
	w.round()
	if n := strings.Count(w.waysTold(), ","); n > mostWays+2 || n < mostWays/2 {
		t.Errorf("%d ways are told", n)
	}
	w.send(w.event(3, "START", facet(strings.ReplaceAll(all("in"), "x/", "")+">out200"), "", ""), w.event(4, "START", "", all("other"), "x/c"))
	w.leadsTo("more than may be", "nothing")
	if said := w.blinded("ways through jobs"); !strings.Contains(said, "job:ns/j") {
		t.Errorf("it is said: %q", said)
	}
}

// TestOrderOfWays holds that whatever the order in which events come the same ways are told at the end.
func TestOrderOfWays(t *testing.T) {
	base := newWorld(t)
	r := rand.New(rand.NewPCG(5, 7))
	var events []string
	for run := range 4 {
		for i, kind := range []string{"START", "RUNNING", "OTHER", "COMPLETE"}[:3+run%2] {
			base.at = t0.Add(time.Duration(run*10+i) * time.Second)
			job := []string{"", snapshots}[run/3]
			if r.IntN(3) == 0 {
				job = strings.TrimPrefix(job+","+facet(fmt.Sprintf("in%d>out%d", r.IntN(3), r.IntN(2)), "in1>hive/t"), ",")
			}
			e := base.event(run, kind, job, fmt.Sprintf("x/in%d", r.IntN(3)), fmt.Sprintf("x/out%d", r.IntN(2)))
			if r.IntN(3) == 0 {
				e = strings.Replace(e, `"outputs":[`, `"outputs":[{"namespace":"hive","name":"t","facets":{"symlinks":{"identifiers":[{"namespace":"kafka://b1:9092","name":"orders"}]}}},`, 1)
			}
			events = append(events, e)
		}
	}
	final := func(seed uint64) string {
		r := rand.New(rand.NewPCG(seed, 0))
		w := newWorld(t)
		w.at = t0.Add(2 * time.Minute)
		mixed := slices.Clone(events)
		if seed > 0 {
			mixed = append(mixed, events[r.IntN(len(events))])
			r.Shuffle(len(mixed), func(i, j int) { mixed[i], mixed[j] = mixed[j], mixed[i] })
		}
		for _, e := range mixed {
			w.send(e)
			switch r.IntN(4) {
			case 0:
				w.round()
			case 1:
				w.refuse = errors.New("the disk is full")
				w.round()
				w.refuse = nil
			case 2:
				w.start()
			}
		}
		w.round()
		w.round()
		return w.waysTold()
	}
	want := final(0)
	if !strings.Contains(want, "in1>orders in id-west") || !strings.Contains(want, "-") {
		t.Errorf("the world is too tidy: %s", want)
	}
	for seed := range uint64(15) {
		if got := final(seed + 1); got != want {
			t.Fatalf("in order %d it is\n%s\nand in another\n%s", seed+1, got, want)
		}
	}
}
