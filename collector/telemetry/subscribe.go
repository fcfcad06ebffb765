package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// This file keeps a cluster's clients subscribed to push the metrics that count: a resource of the cluster's own
// configuration, which clients ask for by themselves. It touches no other subscription and no setting of it but its
// own. It stays when lineaged ends or does not want it any more: another lineaged may live by it, and without a plugin
// of the broker it does nothing.

const (
	subscriptionName = "lineaged"
	resourceMetrics  = kmsg.ConfigResourceType(16) // CLIENT_METRICS
	checkEvery       = 10 * time.Minute
	retryEvery       = time.Minute
)

// subscribed are the metrics that are asked for: those that count records by topic. Other libraries have none of that
// name, and are there by a connection's.
var subscribed = "org.apache.kafka.producer.topic.record.send.total,org.apache.kafka.consumer.fetch.manager.records.consumed.total," +
	"org.apache.kafka.producer.connection.creation.total,org.apache.kafka.consumer.connection.creation.total"

// Subscription keeps the clients of a cluster pushing.
type Subscription struct {
	Client   func(opts ...kgo.Opt) (*kgo.Client, error)
	Interval time.Duration // between two pushes of a client

	mu  sync.Mutex // guards why
	why string
}

// trouble says why it could not be set; empty: it is, or was not tried yet.
func (s *Subscription) trouble() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.why
}

// run sets it, looks now and then whether it still stands, and returns when ctx ends.
func (s *Subscription) run(ctx context.Context, log *slog.Logger) {
	for {
		err := s.set(ctx)
		if ctx.Err() != nil {
			return
		}
		why, wait := "", checkEvery
		if err != nil {
			why, wait = err.Error(), retryEvery
		}
		s.mu.Lock()
		was := s.why
		s.why = why
		s.mu.Unlock()
		switch {
		case why != "" && was == "":
			log.Warn("clients could not be subscribed to push metrics", "error", err)
		case why == "" && was != "":
			log.Info("clients are subscribed to push metrics")
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// wanted are the settings of the subscription.
func (s *Subscription) wanted() map[string]string {
	return map[string]string{"metrics": subscribed, "interval.ms": strconv.FormatInt(s.Interval.Milliseconds(), 10)}
}

// set makes the subscription as it is wanted, where it is not.
func (s *Subscription) set(ctx context.Context) error {
	cl, err := s.Client()
	if err != nil {
		return err
	}
	defer cl.Close()
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	wanted := s.wanted()
	if is, err := described(ctx, cl); err == nil && maps.Equal(is, wanted) {
		return nil
	}
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	r := kmsg.NewIncrementalAlterConfigsRequestResource()
	r.ResourceType, r.ResourceName = resourceMetrics, subscriptionName
	for _, key := range slices.Sorted(maps.Keys(wanted)) {
		c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
		c.Name, c.Op, c.Value = key, kmsg.IncrementalAlterConfigOpSet, new(wanted[key])
		r.Configs = append(r.Configs, c)
	}
	req.Resources = append(req.Resources, r)
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return fmt.Errorf("ask for the subscription: %w", err)
	}
	if len(resp.Resources) != 1 {
		return errors.New("the broker answered nothing to the subscription")
	}
	if err := kerr.ErrorForCode(resp.Resources[0].ErrorCode); err != nil {
		return fmt.Errorf("set the subscription: %w", err)
	}
	return nil
}

// described returns the settings that the subscription has of those that are ours.
func described(ctx context.Context, cl *kgo.Client) (map[string]string, error) {
	req := kmsg.NewPtrDescribeConfigsRequest()
	r := kmsg.NewDescribeConfigsRequestResource()
	r.ResourceType, r.ResourceName = resourceMetrics, subscriptionName
	req.Resources = append(req.Resources, r)
	resp, err := req.RequestWith(ctx, cl)
	if err != nil {
		return nil, err
	}
	is := map[string]string{}
	for _, x := range resp.Resources {
		if err := kerr.ErrorForCode(x.ErrorCode); err != nil {
			return nil, err
		}
		for _, c := range x.Configs {
			if c.Value != nil && (c.Name == "metrics" || c.Name == "interval.ms") {
				is[c.Name] = *c.Value
			}
		}
	}
	return is, nil
}
