package collector_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/collector/sourcetest"
	"github.com/lineaged/lineaged/lineage"
)

// mail is a push source that counts what it is sent. Each batch has a name, and counts once.
type mail struct {
	tell   *collector.Teller
	total  int64
	known  map[string]bool // batches that were counted, as of the newest round
	silent bool            // the senders are
	spoilt bool
}

func newMail() *mail {
	return &mail{tell: collector.NewTeller("west", discard), known: map[string]bool{}}
}

func (m *mail) Restore(ctx context.Context, sink collector.Sink) error {
	positions, err := sink.Positions(ctx, lineage.Source{Cluster: "west", Name: "mail"})
	m.total, m.known = 0, map[string]bool{}
	for key, value := range positions {
		switch rest, batch := strings.CutPrefix(key, "batch/"); {
		case batch && string(value) == "sent":
			m.known[rest] = true
		case batch:
			m.tell.Leave(key, errors.New("not a batch"))
		default:
			var sum int64
			if _, err := fmt.Sscanf(string(value), "%d/%d", &m.total, &sum); err != nil || sum != m.total || string(value) != fmt.Sprintf("%d/%d", m.total, sum) {
				m.total = 0
				m.tell.Leave(key, errors.New("not a total"))
			}
		}
	}
	return err
}

func (m *mail) Merge(t *collector.Take, name string) error {
	if m.spoilt || name == "poison" {
		m.spoilt = false
		panic("index out of range")
	}
	if name == "" {
		return errors.New("it has no name")
	}
	if m.known[name] {
		return nil
	}
	m.known[name] = true
	m.total++
	o := m.of(t)
	o.Positions = append(o.Positions, lineage.Position{Key: "batch/" + name, Value: []byte("sent")})
	return nil
}

func (m *mail) of(t *collector.Take) *lineage.Observation {
	if o := t.Of("mail"); o != nil {
		return o
	}
	return t.Observe("mail", 10*time.Second)
}

func (m *mail) End(t *collector.Take) {
	if m.spoilt {
		m.spoilt = false
		panic("index out of range")
	}
	o := m.of(t)
	if m.silent {
		collector.MissAll(o, "its senders are silent")
		return
	}
	for _, key := range t.Unreadable(o, len(m.known)) {
		o.Positions = append(o.Positions, lineage.Position{Key: key})
	}
	o.Samples = append(o.Samples, lineage.Sample{Subject: lineage.Access{Topic: lineage.Topic{Name: "t"}}, Metric: lineage.Appended, Value: m.total})
	o.Positions = append(o.Positions, lineage.Position{Key: "total", Value: fmt.Appendf(nil, "%d/%d", m.total, m.total)})
}

func (m *mail) Parts() []collector.Cadence {
	return []collector.Cadence{{Part: "mail", Every: 10 * time.Second}}
}

func TestInboxPassesTheBattery(t *testing.T) {
	sourcetest.Run(t, func(t *testing.T) sourcetest.World {
		var inbox *collector.Inbox[string]
		var m *mail
		n := 0
		var senders sync.WaitGroup
		ctx, cancel := context.WithCancel(t.Context())
		t.Cleanup(func() { cancel(); senders.Wait() })
		return sourcetest.World{
			Tick: 10 * time.Second, Before: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC),
			Source: func(collector.Sink) collector.Source {
				m = newMail()
				inbox = collector.NewInbox(m, m.tell, 1<<20)
				return inbox
			},
			Live: func(time.Time) {
				n++
				name, to := "batch "+strconv.Itoa(n), inbox
				senders.Go(func() { _ = to.Send(ctx, name, 1) })
				time.Sleep(5 * time.Millisecond) // it may come in this round or the next
			},
			Break: func(b bool) { m.silent = b },
			Hang:  func(b bool) { m.silent = b },
			Spoil: func(collector.Source) { m.spoilt = true },
		}
	})
}

// post is an inbox with its mail, run in fake time.
type post struct {
	*mail
	*collector.Inbox[string]
	sink *sink
}

func inFakeTime(t *testing.T, f func(t *testing.T, p post)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m := newMail()
		p := post{m, collector.NewInbox(m, m.tell, 100), &sink{}}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { _ = (collector.Runner{Interval: 10 * time.Second, Log: discard}).Run(ctx, p.Inbox, p.sink) })
		f(t, p)
		cancel()
		wg.Wait()
	})
}

func (p post) stored() (n int64) {
	for _, o := range p.sink.obs {
		for _, s := range o.Samples {
			n = s.Value
		}
	}
	return n
}

// What is acknowledged is stored, and no earlier.
func TestInboxAcknowledgesWhatIsDurable(t *testing.T) {
	inFakeTime(t, func(t *testing.T, p post) {
		p.sink.errs = []error{errors.New("no space"), errors.New("no space")} // of the first two rounds
		begun := time.Now()
		if err := p.Send(t.Context(), "a", 1); err != nil || p.stored() != 1 {
			t.Errorf("%v, and %d stored", err, p.stored())
		}
		if d := time.Since(begun); d != 30*time.Second {
			t.Errorf("acknowledged after %v, want with the third round", d)
		}
		if err := p.Send(t.Context(), "a", 1); err != nil || p.stored() != 1 {
			t.Errorf("sent again: %v, and %d stored", err, p.stored())
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := p.Send(ctx, "b", 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a sender that goes hears %v", err)
		}
	})
}

// Who sends more than can wait hears so, and what waits is not lost by it.
func TestInboxIsBounded(t *testing.T) {
	inFakeTime(t, func(t *testing.T, p post) {
		var wg sync.WaitGroup
		var mu sync.Mutex
		got := map[string]int{}
		for i := range 30 {
			wg.Go(func() {
				err := p.Send(t.Context(), strconv.Itoa(i), 10)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					got["stored"]++
				case errors.Is(err, collector.ErrInboxFull):
					got["full"]++
				default:
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if got["stored"] != 10 || got["full"] != 20 || p.stored() != 10 {
			t.Errorf("%v, and %d stored; want 10 of 10 bytes in an inbox of 100", got, p.stored())
		}
		if err := p.Send(t.Context(), "large", 101); !errors.Is(err, collector.ErrInboxFull) {
			t.Errorf("a batch larger than the inbox: %v", err)
		}
		if err := p.Send(t.Context(), "after", 100); err != nil {
			t.Errorf("after all is stored there is no room: %v", err)
		}
	})
}

// A batch that can't be read is refused alone, also one that makes the source panic.
func TestInboxRejectsWhatCannotBeRead(t *testing.T) {
	inFakeTime(t, func(t *testing.T, p post) {
		var wg sync.WaitGroup
		for _, c := range []struct {
			name string
			want error
		}{{"a", nil}, {"", collector.ErrRejected}, {"b", nil}, {"poison", collector.ErrRejected}, {"c", nil}} {
			wg.Go(func() {
				if err := p.Send(t.Context(), c.name, 1); !errors.Is(err, c.want) {
					t.Errorf("%q: %v, want %v", c.name, err, c.want)
				}
			})
			synctest.Wait() // in this order
		}
		wg.Wait()
		if p.stored() != 3 {
			t.Errorf("%d are stored, want 3", p.stored())
		}
		for _, o := range p.sink.obs {
			for _, pos := range o.Positions {
				if strings.HasSuffix(pos.Key, "poison") {
					t.Error("what made it panic is stored")
				}
			}
		}
	})
}
