package export

import (
	"context"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/usage"
)

const (
	formatBill = "lineaged-bill"
	// billLineBytes is about what a line of a bill takes while its document is written.
	billLineBytes = 400
)

var (
	focusForm = form{"focus", "text/csv; charset=utf-8; header=present", "focus.csv"}
	billForms = []form{focusForm, csvForm, jsonForm}
)

// BillFormats are the forms of a bill.
func BillFormats() []string { return namesOf(billForms) }

// FocusVersions are the versions of FOCUS that a bill is written in, the usual one first.
var FocusVersions = []string{focus12, focus13}

// billQuestion is what a bill is asked to be of.
type billQuestion struct {
	span    answer.Span
	cluster string
	by      usage.Grouping
	form    form
	version string // of FOCUS
}

var groupings = map[string]usage.Grouping{"OWNER_AND_TOPIC": usage.ByOwnerAndTopic, "OWNER": usage.ByOwner, "TOPIC": usage.ByTopic}

func (r *reader) bill() billQuestion {
	q := billQuestion{form: r.form(billForms)}
	month, hasMonth := r.one("month")
	q.span = r.span()
	if hasMonth {
		for _, other := range []string{"last", "at", "start", "end"} {
			if r.values.Has(other) {
				r.fail("month", month, "stands beside another window: give one of month, last, or start with end, or at")
			}
		}
		q.span = r.month(month)
	}
	q.cluster, _ = r.one("cluster")
	if text, ok := r.one("groupBy"); ok {
		if q.by, ok = groupings[strings.ToUpper(text)]; !ok {
			r.fail("groupBy", text, "is none of OWNER, TOPIC, OWNER_AND_TOPIC")
		}
	}
	q.version = r.focusVersion(q.form)
	if q.form.name == focusForm.name && q.by != usage.ByOwnerAndTopic {
		r.fail("groupBy", r.values.Get("groupBy"), "is not for format focus, which has all lines")
	}
	return q
}

// focusVersion reads which version of FOCUS is asked for.
func (r *reader) focusVersion(f form) string {
	version, ok := r.one("version")
	switch {
	case !ok:
		return focus12
	case f.name != focusForm.name:
		r.fail("version", version, "is for format focus only")
	case version != focus12 && version != focus13:
		r.fail("version", version, "is none of %s", strings.Join(FocusVersions, ", "))
	}
	return version
}

// month reads a calendar month in UTC.
func (r *reader) month(text string) answer.Span {
	start, err := time.Parse("2006-01", text)
	if err != nil || start.Year() < 1970 || start.Year() > 2199 {
		r.fail("month", text, "is no month; one is e.g. 2026-11")
		return answer.Span{}
	}
	return answer.Between(start, start.AddDate(0, 1, 0))
}

// Bill returns the document of what was used, by whom, and what it costs.
func (e *Exporter) Bill(ctx context.Context, params url.Values) (*Document, error) {
	p := &reader{values: params}
	q := p.bill()
	if err := p.done(); err != nil {
		return nil, err
	}
	b, err := e.answers.Bill(ctx, q.span, q.cluster)
	if err != nil {
		return nil, err
	}
	d := &billed{Bill: b, lines: b.By(q.by), coverage: coverageOf(b.Over, b.Scope)}
	write := d.writeJSON
	switch q.form.name {
	case csvForm.name:
		write = d.writeCSV
	case focusForm.name:
		write = func(w io.Writer) error { return writeFocus(w, q.version, focusOf(b.Bill)) }
	}
	return &Document{
		MediaType: q.form.media, FileName: fileName("bill", q.cluster, b.End, q.form), write: write, Size: int64(len(d.lines)+1)*billLineBytes + flowBytes,
	}, nil
}

// billed is a bill that is written.
type billed struct {
	*answer.Bill
	lines    []usage.Line
	coverage coverage
}

// billLine is a line as JSON has it; docs/format/export.md says what each field is.
type billLine struct {
	Cluster       string    `json:"cluster"`
	Owner         *string   `json:"owner"`
	Unattributed  bool      `json:"unattributed"`
	Topic         string    `json:"topic,omitempty"`
	TopicName     string    `json:"topicName,omitempty"`
	Meter         string    `json:"meter"`
	Unit          string    `json:"unit"`
	Quantity      string    `json:"quantity"`
	Basis         string    `json:"basis"`
	Price         *string   `json:"price"`
	Cost          *string   `json:"cost"`
	Payer         string    `json:"payer"`
	Start         time.Time `json:"start"`
	End           time.Time `json:"end"`
	ObservedHours int       `json:"observedHours"`
	Hours         int       `json:"hours"`
}

