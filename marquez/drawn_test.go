package marquez_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/identity"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/marquez"
)

// changing is a shop whose rules, edits and declarations are others from time to time.
type changing struct {
	*shop
	who      answer.Identity
	edits    *lineage.Edits
	declared *lineage.Declarations
}

// opened returns who answers from the shop and has kept nothing yet.
func (c *changing) opened() http.Handler {
	answers := answer.New(answer.Options{
		History: c.store, Identity: func() answer.Identity { return c.who }, Edits: func() *lineage.Edits { return c.edits },
		Declared: func() *lineage.Declarations { return c.declared }, Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}},
	})
	return marquez.New(marquez.Options{Answers: answers, Names: c.names}).Handler(open(true))
}

func rulesOf(t *testing.T, about string, tags ...string) *identity.Resolver {
	t.Helper()
	r, err := identity.New(identity.Rules{Topics: []identity.TopicRule{{Match: regexp.MustCompile("^orders$"), Tags: tags, About: identity.About{Description: about}}}})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func got(t *testing.T, h http.Handler, path string) string {
	t.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, marquez.Prefix+path, http.NoBody))
	if w.Code != http.StatusOK {
		t.Fatalf("%s is answered with %d: %s", path, w.Code, w.Body)
	}
	return w.Body.String()
}

// TestLineageIsNeverWhatItWas: what is kept of nodes is never taken for what they are after something has changed that
// it hangs on. Who has kept nothing yet answers the same, to the last byte.
func TestLineageIsNeverWhatItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &changing{shop: newShop(t), who: rulesOf(t, "what was ordered")}
		c.fill()
		asked, orders := c.opened(), lineage.Node{Scope: "west", Kind: lineage.TopicNode, Name: "orders"}
		round := func(fill func(*lineage.Observation)) func() {
			return func() {
				at := time.Now()
				for _, source := range []lineage.Source{{Cluster: "west", Name: "all"}, {Cluster: "openlineage", Name: "events"}} {
					o := lineage.Observation{Source: source, Round: at, Interval: tick, At: at}
					if source.Cluster == "openlineage" {
						fill(&o)
					}
					c.observe(o)
				}
			}
		}
		told := func(i int, change func(*lineage.Fact)) func() {
			return round(func(o *lineage.Observation) {
				f := toldFacts()[i]
				change(&f)
				o.Facts = append(o.Facts, f)
			})
		}
		edit := func(field lineage.Field, text string) func() {
			return func() {
				c.edits = c.edits.With(&lineage.Edit{Node: orders, At: midnight, By: "me", Changes: []lineage.Change{{Slot: lineage.Slot{Field: field}, Texts: []string{text}}}})
			}
		}
		const job, back = "lineage?nodeId=job:airflow:load", "&asOf=2000-01-01T00:19:00Z"
		was, wasBack := "", ""
		for _, x := range []struct {
			what string
			do   func()
			past bool // it changes what is said of the past, too
		}{
			{"first", func() {}, true},
			{"declarations", func() {
				c.declared = &lineage.Declarations{Components: []lineage.DeclaredComponent{{Kind: "Component", Name: "x", Tags: []string{"declared"}, Nodes: []lineage.Node{orders}}}}
			}, true},
			{"rules", func() { c.who = rulesOf(t, "what was ordered", "pci") }, true},
			{"rules again", func() { c.who = rulesOf(t, "other words", "pci") }, true},
			{"an edit", edit(lineage.DescriptionField, "edited"), true},
			{"another edit", edit(lineage.TagsField, "edited"), true},
			{"a round", round(func(*lineage.Observation) {}), false},
			{"a run that ended", told(0, func(f *lineage.Fact) { f.Runs.Runs[0].State = lineage.RunCompleted }), false},
			{"a job's description", told(0, func(f *lineage.Fact) { f.Runs.Description = "brings them" }), false},
			{"a column", told(2, func(f *lineage.Fact) { f.Schema.Columns[0].Type = "int" }), false},
			{"a flow", round(func(o *lineage.Observation) {
				a := lineage.Access{Dataset: lineage.Dataset{Namespace: "file", Name: "new"}, Op: lineage.Read, Client: lineage.Client{Mover: load}}
				o.Sightings = append(o.Sightings, lineage.Sighting{Access: a, Evidence: lineage.OpenLineage, Moved: true})
			}), false},
		} {
			x.do()
			is, isBack := got(t, asked, job), got(t, asked, job+back)
			if is == was {
				t.Errorf("%s: nothing has changed in %s", x.what, is)
			}
			if changed := isBack != wasBack; changed != x.past {
				t.Errorf("%s: that the past has changed is %t: %s", x.what, changed, isBack)
			}
			for path, answered := range map[string]string{job: is, job + back: isBack} {
				for range 2 { // the second time of what is kept
					if again := got(t, asked, path); again != answered {
						t.Errorf("%s: %s is answered with %s, then %s", x.what, path, answered, again)
					}
				}
				if fresh := got(t, c.opened(), path); fresh != answered {
					t.Errorf("%s: %s is answered with %s, by who kept nothing with %s", x.what, path, answered, fresh)
				}
			}
			was, wasBack = is, isBack
			time.Sleep(tick)
		}
	})
}

