package ledger

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Only says what of a window is asked for. It need not be exact but for what is left out: Keep has the last word.
type Only struct {
	Topic string // by its node's id; empty: all
	// Text is found, as a whole text of JSON or the beginning of one, in all entries that are asked for; empty: in any.
	Text string
	// Keep reports whether a use is asked for. Hosts and principals are commitments where they were erased.
	Keep func(*Usage) bool
}

// Closed returns from when on, and until when, periods are closed that meet a window. Where none is it is ErrNothing.
func (r *Reader) Closed(ctx context.Context, start, end time.Time) (from, until time.Time, err error) {
	w := Period{Start: At(start), End: At(end)}
	for c, err := range r.backward() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return from, until, fmt.Errorf("read the chain of periods: %w", err)
		}
		if c.Kind != kindPeriod {
			continue
		}
		if !c.Period.End.After(w.Start.Time) {
			break
		}
		if w.meets(c.Period) {
			from = c.Period.Start.Time
			if until.IsZero() {
				until = c.Period.End.Time
			}
		}
	}
	if until.IsZero() {
		return from, until, ErrNothing
	}
	return from, until, nil
}

// Within hands over what is said of the periods that meet a window, the oldest first, after all amendments. It holds
// the statements of one period at a time, and ends with the first error.
func (r *Reader) Within(ctx context.Context, start, end time.Time, only Only, each func(*Account) error) error {
	w := Period{Start: At(start), End: At(end)}
	var periods []Period
	of := map[time.Time][]closed{} // the newest first
	for c, err := range r.backward() {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return fmt.Errorf("read the chain of periods: %w", err)
		}
		if c.Kind == kindPeriod && !c.Period.End.After(w.Start.Time) {
			break
		}
		if !w.meets(c.Period) {
			continue
		}
		at := c.Period.Start.Time
		if of[at] = append(of[at], c); c.Kind == kindPeriod {
			periods = append(periods, c.Period)
		}
	}
	for _, p := range slices.Backward(periods) {
		is, err := r.accountOf(ctx, p, of[p.Start.Time], only)
		if err == nil {
			err = each(is)
		}
		if err != nil {
			return err
		}
		delete(of, p.Start.Time)
	}
	return nil
}

// accountOf reads what batches say of what is asked for, of which the newest is the first.
func (r *Reader) accountOf(ctx context.Context, p Period, of []closed, only Only) (*Account, error) {
	out := &Account{Period: p}
	says := map[statementKey]Statement{}
	covered := map[string]Coverage{}
	for _, c := range slices.Backward(of) {
		out.Final = c.Final.Time
		first, end := c.First, c.Directory[0]
		if only.Topic != "" {
			_, part, err := r.directoryOf(c, ID(only.Topic))
			if err != nil {
				return nil, err
			}
			row, _ := part.rowOf(ID(only.Topic))
			first, end = row.first, row.first+row.count
		}
		for i := first; i < end; i++ {
			if i%tileWidth == 0 && ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if err := r.takeOnly(i, c.Kind == kindPeriod, only, says, out); err != nil {
				return nil, err
			}
		}
		if err := r.cover(c, covered); err != nil {
			return nil, err
		}
	}
	out.fill(says, covered)
	return out, nil
}

// takeOnly is take for what is asked for. What an amendment says is read in any case: it may take away what was asked
// for, or its tags.
func (r *Reader) takeOnly(i int64, first bool, only Only, says map[statementKey]Statement, out *Account) error {
	data, err := r.tree.entry(i)
	if err != nil {
		return err
	}
	if bytes.HasPrefix(data, []byte(`{"at":`)) { // as no use begins
		return r.takeAdministered(data, only.Topic, out)
	}
	if first && only.Text != "" && !bytes.Contains(data, []byte(only.Text)) {
		return nil
	}
	if is, err := typeOf(data); err != nil || is != typeUsage {
		if err != nil {
			return err
		}
		return r.take(i, says)
	}
	s := Statement{Index: i}
	if err := json.Unmarshal(data, &s.Usage); err != nil {
		return fmt.Errorf("entry %d: %w", i, err)
	}
	if !only.Keep(&s.Usage) {
		delete(says, s.key())
		return nil
	}
	r.open(&s.Usage)
	says[s.key()] = s
	return nil
}

// takeAdministered takes in an entry that may say who administered what: a topic, or if none is asked for anything.
func (r *Reader) takeAdministered(data []byte, topic string, out *Account) error {
	if is, err := typeOf(data); err != nil || is != typeAdministration {
		return err
	}
	var a Administration
	if err := read(data, &a); err != nil {
		return err
	}
	if topic == "" || a.Topic == ID(topic) {
		r.openBoth(&a)
		out.Administered = append(out.Administered, a)
	}
	return nil
}

// Text returns how a text stands in an entry, to be looked for.
func Text(s string) string { return string(appendText(nil, s)) }

// IsCommitment reports whether a text stands for a host or a principal that was erased.
func IsCommitment(s string) bool {
	return strings.HasPrefix(s, commitmentPrefix) && len(s) == len(commitmentPrefix)+2*sha256.Size
}
