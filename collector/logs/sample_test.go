package logs

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/collector"
)

// loggers is a fake cluster whose brokers have loggers.
type loggers struct {
	*testing.T
	fake   *kfake.Cluster
	folder string

	mu      sync.Mutex          // guards what follows
	own     map[string]string   // levels of the request logger, by broker; none: it inherits the root's
	history map[string][]string // of the levels that it had
	refuse  int16               // error code of whoever sets one
	asked   int                 // requests about loggers
	dead    int                 // from which request on nothing is answered; 0: never
	drop    string              // a broker on which nothing is set, and that does not say so
	before  func(set string)    // called before a level is set
}

const (
	rootLevel = "INFO"
	setLevel  = 44
	readLevel = 32
)

func newLoggers(t *testing.T) *loggers {
	t.Helper()
	fake, err := kfake.NewCluster(kfake.NumBrokers(3))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	w := &loggers{T: t, fake: fake, folder: t.TempDir(), own: map[string]string{"0": "WARN", "1": "WARN"}, history: map[string][]string{}}
	fake.ControlKey(setLevel, func(req kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		return w.answer(req, func() kmsg.Response { return w.set(req.(*kmsg.IncrementalAlterConfigsRequest)) })
	})
	fake.ControlKey(readLevel, func(req kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		return w.answer(req, func() kmsg.Response { return w.read(req.(*kmsg.DescribeConfigsRequest)) })
	})
	return w
}

// answer counts a request. One at which the cluster dies is answered no more, and has done what it asks for.
func (w *loggers) answer(req kmsg.Request, do func() kmsg.Response) (kmsg.Response, error, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	if set, ok := req.(*kmsg.IncrementalAlterConfigsRequest); ok && set.Resources[0].ResourceName == w.drop {
		return nil, errors.New("connection lost"), true
	}
	if w.dead > 0 && w.asked > w.dead {
		return nil, errors.New("connection lost"), true
	}
	resp := do()
	if w.dead > 0 && w.asked == w.dead {
		return nil, errors.New("connection lost"), true
	}
	return resp, nil, true
}

func (w *loggers) set(req *kmsg.IncrementalAlterConfigsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.IncrementalAlterConfigsResponse)
	for _, r := range req.Resources {
		x := kmsg.NewIncrementalAlterConfigsResponseResource()
		x.ResourceType, x.ResourceName, x.ErrorCode = r.ResourceType, r.ResourceName, w.refuse
		resp.Resources = append(resp.Resources, x)
		if c := r.Configs[0]; w.refuse == 0 {
			if r.ResourceType != kmsg.ConfigResourceTypeBrokerLogger || len(r.Configs) != 1 || c.Name != "kafka.request.logger" {
				w.Errorf("set: %+v", r)
			}
			if w.before != nil {
				w.before(r.ResourceName)
			}
			if c.Op == kmsg.IncrementalAlterConfigOpDelete {
				delete(w.own, r.ResourceName)
			} else {
				w.own[r.ResourceName] = *c.Value
			}
			w.history[r.ResourceName] = append(w.history[r.ResourceName], w.level(r.ResourceName))
		}
	}
	return resp
}

func (w *loggers) read(req *kmsg.DescribeConfigsRequest) kmsg.Response {
	resp := req.ResponseKind().(*kmsg.DescribeConfigsResponse)
	for _, r := range req.Resources {
		x := kmsg.NewDescribeConfigsResponseResource()
		x.ResourceType, x.ResourceName = r.ResourceType, r.ResourceName
		for name, level := range map[string]string{"root": rootLevel, "kafka.request.logger": w.level(r.ResourceName)} {
			c := kmsg.NewDescribeConfigsResponseResourceConfig()
			c.Name, c.Value = name, &level
			x.Configs = append(x.Configs, c)
		}
		resp.Resources = append(resp.Resources, x)
	}
	return resp
}

func (w *loggers) level(broker string) string {
	if l, ok := w.own[broker]; ok {
		return l
	}
	return rootLevel
}

// with looks at the brokers, or changes them.
func (w *loggers) with(do func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	do()
}

// levels are those of the loggers that do not inherit.
func (w *loggers) levels() map[string]string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return maps.Clone(w.own)
}

