package api

import (
	"context"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

const (
	// mostEdits bounds edits(first:), mostChanges what is said of a node at once: all it can have.
	mostEdits   = 200
	mostChanges = 60
	// metadataWritten is what an edit costs: it is waited for until it is on disk, and the newest window is made anew.
	metadataWritten = 2000
	// tagsFollowed is what it costs to follow tags: who bears them is found out for a whole estate, and its flows are
	// walked. mostDerived bounds derivedTags(first:), and usualWay is how many flows a way is taken to have.
	tagsFollowed, mostDerived, usualWay = 2000, 100, 6
	// usualEntries is how many things are said of a node, usualChanges what one edit has.
	usualEntries, usualChanges = 10, 5
)

// Metadata is the schema's type of that name.
type Metadata struct {
	is   *answer.Metadata
	of   answer.Node
	view *answer.View
}

// Metadata answers metadata.
func (n *nodeRow) Metadata() *Metadata {
	if n.node.Kind == lineage.GroupNode {
		return nil
	}
	return &Metadata{n.is.Metadata(), n.is, n.rows.v}
}

// Version answers version.
func (m *Metadata) Version() int { return int(m.is.Version) }

// Entries answers entries.
func (m *Metadata) Entries() []MetadataEntry {
	out := make([]MetadataEntry, len(m.is.All))
	for i := range m.is.All {
		out[i] = MetadataEntry{&m.is.All[i]}
	}
	return out
}

// EditCount answers editCount.
func (m *Metadata) EditCount() int {
	_, count := m.is.Edits(0)
	return count
}

// Edits answers edits.
func (m *Metadata) Edits(first int) ([]MetadataEdit, error) {
	if first < 0 || first > mostEdits {
		return nil, badInput("edits: first must be 0 to %d", mostEdits)
	}
	all, _ := m.is.Edits(first)
	out := make([]MetadataEdit, len(all))
	for i, e := range all {
		out[i] = MetadataEdit{e}
	}
	return out, nil
}

// DerivedTags answers derivedTags.
func (m *Metadata) DerivedTags(ctx context.Context, first int) (*DerivedTags, error) {
	if first < 0 || first > mostDerived {
		return nil, badInput("derivedTags: first must be 0 to %d", mostDerived)
	}
	all, err := m.of.DerivedTags(ctx)
	if err != nil {
		return nil, err
	}
	out := &DerivedTags{Count: len(all.Tags), Doubts: listed(all.Doubts), Tags: []DerivedTag{}}
	shown := all.Tags[:min(first, len(all.Tags))]
	var flows []lineage.Flow
	for i := range shown {
		flows = append(flows, shown[i].Flows()...)
	}
	r := newRows(m.view, nil, flows)
	for i := range shown {
		out.Tags = append(out.Tags, DerivedTag{Tag: shown[i].Tag, From: r.nodes[shown[i].Way[0]], Way: r.listFlows(shown[i].Flows())})
	}
	return out, nil
}

// DerivedTag is the schema's type of that name.
type DerivedTag struct {
	Tag  string
	From Node
	Way  []*Flow
}

// MetadataEntry is the schema's type of that name.
type MetadataEntry struct{ is *answer.Metadatum }

// Field answers field.
func (e *MetadataEntry) Field() lineage.Field { return e.is.Slot.Field }

// Key answers key.
func (e *MetadataEntry) Key() *string { return textOrNil(e.is.Slot.Key) }

// Values answers values.
func (e *MetadataEntry) Values() []string { return listed(e.is.Texts) }

// Source answers source.
func (e *MetadataEntry) Source() answer.MetadataSource { return e.is.Source }

// Rule answers rule.
func (e *MetadataEntry) Rule() *string { return textOrNil(e.is.Rule) }

// Since answers since.
func (e *MetadataEntry) Since() *time.Time { return timeOrNil(e.is.Since()) }

// By answers by.
func (e *MetadataEntry) By() *string { return textOrNil(e.is.By()) }

// Over answers over.
func (e *MetadataEntry) Over() *MetadataEntry {
	if e.is.Over == nil {
		return nil
	}
	return &MetadataEntry{e.is.Over}
}

// MetadataEdit is the schema's type of that name.
type MetadataEdit struct{ is *lineage.Edit }

// Number answers number.
func (e *MetadataEdit) Number() int { return int(e.is.Number) }

// At answers at.
func (e *MetadataEdit) At() time.Time { return e.is.At }

// By answers by.
func (e *MetadataEdit) By() *string { return textOrNil(e.is.By) }

// Changes answers changes.
func (e *MetadataEdit) Changes() []MetadataChanged {
	out := make([]MetadataChanged, len(e.is.Changes))
	for i, c := range e.is.Changes {
		out[i] = MetadataChanged{Field: c.Slot.Field, Key: textOrNil(c.Slot.Key), Before: e.is.Before[i], After: c.Texts}
	}
	return out
}

// MetadataChangeInput is the schema's input MetadataChange.
type MetadataChangeInput struct {
	Field  lineage.Field
	Key    *string
	Values []string // nil: taken back
}

// Catalog is what people say of nodes by editing them.
type Catalog interface {
	// Set says something of a node, whose last edit must be the one that is expected, and returns its last edit's
	// number. What its asker may read of an error is a *CatalogError.
	Set(node lineage.Node, expected int64, changes []lineage.Change, by string) (version int64, changed bool, err error)
	// Known reports whether a node was ever edited.
	Known(node lineage.Node) bool
	// Trouble says why nothing can be written; empty: it can.
	Trouble() string
}

// CatalogError is an error of a Catalog that its asker may read.
type CatalogError struct {
	Sentence string
	Conflict *Conflict // nil: what he says can't be said
}

// Conflict is the edit that somebody else made; Version 0: there is none.
type Conflict struct {
	Version int64
	By      string
	At      time.Time
}

func (e *CatalogError) Error() string { return e.Sentence }

// extensions are what is told of it beside its sentence.
func (e *CatalogError) extensions() map[string]any {
	if e.Conflict == nil {
		return map[string]any{"code": codeBadInput}
	}
	out := map[string]any{"code": codeConflict, "version": e.Conflict.Version, "by": nil, "at": nil}
	if e.Conflict.By != "" {
		out["by"] = e.Conflict.By
	}
	if !e.Conflict.At.IsZero() {
		out["at"] = shownTime(e.Conflict.At)
	}
	return out
}

// Mutation returns the root fields that change something.
func (a *resolver) Mutation() MutationResolver { return &mutation{a} }

type mutation struct{ a *resolver }

// SetMetadata answers setMetadata.
func (m *mutation) SetMetadata(ctx context.Context, node string, expected int, changes []MetadataChangeInput) (*MetadataSet, error) {
	a := m.a
	if a.catalog == nil {
		return nil, &answerError{code: codeForbidden, sentence: "metadata can't be edited here: catalog.edit is off in the configuration"}
	}
	n, err := lineage.ParseNodeID(node)
	if err != nil {
		return nil, badInput("setMetadata: %s", clip(err.Error()))
	}
	if len(changes) > mostChanges {
		return nil, badInput("setMetadata: %d changes, at most %d are made at once", len(changes), mostChanges)
	}
	if expected < 0 {
		return nil, badInput("setMetadata: expected is the version that was seen, 0 or more")
	}
	v, err := a.view(ctx, nil)
	if err != nil {
		return nil, err
	}
	if !v.Has(n) && !a.catalog.Known(n) {
		return nil, &answerError{code: codeNotFound, sentence: "no node " + quote(node) + " is known: neither in the last ten minutes nor in the seven days before"}
	}
	said := make([]lineage.Change, len(changes))
	for i, c := range changes {
		said[i] = lineage.Change{Slot: lineage.Slot{Field: c.Field}, Texts: c.Values}
		if c.Key != nil {
			said[i].Slot.Key = *c.Key
		}
	}
	version, changed, err := a.catalog.Set(n, int64(expected), said, userOf(ctx))
	if err != nil {
		return nil, err
	}
	out := &MetadataSet{Version: int(version), Changed: changed}
	// It is said, whatever becomes of the rest of the answer, which is of a moment of its own.
	if v, err = a.view(answer.Together(ctx), nil); err == nil && v.Has(n) {
		out.Node = newRows(v, []lineage.Node{n}, nil).nodes[n]
	}
	return out, nil
}

// Editing answers editing.
func (q *query) Editing(ctx context.Context) (*Editing, error) {
	if q.a.catalog == nil {
		return &Editing{}, nil
	}
	return &Editing{Enabled: true, By: textOrNil(userOf(ctx)), Trouble: textOrNil(q.a.catalog.Trouble())}, nil
}

type userKey struct{}

// as returns a context that knows who asks.
func as(ctx context.Context, user string) context.Context {
	if user == "" {
		return ctx
	}
	return context.WithValue(ctx, userKey{}, user)
}

// userOf returns who asks; empty: that is not known.
func userOf(ctx context.Context) string {
	user, _ := ctx.Value(userKey{}).(string)
	return user
}

// metadataCosts prices metadata.
func metadataCosts(c *ComplexityRoot) {
	c.Mutation.SetMetadata = func(child int, _ string, _ int, _ []MetadataChangeInput) int { return add(metadataWritten, child) }
	c.Metadata.Entries = func(child int) int { return times(usualEntries, child) }
	c.Metadata.Edits = func(child, first int) int { return times(first, child) }
	c.Metadata.DerivedTags = func(child, first int) int { return add(tagsFollowed, times(first, child)) }
	c.DerivedTag.Way = func(child int) int { return times(usualWay, child) }
	c.MetadataEdit.Changes = func(child int) int { return times(usualChanges, child) }
}
