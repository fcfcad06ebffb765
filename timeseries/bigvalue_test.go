package timeseries

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// spoken returns what is read of values that were written one after another into one slot, as in a frame of the log.
func spoken(t *testing.T, values ...[]byte) (size int) {
	t.Helper()
	var w writer
	var d differ
	var s slot
	for _, v := range values {
		s.write(&w, &d, v)
	}
	r := reader{b: w.b}
	var back slot
	for i, v := range values {
		if got := back.read(&r); r.err != nil || !bytes.Equal(got, v) || (got == nil) != (v == nil) {
			t.Fatalf("value %d of %d bytes came back as %d: %v", i, len(v), len(got), r.err)
		}
	}
	if err := r.end(); err != nil {
		t.Fatal(err)
	}
	return len(w.b)
}

// TestLargeValuesAreReadAgain writes positions about as long as a difference may be: what is written must be readable,
// whatever was before it. The log would end there otherwise.
func TestLargeValuesAreReadAgain(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 9))
	long := randomBytes(r, maxDiffering+1<<20)
	tail := bytes.Clone(long[maxDiffering+1<<19:])
	for name, values := range map[string][][]byte{
		"the end of a longer one":       {long, tail},
		"longer, shorter, longer":       {tail, long, tail, long},
		"the longest difference":        {long[:maxDiffering], long[1 : maxDiffering+1]},
		"empty, gone, empty":            {{}, nil, {}, nil, tail, {}, tail, nil, tail},
		"the same again and again":      {tail, tail, tail},
		"the end comes to the front":    {long[:maxDiffering], append(bytes.Clone(long[maxDiffering-100:maxDiffering]), long[:maxDiffering-100]...)},
		"gone between, and the same":    {tail, nil, tail},
		"one byte, and none, and again": {{7}, {}, {7}, {7, 7}},
	} {
		t.Run(name, func(t *testing.T) { spoken(t, values...) })
	}
	// What all the differences of a frame make together is bounded at reading; so it must be at writing.
	many := [][]byte{long[:maxDiffering]}
	for i := range maxGrown/maxDiffering + 2 {
		next := bytes.Clone(many[0][:maxDiffering:maxDiffering])
		next[i] ^= 1
		many = append(many, many[0], next)
	}
	if size := spoken(t, many[:maxGrown/maxDiffering+2]...); size > 3*maxDiffering {
		t.Errorf("they took %d bytes", size)
	}
}

// TestLongFactsKeepTheirPast holds the same of versions of facts.
func TestLongFactsKeepTheirPast(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(2, 9))
	text := string(randomBytes(r, maxDiffering+1<<20))
	tail := text[maxDiffering+1<<19:]
	key := lineage.FactKey{Source: "c", Kind: lineage.ConnectFacts, Name: "x"}
	said := []string{text, tail, text[:100], tail}
	l := &factLine{}
	for i, s := range said {
		l.versions = append(l.versions, factVersion{int64(i + 1), newCodedFact(&writer{}, lineage.Fact{Key: key, Connect: &lineage.ConnectFact{Version: s}})})
	}
	var d differ
	l.retire(int64(len(said)), 0, &d)
	back, err := decodeFacts(encodeFactLines(map[lineage.FactKey]*factLine{key: l}))
	must(t, err)
	for _, line := range []*factLine{l, back[key]} {
		for i, want := range said {
			v, since, _ := line.at(int64(i + 1))
			if v == nil || v.fact.Connect.Version != want || since != int64(i+1) {
				t.Fatalf("version %d: since %d, not what was said", i, since)
			}
		}
	}
}
