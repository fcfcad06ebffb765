package kafka

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/lineage"
)

// The tests of this file are further forms of small worlds in which the answer was wrong once: other orders of events,
// other clients' defaults, and lineaged stopped and started within.

// plain commits without a leader epoch, as clients do that are given an offset alone.
func (w *world) plain(group, topic string, partition int32, offset int64) {
	w.t.Helper()
	offs := kadm.Offsets{}
	offs.Add(kadm.Offset{Topic: topic, Partition: partition, At: offset, LeaderEpoch: -1})
	if err := w.admin.CommitAllOffsets(w.t.Context(), group, offs); err != nil {
		w.t.Fatal(err)
	}
}

// member joins a group, and commits nothing by itself.
func (w *world) member(group, topic string) *kgo.Client {
	w.t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(w.fake.ListenAddrs()...), kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.DisableAutoCommit(), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(c.Close)
	ctx, cancel := context.WithTimeout(w.t.Context(), 20*time.Second)
	defer cancel()
	for c.PollFetches(ctx).NumRecords() == 0 && ctx.Err() == nil {
	}
	return c
}

// stop lets time pass without lineaged, and starts it again.
func (w *world) stop(ticks int) {
	w.t.Helper()
	w.round = w.round.Add(time.Duration(ticks) * tick)
	w.start(Config{})
}

// reader checks what is said of a group's reading: how many records it read, unless that is below zero, and how
// many it has not.
func (w *world) reader(name, group, topic string, read, lag int64) {
	w.t.Helper()
	of := func(a lineage.Access) bool {
		return a.Client.Group == group && a.Client.Member == "" && a.Op == lineage.Read
	}
	if got, n := w.rec.sum(topic, lineage.Records, of); read >= 0 && got != read {
		w.t.Errorf("%s: %d read, %d of it; want %d", name, got, n, read)
	}
	if got, n := w.rec.sum(topic, lineage.Lag, of); n != 1 || got != lag {
		w.t.Errorf("%s: lag %d, %d of it; want %d", name, got, n, lag)
	}
}

// Readers that commit without a leader epoch and are in no group when anybody looks (case01).
func TestReadersWithoutEpochs(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("assigned", 2)
	w.take(2)
	w.write("assigned", 0, 60)
	w.write("assigned", 1, 40)
	w.take(1)
	w.plain("ledger", "assigned", 0, 10)
	w.plain("ledger", "assigned", 0, 20) // twice in a tick
	w.take(1)
	w.plain("ledger", "assigned", 1, 30)
	w.stop(4)
	w.take(1)
	w.plain("ledger", "assigned", 0, 50)
	w.take(2)
	w.reader("over a stop", "ledger", "assigned", 80, 20)

	w = newWorld(t, 1)
	w.topic("nightly", 1)
	w.write("nightly", 0, 50)
	w.plain("job", "nightly", 0, 20) // before anybody looked
	w.take(3)
	w.write("nightly", 0, 50)
	w.commit("job", "nightly", 0, 60) // by another client, which knows the epoch
	w.take(2)
	w.plain("job", "nightly", 0, 90)
	w.take(2)
	w.reader("older than the watch, with and without epochs", "job", "nightly", 40, 10)
	if n, _ := w.rec.sum("nightly", lineage.Skipped, func(lineage.Access) bool { return true }); n != 30 {
		t.Errorf("%d are said to be skipped: whose commits bear epochs has not made one without", n)
	}
}

// Partitions in which a group has committed nothing are no lag of zero (case03).
func TestPartitionsWithoutACommitOverAStop(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("poisoned", 2)
	w.write("poisoned", 0, 20)
	w.write("poisoned", 1, 30)
	c := w.member("stuck", "poisoned")
	w.take(2)
	w.commitAs(c, "poisoned", 20)
	w.take(2)
	w.reader("one of two partitions never gets on", "stuck", "poisoned", -1, lineage.Unknown)
	w.stop(3)
	w.take(2)
	w.reader("after a stop", "stuck", "poisoned", -1, lineage.Unknown)

	w = newWorld(t, 1)
	w.topic("grown", 1)
	w.write("grown", 0, 10)
	c = w.member("g", "grown")
	w.take(2)
	w.commitAs(c, "grown", 10)
	w.take(2)
	w.grow("grown", 1)
	w.writer()
	w.write("grown", 1, 25)
	w.stop(3)
	w.take(8)
	lag, _ := w.rec.sum("grown", lineage.Lag, func(a lineage.Access) bool { return a.Client.Group == "g" && a.Client.Member == "" })
	if lag != lineage.Unknown && lag != 25 {
		t.Errorf("lag %d where 25 wait in a partition that was added while nobody looked", lag)
	}
}

