// Package export writes what a window means into files that stand for themselves: pictures, graphs for other tools,
// tables, and the usage report of a topic.
//
// It asks package answer, lays the picture out as the server does for its own page, and writes SVG, DOT, Mermaid, CSV
// and JSON. Every document says of which time it is, what of that was observed, what no source could have seen, and
// what was cut; every flow in it how it is known; and what is not known is never a zero. Names are foreign text: none
// can become markup, a formula or a comment.
//
// It hides how each form escapes and how a picture is drawn. It refuses to decide what a window means, to speak HTTP or
// GraphQL, and to draw more than can be told on one page: who asks for too much is told so before anything is written.
package export

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

const (
	// mostFlows bounds one document: a thousand nodes can have a million flows, which nobody reads.
	mostFlows = 20_000
	// mostDrawn bounds one whose nodes have places: to find them grows faster than the flows do.
	mostDrawn = 5000
	// mostGaps and mostClients bound the lists of one document; how many there are is said.
	mostGaps    = 1000
	mostClients = 100
	// flowBytes is about what a flow takes while its document is written, with its evidence.
	flowBytes = 2 << 10
)

// Exporter makes documents. Its methods may be called concurrently.
type Exporter struct {
	answers *answer.Answers
}

// New returns who asks answers for what is exported.
func New(answers *answer.Answers) *Exporter { return &Exporter{answers} }

// Document is what was asked for, not written yet.
type Document struct {
	MediaType string
	FileName  string // of letters, digits, dots, dashes and underscores only
	Size      int64  // about the bytes that are held until it is written
	write     func(io.Writer) error
}

// WriteTo writes the document, piece by piece. It ends with the first error of w.
func (d *Document) WriteTo(w io.Writer) (int64, error) {
	counted := &counter{w: w}
	b := bufio.NewWriterSize(counted, 32<<10)
	err := d.write(b)
	if err == nil {
		err = b.Flush()
	}
	return counted.n, err
}

// counter counts what was written.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// form is a form of documents.
type form struct {
	name, media, suffix string
}

var (
	svgForm     = form{"svg", "image/svg+xml", "svg"}
	dotForm     = form{"dot", "text/vnd.graphviz; charset=utf-8", "dot"}
	mermaidForm = form{"mermaid", "text/vnd.mermaid; charset=utf-8", "mmd"}
	csvForm     = form{"csv", "text/csv; charset=utf-8; header=present", "csv"}
	jsonForm    = form{"json", "application/json", "json"}
)

// hasPlaces reports whether a lineage in this form says where its nodes are drawn.
func (f form) hasPlaces() bool { return f == svgForm || f == jsonForm }

// Formats are the forms of a lineage.
func Formats() []string { return namesOf(lineageForms) }

var (
	lineageForms = []form{svgForm, dotForm, mermaidForm, csvForm, jsonForm}
	usageForms   = []form{csvForm, jsonForm}
)

func namesOf(forms []form) (out []string) {
	for _, f := range forms {
		out = append(out, f.name)
	}
	return out
}

// Lineage returns the document of what lies upstream and downstream of some roots, or of everything that moved. It has
// read all that it needs of the history: writing it asks nobody. The parameters are those of docs/export.md; an error
// that the asker may read is an answer.RefusedError, and names the parameter and its value.
func (e *Exporter) Lineage(ctx context.Context, params url.Values) (*Document, error) {
	p := &reader{values: params}
	q := p.lineage()
	if err := p.done(); err != nil {
		return nil, err
	}
	_, pic, err := e.picture(ctx, &q)
	if err != nil {
		return nil, err
	}
	write, err := q.writer(ctx, pic)
	if err != nil {
		return nil, err
	}
	return &Document{
		MediaType: q.form.media, FileName: fileName("lineage", pic.called(), pic.Window.End, q.form), write: write,
		Size: int64(len(pic.Flows)+len(pic.Nodes)+1) * flowBytes,
	}, nil
}

// picture is what a question shows, and the view that it is of.
func (e *Exporter) picture(ctx context.Context, q *question) (*answer.View, *picture, error) {
	v, err := e.answers.View(ctx, q.span, answer.All)
	if err != nil {
		return nil, nil, err
	}
	pic, err := q.picture(ctx, v)
	return v, pic, err
}

// writer returns who writes the picture. All that is work is done: places are found for the forms that have them.
func (q *question) writer(ctx context.Context, p *picture) (func(io.Writer) error, error) {
	if q.form.hasPlaces() {
		if err := p.lay(ctx); err != nil {
			return nil, err
		}
	}
	switch q.form {
	case svgForm:
		d, err := draw(ctx, p)
		if err != nil {
			return nil, err
		}
		return func(w io.Writer) error { return d.write(w, q.theme) }, nil
	case dotForm:
		return p.writeDOT, nil
	case mermaidForm:
		return p.writeMermaid, nil
	case csvForm:
		return p.writeCSV, nil
	default:
		return p.writeJSON, nil
	}
}

// Usage returns the document of who wrote and who read a topic.
func (e *Exporter) Usage(ctx context.Context, params url.Values) (*Document, error) {
	p := &reader{values: params}
	q := p.usage()
	if err := p.done(); err != nil {
		return nil, err
	}
	v, err := e.answers.View(ctx, q.span, answer.All)
	if err != nil {
		return nil, err
	}
	r, err := q.report(ctx, v)
	if err != nil {
		return nil, err
	}
	write := r.writeJSON
	if q.form == csvForm {
		write = r.writeCSV
	}
	return &Document{
		MediaType: q.form.media, FileName: fileName("usage", r.Topic.Name, r.Window.End, q.form), write: write,
		Size: int64(len(r.Writers)+len(r.Readers)+len(r.Permitted)+1) * flowBytes * 4,
	}, nil
}

// fileName names a file by what it is of and until when: the same view has the same name.
func fileName(what, of string, end time.Time, f form) string {
	const most = 60
	name := strings.Map(func(r rune) rune {
		if r < 0x80 && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r)) {
			return r
		}
		return '_'
	}, of)
	name = strings.Trim(name[:min(len(name), most)], "._-")
	if name != "" {
		name = "-" + name
	}
	return fmt.Sprintf("%s%s-%s.%s", what, name, end.UTC().Format("20060102T150405Z"), f.suffix)
}

// senseless refuses a question that makes no sense.
func senseless(format string, args ...any) error {
	return &answer.RefusedError{Reason: answer.Senseless, Sentence: fmt.Sprintf(format, args...)}
}

// tooMuch refuses a question whose answer is too large.
func tooMuch(format string, args ...any) error {
	return &answer.RefusedError{Reason: answer.TooMuch, Sentence: fmt.Sprintf(format, args...)}
}

// called names what a picture is of, in a word or some.
func (p *picture) called() string {
	switch len(p.Scope.Roots) {
	case 0:
		return "everything"
	case 1:
		return nameOf(p.Scope.Roots[0])
	default:
		return fmt.Sprintf("%s_and_%d_more", nameOf(p.Scope.Roots[0]), len(p.Scope.Roots)-1)
	}
}

// nameOf returns the name in a node's id.
func nameOf(id string) string {
	n, err := lineage.ParseNodeID(id)
	if err != nil {
		return id
	}
	return n.Name
}
