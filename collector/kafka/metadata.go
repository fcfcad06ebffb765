package kafka

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/collector/ask"
	"github.com/lineaged/lineaged/internal/pastend"
	"github.com/lineaged/lineaged/lineage"
)

// topicGoneAfter is how many complete looks in a row must miss a topic before it counts as deleted: brokers learn of a
// creation at different times.
const topicGoneAfter = 2

// rightsCadence is how often the principal's rights are asked for.
const rightsCadence = 5 * time.Minute

// metadata asks for brokers, topics and leaders. An error means that the round cannot go on.
func (t *take) metadata() error {
	o := t.observe(sourceMetadata, t.cfg.Interval)
	ctx, cancel := t.half()
	defer cancel()
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = nil // all
	req.AllowAutoTopicCreation = false
	resp, err := req.RequestWith(ctx, t.cl)
	if err == nil {
		err = codeError(resp.ErrorCode)
	}
	if err == nil && resp.ClusterID == nil {
		err = errors.New("the broker reports no cluster id")
	}
	if err == nil {
		err = t.identify(o, resp)
	}
	if err != nil {
		err = ask.Plain(err)
		collector.MissAll(o, err.Error())
		t.unrest = t.round
		return err
	}
	t.brokers = t.brokers[:0]
	for _, b := range resp.Brokers {
		t.brokers = append(t.brokers, b.NodeID)
	}
	slices.Sort(t.brokers)
	t.rightsDue()
	t.topicsNow(o, resp.Topics)
	t.topicsGone(o)
	t.tellLeftOut(o)
	t.sawAll = t.rights.all()
	if t.visible() == 0 && t.rights.asked && !t.rights.describe {
		err := errors.New("not permitted: no topic is visible and the cluster may not be described; grant DESCRIBE on cluster, topics and groups")
		t.tellTopics(o)
		collector.MissAll(o, err.Error())
		return err
	}
	t.tellTopics(o)
	t.clusterNow(o, int(resp.ControllerID))
	t.post(resp.Brokers)
	t.sayBlind(o, slices.Concat(t.metadataSpots(), t.cfg.Board.Spots(t.cfg.Name)))
	return nil
}

// visible is how many topics are in sight.
func (s *source) visible() (n int) {
	for _, tp := range s.topics {
		if tp.unseen == "" {
			n++
		}
	}
	return n
}

// tellTopics tells the facts of the topics that changed.
func (t *take) tellTopics(o *lineage.Observation) {
	for _, tp := range t.topics {
		if !tp.factTold {
			tp.factTold = true
			o.Facts = append(o.Facts, t.topicFact(tp))
		}
	}
}

// clusterNow tells the cluster's own fact when it changed. In KRaft the controller that a broker names is any live
// broker, so it alone is no change.
func (t *take) clusterNow(o *lineage.Observation, controller int) {
	now := lineage.ClusterFact{ID: t.cluster, Brokers: len(t.brokers), Controller: controller, Topics: t.visible(), Groups: -1}
	if t.sawGroups {
		// as of the round before: not where some broker did not list its own, or where those may hide that may not be
		// described
		now.Groups = len(t.groups)
	}
	old := t.clusterFact
	old.Controller = now.Controller
	if now == old && t.clusterFact.ID != "" {
		return
	}
	t.clusterFact = now
	o.Facts = append(o.Facts, lineage.Fact{
		Key:     lineage.FactKey{Source: t.cfg.Name, Kind: lineage.ClusterFacts},
		Cluster: &now,
	})
}

