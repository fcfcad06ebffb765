package headers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/kafkatest"
	"github.com/lineaged/lineaged/lineage"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := kafkatest.CloseShared(); err != nil {
		slog.Error("stop the shared clusters", "error", err)
	}
	if err := goleak.Find(); code == 0 && err != nil {
		slog.Error("goroutines are left", "error", err)
		code = 1
	}
	os.Exit(code)
}

const (
	tick    = 5 * time.Second
	cluster = lineage.ClusterID("west-id")
)

var t0 = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// recorder is a sink that adds up what it is told as a store does.
type recorder struct {
	sums      map[key]int64 // advances
	totals    map[key]int64 // as told last
	bounds    map[key]bool  // some of it was a bound
	sightings []lineage.Sighting
	blind     []lineage.BlindSpot
	positions map[string][]byte
	last      lineage.Observation
	refuses   bool
}

type key struct {
	access lineage.Access
	metric lineage.Metric
}

func newRecorder() *recorder {
	return &recorder{sums: map[key]int64{}, totals: map[key]int64{}, bounds: map[key]bool{}, positions: map[string][]byte{}}
}

func (r *recorder) Append(_ context.Context, obs ...lineage.Observation) error {
	if r.refuses {
		return errors.New("no space")
	}
	for _, o := range obs {
		for _, s := range o.Samples {
			k := key{s.Subject, s.Metric}
			r.sums[k] += max(0, s.Value-r.totals[k])
			r.totals[k] = s.Value
			r.bounds[k] = r.bounds[k] || s.Estimated
		}
		for _, f := range o.Facts {
			if f.Key.Kind == lineage.BlindSpotFacts {
				r.blind = f.BlindSpots
			}
		}
		for _, p := range o.Positions {
			if r.positions[p.Key] = p.Value; p.Value == nil {
				delete(r.positions, p.Key)
			}
		}
		r.sightings = append(r.sightings, o.Sightings...)
		r.last = o
	}
	return nil
}

func (r *recorder) Positions(context.Context, lineage.Source) (map[string][]byte, error) {
	return maps.Clone(r.positions), nil
}

// world is a kfake cluster and a source whose rounds the test takes by hand.
type world struct {
	*testing.T
	fake   *kfake.Cluster
	direct *kgo.Client
	admin  *kadm.Client
	board  *collector.Board
	rec    *recorder
	source *source
	take   func(context.Context, time.Time)
	round  time.Time
	budget int64
	topics string

	records *Records
}

func newWorld(t *testing.T, topics ...string) *world {
	t.Helper()
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, topics...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	w := &world{T: t, fake: fake, board: &collector.Board{}, rec: newRecorder(), round: t0, budget: 1 << 20, topics: ".*"}
	w.direct = w.client()
	w.admin = kadm.NewClient(w.direct)
	w.start()
	t.Cleanup(func() { w.source.close() })
	return w
}

func (w *world) client(opts ...kgo.Opt) *kgo.Client {
	w.Helper()
	cl, err := w.dial(append([]kgo.Opt{kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerLinger(0)}, opts...)...)
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(cl.Close)
	return cl
}

func (w *world) dial(opts ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(w.fake.ListenAddrs()...), kgo.RequestRetries(1), kgo.RetryTimeout(2 * time.Second)}, opts...)...)
}

// start makes the source as a start of the process does.
func (w *world) start() {
	w.Helper()
	if w.source != nil {
		w.source.close()
	}
	c, err := New(Config{
		Name: "west", Client: w.dial, Interval: tick, Board: w.board, Topics: []*regexp.Regexp{regexp.MustCompile("^(?:" + w.topics + ")$")}, Budget: w.budget, Records: w.records, ahead: 1 << 30,
	}, w.rec)
	if err != nil {
		w.Fatal(err)
	}
	w.source = c.source
	w.take = collector.Runner{Interval: tick, Log: slog.New(slog.DiscardHandler)}.ByHand(w.source, w.rec)
}

