package timeseries

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// longForm is whether the long form of tests was asked for.
var longForm = os.Getenv("LINEAGED_LONG") != ""

// estate is a world of groups that live for one round, beside those that stay and producers that are restarted daily.
// All it ever told follows from the number of a round, so that it remembers nothing.
type estate struct {
	step                     time.Duration
	topics, lasting, writers int
	runs                     int // groups of one round each
}

func (w *estate) perDay() int { return int(day / w.step) }

func (w *estate) at(round int) time.Time { return testStart.Add(time.Duration(round) * w.step) }

func (w *estate) topic(i int) lineage.Topic {
	i %= w.topics
	return lineage.Topic{Cluster: "c", ID: lineage.TopicID{byte(i), byte(i >> 8)}, Name: fmt.Sprint("topic-", i)}
}

func (w *estate) reader(i int, group string) lineage.Access {
	return lineage.Access{Topic: w.topic(i), Op: lineage.Read, Client: lineage.Client{Group: group, ClientID: "batch"}}
}

// run is the i-th group of a round, and what it reads.
func (w *estate) run(round, i int) (lineage.Access, int64) {
	return w.reader(round+i, fmt.Sprintf("run-%d-%d", round, i)), int64(3 + (round+i)%5)
}

// writer is the i-th producer as its day has it, and what it wrote of it up to a round.
func (w *estate) writer(round, i int) (lineage.Access, int64) {
	today, within := round/w.perDay(), round%w.perDay()
	return lineage.Access{Topic: w.topic(i), Op: lineage.Write, Client: lineage.Client{Producer: lineage.KnownProducer(int64(today*w.writers + i + 1))}}, int64((within + 1) * (i%7 + 2))
}

// round returns what is observed in the n-th round, from 1 on.
func (w *estate) round(n int) lineage.Observation {
	o := lineage.Observation{Source: testSource, Round: w.at(n), Interval: w.step}
	tell := func(a lineage.Access, k lineage.EvidenceKind, total int64) {
		o.Samples = append(o.Samples, lineage.Sample{Subject: a, Metric: lineage.Records, Evidence: k, Value: total})
	}
	for i := range w.lasting {
		tell(w.reader(i, fmt.Sprint("lasting-", i)), lineage.GroupOffsets, int64(n*(i%9+1)))
	}
	for i := range w.writers {
		a, total := w.writer(n, i)
		tell(a, lineage.ProducerState, total)
	}
	fact := func(group string, gone bool) {
		f := lineage.Fact{Key: lineage.FactKey{Source: "c", Kind: lineage.GroupFacts, Name: group}, Gone: gone}
		if !gone {
			f.Group = &lineage.GroupFact{Ref: lineage.GroupRef{Cluster: "c", Group: group}, State: "Stable", MembersKnown: true, Members: []lineage.Member{{ID: group, ClientID: "batch"}}}
		}
		o.Facts = append(o.Facts, f)
	}
	for i := range w.runs {
		a, total := w.run(n, i)
		tell(a, lineage.GroupOffsets, total)
		o.Sightings = append(o.Sightings, lineage.Sighting{Access: a, Evidence: lineage.GroupMembership})
		fact(a.Client.Group, false)
		if before, _ := w.run(n-1, i); n > 1 {
			fact(before.Client.Group, true)
		}
	}
	return o
}

// truth is who moved how much in the rounds (from, to].
func (w *estate) truth(from, to int) map[lineage.Access]int64 {
	out := map[lineage.Access]int64{}
	for i := range w.lasting {
		out[w.reader(i, fmt.Sprint("lasting-", i))] = int64((to - from) * (i%9 + 1))
	}
	for n := from + 1; n <= to; n++ {
		for i := range w.writers {
			a, total := w.writer(n, i)
			if n%w.perDay() > 0 {
				_, before := w.writer(n-1, i)
				total -= before
			}
			out[a] += total
		}
		for i := range w.runs {
			a, total := w.run(n, i)
			out[a] += total
		}
	}
	return out
}

// told is what a store answers to the same question.
func (w *estate) told(t *testing.T, s *Disk, from, to int) (moved map[lineage.Access]int64, complete bool) {
	t.Helper()
	x, err := s.Window(context.Background(), store.Ask{Window: lineage.Window{Start: w.at(from), End: w.at(to)}, Accesses: true, Coverage: true})
	must(t, err)
	out := map[lineage.Access]int64{}
	for i, a := range x.Rows.Access[:x.Rows.Topics] {
		if !x.Rows.Moved[i] {
			continue
		}
		first, after := x.Series.Of(int32(i))
		for j := first; j < after; j++ {
			if x.Series.Metric[j] == lineage.Records {
				if y := x.Series.Amount[j]; math.Abs(y.Total-math.Round(y.Total)) > 1e-9 || y.Estimated {
					t.Errorf("%v: %v records, estimated: %v", a, y.Total, y.Estimated)
				} else {
					out[*a] += int64(math.Round(y.Total))
				}
			}
		}
	}
	return out, x.Coverage().Complete
}