func (d *billed) line(l *usage.Line) billLine {
	out := billLine{
		Cluster: l.Cluster, Unattributed: l.Nobody, Topic: l.ID, TopicName: l.Name, Meter: l.Meter.String(), Unit: l.Meter.Unit(), Quantity: l.Quantity().String(),
		Basis: l.Basis.String(), Price: money(l.Price), Cost: money(l.Cost), Payer: d.Tariff.Of(l.Meter), Start: l.Start, End: l.End, ObservedHours: l.Observed, Hours: l.Of,
	}
	if l.Owner != "" {
		out.Owner = &l.Owner
	}
	return out
}

func money(d *usage.Decimal) *string {
	if d == nil {
		return nil
	}
	return new(d.String())
}

func (d *billed) writeJSON(w io.Writer) error {
	type total struct {
		Cluster        string  `json:"cluster"`
		Meter          string  `json:"meter"`
		Unit           string  `json:"unit"`
		Quantity       *string `json:"quantity"`
		Unattributed   *string `json:"unattributed"`
		Cost           *string `json:"cost"`
		ObservedHours  int     `json:"observedHours"`
		UntoldHours    int     `json:"untoldHours"`
		Hours          int     `json:"hours"`
		UnsizedRecords *int64  `json:"unsizedRecords,omitempty"`
	}
	o := &object{w: w}
	o.field("format", formatBill)
	o.field("version", formatVersion)
	o.field("window", windowOf(d.Window()))
	o.field("coverage", d.coverage)
	o.field("currency", d.Tariff.Currency)
	o.field("cost", money(d.Cost()))
	totals := make([]total, 0, len(d.Clusters))
	for i := range d.Clusters {
		t := &d.Clusters[i]
		x := total{Cluster: t.Cluster, Meter: t.Meter.String(), Unit: t.Meter.Unit(), Cost: money(t.Cost), ObservedHours: t.Observed, UntoldHours: t.Untold, Hours: t.Of}
		if t.Known() {
			all, nobody := t.Meter.Quantity(t.Count), t.Meter.Quantity(t.Unattributed)
			x.Quantity, x.Unattributed = money(&all), money(&nobody)
		}
		if t.Meter == usage.Ingress {
			x.UnsizedRecords = &t.Unsized
		}
		totals = append(totals, x)
	}
	list(o, "totals", totals)
	o.name("lines")
	lead := "["
	for i := range d.lines {
		o.text(lead + "\n    ")
		o.value(d.line(&d.lines[i]))
		lead = ","
	}
	if len(d.lines) == 0 {
		o.text("[")
	}
	o.text("\n  ]")
	return o.end()
}

var billColumns = []string{
	"cluster", "owner", "unattributed", "topic", "topic_name", "meter", "unit", "quantity", "basis", "price", "cost", "currency", "payer", "start", "end", "observed_hours", "hours",
}

func (d *billed) writeCSV(w io.Writer) error {
	t := &table{w: w}
	head := []string{formatBill + ", version " + strconv.Itoa(formatVersion), windowOf(d.Window()).line()}
	head = append(head, d.coverage.lines(len(d.coverage.Gaps), len(d.coverage.BlindSpots))...)
	for i := range d.Clusters {
		c := &d.Clusters[i]
		of := c.Meter.Called() + " of " + visible(c.Cluster) + ": "
		if !c.Known() {
			said := "not observed"
			if c.Untold > 0 {
				said = "not known, as of somebody it is not in " + plural(c.Untold, "hour") + ", and of the others it is none"
			}
			if c.Lacks > 0 {
				said = "not known, as no size is of " + strconv.FormatInt(c.Lacks, 10) + " records that moved"
			}
			head = append(head, of+said)
			continue
		}
		said := of + c.Meter.Quantity(c.Count).String() + " " + c.Meter.Unit() + ", of it unattributed " + c.Meter.Quantity(c.Unattributed).String() +
			", observed in " + strconv.Itoa(c.Observed) + " of " + plural(c.Of, "hour")
		if c.Untold > 0 {
			said += ", at least: in " + plural(c.Untold, "hour") + " of these it is not known what somebody used"
		}
		if c.Unsized > 0 {
			said += ", without the bytes of " + strconv.FormatInt(c.Unsized, 10) + " records whose size is not known"
		}
		head = append(head, said)
	}
	t.comments(head)
	t.row(append([]string(nil), billColumns...)...)
	for i := range d.lines {
		l := d.line(&d.lines[i])
		t.row(
			visible(l.Cluster), visible(word(l.Owner)), strconv.FormatBool(l.Unattributed), l.Topic, visible(l.TopicName), l.Meter, l.Unit, l.Quantity, l.Basis, word(l.Price), word(l.Cost),
			d.Tariff.Currency, l.Payer, instant(l.Start), instant(l.End), strconv.Itoa(l.ObservedHours), strconv.Itoa(l.Hours),
		)
	}
	return t.err
}
