package api

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/lineaged/lineaged/lineage"
)

// mostClients bounds clients(first:).
const mostClients = 1000

// ClientCount answers clientCount.
func (f *Flow) ClientCount() int { return len(f.listed()) }

// listed returns the accesses that clients lists: those seen in the window or, when none was, all of the flow. A group's own access stands for
// members that are not known; where they are, they stand for it.
func (f *Flow) listed() []int32 {
	v, all := f.rows.v, f.rows.v.flows[f.flow]
	shown := slices.DeleteFunc(slices.Clone(all), func(i int32) bool { return !v.accesses[i].inWindow })
	if len(shown) == 0 {
		shown = slices.Clone(all)
	}
	return slices.DeleteFunc(shown, func(i int32) bool { return f.members(shown, i) > 0 })
}

// members returns how many of the accesses are members of the group whose own access i is; 0 when i is not a group's own.
func (f *Flow) members(among []int32, i int32) (n int) {
	v := f.rows.v
	own := v.accesses[i].Access
	if own.Client.Group == "" || own.Client != (lineage.Client{Group: own.Client.Group}) {
		return 0
	}
	for _, j := range among {
		x := v.accesses[j].Access
		if x.Client.Member != "" && x.Client.Group == own.Client.Group && x.Topic == own.Topic {
			n++
		}
	}
	return n
}

// Clients answers clients: the busiest first, then by when they were first seen.
func (f *Flow) Clients(ctx context.Context, first int) ([]Client, error) {
	if first < 0 || first > mostClients {
		return nil, badInput("clients: first must be 0 to %d", mostClients)
	}
	v := f.rows.v
	ls, err := v.readLevels(ctx)
	if err != nil {
		return nil, err
	}
	listed := f.listed()
	out := make([]Client, 0, len(listed))
	ids := make([]lineage.SubjectID, 0, len(listed))
	for _, i := range listed {
		x := &v.accesses[i]
		c := shownClient(x)
		measured := []int32{i}
		if own := f.ownOf(x); own >= 0 && f.members(listed, own) == 1 {
			measured = append(measured, own) // the only member does all that its group does
		}
		t := v.records(measured)
		c.RecordsPerSecond, c.Lag = t.perSecond, v.behind(ls, measured).records
		out, ids = append(out, c), append(ids, x.ID)
	}
	evidence, err := f.rows.clientSpans(ctx)
	if err != nil {
		return nil, err
	}
	for i := range out {
		s := evidence[ids[i]]
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

// ownOf returns the access of the group that x is a member of, or -1.
func (f *Flow) ownOf(x *access) int32 {
	if x.Access.Client.Member == "" {
		return -1
	}
	for _, i := range f.rows.v.flows[f.flow] {
		own := f.rows.v.accesses[i].Access
		if own.Topic == x.Access.Topic && own.Client == (lineage.Client{Group: x.Access.Client.Group}) {
			return i
		}
	}
	return -1
}

func shownClient(x *access) Client {
	id := x.Access.Client
	c := Client{
		Kind: id.Kind, ClientID: textOrNil(id.ClientID), Group: textOrNil(id.Group), Member: textOrNil(id.Member),
		TransactionalID: textOrNil(id.TransactionalID), Principal: textOrNil(id.Principal), Host: textOrNil(id.Host),
	}
	if p, ok := id.Producer.Value(); ok {
		c.ProducerID = &p
	}
	return c
}

// clientSpans finds since when and until when each client of the rows' flows was seen.
func (r *rows) clientSpans(ctx context.Context) (map[lineage.SubjectID]spanSeen, error) {
	return r.clients.get(ctx, func(ctx context.Context) (map[lineage.SubjectID]spanSeen, error) {
		var ids []lineage.SubjectID
		for _, f := range r.flows {
			for _, i := range r.v.flows[f] {
				ids = append(ids, r.v.accesses[i].ID)
			}
		}
		found, err := r.v.a.history.Evidence(ctx, r.v.back, ids)
		if err != nil {
			return nil, fmt.Errorf("read evidence: %w", err)
		}
		out := make(map[lineage.SubjectID]spanSeen, len(ids))
		for i, es := range found {
			var s spanSeen
			for _, e := range es {
				s.include(e.FirstSeen, e.LastSeen)
			}
			out[ids[i]] = s
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
