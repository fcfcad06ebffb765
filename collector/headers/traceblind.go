package headers

import (
	"slices"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

// blind says of which pairs traces can't be compared, and why.
func (t *traces) blind(books []*book) (spots []lineage.BlindSpot) {
	if t == nil {
		return nil
	}
	unread := map[string]bool{}
	for name := range t.topic {
		unread[name] = !slices.ContainsFunc(books, func(b *book) bool { return b.traced != nil && b.denied == "" && b.topic.Name == name })
	}
	var blind, doubtful, some []string
	var by [failures][]string
	for _, p := range t.pairs {
		name := p.From + " to " + p.To
		switch {
		case unread[p.From] || unread[p.To]:
			blind = append(blind, name)
		case p.isDoubtful():
			doubtful = append(doubtful, name)
		case p.often(backwards):
			some = append(some, name)
		}
		for _, f := range [...]failure{mixed, handedOn} {
			if p.often(f) {
				by[f] = append(by[f], name)
			}
		}
	}
	add := func(names []string, what, remedy string) {
		if len(names) > 0 {
			spots = append(spots, lineage.BlindSpot{What: what + collector.Some(names), Remedy: remedy})
		}
	}
	add(blind, "how long traces take where the headers of one topic are not read: ", "name both in headers.topics and in headers.records.topics, as they are called, and grant READ on them")
	add(doubtful, "how long traces take where more than one of ten seems to run backwards, so that no mean is told: ", "mend the clocks of who writes, or the direction of the pair in headers.records.traces")
	add(some, "traces that seem to run backwards and are left out of their mean, one of ten at most: ", "mend the clocks of who writes")
	add(by[mixed], "how long traces take between a topic with its producers' times and one with its brokers': ", "set message.timestamp.type alike on both")
	add(by[handedOn], "how long traces take to records that bear the time of those that they were made from, as Kafka Streams hands it on: ", "set message.timestamp.type=LogAppendTime on both topics")
	return spots
}

// often reports whether more than one of a hundred comparisons says nothing for a reason.
func (p *pair) often(f failure) bool { return p.compared >= enough && p.failed[f] > p.compared/100 }
