package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
)

// typeBreaker is the type of a Breaker.
const typeBreaker = "breaker"

// sourceOfBreakers is what a close entry calls the rules that stop tags, among its sources. There is none before the
// first batch that had such a rule.
const sourceOfBreakers = "breakers"

// Breaker is a rule by which tags do not go on from nodes, as an entry has it: it stands in each batch whose rules of
// that kind are others than in the batch before, with all of them. What edits say of one node is a Metadata.
type Breaker struct {
	At Instant `json:"at"` // when it was found: who changed a configuration, and when, is not known
	BreakerRule
}

// BreakerRule is a rule by which tags do not go on. docs/format/ledger.md says what each field is. In an entry the
// pattern of a principal is a commitment.
type BreakerRule struct {
	Match []BreakerMatch `json:"match"`
	Of    int            `json:"of"`
	Place string         `json:"place"`
	Rule  int            `json:"rule"`
	Stops []string       `json:"stops"`
	Type  string         `json:"type"`
	V     int            `json:"v"`
}

// BreakerMatch is a pattern on a field of what a rule is of: [field, pattern].
type BreakerMatch struct{ Field, Pattern string }

// MarshalJSON writes it as a list.
func (m BreakerMatch) MarshalJSON() ([]byte, error) { return source{m.Field, m.Pattern}.MarshalJSON() }

// UnmarshalJSON reads what MarshalJSON writes.
func (m *BreakerMatch) UnmarshalJSON(data []byte) error { return unlist(data, &m.Field, &m.Pattern) }

// FieldPrincipal is the field of a BreakerMatch whose pattern may name a person.
const FieldPrincipal = "principal"

// breakersOf returns rules as entries have them, and what stands for all of them; empty where there are none and were
// none before.
func (l *Log) breakersOf(rules []BreakerRule, before string) (out []BreakerRule, mark string, err error) {
	if len(rules) == 0 && before == "" {
		return nil, "", nil
	}
	b := breaking{}
	for i, r := range rules {
		r.Of, r.Type, r.V = len(rules), typeBreaker, version
		r.Place, r.Stops = clip(r.Place, mostText), append([]string{}, clippedAll(r.Stops[:min(len(r.Stops), mostListed)])...)
		r.Match = append([]BreakerMatch{}, r.Match[:min(len(r.Match), mostListed)]...)
		for k := range r.Match {
			m := &r.Match[k]
			m.Field, m.Pattern = clip(m.Field, mostText), clip(m.Pattern, mostText)
			if m.Field == FieldPrincipal {
				commitment, err := l.people.of(&m.Pattern)
				if err != nil {
					return nil, "", err
				}
				m.Pattern = *commitment
			}
		}
		if err := b.add(&r); err != nil {
			return nil, "", fmt.Errorf("rule %d that stops tags: %w", i, err)
		}
		out = append(out, r)
	}
	return out, b.mark(), nil
}

// addBreakers adds the rules that stop tags where they are others than before.
func (a *assembly) addBreakers(rules []BreakerRule, before, now string, at Instant) {
	if before == now {
		return
	}
	for _, r := range rules {
		a.add(Breaker{at, r})
	}
}

// breaking are the rules of a batch that stop tags, one after the other.
type breaking struct {
	lines []byte
	of, n int
}

func (b *breaking) add(r *BreakerRule) error {
	if r.Of != b.of && b.n > 0 || b.n >= r.Of {
		return errors.New("its batch has another number of rules that stop tags than it says")
	}
	line, err := canonical(r)
	if err != nil {
		return err
	}
	b.lines, b.of = append(append(b.lines, line...), '\n'), r.Of
	b.n++
	return nil
}

// mark is the SHA-256 of the rules, a line each.
func (b *breaking) mark() string {
	sum := sha256.Sum256(b.lines)
	return hex.EncodeToString(sum[:])
}

// take takes an entry of a batch.
func (b *breaking) take(entry []byte) error {
	var is Breaker
	if err := readAs(entry, typeBreaker, &is); err != nil {
		return err
	}
	return b.add(&is.BreakerRule)
}

// close checks what a batch has of such rules against its close entry and the one before, where that is known.
func (b *breaking) close(c closed, before *closeEntry) error {
	is := c.breakersDigest()
	switch {
	case b.n != b.of:
		return fmt.Errorf("its batch has %d of %d rules that stop tags", b.n, b.of)
	case b.n > 0 && is != b.mark():
		return errors.New("the rules that stop tags are not those of its batch")
	case before == nil:
		return nil
	case before.breakersDigest() != "" && is == "":
		return errors.New("it does not say by which rules tags stop, and the batch before did")
	case b.n == 0 && is != before.breakersDigest() && is != new(breaking).mark():
		return errors.New("other rules stop tags than before, and its batch does not have them")
	}
	return nil
}

// breakersDigest is that of the rules by which tags stop; empty: it names none.
func (c *closeEntry) breakersDigest() string {
	if i := slices.IndexFunc(c.Sources, func(s source) bool { return s.what == sourceOfBreakers }); i >= 0 {
		return c.Sources[i].digest
	}
	return ""
}

// Breakers returns the rules by which tags stop as the newest batch has them, with the index of the first entry of the
// batch that wrote them down; nil: there is no such rule, or no batch says.
func (r *Reader) Breakers() (rules []Breaker, at int64, err error) {
	var found closed
	now := ""
	for c, err := range r.backward() {
		if err != nil {
			return nil, 0, err
		}
		is := c.breakersDigest()
		if found.closeEntry == nil {
			now = is
		}
		if is != now || is == "" {
			break
		}
		found = c
	}
	if found.closeEntry == nil {
		return nil, 0, nil
	}
	for i := found.First; i < found.index; i++ {
		entry, err := r.tree.entry(i)
		if err != nil {
			return nil, 0, err
		}
		if is, err := typeOf(entry); err != nil || is != typeBreaker {
			if len(rules) > 0 || err != nil {
				return rules, at, err
			}
			continue
		}
		var b Breaker
		if err := readAs(entry, typeBreaker, &b); err != nil {
			return nil, 0, fmt.Errorf("entry %d: %w", i, err)
		}
		if len(rules) == 0 {
			at = i
		}
		rules = append(rules, b)
	}
	return rules, at, nil
}
