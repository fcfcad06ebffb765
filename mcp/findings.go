package mcp

import (
	"context"

	"github.com/google/jsonschema-go/jsonschema"
)

type schema = jsonschema.Schema

// FindingsInput is what findings takes.
type FindingsInput struct {
	Cluster string   `json:"cluster,omitempty" jsonschema:"id or name of a cluster"`
	Owner   string   `json:"owner,omitempty" jsonschema:"who answers for it"`
	Kinds   []string `json:"kinds,omitempty" jsonschema:"only of these kinds"`
	First   int      `json:"first,omitempty" jsonschema:"how many at most"`
	Window
}

// Findings is what is wrong or new.
type Findings struct {
	Findings []Finding `json:"findings" jsonschema:"the worst first; none is good news only where coverage says that all was observed"`
	Total    int       `json:"total"`
	Resting  int       `json:"resting" jsonschema:"flows that are silent and no finding"`
	Unknown  int       `json:"unknown" jsonschema:"flows of which it is not known how they go"`
}

// Finding is one thing that is wrong or new.
type Finding struct {
	Kind             string    `json:"kind"`
	Severity         string    `json:"severity" jsonschema:"HARM, RISK or CHANGE"`
	Since            *string   `json:"since" jsonschema:"null: for longer than was looked at"`
	Flow             *Going    `json:"flow"`
	Node             *Brief    `json:"node"`
	Sources          []Foreign `json:"sources" jsonschema:"who does not see what he should"`
	Cluster          *Named    `json:"cluster"`
	Reason           *Foreign  `json:"reason"`
	ObservedFraction *float64  `json:"observedFraction"`
	Owner            *Foreign  `json:"owner" jsonschema:"null: nobody says"`
	Starves          *Starves  `json:"starves" jsonschema:"whom it starves; null: nobody is asked of this kind"`
}

// Starves counts who is starved.
type Starves struct {
	Count   int     `json:"count"`
	AtLeast bool    `json:"atLeast" jsonschema:"there may be more"`
	Nearest []Brief `json:"nearest"`
}

const findingsDocument = `query($window: Window!, $cluster: ID, $owner: String, $kinds: [FindingKind!], $first: Int!) {
  findings(window: $window, cluster: $cluster, owner: $owner, kinds: $kinds, first: $first) {
    edges { node { kind severity since flow { ...Going } node { ...Brief } sources cluster { name } reason observedFraction owner starves { count atLeast nearest { ...Brief } } } }
    totalCount resting unknown coverage { ...Observed }
  }
}` + briefFields + coverageFields

var findingsTool = tool[FindingsInput, Findings]{
	name: "findings", title: "What is wrong now",
	description: "What is wrong or new, the worst first, as of the end of a window (the last 10m by default): lost records, readers that stalled or stopped or fall behind, sources that see nothing, what is gone, what is new; since when, whose it is, and whom it starves.",
	bounds: bounds{
		"cluster": text, "owner": text, "first": upTo(100, 20),
		"kinds": someOf("LOST", "STALLED", "STOPPED", "FALLING_BEHIND", "UNOBSERVED", "GONE", "NEW"),
	},
	answer: func(ctx context.Context, a *asker, in FindingsInput) (*Answer[Findings], error) {
		window, err := in.input("10m")
		if err != nil {
			return nil, err
		}
		got, err := ask[struct {
			Findings struct {
				edges[Finding]
				Resting, Unknown int
				Coverage         *Coverage
			}
		}](ctx, a, findingsDocument, variables("window", window, "cluster", in.Cluster, "owner", in.Owner, "kinds", in.Kinds, "first", in.First))
		if err != nil {
			return nil, err
		}
		g := got.Findings
		out := &Answer[Findings]{Coverage: g.Coverage.bounded(), Result: Findings{g.nodes(), g.TotalCount, g.Resting, g.Unknown}}
		for i := range out.Result.Findings {
			f := &out.Result.Findings[i]
			f.Sources = first(f.Sources, 10)
			if f.Flow != nil {
				f.Flow.Evidence = first(f.Flow.Evidence, 5)
			}
			if f.Starves != nil {
				f.Starves.Nearest = first(f.Starves.Nearest, 5)
			}
		}
		out.Page = a.page(ctx, "/", out.Coverage)
		out.parts = []part{of("result.findings", &out.Result.Findings, g.TotalCount)}
		return out, nil
	},
}

// CoverageInput is what coverage takes.
type CoverageInput struct{ Window }

// Observed is who is watched, and how that goes.
type Observed struct {
	Clusters []Cluster `json:"clusters" jsonschema:"as they are now; null: not known"`
}

// Cluster is one that is watched.
type Cluster struct {
	ID          Foreign  `json:"id"`
	Name        Foreign  `json:"name"`
	Environment Foreign  `json:"environment"`
	Brokers     *int     `json:"brokers"`
	Topics      *int     `json:"topics"`
	Groups      *int     `json:"groups" jsonschema:"null: not counted"`
	LastRound   *string  `json:"lastRound"`
	Error       *Foreign `json:"error" jsonschema:"why the newest round saw nothing; null: it did"`
}

const coverageDocument = `query($window: Window!) {
  coverage(window: $window) { ...Observed }
  clusters { id name environment brokers topics groups lastRound error }
}` + coverageFields

// mostClusters is how many clusters are shown at first.
const mostClusters = 100

var coverageTool = tool[CoverageInput, Observed]{
	name: "coverage", title: "What was not observed",
	description: "Which part of a window (the last 1h by default) was observed: gaps with their reasons, what no source can see with its remedy, since when data is held, and the clusters that are watched with what is wrong with watching them.",
	answer: func(ctx context.Context, a *asker, in CoverageInput) (*Answer[Observed], error) {
		window, err := in.input("1h")
		if err != nil {
			return nil, err
		}
		got, err := ask[struct {
			Coverage *Coverage
			Clusters []Cluster
		}](ctx, a, coverageDocument, variables("window", window))
		if err != nil {
			return nil, err
		}
		total := len(got.Clusters)
		out := &Answer[Observed]{Coverage: got.Coverage.bounded(), Result: Observed{first(got.Clusters, mostClusters)}}
		out.Page = a.page(ctx, "/", out.Coverage)
		out.parts = []part{of("result.clusters", &out.Result.Clusters, total)}
		return out, nil
	},
}
