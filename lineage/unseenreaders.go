package lineage

import (
	"slices"
	"strings"
)

// What blind spots say where readers can't be seen whom a broker would tell of. Who says that something is read by
// nobody has to know: see HidesReaders.
const (
	GroupsNotListed  = "groups that may not be described are not listed"
	GroupsOutOfSight = "groups are no longer visible"
	CommitsNotRead   = "groups have committed may not be read"
	MembersNotTold   = "groups: the brokers can't describe them"
	SharesNotTold    = "the progress of share groups"
	TopicsOutOfSight = "topics and groups that lineaged may not describe are invisible"
)

// HidesReaders reports whether a blind spot hides readers whom the broker would tell of, were lineaged let to ask it.
// Those who leave no trace in any broker are hidden always, and are not meant.
func (b *BlindSpot) HidesReaders() bool {
	return slices.ContainsFunc([]string{
		GroupsNotListed, GroupsOutOfSight, CommitsNotRead, MembersNotTold, SharesNotTold, TopicsOutOfSight,
	}, func(what string) bool { return strings.Contains(b.What, what) })
}