// commitAs commits on partition 0 as a member.
func (w *world) commitAs(c *kgo.Client, topic string, offset int64) {
	w.t.Helper()
	c.CommitOffsetsSync(w.t.Context(), map[string]map[int32]kgo.EpochOffset{topic: {0: {Epoch: 0, Offset: offset}}}, func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, _ *kmsg.OffsetCommitResponse, err error) {
		if err != nil {
			w.t.Error(err)
		}
	})
}

// Offsets that are passed without being read are not counted as read exactly (case04).
func TestPassedWhileNobodyLooked(t *testing.T) {
	bounded := func(w *world, name, topic string, truth int64) {
		t.Helper()
		of := func(a lineage.Access) bool { return a.Op == lineage.Read && a.Client.Member == "" }
		got, _ := w.rec.sum(topic, lineage.Records, of)
		if got != truth && !w.rec.estimated(topic, lineage.Records, of) || got < truth {
			t.Errorf("%s: %d read, estimated %v; in truth %d", name, got, w.rec.estimated(topic, lineage.Records, of), truth)
		}
	}
	// Retention overtakes it while lineaged is stopped, and it reads what is left before lineaged is back.
	w := newWorld(t, 1)
	w.topic("purged", 1)
	w.take(2)
	w.write("purged", 0, 100)
	w.commit("g", "purged", 0, 10)
	w.take(2)
	w.trim("purged", 0, 90)
	w.commit("g", "purged", 0, 100)
	w.stop(20)
	w.take(8)
	bounded(w, "retention while stopped", "purged", 10+10)
	// Set to the end and back to the start, with a commit between.
	w = newWorld(t, 1)
	w.topic("reset", 1)
	w.take(2)
	w.write("reset", 0, 100)
	w.commit("g", "reset", 0, 40)
	w.take(2)
	w.plain("g", "reset", 0, 100)
	w.stop(2)
	w.take(1)
	w.plain("g", "reset", 0, 0)
	w.take(1)
	w.commit("g", "reset", 0, 100) // and it reads all again
	w.take(2)
	bounded(w, "set to the end and to the start", "reset", 40+100)
}

// Rights that are widened or narrowed while lineaged is stopped make nothing and delete nothing (case51).
func TestRightsChangedWhileStopped(t *testing.T) {
	w := newGuarded(t)
	w.grant(right{topic: "mine"})
	w.topic("mine", 1)
	w.topic("old", 2)
	w.write("old", 0, 50)
	w.write("old", 1, 50)
	w.commit("g-old", "old", 0, 20)
	w.take(3)
	w.grant(right{topic: "old"}, allGroups)
	w.round = w.round.Add(5 * tick)
	w.start(alice)
	w.take(4)
	w.nothingHappened("widened while stopped")
	w.revoke(right{topic: "old"}, allGroups)
	w.round = w.round.Add(5 * tick)
	w.start(alice)
	w.take(8)
	w.nothingHappened("narrowed while stopped")
	w.grant(right{topic: "old"}, allGroups)
	w.take(4)
	w.nothingHappened("widened again")
	w.write("old", 1, 7)
	w.take(2)
	if n := w.appended("old"); n != 7 {
		t.Errorf("%d appended, want the 7 since it is seen again", n)
	}
}

