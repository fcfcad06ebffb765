package api

import "time"

// Ledger is the schema's type of that name, told by whoever wires it in.
type Ledger struct {
	ClosedUntil                           *time.Time
	Period                                time.Duration
	Entries                               *int64
	Key, Fingerprint, Checkpoint, Trouble *string
	Anchors                               []LedgerAnchor
}

// LedgerAnchor is the schema's type of that name.
type LedgerAnchor struct {
	Name    string
	Entries *int64
	At      *time.Time
}
