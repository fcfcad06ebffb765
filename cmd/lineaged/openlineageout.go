package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"
	"golang.org/x/sync/errgroup"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/internal/config"
	"github.com/lineaged/lineaged/openlineage"
	"github.com/lineaged/lineaged/openlineage/outbox"
)

// outboxFolder holds what waits for OpenLineage targets, in the folder of the data, of each in a folder of its own.
const outboxFolder = "openlineage-out"

// tellLate is how long after its end a window is read: by then the rounds of its last tick are in.
const tellLate = 30 * time.Second

// teller tells targets by OpenLineage what was observed.
type teller struct {
	asked   *answer.Answers
	now     func() time.Time
	log     *slog.Logger
	targets []*toldTarget
}

// toldTarget is one of them.
type toldTarget struct {
	config.Target
	writes *openlineage.Target
	queue  *outbox.Queue
	close  func()
	until  time.Time // end of the newest window that was put

	mu      sync.Mutex // guards trouble
	trouble string     // why nothing new was put; empty: it was
}

// newTeller makes what tells the targets of a configuration; without any it does nothing.
func newTeller(cfg config.Config, asked *answer.Answers, now func() time.Time, log *slog.Logger) (*teller, error) {
	t := &teller{asked: asked, now: now, log: log}
	for _, c := range cfg.OpenLineage.Targets {
		writes, err := writesFor(cfg, c)
		if err != nil {
			return nil, err
		}
		sender, end, err := senderFor(cfg, c)
		if err != nil {
			return nil, err
		}
		queue, err := outbox.New(outbox.Options{
			Name: c.Called(), Folder: filepath.Join(cfg.Data, outboxFolder, c.Called()), Most: c.Room(), Sender: sender, Log: log,
		})
		if err != nil {
			return nil, fmt.Errorf("what waits for the OpenLineage target %s: %w", c.Called(), err)
		}
		t.targets = append(t.targets, &toldTarget{Target: c, writes: writes, queue: queue, close: end})
	}
	return t, nil
}

func writesFor(cfg config.Config, c config.Target) (*openlineage.Target, error) {
	kind := openlineage.Kind(c.Kind)
	if kind == "" {
		kind = openlineage.Generic
	}
	return openlineage.NewTarget(kind, emitted(cfg), c.Namespaces)
}

// emitted are the watched clusters as events name them.
func emitted(cfg config.Config) (all []openlineage.Cluster) {
	for _, c := range cfg.Clusters {
		all = append(all, openlineage.Cluster{Name: c.Source(), Brokers: c.Brokers})
	}
	return all
}

// senderFor is how events reach a target. It connects to nobody yet.
func senderFor(cfg config.Config, c config.Target) (outbox.Sender, func(), error) {
	if c.Topic == "" {
		token, err := c.Reread()
		if err != nil {
			return nil, nil, err
		}
		tlsConfig, err := c.TLS.Reread()
		if err != nil {
			return nil, nil, err
		}
		sender := outbox.NewHTTP(c.Address(), func() string { return token().Reveal() }, tlsConfig)
		return sender, sender.Close, nil
	}
	for _, cl := range cfg.Clusters {
		if cl.Source() != c.Cluster {
			continue
		}
		k, err := collectorConfig(cl, time.Duration(cfg.Interval), slog.New(slog.DiscardHandler))
		if err != nil {
			return nil, nil, err
		}
		client, err := dialer(k)(
			kgo.RequiredAcks(kgo.AllISRAcks()), kgo.MaxBufferedRecords(1), kgo.RecordRetries(3), kgo.RecordDeliveryTimeout(15*time.Second), kgo.ProduceRequestTimeout(10*time.Second),
		)
		if err != nil {
			return nil, nil, err
		}
		return topicSender{client, c.Topic}, client.Close, nil
	}
	return nil, nil, fmt.Errorf("there is no cluster %q", c.Cluster)
}

// topicSender writes events to a topic.
type topicSender struct {
	client *kgo.Client
	topic  string
}

// Send is outbox.Sender's.
func (s topicSender) Send(ctx context.Context, e outbox.Event) error {
	if err := s.client.ProduceSync(ctx, &kgo.Record{Topic: s.topic, Key: []byte(e.Key), Value: e.Body}).FirstErr(); err != nil {
		return fmt.Errorf("write to the topic %s: %w", s.topic, err)
	}
	return nil
}

// run tells until ctx ends.
func (t *teller) run(ctx context.Context) error {
	if len(t.targets) == 0 {
		return nil
	}
	g, ctx := errgroup.WithContext(ctx)
	for _, x := range t.targets {
		g.Go(func() error {
			defer x.close()
			return x.queue.Run(ctx)
		})
	}
	g.Go(func() error {
		tick := time.NewTicker(5 * time.Second)
		defer tick.Stop()
		for {
			for _, x := range t.targets {
				t.step(ctx, x)
			}
			select {
			case <-ctx.Done():
				return nil
			case <-tick.C:
			}
		}
	})
	return g.Wait()
}

