package answer_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// A cluster is found by its own id or by a name, bears the names of the configuration, and what was configured before
// is there under the name that its source bore, unless that is an address.
func TestClusterNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.observe("west", "all", 1, facts(clusterFact(2)))
		w.observe("east", "all", 1, facts(eastFact()))
		for source, id := range map[string]lineage.ClusterID{"former": "f-id", "10.0.0.1:9092": "a-id"} {
			f := clusterFact(3)
			f.Key.Source, f.Cluster = source, &lineage.ClusterFact{ID: id, Brokers: 1, Controller: 1, Topics: 3, Groups: 4}
			w.observe(source, "all", 1, facts(f))
		}
		time.Sleep(time.Until(round(1)))
		a := answer.New(answer.Options{History: w.store, Identity: everybody, Clusters: []answer.ClusterConfig{
			{Source: "west", Name: "West", Environment: "prod"}, {Source: "north"}, {Source: "east"}, {Source: "west", Name: "twice"}, {Source: "south", Name: "South"},
		}})
		all, configured, err := a.Clusters(context.Background(), answer.All)
		if err != nil || configured != 4 {
			t.Errorf("%d are configured, %v", configured, err)
		}
		v := view(t, a, answer.Between(round(0), round(1)), answer.All)
		for i, want := range []struct {
			id, source string
			known      lineage.Cluster
			scope      int
		}{
			{string(west), "west", lineage.Cluster{ID: west, Name: "West", Environment: "prod"}, 1},
			{"north", "north", lineage.Cluster{Name: "north", Environment: "north"}, 0},
			{string(east), "east", lineage.Cluster{ID: east, Name: string(east), Environment: string(east)}, 1},
			{"South", "south", lineage.Cluster{Name: "South", Environment: "South"}, 0},
			{"a-id", "10.0.0.1:9092", lineage.Cluster{ID: "a-id", Name: "a-id", Environment: "a-id"}, 1},
			{"f-id", "former", lineage.Cluster{ID: "f-id", Name: "former", Environment: "former"}, 1},
		} {
			for _, c := range []*answer.Cluster{all[i], v.Clusters()[i]} {
				if c.ID() != want.id || c.Source() != want.source || c.Known() != want.known || len(c.Scope()) != want.scope || (c.Fact() == nil) != (want.scope == 0) {
					t.Errorf("cluster %d is %s of %s, known as %+v, scope %v, fact %v; want %+v", i, c.ID(), c.Source(), c.Known(), c.Scope(), c.Fact(), want)
				}
			}
			for _, by := range []string{want.id, want.known.Name} {
				if c, err := v.FindCluster(by); err != nil || c.Source() != want.source {
					t.Errorf("%s finds %v, %v", by, c, err)
				}
			}
		}
		if len(all) != 6 || len(v.Clusters()) != 6 {
			t.Errorf("%d and %d clusters", len(all), len(v.Clusters()))
		}
		if _, err := v.FindCluster("west"); !isMissing(err) { // a source's name is none of the cluster's
			t.Errorf("west: %v", err)
		}
		if c := v.Cluster("strange"); c.Known().Name != "strange" || c.Source() != "" || v.Watched("strange") || !v.Watched(west) {
			t.Errorf("who is not watched goes by %+v", c.Known())
		}
		if f := view(t, a, answer.Between(round(0), round(1)), without("x")).Clusters()[5].Fact(); f.Topics != -1 || f.Groups != -1 || f.Brokers != 1 {
			t.Errorf("who may not see all is told %+v", f)
		}
		if f := v.Clusters()[5].Fact(); f.Topics != 3 || f.Groups != 4 {
			t.Errorf("who may see all is told %+v", f)
		}
	})
}

func isMissing(err error) bool {
	refused, ok := errors.AsType[*answer.RefusedError](err)
	return ok && refused.Reason == answer.Missing
}

// An id goes before a name: a cluster that bears another one's id as its name is not that one.
func TestClusterIDBeforeName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.observe("west", "all", 1, facts(clusterFact(2)))
		w.observe("east", "all", 1, facts(eastFact()))
		time.Sleep(time.Until(round(1)))
		a := answer.New(answer.Options{History: w.store, Identity: everybody, Clusters: []answer.ClusterConfig{{Source: "west", Name: string(east)}, {Source: "east", Name: "east"}}})
		v := view(t, a, answer.Between(round(0), round(1)), answer.All)
		if c, err := v.FindCluster(string(east)); err != nil || c.Source() != "east" {
			t.Errorf("found %v, %v", c, err)
		}
	})
}

