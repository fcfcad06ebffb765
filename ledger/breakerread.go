package ledger

import (
	"fmt"
	"slices"
)

// Stopping is by which rules tags stop, as the newest batch has them.
type Stopping struct {
	// Digest stands for all of them; empty: no batch says by which.
	Digest string
	// Rules are they; none: there is none, or Removed says that what was written of them is not held any more.
	Rules []Breaker
	First int64 // index of the entry of the first of them, the oldest that is held
	// Before reports that they held before what is held, so that the time of that entry is not when they were found.
	Before bool
}

// Removed reports whether there are rules by which tags stop and no entry that is held has them.
func (s *Stopping) Removed() bool {
	return len(s.Rules) == 0 && s.Digest != "" && s.Digest != new(breaking).mark()
}

// Breakers returns the rules by which tags stop as the newest batch has them.
func (r *Reader) Breakers() (out Stopping, err error) {
	var held []closed // that have the digest of the newest, the newest first
	for c, err := range r.backward() {
		if err != nil {
			return out, err
		}
		is := c.breakersDigest()
		if len(held) == 0 {
			out.Digest = is
		}
		if out.Before = is == out.Digest && c.Previous != nil; is != out.Digest || is == "" {
			break
		}
		held = append(held, c)
	}
	for _, c := range slices.Backward(held) {
		if out.Rules, out.First, err = r.breakersOf(c); len(out.Rules) > 0 || err != nil {
			return out, err
		}
	}
	return out, nil
}

// stopsAny reports whether tags stop by any rule, as the newest batch says.
func (r *Reader) stopsAny() (bool, error) {
	if r.checkpoint.Size == 0 {
		return false, nil
	}
	c, err := r.closeAt(r.checkpoint.Size - 1)
	if err != nil {
		return false, err
	}
	is := c.breakersDigest()
	return is != "" && is != new(breaking).mark(), nil
}

// breakersOf returns the rules that a batch wrote down, and the index of the first of them.
func (r *Reader) breakersOf(c closed) (rules []Breaker, at int64, err error) {
	for i := c.First; i < c.index; i++ {
		entry, err := r.tree.entry(i)
		if err != nil {
			return nil, 0, err
		}
		switch is, _ := fieldOf(entry, `,"type":"`); is {
		case typeCoverage, typeChange:
			continue
		case typeBreaker:
		default: // they are before all else
			return rules, at, nil
		}
		var b Breaker
		if err := readAs(entry, typeBreaker, &b); err != nil {
			return nil, 0, fmt.Errorf("entry %d: %w", i, err)
		}
		if len(rules) == 0 {
			at = i
		}
		rules = append(rules, b)
	}
	return rules, at, nil
}
