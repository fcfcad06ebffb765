package answer

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// This file finds when somebody was there whom a window does not have.

// LifeEnd says how it stands in a window with a node or flow that was seen at some time.
type LifeEnd uint8

// What may be said of it.
const (
	LifeThere       LifeEnd = iota // the window has it
	LifeGone                       // it was seen to be no more
	LifeSilent                     // it was looked for, and not seen any more
	LifeNotObserved                // nobody has looked since it was seen last, or nobody has in the window
	LifeLater                      // it was first seen after the window
	LifeNever                      // it was not seen within what is held
)

// Life is the last life that a node or flow had before the end of a window, or the first after it.
type Life struct {
	End LifeEnd
	// First and Last are when it was seen first and last, within all that is held. Zero of one that is There; First
	// also of one that was there before what is held.
	First, Last time.Time
	// Since is when that life began, after a rest of more than the lookback or as another that bears the name; zero: it
	// lasted for longer than was looked at.
	Since time.Time
	// GoneAt is when it was seen to be no more: after Last, by as much as nobody looked.
	GoneAt time.Time
	// Window is of that life, to its end, as long as the one that was asked for or as that life; zero: none has it.
	Window lineage.Resolved
	// Coverage is what was observed from Last to the window's end of where it would be, in the words of Over.
	Coverage lineage.Coverage
	// Over is a view of that time, of nothing but its coverage; nil of one that is There or Later.
	Over *View
}

// mostLives bounds how many times the lookback a life is followed into the past.
const mostLives = 60

// Lived is somebody whose life is asked for: a node, or a flow.
type Lived struct {
	nodes []lineage.Node // itself, or both ends of the flow
	flow  *lineage.Flow
}

// LivedNode is a node whose life is asked for.
func LivedNode(n lineage.Node) Lived { return Lived{nodes: []lineage.Node{n}} }

// LivedFlow is a flow whose life is asked for.
func LivedFlow(f lineage.Flow) Lived { return Lived{nodes: []lineage.Node{f.From, f.To}, flow: &f} }

// in reports whether a view has somebody as one who is there.
func (of Lived) in(v *View) bool {
	if of.flow != nil {
		return v.HasFlow(*of.flow)
	}
	return v.exists(of.nodes[0])
}

// is reports whether an access is somebody's.
func (of Lived) is(x *access) bool {
	own := func(n lineage.Node) bool { return x.node == n || slices.Contains(x.sharers, n) }
	if of.flow == nil {
		return own(of.nodes[0]) || x.far == of.nodes[0]
	}
	if x.Access.Op == lineage.Read {
		return x.far == of.flow.From && own(of.flow.To)
	}
	return x.far == of.flow.To && own(of.flow.From)
}

// LastLives returns the last life of each, as one is told who asks for them in the view's window.
func (v *View) LastLives(ctx context.Context, all []Lived) ([]Life, error) {
	out, wanting := make([]Life, len(all)), false
	for i, of := range all {
		if out[i] = (Life{End: LifeNever}); of.in(v) {
			out[i] = Life{End: LifeThere, Window: v.win}
		}
		wanting = wanting || out[i].End == LifeNever
	}
	if !wanting || v.state.Earliest.IsZero() {
		return out, nil
	}
	lives, err := v.findLives(ctx, all, out)
	if err != nil {
		return nil, err
	}
	for i, p := range lives {
		if p == nil || p.life.End == LifeNever {
			continue
		}
		if err := p.sayEnd(ctx, v); err != nil {
			return nil, err
		}
		if err := p.findWindow(ctx, v); err != nil { // it builds a view
			return nil, err
		}
		out[i] = p.life
	}
	return out, nil
}

// findLives looks for those whom the view does not have, before its end and after it: nil of the others.
func (v *View) findLives(ctx context.Context, all []Lived, out []Life) ([]*past, error) {
	leave, err := v.a.views.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	lives := make([]*past, len(all))
	for _, in := range []lineage.Window{{Start: v.state.Earliest, End: v.win.End}, {Start: v.win.End, End: v.state.Newest()}} {
		var then *View
		for i, of := range all {
			if out[i].End == LifeThere || in.Empty() || lives[i] != nil && lives[i].life.End != LifeNever {
				continue
			}
			if then == nil {
				if then, err = v.whoWas(ctx, in); err != nil {
					return nil, err
				}
			}
			if lives[i], err = then.pastOf(ctx, of, in); err != nil {
				return nil, err
			}
			if lives[i].life.End != LifeNever && in.Start.Equal(v.win.End) {
				lives[i].life.End = LifeLater
			}
		}
	}
	return lives, nil
}

