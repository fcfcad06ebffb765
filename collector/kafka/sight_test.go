package kafka

import (
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	saslplain "github.com/twmb/franz-go/pkg/sasl/plain"

	"github.com/lineaged/lineaged/lineage"
)

// newGuarded makes a world whose brokers have rights, and a source that has none of its own yet.
func newGuarded(t *testing.T) *world {
	t.Helper()
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser("PLAIN", "admin", "admin"), kfake.User("PLAIN", "alice", "alice"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	w := &world{t: t, fake: fake, rec: newRecorder(), round: t0, asked: map[int16]int{}}
	w.adminWriter()
	w.admin = kadm.NewClient(w.client)
	w.start(alice)
	return w
}

var alice = Config{SASL: saslplain.Auth{User: "alice", Pass: "alice"}.AsMechanism()}

// adminWriter gives the world a new producer that may do all.
func (w *world) adminWriter() {
	w.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(w.fake.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.SASL(saslplain.Auth{User: "admin", Pass: "admin"}.AsMechanism()))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(client.Close)
	w.client = client
}

// right is what alice may describe. A pattern that ends in * is a prefix; "*" alone is everything.
type right struct{ topic, group, cluster string }

func (r right) acl(b *kadm.ACLBuilder) *kadm.ACLBuilder {
	name := r.topic + r.group
	pattern := kadm.ACLPatternLiteral
	if strings.HasSuffix(name, "*") && name != "*" {
		name, pattern = strings.TrimSuffix(name, "*"), kadm.ACLPatternPrefixed
	}
	b = b.ResourcePatternType(pattern).Operations(kadm.OpDescribe)
	switch {
	case r.topic != "":
		return b.Topics(name)
	case r.group != "":
		return b.Groups(name)
	}
	return b.Clusters()
}

func (w *world) grant(rights ...right) {
	w.t.Helper()
	for _, r := range rights {
		if _, err := w.admin.CreateACLs(w.t.Context(), r.acl(kadm.NewACLs().Allow("User:alice").AllowHosts("*"))); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *world) deny(rights ...right) {
	w.t.Helper()
	for _, r := range rights {
		if _, err := w.admin.CreateACLs(w.t.Context(), r.acl(kadm.NewACLs().Deny("User:alice").DenyHosts("*"))); err != nil {
			w.t.Fatal(err)
		}
	}
}

// revoke takes back what was granted, or denied.
func (w *world) revoke(rights ...right) {
	w.t.Helper()
	for _, r := range rights {
		for _, b := range []*kadm.ACLBuilder{kadm.NewACLs().Allow("User:alice").AllowHosts("*"), kadm.NewACLs().Deny("User:alice").DenyHosts("*")} {
			if _, err := w.admin.DeleteACLs(w.t.Context(), r.acl(b)); err != nil {
				w.t.Fatal(err)
			}
		}
	}
}

var (
	theCluster = right{cluster: "*"}
	allTopics  = right{topic: "*"}
	allGroups  = right{group: "*"}
)

// What comes into sight was not made now, and what goes out of it was not deleted.
func TestRightsWidenedAndNarrowed(t *testing.T) {
	for _, c := range []struct {
		name         string
		before, more []right
		denied       []right // before, and lifted as the others are granted
	}{
		{"literal", []right{{topic: "mine"}}, []right{{topic: "old"}, {group: "g"}}, nil},
		{"prefix", []right{{topic: "mine"}}, []right{{topic: "ol*"}, {group: "*"}}, nil},
		{"wildcard", []right{{topic: "mine"}}, []right{allTopics, allGroups}, nil},
		{"wildcard where the cluster may be described", []right{{topic: "mine"}, allGroups, theCluster}, []right{allTopics}, nil},
		{"all rights", []right{{topic: "mine"}}, []right{allTopics, allGroups, theCluster}, nil},
		{"only the topic", []right{{topic: "mine"}}, []right{{topic: "old"}}, nil},
		{"only the group", []right{{topic: "mine"}}, []right{{group: "g"}}, nil},
		{"a rule that denied", []right{allTopics, allGroups, theCluster}, nil, []right{{topic: "old"}}},
		{"everything", nil, []right{allTopics, allGroups, theCluster}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newGuarded(t)
			w.topic("mine", 1)
			w.topic("old", 1)
			w.write("old", 0, 50)
			w.commit("g", "old", 0, 20)
			w.inhabit("busy", "old")
			w.grant(c.before...)
			w.deny(c.denied...)
			w.take(3)
			w.grant(c.more...)
			w.revoke(c.denied...)
			w.take(40) // past every cadence
			w.nothingHappened("widened")
			w.revoke(c.more...)
			w.deny(c.denied...)
			w.take(40)
			w.nothingHappened("narrowed")
			if c.name != "only the group" {
				if said := fmtMissing(w.missing(sourceEnds)); !strings.Contains(said, "no longer visible") && !strings.Contains(said, "not permitted") {
					t.Errorf("the end offsets miss %q after the topic went out of sight", said)
				}
			}
			w.start(alice)
			w.take(40)
			w.nothingHappened("narrowed, and after a restart")
			w.grant(c.more...)
			w.revoke(c.denied...)
			w.take(40)
			w.nothingHappened("widened again")
		})
	}
}

// With rights on groups and none on the cluster, a group that is listed with members may have had them before it came
// into sight. It is known to be joined where it was seen without them, or was found deleted, since it was seen last.
func TestJoinedWithoutRightsOnTheCluster(t *testing.T) {
	w := newGuarded(t)
	w.topic("mine", 1)
	w.write("mine", 0, 1)
	w.commit("idle", "mine", 0, 0)
	w.commit("made-again", "mine", 0, 0)
	w.grant(right{topic: "mine"}, right{group: "idle"}, right{group: "made-again"}, right{group: "fresh"})
	w.take(3)
	w.removeGroup("made-again")
	w.take(int(groupGoneAfter/tick) + 3)
	if w.source.departed["made-again"] == nil {
		t.Fatal("it was not found deleted")
	}
	for _, group := range []string{"idle", "made-again", "fresh"} {
		w.inhabit(group, "mine")
	}
	w.take(2)
	joined := map[string]int{}
	for _, e := range w.rec.events {
		if e.Type == lineage.GroupJoined {
			joined[e.Group.Group]++
		}
	}
	if joined["idle"] != 1 || joined["made-again"] != 1 || joined["fresh"] != 0 {
		t.Errorf("joined are %v; want those that were seen without members, and not the one that may have been there", joined)
	}
}

// What a group had read before it came into sight is not known, and what it reads since is no more than a part of it in
// the time in which others were watched. Of one that was there at the first look coverage says so.
func TestReadBeforeItCameIntoSight(t *testing.T) {
	w := newGuarded(t)
	w.grant(right{topic: "orders"}, right{group: "first"})
	w.topic("orders", 1)
	w.write("orders", 0, 100)
	w.commit("first", "orders", 0, 10)
	w.commit("late", "orders", 0, 10)
	w.take(3)
	w.commit("first", "orders", 0, 10)
	w.commit("late", "orders", 0, 30)
	w.take(1)
	w.grant(right{group: "late"})
	w.take(3)
	for group, want := range map[string]bool{"first": false, "late": true} {
		of := func(a lineage.Access) bool { return a.Client.Group == group && a.Op == lineage.Read }
		n, known := w.rec.sum("orders", lineage.Records, of)
		if n != 0 || known == 0 || w.rec.estimated("orders", lineage.Records, of) != want {
			t.Errorf("%s: %d read, known of %d, estimated is %v; want nothing, estimated %v", group, n, known, !want, want)
		}
	}
}

// Nor is it of a group that was listed, as by a right on the cluster, and of which what it has committed might not be
// read.
func TestReadBeforeItsOffsetsMightBeRead(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("orders", 1)
	w.write("orders", 0, 100)
	w.commit("late", "orders", 0, 10)
	granted := w.refuse(kmsg.OffsetFetch, func(req kmsg.Request) (kmsg.Response, error, bool) {
		resp := req.ResponseKind().(*kmsg.OffsetFetchResponse)
		for _, g := range req.(*kmsg.OffsetFetchRequest).Groups {
			rg := kmsg.NewOffsetFetchResponseGroup()
			rg.Group, rg.ErrorCode = g.Group, kerr.GroupAuthorizationFailed.Code
			resp.Groups = append(resp.Groups, rg)
		}
		return resp, nil, true
	})
	w.take(3)
	w.commit("late", "orders", 0, 30)
	w.take(1)
	granted()
	w.take(3)
	of := func(a lineage.Access) bool { return a.Client.Group == "late" && a.Op == lineage.Read }
	if n, known := w.rec.sum("orders", lineage.Records, of); n != 0 || known == 0 || !w.rec.estimated("orders", lineage.Records, of) {
		t.Errorf("%d read, known of %d: want at least nothing", n, known)
	}
	if said := w.rec.why("orders", of); !strings.Contains(said, boundSight) {
		t.Errorf("said is %q", said)
	}
}

// inhabit joins a group on a topic, stays in it, and commits nothing.
func (w *world) inhabit(group, topic string) {
	w.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(w.fake.ListenAddrs()...), kgo.SASL(saslplain.Auth{User: "admin", Pass: "admin"}.AsMechanism()),
		kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.DisableAutoCommit(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(client.Close)
	if err := client.PollRecords(w.t.Context(), 1).Err0(); err != nil {
		w.t.Fatal(err)
	}
}

func fmtMissing(all []lineage.Missing) string {
	var out []string
	for _, m := range all {
		out = append(out, m.Reason)
	}
	return strings.Join(out, "; ")
}

// nothingHappened checks that no event and no count came of what is in sight.
func (w *world) nothingHappened(when string) {
	w.t.Helper()
	for _, e := range w.rec.events {
		switch e.Type {
		case lineage.TopicCreated, lineage.TopicDeleted, lineage.TopicRecreated, lineage.GroupJoined, lineage.GroupLeft:
			w.t.Errorf("%s: %s %s%s %s", when, e.Type, e.Topic.Name, e.Group.Group, e.Detail)
		default:
		}
	}
	w.rec.events = nil
	for a, metrics := range w.rec.totals {
		for m, s := range metrics {
			if m.Moves() && s.Value > 0 {
				w.t.Errorf("%s: %s of %+v: %d", when, m, a, s.Value)
			}
		}
	}
	for key := range w.rec.gone {
		w.t.Errorf("%s: %v %q is told to be gone", when, key.Kind, key.Name)
	}
	clear(w.rec.gone)
}

// With all rights what appears is new and what vanishes is deleted, also while lineaged was stopped.
func TestCreatedAndDeletedWithAllRights(t *testing.T) {
	w := newGuarded(t)
	w.grant(allTopics, allGroups, theCluster)
	w.topic("old", 1)
	w.take(3)
	w.topic("new", 1)
	w.write("new", 0, 5)
	w.take(2)
	if n := w.events(lineage.TopicCreated); n != 1 || w.appended("new") != 5 {
		t.Errorf("%d events of created topics and %d records, want 1 and 5", n, w.appended("new"))
	}
	w.remove("old")
	w.take(4)
	if n := w.events(lineage.TopicDeleted); n != 1 {
		t.Errorf("%d events of deleted topics, want 1", n)
	}
	w.topic("meanwhile", 1)
	w.remove("new")
	w.start(alice)
	w.take(4)
	if n := w.events(lineage.TopicCreated); n != 2 {
		t.Errorf("%d events of created topics, want the one made meanwhile too", n)
	}
	if n := w.events(lineage.TopicDeleted); n != 2 {
		t.Errorf("%d events of deleted topics, want the one deleted meanwhile too", n)
	}
}

// A topic that is deleted while it may not be described is deleted: Kafka says so of its id.
func TestDeletedWhileOutOfSight(t *testing.T) {
	w := newGuarded(t)
	w.grant(allTopics, theCluster)
	w.topic("mine", 1)
	w.topic("old", 1)
	w.take(3)
	w.deny(right{topic: "old"})
	w.take(5)
	if f := w.rec.topics["old"]; f == nil || f.Unseen == "" {
		t.Errorf("the fact %+v does not say why the topic is out of sight", f)
	}
	if spots := w.rec.blind[sourceMetadata]; !slices.ContainsFunc(spots, func(b lineage.BlindSpot) bool { return strings.Contains(b.What, "no longer visible") }) {
		t.Errorf("blind spots %+v", spots)
	}
	w.remove("old")
	w.take(int(lostCadence/tick) + 2)
	if n := w.events(lineage.TopicDeleted); n != 1 {
		t.Errorf("%d events of deleted topics, want 1", n)
	}
}

// What the configuration leaves out was not deleted, and what it takes in was not created.
func TestTopicsIncludeOverARestart(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("mine", 1)
	w.topic("old", 1)
	w.write("old", 0, 50)
	w.commit("g", "old", 0, 20)
	w.take(3)
	narrow := Config{Include: []*regexp.Regexp{regexp.MustCompile("^mine$")}}
	w.start(narrow)
	w.take(5)
	w.nothingHappened("narrowed")
	if f := w.rec.topics["old"]; f == nil || f.Unseen != leftOut {
		t.Errorf("the fact %+v does not say that the topic is left out", f)
	}
	for _, source := range []string{sourceEnds, sourceBooks, sourceGroups} {
		if m := w.missing(source); len(m) != 1 || m[0].Reason != leftOut || len(m[0].Topics) != 1 || m[0].All {
			t.Errorf("%s misses %+v", source, m)
		}
	}
	if n := w.events(lineage.SourceLost); n > 0 {
		t.Errorf("%d sources are told to be lost", n)
	}
	w.write("old", 0, 5)
	w.commit("g", "old", 0, 40)
	w.take(2)
	w.start(narrow)
	w.take(2)
	if m := w.missing(sourceEnds); len(m) != 1 || m[0].Reason != leftOut {
		t.Errorf("after another start the ends miss %+v", m)
	}
	w.start(Config{})
	w.take(5)
	w.nothingHappened("widened")
	if m := w.missing(sourceEnds); len(m) != 0 {
		t.Errorf("widened: the ends miss %+v", m)
	}
	w.write("old", 0, 3)
	w.take(2)
	if n := w.appended("old"); n != 3 {
		t.Errorf("%d appended, want the 3 since it is watched again", n)
	}
}

// What a group's members have is not known once the group has changed, until they are told again: its members may read
// what they did not.
func TestChangedMembersMayReadAnything(t *testing.T) {
	w := newWorld(t, 1)
	for _, topic := range []string{"a", "b"} {
		w.topic(topic, 1)
		w.write(topic, 0, 5)
		w.commit("g", topic, 0, 2)
	}
	w.take(2)
	join := func(topics ...string) (leave func()) {
		t.Helper()
		client, err := kgo.NewClient(kgo.SeedBrokers(w.fake.ListenAddrs()...), kgo.ConsumerGroup("g"), kgo.ConsumeTopics(topics...), kgo.DisableAutoCommit())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(client.Close)
		if err := client.PollRecords(t.Context(), 1).Err0(); err != nil {
			t.Fatal(err)
		}
		return client.Close
	}
	look := func(when string, want bool) {
		t.Helper()
		w.round = w.round.Add(spreadLimit)
		w.take(2)
		if r := w.source.groups["g"].readers[w.source.byName["b"].topic.ID]; r.gauges.live != want {
			t.Errorf("%s: somebody reads b: %v, want %v", when, r.gauges.live, want)
		}
	}
	leave := join("a")
	look("its members have a", false)
	var deaf atomic.Bool
	deaf.Store(true)
	w.refuse(kmsg.DescribeGroups, func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		resp := kreq.ResponseKind().(*kmsg.DescribeGroupsResponse)
		for _, name := range kreq.(*kmsg.DescribeGroupsRequest).Groups {
			g := kmsg.NewDescribeGroupsResponseGroup()
			g.Group, g.ErrorCode = name, kerr.CoordinatorLoadInProgress.Code
			resp.Groups = append(resp.Groups, g)
		}
		return resp, nil, deaf.Load()
	})
	look("its members are not told for long", true)
	leave()
	w.take(1)
	leave = join("a", "b")
	look("others joined, and are not told", true)
	deaf.Store(false)
	look("they have b", true)
	leave()
	w.take(1)
	join("a")
	look("they have a alone", false)
}
