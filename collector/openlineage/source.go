package openlineage

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/deadletter"
	"github.com/lineaged/lineaged/internal/rhythm"
	"github.com/lineaged/lineaged/internal/runevent"
	"github.com/lineaged/lineaged/lineage"
)

const (
	// mostARound is how many events are taken into a round: the others wait for the next.
	mostARound = 20_000
	// againAfter is how often what goes on is told again, and what a job is declared to do: a flow that nobody told of
	// for a week is out of sight.
	againAfter = 24 * time.Hour
	// mostSpots is how many of their clusters are, each with why.
	mostSpots = 20
	// mostUnsettled is how many datasets are named that are no watched topic.
	mostUnsettled = 1000
	// lately is for how long it is said that something was of no use.
	lately = 24 * time.Hour
)

// source is a collector.Source. One goroutine at a time.
type source struct {
	cfg     Config
	journal *journal
	tell    *collector.Teller
	refused reasons
	letters *deadletter.Box
	rhythm  *rhythm.Tracker // of what runs say that they moved, which begins and ends

	runs   map[runKey]*run
	edges  int // of all runs, with their ways and other names, and of what datasets say of themselves
	number int64
	heard  bool // an event has come, ever
	// open are the accesses that were told to go on, and was those that are kept as such.
	open, was map[lineage.Access]bool
	// topics are those of open that are to topics, by their names; mayBe, those of them that may be meant by what it is
	// not known yet which topic it is. Both are of the round.
	topics, mayBe map[named]lineage.Access
	// columns are what events said of columns since the start, said what was told of them, resaid what of that is new.
	columns map[string]*described
	said    map[string]saidColumns
	resaid  []string
	// room is of how many things what is said of their columns is kept. floor is how new what was forgotten may be, and
	// raised whether that is to be saved; unsure, that some was lost with positions that could not be read. leftOut is
	// when the newest event came that is not newer, undescribed how many were forgotten for want of room since the
	// start.
	room           int
	floor, leftOut time.Time
	raised, unsure bool
	undescribed    int
	asked          map[spelled]told            // of the round
	unsettled      map[runevent.Name]unsettled // datasets of Kafka that are no watched topic
	round          time.Time
	since          map[spelled]time.Time      // since which round datasets of Kafka are known that are no watched topic
	gone           []string                   // position keys to remove
	readers        []*reader                  // of topics
	offsets        map[string]offsets         // up to where each topic is observed
	moved          map[string]bool            // those of them that are to be saved
	kept           map[runevent.Name]*kept    // what is kept of jobs and their runs
	ways           map[runevent.Name]*ways    // those through jobs that tell of them
	derived        map[runevent.Name]*derived // what datasets say of themselves
	underived      bool                       // some of that was forgotten for want of room, ever
	underivedNew   bool                       // which is to be saved
	pathless       map[runevent.Name]bool     // jobs that tell of more of them than may be
	dropped        int                        // runs that were forgotten for want of room, since the start
	forgotten      int                        // jobs likewise
}

func newSource(cfg Config, j *journal, tell *collector.Teller) *source {
	s := &source{cfg: cfg, journal: j, tell: tell, room: mostDescribed, letters: deadletter.New(cfg.Folder)}
	s.rhythm = rhythm.New(rhythm.Config{Tick: cfg.Interval, GoesOn: func(a lineage.Access) bool { return s.open[a] }})
	s.forget()
	return s
}

func (s *source) forget() {
	s.runs, s.edges, s.number, s.heard, s.gone = map[runKey]*run{}, 0, 0, false, nil
	s.columns, s.said, s.resaid = map[string]*described{}, map[string]saidColumns{}, nil
	s.floor, s.raised, s.unsure = time.Time{}, false, false
	s.rhythm.Forget()
	s.kept = map[runevent.Name]*kept{}
	s.ways, s.pathless = map[runevent.Name]*ways{}, map[runevent.Name]bool{}
	s.derived, s.underived, s.underivedNew = map[runevent.Name]*derived{}, false, false
	s.offsets, s.moved = map[string]offsets{}, map[string]bool{}
	s.since = map[spelled]time.Time{}
	s.open, s.was, s.unsettled = map[lineage.Access]bool{}, map[lineage.Access]bool{}, map[runevent.Name]unsettled{}
}

