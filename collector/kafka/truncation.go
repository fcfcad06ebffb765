package kafka

import (
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/lineage"
)

// cut is a log that lost its newest records, as in an unclean election.
type cut struct {
	part     int
	from, to int64
}

// cuts are the logs that are found to be cut in a round, by topic.
type cuts map[*topic][]cut

// toEpochs asks the leaders that are new since a partition's end was last read where the records of the leader before
// end in their log: what is beyond was lost, also where so much was written since that the end did not fall. It costs
// requests only in rounds after an election.
func (c cuts) toEpochs(t *take) {
	reqs := map[int32]kmsg.Request{}
	for _, tp := range t.topics {
		perBroker := map[int32]*kmsg.OffsetForLeaderEpochRequestTopic{}
		for i := range tp.parts {
			p, leader := &tp.parts[i], tp.leaders[i]
			if leader < 0 || p.end <= 0 || p.led == 0 || tp.epochs[i]+1 <= p.led {
				continue
			}
			rt := perBroker[leader]
			if rt == nil {
				rt = &kmsg.OffsetForLeaderEpochRequestTopic{Topic: tp.topic.Name}
				perBroker[leader] = rt
			}
			rp := kmsg.NewOffsetForLeaderEpochRequestTopicPartition()
			rp.Partition, rp.CurrentLeaderEpoch, rp.LeaderEpoch = int32(i), -1, p.led-1
			rt.Partitions = append(rt.Partitions, rp)
		}
		for leader, rt := range perBroker {
			req, _ := reqs[leader].(*kmsg.OffsetForLeaderEpochRequest)
			if req == nil {
				req = kmsg.NewPtrOffsetForLeaderEpochRequest()
				req.ReplicaID = -1
				reqs[leader] = req
			}
			req.Topics = append(req.Topics, *rt)
		}
	}
	if len(reqs) == 0 {
		return
	}
	for _, a := range t.ask(reqs) {
		if a.err != nil {
			continue // a lower end tells all the same
		}
		for _, rt := range a.resp.(*kmsg.OffsetForLeaderEpochResponse).Topics {
			tp := t.byName[rt.Topic]
			for _, rp := range rt.Partitions {
				if tp != nil && rp.ErrorCode == 0 && rp.EndOffset >= 0 && rp.Partition >= 0 && int(rp.Partition) < len(tp.parts) {
					c.take(tp, int(rp.Partition), rp.EndOffset)
				}
			}
		}
	}
}

// take notes that a partition's log ends at an offset, or did before what was written since; nothing where it did not
// end beyond it before.
func (c cuts) take(tp *topic, part int, to int64) {
	if from := tp.parts[part].end; tp.cut(part, to) {
		c[tp] = append(c[tp], cut{part, from, to})
		tp.stirs++
	}
}

// believe reports whether a reading of an end is taken in. One that fell is the new leader's; without a new leader it
// may be a broker's that does not know yet that it leads no more, so it is taken when it is read again.
func (c cuts) believe(tp *topic, part int, end int64) bool {
	p := &tp.parts[part]
	low, elected := p.low-1, p.led != 0 && tp.epochs[part]+1 > p.led
	switch {
	case end >= p.end && p.low == 0:
		return true
	case end >= p.end:
		p.low = 0 // it was such a broker
		return true
	case !elected && p.low == 0:
		p.low = end + 1
		return false
	case p.low != 0:
		c.take(tp, part, min(low, end))
	default:
		c.take(tp, part, end)
	}
	p.low = 0
	return true
}

// isOlder reports whether a log is older than when it was last read, as on a disk that was put back to an earlier copy:
// no leader was elected since, and its end fell; or the elections are fewer than there were.
func (tp *topic) isOlder(part int, end int64) bool {
	p, epoch := &tp.parts[part], tp.epochs[part]+1
	return p.led != 0 && epoch != 0 && (epoch < p.led || epoch == p.led && end < p.end)
}

// putBack notes of all topics that some brokers lead that their logs may have been put back: one that has grown past
// its old end since looks like one that grew by the difference. A broker that has not heard that it leads no more looks
// the same, and costs that a minute is a bound.
func (t *take) putBack(brokers map[int32]bool) {
	if len(brokers) == 0 {
		return
	}
	for _, tp := range t.topics {
		if slices.ContainsFunc(tp.leaders, func(b int32) bool { return brokers[b] }) {
			tp.putBack = t.round
		}
	}
}

// whyFell is why a partition counts as not read when its end fell and no leader was elected.
const whyFell = "a partition's end fell without an election: it is read again before it is believed"

// tell says which records were lost.
func (c cuts) tell(t *take, o *lineage.Observation) {
	for tp, all := range c {
		slices.SortFunc(all, func(x, y cut) int { return x.part - y.part })
		n, parts := int64(0), make([]string, len(all))
		for i, x := range all {
			n += x.from - x.to
			parts[i] = fmt.Sprintf("partition %d ended at %d, and goes on at %d", x.part, x.from, x.to)
		}
		o.Events = append(o.Events, lineage.Event{
			At: t.round, Type: lineage.RecordsLost, Topic: tp.topic, Access: lineage.Access{Topic: tp.topic},
			Detail: fmt.Sprintf("%d records that had been written are gone: %s, as after an unclean leader election", n, strings.Join(parts, "; ")),
		})
	}
}
