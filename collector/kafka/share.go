package kafka

import (
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/lineage"
)

// shareGroups reads the progress of share groups (KIP-932), which OffsetFetch does not know. Their progress is the end
// less the lag that the broker reports; rejected and archived records advance it too, so that it is always an estimate.
func (t *take) shareGroups(cadence time.Duration) {
	known, n := map[int32][]*group{}, 0
	for _, g := range t.groups {
		if g.share() && g.absent == 0 && g.coordinator >= 0 {
			known[g.coordinator] = append(known[g.coordinator], g)
			n++
		}
	}
	o := t.observe(sourceShare, cadence) // that there are none is seen too
	if n == 0 || t.lacks[sourceShare] {
		return
	}
	missing := groupsMissing{why: reasons{}}
	for _, a := range t.askInTurn(offsetQuestions(known, sharesChunk, shareRequest), t.cfg.Interval/sharesShare) {
		if a.err != nil && unsupported(a.err) {
			t.lacks[sourceShare] = true
			t.sayBlind(o, []lineage.BlindSpot{{
				What:   lineage.SharesNotTold + ": the brokers do not support DescribeShareGroupOffsets (KIP-932)",
				Remedy: "upgrade the brokers to Kafka 4.1 or later",
			}})
			return
		}
		if missing.answer(&a, t.round); a.err != nil {
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
	t.judge(o)
	missing.tell(o, n)
}

func shareRequest(groups []*group) kmsg.Request {
	req := kmsg.NewPtrDescribeShareGroupOffsetsRequest()
	for _, g := range groups {
		rg := kmsg.NewDescribeShareGroupOffsetsRequestGroup()
		rg.GroupID = g.ref.Group
		req.Groups = append(req.Groups, rg)
	}
	return req
}

// shared books one share group's progress.
func (t *take) shared(o *lineage.Observation, g *group, topics []kmsg.DescribeShareGroupOffsetsResponseGroupTopic, cadence time.Duration, missing *groupsMissing) {
	g.sums = nil
	whole := true
	for _, rt := range topics {
		tp := t.topics[lineage.TopicID(rt.TopicID)]
		if tp == nil {
			whole = whole && t.isLeftOut(rt.TopicID)
			continue
		}
		r := g.reader(tp, lineage.ShareOffsets)
		var commits []commit
		failed := false
		for _, p := range rt.Partitions {
			if err := codeError(p.ErrorCode); err != nil {
				missing.add(g, err.Error())
				failed = true
			} else if p.Partition >= 0 && int(p.Partition) < len(tp.parts) {
				commits = append(commits, r.shareProgress(*t.at(tp), p.Partition, p.StartOffset, p.Lag, t.stateOf(g, tp).from().IsZero(), t.cfg.Interval))
			}
		}
		if failed {
			whole = false
			continue
		}
		if !r.observe(commits, t.at(tp), t.stateOf(g, tp), t.round, t.round.Add(-cadence)) {
			missing.add(g, "end offsets are missing")
			whole = false
			continue
		}
		if r.asks {
			t.unjudged = append(t.unjudged, judging{g, r, tp, commits, t.round.Add(-cadence)})
			continue
		}
		t.tellReader(o, g, r, t.round.Add(-cadence))
	}
	g.looked(whole, t.round, t.now)
}

// shareProgress makes a share group's start offset and lag the offset up to which it has read. The start offset alone
// lags behind: a broker saves it late, and after the last member has gone not at all (measured). The broker measures
// the lag after we have read the end, so the difference is behind the truth by what was appended in between, a little
// more or less each time: the highest counts, until the start offset itself is set back. Where the first look is a
// base, what it was behind is no progress later: it is at most what the end moved until the next tick.
func (r *reader) shareProgress(tp topicAt, partition int32, start, lag int64, base bool, interval time.Duration) commit {
	c := commit{partition: partition, offset: start}
	if end, ok := tp.end(partition); ok && lag >= 0 && start >= 0 {
		c.offset = max(end-lag, start)
	}
	for int(partition) >= len(r.parts) {
		r.parts = append(r.parts, newReadPartition())
	}
	p := &r.parts[partition]
	if c.offset >= 0 && start >= p.start {
		c.offset = max(c.offset, p.committed)
	}
	p.start = start
	switch {
	case p.committed < 0 && base:
		p.based, p.basedLag = tp.now, lag
	case !p.based.IsZero():
		if top := tp.ended(partition, p.based.Add(interval*3/2)) - p.basedLag; c.offset > top {
			p.based = time.Time{}
		} else if c.offset > p.committed {
			p.committed = c.offset
		}
	}
	return c
}
