package mirror

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/copybook"
	"github.com/lineaged/lineaged/internal/mm2"
	"github.com/lineaged/lineaged/lineage"
)

// view is one direction of replication as it is known in a round.
type view struct {
	pair
	upstream collector.Watched // zero when the source is not watched
	watched  bool
	policy   mm2.Policy // the zero Policy: not known
	state    string     // as Connect says, empty when nothing tells
	running  bool
	how      string // where it is known from, the evidence's detail
	copies   []copied
	// soon are names of copies that it will write as soon as there is something to copy, whether or not they are there
	// yet. They may be among copies too.
	soon  []string
	vague bool // that it lives is known, and what it copies is not
	whole bool // all its offsets were read: a partition without one is not copied yet
	young bool // what was read began lately
	// planned are what it is configured to copy and does not, since it does not run.
	planned []copied
	// idle are topics that it has copied and, by what shows now, does not. They may be copied again.
	idle []copied
}

// copied is a topic and its copy. One of the names is empty where only the other is known.
type copied struct {
	from, to string
	offsets  map[int32]int64 // how far, of the last records; nil: not told
	mark     uint64          // changes when a record was copied; 0: nothing tells
}

// target is the watched cluster as it is in this round.
type target struct {
	collector.Watched
	internal map[string]mm2.Internal // names of internal topics
}

func newTarget(w collector.Watched) target {
	t := target{w, map[string]mm2.Internal{}}
	for _, name := range w.Topics {
		if in := mm2.ParseInternal(name); in.Kind != mm2.NoInternal {
			t.internal[name] = in
		}
	}
	return t
}

// trace reports whether a source has left topics here that only a replication from there makes, and the separator in
// their names. A copy of heartbeats is named as all copies are, and a checkpoints topic need not be.
func (t target) trace(alias string) (separator string, ok bool) {
	separator = "."
	for _, kind := range []mm2.TopicKind{mm2.CheckpointTopic, mm2.HeartbeatTopic} {
		for _, in := range t.internal {
			if in.Alias == alias && in.Kind == kind {
				separator, ok = in.Separator, true
			}
		}
	}
	return separator, ok
}

// has reports whether a cluster has a topic.
func has(w collector.Watched, topic string) bool {
	_, ok := slices.BinarySearch(w.Topics, topic)
	return ok
}

// resolve returns the watched cluster behind an alias.
func (s *source) resolve(alias string, brokers []string) (collector.Watched, bool) {
	w, _, ok := s.cfg.Board.Find(s.cfg.Name, alias, brokers, s.cfg.Aliases)
	return w, ok
}

// views returns all that is known to replicate into the cluster, each pair once: what tells most comes first. A pair of
// which a configuration says that it is off is none, though it has heartbeats, and copies where it was on before. One
// that runs on a Connect which is watched is told by that: heartbeats go on while its copying is paused.
func (s *source) views(ctx context.Context, t target, round time.Time) []view {
	found, off, sources := map[pair]view{}, map[pair]bool{}, map[string]bool{}
	add := func(v view, ok bool) {
		if _, known := found[v.pair]; ok && !known {
			found[v.pair], sources[v.source] = v, true
		}
	}
	for _, alias := range slices.Sorted(maps.Keys(s.words.dedicated)) {
		d := s.words.dedicated[alias]
		if s.missing[alias] != "" {
			sources[alias] = true
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(d.configs)) {
			switch c := d.configs[name]; {
			case !mm2.IsSourceConnector(c.Class):
			case c.Off:
				p := s.configured(alias, c)
				off[p], sources[p.source] = true, true
			default:
				add(s.dedicatedView(ctx, t, alias, name, d, c, round), true)
			}
		}
	}
	for _, p := range s.pairs() {
		if _, told := found[p]; told {
			continue
		}
		if s.missing[p.source] != "" || s.cfg.Board.HasReplicator(s.node(p)) {
			sources[p.source] = true
		} else if !off[p] {
			add(s.beatingView(t, p, s.words.beats[p], round))
		}
	}
	for _, alias := range slices.Sorted(maps.Keys(s.cfg.Aliases)) {
		// of a source that is known the copies are told, whatever the target is called there
		if s.cfg.Aliases[alias] != s.cfg.Name && !sources[alias] {
			v, ok := s.declaredView(t, alias, round)
			add(v, ok && !s.cfg.Board.HasReplicator(s.node(v.pair)))
		}
	}
	out := make([]view, 0, len(found))
	for _, p := range slices.SortedFunc(maps.Keys(found), func(a, b pair) int { return strings.Compare(a.String(), b.String()) }) {
		out = append(out, found[p])
	}
	return out
}

