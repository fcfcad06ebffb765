package lineage

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// The types in this file are what people say of nodes beside what was observed of them: who answers for one, what it
// holds. They say it by rules, by declarations, and by edits, which are events in time.

// Field is one of the things that are said of a node.
type Field string

// The fields, as the ledger and the log of edits spell them. All but tags and stops hold one text.
const (
	OwnerField       Field = "owner"
	TagsField        Field = "tags"
	StopsField       Field = "stops" // tags that the node does not pass on; StopsAll: none of them
	ContactField     Field = "contact"
	DescriptionField Field = "description"
	PropertyField    Field = "property" // with a key
)

// StopsAll among the tags that a node stops stands for all of them.
const StopsAll = "*"

// Fields are all fields in the order in which they are shown.
func Fields() []Field {
	return []Field{OwnerField, ContactField, DescriptionField, TagsField, StopsField, PropertyField}
}

// Lists reports whether a field holds any number of texts, else it holds one.
func (f Field) Lists() bool { return f == TagsField || f == StopsField }

// Slot is a field of a node, of properties with its key.
type Slot struct {
	Field Field
	Key   string // of a property; else empty
}

// Compare orders slots as they are shown.
func (s Slot) Compare(o Slot) int {
	return cmp.Or(cmp.Compare(slices.Index(Fields(), s.Field), slices.Index(Fields(), o.Field)), strings.Compare(s.Key, o.Key))
}

// String names the slot as documents do.
func (s Slot) String() string {
	if s.Field == PropertyField {
		return "property:" + s.Key
	}
	return string(s.Field)
}

// Ruled is what a rule says of a slot.
type Ruled struct {
	Texts []string
	Rule  string // in words, as "rule 2 of topics"
}

// Change is what an edit says of a slot. Texts nil takes back what edits said before: rules hold again. An empty list
// says that there are none, of tags and stops only.
type Change struct {
	Slot  Slot
	Texts []string
}

// Edit is what a person said of a node at one time.
type Edit struct {
	Number int64     // from 1, each its own
	At     time.Time // when it was said
	// From is the end of the first window that has it: that is before At by as much as the newest window may be behind.
	From    time.Time
	Node    Node
	By      string // who, as far as known; empty: not known
	Changes []Change
	// Before are what edits had said of the slots of Changes until then, in their order; nil: nothing.
	Before [][]string
}

// EditedText is what edits say of a slot, and which edit said it last.
type EditedText struct {
	Texts []string
	Edit  *Edit
}

// Edited is what edits say of a node at one time. It is not changed.
type Edited struct {
	Last  *Edit // that was made of the node
	Slots map[Slot]EditedText
}

// Version is the number of the last edit; 0: there is none.
func (e *Edited) Version() int64 {
	if e == nil {
		return 0
	}
	return e.Last.Number
}

// Edits are all edits that were made, in their order. It never changes: With makes another one.
type Edits struct {
	all    []*Edit
	byNode map[Node][]*Edited // after each edit of the node
}

// With returns the edits with more of them, which must be later than those that are there.
func (e *Edits) With(more ...*Edit) *Edits {
	out := &Edits{byNode: map[Node][]*Edited{}}
	if e != nil {
		out.all = slices.Clip(e.all)
		maps.Copy(out.byNode, e.byNode)
	}
	out.all = append(out.all, more...)
	for _, x := range more {
		states := slices.Clip(out.byNode[x.Node])
		next := &Edited{Last: x, Slots: map[Slot]EditedText{}}
		if n := len(states); n > 0 {
			maps.Copy(next.Slots, states[n-1].Slots)
		}
		for _, c := range x.Changes {
			if c.Texts == nil {
				delete(next.Slots, c.Slot)
			} else {
				next.Slots[c.Slot] = EditedText{c.Texts, x}
			}
		}
		out.byNode[x.Node] = append(states, next)
	}
	return out
}

// All returns the edits in their order. The slice is shared: it must not be changed.
func (e *Edits) All() []*Edit {
	if e == nil {
		return nil
	}
	return slices.Clip(e.all)
}

// Nodes returns the nodes that were ever edited, in their order.
func (e *Edits) Nodes() []Node {
	if e == nil {
		return nil
	}
	return slices.SortedFunc(maps.Keys(e.byNode), Node.Compare)
}

// Until returns how many edits a window has that ends at an instant.
func (e *Edits) Until(end time.Time) int {
	if e == nil {
		return 0
	}
	n, _ := slices.BinarySearchFunc(e.all, end, func(x *Edit, end time.Time) int {
		if x.From.After(end) {
			return 1
		}
		return -1
	})
	return n
}

// At returns what edits say of a node in a window that ends at an instant; nil: nobody had edited it.
func (e *Edits) At(n Node, end time.Time) *Edited {
	if e == nil {
		return nil
	}
	states := e.byNode[n]
	i, _ := slices.BinarySearchFunc(states, end, func(x *Edited, end time.Time) int {
		if x.Last.From.After(end) {
			return 1
		}
		return -1
	})
	if i == 0 {
		return nil
	}
	return states[i-1]
}

// Now returns what edits say of a node now; nil: nobody has edited it.
func (e *Edits) Now(n Node) *Edited {
	if e == nil || len(e.byNode[n]) == 0 {
		return nil
	}
	states := e.byNode[n]
	return states[len(states)-1]
}

// Of returns the edits of a node that a window has which ends at an instant, the newest first, so many at most, and how
// many there are.
func (e *Edits) Of(n Node, end time.Time, most int) (out []*Edit, count int) {
	if e == nil {
		return nil, 0
	}
	for _, s := range slices.Backward(e.byNode[n]) {
		if s.Last.From.After(end) {
			continue
		}
		if count++; len(out) < most {
			out = append(out, s.Last)
		}
	}
	return out, count
}
