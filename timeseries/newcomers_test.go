package timeseries

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// pagesRead counts how often a page of a roster is read, a filter of one, and a section of a file of silent subjects.
type pagesRead struct {
	vault
	n, filters, sections int
}

func (v *pagesRead) count(f fileID, s sectionID) {
	switch {
	case f.kind == rosterKind && s.kind == rosterPageSection:
		v.n++
	case f.kind == rosterKind && s.kind == rosterFilterSection:
		v.filters++
	case f.kind == deadKind:
		v.sections++
	}
}

func (v *pagesRead) get(f fileID, s sectionID) ([]byte, error) {
	v.count(f, s)
	return v.vault.get(f, s)
}

func (v *pagesRead) reading(f fileID) (func(sectionID) ([]byte, error), func() error, error) {
	get, done, err := v.vault.reading(f)
	return func(s sectionID) ([]byte, error) { v.count(f, s); return get(s) }, done, err
}

// TestNewcomersShareAPage holds that a round of many who are new reads each page of a roster once, and not for each of
// them; and that who comes back among them has its number and its totals.
func TestNewcomersShareAPage(t *testing.T) {
	w := &estate{step: 10 * time.Minute, topics: 3, lasting: 1, writers: 1, runs: 50}
	o := testOpts
	o.Tick, o.crowd, o.recent = w.step, 20, 100
	s := NewMemory(o)
	reads := &pagesRead{vault: s.vault}
	s.vault = reads
	n := 1
	for ; n <= 144; n++ {
		must(t, s.Append(t.Context(), w.round(n)))
		must(t, s.Maintain(t.Context(), w.at(n)))
	}
	pages := 0
	for _, x := range s.rosters {
		pages += len(x.first)
	}
	if pages == 0 {
		t.Fatal("nobody is in a roster")
	}
	x := w.round(n)
	back, total := w.run(7, 3)
	before, err := s.deadAccess(&back)
	must(t, err)
	for i := range x.Samples {
		if a, _ := w.run(n, 3); x.Samples[i].Subject == a {
			x.Samples[i].Subject, x.Samples[i].Value = back, total+4
		}
	}
	reads.n, reads.filters = 0, 0
	must(t, s.Append(t.Context(), x))
	if reads.n > pages || reads.filters > pages {
		t.Errorf("a round of %d who are new read %d pages and %d filters, and there are %d", w.runs, reads.n, reads.filters, pages)
	}
	if got, _ := w.told(t, &Disk{engine: s.engine}, n-1, n); before == nil || got[back] != 4 || entryOf(s.engine, back).subject.id != before.id {
		t.Errorf("who came back moved %d, want 4; it was %+v", got[back], before)
	}
	must(t, s.Close())
}

// TestNewcomersReadNoPages asks a roster of many pages for many whom it does not have, which costs a filter each and
// hardly a page, and for some whom it has.
func TestNewcomersReadNoPages(t *testing.T) {
	e := testEngine(t)
	r := rand.New(rand.NewPCG(11, 8))
	var all []rosterEntry
	for range 40 * rosterPageSums {
		all = append(all, rosterEntry{sum: r.Uint32()})
	}
	slices.SortFunc(all, compareEntries)
	w, err := e.beginRoster([]rosterFile{{number: 1}})
	must(t, err)
	for _, y := range all {
		must(t, w.add(y))
	}
	x, err := w.finish()
	must(t, err)
	reads := &pagesRead{vault: e.vault}
	e.vault = reads
	strangers, pages := 0, 0
	for range 1000 {
		known := r.IntN(10) == 0
		sum := r.Uint32()
		if known {
			sum = all[r.IntN(len(all))].sum
		}
		at, is := slices.BinarySearchFunc(all, rosterEntry{sum: sum}, compareEntries)
		found := false
		reads.n = 0
		must(t, e.ask(x, []uint32{sum}, func(y uint32, _ rosterFile) { found = y == all[min(at, len(all)-1)].sum }))
		if found != is {
			t.Fatalf("sum %d is found: %t, want %t", sum, found, is)
		}
		if !is {
			strangers, pages = strangers+1, pages+reads.n
		}
	}
	if strangers < 800 || pages > strangers/40 || reads.filters < strangers {
		t.Errorf("%d whom nobody knows read %d pages and %d filters", strangers, pages, reads.filters)
	}
}

