package export

import (
	"fmt"
	"io"
	"strings"
	"unicode"

	"github.com/lineaged/lineaged/lineage"
)

// mermaidShapes are what stands around the label of a kind.
var mermaidShapes = map[lineage.NodeKind][2]string{
	lineage.TopicNode: {"[", "]"}, lineage.ApplicationNode: {"([", "])"}, lineage.UnidentifiedNode: {"{{", "}}"},
	lineage.ConnectorNode: {"[/", "/]"}, lineage.ReplicatorNode: {"[[", "]]"}, lineage.StreamJobNode: {"(", ")"},
	lineage.JobNode: {"{{", "}}"}, lineage.DatasetNode: {"[(", ")]"}, lineage.GroupNode: {">", "]"},
}

// writeMermaid writes a flowchart. Nodes are numbered: Mermaid takes no foreign name for an id. How a flow is known
// stands in a comment before it.
func (p *picture) writeMermaid(w io.Writer) error {
	l := &lines{w: w}
	for _, line := range p.head() {
		l.print("%%%% %s", mermaidComment(line))
	}
	l.print("flowchart LR")
	l.print("  accTitle: %s", mermaidLine(p.caption()[0]))
	l.print("  accDescr: %s", mermaidLine(strings.Join(p.caption()[1:], ", ")))
	at := map[*node]int{}
	for i, n := range p.Nodes {
		at[n] = i
		shape := mermaidShapes[n.is.Kind]
		label := []string{kindWords[n.is.Kind], isolated(n.Name), isolated(n.is.Scope)}
		if facts := n.facts(); len(facts) > 0 {
			label = append(label, strings.Join(facts, ", "))
		}
		for i := range label {
			label[i] = mermaidText(label[i])
		}
		l.print("  %%%% n%d is %s", i, n.ID)
		l.print(`  n%d%s"%s"%s`, i, shape[0], strings.Join(label, "<br/>"), shape[1])
	}
	var quiet, doubtful []string
	for i, f := range p.Flows {
		line := "-.->"
		switch f.Activity {
		case active:
			line = "-->"
		case inactive:
			quiet = append(quiet, fmt.Sprint(i))
		default:
			doubtful = append(doubtful, fmt.Sprint(i))
		}
		l.print("  %%%% %s", mermaidComment(f.sentence()))
		l.print(`  n%d %s|"%s"| n%d`, at[f.from], line, mermaidText(f.label()), at[f.to])
	}
	for _, style := range []struct {
		of     []string
		colour string
	}{{quiet, "#98a2af"}, {doubtful, "#a8741a"}} {
		if len(style.of) > 0 {
			l.print("  linkStyle %s stroke:%s", strings.Join(style.of, ","), style.colour)
		}
	}
	return l.err
}

// mermaidText escapes visible text as Mermaid does: a character by its number. Letters, digits and what means nothing
// in any of its languages stand for themselves.
func mermaidText(s string) string {
	word := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	all := []rune(s)
	var b strings.Builder
	for i, r := range all {
		// Within a word these are no list, no emphasis and no arrow.
		within := strings.ContainsRune("._:-", r) && i > 0 && word(all[i-1]) && i+1 < len(all) && word(all[i+1])
		if r > 0x7f || word(r) || within || strings.ContainsRune(" ,()/", r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "#%d;", r)
		}
	}
	return b.String()
}

// mermaidComment keeps a comment from being taken for a directive, which stands in braces.
func mermaidComment(s string) string { return strings.NewReplacer("{", "(", "}", ")").Replace(s) }

// mermaidLine is text up to the end of its line, where ; and # would end it.
func mermaidLine(s string) string {
	return strings.NewReplacer(";", ",", "#", "№", "{", "(", "}", ")").Replace(s)
}
