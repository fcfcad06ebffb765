package ledger

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// typeStatement is the type of a StatementPart.
const typeStatement = "statement"

// sourceOfStatements is what a close entry calls the newest month that has a statement, among its sources.
const sourceOfStatements = "statements"

// mostLines is about how many bytes of lines a part of a statement has.
const mostLines = 48 << 10

// BillLine is what one owner used of one topic by one meter in a part of a month. docs/format/ledger.md says what each
// field is. Of a correction the count and the cost are what is to be added.
type BillLine struct {
	Basis    string  `json:"basis"`
	Cluster  string  `json:"cluster"`
	Corrects *int64  `json:"corrects"`
	Cost     *string `json:"cost"`
	Count    string  `json:"count"`
	End      Instant `json:"end"`
	Hours    int     `json:"hours"`
	Meter    string  `json:"meter"`
	Observed int     `json:"observed"`
	Owner    *string `json:"owner"`
	Price    *string `json:"price"`
	Start    Instant `json:"start"`
	Topic    string  `json:"topic"`
}

// BillRule is who pays for a meter.
type BillRule struct{ Meter, Payer string }

// MarshalJSON writes it as a list.
func (r BillRule) MarshalJSON() ([]byte, error) { return source{r.Meter, r.Payer}.MarshalJSON() }

// UnmarshalJSON reads what MarshalJSON writes.
func (r *BillRule) UnmarshalJSON(data []byte) error { return unlist(data, &r.Meter, &r.Payer) }

// BillStatement is what was used in a calendar month, in UTC, and what is corrected of the month before.
type BillStatement struct {
	Month    Period
	Currency *string
	Rules    []BillRule
	Lines    []BillLine
}

// StatementPart is a part of a statement, as an entry has it.
type StatementPart struct {
	Currency *string    `json:"currency"`
	Lines    []BillLine `json:"lines"`
	Month    Period     `json:"month"`
	Part     int        `json:"part"`
	Parts    int        `json:"parts"`
	Rules    []BillRule `json:"rules"`
	Type     string     `json:"type"`
	V        int        `json:"v"`
	// Index is that of the entry, which is not in it.
	Index int64 `json:"-"`
}

// MonthOf returns the calendar month, in UTC, that holds an instant.
func MonthOf(t time.Time) Period {
	t = t.UTC()
	start := time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
	return Period{Start: At(start), End: At(start.AddDate(0, 1, 0))}
}

func (p Period) isMonth() bool { return MonthOf(p.Start.Time) == p }

// markOf stands for a month among the sources of a close entry.
func markOf(month Period) string {
	sum := sha256.Sum256([]byte(month.Start.Format("2006-01")))
	return hex.EncodeToString(sum[:])
}

// ErrSealed says that a month has a statement already.
var ErrSealed = errors.New("the month has a statement already")

// addStatement adds the parts of a batch's statement, and returns the mark by which each batch from here on says that
// the month is sealed.
func (a *assembly) addStatement(s *BillStatement, before map[string]string) (mark string, err error) {
	mark = before[sourceOfStatements]
	if s == nil {
		return mark, nil
	}
	if !s.Month.isMonth() {
		return "", fmt.Errorf("a statement is of %s to %s, which is no month", s.Month.Start.Format(time.RFC3339), s.Month.End.Format(time.RFC3339))
	}
	if newest, ok := monthOfMark(mark, s.Month); ok && !newest.Start.Before(s.Month.Start.Time) {
		return "", fmt.Errorf("%w: %s", ErrSealed, s.Month.Start.Format("2006-01"))
	}
	parts, err := s.parts()
	if err != nil {
		return "", err
	}
	for i := range parts {
		a.add(&parts[i])
	}
	return markOf(s.Month), nil
}

// monthOfMark finds the month that a mark stands for, up to a century before and after another.
func monthOfMark(mark string, near Period) (Period, bool) {
	if mark == "" {
		return Period{}, false
	}
	for n := range 1200 {
		for _, at := range [...]time.Time{near.Start.AddDate(0, -n, 0), near.Start.AddDate(0, n, 0)} {
			if p := MonthOf(at); markOf(p) == mark {
				return p, true
			}
		}
	}
	return Period{}, false
}

// parts cuts a statement into entries. There is one at least.
func (s *BillStatement) parts() ([]StatementPart, error) {
	all := []StatementPart{{}}
	size := 0
	for _, l := range s.Lines {
		l.Cluster, l.Topic, l.Owner = clip(l.Cluster, mostText), ID(l.Topic), clipped(l.Owner)
		text, err := canonical(l)
		if err != nil {
			return nil, err
		}
		if size > 0 && size+len(text) > mostLines {
			all, size = append(all, StatementPart{}), 0
		}
		part := &all[len(all)-1]
		part.Lines = append(part.Lines, l)
		size += len(text) + 1
	}
	for i := range all {
		p := &all[i]
		p.Currency, p.Month, p.Part, p.Parts, p.Rules, p.Type, p.V = s.Currency, s.Month, i, len(all), s.Rules, typeStatement, version
		if p.Lines == nil {
			p.Lines = []BillLine{}
		}
		if p.Rules == nil {
			p.Rules = []BillRule{}
		}
	}
	return all, nil
}

