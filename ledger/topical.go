package ledger

import (
	"fmt"
	"slices"
)

// topical is what a batch says of topics, in the order in which it stands.
type topical struct {
	uses   []Usage
	others []other
	order  []int // of uses, and after them of others
}

// other is an entry of a topic that is no use.
type other struct {
	statementKey
	entry []byte
}

// ofTopics returns what a batch says of topics.
func (l *Log) ofTopics(b *Batch) (*topical, error) {
	t := &topical{uses: b.Usage}
	for i := range b.Usage {
		if is := b.Usage[i].Operation; is != Read && is != Write {
			return nil, fmt.Errorf("the operation %q is neither %s nor %s", is, Read, Write)
		}
	}
	for _, w := range b.Withdrawals {
		w.Type, w.V, w.Period = typeWithdrawal, version, b.Period
		entry, err := canonical(w)
		if err != nil {
			return nil, err
		}
		t.others = append(t.others, other{w.key(), entry})
	}
	administered, err := l.administrationsOfTopics(b)
	if err != nil {
		return nil, err
	}
	t.others = append(t.others, administered...)
	return t, t.sort()
}

// sort puts all in order. Who administered a topic has no node, and is in order already.
func (t *topical) sort() error {
	t.order = make([]int, len(t.uses)+len(t.others))
	for k := range t.order {
		t.order[k] = k
	}
	sorted, err := t.sorted()
	if !sorted { // mostly it is
		slices.SortStableFunc(t.order, func(x, y int) int { return t.key(x).compare(t.key(y)) })
		_, err = t.sorted()
	}
	return err
}

// sorted reports whether all is in order. If it is, an error says that two say the same.
func (t *topical) sorted() (sorted bool, err error) {
	for i := 1; i < len(t.order); i++ {
		x := t.key(t.order[i])
		switch is := t.key(t.order[i-1]).compare(x); {
		case is > 0:
			return false, nil
		case is == 0 && x.node != "":
			err = fmt.Errorf("two entries say what %s did to %s", x.node, x.topic)
		}
	}
	return true, err
}

// key is what the k-th is ordered by.
func (t *topical) key(k int) statementKey {
	if k < len(t.uses) {
		return t.uses[k].key()
	}
	return t.others[k-len(t.uses)].statementKey
}

// rows returns the rows of the directory, where the first entry has an index.
func (t *topical) rows(first int64) []topicRow {
	rows := make([]topicRow, 0, len(t.order))
	for i, k := range t.order {
		topic := t.key(k).topic
		if len(rows) == 0 || rows[len(rows)-1].id != topic {
			rows = append(rows, topicRow{topic, first + int64(i), 0})
		}
		rows[len(rows)-1].count++
	}
	return rows
}

// writer returns a function that writes its i-th entry, in order. It is for one goroutine.
func (t *topical) writer(p *people, period Period) func(b []byte, i int) ([]byte, error) {
	form, err := appendPeriod(nil, period)
	if err != nil {
		form = nil // each entry says so
	}
	w := &usesWriter{people: p, period: period, form: form}
	return func(b []byte, i int) ([]byte, error) {
		k := t.order[i]
		if k >= len(t.uses) {
			return append(b, t.others[k-len(t.uses)].entry...), nil
		}
		return w.append(b, &t.uses[k])
	}
}
