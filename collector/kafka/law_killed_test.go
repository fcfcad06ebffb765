package kafka

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// killing is a simulated topic whose transactional producers die, and whose rounds read ends, producers, and ends again
// one after another, while all go on. Every window that begins and ends with a round that saw everything is held.
type killing struct {
	*sim
	fence  int32 // by how much an abort that nobody asked for raises the epoch
	dead   map[*simWriter]int
	of     map[int64]lineage.Client // by producer id
	cuts   []killedRound
	told   map[lineage.Client][]toldStep
	story  []string
	wrong  []string
	claims map[string]int
	racing bool // things go on while a round reads
	// copied: followers copy what is written a moment later, so that an end lacks some of what the producers show
	copied bool
	ends   []int
}

// still reports whether all that a round reads is of one moment.
func (k *killing) still() bool { return !k.racing && !k.copied }

// end is a log's end as it is read.
func (k *killing) end(i int) int {
	n := len(k.logs[i].log)
	if k.copied && k.r.IntN(3) == 0 {
		n -= k.r.IntN(3)
	}
	k.ends[i] = max(k.ends[i], n)
	if len(k.cuts) > 0 { // what was there when the round before was over has come by now
		k.ends[i] = max(k.ends[i], k.cuts[len(k.cuts)-1].high[i])
	}
	return k.ends[i]
}

// killedRound is where a round cut each log: its entries before low were there when the end was read, and those from
// high on came after all of the round's readings.
type killedRound struct {
	whole     bool
	low, high []int
}

// toldStep is an advance that was told, in rounds: of (from, to].
type toldStep struct {
	from, to  int
	n         int64
	estimated bool
	words     string
}

// toldTopic is the subject of the samples of the ends, among those of clients.
var toldTopic = lineage.Client{ClientID: "the topic"}

func newKilling(seed uint64) *killing {
	r := rand.New(rand.NewPCG(seed, 29))
	var kinds []simKind
	for range 1 + r.IntN(4) {
		kinds = append(kinds, simKind(r.IntN(4)))
	}
	k := &killing{
		sim: newSim(seed, 1+r.IntN(2), r.IntN(2) == 0, kinds...), fence: 1 + int32(r.IntN(2)), dead: map[*simWriter]int{},
		of: map[int64]lineage.Client{-1: leftover}, told: map[lineage.Client][]toldStep{}, claims: map[string]int{},
	}
	k.racing, k.copied, k.ends = seed%2 == 1, seed%8 >= 4, make([]int, len(k.logs))
	k.a.copied = k.copied
	if k.a.parts[0].born {
		k.a.seenSince(0, t0)
		k.a.books = t0
	}
	for _, w := range k.writers {
		k.names(w)
	}
	k.note("%v, an abort raises the epoch by %d, the coordinators' log is known: %v, born %v", kinds, k.fence, k.logKnown, k.a.parts[0].born)
	return k
}

func (k *killing) note(format string, args ...any) {
	k.story = append(k.story, fmt.Sprintf("%d: ", len(k.cuts))+fmt.Sprintf(format, args...))
}

// names keeps whose a producer id is.
func (k *killing) names(w *simWriter) {
	switch w.kind {
	case simPlain:
	case simIdempotent:
		k.of[w.id] = lineage.Client{Producer: lineage.KnownProducer(w.id)}
	default:
		k.of[w.id] = lineage.Client{TransactionalID: w.name}
	}
}

// happens lets something happen.
func (k *killing) happens() {
	w := k.writers[k.r.IntN(len(k.writers))]
	if left, dead := k.dead[w]; dead {
		if left > 0 {
			k.dead[w] = left - 1
			return
		}
		if slices.Contains(w.open, true) {
			k.abort(w)
			return
		}
		k.revive(w)
		return
	}
	switch n := k.r.IntN(10); {
	case n < 6:
		p := k.r.IntN(len(k.logs))
		for range 1 + k.r.IntN(3) {
			k.append(w, p)
		}
		k.note("%v wrote to %d, epoch %d", k.client(w), p, w.epoch)
	case n < 8 && w.kind >= simOldTxn:
		k.note("%v ends %v, epoch %d", k.client(w), w.open, w.epoch)
		k.sim.end(w)
	case n < 9 && w.kind >= simOldTxn:
		k.dead[w] = k.r.IntN(12)
		k.note("%v dies", k.client(w))
	}
}

