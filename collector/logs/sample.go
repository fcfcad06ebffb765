package logs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/collector/ask"
	"github.com/lineaged/lineaged/lineage"
)

// This file switches the brokers' request log on for a while, every so often, and puts back what was there.
//
// What will be switched is remembered in a file before it is, and forgotten once it was put back, so that it is put
// back after a kill as well. A broker whose logger does not stand where it was put is left alone: somebody else has set
// it, or the broker was started anew and has forgotten. Where it stands at DEBUG already nothing is switched.

const (
	requestLogger = "kafka.request.logger"
	rootLogger    = "root"
	levelOn       = "DEBUG"
	brokerLogger  = kmsg.ConfigResourceTypeBrokerLogger
	// askFor is for how long brokers are waited for, also when lineaged ends.
	askFor = 5 * time.Second
	// putBackEvery is how often that is tried where nothing is sampled any more.
	putBackEvery = time.Minute
	// samplesApart is by how much longer than a sample the time between two of them is at least.
	samplesApart = 3
)

// SampleConfig says how the request log of a watched cluster is sampled.
type SampleConfig struct {
	Name string // the source name of the watched cluster
	// For and Every: it is on for so long, every so often; Every is four times For at least. Every 0: nothing is
	// switched, and what an earlier process left is put back.
	For, Every time.Duration
	Client     func(opts ...kgo.Opt) (*kgo.Client, error)
	Folder     string // in which it is remembered what was switched
	Board      *collector.Board
	Log        *slog.Logger
}

// Sampler samples the request log of one cluster.
type Sampler struct {
	cfg SampleConfig

	mu     sync.Mutex // guards what follows
	why    string     // it can't be sampled; empty: it can, or was not tried yet
	remedy string
	always bool // all brokers log their requests, and nobody switched that on here
	left   []int32
}

