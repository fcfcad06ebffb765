package answer

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// This file says when what nobody reads any more begins to be deleted unread.

// RetentionLimit is what deletes records first.
type RetentionLimit uint8

// The limits.
const (
	LimitTime RetentionLimit = iota + 1
	LimitSize
	LimitNever
	LimitUnknown
)

// RetentionRisk is a reader that reads no more from a topic that is still there.
type RetentionRisk struct {
	Flow    lineage.Flow
	Blocked bool // it is not lost itself: it writes into what is
	Waiting *int64
	// After is in how many seconds the oldest record that it has not read may be deleted, at the soonest; nil: By says
	// that it never is, or that it can't be told. Why says what it rests on.
	After *float64
	By    RetentionLimit
	Rate  *float64 // records a second that go into the topic; nil: not known
	Why   string
}

// findRetention finds who reads no more what is still there: who is lost, and who writes into what is lost.
func (q *losing) findRetention(ctx context.Context) error {
	v := q.v
	rate, err := v.valueOf(ctx, RecordsIn)
	if err != nil {
		return err
	}
	stopped := map[lineage.Node]bool{} // and whether it is only blocked
	for _, n := range q.order {
		if n.Kind != lineage.TopicNode && n.Kind != lineage.DatasetNode {
			stopped[n] = false
			continue
		}
		for e := range q.s.In(n) {
			if who := e.Flow.From; e.State == graph.Active && q.lost[who] == nil && q.lost[n].Partitions == 0 {
				stopped[who] = true
			}
		}
	}
	for n, blocked := range stopped {
		if q.gone() {
			return ctx.Err()
		}
		for _, of := range v.byFlow(v.reading(n)) {
			if t := v.topics[of.flow.From]; t != nil && q.lost[of.flow.From] == nil && !t.gone && !t.internal {
				if r := q.riskOf(t, of, rate(t.node)); r != nil {
					r.Blocked = blocked
					q.out.Retention = append(q.out.Retention, *r)
				}
			}
		}
	}
	slices.SortFunc(q.out.Retention, func(a, b RetentionRisk) int {
		return cmp.Or(cmp.Compare(a.soon(), b.soon()), cmp.Compare(b.By, a.By), compareFlows(a.Flow, b.Flow))
	})
	return nil
}

// soon is when it begins, for the order: after all that is known comes what is not, then what never begins.
func (r *RetentionRisk) soon() float64 {
	switch {
	case r.After != nil:
		return *r.After
	case r.By == LimitUnknown:
		return math.MaxFloat64
	}
	return math.Inf(1)
}

// reading returns what a program reads that both ends are still there of.
func (v *View) reading(n lineage.Node) (out []int32) {
	if end := v.ends[n]; end != nil {
		for _, i := range end.reads {
			if x := &v.accesses[i]; !x.left && v.endsExist(x) {
				out = append(out, i)
			}
		}
	}
	return out
}

// riskOf says when a topic begins to delete what one does not read any more; nil: nothing waits, and nothing will.
func (q *losing) riskOf(t *topicView, of flowAccesses, rate *float64) *RetentionRisk {
	b := q.v.behind(q.ls, of.accesses)
	r := &RetentionRisk{Flow: of.flow, Waiting: b.records, By: LimitUnknown, Rate: rate}
	if wholly, is := q.starved[t.node]; is && wholly != nil && *wholly {
		r.Rate = new(float64) // what it gets now ends
	}
	if r.Rate != nil && *r.Rate == 0 && b.records != nil && *b.records == 0 {
		return nil
	}
	limits, why := t.limits()
	if limits.never() {
		r.By, r.Why = LimitNever, why
		return r
	}
	byTime, words := timeLeft(limits, b)
	bySize, sizeWords := q.sizeLeft(t, limits, b, r.Rate)
	switch {
	case byTime != nil && (bySize == nil || *byTime <= *bySize):
		r.After, r.By, r.Why = byTime, LimitTime, words
		if bySize == nil && sizeWords != "" {
			r.Why += "; " + sizeWords + ", so that it may be sooner"
		}
	case bySize != nil:
		r.After, r.By, r.Why = bySize, LimitSize, sizeWords
		if byTime == nil && words != "" {
			r.Why += "; " + words + ", so that it may be sooner"
		}
	default:
		r.Why = strings.Join(slices.DeleteFunc([]string{words, sizeWords, why}, func(s string) bool { return s == "" }), "; ")
	}
	return r
}

