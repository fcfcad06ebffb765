package timeseries

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// told files a series as if it were new, and returns it.
func (l *ledgers) told(topic string, c lineage.Client, m lineage.Metric) *series {
	a := lineage.Access{Topic: lineage.Topic{Cluster: "W", Name: topic}, Op: lineage.Write, Client: c}
	s := &series{key: seriesKey{Metric: m}, subject: &subject{entry: &entry{access: a}}}
	l.enter(s)
	return s
}

// settledAnew returns the topics of which a link has all to be settled.
func (l *ledgers) settledAnew(link *series) (out []string) {
	clear(l.late)
	l.markLinked(&link.subject.entry.access)
	for x := range l.late {
		out = append(out, x.topic.Name)
	}
	slices.Sort(out)
	return out
}

// TestALinkConcerns tells links between a few ids, and who writes and claims, in any order: a link concerns the topics
// with claims from whose writers other links lead to it, and no others.
func TestALinkConcerns(t *testing.T) {
	t.Parallel()
	client := func(r *rand.Rand) (c lineage.Client) {
		for c == (lineage.Client{}) {
			if r.IntN(2) == 0 {
				c.Producer = lineage.KnownProducer(r.Int64N(4))
			}
			if r.IntN(3) == 0 {
				c.TransactionalID = fmt.Sprint("t", r.IntN(3))
			}
			if r.IntN(3) == 0 {
				c.ClientID = fmt.Sprint("c", r.IntN(3))
			}
		}
		return c
	}
	some, none := 0, 0
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 7))
		l := newLedgers()
		l.closed = 1 // so that what holds for all of the past is late
		var links []*series
		for range 1 + r.IntN(25) {
			m := [...]lineage.Metric{lineage.Records, lineage.Records, lineage.Claimed, lineage.Left}[r.IntN(4)]
			if r.IntN(3) == 0 {
				links = append(links, l.told("", client(r), lineage.Linked))
			} else if topic := fmt.Sprint("topic-", r.IntN(5)); m == lineage.Left {
				l.told(topic, lineage.Client{}, m)
			} else {
				l.told(topic, client(r), m)
			}
		}
		for _, link := range links {
			var want []string
			for _, x := range l.of {
				if x.claims && slices.Contains(l.linksOf(x.told), link) {
					want = append(want, x.topic.Name)
				}
			}
			slices.Sort(want)
			if got := l.settledAnew(link); !slices.Equal(got, want) {
				t.Fatalf("seed %d: a link of %+v has %v settled anew, want %v", seed, link.subject.entry.access.Client, got, want)
			}
			if len(want) > 0 {
				some++
			} else {
				none++
			}
		}
	}
	if some < 100 || none < 100 {
		t.Errorf("%d links concern a topic, %d concern none", some, none)
	}
}

// TestALinkCostsWhatItConcerns has a link come to few topics and to many, of which it concerns one: it allocates as
// much.
func TestALinkCostsWhatItConcerns(t *testing.T) {
	cost := func(topics int) float64 {
		l := newLedgers()
		for i := range topics {
			name := fmt.Sprint("topic-", i)
			l.told(name, lineage.Client{Producer: lineage.KnownProducer(int64(i))}, lineage.Records)
			l.told(name, lineage.Client{ClientID: fmt.Sprint("client-", i)}, lineage.Claimed)
		}
		link := l.told("", lineage.Client{Producer: lineage.KnownProducer(3), ClientID: "client-3"}, lineage.Linked)
		return testing.AllocsPerRun(10, func() { l.markLinked(&link.subject.entry.access) })
	}
	if few, many := cost(10), cost(1000); many > few+2 {
		t.Errorf("a link takes %.0f allocations among 1,000 topics, %.0f among 10", many, few)
	}
}
