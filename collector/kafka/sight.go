package kafka

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/collector/ask"
	"github.com/lineaged/lineaged/lineage"
)

// This file says what is proved by what is seen and what is not. Kafka leaves out of its lists, without a word, what
// the principal may not describe. So
//
//   - a topic or group that is new was made since only if everything that there is was seen in the round before;
//   - one that is listed no more is deleted only if the broker says so when it is asked for it alone. A topic's id is
//     no secret to Kafka (measured with 4.3.1): it answers TOPIC_AUTHORIZATION_FAILED for the id of a topic that may
//     not be described, and UNKNOWN_TOPIC_ID for one that is not there.

// clusterRights is what the principal may describe.
type clusterRights struct {
	asked    bool
	describe bool // the cluster: then all groups are listed, and all topics on disk
	topics   bool // any topic: then all topics are listed, but for those that a rule denies
}

// all reports whether lists hold all that there is.
func (r clusterRights) all() bool { return r.asked && r.describe && r.topics }

// rightsDue asks for the rights on their cadence; soon again where one lacks, so that it shows when it is granted.
func (t *take) rightsDue() {
	cadence := rightsCadence
	if !t.rights.all() {
		cadence = deniedRetryPeriod
	}
	if t.due("rights", t.cadence(cadence)) {
		t.askRights()
	}
}

// askRights asks whether the principal may describe the cluster and any topic. Where it may not, lists come back short
// without an error, and must not be taken for the truth.
func (t *take) askRights() {
	ctx, cancel := t.half()
	defer cancel()
	req := kmsg.NewPtrDescribeClusterRequest()
	req.IncludeClusterAuthorizedOperations = true
	resp, err := req.RequestWith(ctx, t.cl)
	if err != nil || resp.ErrorCode != 0 {
		return
	}
	// A broker that does not compute the operations answers with the smallest int32; one without an authorizer with all
	// of them.
	const describe = 1 << 8 // the bit of AclOperation.DESCRIBE
	ops := resp.ClusterAuthorizedOperations
	now := clusterRights{asked: true, describe: ops == -1<<31 || ops&describe != 0}
	// A topic that nobody can have: who may not describe any topic may not know that it is not there.
	name := make([]byte, 16)
	_, _ = rand.Read(name) // it never fails
	probe := kmsg.NewMetadataRequestTopic()
	probe.Topic = new(hex.EncodeToString(name))
	about, err := t.topicsAbout([]kmsg.MetadataRequestTopic{probe})
	if err != nil || len(about) != 1 {
		return
	}
	now.topics = about[0].ErrorCode == kerr.UnknownTopicOrPartition.Code
	t.rights = now
}

// topicsAbout asks for single topics.
func (t *take) topicsAbout(topics []kmsg.MetadataRequestTopic) ([]kmsg.MetadataResponseTopic, error) {
	ctx, cancel := t.half()
	defer cancel()
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = topics
	req.AllowAutoTopicCreation = false
	resp, err := req.RequestWith(ctx, t.cl)
	if err == nil {
		err = codeError(resp.ErrorCode)
	}
	if err != nil {
		return nil, ask.Plain(err)
	}
	return resp.Topics, nil
}

const (
	// lostCadence is how often topics and groups that are out of sight are asked for.
	lostCadence = time.Minute
	// mostAbout bounds the topics or groups that are asked for alone in one round.
	mostAbout = 1000
)

// fates asks for topics by their ids, and returns why each is out of sight; "" for one that is deleted. One that is not
// in the answer is asked for again.
func (t *take) fates(topics []*topic) map[*topic]string {
	slices.SortFunc(topics, func(a, b *topic) int { return cmp.Or(a.sought.Compare(b.sought), compare(a.topic.Name, b.topic.Name)) })
	topics = topics[:min(len(topics), mostAbout)]
	var reqs []kmsg.MetadataRequestTopic
	for _, tp := range topics {
		tp.sought = t.round
		r := kmsg.NewMetadataRequestTopic()
		r.TopicID = tp.topic.ID
		reqs = append(reqs, r)
	}
	out := map[*topic]string{}
	answers, err := t.topicsAbout(reqs)
	if err != nil {
		for _, tp := range topics {
			out[tp] = "no longer visible: deleted, or no longer permitted; asked for it alone: " + err.Error()
		}
	}
	for i := range answers {
		a := &answers[i]
		tp := t.topics[lineage.TopicID(a.TopicID)]
		switch {
		case tp == nil || a.ErrorCode == 0: // it is there again; the next look names it
		case a.ErrorCode == kerr.UnknownTopicID.Code:
			out[tp] = ""
		case ask.Denied(a.ErrorCode):
			out[tp] = "no longer visible: no longer permitted; the broker says that it exists"
		default:
			out[tp] = "no longer visible: " + codeError(a.ErrorCode).Error()
		}
	}
	return out
}

