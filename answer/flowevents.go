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

// A collector tells the beginnings and ends of what one group, one transactional.id's instances or one mover does.
// Whose they are is decided here, and so is which of them are a flow's own.

// goesOnFor is how long around an end or a beginning another access of the flow must be silent, so that the flow itself
// ended or began: twice the slowest commit interval in wide use.
const goesOnFor = 2 * time.Minute

func aboutFlow(t lineage.EventType) bool {
	return t == lineage.FlowStarted || t == lineage.FlowStopped
}

// innerFlow reports whether an event is about what moves in an internal topic, and others were asked for, or none.
func (v *View) innerFlow(e Event, only []lineage.Node) bool {
	if !aboutFlow(e.Type) || e.Flow == nil {
		return false
	}
	for _, n := range [...]lineage.Node{e.Flow.From, e.Flow.To} {
		if v.internal(n) {
			return !slices.Contains(only, n)
		}
	}
	return false
}

// ownFlowEvents leaves of the beginnings and ends only those of whole flows: while another access of the flow moves on,
// none of its accesses begins or ends it. Of ends in a row the last counts, of beginnings the first. It sorts all.
func (v *View) ownFlowEvents(ctx context.Context, all []Event) ([]Event, error) {
	slices.SortFunc(all, func(a, b Event) int { // the newest first; what moved but once ended where it began
		return cmp.Or(b.At.Compare(a.At), cmp.Compare(b.Type, a.Type), strings.Compare(a.ID, b.ID))
	})
	moved, err := v.movedAround(ctx, all)
	if err != nil {
		return nil, err
	}
	kept := all[:0]
	resumed := map[connection]bool{} // whose next event in time is a beginning that is none of the flow's
	newest := map[lineage.Flow]int{} // index in kept of the flow's event that follows in time
	for _, e := range all {
		if !aboutFlow(e.Type) || e.Flow == nil {
			kept = append(kept, e)
			continue
		}
		who := connectionOf(&e)
		if e.Type == lineage.FlowStopped && resumed[who] { // who did not begin again did not end
			delete(resumed, who)
			continue
		}
		if moved[around(&e, v.state.Tick)].any(v.others(&e)) {
			resumed[who] = e.Type == lineage.FlowStarted
			continue
		}
		if i, ok := newest[*e.Flow]; ok && kept[i].Type == e.Type {
			if e.Type == lineage.FlowStopped {
				continue
			}
			kept[i].repeated = true // an earlier beginning stands for it
		}
		newest[*e.Flow] = len(kept)
		kept = append(kept, e)
	}
	return slices.DeleteFunc(kept, func(e Event) bool { return e.repeated }), nil
}

// movements are when accesses moved last, by row.
type movements map[int32]time.Time

func (m movements) any(rows []int32) bool {
	return slices.ContainsFunc(rows, func(row int32) bool { return !m[row].IsZero() })
}

// movedAround reads, for each beginning and end, what else of the flow moved just before or just after it, by when that
// is.
func (v *View) movedAround(ctx context.Context, all []Event) (map[lineage.Window]movements, error) {
	asked := map[lineage.Window][]int32{}
	for i := range all {
		if e := &all[i]; aboutFlow(e.Type) && e.Flow != nil {
			w := around(e, v.state.Tick)
			asked[w] = append(asked[w], v.others(e)...)
		}
	}
	out := make(map[lineage.Window]movements, len(asked))
	for w, rows := range asked {
		if len(rows) == 0 {
			continue
		}
		slices.Sort(rows)
		rows = slices.Compact(rows)
		times, err := v.held.LastMoved(ctx, w, rows)
		if err != nil {
			return nil, fmt.Errorf("read what moved: %w", err)
		}
		out[w] = movements{}
		for i, t := range times {
			out[w][rows[i]] = t
		}
	}
	return out, nil
}

// around returns when another access of an event's flow has to move, so that the flow goes on: just after an end, or
// just before a beginning.
func around(e *Event, tick time.Duration) lineage.Window {
	if e.Type == lineage.FlowStarted {
		end := e.At.Add(-tick)
		return lineage.Window{Start: end.Add(-goesOnFor), End: end}
	}
	return lineage.Window{Start: e.At, End: e.At.Add(goesOnFor)}
}

// others returns the rows of the other accesses of an event's flow.
func (v *View) others(e *Event) (rows []int32) {
	for _, i := range v.of(*e.Flow) {
		if x := &v.accesses[i]; !oneConnection(x.Access.Client, e.event.Access.Client) {
			rows = append(rows, x.row)
		}
	}
	return rows
}

// connection is whose beginnings and ends a collector tells together, as far as it can be known here.
type connection struct {
	flow          lineage.Flow
	group         string
	mover         lineage.Node
	transactional bool
	name          string
}

func connectionOf(e *Event) connection {
	c := &e.event.Access.Client
	return connection{*e.Flow, c.Group, c.Mover, c.TransactionalID != "", ownName(c)}
}

// oneConnection reports whether a collector tells beginnings and ends of two clients together.
func oneConnection(a, b lineage.Client) bool {
	return a.Group == b.Group && a.TransactionalID == b.TransactionalID && a.Mover == b.Mover && ownName(&a) == ownName(&b)
}

// ownName is by what a client is told apart that bears neither a group nor a transactional.id: empty for all whom
// nothing tells apart, as producer ids, who begin and end together.
func ownName(c *lineage.Client) string {
	if c.Group != "" || c.TransactionalID != "" || c.Mover != (lineage.Node{}) || c.Kind != lineage.Connection {
		return ""
	}
	return strings.TrimSpace(c.ClientID + " " + c.Principal)
}
