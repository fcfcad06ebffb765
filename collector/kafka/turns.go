package kafka

import (
	"cmp"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// This file is who is asked about in a round where not all can be: every group has its turn in bounded time, and no
// coordinator is kept busy.

const (
	// describeChunk bounds the groups of one request, and so the time that a coordinator spends on it without a pause.
	// Measured on Kafka 4.3.1: 200 groups that nobody is in take 1.1 ms.
	describeChunk = 200
	// describeMost bounds the groups that one coordinator describes in a round.
	describeMost = 25 * describeChunk
	// describeShare is the part of the interval that describing groups may keep one coordinator busy: no further chunk
	// is asked for then. One always is.
	describeShare = 10
	// freshShare is the part of a round's turns that go to groups that are new or changed before those that have waited
	// longest, which have the rest: neither starves the other.
	freshShare = 0.75
)

const (
	// offsetsChunk bounds the groups of one request for committed offsets, and offsetsParts the partitions that its
	// answer may be expected to hold: some 3 MB, so that one answer is not all or nothing.
	offsetsChunk = 5000
	offsetsParts = 100_000
	// sharesChunk is the same of share groups. Each is read through its partitions' leaders.
	sharesChunk = 200
	// sharesShare is the part of the interval that they may keep a coordinator busy.
	sharesShare = 4
)

// errPutOff is the answer to a question that was not asked in this round.
var errPutOff = errors.New("put off: the answers before it took what a round may take")

// question is a request to a coordinator about some groups.
type question struct {
	groups []*group
	req    kmsg.Request
}

// groupsAnswer is a coordinator's answer to a question. asked is false when it was put off, or its broker had failed
// before.
type groupsAnswer struct {
	brokerAnswer
	groups []*group
	asked  bool
}

// askInTurn asks each broker its questions one after another, all brokers at the same time. When a broker has been busy
// with them for longer than a budget, or fails, the rest is put off to a later round, or fails as the first did. All
// together have half of the time that is left of the round.
func (t *take) askInTurn(questions map[int32][]question, budget time.Duration) []groupsAnswer {
	ctx, cancel := t.half()
	defer cancel()
	var answers []groupsAnswer
	spans := map[int32][2]int{}
	for _, broker := range sortedKeys(questions) {
		first := len(answers)
		for _, q := range questions[broker] {
			answers = append(answers, groupsAnswer{brokerAnswer: brokerAnswer{broker: broker, req: q.req}, groups: q.groups})
		}
		spans[broker] = [2]int{first, len(answers)}
	}
	var wg sync.WaitGroup
	for _, span := range spans {
		wg.Go(func() {
			begun := time.Now()
			var failed error
			for i := span[0]; i < span[1]; i++ {
				a := &answers[i]
				switch {
				case failed != nil:
					a.err = failed
				case i > span[0] && (time.Since(begun) > budget || ctx.Err() != nil):
					a.err = errPutOff
				default:
					a.asked = true
					t.request(ctx, &a.brokerAnswer)
					if a.err != nil && !unsupported(a.err) {
						failed = a.err
					}
				}
			}
		})
	}
	wg.Wait()
	return answers
}

func sortedKeys[V any](m map[int32]V) []int32 {
	keys := make([]int32, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// describeRequests are the questions for the members of groups, by coordinator, those whose turn it is first.
func describeRequests(waiting map[int32][]*group) map[int32][]question {
	out := map[int32][]question{}
	for broker, groups := range waiting {
		out[broker] = chunked(inTurn(groups, describeMost), describeChunk, func(g *group) string { return describedBy(g.typ) })
		for i := range out[broker] {
			q := &out[broker][i]
			q.req = describeRequest(describedBy(q.groups[0].typ), q.groups)
		}
	}
	return out
}

// chunked cuts groups into questions of one kind each, in the groups' order.
func chunked(groups []*group, size int, kind func(*group) string) []question {
	var out []question
	open := map[string]int{}
	for _, g := range groups {
		i, ok := open[kind(g)]
		if !ok || len(out[i].groups) >= size {
			i = len(out)
			open[kind(g)] = i
			out = append(out, question{})
		}
		out[i].groups = append(out[i].groups, g)
	}
	return out
}

// inTurn returns at most n of the groups: first those that are new or changed, of them those with members before the
// empty ones, then those that were not asked about for longest. If not all fit, the latter have their share whatever
// there is of the former.
func inTurn(groups []*group, n int) []*group {
	oldest := func(a, b *group) int {
		return cmp.Or(a.waits.Compare(b.waits), cmp.Compare(a.rank(), b.rank()), cmp.Compare(a.ref.Group, b.ref.Group))
	}
	slices.SortFunc(groups, oldest)
	if len(groups) <= n {
		slices.SortStableFunc(groups, func(a, b *group) int { return cmp.Compare(a.rank(), b.rank()) })
		return groups
	}
	fair := groups[:n-int(freshShare*float64(n))]
	rest := slices.Clone(groups[len(fair):])
	slices.SortStableFunc(rest, func(a, b *group) int { return cmp.Compare(a.rank(), b.rank()) })
	out := append(slices.Clone(fair), rest[:n-len(fair)]...)
	slices.SortStableFunc(out, func(a, b *group) int { return cmp.Compare(a.rank(), b.rank()) })
	return out
}

// offsetQuestions are the questions for the offsets of groups, by coordinator, those first that were not asked about
// for longest.
func offsetQuestions(of map[int32][]*group, size int, request func([]*group) kmsg.Request) map[int32][]question {
	out := map[int32][]question{}
	for broker, groups := range of {
		if len(groups) > size {
			slices.SortFunc(groups, func(a, b *group) int {
				return cmp.Or(a.fetched.Compare(b.fetched), cmp.Compare(a.ref.Group, b.ref.Group))
			})
		}
		for len(groups) > 0 {
			n, parts := 0, 0
			for n < min(len(groups), size) && (n == 0 || parts+groups[n].parts() <= offsetsParts) {
				parts += groups[n].parts()
				n++
			}
			out[broker] = append(out[broker], question{groups[:n], request(groups[:n])})
			groups = groups[n:]
		}
	}
	return out
}

// parts is how many partitions the group is known to have committed to.
func (g *group) parts() int { return g.summed().parts }

// rank orders groups whose turn it is: the lowest first.
func (g *group) rank() int {
	switch {
	case g.changed && g.live():
		return 0
	case g.changed:
		return 1
	}
	return 2
}