// topicsNow takes in the topics that the answer names.
func (t *take) topicsNow(o *lineage.Observation, topics []kmsg.MetadataResponseTopic) {
	for _, tp := range t.topics {
		tp.absent++
	}
	moved := map[int32]int{} // leaderships lost, by the broker that had them
	t.leftOut = map[lineage.TopicID]bool{}
	for i := range topics {
		rt := &topics[i]
		if rt.Topic != nil && !t.wanted(*rt.Topic) {
			t.leftOut[lineage.TopicID(rt.TopicID)] = true
		}
		if rt.Topic == nil || rt.ErrorCode != 0 && rt.ErrorCode != kerr.LeaderNotAvailable.Code || len(rt.Partitions) == 0 || !t.wanted(*rt.Topic) {
			continue
		}
		id := lineage.TopicID(rt.TopicID)
		tp := t.topics[id]
		if old := t.retired[id]; old != nil {
			if t.byName[*rt.Topic] != nil {
				continue // a broker with old metadata: the topic was made again since
			}
			t.reinstate(old)
			tp = old
		}
		if tp == nil {
			tp = t.topicNew(o, rt)
		}
		t.found(tp)
		t.leaders(tp, rt, moved)
	}
	if len(moved) > 0 {
		var parts []string
		for b, n := range moved {
			parts = append(parts, fmt.Sprintf("%d from broker %d", n, b))
		}
		slices.Sort(parts)
		o.Events = append(o.Events, lineage.Event{At: t.round, Type: lineage.LeadersMoved, Detail: t.cfg.Name + ": partition leaders moved: " + strings.Join(parts, ", ")})
	}
}

// topicNew opens the account of a topic that is seen for the first time.
func (t *take) topicNew(o *lineage.Observation, rt *kmsg.MetadataResponseTopic) *topic {
	name, id := *rt.Topic, lineage.TopicID(rt.TopicID)
	tp := &topic{retained: lineage.Unknown, sizedAt: lineage.Unknown, account: newAccount(lineage.Topic{Cluster: t.cluster, ID: id, Name: name})}
	tp.account.epochs, tp.log = t.txnEpochs, &t.txnLog
	tp.internal = rt.IsInternal || strings.HasPrefix(name, "__")
	// What another had this name in the last round was made since, whatever may be seen.
	old := t.byName[name]
	created := t.created(name)
	born := t.continuous && (created || old != nil && old.absent == 1)
	for _, p := range rt.Partitions {
		born = born && p.LeaderEpoch <= 0
	}
	tp.widen(len(rt.Partitions), born)
	if born {
		tp.ends, tp.books, tp.born, tp.startsAt = t.before, t.before, t.round, t.round
		for i := range tp.starts {
			tp.starts[i] = 0
		}
	} else {
		tp.since = t.round
		t.slow.Soon(sourceStarts) // what it holds is known once they are
	}
	tp.dirty = true
	if old != nil || t.diedLately(name) {
		tp.reborn = t.round
	}
	if old != nil {
		t.retire(old)
		o.Events = append(o.Events, lineage.Event{At: t.round, Type: lineage.TopicRecreated, Topic: tp.topic, Detail: "topic id " + old.topic.ID.String() + " before, " + id.String() + " now"})
	} else if created && (t.continuous || t.resumed) {
		o.Events = append(o.Events, lineage.Event{At: t.round, Type: lineage.TopicCreated, Topic: tp.topic, Detail: fmt.Sprintf("%d partitions", len(rt.Partitions))})
	}
	t.topics[id], t.byName[name] = tp, tp
	return tp
}

// diedLately reports whether a topic of this name was found deleted within the last minute: then it may have had other
// lives in between.
func (t *take) diedLately(name string) bool {
	for _, tp := range t.retired {
		if tp.topic.Name == name && t.round.Sub(tp.retired) < rebornFor {
			return true
		}
	}
	return false
}

// retire takes a topic incarnation out of the books, and what its readers had on it.
func (t *take) retire(tp *topic) {
	delete(t.topics, tp.topic.ID)
	t.retired[tp.topic.ID], tp.retired = tp, t.round
	if t.byName[tp.topic.Name] == tp {
		delete(t.byName, tp.topic.Name)
	}
	t.gonePositions = append(t.gonePositions, topicKey(tp.topic.ID))
	for _, g := range t.groups {
		if g.readers[tp.topic.ID] != nil {
			t.goneReaders = append(t.goneReaders, readerKey(g.ref.Group, tp.topic.ID))
		}
	}
}

