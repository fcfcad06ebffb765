package answer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
	"github.com/lineaged/lineaged/usage"
)

const (
	billHour = time.Hour
	billDay  = usage.Hours * billHour
	// mostBilled is the longest window of a bill: each of its days takes a view.
	mostBilled = 400 * billDay
)

// Bill is what was used in a window, and what was observed of it.
type Bill struct {
	*usage.Bill
	// Over is a view of the window that has nothing but its coverage.
	Over *View
	// Scope is the cluster that it is of; none: all.
	Scope []lineage.ClusterID
}

// Window returns the window in the hours that it is added up from.
func (b *Bill) Window() lineage.Resolved {
	return lineage.Resolved{Window: lineage.Window{Start: b.Start, End: b.End}, Step: billHour}
}

// Bill answers what was used in a time, widened to whole hours, and by whom. cluster is an id or a name; empty: of all.
func (a *Answers) Bill(ctx context.Context, in Span, cluster string) (*Bill, error) {
	now, err := a.history.State(ctx)
	if err != nil {
		return nil, fmt.Errorf("read how far the store is: %w", err)
	}
	win, err := resolve(in, now, a.clock, togetherOf(ctx))
	if err != nil {
		return nil, err
	}
	start, end := win.Start.UTC().Truncate(billHour), win.End.UTC().Round(0)
	if rest := end.Sub(end.Truncate(billHour)); rest > 0 {
		end = end.Add(billHour - rest)
	}
	if end.Sub(start) > mostBilled {
		return nil, tooMuch("a bill is of %d days at most", mostBilled/billDay)
	}
	over, err := a.coverageOver(ctx, now, lineage.Window{Start: start, End: end})
	if err != nil {
		return nil, err
	}
	out := &Bill{Over: over}
	only := ""
	if cluster != "" {
		c, err := over.FindCluster(cluster)
		if err != nil {
			return nil, err
		}
		only, out.Scope = c.known.Name, c.Scope()
	}
	if out.Bill, err = a.addUp(ctx, sumKey{start, end, only}); err != nil {
		return nil, err
	}
	return out, nil
}

// addUp returns the bill of whole hours. Where the asker's time is over, what is added up is kept for who asks again.
func (a *Answers) addUp(ctx context.Context, key sumKey) (*usage.Bill, error) {
	sum, err := a.sumOf(ctx, key)
	if err != nil {
		return nil, err
	}
	for at := key.start.Add(sum.hours()); at.Before(key.end); {
		midnight := at.Truncate(billDay)
		next := midnight.Add(billDay)
		if next.After(key.end) {
			next = key.end
		}
		d, is, err := a.usedIn(ctx, midnight, int(at.Sub(midnight)/billHour), int(next.Sub(midnight)/billHour))
		if err != nil {
			if !a.days.leaveSum(key, sum) && errors.Is(err, context.DeadlineExceeded) {
				return nil, tooMuch("this bill takes longer than a request, and is too large to be kept for the next: ask for parts of it, as of a week")
			}
			return nil, err
		}
		if key.cluster != "" {
			d = d.Of(key.cluster)
		}
		sum.add(d, is)
		at = next
	}
	return sum.is.Bill(), nil
}

// coverageOver returns a view of a window of which nothing but its coverage is known.
func (a *Answers) coverageOver(ctx context.Context, now store.State, w lineage.Window) (*View, error) {
	win := now.Resolve(w)
	d := a.dependsOn(win, now)
	held, err := a.history.Window(ctx, store.Ask{Window: win.Window, Until: d.until, Coverage: true, Facts: viewFacts})
	if err != nil {
		return nil, fmt.Errorf("read what was observed: %w", err)
	}
	v := &View{
		a: a, identity: d.identity, declared: d.declared, lens: All, win: win, until: d.until, held: held, state: now, made: d,
		clusters: a.nameClusters(now, held.FactsOf(lineage.ClusterFacts), All),
	}
	v.takeMovers() // they say which Connect clusters belong to which
	return v, nil
}

// heldDay is how a UTC day is held, and what its bill depends on.
type heldDay struct {
	step time.Duration // in which it is held; 0: nothing of it is
	depends
}

