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
// that kind are others than in the batch before, with all of them, and in the first of each day, so that what is pruned
// does not take them away. What edits say of one node is a Metadata.
type Breaker struct {
	At Instant `json:"at"` // when the batch was closed: who changed a configuration, and when, is not known
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
