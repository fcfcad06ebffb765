// Package outbox brings events to receivers: durably, in order, again and again until they are taken, within a bound on
// disk.
//
// It hides folders, retries and what an HTTP server may answer. What is put is on disk before Put returns; what is sent
// may be sent twice, and never not at all, but where the bound drops the oldest or the receiver refuses one for what it
// is: both are counted. It refuses to know what an event says.
package outbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lineaged/lineaged/internal/receiver"
)

// Event is one event and the key under which a topic has it.
type Event struct {
	Key  string
	Body []byte // one line of JSON
}

// Sender brings one event to a receiver. receiver.ErrRefused among its errors says that this event is never taken.
type Sender interface {
	Send(ctx context.Context, e Event) error
}

// The bounds of retries.
const (
	firstWait = 5 * time.Second
	mostWait  = 10 * time.Minute
	// lookEvery is how often it is looked for what was put, and for what is due again.
	lookEvery = time.Second
)

// Options are what a Queue needs.
type Options struct {
	Name   string
	Folder string // of its own; it is made
	Most   int64  // bytes on disk
	Sender Sender
	Log    *slog.Logger
}

// Figures are how a receiver fares.
type Figures struct {
	Name                   string
	Sent, Refused, Dropped int64 // events, in this run
	Failures               int64 // failed attempts, in this run
	Waiting                int   // batches on disk
	Bytes                  int64 // of them
	Trouble                string
}

// Queue is what waits for one receiver. Put and Figures may be called by any goroutine; Run once.
type Queue struct {
	o Options

	mu      sync.Mutex // guards what follows, and the folder
	figures Figures
	files   []file // in order
	next    int64

	// What follows is Run's alone.
	now   string // the file whose events are sent
	done  int    // events of it that are
	wait  time.Duration
	until time.Time
}

type file struct {
	name  string
	bytes int64
}

// New opens the folder of a receiver, and takes up what waits there.
func New(o Options) (*Queue, error) {
	if err := os.MkdirAll(o.Folder, 0o700); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(o.Folder)
	if err != nil {
		return nil, err
	}
	q := &Queue{o: o, figures: Figures{Name: o.Name}}
	for _, e := range entries { // sorted by name
		info, err := e.Info()
		switch {
		case err != nil:
			return nil, err
		case strings.HasSuffix(e.Name(), ".tmp"): // never finished
			if err := os.Remove(filepath.Join(o.Folder, e.Name())); err != nil {
				return nil, err
			}
		case strings.HasSuffix(e.Name(), suffix):
			q.files = append(q.files, file{e.Name(), info.Size()})
			if _, err := fmt.Sscanf(e.Name(), "%d", &q.next); err != nil {
				return nil, fmt.Errorf("%s: its name is no number", e.Name())
			}
		}
	}
	q.count()
	return q, nil
}

const suffix = ".events"

