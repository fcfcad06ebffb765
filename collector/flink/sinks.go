package flink

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/collector"
)

// This file holds what a job's Kafka sinks count against what topics grew by. It is said and joins nothing: jobs that
// copy one topic write at one rate, so that a topic which grew by as many may be another's. See docs/adr/0058-sinks.md.

const (
	// leastSent is how many records a sink must have sent before topics are told apart by it, and clarity how many
	// times what is unclear of a topic's growth, which is that of two spans of lateness.
	leastSent = 100
	clarity   = 10
	// mostCompared bounds the topics of a cluster that are compared, and mostSinks the sinks of a run.
	mostCompared, mostSinks = 5_000, 20
	// sentMetric is how many records a sink's writer sent since its task began.
	sentMetric = "numRecordsSend"
)

// sink is an operator of a vertex that writes to Kafka.
type sink struct{ vertex, operator string }

// sending is what a sink of a run sent since a base, and which topics grew by as many.
type sending struct {
	begun         int64     // ms of Flink's clock: since then it counts
	sent, base    int64     // now, and at the base
	read, from    time.Time // when these were read
	judged        time.Time // read, once it was held against topics
	before, after *growth   // around the base; nil: not known yet
	out           map[string]bool
	fits          []string // topics that are left; nil: that is not clear yet
	words         string
}

// growth is how many records topics had, all partitions together, in a round. It is shared and never changed.
type growth struct {
	round time.Time
	ends  map[string]int64 // -1: it is there, and not told of each partition
}

// sentBy reads the name of a sink's count: OPERATOR.numRecordsSend.
func sentBy(id string) (operator string, ok bool) { return strings.CutSuffix(id, "."+sentMetric) }

// readSent reads how many records the sinks of a run sent, where all subtasks tell it: some do so later than others.
func (t *take) readSent(r *run) (map[sink]int64, error) {
	sent := map[sink]int64{}
	for vertex, operators := range r.writers {
		var names []string
		for _, operator := range operators {
			names = append(names, operator+"."+sentMetric)
		}
		all, err := t.client.sums(t.ctx, r.id, vertex, names...)
		if err != nil {
			return nil, err
		}
		for _, m := range all {
			if operator, ok := sentBy(m.ID); ok && m.Sum > 0 && int(math.Round(m.Sum/m.Avg)) == r.parallelism(vertex) {
				sent[sink{vertex, operator}] = int64(m.Sum)
			}
		}
	}
	return sent, nil
}

func (t *take) takeSent(r *run, sent map[sink]int64) {
	for k, n := range sent {
		r.sends[k] = r.sends[k].at(r.tasksBegan(), n, t.round)
	}
}

// parallelism is how many subtasks a vertex has; 0: that is not known.
func (r *run) parallelism(vertex string) int {
	for _, v := range r.vertices {
		if v.ID == vertex {
			return v.Parallelism
		}
	}
	return 0
}

// at returns what a sink sent after another reading: from here on, where it counts anew. What is less than before while
// its tasks went on was told by a JobManager whose metrics are older.
func (s *sending) at(begun, sent int64, read time.Time) *sending {
	if s != nil && s.begun == begun && sent < s.sent {
		return s
	}
	if s == nil || s.begun != begun {
		return &sending{begun: begun, sent: sent, base: sent, read: read, from: read, out: map[string]bool{}}
	}
	s.sent, s.read = sent, read
	return s
}

// grow notes how many records topics have, once for all jobs.
func (t *take) grow(w collector.Watched) {
	if len(w.Topics) > mostCompared || !slices.ContainsFunc(slices.Collect(maps.Values(t.runs)), func(r *run) bool { return len(r.sends) > 0 }) {
		t.grown = nil
		return
	}
	t.cfg.Board.WantEnds(w.ID, w.Topics...)
	all, round := t.cfg.Board.AllEnds(w.ID)
	if n := len(t.grown); len(all) == 0 || n > 0 && !round.After(t.grown[n-1].round) {
		return
	}
	now := &growth{round: round, ends: make(map[string]int64, len(all))}
	for topic, ends := range all {
		if offsets := ends.Records(); len(offsets) > 0 {
			now.ends[topic] = records(offsets)
		}
	}
	t.grown = append(t.grown, now)
	t.grown = slices.DeleteFunc(t.grown, func(g *growth) bool { return round.Sub(g.round) > 4*lateness })
}

// records are how many a topic had in all; -1 where that is not told of each partition.
func records(offsets []int64) (sum int64) {
	for _, end := range offsets {
		if end < 0 {
			return -1
		}
		sum += end
	}
	return sum
}

