package acceptance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lineaged/lineaged/internal/kafkatest"
)

// tally is how many records, as answers have it.
type tally struct{ Records, AtLeast, AtMost, Why *string }

// holds says how a tally contradicts the truth; exact: it must be it.
func (x tally) holds(what string, truth int64, exact bool) error {
	number := func(s *string) (int64, bool) {
		if s == nil {
			return 0, false
		}
		n, err := strconv.ParseInt(*s, 10, 64)
		return n, err == nil
	}
	n, is := number(x.Records)
	least, low := number(x.AtLeast)
	most, high := number(x.AtMost)
	if is && n != truth || exact && !is || low && least > truth || high && most < truth {
		return fmt.Errorf("%s: %v, at least %v, at most %v (%v), and it was %d", what, valueOf(x.Records), valueOf(x.AtLeast), valueOf(x.AtMost), valueOf(x.Why), truth)
	}
	return nil
}

type account struct {
	Opening, Produced, Returned, Read, Skipped, Lost, Closing, Surplus, Shortfall tally

	AddsUp *bool
}

type balance struct {
	FlowBalance struct {
		Produced tally
		Readers  []struct {
			Group   string
			Account account
		}
		Links []struct {
			Arrived tally
			Account account
		}
	}
	PathBalance struct{ Missing tally }
}

const balanceQuery = `query($w: Window!) {
  flowBalance(topic: "topic:west/lines", window: $w) { produced { ...t } readers { group account { ...a } } links { arrived { ...t } account { ...a } } }
  pathBalance(nodes: ["topic:west/lines", "replicator:east/west-%3Eeast", "topic:east/west.lines"], window: $w) { missing { ...t } }
}
fragment t on Tally { records atLeast atMost why }
fragment a on Account { opening { ...t } produced { ...t } returned { ...t } read { ...t } skipped { ...t } lost { ...t } closing { ...t } surplus { ...t } shortfall { ...t } addsUp }`

// readLines reads so many records of a topic as a group, commits them and leaves.
func readLines(t *testing.T, c *kafkatest.Cluster, group string, records int) {
	t.Helper()
	client := c.Client(t, kgo.ConsumerGroup(group), kgo.ConsumeTopics("lines"), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit())
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for n := 0; n < records; {
		got := client.PollFetches(ctx)
		if err := got.Err0(); err != nil {
			t.Fatal(err)
		}
		n += got.NumRecords()
	}
	if err := client.CommitUncommittedOffsets(ctx); err != nil {
		t.Fatal(err)
	}
	time.Sleep(3 * time.Second) // it is seen
	client.Close()
}