// past is somebody's time before the end of a window, as it is found out.
type past struct {
	*View // of who was there in all that time, and of nothing else
	of    Lived
	in    lineage.Window
	rows  []int32
	life  Life
}

// pastOf looks for somebody in a time, of which the view is.
func (v *View) pastOf(ctx context.Context, of Lived, in lineage.Window) (*past, error) {
	p, left := &past{View: v, of: of, in: in, life: Life{End: LifeNever}}, leaving(ctx)
	for i := range v.accesses {
		if left() {
			return nil, ctx.Err()
		}
		if of.is(&v.accesses[i]) {
			p.rows = append(p.rows, v.accesses[i].row)
		}
	}
	span, err := p.seenIn(ctx, in)
	if err != nil {
		return nil, err
	}
	if of.flow == nil {
		if err := p.seenItself(ctx, &span); err != nil {
			return nil, err
		}
	}
	if span.last.IsZero() || !span.first.Before(in.End) {
		return p, nil
	}
	p.life.End, p.life.First, p.life.Last = LifeSilent, span.first, span.last
	if p.life.Since.IsZero() {
		p.life.Since, err = p.beginning(ctx)
	}
	return p, err
}

// whoWas returns a view of who was there in a time, without what they did.
func (v *View) whoWas(ctx context.Context, in lineage.Window) (*View, error) {
	last := lineage.Window{Start: in.End.Add(-v.state.Tick), End: in.End}
	held, err := v.a.history.Window(ctx, store.Ask{Window: last, Accesses: true, Uncounted: true, Lookback: in.Duration(), Until: in.End, Facts: viewFacts})
	if err != nil {
		return nil, fmt.Errorf("read who was there: %w", err)
	}
	then := v.begun(lineage.Resolved{Window: last, Step: v.state.Tick}, in.End, held)
	then.takeFacts()
	if _, err := then.takeAccesses(ctx); err != nil {
		return nil, err
	}
	return then, then.endFormerClusters(ctx)
}

// begun returns a view of what is held of another time, in which nothing is found out yet.
func (v *View) begun(win lineage.Resolved, until time.Time, held *store.Window) *View {
	return &View{
		a: v.a, identity: v.identity, declared: v.declared, edits: v.edits, lens: v.lens, win: win, until: until, held: held, state: v.state, made: v.made, roll: v.roll,
		clusters: v.a.nameClusters(v.state, held.FactsOf(lineage.ClusterFacts), v.lens),
		ends:     map[lineage.Node]*accessesOf{}, datasets: map[lineage.Node]*accessesOf{}, rolled: &rolled{},
	}
}

// seenIn returns when evidence saw one of the rows first, over all time, and last within a time.
func (p *past) seenIn(ctx context.Context, in lineage.Window) (spanSeen, error) {
	span, err := p.evidenceIn(ctx, in)
	if err != nil || span.last.IsZero() {
		return span, err
	}
	// Of a long time the last is as exact as the step in which its beginning is held.
	fine := lineage.Window{Start: span.last.Add(-p.state.Resolve(in).Step), End: earlier(span.last.Add(p.state.Tick), in.End)}
	exact, err := p.evidenceIn(ctx, p.state.Resolve(fine).Window)
	if !exact.last.IsZero() && exact.last.Before(in.End.Add(p.state.Tick)) {
		span.last = exact.last
	}
	return span, err
}

func (p *past) evidenceIn(ctx context.Context, in lineage.Window) (span spanSeen, err error) {
	if len(p.rows) == 0 || in.Empty() {
		return span, nil
	}
	found, err := p.held.Evidence(ctx, in, p.rows)
	if err != nil {
		return span, fmt.Errorf("read evidence: %w", err)
	}
	for _, es := range found {
		for _, e := range es {
			span.include(e.FirstSeen, earlier(e.LastSeen, p.in.End))
		}
	}
	return span, nil
}

// seenItself adds when a topic, connector or replicator was seen itself, whatever it moved.
func (p *past) seenItself(ctx context.Context, span *spanSeen) error {
	n := p.of.nodes[0]
	var since time.Time // when it was described as what it is, or as gone
	gone := false
	if t := p.topics[n]; t != nil {
		for _, s := range t.subjects {
			if s.firstSeen.Before(p.in.End) {
				span.include(s.firstSeen, s.firstSeen)
				p.life.Since = s.firstSeen // of the one that bore the name last
			}
		}
		since, gone = t.since, t.gone
	} else if m, ok := p.movers.connectors[n]; ok {
		since, gone = m.since, m.gone
	} else if m, ok := p.movers.replicators[n]; ok {
		since, gone = m.since, m.gone
	}
	switch {
	case since.IsZero():
	case gone:
		last, err := p.lastBefore(ctx, since)
		if err != nil {
			return err
		}
		p.life.GoneAt = since
		span.include(time.Time{}, last)
	default: // it is there at the end
		span.include(since, p.in.End)
	}
	return nil
}

