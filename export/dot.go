package export

import (
	"fmt"
	"io"
	"strings"

	"github.com/lineaged/lineaged/lineage"
)

// lines writes lines of text and keeps the first error.
type lines struct {
	w   io.Writer
	err error
}

func (l *lines) print(format string, args ...any) {
	if l.err == nil {
		_, l.err = fmt.Fprintf(l.w, format+"\n", args...)
	}
}

// dotShapes are the shapes of kinds. Colour is never the only sign.
var dotShapes = map[lineage.NodeKind]string{
	lineage.TopicNode: `shape=box`, lineage.ApplicationNode: `shape=box, style="rounded"`, lineage.UnidentifiedNode: `shape=box, style="dashed"`,
	lineage.ConnectorNode: `shape=component`, lineage.ReplicatorNode: `shape=box, peripheries=2`, lineage.StreamJobNode: `shape=box3d`,
	lineage.JobNode: `shape=hexagon`, lineage.DatasetNode: `shape=cylinder`, lineage.GroupNode: `shape=folder`,
}

var dotStyles = map[string]string{
	active: `style=solid`, aboutThen: `style=dashed, color="#a8741a"`, inactive: `style=dashed, color="#98a2af"`, unobserved: `style=dotted, color="#a8741a"`, allowed: `style=dotted, color="#a8741a"`,
}

// writeDOT writes the graph in Graphviz's language. Nodes are called by their ids; tooltips have what labels leave out.
func (p *picture) writeDOT(w io.Writer) error {
	l := &lines{w: w}
	head := p.head()
	for _, line := range head {
		l.print("// %s", line)
	}
	l.print("digraph lineage {")
	l.print(`  graph [rankdir=LR, labelloc=t, labeljust=l, fontname="sans-serif", label=%s];`, dotLabel(strings.Join(p.caption(), "\n")))
	l.print(`  node [fontname="sans-serif", fontsize=12];`)
	l.print(`  edge [fontname="sans-serif", fontsize=10];`)
	for _, n := range p.Nodes {
		more := ""
		if n.root {
			more = ", penwidth=2"
		}
		label := kindWords[n.is.Kind] + "\n" + isolated(n.Name) + "\n" + strings.Join(n.facts(), ", ")
		l.print("  %s [%s, label=%s, tooltip=%s%s];", dotQuote(n.ID), dotShapes[n.is.Kind], dotLabel(label), dotLabel(n.sentence()), more)
	}
	for _, f := range p.Flows {
		said := dotLabel(f.sentence())
		l.print("  %s -> %s [%s, label=%s, tooltip=%s, labeltooltip=%s];", dotQuote(f.From), dotQuote(f.To), dotStyles[f.Activity], dotLabel(f.label()), said, said)
	}
	l.print("}")
	return l.err
}

// dotQuote quotes a name. Ids hold nothing that has to be escaped but what is escaped here.
func dotQuote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// dotLabel quotes visible text that Graphviz shows: it takes \N and the like for what they stand for, and &…; for a
// character.
func dotLabel(s string) string {
	all := strings.Split(s, "\n")
	for i := range all {
		all[i] = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `&`, `&amp;`).Replace(all[i])
	}
	return `"` + strings.Join(all, `\n`) + `"`
}

// caption is what stands over a picture.
func (p *picture) caption() []string {
	of := make([]string, len(p.Scope.Roots))
	for i, id := range p.Scope.Roots {
		of[i] = isolated(nameOf(id))
	}
	out := []string{"Everything that moved"}
	if len(of) > 0 {
		out[0] = "Lineage of " + strings.Join(of, ", ")
		way := map[string]string{"UPSTREAM": "upstream", "DOWNSTREAM": "downstream", "BOTH": "upstream and downstream"}[p.Scope.Direction]
		out = append(out, way+", "+plural(p.Scope.Depth, "hop"))
	}
	out = append(out, p.Window.line(), "coverage: "+p.Coverage.summary()+", "+plural(len(p.Coverage.BlindSpots), "blind spot"))
	if p.Cut.Truncated {
		out = append(out, fmt.Sprintf("showing %d of %s", len(p.Nodes), plural(p.Cut.TotalNodes, "node")))
	}
	return out
}

// facts are what is told of a node in a few words.
func (n *node) facts() (out []string) {
	if !n.Exists {
		out = append(out, "deleted")
	}
	if n.Activity != active {
		out = append(out, n.Activity)
	}
	for _, side := range []struct {
		word string
		is   figure
	}{{"in ", n.RecordsIn}, {"out ", n.RecordsOut}} {
		if side.is.PerSecond != nil {
			out = append(out, side.word+side.is.text())
		}
	}
	if n.up > 0 {
		out = append(out, fmt.Sprintf("%d more upstream", n.up))
	}
	if n.down > 0 {
		out = append(out, fmt.Sprintf("%d more downstream", n.down))
	}
	return out
}

// sentence says all of a node.
func (n *node) sentence() string {
	out := title(n.is)
	if n.Owner != "" {
		out += ", owner " + isolated(n.Owner)
	}
	if len(n.Tags) > 0 {
		out += ", tags " + isolated(strings.Join(n.Tags, " "))
	}
	out += ", " + n.Activity + ", in: " + n.RecordsIn.text() + ", out: " + n.RecordsOut.text()
	if !n.Exists {
		out += ", deleted"
	}
	if n.up > 0 || n.down > 0 {
		out += fmt.Sprintf(", neighbours that are not shown: %d upstream, %d downstream", n.up, n.down)
	}
	return out
}
