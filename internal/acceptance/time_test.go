package acceptance

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/kafkatest"
)

// scripted is a lineaged that watches a script.
type scripted struct {
	*script
	*server

	rounds rounds
	chance *rand.Rand
	outage span // in which lineaged was gone
	gaps   []gap
	begun  time.Time
	ended  time.Time
}

// What is asked of the past equals a script of flows that start, stop and move, on a real Kafka at a tick of a second:
// the graph of any instant, what changed between two, the ways in the order of time, and the accounts, in the long form
// those of records that were lost in an outage of a MirrorMaker 2 too. That lineaged was gone for a while shows as a
// gap in each answer. LINEAGED_SEED repeats what a script lets happen.
//
// What is said for sure has to be so. That something is not known has to have its reason, and where all was observed it
// may be no more than a part of what is asked.
func TestTime(t *testing.T) {
	t.Parallel()
	seed, err := strconv.ParseUint(os.Getenv("LINEAGED_SEED"), 10, 64)
	if err != nil {
		seed = rand.Uint64()
	}
	t.Logf("LINEAGED_SEED=%d", seed)
	if !long {
		c := kafkatest.Start(t, kafkatest.Options{})
		x := newScripted(t, c)
		x.server = watch(t, c, "west", time.Second)
		x.equals(t, seed, 40*time.Second, 1)
		return
	}
	m := startMirrored(t)
	x := newScripted(t, m.west)
	x.server = m.watch(t)
	x.equals(t, seed, 5*time.Minute, 8)
	m.account(t, x.server)
}

// newScripted makes what the script needs of a cluster.
func newScripted(t *testing.T, c *kafkatest.Cluster) *scripted {
	t.Helper()
	for _, topic := range slices.Concat(plain, stages) {
		c.CreateTopic(t, topic, 1)
	}
	return &scripted{script: newScript(t, c.ClientOpts(kafkatest.Admin))}
}

// equals lets the script act, and asks n times as much as the short form does.
func (x *scripted) equals(t *testing.T, seed uint64, takes time.Duration, n int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	x.run(ctx, t, seed, takes)
	x.lineageEquals(t, 50*n)
	x.diffEquals(t, 30*n)
	x.pathsEqual(t, 60*n)
	x.balanceEquals(t)
}

// instantQuery asks for all around the topics of the script at an instant.
const instantQuery = `query($r: [ID!]!, $w: Window!) {
  lineage(roots: $r, window: $w, depth: 8, limit: 1000) { flows { id kind active lag evidence { detail } } window { start end } coverage { ` + coverageFields + ` } }
}`

func (x *scripted) roots() (ids []string) {
	for _, name := range slices.Concat(plain, stages) {
		ids = append(ids, topicID(name))
	}
	return ids
}

// instants are some between two, by chance.
func (x *scripted) instants(n int, from, to time.Time) (all []time.Time) {
	for range n {
		all = append(all, from.Add(time.Duration(x.chance.Int64N(int64(to.Sub(from))))))
	}
	return all
}

// whole reports whether all of a window was observed.
func (x *scripted) whole(start, end time.Time) bool {
	return !slices.ContainsFunc(x.gaps, func(g gap) bool { return g.Start.Before(end) && start.Before(g.End) })
}

// is is what the truth says of a flow and a window, as far as lineaged can know it: the first reading after ticks that
// were not observed, or not all of them, tells of all of these.
func (x *scripted) is(flow string, start, end time.Time) was {
	w := x.of(flow, start, end, x.rounds.at)
	for !x.whole(start.Add(-time.Second), start) {
		start = start.Add(-time.Second)
	}
	for !x.whole(end.Add(-time.Second), end) {
		end = end.Add(time.Second)
	}
	if w == rested && x.of(flow, start, end, x.rounds.at) != rested {
		return unsaid
	}
	return w
}

