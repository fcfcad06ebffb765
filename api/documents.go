package api

import (
	"context"
	"sync"
)

const (
	// documentsKept is how many checked documents are kept parsed: all that a UI and a few scripts send.
	documentsKept = 200
	// longestKept is the longest document that is kept, in bytes: strangers' long ones must not fill the memory.
	longestKept = 16 << 10
)

// documents keeps what is known of documents by their text, and forgets all when there are too many: those in use are
// soon back.
type documents[T any] struct {
	mu   sync.Mutex // guards kept
	kept map[string]T
}

// Get returns what is kept of a document.
func (d *documents[T]) Get(_ context.Context, document string) (T, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	v, ok := d.kept[document]
	return v, ok
}

// Add keeps something of a document.
func (d *documents[T]) Add(_ context.Context, document string, v T) {
	if len(document) > longestKept {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.kept == nil || len(d.kept) >= documentsKept {
		d.kept = make(map[string]T, documentsKept)
	}
	d.kept[document] = v
}
