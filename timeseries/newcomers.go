package timeseries

import (
	"cmp"
	"slices"

	"github.com/lineaged/lineaged/lineage"
)

// newcomer is one of whom a record tells and whom memory does not know: new, or put away.
type newcomer struct {
	access *lineage.Access // the caller's
	into   **entry         // where its entry belongs
}

// welcome gives all newcomers of a commit their entries, in the order in which they were told of. They are looked for
// in the rosters together, since in an estate of mayflies they are thousands, and a page of a roster holds some
// thousand sums. It needs commit, and not mu.
func (e *engine) welcome(news []newcomer) {
	if len(news) == 0 {
		return
	}
	if len(e.rosters) > 0 {
		e.askForAll(news)
		defer func() { e.asked = nil }()
	}
	var last *entry
	for _, x := range news {
		if last == nil || !last.is(x.access) {
			last = e.entry(x.access)
		}
		*x.into = last
	}
}

// askForAll asks all rosters for the newcomers, and brings back those who were put away, section by section: in the
// order in which they are told of, each section would be read for each of them where the cache does not hold them all.
// It needs commit, and not mu.
func (e *engine) askForAll(news []newcomer) {
	type one struct {
		access *lineage.Access
		sum    uint32
		file   int64
		part   int
	}
	var all []one
	sums := make([]uint32, 0, len(news))
	for i := range news {
		if i == 0 || *news[i].access != *news[i-1].access {
			all = append(all, one{access: news[i].access, sum: sumOf(news[i].access)})
			sums = append(sums, all[len(all)-1].sum)
		}
	}
	slices.Sort(sums)
	e.askAll(slices.Compact(sums))
	back := all[:0]
	for _, x := range all {
		if files, ok := e.asked.of(nil, x.sum); !ok || len(files) == 0 {
			continue // it is in no roster, or finds out by itself
		}
		those, err := e.holders(e.dead, x.sum) // written under commit, which we hold
		if err != nil || len(those) == 0 {
			continue
		}
		parts, err := e.partsWith(those[0], x.sum)
		if err != nil || len(parts) == 0 { // which is said where it is looked for
			continue
		}
		x.file, x.part = those[0].number, parts[0]
		back = append(back, x)
	}
	slices.SortStableFunc(back, func(a, b one) int { return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.part, b.part)) })
	for _, x := range back {
		e.entry(x.access)
	}
}

// entry returns the one entry of an access. It needs commit, and not mu.
func (e *engine) entry(a *lineage.Access) *entry {
	hash := e.entries.hash(a)
	x := e.entries.hashed(hash, a)
	if x == nil {
		if x = e.revive(a); x != nil {
			return x
		}
		x = &entry{access: *a}
		e.entries.share(x)
		e.mu.Lock()
		e.entries.putHashed(hash, x)
		e.mu.Unlock()
	}
	return x
}

// askedRosters is what all rosters say of some sums.
type askedRosters struct {
	sums  []uint32 // in order
	found []askedSum
}

type askedSum struct {
	sum  uint32
	file rosterFile
}

// of adds to files those that have a sum; ok is false where the rosters were not asked for it.
func (x *askedRosters) of(files []rosterFile, sum uint32) (all []rosterFile, ok bool) {
	if x == nil {
		return files, false
	}
	if _, ok = slices.BinarySearch(x.sums, sum); !ok {
		return files, false
	}
	i, _ := slices.BinarySearchFunc(x.found, sum, func(y askedSum, sum uint32) int { return cmp.Compare(y.sum, sum) })
	for ; i < len(x.found) && x.found[i].sum == sum; i++ {
		files = append(files, x.found[i].file)
	}
	return files, true
}

// askAll asks all rosters for some sums, which are in order. What they say is kept in asked for as long as the rosters
// are those; where one cannot be read nothing is, and each is asked for by itself, which finds out why. It needs
// commit, and not mu.
func (e *engine) askAll(sums []uint32) {
	x := &askedRosters{sums: sums}
	for _, r := range e.rosters {
		if err := e.ask(r, sums, func(sum uint32, f rosterFile) { x.found = append(x.found, askedSum{sum, f}) }); err != nil {
			return
		}
	}
	slices.SortStableFunc(x.found, func(a, b askedSum) int { return cmp.Compare(a.sum, b.sum) })
	e.asked = x
}
