package openlineage

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/lineaged/lineaged/internal/runevent"
)

// ErrFull is when as much waits to be observed as may. Nothing was taken.
var ErrFull = errors.New("more OpenLineage events wait to be observed than may")

const (
	journalName = "journal"
	// journalHead begins the journal's first line: the number is the version, and the first entry's stands behind it.
	journalHead = "lineaged openlineage 1 "
	// mostWaiting bounds the events that wait to be observed, in bytes of their lines.
	mostWaiting = 64 << 20
	// mostJournal is how long the journal may become before what was observed of it is taken out.
	mostJournal = 4 << 20
)

// entry is an event in the journal.
type entry struct {
	Number  int64          `json:"no"`
	Arrived time.Time      `json:"by"`
	Event   runevent.Event `json:"e"`
	From    *from          `json:"f,omitempty"`
	bytes   int64
}

// journal holds events from when they are taken until they are observed. One line each: the CRC-32 of what follows in
// hex, a space, JSON. See docs/format/openlineage.md. Its methods may be called by any goroutine.
type journal struct {
	path    string
	damaged int // lines that are not what was written
	now     func() time.Time

	writing sync.Mutex // one write at a time. Taken before mu
	file    *os.File   // nil: it is closed
	size    int64
	torn    bool // half a line may stand at its end

	mu      sync.Mutex // guards the fields below
	waiting []entry    // by number
	bytes   int64      // of them
	next    int64
	forming *batch // that is not written yet; nil: none
	ails    error  // why the newest event could not be written; nil: it could
}

func openJournal(folder string, now func() time.Time) (*journal, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of events: %w", err)
	}
	// Without a file it begins behind all that ever was: what was observed is known by its number.
	j := &journal{path: filepath.Join(folder, journalName), now: now, next: now().UnixMicro()}
	text, err := os.ReadFile(j.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read the journal of events: %w", err)
	}
	if err := j.replay(text); err != nil {
		return nil, err
	}
	return j, j.rewrite() // what was cut short or damaged is gone with it
}

func (j *journal) replay(text []byte) error {
	first, rest, whole := bytes.Cut(text, []byte("\n"))
	if !whole {
		return nil // it was never whole
	}
	number, ok := strings.CutPrefix(string(first), journalHead)
	base, err := strconv.ParseInt(number, 10, 64)
	if !ok || err != nil || base < 1 {
		return fmt.Errorf("%s begins with %q: it is of another version of lineaged, or none of its files", j.path, first[:min(len(first), 100)])
	}
	j.next = base
	for line := range bytes.Lines(rest) {
		body, whole := bytes.CutSuffix(line, []byte("\n"))
		if !whole {
			break // its sender was not told that it was taken
		}
		e, ok := decodeEntry(body)
		if !ok || e.Number < j.next {
			j.damaged++
			continue
		}
		j.wait(e)
	}
	return nil
}

func (j *journal) wait(e entry) {
	j.waiting = append(j.waiting, e)
	j.bytes += e.bytes
	j.next = e.Number + 1
}

func encodeEntry(e entry) ([]byte, error) {
	text, err := json.Marshal(e)
	if err != nil {
		return nil, fmt.Errorf("write an event: %w", err)
	}
	return fmt.Appendf(nil, "%08x %s\n", crc32.ChecksumIEEE(text), text), nil
}

func decodeEntry(line []byte) (e entry, ok bool) {
	sum, text, _ := bytes.Cut(line, []byte(" "))
	if want, err := strconv.ParseUint(string(sum), 16, 32); err != nil || uint32(want) != crc32.ChecksumIEEE(text) || json.Unmarshal(text, &e) != nil {
		return e, false
	}
	e.bytes = int64(len(line)) + 1
	return e, true
}

// batch are events that go to the disk at once: those that came while others were written.
type batch struct {
	entries []entry
	text    []byte
	done    chan struct{} // closed when err is known
	err     error
}

// append puts events into the journal. It returns nil once they are on disk.
func (j *journal) append(ctx context.Context, events []runevent.Event) error {
	all := make([]entry, len(events))
	for i, e := range events {
		all[i].Event = e
	}
	return j.appendEntries(ctx, all)
}

// appendEntries is append for events that come from somewhere. It numbers them.
func (j *journal) appendEntries(ctx context.Context, entries []entry) error {
	b, first, err := j.join(entries)
	if err != nil {
		return err
	}
	if first {
		j.write(b)
	}
	select {
	case <-b.done:
		return b.err
	case <-ctx.Done(): // nobody knows: it may be sent again
		return ctx.Err()
	}
}