// same holds that a window answers what was.
func (w *estate) same(t *testing.T, s *Disk, from, to int) {
	t.Helper()
	want := w.truth(from, to)
	got, complete := w.told(t, s, from, to)
	if !complete {
		t.Errorf("rounds %d to %d have gaps", from, to)
	}
	for a, n := range want {
		if got[a] != n {
			t.Fatalf("rounds %d to %d: %v of %v moved %d, want %d", from, to, a.Client, a.Topic.Name, got[a], n)
		}
	}
	if len(got) != len(want) {
		t.Fatalf("rounds %d to %d: %d moved, want %d", from, to, len(got), len(want))
	}
}

// burden is what a store costs on a day.
type burden struct {
	heap    int // bytes, of what is alive, but for the list of who is not held any more, which has a bound of its own
	people  int // subjects in memory
	places  int // that a walk over the subjects looks at
	state   int // bytes of the saved state, one copy
	sealing int // bytes of the blocks of the day before: raw ones, and a tenth of one of hours
	opening int // bytes that are read to open it: state, log, indexes of silent subjects, heads of rosters
	silent  int // bytes of the files of the day before
	disk    int // bytes, without that list
}

func (b burden) each() map[string]int {
	return map[string]int{
		"heap": b.heap, "people": b.people, "places": b.places, "state": b.state, "sealing": b.sealing, "opening": b.opening, "silent": b.silent,
	}
}

// lengthOf returns the bytes of a section, 0 where there is none.
func lengthOf(f *shelved, s sectionID) int {
	x, _ := f.copies[0].index.of(s)
	return x.length
}

// burden measures it; nothing that only queries need is counted.
func (s *Disk) burden(t *testing.T) (b burden) {
	t.Helper()
	v := s.vault.(*diskVault)
	yesterday := s.sealed - int64(day/s.step)
	unsures := 0 // bytes of that list
	for id, f := range v.whole {
		size := int(f.copies[0].size)
		switch {
		case id.kind == stateFile:
			// The list of who is not held any more, see maxUnsure.
			unsure := lengthOf(f, sectionID{awaySection, 0}) + lengthOf(f, sectionID{lostSection, 0})
			b.state += size - unsure
			unsures += len(f.copies) * unsure
		case id.kind == rawTier && id.number >= yesterday:
			b.sealing += size
		case id.kind == deadKind:
			b.opening += lengthOf(f, sectionID{deadIndex, 0})
			if id.number > yesterday {
				b.silent += size
			}
		case id.kind == rosterKind:
			b.opening += lengthOf(f, sectionID{rosterHead, 0})
		}
	}
	for _, d := range s.dead {
		b.opening += 4 * len(d.sums) // that no roster has
	}
	b.opening += b.state + int(s.journal.size())
	b.disk = int(v.size()+s.journal.size()) - unsures
	b.people = s.subjects.live
	for _, p := range s.subjects.pages {
		if p != nil {
			b.places += pageSubjects
		}
	}
	s.cache = newCache(cacheBytes)
	s.watch.mu.Lock()
	s.watch.rounds = nil // of which roundsKept are, however long it runs
	s.watch.mu.Unlock()
	runtime.GC()
	runtime.GC()
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	b.heap = int(mem.HeapAlloc)
	for _, x := range s.unsure {
		b.heap -= 8*cap(x.sums) + 32*cap(x.totals)
	}
	return b
}

