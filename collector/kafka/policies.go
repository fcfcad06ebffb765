package kafka

import (
	"cmp"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// readPolicies looks whether the topics in which a reader is late are compacted by now: what it passes next may have
// been written before they were, and holds no record then. The configurations of all are read far more seldom. A broker
// that does not answer leaves it as it was; beyond configChunk topics the others are looked at in the next rounds.
func (t *take) readPolicies(late map[partitionRef]bool) {
	set := map[*topic]bool{}
	for ref := range late {
		if tp := ref.topic; tp.compaction == notCompacted && tp.unseen == "" {
			set[tp] = true
		}
	}
	if len(set) == 0 || len(t.brokers) == 0 {
		return
	}
	topics := slices.Collect(maps.Keys(set))
	slices.SortFunc(topics, func(a, b *topic) int {
		return cmp.Or(a.policyRead.Compare(b.policyRead), compare(a.topic.Name, b.topic.Name))
	})
	topics = topics[:min(len(topics), configChunk)]
	req := kmsg.NewPtrDescribeConfigsRequest()
	for _, tp := range topics {
		r := kmsg.NewDescribeConfigsRequestResource()
		r.ResourceType, r.ResourceName, r.ConfigNames = kmsg.ConfigResourceTypeTopic, tp.topic.Name, []string{"cleanup.policy"}
		req.Resources = append(req.Resources, r)
	}
	ctx, cancel := t.half()
	defer cancel()
	broker := t.brokers[int(t.round.Unix())%len(t.brokers)]
	resp, err := req.RequestWith(ctx, t.client.Broker(int(broker)))
	if err != nil {
		return
	}
	for _, tp := range topics {
		tp.policyRead = t.round
	}
	for _, r := range resp.Resources {
		if tp := t.byName[r.ResourceName]; tp != nil && r.ErrorCode == 0 {
			tp.compact(policyOf(r.Configs))
		}
	}
}