// lineageEquals asks for the graph of instants by chance: what moves in it is what the script moved, no flow more and
// none less. An instant is answered by the tick that holds it, of whose two readings nobody but lineaged knows when in
// their tick they were taken: a flow that began or ended as near as that is in no truth, see script.of. Where no round
// was taken nothing may be denied, and coverage has to say so.
func (x *scripted) lineageEquals(t *testing.T, n int) {
	t.Helper()
	var sure, unknown, edges, gaps int // unknown and edges: where all was observed
	for _, at := range x.instants(n, x.begun, x.ended) {
		var d struct{ Lineage *answer }
		x.mustAsk(t, instantQuery, map[string]any{"r": x.roots(), "w": map[string]any{"at": at.UTC().Format(time.RFC3339Nano)}}, &d)
		a := *d.Lineage
		start, end := tickOf(at), tickOf(at).Add(time.Second)
		if !a.Window.Start.Equal(start) || !a.Window.End.Equal(end) {
			t.Errorf("the instant %s is answered by %v", at, a.Window)
		}
		whole := x.whole(start.Add(-time.Second), end)
		if !whole {
			gaps++
		}
		said := map[string]flow{}
		for _, f := range a.Flows {
			said[f.ID] = f
		}
		known := x.flows()
		for _, id := range known {
			truth := x.is(id, start, end)
			f, shown := said[id]
			moves := shown && f.Active != nil && *f.Active
			rests := !shown || f.Active != nil && !*f.Active
			switch {
			case truth == unsaid:
				if whole {
					edges++
				}
			case truth == moved && rests && (a.Coverage.Complete || shown), truth == rested && moves,
				!moves && !rests && a.Coverage.Complete && !f.unsure():
				t.Errorf("at %s, %s %s, and it is shown %v, active %v, %+v; complete %v, gaps %+v", start.Format(time.TimeOnly), id, truth, shown, valueOf(f.Active), f.Evidence, a.Coverage.Complete, a.Coverage.Gaps)
			case moves || rests:
				sure++
			case whole:
				unknown++
			}
		}
		for _, id := range slices.Sorted(maps.Keys(said)) {
			if !slices.Contains(known, id) && said[id].Active != nil && *said[id].Active {
				t.Errorf("at %s, %s is shown as active, and there is no such flow", start.Format(time.TimeOnly), id)
			}
		}
		if x.outage.from.Before(start) && end.Before(x.outage.to) {
			x.wantOutage(t, "lineage at "+start.Format(time.TimeOnly), a.Coverage)
		}
	}
	t.Logf("%d instants, %d of them not whole: of their flows %d are surely as the script had them; of the others %d were not known and %d were at an edge", n, gaps, sure, unknown, edges)
	if sure < 3*unknown || sure < edges {
		t.Error("too little is known: nothing is tested")
	}
}

// unsure reports whether a flow of an instant that was observed says why it is not known whether it moved: who reads
// may not have committed yet, or all that moved is of a reading that reaches beyond the instant.
func (f *flow) unsure() bool {
	return f.Kind == "CONSUME" && (f.Lag == nil || *f.Lag > 0) || slices.ContainsFunc(f.Evidence, func(e struct{ Kind, Source, Detail string }) bool {
		return strings.Contains(e.Detail, "all of it may have moved outside")
	})
}

// wantOutage checks that an answer over the outage says so.
func (x *scripted) wantOutage(t *testing.T, what string, c coverage) {
	t.Helper()
	if c.Complete || !slices.ContainsFunc(c.Gaps, func(g gap) bool {
		return strings.Contains(g.Reason, "not running") && g.Start.Before(x.outage.to) && x.outage.from.Before(g.End)
	}) {
		t.Errorf("%s: lineaged was gone from %s to %s, and coverage says complete: %v, %+v", what, x.outage.from.Format(time.TimeOnly), x.outage.to.Format(time.TimeOnly), c.Complete, c.Gaps)
	}
}

const diffQuery = `query($r: [ID!], $b: Window!, $a: Window!, $q: Duration!) {
  lineageDiff(roots: $r, before: $b, after: $a, quiet: $q, factor: 1000, limit: 1000) {
    added { id } removed { id } unknown { flow { id } reason } coverageBefore { ` + coverageFields + ` } coverage { ` + coverageFields + ` }
  }
}`

type diff struct{ LineageDiff difference }

type difference struct {
	Added, Removed           []struct{ ID string }
	Unknown                  []unknownFlow
	CoverageBefore, Coverage coverage
}

