package openlineage

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/runevent"
	"github.com/lineaged/lineaged/lineage"
)

// ofDataset makes an event of the dataset x/NAME with a lineage facet.
func (w *world) ofDataset(name string, inputs ...string) string {
	var all []string
	for _, n := range inputs {
		kind := "DATASET"
		if job, is := strings.CutPrefix(n, "job "); is {
			n, kind = job, "JOB"
		}
		all = append(all, fmt.Sprintf(`{"namespace":"x","name":%q,"type":%q}`, n, kind))
	}
	return fmt.Sprintf(`{"eventTime":%q,"producer":"p","schemaURL":"s","dataset":{"namespace":"x","name":%q,"facets":{"lineage":{"inputs":[%s]}}}}`, w.now(), name, strings.Join(all, ","))
}

const ownWord = "say of themselves"

func TestDatasetsSayWhatTheyAreMadeOf(t *testing.T) {
	w := newWorld(t)
	w.send(w.ofDataset("v", "a", "b", "job j"))
	w.wants("a job that the dataset names writes it", "job:x/j write x/v moved=false", "job:x/j write x/v pending=0")
	if said := w.blinded(ownWord); !strings.Contains(said, "dataset:x/v of dataset:x/a and dataset:x/b") {
		t.Errorf("of what no job does it is said: %q", said)
	}
	w.wants("nothing new")
	w.start()
	w.wants("after a restart")
	if said := w.blinded(ownWord); !strings.Contains(said, "dataset:x/v") {
		t.Errorf("after a restart it is said: %q", said)
	}
	w.at = w.at.Add(25 * time.Hour)
	w.wants("a day later", "job:x/j write x/v moved=false", "job:x/j write x/v pending=0")
	w.at = w.at.Add(time.Second)
	late := w.ofDataset("v", "c", "job other")
	w.at = w.at.Add(time.Second)
	w.send(w.ofDataset("v"), late)
	w.wants("it takes that back, and an older event comes late")
	if said := w.blinded(ownWord); said != "" {
		t.Errorf("it is still said: %q", said)
	}
	w.at = w.at.Add(25 * time.Hour)
	w.wants("nor the next day")
}

// What a dataset says of its job does not undo what the job declares of its ways.
func TestADatasetsJobDeclaresToo(t *testing.T) {
	w := newWorld(t)
	w.send(fmt.Sprintf(`{"eventTime":%q,"job":{"namespace":"x","name":"j"},"inputs":[{"namespace":"x","name":"a"}],"outputs":[{"namespace":"x","name":"c"}]}`, w.now()))
	w.send(w.ofDataset("v", "job j"))
	w.wants("both", "job:x/j read x/a moved=false", "job:x/j read x/a pending=0", "job:x/j write x/c moved=false", "job:x/j write x/c pending=0",
		"job:x/j write x/v moved=false", "job:x/j write x/v pending=0")
	w.send(strings.Replace(w.event(1, "START", facet("b>d"), "", ""), `"namespace":"ns"`, `"namespace":"x"`, 1))
	w.leadsTo("a run tells of another output", "a>c, b>d, >d")
}

func TestMoreDatasetsThanMaySay(t *testing.T) {
	w := newWorld(t)
	var events []runevent.Event
	for n := range mostDerived + 2 {
		w.at = t0.Add(time.Duration(n) * time.Millisecond)
		e, _, err := runevent.Parse([]byte(w.ofDataset(fmt.Sprintf("v%04d", n), "a")))
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, e)
	}
	if err := w.c.Take(t.Context(), events); err != nil {
		t.Fatal(err)
	}
	w.round()
	if n := len(w.c.source.derived); n != mostDerived || w.c.source.derived[name("x/v0001")] != nil {
		t.Errorf("%d are kept, with the oldest: %v", n, w.c.source.derived[name("x/v0001")] != nil)
	}
	if said := w.blinded("beyond 5000"); said == "" {
		t.Error("that some are forgotten is not said")
	}
	w.start()
	w.round()
	if said := w.blinded("beyond 5000"); said == "" {
		t.Error("after a restart it is not said that some are forgotten")
	}
	w.positions[underivedKey] = []byte("?")
	w.start()
	w.round()
	if said := w.blinded("beyond 5000"); said == "" {
		t.Error("where that can't be read it is not said that some may be forgotten")
	}
	w.start()
	w.round()
	if said := w.blinded("beyond 5000"); said == "" {
		t.Error("nor after another restart")
	}
}

const otherwise = "columnLineage says otherwise"

func TestFieldsOfWays(t *testing.T) {
	w := newWorld(t)
	field := func(from string) string {
		return `"inputs":[{"namespace":"kafka://b2:9092","name":"orders","type":"DATASET","field":"` + from + `"}]`
	}
	entry := func(from string) string {
		return `"lineage":{"entries":[{"namespace":"x","name":"c","type":"DATASET","fields":{"mail":{` + field(from) + `}}}]}`
	}
	w.send(w.event(1, "START", entry("email"), "", ""))
	w.round()
	want := []string{"job:ns/j makes / x c: mail of id-west/orders email ()"}
	if got := w.columnsTold(0); !slices.Equal(got, want) {
		t.Errorf("told %q, want %q", got, want)
	}
	n := len(w.obs)
	other := strings.TrimSuffix(w.event(1, "RUNNING", entry("email"), "", ""), `"outputs":[]}`) +
		`"outputs":[{"namespace":"x","name":"c","facets":{"columnLineage":{"fields":{"mail":{"inputFields":[{"namespace":"x","name":"a","field":"email"}]}}}}}]}`
	w.send(other)
	w.round()
	if got := w.columnsTold(n); len(got) > 0 {
		t.Errorf("columnLineage outranks lineage: %q", got)
	}
	for _, when := range []string{"now", "after a restart"} {
		if said := w.blinded(otherwise); !strings.Contains(said, "dataset:x/c by job:ns/j") {
			t.Errorf("that they differ is not said %s: %q", when, said)
		}
		w.start()
		w.round()
	}
	w.send(w.event(1, "RUNNING", entry("email"), "", ""))
	w.round()
	if said := w.blinded(otherwise); said != "" {
		t.Errorf("it is said once they agree: %q", said)
	}
}

