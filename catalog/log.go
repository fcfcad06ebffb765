package catalog

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

const (
	// FileName is the log's in its folder.
	FileName = "edits"
	// head is its first line: the number is the version.
	head = "lineaged catalog 1\n"
)

// Log is the edits of a folder. Its methods may be called concurrently. One process at a time has it open: who opens
// the data folder sees to that.
type Log struct {
	path   string
	behind time.Duration
	edits  atomic.Pointer[lineage.Edits]
	broken atomic.Pointer[error] // it can't be written to any more

	mu      sync.Mutex // guards the fields below
	file    *os.File   // nil: nothing was ever said, or it is closed
	size    int64
	last    lineage.Edit
	digests [][sha256.Size]byte // after each edit
	damaged []string
}

// Open opens the log in a folder; where there is none, the first edit makes it. behind is by how much the newest window
// of an answer may end before now: an edit is of the windows from there on.
//
// A last line that was cut short was not acknowledged, and is cut off. Other lines that are not what was written are
// left where they are, and the edits in them are not known: see Damaged.
func Open(dir string, behind time.Duration) (*Log, error) {
	l := &Log{path: filepath.Join(dir, FileName), behind: behind}
	l.edits.Store(new(lineage.Edits).With())
	text, err := os.ReadFile(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the catalog's edits: %w", err)
	}
	whole, err := l.replay(text)
	if err != nil {
		return nil, err
	}
	if err := l.openFile(); err != nil {
		return nil, err
	}
	if whole < int64(len(text)) {
		if err := errors.Join(l.file.Truncate(whole), l.file.Sync()); err != nil {
			return nil, errors.Join(fmt.Errorf("cut what was not written whole off the catalog's edits: %w", err), l.file.Close())
		}
	}
	l.size = whole
	return l, nil
}

func (l *Log) openFile() (err error) {
	if l.file, err = os.OpenFile(l.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600); err != nil {
		return fmt.Errorf("open the catalog's edits: %w", err)
	}
	return nil
}

// replay takes in what is in the log, and returns how long that is without a last line that was cut short.
func (l *Log) replay(text []byte) (int64, error) {
	if len(text) < len(head) && bytes.HasPrefix([]byte(head), text) {
		return 0, nil // a kill came before its first line was whole
	}
	if !bytes.HasPrefix(text, []byte(head)) {
		first, _, _ := bytes.Cut(text[:min(len(text), 100)], []byte("\n"))
		return 0, fmt.Errorf("%s begins with %q: it is of another version of lineaged, or none of its files", l.path, first)
	}
	at, number := int64(len(head)), 1
	var all []*lineage.Edit
	for line := range bytes.Lines(text[len(head):]) {
		number++
		body, whole := bytes.CutSuffix(line, []byte("\n"))
		if !whole {
			break
		}
		at += int64(len(line))
		edits, err := decode(body)
		if err == nil && len(edits) > 0 && edits[0].Number <= l.last.Number {
			err = fmt.Errorf("edit %d stands after edit %d", edits[0].Number, l.last.Number)
		}
		if err != nil {
			l.damaged = append(l.damaged, fmt.Sprintf("line %d: %s", number, err))
			continue
		}
		for _, e := range edits {
			l.note(e)
		}
		all = append(all, edits...)
	}
	l.edits.Store(l.Edits().With(all...))
	return at, nil
}

// note takes in that an edit is the last.
func (l *Log) note(e *lineage.Edit) {
	var before [sha256.Size]byte
	if n := len(l.digests); n > 0 {
		before = l.digests[n-1]
	}
	// Of the words nothing is in it: a person can be erased, and it stays.
	l.digests = append(l.digests, sha256.Sum256(fmt.Appendf(nil, "%x %d %s %s", before, e.Number, spell(e.At), e.Node.ID())))
	l.last = *e
}

// Edits returns all that was edited until now.
func (l *Log) Edits() *lineage.Edits { return l.edits.Load() }

// Damaged says which lines of the log are not what was written; nil: none.
func (l *Log) Damaged() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]string(nil), l.damaged...)
}

// Trouble says why nothing more can be said; nil: it can.
func (l *Log) Trouble() error {
	if err := l.broken.Load(); err != nil {
		return *err
	}
	return nil
}

// Put says something of some nodes, all of it or nothing: it is on disk when Put returns without an error. What changes
// nothing is left out, and with it the edit that consists of nothing else. by is who says it; empty: that is not known.
// now is the clock of the rounds.
//
// The error is a *TextError, or a *ConflictError, in a *DraftError that says of which draft, or the log can't be
// written.
func (l *Log) Put(drafts []Draft, by string, now time.Time) ([]*lineage.Edit, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	edits, err := l.make(drafts, by, now)
	if err != nil || len(edits) == 0 {
		return nil, err
	}
	if err := l.append(edits); err != nil {
		return nil, err
	}
	for _, e := range edits {
		l.note(e)
	}
	l.edits.Store(l.Edits().With(edits...))
	return edits, nil
}

// DraftError says which of several drafts is wrong, by its place among them.
type DraftError struct {
	At  int
	Err error
}

func (e *DraftError) Error() string { return e.Err.Error() }

// Unwrap returns what is wrong with the draft.
func (e *DraftError) Unwrap() error { return e.Err }

// Try says what Put would do, and does not do it.
func (l *Log) Try(drafts []Draft) ([]*lineage.Edit, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.make(drafts, "", time.Time{})
}

