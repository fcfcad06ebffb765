package cast

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Query asks for all flows of topics, also those of which it is not known whether they moved. Its variables are roots
// and window; its answer is decoded into an Answer, as `lineage`.
const Query = `query($roots: [ID!]!, $window: Window!) { lineage(roots: $roots, depth: 1, window: $window, limit: 500) {
	flows { id active records estimated evidence { kind detail } }
	coverage { blindSpots { what } } } }`

// Answer is what lineaged says of a world.
type Answer struct {
	Flows    []Flow
	Coverage struct{ BlindSpots []struct{ What string } }
}

// Flow is one flow of it.
type Flow struct {
	ID        string
	Active    *bool
	Records   *int64 `json:",string"`
	Estimated bool
	Evidence  []struct{ Kind, Detail string }
}

func (f *Flow) by(kind string) bool {
	return slices.ContainsFunc(f.Evidence, func(e struct{ Kind, Detail string }) bool { return e.Kind == kind })
}

func (f *Flow) details() string {
	var all []string
	for _, e := range f.Evidence {
		if e.Detail != "" {
			all = append(all, e.Kind+": "+e.Detail)
		}
	}
	return strings.Join(all, "; ")
}

func (f *Flow) String() string {
	said := func(v any) string { return strings.TrimPrefix(fmt.Sprintf("%v", v), "&") }
	active, records := "?", "?"
	if f.Active != nil {
		active = said(*f.Active)
	}
	if f.Records != nil {
		records = said(*f.Records)
	}
	return fmt.Sprintf("%-58s active %s records %s estimated %v (%s)", f.ID, active, records, f.Estimated, f.details())
}

// mentions reports whether a blind spot speaks of something.
func (a *Answer) mentions(what string) bool {
	return slices.ContainsFunc(a.Coverage.BlindSpots, func(b struct{ What string }) bool { return strings.Contains(b.What, what) })
}

// Column is what one lineaged makes of the cast, for the table. Said is all of its answer, for people.
type Column struct {
	Name  string
	Said  string
	Cells map[string]string // by actor
}

// Judge says how an answer differs from what has to be told with these sources, and what it tells of each actor. also
// are flows of others that there are.
func (w *World) Judge(x *Source, a *Answer, also ...string) (Column, error) {
	col := Column{Name: x.Name, Cells: map[string]string{}}
	flows, expected := map[string]*Flow{}, map[string]bool{}
	var wrong []error
	var nobodys, all int64
	for i := range a.Flows {
		f := &a.Flows[i]
		flows[f.ID] = f
		col.Said += "  " + f.String() + "\n"
		if strings.HasPrefix(f.ID, "unidentified:") && f.Records != nil {
			nobodys += *f.Records
		}
	}
	for i := range w.Cast {
		actor := &w.Cast[i]
		mark, node := "–", ""
		for _, k := range []struct{ mark, node string }{{"○", w.application(actor.Principal)}, {"✓", w.application(actor.Name)}} {
			if _, ok := flows[w.flow(actor, k.node)]; ok {
				mark, node = k.mark, k.node
			}
		}
		if !actor.Reads {
			all += actor.Records
		}
		f := flows[w.flow(actor, node)]
		switch {
		case f == nil && actor.Reads && !a.mentions("without a group"), f == nil && !actor.Reads && !a.mentions(actor.Topic):
			wrong = append(wrong, fmt.Errorf("%s is not seen, and nothing says so", actor.Name))
		case f == nil && (x.Whole || actor.Group):
			wrong = append(wrong, fmt.Errorf("%s has no name", actor.Name))
		case f == nil:
		default:
			expected[f.ID] = true
			more, err := x.count(actor, f, node == w.application(actor.Name))
			mark += more
			wrong = append(wrong, err)
		}
		col.Cells[actor.Name] = mark
	}
	for _, id := range also {
		expected[id] = true
	}
	for id := range flows {
		if node, reads := strings.CutPrefix(id, "topic:"+w.Cluster+"/"); reads && (strings.HasSuffix(node, "->"+w.application("lineaged")) || strings.HasSuffix(node, "->"+w.application(w.Admin))) {
			continue // lineaged itself fetches where it reads headers
		}
		if !expected[id] && !strings.HasPrefix(id, "unidentified:") {
			wrong = append(wrong, fmt.Errorf("there is no %s", id))
		}
	}
	most := 2.
	if x.Sent { // what the newest request of each partition wrote waits for the next one
		most = 10
	}
	switch part := 100 * float64(nobodys) / float64(all); {
	case part <= most:
		col.Cells[""] = fmt.Sprintf("%.0f %% at most", most)
	default:
		col.Cells[""] = fmt.Sprintf("%.0f %%", part)
	}
	if x.Counted && float64(nobodys) > most/100*float64(all) {
		wrong = append(wrong, fmt.Errorf("%d of %d records are nobody's", nobodys, all))
	}
	return col, errors.Join(wrong...)
}

// count says what is to be said of an actor's count, and whether it is wrong.
func (x *Source) count(actor *Actor, f *Flow, named bool) (mark string, wrong error) {
	off := func() error { return fmt.Errorf("%s has %d records and not %d", actor.Name, *f.Records, actor.Records) }
	switch {
	case f.Records == nil && actor.Group:
		return " ?", fmt.Errorf("%s has no count", actor.Name)
	case f.Records == nil:
		return " ?", nil
	case actor.Most && !f.Estimated && *f.Records == actor.Records: // headers say what is a marker
		return "", nil
	case actor.Most:
		if *f.Records < actor.Records || !f.Estimated || !strings.Contains(f.details(), "at most") {
			return " ≤", fmt.Errorf("%s has at most %d records and not %d", actor.Name, *f.Records, actor.Records)
		}
		return " ≤", nil
	case actor.Group && *f.Records > 0 && *f.Records < actor.Records && strings.Contains(f.details(), "at least: the end of the window was not observed"):
		// several lineageds ask one broker, which may have no time for a share group: what is said is true
		return "", nil
	case x.Sent && *f.Records > 0 && *f.Records < actor.Records && f.Estimated && strings.Contains(f.details(), "what follows the newest may not be among these yet"):
		return "", nil
	case *f.Records > 0 && *f.Records <= actor.Records && f.Estimated && strings.Contains(f.details(), "at least: its first push"):
		return " ≥", nil
	case math.Abs(float64(*f.Records-actor.Records)) <= 0.01*float64(actor.Records):
		if x.Pushes && f.Estimated && !f.by("PRODUCER_STATE") && f.by("TELEMETRY") {
			return " ~", nil
		}
		return "", nil
	case x.Pushes && !x.Exact && f.Estimated && !f.by("PRODUCER_STATE") && f.by("TELEMETRY"):
		return " ~", nil
	}
	if named && (x.Exact || actor.Group || !f.Estimated) {
		return " ≠", off()
	}
	return " ≠", nil
}
