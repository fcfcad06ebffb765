package logs

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/varint"
	"github.com/lineaged/lineaged/lineage"
)

// partlyWorld is a topic of a few partitions on a few brokers, some of whose request logs are followed.
type partlyWorld struct {
	*told
	followed []bool  // by broker
	leaders  []int   // by partition
	epochs   []int32 // the same
	ends     []int64
	n        int
	wrote    map[string]int64 // by client, in all
	dark     []bool           // by partition: somebody wrote while no line told of it
}

// write has a client write records to a partition, of which its leader's log tells.
func (w *partlyWorld) write(client string, part, records int) {
	w.n++
	if leader := w.leaders[part]; w.followed[leader] {
		line := producedAt(client, int(w.ends[part]), w.n)
		line = strings.ReplaceAll(line, `"index":0`, fmt.Sprintf(`"index":%d`, part))
		w.told.write(strings.Replace(line, "10.0.0.1:9092", fmt.Sprintf("10.0.0.%d:9092", 100+leader), 1))
	} else {
		w.dark[part] = true
	}
	w.ends[part] += int64(records)
	w.wrote[client] += int64(records)
}

// next takes a round, in which each followed broker's log tells of something.
func (w *partlyWorld) next() {
	for b, is := range w.followed {
		if w.n++; is {
			w.told.write(strings.Replace(refused(w.n), "10.0.0.1:9092", fmt.Sprintf("10.0.0.%d:9092", 100+b), 1))
		}
	}
	ends, epochs := slices.Clone(w.ends), slices.Clone(w.epochs)
	w.board.SetEnds("west-id", w.round.Add(tick), func(string) collector.Ends { return collector.Ends{Offsets: ends, Epochs: epochs} })
	w.told.next()
}

// partly returns the rounds, of those since the n-th observation, in which the topic was said to be seen in part.
func (w *partlyWorld) partly(from int) (n int) {
	for _, o := range w.sink.obs[from:] {
		for _, m := range o.Missing {
			if len(m.Topics) == 1 && m.Topics[0].Name == "orders" {
				n++
			}
		}
	}
	return n
}

// TestLogsOfSomeBrokers follows random subsets of the brokers' logs, some of which are switched off, while partitions
// move from one to another and lineaged is started again: nobody is given what others wrote where no log that is
// followed tells of it, and that others wrote is said.
func TestLogsOfSomeBrokers(t *testing.T) {
	said, whole := 0, 0
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 11))
		brokers, parts := 1+r.IntN(4), 1+r.IntN(4)
		w := &partlyWorld{told: newTold(t, nil), wrote: map[string]int64{}, dark: make([]bool, parts), ends: make([]int64, parts), epochs: make([]int32, parts)}
		for range brokers {
			w.followed = append(w.followed, seed%4 == 0 || r.IntN(2) == 0)
		}
		for range parts {
			w.leaders = append(w.leaders, r.IntN(brokers))
		}
		moves, of := r.IntN(2) == 0, map[string]int{}
		w.next()
		for range 30 {
			if moves && r.IntN(5) == 0 {
				p := r.IntN(parts)
				w.leaders[p] = r.IntN(brokers)
				w.epochs[p]++
				w.next() // what is written as a leader changes is told by both, or by none
				w.next()
			}
			if seed%3 == 1 && r.IntN(15) == 0 { // its log is switched off
				w.followed[r.IntN(brokers)] = false
				w.next()
			}
			for range r.IntN(4) {
				client := fmt.Sprintf("c%d", r.IntN(3))
				w.write(client, r.IntN(parts), 1+r.IntN(20))
				of[client]++
			}
			w.next()
			if r.IntN(10) == 0 && len(w.claimedOf()) > 0 {
				w.start(nil)
			}
		}
		for client, n := range w.claimedOf() {
			if n > w.wrote[client] {
				t.Errorf("seed %d: %s wrote %d, and %d are claimed; followed %v", seed, client, w.wrote[client], n, w.followed)
			}
		}
		if !slices.Contains(w.dark, true) && w.partly(0) > 0 {
			t.Errorf("seed %d: all logs are followed, and %d times it is said that they are not", seed, w.partly(0))
		}
		if !slices.Contains(w.followed, false) && !moves {
			for i := range 6 { // at rest all is counted
				if i == 0 {
					for p := range parts {
						w.write("c0", p, 3)
					}
				}
				w.next()
			}
			whole++
			for client, n := range w.wrote {
				if got := w.claimedOf()[client]; got != n {
					t.Errorf("seed %d: of %s all is followed, %d of %d are claimed", seed, client, got, n)
				}
			}
		}
		// Somebody writes on and on where nobody looks, and to a partition of which a line was seen.
		dark := slices.IndexFunc(w.leaders, func(b int) bool { return !w.followed[b] })
		seen := slices.IndexFunc(w.leaders, func(b int) bool { return w.followed[b] })
		if dark < 0 || seen < 0 {
			continue
		}
		from := len(w.sink.obs)
		for range 3 * lateLines {
			w.write("c0", seen, 1)
			w.write("c1", dark, 1)
			w.next()
		}
		if said++; w.partly(from) == 0 {
			t.Errorf("seed %d: nobody says that partition %d is not followed", seed, dark)
		}
	}
	if said < 5 || whole < 5 {
		t.Errorf("%d worlds with some logs and %d with all: too few", said, whole)
	}
}