func (w *loggers) sampler() *Sampler {
	w.Helper()
	b := &collector.Board{}
	b.SetCluster(collector.Watched{Source: "west", ID: "west-id"})
	s, err := NewSampler(SampleConfig{
		Name: "west", For: time.Millisecond, Every: 10 * time.Millisecond, Folder: filepath.Join(w.folder, "loggers"), Board: b,
		Client: func(opts ...kgo.Opt) (*kgo.Client, error) {
			return kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(w.fake.ListenAddrs()...), kgo.RequestRetries(0), kgo.RetryTimeout(time.Second)}, opts...)...)
		},
	})
	if err != nil {
		w.Fatal(err)
	}
	return s
}

// turn takes one turn of a sampler.
func (w *loggers) turn(ctx context.Context, s *Sampler) {
	w.Helper()
	c, _ := s.cfg.Board.Cluster("west")
	s.turn(ctx, s.memory(c))
}

// remembered is what is remembered to be put back.
func (w *loggers) remembered(s *Sampler) string {
	w.Helper()
	c, _ := s.cfg.Board.Cluster("west")
	b, err := os.ReadFile(s.memory(c).path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		w.Fatal(err)
	}
	return string(b)
}

func (w *loggers) want(what string, want map[string]string) {
	w.Helper()
	if got := w.levels(); !maps.Equal(got, want) {
		w.Errorf("%s: the loggers stand at %v, want %v", what, got, want)
	}
}

// wasSet holds to which levels the brokers' loggers were set, one after another.
func (w *loggers) wasSet(what, want string) {
	w.Helper()
	w.with(func() {
		if got := fmt.Sprint(w.history); got != want {
			w.Errorf("%s: set to %s, want %s", what, got, want)
		}
	})
}

var asFound = map[string]string{"0": "WARN", "1": "WARN"} // as newLoggers makes them

// A sample switches each broker's logger on and puts back what was there: its level, or none of its own. What is
// switched is remembered before it is, and forgotten afterwards.
func TestSamplePutsBack(t *testing.T) {
	w := newLoggers(t)
	s := w.sampler()
	before := func(broker string) {
		if b := w.remembered(s); !strings.Contains(b, `"`+broker+`":{"level"`) {
			t.Errorf("broker %s is set, and remembered is %s", broker, b)
		}
	}
	w.with(func() { w.before = before })
	w.turn(t.Context(), s)
	w.want("after a sample", asFound)
	w.wasSet("a sample", "map[0:[DEBUG WARN] 1:[DEBUG WARN] 2:[DEBUG INFO]]")
	if b := w.remembered(s); b != "" || !s.sampled() || len(s.spots()) > 0 {
		t.Errorf("after a sample: remembered %s, sampled %v, %v", b, s.sampled(), s.spots())
	}
}

// Whenever lineaged is killed, and whatever of its requests came through, the next one puts back what was there.
func TestSampleKilled(t *testing.T) {
	for at := 1; ; at++ {
		w := newLoggers(t)
		w.with(func() { w.dead = at })
		s := w.sampler()
		w.turn(t.Context(), s)
		over := false
		w.with(func() { over, w.dead = w.asked < at, 0 })
		next := w.sampler()
		w.turn(t.Context(), next)
		w.want(fmt.Sprint("killed at request ", at), asFound)
		if b := w.remembered(next); b != "" || len(next.spots()) > 0 {
			t.Errorf("killed at request %d: remembered %s, %v", at, b, next.spots())
		}
		if over {
			if at < 12 {
				t.Errorf("a sample asks %d times", at)
			}
			return
		}
	}
}

