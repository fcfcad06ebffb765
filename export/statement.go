package export

import (
	"context"
	"fmt"
	"io"
	"math/big"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/ledger"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/usage"
)

const formatStatement = "lineaged-statement"

// Statements has the sealed statements of months; of one that has none there are no parts.
type Statements interface {
	Statement(month ledger.Period) ([]ledger.StatementPart, error)
	// StatementBundle proves the statement of a month that has one.
	StatementBundle(month ledger.Period) (io.WriterTo, error)
}

// Statement returns the document of the statement of a month that is sealed in the ledger.
func (e *Exporter) Statement(ctx context.Context, of Statements, params url.Values) (*Document, error) {
	p := &reader{values: params}
	f := p.form(append(slices.Clone(billForms), bundleForm))
	version := p.focusVersion(f)
	text, ok := p.one("month")
	if !ok {
		p.fail("month", "", "is needed: a statement is of a month, e.g. 2026-11")
	}
	p.month(text)
	if err := p.done(); err != nil {
		return nil, err
	}
	start, err := time.Parse("2006-01", text)
	if err != nil {
		return nil, senseless("month: %s is no month; one is e.g. 2026-11", quote(text))
	}
	parts, err := of.Statement(ledger.MonthOf(start))
	if err != nil {
		return nil, err
	}
	if len(parts) == 0 {
		return nil, &answer.RefusedError{Reason: answer.Missing, Sentence: "the ledger has no statement of " + text + ": one is sealed two days after the month's end, if the ledger had begun by then"}
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if f == bundleForm {
		return bundledStatement(of, text, parts[0].Month)
	}
	s, err := statedOf(parts)
	if err != nil {
		return nil, err
	}
	write := s.writeJSON
	switch f.name {
	case csvForm.name:
		write = s.writeCSV
	case focusForm.name:
		write = func(w io.Writer) error { return writeFocus(w, version, s.rows) }
	}
	return &Document{MediaType: f.media, FileName: fileName("statement", text, parts[0].Month.End.Time, f), write: write, Size: int64(len(s.rows)+1) * 2 * billLineBytes}, nil
}

// bundledStatement is the statement of a month with its proofs.
func bundledStatement(of Statements, text string, month ledger.Period) (*Document, error) {
	b, err := of.StatementBundle(month)
	if err != nil {
		return nil, err
	}
	write := func(w io.Writer) error {
		_, err := b.WriteTo(w)
		return err
	}
	return &Document{MediaType: bundleForm.media, FileName: fileName("statement", text, month.End.Time, bundleForm), write: write, Size: bundleSize}, nil
}

// stated is a statement that is written.
type stated struct {
	parts []ledger.StatementPart
	rows  []focusRow
	entry []int64 // by row
	refs  []*int64
}

// statedOf reads what a statement says. That it reads as what lineaged writes is not proved by its signature.
func statedOf(parts []ledger.StatementPart) (*stated, error) {
	s := &stated{parts: parts}
	bill := &usage.Bill{}
	if parts[0].Currency != nil {
		bill.Tariff.Currency = *parts[0].Currency
	}
	bill.Tariff.Rules = rulesOf(parts[0].Rules)
	for _, p := range parts {
		for i := range p.Lines {
			l, err := statedLine(&p.Lines[i])
			if err != nil {
				return nil, fmt.Errorf("entry %d: %w", p.Index, err)
			}
			bill.Lines = append(bill.Lines, *l)
			s.entry, s.refs = append(s.entry, p.Index), append(s.refs, p.Lines[i].Corrects)
		}
	}
	own := usage.Bill{Tariff: bill.Tariff}
	for i, l := range bill.Lines {
		if s.refs[i] == nil {
			own.Lines = append(own.Lines, l)
		}
	}
	for i, k, whole := 0, 0, focusOf(&own); i < len(bill.Lines); i++ {
		if s.refs[i] == nil {
			s.rows = append(s.rows, whole[k])
			k++
			continue
		}
		l := &bill.Lines[i]
		s.rows = append(s.rows, focusRow{
			Line: l, tariff: &bill.Tariff, billed: parts[0].Month.Start.Time, corrects: "entry " + strconv.FormatInt(*s.refs[i], 10) + " of the ledger; statement of " + l.Start.Format("2006-01"),
		})
	}
	return s, nil
}

func rulesOf(all []ledger.BillRule) (out usage.Rules) {
	for _, r := range all {
		switch m, _ := usage.ParseMeter(r.Meter); m {
		case usage.Ingress:
			out.Write = r.Payer
		case usage.Egress:
			out.Read = r.Payer
		case usage.Storage:
			out.Storage = r.Payer
		default:
		}
	}
	return out
}

func statedLine(l *ledger.BillLine) (*usage.Line, error) {
	meter, known := usage.ParseMeter(l.Meter)
	basis, ok := usage.ParseBasis(l.Basis)
	count, whole := new(big.Int).SetString(l.Count, 10)
	if !known || !ok || !whole {
		return nil, fmt.Errorf("a line of the statement is of %s, %s, %s, which this lineaged does not know", quote(l.Meter), quote(l.Basis), quote(l.Count))
	}
	out := &usage.Line{
		Topic: usage.Topic{Cluster: l.Cluster, ID: l.Topic, Name: nameOfTopic(l.Topic)}, Nobody: l.Owner == nil, Meter: meter, Basis: basis, Start: l.Start.Time, End: l.End.Time,
		Count: count, Observed: l.Observed, Of: l.Hours,
	}
	if l.Owner != nil {
		out.Owner = *l.Owner
	}
	for _, x := range []struct {
		text *string
		into **usage.Decimal
	}{{l.Price, &out.Price}, {l.Cost, &out.Cost}} {
		if x.text == nil {
			continue
		}
		d, err := usage.ReadDecimal(*x.text)
		if err != nil {
			return nil, err
		}
		*x.into = &d
	}
	return out, nil
}

func nameOfTopic(id string) string {
	if n, err := lineage.ParseNodeID(id); err == nil {
		return n.Name
	}
	return id
}

func (s *stated) head() []string {
	first, last := s.entry0(), s.parts[len(s.parts)-1].Index
	return []string{
		formatStatement + ", version " + strconv.Itoa(formatVersion), "month: " + s.parts[0].Month.Start.Format("2006-01"),
		fmt.Sprintf("sealed in the ledger as entries %d to %d: lineaged audit prove proves each", first, last),
	}
}

func (s *stated) entry0() int64 { return s.parts[0].Index }

// statedJSON is a line of a statement as JSON has it.
type statedJSON struct {
	billLine
	Entry    int64  `json:"entry"`
	Corrects *int64 `json:"corrects"`
}

func (s *stated) line(i int) statedJSON {
	r := &s.rows[i]
	d := billed{Bill: &answer.Bill{Bill: &usage.Bill{Tariff: *r.tariff}}}
	return statedJSON{d.line(r.Line), s.entry[i], s.refs[i]}
}

func (s *stated) writeJSON(w io.Writer) error {
	o := &object{w: w}
	o.field("format", formatStatement)
	o.field("version", formatVersion)
	o.field("month", s.parts[0].Month.Start.Format("2006-01"))
	o.field("currency", s.parts[0].Currency)
	o.field("entries", []int64{s.entry0(), s.parts[len(s.parts)-1].Index})
	lines := make([]statedJSON, len(s.rows))
	for i := range lines {
		lines[i] = s.line(i)
	}
	list(o, "lines", lines)
	return o.end()
}

func (s *stated) writeCSV(w io.Writer) error {
	t := &table{w: w}
	t.comments(s.head())
	t.line(strings.Join(append(append([]string(nil), billColumns...), "entry", "corrects"), ","))
	for i := range s.rows {
		l := s.line(i)
		cells := []string{
			cell(visible(l.Cluster)), cell(visible(word(l.Owner))), strconv.FormatBool(l.Unattributed), cell(l.Topic), cell(visible(l.TopicName)), l.Meter, l.Unit, l.Quantity, l.Basis,
			word(l.Price), word(l.Cost), word(s.parts[0].Currency), l.Payer, instant(l.Start), instant(l.End), strconv.Itoa(l.ObservedHours), strconv.Itoa(l.Hours),
			strconv.FormatInt(l.Entry, 10), whole(l.Corrects),
		}
		t.line(strings.Join(cells, ","))
	}
	return t.err
}
