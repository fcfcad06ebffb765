package ledger

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"time"
)

const (
	bundleFormat  = "lineaged-bundle"
	bundleVersion = 1
)

// ErrNothing says that no period of a window is closed.
var ErrNothing = errors.New("the ledger has no closed period in this window")

// head is the first line of a bundle.
type head struct {
	Checkpoint string `json:"checkpoint"`
	Format     string `json:"format"`
	Key        string `json:"key"`
	Lines      int    `json:"lines"`
	Topic      string `json:"topic"`
	Version    int    `json:"version"`
	Window     Period `json:"window"`
}

// line is one of those after the head.
type line struct {
	Entry    json.RawMessage `json:"entry"`
	Openings []Opening       `json:"openings"`
	Proof    string          `json:"proof"`
}

// seal is the last line. Without it, what is in no entry could be changed: the window, or what commitments stand for
// could be left out.
type seal struct {
	Signature string `json:"signature"` // a note of what sealed returns
}

// sealed returns the text that is signed for a bundle of a format, by the hash of all its lines before the seal. No
// checkpoint has such a text: its first line is the ledger's origin.
func sealed(format string, lines hash.Hash) string {
	return format + "\n" + base64.StdEncoding.EncodeToString(lines.Sum(nil)) + "\n"
}

// Bundle is a document that proves what the ledger says of a topic in a window, and that it says no more.
type Bundle struct {
	r       *Reader
	topic   string
	window  Period
	entries []int64
}

// Bundle finds what a bundle of a topic, by its node's id, and a window holds. Where no period of the window is closed
// it is ErrNothing.
func (r *Reader) Bundle(topic string, start, end time.Time) (*Bundle, error) {
	b := &Bundle{r: r, topic: ID(topic), window: Period{Start: At(start), End: At(end)}}
	all, err := r.chainOf(b.window)
	if err != nil {
		return nil, err
	}
	any := false
	for _, c := range all {
		b.entries = append(b.entries, c.index)
		if !b.window.meets(c.Period) {
			continue
		}
		any = true
		if err := b.take(c); err != nil {
			return nil, err
		}
	}
	if !any {
		return nil, ErrNothing
	}
	slices.Sort(b.entries)
	return b, nil
}

// provableFrom returns from when on what a window holds can be proved; zero: all of it. The period before a window is
// needed, to know that none is left out. The close entries are the oldest first, back to that period or as far as there
// are any.
func provableFrom(all []closed, w Period) time.Time {
	if len(all) == 0 || all[0].Previous == nil || !all[0].Period.End.After(w.Start.Time) {
		return time.Time{}
	}
	for _, c := range all {
		if c.Kind == kindPeriod {
			return c.Period.End.Time
		}
	}
	return all[len(all)-1].Period.End.Time
}

// chainOf returns the close entries of a window, the oldest first: from the period before it, or the ledger's first, to
// the first entry after which nothing can be amended in it, or the ledger's last.
func (r *Reader) chainOf(w Period) (all []closed, err error) {
	for c, err := range r.backward() {
		if err != nil {
			return nil, err
		}
		all = append(all, c)
		if c.Kind == kindPeriod && !c.Period.End.After(w.Start.Time) {
			break
		}
	}
	slices.Reverse(all)
	if from := provableFrom(all, w); !from.IsZero() {
		return nil, &PrunedError{r.minimum, from}
	}
	s := settling{window: w}
	for i, c := range all {
		if s.take(c); s.settled {
			return all[:i+1], nil
		}
	}
	return all, nil
}

// take takes in what a batch says of the topic.
func (b *Bundle) take(c closed) error {
	at, part, err := b.r.directoryOf(c, b.topic)
	if err != nil {
		return err
	}
	b.entries = append(b.entries, at)
	if row, ok := part.rowOf(b.topic); ok {
		for i := range row.count {
			b.entries = append(b.entries, row.first+i)
		}
	}
	if at, ok := c.coverageOf(b.topic); ok {
		b.entries = append(b.entries, at)
	}
	return nil
}

// coverageOf returns where the coverage of a topic's cluster stands.
func (c *closeEntry) coverageOf(topic string) (int64, bool) {
	cluster := clusterOf(topic)
	for _, p := range c.Coverage {
		if p.cluster == cluster {
			return p.index, true
		}
	}
	return 0, false
}

// WriteTo writes the bundle. It holds one entry at a time.
func (b *Bundle) WriteTo(w io.Writer) (int64, error) {
	out := &bundleWriter{w: bufio.NewWriter(w), hash: sha256.New()}
	err := out.line(head{string(b.r.checkpoint.Text), bundleFormat, b.r.key.Public, len(b.entries), b.topic, bundleVersion, b.window})
	for _, i := range b.entries {
		if err != nil {
			return out.n, err
		}
		var l line
		if l, err = b.r.lineOf(i); err == nil {
			err = out.line(l)
		}
	}
	if err != nil {
		return out.n, err
	}
	signature, err := b.r.key.sign(sealed(bundleFormat, out.hash))
	if err != nil {
		return out.n, fmt.Errorf("sign a bundle: %w", err)
	}
	if err = out.line(seal{string(signature)}); err == nil {
		err = out.w.Flush()
	}
	return out.n, err
}

// bundleWriter counts and hashes the lines that it writes.
type bundleWriter struct {
	w    *bufio.Writer
	hash hash.Hash
	n    int64
}

func (w *bundleWriter) line(v any) error {
	data, err := canonical(v)
	if err != nil {
		return err
	}
	data = append(data, '\n')
	w.hash.Write(data)
	n, err := w.w.Write(data)
	w.n += int64(n)
	if err != nil {
		return fmt.Errorf("write a bundle: %w", err)
	}
	return nil
}

// lineOf returns an entry with its proof, and what its commitments stand for where that was not erased.
func (r *Reader) lineOf(i int64) (line, error) {
	entry, err := r.tree.entry(i)
	if err != nil {
		return line{}, err
	}
	p, err := r.Prove(i)
	if err != nil {
		return line{}, err
	}
	l := line{Entry: entry, Openings: []Opening{}, Proof: string(p)}
	for _, c := range commitmentsOf(entry) {
		if o, ok := r.people[c]; ok {
			l.Openings = append(l.Openings, o)
		}
	}
	return l, nil
}

// commitmentsOf returns the commitments in an entry, each once, in their order.
func commitmentsOf(entry []byte) (all []string) {
	if !bytes.Contains(entry, []byte(commitmentPrefix)) {
		return nil
	}
	take := func(fields ...*string) {
		for _, field := range fields {
			if field != nil && !slices.Contains(all, *field) {
				all = append(all, *field)
			}
		}
	}
	var u Usage
	var a Administration
	switch is, err := typeOf(entry); {
	case err != nil:
	case is == typeUsage && json.Unmarshal(entry, &u) == nil:
		for _, c := range u.Clients {
			take(c.Host, c.Principal)
		}
	case is == typeAdministration && json.Unmarshal(entry, &a) == nil:
		take(a.Host, a.Principal)
	}
	return all
}
