// Package rhythm tells when flows begin and end: out of what a source observed in each round it makes the events
// FLOW_STARTED and FLOW_STOPPED.
//
// A flow is here what one application does to one topic or dataset, whatever its connections are: a group, the
// instances of a transactional.id, a mover, or all writers of a topic that nobody names together. It has stopped when
// it was seen not to move for longer than it usually pauses, and has started when it moves after that. What usual is,
// it shows by itself: a job that writes once a minute has not stopped after half of one.
//
// A gap is not silence: in rounds in which a flow could not be seen nothing is decided. What is known of flows is kept
// in the source's positions, so that a restart is neither a beginning nor an end.
//
// The package is bookkeeping without I/O. A Tracker is not safe for concurrent use.
package rhythm

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

const (
	// leastPause and leastTicks are the shortest silence that can be an end: a deployment or a rebalance takes so long,
	// and one late round is none.
	leastPause = 30 * time.Second
	leastTicks = 6
	// youngPause is the shortest one for a flow that was not seen to run for as long: its rhythm does not show yet, and
	// the slowest commit interval in wide use is 60 s (Connect's sinks).
	youngPause = 90 * time.Second
	// mostPause is the longest: who is silent for an hour has stopped, and starts again.
	mostPause = time.Hour
	// pauses is how many times its longest usual pause a flow is silent before it has stopped.
	pauses = 3
	// pauseMemory is for how many times its length a pause is remembered, and leastMemory for how long at least.
	pauseMemory = 10
	leastMemory = 10 * time.Minute
	// restingFor is how long a flow is remembered that has stopped, and mostResting how many are.
	restingFor  = 7 * 24 * time.Hour
	mostResting = 20_000
	// unseenFor is after how long a flow that can't be seen any more is forgotten, without a word.
	unseenFor = 24 * time.Hour
	// sweepEvery is how often it is looked for who is to be forgotten.
	sweepEvery = 10 * time.Minute
)

// Config says what a Tracker can't know by itself.
type Config struct {
	Tick time.Duration
	// Application returns what the transactional.ids of one application's instances share, "" for what names nobody;
	// nil: each stands for itself.
	Application func(transactionalID string) string
	// Born reports whether both ends of an access appeared under observation, or at least one did: then its first
	// movement is its beginning. nil: none did.
	Born func(lineage.Access) bool
	// Since is when the source began to see a topic that is older; zero: when it began at all. nil: always that.
	Since func(lineage.Access) time.Time
	// Visible reports whether the ends of an access are there to be seen. nil: always.
	Visible func(lineage.Access) bool
	// Fleeting says that what moved while a flow could not be seen is not told later, as totals tell it.
	Fleeting bool
	// Ignore reports whether nobody wants to know when an access begins and ends. nil: none is ignored.
	Ignore func(lineage.Access) bool
	// Whose returns who is taken to have written what no source accounts for in a topic (lineage.Left). nil: nobody.
	Whose func(lineage.Topic) lineage.Access
	// Least is a shortest silence of an access's own, as where its source needs many rounds to look at everything. nil:
	// there is none.
	Least func(*lineage.Access) time.Duration
	// GoesOn reports whether an access goes on however long nothing moved, as where its client says itself when it
	// ends. nil: none does.
	GoesOn func(lineage.Access) bool
	// Name returns what tells a client from others that is no mover and bears neither a group nor a transactional.id;
	// empty, and nil: nothing does.
	Name func(*lineage.Client) string
	// Most bounds how many flows of one source are followed that have not stopped; 0: nothing does.
	Most int
}

// key is one flow.
type key struct {
	source  string
	op      lineage.Op
	cluster lineage.ClusterID
	topic   string
	dataset lineage.Dataset
	who     string // empty: the writers that nobody names
}

