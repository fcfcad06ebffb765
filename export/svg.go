package export

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/graph/layout"
	"github.com/lineaged/lineaged/lineage"
)

const (
	margin    = 24.0
	leastWide = 760.0 // so that what stands above and below a small picture can be read
	lineHigh  = 17.0
	// shownLines bounds what is written of gaps and of blind spots beneath a picture; all of it is in its description.
	shownLines = 8
)

// picture's parts as they are drawn.
type drawing struct {
	l     *lines
	pic   *picture
	lines []line
	boxes []box // of labels
	// what holds all cards and lines
	left, top, right, bottom float64
}

// draw finds where the lines and labels of a picture are whose nodes have their places.
func draw(ctx context.Context, p *picture) (*drawing, error) {
	d := &drawing{pic: p}
	if err := d.lay(ctx); err != nil {
		return nil, err
	}
	return d, nil
}

// write writes a picture that stands for itself: no script, no font, nothing from elsewhere. Only flows are <path>. The
// theme is the reader's own unless one is asked for.
func (d *drawing) write(w io.Writer, theme string) error {
	p := d.pic
	d.l = &lines{w: w}
	above := d.caption()
	below := d.notes()
	top := margin + float64(len(above))*lineHigh + 14
	width := max(d.right-d.left, leastWide) + 2*margin
	notesAt := top + d.bottom - d.top + 30
	height := notesAt + float64(len(below)+2)*lineHigh + margin

	d.l.print(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %[1]s %[2]s" width="%[1]s" height="%[2]s" role="graphics-document document" aria-labelledby="title desc">`,
		short(width), short(height))
	d.l.print(`<title id="title">%s</title>`, escape(p.caption()[0]))
	d.l.print(`<desc id="desc">%s</desc>`, escape(strings.Join(p.head(), "\n")))
	d.l.print("<style>%s</style>", styles(theme))
	d.markers()
	d.l.print(`<rect class="ground" width="100%%" height="100%%"/>`)
	for i, text := range above {
		class := "note"
		if i == 0 {
			class = "caption"
		}
		d.text(class, margin, margin+float64(i+1)*lineHigh-3, text)
	}
	d.l.print(`<g transform="translate(%s %s)">`, short(margin-d.left), short(top-d.top))
	for i, f := range p.Flows {
		d.flow(f, d.lines[i])
	}
	for _, n := range p.Nodes {
		d.card(n)
	}
	for i, f := range p.Flows {
		d.label(f, d.boxes[i])
	}
	d.l.print("</g>")
	d.legend(margin, notesAt)
	for i, text := range below {
		d.text("note", margin, notesAt+float64(i+2)*lineHigh, text)
	}
	d.l.print("</svg>")
	return d.l.err
}

// lay finds where lines and labels are.
func (d *drawing) lay(ctx context.Context) error {
	cards := make([]box, len(d.pic.Nodes))
	for i, n := range d.pic.Nodes {
		cards[i] = cardOf(n.at)
		d.hold(cards[i])
	}
	out, in := map[*node]int{}, map[*node]int{}
	for _, f := range d.pic.Flows {
		out[f.from]++
		in[f.to]++
	}
	places := newPlacer(cards)
	for _, f := range d.pic.Flows {
		if err := ctx.Err(); err != nil {
			return err
		}
		s := atTo
		if in[f.to] > out[f.from] {
			s = atFrom
		}
		width := widthOf(f.label(), 12)*1.05 + 14
		l := lineBetween(cardOf(f.from.at), cardOf(f.to.at), width, s, cards)
		d.lines = append(d.lines, l)
		for t := 0.1; t < 1; t += 0.1 {
			p := l.at(t)
			d.hold(box{p.x, p.y, 0, 0})
		}
		b := places.place(l, width, s)
		d.boxes = append(d.boxes, b)
		d.hold(b)
	}
	d.bottom += 14 // for what is hidden beneath the last card
	return nil
}

