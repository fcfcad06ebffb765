package catalog

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// anything returns a text of letters that are awkward somewhere.
func anything(r *rand.Rand, field lineage.Field) string {
	letters := []string{"=", "+", "-", "@", "'", `"`, ",", ";", "; ", " ", "#", "a", "ü", "＝", "(", ":", "null", "1", "~", "\n", "{", "|"}
	for {
		var b strings.Builder
		for range 1 + r.IntN(6) {
			b.WriteString(letters[r.IntN(len(letters))])
		}
		if Check(lineage.Change{Slot: lineage.Slot{Field: field}, Texts: []string{b.String()}}) == nil {
			return b.String()
		}
	}
}

// TestSheetsAreReadAsTheyAreWritten: whatever is said, importing what was exported changes nothing, and on an empty log
// it makes the same.
func TestSheetsAreReadAsTheyAreWritten(t *testing.T) {
	for seed := range uint64(25) {
		r := rand.New(rand.NewPCG(seed, 3))
		l := open(t, t.TempDir())
		var drafts []Draft
		for i := range 1 + r.IntN(4) {
			d := Draft{Node: lineage.Node{Scope: "west", Kind: lineage.TopicNode, Name: fmt.Sprint("t,", i)}}
			for _, f := range []lineage.Field{lineage.OwnerField, lineage.ContactField, lineage.DescriptionField} {
				if r.IntN(2) == 0 {
					d.Changes = append(d.Changes, lineage.Change{Slot: lineage.Slot{Field: f}, Texts: []string{anything(r, f)}})
				}
			}
			list := []string{}
			for k := range r.IntN(3) {
				list = append(list, anything(r, lineage.TagsField)+fmt.Sprint(k))
			}
			d.Changes = append(d.Changes, lineage.Change{Slot: tags, Texts: list}, lineage.Change{Slot: lineage.Slot{Field: lineage.PropertyField, Key: fmt.Sprint("k", i)}, Texts: []string{anything(r, lineage.OwnerField)}})
			drafts = append(drafts, d)
		}
		if _, err := l.Put(drafts, "", noon); err != nil {
			t.Fatal(err)
		}
		var rows []Sheet
		for _, n := range l.Edits().Nodes() {
			rows = append(rows, Sheet{Node: n, Edited: l.Edits().Now(n), Owner: "=now()", Tags: []string{"-1"}})
		}
		for name, form := range map[string]struct {
			write func(*bytes.Buffer) error
			read  func(*bytes.Buffer) ([]Row, error)
		}{
			"csv":  {func(b *bytes.Buffer) error { return WriteCSV(b, []string{"node,version", "=1"}, rows) }, func(b *bytes.Buffer) ([]Row, error) { return ReadCSV(b) }},
			"yaml": {func(b *bytes.Buffer) error { return WriteYAML(b, []string{"- node: x"}, rows) }, func(b *bytes.Buffer) ([]Row, error) { return ReadYAML(b) }},
		} {
			var b bytes.Buffer
			if err := form.write(&b); err != nil {
				t.Fatal(err)
			}
			text := b.String()
			read, err := form.read(&b)
			if err != nil || len(read) != len(rows) {
				t.Fatalf("seed %d, %s: %d rows, %v in\n%s", seed, name, len(read), err, text)
			}
			var again []Draft
			for _, x := range read {
				again = append(again, x.Draft)
			}
			if made, err := l.Try(again); err != nil || len(made) > 0 {
				t.Fatalf("seed %d, %s: it would make %d edits, %v, of\n%s", seed, name, len(made), err, text)
			}
			other := open(t, t.TempDir())
			for i := range again {
				again[i].Expected = nil
			}
			if _, err := other.Put(again, "", noon); err != nil {
				t.Fatal(err)
			}
			for _, n := range l.Edits().Nodes() {
				for s, want := range l.Edits().Now(n).Slots {
					if got := other.Edits().Now(n).Slots[s].Texts; !reflect.DeepEqual(got, want.Texts) {
						t.Fatalf("seed %d, %s: %s of %s became %q from %q in\n%s", seed, name, s, n.Name, got, want.Texts, text)
					}
				}
			}
		}
	}
}