func (a *Answers) heldDay(now store.State, midnight time.Time) heldDay {
	day := lineage.Window{Start: midnight, End: midnight.Add(billDay)}
	if now.Earliest.IsZero() || !day.End.After(now.Earliest) || day.Start.After(present(now, a.clock())) {
		return heldDay{}
	}
	win := now.Resolve(day)
	return heldDay{win.Step, a.dependsOn(win, now)}
}

// usedIn returns what was used in hours of a UTC day, and what that depends on.
func (a *Answers) usedIn(ctx context.Context, midnight time.Time, from, to int) (*usage.Day, heldDay, error) {
	now, err := a.history.State(ctx)
	if err != nil {
		return nil, heldDay{}, fmt.Errorf("read how far the store is: %w", err)
	}
	is := a.heldDay(now, midnight)
	if is.step == 0 {
		return a.unseen(now, midnight, from, to), is, nil
	}
	key := dayKey{midnight, from, to, is.step}
	if kept := a.days.get(key, is.depends); kept != nil {
		return kept, is, nil
	}
	// What the questions of one asker share is held until all are answered: a month of views is too much.
	v, err := a.View(Together(ctx), Between(midnight, midnight.Add(billDay)), All)
	if err != nil {
		return nil, is, err
	}
	out, err := v.usedOn(ctx, midnight, from, to)
	if err == nil {
		a.days.keep(key, v.made, out)
	}
	return out, heldDay{v.win.Step, v.made}, err
}

// unseen is a day of which nothing is held.
func (a *Answers) unseen(now store.State, midnight time.Time, from, to int) *usage.Day {
	d := usage.NewDay(midnight, from, to, a.tariff.Rules)
	for _, c := range a.nameClusters(now, nil, All).all {
		d.See(c.known.Name)
	}
	d.Close()
	return d
}

// usedOn adds up what was used in hours of the day that the view is of.
func (v *View) usedOn(ctx context.Context, midnight time.Time, from, to int) (*usage.Day, error) {
	m, err := v.meter(ctx, midnight)
	if err != nil {
		return nil, err
	}
	v = m.v // one of the same, where another question began it
	d := usage.NewDay(midnight, from, to, v.a.tariff.Rules)
	for _, c := range v.clusters.all {
		d.See(c.known.Name)
	}
	gone := leaving(ctx)
	for _, n := range v.Topics() {
		if gone() {
			v.a.days.leave(midnight, v.made, m)
			return nil, ctx.Err()
		}
		d.Add(m.frame(v.topics[n]))
	}
	d.Close()
	return d, nil
}

// metered is what was observed of all topics of a view in the hours of a day.
type metered struct {
	v        *View
	midnight time.Time
	facts    map[lineage.Node]*lineage.TopicFact
	// hourly are what counters advanced by and what gauges were, one of each series that is asked for; at says which.
	hourly []usage.Hourly
	at     []int32 // by series; 0: none
	owners map[lineage.Node]string
	moving []int32 // the series whose amounts are read
	hour   int     // that is read next
	gauges []int32 // the series whose sizes are read next
	gauged bool    // gauges says which
}

// of returns what was read of a series; nil: it was not asked for, or there is none.
func (m *metered) of(s stored) *usage.Hourly {
	if s.series < 0 || m.at[s.series] == 0 {
		return nil
	}
	return &m.hourly[m.at[s.series]]
}

// want has a series read, unless it is already.
func (m *metered) want(all []int32, s stored) []int32 {
	if s.series < 0 || m.at[s.series] != 0 {
		return all
	}
	m.at[s.series] = int32(len(m.hourly))
	m.hourly = append(m.hourly, usage.Hourly{})
	return append(all, s.series)
}

// meter reads what counters and sizes were, hour by hour.
//
// A day of a hundred thousand topics can take longer than a question may: what of it is read is kept for who asks
// again.
func (v *View) meter(ctx context.Context, midnight time.Time) (*metered, error) {
	m := v.a.days.begun(midnight, v.made)
	if m == nil {
		var err error
		if m, err = v.unread(ctx, midnight); err != nil {
			return nil, err
		}
	}
	err := m.readAmounts(ctx)
	if err == nil {
		err = m.readGauges(ctx)
	}
	if err != nil {
		v.a.days.leave(midnight, v.made, m)
		return nil, err
	}
	return m, nil
}