// topicsGone tells what became of the topics that complete answers no longer name.
func (t *take) topicsGone(o *lineage.Observation) {
	t.forgetRetired()
	var seek []*topic
	again := t.due("unseen", t.cadence(lostCadence))
	for _, tp := range t.topics {
		if tp.absent >= topicGoneAfter && (tp.unseen == "" || again) {
			seek = append(seek, tp)
		}
	}
	if len(seek) == 0 {
		return
	}
	for tp, reason := range t.fates(seek) {
		if reason != "" {
			t.lose(tp, reason)
			continue
		}
		t.retire(tp)
		e := lineage.Event{At: t.round, Type: lineage.TopicDeleted, Topic: tp.topic}
		if tp.unseen != "" {
			e.Detail = "deleted while it was out of sight"
		}
		o.Events = append(o.Events, e)
		o.Facts = append(o.Facts, lineage.Fact{Key: lineage.FactKey{Source: t.cfg.Name, Kind: lineage.TopicFacts, Name: tp.topic.Name}, Gone: true})
	}
}

// lose notes that a topic is out of sight. Its books stay: they go on when it is seen again.
func (t *take) lose(tp *topic, reason string) {
	if tp.unseen == reason {
		return
	}
	tp.unseen, tp.factTold, tp.dirty = reason, false, true
	for i := range tp.leaders {
		tp.leaders[i] = neverTold
	}
	t.rights.topics = false // until it is asked again
	t.slow.Soon("rights")
	t.cfg.Log.Warn("a topic is out of sight", "topic", tp.topic.Name, "reason", reason)
}

// found notes that a topic is seen in this round.
func (t *take) found(tp *topic) {
	tp.absent = 0
	if tp.unseen != "" {
		tp.unseen, tp.factTold, tp.dirty, tp.since = "", false, true, t.round
	}
}

// leftOut is why a topic that the configuration no longer wants is not seen.
const leftOut = "left out by topics.include or topics.exclude: it is not watched any more"

// tellLeftOut tells which restored topics the configuration leaves out now. Their books end here: what is written
// meanwhile is not counted, whatever is wanted later.
func (t *take) tellLeftOut(o *lineage.Observation) {
	for _, tp := range t.unwanted {
		tp.unseen = leftOut
		o.Facts = append(o.Facts, t.topicFact(tp))
		t.left = append(t.left, leftTopic{tp.topic, t.round, false})
	}
	t.unwanted = nil
	t.left = slices.DeleteFunc(t.left, func(l leftTopic) bool {
		if t.round.Sub(l.at) < leftFor {
			return false
		}
		t.gonePositions = append(t.gonePositions, leftKey(l.topic.ID))
		return true
	})
}

// leftTopic is a topic that was known and that the configuration leaves out now.
type leftTopic struct {
	topic lineage.Topic
	at    time.Time // round since which it is
	saved bool
}

// leftFor is for how long such a topic is missing: for as long as an answer looks back. Then nothing is shown of it any
// more that could be taken for now.
const leftFor = 7 * 24 * time.Hour

// created reports whether a topic that is seen for the first time was made since the round before, or since the last
// round of an earlier run.
func (t *take) created(name string) bool {
	return t.sawAll && !t.hidden[name]
}

