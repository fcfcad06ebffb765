package mirror

import (
	"slices"
	"time"

	"github.com/lineaged/lineaged/internal/mm2"
)

// pair is a direction of replication by its aliases.
type pair struct{ source, target string }

func (p pair) String() string { return p.source + "->" + p.target }

// maxPairs bounds what heartbeats can make us keep: whoever may write to the topic could name any alias.
const maxPairs = 1000

// maxNames and maxName bound the same of the topics that checkpoints and offset syncs name: Kafka has no longer names.
const (
	maxNames = 100_000
	maxName  = 249
)

// keeps reports whether one more name is kept.
func keeps[V any](names map[string]V, name string) bool {
	_, known := names[name]
	return known || len(names) < maxNames && len(name) <= maxName
}

// words is what MirrorMaker 2's internal topics on one cluster have said so far. The zero value is not ready; use
// newWords.
type words struct {
	beats     map[pair]*beat
	dedicated map[string]*dedicated       // by alias of the source
	syncs     map[string]map[string]*mark // by the alias in the topic's name, then topic of the source
	checks    map[string]map[string]bool  // by alias of the source: topics as they are called here
	bad       map[string]int              // records that do not parse, by topic
}

// mark counts what was said of something, so that who looks from time to time knows whether it moved.
type mark struct{ n uint64 }

// beat is what the heartbeats of one pair tell.
type beat struct {
	at      time.Time       // of the newest, by the clock of MirrorMaker 2
	seen    time.Time       // the round in which it lived at the latest, by ours
	spacing []time.Duration // of the newest few
}

// dedicated is the bookkeeping of a dedicated MirrorMaker 2 of one source.
type dedicated struct {
	configs map[string]mm2.ConnectorConfig
	wanted  map[string]string          // target states by connector
	states  map[string]string          // by connector
	tasks   map[string]map[int]string  // states, by connector
	topics  map[string]map[string]bool // in use, as called here, by connector
	// of the last records copied: by connector, topic of the source, partition
	offsets map[string]map[string]map[int32]int64
}

func newWords() *words {
	return &words{
		beats: map[pair]*beat{}, dedicated: map[string]*dedicated{}, syncs: map[string]map[string]*mark{},
		checks: map[string]map[string]bool{}, bad: map[string]int{},
	}
}

// of returns the bookkeeping of an alias, new when there is none.
func (w *words) of(alias string) *dedicated {
	d := w.dedicated[alias]
	if d == nil {
		d = &dedicated{
			configs: map[string]mm2.ConnectorConfig{}, wanted: map[string]string{}, states: map[string]string{}, tasks: map[string]map[int]string{},
			topics: map[string]map[string]bool{}, offsets: map[string]map[string]map[int32]int64{},
		}
		w.dedicated[alias] = d
	}
	return d
}

// forget drops what a topic has said: it is no more, or made anew.
func (w *words) forget(topic string) {
	delete(w.bad, topic)
	switch in := mm2.ParseInternal(topic); in.Kind {
	case mm2.HeartbeatTopic:
		clear(w.beats)
	case mm2.CheckpointTopic:
		delete(w.checks, in.Alias)
	case mm2.OffsetSyncTopic:
		delete(w.syncs, in.Alias)
	case mm2.ConfigTopic:
		d := w.of(in.Alias)
		clear(d.configs)
		clear(d.wanted)
	case mm2.OffsetTopic:
		clear(w.of(in.Alias).offsets)
	case mm2.StatusesTopic:
		d := w.of(in.Alias)
		clear(d.states)
		clear(d.tasks)
		clear(d.topics)
	case mm2.NoInternal:
	}
}

// hear takes one record of an internal topic. A record that does not parse is counted. current says that the topic was
// read to its end a moment ago, so that what comes now was written since.
func (w *words) hear(topic string, key, value []byte, round time.Time, current bool) {
	in := mm2.ParseInternal(topic)
	var err error
	switch in.Kind {
	case mm2.HeartbeatTopic:
		var h mm2.Heartbeat
		if h, err = mm2.DecodeHeartbeat(key, value); err == nil {
			w.beat(h, round, current)
		}
	case mm2.CheckpointTopic:
		var c mm2.Checkpoint
		if c, err = mm2.DecodeCheckpoint(key, value); err == nil && keeps(w.checks[in.Alias], c.Topic) {
			put(w.checks, in.Alias)[c.Topic] = true
		}
	case mm2.OffsetSyncTopic:
		var s mm2.OffsetSync
		if s, err = mm2.DecodeOffsetSync(key, value); err == nil && keeps(w.syncs[in.Alias], s.Topic) {
			topics := put(w.syncs, in.Alias)
			if topics[s.Topic] == nil {
				topics[s.Topic] = &mark{}
			}
			topics[s.Topic].n++
		}
	case mm2.ConfigTopic:
		err = w.of(in.Alias).config(key, value)
	case mm2.OffsetTopic:
		err = w.of(in.Alias).offset(in.Alias, key, value)
	case mm2.StatusesTopic:
		err = w.of(in.Alias).status(key, value)
	case mm2.NoInternal:
	}
	if err != nil {
		w.bad[topic]++
	}
}