type unknownFlow struct {
	Flow   struct{ ID string }
	Reason string
}

// diffEquals compares pairs of windows by chance: what came and went between the two is what the script let come and
// go. With quiet, what only rested for so long did neither.
func (x *scripted) diffEquals(t *testing.T, n int) {
	t.Helper()
	var decided, unknown, changes int
	for range n {
		at := x.instants(2, x.begun.Add(2*time.Second), x.ended.Add(-2*time.Second))
		slices.SortFunc(at, time.Time.Compare)
		quiet := time.Duration(x.chance.IntN(3)) * 4 * time.Second
		var w [2]span
		var vars [2]map[string]any
		for i := range w {
			w[i] = span{tickOf(at[i]).Add(-time.Second), tickOf(at[i]).Add(2 * time.Second)}
			vars[i] = between(w[i].from, w[i].to)
			if from := w[i].to.Add(-quiet); from.Before(w[i].from) {
				w[i].from = from
			}
		}
		var d diff
		x.mustAsk(t, diffQuery, map[string]any{"r": x.roots(), "b": vars[0], "a": vars[1], "q": fmt.Sprint(quiet)}, &d)
		said := map[string]string{}
		for _, f := range d.LineageDiff.Added {
			said[f.ID] = "added"
		}
		for _, f := range d.LineageDiff.Removed {
			said[f.ID] = "removed"
		}
		for _, u := range d.LineageDiff.Unknown {
			said[u.Flow.ID] = "unknown: " + u.Reason
		}
		what := fmt.Sprintf("from [%s, %s) to [%s, %s), quiet %s", w[0].from.Format(time.TimeOnly), w[0].to.Format(time.TimeOnly), w[1].from.Format(time.TimeOnly), w[1].to.Format(time.TimeOnly), quiet)
		if c := d.LineageDiff; x.outage.from.Before(w[0].from) && w[0].to.Before(x.outage.to) {
			x.wantOutage(t, what, c.CoverageBefore)
		} else if x.outage.from.Before(w[1].from) && w[1].to.Before(x.outage.to) {
			x.wantOutage(t, what, c.Coverage)
		}
		for _, id := range x.flows() {
			before, after := x.is(id, w[0].from, w[0].to), x.is(id, w[1].from, w[1].to)
			if before == unsaid || after == unsaid {
				delete(said, id)
				continue
			}
			want := ""
			switch {
			case before == rested && after == moved:
				want = "added"
			case before == moved && after == rested:
				want = "removed"
			}
			got := said[id]
			delete(said, id)
			switch {
			case got == want:
				decided++
				if want != "" {
					changes++
				}
			case strings.HasPrefix(got, "unknown"):
				unknown++
			default:
				t.Errorf("%s: %s %s before and %s after, and the answer is %q", what, id, before, after, got)
			}
		}
		for id, why := range said {
			if !strings.HasPrefix(why, "unknown") {
				t.Errorf("%s: %s is %q, and there is no such flow", what, id, why)
			}
		}
	}
	t.Logf("%d comparisons: %d flows as the script had them, %d of which came or went; %d not known", n, decided, changes, unknown)
	if decided < 2*unknown {
		t.Error("too little is known: nothing is tested")
	}
}

const accountQuery = `query($t: ID!, $w: Window!) {
  flowBalance(topic: $t, window: $w) { produced { ...t } readers { group account { ...a } } coverage { ` + coverageFields + ` } }
}
fragment t on Tally { records atLeast atMost why }
fragment a on Account { opening { ...t } produced { ...t } returned { ...t } read { ...t } skipped { ...t } lost { ...t } closing { ...t } surplus { ...t } shortfall { ...t } addsUp }`

// balanceEquals asks for the accounts of the topics without transactions over all of the script, the outage included,
// up to a tick in which all is at rest and was seen.
func (x *scripted) balanceEquals(t *testing.T) {
	t.Helper()
	for _, topic := range plain {
		eventually(t, time.Minute, "the account of "+topic+" equals the script", func() error {
			return x.accountOf(t, topic, between(x.begun, time.Now().Add(-4*time.Second)))
		})
		for _, group := range readers {
			t.Logf("%s: %d written, %s read %d of them", topic, x.total(writtenByNobody(topic)), group, x.total(readBy(topic, group)))
		}
	}
}

