package connect

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

func TestReplicationOnConnect(t *testing.T) {
	w := newWorker(t)
	config := map[string]any{
		"connector.class": "org.apache.kafka.connect.mirror.MirrorSourceConnector", "source.cluster.alias": "e", "target.cluster.alias": "w",
		"source.cluster.bootstrap.servers": "10.0.0.2:9092", "source.cluster.sasl.jaas.config": canary, "topics": ".*",
	}
	w.connectors["mm"] = running("source", []string{"e.orders"}, config)
	at := func(offsets ...int) {
		w.connectors["mm"].offsets = nil
		for p, o := range offsets {
			w.connectors["mm"].offsets = append(w.connectors["mm"].offsets, map[string]any{
				"partition": map[string]any{"cluster": "e", "topic": "orders", "partition": p}, "offset": map[string]any{"offset": o},
			})
		}
	}
	at(9, 4)
	r := newRig(t, w, nil)
	r.ends("east-id", "orders", 20, 5)
	r.take()
	r.want("e->w", "read east-id/orders", "write west-id/e.orders")
	want := lineage.ReplicatorFact{
		Node: lineage.Node{Scope: "west", Kind: lineage.ReplicatorNode, Name: "e->w"}, SourceAlias: "e", TargetAlias: "w", Source: "east-id", Target: kafka,
		Policy: "org.apache.kafka.connect.mirror.DefaultReplicationPolicy", Separator: ".", State: "RUNNING", Connect: "connect-west",
	}
	if f := r.facts(lineage.ReplicatorFacts)["replicator:west/e-%3Ew"].Replicator; f == nil || *f != want {
		t.Errorf("the replicator is %+v", f)
	}
	if f := r.facts(lineage.ConnectorFacts)["mm"].Connector; f == nil || f.Replicator != want.Node {
		t.Errorf("the connector is %+v", f)
	}
	samples := func() map[lineage.Metric]int64 {
		out := map[lineage.Metric]int64{}
		for _, o := range r.last {
			for _, s := range o.Samples {
				out[s.Metric] = s.Value
			}
		}
		return out
	}
	if s := samples(); s[lineage.Records] != 0 || s[lineage.Lag] != 10 || s[lineage.Pending] != 1 {
		t.Errorf("at first: %v", s)
	}
	at(19, 4)
	total := map[lineage.Metric]int64{}
	for range detailsEvery {
		r.take()
		maps.Copy(total, samples())
	}
	if total[lineage.Records] != 10 || total[lineage.Lag] != 0 {
		t.Errorf("after ten records: %v", total)
	}
	r.start(nil) // the books go on
	at(19, 7)
	r.ends("east-id", "orders", 20, 8)
	r.take()
	if s := samples(); s[lineage.Records] != 13 {
		t.Errorf("after a restart: %v", s)
	}
	if got, _ := r.board.Writers(kafka).Of("e.orders"); len(got) != 1 || got[0] != want.Node {
		t.Errorf("the board has %v", got)
	}
	if !r.board.HasReplicator(want.Node) {
		t.Error("the board does not know that Connect tells of the replicator")
	}
	delete(w.connectors, "mm")
	r.take()
	if f, ok := r.facts(lineage.ReplicatorFacts)["replicator:west/e-%3Ew"]; !ok || !f.Gone || r.board.HasReplicator(want.Node) {
		t.Errorf("a deleted replicator is %+v", f)
	}
}

// copying is a MirrorSourceConnector from e to w with further settings.
func copying(more ...string) *fake {
	config := map[string]any{
		"connector.class": "MirrorSourceConnector", "source.cluster.alias": "e", "target.cluster.alias": "w", "source.cluster.bootstrap.servers": "10.0.0.2:9092", "topics": "orders,lines",
	}
	for i := 0; i < len(more); i += 2 {
		config[more[i]] = more[i+1]
	}
	return running("source", []string{"e.orders"}, config)
}

