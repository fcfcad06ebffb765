package answer_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// ownsSome is people, some of whose topics have an owner.
type ownsSome struct{ people }

func (ownsSome) Describe(n lineage.Node) (string, []string) {
	if strings.HasPrefix(n.Name, "own") {
		return "payments", nil
	}
	return "", nil
}

// attic is a world in which some things are of no use.
func attic(t *testing.T) *answer.View {
	t.Helper()
	w := newWorld(t)
	used, idle, full := topic("used"), topic("own-idle"), topic("own-full")
	sink, source := lineage.Node{Scope: "here", Kind: lineage.ConnectorNode, Name: "idle-sink"}, lineage.Node{Scope: "here", Kind: lineage.ConnectorNode, Name: "busy-source"}
	members := func(g string, of ...lineage.Member) lineage.Fact {
		return lineage.Fact{Key: lineage.FactKey{Source: "west", Kind: lineage.GroupFacts, Name: g}, Group: &lineage.GroupFact{
			Ref: lineage.GroupRef{Cluster: west, Group: g}, Protocol: "consumer", State: map[bool]string{true: "Empty", false: "Stable"}[len(of) == 0], Members: of, MembersKnown: true,
		}}
	}
	busy, dead, quiet := reads(used, group("busy")), reads(used, group("dead")), reads(used, group("quiet"))
	for n := 1; n <= 20; n++ {
		fill := []filling{
			w.moved(self(used), lineage.NoEvidence, 10), w.moved(self(idle), lineage.NoEvidence, 0), w.moved(self(full), lineage.NoEvidence, 0),
			level(self(used), lineage.Retained, 10), level(self(idle), lineage.Retained, 0), level(self(full), lineage.Retained, 7),
			w.moved(busy, lineage.GroupOffsets, 10), level(busy, lineage.Live, 1), level(dead, lineage.Lag, int64(10*n)), level(dead, lineage.Live, 0), level(quiet, lineage.Live, 1),
			w.moved(writes(used, by(source)), lineage.Connect, 10),
		}
		if n == 1 {
			fill = append(
				fill, facts(clusterFact(3), topicFact(used), topicFact(idle), topicFact(full), members("busy", lineage.Member{ID: "m"}), members("dead"), members("quiet", lineage.Member{ID: "q"})),
				facts(lineage.Fact{Key: lineage.FactKey{Source: "here", Kind: lineage.ConnectFacts}, Connect: &lineage.ConnectFact{Kafka: west}}),
				facts(connectorFact(sink, "sink", "PAUSED"), connectorFact(source, "source", "RUNNING")),
				sighted(reads(used, by(sink)), lineage.Connect, ""), sighted(quiet, lineage.GroupMembership, ""),
			)
		}
		if n <= 2 {
			fill = append(fill, w.moved(dead, lineage.GroupOffsets, 1), w.moved(reads(used, by(sink)), lineage.Connect, 1))
		}
		w.observe("west", "all", n, fill...)
	}
	a := answer.New(answer.Options{History: w.store, Identity: func() answer.Identity { return ownsSome{} }, Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}}})
	return view(t, a, answer.Between(round(5), round(20)), answer.All)
}

func retirableOf(x *answer.Retirable) string {
	kind := []string{"", "unused", "unowned", "dead", "idle"}[x.Kind]
	return strings.TrimSpace(fmt.Sprintf("%s %s %s %s", kind, x.Node.Name, x.Group, verdicts[x.Verdict]))
}

func TestRetire(t *testing.T) {
	v := attic(t)
	all := []string{
		"unused own-idle  SAFE", "unused own-full  CANNOT BE TOLD", "unowned used  UNSAFE", "dead dead dead SAFE", "idle idle-sink  SAFE",
	}
	text := func(s string) *string { return &s }
	for name, c := range map[string]struct {
		ask  answer.RetireAsk
		want []string
	}{
		"all":                {answer.RetireAsk{}, all},
		"some kinds":         {answer.RetireAsk{Kinds: []answer.RetireKind{answer.DeadGroup, answer.UnusedTopic}}, []string{all[0], all[1], all[3]}},
		"somebody's":         {answer.RetireAsk{Owner: text("payments")}, []string{all[0], all[1]}},
		"nobody's":           {answer.RetireAsk{Owner: text("")}, all[2:]},
		"of the cluster":     {answer.RetireAsk{Cluster: text("west")}, all},
		"of another's owner": {answer.RetireAsk{Owner: text("nobody known")}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := v.Retire(t.Context(), c.ask)
			if err != nil {
				t.Fatal(err)
			}
			var list []string
			for i := range got.List {
				if x := &got.List[i]; x.Evidence == "" || x.Verdict == answer.CannotBeTold != (len(x.Untold) > 0) && x.Verdict != answer.Unsafe {
					t.Errorf("%s: evidence %q, untold %v", retirableOf(x), x.Evidence, x.Untold)
				}
				list = append(list, retirableOf(&got.List[i]))
			}
			if !slices.Equal(list, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(list, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
	got, err := v.Retire(t.Context(), answer.RetireAsk{Kinds: []answer.RetireKind{answer.DeadGroup}})
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(got.ByKind) != "[{1 2 1} {2 1 0} {3 1 1} {4 1 1}]" {
		t.Errorf("by kind %v", got.ByKind)
	}
	if x := got.List[0]; !x.Since.Equal(round(2)) || !strings.Contains(x.Evidence, "200 records behind on 1 topic") {
		t.Errorf("dead since %s, %s", x.Since, x.Evidence)
	}
	if _, err := v.Retire(t.Context(), answer.RetireAsk{Cluster: text("other")}); err == nil {
		t.Error("a cluster that is not there was asked for")
	}
}
