package mcp

// Coverage says what was observed of a window.
type Coverage struct {
	Window           Span    `json:"window"`
	Complete         bool    `json:"complete" jsonschema:"all of the window was observed by all sources that should"`
	ObservedFraction float64 `json:"observedFraction"`
	HeldSince        *string `json:"heldSince" jsonschema:"begin of the oldest data that is held; null: nothing is held yet"`
	Stretches        []Gap   `json:"stretches" jsonschema:"what was not observed, and why; the first of them"`
	StretchCount     int     `json:"stretchCount"`
	BlindSpots       []Blind `json:"blindSpots" jsonschema:"what no source that is switched on could have seen even so"`
	blind            int
}

// Gap is a stretch in which something was not observed.
type Gap struct {
	Start       string    `json:"start"`
	End         string    `json:"end"`
	Kind        string    `json:"kind" jsonschema:"LOST, PAUSE, BEGINNING, BEFORE_DATA or NOT_YET"`
	Reason      Foreign   `json:"reason"`
	Sources     []Foreign `json:"sources"`
	SourceCount int       `json:"sourceCount"`
}

// Blind is what no source sees.
type Blind struct {
	Source Foreign `json:"source"`
	What   Foreign `json:"what"`
	Remedy Foreign `json:"remedy"`
}

// bounded keeps the first of all lists.
func (c *Coverage) bounded() *Coverage {
	if c == nil {
		return nil
	}
	c.blind = len(c.BlindSpots)
	c.BlindSpots, c.Stretches = first(c.BlindSpots, 10), first(c.Stretches, 10)
	for i := range c.Stretches {
		c.Stretches[i].Sources = first(c.Stretches[i].Sources, 5)
	}
	return c
}

const coverageFields = `
fragment Observed on Coverage {
  window { start end step } complete observedFraction heldSince
  stretches(first: 10) { start end kind reason sources sourceCount } stretchCount
  blindSpots { source what remedy }
}`

// Node is one of the graph.
type Node struct {
	ID        ID        `json:"id"`
	Kind      string    `json:"kind"`
	Name      Foreign   `json:"name"`
	Cluster   *Named    `json:"cluster"`
	Owner     *Foreign  `json:"owner" jsonschema:"null: nobody says"`
	Tags      []Foreign `json:"tags"`
	FirstSeen *string   `json:"firstSeen"`
	LastSeen  *string   `json:"lastSeen"`
	LastMoved *string   `json:"lastMoved" jsonschema:"null: nothing moved in the seven days before the end of the window, as far as it was seen"`
	States    []States  `json:"flowStates" jsonschema:"how its flows go at the end of the window"`
}

// Named is what has a name.
type Named struct {
	Name Foreign `json:"name"`
}

// States counts flows that go alike.
type States struct {
	State *string `json:"state" jsonschema:"null: how they go is not known"`
	Count int     `json:"count"`
}

const nodeFields = `
fragment Head on Node { id kind name cluster { name } owner tags firstSeen lastSeen lastMoved flowStates { state count } }`

// bounded keeps the first of all lists.
func (n *Node) bounded() *Node {
	if n != nil {
		n.Tags, n.States = first(n.Tags, 20), first(n.States, 10)
	}
	return n
}

// End is an end of a flow.
type End struct {
	ID    ID       `json:"id"`
	Owner *Foreign `json:"owner" jsonschema:"null: nobody says"`
}

// Flow is a movement between two nodes.
type Flow struct {
	Kind             string     `json:"kind"`
	From             End        `json:"from"`
	To               End        `json:"to"`
	Active           *bool      `json:"active" jsonschema:"whether it moved a record in the window; null: not known"`
	Live             *bool      `json:"live" jsonschema:"whether a reader was there at the end of the window; null: not known"`
	State            *string    `json:"state" jsonschema:"at the end of the window; null: not known"`
	StateSince       *string    `json:"stateSince" jsonschema:"null: for longer than was looked at"`
	Records          *Count     `json:"records" jsonschema:"in the window; null: not known"`
	RecordsPerSecond *float64   `json:"recordsPerSecond" jsonschema:"mean over the observed part of the window; null: not known"`
	Estimated        bool       `json:"estimated" jsonschema:"the counts are a bound or shared out, see the detail of the evidence"`
	Lag              *Count     `json:"lag" jsonschema:"records behind at the end of the window; null: not known, or no reader"`
	LagSeconds       *float64   `json:"lagSeconds" jsonschema:"null: not known"`
	Lost             *Count     `json:"lost" jsonschema:"records that were gone before they were read; null: not known"`
	Skipped          *Count     `json:"skipped" jsonschema:"records that were passed unread; null: not known"`
	FirstSeen        *string    `json:"firstSeen"`
	LastSeen         *string    `json:"lastSeen"`
	LastMoved        *string    `json:"lastMoved"`
	Evidence         []Evidence `json:"evidence" jsonschema:"how the flow is known"`
}

// Evidence is why a flow is believed in.
type Evidence struct {
	Kind      string  `json:"kind"`
	Source    Foreign `json:"source"`
	FirstSeen string  `json:"firstSeen"`
	LastSeen  string  `json:"lastSeen"`
	Detail    Foreign `json:"detail"`
}

const flowFields = `
fragment Way on Flow {
  kind from { id owner } to { id owner } active live state stateSince records recordsPerSecond estimated
  lag lagSeconds lost skipped firstSeen lastSeen lastMoved evidence { kind source firstSeen lastSeen detail }
}`

// bounded keeps the first of all lists.
func (f *Flow) bounded() { f.Evidence = first(f.Evidence, 10) }

func boundFlows(flows []Flow) []Flow {
	for i := range flows {
		flows[i].bounded()
	}
	return first(flows, len(flows))
}

// edges is a page of a connection.
type edges[T any] struct {
	Edges      []struct{ Node T }
	TotalCount int
}

func (e edges[T]) nodes() []T {
	out := make([]T, 0, len(e.Edges))
	for _, x := range e.Edges {
		out = append(out, x.Node)
	}
	return out
}
