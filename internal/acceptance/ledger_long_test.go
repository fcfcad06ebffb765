//go:build long

package acceptance

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lineaged/lineaged/internal/kafkatest"
)

// proved is what of `lineaged audit export --format json` these tests read.
type proved struct {
	ClosedUntil  *time.Time
	LedgerBegins *time.Time
	Periods      []provedPeriod
}

type provedPeriod struct {
	Start, End time.Time
	Amendments int
	Coverage   *struct {
		Observed int64
		Gaps     []struct{ Start, End time.Time }
	}
	Usage []struct {
		Node, Operation string
		Records         *int64
		Active          *bool
	}
}

// TestLedgerOfAScriptedDay takes six minutes, nearly all of them waiting, and so is of the long form alone.
//
// A scripted day in which a period is a minute: what the ledger says of all of it is what was written and read, to the
// record in a hundred, with a gap where lineaged was killed; kills at the instants in which periods are closed lose
// none and double none; what is taken away is verified without a server; and a topic holds its checkpoints, over all
// kills.
func TestLedgerOfAScriptedDay(t *testing.T) {
	t.Parallel()
	const topic, rate = "ledgered", 200
	c := kafkatest.Shared(t, kafkatest.Options{})
	c.CreateTopic(t, topic, 2)
	c.CreateTopic(t, anchorTopic, 1)
	file := filepath.Join(t.TempDir(), "lineaged.yaml")
	if err := os.WriteFile(file, []byte("ledger:\n  anchors: [{cluster: west, topic: "+anchorTopic+"}]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := serve(t, "--config", file, "--brokers", c.Bootstrap(), "--cluster-name", "west", "--interval", "1s", "--ledger-period", "1m")
	s.knows(t, topicID(topic))
	c.ConsoleConsumer(t, "auditee", "classic", topic)
	c.WaitMembers(t, "auditee")
	s.waitRound(t, "west", time.Now())
	begin := time.Now()
	producer := c.StartProducerPerf(t, kafkatest.Perf{Topic: topic, Records: 600 * rate, PerSecond: rate})
	sleepUntil(t, begin.Add(50*time.Second))
	s.p.Kill()
	killed := time.Now()
	sleepUntil(t, killed.Add(15*time.Second))
	s.start(t)
	back := time.Now()
	sleepUntil(t, begin.Add(110*time.Second))
	producer.Stop(t)
	total := c.EndOffset(t, topic)
	c.WaitGroup(t, "auditee", topic, total)
	s.waitRound(t, "west", time.Now().Add(2*time.Second))
	end := time.Now()

	// Periods are closed from two minutes after their end on, within ten seconds: it is killed in that time, each time
	// a little later.
	last := end.Truncate(time.Minute).Add(time.Minute)
	for at, n := begin.Truncate(time.Minute).Add(time.Minute), 0; !at.After(last); at = at.Add(time.Minute) {
		for range 6 {
			sleepUntil(t, at.Add(2*time.Minute+time.Duration(n%17)*600*time.Millisecond))
			s.p.Kill()
			s.start(t)
			n += 5
		}
	}
	eventually(t, 60*time.Second, "the last period is closed", func() error {
		p, err := s.audit(t, topic, begin, end)
		if err == nil && p.ClosedUntil != nil && p.ClosedUntil.Before(end) {
			err = fmt.Errorf("closed until %s", p.ClosedUntil)
		}
		return err
	})
	p, err := s.audit(t, topic, begin, end)
	if err != nil {
		t.Fatal(err)
	}
	wantScript(t, p, total, killed, back)
	s.wantAnchored(t, c)
	s.stop(t)
	out, err := exec.CommandContext(t.Context(), s.bin, "audit", "verify", s.data).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "verified: ") {
		t.Errorf("verify the folder: %v: %s", err, out)
	}
}

// anchorTopic holds checkpoints of the ledger.
const anchorTopic = "lineaged.checkpoints"

// wantAnchored reads the topic of the anchor: its newest record is the newest checkpoint, each has more entries than
// the one before, and the folder goes on from all of them.
func (s *server) wantAnchored(t testing.TB, c *kafkatest.Cluster) {
	t.Helper()
	reader := c.Client(t, kgo.ConsumeTopics(anchorTopic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	var held [][]byte
	eventually(t, 60*time.Second, "the topic holds the newest checkpoint", func() error {
		newest, err := os.ReadFile(filepath.Join(s.data, "ledger", "checkpoint"))
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		reader.PollFetches(ctx).EachRecord(func(r *kgo.Record) { held = append(held, r.Value) })
		if n := len(held); n < 2 || !bytes.Equal(held[n-1], newest) {
			return fmt.Errorf("%d records, and the newest checkpoint is\n%s", n, newest)
		}
		return nil
	})
	before := int64(-1)
	for _, text := range held {
		var origin string
		var size int64
		if n, err := fmt.Sscan(string(text), &origin, &size); n != 2 || err != nil || size <= before {
			t.Errorf("after a checkpoint of %d entries: %s", before, text)
		}
		before = size
		file := filepath.Join(t.TempDir(), "checkpoint")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), s.bin, "audit", "verify", s.data, "--checkpoint", file).CombinedOutput()
		if err != nil {
			t.Errorf("the folder does not go on from a checkpoint of %d entries that the topic holds: %v: %s", size, err, out)
		}
	}
}

// audit takes the ledger of a topic away, and verifies it as a third party would.
func (s *server) audit(t testing.TB, topic string, start, end time.Time) (p proved, err error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "bundle")
	args := []string{"audit", "export", "--server", s.url, "--topic", topicID(topic), "--start", start.UTC().Format(time.RFC3339), "--end", end.UTC().Format(time.RFC3339)}
	if out, err := exec.CommandContext(t.Context(), s.bin, append(args, "-o", file)...).CombinedOutput(); err != nil {
		return p, fmt.Errorf("%w: %s", err, out)
	}
	if out, err := exec.CommandContext(t.Context(), s.bin, "audit", "verify", file).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), s.bin, append(args, "--format", "json")...).Output()
	if err != nil {
		return p, err
	}
	return p, json.Unmarshal(out, &p)
}

// wantScript compares what is proved with what was done.
func wantScript(t testing.TB, p proved, total int64, killed, back time.Time) {
	t.Helper()
	sums := map[string]int64{}
	gap := false
	for i, period := range p.Periods {
		if i > 0 && !period.Start.Equal(p.Periods[i-1].End) {
			t.Errorf("after the period that ends at %s comes that of %s", p.Periods[i-1].End, period.Start)
		}
		for _, u := range period.Usage {
			if u.Records != nil {
				sums[u.Operation] += *u.Records
			}
		}
		if period.Coverage == nil {
			t.Errorf("of the period of %s there is no coverage", period.Start)
			continue
		}
		for _, g := range period.Coverage.Gaps {
			gap = gap || g.Start.Before(back) && g.End.After(killed)
		}
		if away := period.Start.Before(back) && period.End.After(killed); away && period.Coverage.Observed == 1_000_000 {
			t.Errorf("of the period of %s all was observed, and lineaged was away from %s to %s", period.Start, killed, back)
		}
	}
	if !gap {
		t.Error("no gap is where lineaged was away")
	}
	for _, operation := range []string{"write", "read"} {
		if off := sums[operation] - total; off > total/100 || off < -total/100 {
			t.Errorf("%s: %d records are in the ledger, and there were %d", operation, sums[operation], total)
		}
	}
}
