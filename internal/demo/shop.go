package demo

import (
	"strconv"
	"time"
)

// topic is a topic of the shop.
type topic struct {
	name       string
	partitions int32
	compacted  bool
	internal   bool
	kept       bool // until it is compacted away: what is written once must not expire
}

// retention keeps the clusters' memory flat in a demo that is left running.
const retention = 15 * time.Minute

func (t topic) configs() map[string]string {
	c := map[string]string{}
	if !t.kept {
		c["retention.ms"] = strconv.FormatInt(retention.Milliseconds(), 10)
	}
	if t.compacted || t.kept {
		c["cleanup.policy"] = "compact"
	}
	if t.internal {
		c["kfake.is_internal"] = "true"
	}
	return c
}

// dailyTotals is what a report makes of the orders, until nobody runs it any more.
const dailyTotals = "daily-totals"

var westTopics = []topic{
	{name: "orders", partitions: 6},
	{name: "payments", partitions: 3},
	{name: "customers", partitions: 3, compacted: true},
	{name: "inventory", partitions: 3, compacted: true},
	{name: "shipments", partitions: 3},
	{name: "returns", partitions: 2},
	{name: "clickstream", partitions: 6},
	{name: "sessions", partitions: 3},
	{name: "order-enriched", partitions: 6},
	{name: "fraud-alerts", partitions: 2},
	{name: "refunds", partitions: 2},
	{name: dailyTotals, partitions: 2},
	{name: customerBaskets, partitions: 6, compacted: true},
	{name: basketRepartition, partitions: 6},
	{name: basketChangelog, partitions: 6, kept: true},
	{name: stockLevels, partitions: 3},
	{name: heartbeats, partitions: 1, kept: true}, // MirrorMaker 2's, of the direction that is off
	{name: "mm2-offset-syncs.east.internal", partitions: 1, kept: true},
	{name: "promotions-2025", partitions: 3}, // nobody writes or reads it any more
	{name: "__consumer_offsets", partitions: 3, compacted: true, internal: true},
	{name: "__transaction_state", partitions: 3, compacted: true, internal: true},
}

var eastTopics = []topic{
	{name: "orders", partitions: 6}, // copied from west
	{name: "order-metrics", partitions: 3},
	{name: "west.orders", partitions: 6}, // MirrorMaker 2's copies
	{name: "west.payments", partitions: 3},
	{name: "west.heartbeats", partitions: 1, kept: true},
	{name: heartbeats, partitions: 1, kept: true},
	{name: "west.checkpoints.internal", partitions: 1, kept: true},
	{name: "mm2-configs.west.internal", partitions: 1, kept: true},
	{name: "mm2-offsets.west.internal", partitions: 5, kept: true},
	{name: "mm2-status.west.internal", partitions: 5, kept: true},
	{name: "__consumer_offsets", partitions: 3, compacted: true, internal: true},
}

// shop returns everyone who moves records. Rates are records a second.
func shop(w *World) []mover {
	west, east := w.West, w.East
	return append(w.Connect.tasks(), []mover{
		// Who only writes. Kafka itself tells a producer id of them, the last one not even that.
		producer(west, "shop-checkout-1", "orders", 20),
		producer(west, "shop-checkout-2", "orders", 12),
		producer(west, "payment-gateway", "payments", 18),
		producer(west, "customer-profile", "customers", 3),
		producer(west, "warehouse-scanner", "inventory", 8),
		producer(west, "returns-desk", "returns", 1),
		// In waves, so who reads them has waves too, by which it is known.
		inWaves(producer(west, "web-tracker-1", "clickstream", 70)),
		inWaves(producer(west, "web-tracker-2", "clickstream", 40)),
		notIdempotent(producer(west, "legacy-erp", "inventory", 5)),
		notIdempotent(producer(west, "broker-0", "__consumer_offsets", 2)), // in a real cluster the broker does this

		// Groups of the classic protocol.
		consumer(west, "billing", "billing-1", classic, "orders", "payments"),
		consumer(west, "alerting", "alerting-1", classic, "fraud-alerts"),
		consumer(west, "cg-0042", "loyalty-points-1", classic, "order-enriched"), // its name says nothing; a rule does
		consumer(west, "sessioniser", "sessioniser-1", classic, "clickstream").writing("sessions", 8),
		consumer(west, "sessioniser", "sessioniser-2", classic, "clickstream").writing("sessions", 8),
		consumer(west, "recommendations", "recommendations-1", classic, "clickstream", "sessions").slow(105),
		// what it left is skipped
		consumer(west, "stock-audit", "stock-audit-1", classic, "inventory").until(15 * time.Second).setAfter(15 * time.Second),

		// Groups of KIP-848, where the broker assigns.
		consumer(west, "fulfilment", "fulfilment-1", kip848, "orders", "payments").writing("shipments", 3),
		consumer(west, "fraud-detector", "fraud-detector-1", kip848, "payments", "sessions").writing("fraud-alerts", 20),
		consumer(west, "search-indexer", "search-indexer-1", kip848, "customers", "inventory"),
		consumer(east, "order-analytics", "order-analytics-1", kip848, "orders").writing("order-metrics", 10),
		consumer(east, "finance-dashboard", "finance-dashboard-1", classic, "order-metrics"),

		// Share groups (KIP-932): a queue.
		consumer(west, "courier-dispatch", "courier-dispatch-1", share, "shipments"),
		consumer(west, "email-notifications", "email-notifications-1", share, "order-enriched", "returns"),

		// Exactly once from topic to topic, and at least once from cluster to cluster.
		enricher(west, "order-enricher", []string{"orders", "customers"}, "order-enriched"),
		copier(west, east, "west-to-east-copy", "orders"),
		// It ends, is left behind, and who reads its totals gets none any more.
		enricher(west, "nightly-report", []string{"orders"}, dailyTotals).summing(10).until(15 * time.Second),
		consumer(west, "accounting", "accounting-1", classic, dailyTotals),

		// Kafka Streams, and who reads what it makes.
		streamsJob(west),
		consumer(west, "voucher-mailer", "voucher-mailer-1", classic, customerBaskets, "refunds"),

		// One application whose two sides have two names, which nobody joins unasked.
		refunder(west, "refund-reader", "refund-writer", "returns", "refunds"),

		// MirrorMaker 2, and who reads a copy in each cluster. The connectors are Connect's.
		mirrorMaker(west, east, "billing", "orders", "payments", heartbeats),
		consumer(east, "fulfilment-east", "fulfilment-east-1", classic, "west.orders", "west.payments"),
		consumer(west, "stock-planner", "stock-planner-1", kip848, stockLevels),
	}...)
}
