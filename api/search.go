package api

import (
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// mostPerPage bounds first of connections.
const mostPerPage = 1000

// nodesArgs are the arguments of the root field nodes.
type nodesArgs struct {
	text            *string
	kinds           []lineage.NodeKind
	cluster         *string
	owner, tag      *string
	includeInternal bool
	window          *WindowInput
	orderBy         *NodeOrder
	first           int
	after           *string
}

// place is a node's place in a list. Lists are ordered by it alone, so that a page can begin after any place, also one that has gone.
type place struct {
	Match int     `json:"m,omitempty"` // how well the text fits, 0 best
	Value float64 `json:"v,omitempty"` // of the order, the largest first; unknown is -1
	Name  string  `json:"n,omitempty"` // lower case
	ID    string  `json:"i"`
}

func comparePlaces(a, b place) int {
	return cmp.Or(cmp.Compare(a.Match, b.Match), -cmp.Compare(a.Value, b.Value), strings.Compare(a.Name, b.Name), strings.Compare(a.ID, b.ID))
}

// cursor makes a cursor of a place, which parseCursor reads. It holds the place itself, so it survives new rounds and restarts.
func cursor(place any) string {
	b, err := json.Marshal(place)
	if err != nil {
		panic(fmt.Sprintf("a place is plain data: %v", err))
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func parseCursor(s string, into any) error {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err == nil {
		err = json.Unmarshal(b, into)
	}
	if err != nil {
		return badInput("after: %s is not a cursor of this list", quote(s))
	}
	return nil
}

// nodes answers the root field of that name.
func (a *answerer) nodes(ctx context.Context, args nodesArgs) (*NodeConnection, error) {
	if args.first < 0 || args.first > mostPerPage {
		return nil, badInput("nodes: first must be 0 to %d", mostPerPage)
	}
	var after *place
	if args.after != nil {
		after = &place{}
		if err := parseCursor(*args.after, after); err != nil {
			return nil, err
		}
	}
	v, err := a.viewOrNewest(ctx, args.window)
	if err != nil {
		return nil, err
	}
	found, err := v.search(args)
	if err != nil {
		return nil, err
	}
	places, err := v.order(ctx, found, args.orderBy, args.text != nil)
	if err != nil {
		return nil, err
	}
	return page(v, places, after, args.first), nil
}

// placed is a node and its place.
type placed struct {
	place
	node lineage.Node
}

// search returns the nodes that the filters leave, with how well they match.
func (v *view) search(args nodesArgs) ([]placed, error) {
	var only lineage.ClusterID
	if args.cluster != nil {
		c, err := v.clusters.find(*args.cluster)
		if err != nil {
			return nil, err
		}
		if only = c.known.ID; only == "" {
			return nil, nil // never reached: nothing of it is known
		}
	}
	var out []placed
	consider := func(n lineage.Node) {
		switch {
		case len(args.kinds) > 0 && !slices.Contains(args.kinds, n.Kind),
			!args.includeInternal && v.internal(n),
			!v.exists(n),
			only != "" && !slices.Contains(v.clustersOf(n), only):
			return
		}
		owner, tags := v.identity.Describe(n)
		if args.owner != nil && !strings.EqualFold(owner, *args.owner) ||
			args.tag != nil && !slices.ContainsFunc(tags, func(t string) bool { return strings.EqualFold(t, *args.tag) }) {
			return
		}
		p := placed{place{Name: strings.ToLower(n.Name), ID: n.ID()}, n}
		if args.text != nil {
			var ok bool
			if p.Match, ok = match(strings.ToLower(strings.TrimSpace(*args.text)), p.Name, owner, tags); !ok {
				return
			}
		}
		out = append(out, p)
	}
	for n := range v.topics {
		consider(n)
	}
	for n := range v.ends {
		consider(n)
	}
	for n := range v.datasets {
		consider(n)
	}
	for n := range v.movers.idle(v.ends) {
		consider(n)
	}
	return out, nil
}

// internal reports whether a node is Kafka's own business: an internal topic, or who writes to it unseen.
func (v *view) internal(n lineage.Node) bool {
	if n.Kind == lineage.UnidentifiedNode {
		n = topicOf(n)
	}
	t := v.topics[n]
	return t != nil && t.internal
}

// match says how well a text in lower case fits a node: its name exactly, from its start, within, then owner and tags.
func match(text, name, owner string, tags []string) (rank int, ok bool) {
	within := func(s string) bool { return strings.Contains(strings.ToLower(s), text) }
	switch {
	case name == text:
		return 0, true
	case strings.HasPrefix(name, text):
		return 1, true
	case strings.Contains(name, text):
		return 2, true
	case within(owner), slices.ContainsFunc(tags, within):
		return 3, true
	}
	return 0, false
}

// order sorts the nodes as asked: without an order by match, then name; with one by its value, the largest first, and the match no more.
func (v *view) order(ctx context.Context, nodes []placed, by *NodeOrder, matched bool) ([]placed, error) {
	if by != nil {
		value, err := v.orderValue(ctx, *by)
		if err != nil {
			return nil, err
		}
		for i := range nodes {
			nodes[i].Match, nodes[i].Value = 0, value(nodes[i].node)
		}
	} else if !matched {
		for i := range nodes {
			nodes[i].Match = 0
		}
	}
	slices.SortFunc(nodes, func(a, b placed) int { return comparePlaces(a.place, b.place) })
	return nodes, nil
}

// orderValue returns what an order sorts by; -1 stands for unknown, which comes last.
func (v *view) orderValue(ctx context.Context, by NodeOrder) (func(lineage.Node) float64, error) {
	switch by {
	case NodeOrderRate:
		return func(n lineage.Node) float64 { return orZero(v.records(v.movedBy(n)).perSecond) }, nil
	case NodeOrderLag:
		ls, err := v.readLevels(ctx)
		if err != nil {
			return nil, err
		}
		return func(n lineage.Node) float64 {
			accesses := v.outward(n, v.accessesOf(n))
			if n.Kind == lineage.TopicNode {
				accesses = v.living(ls, accesses)
			}
			if b := v.behind(ls, accesses); b.records != nil {
				return float64(*b.records)
			}
			return -1
		}, nil
	case NodeOrderLastMoved:
		moved, err := v.lastMovedAll(ctx)
		if err != nil {
			return nil, err
		}
		return func(n lineage.Node) float64 {
			last := int64(-1)
			for _, i := range v.accessesOf(n) {
				if t := moved[v.accesses[i].ID]; !t.IsZero() {
					last = max(last, t.Unix())
				}
			}
			return float64(last)
		}, nil
	default:
		return func(lineage.Node) float64 { return 0 }, nil
	}
}

// movedBy returns the accesses that make a node's rate: what is written to a topic, what an application reads and writes, a stream job beside its inner topics.
func (v *view) movedBy(n lineage.Node) []int32 {
	if t := v.topics[n]; t != nil {
		return t.writes
	}
	return v.outward(n, v.accessesOf(n))
}

// lastMovedAll reads when each access moved last, within the lookback.
func (v *view) lastMovedAll(ctx context.Context) (map[lineage.SubjectID]time.Time, error) {
	return v.lastMoved.get(ctx, func(ctx context.Context) (map[lineage.SubjectID]time.Time, error) {
		ids := make([]lineage.SubjectID, len(v.accesses))
		for i := range v.accesses {
			ids[i] = v.accesses[i].ID
		}
		times, err := v.a.history.LastMoved(ctx, v.win.End, lookback, ids)
		if err != nil {
			return nil, fmt.Errorf("read last movements: %w", err)
		}
		out := make(map[lineage.SubjectID]time.Time, len(ids))
		for i, t := range times {
			out[ids[i]] = t
		}
		return out, nil
	})
}

// page cuts a page out of sorted nodes.
func page(v *view, nodes []placed, after *place, first int) *NodeConnection {
	start := 0
	if after != nil {
		start, _ = slices.BinarySearchFunc(nodes, *after, func(p placed, after place) int {
			if c := comparePlaces(p.place, after); c != 0 {
				return c
			}
			return -1 // the place itself lies before the page
		})
	}
	end := min(start+first, len(nodes))
	shown := make([]lineage.Node, 0, end-start)
	for _, p := range nodes[start:end] {
		shown = append(shown, p.node)
	}
	r := newRows(v, shown, nil)
	c := &NodeConnection{TotalCount: len(nodes), Edges: make([]NodeEdge, 0, end-start)}
	for _, p := range nodes[start:end] {
		c.Edges = append(c.Edges, NodeEdge{Cursor: cursor(p.place), Node: r.nodes[p.node]})
	}
	c.PageInfo = &PageInfo{HasNextPage: end < len(nodes), HasPreviousPage: start > 0}
	if len(c.Edges) > 0 {
		c.PageInfo.StartCursor, c.PageInfo.EndCursor = &c.Edges[0].Cursor, &c.Edges[len(c.Edges)-1].Cursor
	}
	return c
}