func (k *killing) client(w *simWriter) lineage.Client {
	if w.kind == simPlain {
		return leftover
	}
	return k.of[w.id]
}

// abort is the coordinator's: by the timeout, or for the next instance.
func (k *killing) abort(w *simWriter) {
	w.epoch += k.fence
	for p := range w.open {
		if w.open[p] {
			k.logs[p].log = append(k.logs[p].log, entry{pid: w.id, epoch: w.epoch, marker: true})
		}
		w.open[p], w.seq[p] = false, -1
	}
	k.txnEnds += 3
	k.note("%v is aborted, epoch %d", k.client(w), w.epoch)
}

// revive begins the next instance.
func (k *killing) revive(w *simWriter) {
	delete(k.dead, w)
	if w.epoch++; k.r.IntN(4) == 0 {
		c := k.of[w.id]
		k.ids[w.id] = w.name
		w.id, w.epoch = int64(100+len(k.ids)), 0
		k.ids[w.id], k.of[w.id] = w.name, c
	}
	for p := range w.seq {
		w.seq[p] = -1
	}
	k.note("%v begins anew, producer id %d, epoch %d", k.client(w), w.id, w.epoch)
}

// some lets a few things happen.
func (k *killing) some(most int) {
	for range k.r.IntN(most + 1) {
		k.happens()
	}
}

// look takes a round, in which things go on with a chance.
func (k *killing) look(t *testing.T, skips bool) {
	t.Helper()
	k.round = k.round.Add(tick)
	k.a.begin()
	k.txnLog.before, k.txnLog.now = k.txnLog.now, nil
	meanwhile := func() {
		if k.racing && k.r.IntN(4) == 0 {
			k.some(2)
		}
	}
	cut := killedRound{whole: true, low: make([]int, len(k.logs)), high: make([]int, len(k.logs))}
	order := k.r.Perm(len(k.logs))
	for _, i := range order {
		cut.low[i] = k.end(i)
		if skips && k.r.IntN(12) == 0 {
			cut.whole = false
			continue
		}
		k.a.setEnd(i, int64(cut.low[i]))
		meanwhile()
	}
	if k.logKnown {
		k.txnLog.now = []int64{k.txnEnds}
	}
	meanwhile()
	answers := map[int][]producerReading{}
	for _, i := range k.r.Perm(len(k.logs)) {
		if p := &k.a.parts[i]; p.moved && p.fresh {
			if skips && k.r.IntN(12) == 0 {
				cut.whole = false
				continue
			}
			answers[i] = k.logs[i].readings()
			for j := range answers[i] {
				if k.copied {
					answers[i][j].lastMs = k.round.UnixMilli()
				}
			}
			meanwhile()
		}
	}
	for _, i := range order {
		readings, asked := answers[i]
		if !asked {
			continue
		}
		after := int64(-1)
		if k.a.parts[i].wantsEnd(readings) {
			after = int64(k.end(i))
			meanwhile()
		}
		k.a.setProducers(i, readings, after, k.round, tick, k.name)
	}
	for i, l := range k.logs {
		cut.high[i] = len(l.log)
	}
	k.cuts = append(k.cuts, cut)
	k.note("a round, whole %v, ends at %v to %v", cut.whole, cut.low, cut.high)
	k.tell()
	k.law(t)
}

// tell keeps what is told of a round.
func (k *killing) tell() {
	before := k.round.Add(-tick)
	samples, _ := k.a.tellEnds(k.round, before)
	k.a.rename(k.name, func(int64) bool { return false })
	books, sightings, _ := k.a.tellBooks(k.round, before)
	said := map[lineage.Access]string{}
	for _, x := range sightings {
		said[x.Access] += x.Detail
	}
	now := len(k.cuts)
	totals := map[lineage.Client]int64{}
	for _, x := range append(samples, books...) {
		c := x.Subject.Client
		switch x.Metric {
		case lineage.Appended:
			c = toldTopic
		case lineage.Markers:
			c = lineage.Client{ClientID: "markers"}
		case lineage.Left, lineage.Mixed:
			c = lineage.Client{ClientID: fmt.Sprintf("left %v", x.Metric)}
		case lineage.Records:
		default:
			continue
		}
		for _, s := range k.told[c] {
			totals[c] += s.n
		}
		from := now - 1
		if !x.Since.IsZero() {
			from = max(0, now-int(k.round.Sub(x.Since)/tick))
		}
		k.told[c] = append(k.told[c], toldStep{from: from, to: now, n: x.Value - totals[c], estimated: x.Estimated, words: said[x.Subject]})
		delete(totals, c)
		k.note("told of %v: %d since %d, estimated %v, %s", c, k.told[c][len(k.told[c])-1].n, from, x.Estimated, said[x.Subject])
	}
}

