package lineage

import "time"

// WaysFact is which of what a job reads leads to which of what it writes. To an output that it does not name nobody
// says what leads.
type WaysFact struct {
	Job  Node
	Ends []Node // what it reads and writes: datasets, and topics, whose scope is the id of their cluster
	Ways []JobWay
}

// JobWay is one way through a job. Its ends are indices into Ends.
type JobWay struct {
	From int // -1: none, and what leads to To is told in full
	To   int
	// Until is when it was so last. Zero: it is.
	Until time.Time
}
