package registry

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/collector/sourcetest"
	"github.com/lineaged/lineaged/lineage"
)

const (
	tick   = 10 * time.Second
	canary = "hunter2-canary"
)

var t0 = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

// fake answers as Confluent's registry does.
type fake struct {
	*httptest.Server
	mu       sync.Mutex // guards the fields below
	versions map[string][]map[string]any
	levels   map[string]string // by subject; "" is the registry's own
	answer   http.HandlerFunc
	asked    []string
	groups   map[string]bool // that were named with requests; "" is none
}

func newFake(t *testing.T) *fake {
	f := &fake{versions: map[string][]map[string]any{}, levels: map[string]string{"": "BACKWARD"}, groups: map[string]bool{}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, r.Method+" "+r.URL.Path)
	f.groups[r.Header.Get("X-Registry-GroupId")] = true
	if f.answer != nil {
		answer := f.answer
		f.mu.Unlock()
		answer(w, r)
		f.mu.Lock()
		return
	}
	say := func(x any) {
		w.Header().Set("Content-Type", "application/vnd.schemaregistry.v1+json")
		_ = json.NewEncoder(w).Encode(x)
	}
	none := func() {
		w.Header().Set("Content-Type", "application/vnd.schemaregistry.v1+json")
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"error_code":40401,"message":"Subject not found."}`))
	}
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/apis/ccompat/v7/"), "/")
	switch {
	case len(parts) == 1 && parts[0] == "subjects":
		say(slices.Sorted(maps.Keys(f.versions)))
	case parts[0] == "config":
		level, ok := f.levels[strings.Join(parts[1:], "/")]
		if !ok {
			none()
			return
		}
		say(map[string]string{"compatibilityLevel": level})
	case len(parts) == 4 && len(f.versions[parts[1]]) > 0:
		all := f.versions[parts[1]]
		for i, v := range all {
			if parts[3] == fmt.Sprint(i+1) || parts[3] == "latest" && i == len(all)-1 {
				say(v)
				return
			}
		}
		none()
	default:
		none()
	}
}

// register adds a version of a subject.
func (f *fake) register(subject, kind, schema string, refs ...map[string]any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	v := map[string]any{"subject": subject, "version": len(f.versions[subject]) + 1, "id": 100 + len(f.versions), "schema": schema}
	if kind != "" {
		v["schemaType"] = kind
	}
	if refs != nil {
		v["references"] = refs
	}
	f.versions[subject] = append(f.versions[subject], v)
}

func (f *fake) answers(h http.HandlerFunc) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.answer = h
}

func board() *collector.Board {
	b := &collector.Board{}
	b.SetCluster(collector.Watched{Source: "west", ID: "west-id", Topics: []string{"customers", "orders"}, IDs: map[string]lineage.TopicID{"orders": {7}}})
	return b
}

// world is a source that is asked by hand.
type world struct {
	*testing.T
	*fake
	cfg    Config
	source *source
	at     time.Time
	sink   positions
}

// positions is a sink that holds positions alone.
type positions map[string][]byte

func (p positions) Append(context.Context, ...lineage.Observation) error { return nil }

func (p positions) Positions(context.Context, lineage.Source) (map[string][]byte, error) {
	return p, nil
}

func newWorld(t *testing.T) *world {
	f := newFake(t)
	w := &world{T: t, fake: f, at: t0, sink: positions{}, cfg: Config{
		Name: "registry-west", URLs: []string{f.URL + "/apis/ccompat/v7/"}, Cluster: "west", Interval: tick, Board: board(), Username: "u", Password: func() string { return canary },
	}}
	w.restart()
	return w
}

func (w *world) restart() {
	c, err := New(w.cfg, w.sink)
	if err != nil {
		w.Fatal(err)
	}
	w.source = c.source
	if err := w.source.Restore(w.Context(), w.sink); err != nil {
		w.Fatal(err)
	}
}

// round takes a round and returns what it told in words.
func (w *world) round() string {
	w.Helper()
	w.at = w.at.Add(tick)
	var out strings.Builder
	for _, o := range w.source.Observe(w.Context(), w.at) {
		for _, f := range o.Facts {
			switch {
			case f.Gone:
				fmt.Fprintf(&out, "gone %s\n", f.Key.Name)
			case f.Schema != nil:
				s := f.Schema
				fmt.Fprintf(&out, "%s v%d %d %s %s of %s %s: %s %s\n", s.Subject, s.Version, s.ID, s.Format, s.Compatibility, s.Topic.Name, s.Part, say(read{record: s.Record, columns: s.Columns, cut: s.Cut}, nil), s.Problem)
			}
			for _, b := range f.BlindSpots {
				fmt.Fprintf(&out, "blind %s\n", b.What)
			}
		}
		for _, e := range o.Events {
			fmt.Fprintf(&out, "event %s %s %s\n", e.Type, e.Topic.Name, e.Detail)
		}
		for _, m := range o.Missing {
			fmt.Fprintf(&out, "missing %s\n", m.Reason)
		}
		for _, p := range o.Positions {
			if p.Value == nil {
				delete(w.sink, p.Key)
			} else {
				w.sink[p.Key] = p.Value
			}
		}
	}
	w.source.Stored()
	if strings.Contains(out.String(), canary) {
		w.Errorf("a secret is told: %s", out.String())
	}
	return strings.ReplaceAll(out.String(), w.URL, "URL")
}

// rounds takes as many as it takes to look at all again.
func (w *world) rounds() (out string) {
	for range looksEvery {
		out += w.round()
	}
	return out
}

func (w *world) is(got, want string) {
	w.Helper()
	if want = strings.TrimLeft(strings.ReplaceAll(want, "\t", ""), "\n"); got != want {
		w.Errorf("told\n%s\nwant\n%s", got, want)
	}
}

func record(fields string) string {
	return `{"type":"record","name":"Order","namespace":"shop","fields":[` + fields + `]}`
}

// TestLife: subjects come, change and go, and each is told once, over a restart too.
func TestLife(t *testing.T) {
	w := newWorld(t)
	w.register("orders-value", "", record(`{"name":"id","type":"int"},{"name":"email","type":"string","doc":"`+canary+`","default":"`+canary+`"}`))
	w.register("shop.Order", "", record(`{"name":"id","type":"int"}`))
	w.levels["orders-value"] = "FULL"
	w.is(w.rounds(), `
		orders-value v1 100 AVRO FULL of orders value: shop.Order: id int, email string 
		shop.Order v1 101 AVRO BACKWARD of  : shop.Order: id int 
		blind of which topic these subjects of the registry are, since they are called after a record (RecordNameStrategy), which any topic may hold: shop.Order
	`)
	w.is(w.rounds(), "")
	w.register("orders-value", "", record(`{"name":"id","type":"long"},{"name":"phone","type":["null","string"]}`))
	w.register("orders-key", "JSON", `{"type":"string"}`)
	w.is(w.rounds(), `
		orders-key v1 102 JSON BACKWARD of orders key: :  string 
		orders-value v2 102 AVRO FULL of orders value: shop.Order: id long, phone string? 
		event SCHEMA_CHANGED orders the subject orders-key is new in the registry registry-west
		event SCHEMA_CHANGED orders the subject orders-value has version 2, and had 1; without: email; new: phone; changed: id (long, was int)
	`)
	w.register("orders-value", "", record(`{"name":"id","type":"long"}`))
	delete(w.versions, "orders-key")
	w.levels["shop.Order"] = "NONE"
	w.restart()
	w.is(w.rounds(), `
		gone orders-key
		orders-value v3 103 AVRO FULL of orders value: shop.Order: id long 
		shop.Order v1 101 AVRO NONE of  : shop.Order: id int 
		blind of which topic these subjects of the registry are, since they are called after a record (RecordNameStrategy), which any topic may hold: shop.Order
		event SCHEMA_CHANGED orders the subject orders-key is gone from the registry registry-west
		event SCHEMA_CHANGED orders the subject orders-value has version 3, and had 2; without: phone
		event SCHEMA_CHANGED  the compatibility of the subject shop.Order is NONE, and was BACKWARD
	`)
}

// TestFaults: what can't be asked, read or believed is said in words, without a secret, and costs no more than a bound.
func TestFaults(t *testing.T) {
	for name, x := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"bad credentials": {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }, "URL: status 401: it refuses the configured basic_auth"},
		"no right":        {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }, "URL: status 403: it refuses the configured basic_auth"},
		"HTML":            {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>" + canary)) }, `URL: answers "text/html" and not JSON: is it the REST interface of a schema registry?`},
		"no registry":     {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }, "URL: answers with 404: is it the REST interface of a schema registry?"},
		"down":            {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }, "URL: status 503"},
		"other JSON": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write([]byte(`{"` + canary + `":1}`))
		}, "URL: the answer is not the JSON of a schema registry"},
		"without end": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 1<<16)); err != nil {
					return
				}
			}
		}, "URL: the answer is larger than 8 MiB"},
	} {
		w := newWorld(t)
		w.answers(x.answer)
		w.is(w.round(), "event SOURCE_LOST  registry-west/schemas: "+x.want+"\nmissing "+x.want+"\n")
		w.is(w.round(), "missing "+x.want+"\n") // said once
		w.answers(nil)
		w.is(w.round(), "event SOURCE_RECOVERED  registry-west/schemas\n")
		if t.Failed() {
			t.Fatal(name)
		}
	}
}

// TestBroken: a schema that can't be read is said, with no column of it; what it was missing may come.
func TestBroken(t *testing.T) {
	w := newWorld(t)
	w.register("orders-value", "PROTOBUF", `syntax = "proto3"; message A { B b = 1; }`)
	w.register("customers-value", "", `{"type":"record","name":"C","fields":[{"name":"o","type":"shop.Order"}]}`, map[string]any{"name": "shop.Order", "subject": "orders", "version": 1})
	got := w.rounds()
	w.is(got, `
		customers-value v1 101 AVRO BACKWARD of customers value: :  it refers to a schema that the registry does not have
		orders-value v1 100 PROTOBUF BACKWARD of orders value: :  it is no Protobuf file that can be read, or imports one that is not there
		blind the columns of these subjects of the registry, whose schemas can't be read: customers-value, orders-value
	`)
	w.register("orders", "", record(`{"name":"id","type":"int"}`))
	if got := w.rounds(); !strings.Contains(got, "customers-value v1 101 AVRO BACKWARD of customers value: C: o record shop.Order, o.id int") {
		t.Errorf("what it refers to is there: %s", got)
	}
}

// TestGroup: Apicurio is told with each request whose artifacts are meant, and nobody else is.
func TestGroup(t *testing.T) {
	w := newWorld(t)
	w.register("orders-value", "", `{"type":"record","name":"Order","fields":[{"name":"id","type":"string"}]}`)
	w.round()
	if !maps.Equal(w.groups, map[string]bool{"": true}) {
		t.Errorf("groups that were named: %v", w.groups)
	}
	w.groups, w.cfg.Group = map[string]bool{}, "shop"
	w.restart()
	w.round()
	if !maps.Equal(w.groups, map[string]bool{"shop": true}) || len(w.asked) < 3 {
		t.Errorf("groups that were named: %v, with %v", w.groups, w.asked)
	}
}

// TestTurns: one round asks a bounded number of times, and all subjects have their turn. Nothing but GET is asked.
func TestTurns(t *testing.T) {
	w := newWorld(t)
	for i := range 40 {
		w.register(fmt.Sprintf("s%02d", i), "JSON", `{"type":"string"}`)
	}
	told := ""
	for i := range 5 {
		w.asked = nil
		got := w.round()
		told += got
		if n := len(w.asked); n > asksARound+3 {
			t.Errorf("%d requests in round %d", n, i)
		}
		for _, asked := range w.asked {
			if !strings.HasPrefix(asked, "GET ") {
				t.Errorf("asked %s", asked)
			}
		}
		if i == 0 && !strings.Contains(got, "missing schemas of s12, s13, s14, s15, s16 and 23 more: not asked yet") {
			t.Errorf("the first round: %s", got)
		}
	}
	for i := range 40 {
		if !strings.Contains(told, fmt.Sprintf("s%02d v1", i)) {
			t.Errorf("s%02d was not told", i)
		}
	}
}

// TestUnseenCluster: until the cluster is known nobody can say which topics there are.
func TestUnseenCluster(t *testing.T) {
	w := newWorld(t)
	w.cfg.Board = &collector.Board{}
	w.restart()
	w.register("orders-value", "JSON", `{"type":"string"}`)
	w.is(w.round(), "missing of which topics the schemas are can't be told: the cluster west was not seen yet\n")
	w.cfg.Board.SetCluster(collector.Watched{Source: "west", ID: "west-id", Topics: []string{"orders"}})
	w.is(w.round(), "orders-value v1 100 JSON BACKWARD of orders value: :  string \n")
}

func TestBattery(t *testing.T) {
	sourcetest.Run(t, func(t *testing.T) sourcetest.World {
		f := newFake(t)
		f.register("orders-value", "", record(`{"name":"id","type":"int"}`))
		var hanging atomic.Bool
		n, src := 0, (*source)(nil)
		return sourcetest.World{
			Tick: tick, Before: t0,
			Source: func(sink collector.Sink) collector.Source {
				c, err := New(Config{Name: "registry-west", URLs: []string{f.URL + "/apis/ccompat/v7"}, Cluster: "west", Interval: tick, Board: board()}, sink)
				if err != nil {
					t.Fatal(err)
				}
				src = c.source
				return src
			},
			Live: func(time.Time) {
				n++
				f.register("orders-value", "", record(fmt.Sprintf(`{"name":"id%d","type":"int"}`, n)))
			},
			Break: func(b bool) {
				f.answers(nil)
				if b {
					f.answers(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
				}
			},
			Hang: func(b bool) {
				hanging.Store(b)
				f.answers(nil)
				if b {
					f.answers(func(_ http.ResponseWriter, r *http.Request) {
						for hanging.Load() && r.Context().Err() == nil {
							time.Sleep(10 * time.Millisecond)
						}
					})
				}
			},
			Spoil: func(collector.Source) { src.known = nil },
		}
	})
}