// amount is what was told of a window of rounds: at least, and at most.
func (k *killing) amount(a, b int, of ...lineage.Client) (least, most int64, estimated bool, words string) {
	for _, c := range of {
		for _, s := range k.told[c] {
			if s.to <= a || s.from >= b {
				continue
			}
			estimated, words = estimated || s.estimated, words+s.words
			if most += s.n; s.from >= a && s.to <= b {
				least += s.n
			}
		}
	}
	return least, most, estimated, words
}

// truth is what was written in a window, at least and at most: what came while a round read is of both sides.
func (k *killing) truth(a, b int, counts func(entry) bool) (least, most int64) {
	for p, l := range k.logs {
		from, to := [2]int{k.cuts[a-1].low[p], k.cuts[a-1].high[p]}, [2]int{k.cuts[b-1].low[p], k.cuts[b-1].high[p]}
		for i := from[0]; i < to[1]; i++ {
			if !counts(l.log[i]) {
				continue
			}
			if most++; i >= from[1] && i < to[0] {
				least++
			}
		}
	}
	return least, most
}

// records is what was produced in a window, as the ends cut it.
func (k *killing) records(a, b int) (n int64) {
	for p, l := range k.logs {
		for _, e := range l.log[k.cuts[a-1].low[p]:k.cuts[b-1].low[p]] {
			if !e.marker {
				n++
			}
		}
	}
	return n
}

// hold holds every window.
func (k *killing) hold() {
	left := []lineage.Client{{ClientID: fmt.Sprintf("left %v", lineage.Left)}, {ClientID: fmt.Sprintf("left %v", lineage.Mixed)}}
	clients := map[lineage.Client]bool{}
	for _, c := range k.of {
		clients[c] = true
	}
	for a := 1; a <= len(k.cuts); a++ {
		for b := a + 1; b <= len(k.cuts); b++ {
			if !k.cuts[a-1].whole || !k.cuts[b-1].whole {
				continue
			}
			say := func(format string, args ...any) {
				k.wrong = append(k.wrong, fmt.Sprintf("rounds %d to %d: ", a, b)+fmt.Sprintf(format, args...))
			}
			_, most := k.truth(a, b, func(e entry) bool { return !e.marker })
			records := k.records(a, b)
			_, grown, _, _ := k.amount(a, b, toldTopic)
			markers, _, loose, _ := k.amount(a, b, lineage.Client{ClientID: "markers"})
			if k.claims["windows"]++; loose {
				markers = 0
			} else if markers > 0 {
				k.claims["markers"]++
			}
			if grown-markers < records {
				say("at most %d were produced (%d less %d markers), in truth %d", grown-markers, grown, markers, records)
			}
			exactly, veiled := int64(0), loose
			for c := range clients {
				if c == leftover {
					continue
				}
				least, n, estimated, words := k.amount(a, b, c)
				veiled = veiled || estimated && n > 0
				low, high := k.truth(a, b, func(e entry) bool { return !e.marker && k.of[e.pid] == c })
				if !estimated {
					exactly += least
				}
				if k.still() {
					k.judge(say, c, least, n, low, high, estimated, words)
				}
			}
			if exactly > most {
				say("%d are counted exactly, in truth %d", exactly, most)
			}
			least, n, estimated, words := k.amount(a, b, left...)
			if veiled {
				estimated, words = true, words+"at least"
			}
			low, high := k.truth(a, b, func(e entry) bool { return !e.marker && e.pid < 0 })
			if k.still() && (!veiled || n > 0) {
				k.judge(say, leftover, least, n, low, high, estimated, words)
			}
		}
	}
}

