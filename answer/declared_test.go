package answer_test

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/identity"
	"github.com/lineaged/lineaged/lineage"
)

// verdict writes true, false or null.
func verdict(b *bool) string {
	if b == nil {
		return "null"
	}
	return fmt.Sprint(*b)
}

// declaredWorld is a world of ten rounds. Checkout (a client id) and billing (its transactional.id) write orders, and
// billing's group reads them; nobody names who writes payments; quiet rests; a reader of archive has stopped.
func declaredWorld(t *testing.T, each func(w *world, n int) []filling) *world {
	w := newWorld(t)
	orders, payments, quiet, archive, eu := topic("orders"), topic("payments"), topic("quiet"), topic("archive"), topic("orders.eu.v1")
	for n := 1; n <= 10; n++ {
		fill := []filling{
			facts(clusterFact(5), topicFact(orders), topicFact(payments), topicFact(quiet), topicFact(archive), topicFact(eu)),
			w.moved(self(orders), lineage.NoEvidence, 20), w.moved(writes(orders, lineage.Client{ClientID: "checkout-1", Producer: lineage.KnownProducer(1)}), lineage.ProducerState, 20),
			w.moved(reads(orders, group("billing")), lineage.GroupOffsets, 20),
			w.moved(self(payments), lineage.NoEvidence, 5), w.moved(writes(payments, producer(7)), lineage.ProducerState, 5),
			w.moved(self(quiet), lineage.NoEvidence, 0), w.moved(self(archive), lineage.NoEvidence, 3), w.moved(self(eu), lineage.NoEvidence, 0),
			w.moved(writes(archive, lineage.Client{ClientID: "checkout-1", Producer: lineage.KnownProducer(2)}), lineage.ProducerState, 3),
		}
		if n <= 2 {
			fill = append(fill, w.moved(reads(archive, group("report")), lineage.GroupOffsets, 1))
		}
		if each != nil {
			fill = append(fill, each(w, n)...)
		}
		w.observe("west", "all", n, fill...)
	}
	return w
}

func declaredView(t *testing.T, w *world, rules identity.Rules, d *lineage.Declarations, lens answer.Lens) *answer.View {
	t.Helper()
	who, err := identity.New(rules)
	if err != nil {
		t.Fatal(err)
	}
	if d.Clusters == nil {
		d.Clusters = []lineage.KnownCluster{{Source: "west", Bootstrap: []string{"k1:9092"}, Advertised: []string{"k2:9092"}}, {Source: "east", Bootstrap: []string{"e1:9092"}}}
	}
	a := answer.New(answer.Options{
		History: w.store, Identity: func() answer.Identity { return who }, Declared: func() *lineage.Declarations { return d },
		Clusters: []answer.ClusterConfig{{Source: "west", Name: "west", Environment: "shop"}, {Source: "east", Name: "east", Environment: "other"}},
		Now:      func() time.Time { return round(10).Add(time.Second) },
	})
	return view(t, a, answer.Between(round(3), round(10)), lens)
}

func saidAt(line int) lineage.Said {
	return lineage.Said{File: "a.yaml", Line: line, Pointer: fmt.Sprintf("/o%d", line)}
}

var atWest = []lineage.DeclaredServer{{Name: "prod", Hosts: []string{"k2:9092"}}}

func exactly(name string) lineage.DeclaredTopic { return lineage.DeclaredTopic{Text: name} }

// outcome writes what came of declarations, a line each.
func outcome(v *answer.View) (out []string) {
	for _, d := range v.Declared() {
		application, topic := d.Names()
		s := fmt.Sprintf("%s %s: %s", application, topic, verdict(d.Observed))
		for _, p := range d.Pairs {
			s += fmt.Sprintf(" [%s %s]", p.Flow.ID(), verdict(p.Observed))
		}
		for _, u := range d.Unresolved {
			s += " (" + u + ")"
		}
		if d.Why != "" {
			s += " " + d.Why
		}
		out = append(out, s)
	}
	return out
}

