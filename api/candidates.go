package api

import (
	"context"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// mostCandidates is how many are answered.
const mostCandidates = 20

// Candidates is the schema's type of that name.
type Candidates struct {
	answerOf
	Candidates []Candidate
	Considered int
	LeftOut    int

	topic  lineage.Node
	detail string
}

// Topic answers topic.
func (c *Candidates) Topic() Node { return c.rows.nodes[c.topic] }

// Detail answers detail.
func (c *Candidates) Detail() *string { return textOrNil(c.detail) }

// candidates answers the root field of that name.
func (a *resolver) candidates(ctx context.Context, id string, window WindowInput, first int) (*Candidates, error) {
	n, err := parseNode(id)
	if err != nil {
		return nil, err
	}
	if n.Kind == lineage.UnidentifiedNode {
		n = answer.TopicOf(n)
	}
	if n.Kind != lineage.TopicNode {
		return nil, badInput("%s is neither a topic nor an unidentified writer", quote(id))
	}
	if first < 1 || first > mostCandidates {
		return nil, badInput("candidates: first must be 1 to %d", mostCandidates)
	}
	v, err := a.view(ctx, &window)
	if err != nil {
		return nil, err
	}
	if !v.Has(n) {
		return nil, v.NoNode(n)
	}
	got, err := v.Candidates(ctx, n)
	if err != nil {
		return nil, err
	}
	got.List = got.List[:min(first, len(got.List))]
	nodes := []lineage.Node{n}
	for _, c := range got.List {
		if c.Seen {
			nodes = append(nodes, c.Node)
		}
	}
	r := newRows(v, nodes, nil)
	out := &Candidates{answerOf: answerOf{rows: r, scope: v.ClustersOf(n)}, topic: n, detail: got.Detail, Considered: got.Considered, LeftOut: got.LeftOut}
	out.Candidates = make([]Candidate, 0, len(got.List))
	for _, c := range got.List {
		x := Candidate{Name: c.Node.Name, Kind: c.Node.Kind, Score: c.Score, Rule: c.Rule, Reasons: make([]CandidateReason, 0, len(c.Clues))}
		if c.Seen {
			x.Node = r.nodes[c.Node]
		}
		for _, clue := range c.Clues {
			x.Reasons = append(x.Reasons, CandidateReason{Kind: clue.Kind, Words: clue.Words, Factor: clue.Factor})
		}
		out.Candidates = append(out.Candidates, x)
	}
	return out, nil
}
