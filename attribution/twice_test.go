package attribution

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// A writer may be given records of one step by several claims, each for a reason of its own, and claims overlap. What
// is said is said by tick, of each step in one word, which is as sure as the sum, in whatever order the claims are.
func TestSeveralReasonsInOneStep(t *testing.T) {
	const least, most = "at least: a", "at most: b"
	for name, f := range map[string]struct {
		whys []string
		want string // is in the word
		is   lineage.Bounds
	}{
		"one":                              {[]string{most}, most, lineage.Bounds{Most: true}},
		"the same twice":                   {[]string{most, most}, most, lineage.Bounds{Most: true}},
		"two for one bound":                {[]string{whyTail, most}, "at most", lineage.Bounds{Most: true}},
		"bounded otherwise":                {[]string{least, most}, "of another part", lineage.Bounds{Most: true, Least: true}},
		"a bound, and shared out":          {[]string{most, whySpread}, most, lineage.Bounds{Most: true, Least: true}},
		"no bound at all, and shared out":  {[]string{whyCapped, whySpread}, whyCapped, lineage.Bounds{Most: true, Least: true}},
		"three, of which two are the same": {[]string{most, least, most}, least, lineage.Bounds{Most: true, Least: true}},
	} {
		var first []lineage.Word
		for seed := range uint64(6) {
			words := []lineage.Word{{At: 9, Text: whySpread}, {At: 2, Text: least}}
			for _, why := range f.whys {
				words = append(words, lineage.Word{At: 5, Text: why})
			}
			rand.New(rand.NewPCG(seed, 1)).Shuffle(len(words), func(i, j int) { words[i], words[j] = words[j], words[i] })
			got := wordPerStep(words)
			if len(got) != 3 || got[0].At != 2 || got[1].At != 5 || got[2].At != 9 || !strings.Contains(got[1].Text, f.want) || lineage.BoundsOf(got[1].Text) != f.is {
				t.Errorf("%s: %+v, want one word of each step, and of 5 one that has %q", name, got, f.want)
			}
			if first == nil {
				first = slices.Clone(got)
			}
			if !slices.Equal(first, got) {
				t.Errorf("%s: %+v in one order, %+v in another", name, first, got)
			}
		}
	}
}
