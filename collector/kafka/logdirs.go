package kafka

import (
	"cmp"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/collector/ask"
	"github.com/lineaged/lineaged/lineage"
)

// logDirsCadence is how often sizes on disk are read.
const logDirsCadence = time.Minute

// logDirs reads what the partitions hold on disk: of each partition the leader's replica. It also shows topics that
// metadata hides: the list of what is not permitted.
func (t *take) logDirs(cadence time.Duration) {
	reqs := map[int32]kmsg.Request{}
	for _, b := range t.brokers {
		reqs[b] = kmsg.NewPtrDescribeLogDirsRequest() // all topics
	}
	o := t.observe(sourceLogDirs, cadence)
	sizes := map[*topic]int64{}
	counted := map[*topic]int{}
	unlisted := map[string]bool{}
	failed := reasons{}
	forbidden := false
	for _, a := range t.ask(reqs) {
		if a.err != nil {
			failed.add(a.err.Error())
			continue
		}
		resp := a.resp.(*kmsg.DescribeLogDirsResponse)
		code := resp.ErrorCode
		if code != 0 || len(resp.Dirs) == 0 { // before version 3 a refusal is an empty answer
			forbidden = forbidden || ask.Denied(code) || code == 0
			if err := codeError(code); err != nil && !ask.Denied(code) {
				failed.add(err.Error())
			}
			continue
		}
		for _, dir := range resp.Dirs {
			for _, rt := range dir.Topics {
				tp := t.byName[rt.Topic]
				if tp == nil {
					if t.wanted(rt.Topic) {
						unlisted[rt.Topic] = true
					}
					continue
				}
				for _, p := range rt.Partitions {
					if int(p.Partition) < len(tp.leaders) && tp.leaders[p.Partition] == a.broker && !p.IsFuture {
						sizes[tp] += p.Size
						counted[tp]++
					}
				}
			}
		}
	}
	t.tellSizes(o, sizes, counted, failed, forbidden)
	// A topic that was just made stands on disk before it stands in the metadata that we read.
	hidden, err := t.hiddenOf(unlisted)
	if err != nil {
		o.Missing = append(o.Missing, lineage.Missing{Reason: "which topics may not be described: " + err.Error()})
	}
	t.hidden = hidden
}

func (t *take) tellSizes(o *lineage.Observation, sizes map[*topic]int64, counted map[*topic]int, failed reasons, forbidden bool) {
	missing := t.missing(max(len(t.topics), 1))
	reason := failed.String()
	if forbidden {
		reason = "not permitted"
	}
	for _, tp := range t.topics {
		if counted[tp] < len(tp.parts) {
			if !forbidden || tp.sized { // what was never to be had is a blind spot; what was is not as it was
				missing.topic(tp, cmp.Or(tp.unseen, reason))
			}
			continue
		}
		tp.sized, tp.sizedAt = true, t.holds(tp)
		o.Samples = append(o.Samples, lineage.Sample{Subject: lineage.Access{Topic: tp.topic}, Metric: lineage.LogBytes, Value: sizes[tp]})
	}
	missing.tell(o)
	var spots []lineage.BlindSpot
	if forbidden {
		spots = append(spots, lineage.BlindSpot{
			What:   "bytes: log directories may not be described, so that record sizes and bytes per second are not known",
			Remedy: "grant DESCRIBE on the cluster to lineaged's principal",
		})
	}
	t.sayBlind(o, spots)
}
