package demo

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lineaged/lineaged/internal/mm2"
)

// records are all of some topics as they were read, from the start on.
type records struct {
	cl  *kgo.Client
	all []*kgo.Record
}

func readAll(t *testing.T, c *Cluster, topics ...string) *records {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.Brokers...), kgo.ConsumeTopics(topics...), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return &records{cl: cl}
}

// more reads what there is now.
func (l *records) more(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	l.all = append(l.all, l.cl.PollFetches(ctx).Records()...)
}

func (l *records) of(topic string) []*kgo.Record {
	return slices.DeleteFunc(slices.Clone(l.all), func(r *kgo.Record) bool { return r.Topic != topic })
}

type place struct {
	topic     string
	partition int32
	offset    int64
}

// The copies are the originals, and MirrorMaker 2's own records say of them what is so, in the words that its readers
// know.
func TestMirrorMaker(t *testing.T) {
	t.Parallel()
	w := start(t)
	const (
		configs, status, sourceOffsets = "mm2-configs.west.internal", "mm2-status.west.internal", "mm2-offsets.west.internal"
		checkpoints, syncs             = "west.checkpoints.internal", "mm2-offset-syncs.east.internal"
	)
	west := readAll(t, w.West, "orders", "payments", heartbeats, syncs)
	east := readAll(t, w.East, "west.orders", "west.payments", "west.heartbeats", heartbeats, configs, status, sourceOffsets, checkpoints)
	eventually(t, 30*time.Second, func() string {
		east.more(t)
		west.more(t)
		for _, topic := range []string{"west.orders", "west.payments", "west.heartbeats", heartbeats, sourceOffsets, checkpoints} {
			if len(east.of(topic)) < 2 {
				return "there is little in " + topic
			}
		}
		if len(west.of(syncs)) < 9 {
			return "there are few offset syncs"
		}
		return ""
	})
	originals, copies := map[place]*kgo.Record{}, map[place]*kgo.Record{}
	eventually(t, 10*time.Second, func() string { // copies may have been read before their originals
		west.more(t)
		for _, r := range west.all {
			originals[place{"west." + r.Topic, r.Partition, r.Offset}] = r
		}
		for _, r := range east.all {
			if p := (place{r.Topic, r.Partition, r.Offset}); strings.HasPrefix(r.Topic, "west.") && r.Topic != checkpoints && originals[p] == nil {
				return fmt.Sprintf("%v is no copy", p)
			}
		}
		return ""
	})
	for _, r := range east.all {
		p := place{r.Topic, r.Partition, r.Offset}
		copies[p] = r
		if !strings.HasPrefix(r.Topic, "west.") || r.Topic == checkpoints {
			continue
		}
		// The sources' logs begin at zero and nothing was copied twice, so that offsets are the same.
		if o := originals[p]; !bytes.Equal(o.Key, r.Key) || !bytes.Equal(o.Value, r.Value) || !o.Timestamp.Equal(r.Timestamp) {
			t.Fatalf("%v is no copy: %+v of %+v", p, r, o)
		}
	}
	for _, r := range west.of(syncs) {
		s, err := mm2.DecodeOffsetSync(r.Key, r.Value)
		if err != nil || s.Upstream != s.Downstream || originals[place{"west." + s.Topic, s.Partition, s.Upstream}] == nil {
			t.Errorf("offset sync %+v, %v", s, err)
		}
	}
	for _, r := range east.of(checkpoints) {
		c, err := mm2.DecodeCheckpoint(r.Key, r.Value)
		if err != nil || c.Group != "billing" || c.Topic != "west.orders" && c.Topic != "west.payments" || c.Downstream > c.Upstream || c.Downstream < 0 {
			t.Errorf("checkpoint %+v, %v", c, err)
		}
	}
	for l, want := range map[*records]string{east: "west->east", west: "east->west"} {
		for _, r := range l.of(heartbeats) {
			h, err := mm2.DecodeHeartbeat(r.Key, r.Value)
			if err != nil || h.Source+"->"+h.Target != want || time.Since(h.At) > time.Minute {
				t.Errorf("heartbeat %+v, %v", h, err)
			}
		}
	}
	told := map[place]int64{}
	for _, r := range east.of(sourceOffsets) {
		o, err := mm2.DecodeOffset(r.Key, r.Value)
		p := place{"west." + o.Topic, o.Partition, -1}
		if err != nil || o.Connector != "MirrorSourceConnector" || o.Cluster != "west" || o.Offset <= told[p] && told[p] > 0 {
			t.Errorf("source offset %+v, %v", o, err)
		}
		told[p] = o.Offset
		if p.offset = o.Offset; copies[p] == nil && originals[p] == nil {
			t.Errorf("%v is said to be copied", p)
		}
	}
	checkConfigs(t, w, east.of(configs))
	checkStatus(t, east.of(status))
	for _, topic := range []string{"west.orders", "west.payments", heartbeats} {
		if _, ids := states(t.Context(), t, admin(t, w.East), topic); len(ids) > 0 {
			t.Errorf("%s has producers %v: MirrorMaker's leave no state", topic, ids)
		}
	}
}