// put returns the inner map of a key, new when there is none.
func put[K, L comparable, V any](m map[K]map[L]V, key K) map[L]V {
	if m[key] == nil {
		m[key] = map[L]V{}
	}
	return m[key]
}

// spacings is how many distances between heartbeats are kept: the one in the middle is the rhythm, whatever pauses and
// restarts were between.
const spacings = 9

// beat takes a heartbeat. One that was written since we looked last is known to be of this round by our own clock; for
// an older one MirrorMaker 2's clock must do.
func (w *words) beat(h mm2.Heartbeat, round time.Time, current bool) {
	p := pair{h.Source, h.Target}
	b := w.beats[p]
	if b == nil {
		if len(w.beats) >= maxPairs || max(len(p.source), len(p.target)) > maxName {
			return
		}
		b = &beat{}
		w.beats[p] = b
	}
	if d := h.At.Sub(b.at); !b.at.IsZero() && d > 0 {
		b.spacing = append(b.spacing, d)
		b.spacing = b.spacing[max(0, len(b.spacing)-spacings):]
	}
	b.at = h.At
	switch {
	case current:
		b.seen = round
	case h.At.After(round):
		b.seen = round
	case h.At.After(b.seen):
		b.seen = h.At
	}
}

// A replication without a heartbeat for this long, and for this many of its usual distances, does not run.
const (
	quiet      = 30 * time.Second
	quietBeats = 6
)

// alive reports whether the heart still beats.
func (b *beat) alive(round time.Time) bool {
	limit := quiet
	if n := len(b.spacing); n > 0 {
		sorted := slices.Clone(b.spacing)
		slices.Sort(sorted)
		limit = max(limit, quietBeats*sorted[n/2])
	}
	return round.Sub(b.seen) <= limit
}

func (d *dedicated) config(key, value []byte) error {
	r, err := mm2.DecodeConfig(key, value)
	switch {
	case err != nil:
		return err
	case r.Kind == mm2.ConnectorEntry && r.Gone:
		delete(d.configs, r.Connector)
	case r.Kind == mm2.ConnectorEntry && mm2.IsConnector(r.Config.Class):
		d.configs[r.Connector] = r.Config
	case r.Kind == mm2.TargetState && r.Gone:
		delete(d.wanted, r.Connector)
	case r.Kind == mm2.TargetState:
		d.wanted[r.Connector] = r.State
	}
	return nil
}

func (d *dedicated) offset(alias string, key, value []byte) error {
	r, err := mm2.DecodeOffset(key, value)
	if err != nil || r.Topic == "" || r.Cluster != alias {
		return err
	}
	topics := put(d.offsets, r.Connector)
	if r.Gone {
		delete(topics[r.Topic], r.Partition)
		return nil
	}
	put(topics, r.Topic)[r.Partition] = r.Offset
	return nil
}

func (d *dedicated) status(key, value []byte) error {
	r, err := mm2.DecodeStatus(key, value)
	if err != nil || r.Connector == "" {
		return err
	}
	switch {
	case r.Topic != "" && r.Gone:
		delete(d.topics[r.Connector], r.Topic)
	case r.Topic != "":
		put(d.topics, r.Connector)[r.Topic] = true
	case r.Task >= 0 && (r.Gone || r.State == "DESTROYED"):
		delete(d.tasks[r.Connector], r.Task)
	case r.Task >= 0:
		put(d.tasks, r.Connector)[r.Task] = r.State
	case r.Gone || r.State == "DESTROYED":
		delete(d.states, r.Connector)
	default:
		d.states[r.Connector] = r.State
	}
	return nil
}

// state returns what a connector is with its tasks: RUNNING while one runs, which they do although the connector itself
// failed, FAILED where all have, else what Connect says of the connector.
func (d *dedicated) state(connector string) (state string, running bool) {
	state = d.states[connector]
	if w := d.wanted[connector]; w == "PAUSED" || w == "STOPPED" {
		return w, false
	}
	failed := 0
	for _, task := range d.tasks[connector] {
		switch task {
		case "RUNNING":
			running = true
		case "FAILED":
			failed++
		}
	}
	if n := len(d.tasks[connector]); n > 0 && failed == n && state == "RUNNING" {
		state = "FAILED"
	}
	if running = running && state != "PAUSED" && state != "STOPPED"; running {
		state = "RUNNING"
	}
	return state, running
}
