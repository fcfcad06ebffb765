package timeseries

import (
	"cmp"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/lineaged/lineaged/lineage"
)

// factOrder has the facts by kind, source and name, so that no window has to sort them. It is made when it is asked
// for, of the one before and of what came since.
type factOrder struct {
	fresh []*factLine // that came since the last went; it only grows at its end. Guarded by mu, as gone
	gone  int         // how often facts went
	is    atomic.Pointer[orderedFacts]
}

// orderedFacts is the order of all facts as of some change. It never changes.
type orderedFacts struct {
	gone, fresh int // of factOrder, then
	lines       []*factLine
	kinds       [1<<8 + 1]int // where those of each kind begin
}

// came notes a new line. It needs mu for writing.
func (o *factOrder) came(line *factLine) {
	if o.is.Load() != nil {
		o.fresh = append(o.fresh, line)
	}
}

// went notes that lines are there no more. It needs mu for writing.
func (o *factOrder) went() {
	o.gone++
	o.fresh = nil
	o.is.Store(nil)
}

// linesOf returns the lines of a kind, by source and name. It needs mu.
func (e *engine) linesOf(kind lineage.FactKind) []*factLine {
	o := e.orderedFacts()
	return o.lines[o.kinds[kind]:o.kinds[kind+1]]
}

// orderedFacts returns all lines in their order. It needs mu.
func (e *engine) orderedFacts() *orderedFacts {
	was := e.factOrder.is.Load()
	if was != nil && was.gone == e.factOrder.gone && was.fresh == len(e.factOrder.fresh) {
		return was
	}
	now := &orderedFacts{gone: e.factOrder.gone, fresh: len(e.factOrder.fresh)}
	if was != nil && was.gone == now.gone {
		fresh := slices.Clone(e.factOrder.fresh[was.fresh:])
		slices.SortFunc(fresh, compareLines)
		now.lines = merged(was.lines, fresh)
	} else {
		now.lines = make([]*factLine, 0, len(e.facts))
		for _, line := range e.facts {
			now.lines = append(now.lines, line)
		}
		slices.SortFunc(now.lines, compareLines)
	}
	for _, line := range now.lines {
		now.kinds[line.versions[0].fact.Key.Kind+1]++
	}
	for k := range len(now.kinds) - 1 {
		now.kinds[k+1] += now.kinds[k]
	}
	e.factOrder.is.Store(now)
	return now
}

// merged returns two sorted lists as one.
func merged(a, b []*factLine) []*factLine {
	out := make([]*factLine, 0, len(a)+len(b))
	for _, x := range b {
		n, _ := slices.BinarySearchFunc(a, x, compareLines)
		out, a = append(append(out, a[:n]...), x), a[n:]
	}
	return append(out, a...)
}

func compareLines(a, b *factLine) int {
	return compareFactKeys(&a.versions[0].fact.Key, &b.versions[0].fact.Key)
}

func compareFacts(a, b *lineage.DatedFact) int { return compareFactKeys(&a.Key, &b.Key) }

func compareFactKeys(a, b *lineage.FactKey) int {
	if c := cmp.Compare(a.Kind, b.Kind); c != 0 {
		return c
	}
	if c := strings.Compare(a.Source, b.Source); c != 0 {
		return c
	}
	return strings.Compare(a.Name, b.Name)
}

// factList collects facts in their order. While they are those of another list it is that one.
type factList struct {
	like []lineage.DatedFact
	most int // how many there can be
	n    int // how many of like are the same
	own  []lineage.DatedFact
}

func (l *factList) add(f *lineage.DatedFact) {
	if l.own == nil {
		if l.n < len(l.like) && sameDated(&l.like[l.n], f) {
			l.n++
			return
		}
		l.own = append(make([]lineage.DatedFact, 0, l.most), l.like[:l.n]...)
	}
	l.own = append(l.own, *f)
}

func (l *factList) done() []lineage.DatedFact {
	switch {
	case l.own != nil:
		return l.own
	case l.n == 0:
		return []lineage.DatedFact{}
	}
	return l.like[:l.n:l.n]
}

// sameDated reports whether two facts are one: they point to the same, as those do that were told once.
func sameDated(a, b *lineage.DatedFact) bool {
	if a.Before == nil || b.Before == nil {
		return a.Before == b.Before && a.Since.Equal(b.Since) && sameFact(&a.Fact, &b.Fact)
	}
	return a.Since.Equal(b.Since) && sameFact(&a.Fact, &b.Fact) && sameFact(a.Before, b.Before)
}

func sameFact(a, b *lineage.Fact) bool {
	return a.Gone == b.Gone && a.Topic == b.Topic && a.Group == b.Group && a.Cluster == b.Cluster && a.Connect == b.Connect && a.Connector == b.Connector &&
		a.Replicator == b.Replicator && a.Source == b.Source && a.Permission == b.Permission && a.Runs == b.Runs && a.Ways == b.Ways && a.Schema == b.Schema && a.Transform == b.Transform && a.Columns == b.Columns && len(a.BlindSpots) == 0 && len(b.BlindSpots) == 0 && a.Key == b.Key
}
