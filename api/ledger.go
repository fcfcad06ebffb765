package api

import (
	"context"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// Ledger is the schema's type of that name, told by whoever wires it in.
type Ledger struct {
	ClosedUntil                           *time.Time
	Period                                time.Duration
	Entries                               *int64
	Key, Fingerprint, Checkpoint, Trouble *string
	Anchors                               []LedgerAnchor

	// Of tells how much of a topic's window is closed; nil, or one that returns nil: nothing is.
	Of func(ctx context.Context, topic string, start, end time.Time) (*Sealed, error)
}

// LedgerAnchor is the schema's type of that name.
type LedgerAnchor struct {
	Name    string
	Entries *int64
	At      *time.Time
}

// Ledger returns the fields of Ledger that take arguments.
func (a *resolver) Ledger() LedgerResolver { return &ledgers{a} }

type ledgers struct{ a *resolver }

// Sealed answers Ledger.sealed.
func (l *ledgers) Sealed(ctx context.Context, of *Ledger, topic string, window WindowInput) (*Sealed, error) {
	n, err := lineage.ParseNodeID(topic)
	if err != nil || n.Kind != lineage.TopicNode {
		return nil, badInput("topic: %q is no topic's id: the ledger knows no other names; one is e.g. topic:west/orders", topic)
	}
	span, err := window.span()
	if err != nil || of.Of == nil {
		return nil, err
	}
	m, err := l.a.answers.Moment(ctx, span)
	if err != nil {
		return nil, err
	}
	return of.Of(ctx, n.ID(), m.Window.Start, m.Window.End)
}