// flow is what is known of a key.
type flow struct {
	key
	access  lineage.Access // the newest that moved
	running bool
	first   time.Time // round in which it began to move, since it last rested
	moved   time.Time // newest round in which it moved
	// the newest movement was after this instant and can have been long before moved, since nobody watched; zero: it
	// was in moved's round
	after time.Time
	peaks [2]time.Duration
	since time.Time     // when the second of peaks began to be measured
	pause time.Duration // length of the silence that ended when it last started

	seen   time.Time // first of the rounds in a row in which it could be seen; zero: the last was none
	lookAt time.Time // newest round in which it could be seen
	lag    int64     // as last told; -1: never
	// pending: what it did since it last moved is not known yet, as of a reader that lives and has not committed.
	pending bool
	busy    bool // as saved: it moved in the newest rounds
	dirty   bool // it is among the changed ones
	gone    bool // it was forgotten
}

// Tracker follows the flows of one source's observations.
type Tracker struct {
	cfg     Config
	running map[string]map[key]*flow // by source name
	resting map[key]*flow
	began   map[string]time.Time // by source name: the first round that saw something
	last    map[string]time.Time // by source name: the newest round
	told    int                  // of began, as saved
	swept   time.Time            // when it was last looked for who is to be forgotten
	changed []*flow              // since positions were last saved
	gone    []string             // position keys to remove
	full    map[string]overflow  // by source name, where there was no room
}

// overflow is what was not followed of a source for want of room.
type overflow struct {
	at   time.Time // newest round of it
	keys map[key]bool
}

// New makes a tracker that knows of no flow.
func New(cfg Config) *Tracker {
	t := &Tracker{cfg: cfg}
	t.Forget()
	return t
}

// Any reports whether any flow is known.
func (t *Tracker) Any() bool { return len(t.running)+len(t.resting) > 0 }

// Forget brings the tracker to the state of a first start.
func (t *Tracker) Forget() {
	t.running, t.resting = map[string]map[key]*flow{}, map[key]*flow{}
	t.began, t.last, t.told, t.changed, t.gone = map[string]time.Time{}, map[string]time.Time{}, 0, nil, nil
	t.full = map[string]overflow{}
}

// NotFollowed is how many flows of a source moved in a round, the newest, and are not followed, since Most are.
func (t *Tracker) NotFollowed(source string, round time.Time) int {
	if f := t.full[source]; f.at.Equal(round) {
		return len(f.keys)
	}
	return 0
}

// Observe takes what was observed in one round, and adds the events to the observations. Each source has at most one
// observation in a round.
func (t *Tracker) Observe(obs []*lineage.Observation) {
	ended := endedIn(obs)
	for _, o := range obs {
		t.observe(o, ended)
	}
	t.forgetOld(obs)
}

func (t *Tracker) observe(o *lineage.Observation, ended map[end]string) {
	name := o.Source.Name
	blind := blindOf(o)
	if blind.all {
		return // the next round that sees finds the hole by itself
	}
	if t.began[name].IsZero() {
		t.began[name] = o.Round
	}
	broken := !t.last[name].IsZero() && o.Round.Sub(t.last[name]) > o.Interval*3/2
	t.last[name] = o.Round
	for i := range o.Samples {
		switch s := &o.Samples[i]; {
		case moves(s):
			t.move(o, s.Subject, s.Since, broken)
		case s.Value <= 0:
		case s.Metric == lineage.Left && t.cfg.Whose != nil:
			t.move(o, t.cfg.Whose(s.Subject.Topic), s.Since, broken)
		case s.Metric == lineage.Left, s.Metric == lineage.Mixed:
			t.move(o, nobodys(s.Subject.Topic), s.Since, broken)
		}
	}
	for i := range o.Sightings {
		if s := &o.Sightings[i]; s.Moved {
			t.move(o, s.Access, time.Time{}, broken)
		}
	}
	for i := range o.Samples {
		s := &o.Samples[i]
		if s.Metric != lineage.Lag && s.Metric != lineage.Pending {
			continue
		}
		subject := s.Subject
		if subject.Op == lineage.OpNone { // of what nobody accounts for
			subject = nobodys(subject.Topic)
		}
		if f := t.running[name][t.key(name, &subject)]; f != nil && f.access == s.Subject && s.Metric == lineage.Lag {
			f.lag = s.Value
		} else if f != nil {
			f.pending = s.Value == 1
		}
	}
	for _, f := range t.running[name] {
		t.look(o, f, broken, &blind, ended)
	}
}