// lastBefore returns the last round before one in which the topic, connector or replicator was looked at that was gone
// then: where sources of its cluster had a gap just before, when that began.
func (p *past) lastBefore(ctx context.Context, goneAt time.Time) (time.Time, error) {
	watchers, last := p.watchersOf(p.of.nodes[0]), time.Time{}
	for end := goneAt; ; {
		in := p.state.Resolve(lineage.Window{Start: end.Add(-lookback), End: end})
		held, err := p.a.history.Window(ctx, store.Ask{Window: in.Window, Until: end, Coverage: true, Facts: []lineage.FactKind{lineage.SourceFacts}})
		if err != nil {
			return last, fmt.Errorf("read what was observed: %w", err)
		}
		if last.IsZero() {
			last = goneAt.Add(-p.cadence(held.Facts, watchers))
		}
		before := last
		for _, g := range slices.Backward(held.Coverage(watchers...).Gaps) {
			if g.Window.Start.Before(last) && !g.Window.End.Before(last) && !g.Window.End.After(goneAt) {
				last = g.Window.Start
			}
		}
		if end = last; !last.Before(before) || last.After(in.Start) || !last.After(p.state.Earliest) {
			return last, nil
		}
	}
}

// cadence returns how often it is looked whether somebody is there: topics by the fastest of who watches a cluster,
// what Connect tells by the slowest.
func (p *past) cadence(told []lineage.DatedFact, watchers []string) time.Duration {
	out := time.Duration(0)
	for _, f := range told {
		switch {
		case f.Source == nil || f.Source.State != lineage.SourceExpected || !slices.Contains(watchers, f.Key.Source):
		case out == 0, (f.Source.Interval < out) == (p.of.nodes[0].Kind == lineage.TopicNode):
			out = f.Source.Interval
		}
	}
	return max(out, p.state.Tick)
}

// beginning returns when the life that was seen last began: after the last rest that was longer than the lookback. The
// zero time: it lasted for longer than was looked at.
func (p *past) beginning(ctx context.Context) (time.Time, error) {
	if len(p.rows) == 0 {
		return p.life.First, nil
	}
	at := p.life.Last
	for range mostLives {
		before := lineage.Window{Start: at.Add(-2 * lookback), End: at.Add(-lookback)}
		if !p.life.First.Before(before.End) {
			return p.life.First, nil
		}
		earlierSeen, err := p.evidenceIn(ctx, before)
		if err != nil {
			return time.Time{}, err
		}
		if !earlierSeen.last.IsZero() {
			next, err := p.evidenceIn(ctx, lineage.Window{Start: earlierSeen.last, End: earlierSeen.last.Add(lookback)})
			if err != nil {
				return time.Time{}, err
			}
			if next.last.After(earlierSeen.last) {
				at = earlierSeen.last
				continue
			}
		}
		return p.firstIn(ctx, lineage.Window{Start: before.End, End: at})
	}
	return time.Time{}, nil
}

// firstIn returns when evidence saw one of the rows first within a time, at the end of which it did.
func (p *past) firstIn(ctx context.Context, in lineage.Window) (time.Time, error) {
	start := in.Start
	for in.Duration() > p.state.Tick {
		half := in.Start.Add(in.Duration() / 2).Truncate(p.state.Tick)
		if !half.After(in.Start) {
			break
		}
		seen, err := p.evidenceIn(ctx, lineage.Window{Start: start, End: half})
		if err != nil {
			return time.Time{}, err
		}
		if seen.last.IsZero() {
			in.Start = half
		} else {
			in.End = earlier(seen.last, half)
		}
	}
	return in.End, nil
}