// copied sets how far a topic's partitions are copied, beside what was said of others.
func (f *fake) copied(cluster, topic string, offsets ...any) {
	f.offsets = slices.DeleteFunc(f.offsets, func(o map[string]any) bool {
		p := o["partition"].(map[string]any)
		return p["cluster"] == cluster && p["topic"] == topic
	})
	for p, o := range offsets {
		f.offsets = append(f.offsets, map[string]any{"partition": map[string]any{"cluster": cluster, "topic": topic, "partition": p}, "offset": map[string]any{"offset": o}})
	}
}

// samples are the newest values of the last round of what is read of a topic.
func (r *rig) samples(topic string) map[lineage.Metric]lineage.Sample {
	out := map[lineage.Metric]lineage.Sample{}
	for _, o := range r.last {
		for _, s := range o.Samples {
			if s.Subject.Topic.Name == topic {
				out[s.Metric] = s
			}
		}
	}
	return out
}

// gone reports which replicators the last round said to be gone, and which to be there.
func (r *rig) replicators() (gone, there []string) {
	for name, f := range r.facts(lineage.ReplicatorFacts) {
		if f.Gone {
			gone = append(gone, name)
		} else {
			there = append(there, name)
		}
	}
	return gone, there
}

// A replicator is named after the cluster that it copies to, which shows only once that cluster's own source has seen
// it: nothing is told under another name until then.
func TestReplicatorWaitsForItsCluster(t *testing.T) {
	w := newWorker(t)
	w.connectors["mm"] = copying()
	w.connectors["mm"].copied("e", "orders", 5)
	r := newRig(t, w, nil)
	r.board = &collector.Board{}
	r.board.Await("west")
	r.start(func(c *Config) { c.Interval = time.Second })
	begun := time.Now()
	r.take()
	if _, there := r.replicators(); len(there) > 0 || len(r.does("e->w")) > 0 || len(r.facts(lineage.ConnectorFacts)) > 0 || !strings.Contains(r.spots(), "what connector mm copies") {
		t.Errorf("too early: %v, %v, blind spots %q", there, r.does("e->w"), r.spots())
	}
	if took := time.Since(begun); took < 400*time.Millisecond || took > time.Second {
		t.Errorf("it waited for %s", took)
	}
	r.board.SetCluster(collector.Watched{Source: "west", ID: kafka})
	r.take()
	if _, there := r.replicators(); !slices.Equal(there, []string{"replicator:west/e-%3Ew"}) {
		t.Errorf("replicators %v", there)
	}
	// The position of before is no sign that it is gone while its name is not known.
	r.board = &collector.Board{}
	r.board.Await("west")
	r.start(func(c *Config) { c.Interval = time.Second })
	r.take()
	if gone, _ := r.replicators(); len(gone) > 0 {
		t.Errorf("%v gone", gone)
	}
	// Where nobody is expected any more, its alias names the target.
	r.board = &collector.Board{}
	r.start(nil)
	r.take()
	if gone, there := r.replicators(); !slices.Equal(there, []string{"replicator:w/e-%3Ew"}) || len(gone) != 1 {
		t.Errorf("%v gone, %v there", gone, there)
	}
}

// An alias is what it is said to be for the cluster that is copied to, and the target's has a default.
func TestAliases(t *testing.T) {
	w := newWorker(t)
	w.connectors["mm"] = copying("source.cluster.bootstrap.servers", "10.9.9.9:9092")
	delete(w.connectors["mm"].config, "target.cluster.alias")
	r := newRig(t, w, func(c *Config) {
		c.Aliases = map[string]map[string]string{"west": {"e": "east"}, "east": {"e": "west"}}
	})
	r.take()
	if f := r.facts(lineage.ReplicatorFacts)["replicator:west/e-%3Etarget"].Replicator; f == nil || f.Source != "east-id" || f.Target != kafka {
		t.Errorf("replicators: %+v, blind spots %s", f, r.spots())
	}
}

