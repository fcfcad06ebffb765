// Package deadletter keeps what was sent and is of no use, so that an operator can find the sender and mend it: when,
// from where, about which job, what is wrong and at which place in the body.
//
// It keeps no body: what can't be read can't be cleaned of secrets either. Its size, its sum and the place of the fault
// tell it again from others. It is bounded: two files of half a megabyte and a week, and of what comes again and again
// one letter a minute, which counts the others. What is older is told of no more, and is off the disk within an hour of
// the process that takes letters, so that while none runs it lies there. It hides the files, and refuses to lose
// anything else for them: what can't be written is left out.
package deadletter

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/lineaged/lineaged/internal/runevent"
)

const (
	fileName = "dead-letters"
	oldName  = "dead-letters.old"
	// mostBytes bounds each of the two files.
	mostBytes = 512 << 10
	// keep is for how long a letter is told of, and look how often it is looked for older ones, at most.
	keep = 7 * 24 * time.Hour
	look = time.Hour
	// every is how often letters that are alike are written, at most, and mostAlike how many kinds are told apart.
	every     = time.Minute
	mostAlike = 1000
)

// Letter is one event that was of no use. Its texts are cleaned of secrets by who makes it. Empty: not known.
type Letter struct {
	At time.Time `json:"at"`
	// Address is of who sent it by HTTP, and Agent what he calls himself. Index is its place in a batch; -1: it came
	// alone.
	Address string `json:"address,omitempty"`
	Agent   string `json:"agent,omitempty"`
	Index   int    `json:"index"`
	// Topic, CLUSTER/TOPIC, is where it lies in Kafka, with Partition and Offset.
	Topic     string `json:"topic,omitempty"`
	Partition int32  `json:"partition,omitempty"`
	Offset    int64  `json:"offset,omitempty"`
	// Pointer is the JSON pointer of what is wrong, and Why says what that is.
	Pointer string `json:"pointer,omitempty"`
	Why     string `json:"why"`
	// Byte is at which, from 1 on, the body ceases to be JSON; 0: not told.
	Byte int64 `json:"byte,omitempty"`
	// Namespace, Job, Run and Producer are what could be read of it.
	Namespace string `json:"namespace,omitempty"`
	Job       string `json:"job,omitempty"`
	Run       string `json:"run,omitempty"`
	Producer  string `json:"producer,omitempty"`
	// Bytes is the body's size. Where it is Larger than is taken, no more is known than that it has more than Bytes.
	Bytes  int    `json:"bytes"`
	Larger bool   `json:"larger,omitempty"`
	Sum    string `json:"sha256,omitempty"`
	// More is how many like it came since the one before, and were not written.
	More int `json:"more,omitempty"`
}

// Describe notes what is wrong with a body by an error of package runevent, what can be read of it, its size and sum.
func (l *Letter) Describe(body []byte, err error) {
	l.Why = err.Error()
	if p, ok := errors.AsType[*runevent.ProblemError](err); ok {
		l.Pointer, l.Why, l.Byte = p.Pointer, p.Why, p.Byte
	}
	is := runevent.Look(body)
	l.Namespace, l.Job, l.Run, l.Producer = is.Job.Namespace, is.Job.Name, is.Run, is.Producer
	sum := sha256.Sum256(body)
	l.Bytes, l.Sum = len(body), hex.EncodeToString(sum[:])
}

// Reason is what is wrong, in words.
func (l *Letter) Reason() string {
	if l.Pointer == "" {
		return l.Why
	}
	return l.Pointer + ": " + l.Why
}

// alike is what letters have in common of which one is written in a minute.
type alike struct{ address, topic, pointer, why, namespace, job string }

type counted struct {
	at   time.Time
	more int
}

// Box takes letters. Its methods may be called by any goroutine.
type Box struct {
	folder string

	mu   sync.Mutex // guards the fields below
	seen map[alike]counted
	// looked is when older letters were looked for last; zero: not since the start.
	looked time.Time
}

