package timeseries

import (
	"math/rand/v2"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// TestPlaceFinds asks an index for series in a row, back and forth, and at random, of those that it has and those that
// it has not.
func TestPlaceFinds(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 1))
	for range 300 {
		var p place
		there := map[seriesKey]int{}
		id := subjectID(1)
		for range r.IntN(200) {
			id += subjectID(r.IntN(3))
			k := seriesKey{Subject: id, Metric: lineage.Metric(1 + r.IntN(3)), Evidence: lineage.EvidenceKind(r.IntN(3))}
			if n := len(p.index); n > 0 && compareKeys(p.index[n-1].key, k) >= 0 {
				continue
			}
			there[k] = len(p.index)
			p.index = append(p.index, indexEntry{key: k})
		}
		k := seriesKey{}
		for range 600 {
			switch r.IntN(10) {
			case 0:
				k.Subject = subjectID(r.IntN(int(id) + 3))
			case 1:
				k.Subject -= min(k.Subject, subjectID(r.IntN(3)))
			default:
				k.Subject += subjectID(r.IntN(3))
			}
			k.Metric, k.Evidence = lineage.Metric(1+r.IntN(3)), lineage.EvidenceKind(r.IntN(3))
			got := p.find(k)
			if i, ok := there[k]; ok != (got != nil) || ok && got != &p.index[i] {
				t.Fatalf("%v of %v is %v, want %d, %t", k, p.index, got, i, ok)
			}
		}
	}
}
