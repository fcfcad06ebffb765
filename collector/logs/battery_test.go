package logs

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/collector/sourcetest"
	"github.com/lineaged/lineaged/lineage"
)

// board is one with the watched cluster on it.
func board() *collector.Board {
	b := &collector.Board{}
	b.SetCluster(collector.Watched{Source: "west", ID: "west-id", Topics: []string{"orders"}, IDs: map[string]lineage.TopicID{"orders": ordersID}})
	return b
}

func TestBatteryFiles(t *testing.T) {
	sourcetest.Run(t, func(t *testing.T) sourcetest.World {
		path := filepath.Join(t.TempDir(), "request.log")
		var hanging atomic.Bool
		var s *source
		n := 0
		t.Cleanup(func() { s.input.close() })
		return sourcetest.World{
			Tick: tick, Before: t0,
			Source: func(sink collector.Sink) collector.Source {
				if s != nil {
					s.input.close()
				}
				c, err := New(Config{Name: "west", Files: []string{path}, Interval: tick, Board: board()}, sink)
				if err != nil {
					t.Fatal(err)
				}
				s = c.source
				s.input.(*files).disk.before = func() {
					for hanging.Load() {
						time.Sleep(10 * time.Millisecond)
					}
				}
				return s
			},
			Live: func(time.Time) {
				f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
				if errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) {
					return // broken
				}
				if err != nil {
					t.Fatal(err)
				}
				defer f.Close()
				n++
				// one that waits for its topic's name, so that there is a position of it
				fmt.Fprintln(f, produced(fmt.Sprint("app-", n), "unknown", n))
			},
			Break: func(b bool) {
				moved := filepath.Dir(path) + ".away"
				from, to := filepath.Dir(path), moved
				if !b {
					from, to = to, from
				}
				if err := os.Rename(from, to); err != nil {
					t.Fatal(err)
				}
			},
			Hang:  hanging.Store,
			Spoil: func(collector.Source) { s.digest.strings = nil },
		}
	})
}

func TestBatteryTopic(t *testing.T) {
	batteryOfTopic(t, false, func(n int) string { return produced(fmt.Sprint("app-", n), "unknown", n) })
}

func TestBatteryAudit(t *testing.T) {
	batteryOfTopic(t, true, func(n int) string { return confluent("west-id", fmt.Sprint("User:p", n), "c", "Produce", true) })
}

func batteryOfTopic(t *testing.T, audit bool, line func(n int) string) {
	t.Helper()
	sourcetest.Run(t, func(t *testing.T) sourcetest.World {
		w := newShipped(t)
		w.audit = audit
		var broken, hanging atomic.Bool
		released := make(chan struct{})
		t.Cleanup(func() { close(released) })
		w.fake.Control(func(req kmsg.Request) (kmsg.Response, error, bool) {
			w.fake.KeepControl()
			if _, asks := req.(*kmsg.ListOffsetsRequest); !asks {
				return nil, nil, false
			}
			if hanging.Load() {
				w.fake.SleepControl(func() {
					for hanging.Load() {
						select {
						case <-released:
							return
						case <-time.After(10 * time.Millisecond):
						}
					}
				})
			}
			if broken.Load() {
				return nil, errors.New("connection lost"), true
			}
			return nil, nil, false
		})
		var s *source
		n := 0
		t.Cleanup(func() { s.input.close() })
		return sourcetest.World{
			Tick: tick, Before: t0,
			Source: func(sink collector.Sink) collector.Source {
				if s != nil {
					s.input.close()
				}
				s = w.source(sink)
				return s
			},
			Live: func(time.Time) {
				n++
				w.ship(int32(n%2), line(n))
			},
			Break: broken.Store,
			Hang:  hanging.Store,
			Spoil: func(collector.Source) { s.digest.strings = nil },
		}
	})
}

// shipped is a fake cluster with a topic to which lines are shipped.
type shipped struct {
	*testing.T
	fake   *kfake.Cluster
	client *kgo.Client
	audit  bool // the topic is an audit topic
}

func newShipped(t *testing.T) *shipped {
	t.Helper()
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, "broker-logs"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	w := &shipped{T: t, fake: fake}
	client, err := w.dial(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	w.client = client
	return w
}

func (w *shipped) dial(opts ...kgo.Opt) (*kgo.Client, error) {
	return kgo.NewClient(append([]kgo.Opt{kgo.SeedBrokers(w.fake.ListenAddrs()...), kgo.RequestRetries(1), kgo.RetryTimeout(2 * time.Second)}, opts...)...)
}

func (w *shipped) source(sink collector.Sink) *source {
	w.Helper()
	c, err := New(Config{Name: "west", Topic: "broker-logs", Client: w.dial, Audit: w.audit, Interval: tick, Board: board()}, sink)
	if err != nil {
		w.Fatal(err)
	}
	return c.source
}

func (w *shipped) ship(partition int32, line string) {
	w.Helper()
	r := &kgo.Record{Topic: "broker-logs", Partition: partition, Value: []byte(line)}
	if err := w.client.ProduceSync(w.Context(), r).FirstErr(); err != nil {
		w.Fatal(err)
	}
}
