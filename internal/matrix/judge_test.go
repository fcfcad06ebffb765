package matrix

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

// told is what lineaged says of one side of a cell.
type told struct {
	node      string // at the other end of the flow; empty: there is no flow
	records   *int64
	estimated bool
	details   []string
}

// verdict is a cell's result.
type verdict struct {
	lacks string // why the library can't do it
	truth int64
	told  told
	named bool // the node is the one that it should be
	// what breaks the promise: a reader that left a trace is found, and its count is exact or a stated bound that holds
	// the truth
	wrong error
}

// looseBound is how far an estimate may be off that is no bound: a count of a transaction's records is told from one to
// as many markers as it may have had.
const looseBound = 0.03

// judge compares what was told with the truth.
func judge(t told, truth int64) error {
	switch {
	case t.node == "":
		return fmt.Errorf("no flow, in truth %d", truth)
	case t.records == nil && len(t.details) == 0:
		return fmt.Errorf("no count and no reason, in truth %d", truth)
	case t.records == nil:
		return nil
	case !t.estimated && *t.records != truth:
		return fmt.Errorf("%d said to be exact, in truth %d", *t.records, truth)
	case !t.estimated:
		return nil
	case len(t.details) == 0:
		return fmt.Errorf("estimated without a reason (%d, in truth %d)", *t.records, truth)
	}
	most, least := t.says("at most"), t.says("at least")
	switch {
	case most && !least && *t.records < truth:
		return fmt.Errorf("at most %d said, in truth %d", *t.records, truth)
	case least && !most && *t.records > truth:
		return fmt.Errorf("at least %d said, in truth %d", *t.records, truth)
	case !most && !least && math.Abs(float64(*t.records-truth)) > looseBound*float64(truth):
		return fmt.Errorf("about %d said, in truth %d", *t.records, truth)
	}
	return nil
}

func (t told) says(words string) bool {
	return slices.ContainsFunc(t.details, func(d string) bool { return strings.Contains(d, words) })
}

// String is the cell in the table. notes collects the reasons that it refers to.
func (v verdict) text(notes *notes) string {
	switch {
	case v.lacks != "":
		return "–" + notes.mark(v.lacks)
	case v.told.node == "":
		return "**missing**"
	}
	text := "✓"
	if !v.named {
		text = "○"
	}
	switch t := v.told; {
	case t.records == nil:
		text += " ?" + notes.mark(strings.Join(t.details, "; "))
	case !t.estimated:
		text += fmt.Sprintf(" %+d", *t.records-v.truth)
	default:
		bound := "≈"
		if most, least := t.says("at most"), t.says("at least"); most != least {
			bound = map[bool]string{true: "≤", false: "≥"}[most]
		}
		text += fmt.Sprintf(" %s %+d", bound, *t.records-v.truth) + notes.mark(strings.Join(t.details, "; "))
	}
	if v.wrong != nil {
		text = "**" + text + "**"
	}
	return strings.Replace(text, "+0", "0", 1)
}

// notes numbers the reasons of a table, each once.
type notes struct{ texts []string }

func (n *notes) mark(text string) string {
	i := slices.Index(n.texts, text)
	if i < 0 {
		i = len(n.texts)
		n.texts = append(n.texts, text)
	}
	return fmt.Sprintf(" <sup>%d</sup>", i+1)
}

// render makes the section of docs/evidence.md.
func render(verdicts map[string]verdict, heading string) string {
	var b strings.Builder
	n := &notes{}
	fmt.Fprintf(&b, "%s\n", heading)
	for i, names := range tables {
		fmt.Fprintf(&b, "\n| %s |", []string{"reader", "untidy reader", "writer"}[i])
		for _, name := range names {
			fmt.Fprintf(&b, " %s |", columnOf(name).head)
		}
		b.WriteString("\n|---|" + strings.Repeat("---|", len(names)) + "\n")
		for _, l := range libraries {
			fmt.Fprintf(&b, "| %s |", l.said)
			for _, name := range names {
				fmt.Fprintf(&b, " %s |", verdicts[cell{l, columnOf(name)}.base()].text(n))
			}
			b.WriteString("\n")
		}
	}
	b.WriteString("\n")
	for i, text := range n.texts {
		fmt.Fprintf(&b, "%d. %s\n", i+1, strings.ReplaceAll(text, "\n", " "))
	}
	return b.String()
}

func columnOf(name string) column {
	return columns[slices.IndexFunc(columns, func(c column) bool { return c.name == name })]
}

const (
	beginMarker = "<!-- made by `make matrix`: begin -->"
	endMarker   = "<!-- made by `make matrix`: end -->"
)

// place puts the section between the markers of a page.
func place(page, section string) (string, error) {
	begin, end := strings.Index(page, beginMarker), strings.Index(page, endMarker)
	if begin < 0 || end < begin {
		return "", fmt.Errorf("the page has no markers")
	}
	return page[:begin+len(beginMarker)] + "\n" + section + page[end:], nil
}

func TestJudge(t *testing.T) {
	t.Parallel()
	n := func(n int64) *int64 { return &n }
	for _, x := range []struct {
		what string
		told told
		want string // part of the complaint; empty: none
	}{
		{"exact", told{node: "a", records: n(600)}, ""},
		{"exact and wrong", told{node: "a", records: n(599)}, "said to be exact"},
		{"missing", told{}, "no flow"},
		{"not known, without a word", told{node: "a"}, "no count and no reason"},
		{"not known, said", told{node: "a", details: []string{"nobody can tell"}}, ""},
		{"a bound that holds", told{node: "a", records: n(700), estimated: true, details: []string{"at most"}}, ""},
		{"a bound that does not", told{node: "a", records: n(500), estimated: true, details: []string{"at most"}}, "at most 500"},
		{"a lower bound that holds", told{node: "a", records: n(500), estimated: true, details: []string{"x", "at least"}}, ""},
		{"a lower bound that does not", told{node: "a", records: n(700), estimated: true, details: []string{"at least"}}, "at least 700"},
		{"near", told{node: "a", records: n(605), estimated: true, details: []string{"markers"}}, ""},
		{"not near", told{node: "a", records: n(700), estimated: true, details: []string{"markers"}}, "about 700"},
		{"no reason", told{node: "a", records: n(600), estimated: true}, "without a reason"},
	} {
		err := judge(x.told, 600)
		if (err == nil) != (x.want == "") || err != nil && !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s: %v, want %q", x.what, err, x.want)
		}
	}
}

func TestTheTable(t *testing.T) {
	t.Parallel()
	n := int64(602)
	verdicts := map[string]verdict{}
	for _, l := range libraries {
		for _, c := range columns {
			verdicts[cell{l, c}.base()] = verdict{truth: 600, told: told{node: "x", records: &n, estimated: true, details: []string{"at most so many"}}, named: true}
		}
	}
	verdicts["kafkajs.share"] = verdict{lacks: "speaks no such thing"}
	verdicts["sarama.group"] = verdict{truth: 600}
	page, err := place("a\n"+beginMarker+"\nold\n"+endMarker+"\nz\n", render(verdicts, "Made."))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"a\n" + beginMarker + "\nMade.\n", "| untidy reader | shorter than a tick |", "| IBM/sarama 1.61.1 | **missing** | ✓ ≤ +2 <sup>1</sup> |", "– <sup>2</sup>", "\n1. at most so many\n2. speaks no such thing\n" + endMarker + "\nz\n",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in\n%s", want, page)
		}
	}
	if strings.Contains(page, "old") {
		t.Error("the old table stands")
	}
}
