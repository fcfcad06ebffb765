package demo

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// The Kafka Streams application counts what lies in a customer's baskets. Its inner topics bear the name that Streams
// makes up for an aggregation's store.
const (
	basketTotals      = "basket-totals" // its application.id
	basketStore       = basketTotals + "-KSTREAM-AGGREGATE-STATE-STORE-0000000003"
	basketChangelog   = basketStore + "-changelog"
	basketRepartition = basketStore + "-repartition"
	customerBaskets   = "customer-baskets" // what it writes for others
)

// purgeEvery is how often Streams deletes from its repartition topics what it has read (repartition.purge.interval.ms).
const purgeEvery = 30 * time.Second

// customers is how many customers the shop has.
const customers = 300

// aggregate is one thread of a Kafka Streams application of the classic protocol: what Kafka sees of
// orders.groupBy(customer).aggregate(…).to(customer-baskets). Subtopology 0 reads orders and writes them anew by
// customer, subtopology 1 reads that and keeps the sums, of which each is written to the store's changelog and to the
// output.
type aggregate struct {
	cluster *Cluster
	process string // uuid
	sums    map[string]uint64
	dirty   map[string]bool // sums that were not written yet
}

func streamsJob(c *Cluster) *aggregate {
	return &aggregate{cluster: c, process: "5d6a7bd4-0f3c-4b57-9a0e-6a2f5f0c1e77", sums: map[string]uint64{}, dirty: map[string]bool{}}
}

func (a *aggregate) name() string { return basketTotals }

// thread is the client id of one of the thread's clients.
func (a *aggregate) thread(client string) string {
	return basketTotals + "-" + a.process + "-StreamThread-1-" + client
}

// streamsAssignor is franz-go's assignor under the name of Streams' own: one member is assigned all either way.
type streamsAssignor struct{ kgo.GroupBalancer }

func (streamsAssignor) ProtocolName() string { return "stream" }

func (a *aggregate) run(ctx context.Context) error {
	in, err := a.cluster.client(
		a.thread("consumer"),
		kgo.ConsumerGroup(basketTotals),
		kgo.ConsumeTopics("orders", basketRepartition),
		kgo.Balancers(streamsAssignor{kgo.RangeBalancer()}),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.DisableAutoCommit(),
		kgo.FetchMaxWait(time.Second),
	)
	if err != nil {
		return err
	}
	defer leave(in)
	out, err := a.cluster.client(a.thread("producer")) // idempotent, as Streams' are
	if err != nil {
		return err
	}
	defer out.Close()
	admin := kadm.NewClient(in)
	committed, purged := time.Now(), time.Now()
	for ctx.Err() == nil {
		if err := a.process1(ctx, in, out); err != nil {
			return err
		}
		if time.Since(committed) >= commitInterval {
			committed = time.Now()
			if err := a.commit(ctx, in, out); err != nil {
				return err
			}
		}
		if time.Since(purged) >= purgeEvery {
			purged = time.Now()
			if err := a.purge(ctx, in, admin); err != nil {
				return err
			}
		}
		pause(ctx, beat)
	}
	return nil
}

// process1 takes what there is.
func (a *aggregate) process1(ctx context.Context, in, out *kgo.Client) error {
	poll, cancel := context.WithTimeout(ctx, commitInterval)
	defer cancel()
	fetches := in.PollFetches(poll)
	if fetches.IsClientClosed() {
		return errors.New("client is closed")
	}
	var anew []*kgo.Record
	fetches.EachRecord(func(r *kgo.Record) {
		if r.Topic != basketRepartition {
			anew = append(anew, &kgo.Record{Topic: basketRepartition, Key: []byte(customerOf(r.Key)), Value: r.Value})
			return
		}
		customer := string(r.Key)
		a.sums[customer] += uint64(len(r.Value))
		a.dirty[customer] = true
	})
	return produced(ctx, out, anew)
}

// commit writes the sums that changed and then commits what they were made of.
func (a *aggregate) commit(ctx context.Context, in, out *kgo.Client) error {
	var all []*kgo.Record
	for customer := range a.dirty {
		value := binary.BigEndian.AppendUint64(nil, a.sums[customer])
		for _, topic := range []string{basketChangelog, customerBaskets} {
			all = append(all, &kgo.Record{Topic: topic, Key: []byte(customer), Value: value})
		}
	}
	if err := produced(ctx, out, all); err != nil {
		return err
	}
	clear(a.dirty)
	if err := in.CommitUncommittedOffsets(ctx); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

// purge deletes what was read of the repartition topic.
func (a *aggregate) purge(ctx context.Context, in *kgo.Client, admin *kadm.Client) error {
	read := kadm.Offsets{}
	for partition, o := range in.CommittedOffsets()[basketRepartition] {
		read.AddOffset(basketRepartition, partition, o.Offset, o.Epoch)
	}
	if len(read) == 0 {
		return nil
	}
	if _, err := admin.DeleteRecords(ctx, read); err != nil {
		return fmt.Errorf("purge: %w", err)
	}
	return nil
}

// customerOf makes up who ordered.
func customerOf(order []byte) string {
	h := fnv.New32a()
	_, _ = h.Write(order) // never fails
	return fmt.Sprintf("customer-%d", h.Sum32()%customers)
}

// produced writes records and returns when all are stored.
func produced(ctx context.Context, cl *kgo.Client, records []*kgo.Record) error {
	if len(records) == 0 {
		return nil
	}
	if err := cl.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return fmt.Errorf("produce: %w", err)
	}
	return nil
}