// TestManyComeBackAtOnce holds that a round in which many come back reads each section of silent subjects once, and not
// for each of them, also where the cache holds only some.
func TestManyComeBackAtOnce(t *testing.T) {
	w := &estate{step: 10 * time.Minute, topics: 3, lasting: 1, writers: 1, runs: 50}
	o := testOpts
	o.Tick, o.crowd, o.recent = w.step, 20, 100
	s := NewMemory(o)
	reads := &pagesRead{vault: s.vault}
	s.vault = reads
	n := 1
	for ; n <= 144; n++ {
		must(t, s.Append(t.Context(), w.round(n)))
		must(t, s.Maintain(t.Context(), w.at(n)))
	}
	x := w.round(n)
	back := map[lineage.Access]int64{}
	for i := range w.runs { // one of each of some files in turn
		for j := range 10 {
			a, total := w.run(5+12*j, i)
			back[a] = int64(i + 1)
			x.Samples = append(x.Samples, lineage.Sample{Subject: a, Metric: lineage.Records, Evidence: lineage.GroupOffsets, Value: total + int64(i) + 1})
		}
	}
	s.cache = newCache(1 << 19) // the sums, and a section or two
	reads.sections = 0
	must(t, s.Append(t.Context(), x))
	if most := 3 * len(s.dead); reads.sections > most {
		t.Errorf("%d who come back read %d sections of %d files, want %d at most", len(back), reads.sections, len(s.dead), most)
	}
	got, _ := w.told(t, &Disk{engine: s.engine}, n-1, n)
	for a, by := range back {
		if got[a] != by {
			t.Fatalf("%v came back and moved %d, want %d", a.Client, got[a], by)
		}
	}
	must(t, s.Close())
}

// TestRosterIsSearched asks rosters of several pages for any sums at once, and finds what is in them: many of one sum
// that go over a page's end, sums between pages, before the first and after the last.
func TestRosterIsSearched(t *testing.T) {
	e := testEngine(t)
	r := rand.New(rand.NewPCG(7, 2))
	for range 30 {
		var all []rosterEntry
		most := uint32(1) << (3 + r.UintN(29))
		for range r.IntN(3 * rosterPageSums) {
			all = append(all, rosterEntry{sum: r.Uint32N(most), file: r.Uint32N(300)})
		}
		slices.SortFunc(all, compareEntries)
		all = slices.Compact(all)
		var files []rosterFile
		for i := range 300 {
			files = append(files, rosterFile{number: int64(i)})
		}
		w, err := e.beginRoster(files)
		must(t, err)
		for _, x := range all {
			must(t, w.add(x))
		}
		x, err := w.finish()
		must(t, err)
		sums := []uint32{0, most - 1, math.MaxUint32}
		for range r.IntN(200) {
			sums = append(sums, r.Uint32N(most))
		}
		for _, first := range x.first {
			sums = append(sums, first, first+1, max(first, 1)-1)
		}
		slices.Sort(sums)
		sums = slices.Compact(sums)
		var got, want []rosterEntry
		must(t, e.ask(x, sums, func(sum uint32, f rosterFile) { got = append(got, rosterEntry{sum, uint32(f.number)}) }))
		for _, y := range all {
			if _, is := slices.BinarySearch(sums, y.sum); is {
				want = append(want, y)
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("of %d sums %d are found in %d, want %d", len(sums), len(got), len(all), len(want))
		}
	}
}

// TestSearchedPageIsDamaged holds that a page that is cut off anywhere is an error or no answer, and never a wrong one.
func TestSearchedPageIsDamaged(t *testing.T) {
	all := []rosterEntry{{5, 0}, {300, 1}, {70000, 2}, {math.MaxUint32, 1}}
	sums := []uint32{5, 70000, math.MaxUint32}
	b := encodeRosterPage(all)
	for cut := range b {
		if err := searchRosterPage(b[:cut], 3, sums, func(sum, file uint32) {
			if !slices.Contains(all, rosterEntry{sum, file}) {
				t.Errorf("cut at %d: %d of %d", cut, sum, file)
			}
		}); err == nil && cut > 0 {
			t.Errorf("cut at %d: no error", cut)
		}
	}
	if err := searchRosterPage(b, 2, sums, func(uint32, uint32) {}); err == nil {
		t.Error("a file that is none is no error")
	}
}
