package api

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// Metrics is what /metrics has of topics and groups. Zero stands for the default.
type Metrics struct {
	// Series is how many series of topics and groups there are at most; 100,000.
	Series int
	// ByGroup leaves out the lags of a group on each topic: those of the whole group are there anyhow.
	ByGroup bool
}

func (m Metrics) orDefaults() Metrics {
	m.Series = cmp.Or(m.Series, 100_000)
	return m
}

// kafkaFigures reads the history when scraped. Labels are KMinion's, so that its panels need only another prefix.
type kafkaFigures struct {
	a      *resolver
	sizes  func() Sizes
	choice Metrics

	// appended begins with the first scrape; Prometheus takes a restart for the reset that it is.
	appended answer.Totals
}

// scrape is what one scrape tells of the history.
type scrape struct {
	appended, logBytes                             figure // of topics
	groupLag, groupSeconds, topicLag, topicSeconds figure // of groups
	groupNode                                      figure // whose groups they are
	copyLag, copySeconds                           figure // of replicators
	lastRound, observed, gap, blind                figure // of clusters and their sources
	few                                            []*figure
}

func newScrape() *scrape {
	topic, group, both := []string{"cluster", "topic_name"}, []string{"cluster", "group_id"}, []string{"cluster", "group_id", "topic_name"}
	const lagTime = "How long ago the end of the partition furthest behind was where the group is now"
	return &scrape{
		appended: figure{
			name: "lineaged_kafka_topic_records_appended_total", labels: topic, counter: true,
			help: "Records appended to the topic since this process was first scraped, transaction markers included.",
		},
		logBytes: figure{name: "lineaged_kafka_topic_log_bytes", labels: topic, help: "Bytes of the topic on disk, one replica of each partition."},
		groupLag: figure{
			name: "lineaged_kafka_consumer_group_lag", labels: group,
			help: "Records that the group is behind, all topics; absent where that of one of them is not known.",
		},
		groupSeconds: figure{
			name: "lineaged_kafka_consumer_group_lag_seconds", labels: group,
			help: lagTime + ", of all topics; a lower bound while the history is short.",
		},
		topicLag:     figure{name: "lineaged_kafka_consumer_group_topic_lag", labels: both, help: "Records that the group is behind, all partitions."},
		topicSeconds: figure{name: "lineaged_kafka_consumer_group_topic_lag_seconds", labels: both, help: lagTime + "; a lower bound while the history is short."},
		groupNode: figure{
			name: "lineaged_kafka_consumer_group_info", labels: []string{"cluster", "group_id", "node"},
			help: "Whose group it is, by the id of the node; always 1.",
		},
		copyLag: figure{
			name: "lineaged_kafka_replication_lag", labels: []string{"cluster", "node", "topic_name"},
			help: "Records of a topic that a replicator is behind; absent where it is not known.",
		},
		copySeconds: figure{
			name: "lineaged_kafka_replication_lag_seconds", labels: []string{"cluster", "node", "topic_name"},
			help: "How long ago the end of the partition furthest behind was where the replicator is now; a lower bound while the history is short.",
		},
		lastRound: figure{name: "lineaged_last_round_timestamp_seconds", labels: []string{"cluster"}, help: "When the cluster was last observed."},
		observed:  figure{name: "lineaged_observed_ratio", labels: []string{"cluster"}, help: "Part of the last ten minutes, over all sources, that was observed."},
		gap: figure{
			name: "lineaged_source_gap_seconds", labels: []string{"cluster", "source"},
			help: "How much of the last ten minutes the source did not see its whole scope; absent: none.",
		},
		blind: figure{
			name: "lineaged_source_blind_spots", labels: []string{"cluster", "source"},
			help: "What the source cannot see as things are configured; absent: nothing.",
		},
	}
}

// one adds a figure that has one series.
func (s *scrape) one(name, help string, value float64) {
	f := &figure{name: name, help: help}
	f.add(value, "", "", "")
	s.few = append(s.few, f)
}

// figures returns all of them.
func (s *scrape) figures() []*figure {
	for _, f := range [...]*figure{&s.lastRound, &s.observed, &s.gap, &s.blind} {
		f.sort()
	}
	return append(s.few, &s.appended, &s.logBytes, &s.groupLag, &s.groupSeconds, &s.groupNode, &s.copyLag, &s.copySeconds, &s.topicLag, &s.topicSeconds,
		&s.lastRound, &s.observed, &s.gap, &s.blind)
}

// collect reads the figures. When the history does not answer, what it would have told is absent, not zero, and
// lineaged_history_up is 0.
func (k *kafkaFigures) collect(ctx context.Context) []*figure {
	s, up := newScrape(), 1.0
	err := k.read(ctx, s)
	if err != nil {
		if !errors.Is(ctx.Err(), context.Canceled) { // else the asker has left
			k.a.log.ErrorContext(ctx, "scrape", "error", err)
		}
		up = 0
	}
	s.one("lineaged_history_up", "1 when the history could be read for this scrape.", up)
	if left := s.bound(k.choice.Series); err == nil { // else nobody knows how many there are
		s.few = append(s.few, left)
	}
	if k.sizes != nil {
		is := k.sizes()
		s.one("lineaged_store_subjects", "Entries of the store's dictionary.", float64(is.Subjects))
		s.one("lineaged_store_series", "Series with data in the store's open blocks.", float64(is.Series))
		s.one("lineaged_store_log_bytes", "Bytes of the store's append log.", float64(is.LogBytes))
		s.one("lineaged_store_disk_bytes", "Bytes of the store on disk.", float64(is.DiskBytes))
		if is.FreeBytes >= 0 {
			s.one("lineaged_store_free_bytes", "Free bytes of the store's file system; absent: not known.", float64(is.FreeBytes))
		}
	}
	return s.figures()
}

