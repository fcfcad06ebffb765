package work

import (
	"math/rand/v2"
	"time"
)

// Past is a graph over days: each of its edges moves records in some hours and is silent in others, as jobs do, and
// what moved in a minute is a graph of its own, with four edges to a node.
type Past struct {
	*Edges
	Days int
	End  time.Time // of the last round
}

const (
	// Round is how far rounds are apart. Each says what moved since the one before.
	Round = 10 * time.Minute
	// spell is for how long an edge moves or is silent at least.
	spell = 2 * time.Hour
	// movesIn is in how many spells an edge moves in one.
	movesIn = 20
)

// NewPast makes days that ended at the last whole spell before now.
func NewPast(edges, days int, now time.Time) *Past {
	nodes := max(64, edges/4/movesIn)
	return &Past{Edges: newEdges(edges, nodes), Days: days, End: now.Truncate(spell)}
}

// Rounds is how many rounds there are after the first one, which says what each edge has counted to at the beginning.
func (p *Past) Rounds() int { return p.Days * int(24*time.Hour/Round) }

// At is when a round ends; 0 is the first.
func (p *Past) At(round int) time.Time { return p.End.Add(-Round * time.Duration(p.Rounds()-round)) }

// Moved returns the edges that moved in a round after the first, in order.
func (p *Past) Moved(round int) []uint32 {
	at := uint64((round - 1) / int(spell/Round))
	var out []uint32
	for i := range p.List {
		x := (at<<32 | uint64(i)) * 0x9e3779b97f4a7c15 // of SplitMix64
		x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
		x = (x ^ x>>27) * 0x94d049bb133111eb
		if (x^x>>31)%movesIn == 0 {
			out = append(out, uint32(i))
		}
	}
	return out
}

// Minute is the n-th minute to ask for, by its end, and in which round it is: any of those that are sealed and held.
func (p *Past) Minute(n int) (end time.Time, round int) {
	r := rand.New(rand.NewPCG(30, uint64(n)))
	round = 1 + 24*6 + r.IntN(p.Rounds()-2*24*6)
	return p.At(round).Add(-time.Duration(r.IntN(int(Round/time.Minute))) * time.Minute), round
}

// CSRAt lays out what moved in a round, given as the numbers of edges.
func (p *Past) CSRAt(moved []uint32) *CSR {
	g := Edges{Nodes: p.Nodes, List: make([]Edge, len(moved))}
	for i, e := range moved {
		g.List[i] = p.List[e]
	}
	return g.CSR()
}

// ReachedAt is the true answer to what was downstream in a round.
func (p *Past) ReachedAt(round int) string { return ReachedOf(p.CSRAt(p.Moved(round)).Reach(Root)) }
