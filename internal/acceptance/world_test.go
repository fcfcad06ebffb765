package acceptance

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/kafkatest"
)

// truth is what one flow of the scripted world really moves.
type truth struct {
	kind      string
	records   int64 // -1: not measurable
	estimated bool  // the count is not exact, and must say so
	exact     bool  // the count must not be called an estimate
	most      bool  // the count is a bound, at most: no less than the truth
}

// tolerance is how far the count may be off. What is known to be estimated, as a reader's advance over transactions'
// markers, may be off a little more.
func (x truth) tolerance() float64 {
	if x.estimated {
		return 0.03
	}
	return 0.01
}

// flowsQuery is everything that moved.
const flowsQuery = `query($window: Window!) {
  flows(window: $window, limit: 1000) {
    nodes { id kind }
    flows { id kind active records estimated lag evidence { kind source detail } }
    window { start end }
    coverage { ` + coverageFields + ` }
  }
}`

func (s *server) moved(t testing.TB, window map[string]any) (answer, error) {
	t.Helper()
	var d struct{ Flows *answer }
	err := s.ask(t, flowsQuery, map[string]any{"window": window}, &d)
	if err == nil && d.Flows == nil {
		err = fmt.Errorf("flows is null")
	}
	if err != nil {
		return answer{}, err
	}
	return *d.Flows, nil
}

// walk returns the ids of the nodes that a walk from a root finds.
func (s *server) walk(t testing.TB, root, direction string, window map[string]any) []string {
	t.Helper()
	var d struct{ Lineage *answer }
	s.mustAsk(t, `query($r: [ID!]!, $d: Direction!, $w: Window!) { lineage(roots: $r, direction: $d, depth: 15, window: $w) { nodes { id kind } } }`,
		map[string]any{"r": []string{root}, "d": direction, "w": window}, &d)
	var ids []string
	for _, n := range d.Lineage.Nodes {
		ids = append(ids, n.ID)
	}
	return ids
}

