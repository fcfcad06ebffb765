package ledger

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
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

// line is one of the others.
type line struct {
	Entry    json.RawMessage `json:"entry"`
	Openings []Opening       `json:"openings"`
	Proof    string          `json:"proof"`
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
	b := &Bundle{r: r, topic: topic, window: Period{Start: At(start), End: At(end)}}
	chain, err := r.chainOf(b.window)
	if err != nil {
		return nil, err
	}
	any := false
	for _, c := range chain {
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

func (p Period) meets(o Period) bool {
	return o.Start.Before(p.End.Time) && p.Start.Before(o.End.Time)
}

// chainOf returns the close entries of a window, the oldest first: from the period before it, or the ledger's first, to
// the first entry after which nothing can be amended in it, or the ledger's last.
func (r *Reader) chainOf(w Period) (chain []closed, err error) {
	for c, err := range r.backward() {
		if err != nil {
			return nil, err
		}
		chain = append(chain, c)
		if c.Kind == kindPeriod && !c.Period.End.After(w.Start.Time) {
			break
		}
	}
	slices.Reverse(chain)
	for len(chain) > 0 && chain[0].Kind == kindAmendment && chain[0].Previous != nil {
		chain = chain[1:]
	}
	return chain[:settledAt(chain, w)], nil
}

// settledAt returns how many of a chain are needed until a window can't change any more.
func settledAt(chain []closed, w Period) int {
	var final time.Time
	for i, c := range chain {
		if c.Kind == kindPeriod && !c.Period.Start.Before(w.End.Time) && c.Closed.After(final) {
			return i + 1
		}
		if c.Kind == kindPeriod && w.meets(c.Period) && c.Final.After(final) {
			final = c.Final.Time
		}
	}
	return len(chain)
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
	for _, p := range c.Coverage {
		if p.cluster == clusterOf(b.topic) {
			b.entries = append(b.entries, p.index)
		}
	}
	return nil
}

// clusterOf returns the cluster of a topic's id, as the id has it.
func clusterOf(topic string) string {
	_, rest, _ := strings.Cut(topic, ":")
	cluster, _, _ := strings.Cut(rest, "/")
	return cluster
}

// WriteTo writes the bundle. It holds one entry at a time.
func (b *Bundle) WriteTo(w io.Writer) (int64, error) {
	out := &counting{w: bufio.NewWriter(w)}
	err := out.line(head{string(b.r.checkpoint.Text), bundleFormat, b.r.public, len(b.entries), b.topic, bundleVersion, b.window})
	for _, i := range b.entries {
		if err != nil {
			return out.n, err
		}
		var l line
		if l, err = b.r.lineOf(i); err == nil {
			err = out.line(l)
		}
	}
	if err == nil {
		err = out.w.Flush()
	}
	return out.n, err
}

type counting struct {
	w *bufio.Writer
	n int64
}

func (c *counting) line(v any) error {
	data, err := canonical(v)
	if err != nil {
		return err
	}
	n, err := c.w.Write(append(data, '\n'))
	c.n += int64(n)
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
	var u Usage
	if is, err := typeOf(entry); err != nil || is != typeUsage || json.Unmarshal(entry, &u) != nil {
		return nil
	}
	for _, c := range u.Clients {
		for _, field := range []*string{c.Host, c.Principal} {
			if field != nil && !slices.Contains(all, *field) {
				all = append(all, *field)
			}
		}
	}
	return all
}
