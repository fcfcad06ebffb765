package mcp

import (
	"context"
	"strconv"
	"strings"
)

// SearchInput is what search takes.
type SearchInput struct {
	Text            string   `json:"text,omitempty" jsonschema:"part of a name, an owner or a tag; none: all nodes"`
	Kinds           []string `json:"kinds,omitempty" jsonschema:"only nodes of these kinds"`
	Cluster         string   `json:"cluster,omitempty" jsonschema:"id or name of a cluster"`
	Owner           string   `json:"owner,omitempty"`
	Tag             string   `json:"tag,omitempty"`
	OrderBy         string   `json:"orderBy,omitempty" jsonschema:"none: the best matches first"`
	IncludeInternal bool     `json:"includeInternal,omitempty" jsonschema:"internal topics too"`
	First           int      `json:"first,omitempty" jsonschema:"how many at most"`
	Window
}

// Found is what search finds.
type Found struct {
	Nodes []Node `json:"nodes"`
	Total int    `json:"total" jsonschema:"how many nodes match; none where observation was complete, not known otherwise"`
}

var nodeKinds = []string{"TOPIC", "APPLICATION", "UNIDENTIFIED", "CONNECTOR", "REPLICATOR", "STREAM_JOB", "JOB", "DATASET"}

const searchDocument = `query($text: String, $kinds: [NodeKind!], $cluster: ID, $owner: String, $tag: String, $order: NodeOrder, $internal: Boolean!, $first: Int!, $window: Window!) {
  nodes(text: $text, kinds: $kinds, cluster: $cluster, owner: $owner, tag: $tag, orderBy: $order, includeInternal: $internal, first: $first, window: $window) {
    edges { node { ...Head } } totalCount coverage { ...Observed }
  }
}` + nodeFields + coverageFields

var searchTool = tool[SearchInput, Found]{
	name: "search", title: "Search nodes",
	description: "Finds topics, applications, connectors, replicators, stream jobs and datasets by name, owner, tag or cluster, as of a window (the last 10m by default). Use it first: all other tools take the ids that it returns.",
	bounds: bounds{
		"text": text, "owner": text, "tag": text, "cluster": text, "kinds": someOf(nodeKinds...), "first": upTo(100, 20),
		"orderBy": oneOf("NAME", "RATE", "LAG", "LAST_MOVED"),
	},
	answer: func(ctx context.Context, a *asker, in SearchInput) (*Answer[Found], error) {
		window, err := in.input("10m")
		if err != nil {
			return nil, err
		}
		got, err := ask[struct {
			Nodes struct {
				edges[Node]
				Coverage *Coverage
			}
		}](ctx, a, searchDocument, variables("window", window, "internal", in.IncludeInternal, "first", in.First,
			"text", in.Text, "kinds", in.Kinds, "cluster", in.Cluster, "owner", in.Owner, "tag", in.Tag, "order", in.OrderBy))
		if err != nil {
			return nil, err
		}
		out := &Answer[Found]{Coverage: got.Nodes.Coverage.bounded(), Result: Found{got.Nodes.nodes(), got.Nodes.TotalCount}}
		for i := range out.Result.Nodes {
			out.Result.Nodes[i].bounded()
		}
		internal := ""
		if in.IncludeInternal {
			internal = "1"
		}
		out.Page = a.page(ctx, "/catalog", out.Coverage, "q", in.Text, "kind", strings.ToLower(strings.Join(in.Kinds, ",")), "cluster", in.Cluster,
			"owner", in.Owner, "tag", in.Tag, "order", strings.ToLower(in.OrderBy), "internal", internal)
		out.parts = []part{of("result.nodes", &out.Result.Nodes, out.Result.Total)}
		return out, nil
	},
}

// variables are pairs of names and values; what is empty is left out.
func variables(pairs ...any) map[string]any {
	out := map[string]any{}
	for i := 0; i+1 < len(pairs); i += 2 {
		name, _ := pairs[i].(string)
		switch v := pairs[i+1].(type) {
		case string:
			if v == "" {
				continue
			}
		case []string:
			if len(v) == 0 {
				continue
			}
		}
		out[name] = pairs[i+1]
	}
	return out
}

// NodeInput is what node takes.
type NodeInput struct {
	ID string `json:"id" jsonschema:"id of a node, as search returns it"`
	Window
}

