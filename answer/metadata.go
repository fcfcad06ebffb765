package answer

import (
	"maps"
	"slices"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// MetadataSource is who says something of a node.
type MetadataSource uint8

// The sources. An edit stands over a rule, and a rule over a declaration.
const (
	SaidByRule MetadataSource = iota + 1
	SaidByEdit
	SaidByDeclaration
)

// Metadatum is what is said of a slot of a node.
type Metadatum struct {
	Slot   lineage.Slot
	Texts  []string
	Source MetadataSource
	// Rule says which rule says it, in words; empty: none does.
	Rule string
	// Edit is the one that says it; nil: none does. What rules and declarations say holds of all time.
	Edit *lineage.Edit
	// Over is what would hold without it; nil: nothing.
	Over *Metadatum
}

// Metadata is what is said of a node, as it stood at a window's end.
type Metadata struct {
	// Version is the number of the last edit of the node that the window has; 0: it has none.
	Version int64
	All     []Metadatum // in the order of their slots
	v       *View
	node    lineage.Node
}

// Metadata returns what is said of the node.
func (n Node) Metadata() *Metadata { return n.rows.v.metadata(n.node) }

func (v *View) metadata(n lineage.Node) *Metadata {
	out := &Metadata{v: v, node: n}
	says := map[lineage.Slot]*Metadatum{}
	if v.declared != nil {
		d := v.declaredOf(n)
		if d.owner != "" {
			says[ownerSlot] = &Metadatum{Slot: ownerSlot, Texts: []string{d.owner}, Source: SaidByDeclaration}
		}
		if d.tags != nil {
			says[tagsSlot] = &Metadatum{Slot: tagsSlot, Texts: d.tags, Source: SaidByDeclaration}
		}
	}
	for s, r := range v.ruled(n) {
		says[s] = &Metadatum{Slot: s, Texts: r.Texts, Source: SaidByRule, Rule: r.Rule, Over: says[s]}
	}
	if e := v.edits.At(n, v.win.End); e != nil {
		out.Version = e.Version()
		for s, t := range e.Slots {
			says[s] = &Metadatum{Slot: s, Texts: t.Texts, Source: SaidByEdit, Edit: t.Edit, Over: says[s]}
		}
	}
	for _, s := range slices.SortedFunc(maps.Keys(says), lineage.Slot.Compare) {
		out.All = append(out.All, *says[s])
	}
	return out
}

var (
	ownerSlot = lineage.Slot{Field: lineage.OwnerField}
	tagsSlot  = lineage.Slot{Field: lineage.TagsField}
)

// Edits returns the edits of the node that the window has, the newest first, so many at most, and how many there are.
func (m *Metadata) Edits(most int) ([]*lineage.Edit, int) {
	return m.v.edits.Of(m.node, m.v.win.End, most)
}

// edited returns whose a node is by its edits, over what rules and declarations say.
func (v *View) edited(n lineage.Node, owner string, tags []string) (string, []string) {
	e := v.edits.At(n, v.win.End)
	if e == nil {
		return owner, tags
	}
	if t, ok := e.Slots[ownerSlot]; ok {
		owner = t.Texts[0]
	}
	if t, ok := e.Slots[tagsSlot]; ok {
		tags = t.Texts
	}
	return owner, tags
}

// Since returns when it was said; the zero time: by a rule or a declaration, which hold of all time.
func (m *Metadatum) Since() time.Time {
	if m.Edit == nil {
		return time.Time{}
	}
	return m.Edit.At
}

// By returns who said it; empty: that is not known, or nobody did but a rule or a declaration.
func (m *Metadatum) By() string {
	if m.Edit == nil {
		return ""
	}
	return m.Edit.By
}
