package mcp

import (
	"context"
	"fmt"
	"strings"
)

// ImpactInput is what impact takes.
type ImpactInput struct {
	Root            string `json:"root" jsonschema:"id of the node that stops, as search returns it"`
	IncludeInternal bool   `json:"includeInternal,omitempty" jsonschema:"internal topics too"`
	First           int    `json:"first,omitempty" jsonschema:"how many at most"`
	Window
}

// Impact is what a node starves.
type Impact struct {
	Starved    []Hit   `json:"starved" jsonschema:"all downstream, in the order in which what is missing would be missed"`
	Total      int     `json:"total"`
	Owners     []Owner `json:"owners" jsonschema:"whose they are"`
	OwnerCount int     `json:"ownerCount"`
}

// Owner counts what is somebody's.
type Owner struct {
	Owner *Foreign `json:"owner" jsonschema:"null: of whom none is known"`
	Count int      `json:"count"`
}

// Hit is one that is starved.
type Hit struct {
	Node           Brief    `json:"node"`
	Hops           int      `json:"hops"`
	Through        Going    `json:"through" jsonschema:"the last hop of the way by which it can be hit the soonest"`
	AfterSeconds   *float64 `json:"afterSeconds" jsonschema:"until it misses what is missing; null: not known"`
	AtLeastSeconds float64  `json:"atLeastSeconds" jsonschema:"what is measured of that way"`
}

// Brief is a node in short.
type Brief struct {
	ID    ID       `json:"id"`
	Kind  string   `json:"kind"`
	Name  Foreign  `json:"name"`
	Owner *Foreign `json:"owner"`
}

// Going is a flow in short.
type Going struct {
	ID         ID         `json:"id"`
	State      *string    `json:"state"`
	Lag        *Count     `json:"lag"`
	LagSeconds *float64   `json:"lagSeconds"`
	LastMoved  *string    `json:"lastMoved"`
	Evidence   []Evidence `json:"evidence"`
}

const briefFields = `
fragment Brief on Node { id kind name owner }
fragment Going on Flow { id state lag lagSeconds lastMoved evidence { kind source firstSeen lastSeen detail } }`

const impactDocument = `query($root: ID!, $window: Window!, $internal: Boolean!, $first: Int!) {
  impact(root: $root, window: $window, includeInternal: $internal, first: $first) {
    edges { node { node { ...Brief } hops through { ...Going } afterSeconds atLeastSeconds } } totalCount owners(first: 20) { owner count } ownerCount
    coverage { ...Observed }
  }
}` + briefFields + coverageFields

var impactTool = tool[ImpactInput, Impact]{
	name: "impact", title: "What starves if this stops",
	description: "All that lies downstream of a node, at any distance: whose it is, through what it is hit, and in which order and how long after it would miss what is missing, as of the end of a window (the last 10m by default).",
	bounds:      bounds{"root": id, "first": upTo(200, 50)},
	answer: func(ctx context.Context, a *asker, in ImpactInput) (*Answer[Impact], error) {
		window, err := in.input("10m")
		if err != nil {
			return nil, err
		}
		got, err := ask[struct {
			Impact struct {
				edges[Hit]
				Owners     []Owner
				OwnerCount int
				Coverage   *Coverage
			}
		}](ctx, a, impactDocument, variables("root", in.Root, "window", window, "internal", in.IncludeInternal, "first", in.First))
		if err != nil {
			return nil, err
		}
		g := got.Impact
		out := &Answer[Impact]{Coverage: g.Coverage.bounded(), Result: Impact{g.nodes(), g.TotalCount, first(g.Owners, 20), g.OwnerCount}}
		for i := range out.Result.Starved {
			h := &out.Result.Starved[i]
			h.Through.Evidence = first(h.Through.Evidence, 5)
		}
		out.Page = a.page(ctx, "/lineage", out.Coverage, "root", in.Root, "direction", "downstream", "depth", "10", "impact", "1")
		out.parts = []part{of("result.starved", &out.Result.Starved, g.TotalCount), of("result.owners", &out.Result.Owners, g.OwnerCount)}
		return out, nil
	},
}

