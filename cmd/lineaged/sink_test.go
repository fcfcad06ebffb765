package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/timeseries"
)

// refusing is a store whose Append fails with what it is told.
type refusing struct {
	timeseries.Store
	err error
}

func (r *refusing) Append(context.Context, ...lineage.Observation) error { return r.err }
func (r *refusing) Stats() timeseries.Stats                              { return timeseries.Stats{FreeBytes: 7} }

// A full disk is said once when it begins and once when it is over, and to /readyz all the while.
func TestNoSpaceIsSaidOnce(t *testing.T) {
	var log bytes.Buffer
	store := &refusing{}
	s := &sink{Store: store, log: slog.New(slog.NewTextHandler(&log, nil))}
	f := func(err error, lines int, troubled bool) {
		t.Helper()
		store.err = err
		if got := s.Append(t.Context()); !errors.Is(got, err) {
			t.Errorf("Append returns %v, want %v", got, err)
		}
		if n := strings.Count(log.String(), "\n"); n != lines {
			t.Errorf("%d lines are logged, want %d:\n%s", n, lines, log.String())
		}
		if got := len(s.trouble()) > 0; got != troubled {
			t.Errorf("trouble is %v, want %v", got, troubled)
		}
	}
	full := fmt.Errorf("append: %w", timeseries.ErrNoSpace)
	f(nil, 0, false)
	f(full, 1, true)
	f(full, 1, true)
	f(errors.New("something else"), 1, true)
	f(nil, 2, false)
	f(full, 3, true)
}
