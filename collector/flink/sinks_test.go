package flink

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

const sinkWriter = "Sink__Writer"

// sinks is a world in which copy payments writes, and what else grows.
type sinks struct{ *world }

func newSinks(t *testing.T, topics ...string) sinks {
	t.Helper()
	w := newWorld(t, nil)
	for _, topic := range topics {
		w.ends[topic] = []int64{500, 500}
	}
	w.board.SetCluster(collector.Watched{Source: "west", ID: west, Topics: slices.Sorted(maps.Keys(w.ends))})
	w.rounds(8)
	return sinks{w}
}

// send lets the job's sink send more.
func (w sinks) send(n float64) {
	w.m.mu.Lock()
	defer w.m.mu.Unlock()
	for path, values := range w.m.values {
		if strings.Contains(path, onceJob) {
			values[sinkWriter+"."+sentMetric] += n
		}
	}
}

func (w sinks) grow(topic string, n int64) {
	ends := slices.Clone(w.ends[topic])
	ends[0] += n
	w.ends[topic] = ends
}

// said is what is said of what the job writes.
func (w sinks) said() string {
	for _, b := range w.spots {
		if strings.HasPrefix(b.What, "what job copy payments writes") {
			_, rest, _ := strings.Cut(b.What, sinkWriter)
			return strings.TrimPrefix(rest, "; ")
		}
	}
	return "nothing"
}

// step goes on for some rounds: each time the sink sends n, and topics grow.
func (w sinks) step(rounds int, n int64, topics map[string]int64) {
	for range rounds {
		w.send(float64(n))
		for topic, more := range topics {
			w.grow(topic, more)
		}
		w.rounds(1)
		w.noWriter()
	}
}

// noWriter holds that nobody is said to write anything, whatever grows.
func (w sinks) noWriter() {
	w.Helper()
	for _, o := range w.obs {
		for _, s := range o.Sightings {
			if s.Access.Op == lineage.Write {
				w.Errorf("it is told that %v writes %s", s.Access.Client.Mover, s.Access.Topic.Name)
			}
		}
	}
}

// says holds that words are said of what the job writes, or with a ! in front that they are not.
func (w sinks) says(what string, words ...string) {
	w.Helper()
	got := w.said()
	for _, x := range words {
		if word, not := strings.CutPrefix(x, "!"); strings.Contains(got, word) == not {
			w.Errorf("%s: it is said %q, want %q", what, got, x)
		}
	}
}