// TestYearOfMayflies lives in an estate of groups of one run. What memory holds, what is written and what a start reads
// stay as they were in the first days (but for some kilobytes for each day that is held), the disk as it was when
// retention began to drop; what is beyond retention is gone; and what was answered of a day is answered as exactly for
// as long as it is held.
//
// The short form has some weeks of one a minute. The long one has a year of an estate of 1,000 topics and 500 groups
// that stay, with 20 a minute, and a month with 200 a minute. LINEAGED_YEAR_DAYS has the latter go on for as many days.
func TestYearOfMayflies(t *testing.T) {
	if longForm {
		t.Run("year", func(t *testing.T) {
			liveInEstate(t, &estate{step: 10 * time.Minute, topics: 1000, lasting: 500, writers: 1000, runs: 200}, years{
				retention: Retention{Raw: 2 * day, Minute: 30 * day, Hour: 400 * day}, days: []int{2, 13, 30, 90, 180, 365}, asked: []int{1, 3, 12, 18, 340},
			})
		})
		t.Run("month", func(t *testing.T) {
			days := []int{2, 13, 23, 33} // the last two in the same place of a block of ten days
			if n, err := strconv.Atoi(os.Getenv("LINEAGED_YEAR_DAYS")); err == nil {
				days = append(days[:2], n-10, n)
			}
			liveInEstate(t, &estate{step: 10 * time.Minute, topics: 1000, lasting: 500, writers: 1000, runs: 2000}, years{
				retention: Retention{Raw: 2 * day, Minute: 4 * day, Hour: 11 * day}, days: days, asked: []int{1, 3, 9},
			})
		})
		return
	}
	w := &estate{step: 20 * time.Minute, topics: 10, lasting: 5, writers: 10, runs: 20}
	y := years{retention: Retention{Raw: 2 * day, Minute: 4 * day, Hour: 21 * day}, days: []int{2, 13, 25, 35, 45}, crowd: 1500, asked: []int{1, 3, 12, 18}}
	if raced { // it takes eight times as long
		w.runs, y.crowd = 10, 750
	}
	liveInEstate(t, w, y)
}

// years says for how long an estate is lived in.
type years struct {
	retention Retention
	crowd     int   // 0: as many as outside of tests, and so many in a roster, too
	days      []int // on which it is measured: the first is told, all others are to be as the second
	asked     []int // the days that are asked of at the end, by how long ago they are
}

// liveInEstate is TestYearOfMayflies.
func liveInEstate(t *testing.T, w *estate, y years) {
	ctx := context.Background()
	o := testOpts
	o.Tick, o.fast = w.step, true
	o.Retention, o.crowd, o.recent = y.retention, y.crowd, y.crowd
	dir := t.TempDir()
	s, err := Open(dir, o)
	must(t, err)
	s.codec.seal(make([]byte, 1<<18)) // of more than 128 KiB the compressor makes room of 2 MiB once, which stays
	var all []burden
	var some []lineage.Observation
	last := y.days[len(y.days)-1]
	n, files := 0, 0
	var adding, tidying time.Duration // of processors, since it was measured last
	measured := 0
	for ; len(all) < len(y.days); n++ {
		if n > (last+3)*w.perDay() {
			t.Fatal("nobody is put away")
		}
		if some = append(some, w.round(n+1)); n%6 != 0 {
			continue
		}
		now := some[len(some)-1].Round
		began := spentCPU(t)
		must(t, s.Append(ctx, some...))
		added := spentCPU(t)
		must(t, s.Maintain(ctx, now))
		adding, tidying = adding+added-began, tidying+spentCPU(t)-added
		some = nil
		// Each time when some have just been put away, since that goes up and down.
		if made := len(s.dead) > 0 && s.dead[len(s.dead)-1].number > int64(files); made && n >= y.days[len(all)]*w.perDay() {
			all = append(all, s.burden(t))
			each := time.Duration(n-measured) / time.Duration(w.perDay())
			t.Logf("day %d: %+v; a day's rounds took %s of processors, and sealing and tidying %s", n/w.perDay(), all[len(all)-1], adding/max(each, 1), tidying/max(each, 1))
			adding, tidying, measured = 0, 0, n
		}
		if len(s.dead) > 0 {
			files = int(s.dead[len(s.dead)-1].number)
		}
	}
	now := w.at(n)
	first, end := all[1], all[len(all)-1]
	if most := w.topics + w.lasting + 4*w.writers + s.crowd + w.runs*w.perDay()/4; end.people > most {
		t.Errorf("%d subjects are in memory, want %d at most", end.people, most)
	}
	// Until retention ends, each day leaves some files of silent subjects and a block: where their sections lie is in
	// memory, and that they are there is in the state. A number takes a byte more there when it is 128 times as large:
	// ids, ticks and totals together two bytes of each subject in a year.
	held := map[string]int{}
	if longForm {
		perDay := (len(s.dead) + last - 1) / last
		held = map[string]int{"heap": 2 << 10 * perDay * (last - y.days[1]), "opening": 256 * perDay * (last - y.days[1]), "state": 2 * end.people}
	}
	for name, was := range first.each() {
		if is := end.each()[name]; float64(is) > 1.1*float64(was)+float64(held[name]) {
			t.Errorf("%s went from %d on day %d to %d on day %d", name, was, y.days[1], is, last)
		}
	}
	retireLaw(t, s.engine, now)
	retained := int(y.retention.Hour/day) + 10 // a block has ten days
	ask := func() {
		t.Helper()
		today := n / w.perDay()
		for _, ago := range y.asked {
			from := (today-ago)*w.perDay() + w.perDay()/3
			w.same(t, s, from, from+w.perDay()/4)
		}
		if retained > last {
			return
		}
		if end.disk > all[len(all)-2].disk*11/10 {
			t.Errorf("the disk held %d bytes on day %d, and %d on day %d", all[len(all)-2].disk, y.days[len(y.days)-2], end.disk, last)
		}
		if x, complete := w.told(t, s, 2*w.perDay(), 2*w.perDay()+3); len(x) > 0 || complete {
			t.Errorf("of day 2, which is beyond retention, %d are answered, complete: %v", len(x), complete)
		}
	}
	ask()
	must(t, s.Close())
	began := spentCPU(t)
	s, err = Open(dir, o)
	must(t, err)
	t.Logf("opening it took %s of processors", spentCPU(t)-began)
	if s.subjects.live > end.people*11/10+w.runs*w.perDay()/4 {
		t.Errorf("%d subjects were read to open it, of %d that were in memory", s.subjects.live, end.people)
	}
	ask()
	must(t, s.Close())
}