// reinstate takes a topic back that a broker wrongly did not know for a while. Its books go on where they stood.
func (t *take) reinstate(tp *topic) {
	delete(t.retired, tp.topic.ID)
	t.topics[tp.topic.ID], t.byName[tp.topic.Name] = tp, tp
	tp.factTold, tp.dirty, tp.since = false, true, t.round
	for _, g := range t.groups {
		if r := g.readers[tp.topic.ID]; r != nil {
			r.touched, g.dirty = true, true
		}
	}
}

// retiredFor is how long a deleted topic is remembered: long enough for every broker to have learned of it.
const retiredFor = time.Hour

// forgetRetired drops the topics that were deleted long ago, and what their readers had.
func (t *take) forgetRetired() {
	for id, tp := range t.retired {
		if t.round.Sub(tp.retired) < retiredFor {
			continue
		}
		delete(t.retired, id)
		for _, g := range t.groups {
			delete(g.readers, id)
		}
	}
}

// leaders takes in who leads the partitions, and partitions that were added.
func (t *take) leaders(tp *topic, rt *kmsg.MetadataResponseTopic, moved map[int32]int) {
	n := 0
	for _, p := range rt.Partitions {
		n = max(n, int(p.Partition)+1)
	}
	if n > len(tp.parts) {
		tp.startsAt = time.Time{} // the new ones' starts are to be read
		t.slow.Soon(sourceStarts)
		tp.widen(n, t.continuous)
		tp.factTold, tp.dirty = false, true
	}
	for _, p := range rt.Partitions {
		old := tp.leaders[p.Partition]
		if old >= 0 && p.Leader != old {
			moved[old]++
		}
		if old != neverTold && p.LeaderEpoch != tp.epochs[p.Partition] {
			t.unrest = t.round
		}
		tp.leaders[p.Partition], tp.epochs[p.Partition] = p.Leader, p.LeaderEpoch
	}
	if r := len(rt.Partitions[0].Replicas); r != tp.replication {
		tp.replication, tp.factTold = r, false
	}
}

// neverTold is the leader of a partition that no look has shown yet: all that is known of it is from an earlier run.
const neverTold = -2

// widen sets the number of partitions, which only grows, and makes room for what each look tells of them. A restored
// topic has that room before a look has confirmed it: the cluster may never name it again.
func (tp *topic) widen(partitions int, born bool) {
	tp.open(partitions, born)
	for len(tp.leaders) < len(tp.parts) {
		tp.leaders = append(tp.leaders, neverTold)
		tp.epochs = append(tp.epochs, -1)
		tp.histories = append(tp.histories, pastend.History{})
		tp.starts = append(tp.starts, -1)
	}
}

// topicFact describes a topic.
func (t *take) topicFact(tp *topic) lineage.Fact {
	return lineage.Fact{
		Key: lineage.FactKey{Source: t.cfg.Name, Kind: lineage.TopicFacts, Name: tp.topic.Name},
		Topic: &lineage.TopicFact{
			Topic: tp.topic, Partitions: len(tp.parts), Replication: tp.replication, Internal: tp.internal, Configs: tp.configs, Unseen: tp.unseen,
		},
	}
}

// metadataSpots are the blind spots of the topic list.
func (t *take) metadataSpots() []lineage.BlindSpot {
	spots := append(t.sightSpots(), t.twinSpots()...)
	if len(t.cfg.Include)+len(t.cfg.Exclude) > 0 {
		spots = append(spots, lineage.BlindSpot{
			What:   "topics outside the configured topics.include and topics.exclude are not watched",
			Remedy: "widen topics.include or topics.exclude of this cluster",
		})
	}
	return spots
}
