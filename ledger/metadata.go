package ledger

import (
	"errors"
	"iter"
	"slices"
)

// typeMetadata is the type of a Metadata.
const typeMetadata = "metadata"

// Metadata is what one edit said of a field of a node. docs/format/ledger.md says what each field is. In an entry By,
// and the texts of a contact, who may be a person, are commitments.
type Metadata struct {
	After  []string `json:"after"` // null: what was said is taken back
	At     Instant  `json:"at"`
	Before []string `json:"before"`
	By     *string  `json:"by"`
	Edit   int64    `json:"edit"` // its number
	Field  string   `json:"field"`
	Key    *string  `json:"key"`
	Node   string   `json:"node"`
	Type   string   `json:"type"`
	V      int      `json:"v"`
}

// fieldContact is the field whose texts may be of a person.
const fieldContact = "contact"

// metadataEntry returns it as an entry has it, with persons as commitments.
func (l *Log) metadataEntry(m *Metadata) (*Metadata, error) {
	x := *m
	x.Type, x.V, x.Node, x.At = typeMetadata, version, ID(m.Node), At(m.At.Time)
	by, err := l.people.of(clipped(m.By))
	x.By = by
	if m.Field != fieldContact {
		return &x, err
	}
	for _, texts := range []*[]string{&x.After, &x.Before} {
		*texts = slices.Clone(*texts)
		for i := range *texts {
			commitment, ofErr := l.people.of(&(*texts)[i])
			if err = errors.Join(err, ofErr); err != nil {
				return nil, err
			}
			(*texts)[i] = *commitment
		}
	}
	return &x, err
}

// addMetadata adds what was edited, in the order of the edits.
func (a *assembly) addMetadata(l *Log, all []Metadata) error {
	for i := range all {
		m, err := l.metadataEntry(&all[i])
		if err != nil {
			return err
		}
		a.add(m)
	}
	return nil
}

// Digests yields what the batches say that something was given by, the newest first, back to the first batch that says
// it: of rules, declarations, edits.
func (r *Reader) Digests(what string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for c, err := range r.backward() {
			if err != nil {
				yield("", err)
				return
			}
			i := slices.IndexFunc(c.Sources, func(s source) bool { return s.what == what })
			if i < 0 || !yield(c.Sources[i].digest, nil) {
				return
			}
		}
	}
}
