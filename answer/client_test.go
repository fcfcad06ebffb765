package answer_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// listed is a client in words: what it bears, its rate and its lag.
func listed(c answer.Client) string {
	var bears []string
	for _, s := range []string{c.Group, c.Member, c.TransactionalID, c.ClientID} {
		if s != "" {
			bears = append(bears, s)
		}
	}
	if c.Producer != 0 {
		bears = append(bears, "producer")
	}
	return fmt.Sprintf("%s %s/s lag %s", strings.Join(bears, "+"), known(c.RecordsPerSecond), known(c.Lag))
}

// A flow's clients are those that the window saw, the busiest first; members stand for their group where they are
// known, and what a source tells of a mover is no client's.
func TestClients(t *testing.T) {
	orders := topic("orders")
	job := reads(orders, group("job"))
	member := func(name string) lineage.Access {
		return reads(orders, lineage.Client{Group: "job", Member: name, ClientID: "c-" + name})
	}
	app := application("all")
	for name, c := range map[string]struct {
		tell func(w *world, n int) []filling
		want []string
	}{
		"one": {func(w *world, _ int) []filling {
			return []filling{w.moved(job, lineage.GroupOffsets, 10), level(job, lineage.Lag, 4)}
		}, []string{"job 1/s lag 4"}},
		"the busiest first": {func(w *world, _ int) []filling {
			return []filling{w.moved(reads(orders, group("a")), lineage.GroupOffsets, 10), w.moved(reads(orders, group("b")), lineage.GroupOffsets, 30), w.moved(reads(orders, group("c")), lineage.GroupOffsets, 20)}
		}, []string{"b 3/s lag null", "c 2/s lag null", "a 1/s lag null"}},
		"who is not counted comes last": {func(w *world, _ int) []filling {
			return []filling{sighted(reads(orders, group("a")), lineage.GroupMembership, ""), w.moved(reads(orders, group("b")), lineage.GroupOffsets, 30)}
		}, []string{"b 3/s lag null", "a null/s lag null"}},
		"the only member does what its group does": {func(w *world, _ int) []filling {
			return []filling{w.moved(job, lineage.GroupOffsets, 10), level(job, lineage.Lag, 4), sighted(member("m"), lineage.GroupMembership, ""), level(member("m"), lineage.Lag, 9)}
		}, []string{"job+m+c-m 1/s lag 4"}},
		"of two members nobody knows who did what": {func(w *world, _ int) []filling {
			return []filling{w.moved(job, lineage.GroupOffsets, 10), level(job, lineage.Lag, 4), sighted(member("m"), lineage.GroupMembership, ""), sighted(member("o"), lineage.GroupMembership, ""), level(member("m"), lineage.Lag, 9)}
		}, []string{"job+m+c-m null/s lag 9", "job+o+c-o null/s lag null"}},
		"what is told of a mover is no client's": {func(w *world, _ int) []filling {
			return []filling{w.moved(job, lineage.GroupOffsets, 10), sighted(reads(nameOnly(orders), by(connector("x"))), lineage.Connect, "")}
		}, []string{"job 1/s lag null"}},
		"who was there before is not listed with who is": {func(w *world, n int) []filling {
			if n <= 3 {
				return []filling{w.moved(reads(orders, group("before")), lineage.GroupOffsets, 10)}
			}
			return []filling{w.moved(job, lineage.GroupOffsets, 10)}
		}, []string{"job 1/s lag null"}},
		"who was there before, where nobody is": {func(w *world, n int) []filling {
			if n <= 3 {
				return []filling{w.moved(reads(orders, group("before")), lineage.GroupOffsets, 10)}
			}
			return nil
		}, []string{"before 0/s lag null"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				for n := 1; n <= 10; n++ {
					fill := append(c.tell(w, n), w.moved(self(orders), lineage.NoEvidence, 10))
					if n == 1 {
						fill = append(fill, facts(clusterFact(1), topicFact(orders)))
					}
					w.observe("west", "all", n, fill...)
				}
				time.Sleep(time.Until(round(10)))
				v := namedBy(t, w, oneReader{app: app}, answer.Between(round(5), round(10)))
				x := lineage.Flow{From: topicNode("orders"), To: app}
				f := v.Rows(nil, []lineage.Flow{x}).Flow(x)
				clients, err := f.Clients(context.Background(), 10)
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, cl := range clients {
					got = append(got, listed(cl))
					if cl.FirstSeen.IsZero() || cl.LastSeen.Before(cl.FirstSeen) || cl.LastSeen.After(round(10)) {
						t.Errorf("%s was seen from %s to %s", listed(cl), cl.FirstSeen, cl.LastSeen)
					}
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Error(diff)
				}
				if f.ClientCount() != len(c.want) {
					t.Errorf("%d clients, want %d", f.ClientCount(), len(c.want))
				}
				if first, err := f.Clients(context.Background(), 1); err != nil || len(first) != min(1, len(c.want)) || len(first) == 1 && listed(first[0]) != c.want[0] {
					t.Errorf("the first is %v, %v", first, err)
				}
			})
		})
	}
}

