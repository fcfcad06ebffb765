package openlineage

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/runevent"
	"github.com/lineaged/lineaged/internal/varint"
	"github.com/lineaged/lineaged/lineage"
)

// This file tells which of what a job reads leads to which of what it writes, where lineage facets say so. See
// docs/adr/0057-ways-through-a-job.md.

const (
	// keepWays is for how long a way is told of that no run has gone since: as long as flows at rest are drawn, and a
	// day.
	keepWays = 8 * 24 * time.Hour
	// mostWays is how many ways one job may have, and mostWayed how many jobs are told of with theirs.
	mostWays  = 10_000
	mostWayed = 5000

	waysPrefix = "ways/"
)

// way is one through a job. A zero from says that all that leads to its end is told.
type way struct{ from, to lineage.Node }

func (w way) compare(b way) int { return cmp.Or(w.to.Compare(b.to), w.from.Compare(b.from)) }

// trodden are ways with when each was so last; zero: it is.
type trodden map[way]time.Time

func (t trodden) add(w way, until time.Time) {
	if was, there := t[w]; there && (was.IsZero() || !until.IsZero() && until.Before(was)) {
		return
	}
	t[w] = until
}

// ways are those through one job.
type ways struct {
	job     runevent.Name
	past    trodden   // of runs that are forgotten
	told    string    // a digest of the fact that was told; empty: none is
	expires time.Time // when the first of them is told of no more; zero: none will be
	dirty   bool
	// silent are the outputs that the job's facet left out, and hushed those that it did in runs that are forgotten.
	silent []lineage.Node
	hushed map[lineage.Node]bool
}

// explains reports whether an event of the run told of ways, other than by leaving them out since.
func (r *run) explains() bool {
	if !r.explicit.IsZero() && !r.explicit.Before(r.whole) {
		return true
	}
	for _, at := range r.ways {
		if !at.Before(r.whole) {
			return true
		}
	}
	return false
}

// until is when what the run does was so last; zero: it is.
func (r *run) until(now time.Time, ttl time.Duration) time.Time {
	switch {
	case r.id == "" || r.goesOn(now, ttl):
		return time.Time{}
	case r.over().IsZero():
		return r.seen
	default:
		return r.over()
	}
}

// leads says which ways lead through a run: those that its facets tell of. To outputs that they are silent about all
// that it reads leads, unless the job's own facet is there: then nothing is known to. known is false while some end may
// be a topic of a cluster that was not reached yet.
func (s *source) leads(j *job, r *run) (told, inferred []way, silent []lineage.Node, known bool) {
	at := func(op lineage.Op, n runevent.Name) (lineage.Node, bool) {
		a, known := s.access(j, edge{op, r.is(n)})
		return end(a), known
	}
	var reads, writes []lineage.Node
	for _, x := range r.current() {
		n, known := at(x.op, x.dataset)
		if !known {
			return nil, nil, nil, false
		}
		if x.op == lineage.Read {
			reads = append(reads, n)
		} else {
			writes = append(writes, n)
		}
	}
	covered := map[lineage.Node]bool{}
	for w, when := range r.ways {
		if when.Before(r.whole) {
			continue
		}
		x := way{}
		if x.to, known = at(lineage.Write, w.To); !known {
			return nil, nil, nil, false
		}
		if w.From != (runevent.Name{}) {
			if x.from, known = at(lineage.Read, w.From); !known {
				return nil, nil, nil, false
			}
		}
		covered[x.to] = true
		told = append(told, x)
	}
	explicit := !r.explicit.IsZero() && !r.explicit.Before(r.whole)
	for _, to := range writes {
		switch {
		case covered[to]:
		case explicit:
			told, silent = append(told, way{to: to}), append(silent, to)
		case len(inferred)+len(reads) <= mostWays: // else of this output nothing is said, as where there is no facet
			for _, from := range reads {
				inferred = append(inferred, way{from, to})
			}
		}
	}
	return told, inferred, silent, true
}

