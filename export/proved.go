package export

import (
	"cmp"
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lineaged/lineaged/ledger"
)

// This file writes what a verified bundle of the ledger proves: each form says of which topic and window, by which key,
// and what is not said or was not observed.

const formatProved = "lineaged-proved"

// ProvedForms are the forms of what a bundle proves.
func ProvedForms() map[string]func(io.Writer, *ledger.Proved) error {
	return map[string]func(io.Writer, *ledger.Proved) error{"csv": provedCSV, "json": provedJSON, "html": provedHTML}
}

// Doubts says in sentences what a bundle does not prove.
func Doubts(b *ledger.Proved) (lines []string) {
	if !b.Begins.IsZero() {
		lines = append(lines, "the ledger begins at "+instant(b.Begins)+": of the time before, nothing is said")
	}
	if !b.Until.IsZero() {
		lines = append(lines, "periods are closed until "+instant(b.Until)+": of the time after, nothing is said yet")
	}
	if b.Amendable {
		lines = append(lines, "amendments of this window could still come when the bundle was made")
	}
	if !slices.ContainsFunc(b.Periods, func(p ledger.Said) bool { return len(p.Usage)+len(p.Administered) > 0 }) {
		lines = append(lines, "no entry is about "+b.Topic+": it was not seen to be used as far as its cluster was observed, or nothing was called so")
	}
	for i := range b.Periods {
		p := &b.Periods[i]
		of := instant(p.Period.Start.Time) + " to " + instant(p.Period.End.Time)
		switch c := p.Coverage; {
		case c == nil:
			lines = append(lines, "of "+of+" it is not said what was observed")
		case c.Observed == 0:
			lines = append(lines, "of "+of+" nothing was observed")
		case !c.Complete:
			lines = append(lines, "of "+of+" "+percent(float64(c.Observed)/1e6)+" was observed, "+plural(c.GapCount, "gap"))
		}
	}
	return lines
}

// spots are the blind spots of all periods, each once.
func spots(b *ledger.Proved) (out []string) {
	for _, p := range b.Periods {
		if p.Coverage == nil {
			continue
		}
		for _, s := range p.Coverage.BlindSpots {
			if line := s.Source + ": " + s.What; !slices.Contains(out, line) {
				out = append(out, line)
			}
		}
	}
	return out
}

// provedGaps says what nobody saw: gaps of several sources of one time and one reason in one sentence.
func provedGaps(c *ledger.Coverage) (out []string) {
	type gap struct {
		start, end time.Time
		reason     string
	}
	sources := map[gap][]string{}
	var order []gap
	for _, g := range c.Gaps {
		k := gap{g.Start.Time, g.End.Time, g.Reason}
		if sources[k] == nil {
			order = append(order, k)
		}
		sources[k] = append(sources[k], g.Source)
	}
	for _, k := range order {
		out = append(out, "gap: "+instant(k.start)+" to "+instant(k.end)+", "+strings.Join(sources[k], " ")+": "+k.reason)
	}
	if more := c.GapCount - len(c.Gaps); more > 0 {
		out = append(out, "gaps: "+strconv.Itoa(more)+" more")
	}
	return out
}

func provedHead(b *ledger.Proved) []string {
	lines := []string{
		formatProved + ", version " + strconv.Itoa(formatVersion), "topic: " + b.Topic,
		"window: " + instant(b.Window.Start.Time) + " to " + instant(b.Window.End.Time),
		"signed by: " + b.Key, "key fingerprint (SHA-256): " + b.Fingerprint,
		fmt.Sprintf("checkpoint: %s, entries: %d", b.Checkpoint.Origin, b.Checkpoint.Size),
		"this file is made of a verified bundle, and is not signed itself: keep the bundle",
	}
	for _, d := range Doubts(b) {
		lines = append(lines, "coverage: "+visible(d))
	}
	for _, p := range b.Periods {
		if p.Coverage == nil {
			continue
		}
		for _, g := range provedGaps(p.Coverage) {
			lines = append(lines, visible(g))
		}
	}
	for _, s := range spots(b) {
		lines = append(lines, "blind spot: "+visible(s))
	}
	return lines
}

var provedColumns = []string{
	"period_start", "period_end", "closed", "entry", "operation", "node", "active", "records", "estimated", "bytes_estimated", "skipped", "lost", "observed_fraction", "owner", "tags", "topic_owner", "topic_tags",
	"evidence", "clients", "client_ids", "groups", "principals", "hosts", "administered", "times", "told", "logged",
}

func provedCSV(w io.Writer, b *ledger.Proved) error {
	t := &table{w: w}
	t.comments(provedHead(b))
	t.row(slices.Clone(provedColumns)...)
	for _, p := range b.Periods {
		for i := range p.Usage {
			t.row(provedCells(&p, &p.Usage[i])...)
		}
		for i := range p.Administered {
			t.row(administeredCells(&p, &p.Administered[i])...)
		}
	}
	return t.err
}