// Records are lost in an outage of MirrorMaker 2, and a group reads some, loses some and is set forward: the account
// equals what was done. Where it is no number, it is a bound that holds.
func TestBalance(t *testing.T) {
	t.Parallel()
	w, e := kafkatest.Start(t, kafkatest.Options{}), kafkatest.Start(t, kafkatest.Options{})
	w.CreateTopic(t, "lines", 1)
	produce := func(n int) {
		t.Helper()
		client := w.Client(t)
		defer client.Close()
		records := make([]*kgo.Record, n)
		for i := range records {
			records[i] = &kgo.Record{Topic: "lines", Value: []byte("x")}
		}
		if err := client.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	start := func() *kafkatest.Mirror {
		return kafkatest.StartMirror(t, w, e, kafkatest.MirrorOptions{SourceAlias: "west", TargetAlias: "east", Properties: map[string]string{"west->east.topics": "lines", "offset.flush.interval.ms": "5000"}})
	}
	copied := func(n int64) {
		t.Helper()
		eventually(t, 2*time.Minute, "the copy is there", func() error {
			topics, err := e.Admin(t).ListEndOffsets(t.Context(), "west.lines")
			if err != nil {
				return err
			}
			if o, ok := topics.Lookup("west.lines", 0); !ok || o.Offset < n {
				return fmt.Errorf("%d of %d", o.Offset, n)
			}
			return nil
		})
	}
	produce(200)
	readLines(t, w, "audit", 200)
	mm2 := start()
	copied(200)
	config := filepath.Join(t.TempDir(), "lineaged.yaml")
	if err := os.WriteFile(config, fmt.Appendf(nil, "interval: 1s\nclusters: [{name: west, brokers: [%q]}, {name: east, brokers: [%q]}]\n", w.Brokers()[0], e.Brokers()[0]), 0o600); err != nil {
		t.Fatal(err)
	}
	s := serve(t, "--config", config)
	ask := func(window map[string]any) (b balance, err error) {
		err = s.ask(t, balanceQuery, map[string]any{"w": window}, &b)
		if err == nil && (len(b.FlowBalance.Links) != 1 || len(b.FlowBalance.Readers) != 1) {
			err = fmt.Errorf("%d links and %d readers", len(b.FlowBalance.Links), len(b.FlowBalance.Readers))
		}
		return b, err
	}
	eventually(t, 2*time.Minute, "the copy is seen to have all, and the group too", func() error {
		b, err := ask(last("4s"))
		if err != nil {
			return err
		}
		return errors.Join(b.FlowBalance.Links[0].Account.Opening.holds("the link's opening", 0, true), b.FlowBalance.Links[0].Account.Closing.holds("the link's closing", 0, true),
			b.FlowBalance.Readers[0].Account.Opening.holds("the group's opening", 0, true))
	})
	begin := time.Now()
	time.Sleep(2 * time.Second)

	mm2.Stop(t)
	produce(300)
	readLines(t, w, "audit", 300)
	produce(1000)
	var to kadm.Offsets
	to.AddOffset("lines", 0, 1000, -1)
	if _, err := w.Admin(t).DeleteRecords(t.Context(), to); err != nil {
		t.Fatal(err)
	}
	// Only once the deletion is seen can it be told from what is then skipped.
	eventually(t, 90*time.Second, "the group's loss is seen", func() error {
		b, err := ask(between(begin, time.Now().Add(-4*time.Second)))
		if err != nil {
			return err
		}
		return b.FlowBalance.Readers[0].Account.Lost.holds("lost", 500, true)
	})
	var at kadm.Offsets
	at.AddOffset("lines", 0, 1200, -1)
	if err := w.Admin(t).CommitAllOffsets(t.Context(), "audit", at); err != nil {
		t.Fatal(err)
	}
	start()
	copied(700)
	var b balance
	check := func() error {
		link, audit := b.FlowBalance.Links[0], b.FlowBalance.Readers[0].Account
		errs := []error{b.FlowBalance.Produced.holds("produced", 1300, true), link.Arrived.holds("arrived", 500, true), b.PathBalance.Missing.holds("missing on the way", 800, true)}
		for _, x := range []struct {
			what                                                                string
			of                                                                  account
			opening, read, skipped, lost, closing, returned, surplus, shortfall int64
			exact                                                               bool
		}{
			{"the link", link.Account, 0, 500, 0, 800, 0, 0, 0, 0, true},
			{"the group", audit, 0, 300, 200, 500, 300, 0, 0, 0, false},
		} {
			errs = append(errs, x.of.Produced.holds(x.what+", produced", 1300, true), x.of.Opening.holds(x.what+", opening", x.opening, true),
				x.of.Read.holds(x.what+", read", x.read, x.exact), x.of.Skipped.holds(x.what+", skipped", x.skipped, x.exact), x.of.Lost.holds(x.what+", lost", x.lost, true),
				x.of.Closing.holds(x.what+", closing", x.closing, true), x.of.Returned.holds(x.what+", returned", x.returned, true),
				x.of.Surplus.holds(x.what+", surplus", x.surplus, true), x.of.Shortfall.holds(x.what+", shortfall", x.shortfall, x.exact))
			if x.of.AddsUp == nil || !*x.of.AddsUp {
				errs = append(errs, fmt.Errorf("%s: adds up is %v", x.what, valueOf(x.of.AddsUp)))
			}
		}
		return errors.Join(errs...)
	}
	eventually(t, 2*time.Minute, "the account equals what was done", func() error {
		var err error
		if b, err = ask(between(begin, time.Now().Add(-4*time.Second))); err != nil { // of which all rounds are in
			return err
		}
		return check()
	})
	t.Logf("read by the group: %v, at least %v, at most %v (%v)", valueOf(b.FlowBalance.Readers[0].Account.Read.Records), valueOf(b.FlowBalance.Readers[0].Account.Read.AtLeast),
		valueOf(b.FlowBalance.Readers[0].Account.Read.AtMost), valueOf(b.FlowBalance.Readers[0].Account.Read.Why))
}