// What goes while lineaged is stopped, in other orders than once: it starts again, and says what went (case56).
func TestGoneBetweenStarts(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("old", 3)
	w.topic("mine", 1)
	w.take(2)
	w.write("old", 1, 5)
	w.commit("g", "old", 1, 2)
	w.take(3)
	w.stop(1) // no round between two starts
	w.remove("old")
	w.stop(1)
	w.commit("g", "mine", 0, 0)
	w.take(int(lostCadence/tick) + 2)
	if n := w.events(lineage.TopicDeleted); n != 1 {
		t.Errorf("%d events of deleted topics, want 1", n)
	}
	w.topic("old", 1) // its name is back, while lineaged is stopped again
	w.writer()
	w.write("old", 0, 4)
	w.stop(1)
	w.take(3)
	w.write("old", 0, 2)
	w.take(2)
	if n := w.appended("old"); n < 2+5 {
		t.Errorf("%d appended to both, want 7 at least", n)
	}
	if len(w.source.faults) > 0 {
		t.Errorf("faults %v", w.source.faults)
	}
}

// A commit beyond the end, as of an administrator, of a replicator that syncs another cluster's offsets, or of a job
// that was restored from another cluster, is no log that was truncated, and no reader that has read all.
func TestCommitBeyondTheEnd(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("orders", 1)
	w.write("orders", 0, 10)
	w.plain("found", "orders", 0, 70) // before anybody looked
	w.take(2)
	w.commit("read", "orders", 0, 10)
	w.take(2)
	w.plain("read", "orders", 0, 50)
	w.plain("new", "orders", 0, 60)
	w.take(2)
	for range 2 {
		w.reader("found before the watch", "found", "orders", 0, lineage.Unknown)
		w.reader("set under the watch", "read", "orders", 10, lineage.Unknown)
		w.reader("of a new group", "new", "orders", 0, lineage.Unknown)
		if n := w.events(lineage.RecordsLost); n != 0 {
			t.Fatalf("%d events of lost records where none are lost: %+v", n, w.rec.events)
		}
		w.stop(2)
		w.take(3)
	}
	w.write("orders", 0, 55)
	w.take(2)
	w.reader("the log has come to there", "read", "orders", -1, 15)
	w.commit("read", "orders", 0, 5) // and from beyond the end it began anew
	w.commit("found", "orders", 0, 65)
	w.take(2)
	w.reader("began anew behind the end", "found", "orders", -1, 0)
	if n := w.events(lineage.RecordsLost); n != 0 {
		t.Errorf("%d events of lost records where none are lost", n)
	}
}

// An offset beyond the end that is taken back before the next look was never where the reader stood: another one that
// comes later waits for its own next look, as the first did.
func TestCommitBeyondTheEndThatIsTakenBack(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("orders", 1)
	w.write("orders", 0, 10)
	w.take(2)
	w.plain("read", "orders", 0, 5)
	w.take(2)
	for _, offset := range []int64{50, 5, 70} {
		w.plain("read", "orders", 0, offset)
		w.take(1)
	}
	w.take(2)
	w.reader("set beyond the end", "read", "orders", 5, lineage.Unknown)
}

// A reader that is stopped, has its offsets set to the end and is started again between two looks is live at both, and
// passes no more than it did before: that is not read, exactly. Who was in the group all the time has read it.
func TestRestartedAtTheEndWithinATick(t *testing.T) {
	for i := range 4 {
		restarted, over := i&1 > 0, i&2 > 0 // so is lineaged
		w := newWorld(t, 1)
		w.round = time.Now().UTC().Truncate(tick) // of what is written now it is known how old it is
		w.topic("orders", 1)
		w.write("orders", 0, 100)
		c := w.member("g", "orders")
		w.commitAs(c, "orders", 100)
		w.take(2)
		w.write("orders", 0, 600)
		w.commitAs(c, "orders", 400)
		w.take(1)
		for i := range 12 { // 24 s
			w.commitAs(c, "orders", 410+10*int64(i))
			w.take(1)
		}
		of := func(a lineage.Access) bool {
			return a.Client.Group == "g" && a.Client.Member == "" && a.Op == lineage.Read
		}
		w.reader("a lagging reader", "g", "orders", 420, 180)
		if w.rec.estimated("orders", lineage.Records, of) {
			t.Fatalf("a reader that goes on is estimated: %s", w.rec.why("orders", of))
		}
		if restarted {
			c.Close()
			w.plain("g", "orders", 0, 700)
			w.write("orders", 0, 5)
			c = w.member("g", "orders")
		} else {
			w.write("orders", 0, 5)
		}
		w.commitAs(c, "orders", 705)
		if over {
			w.start(Config{})
		}
		w.take(1)
		if got := w.rec.estimated("orders", lineage.Records, of); got != restarted {
			t.Errorf("restarted %v, lineaged too %v: estimated %v, %q", restarted, over, got, w.rec.why("orders", of))
		}
		w.reader("at the end", "g", "orders", 605, 0)
	}
}