// Put stores events that belong together; the oldest give way where there is no room.
func (q *Queue) Put(events []Event) error {
	if len(events) == 0 {
		return nil
	}
	var b bytes.Buffer
	for _, e := range events {
		fmt.Fprintf(&b, "%q\t%s\n", e.Key, e.Body)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if int64(b.Len()) > q.o.Most {
		q.figures.Dropped += int64(len(events))
		return fmt.Errorf("%d bytes of events are more than may wait on disk, %d", b.Len(), q.o.Most)
	}
	for len(q.files) > 0 && q.figures.Bytes+int64(b.Len()) > q.o.Most {
		if err := q.dropFirst(); err != nil {
			return err
		}
	}
	q.next++
	name := fmt.Sprintf("%020d", q.next) + suffix
	if err := write(q.o.Folder, name, b.Bytes()); err != nil {
		return err
	}
	q.files = append(q.files, file{name, int64(b.Len())})
	q.count()
	return nil
}

// dropFirst gives up the oldest batch. The caller holds the lock.
func (q *Queue) dropFirst() error {
	events, err := q.read(q.files[0].name)
	if err != nil {
		return err
	}
	q.figures.Dropped += int64(len(events))
	return q.remove(q.files[0].name)
}

// remove takes a batch away, if it is there. The caller holds the lock.
func (q *Queue) remove(name string) error {
	if err := os.Remove(filepath.Join(q.o.Folder, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	q.files = slices.DeleteFunc(q.files, func(f file) bool { return f.name == name })
	q.count()
	return nil
}

// count counts what waits. The caller holds the lock, or nobody else knows the queue.
func (q *Queue) count() {
	q.figures.Waiting, q.figures.Bytes = len(q.files), 0
	for _, f := range q.files {
		q.figures.Bytes += f.bytes
	}
}

func (q *Queue) read(name string) (events []Event, err error) {
	text, err := os.ReadFile(filepath.Join(q.o.Folder, name))
	if err != nil {
		return nil, err
	}
	for line := range bytes.Lines(text) {
		key, body, ok := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte("\t"))
		var e Event
		if _, err := fmt.Sscanf(string(key), "%q", &e.Key); !ok || err != nil {
			return nil, fmt.Errorf("%s: a line is no event", name)
		}
		e.Body = slices.Clone(body)
		events = append(events, e)
	}
	return events, nil
}

// write writes a file that is there whole or not at all.
func write(folder, name string, text []byte) error {
	path := filepath.Join(folder, name)
	f, err := os.OpenFile(path+".tmp", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(err, os.Remove(path+".tmp"))
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		return err
	}
	return syncFolder(folder)
}

func syncFolder(folder string) error {
	d, err := os.Open(folder)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Figures returns how the receiver fares.
func (q *Queue) Figures() Figures {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.figures
}

// Run sends what waits until ctx ends.
func (q *Queue) Run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		q.Step(ctx, time.Now())
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Step sends what waits until something fails. What failed is tried again later.
func (q *Queue) Step(ctx context.Context, now time.Time) {
	if now.Before(q.until) {
		return
	}
	for ctx.Err() == nil {
		q.mu.Lock()
		if len(q.files) == 0 {
			q.mu.Unlock()
			return
		}
		name := q.files[0].name
		if name != q.now { // the one before may have given way to newer ones
			q.now, q.done = name, 0
		}
		events, err := q.read(name)
		q.mu.Unlock()
		if err != nil { // it can't be read: it is moved aside, and the others are not kept waiting
			q.failed(ctx, now, fmt.Errorf("what waits on disk: %w", err))
			q.aside(name)
			return
		}
		if err := q.sendAll(ctx, events); err != nil {
			q.failed(ctx, now, err)
			return
		}
		q.mu.Lock()
		err = q.remove(name)
		q.mu.Unlock()
		if err != nil {
			q.failed(ctx, now, err)
			return
		}
		q.well()
	}
}

// sendAll sends the events of a batch from where it was left.
func (q *Queue) sendAll(ctx context.Context, events []Event) error {
	for q.done < len(events) {
		err := q.o.Sender.Send(ctx, events[q.done])
		refused := errors.Is(err, receiver.ErrRefused)
		if err != nil && !refused {
			return err
		}
		q.mu.Lock()
		if refused {
			if q.figures.Refused++; q.figures.Refused == 1 {
				q.o.Log.Warn("a receiver of OpenLineage events refuses one, and goes without it", "target", q.o.Name, "event", events[q.done].Key, "error", err)
			}
		} else {
			q.figures.Sent++
		}
		q.mu.Unlock()
		q.done++
	}
	return nil
}

// aside renames a batch that can't be read.
func (q *Queue) aside(name string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	path := filepath.Join(q.o.Folder, name)
	if err := os.Rename(path, path+".damaged"); err == nil {
		q.files = slices.DeleteFunc(q.files, func(f file) bool { return f.name == name })
		q.count()
	}
}

// failed says once why nothing goes out, and waits twice as long each time.
func (q *Queue) failed(ctx context.Context, now time.Time, err error) {
	if ctx.Err() != nil {
		return
	}
	q.wait = min(max(2*q.wait, firstWait), mostWait)
	if r, ok := errors.AsType[*receiver.RetryError](err); ok && r.After > 0 {
		q.wait = min(r.After, mostWait)
	}
	q.until = now.Add(q.wait)
	q.mu.Lock()
	defer q.mu.Unlock()
	q.figures.Failures++
	if q.figures.Trouble != err.Error() {
		q.o.Log.Warn("OpenLineage events are not taken; they wait and are sent again", "target", q.o.Name, "error", err)
	}
	q.figures.Trouble = err.Error()
}

// well notes that events go out.
func (q *Queue) well() {
	q.wait, q.until = 0, time.Time{}
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.figures.Trouble != "" {
		q.o.Log.Info("OpenLineage events are taken again", "target", q.o.Name)
	}
	q.figures.Trouble = ""
}