// WhatIfInput is what what_if takes.
type WhatIfInput struct {
	Lose  []string `json:"lose" jsonschema:"what is lost: ids of nodes, cluster:NAME of a cluster, broker:CLUSTER/ID of a broker, columns as NODE_ID#PATH"`
	First int      `json:"first,omitempty" jsonschema:"how many of each list at most"`
	Window
}

// WhatIf is what is hurt by a loss.
type WhatIf struct {
	Lost           []Loss     `json:"lost"`
	LostCount      int        `json:"lostCount"`
	Starved        []Starving `json:"starved" jsonschema:"who gets less, in the order in which it would be missed"`
	StarvedCount   int        `json:"starvedCount"`
	Copies         []CopyLoss `json:"copies" jsonschema:"lost topics, those without another copy first"`
	CopiesCount    int        `json:"copiesCount"`
	OnlyCopies     int        `json:"onlyCopies" jsonschema:"how many of copies have no other copy"`
	CopiesUnknown  int        `json:"copiesUnknown" jsonschema:"of how many that can't be told"`
	Retention      []AtRisk   `json:"retention" jsonschema:"who reads no more what is still there, and when it begins to be deleted unread"`
	RetentionCount int        `json:"retentionCount"`
	Columns        []Column   `json:"columns" jsonschema:"of each column that is lost, who is hurt without it"`
	ColumnCount    int        `json:"columnCount"`
	Untold         []Foreign  `json:"untold" jsonschema:"what can't be told at all, and why"`
}

// Column is a column that is lost, and its ways downstream.
type Column struct {
	Field        Foreign     `json:"field"`
	Columns      []ColumnAt  `json:"columns" jsonschema:"it itself, what is made of it, and who reads it (reads)"`
	ColumnCount  int         `json:"columnCount"`
	Unknown      []ColumnEnd `json:"unknown" jsonschema:"where nobody knows how it goes on: as long as there is one, more may be hurt"`
	UnknownCount int         `json:"unknownCount"`
}

// ColumnAt is a column on a way.
type ColumnAt struct {
	Field   Foreign `json:"field"`
	Node    Brief   `json:"node"`
	Hops    int     `json:"hops"`
	Reads   bool    `json:"reads" jsonschema:"it is what a program reads, which is hurt without it"`
	Assumed bool    `json:"assumed" jsonschema:"nobody says that the program reads this column: it reads what holds it"`
}

// ColumnEnd is where nobody knows how a column goes on.
type ColumnEnd struct {
	Field Foreign `json:"field"`
	At    Brief   `json:"at"`
	Why   Foreign `json:"why"`
}

// Loss is what is lost.
type Loss struct {
	Node       Brief  `json:"node"`
	Why        string `json:"why"`
	With       *ID    `json:"with"`
	Partitions *int   `json:"partitions" jsonschema:"null: all"`
}

// Starving is who gets less.
type Starving struct {
	Node           Brief    `json:"node"`
	Wholly         *bool    `json:"wholly" jsonschema:"whether nobody else is seen to feed it; null: that can't be told"`
	Hops           int      `json:"hops"`
	Through        Going    `json:"through"`
	Waiting        *Count   `json:"waiting"`
	AfterSeconds   *float64 `json:"afterSeconds" jsonschema:"null: not known"`
	AtLeastSeconds float64  `json:"atLeastSeconds"`
	At             *string  `json:"at"`
}

// CopyLoss is a topic that is lost.
type CopyLoss struct {
	Topic     Brief    `json:"topic"`
	Only      *bool    `json:"only" jsonschema:"true: no other copy is known; null: that can't be told, and why says why"`
	Why       *Foreign `json:"why"`
	Copies    []Brief  `json:"copies"`
	NotCopied *Count   `json:"notCopied"`
	Records   *Count   `json:"records"`
	Bytes     *Count   `json:"bytes"`
}