// unread is what there is to be read of a day.
func (v *View) unread(ctx context.Context, midnight time.Time) (*metered, error) {
	m := &metered{
		v: v, midnight: midnight, facts: map[lineage.Node]*lineage.TopicFact{}, owners: map[lineage.Node]string{},
		hourly: make([]usage.Hourly, 1, v.held.Series.Len()+1), at: make([]int32, v.held.Series.Len()),
	}
	if _, err := v.written(ctx); err != nil { // it says which markers are exact
		return nil, err
	}
	facts := v.held.FactsOf(lineage.TopicFacts)
	for i := range facts {
		f := &facts[i]
		is := f.Topic
		if f.Gone && f.Before != nil {
			is = f.Before.Topic
		}
		if c := v.clusters.bySource[f.Key.Source]; c != nil && is != nil {
			m.facts[lineage.Node{Scope: c.known.Name, Kind: lineage.TopicNode, Name: f.Key.Name}] = is
		}
	}
	for i := range v.accesses {
		if x := &v.accesses[i]; x.counter.metric != lineage.NoMetric {
			m.moving = m.want(m.moving, x.counter)
		}
	}
	for _, s := range v.incarnations() {
		m.moving = m.want(m.moving, v.stored(s.row, lineage.Appended))
		markers, _ := v.markers(s.row)
		m.moving = m.want(m.moving, markers)
	}
	return m, nil
}

// readAmounts reads the hours of which nothing was read yet, and of which anything can be held.
func (m *metered) readAmounts(ctx context.Context) error {
	newest := m.v.state.Newest()
	for ; m.hour < usage.Hours; m.hour++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		h := m.hour
		w := lineage.Window{Start: m.midnight.Add(time.Duration(h) * billHour), End: m.midnight.Add(time.Duration(h+1) * billHour)}
		if !w.End.After(m.v.state.Earliest) || w.Start.After(newest) {
			continue
		}
		got, err := m.v.held.Amounts(ctx, w, m.moving)
		if err != nil {
			return fmt.Errorf("read what moved in an hour: %w", err)
		}
		for i, s := range m.moving {
			if got[i].Known {
				m.hourly[m.at[s]].Put(h, got[i].Total)
			}
		}
	}
	return nil
}

func (m *metered) readGauges(ctx context.Context) error {
	if !m.gauged {
		for _, s := range m.v.incarnations() {
			for _, metric := range [...]lineage.Metric{lineage.LogBytes, lineage.Retained} {
				m.gauges = m.want(m.gauges, m.v.stored(s.row, metric))
			}
		}
		m.gauged = true
	}
	const atOnce = pointsPerCall / usage.Hours
	for len(m.gauges) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		n := min(atOnce, len(m.gauges))
		got, err := m.v.held.Points(ctx, billHour, m.gauges[:n])
		if err != nil {
			return fmt.Errorf("read sizes: %w", err)
		}
		for i, s := range m.gauges[:n] {
			for h, p := range got[i][:min(len(got[i]), usage.Hours)] {
				if p.OK {
					m.hourly[m.at[s]].Put(h, p.Value)
				}
			}
		}
		m.gauges = m.gauges[n:]
	}
	return nil
}

// frame returns what was observed of a topic.
func (m *metered) frame(t *topicView) *usage.Frame {
	f := &usage.Frame{Topic: usage.Topic{Cluster: t.node.Scope, ID: t.node.ID(), Name: t.node.Name}, Owner: m.owner(t.node)}
	if fact := m.facts[t.node]; fact != nil {
		f.Partitions, f.Replicas = fact.Partitions, fact.Replication
	}
	m.sizes(t, f)
	m.written(t, f)
	f.Writers, f.Readers = m.movers(t, t.writes), m.movers(t, t.reads)
	return f
}