// bound leaves out what is beyond the limit, details first, and returns how much that is. Of a pair of figures both are
// cut alike, and what stays is the same from scrape to scrape, the first by name.
func (s *scrape) bound(most int) (left *figure) {
	left = &figure{
		name: "lineaged_metrics_series_left_out", labels: []string{"metric"},
		help: "Series of topics and groups that are not told, since they are more than metrics.max_series.",
	}
	s.one("lineaged_metrics_series_limit", "Series of topics and groups that are told at most: metrics.max_series.", float64(most))
	for _, alike := range [...][]*figure{
		{&s.appended, &s.logBytes}, {&s.groupLag, &s.groupSeconds}, {&s.groupNode}, {&s.copyLag, &s.copySeconds}, {&s.topicLag, &s.topicSeconds},
	} {
		all, room := 0, most
		for _, f := range alike {
			f.sort()
			all += len(f.series)
		}
		for i, f := range alike {
			n := len(f.series)
			keep := n
			if all > most {
				if keep = room; i < len(alike)-1 {
					keep = most * n / all
				}
				keep = min(keep, n)
			}
			left.add(float64(n-keep), f.name, "", "")
			f.series = f.series[:keep]
			room -= keep
		}
		most = room
	}
	left.sort()
	return left
}

func (k *kafkaFigures) read(ctx context.Context, s *scrape) error {
	v, err := k.a.answers.View(ctx, answer.Span{}, answer.All)
	if err != nil {
		return err
	}
	latest, err := k.a.answers.Latest(ctx)
	if err != nil {
		return err
	}
	for _, c := range v.Clusters() {
		s.cluster(v, c, latest)
	}
	sizes, err := v.TopicLevels(ctx, lineage.LogBytes)
	if err != nil {
		return err
	}
	s.logBytes.room(len(sizes))
	for i := range sizes {
		s.logBytes.add(float64(sizes[i].Value), sizes[i].Topic.Scope, sizes[i].Topic.Name, "")
	}
	byGroup, byTopic, err := v.GroupLags(ctx)
	if err != nil {
		return err
	}
	lags(byGroup, &s.groupLag, &s.groupSeconds)
	s.groupNode.room(len(byGroup))
	for i := range byGroup {
		for _, n := range byGroup[i].Nodes {
			s.groupNode.add(1, byGroup[i].Cluster, byGroup[i].Group, n.ID())
		}
	}
	copies, err := v.CopyLags(ctx)
	if err != nil {
		return err
	}
	copyLags(copies, &s.copyLag, &s.copySeconds)
	if !k.choice.ByGroup {
		lags(byTopic, &s.topicLag, &s.topicSeconds)
	}
	appended, err := k.appended.Add(ctx, v)
	if err != nil {
		return err
	}
	s.appended.room(len(appended))
	for i := range appended {
		s.appended.add(appended[i].Records, appended[i].Topic.Scope, appended[i].Topic.Name, "")
	}
	return nil
}

// lags takes in how far groups are behind.
func lags(all []answer.GroupLag, records, seconds *figure) {
	records.room(len(all))
	seconds.room(len(all))
	for i := range all {
		l := &all[i]
		if l.Records != nil {
			records.add(float64(*l.Records), l.Cluster, l.Group, l.Topic.Name)
		}
		if l.Seconds != nil {
			seconds.add(*l.Seconds, l.Cluster, l.Group, l.Topic.Name)
		}
	}
}

// copyLags takes in how far replicators are behind.
func copyLags(all []answer.CopyLag, records, seconds *figure) {
	for i := range all {
		l := &all[i]
		if l.Records != nil {
			records.add(float64(*l.Records), l.Topic.Scope, l.Replicator.ID(), l.Topic.Name)
		}
		if l.Seconds != nil {
			seconds.add(*l.Seconds, l.Topic.Scope, l.Replicator.ID(), l.Topic.Name)
		}
	}
}

// cluster takes in what is told of a cluster and of its sources.
func (s *scrape) cluster(v *answer.View, c *answer.Cluster, latest map[string]time.Time) {
	name := c.Known().Name
	if last, ok := latest[c.Source()]; ok {
		s.lastRound.add(float64(last.UnixMilli())/1000, name, "", "")
	}
	cov := v.CoverageOf(c.Source())
	s.observed.add(cov.ObservedFraction, name, "", "")
	gaps, blind := map[string]time.Duration{}, map[string]int{}
	for _, g := range cov.Gaps {
		gaps[g.Source.Name] += g.Window.Duration()
	}
	for _, b := range cov.BlindSpots {
		blind[strings.TrimPrefix(b.Source, c.Source()+"/")]++
	}
	for source, d := range gaps {
		s.gap.add(d.Seconds(), name, source, "")
	}
	for source, n := range blind {
		s.blind.add(float64(n), name, source, "")
	}
}
