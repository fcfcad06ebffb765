package collector

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// Errors that who sends to an Inbox branches on.
var (
	// ErrInboxFull is when as much waits to be stored as may. Nothing was taken; the sender slows down and tries again.
	ErrInboxFull = errors.New("more waits to be stored than may: slow down and send it again")
	// ErrRejected is when a batch can't be taken for an observation, now or ever. It is not to be sent again.
	ErrRejected = errors.New("it can't be read")
)

// Pusher is what a push source makes of what it is sent. Its methods are called by one goroutine at a time.
type Pusher[B any] interface {
	// Restore makes it resume from what the sink holds, as Source's does.
	Restore(ctx context.Context, sink Sink) error
	// Merge takes one batch into the round's observations. An error says that the batch is of no use; then it must have
	// left nothing behind.
	Merge(t *Take, batch B) error
	// End ends a round, after all of its batches: it begins an observation of each of its parts that had none, and says
	// what was missing, e.g. of a sender that has fallen silent.
	End(t *Take)
	// Parts are its parts with their cadences, of which each round tells.
	Parts() []Cadence
}

// Inbox is a push source: what it is sent waits for the tick, becomes a part of that round, and is acknowledged when
// that is durable. It holds no more than a bound. Send may be called by any goroutine.
type Inbox[B any] struct {
	pusher Pusher[B]
	tell   *Teller
	most   int64 // bytes that may wait

	mu      sync.Mutex // guards all that follows
	waiting []*letter[B]
	taken   []*letter[B] // in the round that is to be stored, the oldest first
	bytes   int64        // of both
}

// letter is a batch on its way.
type letter[B any] struct {
	batch B
	bytes int64
	done  chan error // has room for one
}

// NewInbox makes an inbox for the source that is configured under a name. most bounds the bytes that wait to be stored.
func NewInbox[B any](pusher Pusher[B], tell *Teller, most int64) *Inbox[B] {
	return &Inbox[B]{pusher: pusher, tell: tell, most: most}
}

// Send hands over a batch of so many bytes, and returns nil once it is durable. ErrInboxFull and ErrRejected say that
// it never will be. Where ctx ends first nobody knows: sent again, it must not count twice, which is the pusher's to
// see to. The inbox keeps the batch.
func (b *Inbox[B]) Send(ctx context.Context, batch B, bytes int64) error {
	l := &letter[B]{batch: batch, bytes: max(bytes, 1), done: make(chan error, 1)}
	b.mu.Lock()
	if wait := b.bytes; wait > 0 && wait+l.bytes > b.most || l.bytes > b.most {
		b.mu.Unlock()
		return fmt.Errorf("%w (%d bytes wait)", ErrInboxFull, wait)
	}
	b.waiting = append(b.waiting, l)
	b.bytes += l.bytes
	b.mu.Unlock()
	select {
	case err := <-l.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Waits returns how many bytes wait to be stored.
func (b *Inbox[B]) Waits() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bytes
}

// Restore implements Source. What was in a round that is not stored waits for the next.
func (b *Inbox[B]) Restore(ctx context.Context, sink Sink) error {
	b.mu.Lock()
	b.waiting = append(b.taken, b.waiting...)
	b.taken = nil
	b.mu.Unlock()
	b.tell.Restore()
	return b.pusher.Restore(ctx, sink)
}

// Observe implements Source.
func (b *Inbox[B]) Observe(ctx context.Context, round time.Time) []lineage.Observation {
	b.mu.Lock()
	due := b.waiting
	b.taken, b.waiting = append([]*letter[B](nil), due...), nil
	b.mu.Unlock()
	t := b.tell.Take(round)
	for i, l := range due {
		if ctx.Err() != nil { // the rest comes in the next round
			b.putBack(due[i:])
			break
		}
		b.merge(t, l)
	}
	b.pusher.End(t)
	return t.Finish(ctx)
}

// merge takes one batch into the round. One that makes the pusher panic is rejected, since it would for ever; what the
// pusher has learned may then be half written, and the panic goes on.
func (b *Inbox[B]) merge(t *Take, l *letter[B]) {
	merged := false
	defer func() {
		if !merged {
			b.end(l, fmt.Errorf("%w: lineaged itself failed on it", ErrRejected))
		}
	}()
	err := b.pusher.Merge(t, l.batch)
	if merged = true; err != nil {
		b.end(l, fmt.Errorf("%w: %w", ErrRejected, err))
	}
}

// putBack lets batches that were taken last wait for the next round.
func (b *Inbox[B]) putBack(rest []*letter[B]) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.taken = b.taken[:len(b.taken)-len(rest)]
	b.waiting = append(append([]*letter[B](nil), rest...), b.waiting...)
}

// end tells the sender of a batch what became of it.
func (b *Inbox[B]) end(l *letter[B], err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.taken {
		if b.taken[i] == l {
			b.taken = append(b.taken[:i:i], b.taken[i+1:]...)
			break
		}
	}
	b.bytes -= l.bytes
	l.done <- err
}

// Stored implements Stored: the round is durable, and so is what was sent for it.
func (b *Inbox[B]) Stored() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, l := range b.taken {
		b.bytes -= l.bytes
		l.done <- nil
	}
	b.taken = nil
	b.tell.Stored()
}

// Missed implements Source. What waits waits on.
func (b *Inbox[B]) Missed(round time.Time, reason string) []lineage.Observation {
	b.mu.Lock()
	b.waiting, b.taken = append(b.taken, b.waiting...), nil
	b.mu.Unlock()
	t := b.tell.Take(round)
	for _, p := range b.pusher.Parts() {
		MissAll(t.Observe(p.Part, p.Every), reason)
	}
	return t.Finish(context.Background())
}

var _ Stored = (*Inbox[int])(nil)