// A cluster is in trouble where what observes every tick saw nothing in the newest round, with the way out where one is
// known, and where no rounds come.
func TestClusterTrouble(t *testing.T) {
	const lost = "the brokers do not answer"
	for name, c := range map[string]struct {
		rounds func(w *world)
		wait   time.Duration // after round 3
		lens   answer.Lens
		want   string
		last   int // round; 0: none
	}{
		"all is well":     {rounds: func(w *world) { w.observe("west", "all", 3) }, last: 3},
		"a little late":   {rounds: func(w *world) { w.observe("west", "all", 3) }, wait: 30 * time.Second, last: 3},
		"no more rounds":  {rounds: func(w *world) { w.observe("west", "all", 3) }, wait: 31 * time.Second, last: 3, want: "no round since 2000-01-01T00:00:30Z"},
		"never a round":   {rounds: func(*world) {}, want: "no round yet"},
		"nothing is seen": {rounds: func(w *world) { w.observe("west", "all", 3, missing(lost)) }, last: 3, want: lost},
		"nothing is seen, and there is a way out": {rounds: func(w *world) {
			w.observe("west", "all", 3, missing(lost), facts(lineage.Fact{
				Key:        lineage.FactKey{Source: "west", Kind: lineage.BlindSpotFacts, Name: "all"},
				BlindSpots: []lineage.BlindSpot{{Source: "all", What: "other things", Remedy: "none"}, {Source: "all", What: lost + ": refused", Remedy: "start them"}},
			}))
		}, last: 3, want: lost + ". start them"},
		"who may not see all is told no words": {rounds: func(w *world) { w.observe("west", "all", 3, missing(lost)) }, lens: without("x"), last: 3, want: "observing it is in trouble"},
		"seen again": {rounds: func(w *world) {
			w.observe("west", "all", 2, missing(lost))
			w.observe("west", "all", 3)
		}, last: 3},
		"one broker of three": {rounds: func(w *world) {
			w.observe("west", "all", 3, func(o *lineage.Observation) {
				o.Missing = append(o.Missing, lineage.Missing{Reason: lost, Share: 0.25, Topics: []lineage.Topic{topic("orders")}})
			})
		}, last: 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				c.rounds(w)
				time.Sleep(time.Until(round(3)) + c.wait)
				if c.lens == nil {
					c.lens = answer.All
				}
				all, _, err := answers(w.store).Clusters(context.Background(), c.lens)
				if err != nil {
					t.Fatal(err)
				}
				st, err := all[0].State(context.Background())
				last := round(c.last)
				if c.last == 0 {
					last = time.Time{}
				}
				if err != nil || st.Trouble != c.want || !st.LastRound.Equal(last) {
					t.Errorf("%+v, %v; want %q, round %s", st, err, c.want, last)
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		st, err := answers(newWorld(t).store).ClusterState(context.Background(), "")
		if err != nil || !strings.HasPrefix(st.Trouble, "it is behind no configured name any more") {
			t.Errorf("who is behind no name: %+v, %v", st, err)
		}
	})
}

// The newest round of each cluster is told, of those that ever had one.
func TestLatest(t *testing.T) {
	inShop(t, func(t *testing.T, a *answer.Answers, _ *answer.View) {
		latest, err := a.Latest(context.Background())
		if err != nil || len(latest) != 2 || !latest["west"].Equal(round(20)) || !latest["east"].Equal(round(20)) {
			t.Errorf("%v, %v", latest, err)
		}
		if n := a.Estate(); n < 10 { // topics and accesses
			t.Errorf("the estate is %d", n)
		}
	})
}

// Coverage is of the clusters that are named, and of the Connect clusters that are theirs or may be.
func TestCoverageOfClusters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.observe("west", "all", 1, facts(clusterFact(1)))
		w.observe("east", "all", 1, facts(eastFact()))
		told := func(name string, kafka lineage.ClusterID) {
			w.observe(name, "connectors", 1, facts(lineage.Fact{Key: lineage.FactKey{Source: name, Kind: lineage.ConnectFacts}, Connect: &lineage.ConnectFact{Kafka: kafka}}))
		}
		told("told-west", west)
		told("told-east", east)
		told("other-than-said", east)
		w.observe("said-west", "connectors", 1)
		w.observe("silent", "connectors", 1)
		for _, source := range []string{"west", "east"} {
			w.observe(source, "all", 2, missing(source+" is lost"))
		}
		for _, connect := range []string{"told-west", "told-east", "other-than-said", "said-west", "silent"} {
			w.observe(connect, "connectors", 2, missing(connect+" is lost"))
		}
		time.Sleep(time.Until(round(2)))
		v := view(t, answer.New(answer.Options{
			History: w.store, Identity: everybody, Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}, {Source: "east", Name: "east"}},
			Connects: []answer.ConnectConfig{{Name: "told-west"}, {Name: "told-east"}, {Name: "other-than-said", Cluster: "west"}, {Name: "said-west", Cluster: "west"}, {Name: "silent"}},
		}), answer.Between(round(0), round(2)), answer.All)
		for name, c := range map[string]struct {
			of   []lineage.ClusterID
			want string
		}{
			"all":        {nil, "east other-than-said said-west silent told-east told-west west"},
			"the west":   {[]lineage.ClusterID{west}, "said-west silent told-west west"},
			"the east":   {[]lineage.ClusterID{east}, "east other-than-said silent told-east"},
			"both":       {[]lineage.ClusterID{west, east}, "east other-than-said said-west silent told-east told-west west"},
			"a stranger": {[]lineage.ClusterID{"strange"}, "no cluster of this id is watched silent"},
		} {
			lost := map[string]bool{}
			for _, g := range v.Coverage(c.of...).Gaps {
				lost[strings.TrimSuffix(g.Reason, " is lost")] = true
			}
			if got := strings.Join(sorted(lost), " "); got != c.want {
				t.Errorf("%s: gaps of %s, want %s", name, got, c.want)
			}
		}
	})
}
