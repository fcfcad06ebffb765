package yesterday

import (
	"fmt"
	"strings"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// The names that the shop's movers and its Kafka Streams application bear in the demo.
const (
	connect      = "demo-connect"
	storeName    = "basket-totals-KSTREAM-AGGREGATE-STATE-STORE-0000000003"
	streamThread = "basket-totals-5d6a7bd4-0f3c-4b57-9a0e-6a2f5f0c1e77-StreamThread-1-consumer"
)

var (
	replicator = lineage.Node{Scope: "east", Kind: lineage.ReplicatorNode, Name: "west->east"}
	warehouse  = lineage.Node{Scope: connect, Kind: lineage.ConnectorNode, Name: "orders-warehouse"}
	inventory  = lineage.Node{Scope: connect, Kind: lineage.ConnectorNode, Name: "inventory-cdc"}
	sales      = lineage.Dataset{Namespace: "postgres://warehouse-db.shop.example:5432", Name: "warehouse.sales.orders"}
	stock      = lineage.Dataset{Namespace: "postgres://inventory-db.shop.example:5432", Name: "inventory.public.stock_levels"}
)

// told is what is known of a topic by now: what was written to it.
type told struct {
	s    *script
	path string
	fact lineage.TopicFact
	ends totals
	from time.Time
	ids  int64
	// marked: among its offsets are markers, so that who read up to one has read less.
	marked bool
}

func (s *script) topic(path string, err *error) *told {
	fact, ok := s.topics[path]
	if !ok && *err == nil {
		*err = fmt.Errorf("there is no topic %s", path)
	}
	return &told{s: s, path: path, fact: fact, ends: s.grows(0)}
}

func (t *told) source(name string) lineage.Source {
	cluster, _, _ := strings.Cut(t.path, "/")
	return lineage.Source{Cluster: cluster, Name: name}
}

// writer adds what somebody wrote, and returns it.
func (t *told) writer(c lineage.Client, kind lineage.EvidenceKind, node string, n totals) totals {
	a := lineage.Access{Topic: t.fact.Topic, Op: lineage.Write, Client: c}
	t.s.counts = append(t.s.counts, &count{
		source: t.source("producers"), access: a, metric: lineage.Records, evidence: kind, from: t.from, total: n, flow: node + "->topic:" + t.path,
	})
	t.ends = t.s.of(sum, t.ends, n)
	return n
}

// byID adds a writer of which the broker tells a producer id. Ids are given by the order of the script.
func (t *told) byID(n totals) totals {
	t.ids++
	id := int64(t.fact.Topic.ID[0])<<16 | int64(t.fact.Topic.ID[1])<<8 | t.ids
	return t.writer(lineage.Client{Producer: lineage.KnownProducer(id)}, lineage.ProducerState, "unidentified:"+t.path, n)
}

// streams adds what the Kafka Streams application wrote.
func (t *told) streams(n totals) {
	t.writer(lineage.Client{Producer: lineage.KnownProducer(848)}, lineage.ProducerState, "streamjob:west/basket-totals", n)
	if strings.Contains(t.path, storeName) { // nobody is shown an inner topic
		t.s.counts[len(t.s.counts)-1].flow = ""
	}
}

// transactions adds a transactional writer and the markers that it left.
func (t *told) transactions(id, node string, n, markers totals) {
	t.writer(lineage.Client{TransactionalID: id}, lineage.Transaction, node, n)
	t.s.counts[len(t.s.counts)-1].why = "at most: its sequences do not count its records, so these are what the topic grew by less the markers that there are at the least"
	t.marked = true
	t.counts("producers", lineage.Markers, markers)
	t.ends = t.s.of(sum, t.ends, markers)
}

// left adds what nobody whom the broker tells of has written; node is who is taken to have.
func (t *told) left(node string, n totals) {
	c := t.counts("producers", lineage.Left, n)
	c.flow = node + "->topic:" + t.path
	t.ends = t.s.of(sum, t.ends, n)
}

func (t *told) counts(source string, m lineage.Metric, n totals) *count {
	c := &count{source: t.source(source), access: lineage.Access{Topic: t.fact.Topic}, metric: m, from: t.from, total: n}
	t.s.counts = append(t.s.counts, c)
	return c
}

// whole ends the telling of who writes.
func (t *told) whole() *told {
	t.counts("end-offsets", lineage.Appended, t.ends)
	return t
}

// near is what a reader has read that keeps up: all but half a second's worth.
func (t *told) near() totals {
	out := totals{start: t.s.start, n: []int64{0}}
	for i := 1; i < len(t.ends.n); i++ {
		out.n = append(out.n, t.ends.n[i]-(t.ends.n[i]-t.ends.n[i-1])/120)
	}
	return out
}

// reader adds a group that has read so much since from, where it began at a position; node is what it is shown as,
// empty: by its own name.
func (t *told) reader(name, node string, n totals, from time.Time, base int64) *count {
	if node == "" {
		node = "application:shop/" + name
	}
	c := &count{
		source: t.source("groups"), metric: lineage.Records, evidence: lineage.GroupOffsets, total: n, ends: t.ends, base: base,
		access: lineage.Access{Topic: t.fact.Topic, Op: lineage.Read, Client: lineage.Client{Group: name}},
		flow:   "topic:" + t.path + "->" + node, live: func(time.Time) bool { return true },
	}
	if t.marked {
		c.why = "at most: markers of transactions, and aborted records, are among the offsets"
	}
	if c.from = t.from; from.After(c.from) {
		c.from = from
	}
	if strings.Contains(t.path, storeName) {
		c.flow = ""
	}
	t.s.counts = append(t.s.counts, c)
	return c
}

// reads adds groups that keep up.
func (t *told) reads(names ...string) {
	for _, name := range names {
		t.reader(name, "", t.near(), t.s.start, 0)
	}
}

// shares adds share groups that keep up.
func (t *told) shares(names ...string) {
	for _, name := range names {
		c := t.reader(name, "", t.near(), t.s.start, 0)
		c.source.Name, c.evidence = "share-groups", lineage.ShareOffsets
		c.why = "at most: rejected and archived records are among those that a share group passes"
	}
}

// shop tells what moved. Rates are those of the demo's shop.
func (s *script) shop() (err error) {
	topic := func(path string) *told { return s.topic(path, &err) }
	orders := topic("west/orders")
	n := s.of(sum, orders.byID(s.grows(20)), orders.byID(s.grows(12)))
	orders.whole().reads("fulfilment", "order-enricher", "west-to-east-copy")
	billing := orders.reader("billing", "", s.held(orders.near(), s.standstill, catchUpFor), s.start, 0)
	billing.live = func(at time.Time) bool { return at.Before(s.standstill.Start) || at.After(s.standstill.End) }
	nightly := orders.reader("nightly-report", "", s.within(orders.near(), s.night), s.start, 0)
	nightly.live = func(at time.Time) bool { return at.After(s.night.Start) && !at.After(s.night.End) }
	orders.reader("basket-totals", "streamjob:west/basket-totals", orders.near(), s.start, 0)
	orders.reader("connect-orders-warehouse", warehouse.ID(), orders.near(), s.start, 0)

	daily := topic("west/daily-totals")
	daily.transactions("nightly-report-1", "application:shop/nightly-report", s.of(each(10), nightly.total), s.within(s.grows(4), s.night))
	daily.whole().reads("accounting")

	payments := topic("west/payments")
	paid := payments.byID(s.grows(18))
	payments.whole().reads("fulfilment", "fraud-detector")
	payments.reader("billing", "", s.held(payments.near(), s.standstill, catchUpFor), s.start, 0).live = billing.live

	customers := topic("west/customers")
	profiles := customers.byID(s.grows(3))
	customers.whole().reads("search-indexer", "order-enricher")

	scans := topic("west/inventory")
	scans.byID(s.grows(8))
	scans.left("unidentified:west/inventory", s.grows(5))
	scans.whole().reads("search-indexer")

	clicks := topic("west/clickstream")
	clicked := s.of(sum, clicks.byID(s.waves(70, swells...)), clicks.byID(s.waves(40, swells...)))
	clicks.whole().reads("sessioniser", "recommendations")
	sessions := topic("west/sessions")
	sat := sessions.byID(s.of(each(8), clicked))
	sessions.whole().reads("fraud-detector", "recommendations")
	alerts := topic("west/fraud-alerts")
	alerts.byID(s.of(each(20), paid, sat))
	alerts.whole().reads("alerting")
	shipments := topic("west/shipments")
	shipments.byID(s.of(each(3), n, paid))
	shipments.whole().shares("courier-dispatch")

	enriched := topic("west/order-enriched")
	enriched.transactions("order-enricher-1", "application:shop/order-enricher", s.of(sum, n, profiles), s.grows(6))
	enriched.whole().shares("email-notifications")
	s.rename(enriched)

	returns := topic("west/returns")
	returned := returns.byID(s.grows(1))
	returns.whole().shares("email-notifications")
	at := s.created
	returns.reader("refund-reader", "", s.since(returns.near(), at), at, returns.near().at(at))
	refunds := topic("west/refunds")
	refunds.from = at
	refunded := s.since(returned, at)
	refunds.transactions("refund-writer-1", "application:shop/refund-writer", refunded, refunded)
	refunds.whole().reads("voucher-mailer")

	for _, inner := range []string{storeName + "-repartition", storeName + "-changelog"} {
		t := topic("west/" + inner)
		t.streams(n)
		if t.whole(); strings.HasSuffix(inner, "repartition") {
			t.reader("basket-totals", "streamjob:west/basket-totals", t.near(), s.start, 0)
		}
	}
	baskets := topic("west/customer-baskets")
	baskets.streams(n)
	baskets.whole().reads("voucher-mailer")

	levels := topic("west/inventory.public.stock_levels")
	levels.left(inventory.ID(), s.grows(6))
	levels.whole().reads("stock-planner")

	topic("west/promotions-2025").whole() // nobody writes it any more, and it is known to rest

	copies := topic("east/orders")
	copies.transactions("west-to-east-copy-1", "application:shop/west-to-east-copy", orders.near(), s.grows(6))
	copies.whole().reads("order-analytics")
	metrics := topic("east/order-metrics")
	metrics.byID(s.of(each(10), copies.ends))
	metrics.whole().reads("finance-dashboard")
	for _, from := range []*told{orders, payments} {
		t := topic("east/west." + from.fact.Topic.Name)
		t.left(replicator.ID(), from.near())
		t.whole().reads("fulfilment-east")
		s.replicates(from)
	}
	if err != nil {
		return err
	}
	s.allGroups()
	return nil
}

// rename has a group read under another name after a deployment. It is the same application by the demo's rules.
func (s *script) rename(t *told) {
	const node = "application:shop/loyalty-points"
	until := s.renamed.Add(2 * cadence) // nobody reads meanwhile
	was := s.held(t.near(), lineage.Window{Start: s.renamed, End: s.end.Add(Length)}, 0)
	old := t.reader("loyalty-points", node, was, s.start, 0)
	old.live, old.to = func(at time.Time) bool { return at.Before(s.renamed) }, s.renamed
	base := t.near().at(s.renamed)
	t.reader("cg-0042", node, s.since(t.near(), s.renamed), until, base)
}

// replicates adds what MirrorMaker 2 has read of a topic.
func (s *script) replicates(t *told) {
	topic := lineage.Topic{Cluster: t.fact.Topic.Cluster, Name: t.fact.Topic.Name} // it knows names only
	s.counts = append(s.counts, &count{
		source: lineage.Source{Cluster: "east", Name: "mirror"}, metric: lineage.Records, evidence: lineage.Mirror, total: t.near(), ends: t.ends,
		access: lineage.Access{Topic: topic, Op: lineage.Read, Client: lineage.Client{Mover: replicator}},
		flow:   "topic:" + t.path + "->" + replicator.ID(), from: s.start,
	})
}

// allGroups notes the groups of all readers, and when they were there.
func (s *script) allGroups() {
	known := map[lineage.GroupRef]bool{}
	for _, c := range s.counts {
		ref := lineage.GroupRef{Cluster: c.access.Topic.Cluster, Group: c.access.Client.Group}
		if ref.Group == "" || known[ref] {
			continue
		}
		known[ref] = true
		g := &group{from: c.from, to: c.to, fact: lineage.GroupFact{Ref: ref, Type: "classic", Protocol: "consumer", State: "Stable", MembersKnown: true}}
		if c.evidence == lineage.ShareOffsets {
			g.fact.Type, g.fact.Protocol = "share", "share"
		}
		client := ref.Group + "-1"
		switch ref.Group {
		case "basket-totals":
			client = streamThread
		case "connect-orders-warehouse":
			client = "connector-consumer-orders-warehouse-0"
		}
		g.fact.Members = []lineage.Member{{ID: client + "-made-up", ClientID: client, Host: "127.0.0.1"}}
		s.groups = append(s.groups, g)
	}
}
