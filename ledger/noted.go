package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// notedFile has changes of what names and owners are given by that came after the newest batch, so that one that is
// taken back before the next is in the ledger all the same (ADR 77).
const notedFile = "noted"

// mostNoted bounds the changes between two batches: a configuration that a program writes anew every two seconds makes
// some thousands an hour. Beyond it the next batch has what they come to.
const mostNoted = 500

// noted are changes that wait for the next batch.
type noted struct {
	changes []Change
	now     map[string]string // digests after them; nil: none is known
	// partly says that what is not in now is not known: before the first batch nothing tells it after a restart.
	partly bool
}

// until returns what changed after them, up to some digests.
func (n *noted) until(digests map[string]string, at Instant) []Change {
	if n.partly {
		digests = maps.Clone(digests)
		maps.DeleteFunc(digests, func(what, _ string) bool { _, known := n.now[what]; return !known })
	}
	return changesOf(n.now, digests, at)
}

// notedLine is a line of the file.
type notedLine struct {
	Change Change `json:"change"`
	Size   int64  `json:"size"` // entries of the ledger when it was noted
}

// Note writes down that names and owners are given by something else from an instant on, as Batch.Sources. It is on
// disk when it returns, and the next batch has it. What is as it was, and what nobody knows how it was, is not noted.
func (l *Log) Note(at time.Time, sources map[string]string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.noted.now == nil {
		before, err := l.sources()
		if err != nil {
			return fmt.Errorf("read by what names were given: %w", err)
		}
		l.noted.now = before
	}
	changes := l.noted.until(sources, At(at))
	if len(l.noted.changes)+len(changes) > mostNoted {
		return nil
	}
	if len(changes) == 0 {
		l.noted.know(sources)
		return nil
	}
	if err := l.keepNoted(changes); err != nil {
		return fmt.Errorf("note a change of the configuration: %w", err)
	}
	l.noted.follow(changes)
	l.noted.changes = append(l.noted.changes, changes...)
	l.noted.know(sources)
	return nil
}

// know takes in what names are given by where that was not known as a whole, which is no change of it.
func (n *noted) know(sources map[string]string) {
	if n.partly || len(n.now) == 0 {
		n.now, n.partly = maps.Clone(sources), false
	}
}

// follow takes in what changes came to.
func (n *noted) follow(changes []Change) {
	for _, c := range changes {
		if c.After == nil {
			delete(n.now, c.What)
		} else {
			n.now[c.What] = *c.After
		}
	}
}

// keepNoted appends changes to the file.
func (l *Log) keepNoted(changes []Change) (err error) {
	var text []byte
	for _, c := range changes {
		body, err := json.Marshal(notedLine{c, l.newest.Size})
		if err != nil {
			return err
		}
		text = fmt.Appendf(text, "%08x %s\n", crc32.Checksum(body, castagnoli), body)
	}
	f, err := os.OpenFile(filepath.Join(l.dir, notedFile), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	before, err := f.Seek(0, 2)
	if err != nil {
		return err
	}
	if _, err = f.Write(text); err == nil {
		err = f.Sync()
	}
	if err == nil && before == 0 {
		err = syncDir(l.dir)
	}
	if err != nil {
		err = errors.Join(err, f.Truncate(before))
	}
	return err
}

// readNoted takes in the changes that were noted after the newest batch. Those that are in it, or of another state of
// the ledger, were noted at another size. What comes after a line that can't be read is not known: the next batch has
// what it came to.
func (l *Log) readNoted() error {
	text, err := os.ReadFile(filepath.Join(l.dir, notedFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the changes of the configuration that were noted: %w", err)
	}
	var changes []Change
	whole := 0
	for line := range bytes.Lines(text) {
		n, ok := parseNoted(line)
		if !ok {
			break
		}
		whole += len(line)
		if n.Size == l.newest.Size {
			changes = append(changes, n.Change)
		}
	}
	if whole < len(text) { // what is noted from here on must not stand behind it
		if err := os.Truncate(filepath.Join(l.dir, notedFile), int64(whole)); err != nil {
			return fmt.Errorf("cut what can't be read from the changes of the configuration that were noted: %w", err)
		}
	}
	if len(changes) == 0 {
		return nil
	}
	before, err := l.sources()
	if err != nil {
		return err
	}
	l.noted = noted{changes: changes, now: before, partly: l.last == nil}
	l.noted.follow(changes)
	return nil
}

func parseNoted(line []byte) (n notedLine, ok bool) {
	line, ended := bytes.CutSuffix(line, []byte("\n"))
	sum, body, ok := bytes.Cut(line, []byte(" "))
	want, err := strconv.ParseUint(string(sum), 16, 32)
	if !ok || !ended || err != nil || uint32(want) != crc32.Checksum(body, castagnoli) || json.Unmarshal(body, &n) != nil {
		return n, false
	}
	return n, n.Change.Type == typeChange && n.Change.V == version
}

// wroteNoted says that a batch has what was noted. A file that stays has it of a size that was.
func (l *Log) wroteNoted() {
	if len(l.noted.changes) > 0 {
		_ = os.Remove(filepath.Join(l.dir, notedFile))
	}
	l.noted = noted{}
}