// Stated returns the newest month that has a statement; false: none has. now is about the present.
func (r *Reader) Stated(now time.Time) (Period, bool, error) {
	for digest, err := range r.Digests(sourceOfStatements) {
		if err != nil {
			return Period{}, false, err
		}
		month, ok := monthOfMark(digest, MonthOf(now))
		return month, ok, nil
	}
	return Period{}, false, nil
}

// BeganBefore reports whether a period is closed that begins before an instant.
func (r *Reader) BeganBefore(before time.Time) (bool, error) {
	for c, err := range r.backward() {
		if err != nil {
			return false, err
		}
		if c.Kind == kindPeriod && c.Period.Start.Before(before) {
			return true, nil
		}
	}
	return false, nil
}

// Statement returns the parts of a month's statement; none: it has none.
func (r *Reader) Statement(month Period) ([]StatementPart, error) {
	mark, after := markOf(month), ""
	for c, err := range r.backward() {
		if err != nil {
			return nil, err
		}
		marked := c.statedMark()
		if marked != mark && marked != after { // many have the same
			if newest, ok := monthOfMark(marked, month); marked == "" || ok && newest.Start.Before(month.Start.Time) {
				return nil, nil // it is of before the month was sealed
			}
			after = marked
		}
		if marked != mark {
			continue
		}
		if parts, err := r.partsIn(c); err != nil || len(parts) > 0 {
			return parts, err
		}
	}
	return nil, nil
}

// Statements returns the parts of the newest statements, the newest first.
func (r *Reader) Statements(most int) (out [][]StatementPart, err error) {
	var newer closed
	take := func(mark string) error { // a statement is in the first batch that says so
		if newer.closeEntry == nil || newer.statedMark() == mark || newer.statedMark() == "" {
			return nil
		}
		parts, err := r.partsIn(newer)
		if err == nil && len(parts) > 0 {
			out = append(out, parts)
		}
		return err
	}
	for c, err := range r.backward() {
		if err == nil {
			err = take(c.statedMark())
		}
		if err != nil || len(out) == most || c.statedMark() == "" {
			return out, err
		}
		newer = c
	}
	return out, take("")
}

// statedMark stands for the newest month that has a statement; empty: none has.
func (c *closeEntry) statedMark() string {
	for _, s := range c.Sources {
		if s.what == sourceOfStatements {
			return s.digest
		}
	}
	return ""
}

// partsIn returns the parts of a statement in a batch.
func (r *Reader) partsIn(c closed) (out []StatementPart, err error) {
	for i := c.First + int64(len(c.Coverage)); i < c.Directory[0]; i++ {
		text, err := r.tree.entry(i)
		if err != nil {
			return nil, err
		}
		switch is, err := typeOf(text); {
		case err != nil:
			return nil, fmt.Errorf("entry %d: %w", i, err)
		case is == typeUsage || is == typeWithdrawal:
			return out, nil
		case is != typeStatement:
			continue
		}
		p := StatementPart{}
		if err := readAs(text, typeStatement, &p); err != nil {
			return nil, fmt.Errorf("entry %d: %w", i, err)
		}
		p.Index = i
		out = append(out, p)
	}
	return out, nil
}

// stating checks statements as they come, entry by entry.
type stating struct {
	parts  []StatementPart // of the batch
	newest Period          // that has a statement in a batch before
	mark   string          // of the newest close entry
	begun  bool            // there was one
}

func (s *stating) take(i int64, entry []byte) error {
	p := StatementPart{}
	if err := readAs(entry, typeStatement, &p); err != nil {
		return err
	}
	switch n := len(s.parts); {
	case !p.Month.isMonth():
		return errors.New("its statement is of no month")
	case !s.newest.End.IsZero() && !s.newest.Start.Before(p.Month.Start.Time):
		return fmt.Errorf("the month %s has a statement already", p.Month.Start.Format("2006-01"))
	case p.Part != n || p.Parts <= n || n > 0 && (s.parts[0].Month != p.Month || s.parts[0].Parts != p.Parts):
		return errors.New("the parts of its statement are not in their order")
	}
	for _, l := range p.Lines {
		if l.Corrects != nil && (*l.Corrects < 0 || *l.Corrects >= i) {
			return fmt.Errorf("it corrects entry %d, which is not before it", *l.Corrects)
		}
	}
	s.parts = append(s.parts, p)
	return nil
}

// close checks a batch's statement against its close entry.
func (s *stating) close(c closed) error {
	mark, want := c.statedMark(), s.mark
	if !s.begun && c.Previous != nil { // what is before it was pruned
		want = mark
	}
	s.begun = true
	if n := len(s.parts); n > 0 {
		if n != s.parts[0].Parts {
			return fmt.Errorf("its statement has %d of %d parts", n, s.parts[0].Parts)
		}
		s.newest = s.parts[0].Month
		want = markOf(s.newest)
	}
	if mark != want {
		return errors.New("it does not say which month has the newest statement")
	}
	s.mark, s.parts = mark, nil
	return nil
}