// A replicator is gone when no connector tells of it any more, whatever the reason.
func TestReplicatorsThatGo(t *testing.T) {
	const id = "replicator:west/e-%3Ew"
	for what, change := range map[string]func(w *worker){
		"another alias": func(w *worker) { w.connectors["mm"].config["source.cluster.alias"] = "e2" },
		"another class": func(w *worker) { w.connectors["mm"].config["connector.class"] = "FileStreamSource" },
		"deleted":       func(w *worker) { delete(w.connectors, "mm") },
	} {
		for _, down := range []bool{false, true} { // lineaged, meanwhile
			w := newWorker(t)
			w.connectors["mm"] = copying()
			w.connectors["cp"] = copying("connector.class", "MirrorCheckpointConnector")
			r := newRig(t, w, nil)
			r.take()
			change(w)
			if down {
				r.start(nil)
			}
			r.take()
			if gone, _ := r.replicators(); !slices.Equal(gone, []string{id}) {
				t.Errorf("%s, down %v: gone are %v", what, down, gone)
			}
			r.take()
			if gone, _ := r.replicators(); len(gone) > 0 {
				t.Errorf("%s, down %v: it goes twice", what, down)
			}
		}
	}
	w := newWorker(t)
	w.connectors["mm"], w.connectors["more"] = copying(), copying("topics", "lines")
	r := newRig(t, w, nil)
	r.take()
	delete(w.connectors, "mm")
	r.take()
	if gone, _ := r.replicators(); len(gone) > 0 {
		t.Errorf("another connector is a part of it, and gone are %v", gone)
	}
}

// Offsets and topics in use stay for ever: what an earlier configuration copied, and what the source does not have any
// more, is no copy.
func TestOnlyWhatIsCopied(t *testing.T) {
	w := newWorker(t)
	mm := copying("topics", "orders,gone")
	mm.topics = []string{"e.gone", "e.old", "e.orders", "heartbeats", "x.orders"}
	w.connectors["mm"] = mm
	mm.copied("e", "orders", 5)
	mm.copied("e", "old", 7)
	mm.copied("e", "gone", 7)
	mm.copied("formerly", "orders", 100_000)
	r := newRig(t, w, nil)
	r.ends("east-id", "orders", 6)
	for i := range 4 {
		mm.copied([]string{"e", "formerly"}[i%2], "orders", []any{5, 100_000}[i%2]) // in another order
		r.take()
		r.want("e->w", "read east-id/orders", "write west-id/e.orders")
		if s := r.samples("orders"); s[lineage.Records].Value > 0 || s[lineage.Lag].Value > 0 {
			t.Errorf("round %d: %v", i, s)
		}
	}
	// A book that is closed goes from the positions, and what was copied before it is opened again is not counted
	// again.
	mm.config["topics"] = "orders,old"
	for range 2 {
		r.take()
	}
	r.want("e->w", "read east-id/old", "read east-id/orders", "write west-id/e.old", "write west-id/e.orders")
	const book = "book/west/e-%3Ew/east-id/old"
	if r.positions[book] == nil {
		t.Errorf("positions are %v", slices.Sorted(maps.Keys(r.positions)))
	}
	mm.config["topics"] = "orders"
	r.take()
	if r.positions[book] != nil || r.positions["book/west/e-%3Ew/east-id/orders"] == nil {
		t.Error("a closed account is still stored")
	}
	mm.config["topics"] = "orders,old"
	r.take()
	if n := r.samples("old")[lineage.Records].Value; n != 0 {
		t.Errorf("%d records of before are counted", n)
	}
}

// What a topic's first offset stands for was copied while we looked, if an earlier look did not show it: it counts from
// the topic's first record.
func TestFirstCopyOnConnect(t *testing.T) {
	w := newWorker(t)
	mm := copying()
	w.connectors["mm"] = mm
	mm.copied("e", "lines", 99)
	r := newRig(t, w, nil)
	r.ends("east-id", "orders", 10_000)
	r.ends("east-id", "lines", 100)
	r.ends(kafka, "e.orders", 10_000)
	for range 14 { // two usual commits: it can't have been copying before
		r.take()
	}
	mm.copied("e", "orders", 9_999)
	r.take()
	if s := r.samples("orders")[lineage.Records]; s.Value != 10_000 || s.Estimated {
		t.Errorf("the first copy is %+v", s)
	}
	if s := r.samples("lines")[lineage.Records]; s.Value != 0 {
		t.Errorf("what was there at the first look counts: %+v", s)
	}
	r.start(nil)
	mm.copied("e", "orders", 10_009)
	r.ends("east-id", "orders", 10_010)
	r.ends(kafka, "e.orders", 10_010)
	r.take()
	if s := r.samples("orders")[lineage.Records]; s.Value != 10_010 {
		t.Errorf("after a restart %+v", s)
	}
}

