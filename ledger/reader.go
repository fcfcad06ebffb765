package ledger

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"os"
	"slices"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// Reader reads a ledger as it was published at one checkpoint. Its methods may be called at once.
type Reader struct {
	tree       *tree
	checkpoint Checkpoint
	key        *Key
	people     map[string]Opening
	minimum    int64 // index of the first entry that is held
}

// Reader returns a reader of what is published.
func (l *Log) Reader() *Reader {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.reader()
	r.people = maps.Clone(l.people.byHash)
	return r
}

// OpenReader reads what is published in a ledger's folder, to prove entries of it. It checks the checkpoint's
// signature by the verifier key that is there and no more: Verify checks the rest.
func OpenReader(fsys fs.FS) (*Reader, error) {
	public, err := fs.ReadFile(fsys, publicFile)
	if err != nil {
		return nil, fmt.Errorf("read whose ledger it is: %w", err)
	}
	text, err := fs.ReadFile(fsys, checkpointFile)
	if err != nil {
		return nil, fmt.Errorf("read the checkpoint: %w", err)
	}
	key := strings.TrimSuffix(string(public), "\n")
	c, err := OpenCheckpoint(text, key)
	if err != nil {
		return nil, err
	}
	minimum, err := readMinimum(fsys)
	if err != nil {
		return nil, err
	}
	return &Reader{tree: newTree(fsys, c.Size), checkpoint: c, minimum: minimum}, nil
}

// eachEntry hands on the entries of a folder, in their order: what is published, and what is acknowledged and is not in
// tiles yet. They are not checked.
func eachEntry(fsys fs.FS, each func(i int64, entry []byte)) error {
	size := int64(0)
	public, err := fs.ReadFile(fsys, publicFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read whose ledger it is: %w", err)
	}
	r, err := OpenReader(fsys)
	if err != nil && !errors.Is(err, fs.ErrNotExist) { // of a new one no period is closed
		return err
	}
	if err == nil {
		size = r.checkpoint.Size
	}
	for n := int64(0); n*tileWidth < size; n++ {
		if (n+1)*tileWidth <= r.minimum {
			continue
		}
		all, err := r.tree.bundle(n)
		if err != nil {
			return err
		}
		for i, entry := range all {
			each(n*tileWidth+int64(i), entry)
		}
	}
	data, err := fs.ReadFile(fsys, journalFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the journal: %w", err)
	}
	all, _ := readJournal(data)
	for _, b := range all {
		c, err := OpenCheckpoint(b.checkpoint.Text, strings.TrimSuffix(string(public), "\n"))
		if err == nil && c.Size <= size {
			continue // it is published, and a process was killed before it emptied the journal
		}
		for _, entry := range b.entries {
			each(size, entry)
			size++
		}
	}
	return nil
}

func (l *Log) reader() *Reader {
	t := newTree(os.DirFS(l.dir), l.published.Size)
	t.dir, t.knots = l.dir, l.knots
	return &Reader{tree: t, checkpoint: l.published, key: l.key, minimum: l.minimum}
}

// Checkpoint returns the checkpoint that is read.
func (r *Reader) Checkpoint() Checkpoint { return r.checkpoint }

// Entry returns an entry in its canonical form. It is shared and must not be changed.
func (r *Reader) Entry(i int64) ([]byte, error) { return r.tree.entry(i) }

// Prove returns the proof that an entry is in the ledger, as a tlog-proof@v1.
func (r *Reader) Prove(i int64) ([]byte, error) {
	if i < 0 || i >= r.checkpoint.Size {
		return nil, fmt.Errorf("there is no entry %d: the ledger has %d", i, r.checkpoint.Size)
	}
	if i < r.minimum {
		return nil, &PrunedError{Minimum: r.minimum}
	}
	hashes, err := r.tree.prove(i)
	if err != nil {
		return nil, fmt.Errorf("prove entry %d: %w", i, err)
	}
	return marshalProof(i, hashes, r.checkpoint.Text), nil
}

// marshalProof writes a tlog-proof@v1 as proof.TLogProof does, which takes a fifth of a proof's time.
func marshalProof(i int64, hashes []tlog.Hash, checkpoint []byte) []byte {
	out := make([]byte, 0, len(proofHead)+20+len(hashes)*(base64.StdEncoding.EncodedLen(tlog.HashSize)+1)+1+len(checkpoint))
	out = append(out, proofHead...)
	out = append(strconv.AppendInt(out, i, 10), '\n')
	for k := range hashes {
		out = append(base64.StdEncoding.AppendEncode(out, hashes[k][:]), '\n')
	}
	return append(append(out, '\n'), checkpoint...)
}

const proofHead = "c2sp.org/tlog-proof@v1\nindex "

func (r *Reader) closeAt(i int64) (*closeEntry, error) {
	data, err := r.tree.entry(i)
	if err != nil {
		return nil, err
	}
	c := &closeEntry{}
	if err := readAs(data, typeClose, c); err != nil {
		return nil, fmt.Errorf("entry %d: %w", i, err)
	}
	return c, nil
}

