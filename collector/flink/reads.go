package flink

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

// This file says which topics a job reads.

// tellReads tells which topics jobs read, and finds the groups by which they do.
func (t *take) tellReads() {
	cluster, ok := t.kafka()
	if !ok {
		return
	}
	t.remember(cluster.ID)
	t.grow(cluster)
	reading := map[*job]map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(t.jobs)) {
		t.readsOf(cluster, t.jobs[name], reading)
	}
	t.settleGroups(cluster.ID, reading)
}

// readsOf tells the topics that the running runs of a job read. reading gets those of a job that has one run, all of
// whose topics are known.
func (t *take) readsOf(cluster collector.Watched, j *job, reading map[*job]map[string]string) {
	var on []string
	for i := range j.runs {
		if l := &j.runs[i]; !l.over() {
			on = append(on, l.ID)
		}
	}
	if len(on) > 1 {
		t.spot(fmt.Sprintf("which of %d runs called %s does what: they are shown as one job", len(on), j.name), "give each job a name of its own (pipeline.name)")
	}
	for _, id := range on {
		r, topics := t.runs[id], map[string]string{}
		for _, name := range r.topics() {
			t.cfg.Board.WantEnds(cluster.ID, candidates(cluster, name)...)
			if topic := t.topicOf(cluster, j, r, name); topic != "" {
				topics[name] = topic
				t.sight(j, r, lineage.Topic{Cluster: cluster.ID, Name: topic}, name)
			}
		}
		t.cfg.Board.WantCommits(cluster.ID, slices.Collect(maps.Values(topics))...)
		if len(on) == 1 && len(topics) > 0 && len(topics) == len(r.topics()) {
			reading[j] = topics
			t.findGroup(j, r, topics)
		}
	}
}

// topics are those that a run's sources read, as Flink spells them, sorted.
func (r *run) topics() []string {
	all := map[string]bool{}
	for p := range r.places {
		all[p.topic] = true
	}
	return slices.Sorted(maps.Keys(all))
}

// candidates are the topics of a cluster that Flink spells so.
func candidates(w collector.Watched, name string) (all []string) {
	for _, topic := range w.Topics {
		if spelled(topic) == name {
			all = append(all, topic)
		}
	}
	return all
}

// verdict is which topic is meant by a name of Flink's, or why that can't be told.
type verdict struct {
	topic string
	spot  lineage.BlindSpot
}

// topicOf returns the topic that Flink spells so: the only one that has the partitions and has not ended before the
// source's positions. Empty: that can't be told, or not yet. A verdict stands until the ends of the newest reading are
// known.
func (t *take) topicOf(w collector.Watched, j *job, r *run, name string) string {
	all, told := candidates(w, name), true
	var fits []string
	for _, topic := range all {
		ends := t.cfg.Board.Ends(w.ID, topic, r.read)
		told = told && ends.Offsets != nil
		if ends.Offsets != nil && r.within(name, ends.Offsets) {
			fits = append(fits, topic)
		}
	}
	if told {
		r.verdicts[name] = judge(w, j, name, all, fits)
	}
	v := r.verdicts[name]
	if v.spot.What != "" {
		t.spots = append(t.spots, v.spot)
	}
	return v.topic
}

// judge says which of the topics that Flink spells alike is meant, of those that what was read can be of.
func judge(w collector.Watched, j *job, name string, all, fits []string) (v verdict) {
	switch {
	case len(fits) == 1:
		v.topic = fits[0]
	case len(fits) > 1:
		v.spot.What = fmt.Sprintf("which topic job %s reads: Flink spells %s alike", j.name, strings.Join(fits, " and "))
		v.spot.Remedy = "let it send OpenLineage events, docs/openlineage.md"
	case len(all) == 0:
		v.spot.What = fmt.Sprintf("the topic that job %s reads and Flink spells %s: cluster %s has none that lineaged may see", j.name, name, w.Source)
		v.spot.Remedy = "say under flink[].cluster which Kafka cluster it reads, or let lineaged describe the topic"
	default:
		v.spot.What = fmt.Sprintf("the topic that job %s reads and Flink spells %s: that of cluster %s has fewer partitions or ends before what was read, so that it is another", j.name, name, w.Source)
		v.spot.Remedy = "say under flink[].cluster which Kafka cluster it reads"
	}
	return v
}

// within reports whether what a run has read of a topic can be of one that ends there.
func (r *run) within(name string, ends []int64) bool {
	for p, at := range r.places {
		if p.topic != name {
			continue
		}
		if int(p.partition) >= len(ends) || ends[p.partition] >= 0 && at.read >= ends[p.partition] {
			return false
		}
	}
	return true
}

// sight tells that a job reads a topic: once, when it moved, and again each day.
func (t *take) sight(j *job, r *run, topic lineage.Topic, name string) {
	moved := r.fresh && r.moved[name]
	if at, told := j.sighted[topic]; told && !moved && t.round.Sub(at) < againAfter {
		return
	}
	j.sighted[topic] = t.round
	how := "the only cluster that is watched"
	if t.cfg.Cluster != "" {
		how = "the cluster that the configuration says"
	}
	client := lineage.Client{Mover: t.node(j)}
	if j.kind == lineage.JobNode { // of which no fact says who runs it
		client.Software = Engine
	}
	t.details.Sightings = append(t.details.Sightings, lineage.Sighting{
		Access:   lineage.Access{Topic: topic, Op: lineage.Read, Client: client},
		Evidence: lineage.Flink, Moved: moved, Detail: "metrics of a KafkaSource of the job name the topic, of " + how,
	})
}
