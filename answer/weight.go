package answer

import (
	"unsafe"

	"github.com/lineaged/lineaged/lineage"
)

// What a view holds, in bytes. Go's maps keep an eighth to a half of their places empty, so an entry of one weighs more
// than what is in it.
const (
	accessBytes = int64(unsafe.Sizeof(access{})) + filedBytes + knownBytes + graphBytes
	// graphBytes is an access in a graph, graphNodeBytes a node, numberBytes one on a roll.
	graphBytes     = 40
	graphNodeBytes = 4 * 4
	numberBytes    = 2*(int64(unsafe.Sizeof(lineage.Node{}))+16)*3/2 + 3*4
	// filedBytes is an access as it is filed under both ends.
	filedBytes = 2 * 8
	// knownBytes is what identity keeps of an access, a topic or a group to say who it is.
	knownBytes  = 100
	rowBytes    = 8 + 24 + 3 + 2*8 + 4
	seriesBytes = 4 + 2 + int64(unsafe.Sizeof(lineage.Amount{})) + 8
	factBytes   = int64(unsafe.Sizeof(lineage.DatedFact{}))
	nodeBytes   = (int64(unsafe.Sizeof(lineage.Node{})) + 8 + 48) * 3 / 2
	topicBytes  = nodeBytes + int64(unsafe.Sizeof(topicView{})) + int64(unsafe.Sizeof(incarnation{})) + knownBytes
	groupBytes  = (int64(unsafe.Sizeof(lineage.GroupRef{}))+int64(unsafe.Sizeof(lineage.Fact{})))*3/2 + knownBytes
)

// weight estimates the bytes that the view holds, with what was loaded since it was built. A test holds it against the
// heap.
func (v *View) weight() int64 {
	n, rows, series := int64(len(v.accesses)), int64(v.held.Rows.Len()), int64(v.held.Series.Len())
	w := int64(cap(v.accesses))*accessBytes + rows*rowBytes + series*seriesBytes + int64(len(v.held.Facts))*factBytes +
		int64(len(v.ends)+len(v.datasets))*nodeBytes +
		int64(len(v.topics))*topicBytes + int64(len(v.groups))*groupBytes
	if _, ok := v.levels.loaded(); ok {
		w += series * int64(unsafe.Sizeof(lineage.Level{}))
	}
	if _, ok := v.lastMoved.loaded(); ok {
		w += n * 24
	}
	return w + v.graphs.weight() + v.compared.weight()
}