// hiddenOf returns those of the topics on disk that may not be described. The others were made, or are being deleted,
// at this moment.
func (t *take) hiddenOf(onDisk map[string]bool) (map[string]bool, error) {
	names := make([]string, 0, len(onDisk))
	for name := range onDisk {
		names = append(names, name)
	}
	slices.Sort(names)
	out := map[string]bool{}
	for i, name := range names {
		if i >= mostAbout || t.hidden[name] {
			out[name] = true // as it was at the last look, or as most of those before it
		}
	}
	var reqs []kmsg.MetadataRequestTopic
	for _, name := range names {
		if !out[name] {
			r := kmsg.NewMetadataRequestTopic()
			r.Topic = new(name)
			reqs = append(reqs, r)
		}
	}
	if len(reqs) == 0 {
		return out, nil
	}
	answers, err := t.topicsAbout(reqs)
	for i := range answers {
		if a := &answers[i]; a.Topic != nil && ask.Denied(a.ErrorCode) {
			out[*a.Topic] = true
		}
	}
	return out, err
}

// groupFates asks for groups by their names, and returns why each is out of sight; "" for one that is deleted: all
// brokers have left it out of their lists, and the principal may see it. A broker refuses to speak of a group that may
// not be described before it looks whether there is one.
func (t *take) groupFates(groups []*group) map[*group]string {
	slices.SortFunc(groups, func(a, b *group) int { return cmp.Or(a.sought.Compare(b.sought), compare(a.ref.Group, b.ref.Group)) })
	out := map[*group]string{}
	for i, g := range groups {
		out[g] = cmp.Or(g.unseen, "no longer visible: deleted, or no longer permitted")
		if i < mostAbout {
			g.sought = t.round
		}
	}
	if len(groups) == 0 || len(t.brokers) == 0 {
		return out
	}
	t.askRights()
	if t.rights.asked && t.rights.describe { // then the lists hold all groups
		clear(out)
		for _, g := range groups {
			out[g] = ""
		}
		return out
	}
	req := kmsg.NewPtrDescribeGroupsRequest()
	for _, g := range groups[:min(len(groups), mostAbout)] {
		req.Groups = append(req.Groups, g.ref.Group)
	}
	for _, a := range t.ask(map[int32]kmsg.Request{t.brokers[0]: req}) {
		if a.err != nil {
			continue
		}
		for _, d := range a.resp.(*kmsg.DescribeGroupsResponse).Groups {
			g := t.groups[d.Group]
			switch {
			case g == nil:
			case ask.Denied(d.ErrorCode):
				out[g] = "no longer visible: deleted, or no longer permitted; the broker refuses to say which"
			case d.ErrorCode == 0 && d.State != "Dead": // it is there again; the next look lists it
			default:
				out[g] = ""
			}
		}
	}
	return out
}

// sightSpots are the blind spots of what may not be described.
func (t *take) sightSpots() (spots []lineage.BlindSpot) {
	switch {
	case t.rights.asked && !t.rights.describe:
		spots = append(spots, lineage.BlindSpot{
			What:   lineage.TopicsOutOfSight + ", and how many they are is not known; what appears or vanishes is not known to be created or deleted",
			Remedy: "grant DESCRIBE on the cluster, on topics and on groups to lineaged's principal",
		})
	case t.rights.asked && !t.rights.topics:
		spots = append(spots, lineage.BlindSpot{
			What:   "a topic that appears is not known to be new: lineaged may not describe every topic",
			Remedy: "grant DESCRIBE on all topics to lineaged's principal",
		})
	}
	var unseen []string
	for _, tp := range t.topics {
		if tp.unseen != "" {
			unseen = append(unseen, tp.topic.Name)
		}
	}
	if len(unseen) > 0 {
		spots = append(spots, lineage.BlindSpot{
			What:   fmt.Sprintf("%d topics are no longer visible: no longer permitted, or deleted: %s", len(unseen), collector.Some(unseen)),
			Remedy: "grant DESCRIBE on these topics to lineaged's principal",
		})
	}
	if len(t.hidden) > 0 {
		names := make([]string, 0, len(t.hidden))
		for name := range t.hidden {
			names = append(names, name)
		}
		spots = append(spots, lineage.BlindSpot{
			What:   fmt.Sprintf("%d topics exist that may not be described: %s", len(t.hidden), collector.Some(names)),
			Remedy: "grant DESCRIBE on these topics to lineaged's principal",
		})
	}
	return spots
}
