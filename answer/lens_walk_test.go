package answer_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/identity"
	"github.com/lineaged/lineaged/lineage"
)

// leaks calls found with each string within x that holds one of some names, whatever it is kept in, and with where it
// is. Unexported fields are not looked into: nobody is told them.
func leaks(x any, names []string, found func(path, text string)) {
	seen := map[uintptr]bool{}
	var walk func(path string, x reflect.Value)
	walk = func(path string, x reflect.Value) {
		switch x.Kind() {
		case reflect.String:
			for _, name := range names {
				if strings.Contains(strings.ToLower(x.String()), name) {
					found(path, x.String())
				}
			}
		case reflect.Pointer, reflect.Interface:
			if x.IsNil() {
				return
			}
			if x.Kind() == reflect.Pointer {
				if seen[x.Pointer()] {
					return
				}
				seen[x.Pointer()] = true
			}
			walk(path, x.Elem())
		case reflect.Struct:
			for i := range x.NumField() {
				if f := x.Type().Field(i); f.IsExported() {
					walk(path+"."+f.Name, x.Field(i))
				}
			}
		case reflect.Slice, reflect.Array:
			for i := range x.Len() {
				walk(fmt.Sprintf("%s[%d]", path, i), x.Index(i))
			}
		case reflect.Map:
			for _, k := range x.MapKeys() {
				walk(path+" key", k)
				walk(fmt.Sprintf("%s[%v]", path, k), x.MapIndex(k))
			}
		default:
		}
	}
	walk("", reflect.ValueOf(x))
}

// everyAnswer is all that a view answers, by what was asked; each names whatever it shows.
func everyAnswer(t testing.TB, v *answer.View) map[string]any {
	t.Helper()
	ctx, out := t.Context(), said(t, v)
	must := func(what string, x any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		out[what] = x
	}
	var nodes []lineage.Node
	for _, by := range []answer.Order{answer.ByMatch, answer.ByName, answer.ByRate, answer.ByLag, answer.ByLastMoved} {
		found, err := v.Search(ctx, answer.Search{IncludeInternal: true, OrderBy: by})
		must(fmt.Sprint("search by ", by), found, err)
		nodes = nodes[:0]
		for _, p := range found {
			nodes = append(nodes, p.Node)
		}
	}
	all := v.Walk(graph.Query{Roots: nodes, Direction: graph.Both, Depth: 9, Limit: 1000}, answer.Filter{IncludeInactive: true, IncludeInternal: true})
	out["walk"] = []any{all.Nodes, all.Flows()}
	rows := v.Rows(nodes, all.Flows())
	for _, n := range nodes {
		is, id := rows.Node(n), n.ID()
		owner, tags := is.Describe()
		first, last, err := is.Seen(ctx)
		must("seen "+id, []any{first, last}, err)
		lost, err := is.Lost(ctx)
		must("lost "+id, lost, err)
		inner, ok := is.InnerOf()
		out["node "+id] = []any{owner, tags, is.NamedBy(), is.TopicFact(), is.Connector(), is.Replicator(), is.Exists(), is.Internal(), inner, ok, v.InnerTopics(n), v.ClustersOf(n)}
		for _, g := range is.Groups() {
			lag, err := g.Lag(ctx)
			must("group "+id+" "+g.Ref.Group, []any{g.Ref, g.Fact(), lag}, err)
		}
		permitted, ok := v.Permitted(n)
		out["permitted "+id] = []any{permitted, ok}
		who, err := v.Candidates(ctx, n)
		must("candidates "+id, who, err)
		out["declared of "+id] = v.DeclaredOf(n, "")
		for m := answer.RecordRate; m <= answer.EndToEnd; m++ {
			bound, err := is.Bound(ctx, m, answer.Between(round(0), round(20)))
			must(fmt.Sprint("bound ", id, m), []any{bound, v.Bound(n, m)}, err)
		}
		writers, readers := v.Usage(n)
		out["usage "+id] = []any{writers, readers}
	}
	for _, f := range all.Flows() {
		clients, err := rows.Flow(f).Clients(ctx, 1000)
		must("clients "+f.ID(), clients, err)
	}
	out["declared"], out["undeclared"], out["products"], out["files"] = v.Declared(), v.Undeclared(nil, true), v.Products(), v.DeclaredFiles()
	for _, c := range v.Clusters() {
		st, err := c.State(ctx)
		must("state", []any{c.Fact(), st}, err)
		out["undeclared of "+c.ID()] = v.Undeclared(c, false)
		out["coverage of "+c.Source()] = v.CoverageOf(c.Source())
	}
	return out
}