// configured is the pair of a configuration. alias is what the topic says that holds it.
func (s *source) configured(alias string, c mm2.ConnectorConfig) pair {
	return pair{cmp.Or(c.SourceAlias, alias), cmp.Or(c.TargetAlias, s.cfg.Name)}
}

// pairs are those that heartbeats name, in order.
func (s *source) pairs() []pair {
	return slices.SortedFunc(maps.Keys(s.words.beats), func(a, b pair) int { return strings.Compare(a.String(), b.String()) })
}

// dedicatedView is what the bookkeeping of a dedicated MirrorMaker 2 tells.
func (s *source) dedicatedView(ctx context.Context, t target, alias, connector string, d *dedicated, c mm2.ConnectorConfig, round time.Time) view {
	v := view{pair: s.configured(alias, c), policy: c.Policy, how: "configuration, offsets and status that MirrorMaker 2 keeps on the target"}
	v.upstream, v.watched = s.resolve(v.source, c.SourceBrokers)
	v.state, v.running = d.state(connector)
	switch told := s.caught[mm2.StatusTopic(alias)]; {
	case !told:
		v.running = s.words.beats[v.pair] != nil && s.lives(ctx, v.pair, round)
	case v.running && !s.lives(ctx, v.pair, round):
		v.state, v.running = "UNASSIGNED", false // the last status stays when the process goes
	}
	filter, offsets := c.Filter(), d.offsets[connector]
	readable := s.caught[mm2.OffsetsTopic(alias)]
	if readable {
		tp := s.tail.topics[mm2.OffsetsTopic(alias)]
		v.whole, v.young = !tp.cut, tp.began(round.Add(-copybook.SpreadLimit))
	}
	exists := func(topic string) bool { return filter.Copies(topic) && (!v.watched || has(v.upstream, topic)) }
	seen := map[string]bool{}
	for _, from := range slices.Sorted(maps.Keys(offsets)) {
		if len(offsets[from]) == 0 {
			continue
		}
		to, ok := v.policy.Remote(v.source, from)
		if !exists(from) || ok && !has(t.Watched, to) {
			v.idle = append(v.idle, copied{from: from, offsets: offsets[from]})
			continue
		}
		seen[to] = true
		v.copies = append(v.copies, copied{from: from, to: to, offsets: offsets[from]})
	}
	for _, to := range slices.Sorted(maps.Keys(d.topics[connector])) {
		if seen[to] || !has(t.Watched, to) {
			continue
		}
		from, ok := v.policy.Upstream(v.source, to)
		if v.policy.Known() && (!ok || !exists(from)) {
			continue // of an earlier configuration
		}
		cp := copied{from: from, to: to}
		if readable && ok {
			cp.offsets = map[int32]int64{} // none yet: it began less than a commit ago
		}
		v.copies = append(v.copies, cp)
	}
	if v.watched && filter.Certain() {
		for _, from := range v.upstream.Topics {
			if to, ok := v.policy.Remote(v.source, from); ok && filter.Copies(from) {
				v.soon = append(v.soon, to)
				if told := slices.ContainsFunc(v.copies, func(c copied) bool { return c.from == from }); !told && !v.running && v.state != "" && !isHeartbeat(from) {
					v.planned = append(v.planned, copied{from: from, to: to})
				}
			}
		}
	}
	return v
}

// beatingView is what can be told of a MirrorMaker 2 whose bookkeeping is elsewhere: that it lives from its heartbeats,
// and what it copies from names, checkpoints and offset syncs. ok is false when only heartbeats are there: those a
// dedicated process writes for a direction that is off, too.
func (s *source) beatingView(t target, p pair, b *beat, round time.Time) (v view, ok bool) {
	v = view{pair: p, running: b.alive(round), how: "heartbeats, and names of topics"}
	v.upstream, v.watched = s.resolve(p.source, nil)
	sep, evident := t.trace(p.source)
	v.policy = mm2.NewPolicy("", sep, false)
	if v.copies = s.named(t, &v, round); slices.ContainsFunc(v.copies, func(c copied) bool { return !isHeartbeat(c.to) }) {
		return v, true
	}
	v.policy = mm2.NewPolicy(mm2.IdentityPolicy, sep, false)
	same := s.synced(t, &v, evident)
	if len(same) == 0 {
		v.policy, v.vague = mm2.Policy{}, true
	}
	v.copies = append(v.copies, same...)
	return v, evident || len(v.copies) > 0
}

