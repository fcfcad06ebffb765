package timeseries

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/lineaged/lineaged/lineage"
)

// The kinds of trouble that a store can be in.
const (
	storing     = iota // what was to be stored could not be
	tidying            // maintenance fails
	quarantined        // something was found damaged
	clockTrouble
)

// health is what ails a store, one sentence for each kind of trouble.
type health struct {
	mu   sync.Mutex // guards text
	text map[int]string
}

func (h *health) set(kind int, text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if text == "" {
		delete(h.text, kind)
		return
	}
	if h.text == nil {
		h.text = map[int]string{}
	}
	h.text[kind] = text
}

// Health returns what ails the store, one sentence each; empty when nothing does.
func (e *engine) Health() []string {
	e.health.mu.Lock()
	defer e.health.mu.Unlock()
	out := make([]string, 0, len(e.health.text))
	for _, k := range slices.Sorted(maps.Keys(e.health.text)) {
		out = append(out, e.health.text[k])
	}
	return out
}

func (e *engine) troubleText(kind int, text string) { e.health.set(kind, text) }

// trouble notes an error, or with nil that it is over.
func (e *engine) trouble(kind int, err error) {
	if err == nil {
		e.health.set(kind, "")
		return
	}
	e.health.set(kind, whatFails(err))
}

// whatFails says for people what an error of storing means.
func whatFails(err error) string {
	switch {
	case errors.Is(err, ErrGone):
		return "the data folder is gone: nothing more is stored; put it back and restart"
	case errors.Is(err, ErrNoSpace):
		return "the disk is nearly full: nothing more is stored until there is space"
	default:
		return fmt.Sprintf("the data cannot be written: %v", err)
	}
}

// whyRefused is the reason of the gap that a refused round leaves.
func whyRefused(err error) string {
	switch {
	case errors.Is(err, ErrGone):
		return "not stored: the data folder was gone"
	case errors.Is(err, ErrNoSpace):
		return "not stored: the disk was full"
	default:
		return "not stored: the disk failed"
	}
}

// refused remembers why rounds are not held, so that their gap says so, also after a restart: the next commit that
// succeeds has it written. It needs commit.
func (e *engine) refused(group []*commit, err error) {
	if errors.Is(err, ErrClosed) {
		return
	}
	e.trouble(storing, err)
	reason := whyRefused(err)
	e.mu.Lock()
	defer e.mu.Unlock()
	note := func(name lineage.Source, tick, span int64) {
		x := lostSpan{a: max(tick-span, 0), b: tick, source: name, reason: reason}
		e.lose(x)
		e.unwritten = mergeLost(e.unwritten, x)
	}
	for _, c := range group {
		for i := range c.obs {
			note(c.obs[i].Source, e.floor(c.obs[i].Round), int64(c.obs[i].Interval/e.step))
		}
		for _, r := range c.records {
			note(r.src.name, r.round.tick, int64(r.round.span))
		}
	}
	e.publish()
}