// What is declared is observed where it moved, not observed only where it would have been seen, and else not known.
func TestDeclared(t *testing.T) {
	app := func(name string) *lineage.DeclaredApplication { return &lineage.DeclaredApplication{Name: name} }
	f := func(name string, each func(w *world, n int) []filling, d lineage.DeclaredFlow, want string) {
		t.Helper()
		d.Said = saidAt(1)
		if d.Application != nil && d.Servers == nil {
			d.Servers = atWest
		}
		got := outcome(declaredView(t, declaredWorld(t, each), identity.Rules{}, &lineage.Declarations{Flows: []lineage.DeclaredFlow{d}}, answer.All))
		if diff := cmp.Diff([]string{want}, got); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
	writer := func(application, topic string) lineage.DeclaredFlow {
		return lineage.DeclaredFlow{Application: app(application), Op: lineage.Write, Topic: exactly(topic)}
	}
	reader := func(application, topic string, groups ...string) lineage.DeclaredFlow {
		x := lineage.DeclaredFlow{Application: app(application), Op: lineage.Read, Topic: exactly(topic)}
		for _, g := range groups {
			x.Clients = append(x.Clients, lineage.Client{Group: g})
		}
		return x
	}
	f("it writes", nil, writer("checkout", "orders"), "checkout orders: true [application:shop/checkout->topic:west/orders true]")
	f("another does, and all are known", nil, writer("returns", "orders"), "returns orders: false [application:shop/returns->topic:west/orders false]")
	f("one whom nobody names does", nil, writer("returns", "payments"),
		"returns payments: null [application:shop/returns->topic:west/payments null] not all who wrote to the topic are known by name")
	f("nobody does", nil, writer("returns", "quiet"), "returns quiet: false [application:shop/returns->topic:west/quiet false]")
	f("there is no such topic", nil, writer("returns", "none"), "returns none: null [application:shop/returns->topic:west/none null] the topic was not seen")
	gap := func(w *world, n int) []filling {
		if n == 6 {
			return []filling{missing("a broker did not answer")}
		}
		return nil
	}
	f("nobody looked for a while", gap, writer("returns", "quiet"), "returns quiet: null [application:shop/returns->topic:west/quiet null] the window was not observed as a whole")
	f("nobody looked for a while, and it writes", gap, writer("checkout", "orders"), "checkout orders: true [application:shop/checkout->topic:west/orders true]")
	f("another may be among the count", func(w *world, n int) []filling {
		return []filling{estimated(w.moved(writes(topic("orders"), lineage.Client{TransactionalID: "enricher"}), lineage.Transaction, 5))}
	}, writer("returns", "orders"), "returns orders: null [application:shop/returns->topic:west/orders null] not all who wrote to the topic are known by name")
	f("only the account of another is known", func(w *world, n int) []filling {
		return []filling{w.moved(writes(topic("orders"), lineage.Client{Principal: "User:ops"}), lineage.Telemetry, 5)}
	}, writer("returns", "orders"), "returns orders: null [application:shop/returns->topic:west/orders null] not all who wrote to the topic are known by name")
	f("it grew, and nobody is known to have written", func(w *world, n int) []filling {
		return []filling{facts(topicFact(topic("orphan"))), w.moved(self(topic("orphan")), lineage.NoEvidence, 5)}
	}, writer("returns", "orphan"), "returns orphan: null [application:shop/returns->topic:west/orphan null] not all who wrote to the topic are known by name")
	f("whom the log alone knows is not counted", func(w *world, n int) []filling {
		seen := movedBy(writes(topic("orders"), lineage.Client{ClientID: "legacy-1"}))
		return []filling{seen, facts(topicFact(topic("orders")))}
	}, writer("returns", "orders"), "returns orders: null [application:shop/returns->topic:west/orders null] not all who wrote to the topic are known by name")
	f("whom the log knows is counted", func(w *world, n int) []filling {
		return []filling{movedBy(writes(topic("orders"), lineage.Client{ClientID: "checkout-1"}))}
	}, writer("returns", "orders"), "returns orders: false [application:shop/returns->topic:west/orders false]")
	f("its writer is counted, and less than it grew by", func(w *world, n int) []filling {
		return []filling{
			facts(topicFact(topic("short"))), w.moved(self(topic("short")), lineage.NoEvidence, 5),
			w.moved(writes(topic("short"), lineage.Client{ClientID: "checkout-1", Producer: lineage.KnownProducer(4)}), lineage.ProducerState, 4),
		}
	}, writer("returns", "short"), "returns short: null [application:shop/returns->topic:west/short null] not all who wrote to the topic are known by name")
	sampling := func(w *world, n int) []filling {
		w.observe("west", "log-files", n, missing("the request log is sampled: it is on for 5s every 5m0s, and what was asked at other times is not seen"))
		return nil
	}
	f("the request log is sampled, and nobody writes", sampling, writer("returns", "quiet"), "returns quiet: false [application:shop/returns->topic:west/quiet false]")
	f("the request log is sampled, and all who write are counted", sampling, writer("returns", "orders"), "returns orders: false [application:shop/returns->topic:west/orders false]")
	f("the request log is sampled, and its group rests", sampling, reader("Reports", "archive", "report"), "Reports archive: false [topic:west/archive->application:shop/report false]")
	late := topic("late")
	f("a topic that came into sight", func(w *world, n int) []filling {
		if n < 6 {
			return nil
		}
		return []filling{facts(topicFact(late)), w.moved(self(late), lineage.NoEvidence, 0)}
	}, writer("returns", "late"), "returns late: null [application:shop/returns->topic:west/late null] the topic was first seen within the window")

	f("its group reads", nil, reader("Billing Service", "orders", "billing"), "Billing Service orders: true [topic:west/orders->application:shop/billing true]")
	f("its group has a position, and was never seen to move it", func(w *world, n int) []filling {
		flink := reads(topic("archive"), group("flink"))
		return []filling{w.moved(flink, lineage.GroupOffsets, 0), sighted(flink, lineage.GroupOffsets, "has committed offsets that did not move since they were first seen")}
	}, reader("Flink", "archive", "flink"), "Flink archive: null [topic:west/archive->application:shop/flink null] its committed offsets were not seen to move of late, and it may keep those that it reads by elsewhere")
	f("its group has stopped", nil, reader("Reports", "archive", "report"), "Reports archive: false [topic:west/archive->application:shop/report false]")
	f("one of its groups was never seen", nil, reader("Reports", "archive", "report", "report2"),
		"Reports archive: null [topic:west/archive->application:shop/report false] [topic:west/archive->application:shop/report2 null] a reader without a group leaves no trace")
	f("it may read without a group", nil, reader("report", "archive"), "report archive: null [topic:west/archive->application:shop/report null] a reader without a group leaves no trace")

	direct := func(from, to string) lineage.DeclaredFlow {
		a, err := lineage.ParseNodeID(from)
		if err != nil {
			t.Fatal(err)
		}
		b, err := lineage.ParseNodeID(to)
		if err != nil {
			t.Fatal(err)
		}
		return lineage.DeclaredFlow{Flow: lineage.Flow{From: a, To: b}}
	}
	f("by ids", nil, direct("topic:west/orders", "application:shop/billing"), "application:shop/billing topic:west/orders: true [topic:west/orders->application:shop/billing true]")
	f("by ids of no cluster", nil, direct("topic:north/orders", "application:shop/billing"),
		`application:shop/billing topic:north/orders: null (no watched cluster is called "north") which flow it is can't be told`)
	f("by ids of another environment", nil, direct("topic:west/orders", "application:other/billing"),
		`application:other/billing topic:west/orders: null (cluster "west" is of the environment "shop", and not "other") which flow it is can't be told`)

	many := lineage.DeclaredFlow{
		Application: app("checkout"), Op: lineage.Write, Topic: lineage.DeclaredTopic{Text: "orders.{region}.v1", Prefix: "orders.", Match: regexp.MustCompile(`^orders\.[a-z]+\.v1$`)},
	}
	f("a pattern", nil, many, "checkout orders.{region}.v1: false [application:shop/checkout->topic:west/orders.eu.v1 false]")
	many.Topic.Match, many.Topic.Prefix = regexp.MustCompile(`^(orders|quiet)`), ""
	f("a pattern, of which a part moves", nil, many,
		"checkout orders.{region}.v1: true [application:shop/checkout->topic:west/orders true] [application:shop/checkout->topic:west/orders.eu.v1 false] [application:shop/checkout->topic:west/quiet false]")
	many.Topic.Match = regexp.MustCompile(`^x`)
	f("a pattern of nothing", nil, many, "checkout orders.{region}.v1: null no topic matches the pattern")

	elsewhere := writer("checkout", "orders")
	for want, servers := range map[string][]lineage.DeclaredServer{
		`null (server "dev": no watched cluster has that name, or a broker at "d1:9092") which flow it is can't be told`: {{Name: "dev", Hosts: []string{"d1:9092"}}},
		`null (server "m" speaks "mqtt", not Kafka) which flow it is can't be told`:                                      {{Name: "m", Other: "mqtt"}},
		`null (no server is named) which flow it is can't be told`:                                                       {},
		`null (server "two": its addresses are those of several watched clusters: "west", "east") which flow it is can't be told`: {
			{Name: "two", Hosts: []string{"k1:9092", "e1:9092"}},
		},
		// by its name, where no address says it; an address wins
		`true [application:shop/checkout->topic:west/orders true]`:                                                                        {{Name: "west", Hosts: []string{"d1:9092"}}},
		`true [application:shop/checkout->topic:west/orders true] `:                                                                       {{Name: "east", Hosts: []string{"k1:9092"}}},
		`true [application:shop/checkout->topic:west/orders true] (server "dev": no watched cluster has that name, or a broker at "d:1")`: {{Name: "dev", Hosts: []string{"d:1"}}, atWest[0]},
	} {
		elsewhere.Servers = servers
		f("a server", nil, elsewhere, strings.TrimSpace("checkout orders: "+want))
	}
	elsewhere.Problem = "the channel has no address"
	f("no topic", nil, elsewhere, "checkout orders: null (the channel has no address)"+unresolvedOf(elsewhere.Servers)+" which flow it is can't be told")
}

// unresolvedOf is what is said of servers none of which is watched.
func unresolvedOf(servers []lineage.DeclaredServer) (out string) {
	for _, s := range servers {
		switch {
		case s.Other != "":
			out += fmt.Sprintf(" (server %q speaks %q, not Kafka)", s.Name, s.Other)
		case s.Name == "dev":
			out += fmt.Sprintf(" (server %q: no watched cluster has that name, or a broker at %q)", s.Name, s.Hosts[0])
		case s.Name == "two":
			out += ` (server "two": its addresses are those of several watched clusters: "west", "east")`
		}
	}
	if len(servers) == 0 {
		out = " (no server is named)"
	}
	return out
}

// A document describes one application: what one of its operations names it holds for all of them, unless they say that
// it is several; a name that is given for lineaged holds always.
func TestDeclaredApplication(t *testing.T) {
	f := func(app lineage.DeclaredApplication, clients []lineage.Client, want string) {
		t.Helper()
		d := &lineage.Declarations{Flows: []lineage.DeclaredFlow{
			{Said: saidAt(1), Application: &app, Op: lineage.Write, Topic: exactly("orders"), Servers: atWest},
			{Said: saidAt(2), Application: &app, Op: lineage.Read, Topic: exactly("orders"), Servers: atWest, Clients: clients},
		}}
		all := declaredView(t, declaredWorld(t, nil), identity.Rules{Applications: []identity.Rule{{Group: regexp.MustCompile("^cg-7$"), Name: "loyalty", Owner: "team-crm"}}}, d, answer.All).Declared()
		var got []string
		for _, x := range all {
			for _, p := range x.Pairs {
				n := p.Flow.From
				if n.Kind == lineage.TopicNode {
					n = p.Flow.To
				}
				got = append(got, n.Name)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%v %v: %s, want %s", app.Name, clients, got, want)
		}
	}
	title := lineage.DeclaredApplication{Name: "The Service"}
	f(title, nil, "The Service The Service")
	f(title, []lineage.Client{{Group: "cg-7"}}, "loyalty loyalty") // by the rule
	f(title, []lineage.Client{{Group: "a"}, {Group: "b"}}, "The Service a b")
	f(title, []lineage.Client{{ClientID: "checkout-2"}}, "checkout checkout") // an instance
	f(title, []lineage.Client{{ClientID: "rdkafka"}}, "The Service The Service")
	f(lineage.DeclaredApplication{Name: "shop", Exact: true}, []lineage.Client{{Group: "a"}}, "shop shop")
}

// What moved and nobody declared is there, of what declarations are about; what is left out is counted.
func TestUndeclared(t *testing.T) {
	w := declaredWorld(t, nil)
	app := &lineage.DeclaredApplication{Name: "checkout"}
	d := &lineage.Declarations{Flows: []lineage.DeclaredFlow{{Said: saidAt(1), Application: app, Op: lineage.Write, Topic: exactly("orders"), Servers: atWest}}}
	v := declaredView(t, w, identity.Rules{}, d, answer.All)
	f := func(u answer.Undeclared, unidentified, elsewhere int, want ...string) {
		t.Helper()
		var got []string
		for _, x := range u.Flows {
			got = append(got, x.ID())
		}
		if diff := cmp.Diff(want, got); diff != "" || u.Unidentified != unidentified || u.Elsewhere != elsewhere || u.Outside != 0 {
			t.Errorf("%s%+v", diff, u)
		}
	}
	// orders are declared; checkout is, and so all that it does
	f(v.Undeclared(nil, false), 0, 1, "application:shop/checkout->topic:west/archive", "topic:west/orders->application:shop/billing")
	f(v.Undeclared(nil, true), 1, 0, "application:shop/checkout->topic:west/archive", "topic:west/orders->application:shop/billing")
	east, err := v.FindCluster("east")
	if err != nil {
		t.Fatal(err)
	}
	f(v.Undeclared(east, true), 0, 0)
	d.Flows = nil
	f(declaredView(t, w, identity.Rules{}, &lineage.Declarations{}, answer.All).Undeclared(nil, false), 0, 4)
}

// Where declarations can't be placed or read, nothing is surely undeclared, and that is said.
func TestUndeclaredIsInDoubt(t *testing.T) {
	app := &lineage.DeclaredApplication{Name: "checkout"}
	sure := lineage.DeclaredFlow{Said: saidAt(1), Application: app, Op: lineage.Write, Topic: exactly("orders"), Servers: atWest}
	dev := lineage.DeclaredServer{Name: "dev", Hosts: []string{"d1:9092"}}
	f := func(name string, d lineage.Declarations, lens answer.Lens, unplaced, wrong int, doubt string) {
		t.Helper()
		u := declaredView(t, declaredWorld(t, nil), identity.Rules{}, &d, lens).Undeclared(nil, true)
		if u.Unplaced != unplaced || u.Wrong != wrong || (doubt == "") != (u.Doubt == "") || !strings.Contains(u.Doubt, doubt) {
			t.Errorf("%s: %+v, want %d and %d, %q", name, u, unplaced, wrong, doubt)
		}
	}
	flows := func(all ...lineage.DeclaredFlow) lineage.Declarations { return lineage.Declarations{Flows: all} }
	f("all is placed", flows(sure), answer.All, 0, 0, "")
	nowhere, partly := sure, sure
	nowhere.Said, nowhere.Servers = saidAt(2), []lineage.DeclaredServer{dev}
	partly.Said, partly.Servers = saidAt(3), []lineage.DeclaredServer{dev, atWest[0]}
	f("a server is not known", flows(sure, nowhere), answer.All, 1, 0, "of 1 declarations it can't be told which flows they mean")
	f("one of several is not", flows(sure, nowhere, partly), answer.All, 2, 0, "of 2 declarations")
	broken := flows(sure)
	broken.Files = []lineage.DeclaredFile{{File: "a.yaml"}, {File: "b.yaml", Problem: "line 3: no mapping", Stale: true}}
	f("a file is wrong", broken, answer.All, 0, 1, "1 files are wrong as they are now")
	broken.Flows = append(broken.Flows, nowhere)
	f("both", broken, answer.All, 1, 1, "of 1 declarations it can't be told which flows they mean (see unresolved of declarations), and 1 files are wrong")
	f("through a lens it is not told whether there are any", broken, without("payments"), 0, 0, "whether there are any is not shown")
	f("nor that there are none", flows(sure), without("payments"), 0, 0, "whether there are any is not shown")
}

// What a pattern means is declared too where it is not one of the topics that there are now: one that is deleted, and
// those of a pattern that means too many.
func TestUndeclaredOfPatterns(t *testing.T) {
	us := topic("orders.us.v1")
	w := declaredWorld(t, func(w *world, n int) []filling {
		if n > 6 {
			return []filling{facts(gone(topicFact(us)))}
		}
		return []filling{facts(topicFact(us)), w.moved(self(us), lineage.NoEvidence, 9), w.moved(writes(us, lineage.Client{ClientID: "checkout-1", Producer: lineage.KnownProducer(3)}), lineage.ProducerState, 9)}
	})
	many := lineage.DeclaredFlow{
		Said: saidAt(1), Application: &lineage.DeclaredApplication{Name: "checkout"}, Op: lineage.Write, Servers: atWest,
		Topic: lineage.DeclaredTopic{Text: "orders.{region}.v1", Prefix: "orders.", Match: regexp.MustCompile(`^orders\.[a-z]+\.v1$`)},
	}
	v := declaredView(t, w, identity.Rules{}, &lineage.Declarations{Flows: []lineage.DeclaredFlow{many}}, answer.All)
	for _, f := range v.Undeclared(nil, true).Flows {
		if f.To.Name == us.Name {
			t.Errorf("%s is declared by %s", f.ID(), many.Topic.Text)
		}
	}
	many.Op = lineage.Read
	v = declaredView(t, w, identity.Rules{}, &lineage.Declarations{Flows: []lineage.DeclaredFlow{many}}, answer.All)
	if all := v.Undeclared(nil, true).Flows; !slices.ContainsFunc(all, func(f lineage.Flow) bool { return f.To.Name == us.Name }) {
		t.Errorf("only its reading is declared: %v", all)
	}
}

// Patterns that would be held against names without end are not: that is said, and what they may mean is not
// undeclared.
func TestPatternsWithoutEnd(t *testing.T) {
	w := declaredWorld(t, nil)
	d := &lineage.Declarations{}
	long := regexp.MustCompile("^(?:" + strings.Repeat("x|", 500_000) + "orders)$")
	for n := range 200 {
		d.Flows = append(d.Flows, lineage.DeclaredFlow{
			Said: saidAt(n), Application: &lineage.DeclaredApplication{Name: "checkout"}, Op: lineage.Write, Servers: atWest,
			Topic: lineage.DeclaredTopic{Text: "{x}", Match: long},
		})
	}
	v := declaredView(t, w, identity.Rules{}, d, answer.All)
	first, last := v.Declared()[0], v.Declared()[199]
	if len(first.Pairs) != 1 || len(last.Pairs) != 0 || last.Observed != nil || !strings.Contains(fmt.Sprint(last.Unresolved), "held against too many topics") {
		t.Errorf("the first: %+v; the last: %+v", first, last)
	}
	for _, f := range v.Undeclared(nil, false).Flows {
		if f.To.Name == "orders" {
			t.Errorf("%s is not undeclared", f.ID())
		}
	}
}

// What a rule says of who writes without a name is no observation: it proves neither that one whom it names wrote, nor
// that another did not.
func TestRuleIsNoObservation(t *testing.T) {
	rules := identity.Rules{Applications: []identity.Rule{{Unidentified: regexp.MustCompile("^west/payments$"), Name: "till"}}}
	d := &lineage.Declarations{}
	for _, name := range []string{"till", "returns"} {
		d.Flows = append(d.Flows, lineage.DeclaredFlow{
			Said: saidAt(1), Application: &lineage.DeclaredApplication{Name: name}, Op: lineage.Write, Topic: exactly("payments"), Servers: atWest,
		})
	}
	want := []string{
		"till payments: null [application:shop/till->topic:west/payments null] that it wrote is said by a rule, and was not seen",
		"returns payments: null [application:shop/returns->topic:west/payments null] not all who wrote to the topic are known by name",
	}
	if diff := cmp.Diff(want, outcome(declaredView(t, declaredWorld(t, nil), rules, d, answer.All))); diff != "" {
		t.Error(diff)
	}
}

// Owners and tags are the rules' where they say any, and else those that were declared first.
func TestDeclaredOwners(t *testing.T) {
	d := &lineage.Declarations{
		Flows: []lineage.DeclaredFlow{
			{Said: saidAt(1), Application: &lineage.DeclaredApplication{Name: "checkout", Owner: "first", Tags: []string{"a"}}, Op: lineage.Write, Topic: exactly("orders"), Servers: atWest},
			{Said: saidAt(2), Application: &lineage.DeclaredApplication{Name: "checkout", Owner: "second", Tags: []string{"b"}}, Op: lineage.Write, Topic: exactly("archive"), Servers: atWest},
		},
		Contracts: []lineage.DeclaredContract{{
			ID: "c", Version: "1", Tags: []string{"gdpr"}, Servers: atWest, Topics: []lineage.DeclaredTopic{{Text: "orders", Tags: []string{"pii"}}, {Text: "payments"}},
		}, {ID: "d", Owner: "team-d", Servers: atWest, Topics: []lineage.DeclaredTopic{{Text: "quiet"}}}},
		Products: []lineage.DeclaredProduct{{ID: "p", Owner: "team-p", Ports: []lineage.DeclaredPort{{Name: "in", Input: true, Contract: "d"}, {Name: "out", Contract: "c"}}}},
	}
	v := declaredView(t, declaredWorld(t, nil), identity.Rules{Topics: []identity.TopicRule{
		{Match: regexp.MustCompile("^payments$"), Owner: "team-rule"},
	}}, d, answer.All)
	f := func(n lineage.Node, want string) {
		t.Helper()
		owner, tags := v.Rows([]lineage.Node{n}, nil).Node(n).Describe()
		if got := fmt.Sprint(owner, tags); got != want {
			t.Errorf("%s: %s, want %s", n.ID(), got, want)
		}
	}
	f(lineage.Node{Scope: "shop", Kind: lineage.ApplicationNode, Name: "checkout"}, "first[a]")
	f(topicNode("orders"), "team-p[gdpr pii]")
	f(topicNode("payments"), "team-rule[gdpr]")
	f(topicNode("quiet"), "team-d[]")
	f(topicNode("archive"), "[]")
	found, err := v.Search(t.Context(), answer.Search{Owner: new("TEAM-p")})
	if err != nil || len(found) != 1 || found[0].Node != topicNode("orders") {
		t.Errorf("%v, %v", found, err)
	}
}

func TestProducts(t *testing.T) {
	contract := func(id, version string, topics ...string) lineage.DeclaredContract {
		c := lineage.DeclaredContract{ID: id, Version: version, Servers: atWest}
		for _, x := range topics {
			c.Topics = append(c.Topics, exactly(x))
		}
		return c
	}
	d := &lineage.Declarations{
		Contracts: []lineage.DeclaredContract{
			contract("orders", "1", "orders"), contract("quiet", "1", "quiet"), contract("archive", "1", "archive"), contract("none", "1", "missing"),
			contract("two", "1", "quiet"), contract("two", "2", "orders"), contract("empty", "1"),
		},
		Products: []lineage.DeclaredProduct{{ID: "p", Ports: []lineage.DeclaredPort{
			{Name: "a", Input: true, Contract: "orders"},
			{Name: "b", Input: true, Contract: "archive"},
			{Name: "c", Contract: "orders"},
			{Name: "d", Contract: "quiet"},
			{Name: "e", Contract: "none"},
			{Name: "f", Contract: "two", Version: "2"},
			{Name: "g", Contract: "two", Version: "3"},
			{Name: "h", Contract: "x"},
			{Name: "i"},
			{Name: "j", Contract: "empty"},
		}}},
	}
	all := declaredView(t, declaredWorld(t, nil), identity.Rules{}, d, answer.All).Products()
	var got []string
	for _, p := range all[0].Ports {
		s := p.Name + " " + verdict(p.Observed)
		for _, n := range p.Topics {
			s += " " + n.Name
		}
		got = append(got, strings.TrimSpace(s+" "+strings.Join(p.Unresolved, "; ")))
	}
	if diff := cmp.Diff([]string{
		"a true orders", "b null archive", "c true orders", "d false quiet", "e null missing", "f true orders",
		`g null several contracts are called "two", and 0 of them are of version "3"`, `h null no file holds the contract "x"`, "i null it has no contract",
		`j null the contract "empty" names no topic`,
	}, got); diff != "" {
		t.Error(diff)
	}
}

// What a lens hides is in no declaration, by whatever name or pattern it is meant.
func TestDeclaredThroughALens(t *testing.T) {
	app := &lineage.DeclaredApplication{Name: "checkout"}
	var flows []lineage.DeclaredFlow
	for i, topic := range []lineage.DeclaredTopic{
		exactly("orders"), exactly("payments"), exactly("absent-secret"),
		{Text: "{x}", Match: regexp.MustCompile(`^.+$`)},
		{Text: "o{x}", Prefix: "o", Match: regexp.MustCompile(`^o.+$`)},
	} {
		flows = append(flows, lineage.DeclaredFlow{Said: saidAt(i), Application: app, Op: lineage.Write, Topic: topic, Servers: atWest})
	}
	flows = append(flows, lineage.DeclaredFlow{Said: saidAt(9), Application: app, Op: lineage.Write, Topic: exactly("orders"), Servers: []lineage.DeclaredServer{{Name: "elsewhere"}}},
		lineage.DeclaredFlow{Said: saidAt(10), Flow: lineage.Flow{From: topicNode("payments"), To: lineage.Node{Scope: "shop", Kind: lineage.ApplicationNode, Name: "a"}}})
	d := &lineage.Declarations{Flows: flows, Files: []lineage.DeclaredFile{{File: "payments.yaml"}}, Products: []lineage.DeclaredProduct{{ID: "payments"}}}
	v := declaredView(t, declaredWorld(t, nil), identity.Rules{}, d, withoutBoth{"payments", "absent-secret"})
	if got := outcome(v); len(got) != 2 || !strings.HasPrefix(got[0], "checkout orders: true") || !strings.HasPrefix(got[1], "checkout o{x}: true") {
		t.Errorf("%q", got)
	}
	if len(v.DeclaredFiles())+len(v.Products()) > 0 {
		t.Error("what files and products say is shown")
	}
	for _, f := range v.Undeclared(nil, true).Flows {
		if strings.Contains(f.ID(), "payments") {
			t.Error(f.ID())
		}
	}
}

// withoutBoth is a lens that hides topics.
type withoutBoth [2]string

func (w withoutBoth) Topic(_ lineage.Cluster, name string) bool { return !slices.Contains(w[:], name) }

// Whatever is declared: each flow that moved is either observed of a declaration or undeclared, or is counted as left
// out; and what is said not to be observed did not move.
func TestDeclaredAndUndeclaredAreAll(t *testing.T) {
	w := declaredWorld(t, nil)
	sum := func(u answer.Undeclared) int { return len(u.Flows) + u.Unidentified + u.Outside + u.Elsewhere }
	total := sum(declaredView(t, w, identity.Rules{}, &lineage.Declarations{}, answer.All).Undeclared(nil, true))
	if total != 4 {
		t.Fatalf("%d flows move", total)
	}
	r := rand.New(rand.NewPCG(1, 2))
	topics := []lineage.DeclaredTopic{
		exactly("orders"), exactly("payments"), exactly("archive"), exactly("quiet"), exactly("none"),
		{Text: "{x}", Match: regexp.MustCompile(`^[a-z.0-9]+$`)},
		{Text: "o{x}", Prefix: "o", Match: regexp.MustCompile(`^o[a-z.0-9]+$`)},
	}
	declaredTrue := 0
	for range 500 {
		d := &lineage.Declarations{}
		for i := range r.IntN(5) {
			f := lineage.DeclaredFlow{
				Said: saidAt(i), Application: &lineage.DeclaredApplication{Name: []string{"checkout", "billing", "report", "x"}[r.IntN(4)]},
				Op: []lineage.Op{lineage.Read, lineage.Write}[r.IntN(2)], Topic: topics[r.IntN(len(topics))], Servers: atWest,
			}
			if r.IntN(2) == 0 {
				f.Clients = []lineage.Client{{Group: []string{"billing", "report", "y"}[r.IntN(3)]}}
			}
			d.Flows = append(d.Flows, f)
		}
		v := declaredView(t, w, identity.Rules{}, d, answer.All)
		moved := map[lineage.Flow]bool{}
		for _, x := range v.Declared() {
			for _, p := range x.Pairs {
				active := v.HasFlow(p.Flow) && v.Rows(nil, []lineage.Flow{p.Flow}).Flow(p.Flow).Active() != nil && *v.Rows(nil, []lineage.Flow{p.Flow}).Flow(p.Flow).Active()
				if observed := p.Observed != nil && *p.Observed; observed != active {
					t.Fatalf("%s: active %v, observed %v", p.Flow.ID(), active, observed)
				}
				if active {
					moved[p.Flow] = true
				}
				if (p.Observed == nil) != (p.Why != "") {
					t.Fatalf("%+v", p)
				}
			}
		}
		for _, all := range []bool{true, false} {
			if got := sum(v.Undeclared(nil, all)) + len(moved); got != total {
				t.Fatalf("%d flows are accounted for, of %d: %q", got, total, outcome(v))
			}
		}
		declaredTrue += len(moved)
	}
	if declaredTrue < 50 {
		t.Errorf("only %d flows were observed", declaredTrue)
	}
}

// A component of a software catalog owns the nodes that it names, and those of its groups; a rule stands over it.
func TestComponents(t *testing.T) {
	application := lineage.Node{Scope: "shop", Kind: lineage.ApplicationNode, Name: "billing"}
	d := &lineage.Declarations{Components: []lineage.DeclaredComponent{
		{Name: "billing", Owner: "team-money", Tags: []string{"tier-1"}, Groups: []lineage.DeclaredGroup{{Cluster: "west", Group: "billing"}, {Cluster: "north", Group: "billing"}}},
		{Name: "topics", Owner: "team-data", Nodes: []lineage.Node{topicNode("orders"), topicNode("payments")}},
	}}
	v := declaredView(t, declaredWorld(t, nil), identity.Rules{Topics: []identity.TopicRule{{Match: regexp.MustCompile("^payments$"), Owner: "team-rule"}}}, d, answer.All)
	for n, want := range map[lineage.Node]string{application: "team-money[tier-1]", topicNode("orders"): "team-data[]", topicNode("payments"): "team-rule[]", topicNode("quiet"): "[]"} {
		owner, tags := v.Rows([]lineage.Node{n}, nil).Node(n).Describe()
		if got := fmt.Sprint(owner, tags); got != want {
			t.Errorf("%s: %s, want %s", n.ID(), got, want)
		}
	}
	all := v.Components()
	if len(all) != 2 || len(all[0].Nodes) != 1 || all[0].Nodes[0] != application || len(all[0].Unresolved) != 1 || !strings.Contains(all[0].Unresolved[0], `no watched cluster is called "north"`) {
		t.Errorf("%+v", all)
	}
	if got := declaredView(t, declaredWorld(t, nil), identity.Rules{}, d, withoutBoth{"payments", "absent-secret"}).Components(); got != nil {
		t.Errorf("to who may not see all is shown %+v", got)
	}
}