// join adds events to the batch that is to be written next. first: it was made for them, and is theirs to write.
func (j *journal) join(entries []entry) (b *batch, first bool, err error) {
	now := j.now().UTC()
	j.mu.Lock()
	defer j.mu.Unlock()
	b, first = j.forming, j.forming == nil
	if first {
		b = &batch{done: make(chan struct{})}
	}
	var all []entry
	var text []byte
	for i, x := range entries {
		x.Number, x.Arrived = j.next+int64(i), now
		line, err := encodeEntry(x)
		if err != nil {
			return nil, false, err
		}
		x.bytes = int64(len(line))
		all, text = append(all, x), append(text, line...)
	}
	if held := j.bytes + int64(len(b.text)); held > 0 && held+int64(len(text)) > mostWaiting {
		return nil, false, ErrFull
	}
	j.next += int64(len(all))
	b.entries, b.text = append(b.entries, all...), append(b.text, text...)
	j.forming = b
	return b, first, nil
}

// write writes a batch, once those before it are written.
func (j *journal) write(b *batch) {
	defer close(b.done)
	j.writing.Lock()
	defer j.writing.Unlock()
	j.mu.Lock()
	j.forming = nil // who comes from here on is of the next
	j.mu.Unlock()
	b.err = j.put(b.text)
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.ails = b.err; b.err != nil {
		return
	}
	for _, e := range b.entries {
		j.waiting = append(j.waiting, e)
		j.bytes += e.bytes
	}
}

// put appends a text to the file. It needs writing.
func (j *journal) put(text []byte) error {
	if j.file == nil {
		return errors.New("the journal of events is closed")
	}
	if j.torn { // half a line becomes a damaged line of its own
		text = append([]byte("\n"), text...)
	}
	_, err := j.file.Write(text)
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		return j.takeBack(err)
	}
	j.size, j.torn = j.size+int64(len(text)), false
	return nil
}

// takeBack cuts off what could not be written whole: the next event must not stand behind half a line. A disk that
// refuses that too is remembered.
func (j *journal) takeBack(cause error) error {
	err := j.file.Truncate(j.size)
	j.torn = err != nil
	return errors.Join(fmt.Errorf("write events to the journal: %w", cause), err)
}

// heal returns why events can't be written, where it was so and still is. Nobody has to send one for that to end.
func (j *journal) heal() error {
	j.writing.Lock()
	defer j.writing.Unlock()
	j.mu.Lock()
	ailed := j.ails
	j.mu.Unlock()
	if ailed == nil || j.file == nil {
		return nil
	}
	err := j.rewrite()
	j.mu.Lock()
	defer j.mu.Unlock()
	j.ails = err
	return err
}

// due returns the events that wait, the oldest first, so many at most. Whoever gets them must
// not change them.
func (j *journal) due(most int) []entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	n := min(most, len(j.waiting))
	return j.waiting[:n:n]
}

// observed forgets the events up to a number: they are a part of what is stored.
func (j *journal) observed(number int64) error {
	j.mu.Lock()
	n := 0
	for n < len(j.waiting) && j.waiting[n].Number <= number {
		j.bytes -= j.waiting[n].bytes
		n++
	}
	j.waiting = append([]entry(nil), j.waiting[n:]...)
	empty := len(j.waiting) == 0
	j.mu.Unlock()
	j.writing.Lock()
	defer j.writing.Unlock()
	if j.file == nil || n == 0 || j.size < mostJournal && !empty {
		return nil
	}
	return j.rewrite()
}

// rewrite makes the journal anew of what waits. It needs writing, but while nobody else has the journal.
func (j *journal) rewrite() error {
	j.mu.Lock()
	waiting, base := j.waiting, j.next
	j.mu.Unlock()
	if len(waiting) > 0 {
		base = waiting[0].Number
	}
	file, err := os.OpenFile(j.path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("write the journal of events anew: %w", err)
	}
	w, size := bufio.NewWriter(file), int64(0)
	put := func(text []byte) {
		n, _ := w.Write(text) // Flush tells its error
		size += int64(n)
	}
	put(fmt.Appendf(nil, "%s%d\n", journalHead, base))
	for _, e := range waiting {
		line, err := encodeEntry(e)
		if err != nil {
			return errors.Join(err, file.Close())
		}
		put(line)
	}
	err = errors.Join(w.Flush(), file.Sync())
	if err == nil {
		err = os.Rename(j.path+".new", j.path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write the journal of events anew: %w", err), file.Close())
	}
	old := j.file
	j.file, j.size, j.torn = file, size, false
	if old != nil {
		_ = old.Close() // all that is in it is in the new one, or observed
	}
	return syncFolder(filepath.Dir(j.path))
}

func syncFolder(folder string) error {
	d, err := os.Open(folder)
	if err != nil {
		return fmt.Errorf("open the folder of events: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}

func (j *journal) close() error {
	j.writing.Lock()
	defer j.writing.Unlock()
	if j.file == nil {
		return nil
	}
	err := j.file.Close()
	j.file = nil
	return err
}