// TestLineageOfASilentTimeIsNotKeptBeyondIt: until when a topic was there hangs on how far the store is, also in a
// window to which nothing comes.
func TestLineageOfASilentTimeIsNotKeptBeyondIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &changing{shop: newShop(t), who: rulesOf(t, "what was ordered")}
		c.fill()
		time.Sleep(10 * time.Minute)
		asked := c.opened()
		path := "lineage?depth=0&nodeId=" + url.QueryEscape("dataset:kafka://b1:9092:orders") + "&asOf=" + time.Now().Add(-time.Minute).UTC().Format(time.RFC3339)
		before := got(t, asked, path)
		if is := got(t, asked, path); is != before {
			t.Errorf("%s is answered with %s, then %s", path, before, is)
		}
		at := time.Now()
		c.observe(lineage.Observation{Source: lineage.Source{Cluster: "east", Name: "all"}, Round: at, Interval: tick, At: at})
		if is, fresh := got(t, asked, path), got(t, c.opened(), path); is != fresh || is == before {
			t.Errorf("%s is answered with %s, by who kept nothing with %s; before with %s", path, is, fresh, before)
		}
	})
}

// TestLineageSaysOfANodeWhatItsPathSays: each member that both have is the same.
func TestLineageSaysOfANodeWhatItsPathSays(t *testing.T) {
	in(t, func(t *testing.T, s *shop) {
		for _, root := range []string{"job:airflow:load", "dataset:kafka://b1:9092:payments", "job:" + odd + ":" + odd} {
			list, _ := s.has("lineage?depth=3&nodeId=" + url.QueryEscape(root))["graph"].([]any)
			if len(list) < 2 {
				t.Errorf("of %s there is %v", root, list)
			}
			for _, v := range list {
				in, path := "job", "/jobs/"
				if at(t, v, "type") == "DATASET" {
					in, path = "dataset", "/datasets/"
				}
				ns, name := fmt.Sprint(at(t, v, "data", "id", "namespace")), fmt.Sprint(at(t, v, "data", "id", "name"))
				if id := at(t, v, "id"); id != in+":"+ns+":"+name {
					t.Errorf("%v is called %v", at(t, v, "data"), id)
				}
				own := s.has("namespaces/" + url.PathEscape(ns) + path + url.PathEscape(name))
				data, _ := at(t, v, "data").(map[string]any)
				for key, is := range data {
					want, has := own[key]
					if has && key != "lastModifiedAt" && !reflect.DeepEqual(is, want) {
						t.Errorf("%s of %s %s is %v in lineage, and %v by itself", key, in, name, is, want)
					}
				}
				if in == "job" && at(t, v, "data", "latestRun") != nil && at(t, v, "data", "latestRun", "id") != at(t, v, "data", "currentRunUuid") {
					t.Errorf("the current run is %v of %v", at(t, v, "data", "currentRunUuid"), data)
				}
			}
		}
	})
}

// TestLargeLineageIsWhole: each edge is at both of its ends, and what a job uses is what its edges say.
func TestLargeLineageIsWhole(t *testing.T) {
	l := newLayered(t, benchRules(t))
	type end struct{ Origin, Destination string }
	type vertex struct {
		ID, Type string
		Data     struct {
			Inputs, Outputs []struct{ Namespace, Name string }
		}
		InEdges, OutEdges []end
	}
	for range 2 {
		var is struct {
			Graph    []vertex
			Coverage struct{ Truncated bool }
		}
		if err := json.Unmarshal(l.around(t, 20), &is); err != nil {
			t.Fatal(err)
		}
		if len(is.Graph) != 810 || is.Coverage.Truncated {
			t.Fatalf("%d nodes, truncated %t", len(is.Graph), is.Coverage.Truncated)
		}
		in, out := map[end]int{}, map[end]int{}
		for i, v := range is.Graph {
			if i > 0 && is.Graph[i-1].ID >= v.ID {
				t.Fatalf("%s comes after %s", v.ID, is.Graph[i-1].ID)
			}
			for _, e := range v.InEdges {
				in[e]++
			}
			for _, e := range v.OutEdges {
				out[e]++
			}
			if v.Type != "JOB" {
				continue
			}
			if len(v.Data.Inputs) != 2 || len(v.Data.Outputs) != 1 || len(v.InEdges) != 2 || len(v.OutEdges) != 1 {
				t.Fatalf("%+v", v)
			}
			for k, d := range v.Data.Inputs {
				if want := (end{"dataset:" + d.Namespace + ":" + d.Name, v.ID}); v.InEdges[k] != want {
					t.Errorf("%v is no %v", v.InEdges[k], want)
				}
			}
		}
		if len(in) != 3*layers*10 || !reflect.DeepEqual(in, out) {
			t.Errorf("%d edges come in, %d go out", len(in), len(out))
		}
	}
}

// TestLineageIsCutWhereThereIsMore: beyond as many nodes as one answer has it is cut, and says so.
func TestLineageIsCutWhereThereIsMore(t *testing.T) {
	in(t, func(t *testing.T, s *shop) {
		time.Sleep(tick)
		now := time.Now()
		o := lineage.Observation{Source: lineage.Source{Cluster: "openlineage", Name: "events"}, Round: now, Interval: tick, At: now}
		for i := range 2100 {
			a := lineage.Access{Dataset: lineage.Dataset{Namespace: "file", Name: fmt.Sprint(i)}, Op: lineage.Read, Client: lineage.Client{Mover: load}}
			o.Sightings = append(o.Sightings, lineage.Sighting{Access: a, Evidence: lineage.OpenLineage, Moved: true})
		}
		s.observe(o)
		s.observe(lineage.Observation{Source: lineage.Source{Cluster: "west", Name: "all"}, Round: now, Interval: tick, At: now})
		time.Sleep(tick)
		body := s.has("lineage?depth=0&nodeId=job:airflow:load")
		if list, _ := body["graph"].([]any); len(list) != 2000 || at(t, body, "coverage", "truncated") != true {
			t.Errorf("%d nodes, truncated %v", len(list), at(t, body, "coverage", "truncated"))
		}
	})
}
