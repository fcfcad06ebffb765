package kafka

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

// This file tells the other sources of the process what only this one knows.

// post puts the cluster on the board: under which id and addresses it is known, and which topics it has.
func (t *take) post(brokers []kmsg.MetadataResponseBroker) {
	if t.cfg.Board == nil {
		return
	}
	same := len(t.posted) == len(t.byName)
	for _, name := range t.posted {
		tp := t.byName[name]
		same = same && tp != nil && tp.topic.ID == t.postedIDs[name]
	}
	if !same {
		names, ids := make([]string, 0, len(t.byName)), make(map[string]lineage.TopicID, len(t.byName))
		for name, tp := range t.byName {
			names = append(names, name)
			ids[name] = tp.topic.ID
		}
		slices.Sort(names)
		t.posted, t.postedIDs = names, ids
	}
	t.cfg.Board.SetCluster(collector.Watched{
		Source: t.cfg.Name, ID: t.cluster, Reported: collector.Unqualified(t.cfg.Name, t.cluster), Bootstrap: t.cfg.Brokers, Advertised: advertised(brokers), Listeners: t.otherListeners(), Size: len(t.brokers), Topics: t.posted, IDs: t.postedIDs, Names: t.subjectNames(),
	})
}

// endsOf returns where a topic ends; nowhere when there is no such topic.
func (s *source) endsOf(name string) collector.Ends {
	tp := s.byName[name]
	if tp == nil || tp.unseen != "" {
		return collector.Ends{}
	}
	ends := collector.Ends{Offsets: make([]int64, len(tp.parts)), Transactional: tp.hasMarkers(), Compacted: tp.compaction != notCompacted, Starts: slices.Clone(tp.starts), StartsAt: tp.startsAt}
	ends.Epochs = slices.Clone(tp.epochs)
	for i := range tp.parts {
		if ends.Offsets[i] = tp.parts[i].end; !tp.parts[i].fresh {
			ends.Offsets[i] = -1 // as it was read before, it is not as of this round
		}
	}
	return ends
}