// What is told to stop puts back before it ends.
func TestSampleStops(t *testing.T) {
	w := newLoggers(t)
	s := w.sampler()
	s.cfg.For, s.cfg.Every = time.Hour, 24*time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	for range 1000 {
		if l := w.levels(); l["0"] == "DEBUG" && l["1"] == "DEBUG" && l["2"] == "DEBUG" {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	w.want("within a sample", map[string]string{"0": "DEBUG", "1": "DEBUG", "2": "DEBUG"})
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	w.want("at its end", asFound)
	if b := w.remembered(s); b != "" {
		t.Errorf("remembered: %s", b)
	}
}

// What somebody else has set is not overwritten: neither what stands at DEBUG already, nor what he sets meanwhile,
// whether lineaged lives or not.
func TestSampleLeavesOthersAlone(t *testing.T) {
	w := newLoggers(t)
	w.with(func() { w.own["1"] = "TRACE" })
	s := w.sampler()
	w.turn(t.Context(), s)
	w.want("one that was on", map[string]string{"0": "WARN", "1": "TRACE"})
	w.wasSet("one that was on", "map[0:[DEBUG WARN] 2:[DEBUG INFO]]")
	w.with(func() { w.own = map[string]string{"0": "DEBUG", "1": "DEBUG", "2": "DEBUG"} })
	w.turn(t.Context(), s)
	if w.want("all were on", map[string]string{"0": "DEBUG", "1": "DEBUG", "2": "DEBUG"}); s.sampled() {
		t.Error("a log that is on all the time is taken for samples")
	}
	w.with(func() {
		w.own = maps.Clone(asFound)
		w.dead = w.asked + 6 // killed with all switched on
	})
	w.turn(t.Context(), s)
	w.want("killed", map[string]string{"0": "DEBUG", "1": "DEBUG", "2": "DEBUG"})
	w.with(func() {
		w.dead, w.history = 0, map[string][]string{}
		w.own["0"] = "ERROR"
		delete(w.own, "2") // it was started anew
	})
	left := s
	s = w.sampler()
	s.cfg.For = 0
	c, _ := s.cfg.Board.Cluster("west")
	client, err := s.cfg.Client()
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	was, err := left.memory(c).load()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.putBack(t.Context(), client, s.memory(c), was); err != nil {
		t.Fatal(err)
	}
	w.want("put back", map[string]string{"0": "ERROR", "1": "WARN"})
	w.wasSet("put back", "map[1:[WARN]]")
}

// A broker that is slow switches on when it was given up and looked at: it is put back in the next turn.
func TestSampleOfASlowBroker(t *testing.T) {
	w := newLoggers(t)
	w.drop = "0"
	s := w.sampler()
	w.turn(t.Context(), s)
	w.mu.Lock()
	w.own["0"], w.drop = "DEBUG", ""
	w.mu.Unlock()
	w.turn(t.Context(), s)
	w.want("after the next turn", asFound)
	if b := w.remembered(s); b != "" {
		t.Errorf("remembered: %s", b)
	}
}

// A log that another lineaged has switched on for its own sample is not one that is on always, whenever it is looked
// at, and is sampled as well.
func TestSampleWithinAnothersSample(t *testing.T) {
	w := newLoggers(t)
	on := map[string]string{"0": "DEBUG", "1": "DEBUG", "2": "DEBUG"}
	w.own = maps.Clone(on)
	s := w.sampler()
	s.cfg.Every = time.Second
	go func() { // the other one ends
		for !func() bool { w.mu.Lock(); defer w.mu.Unlock(); return w.asked == 3 }() {
			time.Sleep(time.Millisecond)
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		w.own = maps.Clone(asFound)
	}()
	w.turn(t.Context(), s)
	if !s.sampled() {
		t.Error("it is taken for a log that is on always")
	}
	w.want("after its own", asFound)
	if got := fmt.Sprint(w.history); got != "map[0:[DEBUG WARN] 1:[DEBUG WARN] 2:[DEBUG INFO]]" {
		t.Errorf("set: %s", got)
	}
}

// Without the right nothing is switched, and that is a blind spot with its remedy; so is a file that can't be read.
func TestSampleCannot(t *testing.T) {
	w := newLoggers(t)
	w.with(func() { w.refuse = kerr.ClusterAuthorizationFailed.Code })
	s := w.sampler()
	w.turn(t.Context(), s)
	w.want("without the right", asFound)
	spots := fmt.Sprint(s.spots())
	if !strings.Contains(spots, "may not set the level of kafka.request.logger") || !strings.Contains(spots, "ALTER_CONFIGS") || w.remembered(s) != "" {
		t.Errorf("%s; remembered %s", spots, w.remembered(s))
	}
	w.with(func() { w.refuse = 0 })
	w.turn(t.Context(), s)
	if len(s.spots()) > 0 {
		t.Errorf("with the right: %v", s.spots())
	}
	c, _ := s.cfg.Board.Cluster("west")
	if err := os.MkdirAll(s.cfg.Folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(s.memory(c).path, []byte(`{"version":1,"brok`), 0o600); err != nil {
		t.Fatal(err)
	}
	w.with(func() { w.history = map[string][]string{} })
	w.turn(t.Context(), s)
	if spots := fmt.Sprint(s.spots()); !strings.Contains(spots, "can't be read") || !strings.Contains(spots, "left at DEBUG") {
		t.Error(spots)
	}
	w.wasSet("what can't be read", "map[]")
}

// A broker that does not answer is switched back when it does, and said until then; the others are sampled.
func TestSampleOwes(t *testing.T) {
	w := newLoggers(t)
	s := w.sampler()
	c, _ := s.cfg.Board.Cluster("west")
	if err := s.memory(c).save(levels{0: {Level: "WARN"}, 7: {Level: "WARN"}}); err != nil {
		t.Fatal(err)
	}
	w.with(func() { w.own["0"] = "DEBUG" })
	w.turn(t.Context(), s)
	w.want("put back", asFound)
	w.wasSet("beside one that is away", "map[0:[WARN DEBUG WARN] 1:[DEBUG WARN] 2:[DEBUG INFO]]")
	if spots := fmt.Sprint(s.spots()); !strings.Contains(spots, "could not be put back on brokers [7]") {
		t.Errorf("%s", spots)
	}
	if b := w.remembered(s); b != `{"version":1,"brokers":{"7":{"level":"WARN"}}}` {
		t.Errorf("remembered: %s", b)
	}
}

// Where sampling was switched off meanwhile, what was left is put back, and that is all.
func TestSampleThatIsOffPutsBack(t *testing.T) {
	w := newLoggers(t)
	s := w.sampler()
	s.cfg.Every = 0
	c, _ := s.cfg.Board.Cluster("west")
	if err := s.memory(c).save(levels{0: {Level: "WARN"}, 2: {Level: "INFO", Inherited: true}}); err != nil {
		t.Fatal(err)
	}
	w.with(func() { w.own["0"], w.own["2"] = "DEBUG", "DEBUG" })
	if err := s.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.want("put back", asFound)
	w.wasSet("put back", "map[0:[WARN] 2:[INFO]]")
	if spots := s.cfg.Board.Spots("west"); len(spots) > 0 {
		t.Errorf("all is put back: %v", spots)
	}
}

// Where sampling was switched off and what was left can't be put back, that is for the cluster's own source to say,
// until it is: there may be none of its logs any more.
func TestSampleThatIsOffSaysWhatItOwes(t *testing.T) {
	w := newLoggers(t)
	s := w.sampler()
	s.cfg.Every = 0
	c, _ := s.cfg.Board.Cluster("west")
	if err := s.memory(c).save(levels{0: {Level: "WARN"}, 7: {Level: "WARN"}}); err != nil {
		t.Fatal(err)
	}
	w.with(func() { w.own["0"] = "DEBUG" })
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	for range 1000 {
		if len(s.cfg.Board.Spots("west")) > 0 {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	w.want("the one that is there", asFound)
	if spots := fmt.Sprint(s.cfg.Board.Spots("west")); !strings.Contains(spots, "could not be put back on brokers [7]") || !strings.Contains(spots, "it is tried again each minute") {
		t.Errorf("the cluster's own source is told: %s", spots)
	}
}

// A place that can't be read is lost, and back when it can be, for all that is sampled; that nothing is sent between
// two samples is no loss.
func TestSampledPlaceIsLostAndBack(t *testing.T) {
	w := newTold(t, nil)
	s := &Sampler{cfg: SampleConfig{For: 5 * time.Second, Every: 5 * time.Minute}}
	w.config = func() Config {
		return Config{Files: []string{filepath.Join(filepath.Dir(w.path), "in", "*")}, Sample: s}
	}
	in, away := filepath.Join(filepath.Dir(w.path), "in"), filepath.Join(filepath.Dir(w.path), "away")
	if err := os.Mkdir(in, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(in, "request.log"), []byte("another's line\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.start(nil)
	events := func() (out string) {
		first := len(w.sink.obs)
		w.next()
		for _, o := range w.sink.obs[first:] {
			for _, e := range o.Events {
				out += e.Type.String()
			}
		}
		return out
	}
	move := func(from, to string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	got := []string{events()}
	move(in, away)
	got = append(got, events(), events())
	move(away, in)
	got = append(got, events(), events())
	if fmt.Sprintf("%q", got) != `["" "SOURCE_LOST" "" "SOURCE_RECOVERED" ""]` {
		t.Errorf("%q", got)
	}
	w.config = func() Config { return Config{Push: true, Sample: s} }
	w.start(nil)
	if wait := w.src.input.(*pushed).silence; wait != 10*time.Minute {
		t.Errorf("a sender is taken to be silent after %s", wait)
	}
}

// Samples tell of their seconds alone: what a round did not see is not known, a log that is silent between two samples
// has not fallen silent, and nobody is given what was written between two of them.
func TestSamplesAreNoWholeLog(t *testing.T) {
	w := newTold(t, nil)
	s := &Sampler{cfg: SampleConfig{For: 5 * time.Second, Every: 5 * time.Minute}}
	w.config = func() Config { return Config{Files: []string{w.path + "*"}, Sample: s} }
	w.start(nil)
	missing := "missing: " + s.words()
	w.want(missing)
	at := func(client string, offset, second int) string {
		return strings.Replace(producedAt(client, offset, second), "21:13:41", fmt.Sprintf("21:13:%02d", second), 1)
	}
	w.write(at("a", 100, 1), at("b", 110, 2), at("a", 115, 4))
	if got := w.next(); !strings.Contains(got, missing) || !strings.Contains(got, "write orders: a ") {
		t.Errorf("a sample: %s", got)
	}
	want := func(stage string, want map[string]int64) {
		t.Helper()
		if got := w.claimedOf(); !maps.Equal(got, want) {
			t.Errorf("%s: claimed %v, want %v", stage, got, want)
		}
	}
	want("within a sample", map[string]int64{"a": 10, "b": 5})
	for range 10 {
		w.board.SetEnds("west-id", w.round.Add(tick), func(string) collector.Ends { return collector.Ends{Offsets: []int64{500}} })
		w.want(missing)
	}
	want("at rest", map[string]int64{"a": 10, "b": 5})
	w.write(at("b", 5000, 40), at("a", 5010, 41))
	w.next()
	want("the next sample", map[string]int64{"a": 10, "b": 15})
	w.start(nil)
	w.write(at("b", 5020, 42))
	w.next()
	want("over a restart, within a sample", map[string]int64{"a": 20, "b": 15})
	for _, o := range w.sink.obs {
		for _, e := range o.Events {
			t.Errorf("an event: %+v", e)
		}
		for _, x := range o.Sightings {
			if x.Moved && !strings.HasPrefix(x.Detail, "in the seconds in which the request log was sampled alone") {
				t.Errorf("%q", x.Detail)
			}
		}
	}
	s.always = true // it is on, by somebody else
	if got := w.next(); got != "" {
		t.Errorf("a whole log: %s", got)
	}
}

// When a log that was sampled is on always from now on, the last writer of the last sample is not given what was
// written since: nobody told of that.
func TestSampledNoMore(t *testing.T) {
	w := newTold(t, nil)
	s := &Sampler{cfg: SampleConfig{For: 5 * time.Second, Every: 5 * time.Minute}}
	w.config = func() Config { return Config{Files: []string{w.path + "*"}, Sample: s} }
	w.start(nil)
	w.next()
	w.write(producedAt("a", 100, 1), producedAt("b", 110, 2))
	w.next()
	w.config = func() Config { return Config{Files: []string{w.path + "*"}} }
	w.start(nil)
	for range 2 {
		w.write(allowed("alice", 3), refused(4))
		w.board.SetEnds("west-id", w.round.Add(tick), func(string) collector.Ends { return collector.Ends{Offsets: []int64{500}} })
		w.next()
	}
	w.write(producedAt("a", 5000, 5), producedAt("b", 5007, 6))
	w.next()
	got := w.claimedOf()
	delete(got, "User:alice")
	if want := map[string]int64{"a": 17, "b": 0}; !maps.Equal(got, want) {
		t.Errorf("claimed %v, want %v", got, want)
	}
}
