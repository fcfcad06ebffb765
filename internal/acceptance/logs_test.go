package acceptance

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lineaged/lineaged/internal/kafkatest"
)

// A broker's request log, followed where it writes it, names a writer without a producer id, one with, and a reader
// without a group; without it nobody is named.
func TestLogsName(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t, kafkatest.Options{Config: map[string]string{"num.partitions": "1"}})
	for _, topic := range []string{"bills", "ledger"} {
		c.CreateTopic(t, topic, 2)
	}
	c.LogAt(t, "kafka.request.logger", "DEBUG")
	s := serve(t, "--brokers", c.Bootstrap(), "--cluster-name", "west", "--interval", "1s", "--logs-files", c.Logs()[0]+"*")
	s.knows(t, "topic:west/bills")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	write := func(topic, id string, opts ...kgo.Opt) {
		client := c.Client(t, append(opts, kgo.ClientID(id), kgo.DefaultProduceTopic(topic))...)
		go func() {
			for ctx.Err() == nil {
				_ = client.ProduceSync(ctx, kgo.StringRecord("x")).FirstErr() // what is missing of it is seen below
				time.Sleep(20 * time.Millisecond)
			}
		}()
	}
	write("bills", "billing-app", kgo.DisableIdempotentWrite(), kgo.RequiredAcks(kgo.LeaderAck()))
	write("ledger", "ledger-app")
	reader := c.Client(t, kgo.ClientID("peeking-app"), kgo.ConsumeTopics("bills"))
	go func() {
		for ctx.Err() == nil {
			reader.PollFetches(ctx)
		}
	}()
	want := []string{
		"application:west/billing-app->topic:west/bills", "topic:west/bills->application:west/peeking-app", "application:west/ledger-app->topic:west/ledger",
	}
	eventually(t, 60*time.Second, "all are named", func() error {
		var ids []string
		for _, topic := range []string{"bills", "ledger"} {
			a, err := s.tryLineage(t, "topic:west/"+topic, last("20s"))
			if err != nil {
				return err
			}
			for _, f := range a.Flows {
				if slices.Contains(f.evidence(), "REQUEST_LOG") && f.Active != nil && *f.Active {
					ids = append(ids, f.ID)
				}
			}
		}
		for _, id := range want {
			if !slices.Contains(ids, id) {
				return fmt.Errorf("%s is not named; %q are", id, ids)
			}
		}
		return nil
	})
}

// kill -9, again and again, while a log is written and rotated: each refusal that it tells is counted once.
func TestLogsKilled(t *testing.T) {
	t.Parallel()
	const kills = 6
	c := kafkatest.Shared(t, kafkatest.Options{})
	c.CreateTopic(t, "guarded", 1)
	path := filepath.Join(t.TempDir(), "kafka-authorizer.log")
	written := 0
	write := func(n int) {
		f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		for range n {
			written++
			_, err = fmt.Fprintf(f, "[%s] INFO Principal = User:eve is Denied operation = WRITE from host = 10.0.0.9 on resource = Topic:LITERAL:guarded for request = Produce with "+
				"resourceRefCount = 1 based on rule DefaultDeny (kafka.authorizer.logger)\n", time.Now().Format("2006-01-02 15:04:05,000"))
		}
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
	}
	write(10)
	begin := time.Now().Add(-time.Minute)
	s := serve(t, "--brokers", c.Bootstrap(), "--cluster-name", "west", "--interval", "1s", "--logs-files", path+"*")
	s.knows(t, "topic:west/guarded")
	for i := range kills {
		for n := range 20 {
			write(1 + n)
			time.Sleep(time.Duration(37+i*11) * time.Millisecond)
		}
		if err := os.Rename(path, path+"."+strconv.Itoa(i)); err != nil {
			t.Fatal(err)
		}
		s.p.Kill()
		write(5)
		s.start(t)
	}
	write(1)
	times := regexp.MustCompile(`; (\d+) times$`)
	eventually(t, 30*time.Second, "each refusal is counted once", func() error {
		var d struct {
			Events struct {
				Edges []struct{ Node struct{ Type, Detail string } }
			}
		}
		if err := s.ask(t, `query($w: Window!, $n: ID!){events(window:$w, node:$n, first: 500){edges{node{type detail}}}}`,
			map[string]any{"w": between(begin, time.Now()), "n": "topic:west/guarded"}, &d); err != nil {
			return err
		}
		counted := 0
		for _, e := range d.Events.Edges {
			if e.Node.Type != "ACCESS_DENIED" {
				continue
			}
			n := 1
			if m := times.FindStringSubmatch(e.Node.Detail); m != nil {
				n, _ = strconv.Atoi(m[1])
			}
			counted += n
		}
		if counted != written {
			return fmt.Errorf("%d refusals are counted, %d were written", counted, written)
		}
		return nil
	})
}
