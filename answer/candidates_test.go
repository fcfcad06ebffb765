package answer_test

import (
	"context"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/identity"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// bursts is a load of which each round tells something of its own.
func bursts(n int) int64 { return int64(100 + (n*n*37)%400) }

func resolver(t testing.TB, rules ...identity.Rule) *identity.Resolver {
	t.Helper()
	r, err := identity.New(identity.Rules{Applications: rules})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// asked asks who writes a topic in a world of so many rounds.
func asked(t testing.TB, w *world, to int, lens answer.Lens, change func(*answer.Options)) answer.Candidates {
	t.Helper()
	r := resolver(t)
	o := answer.Options{
		History: w.store, Identity: func() answer.Identity { return r }, Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}},
		Now: func() time.Time { return round(to).Add(time.Second) },
	}
	if change != nil {
		change(&o)
	}
	got, err := view(t, answer.New(o), answer.Between(round(0), round(to)), lens).Candidates(t.Context(), topicNode("out"))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// told is who is offered for what reasons, in short.
func told(c answer.Candidates) string {
	names := map[answer.ClueKind]string{
		answer.CluePermitted: "permitted", answer.ClueRestarts: "restarts", answer.ClueRates: "rates", answer.ClueDeclared: "declared", answer.ClueHost: "host",
		answer.ClueConfigured: "configured", answer.ClueWroteBefore: "wrote before",
	}
	var out []string
	for _, x := range c.List {
		var why []string
		for _, clue := range x.Clues {
			sign := "+"
			if clue.Factor < 1 {
				sign = "-"
			}
			why = append(why, sign+names[clue.Kind])
		}
		out = append(out, x.Node.ID()+" "+strings.Join(why, " "))
	}
	return strings.Join(out, "; ")
}

// TestCandidates holds each reason by a world that has it alone, and that nothing speaks where nothing was seen.
func TestCandidates(t *testing.T) {
	in, out, down := topic("in"), topic("out"), topic("down")
	acls := func(rules ...lineage.Permission) filling {
		return facts(lineage.Fact{Key: lineage.FactKey{Source: "west", Kind: lineage.PermissionFacts}, Permission: &lineage.PermissionFact{Rules: rules}})
	}
	may := func(principal, topic string) lineage.Permission {
		return lineage.Permission{Topic: topic, Principal: principal, Host: "*", Operation: "WRITE", Allowed: true}
	}
	forbidden := may("User:*", "out")
	forbidden.Allowed = false
	even := func(w *world, n int) []filling {
		return []filling{w.moved(writes(out, producer(5)), lineage.ProducerState, 50), w.moved(reads(in, group("copy")), lineage.GroupOffsets, 50)}
	}
	with := func(more ...func(w *world, n int) []filling) func(w *world, n int) []filling {
		return func(w *world, n int) (fill []filling) {
			for _, f := range more {
				fill = append(fill, f(w, n)...)
			}
			return fill
		}
	}
	bear := func(principal string) func(w *world, n int) []filling {
		return func(_ *world, _ int) []filling {
			return []filling{sighted(reads(in, lineage.Client{Group: "copy", ClientID: "copy", Principal: principal}), lineage.AuthorizerLog, "")}
		}
	}
	rules := func(rules ...lineage.Permission) func(w *world, n int) []filling {
		return func(_ *world, _ int) []filling { return []filling{acls(rules...)} }
	}
	job := lineage.Fact{Key: lineage.FactKey{Source: "flink-west", Kind: lineage.JobFacts, Name: "copy"}, Job: &lineage.JobFact{
		Engine: "Apache Flink", State: "RUNNING", Reads: []lineage.GroupRef{{Cluster: west, Group: "copy"}},
	}}
	for _, x := range []struct {
		name string
		each func(w *world, n int) []filling // of each round
		want string
		note string
	}{
		{"nobody has no name", func(w *world, n int) []filling {
			return []filling{w.moved(writes(out, lineage.Client{TransactionalID: "till"}), lineage.Transaction, bursts(n))}
		}, "", "nobody without a name"},
		{"even rates", even, "", "is even"},
		{"rates", func(w *world, n int) []filling {
			return []filling{
				w.moved(writes(out, producer(5)), lineage.ProducerState, bursts(n)/10), w.moved(reads(in, group("copy")), lineage.GroupOffsets, bursts(n)),
				w.moved(reads(in, group("audit")), lineage.GroupOffsets, bursts(n*7+3)),
			}
		}, "application:west/copy +rates", ""},
		{"without a producer id", func(w *world, n int) []filling {
			return []filling{
				w.moved(writes(out, lineage.Client{Kind: lineage.Remainder}), lineage.EndOffsets, bursts(n)/10), w.moved(reads(in, group("copy")), lineage.GroupOffsets, bursts(n)),
			}
		}, "application:west/copy +rates", "no producer id"},
		{"hidden now and then in a count that is at most", func(w *world, n int) []filling {
			rest, till := bursts(n)/10, estimated(w.moved(writes(out, lineage.Client{TransactionalID: "till"}), lineage.Transaction, bursts(n)))
			if n/3%2 == 0 {
				rest = 0
			} else {
				till = w.moved(writes(out, lineage.Client{TransactionalID: "till"}), lineage.Transaction, 0)
			}
			return []filling{till, w.moved(writes(out, lineage.Client{Kind: lineage.Remainder}), lineage.EndOffsets, rest), w.moved(reads(in, group("copy")), lineage.GroupOffsets, bursts(n))}
		}, "application:west/copy +rates", "no producer id"},
		{"one of two without a name", func(w *world, n int) []filling {
			return []filling{
				w.moved(writes(out, producer(5)), lineage.ProducerState, bursts(n)/50), w.moved(writes(out, producer(6)), lineage.ProducerState, bursts(n*5+1)*9),
				w.moved(reads(in, group("copy")), lineage.GroupOffsets, bursts(n)),
			}
		}, "application:west/copy +rates", ""},
		{"who reads the topic, and what is made of it, follows it", func(w *world, n int) []filling {
			return []filling{
				w.moved(writes(out, producer(5)), lineage.ProducerState, bursts(n)), w.moved(reads(out, group("sink")), lineage.GroupOffsets, bursts(n)),
				w.moved(writes(down, lineage.Client{TransactionalID: "sink"}), lineage.Transaction, bursts(n)), w.moved(reads(down, group("last")), lineage.GroupOffsets, bursts(n)),
			}
		}, "", "nothing speaks for any of the 2"},
		{"who reads what nobody names the maker of may follow it", func(w *world, n int) []filling {
			return []filling{
				w.moved(writes(out, producer(5)), lineage.ProducerState, bursts(n)), w.moved(reads(out, group("sink")), lineage.GroupOffsets, bursts(n)),
				w.moved(writes(down, producer(6)), lineage.ProducerState, bursts(n)), w.moved(reads(down, group("last")), lineage.GroupOffsets, bursts(n)),
			}
		}, "application:west/last +rates", ""},
		{"restarts", func(w *world, n int) []filling {
			life := n / 15
			return []filling{
				w.moved(writes(out, producer(int64(life))), lineage.ProducerState, 50), w.moved(reads(in, group("copy")), lineage.GroupOffsets, 50),
				sighted(reads(in, lineage.Client{Group: "copy", Member: fmt.Sprint("copy-", life), ClientID: "copy"}), lineage.GroupMembership, ""),
				sighted(reads(in, lineage.Client{Group: "audit", Member: "audit-1", ClientID: "audit"}), lineage.GroupMembership, ""),
			}
		}, "application:west/copy +restarts", ""},
		{"a job of Flink's", func(w *world, n int) []filling {
			w.observe("flink-west", "jobs", n, facts(job))
			return []filling{w.moved(writes(out, producer(5)), lineage.ProducerState, bursts(n)), w.moved(reads(in, group("copy")), lineage.GroupOffsets, bursts(n))}
		}, "streamjob:flink-west/copy +rates", ""},
		{"a job of Flink's, which restarts, and a twin, which does not", func(w *world, n int) []filling {
			var fill []filling
			if n%15 == 0 {
				fill = append(fill, happened(lineage.Event{Type: lineage.JobRestarted, Access: lineage.Access{Client: lineage.Client{Mover: lineage.Node{Scope: "flink-west", Kind: lineage.StreamJobNode, Name: "copy"}}}}))
			}
			w.observe("flink-west", "jobs", n, append(fill, facts(job))...)
			nobody := facts(lineage.Fact{Key: lineage.FactKey{Source: "west", Kind: lineage.GroupFacts, Name: "copy"}, Group: &lineage.GroupFact{State: "Empty", MembersKnown: true}})
			return []filling{
				w.moved(writes(out, producer(int64(n/15))), lineage.ProducerState, 50), w.moved(reads(in, group("copy")), lineage.GroupOffsets, 50), w.moved(reads(in, group("twin")), lineage.GroupOffsets, 50), nobody,
			}
		}, "streamjob:flink-west/copy +restarts", ""},
		{"a job of Flink's, of whose runs nothing was told: that its group has no members speaks neither for nor against it", func(w *world, n int) []filling {
			w.observe("flink-west", "jobs", n, facts(job))
			nobody := facts(lineage.Fact{Key: lineage.FactKey{Source: "west", Kind: lineage.GroupFacts, Name: "copy"}, Group: &lineage.GroupFact{State: "Empty", MembersKnown: true}})
			return []filling{w.moved(writes(out, producer(int64(n/15))), lineage.ProducerState, bursts(n)), w.moved(reads(in, group("copy")), lineage.GroupOffsets, bursts(n)), nobody}
		}, "streamjob:flink-west/copy +rates", ""},
		{"restarts, told as events", func(w *world, n int) []filling {
			fill := []filling{w.moved(writes(out, producer(int64(n/15))), lineage.ProducerState, 50), w.moved(reads(in, group("copy")), lineage.GroupOffsets, 50)}
			if n%15 == 0 {
				fill = append(fill, happened(lineage.Event{Type: lineage.GroupJoined, Group: lineage.GroupRef{Cluster: west, Group: "copy"}}))
			}
			return fill
		}, "application:west/copy +restarts", ""},
		{"may", with(even, bear("User:x"), rules(may("User:x", "out"))), "application:west/copy +permitted", ""},
		{"another may", with(even, bear("User:x"), rules(may("User:y", "out"))), "application:west/y +permitted", ""},
		{"another topic", with(even, bear("User:x"), rules(may("User:x", "in"))), "", "nothing speaks"},
		{"nobody may", with(even, bear("User:x"), rules(may("User:x", "out"), forbidden)), "", "nothing speaks"},
		{"everybody may", with(even, bear("User:x"), rules(may("User:*", "out"))), "", "everybody may write it"},
		{"host", func(w *world, n int) []filling {
			there := func(g, host string) filling {
				return sighted(reads(in, lineage.Client{Group: g, Member: g + "-1", ClientID: g, Host: host}), lineage.GroupMembership, "")
			}
			return []filling{w.moved(writes(out, lineage.Client{Principal: "User:ANONYMOUS", Host: "10.0.0.7"}), lineage.RequestLog, 50), there("copy", "/10.0.0.7"), there("audit", "/10.0.0.8")}
		}, "application:west/copy +host", ""},
		{"wrote before", func(w *world, n int) []filling {
			if n < 5 {
				return []filling{w.moved(writes(out, lineage.Client{TransactionalID: "copy"}), lineage.Transaction, 50)}
			}
			return []filling{w.moved(writes(out, producer(5)), lineage.ProducerState, 50)}
		}, "application:west/copy +wrote before", ""},
		{"let in, which is no movement, whatever the entries say", with(even, rules(may("User:z", "in")), func(_ *world, n int) []filling {
			if n != 50 {
				return nil
			}
			return []filling{sighted(writes(out, lineage.Client{ClientID: "copy", Principal: "User:c"}), lineage.AuditLog, "")}
		}), "application:west/copy +permitted", ""},
		{"a mover that nothing counts", func(w *world, n int) []filling {
			c := lineage.Client{Mover: lineage.Node{Scope: "connect", Kind: lineage.ConnectorNode, Name: "jdbc"}}
			return []filling{w.moved(writes(out, producer(5)), lineage.ProducerState, 50), sighted(writes(out, c), lineage.Connect, "")}
		}, "connector:connect/jdbc +configured", ""},
		{"declared by a source", with(even, func(_ *world, _ int) []filling {
			return []filling{sighted(writes(out, lineage.Client{Group: "copy"}), lineage.Declared, "")}
		}), "application:west/copy +declared", ""},
	} {
		w := newWorld(t)
		for n := 1; n <= 60; n++ {
			w.observe("west", "all", n, append([]filling{facts(clusterFact(3), topicFact(in), topicFact(out), topicFact(down)), w.moved(self(out), lineage.NoEvidence, 1)}, x.each(w, n)...)...)
		}
		got := asked(t, w, 60, answer.All, nil)
		if s := told(got); s != x.want || !strings.Contains(got.Detail, x.note) {
			t.Errorf("%s: got %q with the note %q, want %q with %q", x.name, s, got.Detail, x.want, x.note)
		}
		if strings.HasPrefix(x.name, "who reads what nobody names") && (got.List[0].Clues[0].Factor > 4 || !strings.Contains(got.List[0].Clues[0].Words, "may be made of this topic")) {
			t.Errorf("%s: %v", x.name, got.List[0].Clues)
		}
		if x.name == "restarts" && !strings.Contains(got.List[0].Clues[0].Words, "at 4 of the 4 times") {
			t.Errorf("what was there when watching began has appeared then: %s", got.List[0].Clues[0].Words)
		}
		if again := asked(t, w, 60, answer.All, nil); !reflect.DeepEqual(got, again) {
			t.Errorf("%s: asked again it is %v, and was %v", x.name, again, got)
		}
	}
}

// TestDeclaredCandidate takes in who is declared, also one of whom nothing else is known.
func TestDeclaredCandidate(t *testing.T) {
	w := newWorld(t)
	for n := 1; n <= 20; n++ {
		w.observe("west", "all", n, facts(clusterFact(1), topicFact(topic("out"))), w.moved(self(topic("out")), lineage.NoEvidence, 9), w.moved(writes(topic("out"), producer(5)), lineage.ProducerState, 9))
	}
	if got := asked(t, w, 20, answer.All, nil); len(got.List) != 0 || !strings.Contains(got.Detail, "nobody is known who reads") {
		t.Errorf("nobody is known, and it may be %s: %s", told(got), got.Detail)
	}
	got := asked(t, w, 20, answer.All, func(o *answer.Options) {
		o.Declared = func() *lineage.Declarations {
			d := writerDeclared("till")
			d.Flows = append(d.Flows, lineage.DeclaredFlow{Op: lineage.Write, Flow: lineage.Flow{From: application("other"), To: topicNode("in")}})
			return d
		}
	})
	if told(got) != "application:west/till +declared" || got.List[0].Seen {
		t.Errorf("till is declared, and it may be %s, seen %v", told(got), got.List)
	}
}

// onlyTopics is a lens that shows some topics.
type onlyTopics string

func (l onlyTopics) Topic(_ lineage.Cluster, name string) bool {
	return strings.Contains(string(l), " "+name+" ")
}

// TestCandidatesThroughALens holds that who does nothing that may be seen is no candidate, and that nobody is one for
// what he does unseen.
func TestCandidatesThroughALens(t *testing.T) {
	w, secret, in, out := newWorld(t), topic("secret"), topic("in"), topic("out")
	for n := 1; n <= 60; n++ {
		w.observe("west", "all", n, facts(clusterFact(2), topicFact(secret), topicFact(in), topicFact(out)), w.moved(self(out), lineage.NoEvidence, 1),
			w.moved(writes(out, producer(5)), lineage.ProducerState, bursts(n)), w.moved(reads(secret, group("copy")), lineage.GroupOffsets, bursts(n)),
			w.moved(reads(secret, group("both")), lineage.GroupOffsets, bursts(n)), w.moved(reads(in, group("both")), lineage.GroupOffsets, bursts(n)/2),
			w.moved(reads(secret, group("half")), lineage.GroupOffsets, bursts(n)), w.moved(reads(in, group("half")), lineage.GroupOffsets, 50))
	}
	declared := func(o *answer.Options) {
		o.Declared = func() *lineage.Declarations { return writerDeclared("copy") }
	}
	const all = "application:west/copy +rates +declared; application:west/both +rates; application:west/half +rates"
	if got := asked(t, w, 60, answer.All, declared); told(got) != all {
		t.Fatalf("it may be %s", told(got))
	}
	got := asked(t, w, 60, onlyTopics(" in out "), declared)
	if text := fmt.Sprint(got); told(got) != "application:west/both +rates" || strings.Contains(text, "copy") || strings.Contains(text, "secret") {
		t.Errorf("through the lens it may be %s", text)
	}
}

// TestACandidateBecomesAName copies the rule of a candidate: a window of before has the name then, with DECLARED
// evidence, and nothing in the store has changed for it.
func TestACandidateBecomesAName(t *testing.T) {
	w, in, out := newWorld(t), topic("in"), topic("out")
	for n := 1; n <= 60; n++ {
		w.observe("west", "all", n, facts(clusterFact(2), topicFact(in), topicFact(out)), w.moved(self(out), lineage.NoEvidence, bursts(n)),
			w.moved(writes(out, producer(int64(n/20))), lineage.ProducerState, bursts(n)), w.moved(reads(in, group("copy")), lineage.GroupOffsets, bursts(n)))
	}
	who := resolver(t)
	a := answer.New(answer.Options{
		History: w.store, Identity: func() answer.Identity { return who }, Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}},
		Now: func() time.Time { return round(60).Add(time.Second) },
	})
	stored := func() store.State {
		s, err := w.store.State(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	past := answer.Between(round(10), round(40))
	writer := func() (names string, records int64, kinds []lineage.EvidenceKind, namedBy string) {
		v := view(t, a, past, answer.All)
		writers, _ := v.Usage(topicNode("out"))
		rows := v.Rows(nil, writers)
		for _, f := range writers {
			names += f.From.ID() + " "
			records += *rows.Flow(f).Records()
			for _, e := range evidenceOf(t, rows.Flow(f)) {
				kinds = append(kinds, e.Kind)
				if e.Kind == lineage.Declared {
					namedBy = e.Detail
				}
			}
		}
		return names, records, kinds, namedBy
	}
	before := stored()
	names, records, _, _ := writer()
	if names != "unidentified:west/out " {
		t.Fatalf("it is written by %s", names)
	}
	got, err := view(t, a, answer.Between(round(30), round(60)), answer.All).Candidates(t.Context(), topicNode("out"))
	if err != nil || len(got.List) == 0 {
		t.Fatal(err, got)
	}
	var file struct {
		Applications []struct {
			Match struct{ Unidentified string }
			Name  string
		}
	}
	if err := yaml.Unmarshal([]byte(got.List[0].Rule), &file); err != nil {
		t.Fatal(err)
	}
	rule := file.Applications[0]
	who = resolver(t, identity.Rule{Unidentified: regexp.MustCompile(rule.Match.Unidentified), Name: rule.Name})
	names, now, kinds, by := writer()
	if names != "application:west/copy " || now != records {
		t.Errorf("with the rule %s wrote %d, and nobody %d before", names, now, records)
	}
	if !slices.Equal(kinds, []lineage.EvidenceKind{lineage.ProducerState, lineage.Declared}) || !strings.HasPrefix(by, "declared by rule 1") {
		t.Errorf("that is known by %v: %q", kinds, by)
	}
	if after := stored(); !reflect.DeepEqual(before, after) {
		t.Errorf("the store is %v, and was %v", after, before)
	}
	v := view(t, a, past, answer.All)
	walk := v.Walk(graph.Query{Roots: []lineage.Node{topicNode("in")}, Direction: graph.Downstream, Depth: 9, Limit: 100}, answer.Filter{})
	if s := ids(walk.Nodes); !strings.Contains(s, "topic:out") {
		t.Errorf("downstream of what it reads is %s, without what it writes", s)
	}
	only := v.Walk(graph.Query{Roots: []lineage.Node{topicNode("out")}, Direction: graph.Upstream, Depth: 1, Limit: 100}, answer.Filter{Evidence: []lineage.EvidenceKind{lineage.Declared}})
	if s := ids(only.Nodes); !strings.Contains(s, "copy") {
		t.Errorf("by what is declared there is %s", s)
	}
	if again, err := v.Candidates(t.Context(), topicNode("out")); err != nil || len(again.List) > 0 {
		t.Errorf("of a named writer it may be %s: %v", told(again), err)
	}
}

// counted counts the points that are read of a store.
type counted struct {
	store.Reader
	points *int
}

func (c counted) Window(ctx context.Context, ask store.Ask) (*store.Window, error) {
	w, err := c.Reader.Window(ctx, ask)
	if err == nil && w.Details != nil {
		with := *w
		with.Details = countedDetails{w.Details, c.points}
		w = &with
	}
	return w, err
}

type countedDetails struct {
	store.Details
	points *int
}

func (c countedDetails) Points(ctx context.Context, step time.Duration, series []int32) ([][]lineage.Point, error) {
	out, err := c.Details.Points(ctx, step, series)
	for _, x := range out {
		*c.points += len(x)
	}
	return out, err
}

// TestCandidatesAreBounded holds what an answer costs, however many programs there are and however long the window is.
func TestCandidatesAreBounded(t *testing.T) {
	const programs, principals, long = 350, 150, 1500
	w, out := newWorld(t), topic("out")
	var rules []lineage.Permission
	for i := range principals {
		rules = append(rules, lineage.Permission{Topic: "out", Principal: fmt.Sprintf("User:p%03d", i), Host: "*", Operation: "WRITE", Allowed: true})
	}
	for n := 1; n <= 20; n++ {
		fill := []filling{facts(clusterFact(7), topicFact(out)), w.moved(self(out), lineage.NoEvidence, 1), w.moved(writes(out, producer(5)), lineage.ProducerState, bursts(n))}
		if n == 1 {
			fill = append(fill, facts(lineage.Fact{Key: lineage.FactKey{Source: "west", Kind: lineage.PermissionFacts}, Permission: &lineage.PermissionFact{Rules: rules}}))
		}
		for i := range programs {
			for k := range 6 {
				fill = append(fill, w.moved(reads(topic(fmt.Sprint("in-", k)), group(fmt.Sprintf("g%03dx", i))), lineage.GroupOffsets, bursts(n*(i+2)+k)+int64(i)))
			}
		}
		w.observe("west", "all", n, fill...)
	}
	for n := 21; n <= long; n++ {
		w.observe("west", "all", n, w.moved(writes(out, producer(5)), lineage.ProducerState, bursts(n)), w.moved(reads(topic("in-1"), group("g349x")), lineage.GroupOffsets, bursts(n)))
	}
	for _, to := range []int{60, long} {
		points := 0
		got := asked(t, w, to, answer.All, func(o *answer.Options) { o.History = counted{w.store, &points} })
		if got.Considered != 400 || got.LeftOut != 100 {
			t.Errorf("%d rounds: %d were considered and %d left out, want 400 and 100", to, got.Considered, got.LeftOut)
		}
		if most := (300*4 + 64) * 360; points > most {
			t.Errorf("%d rounds: %d points were read, want %d at most", to, points, most)
		}
		if len(got.List) > 20 {
			t.Errorf("%d rounds: %d are offered", to, len(got.List))
		}
		for _, c := range got.List {
			if c.Score < 0 || c.Score > 1 || math.IsNaN(c.Score) {
				t.Errorf("a score of %v", c.Score)
			}
		}
	}
}
