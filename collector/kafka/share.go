package kafka

import (
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/lineage"
)

// shareGroups reads the progress of share groups (KIP-932), which OffsetFetch does not know. Their progress is the end less the lag that the broker reports; rejected and archived records
// advance it too, so that it is always an estimate.
func (t *take) shareGroups(cadence time.Duration) {
	reqs := map[int32]kmsg.Request{}
	n := 0
	for _, g := range t.groups {
		if !g.share() || g.absent > 0 || g.coordinator < 0 {
			continue
		}
		n++
		req, _ := reqs[g.coordinator].(*kmsg.DescribeShareGroupOffsetsRequest)
		if req == nil {
			req = kmsg.NewPtrDescribeShareGroupOffsetsRequest()
			reqs[g.coordinator] = req
		}
		rg := kmsg.NewDescribeShareGroupOffsetsRequestGroup()
		rg.GroupID = g.ref.Group
		req.Groups = append(req.Groups, rg)
	}
	o := t.observe(sourceShare, cadence) // that there are none is seen too
	if n == 0 || t.lacks[sourceShare] {
		return
	}
	missing := groupsMissing{reasons{}, nil}
	for _, a := range t.ask(reqs) {
		if a.err != nil && unsupported(a.err) {
			t.lacks[sourceShare] = true
			t.sayBlind(o, []lineage.BlindSpot{{
				What:   "the progress of share groups: the brokers do not support DescribeShareGroupOffsets (KIP-932)",
				Remedy: "upgrade the brokers to Kafka 4.1 or later",
			}})
			return
		}
		if a.err != nil {
			for _, rg := range a.req.(*kmsg.DescribeShareGroupOffsetsRequest).Groups {
				missing.add(t.groups[rg.GroupID], a.err.Error())
			}
			continue
		}
		for _, rg := range a.resp.(*kmsg.DescribeShareGroupOffsetsResponse).Groups {
			g := t.groups[rg.GroupID]
			if err := codeError(rg.ErrorCode); err != nil {
				missing.add(g, err.Error())
			} else if g != nil {
				t.shared(o, g, rg.Topics, cadence, &missing)
			}
		}
	}
	missing.tell(o, n)
}

// shared books one share group's progress.
func (t *take) shared(o *lineage.Observation, g *group, topics []kmsg.DescribeShareGroupOffsetsResponseGroupTopic, cadence time.Duration, missing *groupsMissing) {
	for _, rt := range topics {
		tp := t.topics[lineage.TopicID(rt.TopicID)]
		if tp == nil {
			continue
		}
		var commits []commit
		for _, p := range rt.Partitions {
			if p.ErrorCode != 0 || p.Partition < 0 || int(p.Partition) >= len(tp.parts) {
				continue
			}
			c := commit{partition: p.Partition, offset: p.StartOffset}
			if end, ok := tp.end(p.Partition); ok && p.Lag >= 0 && p.StartOffset >= 0 {
				c.offset = max(end-p.Lag, 0)
			}
			commits = append(commits, c)
		}
		r := g.reader(tp, lineage.ShareOffsets)
		if !r.observe(commits, topicAt{tp, t.round}, groupState{live: g.live(), wasLive: g.wasLive, joined: g.joined}, t.round) {
			missing.add(g, "end offsets are missing")
			continue
		}
		o.Samples = append(o.Samples, r.tell(t.round, t.round.Add(-cadence))...)
		g.dirty = g.dirty || r.touched
	}
}