// vault adds to the world of secrets whatever else tells of a topic: entries that let somebody use it, what is declared
// of it, refusals, doubts in the words of sources, and a writer of orders without a name that it speaks of.
func vault(t testing.TB) (*world, *lineage.Declarations) {
	w := secrets(t)
	secret, orders := topic("secret"), topic("orders")
	spy := lineage.Node{Scope: "connect", Kind: lineage.ConnectorNode, Name: "spy"}
	literal := func(topic, principal, op string) lineage.Permission {
		return lineage.Permission{Topic: topic, Principal: principal, Host: "*", Operation: op, Allowed: true}
	}
	for n := 1; n <= 20; n++ {
		fill := []filling{
			w.moved(writes(orders, producer(9)), lineage.ProducerState, int64(n*n%17)),
			w.moved(reads(secret, group("the insider's own")), lineage.GroupOffsets, 3),
			sighted(reads(secret, lineage.Client{Group: "insider", ClientID: "insider-1", Principal: "User:insider", Host: "/10.0.0.9"}), lineage.AuthorizerLog, ""),
		}
		if n == 1 {
			fill = append(fill, facts(
				lineage.Fact{Key: lineage.FactKey{Source: "west", Kind: lineage.PermissionFacts}, Permission: &lineage.PermissionFact{Rules: []lineage.Permission{
					literal("secret", "User:insider", "WRITE"), literal("secret", "User:other", "ALL"), literal("orders", "User:app", "WRITE"), literal("*", "User:ops", "ALL"),
				}}},
				lineage.Fact{Key: lineage.FactKey{Source: "west", Kind: lineage.GroupFacts, Name: "insider"}, Group: &lineage.GroupFact{
					Ref: lineage.GroupRef{Cluster: west, Group: "insider"}, State: "Stable", MembersKnown: true, Members: []lineage.Member{{ID: "insider-1-x", ClientID: "insider-1", Host: "/10.0.0.9"}},
				}},
				lineage.Fact{Key: lineage.FactKey{Source: "west", Kind: lineage.BlindSpotFacts, Name: "y"}, BlindSpots: []lineage.BlindSpot{
					{Source: "groups", What: "what partition secret-3 holds", Remedy: "grant DESCRIBE on secret-*"},
					{Source: "connect", What: "what connector spy moves: the worker does not know its class", Remedy: "install it"},
					{Source: "groups", What: "whether insider commits", Remedy: "none"},
					{Source: "groups", What: "whether the insider's own commits", Remedy: "none"},
				}}))
		}
		for _, name := range []string{"secret", "counts"} {
			since := lineage.Access{Topic: orders, Client: lineage.Client{Mover: topicNode(name)}}
			fill = append(fill, level(since, lineage.TraceMillis, int64(300*n)), level(since, lineage.Traces, int64(3*n)))
		}
		if n == 5 {
			fill = append(fill, happened(lineage.Event{Type: lineage.AccessDenied, Topic: secret, Detail: "User:eve may not READ topic secret"}),
				happened(lineage.Event{Type: lineage.SourceLost, Detail: "topics and offsets of insider, other: timed out"}),
				happened(lineage.Event{Type: lineage.FlowStopped, Access: reads(lineage.Topic{Cluster: west, Name: "secret"}, by(spy)), Detail: "spy stopped"}))
		}
		w.observe("west", "details", n, fill...)
		reason := filling(func(*lineage.Observation) {})
		if n == 9 {
			reason = missing("topics and offsets of spy: the worker does not answer")
		}
		w.observe("connect", "details", n, reason)
	}
	app := func(name string) *lineage.DeclaredApplication { return &lineage.DeclaredApplication{Name: name} }
	servers := []lineage.DeclaredServer{{Name: "west"}}
	d := &lineage.Declarations{
		Flows: []lineage.DeclaredFlow{
			{Said: saidAt(1), Application: app("insider"), Op: lineage.Write, Topic: exactly("secret"), Servers: servers},
			{Said: saidAt(2), Application: app("billing"), Op: lineage.Read, Topic: exactly("orders"), Servers: servers},
			{Said: saidAt(3), Application: app("billing"), Op: lineage.Write, Topic: exactly("secret"), Servers: []lineage.DeclaredServer{{Name: "nowhere"}}},
			{Said: saidAt(4), Flow: lineage.Flow{From: application("billing"), To: topicNode("secret")}},
		},
		Products:  []lineage.DeclaredProduct{{Said: saidAt(5), ID: "secret product"}},
		Contracts: []lineage.DeclaredContract{{Said: saidAt(6), ID: "secret contract", Servers: servers}},
		Files:     []lineage.DeclaredFile{{File: "secret.yaml"}},
	}
	return w, d
}

