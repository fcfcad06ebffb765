package mcp

import (
	"context"
	"strings"
)

// LineageInput is what lineage takes.
type LineageInput struct {
	Roots           []string `json:"roots" jsonschema:"ids of nodes, as search returns them"`
	Direction       string   `json:"direction,omitempty" jsonschema:"UPSTREAM: where it comes from; DOWNSTREAM: where it goes"`
	Depth           int      `json:"depth,omitempty" jsonschema:"how many hops from the roots"`
	Evidence        []string `json:"evidence,omitempty" jsonschema:"only flows that are known by one of these"`
	ActiveOnly      bool     `json:"activeOnly,omitempty" jsonschema:"leave out flows that moved nothing in the window"`
	IncludeInternal bool     `json:"includeInternal,omitempty" jsonschema:"internal topics too"`
	Limit           int      `json:"limit,omitempty" jsonschema:"how many nodes at most; the least important are cut first, and counted as hidden"`
	Window
}

// Lineage is a part of the graph.
type Lineage struct {
	Nodes      []Node   `json:"nodes"`
	Flows      []Flow   `json:"flows"`
	TotalNodes int      `json:"totalNodes" jsonschema:"before the limit"`
	Hidden     []Hidden `json:"hidden" jsonschema:"neighbours of shown nodes that the limit cut"`
	Unobserved []ID     `json:"unobserved" jsonschema:"roots of which it is not known whether they were there"`
}

// Hidden counts neighbours that are not shown.
type Hidden struct {
	Node       ID  `json:"node"`
	Upstream   int `json:"upstream"`
	Downstream int `json:"downstream"`
}

var evidenceKinds = []string{
	"END_OFFSETS", "GROUP_OFFSETS", "GROUP_MEMBERSHIP", "SHARE_OFFSETS", "PRODUCER_STATE", "TRANSACTION", "BATCH_HEADER", "RECORD_HEADER", "STREAMS_TOPOLOGY",
	"CONNECT", "MIRROR", "FLINK", "OPENLINEAGE", "AUDIT_LOG", "TELEMETRY", "AUTHORIZER_LOG", "REQUEST_LOG", "ELIMINATION", "DECLARED",
}

const lineageDocument = `query($roots: [ID!]!, $direction: Direction!, $depth: Int!, $window: Window!, $evidence: [EvidenceKind!], $inactive: Boolean!, $internal: Boolean!, $limit: Int!) {
  lineage(roots: $roots, direction: $direction, depth: $depth, window: $window, evidence: $evidence, includeInactive: $inactive, includeInternal: $internal, limit: $limit) {
    nodes { ...Head } flows { ...Way } totalNodes hidden { node upstream downstream } unobserved coverage { ...Observed }
  }
}` + nodeFields + flowFields + coverageFields

var lineageTool = tool[LineageInput, Lineage]{
	name: "lineage", title: "Upstream and downstream",
	description: "Who writes and reads around some nodes, hop by hop: what lies upstream (where data comes from) and downstream (where it goes), with rates, lag, how each flow goes, and the evidence by which it is known, in a window (the last 10m by default) or at an instant.",
	bounds: bounds{
		"roots": ids(1, 10), "direction": oneOf("UPSTREAM", "DOWNSTREAM", "BOTH"), "depth": upTo(10, 3), "limit": upTo(200, 50), "evidence": someOf(evidenceKinds...),
	},
	answer: func(ctx context.Context, a *asker, in LineageInput) (*Answer[Lineage], error) {
		window, err := in.input("10m")
		if err != nil {
			return nil, err
		}
		if in.Direction == "" {
			in.Direction = "BOTH"
		}
		got, err := ask[struct {
			Lineage struct {
				Lineage
				Coverage *Coverage
			}
		}](ctx, a, lineageDocument, variables("roots", in.Roots, "direction", in.Direction, "depth", in.Depth, "window", window, "evidence", in.Evidence,
			"inactive", !in.ActiveOnly, "internal", in.IncludeInternal, "limit", in.Limit))
		if err != nil {
			return nil, err
		}
		out := &Answer[Lineage]{Coverage: got.Lineage.Coverage.bounded(), Result: got.Lineage.Lineage}
		l := &out.Result
		for i := range l.Nodes {
			l.Nodes[i].bounded()
		}
		l.Nodes, l.Flows, l.Hidden, l.Unobserved = first(l.Nodes, len(l.Nodes)), boundFlows(l.Flows), first(l.Hidden, len(l.Hidden)), first(l.Unobserved, len(l.Unobserved))
		pairs := append(roots(in.Roots), "direction", strings.ToLower(in.Direction), "depth", itoa(in.Depth), "evidence", strings.Join(in.Evidence, ","))
		if in.ActiveOnly {
			pairs = append(pairs, "inactive", "0")
		}
		if in.IncludeInternal {
			pairs = append(pairs, "internal", "1")
		}
		out.Page = a.page(ctx, "/lineage", out.Coverage, pairs...)
		out.parts = []part{of("result.nodes", &l.Nodes, l.TotalNodes), of("result.flows", &l.Flows, 0), of("result.hidden", &l.Hidden, 0)}
		return out, nil
	},
}

