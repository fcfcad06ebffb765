package export

import (
	"context"
	"io"
	"net/url"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// Ledger has bundles: documents that prove what was said of a topic in a window. Where nothing was said of any part of
// the window it returns nil, with when the newest period ends that is closed; the zero time: none is.
type Ledger interface {
	Bundle(topic string, start, end time.Time) (bundle io.WriterTo, closed time.Time, err error)
}

var bundleForm = form{"bundle", "application/x-ndjson", "lineaged-bundle"}

// bundleSize is about what is held while a bundle is written: some tiles.
const bundleSize = 4 << 20

// Bundle returns the bundle of a topic, by its id: it may be long gone. The parameters are those of docs/export.md.
func (e *Exporter) Bundle(ctx context.Context, of Ledger, params url.Values) (*Document, error) {
	p := &reader{values: params}
	in := p.span()
	topic, ok := p.one("topic")
	n, err := lineage.ParseNodeID(topic)
	if !ok || err != nil || n.Kind != lineage.TopicNode || len(topic) > mostRoot {
		p.fail("topic", topic, "is no topic's id: the ledger knows no other names; one is e.g. topic:west/orders")
	}
	if err := p.done(); err != nil {
		return nil, err
	}
	m, err := e.answers.Moment(ctx, in)
	if err != nil {
		return nil, err
	}
	b, closed, err := of.Bundle(n.ID(), m.Window.Start, m.Window.End)
	switch {
	case err != nil:
		return nil, err
	case b == nil && closed.IsZero():
		return nil, &answer.RefusedError{Reason: answer.Missing, Sentence: "the ledger has no period yet that is closed: the first is two minutes after its end"}
	case b == nil:
		return nil, &answer.RefusedError{Reason: answer.Missing, Sentence: "the ledger has no closed period in this window: the newest ends at " + instant(closed) + ", and each is closed two minutes after its end"}
	}
	write := func(w io.Writer) error {
		_, err := b.WriteTo(w)
		return err
	}
	return &Document{MediaType: bundleForm.media, FileName: fileName("ledger", n.Name, m.Window.End, bundleForm), write: write, Size: bundleSize}, nil
}