// TestTheSilentGoWithTheCrowd holds that where a crowd is put away every few hours, those go with it who have been
// silent for long, for however long they were seen: there is no day without a file on which they would go.
func TestTheSilentGoWithTheCrowd(t *testing.T) {
	w := &estate{step: 10 * time.Minute, topics: 3, lasting: 1, writers: 1, runs: 4}
	old := w.reader(1, "old") // seen for two days, and then silent for one and a half
	o := testOpts
	o.Tick, o.crowd, o.silentFor = w.step, 20, day
	s := NewMemory(o)
	for n := 1; n <= 144*7/2; n++ {
		x := w.round(n)
		if n <= 144*2 {
			x.Samples = append(x.Samples, lineage.Sample{Subject: old, Metric: lineage.Records, Evidence: lineage.GroupOffsets, Value: int64(n)})
		}
		must(t, s.Append(t.Context(), x))
		must(t, s.Maintain(t.Context(), x.Round))
	}
	if len(s.dead) < 20 || entryOf(s.engine, old) != nil {
		t.Errorf("%d files, and who was silent for long is in memory: %t", len(s.dead), entryOf(s.engine, old) != nil)
	}
	must(t, s.Close())
}

// TestNumbersEnd holds that who has no number left is refused, and not taken for another.
func TestNumbersEnd(t *testing.T) {
	s := NewMemory(testOpts)
	must(t, s.Append(t.Context(), testRound(1)))
	s.subjects.next = math.MaxUint32 - 1
	w := &estate{step: testOpts.Tick, topics: 1, lasting: 4}
	if err := s.Append(t.Context(), w.round(2)); !errors.Is(err, errNoNumbers) {
		t.Errorf("four with one number: %v", err)
	}
	must(t, s.Close())
}

// TestTheCrowdGoesSoon holds that of those in memory who are silent all stay while they are few, and when they are many
// those leave who were seen for a shorter time than they have been silent for, and nobody else.
func TestTheCrowdGoesSoon(t *testing.T) {
	ctx := context.Background()
	w := &estate{step: 10 * time.Minute, topics: 3, lasting: 1, writers: 1, runs: 2}
	nightly := w.reader(1, "nightly") // seen for 12 hours, and then silent for 6
	for _, crowd := range []int{1, 1 << 20} {
		o := testOpts
		o.Tick, o.crowd = w.step, crowd
		s := NewMemory(o)
		for n := 1; n <= 18*6; n++ {
			x := w.round(n)
			if n <= 12*6 {
				x.Samples = append(x.Samples, lineage.Sample{Subject: nightly, Metric: lineage.Records, Evidence: lineage.GroupOffsets, Value: int64(n)})
			}
			must(t, s.Append(ctx, x))
			must(t, s.Maintain(ctx, x.Round))
		}
		var runs []string
		stays := false
		for x := range s.subjects.all() {
			g := x.entry.access.Client.Group
			if stays = stays || g == "nightly"; strings.HasPrefix(g, "run-") {
				runs = append(runs, g)
			}
		}
		if !stays {
			t.Errorf("crowd %d: who was seen for longer than it is silent is put away", crowd)
		}
		if all := 18 * 6 * w.runs; crowd > 1 && len(runs) != all {
			t.Errorf("%d of %d are in memory, though they are no crowd", len(runs), all)
		} else if crowd == 1 && (len(runs) > 4*6*w.runs || slices.Contains(runs, "run-1-0")) {
			t.Errorf("%d of %d are in memory still", len(runs), all)
		}
		must(t, s.Close())
	}
}
