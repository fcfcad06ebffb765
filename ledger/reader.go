package ledger

import (
	"cmp"
	"fmt"
	"iter"
	"os"
	"slices"
	"sort"
	"strings"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/transparency-dev/formats/proof"
)

// Reader reads a ledger as it was published at one checkpoint. Its methods may be called at once.
type Reader struct {
	tree       *tree
	checkpoint Checkpoint
	public     string
	people     map[string]Opening
}

// Reader returns a reader of what is published.
func (l *Log) Reader() *Reader {
	l.mu.Lock()
	defer l.mu.Unlock()
	r := l.reader()
	r.people = make(map[string]Opening, len(l.people.byHash))
	for k, o := range l.people.byHash {
		r.people[k] = o
	}
	return r
}

func (l *Log) reader() *Reader {
	return &Reader{tree: newTree(os.DirFS(l.dir), l.published.Size), checkpoint: l.published, public: l.key.Public}
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
	hashes, err := tlog.ProveRecord(r.checkpoint.Size, i, r.tree)
	if err != nil {
		return nil, fmt.Errorf("prove entry %d: %w", i, err)
	}
	p := proof.TLogProof{Index: uint64(i), Checkpoint: r.checkpoint.Text}
	for _, h := range hashes {
		p.Hashes = append(p.Hashes, h)
	}
	return p.Marshal(), nil
}

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

// closed is a close entry with its index.
type closed struct {
	index int64
	*closeEntry
}

// backward goes from the newest close entry to the first.
func (r *Reader) backward() iter.Seq2[closed, error] {
	return func(yield func(closed, error) bool) {
		for at := r.checkpoint.Size - 1; at >= 0; {
			c, err := r.closeAt(at)
			if !yield(closed{at, c}, err) || err != nil || c.Previous == nil {
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

// Last returns the newest period that is closed; false: none is.
func (r *Reader) Last() (Period, bool, error) {
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
	Index int64 // of the newest entry
	Usage
}

// compareStatements orders statements by topic, operation and node.
func compareStatements(a, b Statement) int {
	return cmp.Or(strings.Compare(a.Topic, b.Topic), strings.Compare(a.Operation, b.Operation), strings.Compare(a.Node, b.Node))
}

// take applies an entry to what is said.
func (r *Reader) take(i int64, says map[[3]string]Statement) error {
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
		says[[3]string{s.Topic, s.Operation, s.Node}] = s
	case typeWithdrawal:
		var w Withdrawal
		if err := read(data, &w); err != nil {
			return fmt.Errorf("entry %d: %w", i, err)
		}
		delete(says, [3]string{w.Topic, w.Operation, w.Node})
	}
	return nil
}

// open puts persons in the place of their commitments where they were not erased.
func (r *Reader) open(u *Usage) {
	for i := range u.Clients {
		for _, field := range []**string{&u.Clients[i].Host, &u.Clients[i].Principal} {
			if *field == nil {
				continue
			}
			if o, ok := r.people[**field]; ok {
				*field = &o.Value
			}
		}
	}
}

// directoryOf returns the part of a batch's directory in which a topic is or would be, with its index.
func (r *Reader) directoryOf(c closed, topic string) (int64, *topicsEntry, error) {
	var failed error
	part := func(k int) *topicsEntry {
		t := &topicsEntry{}
		data, err := r.tree.entry(c.Directory[0] + int64(k))
		if err == nil {
			err = readAs(data, typeTopics, t)
		}
		if failed == nil && err != nil {
			failed = fmt.Errorf("entry %d: %w", c.Directory[0]+int64(k), err)
		}
		return t
	}
	// the first part that is not wholly before it
	at := sort.Search(int(c.Directory[1])-1, func(k int) bool {
		t := part(k)
		return t.Next == nil || topic < *t.Next
	})
	t := part(at)
	return c.Directory[0] + int64(at), t, failed
}

// rowOf returns a topic's row in a part of a directory.
func (t *topicsEntry) rowOf(topic string) (topicRow, bool) {
	i, ok := slices.BinarySearchFunc(t.Topics, topic, func(r topicRow, id string) int { return strings.Compare(r.id, id) })
	if !ok {
		return topicRow{}, false
	}
	return t.Topics[i], true
}