// moves reports whether a sample says that records moved. Who was allowed to write may have written nothing.
func moves(s *lineage.Sample) bool {
	claims := s.Metric == lineage.Claimed && s.Evidence != lineage.AuthorizerLog && s.Evidence != lineage.AuditLog
	return s.Value > 0 && (claims || s.Metric == lineage.Records)
}

// Moved reports whether something moved in an observation that bears a client.
func Moved(o *lineage.Observation) bool {
	return slices.ContainsFunc(o.Samples, func(s lineage.Sample) bool { return moves(&s) }) ||
		slices.ContainsFunc(o.Sightings, func(s lineage.Sighting) bool { return s.Moved })
}

// nobodys is the writing of those that nobody names.
func nobodys(t lineage.Topic) lineage.Access {
	return lineage.Access{Topic: t, Op: lineage.Write, Client: lineage.Client{Kind: lineage.Remainder}}
}

// key returns which flow an access is a part of.
func (t *Tracker) key(source string, a *lineage.Access) key {
	k := key{source: source, op: a.Op, cluster: a.Topic.Cluster, topic: a.Topic.Name, dataset: a.Dataset}
	switch c := &a.Client; {
	case c.Mover != lineage.Node{}:
		k.who = "mover " + c.Mover.ID()
	case c.Group != "":
		k.who = "group " + c.Group
	case c.TransactionalID != "":
		app := c.TransactionalID
		if t.cfg.Application != nil {
			app = t.cfg.Application(app)
		}
		if app != "" {
			k.who = "transactional " + app
		}
	case t.cfg.Name != nil && c.Kind == lineage.Connection:
		if name := t.cfg.Name(c); name != "" {
			k.who = "client " + name
		}
	}
	return k
}

// move takes a movement that happened after an instant, or in the round where that is zero.
func (t *Tracker) move(o *lineage.Observation, a lineage.Access, after time.Time, broken bool) {
	if t.cfg.Ignore != nil && t.cfg.Ignore(a) {
		return
	}
	k := t.key(o.Source.Name, &a)
	f := t.running[k.source][k]
	from := after
	if from.IsZero() {
		from = o.Round.Add(-o.Interval)
	}
	if f != nil {
		f.access = a
		if f.moved.Equal(o.Round) {
			return
		}
		hidden := broken || f.seen.IsZero() && !f.lookAt.IsZero()
		if !hidden && !f.seen.After(f.moved) && f.learn(o.Round.Sub(f.moved), o.Round) {
			t.mark(f)
		}
		f.moved, f.after = o.Round, time.Time{}
		if hidden {
			f.after = from
		}
		return
	}
	if f = t.resting[k]; f != nil {
		delete(t.resting, k)
		f.access = a
		t.begin(o, f, from, broken)
		return
	}
	if t.cfg.Most > 0 && len(t.running[k.source]) >= t.cfg.Most {
		x := t.full[k.source]
		if !x.at.Equal(o.Round) {
			x = overflow{at: o.Round, keys: map[key]bool{}}
		}
		x.keys[k] = true
		t.full[k.source] = x
		return
	}
	f = &flow{key: k, access: a, lag: -1, since: o.Round}
	t.begin(o, f, from, broken)
}