// backward goes from the newest close entry to the first that is held whole.
func (r *Reader) backward() iter.Seq2[closed, error] {
	return func(yield func(closed, error) bool) {
		for at := r.checkpoint.Size - 1; at >= 0; {
			c, err := r.closeAt(at)
			if !yield(closed{at, c}, err) || err != nil || c.Previous == nil || c.First <= r.minimum {
				return
			}
			if *c.Previous >= at {
				yield(closed{}, fmt.Errorf("%w: entry %d names %d as the one before", ErrDamaged, at, *c.Previous))
				return
			}
			at = *c.Previous
		}
	}
}

// last returns the newest period that is closed; false: none is.
func (r *Reader) last() (Period, bool, error) {
	for c, err := range r.backward() {
		if err != nil {
			return Period{}, false, err
		}
		if c.Kind == kindPeriod {
			return c.Period, true, nil
		}
	}
	return Period{}, false, nil
}

// Statement is what the ledger says of one node, one topic and one operation in a period, after all amendments.
type Statement struct {
	Index int64 `json:"entry"` // of the newest entry
	Usage
}

// statementKey is what a statement is of, within its period.
type statementKey struct{ topic, operation, node string }

func (k statementKey) compare(o statementKey) int {
	if k.topic != o.topic { // of lists that are ordered already few are equal so far
		return strings.Compare(k.topic, o.topic)
	}
	return cmp.Or(strings.Compare(k.operation, o.operation), strings.Compare(k.node, o.node))
}

func (u *Usage) key() statementKey { return statementKey{u.Topic, u.Operation, u.Node} }

// follows reports whether it amends what stands of the same, or nothing where nothing does.
func (u *Usage) follows(says map[statementKey]Statement) bool {
	is, ok := says[u.key()]
	return ok == (u.Amends != nil) && (!ok || *u.Amends == is.Index)
}

func (w *Withdrawal) key() statementKey { return statementKey{w.Topic, w.Operation, w.Node} }

// follows reports whether it withdraws what stands of the same.
func (w *Withdrawal) follows(says map[statementKey]Statement) bool {
	is, ok := says[w.key()]
	return ok && is.Index == w.Amends
}

// compareStatements orders statements by topic, operation and node.
func compareStatements(a, b Statement) int { return a.key().compare(b.key()) }

// take applies an entry to what is said.
func (r *Reader) take(i int64, says map[statementKey]Statement) error {
	data, err := r.tree.entry(i)
	if err != nil {
		return err
	}
	is, err := typeOf(data)
	if err != nil {
		return err
	}
	switch is {
	case typeUsage:
		s := Statement{Index: i}
		if err := read(data, &s.Usage); err != nil {
			return fmt.Errorf("entry %d: %w", i, err)
		}
		r.open(&s.Usage)
		says[s.key()] = s
	case typeWithdrawal:
		var w Withdrawal
		if err := read(data, &w); err != nil {
			return fmt.Errorf("entry %d: %w", i, err)
		}
		delete(says, w.key())
	}
	return nil
}

// open puts persons in the place of their commitments where they were not erased.
func (r *Reader) open(u *Usage) {
	for i := range u.Clients {
		for _, field := range []**string{&u.Clients[i].Host, &u.Clients[i].Principal} {
			*field = r.opened(*field)
		}
	}
}

// directoryOf returns the part of a batch's directory in which a topic is or would be, with its index.
func (r *Reader) directoryOf(c closed, topic string) (int64, *topicsEntry, error) {
	var failed error
	// the first part that is not wholly before it
	at := c.Directory[0] + int64(sort.Search(int(c.Directory[1])-1, func(k int) bool {
		data, err := r.tree.entry(c.Directory[0] + int64(k))
		failed = errors.Join(failed, err)
		next, ok := fieldOf(data, `{"next":"`)
		return !ok || topic < next
	}))
	t := &topicsEntry{}
	data, err := r.tree.entry(at)
	if err == nil {
		err = readAs(data, typeTopics, t)
	}
	if err := errors.Join(failed, err); err != nil {
		return 0, nil, fmt.Errorf("entry %d: %w", at, err)
	}
	return at, t, nil
}

// rowOf returns a topic's row in a part of a directory.
func (t *topicsEntry) rowOf(topic string) (topicRow, bool) {
	i, ok := slices.BinarySearchFunc(t.Topics, topic, func(r topicRow, id string) int { return strings.Compare(r.id, id) })
	if !ok {
		return topicRow{}, false
	}
	return t.Topics[i], true
}

// sound checks a part of the directory of a batch, by itself: where it is, and that its rows are in their order, one
// right after the other.
func (t *topicsEntry) sound(c closed, at int64) bool {
	if t.Part < 0 || at != c.Directory[0]+int64(t.Part) || int64(t.Parts) != c.Directory[1] || t.Period != c.Period || (t.Next == nil) != (t.Part == t.Parts-1) {
		return false
	}
	for k, r := range t.Topics {
		if r.first < c.First || r.count < 1 || r.count > c.Directory[0]-r.first {
			return false
		}
		if k > 0 && (t.Topics[k-1].id >= r.id || t.Topics[k-1].first+t.Topics[k-1].count != r.first) {
			return false
		}
	}
	n := len(t.Topics)
	return t.Next == nil || n > 0 && t.Topics[n-1].id < *t.Next
}