// New makes the box of a folder, which need not be there yet.
func New(folder string) *Box { return &Box{folder: folder, seen: map[alike]counted{}} }

// Add writes a letter, unless one like it was written within a minute.
func (b *Box) Add(l Letter) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	is := alike{l.Address, l.Topic, l.Pointer, l.Why, l.Namespace, l.Job}
	was, known := b.seen[is]
	if since := l.At.Sub(was.at); known && since >= 0 && since < every {
		was.more++
		b.seen[is] = was
		return nil
	}
	if !known && len(b.seen) >= mostAlike {
		clear(b.seen)
	}
	l.More = was.more
	b.seen[is] = counted{at: l.At}
	return errors.Join(b.expire(l.At), b.write(l))
}

// Expire takes letters off the disk that are older than a week. It costs nothing until an hour after it was done last.
func (b *Box) Expire(now time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.expire(now)
}

func (b *Box) expire(now time.Time) error {
	if since := now.Sub(b.looked); since >= 0 && since < look {
		return nil
	}
	b.looked = now
	var errs []error
	for _, name := range [...]string{oldName, fileName} {
		if err := expireFile(filepath.Join(b.folder, name), now); err != nil {
			errs = append(errs, fmt.Errorf("take old dead letters away: %w", err))
		}
	}
	return errors.Join(errs...)
}

// expireFile leaves of a file what is not older than a week. What can't be read goes with what is.
func expireFile(path string, now time.Time) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var young []byte
	gone, dated := false, false
	for line := range bytes.Lines(text) {
		var l Letter
		switch {
		case json.Unmarshal(line, &l) != nil:
		case now.Sub(l.At) >= keep:
			gone = true
		default:
			dated, young = true, append(young, line...)
		}
	}
	switch {
	case !dated: // nobody knows how old the rest is
		return os.Remove(path)
	case !gone:
		return nil
	}
	// In place: beside it something could be left that nobody removes. Where it is cut short letters are lost.
	return os.WriteFile(path, young, 0o600)
}

func (b *Box) write(l Letter) error {
	text, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("write a dead letter: %w", err)
	}
	if err := os.MkdirAll(b.folder, 0o700); err != nil {
		return fmt.Errorf("make the folder of dead letters: %w", err)
	}
	path := filepath.Join(b.folder, fileName)
	if is, err := os.Stat(path); err == nil && is.Size()+int64(len(text)) > mostBytes {
		if err := os.Rename(path, filepath.Join(b.folder, oldName)); err != nil {
			return fmt.Errorf("put dead letters aside: %w", err)
		}
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write a dead letter: %w", err)
	}
	_, err = f.Write(append(text, '\n'))
	return errors.Join(err, f.Close())
}

// Read returns the letters of a folder of the last week before an instant, the newest last, also while a Box is open on
// it. A line that can't be read is left out: it is being written, or was cut short.
func Read(folder string, now time.Time) (out []Letter, err error) {
	for _, name := range [...]string{oldName, fileName} {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read dead letters: %w", err)
		}
		lines := bufio.NewScanner(bytes.NewReader(text))
		lines.Buffer(nil, mostBytes)
		for lines.Scan() {
			var l Letter
			if json.Unmarshal(lines.Bytes(), &l) == nil && now.Sub(l.At) < keep {
				out = append(out, l)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b Letter) int { return a.At.Compare(b.At) })
	return out, nil
}

// Remove takes all letters of a folder away, as where a person is to be erased from it: addresses stand in them.
func Remove(folder string) (removed bool, err error) {
	for _, name := range [...]string{oldName, fileName} {
		gone := os.Remove(filepath.Join(folder, name))
		removed = removed || gone == nil
		if gone != nil && !errors.Is(gone, fs.ErrNotExist) {
			err = errors.Join(err, gone)
		}
	}
	return removed, err
}