// declaredView takes a configured alias for a source when topics here are named as its copies would be. Whether it runs
// shows from their ends only.
func (s *source) declaredView(t target, alias string, round time.Time) (v view, ok bool) {
	v = view{pair: pair{alias, s.cfg.Name}, policy: mm2.NewPolicy("", "", false), how: "names of topics, and the alias in lineaged's configuration"}
	for _, a := range slices.Backward(slices.Sorted(maps.Keys(s.cfg.Aliases))) {
		// one of several must be the same in each round
		if s.cfg.Aliases[a] == s.cfg.Name {
			v.target = a
		}
	}
	if v.upstream, v.watched = s.resolve(alias, nil); !v.watched {
		return v, false
	}
	v.copies = s.named(t, &v, round)
	sum := uint64(0)
	for _, c := range v.copies {
		sum += c.mark
	}
	v.running = s.stirred(v.pair, sum, round)
	return v, len(v.copies) > 0
}

func isHeartbeat(topic string) bool { return mm2.ParseInternal(topic).Kind == mm2.HeartbeatTopic }

// named finds the copies that bear the source's alias. Where the source is watched it must have the topic, so that a
// topic that happens to be called like that is not taken for one.
func (s *source) named(t target, v *view, round time.Time) (copies []copied) {
	for _, to := range t.Topics {
		from, ok := v.policy.Upstream(v.source, to)
		if kind := t.internal[to].Kind; kind != mm2.NoInternal && kind != mm2.HeartbeatTopic {
			continue
		}
		if !ok || !v.policy.Replicates(from, v.target) || v.watched && !has(v.upstream, from) {
			continue
		}
		copies = append(copies, copied{from: from, to: to, mark: s.end(t.ID, to, round)})
	}
	return copies
}

// synced finds the copies that keep their names: the topics of which MirrorMaker 2 writes offset syncs, and those in
// its checkpoints. An offset syncs topic on the target is the reverse direction's unless this one has left a trace
// (offset-syncs.topic.location=target).
func (s *source) synced(t target, v *view, evident bool) (copies []copied) {
	counts := map[string]uint64{}
	if v.watched {
		if counts = s.cfg.Syncs.counted(v.upstream.ID, v.target); counts == nil {
			counts = map[string]uint64{}
		}
		if evident && !has(v.upstream, v.policy.OffsetSyncsTopic(v.target)) {
			for topic, m := range s.words.syncs[v.source] {
				counts[topic] = m.n
			}
		}
	}
	for topic := range s.words.checks[v.source] {
		if _, ok := counts[topic]; !ok {
			counts[topic] = 0
		}
	}
	for _, topic := range slices.Sorted(maps.Keys(counts)) {
		if v.policy.Replicates(topic, v.target) && !isHeartbeat(topic) && has(t.Watched, topic) && (!v.watched || has(v.upstream, topic)) {
			copies = append(copies, copied{from: topic, to: topic, mark: counts[topic]})
		}
	}
	return copies
}

// end returns the sum of a topic's ends as a mark, 0 when they are not known.
func (s *source) end(cluster lineage.ClusterID, topic string, round time.Time) (mark uint64) {
	for _, e := range s.ends(cluster, topic, round).Offsets {
		mark += uint64(max(e, 0)) + 1
	}
	return mark
}

// stirred reports whether a sum moved lately.
func (s *source) stirred(p pair, sum uint64, round time.Time) bool {
	f := s.flow(p)
	if f.sum != 0 && sum != f.sum && sum != 0 {
		f.stirred = round
	}
	if sum != 0 {
		f.sum = sum
	}
	return !f.stirred.IsZero() && round.Sub(f.stirred) <= copybook.SpreadLimit
}

// lives reports whether the process of a dedicated MirrorMaker 2 is there: by its heartbeats or, where it writes none,
// by the members of its worker group. The topic keeps the last heartbeat for ever, so one that is old may be of before
// they were switched off.
func (s *source) lives(ctx context.Context, p pair, round time.Time) bool {
	b := s.words.beats[p]
	if b != nil && b.alive(round) {
		return true
	}
	look, ok := s.groups[p]
	if ok && round.Sub(look.at) < groupCadence {
		return look.live
	}
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = []string{mm2.DedicatedGroup(p.source)}
	live := b == nil // what can't be asked leaves the status as it is said, but for a heartbeat that has stopped
	if resp, err := req.RequestWith(ctx, s.tail.client); err == nil && len(resp.Groups) == 1 {
		switch g := resp.Groups[0]; g.ErrorCode {
		case 0:
			live = g.State != "Dead" && g.State != "Empty"
		case kerr.GroupIDNotFound.Code:
			live = false
		}
	}
	s.tail.spent.requests++
	s.groups[p] = groupLook{round, live}
	return live
}

// groupCadence is how often the worker group of a MirrorMaker 2 without heartbeats is asked for.
const groupCadence = 30 * time.Second

// groupLook is the newest answer about a worker group.
type groupLook struct {
	at   time.Time
	live bool
}