func (d *drawing) hold(b box) {
	d.left, d.top = min(d.left, b.x), min(d.top, b.y)
	d.right, d.bottom = max(d.right, b.x+b.width), max(d.bottom, b.y+b.height)
}

func (d *drawing) wide() float64 { return max(d.right-d.left, leastWide) }

func (d *drawing) caption() []string {
	out := d.pic.caption()
	out[0] = shortened(out[0], 18, d.wide())
	return out
}

// notes are what a reader has to know beside the picture.
func (d *drawing) notes() (out []string) {
	c := &d.pic.Coverage
	for _, line := range slices.Concat(c.lines(shownLines, shownLines)[1:], d.pic.Cut.lines(len(d.pic.Nodes), 0)) {
		out = append(out, wrapped(line, 12, 0.95*d.wide())...)
	}
	return out
}

func (d *drawing) text(class string, x, y float64, s string) {
	d.l.print(`<text class="%s" x="%s" y="%s">%s</text>`, class, short(x), short(y), escape(s))
}

var activityClasses = map[string]string{active: "active", inactive: "inactive", aboutThen: "around", unobserved: "unobserved", allowed: "unobserved"}

func (d *drawing) markers() {
	d.l.print("<defs>")
	for _, activity := range []string{active, inactive, aboutThen, unobserved} {
		class := activityClasses[activity]
		d.l.print(`<marker id="to-%[1]s" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto">`+
			`<polygon class="arrow %[1]s" points="0,0 8,4 0,8"/></marker>`, class)
	}
	d.l.print("</defs>")
}

func (d *drawing) flow(f *flow, l line) {
	class := activityClasses[f.Activity]
	d.l.print(`<path class="flow %[1]s" data-id="%[2]s" d="%[3]s" stroke-width="%[4]s" marker-end="url(#to-%[1]s)" role="img"><title>%[5]s</title></path>`,
		class, escape(f.ID), l.path(), short(f.thickness()), escape(f.sentence()))
}

// label is a flow's words, drawn over cards and lines; the flow itself says them too.
func (d *drawing) label(f *flow, b box) {
	class := activityClasses[f.Activity]
	d.l.print(`<g class="label %s" aria-hidden="true"><title>%s</title><rect x="%s" y="%s" width="%s" height="%s" rx="9"/>`+
		`<text x="%s" y="%s" text-anchor="middle">%s</text></g>`,
		class, escape(f.sentence()), short(b.x), short(b.y), short(b.width), short(b.height), short(b.x+b.width/2), short(b.y+13), escape(f.label()))
}

// card draws a node: its shape says the kind, as its first line does.
func (d *drawing) card(n *node) {
	const w, h = layout.NodeWidth, layout.NodeHeight
	root := ""
	if n.root {
		root = " root"
	}
	d.l.print(`<g class="card %s %s%s" data-id="%s" transform="translate(%s %s)" role="img"><title>%s</title>`,
		shapeClass(n.is.Kind), activityClasses[n.Activity], root, escape(n.ID), short(n.X), short(n.Y), escape(n.sentence()))
	d.shape(n.is.Kind)
	// An svg clips what is wider than it was taken for.
	d.l.print(`<svg x="15" width="%d" height="%d">`, w-30, h)
	words := []string{kindWords[n.is.Kind]}
	if !n.Exists {
		words = append(words, "deleted")
	}
	if n.Activity != active {
		words = append(words, n.Activity)
	}
	kind := strings.Join(words, " · ")
	d.text("kind", 0, 20, kind)
	place := isolated(n.place())
	room := w - 30 - widthOf(kind, 12) - 12
	d.l.print(`<text class="kind" x="%d" y="20" text-anchor="end">%s</text>`, w-30, escape(shortened(place, 12, room)))
	name := isolated(n.Name)
	if n.is.Kind == lineage.UnidentifiedNode {
		name = "writers of " + name
	}
	d.text("name", 0, 43, shortened(name, 15*bold, w-34))
	d.text("rates", 0, 63, n.rates())
	d.l.print("</svg>")
	for _, stub := range []struct {
		n           int
		x           float64
		anchor, say string
	}{{n.up, 14, "start", "← +%d"}, {n.down, w - 14, "end", "+%d →"}} {
		if stub.n > 0 {
			d.l.print(`<text class="stub" x="%s" y="%d" text-anchor="%s">%s<title>neighbours that are not shown</title></text>`, short(stub.x), h+12, stub.anchor, fmt.Sprintf(stub.say, stub.n))
		}
	}
	d.l.print("</g>")
}

