// Package yesterday makes up the day before the demo began, so that a newcomer can travel in time at once.
//
// It tells what lineaged's sources would have told of the demo's shop in 24 hours, minute by minute, in the words of
// lineage, and by the same contract: totals, facts, events, gaps. A script says what happened (script.go), and all
// follows from it, from the shop's topics and from the instant at which the day ends; there is no chance in it. What
// then is really seen goes on where it ended (GoOn).
//
// It hides nothing of that: the coverage of all windows says that a script wrote it (Notice). It refuses to know a
// store, Kafka, or the shop itself: it is told what topics there are.
package yesterday

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// Notice is said as a blind spot of each cluster, in all windows of the day and after it, with the instant at which
// watching began.
func Notice(end time.Time) string {
	return "what is before " + end.UTC().Format("15:04:05 of 2006-01-02") + " (UTC) was not watched: the demo's script made it up, so that there is a past to travel to"
}

const (
	// Length is how much of the past there is.
	Length = 24 * time.Hour
	// cadence is how often its sources looked.
	cadence = time.Minute
)

// Cluster is one of the shop's clusters, as it is when the day ends.
type Cluster struct {
	Name    string // as configured
	ID      lineage.ClusterID
	Brokers int
	Topics  []lineage.TopicFact
}

// Day is the day before an instant.
type Day struct {
	script *script

	mu sync.Mutex // guards what follows
	// told is where each counter ended, and alive who moved when it did, until its beginning was heard of again.
	told  map[series]int64
	alive map[flow]bool
}

type series struct {
	access   lineage.Access
	metric   lineage.Metric
	evidence lineage.EvidenceKind
}

// flow is what beginnings and ends are told of: what somebody does to a topic or dataset, whoever of those that nobody
// names it is.
type flow struct {
	op      lineage.Op
	cluster lineage.ClusterID
	topic   string
	dataset lineage.Dataset
	who     string
}

func flowOf(a *lineage.Access) flow {
	f := flow{op: a.Op, cluster: a.Topic.Cluster, topic: a.Topic.Name, dataset: a.Dataset}
	switch c := &a.Client; {
	case c.Mover != lineage.Node{}:
		f.who = c.Mover.ID()
	case c.Group != "":
		f.who = c.Group
	default:
		f.who = c.TransactionalID
	}
	return f
}

// New makes up the day that ends at an instant, a multiple of the demo's tick of a second.
func New(clusters []Cluster, end time.Time) (*Day, error) {
	s, err := newScript(clusters, end.UTC())
	if err != nil {
		return nil, err
	}
	return &Day{script: s, told: map[series]int64{}, alive: map[flow]bool{}}, nil
}

// batch is how many rounds are told at once: to a store on disk each call is one wait for it.
const batch = 60

// Write tells all of the day, by time, and what came after it until now: that is asked for when the day is told, which
// takes a moment.
func (d *Day) Write(ctx context.Context, tell func(context.Context, ...lineage.Observation) error, now func() time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	last := d.script.start
	write := func(rounds []time.Time) error {
		for some := range slices.Chunk(rounds, batch) {
			var all []lineage.Observation
			for _, at := range some {
				obs := d.script.round(last, at)
				d.note(obs)
				all, last = append(all, obs...), at
			}
			if err := tell(ctx, all...); err != nil {
				return fmt.Errorf("write the demo's past: %w", err)
			}
		}
		return nil
	}
	if err := write(d.script.rounds); err != nil {
		return err
	}
	if err := write(d.script.until(now())); err != nil {
		return err
	}
	d.noteLeft(last)
	return nil
}

// noteLeft remembers who wrote what nobody accounts for at the day's end: it is told as a count of the topic, and its
// beginning as one of who is taken to have written it.
func (d *Day) noteLeft(end time.Time) {
	for _, c := range d.script.counts {
		if c.metric != lineage.Left || c.at(end) == c.at(end.Add(-cadence)) {
			continue
		}
		who, _, _ := strings.Cut(c.flow, "->")
		if strings.HasPrefix(who, "unidentified:") {
			who = ""
		}
		d.alive[flow{op: lineage.Write, cluster: c.access.Topic.Cluster, topic: c.access.Topic.Name, who: who}] = true
	}
}

// note remembers where counters ended, and who moved in the newest round.
func (d *Day) note(obs []lineage.Observation) {
	clear(d.alive)
	for _, o := range obs {
		for _, s := range o.Samples {
			if !s.Metric.Counter() {
				continue
			}
			k := series{s.Subject, s.Metric, s.Evidence}
			if s.Value > d.told[k] {
				d.alive[flowOf(&s.Subject)] = true
			}
			d.told[k] = s.Value
		}
		for _, s := range o.Sightings {
			if s.Moved {
				d.alive[flowOf(&s.Access)] = true
			}
		}
	}
}

// GoOn makes of what is really seen after the day what goes on from it: who counts from zero counts from where the day
// ended, and what moved then does not begin. It may be called by several goroutines at once, after Write.
func (d *Day) GoOn(obs []lineage.Observation) []lineage.Observation {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := slices.Clone(obs)
	for i := range out {
		o := &out[i]
		o.Samples = slices.Clone(o.Samples)
		for j := range o.Samples {
			s := &o.Samples[j]
			if s.Metric.Counter() {
				s.Value += d.told[series{s.Subject, s.Metric, s.Evidence}]
			}
		}
		o.Events = slices.DeleteFunc(slices.Clone(o.Events), func(e lineage.Event) bool {
			f := flowOf(&e.Access)
			went := d.alive[f]
			if e.Type == lineage.FlowStarted || e.Type == lineage.FlowStopped {
				delete(d.alive, f)
			}
			return went && e.Type == lineage.FlowStarted
		})
	}
	return out
}

// Truth returns the ids of the flows that moved in a window, by the script, also while lineaged was out.
func (d *Day) Truth(w lineage.Window) map[string]bool {
	out := map[string]bool{}
	for _, c := range d.script.counts {
		if c.flow != "" && c.at(w.End) > c.at(w.Start) {
			out[c.flow] = true
		}
	}
	for _, f := range [...]lineage.Flow{{From: dataset(stock), To: inventory}, {From: warehouse, To: dataset(sales)}} {
		out[f.ID()] = true
	}
	return out
}

func dataset(d lineage.Dataset) lineage.Node {
	return lineage.Node{Scope: d.Namespace, Kind: lineage.DatasetNode, Name: d.Name}
}

// Outage is when lineaged was out.
func (d *Day) Outage() lineage.Window { return d.script.outage }

// Standstill is when billing stood still.
func (d *Day) Standstill() lineage.Window { return d.script.standstill }

// Renamed is when a group was renamed.
func (d *Day) Renamed() time.Time { return d.script.renamed }

// Created is when a topic was created, and who writes and reads it began.
func (d *Day) Created() time.Time { return d.script.created }

// Night is when the nightly job ran.
func (d *Day) Night() lineage.Window { return d.script.night }