// begin lets a flow run, and says so where it is known that it did not before.
func (t *Tracker) begin(o *lineage.Observation, f *flow, from time.Time, broken bool) {
	rested := !f.moved.IsZero()
	var detail string
	var told bool
	switch {
	case rested:
		pause := o.Round.Sub(f.moved)
		if !broken && f.pause > 0 && pause <= mostPause && pause < 2*f.pause && f.pause < 2*pause {
			// twice the same: that is its rhythm
			f.learn(pause, o.Round)
		}
		f.pause = pause
		detail, told = "nothing moved for "+words(pause)+" before", true
	case t.cfg.Born != nil && t.cfg.Born(f.access):
		detail, told = "the first that moved", true
	default:
		began := t.began[f.source]
		if t.cfg.Since != nil {
			if since := t.cfg.Since(f.access); since.After(began) {
				began = since
			}
		}
		told = from.Sub(began) >= t.least(&f.access, o.Interval)
		if full := t.full[f.source].at; !full.IsZero() { // it may be one that was not followed, and has paused
			began = latest(began, full)
			told = told && from.Sub(full) >= mostPause
		}
		detail = "the first that moved since " + instant(began) + ", when watching began"
	}
	f.running, f.first, f.moved, f.after, f.seen = true, o.Round, o.Round, time.Time{}, o.Round
	t.mark(f)
	if broken {
		f.after = from
		detail = "between " + instant(from) + " and " + instant(o.Round) + ", while nobody watched; " + detail
	}
	if t.running[f.source] == nil {
		t.running[f.source] = map[key]*flow{}
	}
	t.running[f.source][f.key] = f
	if told {
		o.Events = append(o.Events, lineage.Event{At: o.Round, Type: lineage.FlowStarted, Access: f.access, Detail: detail})
	}
}

// learn takes in a pause after which the flow went on. It reports whether the flow's rhythm is another than before.
func (f *flow) learn(pause time.Duration, round time.Time) bool {
	before := f.usual()
	if round.Sub(f.since) > max(leastMemory, pauseMemory*before) {
		f.peaks, f.since = [2]time.Duration{f.peaks[1], 0}, round
	}
	f.peaks[1] = max(f.peaks[1], pause)
	return f.usual() != before
}

// mark notes that a flow's position is to be saved.
func (t *Tracker) mark(f *flow) {
	if !f.dirty {
		f.dirty = true
		t.changed = append(t.changed, f)
	}
}

// drop forgets a flow.
func (t *Tracker) drop(f *flow) {
	f.gone = true
	delete(t.running[f.source], f.key)
	delete(t.resting, f.key)
	t.gone = append(t.gone, positionKey(f.key))
}

// usual is the longest pause that the flow made lately; zero: none was seen.
func (f *flow) usual() time.Duration { return max(f.peaks[0], f.peaks[1]) }

// least is the shortest silence that ends a flow of a source with a cadence.
func (t *Tracker) least(a *lineage.Access, cadence time.Duration) time.Duration {
	least := max(leastPause, leastTicks*t.cfg.Tick, pauses*cadence)
	if t.cfg.Least != nil {
		least = max(least, t.cfg.Least(a))
	}
	return least
}

// patience is how long a flow is silent before it has stopped.
func (t *Tracker) patience(f *flow, cadence time.Duration) time.Duration {
	least := t.least(&f.access, cadence)
	p := max(least, pauses*f.usual())
	if f.moved.Sub(f.first) < youngPause {
		p = max(p, youngPause)
	}
	return max(least, min(p, mostPause))
}

// look decides whether a running flow has stopped.
func (t *Tracker) look(o *lineage.Observation, f *flow, broken bool, blind *blind, ended map[end]string) {
	why := ended[end{topic: f.topic}]
	if why == "" && f.access.Client.Group != "" {
		why = ended[end{group: f.access.Client.Group}]
	}
	if why != "" && !f.moved.Equal(o.Round) {
		t.stop(o, f, why)
		return
	}
	if blind.hides(&f.access) || t.cfg.Visible != nil && !t.cfg.Visible(f.access) {
		if f.seen = (time.Time{}); f.lookAt.IsZero() {
			f.lookAt = o.Round
		}
		return
	}
	if f.seen.IsZero() || broken {
		f.seen = o.Round
	}
	f.lookAt = o.Round
	quiet := o.Round.Sub(f.moved)
	if busy := quiet <= 3*max(t.cfg.Tick, o.Interval); busy != f.busy {
		f.busy = busy
		t.mark(f)
	}
	if f.pending && quiet < mostPause || t.cfg.GoesOn != nil && t.cfg.GoesOn(f.access) {
		return
	}
	patience, watched := t.patience(f, o.Interval), t.least(&f.access, o.Interval)
	if t.cfg.Fleeting {
		watched = patience
	}
	if quiet >= patience && o.Round.Sub(f.seen) >= watched {
		detail := "nothing moved in the " + words(quiet) + " since"
		if usual := f.usual(); usual > 0 {
			detail += ", and " + words(usual) + " was its longest pause before"
		}
		t.stop(o, f, detail)
	}
}

