package kafka

import (
	"encoding/binary"
	"hash/fnv"
	"slices"

	"github.com/lineaged/lineaged/lineage"
)

// mostPlaces bounds the sets of brokers that a topic's fact names: beyond it nothing is told of where it lies. Who has
// more brokers than make so many sets for one topic keeps its replicas apart.
const mostPlaces = 1000

// placing collects where the partitions of one topic lie, in room that all topics share: in most rounds nothing has
// changed, and a sum says so.
type placing struct {
	raw  []byte
	ends []int // of each partition's part of raw
}

func (p *placing) begin() { p.raw, p.ends = p.raw[:0], p.ends[:0] }

// add takes the brokers of the next partition, four bytes each.
func (p *placing) add(brokers []byte) {
	p.raw = append(p.raw, brokers...)
	p.ends = append(p.ends, len(p.raw))
}

// sum tells apart what was collected. It is never 0.
func (p *placing) sum() uint64 {
	h := fnv.New64a()
	var n [4]byte
	from := 0
	for _, end := range p.ends {
		binary.BigEndian.PutUint32(n[:], uint32(end-from))
		_, _ = h.Write(n[:]) // it never fails
		_, _ = h.Write(p.raw[from:end])
		from = end
	}
	return h.Sum64() | 1
}

// places returns each set of brokers once, with how many partitions lie there; nil: of one that is not known.
func (p *placing) places() []lineage.Place {
	count := map[string]int{}
	from := 0
	for _, end := range p.ends {
		if end == from {
			return nil
		}
		var ids []int32
		for b := p.raw[from:end]; len(b) >= 4; b = b[4:] {
			ids = append(ids, int32(binary.BigEndian.Uint32(b)))
		}
		slices.Sort(ids)
		key := make([]byte, 0, end-from)
		for _, id := range ids {
			key = binary.BigEndian.AppendUint32(key, uint32(id))
		}
		if count[string(key)]++; len(count) > mostPlaces {
			return nil
		}
		from = end
	}
	var out []lineage.Place
	for key, n := range count {
		x := lineage.Place{Partitions: n}
		for b := []byte(key); len(b) >= 4; b = b[4:] {
			x.Brokers = append(x.Brokers, int32(binary.BigEndian.Uint32(b)))
		}
		out = append(out, x)
	}
	slices.SortFunc(out, func(a, b lineage.Place) int { return slices.Compare(a.Brokers, b.Brokers) })
	return out
}

func samePlaces(a, b []lineage.Place) bool {
	return slices.EqualFunc(a, b, func(x, y lineage.Place) bool {
		return x.Partitions == y.Partitions && slices.Equal(x.Brokers, y.Brokers)
	})
}