// Which topics grew by as many records as a job's sink sent is said, and joins nothing, whoever else grows.
func TestSinksCounted(t *testing.T) {
	t.Run("at rest nothing is said", func(t *testing.T) {
		w := newSinks(t, "payments.up")
		w.says("at rest", "!records were sent")
		w.step(20, 4, map[string]int64{"payments.up": 4})
		w.says("of few", "!records were sent")
	})
	t.Run("one", func(t *testing.T) {
		w := newSinks(t, "payments.up", "busy", "idle", "beside")
		w.step(200, 10, map[string]int64{"payments.up": 10, "busy": 17, "beside": 11})
		w.step(8, 0, nil)
		w.says("one topic", "records were sent from 2026-11-28T12:0", "it does not read payments.up alone grew by as many", "no proof")
		told := w.said()
		w.rounds(20)
		if w.said() != told {
			t.Errorf("the figures are told again: %q, then %q", told, w.said())
		}
	})
	t.Run("two alike, and a mirror", func(t *testing.T) {
		w := newSinks(t, "payments.up", "twin", "mirrored")
		w.step(100, 10, map[string]int64{"payments.up": 10, "twin": 10, "mirrored": 10})
		w.step(8, 0, nil)
		w.says("three", "mirrored, payments.up, twin alone")
	})
	t.Run("another writes the topic too", func(t *testing.T) {
		w := newSinks(t, "payments.up")
		w.step(100, 10, map[string]int64{"payments.up": 15})
		w.step(8, 0, nil)
		w.says("none", "no topic of cluster west", "!payments.up")
	})
	t.Run("what it reads is no candidate", func(t *testing.T) {
		w := newSinks(t)
		w.step(60, 10, map[string]int64{"payments": 10})
		w.step(8, 0, nil)
		w.says("none", "no topic of cluster west")
	})
	t.Run("a topic with transactions is not compared", func(t *testing.T) {
		w := newSinks(t, "payments.up")
		w.transactional = "payments.up"
		w.step(60, 10, map[string]int64{"payments.up": 10})
		w.step(8, 0, nil)
		w.says("none", "no topic of cluster west", "!payments.up")
	})
	t.Run("counts that begin anew", func(t *testing.T) {
		w := newSinks(t, "payments.up", "twin")
		w.step(60, 10, map[string]int64{"payments.up": 10, "twin": 10})
		w.step(8, 0, nil)
		w.says("two", "payments.up, twin alone")
		w.m.restarted(onceJob, 1, 1)
		w.send(-1e9) // it counts from the beginning
		w.send(1e9 - 700)
		w.rounds(2)
		w.says("a new count tells nothing yet", "!alone")
		w.step(10, 0, nil)
		w.step(60, 10, map[string]int64{"payments.up": 10, "twin": 9})
		w.step(8, 0, nil)
		w.says("one", "it does not read payments.up alone")
	})
	t.Run("subtasks that tell their counts later", func(t *testing.T) {
		w := newSinks(t, "payments.up")
		w.m.change("/jobs/"+onceJob, func(is map[string]any) {
			vertices, ok := is["vertices"].([]any)
			vertex, also := vertices[0].(map[string]any)
			if !ok || !also || len(vertices) != 1 {
				t.Fatal("it has no vertex")
			}
			vertex["parallelism"] = 2
		})
		w.rounds(4)
		w.step(20, 10, map[string]int64{"payments.up": 20})
		w.send(200) // of the other
		w.m.subtask = 2
		w.step(60, 20, map[string]int64{"payments.up": 20})
		w.step(8, 0, nil)
		w.says("one", "it does not read payments.up alone")
	})
	t.Run("two sinks", func(t *testing.T) {
		w := newSinks(t, "a", "b", "both")
		w.m.mu.Lock()
		for path, answer := range w.m.answers {
			if strings.Contains(path, onceJob) && strings.HasSuffix(path, "/subtasks/metrics") {
				w.m.answers[path] = append(answer[:len(answer)-1:len(answer)-1], []byte(`,{"id":"Second__Writer.KafkaProducer.x"},{"id":"Second__Writer.numRecordsSend"}]`)...)
				w.m.values[path]["Second__Writer."+sentMetric] = 0
			}
		}
		w.m.mu.Unlock()
		w.rounds(40) // names are read each five minutes
		for range 60 {
			w.m.mu.Lock()
			for path := range w.m.values {
				if strings.Contains(path, onceJob) {
					w.m.values[path]["Second__Writer."+sentMetric] += 7
				}
			}
			w.m.mu.Unlock()
			w.step(1, 10, map[string]int64{"a": 10, "b": 7, "both": 17})
		}
		w.step(8, 0, nil)
		if s := w.said(); !strings.Contains(s, "it does not read a alone") || !strings.Contains(s, "it does not read b alone") || strings.Contains(s, "both") {
			t.Errorf("it is said %q", s)
		}
	})
}

// An end or a topic that could not be read in one round, whichever it is, is no growth, and puts no topic out.
func TestSinksWithoutAnEnd(t *testing.T) {
	f := func(what string, lost int, ends func(at int64) []int64) {
		t.Run(fmt.Sprint(what, " ", lost), func(t *testing.T) {
			w := sinks{newWorld(t, nil)}
			w.ends["payments.up"], w.ends["beside"] = []int64{50_000, 50_000}, []int64{500, 500}
			w.board.SetCluster(collector.Watched{Source: "west", ID: west, Topics: slices.Sorted(maps.Keys(w.ends))})
			for round := range 90 {
				at := 50_000 + 10*int64(round+1)
				if w.ends["payments.up"] = []int64{at, 50_000}; round == lost || round == lost+20 {
					w.ends["payments.up"] = ends(at)
				}
				w.step(1, 10, map[string]int64{"beside": 13})
				w.ends["payments.up"] = []int64{at, 50_000}
				w.says("never", "!no topic of cluster")
			}
			w.step(8, 0, nil)
			w.says("one", "it does not read payments.up alone")
		})
	}
	for _, lost := range []int{0, 2, 6} { // the comparison begins with the growth of these
		f("an end", lost, func(at int64) []int64 { return []int64{at, -1} })
		f("all", lost, func(int64) []int64 { return nil })
	}
}
