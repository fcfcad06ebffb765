package kafka

import (
	"context"
	"iter"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/kafkatest"
	"github.com/lineaged/lineaged/lineage"
)

func TestMain(m *testing.M) {
	if os.Getenv(fakeEnv) != "" {
		serveFake(os.Getenv(fakeEnv))
		return
	}
	code := m.Run()
	if err := kafkatest.CloseShared(); err != nil {
		slog.Error("stop the shared clusters", "error", err)
	}
	os.Exit(code)
}

// recorder is a sink that keeps the newest of everything.
type recorder struct {
	mu        sync.Mutex // guards all below
	rounds    int
	totals    map[lineage.Access]map[lineage.Metric]lineage.Sample
	missing   []string
	events    []lineage.Event
	sightings map[lineage.Access]lineage.EvidenceKind
	details   map[lineage.Access]string // all that was said of an access
	blind     map[string][]lineage.BlindSpot
	gone      map[lineage.FactKey]bool
	topics    map[string]*lineage.TopicFact
	positions map[string][]byte
	fail      error
	// explained are the details by access and evidence, and unexplained the samples that are estimated without one.
	explained   map[lineage.Sighting]bool
	unexplained []lineage.Sample
}

func newRecorder() *recorder {
	return &recorder{
		totals:    map[lineage.Access]map[lineage.Metric]lineage.Sample{},
		sightings: map[lineage.Access]lineage.EvidenceKind{}, details: map[lineage.Access]string{}, positions: map[string][]byte{}, blind: map[string][]lineage.BlindSpot{},
		explained: map[lineage.Sighting]bool{}, gone: map[lineage.FactKey]bool{}, topics: map[string]*lineage.TopicFact{},
	}
}

func (r *recorder) Append(_ context.Context, obs ...lineage.Observation) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.fail != nil {
		return r.fail
	}
	r.rounds++
	for _, o := range obs {
		r.settle(&o)
		r.explain(&o)
		for _, s := range o.Samples {
			if r.totals[s.Subject] == nil {
				r.totals[s.Subject] = map[lineage.Metric]lineage.Sample{}
			}
			s.Estimated = s.Estimated || r.totals[s.Subject][s.Metric].Estimated
			r.totals[s.Subject][s.Metric] = s
		}
		for _, s := range o.Sightings {
			r.sightings[s.Access] = s.Evidence
			r.details[s.Access] = both(r.details[s.Access], s.Detail)
		}
		for _, m := range o.Missing {
			r.missing = append(r.missing, o.Source.String()+": "+m.Reason)
		}
		for _, f := range o.Facts {
			switch {
			case f.Gone:
				r.gone[f.Key] = true
			case f.Key.Kind == lineage.BlindSpotFacts:
				r.blind[f.Key.Name] = f.BlindSpots
			case f.Topic != nil:
				r.topics[f.Key.Name] = f.Topic
			}
		}
		for _, p := range o.Positions {
			if r.positions[p.Key] = p.Value; p.Value == nil {
				delete(r.positions, p.Key)
			}
		}
		r.events = append(r.events, o.Events...)
	}
	return nil
}

// settle gives what is left of a topic to nobody, as it is settled where no mover writes it.
func (r *recorder) settle(o *lineage.Observation) {
	nobodys := func(a lineage.Access) lineage.Access {
		return lineage.Access{Topic: a.Topic, Op: lineage.Write, Client: lineage.Client{Kind: lineage.Remainder}}
	}
	o.Samples, o.Sightings = slices.Clone(o.Samples), slices.Clone(o.Sightings)
	for _, s := range o.Samples {
		if s.Metric != lineage.Left && s.Metric != lineage.Mixed {
			continue
		}
		other := lineage.Left + lineage.Mixed - s.Metric
		i := slices.IndexFunc(o.Samples, func(x lineage.Sample) bool { return x.Subject == s.Subject && x.Metric == other })
		switch {
		case i < 0:
			s.Value += r.totals[s.Subject][other].Value
		case s.Metric == lineage.Left:
			s.Value, s.Estimated = s.Value+o.Samples[i].Value, s.Estimated || o.Samples[i].Estimated
		default:
			continue
		}
		s.Subject, s.Metric, s.Evidence = nobodys(s.Subject), lineage.Records, lineage.EndOffsets
		o.Samples = append(o.Samples, s)
	}
	for i, s := range o.Sightings {
		if s.Access.Op == lineage.OpNone {
			o.Sightings[i].Access = nobodys(s.Access)
		}
	}
}