// AtRisk is a reader that runs into retention.
type AtRisk struct {
	Flow         Going    `json:"flow"`
	Reader       string   `json:"reader"`
	Waiting      *Count   `json:"waiting"`
	AfterSeconds *float64 `json:"afterSeconds" jsonschema:"null: never, or that can't be told: see by"`
	At           *string  `json:"at"`
	By           string   `json:"by"`
	Why          Foreign  `json:"why"`
}

const whatIfDocument = `query($lose: [ID!]!, $window: Window!, $first: Int!) {
  whatIf(lose: $lose, window: $window) {
    lost(first: $first) { node { ...Brief } why with partitions } lostCount
    starved(first: $first) { node { ...Brief } wholly hops through { ...Going } waiting afterSeconds atLeastSeconds at } starvedCount
    copies(first: $first) { topic { ...Brief } only why copies { ...Brief } notCopied records bytes } copiesCount onlyCopies copiesUnknown
    retention(first: $first) { flow { ...Going } reader waiting afterSeconds at by why } retentionCount
    columns(first: 5) { field columns(first: $first) { field node { ...Brief } hops reads assumed } columnCount unknown(first: $first) { field at { ...Brief } why } unknownCount } columnCount
    untold coverage { ...Observed }
  }
}` + briefFields + coverageFields

var whatIfTool = tool[WhatIfInput, WhatIf]{
	name: "what_if", title: "What is hurt if these are lost",
	description: "What is hurt if some topics, applications, columns, brokers or whole clusters are lost at the end of a window (the last 10m by default), at the rates measured in it: what goes with them, who starves and when, which topics lose their only copy, who runs into retention, who reads a column that is removed. Nothing is changed: it only reckons.",
	bounds:      bounds{"lose": ids(1, 50), "first": upTo(100, 30)},
	answer: func(ctx context.Context, a *asker, in WhatIfInput) (*Answer[WhatIf], error) {
		window, err := in.input("10m")
		if err != nil {
			return nil, err
		}
		got, err := ask[struct {
			WhatIf struct {
				WhatIf
				Coverage *Coverage
			}
		}](ctx, a, whatIfDocument, variables("lose", in.Lose, "window", window, "first", in.First))
		if err != nil {
			return nil, err
		}
		out := &Answer[WhatIf]{Coverage: got.WhatIf.Coverage.bounded(), Result: got.WhatIf.WhatIf}
		w, untold := &out.Result, len(got.WhatIf.Untold)
		w.Lost, w.Starved, w.Copies, w.Retention, w.Untold = first(w.Lost, in.First), first(w.Starved, in.First), first(w.Copies, in.First), first(w.Retention, in.First), first(w.Untold, in.First)
		for i := range w.Starved {
			w.Starved[i].Through.Evidence = first(w.Starved[i].Through.Evidence, 3)
		}
		for i := range w.Retention {
			w.Retention[i].Flow.Evidence = first(w.Retention[i].Flow.Evidence, 3)
		}
		for i := range w.Copies {
			w.Copies[i].Copies = first(w.Copies[i].Copies, 10)
		}
		w.Columns = first(w.Columns, 5)
		for i := range w.Columns {
			w.Columns[i].Columns, w.Columns[i].Unknown = first(w.Columns[i].Columns, in.First), first(w.Columns[i].Unknown, in.First)
		}
		var pairs []string
		if len(in.Lose) == 1 {
			root, _, _ := strings.Cut(in.Lose[0], "#") // of a column, its node
			pairs = []string{"root", root, "direction", "downstream", "depth", "10"}
		}
		for _, x := range in.Lose {
			pairs = append(pairs, "lose", x)
		}
		out.Page = a.page(ctx, "/lineage", out.Coverage, pairs...)
		out.parts = []part{
			of("result.lost", &w.Lost, w.LostCount), of("result.starved", &w.Starved, w.StarvedCount), of("result.copies", &w.Copies, w.CopiesCount),
			of("result.retention", &w.Retention, w.RetentionCount), of("result.untold", &w.Untold, untold),
			of("result.columns", &w.Columns, w.ColumnCount),
		}
		for i := range w.Columns {
			c := &w.Columns[i]
			out.parts = append(out.parts, of(fmt.Sprintf("result.columns[%d].columns", i), &c.Columns, c.ColumnCount), of(fmt.Sprintf("result.columns[%d].unknown", i), &c.Unknown, c.UnknownCount))
		}
		return out, nil
	},
}