// stop lets a flow rest. It stopped when it last moved.
func (t *Tracker) stop(o *lineage.Observation, f *flow, detail string) {
	delete(t.running[f.source], f.key)
	f.running, f.busy = false, false
	t.mark(f)
	t.resting[f.key] = f
	if !f.after.IsZero() {
		detail = "between " + instant(f.after) + " and " + instant(f.moved) + ", while nobody watched; " + detail
	}
	switch {
	case f.op != lineage.Read || f.lag < 0:
	case f.lag == 0:
		detail += "; nothing was left to read"
	default:
		detail += fmt.Sprintf("; %d records waited for it by %s", f.lag, instant(o.Round)) // some may have come since
	}
	o.Events = append(o.Events, lineage.Event{At: f.moved, Type: lineage.FlowStopped, Access: f.access, Detail: detail})
}

// forgetOld bounds what is remembered.
func (t *Tracker) forgetOld(obs []*lineage.Observation) {
	if len(obs) == 0 {
		return
	}
	round := obs[0].Round
	if round.Sub(t.swept) < sweepEvery && len(t.resting) <= mostResting {
		return
	}
	t.swept = round
	for _, flows := range t.running {
		for _, f := range flows {
			if f.seen.IsZero() && round.Sub(latest(f.lookAt, f.moved)) > unseenFor {
				t.drop(f)
			}
		}
	}
	for _, f := range t.resting {
		if round.Sub(f.moved) > restingFor {
			t.drop(f)
		}
	}
	if len(t.resting) <= mostResting {
		return
	}
	all := make([]*flow, 0, len(t.resting))
	for _, f := range t.resting {
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b *flow) int { return cmp.Or(b.moved.Compare(a.moved), strings.Compare(a.who, b.who)) })
	for _, f := range all[mostResting*9/10:] { // some at once, so that it is not done each round
		t.drop(f)
	}
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// end is a topic or a group that was deleted.
type end struct{ topic, group string }

// endedIn says which topics and groups were deleted in a round, and how that is put.
func endedIn(obs []*lineage.Observation) map[end]string {
	var out map[end]string
	add := func(e end, why string) {
		if out == nil {
			out = map[end]string{}
		}
		out[e] = why
	}
	for _, o := range obs {
		for i := range o.Events {
			if e := &o.Events[i]; e.Type == lineage.TopicDeleted {
				add(end{topic: e.Topic.Name}, "the topic was deleted")
			}
		}
		for i := range o.Facts {
			if f := &o.Facts[i]; f.Gone && f.Key.Kind == lineage.GroupFacts {
				add(end{group: f.Key.Name}, "the group was deleted")
			}
		}
	}
	return out
}

// blind is what an observation does not see.
type blind struct {
	all    bool
	topics map[lineage.Topic]bool
	groups map[string]bool
}

func blindOf(o *lineage.Observation) (b blind) {
	for i := range o.Missing {
		m := &o.Missing[i]
		b.all = b.all || m.All
		for _, t := range m.Topics {
			if b.topics == nil {
				b.topics = map[lineage.Topic]bool{}
			}
			b.topics[t] = true
		}
		for _, g := range m.Groups {
			if b.groups == nil {
				b.groups = map[string]bool{}
			}
			b.groups[g.Group] = true
		}
	}
	return b
}

func (b *blind) hides(a *lineage.Access) bool {
	return b.topics[a.Topic] || a.Client.Group != "" && b.groups[a.Client.Group]
}

// words tells a length of time for people.
func words(d time.Duration) string { return d.Round(time.Second).String() }

// instant tells an instant for people.
func instant(t time.Time) string { return t.UTC().Format(time.RFC3339) }