// through puts together the ways through a job, of its runs and of those that are forgotten. What a job is declared to
// do without a facet counts where no run tells of it.
func (s *source) through(j *job, is *ways, now time.Time) (all trodden, silent []lineage.Node, known bool) {
	all = trodden{}
	for w, until := range is.past {
		if now.Sub(until) >= keepWays {
			continue
		}
		if all[w] = until; w.from.Kind == lineage.NoKind && is.hushed[w.to] {
			silent = append(silent, w.to)
		}
	}
	var declared []way
	for _, r := range j.runs {
		told, inferred, left, known := s.leads(j, r)
		if !known {
			return nil, nil, false
		}
		until := r.until(now, s.cfg.TimeToLive)
		if r.id == "" {
			declared, inferred = append(declared, inferred...), nil
		}
		for _, w := range append(told, inferred...) {
			if until.IsZero() || now.Sub(until) < keepWays {
				all.add(w, until)
			}
		}
		silent = append(silent, left...)
	}
	named := map[lineage.Node]bool{}
	for w := range all {
		named[w.to] = true
	}
	for _, w := range declared {
		if !named[w.to] {
			all.add(w, time.Time{})
		}
	}
	silent = slices.DeleteFunc(silent, func(n lineage.Node) bool { // another run told
		for w := range all {
			if w.to == n && w.from.Kind != lineage.NoKind {
				return true
			}
		}
		return false
	})
	slices.SortFunc(silent, lineage.Node.Compare)
	return all, slices.Compact(silent), true
}

// tellWays tells what changed of the ways through jobs.
func (s *source) tellWays(o *lineage.Observation, jobs []*job) {
	live := make(map[runevent.Name]bool, len(s.ways))
	for _, j := range jobs {
		live[j.name] = true
		w := s.ways[j.name]
		if w == nil && !slices.ContainsFunc(j.runs, (*run).explains) {
			continue
		}
		due := w != nil && !w.expires.IsZero() && !o.Round.Before(w.expires)
		if due || slices.ContainsFunc(j.runs, func(r *run) bool { return r.changed(o.Round, s.cfg.TimeToLive) }) {
			s.tellWay(o, j)
		}
	}
	maps.DeleteFunc(s.pathless, func(n runevent.Name, _ bool) bool { return !live[n] })
	for _, name := range slices.SortedFunc(maps.Keys(s.ways), runevent.Name.Compare) {
		if w := s.ways[name]; !live[name] && (w.expires.IsZero() || !o.Round.Before(w.expires)) {
			s.tellWay(o, &job{name: name})
		}
	}
}

// changed reports whether there is anything new of a run, as that it goes on no more.
func (r *run) changed(now time.Time, ttl time.Duration) bool {
	return r.dirty || r.id != "" && r.state(now, ttl) != r.stated
}

func (s *source) tellWay(o *lineage.Observation, j *job) {
	w := s.ways[j.name]
	if w == nil {
		if len(s.ways) >= mostWayed {
			s.pathless[j.name] = true
			return
		}
		w = &ways{job: j.name, past: trodden{}, hushed: map[lineage.Node]bool{}}
		s.ways[j.name] = w
	}
	all, silent, known := s.through(j, w, o.Round)
	if !known { // it may be a topic of a cluster that was not reached yet
		w.expires = o.Round
		return
	}
	delete(s.pathless, j.name)
	if len(all) > mostWays {
		s.pathless[j.name] = true
		all = nil
	}
	w.dirty = w.dirty || !slices.Equal(w.silent, silent)
	w.silent, w.expires = silent, time.Time{}
	for x, until := range all {
		if _, was := w.past[x]; until.IsZero() && was {
			delete(w.past, x)
			w.dirty = true
		}
		if at := until.Add(keepWays); !until.IsZero() && (w.expires.IsZero() || at.Before(w.expires)) {
			w.expires = at
		}
	}
	for x, until := range w.past {
		if o.Round.Sub(until) >= keepWays {
			delete(w.past, x)
			w.dirty = true
		}
	}
	maps.DeleteFunc(w.hushed, func(n lineage.Node, _ bool) bool { _, there := w.past[way{to: n}]; return !there })
	f := lineage.Fact{Key: lineage.FactKey{Source: Name, Kind: lineage.WaysFacts, Name: w.node().ID()}}
	if f.Ways = w.fact(all); f.Ways == nil {
		if f.Gone = true; w.told != "" {
			o.Facts = append(o.Facts, f)
		}
		delete(s.ways, w.job)
		s.gone = append(s.gone, waysKey(w.job))
		return
	}
	if digest := digestOfWays(f.Ways); digest != w.told {
		w.told, w.dirty = digest, true
		o.Facts = append(o.Facts, f)
	}
}

