package mcp

import (
	"context"
	"time"

	"github.com/lineaged/lineaged/internal/span"
)

// ChangesInput is what changes takes.
type ChangesInput struct {
	Roots   []string `json:"roots,omitempty" jsonschema:"only what lies upstream or downstream of these nodes; none: everything"`
	Earlier string   `json:"earlier,omitempty" jsonschema:"how long before the window the one lies that it is compared with, as 1h or 7d; none: just before, of an instant 1d"`
	Quiet   string   `json:"quiet,omitempty" jsonschema:"a flow counts as ended only when it was silent so long, up to 7d, so that a nightly job is no change"`
	Limit   int      `json:"limit,omitempty" jsonschema:"how many of each list at most"`
	Window
}

// Changes is what is another in one window than in one before.
type Changes struct {
	Before         Span      `json:"before" jsonschema:"the window that is compared with"`
	Added          []Flow    `json:"added"`
	AddedCount     int       `json:"addedCount"`
	Removed        []Flow    `json:"removed" jsonschema:"as they were before"`
	RemovedCount   int       `json:"removedCount"`
	Changed        []Change  `json:"changed" jsonschema:"flows whose rate doubled or halved"`
	ChangedCount   int       `json:"changedCount"`
	Unknown        []Unsure  `json:"unknown" jsonschema:"flows of one window of which it is not known whether the other has them"`
	UnknownCount   int       `json:"unknownCount"`
	Events         []Event   `json:"events" jsonschema:"what happened in the window, the newest first; of the roots alone where there are any"`
	EventCount     int       `json:"eventCount"`
	CoverageBefore *Coverage `json:"coverageBefore" jsonschema:"what was observed of the window that is compared with"`
}

// Change is a flow with another rate.
type Change struct {
	Flow      Only    `json:"flow"`
	Before    float64 `json:"before" jsonschema:"records a second"`
	After     float64 `json:"after" jsonschema:"records a second"`
	Estimated bool    `json:"estimated"`
}

// Unsure is a flow that may have changed.
type Unsure struct {
	Flow    Only    `json:"flow"`
	InAfter bool    `json:"inAfter" jsonschema:"true: the later window has it"`
	Reason  Foreign `json:"reason"`
}

const resolveDocument = `query($window: Window!) { coverage(window: $window) { window { start end step } } }`

const changesDocument = `query($roots: [ID!], $nodes: [ID!], $before: Window!, $after: Window!, $quiet: Duration!, $limit: Int!) {
  lineageDiff(roots: $roots, before: $before, after: $after, quiet: $quiet, limit: $limit) {
    added { ...Way } addedCount removed { ...Way } removedCount changed { flow { id } before after estimated } changedCount unknown { flow { id } inAfter reason } unknownCount
    before { start end step } coverageBefore { ...Observed } coverage { ...Observed }
  }
  events(window: $after, nodes: $nodes, first: $limit) { edges { node { ...Happened } } totalCount }
}` + flowFields + eventFields + coverageFields

var changesTool = tool[ChangesInput, Changes]{
	name: "changes", title: "What changed",
	description: "What changed between a window (the last 1h by default) or an instant and one before it: flows that came, went, or changed their rate, those of which that is not known, and the events of the window. What was not observed has neither come nor gone.",
	bounds:      bounds{"roots": ids(0, 10), "earlier": func(s *schema) { s.MaxLength = new(mostTime) }, "quiet": func(s *schema) { s.MaxLength = new(mostTime) }, "limit": upTo(100, 20)},
	answer: func(ctx context.Context, a *asker, in ChangesInput) (*Answer[Changes], error) {
		before, after, err := in.windows(ctx, a)
		if err != nil {
			return nil, err
		}
		quiet := "0s"
		if in.Quiet != "" {
			d, err := length("quiet", in.Quiet)
			if err != nil {
				return nil, err
			}
			quiet = span.Format(d)
		}
		got, err := ask[struct {
			LineageDiff struct {
				Changes
				Coverage *Coverage
			}
			Events edges[Event]
		}](ctx, a, changesDocument, variables("roots", in.Roots, "nodes", in.Roots, "before", before, "after", after, "quiet", quiet, "limit", in.Limit))
		if err != nil {
			return nil, err
		}
		out := &Answer[Changes]{Coverage: got.LineageDiff.Coverage.bounded(), Result: got.LineageDiff.Changes}
		c := &out.Result
		c.Events, c.EventCount = got.Events.nodes(), got.Events.TotalCount
		c.CoverageBefore.bounded()
		c.Added, c.Removed, c.Changed, c.Unknown = boundFlows(c.Added), boundFlows(c.Removed), first(c.Changed, in.Limit), first(c.Unknown, in.Limit)
		pairs := append(roots(in.Roots), "compare", c.Before.Start+"/"+c.Before.End)
		if in.Quiet != "" {
			pairs = append(pairs, "quiet", quiet)
		}
		out.Page = a.page(ctx, "/lineage", out.Coverage, pairs...)
		out.parts = []part{
			of("result.added", &c.Added, c.AddedCount), of("result.removed", &c.Removed, c.RemovedCount), of("result.changed", &c.Changed, c.ChangedCount),
			of("result.unknown", &c.Unknown, c.UnknownCount), of("result.events", &c.Events, c.EventCount),
		}
		return out, nil
	},
}

// windows are the one that is asked about and the one before it, by their ends: both are of one moment.
func (in ChangesInput) windows(ctx context.Context, a *asker) (before, after map[string]any, err error) {
	window, err := in.input("1h")
	if err != nil {
		return nil, nil, err
	}
	got, err := ask[struct{ Coverage struct{ Window Span } }](ctx, a, resolveDocument, variables("window", window))
	if err != nil {
		return nil, nil, err
	}
	start, err := time.Parse(time.RFC3339, got.Coverage.Window.Start)
	if err != nil {
		return nil, nil, err
	}
	end, err := time.Parse(time.RFC3339, got.Coverage.Window.End)
	if err != nil {
		return nil, nil, err
	}
	by := end.Sub(start)
	if in.At != "" {
		by = 24 * time.Hour
	}
	if in.Earlier != "" {
		if by, err = length("earlier", in.Earlier); err != nil {
			return nil, nil, err
		}
	}
	between := func(start, end time.Time) map[string]any {
		return map[string]any{"start": start.Format(time.RFC3339Nano), "end": end.Format(time.RFC3339Nano)}
	}
	return between(start.Add(-by), end.Add(-by)), between(start, end), nil
}