func (l *Log) make(drafts []Draft, by string, now time.Time) (edits []*lineage.Edit, err error) {
	// Edits are in the order of their time, whatever the clock does.
	at := now.UTC().Truncate(time.Millisecond)
	if at.Before(l.last.At) {
		at = l.last.At
	}
	from := at.Add(-l.behind)
	if from.Before(l.last.From) {
		from = l.last.From
	}
	seen := map[lineage.Node]bool{}
	for i := range drafts {
		e, err := drafts[i].edit(l.Edits().Now(drafts[i].Node))
		if err == nil && seen[drafts[i].Node] {
			err = fmt.Errorf("%s is there twice", drafts[i].Node.Plain())
		}
		if err != nil {
			return nil, &DraftError{i, err}
		}
		seen[drafts[i].Node] = true
		if e == nil {
			continue
		}
		e.Number, e.At, e.From, e.By = l.last.Number+int64(len(edits))+1, at, from, by
		edits = append(edits, e)
	}
	return edits, nil
}

// append writes a line, and returns when it is on disk.
func (l *Log) append(edits []*lineage.Edit) error {
	if err := l.Trouble(); err != nil {
		return err
	}
	line, err := encode(edits)
	if err != nil {
		return err
	}
	if l.file == nil {
		if err := l.begin(); err != nil {
			return fmt.Errorf("write the catalog's edits: %w", err)
		}
	}
	if l.size == 0 {
		line = append([]byte(head), line...)
	}
	_, err = l.file.Write(line)
	if err == nil {
		err = l.file.Sync()
	}
	if err != nil {
		err = fmt.Errorf("write the catalog's edits: %w", err)
		// What of it is there must not be taken for said, and after a failed sync nobody knows what is.
		if undo := errors.Join(l.file.Truncate(l.size), l.file.Sync()); undo != nil {
			broken := errors.Join(err, undo)
			l.broken.Store(&broken)
		}
		return err
	}
	l.size += int64(len(line))
	return nil
}

// begin makes the folder and the file.
func (l *Log) begin() error {
	dir := filepath.Dir(l.path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := l.openFile(); err != nil {
		return err
	}
	return errors.Join(syncDir(dir), syncDir(filepath.Dir(dir)))
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Close closes the log. It may be called more than once.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	err := l.file.Close()
	closed := errors.New("the catalog is closed")
	l.broken.Store(&closed)
	l.file = nil
	return err
}

// Since returns the edits that came after those which a digest stands for, all of them for an empty one, and the digest
// of all: a SHA-256 in hexadecimal, of which no word of an edit is a part, so that a person can be erased. false: the
// digest stands for none of them.
func (l *Log) Since(digest string) (edits []*lineage.Edit, now string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := l.Edits().All()
	if n := len(l.digests); n > 0 {
		now = hex.EncodeToString(l.digests[n-1][:])
	}
	if digest == "" {
		return all, now, true
	}
	for i, is := range slices.Backward(l.digests) {
		if hex.EncodeToString(is[:]) == digest {
			return all[i+1:], now, true
		}
	}
	return nil, now, false
}

// written is how an edit stands in a line. docs/format/catalog.md says what each field is.
type written struct {
	Number  int64           `json:"number"`
	At      string          `json:"at"`
	From    string          `json:"from"`
	Node    string          `json:"node"`
	By      string          `json:"by,omitempty"`
	Changes []writtenChange `json:"changes"`
}

type writtenChange struct {
	Field  lineage.Field `json:"field"`
	Key    string        `json:"key,omitempty"`
	Texts  []string      `json:"texts"`
	Before []string      `json:"before"`
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func spell(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// encode returns the line of some edits that were made at once.
func encode(edits []*lineage.Edit) ([]byte, error) {
	all := make([]written, 0, len(edits))
	for _, e := range edits {
		w := written{Number: e.Number, At: spell(e.At), From: spell(e.From), Node: e.Node.ID(), By: e.By}
		for i, c := range e.Changes {
			w.Changes = append(w.Changes, writtenChange{c.Slot.Field, c.Slot.Key, c.Texts, e.Before[i]})
		}
		all = append(all, w)
	}
	body, err := json.Marshal(all)
	if err != nil {
		return nil, fmt.Errorf("write an edit: %w", err)
	}
	return fmt.Appendf(nil, "%08x %s\n", crc32.Checksum(body, castagnoli), body), nil
}

// decode is the inverse of encode, of a line without its end.
func decode(line []byte) ([]*lineage.Edit, error) {
	sum, body, ok := bytes.Cut(line, []byte(" "))
	if want, err := strconv.ParseUint(string(sum), 16, 32); !ok || err != nil || len(sum) != 8 || uint32(want) != crc32.Checksum(body, castagnoli) {
		return nil, errors.New("its checksum does not match")
	}
	var all []written
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&all); err != nil {
		return nil, fmt.Errorf("it can't be read: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more than one list in it")
	}
	edits := make([]*lineage.Edit, 0, len(all))
	for i, w := range all {
		e := &lineage.Edit{Number: w.Number, By: w.By}
		var atErr, fromErr, nodeErr error
		e.At, atErr = time.Parse(time.RFC3339, w.At)
		e.From, fromErr = time.Parse(time.RFC3339, w.From)
		e.Node, nodeErr = lineage.ParseNodeID(w.Node)
		if err := cmp.Or(atErr, fromErr, nodeErr); err != nil {
			return nil, err
		}
		if w.Number < 1 || i > 0 && w.Number <= all[i-1].Number {
			return nil, fmt.Errorf("its number is %d", w.Number)
		}
		for _, c := range w.Changes {
			change := lineage.Change{Slot: lineage.Slot{Field: c.Field, Key: c.Key}, Texts: c.Texts}
			if err := form(change); err != nil {
				return nil, err
			}
			e.Changes, e.Before = append(e.Changes, change), append(e.Before, c.Before)
		}
		edits = append(edits, e)
	}
	return edits, nil
}