// same reports whether all is told of the same topics in two rounds, so that neither misses one.
func same(a, b *growth) bool {
	return maps.EqualFunc(a.ends, b.ends, func(x, y int64) bool { return x >= 0 && y >= 0 })
}

// beside returns how topics were when no metric read at an instant was taken yet, and once all of them were; nil where
// that is not known.
func (t *take) beside(read time.Time) (before, after *growth) {
	for _, g := range t.grown {
		if g.round.Before(read.Add(-lateness)) {
			before = g
		}
		if after == nil && !g.round.Before(read) {
			after = g
		}
	}
	return before, after
}

// compare holds what a sink sent against what topics grew by. What a topic grew by while the sink sent that is between
// two bounds, as Flink's count is as old as lateness. One that is out once stays out: both go on from one base.
func (t *take) compare(s *sending, reads map[string]bool) {
	before, after := t.beside(s.read)
	if after == nil || s.judged.Equal(s.read) {
		return
	}
	if s.judged = s.read; s.before == nil { // the base is the first reading with both around it, of all topics
		if before == nil || !same(before, after) {
			s.base, s.from = s.sent, s.read
			return
		}
		s.base, s.from, s.before, s.after = s.sent, s.read, before, after
		return
	}
	n := s.sent - s.base
	if before == nil || n < leastSent {
		return
	}
	for topic := range s.before.ends {
		if _, there := after.ends[topic]; !there && !s.out[topic] && !reads[topic] { // it may come back: another base
			s.before = nil
			return
		}
	}
	fits, clear := []string{}, true
	for topic, end := range after.ends {
		was, known := s.before.ends[topic]
		if s.out[topic] || reads[topic] || !known {
			continue
		}
		most, least := end-was, before.ends[topic]-s.after.ends[topic]
		_, told := before.ends[topic]
		switch {
		case !told || end < 0 || before.ends[topic] < 0:
			clear = false
		case n < least || n > most:
			s.out[topic] = true
		case (most-least)*clarity > n:
			clear = false
		default:
			fits = append(fits, topic)
		}
	}
	slices.Sort(fits)
	if !clear || s.fits != nil && slices.Equal(fits, s.fits) { // the figures stay those of when it was told
		return
	}
	s.fits, s.words = fits, fmt.Sprintf("%d records were sent from %s to %s", n, s.from.UTC().Format(time.RFC3339), s.read.UTC().Format(time.RFC3339))
}

// saySinks says of a job that writes to Kafka that it is not known where, and which topics grew by as many records as
// it sent. What OpenLineage tells, or a rule, is known.
func (t *take) saySinks(j *job) {
	sinks, words := map[string]bool{}, []string{}
	for i := range j.runs {
		l := &j.runs[i]
		if l.over() || j.writes == l.ID || len(j.fact.Writes) > 0 {
			continue
		}
		r := t.runs[l.ID]
		for name := range r.sinks {
			sinks[name] = true
		}
		words = append(words, t.sentWords(r)...)
	}
	if len(sinks) == 0 {
		return
	}
	what := fmt.Sprintf("what job %s writes: Flink does not name the topics of its Kafka sinks %s", j.name, collector.Some(slices.Collect(maps.Keys(sinks))))
	if len(words) > 0 {
		slices.Sort(words)
		what += "; " + strings.Join(words, "; ")
	}
	t.spot(what, "let it send OpenLineage events (docs/flink.md), or where it writes exactly once say under flink[].jobs what its transactional.ids begin with")
}

// sentWords says which topics grew by as many records as the sinks of a run sent.
func (t *take) sentWords(r *run) (words []string) {
	cluster, ok := t.kafka()
	if !ok {
		return nil
	}
	reads := map[string]bool{}
	for _, v := range r.verdicts {
		reads[v.topic] = true
	}
	for k, s := range r.sends {
		if t.compare(s, reads); s.fits == nil {
			continue
		}
		of := fmt.Sprintf("of %s %s", k.operator, s.words)
		if len(s.fits) == 0 {
			words = append(words, of+fmt.Sprintf(", and no topic of cluster %s that may be seen, has no transactions and that the job does not read grew by as many: there are several, or other writers, or it is elsewhere", cluster.Source))
			continue
		}
		words = append(words, of+fmt.Sprintf(", and of the topics of cluster %s that it does not read %s alone grew by as many: likely, and no proof, since whoever copies the same topic grows alike", cluster.Source, collector.Some(s.fits)))
	}
	return words
}
