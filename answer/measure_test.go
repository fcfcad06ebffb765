package answer_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// minutes are some minutes of a view's window, from a round on.
func minutes(from, count int) (out []lineage.Window) {
	for i := range count {
		start := round(from).Add(time.Duration(i) * time.Minute)
		out = append(out, lineage.Window{Start: start, End: start.Add(time.Minute)})
	}
	return out
}

// measured spells what is measured in steps: a line for each of whom it is.
func measured(t *testing.T, v *answer.View, m answer.Measure, steps []lineage.Window, bytes bool) string {
	t.Helper()
	of, err := v.MeasuredBy(t.Context(), m)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	err = v.Measure(t.Context(), of, steps, bytes, func(i int, values []answer.Reading) error {
		fmt.Fprintf(&b, "%s %s %q:", of[i].Topic.Name, of[i].Node.Name, of[i].Client.ClientID)
		for _, r := range values {
			switch {
			case r.Known:
				fmt.Fprintf(&b, " %g", r.Value)
			case r.Lacks:
				b.WriteString(" lacks")
			default:
				b.WriteString(" -")
			}
		}
		b.WriteString("\n")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func expect(t *testing.T, what, got string, want ...string) {
	t.Helper()
	if w := strings.Join(want, "\n") + "\n"; got != w {
		t.Errorf("%s:\n%s, not\n%s", what, got, w)
	}
}

func TestWhatMovesInAMinuteIsMeasured(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		orders, other := topic("orders"), topic("new")
		for n := 1; n <= 36; n++ {
			if n >= 19 && n <= 24 { // the fourth minute is not observed
				continue
			}
			fill := []filling{
				w.moved(self(orders), lineage.NoEvidence, 100), w.moved(writes(orders, producer(1)), lineage.ProducerState, 60),
				w.moved(reads(orders, group("billing")), lineage.GroupOffsets, 90), level(reads(orders, group("billing")), lineage.Lag, int64(n)),
				level(self(orders), lineage.LogBytes, int64(n)*1000), level(self(orders), lineage.Retained, int64(n)*100),
				sighted(reads(orders, lineage.Client{Group: "billing", Member: "m", ClientID: "billing-1"}), lineage.GroupOffsets, ""),
			}
			if n == 1 {
				fill = append(fill, facts(clusterFact(1), topicFact(orders)))
			}
			if n == 10 {
				fill = append(fill, facts(topicFact(other)))
			}
			if n >= 10 {
				fill = append(fill, w.moved(self(other), lineage.NoEvidence, 1))
			}
			w.observe("west", "all", n, fill...)
		}
		time.Sleep(36 * tick)
		v := view(t, answers(w.store), answer.Between(round(0), round(36)), answer.All)
		all := minutes(0, 6)

		expect(t, "written", measured(t, v, answer.MeasuredWritten, all, false), `new  "": - 3 6 lacks 6 6`, `orders  "": 600 600 600 lacks 600 600`)
		expect(t, "who wrote", measured(t, v, answer.MeasuredWrites, all, false), `orders orders "": 360 360 360 lacks 360 360`)
		expect(t, "who read", measured(t, v, answer.MeasuredReads, all, false), `orders billing "billing-1": 540 540 540 lacks 540 540`)
		expect(t, "lag", measured(t, v, answer.MeasuredLag, all, false), `orders billing "billing-1": 6 12 18 lacks 30 36`)
		expect(t, "stored", measured(t, v, answer.MeasuredRetained, all, false), `new  "": - - - - - -`, `orders  "": 6000 12000 18000 - 30000 36000`)
		expect(t, "written, in bytes of ten each", measured(t, v, answer.MeasuredWritten, all[:1], true), `new  "": -`, `orders  "": 6000`)
		expect(t, "partitions", measured(t, v, answer.MeasuredPartitions, all, false), `new  "": - 6 6 - 6 6`, `orders  "": 6 6 6 - 6 6`)
		hour := []lineage.Window{{Start: round(0), End: round(36)}}
		expect(t, "written in a longer step", measured(t, v, answer.MeasuredWritten, hour, false), `new  "": 21`, `orders  "": 3000`)
	})
}

func TestMeasuringIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.steady(1, 12, 1)
		time.Sleep(12 * tick)
		v := view(t, answers(w.store), answer.Between(round(0), round(12)), answer.All)
		of, err := v.MeasuredBy(t.Context(), answer.MeasuredWritten)
		if err != nil {
			t.Fatal(err)
		}
		err = v.Measure(t.Context(), of, make([]lineage.Window, 2_000_000), false, nil)
		if r, ok := errors.AsType[*answer.RefusedError](err); !ok || r.Reason != answer.TooMuch || !strings.Contains(r.Sentence, "2000000 readings") {
			t.Errorf("too much is answered with %v", err)
		}
		err = v.Measure(t.Context(), of, []lineage.Window{{Start: round(0), End: round(0).Add(time.Second)}}, false, nil)
		if r, ok := errors.AsType[*answer.RefusedError](err); !ok || r.Reason != answer.Senseless || !strings.Contains(r.Sentence, "each 10s") {
			t.Errorf("steps shorter than a tick are answered with %v", err)
		}
	})
}