// A connector that appears while we look and has copied something before its offsets are read is counted from there: at
// least, and that is said, since nobody saw whether that was copied now or by one of its name before.
func TestACopyThatWasAhead(t *testing.T) {
	w := newWorker(t)
	r := newRig(t, w, nil)
	r.ends("east-id", "orders", 300)
	r.ends(kafka, "e.orders", 300)
	r.take()
	mm := copying()
	w.connectors["mm"] = mm
	mm.copied("e", "orders", 8)
	r.take()
	if s := r.samples("orders")[lineage.Records]; s.Value != 0 || !s.Estimated {
		t.Errorf("at first it is %+v, want an estimate of nothing", s)
	}
	if got := r.details("e->w"); !strings.Contains(got, "at least") {
		t.Errorf("of it is said %q", got)
	}
	mm.copied("e", "orders", 299)
	r.take()
	if s := r.samples("orders")[lineage.Records]; s.Value != 291 {
		t.Errorf("then it is %+v, want 291", s)
	}
}

// An account is kept when offsets are read: old ones beside new ends would look like a lag.
func TestNoLagBetweenLooks(t *testing.T) {
	w := newWorker(t)
	mm := copying()
	w.connectors["mm"] = mm
	for i := range detailsARound {
		w.connectors[fmt.Sprint("other", i)] = running("sink", nil, map[string]any{"connector.class": "FileStreamSink", "file": "/out", "topics": "lines"})
	}
	r := newRig(t, w, nil)
	seen := 0
	for i := range 12 {
		mm.copied("e", "orders", 100*i)
		r.ends("east-id", "orders", int64(100*i+1))
		r.take()
		if s, told := r.samples("orders")[lineage.Lag]; told && s.Value != 0 {
			t.Errorf("round %d: a lag of %d", i, s.Value)
		} else if told || r.samples("orders")[lineage.Records].Value > 0 {
			seen++
		}
		if len(r.does("e->w")) > 0 {
			r.want("e->w", append(map[bool][]string{true: {"read east-id/orders*"}, false: {"read east-id/orders"}}[r.samples("orders")[lineage.Records].Value > 0], "write west-id/e.orders")...)
		}
	}
	if seen < 2 || seen > 6 {
		t.Errorf("its offsets were seen in %d rounds of 12", seen)
	}
}

// Partitions that can't be are left out.
func TestOddPartitions(t *testing.T) {
	w := newWorker(t)
	mm := copying()
	w.connectors["mm"] = mm
	mm.copied("e", "orders", 5)
	r := newRig(t, w, nil)
	r.ends(kafka, "e.orders", 6)
	r.take()
	for _, part := range []any{-1, 0.5, 1 << 31, "0", nil} {
		mm.offsets = append(mm.offsets, map[string]any{"partition": map[string]any{"cluster": "e", "topic": "orders", "partition": part}, "offset": map[string]any{"offset": 50}})
	}
	for range 4 {
		r.take()
		if n := r.samples("orders")[lineage.Records].Value; n != 0 {
			t.Errorf("%d records", n)
		}
	}
	if parts := r.source.known["mm"].progress.topics["orders"]; !maps.Equal(parts, map[int32]int64{0: 5}) {
		t.Errorf("offsets are %v", parts)
	}
}

// While offsets can't be read, nothing is known of how far the copies are.
func TestOffsetsThatFail(t *testing.T) {
	w := newWorker(t)
	w.connectors["mm"] = copying()
	w.connectors["mm"].copied("e", "orders", 5)
	r := newRig(t, w, nil)
	r.take()
	w.refuse["/connectors/mm/offsets"] = http.StatusInternalServerError
	r.take()
	if m := r.last[1].Missing; len(m) != 1 || len(m[0].Topics) != 1 || m[0].Topics[0] != (lineage.Topic{Cluster: "east-id", Name: "orders"}) {
		t.Errorf("missing: %+v", m)
	}
	r.want("e->w", "read east-id/orders", "write west-id/e.orders")
}