// What datasets say of themselves counts as what runs name, and is refused beyond the same bound; what says less is
// not.
func TestWhatDatasetsSayIsBounded(t *testing.T) {
	w := newWorld(t)
	edges := func(what string, want int) {
		t.Helper()
		if got := w.c.source.edges; got != want {
			t.Errorf("%s: %d are counted, want %d", what, got, want)
		}
	}
	w.send(w.ofDataset("v", "a", "b", "job j"), w.ofDataset("u", "a"))
	w.round()
	edges("two datasets", 6)
	w.start()
	w.round()
	edges("after a restart", 6)
	w.at = w.at.Add(time.Second)
	w.send(w.ofDataset("v", "a", "job j"))
	w.round()
	edges("one says less", 5)
	w.c.source.edges = maxEdges + 1
	w.at = w.at.Add(time.Second)
	w.send(w.ofDataset("v", "a", "b", "c", "job j"), w.ofDataset("new"), w.ofDataset("u"))
	w.round()
	edges("there is no room", maxEdges)
	if s := w.c.source; s.derived[name("x/new")] != nil || len(s.derived[name("x/v")].From) != 1 || len(s.derived[name("x/u")].From) != 0 {
		t.Errorf("without room it is known: %+v", s.derived)
	}
	if said := w.blinded("more datasets than are kept"); !strings.Contains(said, "runs name more") {
		t.Errorf("it is said: %q", said)
	}
}

// columnsKnown are the facts about columns as they were told last, and what is said of them and of datasets, in words.
func (w *world) columnsKnown() string {
	facts := map[lineage.FactKey]string{}
	for i, o := range w.obs {
		for _, f := range o.Facts {
			if f.Schema != nil || f.Columns != nil {
				one := &world{T: w.T, obs: []lineage.Observation{{Facts: []lineage.Fact{w.obs[i].Facts[slices.IndexFunc(o.Facts, func(x lineage.Fact) bool { return x.Key == f.Key })]}}}}
				facts[f.Key] = strings.Join(one.columnsTold(0), "; ")
			}
		}
	}
	var all []string
	for _, text := range facts {
		all = append(all, text)
	}
	slices.Sort(all)
	return strings.Join(append(all, w.blinded(ownWord), w.blinded(otherwise)), "\n")
}

// TestOrderOfColumns holds that whatever the order in which events come the same is known of columns and of what
// datasets say of themselves.
func TestOrderOfColumns(t *testing.T) {
	base := newWorld(t)
	r := rand.New(rand.NewPCG(3, 8))
	from := func() string {
		return fmt.Sprintf(`[{"namespace":"x","name":"in%d","type":"DATASET","field":"f%d"}]`, r.IntN(2), r.IntN(2))
	}
	var events []string
	for n := range 16 {
		base.at = t0.Add(time.Duration(n/2) * time.Second) // two of each instant
		var facets []string
		if r.IntN(4) > 0 {
			facets = append(facets, `"columnLineage":{"fields":{"c1":{"inputFields":`+from()+`},"c2":{"inputFields":`+from()+`}}}`)
		}
		if r.IntN(4) > 0 {
			facets = append(facets, `"lineage":{"fields":{"c1":{"inputs":`+from()+`}},"inputs":`+from()+`}`)
		}
		switch n % 4 {
		case 0:
			events = append(events, base.ofDataset(fmt.Sprintf("v%d", r.IntN(2)), [][]string{nil, {"a"}, {"b", "job j"}}[r.IntN(3)]...))
		default:
			e := strings.TrimSuffix(base.event(n%3, "RUNNING", "", "", ""), `"outputs":[]}`)
			events = append(events, e+fmt.Sprintf(`"outputs":[{"namespace":"x","name":"out%d","facets":{%s}}]}`, r.IntN(2), strings.Join(facets, ",")))
		}
	}
	final := func(seed uint64) string {
		r := rand.New(rand.NewPCG(seed, 0))
		w := newWorld(t)
		w.at = t0.Add(time.Minute)
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
		return w.columnsKnown()
	}
	want := final(0)
	for _, word := range []string{"makes / x out0", "makes / x out1", ownWord, otherwise} {
		if !strings.Contains(want, word) {
			t.Errorf("the world is too tidy, it has no %q: %s", word, want)
		}
	}
	for seed := range uint64(12) {
		if got := final(seed + 1); got != want {
			t.Fatalf("in order %d it is\n%s\nand in another\n%s", seed+1, got, want)
		}
	}
}

func name(s string) runevent.Name {
	namespace, name, _ := strings.Cut(s, "/")
	return runevent.Name{Namespace: namespace, Name: name}
}