// Observe implements collector.Source. Until the first event there is nothing to tell: nobody is bound to send any.
func (s *source) Observe(ctx context.Context, round time.Time) []lineage.Observation {
	ails := s.journal.heal()
	due := s.due()
	s.refused.expire(round)
	if err := s.letters.Expire(round); err != nil {
		s.cfg.Log.Warn("dead letters are kept for longer than a week", "error", err)
	}
	if s.heard = s.heard || len(due) > 0 || len(s.readers) > 0; !s.heard {
		return nil
	}
	s.round = round
	maps.DeleteFunc(s.since, func(_ spelled, since time.Time) bool { return round.Sub(since) > lateAfter })
	t := s.tell.Take(round)
	o := t.Observe(Part, s.cfg.Interval)
	if ails != nil {
		collector.MissAll(o, "OpenLineage events can't be written to disk, and their senders are told so: "+ails.Error())
	}
	if s.unsure {
		s.unsure = false
		s.raiseFloor(round.Truncate(time.Millisecond))
	}
	for i := range due {
		s.merge(&due[i])
	}
	s.tellMissed(o)
	jobs := s.jobs()
	s.tellJobs(o, jobs)
	s.tellWays(o, jobs)
	s.tellRuns(o, jobs)
	s.tellColumns(o)
	s.expire(round)
	s.forgetColumns(round)
	s.rhythm.Observe([]*lineage.Observation{o})
	t.Blind(o, s.blind(o.Round))
	s.savePositions(t, o)
	return t.Finish(ctx)
}

// due returns the events of the round.
func (s *source) due() []entry {
	due := s.journal.due(mostARound)
	for len(due) > 0 && due[0].Number <= s.number { // they were observed before a restart
		due = due[1:]
	}
	return due
}

func (s *source) merge(x *entry) {
	s.number = x.Number
	if f := x.From; f != nil {
		o := s.offsets[f.Topic]
		o.take(f)
		s.offsets[f.Topic], s.moved[f.Topic] = o, true
	}
	e := &x.Event
	if e.Kind == 0 {
		return // it was none, and keeps its place
	}
	s.takeColumns(e, x.Arrived)
	if e.Kind == runevent.OfDataset {
		s.takeDerived(e, x.Arrived)
		return // it has no job of its own
	}
	key := runKey{e.Job, e.Run}
	if s.edges > maxEdges {
		s.refused.add(tooManyEdges, x.Arrived)
		if e.Kind == runevent.OfJob {
			return // without them it would declare that the job reads and writes nothing
		}
		e.Reads, e.Writes, e.Ways, e.Also = nil, nil, nil, nil
		e.Explicit, e.Snapshot = false, false // it is not all there is
	}
	r := s.runs[key]
	if r == nil {
		r = newRun(key)
		s.runs[key] = r
	}
	before := r.weight()
	r.take(e, x.Arrived)
	r.came = s.round
	s.edges += r.weight() - before
	s.cfg.Board.SetJobRun(r.engineID, collector.JobRun{
		Node: lineage.Node{Scope: key.job.Namespace, Kind: lineage.StreamJobNode, Name: key.job.Name}, Writes: r.writes(),
	})
}

// job is what its runs say together.
type job struct {
	name  runevent.Name
	runs  []*run
	node  lineage.Node
	fresh bool
}