// Known is what is known of a node.
type Known struct {
	Node     *Node   `json:"node" jsonschema:"null: the window does not know it, and life says when it was there"`
	Metadata []Said  `json:"metadata" jsonschema:"what people say of it: owner, contact, description, tags and other properties"`
	Life     *Life   `json:"life" jsonschema:"when it was there, as far as the window and what is held know"`
	Events   []Event `json:"events" jsonschema:"what happened to it in the window, the newest first"`
	events   int
}

// Said is what somebody says of a node.
type Said struct {
	Field  string    `json:"field"`
	Key    *Foreign  `json:"key"`
	Values []Foreign `json:"values"`
	Source string    `json:"source" jsonschema:"RULE, EDIT or DECLARED"`
	Rule   *Foreign  `json:"rule"`
	Since  *string   `json:"since"`
	By     *Foreign  `json:"by" jsonschema:"who said it; null: not known"`
}

// Life is when a node was there.
type Life struct {
	End       string  `json:"end" jsonschema:"THERE, GONE, SILENT, NOT_OBSERVED, LATER or NEVER"`
	FirstSeen *string `json:"firstSeen"`
	LastSeen  *string `json:"lastSeen"`
	Since     *string `json:"since"`
	GoneAt    *string `json:"goneAt"`
}

// Event is what happened.
type Event struct {
	At     string  `json:"at"`
	Type   string  `json:"type"`
	Node   *Only   `json:"node"`
	Flow   *Only   `json:"flow"`
	Detail Foreign `json:"detail"`
}

// Only is what is named by its id.
type Only struct {
	ID ID `json:"id"`
}

const eventFields = `
fragment Happened on Event { at type node { id } flow { id } detail }`

const nodeDocument = `query($id: ID!, $ids: [ID!]!, $window: Window!) {
  node(id: $id, window: $window) { ...Head metadata { entries { field key values source rule since by } } coverage { ...Observed } }
  lastLives(ids: $ids, window: $window) { lives { end firstSeen lastSeen since goneAt } coverage { ...Observed } }
  events(window: $window, node: $id, first: 20) { edges { node { ...Happened } } totalCount }
}` + nodeFields + eventFields + coverageFields

var nodeTool = tool[NodeInput, Known]{
	name: "node", title: "One node at a time",
	description: "What is known of one node in a window (the last 10m by default) or at an instant: who answers for it and who says so, how its flows go, and what happened to it. Of a node that is not there then, life says whether it is gone, silent, was never seen, or nobody looked.",
	bounds:      bounds{"id": id},
	answer: func(ctx context.Context, a *asker, in NodeInput) (*Answer[Known], error) {
		window, err := in.input("10m")
		if err != nil {
			return nil, err
		}
		got, refused, err := askHalf[struct {
			Node *struct {
				Node
				Metadata *struct{ Entries []Said }
				Coverage *Coverage
			}
			LastLives *struct {
				Lives    []Life
				Coverage *Coverage
			}
			Events *edges[Event]
		}](ctx, a, nodeDocument, variables("id", in.ID, "ids", []string{in.ID}, "window", window))
		if err != nil {
			return nil, err
		}
		if got.LastLives == nil || len(got.LastLives.Lives) == 0 {
			return nil, refused
		}
		out := &Answer[Known]{Coverage: got.LastLives.Coverage, Result: Known{Life: &got.LastLives.Lives[0], Metadata: []Said{}, Events: []Event{}}}
		if n := got.Node; n != nil {
			out.Coverage, out.Result.Node = n.Coverage, n.bounded()
			if n.Metadata != nil {
				out.Result.Metadata = first(n.Metadata.Entries, 55)
			}
		}
		if got.Events != nil {
			out.Result.Events, out.Result.events = got.Events.nodes(), got.Events.TotalCount
		}
		for i := range out.Result.Metadata {
			out.Result.Metadata[i].Values = first(out.Result.Metadata[i].Values, 50)
		}
		out.Coverage.bounded()
		out.Page = a.page(ctx, "/node", out.Coverage, "id", in.ID)
		out.parts = []part{of("result.events", &out.Result.Events, out.Result.events), of("result.metadata", &out.Result.Metadata, 0)}
		return out, nil
	},
}

func itoa(n int) string { return strconv.Itoa(n) }
