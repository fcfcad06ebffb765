package cast

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// render makes the table: a row for each actor, a column for each lineaged.
func (w *World) render(columns []Column) string {
	var b strings.Builder
	b.WriteString("| with |")
	for _, col := range columns {
		b.WriteString(" " + col.Name + " |")
	}
	b.WriteString("\n|" + strings.Repeat("---|", len(columns)+1) + "\n")
	for _, actor := range append(slices.Clip(w.Cast), Actor{What: "**records that are nobody's**"}) {
		what := actor.What
		switch {
		case actor.Reads:
			what = "reader: " + what
		case actor.Name != "":
			what = "writer: " + what
		}
		b.WriteString("| " + what + " |")
		for _, col := range columns {
			b.WriteString(" " + col.Cells[actor.Name] + " |")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// plain takes away what a count may be short of exact by.
var plain = strings.NewReplacer(" ~", "", " ≤", "", " ≥", "")

// Table holds the table against a page, where it stands between the lines that name by what it is made; update writes
// it there.
func (w *World) Table(t testing.TB, columns []Column, page, by string, update bool) {
	t.Helper()
	table := w.render(columns)
	t.Log("\n" + table)
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- made by `"+by+"`: begin -->\n", "<!-- made by `"+by+"`: end -->"
	before, rest, ok := strings.Cut(string(text), begin)
	was, after, ok2 := strings.Cut(rest, end)
	switch {
	case !ok || !ok2:
		t.Fatalf("%s has no place for the table", page)
	case update:
		if err := os.WriteFile(page, []byte(before+begin+table+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	case plain.Replace(was) != plain.Replace(table) || strings.Count(table, "~") > strings.Count(was, "~"):
		// a producer id may be concluded to be the client that grew with it, and what was bounded be exact
		t.Errorf("%s has another table:\n%s", page, was)
	}
}
