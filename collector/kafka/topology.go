package kafka

import (
	"reflect"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/lineage"
)

// This file reads what a Kafka Streams application's group says of its topology: its subtopologies with the topics that
// they read and keep (KIP-1071), and where a broker stores the description also the topics that they write (KIP-1331,
// Kafka 4.4).

// descriptionStored is the status of a group whose topology's description the broker has stored and given.
const descriptionStored = 3

// topologyOf returns a group's topology; nil when it has none, as one that no member has joined yet.
func topologyOf(g *kmsg.StreamsGroupDescribeResponseGroup) *lineage.Topology {
	if g.Topology == nil {
		return nil
	}
	out := &lineage.Topology{Epoch: int(g.Topology.Epoch)}
	index := map[string]int{}
	for _, s := range g.Topology.Subtopologies {
		sub := lineage.Subtopology{ID: s.SubtopologyID, Sources: s.SourceTopics, RepartitionSinks: s.RepartitionSinkTopics}
		for _, c := range s.StateChangelogTopics {
			sub.Changelogs = append(sub.Changelogs, c.Topic)
			if store, ok := strings.CutSuffix(strings.TrimPrefix(c.Topic, g.Group+"-"), "-changelog"); ok {
				sub.Stores = append(sub.Stores, store)
			}
		}
		for _, r := range s.RepartitionSourceTopics {
			sub.RepartitionSources = append(sub.RepartitionSources, r.Topic)
		}
		index[sub.ID] = len(out.Subtopologies)
		out.Subtopologies = append(out.Subtopologies, sub)
	}
	if g.TopologyDescription != nil && g.TopologyDescriptionStatus == descriptionStored {
		out.SinksKnown = true
		for _, s := range g.TopologyDescription.Subtopologies {
			i, ok := index[s.SubtopologyID]
			if !ok {
				continue
			}
			sub := &out.Subtopologies[i]
			for _, n := range s.Nodes {
				sub.Stores = append(sub.Stores, n.Stores...)
				// An inner topic may stand there without the application.id in front, as in the application's own
				// description.
				if n.SinkTopic != nil && !slices.Contains(sub.RepartitionSinks, *n.SinkTopic) && !slices.Contains(sub.RepartitionSinks, g.Group+"-"+*n.SinkTopic) {
					sub.Sinks = append(sub.Sinks, *n.SinkTopic)
				}
			}
		}
	}
	for i := range out.Subtopologies {
		s := &out.Subtopologies[i]
		for _, list := range []*[]string{&s.Sources, &s.Sinks, &s.RepartitionSources, &s.RepartitionSinks, &s.Changelogs, &s.Stores} {
			slices.Sort(*list)
			*list = slices.Compact(*list)
		}
	}
	slices.SortFunc(out.Subtopologies, func(a, b lineage.Subtopology) int { return compare(a.ID, b.ID) })
	return out
}

// readBy returns the topics that a subtopology's tasks read.
func readBy(t *lineage.Topology, subtopology string) []string {
	if t == nil {
		return nil
	}
	for i := range t.Subtopologies {
		if s := &t.Subtopologies[i]; s.ID == subtopology {
			return slices.Concat(s.Sources, s.RepartitionSources)
		}
	}
	return nil
}

func sameTopology(a, b *lineage.Topology) bool { return reflect.DeepEqual(a, b) }

// sightTopology says what a live application reads and writes by its topology. Topics that it names and that do not
// exist say nothing.
func (t *take) sightTopology(o *lineage.Observation, g *group) {
	if g.topology == nil || len(g.members) == 0 {
		return
	}
	sight := func(op lineage.Op, sub string, lists ...[]string) {
		for _, name := range slices.Concat(lists...) {
			if tp := t.byName[name]; tp != nil {
				o.Sightings = append(o.Sightings, lineage.Sighting{
					Access:   lineage.Access{Topic: tp.topic, Op: op, Client: lineage.Client{Group: g.ref.Group}},
					Evidence: lineage.StreamsTopology, Detail: "subtopology " + sub,
				})
			}
		}
	}
	for i := range g.topology.Subtopologies {
		s := &g.topology.Subtopologies[i]
		sight(lineage.Read, s.ID, s.Sources, s.RepartitionSources)
		sight(lineage.Write, s.ID, s.Sinks, s.RepartitionSinks, s.Changelogs)
	}
}