// explain looks for estimates that come without a reason. It needs mu.
func (r *recorder) explain(o *lineage.Observation) {
	for _, s := range o.Sightings {
		if s.Detail != "" {
			r.explained[lineage.Sighting{Access: s.Access, Evidence: s.Evidence}] = true
		}
	}
	for _, s := range o.Samples {
		if s.Estimated && s.Metric == lineage.Records && !r.explained[lineage.Sighting{Access: s.Subject, Evidence: s.Evidence}] {
			r.unexplained = append(r.unexplained, s)
		}
	}
}

func (r *recorder) Positions(_ context.Context, source lineage.Source) (map[string][]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := map[string][]byte{}
	if source.Name == sourceEnds {
		maps.Copy(out, r.positions)
	}
	return out, nil
}

// sum adds up the newest values of a metric over the accesses of a topic that match.
func (r *recorder) sum(topic string, m lineage.Metric, match func(lineage.Access) bool) (n int64, accesses int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for a, metrics := range r.totals {
		if s, ok := metrics[m]; ok && a.Topic.Name == topic && match(a) {
			n += s.Value
			accesses++
		}
	}
	return n, accesses
}

// estimated reports whether any step of the matching accesses of a topic was an estimate.
func (r *recorder) estimated(topic string, m lineage.Metric, match func(lineage.Access) bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for a, metrics := range r.totals {
		if a.Topic.Name == topic && match(a) && metrics[m].Estimated {
			return true
		}
	}
	return false
}

// why returns all that was said of the matching accesses of a topic.
func (r *recorder) why(topic string, match func(lineage.Access) bool) (said string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for a, detail := range r.details {
		if a.Topic.Name == topic && match(a) {
			said = both(said, detail)
		}
	}
	return said
}

func (r *recorder) roundsTaken() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rounds
}

