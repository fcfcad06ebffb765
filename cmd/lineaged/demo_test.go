package main

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lineaged/lineaged/internal/config"
	"github.com/lineaged/lineaged/internal/demo"
)

// The demo shows everyone, soon, and leaves nothing behind. How soon is told and not held: beside the race detector and
// two more packages a start alone has taken forty seconds, of the two that it takes.
func TestDemo(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	cfg, err := demoConfig("127.0.0.1:0", "warn")
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	var stderr strings.Builder
	s := start(t, func(ctx context.Context, stdout io.Writer) error {
		return (&program{stdout: stdout, stderr: &stderr}).runDemo(ctx, cfg, true, false)
	})
	if !strings.HasPrefix(s.url, "http://127.0.0.1:") {
		t.Errorf("the demo listens on %s", s.url)
	}
	orders := []string{
		"unidentified:west/orders->topic:west/orders",
		"topic:west/orders->application:shop/billing",
		"topic:west/orders->application:shop/fulfilment",
		"topic:west/orders->application:shop/order-enricher",
		"topic:west/orders->application:shop/west-to-east-copy",
		"topic:west/orders->streamjob:west/basket-totals",
		"topic:west/orders->connector:demo-connect/orders-warehouse",
		"topic:west/orders->replicator:east/west-%3Eeast",
	}
	eventually(t, time.Minute, func() string { return s.lacks("topic:west/orders", orders) })
	t.Logf("useful after %v", time.Since(began))
	// It reads for the first seconds only, which a busy machine may spend before the first round.
	eventually(t, time.Minute, func() string {
		const flow = "topic:west/orders->application:shop/nightly-report"
		known, problem := s.known("topic:west/orders")
		if _, ok := known[flow]; problem == "" && !ok {
			problem = flow + " is not known"
		}
		return problem
	})

	for root, flows := range map[string][]string{
		"topic:west/clickstream":    {"unidentified:west/clickstream->topic:west/clickstream", "topic:west/clickstream->application:shop/sessioniser", "topic:west/clickstream->application:shop/recommendations"},
		"topic:west/customers":      {"unidentified:west/customers->topic:west/customers", "topic:west/customers->application:shop/search-indexer", "topic:west/customers->application:shop/order-enricher"},
		"topic:west/inventory":      {"unidentified:west/inventory->topic:west/inventory"},
		"topic:west/payments":       {"unidentified:west/payments->topic:west/payments", "topic:west/payments->application:shop/fraud-detector"},
		"topic:west/returns":        {"unidentified:west/returns->topic:west/returns", "topic:west/returns->application:shop/email-notifications", "topic:west/returns->application:shop/refund-reader"},
		"topic:west/shipments":      {"unidentified:west/shipments->topic:west/shipments", "topic:west/shipments->application:shop/courier-dispatch"},
		"topic:west/fraud-alerts":   {"unidentified:west/fraud-alerts->topic:west/fraud-alerts", "topic:west/fraud-alerts->application:shop/alerting"},
		"topic:west/order-enriched": {"application:shop/order-enricher->topic:west/order-enriched", "topic:west/order-enriched->application:shop/loyalty-points"},
		"topic:east/orders":         {"application:shop/west-to-east-copy->topic:east/orders", "topic:east/orders->application:shop/order-analytics"},
		"topic:west/refunds":        {"application:shop/refund-writer->topic:west/refunds", "topic:west/refunds->application:shop/voucher-mailer"},
		"topic:east/order-metrics":  {"topic:east/order-metrics->application:shop/finance-dashboard"},
	} {
		eventually(t, time.Minute, func() string { return s.lacks(root, flows) })
	}

	eventually(t, time.Minute, s.lacksDeclared)

	var nodes struct {
		Nodes struct {
			Edges []struct {
				Node struct {
					ID, Owner string
					Tags      []string
				}
			}
		}
	}
	if problem := s.query(`{ nodes(tag: "pii") { edges { node { id owner tags } } } }`, &nodes); problem != "" {
		t.Fatal(problem)
	}
	if got := fmt.Sprint(nodes.Nodes.Edges); got != "[{{topic:west/customers team-crm [pii]}}]" {
		t.Errorf("what is tagged pii: %s", got)
	}

	boards := dashboards(t)
	eventually(t, time.Minute, func() string { return s.lacksDashboards(boards) })

	s.end()
	if left, err := filepath.Glob(filepath.Join(tmp, "*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	for line := range strings.Lines(stderr.String()) {
		// On a busy machine a round of a second may come too late, and that is rightly said.
		if !strings.Contains(line, "no answer in time") && !strings.Contains(line, "end offsets are missing") && !strings.Contains(line, "took longer") && !strings.Contains(line, "source is back") {
			t.Errorf("the demo is noisy: %s", line)
		}
	}
}

// lacksDeclared says what is missing of a declaration that holds, one that is not observed, and a flow that nobody
// declared.
func (s *server) lacksDeclared() string {
	var out struct {
		Declarations struct {
			WrongFiles, FileCount int
			Edges                 []struct {
				Node struct {
					Application, File string
					Observed          *bool
				}
			}
		}
		UndeclaredFlows struct {
			Edges []struct{ Node struct{ ID string } }
		}
		DataProducts struct {
			Edges []struct {
				Node struct {
					Ports []struct{ Topics []struct{ ID string } }
				}
			}
		}
	}
	if problem := s.query(`{ declarations(window: {last: "5s"}) { wrongFiles fileCount edges { node { application file observed } } }
		undeclaredFlows(window: {last: "5s"}) { edges { node { id } } } dataProducts(window: {last: "5s"}) { edges { node { ports { topics { id } } } } } }`, &out); problem != "" {
		return problem
	}
	got := fmt.Sprint(out.Declarations.WrongFiles, out.Declarations.FileCount)
	for _, e := range out.Declarations.Edges {
		got += fmt.Sprintf(" %s %s", e.Node.File, e.Node.Application)
		if e.Node.Observed != nil {
			got += fmt.Sprint(" ", *e.Node.Observed)
		}
	}
	for _, e := range out.UndeclaredFlows.Edges {
		if e.Node.ID == "topic:west/payments->application:shop/billing" {
			got += ", and one undeclared"
		}
	}
	for _, e := range out.DataProducts.Edges {
		for _, p := range e.Node.Ports {
			for _, t := range p.Topics {
				got += " " + t.ID
			}
		}
	}
	const want = "0 3 demo.yaml application:shop/voucher-mailer true demo.yaml application:shop/campaigns false declared/billing.asyncapi.yaml Billing true" +
		", and one undeclared topic:west/customer-baskets"
	return unless(got == want, got+", want "+want)
}

// lacks returns which flows of a topic the server does not show as active yet.
func (s *server) lacks(root string, flows []string) string {
	s.t.Helper()
	active, problem := s.known(root)
	if problem != "" {
		return problem
	}
	for _, f := range flows {
		if !active[f] {
			return fmt.Sprintf("%s is not active; there are %v", f, active)
		}
	}
	return ""
}

// known returns the flows next to a node, and whether each is active.
func (s *server) known(root string) (active map[string]bool, problem string) {
	s.t.Helper()
	var answer struct {
		Lineage struct {
			Flows []struct {
				ID     string
				Active bool
			}
		}
	}
	if problem := s.query(fmt.Sprintf(`{ lineage(roots: [%q], depth: 1, window: {last: "1m"}) { flows { id active } } }`, root), &answer); problem != "" {
		return nil, problem
	}
	active = map[string]bool{}
	for _, f := range answer.Lineage.Flows {
		active[f.ID] = f.Active
	}
	return active, ""
}

// A taken port is no reason to fail, unless it was asked for.
func TestDemoPortTaken(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	cfg, err := demoConfig(taken.Addr().String(), "warn")
	if err != nil {
		t.Fatal(err)
	}
	var stderr strings.Builder
	p := &program{stdout: io.Discard, stderr: &stderr}
	if err := p.runDemo(t.Context(), cfg, true, false); err == nil {
		t.Error("a port that was asked for is taken, and the demo runs")
	}
	s := start(t, func(ctx context.Context, stdout io.Writer) error {
		return (&program{stdout: stdout, stderr: &stderr}).runDemo(ctx, cfg, false, false)
	})
	s.end()
	if want := taken.Addr().String() + " is taken, using another port\n"; stderr.String() != want {
		t.Errorf("stderr is %q, want %q", stderr.String(), want)
	}
	if local, err := config.Loopback(strings.TrimPrefix(s.url, "http://")); err != nil || !local {
		t.Errorf("the demo listens on %s", s.url)
	}
}

// A newcomer sees all kinds of nodes soon, follows an order through all of them, and nothing shows a password of the
// shop's.
func TestDemoMovers(t *testing.T) {
	cfg, err := demoConfig("127.0.0.1:0", "debug")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Data = t.TempDir()
	var stderr lockedBuffer
	log := newLogger(&stderr, cfg.Log)
	world, err := demo.Start(log)
	if err != nil {
		t.Fatal(err)
	}
	defer world.Close()
	if cfg, err = watching(cfg, world); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	s := start(t, func(ctx context.Context, stdout io.Writer) error { return serve(ctx, cfg, reloader{}, log, stdout) })
	eventually(t, time.Minute, func() string { return s.lacksKinds() })
	eventually(t, time.Minute, func() string { return s.lacksWay() })
	t.Logf("an order's whole way is seen after %v", time.Since(began))
	// What was written before the connectors were first looked at stays nobody's, and is in a window of a minute for
	// one.
	eventually(t, 3*time.Minute, func() string { return s.wrongMovers() })
	s.wantExactReplication(world)
	s.wantReasons()
	eventually(t, time.Minute, s.lacksColumns)

	seen := s.everything()
	for _, host := range []string{"warehouse-db.shop.example", "inventory-db.shop.example"} {
		if !strings.Contains(seen, host) {
			t.Errorf("the answers do not show %s", host)
		}
	}
	s.end()
	if !strings.Contains(stderr.String(), `"level"`) {
		t.Error("the log is empty at debug")
	}
	files := contents(t, cfg.Data)
	if !strings.Contains(files, "warehouse-db.shop.example") {
		t.Error("the data folder can't be read by this test: it should hold a dataset's name")
	}
	for where, text := range map[string]string{"the answers": seen, "the log": stderr.String(), "the data folder": files} {
		for _, form := range []string{demo.Canary, base64.StdEncoding.EncodeToString([]byte(demo.Canary))[:20], hex.EncodeToString([]byte(demo.Canary))} {
			if strings.Contains(text, form) {
				t.Errorf("%s: a password as %s", where, form)
			}
		}
	}
}

// lacksKinds returns which node of the shop is not there under its name, kind and owner.
func (s *server) lacksKinds() string {
	s.t.Helper()
	var answer struct {
		Nodes struct {
			Edges []struct {
				Node struct {
					ID, Kind, Name string
					Owner          *string
				}
			}
		}
	}
	if problem := s.query(`{ nodes(first: 200, window: {last: "1m"}) { edges { node { id kind name owner } } } }`, &answer); problem != "" {
		return problem
	}
	got := map[string]string{}
	for _, e := range answer.Nodes.Edges {
		owner := "nobody"
		if e.Node.Owner != nil {
			owner = *e.Node.Owner
		}
		got[e.Node.ID] = e.Node.Kind + " " + e.Node.Name + " of " + owner
	}
	for id, want := range map[string]string{
		"topic:west/customer-baskets":             "TOPIC customer-baskets of team-web",
		"application:shop/fulfilment-east":        "APPLICATION fulfilment-east of nobody",
		"application:shop/voucher-mailer":         "APPLICATION voucher-mailer of team-crm",
		"unidentified:west/orders":                "UNIDENTIFIED orders of nobody",
		"streamjob:west/basket-totals":            "STREAM_JOB basket-totals of team-web",
		"connector:demo-connect/orders-warehouse": "CONNECTOR orders-warehouse of team-data",
		"connector:demo-connect/inventory-cdc":    "CONNECTOR inventory-cdc of team-warehouse",
		"replicator:east/west-%3Eeast":            "REPLICATOR west->east of team-platform",
		"dataset:" + warehouse:                    "DATASET warehouse.sales.orders of team-data",
		"dataset:" + stock:                        "DATASET inventory.public.stock_levels of team-warehouse",
		"topic:east/west.orders":                  "TOPIC west.orders of team-platform",
	} {
		if got[id] != want {
			return fmt.Sprintf("%s is %q, want %q; there are %v", id, got[id], want, got)
		}
	}
	for id := range got {
		if strings.Contains(id, "mm2-") || strings.Contains(id, "heartbeats") || strings.Contains(id, "changelog") || strings.Contains(id, "repartition") {
			return "an internal topic is shown: " + id
		}
		if strings.HasPrefix(id, "application:") && strings.Contains(id, "connect") {
			return "a connector's client is taken for an application: " + id
		}
	}
	return ""
}

const (
	warehouse = "postgres%3A%2F%2Fwarehouse-db.shop.example%3A5432/warehouse.sales.orders"
	stock     = "postgres%3A%2F%2Finventory-db.shop.example%3A5432/inventory.public.stock_levels"
)

// shownFlow is a flow in an answer.
type shownFlow struct {
	ID, Kind         string
	Active           *bool
	Records          *string
	Estimated        bool
	Evidence         []struct{ Kind string }
	From, To         struct{ ID string }
	RecordsPerSecond *float64
}

func (f shownFlow) known(kind string) bool {
	return slices.ContainsFunc(f.Evidence, func(e struct{ Kind string }) bool { return e.Kind == kind })
}

// flows are those of a walk, by id.
func (s *server) flows(root, direction string, depth int, last string) (flows map[string]shownFlow, problem string) {
	s.t.Helper()
	var answer struct{ Lineage struct{ Flows []shownFlow } }
	problem = s.query(fmt.Sprintf(`{ lineage(roots: [%q], direction: %s, depth: %d, window: {last: %q}) {
		flows { id kind active records estimated recordsPerSecond evidence { kind } from { id } to { id } } } }`, root, direction, depth, last), &answer)
	flows = map[string]shownFlow{}
	for _, f := range answer.Lineage.Flows {
		flows[f.ID] = f
	}
	return flows, problem
}

// lacksWay returns what is missing of an order's way, as one question tells it: each step moves, and is known as it
// should be.
func (s *server) lacksWay() string {
	s.t.Helper()
	flows, problem := s.flows("topic:west/orders", "DOWNSTREAM", 6, "1m")
	if problem != "" {
		return problem
	}
	for id, want := range map[string]string{
		"topic:west/orders->streamjob:west/basket-totals":               "CONSUME GROUP_OFFSETS",
		"streamjob:west/basket-totals->topic:west/customer-baskets":     "PRODUCE PRODUCER_STATE",
		"topic:west/customer-baskets->application:shop/voucher-mailer":  "CONSUME GROUP_OFFSETS",
		"topic:west/orders->connector:demo-connect/orders-warehouse":    "CONSUME GROUP_OFFSETS CONNECT",
		"connector:demo-connect/orders-warehouse->dataset:" + warehouse: "EXTERNAL CONNECT",
		"topic:west/orders->replicator:east/west-%3Eeast":               "REPLICATE MIRROR",
		"replicator:east/west-%3Eeast->topic:east/west.orders":          "REPLICATE MIRROR ELIMINATION",
		"topic:east/west.orders->application:shop/fulfilment-east":      "CONSUME GROUP_OFFSETS",
	} {
		f, ok := flows[id]
		words := strings.Fields(want)
		if !ok || f.Active == nil || !*f.Active || f.Kind != words[0] {
			return fmt.Sprintf("%s is not there or not active: %+v", id, f)
		}
		for _, kind := range words[1:] {
			if !f.known(kind) {
				return fmt.Sprintf("%s is not known by %s: %+v", id, kind, f)
			}
		}
		if (f.Records == nil) != (f.Kind == "EXTERNAL") {
			return fmt.Sprintf("%s: records %v", id, f.Records)
		}
		if f.known("ELIMINATION") && !f.Estimated {
			return id + " is by elimination and not estimated"
		}
	}
	for id, f := range flows {
		if f.From.ID == "unidentified:east/west.orders" || f.To.ID == "topic:east/west.heartbeats" {
			return "there is " + id
		}
	}
	return ""
}

// wrongMovers returns what is wrong of what movers tell of themselves, of the source connector's way, and of the pair
// that looks alike.
func (s *server) wrongMovers() string {
	s.t.Helper()
	var answer struct {
		Job struct {
			ApplicationID, Protocol, NamedBy string
			Stores                           []string
			InnerTopics                      []struct{ Name string }
		}
		Sink, Source struct {
			Connect, Class, Type, State string
			Tasks                       []struct{ State string }
			Exists                      bool
		}
		Replicator struct {
			Source, Target struct{ Name string }
			State          *string
			Connect        *string
		}
		SuggestedJoins struct {
			Joins []struct{ A, B struct{ ID string } }
		}
	}
	if problem := s.query(`{
		job: node(id: "streamjob:west/basket-totals") { ... on StreamJob { applicationId protocol namedBy stores innerTopics { name } } }
		sink: node(id: "connector:demo-connect/orders-warehouse") { ... on Connector { connect class type state tasks { state } exists } }
		source: node(id: "connector:demo-connect/inventory-cdc") { ... on Connector { connect class type state tasks { state } exists } }
		replicator: node(id: "replicator:east/west-%3Eeast") { ... on Replicator { source { name } target { name } state connect } }
		suggestedJoins { joins { a { id } b { id } } }
	}`, &answer); problem != "" {
		return problem
	}
	j := answer.Job
	if j.ApplicationID != "basket-totals" || j.Protocol != "classic" || len(j.InnerTopics) != 2 || !slices.Equal(j.Stores, []string{"KSTREAM-AGGREGATE-STATE-STORE-0000000003"}) {
		return fmt.Sprintf("the stream job says %+v", j)
	}
	if c := answer.Sink; c.Connect != "demo-connect" || c.Class != "io.aiven.connect.jdbc.JdbcSinkConnector" || c.Type != "sink" || c.State != "RUNNING" || len(c.Tasks) != 1 || c.Tasks[0].State != "RUNNING" || !c.Exists {
		return fmt.Sprintf("the sink says %+v", c)
	}
	if c := answer.Source; c.Class != "io.debezium.connector.postgresql.PostgresConnector" || c.Type != "source" || c.State != "RUNNING" {
		return fmt.Sprintf("the source says %+v", c)
	}
	if r := answer.Replicator; r.Source.Name != "west" || r.Target.Name != "east" || r.State == nil || *r.State != "RUNNING" || r.Connect != nil {
		return fmt.Sprintf("the replicator says %+v", r)
	}
	if got := fmt.Sprint(answer.SuggestedJoins.Joins); got != "[{{application:shop/refund-reader} {application:shop/refund-writer}}]" {
		return "suggested joins: " + got
	}
	flows, problem := s.flows("topic:west/inventory.public.stock_levels", "BOTH", 3, "1m")
	if problem != "" {
		return problem
	}
	write := flows["connector:demo-connect/inventory-cdc->topic:west/inventory.public.stock_levels"]
	from := flows["dataset:"+stock+"->connector:demo-connect/inventory-cdc"]
	if !write.known("ELIMINATION") || !write.Estimated || write.Records == nil || from.Kind != "EXTERNAL" || from.Active == nil || !*from.Active {
		return fmt.Sprintf("the source connector moves %+v from %+v", write, from)
	}
	for id := range flows {
		if strings.HasPrefix(id, "unidentified:west/inventory.public") {
			return "elimination leaves something: " + id
		}
	}
	return ""
}

// wantReasons looks for flows that are estimated and do not say why, in windows of many lengths.
func (s *server) wantReasons() {
	s.t.Helper()
	estimated := 0
	for _, window := range []string{"1s", "5s", "10s", "30s", "1m", "5m", "1h"} {
		var answer struct {
			Flows struct {
				Flows []struct {
					ID        string
					Estimated bool
					Evidence  []struct{ Kind, Detail string }
				}
			}
		}
		if problem := s.query(fmt.Sprintf(`{ flows(window: {last: %q}, includeInternal: true, limit: 300) { flows { id estimated evidence { kind detail } } } }`, window), &answer); problem != "" {
			s.t.Fatal(problem)
		}
		for _, f := range answer.Flows.Flows {
			if !f.Estimated {
				continue
			}
			estimated++
			if !slices.ContainsFunc(f.Evidence, func(e struct{ Kind, Detail string }) bool { return e.Detail != "" }) {
				s.t.Errorf("in the last %s %s is estimated, and nothing says why: %+v", window, f.ID, f.Evidence)
			}
		}
	}
	if estimated == 0 {
		s.t.Error("nothing is estimated")
	}
}

// wantExactReplication compares what is counted as copied with the offsets that MirrorMaker 2 committed. Where the
// count began is not known here, but that must be one and the same for all answers. A commit is a record for each
// partition, and who reads in the middle of it sees a part: so after each commit some answer, not every one, must stand
// at it or at one of its neighbours.
func (s *server) wantExactReplication(w *demo.World) {
	s.t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(w.East.Brokers...), kgo.ConsumeTopics("mm2-offsets.west.internal"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		s.t.Fatal(err)
	}
	defer cl.Close()
	var offsets []*kgo.Record
	poll := func(wait time.Duration) int {
		ctx, cancel := context.WithTimeout(s.t.Context(), wait)
		defer cancel()
		records := cl.PollFetches(ctx).Records()
		offsets = append(offsets, records...)
		return len(records)
	}
	var begins map[int64]bool // where the count can have begun; nil: anywhere
	var said []string
	for range 5 {
		// Until the next commit, so that answers differ.
		for before := len(offsets); len(offsets) == before || time.Since(offsets[len(offsets)-1].Timestamp) > 1500*time.Millisecond; {
			if poll(10*time.Second) == 0 {
				s.t.Fatal("MirrorMaker 2 commits no offsets")
			}
		}
		known := len(commits(s.t, offsets, "orders"))
		var answers []int64
		for until := time.Now().Add(1200 * time.Millisecond); time.Now().Before(until); time.Sleep(100 * time.Millisecond) {
			answers = append(answers, s.copied())
		}
		// A commit lies in several partitions, and the next may have come meanwhile: an answer may know what was not
		// read.
		for poll(300*time.Millisecond) > 0 {
		}
		sums := commits(s.t, offsets, "orders")
		sums = sums[max(0, min(known, len(sums))-3):]
		fits := map[int64]bool{}
		for _, n := range answers {
			for _, sum := range sums {
				if b := sum - n; begins == nil || begins[b] {
					fits[b] = true
				}
			}
			said = append(said, fmt.Sprintf("%d of commits %v", n, sums))
		}
		if begins = fits; len(begins) == 0 {
			s.t.Fatalf("what is counted as copied does not stand at MirrorMaker's commits:\n%s", strings.Join(slices.Compact(said), "\n"))
		}
	}
	s.t.Logf("copied: %s; the count began at %v", said[len(said)-1], slices.Collect(maps.Keys(begins)))
}

// copied is how many records of orders are counted as copied.
func (s *server) copied() int64 {
	s.t.Helper()
	flows, problem := s.flows("topic:west/orders", "DOWNSTREAM", 1, "10m")
	f := flows["topic:west/orders->replicator:east/west-%3Eeast"]
	if problem != "" || f.Records == nil {
		s.t.Fatalf("%s: %+v", problem, f)
	}
	n, err := strconv.ParseInt(*f.Records, 10, 64)
	if err != nil {
		s.t.Fatal(err)
	}
	return n
}

// commits returns how many records of a topic were copied as of each commit, in order. A commit is written at once, two
// seconds after the one before.
func commits(t *testing.T, records []*kgo.Record, topic string) (sums []int64) {
	t.Helper()
	records = slices.Clone(records)
	slices.SortStableFunc(records, func(a, b *kgo.Record) int { return a.Timestamp.Compare(b.Timestamp) })
	at, last := map[int32]int64{}, time.Time{}
	for _, r := range records {
		var key []json.RawMessage
		var part struct {
			Topic     string
			Partition int32
		}
		var value struct{ Offset int64 }
		if json.Unmarshal(r.Key, &key) != nil || len(key) != 2 || json.Unmarshal(key[1], &part) != nil || json.Unmarshal(r.Value, &value) != nil {
			t.Fatalf("a source offset %s: %s", r.Key, r.Value)
		}
		if part.Topic != topic {
			continue
		}
		if r.Timestamp.Sub(last) > time.Second {
			sums = append(sums, 0)
		}
		at[part.Partition], last = value.Offset+1, r.Timestamp
		sums[len(sums)-1] = 0
		for _, n := range at {
			sums[len(sums)-1] += n
		}
	}
	return sums
}

// everything asks for all that can be told of the last minutes.
func (s *server) everything() string {
	s.t.Helper()
	var all strings.Builder
	for _, question := range []string{
		`{ nodes(first: 500, includeInternal: true, window: {last: "5m"}) { edges { node { id name owner tags __typename
			... on Topic { configs { name value } } ... on Application { namedBy groups { name } } ... on StreamJob { namedBy stores groups { name } }
			... on Connector { class type state tasks { id state worker } groups { name } } ... on Replicator { sourceAlias targetAlias policy state } ... on Dataset { namespace } } } } }`,
		`{ flows(window: {last: "5m"}, includeInternal: true, limit: 300) { flows { id evidence { kind source detail } clients(first: 20) { clientId group member transactionalId principal host } }
			coverage { gaps(first: 100) { source reason } blindSpots { source what remedy } } } }`,
		`{ columnLineage(field: "topic:west/orders#value.delivery_phone", window: {last: "5m"}) { columns { field } steps { how } ends { why } unknown { why } }
			schemas(node: "topic:west/orders", window: {last: "5m"}) { schemas { columns { path type } problem } } }`,
		`{ events(window: {last: "5m"}, first: 500) { edges { node { detail node { id } flow { id } } } } clusters { name error } suggestedJoins { joins { reason rule } } }`,
	} {
		var answer json.RawMessage
		if problem := s.query(question, &answer); problem != "" {
			s.t.Error(problem)
		}
		all.Write(answer)
	}
	for _, path := range []string{"/metrics", "/"} {
		_, body := s.get(path)
		all.WriteString(body)
	}
	return all.String()
}

// contents are all files below a folder, one after another.
func contents(t *testing.T, folder string) string {
	t.Helper()
	var all strings.Builder
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		all.Write(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all.String()
}