// movers returns what accesses to a topic moved. Those that nothing counts moved nothing that is known.
func (m *metered) movers(t *topicView, accesses []int32) (all []usage.Moved) {
	alone := m.v.alone(accesses, lineage.Records)
	for _, i := range alone {
		if x := &m.v.accesses[i]; x.counter.metric != lineage.NoMetric {
			all = m.moved(all, t, x)
		}
	}
	for _, x := range m.v.uncountedOf(alone) {
		all = append(all, usage.Moved{Untold: m.untold(t, x, nil)})
	}
	return all
}

// untold returns the hours of the day in which an access was there and may have moved something, of which it is not
// known how much. Where it is not known at the end whether it moved at all, nor is it of the last hour that is told.
func (m *metered) untold(t *topicView, x *access, told *usage.Hourly) (hours uint32) {
	if x.state == graph.Inactive {
		return 0
	}
	last := -1
	for h := range usage.Hours {
		start := m.midnight.Add(time.Duration(h) * billHour)
		end := start.Add(billHour)
		if end.Before(x.FirstSeen) || !end.After(m.v.state.Earliest) || !start.Before(m.v.state.Newest()) || t.gone && !start.Before(t.since) {
			continue
		}
		if _, known := hourOf(told, h); known {
			last = h
		} else {
			hours |= 1 << h
		}
	}
	if x.unknown() && last >= 0 {
		hours |= 1 << last
	}
	return hours
}

func (m *metered) owner(n lineage.Node) string {
	owner, known := m.owners[n]
	if !known {
		owner, _ = m.v.describe(n)
		m.owners[n] = owner
	}
	return owner
}

// sizes takes how large a topic was, and when it was seen, of all that bore its name.
func (m *metered) sizes(t *topicView, f *usage.Frame) {
	for _, s := range t.subjects {
		bytes, there := m.of(m.v.stored(s.row, lineage.LogBytes)), m.of(m.v.stored(s.row, lineage.Retained))
		for h := range usage.Hours {
			if t.gone && !m.midnight.Add(time.Duration(h)*billHour).Before(t.since) {
				break // a size is carried on where nothing is told any more
			}
			records, seen := hourOf(there, h)
			if seen {
				f.There |= 1 << h
			}
			if size, ok := hourOf(bytes, h); ok {
				if f.Stored.Put(h, size); seen && records > 0 {
					f.RecordBytes = size / records // the last that was seen that day
				}
			}
		}
	}
}

// hourOf is what was read of an hour, if anything was.
func hourOf(x *usage.Hourly, h int) (float64, bool) {
	if x == nil {
		return 0, false
	}
	return x.At(h)
}

// written takes what a topic's ends grew by, less the markers of transactions that are known to be among it.
func (m *metered) written(t *topicView, f *usage.Frame) {
	for _, s := range t.subjects {
		grown := m.of(m.v.stored(s.row, lineage.Appended))
		if grown == nil {
			continue
		}
		is, exact := m.v.markers(s.row)
		markers := m.of(is)
		f.Bound = f.Bound || !exact
		for h := range usage.Hours {
			n, ok := grown.At(h)
			if !ok {
				continue
			}
			if more, ok := hourOf(markers, h); ok {
				n -= more
			}
			before, _ := f.Appended.At(h)
			f.Appended.Put(h, n+before)
		}
	}
}

// moved adds what an access moved to those of its kind.
func (m *metered) moved(all []usage.Moved, t *topicView, x *access) []usage.Moved {
	hours := m.of(x.counter)
	out := usage.Moved{Party: usage.Party{Owner: m.owner(x.node), Mirror: x.node.Kind == lineage.ReplicatorNode}, Untold: m.untold(t, x, hours)}
	if hours == nil || x.unknown() {
		if out.Untold == 0 {
			return all
		}
		return append(all, out)
	}
	switch {
	case x.counter.evidence == lineage.Elimination:
		out.Basis = usage.Eliminated
	case x.amount.Estimated || x.sharedOut() || m.v.veiled[x.flow()]:
		// not where more may have moved that was not observed: of that the hours tell
		out.Basis = usage.Estimated
	}
	out.Records = hours.Times(x.slice.share())
	return append(all, out)
}