func TestNoCellIsAFormula(t *testing.T) {
	l := open(t, t.TempDir())
	for i, text := range []string{"=1+1", "+1", "-1", "@x", "'=1", "a;=1", `a; "=1`, "＝1"} {
		put(t, l, lineage.Node{Scope: "west", Kind: lineage.TopicNode, Name: fmt.Sprint("t", i)}, noon, "", lineage.Change{Slot: owner, Texts: []string{text}})
	}
	var rows []Sheet
	for _, n := range l.Edits().Nodes() {
		rows = append(rows, Sheet{Node: n, Edited: l.Edits().Now(n), Owner: "=cmd|' /C calc'!A0"})
	}
	var b bytes.Buffer
	if err := WriteCSV(&b, nil, rows); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(b.String()) {
		for cell := range strings.FieldsFuncSeq(strings.TrimSpace(line), func(r rune) bool { return r == ',' || r == ';' }) {
			if cell = strings.TrimLeft(cell, ` "`); cell != "" && strings.Contains("=+-@＝", string([]rune(cell)[0])) {
				t.Errorf("%q begins a formula in %s", cell, line)
			}
		}
	}
}

func TestWhatIsWrongWithASheetIsSaidWithItsLine(t *testing.T) {
	f := func(read func(string) ([]Row, error), text string, want ...string) {
		t.Helper()
		_, err := read(text)
		if err == nil {
			t.Errorf("nothing is wrong with %q", text)
			return
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("of %q it is said\n%s\nwant %q", text, err, w)
			}
		}
	}
	asCSV := func(s string) ([]Row, error) { return ReadCSV(strings.NewReader(s)) }
	asYAML := func(s string) ([]Row, error) { return ReadYAML(strings.NewReader(s)) }
	f(asCSV, "", "line 1: there is no line with the names of columns")
	f(asCSV, "owner\nx\n", "line 1, node: is missing among the columns")
	f(asCSV, "node,colour,owner,owner\n", "line 1, colour: is no column", "line 1, owner: is there twice")
	f(asCSV, "node,owner,tags\ntopic:west/a,x\ntopic:west/b, x,\norders,x,\n\ntopic:west/c,x,a;;b\ntopic:west/c,x,a\n",
		"line 2: has 2 cells and not 3", `line 3, owner: " x": begins or ends with space`, `line 4, node: "orders": is not the id`, "line 6, tags: is empty", `line 7, node: "topic:west/c": is in line 6 as well`)
	f(asCSV, "node,version\ntopic:west/a,-1\n", `line 2, version: "-1": is no version`)
	f(asCSV, "node,owner\ntopic:west/a,\"x\n", "line 2")
	f(asCSV, "node,property:a b\n", "property:a b: is no column")
	// as spreadsheets save them where the comma is in numbers, and as "Unicode text"
	f(asCSV, "node;owner\ntopic:west/a;x\n", "line 1: its cells are separated by semicolons: save the sheet with commas between them")
	f(asCSV, "\xff\xfen\x00o\x00d\x00e\x00", "line 1: is not UTF-8: save the sheet as such")
	// as of a spreadsheet in Windows-1252
	f(asCSV, "node,owner\ntopic:west/a,M\xfcller\n", "line 2, owner: \"M\ufffdller\": is not UTF-8: save the sheet as such")
	f(asYAML, "", "line 1")
	f(asYAML, "a: 1\n", "is not a list of nodes")
	f(asYAML, "- node: topic:west/a\n  owner: 1\n  colour: red\n  tags: pii\n- x\n- node: nothing\n",
		`line 2, owner: "1": is not text`, "line 3, colour: is no key", `line 4, tags: "pii": is not a list`, "line 5: is not a mapping", `line 6, node: "nothing"`)
	f(asYAML, "- node: topic:west/a\n  properties:\n    a b: x\n    c: 1\n", `line 3, property:a b: "a b": is no key`, `line 4, property:c: "1": is not text`)
	f(asYAML, "- node: topic:west/a\n  owner: x\n  owner: y\n", "twice")
	rows, err := asCSV("\uFEFFnode,owner,tags,now:owner\r\n# nothing\r\ntopic:west/a,'=x,(none),=1\r\ntopic:west/b,,,\r\n")
	if err != nil || len(rows) != 2 || rows[0].Changes[0].Texts[0] != "=x" || rows[0].Changes[1].Texts == nil || rows[1].Changes[0].Texts != nil || rows[1].Changes[1].Texts != nil {
		t.Errorf("got %+v, %v", rows, err)
	}
}

// What was taken before letters that nobody can see were refused can still be read.
func TestEditsThatAreOnDiskStay(t *testing.T) {
	c := lineage.Change{Slot: owner, Texts: []string{"team\u200b"}}
	line, err := encode([]*lineage.Edit{{Number: 1, At: noon, From: noon, Node: orders, Changes: []lineage.Change{c}, Before: [][]string{nil}}})
	if err != nil {
		t.Fatal(err)
	}
	got, err := decode([]byte(strings.TrimSpace(string(line))))
	if err != nil || len(got) != 1 || got[0].Changes[0].Texts[0] != c.Texts[0] || Check(c) == nil {
		t.Errorf("got %v, %v; to be said: %v", got, err, Check(c))
	}
}