// jobs returns all jobs, in a fixed order.
func (s *source) jobs() []*job {
	s.endRenamed()
	by := map[runevent.Name]*job{}
	add := func(r *run) *job {
		j := by[r.job]
		if j == nil {
			j = &job{name: r.job, node: lineage.Node{Scope: r.job.Namespace, Kind: lineage.JobNode, Name: r.job.Name}}
			by[r.job] = j
		}
		j.runs, j.fresh = append(j.runs, r), j.fresh || r.fresh
		return j
	}
	for _, key := range slices.SortedFunc(maps.Keys(s.runs), func(a, b runKey) int {
		return cmp.Or(strings.Compare(a.job.Namespace, b.job.Namespace), strings.Compare(a.job.Name, b.job.Name), strings.Compare(a.id, b.id))
	}) {
		r := s.runs[key]
		if j := add(r); s.streams(r) {
			j.node.Kind = lineage.StreamJobNode
		}
	}
	for _, r := range s.declared() {
		add(r)
	}
	out := slices.Collect(maps.Values(by))
	slices.SortFunc(out, func(a, b *job) int { return a.node.Compare(b.node) })
	return out
}

// tellJobs tells what jobs do, and what they do no more.
func (s *source) tellJobs(o *lineage.Observation, jobs []*job) {
	s.unsettled, s.asked = map[runevent.Name]unsettled{}, map[spelled]told{}
	s.topics, s.mayBe = map[named]lineage.Access{}, map[named]lineage.Access{}
	for a := range s.open {
		if m := a.Client.Mover; a.Topic.Name != "" {
			s.topics[named{runevent.Name{Namespace: m.Scope, Name: m.Name}, a.Op, a.Topic.Name}] = a
		}
	}
	s.cfg.Board.SetHeard(placesOf(jobs, s.cfg.Board.Unsure()))
	open, sighted := map[lineage.Access]bool{}, map[lineage.Access]*lineage.Sighting{}
	for _, j := range jobs {
		for _, r := range j.runs {
			s.tellRun(o.Round, j, r, open, sighted)
		}
	}
	closed := s.closed(open)
	for _, a := range closed {
		streams := a
		if streams.Client.Mover.Kind = lineage.StreamJobNode; sighted[a] == nil && (streams == a || !open[streams]) {
			// it had not ended when it was told last, and may have moved since
			sighted[a] = &lineage.Sighting{Access: a, Evidence: lineage.OpenLineage, Detail: "its job has ended, reads or writes it no more, or has said nothing for longer than a run is taken to go on"}
		}
	}
	for _, a := range slices.SortedFunc(maps.Keys(sighted), compareAccess) {
		o.Sightings = append(o.Sightings, *sighted[a])
		if !s.open[a] || !open[a] {
			s.tellPending(o, a, open[a])
		}
	}
	for _, a := range closed {
		if sighted[a] == nil {
			s.tellPending(o, a, false)
		}
	}
	s.open = open
}

// tellPending tells whether nobody knows if an access moves: while its run goes on.
func (s *source) tellPending(o *lineage.Observation, a lineage.Access, goesOn bool) {
	x := lineage.Sample{Subject: a, Metric: lineage.Pending}
	if goesOn {
		x.Value = 1
	}
	o.Samples = append(o.Samples, x)
}