// What a group read that was made, or came into sight, while lineaged was away is not known: it is at least what it
// read since. Of one that was there at the very first look coverage says so.
func TestGroupsMadeWhileNobodyLooked(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("orders", 1)
	w.write("orders", 0, 100)
	w.commit("old", "orders", 0, 10)
	w.take(2)
	w.write("orders", 0, 50)
	w.commit("new", "orders", 0, 120)
	w.stop(3)
	w.take(2)
	for group, want := range map[string]bool{"old": false, "new": true} {
		of := func(a lineage.Access) bool { return a.Client.Group == group && a.Op == lineage.Read }
		if n, known := w.rec.sum("orders", lineage.Records, of); n != 0 || known == 0 || w.rec.estimated("orders", lineage.Records, of) != want {
			t.Errorf("%s: %d read, known of %d, estimated %v: %s", group, n, known, !want, w.rec.why("orders", of))
		}
	}
}

// Who reads a topic learns of a partition that was added up to minutes later, and begins at its end where it has no
// commit and is told so: what its first commit there passed was exactly read.
func TestFirstCommitOnAPartitionThatWasAdded(t *testing.T) {
	w := newWorld(t, 1)
	w.round = time.Now().UTC().Truncate(tick)
	w.topic("grown", 1)
	w.write("grown", 0, 5)
	c := w.member("g", "grown")
	w.commitAs(c, "grown", 5)
	w.take(2)
	w.grow("grown", 1)
	w.writer()
	w.take(1)
	w.write("grown", 1, 30)
	c.CommitOffsetsSync(t.Context(), map[string]map[int32]kgo.EpochOffset{"grown": {1: {Epoch: 0, Offset: 30}}}, nil)
	w.take(1)
	of := func(a lineage.Access) bool {
		return a.Client.Group == "g" && a.Client.Member == "" && a.Op == lineage.Read
	}
	w.reader("on a partition that was added", "g", "grown", 30, 0)
	if said := w.rec.why("grown", of); !w.rec.estimated("grown", lineage.Records, of) || !strings.Contains(said, boundBegan) {
		t.Errorf("estimated %v: %q", w.rec.estimated("grown", lineage.Records, of), said)
	}
}

// What was written to a topic, and read of it, after the last look at it and before it was made again is not known,
// also where nobody writes to it since: it was exactly what had been seen.
func TestMadeAgainAfterTheLastLook(t *testing.T) {
	w := newWorld(t, 1)
	w.topic("orders", 1)
	w.write("orders", 0, 5)
	c := w.member("g", "orders")
	w.commit("left", "orders", 0, 1)
	w.take(2)
	w.write("orders", 0, 10)
	w.commitAs(c, "orders", 10)
	w.take(2)
	w.write("orders", 0, 7)
	w.commitAs(c, "orders", 22)
	w.remove("orders")
	w.topic("orders", 1)
	w.take(2)
	for name, x := range map[string]struct {
		of   func(lineage.Access) bool
		want bool
	}{
		"writer":      {func(a lineage.Access) bool { return a.Op == lineage.Write }, true},
		"reader":      {func(a lineage.Access) bool { return a.Client.Group == "g" && a.Client.Member == "" }, true},
		"who is away": {func(a lineage.Access) bool { return a.Client.Group == "left" }, false},
	} {
		if got := w.rec.estimated("orders", lineage.Records, x.of); got != x.want || strings.Contains(w.rec.why("orders", x.of), endedBound) != x.want {
			t.Errorf("%s: estimated %v: %q", name, got, w.rec.why("orders", x.of))
		}
	}
}