// sayEnd says how that life ended, as far as the asked window's end, and what was observed since.
func (p *past) sayEnd(ctx context.Context, asked *View) error {
	if p.life.End == LifeLater {
		p.life.GoneAt = time.Time{}
		return nil
	}
	if p.life.GoneAt.IsZero() {
		p.life.GoneAt = p.goneAt()
	}
	since := p.state.Resolve(lineage.Window{Start: p.life.Last, End: asked.win.End})
	held, err := p.a.history.Window(ctx, store.Ask{Window: since.Window, Until: asked.until, Coverage: true, Facts: viewFacts})
	if err != nil {
		return fmt.Errorf("read what was observed since: %w", err)
	}
	over := p.begun(since, asked.until, held)
	over.takeMovers() // they say who would see a connector
	p.life.Over, p.life.Coverage = over, over.coverageOf(p.of.nodes...)
	switch {
	case !p.life.GoneAt.IsZero():
		p.life.End = LifeGone
	case p.life.Coverage.ObservedFraction == 0 || asked.coverageOf(p.of.nodes...).ObservedFraction == 0:
		p.life.End = LifeNotObserved
	default:
		p.life.End = LifeSilent
	}
	return nil
}

// goneAt returns since when all that somebody was is known to be no more; the zero time: that is not known.
func (p *past) goneAt() (at time.Time) {
	if len(p.rows) == 0 {
		return at
	}
	byRow := map[int32]*access{}
	for i := range p.accesses {
		byRow[p.accesses[i].row] = &p.accesses[i]
	}
	for _, row := range p.rows {
		gone := p.rowGoneAt(byRow[row])
		if gone.IsZero() {
			return gone
		}
		at = slices.MaxFunc([]time.Time{at, gone}, time.Time.Compare)
	}
	return at
}

// rowGoneAt returns since when who reads or writes is no more, or for a flow its topic is; the zero time: neither is
// known.
func (p *past) rowGoneAt(x *access) (at time.Time) {
	ends := []time.Time{}
	if x.Access.Client.Group != "" {
		if f := p.groups[lineage.GroupRef{Cluster: x.Access.Topic.Cluster, Group: x.Access.Client.Group}]; f.Gone {
			ends = append(ends, p.groupGoneAt(x))
		}
	}
	if p.movers.gone(x.node) {
		ends = append(ends, cmp.Or(p.movers.connectors[x.node].since, p.movers.replicators[x.node].since))
	}
	if t := x.topic; t != nil && (p.of.flow != nil || x.node.Kind == lineage.UnidentifiedNode) {
		if t.gone {
			ends = append(ends, t.since)
		} else if id := x.Access.Topic.ID; t.fact != nil && id != (lineage.TopicID{}) && id != t.fact.Topic.ID {
			ends = append(ends, t.nextAfter(x.Access.Topic))
		}
	}
	ends = slices.DeleteFunc(ends, time.Time.IsZero)
	if len(ends) == 0 {
		return at
	}
	return slices.MinFunc(ends, time.Time.Compare)
}

// nextAfter returns when another topic was first seen under the name of one that bore it before; the zero time: never.
func (t *topicView) nextAfter(was lineage.Topic) time.Time {
	for i, s := range t.subjects {
		if s.topic == was && i+1 < len(t.subjects) {
			return t.subjects[i+1].firstSeen
		}
	}
	return time.Time{}
}

// groupGoneAt returns since when an access' group is gone.
func (p *past) groupGoneAt(x *access) time.Time {
	for _, f := range p.held.FactsOf(lineage.GroupFacts) {
		if c := p.clusters.bySource[f.Key.Source]; f.Gone && f.Key.Name == x.Access.Client.Group && c != nil && c.known.ID == x.Access.Topic.Cluster {
			return f.Since
		}
	}
	return time.Time{}
}

// findWindow finds the window that shows that life: to its end, as long as the one that was asked for.
func (p *past) findWindow(ctx context.Context, asked *View) error {
	length := max(asked.win.Duration(), p.state.Tick)
	w := lineage.Window{Start: p.life.Last.Add(-length), End: p.life.Last}
	if p.life.End == LifeLater {
		w = lineage.Window{Start: p.life.First.Add(-p.state.Tick), End: p.life.First.Add(length - p.state.Tick)}
	} else if born := p.life.Since.Add(-p.state.Tick); !p.life.Since.IsZero() && w.Start.Before(born) {
		w.Start = born
	}
	if w.Empty() {
		w.Start = w.End.Add(-p.state.Tick)
	}
	whole := p.state.Resolve(w)
	tries := []lineage.Resolved{whole}
	// Where the past is held in long steps the last of them can reach beyond the end, when it was no more.
	if cut := whole; whole.End.After(w.End) && whole.Duration() > whole.Step {
		cut.End = whole.End.Add(-whole.Step)
		tries = []lineage.Resolved{cut, whole}
	}
	for _, try := range tries {
		v, err := p.a.View(ctx, Between(try.Start, try.End), p.lens)
		if err != nil {
			return err
		}
		if p.of.in(v) {
			p.life.Window = v.win
			return nil
		}
	}
	return nil
}