func checkConfigs(t *testing.T, w *World, all []*kgo.Record) {
	t.Helper()
	var classes []string
	for _, r := range all {
		c, err := mm2.DecodeConfig(r.Key, r.Value)
		if err != nil {
			t.Error(err)
		}
		if c.Kind != mm2.ConnectorEntry {
			continue
		}
		if !bytes.Contains(r.Value, []byte(Canary)) {
			t.Errorf("%s holds no canary", r.Key)
		}
		if strings.Contains(fmt.Sprintf("%+v", c), Canary) {
			t.Errorf("%s shows the canary", r.Key)
		}
		classes = append(classes, c.Config.Class)
		if c.Config.SourceAlias != "west" || c.Config.TargetAlias != "east" || !slices.Equal(c.Config.SourceBrokers, w.West.Brokers) || c.Config.Topics != "orders,payments" {
			t.Errorf("%s: %+v", r.Key, c.Config)
		}
	}
	if want := []string{mm2.SourceConnector, mm2.CheckpointConnector, mm2.HeartbeatConnector}; !slices.Equal(classes, want) {
		t.Errorf("connectors %q, want %q", classes, want)
	}
}

func checkStatus(t *testing.T, all []*kgo.Record) {
	t.Helper()
	var running, topics []string
	for _, r := range all {
		s, err := mm2.DecodeStatus(r.Key, r.Value)
		switch {
		case err != nil:
			t.Error(err)
		case s.Topic != "":
			topics = append(topics, s.Topic)
		case s.State == "RUNNING":
			running = append(running, fmt.Sprintf("%s/%d", s.Connector, s.Task))
		}
	}
	slices.Sort(running)
	slices.Sort(topics)
	if got := strings.Join(running, " "); got != "MirrorCheckpointConnector/-1 MirrorCheckpointConnector/0 MirrorHeartbeatConnector/-1 MirrorHeartbeatConnector/0 MirrorSourceConnector/-1 MirrorSourceConnector/0" {
		t.Errorf("running %s", got)
	}
	if got := strings.Join(topics, " "); got != "west.heartbeats west.orders west.payments" {
		t.Errorf("topics in use %s", got)
	}
}

// Offsets are told when the first record is copied, when a hundred were, and when some were left out or came back.
func TestOffsetSyncs(t *testing.T) {
	p := &mirrored{upstream: -1}
	f := func(upstream, downstream int64, want bool) {
		t.Helper()
		if got := p.copied(upstream, downstream); got != want {
			t.Errorf("%d copied to %d is told: %v, want %v", upstream, downstream, got, want)
		}
	}
	f(0, 5, true)
	f(1, 6, false)
	for i := int64(2); i < 101; i++ {
		f(i, 5+i, false)
	}
	f(101, 106, true)
	f(103, 107, true) // one was left out
	f(104, 0, true)   // the copy was made anew
	for offset, want := range map[int64]int64{0: 5, 1: 6, 50: 6, 101: 106, 102: 107, 103: 107, 104: 0, 200: 1} {
		if got, ok := p.translate(offset); !ok || got != want {
			t.Errorf("%d is translated to %d, %v, want %d", offset, got, ok, want)
		}
	}
	p.syncs = p.syncs[1:]
	if got, ok := p.translate(50); ok {
		t.Errorf("50 is translated to %d, and nothing is known of it", got)
	}
}
