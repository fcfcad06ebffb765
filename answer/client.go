package answer

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// Client is one connection identity of a flow, with all that links join to it. FirstSeen and LastSeen are of the
// lookback.
type Client struct {
	lineage.Client
	// JoinedBy is the best of these links; NoEvidence: the client is as it was seen.
	JoinedBy            lineage.Link
	RecordsPerSecond    *float64 // nil: not known
	Lag                 *int64   // nil: not known
	FirstSeen, LastSeen time.Time
}

// ClientCount returns how many Clients there are.
func (f Flow) ClientCount() int {
	shown, _ := f.listed()
	return len(shown)
}

// listed returns the accesses that Clients lists: those seen in the window or, when none was, all of the flow. A
// group's own access stands for members that are not known; where they are, they stand for it. What a source tells of a
// mover is no client's. members counts the members of each group's own access.
func (f Flow) listed() (shown []int32, members map[int32]int) {
	v, all := f.rows.v, f.rows.v.of(f.flow)
	shown = slices.DeleteFunc(slices.Clone(all), func(i int32) bool { return !v.accesses[i].inWindow })
	if len(shown) == 0 {
		shown = slices.Clone(all)
	}
	members = map[int32]int{}
	for _, i := range shown {
		if own := v.accesses[i].own; own >= 0 {
			members[own]++
		}
	}
	shown = slices.DeleteFunc(shown, func(i int32) bool { return members[i] > 0 || v.accesses[i].Access.Client.Mover.Kind != lineage.NoKind })
	return v.once(shown), members
}

// once leaves away who is listed as another already: one that nothing counts, and of whom all that is known is known of
// one that is counted, or of one before that is not either.
func (v *View) once(shown []int32) []int32 {
	if !slices.ContainsFunc(shown, func(i int32) bool { return v.accesses[i].joined != nil }) {
		return shown
	}
	within := func(i, j int32) bool {
		a, b := v.accesses[i].client(), v.accesses[j].client()
		for _, f := range [...][2]string{
			{a.ClientID, b.ClientID},
			{a.Group, b.Group},
			{a.Member, b.Member},
			{a.TransactionalID, b.TransactionalID},
			{a.Principal, b.Principal},
			{strings.TrimPrefix(a.Host, "/"), strings.TrimPrefix(b.Host, "/")},
			{a.Software, b.Software},
			{a.Instance, b.Instance},
		} {
			if f[0] != "" && f[0] != f[1] {
				return false
			}
		}
		return a.Producer == 0 || a.Producer == b.Producer
	}
	counted := func(i int32) bool { return v.accesses[i].counter.metric != lineage.NoMetric }
	var out []int32
	for at, i := range shown {
		again := !counted(i) && (slices.ContainsFunc(shown, func(j int32) bool { return counted(j) && within(i, j) }) ||
			slices.ContainsFunc(shown[:at], func(j int32) bool { return within(i, j) }) ||
			slices.ContainsFunc(shown[at+1:], func(j int32) bool { return within(i, j) && !within(j, i) }))
		if !again {
			out = append(out, i)
		}
	}
	return out
}

// Clients returns who moved it, as seen: the busiest first, then by when they were first seen.
func (f Flow) Clients(ctx context.Context, first int) ([]Client, error) {
	v := f.rows.v
	ls, err := v.readLevels(ctx)
	if err != nil {
		return nil, err
	}
	listed, members := f.listed()
	out := make([]Client, 0, len(listed))
	for _, i := range listed {
		x := &v.accesses[i]
		c := Client{Client: x.Access.Client, RecordsPerSecond: x.rate(), Lag: ls.of(x.row, lineage.Lag)}
		if x.joined != nil {
			c.Client, c.JoinedBy = x.joined.Client, x.joined.By
		}
		if x.own >= 0 && members[x.own] == 1 { // the only member does all that its group does
			own := &v.accesses[x.own]
			if rate := own.rate(); rate != nil && own.slice == (slice{}) {
				c.RecordsPerSecond = rate
			}
			if own.gauges[lineage.Lag] { // newer than the member's, which comes with the slower memberships
				c.Lag = ls.of(own.row, lineage.Lag)
			}
		}
		out = append(out, c)
	}
	evidence, err := f.rows.clientSpans(ctx)
	if err != nil {
		return nil, err
	}
	for i := range out {
		s := evidence[listed[i]]
		if s.first.IsZero() {
			s.first = v.accesses[listed[i]].FirstSeen
		}
		if s.last.IsZero() {
			s.last = s.first
		}
		out[i].FirstSeen, out[i].LastSeen = s.first, s.last
	}
	slices.SortStableFunc(out, func(a, b Client) int {
		return cmp.Or(-cmp.Compare(orZero(a.RecordsPerSecond), orZero(b.RecordsPerSecond)), cmp.Compare(a.Kind, b.Kind))
	})
	return out[:min(first, len(out))], nil
}

// clientSpans finds since when and until when each client of the rows' flows was seen, by access.
func (r *Rows) clientSpans(ctx context.Context) (map[int32]spanSeen, error) {
	return r.clients.get(ctx, func(ctx context.Context) (map[int32]spanSeen, error) {
		var accesses, rows []int32
		for _, f := range r.flows {
			for _, i := range r.v.of(f) {
				accesses, rows = append(accesses, i), append(rows, r.v.accesses[i].row)
			}
		}
		found, err := r.v.held.Evidence(ctx, r.v.held.Back, rows)
		if err != nil {
			return nil, fmt.Errorf("read evidence: %w", err)
		}
		out := make(map[int32]spanSeen, len(accesses))
		for i, es := range found {
			var s spanSeen
			for _, e := range es {
				s.include(e.FirstSeen, e.LastSeen)
			}
			out[accesses[i]] = s
		}
		return out, nil
	})
}

func orZero(x *float64) float64 {
	if x == nil {
		return -1 // after those who are known to move nothing
	}
	return *x
}