func (w *ways) node() lineage.Node {
	return lineage.Node{Scope: w.job.Namespace, Kind: lineage.JobNode, Name: w.job.Name}
}

// fact is what is told; nil: nothing.
func (w *ways) fact(all trodden) *lineage.WaysFact {
	if len(all) == 0 {
		return nil
	}
	f, ends := &lineage.WaysFact{Job: w.node()}, table{}
	for _, x := range slices.SortedFunc(maps.Keys(all), way.compare) {
		is := lineage.JobWay{From: -1, To: ends.index(x.to), Until: all[x]}
		if x.from.Kind != lineage.NoKind {
			is.From = ends.index(x.from)
		}
		f.Ways = append(f.Ways, is)
	}
	f.Ends = ends.all
	return f
}

func digestOfWays(f *lineage.WaysFact) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%+v", *f))
	return hex.EncodeToString(sum[:16])
}

// waits reports whether it is not known yet which ways lead through a run, where its job tells of ways, and they would
// be told of: to forget it then is to take its ways for none, so that all that it reads leads to all that it writes.
func (s *source) waits(r *run, now time.Time) bool {
	if s.ways[r.job] == nil || now.Sub(r.until(now, s.cfg.TimeToLive)) >= keepWays {
		return false
	}
	_, _, _, known := s.leads(&job{name: r.job}, r)
	return !known
}

// rememberWays keeps the ways through a run that is about to be forgotten, where its job tells of ways.
func (s *source) rememberWays(r *run) {
	w := s.ways[r.job]
	if w == nil {
		return
	}
	told, inferred, silent, known := s.leads(&job{name: r.job}, r)
	if !known || r.id == "" {
		return
	}
	until := r.over()
	if until.IsZero() {
		until = r.seen
	}
	for _, x := range append(told, inferred...) {
		if _, there := w.past[x]; there || len(w.past) < mostWays {
			w.past.add(x, until)
		}
	}
	for _, n := range silent {
		if _, there := w.past[way{to: n}]; there {
			w.hushed[n] = true
		}
	}
	w.dirty = true
	if at := until.Add(keepWays); w.expires.IsZero() || at.Before(w.expires) {
		w.expires = at
	}
}

// blindWays says of which outputs nobody knows what they are made of.
func (s *source) blindWays(add func(what, remedy string)) {
	var names []string
	for _, w := range s.ways {
		for _, n := range w.silent {
			names = append(names, n.ID()+" by "+w.node().ID())
		}
	}
	if len(names) > 0 {
		slices.Sort(names)
		add("outputs of jobs whose lineage facet tells of others and not of them, so that nothing is known to lead to them: "+collector.Some(names), "entries for them in the job's lineage facet")
	}
	if len(s.pathless) > 0 {
		var jobs []string
		for n := range s.pathless {
			jobs = append(jobs, lineage.Node{Scope: n.Namespace, Kind: lineage.JobNode, Name: n.Name}.ID())
		}
		slices.Sort(jobs)
		add(fmt.Sprintf("ways through jobs that tell of more than %d, and through jobs beyond %d that tell of any: all that they read leads to all that they write: %s", mostWays, mostWayed, collector.Some(jobs)), "fewer")
	}
}