// place is where a node is, in a word.
func (n *node) place() string {
	if n.Cluster != "" {
		return n.Cluster
	}
	if n.is.Kind == lineage.DatasetNode {
		scheme, _, _ := strings.Cut(n.is.Scope, "://")
		return scheme
	}
	return n.is.Scope
}

func (n *node) rates() string {
	var parts []string
	for _, side := range []struct {
		word string
		is   figure
	}{{"in ", n.RecordsIn}, {"out ", n.RecordsOut}} {
		if side.is.PerSecond != nil {
			parts = append(parts, side.word+side.is.text())
		} else if side.is.Counted == unobserved {
			parts = append(parts, side.word+unobserved)
		}
	}
	if parts == nil {
		return notMeasurable
	}
	return strings.Join(parts, "   ")
}

func shapeClass(k lineage.NodeKind) string { return strings.ToLower(k.String()) }

// shape draws what is around a node's words.
func (d *drawing) shape(k lineage.NodeKind) {
	const w, h = layout.NodeWidth, layout.NodeHeight
	rect := func(class string, x, y float64, width, height int, rx, ry int) {
		d.l.print(`<rect class="%s" x="%s" y="%s" width="%d" height="%d" rx="%d" ry="%d"/>`, class, short(x), short(y), width, height, rx, ry)
	}
	switch k {
	case lineage.ApplicationNode:
		rect("body", 0, 0, w, h, 20, 20)
	case lineage.ConnectorNode: // a plug
		rect("body", 0, 0, w, h, h/2, h/2)
	case lineage.StreamJobNode: // there is more inside
		rect("body", 6, 6, w, h, 20, 20)
		rect("body", 3, 3, w, h, 20, 20)
		rect("body", 0, 0, w, h, 20, 20)
	case lineage.JobNode: // it ends
		rect("body", 0, 0, w, h, 20, 20)
		rect("stripe", w-5, 0, 5, h, 2, 2)
	case lineage.DatasetNode: // the cylinder of stored data
		rect("body", 0, 0, w, h, w/2, 9)
	case lineage.ReplicatorNode: // it stands in two clusters
		rect("body", 0, 0, w, h, 4, 4)
		rect("stripe", 0, 0, 5, h, 2, 2)
		rect("stripe", w-5, 0, 5, h, 2, 2)
	case lineage.GroupNode:
		rect("body", 0, 0, w, h, 4, 4)
		rect("body", 4, 4, w-8, h-8, 2, 2)
	default: // a topic, and its writers whom nothing names: dashed by their class
		rect("body", 0, 0, w, h, 4, 4)
		rect("stripe", 0, 0, 5, h, 2, 2)
	}
}

// legend says what lines mean.
func (d *drawing) legend(x, y float64) {
	for _, x0 := range []struct{ class, says string }{
		{"active", "moved records"}, {"around", "about then"}, {"inactive", "observed, moved nothing"}, {"unobserved", "not observed, or only allowed"},
	} {
		d.l.print(`<line class="flow %s" x1="%s" y1="%s" x2="%s" y2="%s" stroke-width="2"/>`, x0.class, short(x), short(y-4), short(x+34), short(y-4))
		d.text("note", x+42, y, x0.says)
		x += 62 + widthOf(x0.says, 12)
	}
	d.text("note", x, y, "~ estimated   ≤ at most   ≥ at least")
}

// escape writes visible text for XML, in an attribute too.
func escape(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;").Replace(s)
}