func (k *killing) judge(say func(string, ...any), c lineage.Client, least, most, low, high int64, estimated bool, words string) {
	atMost, atLeast := strings.Contains(words, "at most"), strings.Contains(words, "at least")
	what := fmt.Sprint(c.TransactionalID, c.Producer)
	if c == leftover {
		what = "what is left"
	}
	switch {
	case !estimated:
		if k.claims["exact"]++; least > high || most < low {
			say("%s: exactly %d to %d, in truth %d to %d", what, least, most, low, high)
		}
	case strings.Contains(words, "together"), atMost && atLeast:
		k.claims["neither"]++
	case atMost:
		if k.claims["at most"]++; most < low {
			say("%s: at most %d, in truth %d to %d", what, most, low, high)
		}
	case atLeast:
		if k.claims["at least"]++; least > high {
			say("%s: at least %d, in truth %d to %d", what, least, low, high)
		}
	}
}

// Transactional producers die in the midst of their transactions, are aborted by their coordinators, and begin anew,
// whatever happens between the readings of a round, and though followers lag: in no window less is said to have been
// produced at most, or more at least, than was. So it is of each writer where a round reads all as of one moment;
// elsewhere a record that came while it read may be counted in the place of another's.
func TestAccountLawOfWindows(t *testing.T) {
	claims := map[string]int{}
	for seed := range seeds(400) {
		k := newKilling(seed)
		for range 24 {
			k.some(6)
			k.look(t, seed%4 >= 2)
		}
		k.hold()
		for what, n := range k.claims {
			claims[what] += n
		}
		if len(k.wrong) > 0 || t.Failed() {
			t.Fatalf("seed %d\n%s\n%s", seed, strings.Join(k.story, "\n"), strings.Join(k.wrong, "\n"))
		}
	}
	if claims["markers"] < claims["windows"]/4 || claims["exact"] < claims["windows"]/4 {
		t.Errorf("too little is said to hold the law: %v", claims)
	}
}

// An abort that nobody asked for raises the epoch by two in some versions: it has left one marker all the same.
func TestAbortThatRaisesTheEpochByTwo(t *testing.T) {
	s := newSim(1, 1, true, simNewTxn, simPlain)
	s.append(s.writers[0], 0)
	s.append(s.writers[0], 0)
	s.take(t, never, func() {})
	s.append(s.writers[1], 0)
	s.logs[0].log = append(s.logs[0].log, entry{pid: s.writers[0].id, epoch: 2, marker: true})
	s.writers[0].open[0], s.writers[0].epoch = false, 2
	s.settle(t, true)
	if s.a.markers.n != 1 || s.marked {
		t.Errorf("%d are taken for markers, a bound: %v; want 1", s.a.markers.n, s.marked)
	}
}

// A marker that the producers' reading shows and that came after the end was read is none of the records in front of
// it: that it is there is told with the next round, of both steps, and till then what may be in its place waits.
func TestMarkerBehindTheEnd(t *testing.T) {
	for _, more := range []bool{false, true} {
		k := newKilling(0)
		k.sim = newSim(0, 1, true, simOldTxn, simPlain)
		k.a.seenSince(0, t0)
		k.a.books, k.racing, k.copied, k.ends = t0, false, false, make([]int, 1)
		k.of = map[int64]lineage.Client{-1: leftover, 1: {TransactionalID: "app-0"}}
		k.append(k.writers[0], 0)
		k.look(t, false)
		k.append(k.writers[1], 0)
		k.round = k.round.Add(tick)
		k.a.begin()
		k.a.setEnd(0, 2)
		k.sim.end(k.writers[0])
		k.a.setProducers(0, k.logs[0].readings(), 3, k.round, tick, k.name)
		k.cuts = append(k.cuts, killedRound{whole: true, low: []int{2}, high: []int{3}})
		k.tell()
		if k.a.markers.n != 0 || k.a.rest() != 0 {
			t.Errorf("%d are taken for markers and %d are left, while the marker is behind the end", k.a.markers.n, k.a.rest())
		}
		if more {
			k.append(k.writers[1], 0)
			k.append(k.writers[1], 0)
		}
		k.look(t, false)
		k.hold()
		if want := k.writers[1].wrote; k.a.markers.n != 1 || k.a.rest() != want || len(k.wrong) > 0 {
			t.Errorf("%d are taken for markers and %d are left, want 1 and %d: %q\n%q", k.a.markers.n, k.a.rest(), want, k.wrong, k.story)
		}
		if least, most, loose, _ := k.amount(2, 3, lineage.Client{ClientID: "markers"}); least != 0 || most != 1 || loose {
			t.Errorf("of the last step %d to %d markers are told, a bound: %v", least, most, loose)
		}
	}
}