// TestNoAnswerLeaks walks through all that is answered through a lens, to the last string: none names the topic that it
// hides, nor who does nothing else, by whatever name a source told it.
func TestNoAnswerLeaks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, d := vault(t)
		time.Sleep(time.Until(round(20)) + time.Second)
		who, err := identity.New(identity.Rules{})
		if err != nil {
			t.Fatal(err)
		}
		a := answer.New(answer.Options{
			History: w.store, Identity: func() answer.Identity { return who }, Declared: func() *lineage.Declarations { return d },
			Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}}, Connects: []answer.ConnectConfig{{Name: "connect", Cluster: "west"}},
		})
		names := []string{"secret", "insider", "insider's own", "spy", "vault"}
		in := answer.Between(round(0), round(20))
		told := map[string]int{}
		for _, x := range everyAnswer(t, view(t, a, in, answer.All)) {
			leaks(x, names, func(_, text string) {
				for _, name := range names {
					told[name] += strings.Count(text, name)
				}
			})
		}
		for _, name := range names {
			if told[name] < 5 {
				t.Errorf("of %s all are told %d times: it proves nothing", name, told[name])
			}
		}
		seen := view(t, a, in, without("secret"))
		if shown := text(t, seen.Coverage()); !strings.Contains(shown, "other things") || !strings.Contains(text(t, everyAnswer(t, seen)), "traces sampled since topic counts") {
			t.Errorf("what names nothing hidden is not shown: %s", shown)
		}
		for what, x := range everyAnswer(t, seen) {
			leaks(what, names, func(string, string) { t.Errorf("asked for %q", what) })
			leaks(x, names, func(path, text string) { t.Errorf("%s tells at %s: %q", what, path, text) })
		}
	})
}

// TestAHiddenPrincipalIsNobodyElse holds that an account of somebody who may not be seen is not taken for a program of
// its own: of whom all know who bears it nobody else is made.
func TestAHiddenPrincipalIsNobodyElse(t *testing.T) {
	w, secret, out := newWorld(t), topic("secret"), topic("out")
	rule := lineage.Permission{Topic: "out", Principal: "User:alice", Host: "*", Operation: "WRITE", Allowed: true}
	for n := 1; n <= 20; n++ {
		w.observe("west", "all", n, facts(clusterFact(2), topicFact(secret), topicFact(out)), w.moved(self(out), lineage.NoEvidence, 50),
			facts(lineage.Fact{Key: lineage.FactKey{Source: "west", Kind: lineage.PermissionFacts}, Permission: &lineage.PermissionFact{Rules: []lineage.Permission{rule}}}),
			w.moved(writes(out, producer(5)), lineage.ProducerState, 50), w.moved(reads(secret, lineage.Client{Group: "copy", ClientID: "copy", Principal: "User:alice"}), lineage.Telemetry, 50))
	}
	if got := asked(t, w, 20, answer.All, nil); told(got) != "application:west/copy +permitted" {
		t.Fatalf("it may be %s", told(got))
	}
	if got := asked(t, w, 20, without("secret"), nil); len(got.List) > 0 {
		t.Errorf("through the lens it may be %s", told(got))
	}
}
