package timeseries

import (
	"github.com/RoaringBitmap/roaring/v2"

	"github.com/lineaged/lineaged/lineage"
)

// note marks what the advance of a series says.
func (m *marks) note(k seriesKey) {
	m.move(uint32(k.Subject))
	if k.Evidence != lineage.NoEvidence {
		m.see(k.Evidence, uint32(k.Subject))
	}
}

// noted is what many advances say, best in the order of subjects: to be marked at once.
type noted struct {
	moved []uint32
	seen  [maxEvidence][]uint32
}

// note takes what the advance of a series says.
func (n *noted) note(k seriesKey) {
	n.moved = append(n.moved, uint32(k.Subject))
	if k.Evidence != lineage.NoEvidence {
		n.seen[k.Evidence] = append(n.seen[k.Evidence], uint32(k.Subject))
	}
}

// forget keeps the room alone.
func (n *noted) forget() {
	n.moved = n.moved[:0]
	for k := range n.seen {
		n.seen[k] = n.seen[k][:0]
	}
}

// take marks what was noted.
func (m *marks) take(n *noted) {
	add := func(to *roaring.Bitmap, ids []uint32) *roaring.Bitmap {
		if to == nil && len(ids) > 0 {
			to = roaring.New()
		}
		if len(ids) > 0 {
			to.AddMany(ids)
		}
		return to
	}
	m.moved = add(m.moved, n.moved)
	for k, ids := range n.seen {
		m.seen[k] = add(m.seen[k], ids)
	}
}