// roots are pairs of a link.
func roots(all []string) (pairs []string) {
	for _, r := range all {
		pairs = append(pairs, "root", r)
	}
	return pairs
}

// PathsInput is what paths takes.
type PathsInput struct {
	From            string `json:"from" jsonschema:"id of the node that data left"`
	To              string `json:"to" jsonschema:"id of the node that it may have reached"`
	IncludeInternal bool   `json:"includeInternal,omitempty" jsonschema:"also through internal topics"`
	First           int    `json:"first,omitempty" jsonschema:"how many ways at most"`
	Window
}

// Ways says whether data can have come from one node to another.
type Ways struct {
	Reached    string  `json:"reached" jsonschema:"YES: by what was seen to move; NO: what was observed excludes it; NOT_KNOWN: it hangs on what was not observed, see doubts"`
	Paths      []Path  `json:"paths"`
	NotBefore  *string `json:"notBefore" jsonschema:"the earliest arrival by any way; null: by none"`
	Doubts     []Doubt `json:"doubts"`
	DoubtCount int     `json:"doubtCount"`
}

// Path is one way.
type Path struct {
	Hops            []Hop  `json:"hops"`
	EarliestArrival string `json:"earliestArrival"`
	Observed        bool   `json:"observed" jsonschema:"false: only a way that there may have been"`
}

// Hop is one flow of a way.
type Hop struct {
	Flow     Only   `json:"flow"`
	At       string `json:"at"`
	Until    string `json:"until"`
	Observed bool   `json:"observed"`
}

// Doubt is what a way hangs on.
type Doubt struct {
	Flow   *Only   `json:"flow"`
	Node   *Only   `json:"node"`
	Start  string  `json:"start"`
	End    string  `json:"end"`
	Reason Foreign `json:"reason"`
}

const pathsDocument = `query($from: ID!, $to: ID!, $window: Window!, $internal: Boolean!, $first: Int!) {
  paths(from: $from, to: $to, window: $window, includeInternal: $internal, first: $first) {
    reached paths { hops { flow { id } at until observed } earliestArrival observed } notBefore doubts(first: 20) { flow { id } node { id } start end reason } doubtCount
    coverage { ...Observed }
  }
}` + coverageFields

var pathsTool = tool[PathsInput, Ways]{
	name: "paths", title: "Could data have come from here to there",
	description: "Whether data that left one node in a window (the last 1h by default) can have reached another within it: yes with the ways in the order of time, no, or not known with what that hangs on.",
	bounds:      bounds{"from": id, "to": id, "first": upTo(20, 5)},
	answer: func(ctx context.Context, a *asker, in PathsInput) (*Answer[Ways], error) {
		window, err := in.input("1h")
		if err != nil {
			return nil, err
		}
		got, err := ask[struct {
			Paths struct {
				Ways
				Coverage *Coverage
			}
		}](ctx, a, pathsDocument, variables("from", in.From, "to", in.To, "window", window, "internal", in.IncludeInternal, "first", in.First))
		if err != nil {
			return nil, err
		}
		out := &Answer[Ways]{Coverage: got.Paths.Coverage.bounded(), Result: got.Paths.Ways}
		w := &out.Result
		w.Paths, w.Doubts = first(w.Paths, len(w.Paths)), first(w.Doubts, len(w.Doubts))
		for i := range w.Paths {
			w.Paths[i].Hops = first(w.Paths[i].Hops, len(w.Paths[i].Hops))
		}
		out.Page = a.page(ctx, "/lineage", out.Coverage, "root", in.From, "path", in.To)
		out.parts = []part{of("result.paths", &w.Paths, 0), of("result.doubts", &w.Doubts, w.DoubtCount)}
		return out, nil
	},
}