func (x *scripted) accountOf(t *testing.T, topic string, window map[string]any) error {
	t.Helper()
	var d struct {
		FlowBalance struct {
			Produced tally
			Readers  []struct {
				Group   string
				Account account
			}
			Coverage coverage
		}
	}
	x.mustAsk(t, accountQuery, map[string]any{"t": topicID(topic), "w": window}, &d)
	b, produced := d.FlowBalance, x.total(writtenByNobody(topic))
	x.wantOutage(t, "the account of "+topic, b.Coverage)
	errs := []error{b.Produced.holds("produced", produced, true)}
	if len(b.Readers) != len(readers) {
		errs = append(errs, fmt.Errorf("%d readers", len(b.Readers)))
	}
	for _, r := range b.Readers {
		read := x.total(readBy(topic, r.Group))
		for _, c := range []struct {
			what  string
			of    tally
			truth int64
			exact bool
		}{
			{"opening", r.Account.Opening, 0, true},
			{"produced", r.Account.Produced, produced, true},
			{"read", r.Account.Read, read, false},
			{"lost", r.Account.Lost, 0, true},
			{"returned", r.Account.Returned, 0, true},
			{"closing", r.Account.Closing, produced - read, true},
			{"skipped", r.Account.Skipped, 0, false},
		} {
			errs = append(errs, c.of.holds(r.Group+", "+c.what, c.truth, c.exact))
		}
		if r.Account.AddsUp == nil || !*r.Account.AddsUp {
			errs = append(errs, fmt.Errorf("%s: adds up is %v", r.Group, valueOf(r.Account.AddsUp)))
		}
	}
	return errors.Join(errs...)
}

// enough is how many ticks have to be observed as a whole for the script to be told from what was not seen of it, and
// longest how long the script goes on for that on a machine that is busy.
const (
	enough  = 20
	longest = 3 * time.Minute
)

// run lets the script act, and lineaged be killed and started again in the middle of it.
func (x *scripted) run(ctx context.Context, t *testing.T, seed uint64, takes time.Duration) {
	t.Helper()
	x.rounds.seen = map[time.Time]time.Time{}
	x.chance = rand.New(rand.NewPCG(seed, 0))
	go x.rounds.follow(ctx, t, x.server, "west")
	eventually(t, 2*time.Minute, "every source looked", func() error {
		x.begun = time.Now().Add(-3 * time.Second)
		if c := x.coverage(t, last("4s")); !c.Complete {
			return fmt.Errorf("gaps: %+v", c.Gaps)
		}
		return nil
	})
	x.begin(seed)
	pause(ctx, takes/4+time.Duration(x.chance.Int64N(int64(takes/4))))
	x.outage.from = time.Now()
	x.p.Kill()
	pause(ctx, 4*time.Second)
	x.outage.to = time.Now()
	x.start(t)
	pause(ctx, time.Until(x.begun.Add(takes)))
	for x.look(t) < enough && time.Since(x.begun) < longest {
		pause(ctx, 5*time.Second)
	}
	x.end()
	pause(ctx, 3*time.Second)
	x.ended = time.Now()
	x.waitRound(t, "west", x.ended.Add(2*time.Second))
	t.Logf("the script ran from %s to %s, lineaged was gone from %s to %s, and %d ticks were observed as a whole", x.begun.Format(time.TimeOnly), x.ended.Format(time.TimeOnly), x.outage.from.Format(time.TimeOnly), x.outage.to.Format(time.TimeOnly), x.look(t))
}

// look asks what was not observed until now, and returns how many ticks were as a whole.
func (x *scripted) look(t *testing.T) (whole int) {
	t.Helper()
	now := time.Now()
	x.gaps = x.coverage(t, between(x.begun.Add(-time.Second), now.Add(time.Second))).Gaps
	for tick := tickOf(x.begun); tick.Before(now); tick = tick.Add(time.Second) {
		if x.whole(tick, tick.Add(time.Second)) {
			whole++
		}
	}
	return whole
}