// tellRun adds what a run does: that it goes on, and what an event of this round says, or is to be said again.
func (s *source) tellRun(round time.Time, j *job, r *run, open map[lineage.Access]bool, sighted map[lineage.Access]*lineage.Sighting) {
	goesOn := r.goesOn(round, s.cfg.TimeToLive)
	again := (goesOn || r.id == "") && round.Sub(r.told) >= againAfter
	if !goesOn && !r.fresh && !again && len(r.waiting) == 0 {
		return
	}
	late, waited := s.toldAt(r, round).Sub(r.seen) > lateAfter, r.waiting
	r.waiting = map[edge]bool{}
	if s.modeless(r) {
		s.hold(j, r, goesOn, waited, open)
		return
	}
	for _, x := range r.current() {
		a, known := s.access(j, x)
		if !known {
			r.waiting[x] = r.fresh || waited[x]
			n := named{j.name, x.op, x.dataset.Name}
			if was, there := s.topics[n]; there && goesOn {
				s.mayBe[n] = was
			}
			continue
		}
		if goesOn {
			open[a] = true
		}
		if !r.fresh && !again && !waited[x] && (!goesOn || s.open[a]) {
			continue
		}
		is := &lineage.Sighting{Access: a, Evidence: lineage.OpenLineage, Moved: (r.fresh || waited[x]) && !late && !r.moved.IsZero(), Detail: r.words(late)}
		if was := sighted[a]; was != nil && (was.Moved || !is.Moved) {
			continue
		}
		sighted[a] = is
	}
	if r.fresh || again || len(waited) > 0 {
		r.told, r.dirty = round, true
		r.streamed = r.streamed || s.streams(r)
	}
	r.fresh = false
}

// toldAt is the round in which a run said what is told now: an earlier one of what was waited with.
func (s *source) toldAt(r *run, round time.Time) time.Time {
	if r.came.IsZero() {
		r.came = round
	}
	if len(r.waiting) > 0 && round.Sub(r.came) <= (appearsWithin+1)*s.cfg.Interval {
		return r.came
	}
	return round
}

// words say how an edge is known.
func (r *run) words(late bool) string {
	by := cmp.Or(r.integration, "an integration that it does not name")
	switch {
	case r.byDataset:
		return "declared by what it writes, in an event of that dataset alone: no run says it"
	case r.id == "":
		return "declared by the job itself, by " + by + ": no run says it"
	case late:
		return fmt.Sprintf("the job's own word, by %s: %s at %s, which came late, so that it does not say what moved in this time", by, r.last, r.seen.Format(time.RFC3339))
	default:
		return fmt.Sprintf("the job's own word, by %s: %s", by, r.last)
	}
}

// closed are the accesses that were told to go on and do not, in a fixed order. While it is not known which topics are
// meant, as where a cluster was not reached yet, what went on is taken to go on.
func (s *source) closed(open map[lineage.Access]bool) (out []lineage.Access) {
	if !s.cfg.Board.Settled() {
		maps.Copy(open, s.open)
		return nil
	}
	for _, a := range s.mayBe {
		open[a] = true
	}
	for a := range s.open {
		if !open[a] {
			out = append(out, a)
		}
	}
	slices.SortFunc(out, compareAccess)
	return out
}

func compareAccess(a, b lineage.Access) int {
	return cmp.Or(a.Client.Mover.Compare(b.Client.Mover), cmp.Compare(a.Op, b.Op), strings.Compare(string(a.Topic.Cluster), string(b.Topic.Cluster)),
		strings.Compare(a.Topic.Name, b.Topic.Name), strings.Compare(a.Dataset.Namespace, b.Dataset.Namespace), strings.Compare(a.Dataset.Name, b.Dataset.Name))
}

// expire forgets runs that are over, the oldest first where there are too many.
func (s *source) expire(round time.Time) {
	drop := func(r *run) {
		delete(s.runs, r.runKey)
		s.edges -= r.weight()
		s.rememberWays(r)
		s.gone = append(s.gone, r.key())
	}
	kept := make([]*run, 0, len(s.runs))
	for _, r := range s.runs {
		if r.id != "" && !r.fresh && len(r.waiting) == 0 && !r.goesOn(round, s.cfg.TimeToLive) && round.Sub(r.told) > keepEnded && !s.waits(r, round) {
			drop(r)
			continue
		}
		kept = append(kept, r)
	}
	if n := len(kept) - s.cfg.MaxRuns; n > 0 {
		slices.SortFunc(kept, func(a, b *run) int { return cmp.Or(a.seen.Compare(b.seen), strings.Compare(a.key(), b.key())) })
		for _, r := range kept[:n] {
			drop(r)
			s.dropped++
		}
	}
}