// NewSampler makes a sampler, which does nothing before Run.
func NewSampler(cfg SampleConfig) (*Sampler, error) {
	if cfg.Every != 0 && (cfg.For <= 0 || cfg.Every < (1+samplesApart)*cfg.For) {
		return nil, fmt.Errorf("sample the request log of cluster %q: %s every %s is not a quarter of the time at most", cfg.Name, cfg.For, cfg.Every)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	cfg.Log = cfg.Log.With("cluster", cfg.Name)
	return &Sampler{cfg: cfg}, nil
}

// Run samples until ctx ends, puts back what it had switched, and returns nil.
func (s *Sampler) Run(ctx context.Context) error {
	for ctx.Err() == nil {
		begun := time.Now()
		w, known := s.cfg.Board.Cluster(s.cfg.Name)
		wait := time.Second
		if known {
			m := s.memory(w)
			s.turn(ctx, m)
			if s.cfg.Every == 0 { // no source of logs has a word for it
				s.cfg.Board.SetSpots(s.cfg.Name, s.spots())
				if left, err := m.load(); err == nil && len(left) == 0 {
					return nil
				}
			}
			// Also after a turn that took long: two samples that are close could not be told apart.
			wait = max(samplesApart*s.cfg.For, cmp.Or(s.cfg.Every, putBackEvery)-time.Since(begun))
		}
		sleep(ctx, wait)
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// turn takes one sample, after it has put back what an earlier one left.
func (s *Sampler) turn(ctx context.Context, m memory) {
	client, err := s.cfg.Client()
	if err != nil {
		s.say(err)
		return
	}
	defer client.Close()
	left, err := m.load()
	if err == nil {
		if len(left) > 0 {
			left, err = s.putBack(ctx, client, m, left)
		}
		if s.cfg.Every > 0 && err == nil {
			err = s.sample(ctx, client, m, left)
		}
	}
	if ctx.Err() == nil {
		s.say(err)
	}
}

// sample switches on, waits, and puts back. left are brokers that an earlier sample could not put back.
func (s *Sampler) sample(ctx context.Context, client *kgo.Client, m memory, left levels) error {
	was, all, describeErr := s.off(ctx, client, left)
	if all {
		// Another lineaged may take its sample just now: a log that is always on is on later as well.
		sleep(ctx, s.cfg.Every/2)
		was, all, describeErr = s.off(ctx, client, left)
	}
	s.mu.Lock()
	s.always = all
	s.mu.Unlock()
	if len(was) == 0 {
		return describeErr
	}
	owed := levels{}
	maps.Copy(owed, left)
	maps.Copy(owed, was) // one that is off now was started anew, or set by somebody else
	if err := m.save(owed); err != nil {
		return errors.Join(describeErr, err)
	}
	failed, setErr := s.set(ctx, client, was, func(level) level { return level{Level: levelOn} })
	if len(failed) < len(was) {
		sleep(ctx, s.cfg.For)
	}
	// On those that failed as well: it may be on, and the answer lost.
	now, err := s.putBack(ctx, client, m, owed)
	// Or it may be on in a moment, where a broker is slow: these are looked at once more in the next turn.
	unsure := false
	for id, silent := range failed {
		if silent {
			now[id], unsure = was[id], true
		}
	}
	if unsure {
		err = errors.Join(err, m.save(now))
	}
	return errors.Join(describeErr, setErr, err)
}

// off returns the levels of the brokers that do not log their requests, but of those that are owed theirs; all: there
// are none, and each that logs does so by somebody else. An error says that some could not be asked: half an answer is
// one.
func (s *Sampler) off(ctx context.Context, client *kgo.Client, left levels) (was levels, all bool, err error) {
	is, err := s.describe(ctx, client, nil)
	was, all = levels{}, len(is) > 0 && err == nil
	for id, l := range is {
		if _, owed := left[id]; owed || !l.on() {
			all = false
		}
		if !l.on() {
			was[id] = l
		}
	}
	return was, all, err
}

// putBack puts back what was there on all brokers where it still is as it was set, and returns those that could not be
// asked. It does so also while lineaged ends. An error says that what is left is not remembered.
func (s *Sampler) putBack(ctx context.Context, client *kgo.Client, m memory, was levels) (left levels, err error) {
	ctx = context.WithoutCancel(ctx)
	is, describeErr := s.describe(ctx, client, slices.Collect(maps.Keys(was)))
	ours := levels{}
	for id, l := range is {
		if l.Level == levelOn {
			ours[id] = was[id]
		}
	}
	left = maps.Clone(was)
	for id := range is {
		if _, mine := ours[id]; !mine {
			delete(left, id)
		}
	}
	failed, setErr := s.set(ctx, client, ours, func(l level) level { return l })
	for id := range ours {
		if _, no := failed[id]; !no {
			delete(left, id)
		}
	}
	s.mu.Lock()
	s.left = slices.Sorted(maps.Keys(left))
	s.mu.Unlock()
	if len(left) > 0 {
		s.cfg.Log.Warn("the request log could not be put back everywhere", "brokers", slices.Sorted(maps.Keys(left)), "error", errors.Join(describeErr, setErr))
	}
	return left, m.save(left)
}

// describe returns the levels on some brokers, or on all (nil). An error says that some could not be asked.
func (s *Sampler) describe(ctx context.Context, client *kgo.Client, brokers []int32) (levels, error) {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	if brokers == nil {
		list, err := kadm.NewClient(client).ListBrokers(ctx)
		if err != nil {
			return nil, ask.Plain(err)
		}
		brokers = list.NodeIDs()
	}
	reqs := map[int32]*kmsg.DescribeConfigsRequest{}
	for _, id := range brokers {
		req, r := kmsg.NewPtrDescribeConfigsRequest(), kmsg.NewDescribeConfigsRequestResource()
		r.ResourceType, r.ResourceName, r.ConfigNames = brokerLogger, strconv.Itoa(int(id)), []string{requestLogger, rootLogger}
		req.Resources = append(req.Resources, r)
		reqs[id] = req
	}
	out := levels{}
	var errs []error
	for _, a := range ask.Each(ctx, client, reqs) {
		if a.Err != nil {
			errs = append(errs, a.Err)
			continue
		}
		var own, root string
		for _, r := range a.Resp.(*kmsg.DescribeConfigsResponse).Resources {
			if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
				errs = append(errs, fmt.Errorf("read the level of %s of broker %d: %w", requestLogger, a.Broker, err))
				a.Err = err
			}
			for _, c := range r.Configs {
				switch {
				case c.Value == nil:
				case c.Name == requestLogger:
					own = *c.Value
				case c.Name == rootLogger:
					root = *c.Value
				}
			}
		}
		if a.Err == nil {
			out[a.Broker] = level{Level: own, Inherited: own == "" || own == root}
		}
	}
	return out, errors.Join(errs...)
}

// set sets the loggers of brokers to what of says, each by its own broker, and returns those that did not say that they
// have; true: they said nothing, and may have.
func (s *Sampler) set(ctx context.Context, client *kgo.Client, brokers levels, of func(level) level) (failed map[int32]bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	reqs := map[int32]*kmsg.IncrementalAlterConfigsRequest{}
	for id, l := range brokers {
		req, r := kmsg.NewPtrIncrementalAlterConfigsRequest(), kmsg.NewIncrementalAlterConfigsRequestResource()
		r.ResourceType, r.ResourceName = brokerLogger, strconv.Itoa(int(id))
		c := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
		c.Name, c.Op = requestLogger, kmsg.IncrementalAlterConfigOpDelete
		if l = of(l); !l.Inherited {
			c.Op, c.Value = kmsg.IncrementalAlterConfigOpSet, &l.Level
		}
		r.Configs = append(r.Configs, c)
		req.Resources = append(req.Resources, r)
		reqs[id] = req
	}
	failed = map[int32]bool{}
	var errs []error
	for _, a := range ask.Each(ctx, client, reqs) {
		if a.Err != nil {
			failed[a.Broker], errs = true, append(errs, a.Err)
			continue
		}
		for _, r := range a.Resp.(*kmsg.IncrementalAlterConfigsResponse).Resources {
			if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
				failed[a.Broker], errs = false, append(errs, fmt.Errorf("set the level of %s of broker %d: %w", requestLogger, a.Broker, err))
			}
		}
	}
	return failed, errors.Join(errs...)
}

// say notes why it could not be sampled, or that it could.
func (s *Sampler) say(err error) {
	why, remedy := "", ""
	if err != nil {
		why = strings.ReplaceAll(err.Error(), "\n", "; ")
		remedy = "the reason stands in it; it is tried again with the next sample, or within a minute where none is taken any more"
	}
	switch {
	case errors.Is(err, kerr.ClusterAuthorizationFailed):
		why, remedy = "lineaged may not set the level of "+requestLogger, "grant lineaged's principal ALTER_CONFIGS and DESCRIBE_CONFIGS on the cluster, or switch logs.sample_request_log off"
	case errors.Is(err, errMemory):
		remedy = "look at " + requestLogger + " on each broker: it may have been left at DEBUG"
	}
	s.mu.Lock()
	was := s.why
	s.why, s.remedy = why, remedy
	s.mu.Unlock()
	switch {
	case why != "" && was == "":
		s.cfg.Log.Warn("the request log could not be sampled", "error", err)
	case why == "" && was != "":
		s.cfg.Log.Info("the request log is sampled again")
	}
}

// sampled reports whether what the request log tells is of samples only.
func (s *Sampler) sampled() bool {
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return !s.always
}

// words say what is not seen.
func (s *Sampler) words() string {
	return fmt.Sprintf("the request log is sampled: it is on for %s every %s, and what was asked at other times is not seen", s.cfg.For, s.cfg.Every)
}

// spots are what can't be seen since it can't be sampled.
func (s *Sampler) spots() (spots []lineage.BlindSpot) {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	what, again := "who writes and reads, by samples of the request log: ", "with each sample"
	if s.cfg.Every == 0 {
		what, again = "whether "+requestLogger+" stands where it stood before an earlier sample: ", "each minute"
	}
	if s.why != "" {
		spots = append(spots, lineage.BlindSpot{What: what + s.why, Remedy: s.remedy})
	}
	if len(s.left) > 0 {
		spots = append(spots, lineage.BlindSpot{
			What:   fmt.Sprintf("%s was switched on for a sample and could not be put back on brokers %v", requestLogger, s.left),
			Remedy: "it is tried again " + again + "; or set it back by kafka-configs.sh, as docs/logs.md says. Of a broker that is no more, forget it: docs/format/loggers.md",
		})
	}
	return spots
}
