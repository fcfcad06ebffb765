package answer

import (
	"slices"
	"unsafe"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// What a view holds, in bytes. Go's maps keep an eighth to a half of their places empty, so an entry of one weighs more
// than what is in it.
const (
	accessBytes = int64(unsafe.Sizeof(access{})) + graphBytes
	// whoBytes is who has an access, which views have in common.
	whoBytes = int64(unsafe.Sizeof(who{})) + 8 + filedBytes + knownBytes
	// graphBytes is an access in a graph, graphNodeBytes a node, numberBytes one on a roll.
	graphBytes     = 40
	graphNodeBytes = 4 * 4
	numberBytes    = 2*(int64(unsafe.Sizeof(lineage.Node{}))+16)*3/2 + 3*4
	// filedBytes is an access as it is filed under both ends.
	filedBytes = 2 * 8
	// knownBytes is what identity keeps of an access, a topic or a group to say who it is.
	knownBytes = 100
	rowBytes   = 3 + 2*8
	// lagBytes is a lag, with its numbers and the node that most are of.
	lagBytes    = int64(unsafe.Sizeof(GroupLag{})) + 2*8 + int64(unsafe.Sizeof(lineage.Node{}))
	seriesBytes = int64(unsafe.Sizeof(lineage.Amount{}))
	// rowColumns and seriesColumns are what the store says of each that windows have in common.
	rowColumns    = 8 + 24 + 8 + 4
	seriesColumns = 4 + 2 + 8
	factBytes     = int64(unsafe.Sizeof(lineage.DatedFact{}))
	nodeBytes     = (int64(unsafe.Sizeof(lineage.Node{})) + 8 + 48) * 3 / 2
	topicBytes    = nodeBytes + int64(unsafe.Sizeof(topicView{})) + int64(unsafe.Sizeof(incarnation{})) + knownBytes
	groupBytes    = (int64(unsafe.Sizeof(lineage.GroupRef{}))+int64(unsafe.Sizeof(lineage.Fact{})))*3/2 + knownBytes
)

// weigh estimates the bytes that some views hold, with what was loaded since they were built. What several have in
// common counts once. A test holds it against the heap.
func weigh(views ...*View) (bytes int64) {
	var commons []*common
	for _, v := range views {
		bytes += v.weight()
		if v.common == nil || !slices.Contains(commons, v.common) {
			commons = append(commons, v.common)
			bytes += v.shareable()
		}
	}
	return bytes
}

// weighRolls estimates the bytes of the rolls that some views are on.
func weighRolls(views ...*View) (bytes int64) {
	var rolls []*graph.Roll
	for _, v := range views {
		if !slices.Contains(rolls, v.roll) {
			rolls = append(rolls, v.roll)
			bytes += int64(v.roll.Len()) * numberBytes
		}
	}
	return bytes
}

// weight is what the view holds that no other does.
func (v *View) weight() int64 {
	n, rows, series := int64(len(v.accesses)), int64(v.held.Rows.Len()), int64(v.held.Series.Len())
	w := int64(cap(v.accesses))*accessBytes + rows*rowBytes + series*seriesBytes
	if v.common != nil && !isOne(v.common.facts, v.held.Facts) {
		w += int64(len(v.held.Facts)) * factBytes
	}
	if _, ok := v.levels.loaded(); ok {
		w += series * int64(unsafe.Sizeof(lineage.Level{}))
	}
	if is, ok := v.lags.loaded(); ok {
		w += int64(cap(is.byGroup)+cap(is.byTopic)) * lagBytes
	}
	if _, ok := v.lastMoved.loaded(); ok {
		w += n * 24
	}
	return w + v.graphs.weight() + v.compared.weight() + v.timelines.weight()
}

// shareable is what it holds that others have too, if it has that in common with any.
func (v *View) shareable() int64 {
	rows, series := int64(v.held.Rows.Len()), int64(v.held.Series.Len())
	return int64(cap(v.accesses))*whoBytes + rows*rowColumns + series*seriesColumns + int64(len(v.held.Facts))*factBytes +
		int64(len(v.ends)+len(v.datasets))*nodeBytes + int64(len(v.topics))*topicBytes + int64(len(v.groups))*groupBytes
}