// step puts the newest window of a target that has ended, once. Older ones, as of a time in which nobody ran, are not
// made up for: the newest says how it is now.
func (t *teller) step(ctx context.Context, x *toldTarget) {
	end := t.now().Add(-tellLate).Truncate(x.Window())
	if !end.After(x.until) || ctx.Err() != nil {
		return
	}
	err := t.put(ctx, x, end)
	if err == nil {
		x.until = end
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	switch {
	case err == nil:
		x.trouble = ""
	case ctx.Err() == nil && x.trouble != err.Error():
		x.trouble = err.Error()
		t.log.Error("OpenLineage events of a window are not made; it is tried again", "target", x.Called(), "error", err)
	}
}

func (t *teller) put(ctx context.Context, x *toldTarget, end time.Time) error {
	held, err := t.asked.SaidSince(ctx)
	if err != nil || held.IsZero() || !held.Before(end) { // there is nothing to say yet
		return err
	}
	v, err := t.asked.View(ctx, answer.Between(end.Add(-x.Window()), end), answer.All)
	if err != nil {
		return err
	}
	jobs, err := openlineage.Observe(ctx, v)
	if err != nil {
		return err
	}
	var out []outbox.Event
	for _, e := range x.writes.Events(jobs) {
		body, err := json.Marshal(e)
		if err != nil {
			return err
		}
		out = append(out, outbox.Event{Key: e.Key(), Body: body})
	}
	return x.queue.Put(out)
}

// troubles says which targets do not take events, or are not told any.
func (t *teller) troubles() (all []string) {
	for _, x := range t.targets {
		f := x.queue.Figures()
		if f.Trouble != "" {
			all = append(all, fmt.Sprintf("the OpenLineage target %s does not take events: %s; %d windows wait for it", f.Name, f.Trouble, f.Waiting))
		}
		x.mu.Lock()
		if x.trouble != "" {
			all = append(all, fmt.Sprintf("the OpenLineage target %s is told nothing new: %s", x.Called(), x.trouble))
		}
		x.mu.Unlock()
	}
	return all
}

var (
	outEvents   = prometheus.NewDesc("lineaged_openlineage_out_events_total", "OpenLineage events for a target, by what became of them: sent, refused by it, or dropped since too many waited.", []string{"target", "result"}, nil)
	outFailures = prometheus.NewDesc("lineaged_openlineage_out_failures_total", "Failed attempts to send an OpenLineage event to a target, which are made again.", []string{"target"}, nil)
	outWaiting  = prometheus.NewDesc("lineaged_openlineage_out_waiting_windows", "Windows whose OpenLineage events wait for a target.", []string{"target"}, nil)
	outBytes    = prometheus.NewDesc("lineaged_openlineage_out_waiting_bytes", "Bytes on disk of OpenLineage events that wait for a target.", []string{"target"}, nil)
	outUp       = prometheus.NewDesc("lineaged_openlineage_out_up", "Whether a target took the last OpenLineage event that was sent to it.", []string{"target"}, nil)
)

// Describe is prometheus.Collector's.
func (t *teller) Describe(all chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{outEvents, outFailures, outWaiting, outBytes, outUp} {
		all <- d
	}
}

// Collect is prometheus.Collector's.
func (t *teller) Collect(all chan<- prometheus.Metric) {
	for _, x := range t.targets {
		f := x.queue.Figures()
		for result, n := range map[string]int64{"sent": f.Sent, "refused": f.Refused, "dropped": f.Dropped} {
			all <- prometheus.MustNewConstMetric(outEvents, prometheus.CounterValue, float64(n), f.Name, result)
		}
		all <- prometheus.MustNewConstMetric(outFailures, prometheus.CounterValue, float64(f.Failures), f.Name)
		all <- prometheus.MustNewConstMetric(outWaiting, prometheus.GaugeValue, float64(f.Waiting), f.Name)
		all <- prometheus.MustNewConstMetric(outBytes, prometheus.GaugeValue, float64(f.Bytes), f.Name)
		if f.Trouble != "" || f.Sent > 0 { // else it was not asked yet
			up := 1.0
			if f.Trouble != "" {
				up = 0
			}
			all <- prometheus.MustNewConstMetric(outUp, prometheus.GaugeValue, up, f.Name)
		}
	}
}

// openlineage is the command about OpenLineage, in and out.
func (p *program) openlineage() *cobra.Command {
	var target string
	check := p.configured(&cobra.Command{
		Use:     "check",
		Short:   "Say what the receivers of OpenLineage events will make of them",
		Long:    `check says for each configured target, or for a kind of receiver, how it will find topics and jobs, and what has to be set there. It sends nothing.`,
		Example: "  lineaged openlineage check --config /etc/lineaged/lineaged.yaml\n  lineaged openlineage check --brokers b1:9092 --target datahub",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := p.load(cmd)
			if err != nil {
				return err
			}
			return checkTargets(p.stdout, cfg, target)
		},
	})
	check.Flags().StringVar(&target, "target", "", "`NAME` of a configured target, or a kind of receiver: openlineage, marquez, datahub, openmetadata (default: all that are configured)")
	cmd := &cobra.Command{Use: "openlineage", Short: "What jobs tell by OpenLineage that is of no use, and who is told what was observed"}
	cmd.AddCommand(check, p.deadLetters())
	return cmd
}

// checkTargets writes what targets will make of events. One with a problem is an error.
func checkTargets(w io.Writer, cfg config.Config, only string) error {
	var all []config.Target
	for _, t := range cfg.OpenLineage.Targets {
		if only == "" || t.Called() == only {
			all = append(all, t)
		}
	}
	for _, kind := range openlineage.Kinds() {
		if len(all) == 0 && string(kind) == only {
			all = append(all, config.Target{Kind: only})
		}
	}
	if len(all) == 0 {
		return fmt.Errorf("there is no target %q: name a configured one or a kind with --target", only)
	}
	bad := 0
	for _, t := range all {
		writes, err := writesFor(cfg, t)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, "target %s, of the kind %s\n", t.Called(), writes.Kind); err != nil {
			return err
		}
		for _, line := range writes.Check(emitted(cfg)) {
			if strings.HasPrefix(line, "!") {
				bad++
			}
			if _, err := fmt.Fprintln(w, "  "+line); err != nil {
				return err
			}
		}
	}
	if bad > 0 {
		return errors.New("not all of it will be found")
	}
	return nil
}
