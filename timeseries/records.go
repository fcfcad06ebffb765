package timeseries

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/lineaged/lineaged/store"
)

// PutRecord implements store.Records.
func (e *engine) PutRecord(ctx context.Context, kind store.RecordKind, record []byte) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	if kind == "" {
		return 0, errors.New("put a record: it has no kind")
	}
	c := &commit{kind: kind, small: append([]byte{}, record...)}
	e.submit(c)
	if c.err != nil {
		return 0, fmt.Errorf("put a record of kind %q: %w", kind, c.err)
	}
	return c.version, nil
}

// Record implements store.Records.
func (e *engine) Record(ctx context.Context, kind store.RecordKind) (int, []byte, error) {
	if err := ctx.Err(); err != nil {
		return 0, nil, err
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.closed {
		return 0, nil, ErrClosed
	}
	all := e.smalls[kind]
	if n := len(all); n > 0 {
		return n, slices.Clone(all[n-1]), nil
	}
	return 0, nil, nil
}

// number gives a small record its version; one that equals the newest has that one's, and is not written.
func (e *engine) number(c *commit, before []*commit) {
	e.mu.RLock()
	newest, n := []byte(nil), len(e.smalls[c.kind])
	if n > 0 {
		newest = e.smalls[c.kind][n-1]
	}
	e.mu.RUnlock()
	for _, b := range before {
		if b.small != nil && b.kind == c.kind {
			newest, n, c.like = b.small, b.version, b
		}
	}
	if n > 0 && bytes.Equal(newest, c.small) {
		c.version, c.small = n, nil
		return
	}
	c.like = nil
	c.version = n + 1
}