// blind says what events do not tell.
func (s *source) blind(round time.Time) (spots []lineage.BlindSpot) {
	add := func(what, remedy string) { spots = append(spots, lineage.BlindSpot{What: what, Remedy: remedy}) }
	type place struct {
		namespace string
		unsettled
	}
	by := map[place][]string{}
	for n, is := range s.unsettled {
		at := place{n.Namespace, is}
		by[at] = append(by[at], n.Name)
	}
	for i, at := range slices.SortedFunc(maps.Keys(by), func(a, b place) int {
		return cmp.Or(strings.Compare(a.namespace, b.namespace), strings.Compare(a.why, b.why), strings.Compare(a.remedy, b.remedy))
	}) {
		if i == mostSpots {
			add(fmt.Sprintf("%d more spellings of Kafka clusters in what jobs say of themselves", len(by)-i), "as above")
			break
		}
		add(fmt.Sprintf("topics that jobs tell of and that are no watched topic, shown as datasets of the cluster as they spell it, %s (%s): %s", at.namespace, at.why, collector.Some(by[at])), at.remedy)
	}
	if words := s.refused.words(); words != "" {
		add("OpenLineage events that were of no use within the last day: "+words, "who sent them and what is wrong at which place: lineaged openlineage dead-letters")
	}
	s.blindWays(add)
	s.blindDerived(add)
	s.blindOtherwise(add)
	s.blindUnnamed(round, add)
	if s.dropped > 0 {
		add(fmt.Sprintf("runs beyond %d: the oldest are forgotten, so that an event of one that comes late tells of that event alone", s.cfg.MaxRuns), "fewer runs")
	}
	if s.forgotten > 0 {
		add(fmt.Sprintf("jobs beyond %d: of those that said nothing for the longest, runs are no longer listed", mostKept), "fewer jobs")
	}
	if !s.leftOut.IsZero() {
		add("columns in OpenLineage events that came late, within the last day: of what they describe something newer may be known that lineaged does not remember, since such were forgotten", "a newer event of the same job")
	}
	if s.undescribed > 0 {
		add(fmt.Sprintf("columns of datasets and outputs beyond %d: those that jobs described the longest ago are forgotten, so that a change of them is no event, and an event that comes late is left out", s.room), "fewer datasets")
	}
	return spots
}

// Missed implements collector.Source.
func (s *source) Missed(round time.Time, reason string) []lineage.Observation {
	if !s.heard {
		return nil
	}
	t := s.tell.Take(round)
	collector.MissAll(t.Observe(Part, s.cfg.Interval), reason)
	return t.Finish(context.Background())
}

// Stored implements collector.Stored.
func (s *source) Stored() {
	s.tell.Stored()
	if err := s.journal.observed(s.number); err != nil {
		s.cfg.Log.Error("the journal of OpenLineage events is not cut; it grows", "error", err)
	}
}

// reasons count why events were of no use. Safe for concurrent use.
type reasons struct {
	mu  sync.Mutex // guards the fields below
	of  map[string]int
	new time.Time // when the newest was
}

// mostReasons is how many reasons are told apart.
const mostReasons = 10

func (r *reasons) add(why string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of == nil {
		r.of = map[string]int{}
	}
	if _, known := r.of[why]; !known && len(r.of) >= mostReasons {
		why = "for other reasons"
	}
	r.of[why]++
	r.new = later(r.new, now)
}

func (r *reasons) expire(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if now.Sub(r.new) > lately {
		r.of = nil
	}
}

// words say how many there were, to the power of ten: each change of them is kept.
func (r *reasons) words() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, why := range slices.Sorted(maps.Keys(r.of)) {
		n := 1
		for n*10 <= r.of[why] {
			n *= 10
		}
		out = append(out, fmt.Sprintf("%d or more: %s", n, why))
	}
	return strings.Join(out, "; ")
}