// seen puts on the board what the cluster's own source sees in a round.
func (w *world) seen(round time.Time) {
	w.Helper()
	req := kmsg.NewPtrMetadataRequest() // the client's own may be of before
	resp, err := req.RequestWith(w.Context(), w.direct)
	if err != nil {
		w.Fatal(err)
	}
	is := collector.Watched{Source: "west", ID: cluster, IDs: map[string]lineage.TopicID{}}
	for _, t := range resp.Topics {
		is.Topics = append(is.Topics, *t.Topic)
		is.IDs[*t.Topic] = lineage.TopicID(t.TopicID)
	}
	w.board.SetCluster(is)
	w.board.WantEnds(cluster, is.Topics...)
	ends, err := w.admin.ListEndOffsets(w.Context(), is.Topics...)
	if err != nil {
		w.Fatal(err)
	}
	w.board.SetEnds(cluster, round, func(name string) collector.Ends {
		offsets := make([]int64, len(ends[name]))
		for p, e := range ends[name] {
			offsets[p] = e.Offset
		}
		return collector.Ends{Offsets: offsets}
	})
}

func (w *world) look() {
	w.Helper()
	w.round = w.round.Add(tick)
	w.seen(w.round)
	w.take(w.Context(), w.round)
}

// writes writes n records with one client.
func (w *world) writes(cl *kgo.Client, topic string, partition int32, n int) {
	w.Helper()
	records := make([]*kgo.Record, n)
	for i := range records {
		records[i] = &kgo.Record{
			Topic: topic, Partition: partition, Key: []byte("canary-key"), Value: []byte("canary-value"),
			Headers: []kgo.RecordHeader{{Key: "canary-header", Value: []byte("canary-content")}},
		}
	}
	if err := cl.ProduceSync(w.Context(), records...).FirstErr(); err != nil {
		w.Fatal(err)
	}
}

// transacts writes n records in a transaction.
func (w *world) transacts(cl *kgo.Client, topic string, partition int32, n int, how kgo.TransactionEndTry) {
	w.Helper()
	if err := cl.BeginTransaction(); err != nil {
		w.Fatal(err)
	}
	w.writes(cl, topic, partition, n)
	if err := cl.EndTransaction(w.Context(), how); err != nil {
		w.Fatal(err)
	}
}

func (w *world) plain() *kgo.Client {
	w.Helper()
	return w.client(kgo.DisableIdempotentWrite(), kgo.RequiredAcks(kgo.LeaderAck()))
}

// id returns the producer id of a client.
func (w *world) id(cl *kgo.Client) lineage.Client {
	w.Helper()
	id, _, err := cl.ProducerID(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	return lineage.Client{Producer: lineage.KnownProducer(id)}
}

func (w *world) topic(name string) lineage.Topic {
	is, _ := w.board.Cluster("west")
	return lineage.Topic{Cluster: cluster, ID: is.IDs[name], Name: name}
}

// wrote is what a writer of orders was told to have written, and own what the topic itself was.
func (w *world) wrote(c lineage.Client) int64 {
	return w.rec.sums[key{lineage.Access{Topic: w.topic("orders"), Op: lineage.Write, Client: c}, lineage.Records}]
}

func (w *world) own(m lineage.Metric) int64 {
	return w.rec.sums[key{lineage.Access{Topic: w.topic("orders")}, m}]
}

func (w *world) want(what string, got, want int64) {
	w.Helper()
	if got != want {
		w.Errorf("%s: %d, want %d", what, got, want)
	}
}

// missing are the reasons of the newest round for a topic.
func (w *world) missing(topic string) string {
	var all []string
	for _, m := range w.rec.last.Missing {
		if m.All || slices.ContainsFunc(m.Topics, func(t lineage.Topic) bool { return t.Name == topic }) {
			all = append(all, m.Reason)
		}
	}
	return strings.Join(all, "; ")
}

func (w *world) wantMissing(topic, want string) {
	w.Helper()
	if got := w.missing(topic); want == "" && got != "" || !strings.Contains(got, want) {
		w.Errorf("%s misses %q, want %q", topic, got, want)
	}
}

func (w *world) blind() string {
	var all []string
	for _, b := range w.rec.blind {
		all = append(all, fmt.Sprint(b.What, " → ", b.Remedy))
	}
	return strings.Join(all, "\n")
}
