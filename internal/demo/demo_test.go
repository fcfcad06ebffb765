package demo

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T) *World {
	t.Helper()
	w, err := Start(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		began := time.Now()
		w.Close()
		w.Close()
		if d := time.Since(began); d > 5*time.Second {
			t.Errorf("closing took %v, want at most 5s", d)
		}
	})
	return w
}

func admin(t *testing.T, c *Cluster) *kadm.Client {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.Brokers...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return kadm.NewClient(cl)
}

// eventually polls until check returns "".
func eventually(t *testing.T, limit time.Duration, check func() string) {
	t.Helper()
	deadline := time.Now().Add(limit)
	for {
		problem := check()
		if problem == "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %v: %s", limit, problem)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// Everyone the demo promises is there and moves something, within the ten seconds after which it has to be useful.
func TestEveryoneMoves(t *testing.T) {
	t.Parallel()
	w := start(t)
	ctx := t.Context()
	west, east := admin(t, w.West), admin(t, w.East)

	groups := map[string]string{
		"billing": "classic", "accounting": "classic", "alerting": "classic", "cg-0042": "classic", "sessioniser": "classic", "recommendations": "classic", "nightly-report": "classic", "stock-audit": "classic",
		"order-enricher": "classic", "west-to-east-copy": "classic",
		"basket-totals": "classic", "connect-orders-warehouse": "classic", "voucher-mailer": "classic", "refund-reader": "classic", "stock-planner": "consumer",
		"fulfilment": "consumer", "fraud-detector": "consumer", "search-indexer": "consumer",
		"courier-dispatch": "share", "email-notifications": "share",
	}
	eventually(t, 10*time.Second, func() string {
		got := map[string]string{}
		for _, kind := range []string{"classic", "consumer", "share"} {
			list, err := west.ListGroupsByType(ctx, []string{kind})
			if err != nil {
				return err.Error()
			}
			for _, g := range list.Groups() {
				got[g] = kind
			}
		}
		return cmp.Diff(groups, got)
	})
	for _, group := range []string{"billing", "accounting", "alerting", "cg-0042", "sessioniser", "recommendations", "nightly-report", "stock-audit", "order-enricher", "west-to-east-copy", "fulfilment", "fraud-detector", "search-indexer", "basket-totals", "connect-orders-warehouse", "voucher-mailer", "refund-reader", "stock-planner"} {
		eventually(t, 20*time.Second, func() string { return moved(ctx, west, group) })
	}
	for _, group := range []string{"order-analytics", "finance-dashboard", "fulfilment-east"} {
		eventually(t, 20*time.Second, func() string { return moved(ctx, east, group) })
	}
	for _, group := range []string{"courier-dispatch", "email-notifications"} {
		eventually(t, 20*time.Second, func() string {
			offsets, err := west.DescribeShareGroupOffsets(ctx, group)
			if err != nil {
				return err.Error()
			}
			n := int64(0)
			for _, o := range offsets[group].Offsets.Sorted() {
				n += max(o.StartOffset, 0)
			}
			if n == 0 {
				return fmt.Sprintf("share group %s moved nothing: %v", group, offsets)
			}
			return ""
		})
	}
	empty := []string{"promotions-2025", "__transaction_state"}
	eventually(t, 10*time.Second, func() string {
		var names []string // kadm leaves internal topics out unless they are named
		for _, topic := range westTopics {
			names = append(names, topic.name)
		}
		ends, err := west.ListEndOffsets(ctx, names...)
		if err != nil {
			return err.Error()
		}
		for _, topic := range westTopics {
			if n := total(ends, topic.name); (n == 0) != slices.Contains(empty, topic.name) {
				return fmt.Sprintf("topic %s has %d records", topic.name, n)
			}
		}
		return ""
	})
	eventually(t, 10*time.Second, func() string {
		for c, want := range map[*kadm.Client]string{west: "order-enricher-1", east: "west-to-east-copy-1"} {
			txns, err := c.ListTransactions(ctx, nil, nil)
			if err != nil {
				return err.Error()
			}
			if !slices.Contains(txns.TransactionalIDs(), want) {
				return fmt.Sprintf("transactional ids %q lack %s", txns.TransactionalIDs(), want)
			}
		}
		return ""
	})
}

func moved(ctx context.Context, c *kadm.Client, group string) string {
	offsets, err := c.FetchOffsets(ctx, group)
	if err != nil {
		return err.Error()
	}
	n := int64(0)
	offsets.Each(func(o kadm.OffsetResponse) { n += o.At })
	if n == 0 {
		return "group " + group + " committed nothing"
	}
	return ""
}

func total(ends kadm.ListedOffsets, topic string) int64 {
	n := int64(0)
	for _, p := range ends[topic] {
		n += p.Offset
	}
	return n
}

// The last sequences account for every record of a topic whose writers are all idempotent, as in Apache Kafka.
func TestProducerStatesAreExact(t *testing.T) {
	t.Parallel()
	w := start(t)
	ctx := t.Context()
	west := admin(t, w.West)
	// how many idempotent producers
	topics := map[string]int{"orders": 2, "payments": 1, "clickstream": 2, "inventory": 1}
	end := func(topic string) int64 {
		ends, err := west.ListEndOffsets(ctx, topic)
		if err != nil {
			t.Fatal(err)
		}
		return total(ends, topic)
	}
	for topic, producers := range topics {
		eventually(t, 10*time.Second, func() string {
			before := end(topic)
			counted, ids := states(ctx, t, west, topic)
			if topic == "inventory" { // it has a writer without idempotence, whose records nobody counts
				if counted == 0 || counted >= end(topic) {
					return fmt.Sprintf("%s: counted %d of %d", topic, counted, end(topic))
				}
			} else if counted < before || counted == 0 {
				return fmt.Sprintf("%s: counted %d, and there were %d before", topic, counted, before)
			}
			if len(ids) != producers {
				return fmt.Sprintf("%s: %d producers, want %d", topic, len(ids), producers)
			}
			// The states are taken from batches on their way in.
			eventually(t, 10*time.Second, func() string {
				if after := end(topic); after < counted {
					return fmt.Sprintf("%s: counted %d, and there are %d", topic, counted, after)
				}
				return ""
			})
			return ""
		})
	}
}

// A transactional producer shows its open transaction, and none of its records after the end.
func TestTransactionalProducerState(t *testing.T) {
	t.Parallel()
	w := start(t)
	west := admin(t, w.West)
	eventually(t, 20*time.Second, func() string {
		counted, ids := states(t.Context(), t, west, "order-enriched")
		if len(ids) != 1 || counted != 0 {
			return fmt.Sprintf("%d producers with %d records, want one with none while no transaction is open", len(ids), counted)
		}
		return ""
	})
}

// states returns the records that the last sequences of a topic's producers account for, and the producers' ids.
func states(ctx context.Context, t *testing.T, c *kadm.Client, topic string) (counted int64, ids map[int64]bool) {
	t.Helper()
	described, err := c.DescribeProducers(ctx, kadm.TopicsSet{topic: nil})
	if err != nil {
		t.Fatal(err)
	}
	ids = map[int64]bool{}
	described.EachPartition(func(p kadm.DescribedProducersPartition) {
		if p.Err != nil {
			t.Errorf("%s[%d]: %v", topic, p.Partition, p.Err)
		}
		for id, s := range p.ActiveProducers {
			ids[id] = true
			counted += int64(s.LastSequence) + 1
		}
	})
	return counted, ids
}
