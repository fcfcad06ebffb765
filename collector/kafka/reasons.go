package kafka

import "strings"

// Why a writer's count is a bound, in the words of its evidence's detail.
const (
	whyBase  = "at most: records of writers that are counted elsewhere may be among these, written while the watch began"
	whyEarly = "at most: it wrote as the watch began, and another's records of that moment may be among these"
	// whyFirst is of a producer id on a partition that is older than the watch.
	whyFirst = "at most: first seen since the watch began, and what its sequence counted before it may be among these"
	whyPast  = "at most: what the topic grew by; its sequence counts more, written before it was seen, so that another's records may be among these"
	whyBack  = "at least: what it wrote while the broker did not list it is in what nobody accounts for"
	// whyAgain is of such a producer too, in the step in which it is listed again.
	whyAgain = "at most: what it wrote while the broker did not list it is counted here, and another's records may be among these"
	// whyUnlisted is of a producer that is listed for the first time, after a time in which nobody looked.
	whyUnlisted  = "at least: what it wrote and the broker forgot before anybody looked is in what nobody accounts for"
	whyForgotten = "at most: producers that the broker forgot before anybody looked may have written some of these"
	whyRest      = "at least: a producer that was first seen may have been counted too many of these"
	whyEpoch     = "at least: its epoch rose, and what it wrote at the end of the one before is not counted by its sequence"
	whyTail      = "at most: the last records of a counted producer whose epoch rose may be among these"

	whyTransactional = "at most: its sequences do not count its records, so these are what the topic grew by less the markers that there are at the least; other markers, and records of writers without idempotence, may be among them"
	whyContested     = "at most: a connector or replicator that leaves no count writes the topic too, and its records may be among these"
	whyInstances     = "shared out by transactions: several instances of the application wrote to a partition at once, together at most these, records of writers without idempotence perhaps among them"
	whySeveral       = "shared out by transactions: several transactional producers wrote to a partition at once, together at most these, records of writers without idempotence perhaps among them"
	whyOthers        = "shared out: a producer whose sequence is older than the watch wrote to the partition too, together at most these"
	whyMarkers       = "at most: markers of transactions may be among these"
	whyFewMarkers    = "at least: as many as could be were taken for markers of transactions"
	whyHidden        = "at least: what these wrote at once with a producer whose count is a bound may be in that one's"
	whyNeither       = "neither at most nor at least: markers and records of others may be among these, and what these wrote at once with a producer whose count is a bound may be in that one's"
	whyUnled         = "at least: some partitions could not be read"
)

// both joins two reasons.
func both(a, b string) string {
	switch {
	case a == "" || strings.Contains(b, a):
		return b
	case b == "" || strings.Contains(a, b):
		return a
	}
	return a + "; " + b
}