func eventually(t *testing.T, what string, within time.Duration, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(within)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", within, what)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// watch runs a collector until the test's end and returns what it records.
func watch(t *testing.T, r *recorder, cfg Config) (stop func()) {
	t.Helper()
	cfg.Name, cfg.Interval = "west", time.Second
	if testing.Verbose() {
		cfg.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	c, err := New(cfg, r)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	var once sync.Once
	stop = func() {
		once.Do(func() {
			cancel()
			if err := <-done; err != nil {
				t.Error(err)
			}
		})
	}
	t.Cleanup(func() {
		stop()
		r.wantReasons(t)
	})
	return stop
}

// wantReasons fails for what was estimated without a reason.
func (r *recorder) wantReasons(t *testing.T) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.unexplained {
		t.Errorf("%+v is estimated by %s, and nothing says why", s.Subject, s.Evidence)
	}
	r.unexplained = nil
}

// What the sequences, the end offsets and the commits tell is what Kafka's own tools say they did; also over a restart
// of the collector in the middle.
func TestRealCountsAreExact(t *testing.T) {
	c := kafkatest.Shared(t, kafkatest.Options{})
	c.CreateTopic(t, "books", 3)
	r := newRecorder()
	stop := watch(t, r, Config{Brokers: c.Brokers()})
	eventually(t, "two rounds", 60*time.Second, func() bool { return r.roundsTaken() >= 2 })
	consumer := c.ConsoleConsumer(t, "books-classic", "classic", "books", "auto.commit.interval.ms=1000")
	modern := c.ConsoleConsumer(t, "books-modern", "consumer", "books", "auto.commit.interval.ms=1000")
	eventually(t, "members", 90*time.Second, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		groups := map[string]bool{}
		for a, e := range r.sightings {
			if e == lineage.GroupMembership && a.Topic.Name == "books" {
				groups[a.Client.Group] = true
			}
		}
		return len(groups) == 2
	})
	a := c.StartProducerPerf(t, kafkatest.Perf{Topic: "books", Records: 6000, PerSecond: 600})
	b := c.StartProducerPerf(t, kafkatest.Perf{Topic: "books", Records: 2000, PerSecond: 200})
	time.Sleep(3 * time.Second) // in the middle of the run
	stop()
	time.Sleep(1500 * time.Millisecond) // nobody watches
	watch(t, r, Config{Brokers: c.Brokers()})
	plain := c.ProducerPerf(t, kafkatest.Perf{Topic: "books", Records: 1000, PerSecond: 500, Props: []string{"enable.idempotence=false"}})
	sentA, sentB := a.Wait(t), b.Wait(t)

	topicItself := func(a lineage.Access) bool { return a.Op == lineage.OpNone }
	writers := func(a lineage.Access) bool { return a.Op == lineage.Write && a.Client.Kind == lineage.Connection }
	remainder := func(a lineage.Access) bool { return a.Op == lineage.Write && a.Client.Kind == lineage.Remainder }
	group := func(name string) func(lineage.Access) bool {
		return func(a lineage.Access) bool { return a.Client.Group == name && a.Client.Member == "" }
	}
	all := sentA + sentB + plain
	want := func(what string, m lineage.Metric, match func(lineage.Access) bool, want int64) {
		t.Helper()
		var got int64
		deadline := time.Now().Add(60 * time.Second)
		for {
			if got, _ = r.sum("books", m, match); got == want || time.Now().After(deadline) {
				break
			}
			time.Sleep(200 * time.Millisecond)
		}
		if got != want {
			t.Errorf("%s: %d, Kafka's tools say %d", what, got, want)
		}
	}
	want("appended", lineage.Appended, topicItself, all)
	want("idempotent producers", lineage.Records, writers, sentA+sentB)
	want("remainder", lineage.Records, remainder, plain)
	want("classic group", lineage.Records, group("books-classic"), all)
	want("KIP-848 group", lineage.Records, group("books-modern"), all)
	want("lag of the classic group", lineage.Lag, group("books-classic"), 0)
	if n := consumer.Stop(t); n != all {
		t.Errorf("the classic consumer says it read %d of %d", n, all)
	}
	if n := modern.Stop(t); n != all {
		t.Errorf("the KIP-848 consumer says it read %d of %d", n, all)
	}
	if t.Failed() {
		r.mu.Lock()
		defer r.mu.Unlock()
		for a, m := range r.totals {
			if a.Topic.Name == "books" {
				t.Logf("%+v: %+v", a.Client, m)
			}
		}
		t.Log(r.missing)
	}
}

