package closing

import (
	"github.com/lineaged/lineaged/ledger"
	"github.com/lineaged/lineaged/lineage"
)

// sourceOfEdits is what the ledger calls the edits of the catalog among what owners and tags are given by.
const sourceOfEdits = "catalog"

// EditLog is what people said of nodes by editing them.
type EditLog interface {
	// Since returns the edits after those that a digest stands for, all for an empty one, and the digest of all; false:
	// the digest stands for none of them.
	Since(digest string) (edits []*lineage.Edit, now string, ok bool)
}

// takeEdits puts into a batch what was edited and is not in the ledger yet: after the newest digest of which the ledger
// speaks and the log knows. Where the log was put back from an older copy, that is not the ledger's newest.
func (c *Closer) takeEdits(b *ledger.Batch) error {
	if c.Edits == nil {
		return nil
	}
	edits, now, ok := []*lineage.Edit(nil), "", false
	for digest, err := range c.Log.Reader().Digests(sourceOfEdits) {
		if err != nil {
			return err
		}
		if edits, now, ok = c.Edits.Since(digest); ok {
			break
		}
	}
	if !ok {
		edits, now, _ = c.Edits.Since("")
	}
	if now == "" {
		return nil
	}
	b.Sources[sourceOfEdits] = now
	for _, e := range edits {
		for i, change := range e.Changes {
			m := ledger.Metadata{
				After: change.Texts, At: ledger.At(e.At), Before: e.Before[i], Edit: e.Number, Field: string(change.Slot.Field), Key: known(change.Slot.Key), Node: e.Node.ID(), By: known(e.By),
			}
			b.Metadata = append(b.Metadata, m)
		}
	}
	return nil
}

func (c *Closer) breakers() []ledger.BreakerRule {
	if c.Breakers == nil {
		return nil
	}
	return c.Breakers()
}