// DeletionInput is what safe_to_delete takes.
type DeletionInput struct {
	Topic string `json:"topic" jsonschema:"id of a topic, as search returns it"`
	Days  int    `json:"days,omitempty" jsonschema:"how many days up to now without any use"`
}

// Deletion is whether a topic may be deleted.
type Deletion struct {
	Topic        Brief    `json:"topic"`
	Verdict      string   `json:"verdict" jsonschema:"SAFE: proved; UNSAFE: see against; CANNOT_BE_TOLD: nothing is known that speaks against it, and something may, see untold"`
	Against      []Reason `json:"against"`
	AgainstCount int      `json:"againstCount"`
	Untold       []Untold `json:"untold" jsonschema:"what was not seen of what would speak against it"`
	UntoldCount  int      `json:"untoldCount"`
	Days         int      `json:"days"`
	WatchedSince *string  `json:"watchedSince" jsonschema:"null: not seen"`
	LastWritten  *string  `json:"lastWritten" jsonschema:"null: nobody was seen to in these days"`
	LastRead     *string  `json:"lastRead" jsonschema:"null: nobody was seen to in these days"`
	Records      *Count   `json:"records" jsonschema:"that it holds, at most; null: not known"`
}

// Reason speaks against a deletion.
type Reason struct {
	Kind     string   `json:"kind"`
	Detail   Foreign  `json:"detail"`
	LastSeen *string  `json:"lastSeen"`
	Evidence []string `json:"evidence"`
	Flow     *Only    `json:"flow"`
	Node     *Only    `json:"node"`
}

// Untold is what was not seen.
type Untold struct {
	Kind   string  `json:"kind"`
	Detail Foreign `json:"detail"`
	Since  *string `json:"since"`
}

const deletionDocument = `query($topic: ID!, $days: Int!) {
  safeToDelete(topic: $topic, days: $days) {
    topic { ...Brief } verdict against(first: 30) { kind detail lastSeen evidence flow { id } node { id } } againstCount
    untold(first: 30) { kind detail since } untoldCount days watchedSince lastWritten lastRead records coverage { ...Observed }
  }
}
fragment Brief on Node { id kind name owner }` + coverageFields

var deletionTool = tool[DeletionInput, Deletion]{
	name: "safe_to_delete", title: "May a topic be deleted",
	description: "Whether a topic may be deleted: nobody wrote it, read it, was let in to it, or is configured or declared to use it in so many days up to now. SAFE only where all of that time was watched; else the reasons against it, or what was not seen. Nothing is deleted.",
	bounds:      bounds{"topic": id, "days": upTo(3650, 30)},
	answer: func(ctx context.Context, a *asker, in DeletionInput) (*Answer[Deletion], error) {
		got, err := ask[struct {
			SafeToDelete struct {
				Deletion
				Coverage *Coverage
			}
		}](ctx, a, deletionDocument, variables("topic", in.Topic, "days", in.Days))
		if err != nil {
			return nil, err
		}
		out := &Answer[Deletion]{Coverage: got.SafeToDelete.Coverage.bounded(), Result: got.SafeToDelete.Deletion}
		d := &out.Result
		d.Against, d.Untold = first(d.Against, 30), first(d.Untold, 30)
		for i := range d.Against {
			d.Against[i].Evidence = first(d.Against[i].Evidence, 20)
		}
		// The page is of now, as the verdict is.
		out.Page = a.page(ctx, "/lineage", nil, "root", in.Topic, "direction", "downstream", "depth", "10", "lose", in.Topic, "last", "10m", "selected", in.Topic)
		out.parts = []part{of("result.against", &d.Against, d.AgainstCount), of("result.untold", &d.Untold, d.UntoldCount)}
		return out, nil
	},
}
