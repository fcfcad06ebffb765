package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// follower goes through a ledger's entries in their order, and checks that they are batches: that each goes on where
// the one before ends, and that its directory and its close entry name what is there. Of entries about topics it reads
// no more than of which topic they are.
type follower struct {
	chain    chain
	first    int64 // of the batch
	coverage []placed
	rows     []topicRow // what the entries are of, in their order
	used     bool       // what is said of the last of them began with how it was used
	parts    []*topicsEntry
	stating  stating
	breaking breaking
	before   *closeEntry // of the batch before; nil: there is none, or it is not held
}

func (f *follower) take(i int64, entry []byte) error {
	is, ok := fieldOf(entry, `,"type":"`)
	if !ok {
		return errors.New("it has no type")
	}
	if is != typeTopics && is != typeClose && len(f.parts) > 0 {
		return errors.New("its batch's directory is before it")
	}
	switch is {
	case typeUsage, typeWithdrawal:
		err := f.takeTopic(i, entry)
		f.used = true
		return err
	case typeCoverage:
		var c Coverage
		err := readAs(entry, typeCoverage, &c)
		if err == nil && i != f.first+int64(len(f.coverage)) {
			err = errors.New("the coverage is not at the beginning of its batch")
		}
		f.coverage = append(f.coverage, placed{c.Cluster, i})
		return err
	case typeChange:
		return readAs(entry, typeChange, &Change{})
	case typeMetadata:
		return readAs(entry, typeMetadata, &Metadata{})
	case typeBreaker:
		if len(f.rows) > 0 {
			return errors.New("a rule that stops tags is not before what is said of topics")
		}
		return f.breaking.take(entry)
	case typeAdministration:
		return f.takeAdministration(i, entry)
	case typeStatement:
		if len(f.rows) > 0 {
			return errors.New("the statement is not before what is said of topics")
		}
		return f.stating.take(i, entry)
	case typeTopics:
		t := &topicsEntry{}
		err := readAs(entry, typeTopics, t)
		f.parts = append(f.parts, t)
		return err
	case typeClose:
		c := closed{i, &closeEntry{}}
		if err := readAs(entry, typeClose, c.closeEntry); err != nil {
			return err
		}
		err := f.close(c)
		f.first, f.coverage, f.rows, f.used, f.parts = i+1, nil, nil, false, nil
		f.breaking, f.before = breaking{}, c.closeEntry
		return err
	default:
		return fmt.Errorf("type %q is none of an entry", is)
	}
}

func (f *follower) takeTopic(i int64, entry []byte) error {
	topic, ok := fieldOf(entry, `,"topic":"`)
	if !ok {
		return errors.New("it has no topic")
	}
	n := len(f.rows)
	if n > 0 && f.rows[n-1].id > topic {
		return errors.New("the topics of its batch are not in their order")
	}
	if n == 0 || f.rows[n-1].id != topic {
		f.rows, f.used = append(f.rows, topicRow{topic, i, 0}), false
		n++
	}
	f.rows[n-1].count++
	return nil
}

// takeAdministration takes what is of a topic among what is said of it, and what is of none before all of that.
func (f *follower) takeAdministration(i int64, entry []byte) error {
	var a Administration
	if err := readAs(entry, typeAdministration, &a); err != nil {
		return err
	}
	if a.Topic == "" {
		if len(f.rows) > 0 {
			return errors.New("who administered what is not before what is said of topics")
		}
		return nil
	}
	if err := f.takeTopic(i, entry); err != nil {
		return err
	}
	if f.used {
		return errors.New("who administered a topic is not before how it was used")
	}
	return nil
}

// close checks a batch against its close entry.
func (f *follower) close(c closed) error {
	if err := f.chain.add(c); err != nil {
		return err
	}
	if c.First != f.first || int64(len(f.parts)) != c.Directory[1] || len(f.coverage) != len(c.Coverage) {
		return errors.New("it does not say how its batch begins, or what it consists of")
	}
	for k, p := range c.Coverage {
		if f.coverage[k] != p {
			return fmt.Errorf("entry %d is not the coverage of %q", p.index, p.cluster)
		}
	}
	if err := errors.Join(f.stating.close(c), f.breaking.close(c, f.before)); err != nil {
		return err
	}
	var named []topicRow
	for k, t := range f.parts {
		if !t.sound(c, c.Directory[0]+int64(k)) {
			return fmt.Errorf("part %d of its directory is out of order", k)
		}
		if k > 0 && (f.parts[k-1].Next == nil || len(t.Topics) == 0 || *f.parts[k-1].Next != t.Topics[0].id) {
			return fmt.Errorf("part %d of its directory is not the one after that before", k)
		}
		named = append(named, t.Topics...)
	}
	for k, r := range f.rows {
		if k >= len(named) || named[k] != r {
			return fmt.Errorf("its directory does not name the %d entries of %q as they are", r.count, r.id)
		}
	}
	if len(named) > len(f.rows) {
		return fmt.Errorf("its directory names %q, of which there is no entry", named[len(f.rows)].id)
	}
	return nil
}

// fieldOf returns a text of an entry in canonical form by its key, which no object within an entry has. It is what
// reading the whole entry would give, in a hundredth of the time.
func fieldOf(entry []byte, key string) (string, bool) {
	at := bytes.Index(entry, []byte(key))
	if at < 0 {
		return "", false
	}
	text := entry[at+len(key)-1:]
	for i := 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '"':
			var s string
			if bytes.IndexByte(text[:i], '\\') < 0 {
				return string(text[1:i]), true
			}
			err := json.Unmarshal(text[:i+1], &s)
			return s, err == nil
		}
	}
	return "", false
}
