package sourcetest

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Fault makes a fake Kafka answer nothing but errors, or nothing at all: what a World's Break and Hang do where its
// system is one. Its methods may be called by any goroutine.
type Fault struct {
	broken, hanging atomic.Bool
	released        chan struct{} // closed at the test's end, so that nobody hangs longer
}

// NewFault makes a fault, at first of nothing. of picks the requests that it is about.
func NewFault(t *testing.T, fake *kfake.Cluster, of func(kmsg.Request) bool) *Fault {
	f := &Fault{released: make(chan struct{})}
	t.Cleanup(func() { close(f.released) })
	fake.Control(func(req kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		if !of(req) {
			return nil, nil, false
		}
		if f.hanging.Load() {
			fake.SleepControl(f.wait)
		}
		if f.broken.Load() {
			return nil, errors.New("connection lost"), true
		}
		return nil, nil, false
	})
	return f
}

func (f *Fault) wait() {
	for f.hanging.Load() {
		select {
		case <-f.released:
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Break makes requests fail, or not any more.
func (f *Fault) Break(broken bool) { f.broken.Store(broken) }

// Hang leaves requests without an answer, or not any more.
func (f *Fault) Hang(hanging bool) { f.hanging.Store(hanging) }

// Is reports whether requests fail or hang.
func (f *Fault) Is() bool { return f.broken.Load() || f.hanging.Load() }