// administeredCells are those of who was allowed to administer the topic.
func administeredCells(p *ledger.Said, a *ledger.Administration) []string {
	cells := map[string]string{
		"period_start": instant(p.Period.Start.Time), "period_end": instant(p.Period.End.Time), "closed": instant(p.Closed), "operation": "administer",
		"principals": told(a.Principal), "hosts": told(a.Host), "administered": whatAdministered(a), "times": strconv.FormatInt(a.Times, 10), "told": instant(a.At.Time),
	}
	if a.Logged != nil {
		cells["logged"] = instant(a.Logged.Time)
	}
	out := make([]string, len(provedColumns))
	for i, c := range provedColumns {
		out[i] = cells[c]
	}
	return out
}

// whatAdministered says what somebody was allowed to do.
func whatAdministered(a *ledger.Administration) string {
	out := told(a.Operation) + " " + visible(a.Name)
	if a.Request != nil {
		out += ", for " + visible(*a.Request)
	}
	return out
}

func provedCells(p *ledger.Said, s *ledger.Statement) []string {
	var evidence []string
	for _, e := range s.Evidence {
		evidence = append(evidence, e.Kind+" since "+instant(e.Since.Time)+detailed(e.Detail))
	}
	of := func(field func(*ledger.Client) *string) string {
		var all []string
		for i := range s.Clients {
			if v := field(&s.Clients[i]); v != nil && !slices.Contains(all, visible(*v)) {
				all = append(all, visible(*v))
			}
		}
		return strings.Join(all, " ")
	}
	return []string{
		instant(p.Period.Start.Time), instant(p.Period.End.Time), instant(p.Closed), strconv.FormatInt(s.Index, 10), s.Operation, s.Node, yes(s.Active),
		whole(s.Records), strconv.FormatBool(s.Estimated), whole(s.Bytes), whole(s.Skipped), whole(s.Lost), strconv.FormatFloat(float64(s.Observed)/1e6, 'f', -1, 64),
		told(s.Owner), visible(strings.Join(s.Tags, " ")), told(s.TopicOwner), visible(strings.Join(s.TopicTags, " ")), strings.Join(evidence, "; "), strconv.Itoa(s.ClientCount),
		of(func(c *ledger.Client) *string { return c.ClientID }), of(func(c *ledger.Client) *string { return c.Group }),
		of(func(c *ledger.Client) *string { return c.Principal }), of(func(c *ledger.Client) *string { return c.Host }), "", "", "", "",
	}
}

func detailed(s *string) string {
	if s == nil {
		return ""
	}
	return " (" + visible(*s) + ")"
}

func told(s *string) string {
	if s == nil {
		return ""
	}
	return visible(*s)
}

// provedPeriod is a period as JSON has it.
type provedPeriod struct {
	Start        time.Time               `json:"start"`
	End          time.Time               `json:"end"`
	Closed       time.Time               `json:"closed"`
	Amendments   int                     `json:"amendments"`
	Coverage     *ledger.Coverage        `json:"coverage"`
	Usage        []ledger.Statement      `json:"usage"`
	Administered []ledger.Administration `json:"administered"`
}

func provedJSON(w io.Writer, b *ledger.Proved) error {
	o := &object{w: w}
	o.field("format", formatProved)
	o.field("version", formatVersion)
	o.field("topic", b.Topic)
	o.field("window", b.Window)
	o.field("key", b.Key)
	o.field("keyFingerprint", b.Fingerprint)
	o.field("checkpoint", string(b.Checkpoint.Text))
	o.field("ledgerBegins", timeOrNil(b.Begins))
	o.field("closedUntil", timeOrNil(b.Until))
	o.field("amendable", b.Amendable)
	o.field("notProved", append([]string{}, Doubts(b)...))
	periods := make([]provedPeriod, len(b.Periods))
	for i, p := range b.Periods {
		periods[i] = provedPeriod{p.Period.Start.Time, p.Period.End.Time, p.Closed, p.Amended, p.Coverage, append([]ledger.Statement{}, p.Usage...), append([]ledger.Administration{}, p.Administered...)}
	}
	list(o, "periods", periods)
	return o.end()
}

//go:embed proved.html
var provedPage string

var provedTemplate = template.Must(template.New("proved").Funcs(template.FuncMap{
	"instant": func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 MST") },
	"number": func(n *int64) string {
		if n == nil {
			return "not known"
		}
		return strconv.FormatInt(*n, 10)
	},
	"told":         func(s *string) string { return cmp.Or(told(s), "–") },
	"visible":      visible,
	"administered": whatAdministered,
	"gaps":         provedGaps,
	"percent":      func(n int64) string { return percent(float64(n) / 1e6) },
	"moved": func(b *bool) string {
		if b == nil {
			return "not known whether it moved anything"
		}
		return ""
	},
}).Parse(provedPage))

func provedHTML(w io.Writer, b *ledger.Proved) error {
	err := provedTemplate.Execute(w, map[string]any{"B": b, "Doubts": Doubts(b), "Spots": spots(b)})
	if err != nil {
		return fmt.Errorf("write a page: %w", err)
	}
	return nil
}