// limits are what deletes a topic's records; nil: not observed.
type limits struct {
	deletes       *bool // cleanup.policy has delete
	millis, bytes *int64
}

// never reports whether it is known that nothing is deleted for its age or the size of all.
func (l limits) never() bool {
	return l.deletes != nil && !*l.deletes || l.millis != nil && *l.millis < 0 && l.bytes != nil && *l.bytes < 0
}

// limits returns a topic's limits: what holds, whoever set it, else what is set on the topic itself.
func (t *topicView) limits() (l limits, why string) {
	if t.fact == nil {
		return l, "its configuration was not observed"
	}
	if r := t.fact.Retention; r != nil {
		l = limits{new(strings.Contains(r.Policy, "delete")), &r.Millis, &r.Bytes}
		return l, fmt.Sprintf("cleanup.policy %s, retention.ms %d, retention.bytes %d", r.Policy, r.Millis, r.Bytes)
	}
	var set []string
	number := func(name string) *int64 {
		text, ok := t.config(name)
		n, err := strconv.ParseInt(text, 10, 64)
		if !ok || err != nil {
			return nil
		}
		set = append(set, name+" "+text)
		return &n
	}
	if policy, ok := t.config("cleanup.policy"); ok {
		l.deletes, set = new(strings.Contains(policy, "delete")), append(set, "cleanup.policy "+policy)
	}
	l.millis, l.bytes = number("retention.ms"), number("retention.bytes")
	if len(set) == 0 {
		return l, "retention is the brokers' default, which was not observed"
	}
	return l, strings.Join(set, ", ")
}

// timeLeft returns after how many seconds the oldest record that waits is older than may be: of a reader that has read
// all, the one that is written next.
func timeLeft(l limits, b behind) (*float64, string) {
	switch {
	case l.millis == nil:
		return nil, "retention.ms was not observed"
	case *l.millis < 0:
		return nil, ""
	case b.records == nil:
		return nil, "how far it is behind is not known"
	}
	kept := float64(*l.millis) / 1000
	switch {
	case *b.records == 0:
		return &kept, fmt.Sprintf("retention.ms %d, of what is written next", *l.millis)
	case b.seconds == nil:
		return nil, "how long the oldest record has waited is not known"
	}
	left := max(0, kept-*b.seconds)
	words := fmt.Sprintf("retention.ms %d, and the oldest record has waited for %.0f s", *l.millis, *b.seconds)
	if b.atLeast {
		words += " at least, so that it may be sooner"
	}
	return &left, words
}

// sizeLeft returns after how many seconds a partition holds more behind the oldest record that waits than it may, if
// all partitions are written alike.
func (q *losing) sizeLeft(t *topicView, l limits, b behind, rate *float64) (*float64, string) {
	switch {
	case l.bytes == nil:
		return nil, "retention.bytes was not observed"
	case *l.bytes < 0:
		return nil, ""
	case b.records == nil || rate == nil:
		return nil, "how much waits and is written is not known, by which retention.bytes deletes"
	case *rate <= 0:
		return nil, ""
	}
	s, ok := t.current()
	size := 0.0
	if ok {
		size, ok = q.ls.recordSize(s.row)
	}
	if !ok || size <= 0 || t.fact == nil || t.fact.Partitions == 0 {
		return nil, "the size of its records is not known, by which retention.bytes deletes"
	}
	room := float64(*l.bytes)*float64(t.fact.Partitions) - float64(*b.records)*size
	left := max(0, room/(*rate*size))
	return &left, fmt.Sprintf("retention.bytes %d of each of %d partitions, if all are written alike, at %.1f records of %.0f bytes a second", *l.bytes, t.fact.Partitions, *rate, size)
}
