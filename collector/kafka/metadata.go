package kafka

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/collector/ask"
	"github.com/lineaged/lineaged/collector/wire"
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
	resp, err := t.askMetadata(ctx)
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
	t.topicsNow(o, resp.Walk())
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

// askMetadata asks for all topics. The client learns of brokers by its own questions only, so where there are others it
// is made to ask: for no topic, and of whichever broker it likes, whose answer is compared with the next one.
func (t *take) askMetadata(ctx context.Context) (*wire.Metadata, error) {
	answer, err := t.cl.Request(ctx, &wire.MetadataRequest{})
	if err != nil {
		return nil, err
	}
	resp := answer.(*wire.Metadata)
	slices.SortFunc(resp.Brokers, func(a, b kmsg.MetadataResponseBroker) int { return cmp.Compare(a.NodeID, b.NodeID) })
	err = codeError(resp.ErrorCode)
	if err == nil && slices.EqualFunc(t.reached, resp.Brokers, sameBroker) {
		return resp, nil
	}
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{} // none; nil would be all
	t.reached = nil
	if about, failed := req.RequestWith(ctx, t.cl); failed == nil {
		t.reached = about.Brokers // which the client has sorted
	}
	return resp, err
}

func sameBroker(a, b kmsg.MetadataResponseBroker) bool {
	return a.NodeID == b.NodeID && a.Host == b.Host && a.Port == b.Port
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

// topicsNow takes in the topics that the answer names. Of a topic that is known nothing is made anew, and nothing is
// touched but what has changed.
func (t *take) topicsNow(o *lineage.Observation, w wire.MetadataWalk) {
	for _, tp := range t.topics {
		tp.absent++
	}
	moved := map[int32]int{} // leaderships lost, by the broker that had them
	t.leftOut, t.leftBefore = t.leftBefore, t.leftOut
	clear(t.leftOut)
	var gaps []lineage.Topic
	unknown := 0 // of these
	defer func() { t.missGaps(o, gaps, unknown) }()
	for w.Topic() {
		id := lineage.TopicID(w.ID)
		tp := t.topics[id]
		if w.Name == nil || tp == nil && t.leaves(id, w.Name) {
			continue
		}
		if w.Code != 0 && w.Code != kerr.LeaderNotAvailable.Code || w.Partitions == 0 {
			continue
		}
		if w.Gaps {
			gaps = append(gaps, lineage.Topic{Cluster: t.cluster, ID: id, Name: string(w.Name)})
			if tp != nil {
				t.found(tp)
			} else {
				unknown++
			}
			continue
		}
		if old := t.retired[id]; old != nil {
			if t.byName[string(w.Name)] != nil {
				continue // a broker with old metadata: the topic was made again since
			}
			t.reinstate(old)
			tp = old
		}
		if tp == nil {
			tp = t.topicNew(o, w)
		}
		t.found(tp)
		t.leaders(tp, &w, moved)
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

// missGaps says of which topics the brokers named some partitions and left out others before them: what they are made
// of is not known, and nothing of them is taken in.
func (t *take) missGaps(o *lineage.Observation, topics []lineage.Topic, unknown int) {
	if len(topics) == 0 {
		return
	}
	o.Missing = append(o.Missing, lineage.Missing{
		Reason: "the cluster named partitions of topics, and left out others before them",
		Share:  float64(len(topics)) / float64(unknown+len(t.topics)), Topics: topics,
	})
}

// leaves reports whether the configuration leaves a topic out, and notes that it does, as it did when it was named
// last.
func (t *take) leaves(id lineage.TopicID, name []byte) bool {
	was, left := t.leftBefore[id]
	if !left || was != string(name) {
		if was = string(name); t.wanted(was) {
			return false
		}
	}
	t.leftOut[id] = was
	return true
}

// isLeftOut reports whether the newest metadata had a topic that the configuration leaves out.
func (s *source) isLeftOut(id lineage.TopicID) bool {
	_, left := s.leftOut[id]
	return left
}

// topicNew opens the account of a topic that is seen for the first time. w stands at it, and its partitions are passed
// in a copy.
func (t *take) topicNew(o *lineage.Observation, w wire.MetadataWalk) *topic {
	name, id := string(w.Name), lineage.TopicID(w.ID)
	tp := &topic{retained: lineage.Unknown, sizedAt: lineage.Unknown, account: newAccount(lineage.Topic{Cluster: t.cluster, ID: id, Name: name})}
	tp.account.epochs, tp.log = t.txnEpochs, &t.txnLog
	tp.internal = w.Internal || strings.HasPrefix(name, "__")
	// What another had this name in the last round was made since, whatever may be seen.
	old := t.byName[name]
	created := t.created(name)
	before, looked := t.lookBefore()
	born := looked && (created || old != nil && old.absent == 1 && (t.continuous || old.whole))
	for w.Partition() {
		born = born && w.Epoch <= 0
	}
	tp.widen(w.Partitions, born)
	if born {
		tp.seenSince(0, before)
		tp.ends, tp.books = before, before
	} else {
		tp.since = t.round
	}
	if born && t.continuous {
		tp.born, tp.startsAt = t.round, t.round
		for i := range tp.starts {
			tp.starts[i] = 0
		}
	} else { // who reads it may have come at any time, and its first records may be gone
		t.slow.Soon(sourceStarts) // what it holds is known once they are
	}
	tp.dirty = true
	if old != nil || t.diedLately(name) {
		tp.reborn = t.round
	}
	if old != nil {
		t.retire(old)
		t.ended = append(t.ended, old)
		o.Events = append(o.Events, lineage.Event{At: t.round, Type: lineage.TopicRecreated, Topic: tp.topic, Detail: "topic id " + old.topic.ID.String() + " before, " + id.String() + " now"})
	} else if created && (t.continuous || t.resumed) {
		o.Events = append(o.Events, lineage.Event{At: t.round, Type: lineage.TopicCreated, Topic: tp.topic, Detail: fmt.Sprintf("%d partitions", w.Partitions)})
	}
	t.topics[id], t.byName[name] = tp, tp
	return tp
}

// lookBefore returns the newest look before this round, of this run or of an earlier one; ok is false where there was
// none.
func (t *take) lookBefore() (round time.Time, ok bool) {
	if t.continuous {
		return t.before, true
	}
	return t.last, t.resumed
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
			g.sums = nil
		}
	}
}

// leaders takes in who leads the partitions of the topic that w stands at, and partitions that were added.
func (t *take) leaders(tp *topic, w *wire.MetadataWalk, moved map[int32]int) {
	if w.Partitions > len(tp.parts) {
		tp.startsAt = time.Time{} // the new ones' starts are to be read
		t.slow.Soon(sourceStarts)
		old := len(tp.parts)
		before, looked := t.lookBefore()
		if tp.widen(w.Partitions, looked); looked {
			tp.seenSince(old, before)
		}
		tp.factTold, tp.dirty = false, true
	}
	t.lying.begin()
	for first := true; w.Partition(); first = false {
		t.lying.add(w.Brokers)
		old, epoch := &tp.leaders[w.Index], &tp.epochs[w.Index]
		if *old >= 0 && w.Leader != *old {
			moved[*old]++
		}
		if *old != neverTold && w.Epoch != *epoch {
			t.unrest = t.round
		}
		*old, *epoch = w.Leader, w.Epoch
		if first && w.Replicas != tp.replication {
			tp.replication, tp.factTold, tp.copied = w.Replicas, false, w.Replicas > 1
		}
	}
	if sum := t.lying.sum(); sum != tp.placesSum {
		tp.placesSum = sum
		if now := t.lying.places(); !samePlaces(now, tp.places) {
			tp.places, tp.factTold = now, false
		}
	}
}

// neverTold is the leader of a partition that no look has shown yet: all that is known of it is from an earlier run.
const neverTold = -2

// widen sets the number of partitions, which only grows, and makes room for what each look tells of them. A restored
// topic has that room before a look has confirmed it: the cluster may never name it again.
func (tp *topic) widen(partitions int, born bool) {
	tp.open(partitions, born)
	if tp.stirs++; len(tp.leaders) == 0 {
		tp.first = len(tp.parts)
	}
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
			Retention: tp.retention, Places: tp.places,
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
