package answer

import (
	"math/rand/v2"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// What is told of several times of one use, and of several uses, is no bound that the truth is beyond, however one time
// or the other is bounded.
func TestUsesOfSeveralTimesAreBounded(t *testing.T) {
	said := map[string]int{}
	for seed := range uint64(2000) {
		r := rand.New(rand.NewPCG(seed, 84))
		var sum UsageVolume
		all, of := int64(0), int64(0)
		for range 1 + r.IntN(3) {
			var u TopicUse
			truth := int64(0)
			for i := range 1 + r.IntN(3) {
				told, n := r.Int64N(9), r.Int64N(4)
				p := TopicUse{Records: &told, Evidence: []UseEvidence{{Kind: lineage.GroupOffsets, Detail: []string{"", "a comment"}[r.IntN(2)]}}}
				switch r.IntN(6) {
				case 0:
					truth += max(told-n, 0)
					p.Estimated, p.Evidence[0].Detail = true, "at most: reason"
				case 1:
					truth += told + n
					p.Estimated, p.Evidence[0].Detail = true, "at least: reason"
				case 2:
					truth += max(told+n-2, 0)
					p.Estimated, p.Evidence[0].Detail = true, "shared out"
				case 3:
					truth += n
					p.Records, p.AtLeast = nil, true
				default:
					truth += told
				}
				if p.TakeBounds(); i == 0 {
					u = p
				} else {
					u.add(&p)
				}
			}
			sum.add(&u)
			all += truth
			if u.Records == nil {
				continue
			}
			of += *u.Records
			is := lineage.BoundsOf(u.Evidence[0].Detail)
			note := func(how string, holds bool) {
				if said[how]++; !holds {
					t.Errorf("seed %d: %d are %s, in truth %d: %+v", seed, *u.Records, how, truth, u.Evidence)
				}
			}
			switch {
			case u.NoLess():
				note("no less", *u.Records <= truth)
			case !u.Estimated:
				note("exact", *u.Records == truth)
			case !u.AtLeast && is == lineage.Bounds{Most: true}:
				note("at most", *u.Records >= truth)
			default:
				note("neither", true)
			}
		}
		if sum.Records == nil {
			continue
		}
		switch {
		case sum.NoLess() && *sum.Records > all, !sum.NoLess() && !sum.Estimated && *sum.Records != all, *sum.Records != of:
			t.Errorf("seed %d: the sum is %d, %+v, in truth %d", seed, *sum.Records, sum, all)
		}
	}
	for _, how := range []string{"no less", "exact", "at most", "neither"} {
		if said[how] < 100 {
			t.Errorf("too little is said to hold the law: %v", said)
		}
	}
}