// A transactional producer is named and counted, markers apart, by both versions of the transaction protocol.
func TestRealTransactions(t *testing.T) {
	for _, version := range []string{kafkatest.V43, kafkatest.V39} {
		t.Run(version, func(t *testing.T) {
			c := kafkatest.Shared(t, kafkatest.Options{Version: version})
			c.CreateTopic(t, "ledger", 2)
			r := newRecorder()
			watch(t, r, Config{Brokers: c.Brokers()})
			eventually(t, "two rounds", 60*time.Second, func() bool { return r.roundsTaken() >= 2 })
			p := c.StartProducerPerf(t, kafkatest.Perf{Topic: "ledger", Records: 4000, PerSecond: 500, TransactionalID: "ledger-writer"})
			plain := c.ProducerPerf(t, kafkatest.Perf{Topic: "ledger", Records: 1000, PerSecond: 200})
			sent := p.Wait(t)
			named := func(a lineage.Access) bool { return strings.HasPrefix(a.Client.TransactionalID, "ledger-writer") }
			idempotent := func(a lineage.Access) bool { return a.Op == lineage.Write && a.Client.Producer != 0 }
			rest := func(a lineage.Access) bool { return a.Client.Kind == lineage.Remainder }
			near := func(got int64) bool {
				// the markers' bounds are wider where a busy machine stretches the rounds; the flow says so
				off := sent / 100
				if r.estimated("ledger", lineage.Records, named) {
					off = sent / 33
				}
				return got >= sent-off && got <= sent+off
			}
			end := c.EndOffset(t, "ledger")
			eventually(t, "all of the topic", 60*time.Second, func() bool {
				n, _ := r.sum("ledger", lineage.Appended, func(a lineage.Access) bool { return a.Op == lineage.OpNone })
				return n == end
			})
			defer func() {
				n, _ := r.sum("ledger", lineage.Records, named)
				m, _ := r.sum("ledger", lineage.Records, idempotent)
				left, _ := r.sum("ledger", lineage.Records, rest)
				t.Logf("end %d: sent %d in transactions, counted %d; sent %d plainly, counted %d; remainder %d", end, sent, n, plain, m, left)
			}()
			eventually(t, "the records of both", 30*time.Second, func() bool {
				n, _ := r.sum("ledger", lineage.Records, named)
				m, _ := r.sum("ledger", lineage.Records, idempotent)
				return near(n) && m == plain
			})
			left, _ := r.sum("ledger", lineage.Records, rest)
			if left > sent/33 {
				t.Errorf("a remainder of %d although all writers are named or counted", left)
			}
		})
	}
}

// The threads of a Kafka Streams application with exactly-once are transactional producers of their own, and each
// writes all partitions of what is grouped anew: together they are counted as one would be.
func TestRealExactlyOnceStreams(t *testing.T) {
	const inner, output = "tally-counts-repartition", "tallies"
	c := kafkatest.Shared(t, kafkatest.Options{})
	c.CreateTopic(t, "sentences", 2)
	c.CreateTopic(t, output, 2)
	c.StartStreams(t, kafkatest.StreamsOptions{
		Application: "tally", Protocol: "streams", Input: "sentences", Output: output,
		Properties: []string{"processing.guarantee=exactly_once_v2", "num.stream.threads=2"},
	})
	r := newRecorder()
	watch(t, r, Config{Brokers: c.Brokers(), Applications: func(iter.Seq[string]) func(string) string {
		return func(id string) string {
			name, _, _ := strings.Cut(id, "-")
			return name
		}
	}})
	eventually(t, "two rounds", 60*time.Second, func() bool { return r.roundsTaken() >= 2 })
	sent := c.ProducerPerf(t, kafkatest.Perf{Topic: "sentences", Records: 3000, PerSecond: 300})
	counted := func(topic string) (n, left int64, threads int) {
		n, threads = r.sum(topic, lineage.Records, func(a lineage.Access) bool { return strings.HasPrefix(a.Client.TransactionalID, "tally-") })
		left, _ = r.sum(topic, lineage.Records, func(a lineage.Access) bool { return a.Client.Kind == lineage.Remainder })
		return n, left, threads
	}
	for _, topic := range []string{inner, output} {
		eventually(t, "what both threads wrote to "+topic, 60*time.Second, func() bool {
			n, left, threads := counted(topic)
			// the markers' bounds are wide where a busy machine stretches the run
			return threads == 2 && n >= sent-sent/20 && n <= sent+sent/20 && left <= sent/33
		})
		n, left, threads := counted(topic)
		t.Logf("%s: end %d, of %d records %d are counted to %d threads, %d to nobody", topic, c.EndOffset(t, topic), sent, n, threads, left)
	}
	if !r.estimated(inner, lineage.Records, func(a lineage.Access) bool { return strings.HasPrefix(a.Client.TransactionalID, "tally-") }) {
		t.Error("the shares are not said to be estimated")
	}
}
