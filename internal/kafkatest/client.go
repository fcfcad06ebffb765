package kafkatest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"
)

// ClientOpts are what a franz-go client of the given user needs to connect (SASL PLAIN where the cluster is secure).
func (c *Cluster) ClientOpts(user string) []kgo.Opt {
	opts := []kgo.Opt{kgo.SeedBrokers(c.Brokers()...)}
	if c.opts.TLS {
		opts = append(opts, kgo.DialTLSConfig(&tls.Config{
			RootCAs: c.tls.roots, Certificates: []tls.Certificate{c.tls.clientTLS}, MinVersion: tls.VersionTLS12,
		}))
	}
	if c.opts.Secure {
		opts = append(opts, kgo.SASL(plain.Auth{User: user, Pass: Password(user)}.AsMechanism()))
	}
	return opts
}

// As are the properties that make a console consumer one of the given user of a secure cluster.
func (c *Cluster) As(user string) []string {
	return []string{fmt.Sprintf("sasl.jaas.config=%s required username=%q password=%q;", plainModule, user, Password(user))}
}

// Client is a franz-go client as Admin that the test's end closes.
func (c *Cluster) Client(t testing.TB, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(append(c.ClientOpts(Admin), opts...)...)
	if err != nil {
		t.Fatalf("make a Kafka client: %v", err)
	}
	t.Cleanup(client.Close)
	return client
}

// Admin is an admin client as Admin that the test's end closes.
func (c *Cluster) Admin(t testing.TB) *kadm.Client {
	t.Helper()
	return kadm.NewClient(c.Client(t))
}

// CreateTopic makes a topic with as many replicas as there are nodes, and returns when all nodes know it.
func (c *Cluster) CreateTopic(t testing.TB, name string, partitions int) {
	t.Helper()
	admin := c.Admin(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := admin.CreateTopic(ctx, int32(partitions), int16(len(c.nodes)), nil, name); err != nil {
		t.Fatalf("create topic %s: %v", name, err)
	}
	err := poll(ctx, func() error {
		topics, err := admin.ListTopics(ctx, name)
		if err != nil {
			return err
		}
		for _, p := range topics[name].Partitions {
			if p.Err != nil || p.Leader < 0 {
				return fmt.Errorf("partition %d has no leader", p.Partition)
			}
		}
		if got := len(topics[name].Partitions); got != partitions {
			return fmt.Errorf("%d partitions", got)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("wait for topic %s: %v", name, err)
	}
}

// DeleteTopic deletes a topic.
func (c *Cluster) DeleteTopic(t testing.TB, name string) {
	t.Helper()
	if _, err := c.Admin(t).DeleteTopic(t.Context(), name); err != nil {
		t.Fatalf("delete topic %s: %v", name, err)
	}
}

// EndOffset is the sum of a topic's end offsets.
func (c *Cluster) EndOffset(t testing.TB, topic string) int64 {
	t.Helper()
	return sumOfOffsets(t, topic, c.Admin(t).ListEndOffsets)
}

// StableOffset is the sum of where who reads committed records alone gets to: before the first record of a transaction
// whose marker is not written yet, which may be a while after its producer heard that it ended.
func (c *Cluster) StableOffset(t testing.TB, topic string) int64 {
	t.Helper()
	return sumOfOffsets(t, topic, c.Admin(t).ListCommittedOffsets)
}

func sumOfOffsets(t testing.TB, topic string, list func(context.Context, ...string) (kadm.ListedOffsets, error)) (sum int64) {
	t.Helper()
	offsets, err := list(t.Context(), topic)
	if err == nil {
		err = offsets.Error()
	}
	if err != nil {
		t.Fatalf("offsets of %s: %v", topic, err)
	}
	offsets.Each(func(o kadm.ListedOffset) { sum += o.Offset })
	return sum
}

// waitReady waits until the cluster knows all its brokers and has a controller. That the cluster id is ours proves that
// no other process answers on the port.
func (c *Cluster) waitReady(ctx context.Context, brokers int) error {
	client, err := kgo.NewClient(c.ClientOpts(Admin)...)
	if err != nil {
		return fmt.Errorf("make a Kafka client: %w", err)
	}
	defer client.Close()
	if err := poll(ctx, func() error { return ready(ctx, client, c.ID, brokers) }); err != nil {
		return fmt.Errorf("cluster is not ready: %w", err)
	}
	return nil
}

// ready asks the cluster itself: kadm's BrokerMetadata answers from the client's memory once that has any broker, and
// would hold on to what a broker said that had not heard of all others yet.
func ready(ctx context.Context, client *kgo.Client, id string, brokers int) error {
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = []kmsg.MetadataRequestTopic{} // of none; nil would be all
	m, err := req.RequestWith(ctx, client)
	switch {
	case err != nil:
		return err
	case m.ClusterID == nil || *m.ClusterID != id:
		return fmt.Errorf("%w: another cluster answers on %v", errPortTaken, client.OptValue(kgo.SeedBrokers))
	case len(m.Brokers) < brokers:
		return fmt.Errorf("%d of %d brokers", len(m.Brokers), brokers)
	case m.ControllerID < 0:
		return errors.New("no controller")
	}
	return nil
}

// poll calls f until it succeeds or ctx ends; then f's last error says what was missing, unless it was that end itself.
func poll(ctx context.Context, f func() error) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	var last error
	for {
		err := f()
		if err == nil || errors.Is(err, errPortTaken) {
			return err
		}
		if last == nil || !errors.Is(err, context.DeadlineExceeded) {
			last = err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ctx.Err(), last)
		case <-tick.C:
		}
	}
}