func waysKey(job runevent.Name) string {
	return waysPrefix + strings.TrimPrefix(keptKey(job), keptPrefix)
}

// saveWays saves what changed.
func (s *source) saveWays(put func(string, varint.Encoder)) {
	for _, name := range slices.SortedFunc(maps.Keys(s.ways), runevent.Name.Compare) {
		w := s.ways[name]
		if !w.dirty {
			continue
		}
		w.dirty = false
		past := w.fact(w.past)
		if past == nil {
			past = &lineage.WaysFact{Job: w.node()}
		}
		text, err := json.Marshal(past)
		if err != nil {
			continue // it holds nothing that can't be written
		}
		e := varint.Encoder{}
		e.Uint(waysVersion)
		e.String(name.Namespace)
		e.String(name.Name)
		e.String(w.told)
		e.String(string(text))
		encodeNodes(&e, w.silent)
		encodeNodes(&e, slices.SortedFunc(maps.Keys(w.hushed), lineage.Node.Compare))
		put(waysKey(name), e)
	}
}

func encodeNodes(e *varint.Encoder, all []lineage.Node) {
	e.Uint(uint64(len(all)))
	for _, n := range all {
		e.Uint(uint64(n.Kind))
		e.String(n.Scope)
		e.String(n.Name)
	}
}

func decodeNodes(d *varint.Decoder) (all []lineage.Node) {
	for range d.Count() {
		all = append(all, lineage.Node{Kind: lineage.NodeKind(d.Uint()), Scope: d.String(), Name: d.String()})
	}
	return all
}

func decodeWays(d *varint.Decoder, version uint64) *ways {
	w := &ways{job: runevent.Name{Namespace: d.String(), Name: d.String()}, told: d.String(), past: trodden{}, hushed: map[lineage.Node]bool{}}
	var past lineage.WaysFact
	if text := d.String(); d.Err() != nil || json.Unmarshal([]byte(text), &past) != nil {
		d.Fail()
		return nil
	}
	for _, x := range past.Ways {
		if x.From < -1 || x.From >= len(past.Ends) || x.To < 0 || x.To >= len(past.Ends) {
			d.Fail()
			return nil
		}
		is := way{to: past.Ends[x.To]}
		if x.From >= 0 {
			is.from = past.Ends[x.From]
		}
		w.past.add(is, x.Until)
		if at := x.Until.Add(keepWays); w.expires.IsZero() || at.Before(w.expires) {
			w.expires = at
		}
	}
	if version > 1 {
		w.silent = decodeNodes(d)
		for _, n := range decodeNodes(d) {
			w.hushed[n] = true
		}
	}
	return w
}

func (r *run) encodeWays(e *varint.Encoder) {
	names := func(all ...runevent.Name) {
		for _, n := range all {
			e.String(n.Namespace)
			e.String(n.Name)
		}
	}
	e.Time(r.explicit)
	e.Uint(uint64(len(r.ways)))
	for _, w := range slices.SortedFunc(maps.Keys(r.ways), runevent.Way.Compare) {
		names(w.From, w.To)
		e.Time(r.ways[w])
	}
	e.Uint(uint64(len(r.also)))
	for _, n := range slices.SortedFunc(maps.Keys(r.also), runevent.Name.Compare) {
		names(n, r.also[n])
	}
}

func (r *run) decodeWays(d *varint.Decoder) {
	name := func() runevent.Name { return runevent.Name{Namespace: d.String(), Name: d.String()} }
	r.explicit = d.Time()
	for range d.Count() {
		w := runevent.Way{From: name(), To: name()}
		r.ways[w] = d.Time()
	}
	for range d.Count() {
		n := name()
		r.also[n] = name()
	}
}