// TestWithoutAnAnswer: who writes with acks=0 stands in no answer, and is no sign of a log that is not followed.
func TestWithoutAnAnswer(t *testing.T) {
	w := &partlyWorld{told: newTold(t, nil), wrote: map[string]int64{}, dark: make([]bool, 1), ends: []int64{0}, epochs: []int32{0}, followed: []bool{true}, leaders: []int{0}}
	w.next()
	w.write("a", 0, 5)
	w.next()
	for i := range 20 {
		id := base64.RawURLEncoding.EncodeToString(ordersID[:])
		line := produced("b", "orders", i)
		at, end := strings.Index(line, `"response":`), strings.Index(line, `"connection":`)
		line = strings.Replace(line[:at]+`"response":null,`+line[end:], `"acks":-1`, `"acks":0`, 1)
		if !strings.Contains(line, id) {
			t.Fatal("the line does not name the topic")
		}
		w.told.write(line)
		w.ends[0] += 3
		w.next()
	}
	if n := w.partly(0); n != 0 {
		t.Errorf("%d times it is said that a log is not followed", n)
	}
}

// TestClaimsOfVersion1: what the version before kept is read; who led then is not known.
func TestClaimsOfVersion1(t *testing.T) {
	topic := lineage.Topic{Cluster: "west-id", ID: ordersID, Name: "orders"}
	kept := seal(func(e *varint.Encoder) {
		e.String("west-id")
		e.String(string(ordersID[:]))
		e.String("orders")
		e.Time(t0)
		e.Uint(1)
		e.Uint(uint64(lineage.RequestLog))
		encodeClaimer(e, lineage.Client{ClientID: "a"})
		e.Uint(17)
		e.Uint(1)
		for _, v := range []uint64{2, 110, 112} {
			e.Uint(v)
		}
		e.Time(t0)
		e.Time(t0)
		e.Bool(false)
		encodeClaimer(e, lineage.Client{ClientID: "a"})
	})
	var c claims
	c.forget()
	c.restore(map[string][]byte{claimsPrefix + "orders": kept}, func(key string, err error) { t.Errorf("%s: %v", key, err) })
	x := c.of[topic]
	if x == nil || x.totals[claimer{lineage.Client{ClientID: "a"}, lineage.RequestLog}] != 17 {
		t.Fatalf("%+v", x)
	}
	if y := x.tails[2]; y.offset != 110 || y.upTo != 112 || y.epoch != unknownEpoch || y.client.ClientID != "a" {
		t.Errorf("%+v", y)
	}
	again := claims{}
	again.forget()
	again.restore(map[string][]byte{claimsPrefix + "orders": x.encode(topic)}, func(key string, err error) { t.Errorf("%s: %v", key, err) })
	if y := again.of[topic]; y == nil || y.tails[2] != x.tails[2] {
		t.Errorf("written again: %+v", y)
	}
}
