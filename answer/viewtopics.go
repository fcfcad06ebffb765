package answer

import (
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// topicView is a topic in a window. subjects are its incarnations, the newest last.
type topicView struct {
	node     lineage.Node
	cluster  lineage.ClusterID
	since    time.Time
	fact     *lineage.TopicFact // nil: never described, or gone
	gone     bool
	internal bool
	innerOf  string // the application.id of the Kafka Streams application that it is an inner part of; empty: none
	subjects []incarnation
	traces   []incarnation // of whose rows the metrics are of traces that came to the topic
	accessesOf
}

// incarnation is what the store has of one topic that bore a name.
type incarnation struct {
	row       int32
	topic     lineage.Topic
	firstSeen time.Time
}

// current returns the subject of the incarnation that exists; ok is false when there is none, or it was never sampled.
func (t *topicView) current() (s incarnation, ok bool) {
	if t.fact == nil {
		return s, false
	}
	for _, s := range t.subjects {
		if s.topic == t.fact.Topic {
			return s, true
		}
	}
	return s, false
}

func (v *View) topicNode(t lineage.Topic) lineage.Node {
	return lineage.Node{Scope: v.clusters.of(t.Cluster).Name, Kind: lineage.TopicNode, Name: t.Name}
}

// takeFacts lists the topics and groups, and the topics' incarnations.
func (v *View) takeFacts() {
	topics := v.held.FactsOf(lineage.TopicFacts)
	v.topics = make(map[lineage.Node]*topicView, len(topics))
	views := make([]topicView, 0, len(topics)) // all at once
	for i := range topics {
		f := &topics[i]
		c := v.clusters.bySource[f.Key.Source]
		if c == nil {
			continue
		}
		n := lineage.Node{Scope: c.known.Name, Kind: lineage.TopicNode, Name: f.Key.Name}
		views = append(views, topicView{node: n, cluster: c.known.ID, since: f.Since, fact: f.Topic, gone: f.Gone})
		t := &views[len(views)-1]
		if f.Topic != nil {
			t.cluster, t.internal = f.Topic.Topic.Cluster, f.Topic.Internal
		}
		v.topics[n] = t
	}
	groups := v.held.FactsOf(lineage.GroupFacts)
	v.groups = make(map[lineage.GroupRef]lineage.Fact, len(groups))
	for _, f := range groups {
		if c := v.clusters.bySource[f.Key.Source]; c != nil {
			v.groups[lineage.GroupRef{Cluster: c.known.ID, Group: f.Key.Name}] = inhabited(f.Fact)
		}
	}
	v.takeMovers()
	v.tellKnowledge()
	for _, x := range v.held.Links {
		v.knows.AddLink(x)
	}
	r := &v.held.Rows
	first := make([]incarnation, 0, r.Len()-r.Topics) // room of the topics' first, which most have one of
	for i := r.Topics; i < r.Len(); i++ {
		s := incarnation{row: int32(i), topic: r.Access[i].Topic, firstSeen: r.FirstSeen[i]}
		t := v.topic(s.topic)
		list := t.listOf(r.Access[i])
		*list = appendFirst(&first, *list, s)
	}
}

// appendFirst appends to one of many lists, most of which get one element: the first of each is put into the room that
// all have together, as far as that has any.
func appendFirst[T any](room *[]T, to []T, x T) []T {
	if n := len(*room); len(to) == 0 && n < cap(*room) {
		*room = append(*room, x)
		return (*room)[n : n+1 : n+1]
	}
	return append(to, x)
}

// topic returns the topic's part of the view, and makes it when no fact did.
func (v *View) topic(t lineage.Topic) *topicView {
	n := v.topicNode(t)
	tv := v.topics[n]
	if tv == nil {
		tv = &topicView{node: n, cluster: t.Cluster}
		v.topics[n] = tv
		if v.classified {
			v.classify(tv)
		}
	}
	return tv
}