// A world of every kind of mover on two clusters, whose truth is written down: lineaged must show exactly its flows,
// with their counts, follow a record from its first writer to the reader behind Connect and MirrorMaker 2, and remember
// what was when it is no more.
func TestWorld(t *testing.T) {
	const (
		orders, payments, legacy, lines = 3000, 2000, 1500, 800

		west, east = "topic:west/", "topic:east/west."
		copier     = "application:west/orders-copier"
		counter    = "streamjob:west/counter"
		oldCounter = "streamjob:west/old-counter"
		fileIn     = "connector:connect-west/file-in"
		fileOut    = "connector:connect-west/file-out"
		mirror     = "replicator:east/west-%3Eeast"
		reader     = "application:east/east-reader"
	)
	canary := "canary" + rand.Text()
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.txt"), filepath.Join(dir, "out.txt")
	if err := os.WriteFile(in, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w, e := kafkatest.Start(t, kafkatest.Options{}), kafkatest.Start(t, kafkatest.Options{})
	for _, topic := range []string{"orders", "orders-copy", "counts", "payments", "payment-counts", "legacy", "lines"} {
		w.CreateTopic(t, topic, 2)
	}
	connect := w.StartConnect(t, kafkatest.ConnectOptions{Group: "connect-west"})
	connect.Put(t, "file-in", map[string]string{
		"connector.class": "FileStreamSource", "tasks.max": "1", "file": in, "topic": "lines", "some.password": canary,
	})
	connect.Put(t, "file-out", map[string]string{
		"connector.class": "FileStreamSink", "tasks.max": "1", "file": out, "topics": "counts", "sink.secret.token": canary, "consumer.override.auto.offset.reset": "earliest",
	})
	mm2 := kafkatest.StartMirror(t, w, e, kafkatest.MirrorOptions{SourceAlias: "west", TargetAlias: "east", Properties: map[string]string{
		"west->east.topics": "counts,lines,payments", "west->east.some.password": canary,
	}})
	jobs := w.StartStreams(t, kafkatest.StreamsOptions{Application: "counter", Protocol: "streams", Input: "orders-copy", Output: "counts", Properties: []string{"isolation.level=read_committed"}})
	w.StartStreams(t, kafkatest.StreamsOptions{Application: "old-counter", Protocol: "classic", Input: "payments", Output: "payment-counts"})
	w.StartCopier(t, "orders-copier", "orders-copier-1", "orders", "orders-copy")
	w.ShareFromBeginning(t, "queue")
	billing := w.ConsoleConsumer(t, "billing", "classic", "payments", "auto.commit.interval.ms=500")
	w.ConsoleConsumer(t, "modern", "consumer", "legacy", "auto.commit.interval.ms=500")
	w.ShareConsumer(t, "queue", "lines")
	w.WaitMembers(t, "billing", "modern", "queue")
	eventually(t, time.Minute, "MirrorMaker 2 made its topics", func() error {
		topics, err := e.Admin(t).ListTopics(t.Context())
		for _, name := range []string{"west.counts", "west.lines", "west.payments"} {
			if err == nil && !topics.Has(name) {
				err = fmt.Errorf("no %s, only %q", name, topics.Names())
			}
		}
		return err
	})
	e.ConsoleConsumer(t, "east-reader", "consumer", "west.counts", "auto.commit.interval.ms=500")
	e.WaitMembers(t, "east-reader")

	config := filepath.Join(dir, "lineaged.yaml")
	if err := os.WriteFile(config, fmt.Appendf(nil, "interval: 1s\nclusters: [{name: west, brokers: [%q]}, {name: east, brokers: [%q]}]\nconnect: [{name: connect-west, url: %q}]\n",
		w.Brokers()[0], e.Brokers()[0], connect.URL), 0o600); err != nil {
		t.Fatal(err)
	}
	s := serve(t, "--config", config, "--log-level", "debug")
	s.knows(t, west+"orders")
	s.knows(t, "topic:east/west.counts")
	s.knows(t, fileIn)
	s.knows(t, mirror)
	s.waitRound(t, "west", time.Now().Add(2*time.Second))
	eventually(t, time.Minute, "every source looked", func() error {
		a, err := s.moved(t, last("4s"))
		if err == nil && !a.Coverage.Complete {
			err = fmt.Errorf("gaps: %+v", a.Coverage.Gaps)
		}
		return err
	})
	begin := time.Now()

	producers := []*kafkatest.Producer{
		w.StartProducerPerf(t, kafkatest.Perf{Topic: "orders", Records: orders, PerSecond: 200}),
		w.StartProducerPerf(t, kafkatest.Perf{Topic: "payments", Records: payments, PerSecond: 150}),
	}
	w.Kcat(t, "legacy", legacy)
	var text strings.Builder
	for i := range lines {
		fmt.Fprintf(&text, "line %d %s\n", i, canary)
	}
	if err := os.WriteFile(in, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, p := range producers {
		p.Wait(t)
	}
	w.WaitGroup(t, "billing", "payments", payments)
	e.WaitGroup(t, "east-reader", "west.counts", orders)

	file := func(path string) string { return "dataset:file/" + strings.ReplaceAll(path, "/", "%2F") }
	want := map[string]truth{
		"unidentified:west/orders->" + west + "orders":     {kind: "PRODUCE", records: orders, exact: true},
		"unidentified:west/payments->" + west + "payments": {kind: "PRODUCE", records: payments, exact: true},
		"unidentified:west/legacy->" + west + "legacy":     {kind: "PRODUCE", records: legacy},
		west + "orders->" + copier:                         {kind: "CONSUME", records: orders, exact: true},
		copier + "->" + west + "orders-copy":               {kind: "PRODUCE", records: orders, estimated: true, most: true},
		west + "orders-copy->" + counter:                   {kind: "CONSUME", records: orders, estimated: true},
		counter + "->" + west + "counts":                   {kind: "PRODUCE", records: orders, exact: true},
		west + "payments->" + oldCounter:                   {kind: "CONSUME", records: payments, exact: true},
		oldCounter + "->" + west + "payment-counts":        {kind: "PRODUCE", records: payments, exact: true},
		file(in) + "->" + fileIn:                           {kind: "EXTERNAL", records: -1},
		fileIn + "->" + west + "lines":                     {kind: "PRODUCE", records: lines, estimated: true},
		west + "counts->" + fileOut:                        {kind: "CONSUME", records: orders, exact: true},
		fileOut + "->" + file(out):                         {kind: "EXTERNAL", records: -1},
		west + "payments->application:west/billing":        {kind: "CONSUME", records: payments, exact: true},
		west + "legacy->application:west/modern":           {kind: "CONSUME", records: legacy, exact: true},
		west + "lines->application:west/queue":             {kind: "CONSUME", records: lines, estimated: true},
		west + "counts->" + mirror:                         {kind: "REPLICATE", records: orders},
		west + "lines->" + mirror:                          {kind: "REPLICATE", records: lines},
		west + "payments->" + mirror:                       {kind: "REPLICATE", records: payments},
		mirror + "->" + east + "counts":                    {kind: "REPLICATE", records: orders, estimated: true},
		mirror + "->" + east + "lines":                     {kind: "REPLICATE", records: lines, estimated: true},
		mirror + "->" + east + "payments":                  {kind: "REPLICATE", records: payments, estimated: true},
		east + "counts->" + reader:                         {kind: "CONSUME", records: orders, exact: true},
	}
	// Members and topologies are asked for each half minute.
	known := map[string][]string{
		counter + "->" + west + "counts":     {"PRODUCER_STATE"},
		west + "orders-copy->" + counter:     {"GROUP_MEMBERSHIP", "GROUP_OFFSETS", "STREAMS_TOPOLOGY"},
		west + "counts->" + fileOut:          {"CONNECT", "GROUP_OFFSETS"},
		fileIn + "->" + west + "lines":       {"CONNECT", "ELIMINATION"},
		mirror + "->" + east + "counts":      {"ELIMINATION", "MIRROR"},
		west + "counts->" + mirror:           {"MIRROR"},
		copier + "->" + west + "orders-copy": {"TRANSACTION"},
	}
	var got answer
	eventually(t, 90*time.Second, "all flows with their counts and evidence", func() error {
		var err error
		if got, err = s.moved(t, between(begin, time.Now())); err != nil {
			return err
		}
		return errors.Join(compare(got, want), supported(got, known))
	})
	ran := between(begin, time.Now())
	kinds := map[string]string{}
	for _, n := range got.Nodes {
		kinds[n.ID] = n.Kind
	}
	for id, kind := range map[string]string{
		copier: "APPLICATION", counter: "STREAM_JOB", oldCounter: "STREAM_JOB", fileIn: "CONNECTOR", fileOut: "CONNECTOR", mirror: "REPLICATOR", reader: "APPLICATION",
		file(in): "DATASET", file(out): "DATASET", "unidentified:west/legacy": "UNIDENTIFIED", west + "orders": "TOPIC",
	} {
		if kinds[id] != kind {
			t.Errorf("%s is a %s, want %s", id, kinds[id], kind)
		}
	}
	s.wantTopology(t)

	// One question, from the first writer's topic to the reader behind Connect and MirrorMaker 2, and back: these nodes
	// and no others.
	for _, x := range []struct {
		root, direction string
		want            []string
	}{
		{west + "orders", "DOWNSTREAM", []string{west + "orders", copier, west + "orders-copy", counter, west + "counts", fileOut, file(out), mirror, east + "counts", reader}},
		{reader, "UPSTREAM", []string{reader, east + "counts", mirror, west + "counts", counter, west + "orders-copy", copier, west + "orders", "unidentified:west/orders"}},
	} {
		got := s.walk(t, x.root, x.direction, ran)
		slices.Sort(got)
		slices.Sort(x.want)
		if !slices.Equal(got, x.want) {
			t.Errorf("%s of %s are %q, want %q", x.direction, x.root, got, x.want)
		}
	}

	// Movers end: now they are gone or still, then they are what they were.
	billing.Stop(t)
	jobs.Stop(t)
	connect.Delete(t, "file-out")
	mm2.Stop(t)
	eventually(t, 90*time.Second, "what ended is seen to have ended", func() error {
		now := s.lineage(t, west+"counts", last("3s"))
		for _, f := range now.Flows {
			if strings.HasPrefix(f.ID, fileOut) {
				return fmt.Errorf("the deleted connector still writes: %s", f.ID)
			}
			if f.Active == nil || *f.Active {
				return fmt.Errorf("%s is active: %v; gaps: %+v", f.ID, valueOf(f.Active), now.Coverage.Gaps)
			}
		}
		// its group stands, with the positions that it had
		var d struct{ Node struct{ Exists *bool } }
		if err := s.ask(t, `query($id: ID!) { node(id: $id) { ... on Connector { exists } } }`, map[string]any{"id": fileOut}, &d); err != nil {
			return err
		}
		if d.Node.Exists == nil || *d.Node.Exists {
			return fmt.Errorf("the deleted connector exists: %v", valueOf(d.Node.Exists))
		}
		return nil
	})
	again, err := s.moved(t, ran)
	if err != nil {
		t.Fatal(err)
	}
	if err := compare(again, want); err != nil {
		t.Errorf("the past has changed: %v", err)
	}
	s.lawsOfWindows(t, begin, 0)
	s.wantNowhere(t, canary)
}

// compare says how an answer differs from the truth: recall and precision, kinds, counts within 1 % and what is said of
// them.
func compare(got answer, want map[string]truth) error {
	var wrong []string
	seen := map[string]bool{}
	for _, f := range got.Flows {
		seen[f.ID] = true
		x, ok := want[f.ID]
		switch {
		case !ok:
			wrong = append(wrong, "there is no flow "+f.ID)
			continue
		case f.Kind != x.kind:
			wrong = append(wrong, f.ID+" is "+f.Kind)
		case x.records < 0 && f.Records != nil:
			wrong = append(wrong, fmt.Sprintf("%s has %d records", f.ID, *f.Records))
		case x.records >= 0 && f.Records == nil:
			wrong = append(wrong, f.ID+" has no count")
		case x.most && *f.Records < x.records:
			wrong = append(wrong, fmt.Sprintf("%s has at most %d records and not %d", f.ID, *f.Records, x.records))
		case x.records >= 0 && math.Abs(float64(*f.Records-x.records)) > float64(x.records)*x.tolerance():
			wrong = append(wrong, fmt.Sprintf("%s has %d records and not %d", f.ID, *f.Records, x.records))
		}
		if x.estimated && !f.Estimated || x.exact && f.Estimated {
			wrong = append(wrong, fmt.Sprintf("%s: estimated is %v: %s", f.ID, f.Estimated, f.details()))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(want)) {
		if !seen[id] {
			wrong = append(wrong, "missing is "+id)
		}
	}
	if wrong == nil {
		return nil
	}
	return fmt.Errorf("%s", strings.Join(wrong, "\n"))
}

// supported says which flows lack a kind of evidence.
func supported(a answer, want map[string][]string) error {
	for _, f := range a.Flows {
		for _, kind := range want[f.ID] {
			if !slices.Contains(f.evidence(), kind) {
				return fmt.Errorf("%s is known by %q, want %s too", f.ID, f.evidence(), kind)
			}
		}
	}
	return nil
}

// wantTopology checks what the stream job tells of its inside.
func (s *server) wantTopology(t testing.TB) {
	t.Helper()
	var d struct {
		Node struct {
			Protocol, ApplicationID string
			Stores                  []string
			InnerTopics             []struct{ Name string }
			Subtopologies           []struct{ Sources, RepartitionSinks, RepartitionSources, Changelogs []string }
		}
	}
	s.mustAsk(t, `{node(id: "streamjob:west/counter") { ... on StreamJob { protocol applicationId stores innerTopics { name } subtopologies { sources repartitionSinks repartitionSources changelogs } } }}`, nil, &d)
	n := d.Node
	if n.Protocol != "streams" || n.ApplicationID != "counter" || !slices.Equal(n.Stores, []string{"counts"}) || len(n.InnerTopics) != 2 || len(n.Subtopologies) != 2 ||
		!slices.Equal(n.Subtopologies[0].Sources, []string{"orders-copy"}) || !slices.Equal(n.Subtopologies[1].Changelogs, []string{"counter-counts-changelog"}) {
		t.Errorf("the stream job tells %+v", n)
	}
}

// wantNowhere checks that texts are in no file that lineaged wrote, and stops it.
func (s *server) wantNowhere(t testing.TB, texts ...string) {
	t.Helper()
	page, _, err := s.fetch(t, "/metrics")
	if err != nil {
		t.Errorf("/metrics: %v", err)
	}
	s.stop(t)
	search := func(where string, b []byte) {
		for i, text := range texts {
			if bytes.Contains(b, []byte(text)) {
				t.Errorf("%s holds text %d of %d that nobody may keep", where, i+1, len(texts))
			}
		}
	}
	search("/metrics", []byte(page))
	err = filepath.WalkDir(filepath.Dir(s.data), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		search(path, b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
