package api

import (
	"context"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// mostClients bounds clients(first:).
const mostClients = 1000

// Flow is the schema's type of that name.
type Flow struct {
	rows     *rows
	is       answer.Flow
	flow     lineage.Flow
	from, to Node
}

// ID answers id.
func (f *Flow) ID() string { return f.from.ID() + "->" + f.to.ID() }

// From answers from.
func (f *Flow) From() Node { return f.from }

// To answers to.
func (f *Flow) To() Node { return f.to }

// Kind answers kind.
func (f *Flow) Kind() lineage.FlowKind { return f.is.Kind() }

// Active answers active.
func (f *Flow) Active() *bool { return f.is.Active() }

// Records answers records.
func (f *Flow) Records() *int64 { return f.is.Records() }

// Bytes answers bytes.
func (f *Flow) Bytes(ctx context.Context) (*int64, error) { return f.is.Bytes(ctx) }

// Estimated answers estimated.
func (f *Flow) Estimated() bool { return f.is.Estimated() }

// RecordsPerSecond answers recordsPerSecond.
func (f *Flow) RecordsPerSecond() *float64 { return f.is.RecordsPerSecond() }

// BytesPerSecond answers bytesPerSecond.
func (f *Flow) BytesPerSecond(ctx context.Context) (*float64, error) { return f.is.BytesPerSecond(ctx) }

// Skipped answers skipped.
func (f *Flow) Skipped() *int64 { return f.is.Skipped() }

// Lost answers lost.
func (f *Flow) Lost() *int64 { return f.is.Lost() }

// Live answers live.
func (f *Flow) Live(ctx context.Context) (*bool, error) { return f.is.Live(ctx) }

// LastMoved answers lastMoved.
func (f *Flow) LastMoved(ctx context.Context) (*time.Time, error) {
	t, err := f.is.LastMoved(ctx)
	return timeOrNil(t), err
}

// Lag answers lag.
func (f *Flow) Lag(ctx context.Context) (*int64, error) { return f.is.Lag(ctx) }

// LagSeconds answers lagSeconds.
func (f *Flow) LagSeconds(ctx context.Context) (*float64, error) { return f.is.LagSeconds(ctx) }

// LagAtLeastSeconds answers lagAtLeastSeconds.
func (f *Flow) LagAtLeastSeconds(ctx context.Context) (*float64, error) {
	return f.is.LagAtLeastSeconds(ctx)
}

// State answers state.
func (f *Flow) State(ctx context.Context) (*answer.FlowState, error) {
	s, err := f.is.State(ctx)
	if err != nil || s.Is == answer.NoState {
		return nil, err
	}
	return &s.Is, nil
}

// StateSince answers stateSince.
func (f *Flow) StateSince(ctx context.Context) (*time.Time, error) {
	s, err := f.is.State(ctx)
	return timeOrNil(s.Since), err
}

// Evidence answers evidence.
func (f *Flow) Evidence(ctx context.Context) ([]Evidence, error) {
	es, err := f.is.Evidence(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Evidence, len(es))
	for i, e := range es {
		out[i] = Evidence{Kind: e.Kind, Source: e.Source, FirstSeen: e.FirstSeen, LastSeen: e.LastSeen, Detail: textOrNil(e.Detail)}
	}
	return out, nil
}

// FirstSeen answers firstSeen.
func (f *Flow) FirstSeen(ctx context.Context) (*time.Time, error) {
	first, _, err := f.is.Seen(ctx)
	return timeOrNil(first), err
}

// LastSeen answers lastSeen.
func (f *Flow) LastSeen(ctx context.Context) (*time.Time, error) {
	_, last, err := f.is.Seen(ctx)
	return timeOrNil(last), err
}

// Series answers series.
func (f *Flow) Series(ctx context.Context, metric answer.Metric, step *time.Duration) (*Series, error) {
	points, s, err := f.is.Series(ctx, metric, step)
	return shownSeries(metric, s, points, ""), err
}

func shownSeries(m answer.Metric, step time.Duration, points []answer.Point, detail string) *Series {
	if points == nil {
		return nil
	}
	return &Series{Metric: m, Unit: m.Unit(), Step: step, Points: points, Detail: textOrNil(detail)}
}

// ClientCount answers clientCount.
func (f *Flow) ClientCount() int { return f.is.ClientCount() }

// Clients answers clients.
func (f *Flow) Clients(ctx context.Context, first int) ([]Client, error) {
	if first < 0 || first > mostClients {
		return nil, badInput("clients: first must be 0 to %d", mostClients)
	}
	all, err := f.is.Clients(ctx, first)
	if err != nil {
		return nil, err
	}
	out := make([]Client, len(all))
	for i, c := range all {
		out[i] = shownClient(c)
	}
	return out, nil
}

// joinedBy says which evidence joined a client's identities, and since when.
func joinedBy(l lineage.Link) string {
	if l.Evidence == lineage.NoEvidence {
		return ""
	}
	by := l.Evidence.String() + " since " + l.Since.UTC().Format(time.RFC3339)
	if l.Detail != "" {
		by += ": " + l.Detail
	}
	return by
}

func shownClient(is answer.Client) Client {
	c := Client{
		Kind: is.Kind, ClientID: textOrNil(is.ClientID), Group: textOrNil(is.Group), Member: textOrNil(is.Member),
		TransactionalID: textOrNil(is.TransactionalID), Principal: textOrNil(is.Principal), Host: textOrNil(is.Host),
		Software: textOrNil(is.Software), Instance: textOrNil(is.Instance), JoinedBy: textOrNil(joinedBy(is.JoinedBy)),
		RecordsPerSecond: is.RecordsPerSecond, Lag: is.Lag, FirstSeen: is.FirstSeen, LastSeen: is.LastSeen,
	}
	if p, ok := is.Producer.Value(); ok {
		c.ProducerID = &p
	}
	return c
}