// Pairs that look alike are offered in a fixed order and so many at most, of applications alone, with the names that
// their clients bear.
func TestJoins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		orders, secret := topic("orders"), topic("secret")
		for n := 1; n <= 3; n++ {
			fill := []filling{
				w.moved(self(orders), lineage.NoEvidence, 5), w.moved(reads(orders, group("reader-b")), lineage.GroupOffsets, 5), w.moved(reads(orders, group("reader-a")), lineage.GroupOffsets, 5),
				w.moved(writes(orders, group("writer")), lineage.Transaction, 5), w.moved(writes(orders, producer(1)), lineage.ProducerState, 5),
				w.moved(reads(orders, group("both")), lineage.GroupOffsets, 5), w.moved(writes(secret, group("both")), lineage.Transaction, 5),
			}
			if n == 1 {
				fill = append(fill, facts(clusterFact(2), topicFact(orders), topicFact(secret)))
			}
			w.observe("west", "all", n, fill...)
		}
		time.Sleep(time.Until(round(3)))
		a := answers(w.store)
		for _, c := range []struct {
			lens answer.Lens
			most int
			want string
		}{
			{answer.All, 10, "reader-a with writer, reader-b with writer"},
			{answer.All, 1, "reader-a with writer"},
			{answer.All, 0, ""},
			// of both it would not be true that it only reads
			{without("secret"), 10, "reader-a with writer, reader-b with writer"},
		} {
			var got []string
			for _, p := range view(t, a, answer.Between(round(0), round(3)), c.lens).Joins(c.most) {
				got = append(got, p.A.Name+" with "+p.B.Name)
			}
			if strings.Join(got, ", ") != c.want {
				t.Errorf("at most %d: %q, want %q", c.most, got, c.want)
			}
		}
	})
}

// usages remembers what was told of each application.
type usages struct {
	people
	told map[lineage.Node]lineage.Usage
}

func (u *usages) Alike(all []lineage.Usage) []lineage.Alike {
	for _, x := range all {
		u.told[x.Node] = x
	}
	return nil
}

func (u *usages) Resolve(c lineage.Cluster, a lineage.Access, known lineage.Known) (lineage.Node, string) {
	if a.Client.Group == "" {
		return application("many"), "a test"
	}
	return u.people.Resolve(c, a, known)
}

// What an application does, and which names its clients bear, is told in order, each once, and of many the first few.
func TestUsagesOfApplications(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		orders := topic("orders")
		for n := 1; n <= 2; n++ {
			fill := []filling{w.moved(self(orders), lineage.NoEvidence, 5), w.moved(reads(orders, lineage.Client{Group: "job", ClientID: "z"}), lineage.GroupOffsets, 5), w.moved(reads(orders, lineage.Client{Group: "job", ClientID: "a"}), lineage.GroupOffsets, 5)}
			for i := range 30 {
				fill = append(fill, w.moved(writes(orders, lineage.Client{TransactionalID: fmt.Sprintf("t-%02d", i)}), lineage.Transaction, 5))
			}
			if n == 1 {
				fill = append(fill, facts(clusterFact(1), topicFact(orders)))
			}
			w.observe("west", "all", n, fill...)
		}
		time.Sleep(time.Until(round(2)))
		who := &usages{told: map[lineage.Node]lineage.Usage{}}
		namedBy(t, w, who, answer.Between(round(0), round(2))).Joins(10)
		if diff := cmp.Diff(lineage.Usage{Node: application("job"), Reads: true, Groups: []string{"job"}, ClientIDs: []string{"a", "z"}}, who.told[application("job")]); diff != "" {
			t.Error(diff)
		}
		many := who.told[application("many")]
		if many.Reads || !many.Writes || len(many.Transactionals) != 20 || len(many.Groups)+len(many.ClientIDs) != 0 {
			t.Errorf("many do %+v", many)
		}
		if _, told := who.told[topicNode("orders")]; told || len(who.told) != 2 {
			t.Errorf("told of %v", who.told)
		}
	})
}

// A node tells its owner, its cluster where that is one, and what named it: its group before what else was seen.
func TestNodeOfItself(t *testing.T) {
	inShop(t, func(t *testing.T, _ *answer.Answers, v *answer.View) {
		rows := v.Rows(nil, nil)
		for _, c := range []struct {
			n                       lineage.Node
			cluster, owner, namedBy string
			tags                    int
		}{
			{topicNode("orders"), "west", "Team-Shop", "group id", 0},
			{topicNode("payments"), "west", "", "group id", 2},
			{topicNode("quiet"), "west", "", "", 0},
			{application("billing"), "west", "team-money", "group id", 1},
			{lineage.Node{Scope: "east", Kind: lineage.ApplicationNode, Name: "replay"}, "east", "", "group id", 0},
			{unidentified("orders"), "west", "", "nothing names it", 0},
			{application("never"), "", "", "", 0},
		} {
			is := rows.Node(c.n)
			owner, tags := is.Describe()
			cluster := ""
			if of := is.Cluster(); of != nil {
				cluster = of.Known().Name
			}
			if is.Node() != c.n || owner != c.owner || len(tags) != c.tags || cluster != c.cluster || is.NamedBy() != c.namedBy {
				t.Errorf("%s is of %q, %q, tags %v, named by %q; want %+v", c.n.ID(), cluster, owner, tags, is.NamedBy(), c)
			}
		}
	})
}

// Rows hold what an answer may ask for: the ends of its flows, the topics of who writes unseen, each once.
func TestRows(t *testing.T) {
	inShop(t, func(t *testing.T, _ *answer.Answers, v *answer.View) {
		f := lineage.Flow{From: unidentified("payments"), To: topicNode("payments")}
		rows := v.Rows([]lineage.Node{application("billing"), topicNode("orders"), application("billing")}, []lineage.Flow{f, {From: topicNode("orders"), To: application("billing")}})
		if got := ids(rows.Nodes()); got != "application:billing topic:orders topic:payments unidentified:payments" || rows.View() != v {
			t.Errorf("the rows are %s", got)
		}
	})
}
