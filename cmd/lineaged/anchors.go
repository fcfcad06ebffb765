package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lineaged/lineaged/internal/config"
	"github.com/lineaged/lineaged/ledger"
	"github.com/lineaged/lineaged/ledger/anchor"
)

// badAnchor says what is wrong with the first witness's key that is no verifier key; nil: none.
func badAnchor(cfg config.Config) error {
	for i, a := range cfg.Ledger.Anchors {
		if a.Witness == "" {
			continue
		}
		if err := anchor.CheckWitnessKey(a.Key); err != nil {
			key := fmt.Sprintf("ledger.anchors[%d].key", i)
			return &config.Error{Key: key, Value: a.Key, Problem: err.Error(), Origin: cfg.Origin(key)}
		}
	}
	return nil
}

// anchors makes the anchors of a configuration's ledger.
func anchors(cfg config.Config) (all []anchor.Anchor, err error) {
	for _, a := range cfg.Ledger.Anchors {
		var made anchor.Anchor
		switch a.Kind() {
		case "file":
			made = anchor.NewFile(string(a.File))
		case "witness":
			made, err = anchor.NewWitness(a.Witness, a.Key)
		case "timestamp":
			roots, rootsErr := a.Roots()
			made, err = anchor.NewTimeStamp(a.Timestamp, roots), rootsErr
		case "cluster":
			made, err = newTopicAnchor(cfg, a)
		}
		if err != nil {
			return nil, fmt.Errorf("make the anchors of the ledger: %w", err)
		}
		all = append(all, made)
	}
	return all, nil
}

// topicAnchor is a topic of a watched cluster: each checkpoint is a record, whose key is the ledger's origin.
type topicAnchor struct {
	cluster, topic string
	client         func(opts ...kgo.Opt) (*kgo.Client, error)
}

func newTopicAnchor(cfg config.Config, a config.Anchor) (*topicAnchor, error) {
	for _, c := range cfg.Clusters {
		if c.Source() != a.Cluster {
			continue
		}
		// What there is to warn of, the collectors of the cluster have said.
		k, err := collectorConfig(c, time.Duration(cfg.Interval), slog.New(slog.DiscardHandler))
		if err != nil {
			return nil, err
		}
		return &topicAnchor{a.Cluster, a.Topic, dialer(k)}, nil
	}
	return nil, fmt.Errorf("there is no cluster %q", a.Cluster)
}

// Name is anchor.Anchor's.
func (t *topicAnchor) Name() string { return "cluster:" + t.cluster + "/" + t.topic }

// Tell is anchor.Anchor's.
func (t *topicAnchor) Tell(ctx context.Context, r *ledger.Reader) (anchor.Held, error) {
	client, err := t.client(
		kgo.RequiredAcks(kgo.AllISRAcks()), kgo.MaxBufferedRecords(1), kgo.RecordRetries(3), kgo.RecordDeliveryTimeout(15*time.Second), kgo.ProduceRequestTimeout(10*time.Second),
		kgo.KeepControlRecords(), kgo.FetchMaxWait(500*time.Millisecond), kgo.FetchMaxBytes(1<<20), kgo.FetchMaxPartitionBytes(1<<20), kgo.MaxConcurrentFetches(1),
	)
	if err != nil {
		return anchor.Held{}, fmt.Errorf("connect: %w", err)
	}
	defer client.Close()
	held, err := t.held(ctx, client, r)
	is := r.Checkpoint()
	if err != nil || held.Checkpoint.Size == is.Size {
		return held, err
	}
	record := &kgo.Record{Topic: t.topic, Key: []byte(is.Origin), Value: is.Text}
	if err := client.ProduceSync(ctx, record).FirstErr(); err != nil {
		return anchor.Held{}, fmt.Errorf("write the checkpoint: %w", err)
	}
	return anchor.Held{Checkpoint: is, At: record.Timestamp}, nil
}

// lastRecords is how many records at the end of each partition are looked at for the ledger's newest checkpoint: other
// ledgers may have theirs there.
const lastRecords = 100

// held returns the newest checkpoint of the ledger that is in the topic. Records that its key did not sign are of
// somebody else, whatever their key.
func (t *topicAnchor) held(ctx context.Context, client *kgo.Client, r *ledger.Reader) (newest anchor.Held, err error) {
	origin := r.Checkpoint().Origin
	err = t.last(ctx, client, func(record *kgo.Record) error {
		if string(record.Key) != origin || !signed(record.Value, r.Public()) {
			return nil
		}
		c, err := anchor.Judge(t.Name(), r, record.Value)
		if err == nil && c.Size > newest.Checkpoint.Size {
			newest = anchor.Held{Checkpoint: c, At: record.Timestamp}
		}
		return err
	})
	return newest, err
}

func signed(checkpoint []byte, public string) bool {
	_, err := ledger.OpenCheckpoint(checkpoint, public)
	return err == nil
}

// last hands on the last records of each partition.
func (t *topicAnchor) last(ctx context.Context, client *kgo.Client, take func(*kgo.Record) error) error {
	admin := kadm.NewClient(client)
	starts, err := admin.ListStartOffsets(ctx, t.topic)
	if err == nil {
		err = starts.Error()
	}
	if err != nil {
		return fmt.Errorf("read where the topic begins: %w", err)
	}
	ends, err := admin.ListEndOffsets(ctx, t.topic)
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		return fmt.Errorf("read where the topic ends: %w", err)
	}
	from, until := map[int32]kgo.Offset{}, map[int32]int64{}
	ends.Each(func(end kadm.ListedOffset) {
		if start, ok := starts.Lookup(t.topic, end.Partition); ok && start.Offset < end.Offset {
			from[end.Partition] = kgo.NewOffset().At(max(start.Offset, end.Offset-lastRecords))
			until[end.Partition] = end.Offset
		}
	})
	if len(from) == 0 {
		return nil
	}
	client.AddConsumePartitions(map[string]map[int32]kgo.Offset{t.topic: from})
	for len(until) > 0 {
		fetched := client.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			return errors.New("the end of the topic is not read in time")
		}
		if err := fetched.Err(); err != nil {
			return fmt.Errorf("read the topic: %w", err)
		}
		for record := range fetched.RecordsAll() {
			if err := take(record); err != nil {
				return err
			}
			if record.Offset+1 >= until[record.Partition] {
				delete(until, record.Partition)
			}
		}
	}
	return nil
}

// anchored has for /metrics what each anchor holds of which that is known.
type anchored struct{ keeper *anchor.Keeper }

var (
	anchoredAt   = prometheus.NewDesc("lineaged_ledger_anchored_timestamp_seconds", "When an anchor acknowledged the newest checkpoint that it is known to hold.", []string{"anchor"}, nil)
	anchoredSize = prometheus.NewDesc("lineaged_ledger_anchor_size", "Entries of the ledger that the newest checkpoint covers which an anchor is known to hold.", []string{"anchor"}, nil)
)

// Describe is prometheus.Collector's.
func (a anchored) Describe(all chan<- *prometheus.Desc) {
	all <- anchoredAt
	all <- anchoredSize
}

// Collect is prometheus.Collector's.
func (a anchored) Collect(all chan<- prometheus.Metric) {
	a.keeper.Figures(func(name string, h anchor.Held) {
		name = strings.ToValidUTF8(name, "�")
		all <- prometheus.MustNewConstMetric(anchoredAt, prometheus.GaugeValue, float64(h.At.UnixMilli())/1000, name)
		all <- prometheus.MustNewConstMetric(anchoredSize, prometheus.GaugeValue, float64(h.Checkpoint.Size), name)
	})
}
