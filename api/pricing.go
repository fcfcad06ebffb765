package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/99designs/gqlgen/complexity"
	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/internal/span"
)

// mostText is how many characters of a text are searched for: topic names have at most 249, and every node is looked
// at for it.
const mostText = 256

// survey is what an operation asks of the history, whatever it selects of the answer.
type survey struct {
	windows map[string]bool // as they are written: each is built by itself
	longest time.Duration   // of the windows
	days    int             // of bills: each is built by itself
	looks   int             // fields that look at every node or flow there is
	tooLong *refusal
}

// looking are the root fields that look at all there is.
var looking = map[string]bool{
	"nodes": true, "flows": true, "lineage": true, "closure": true, "impact": true, "top": true, "events": true, "suggestedJoins": true,
	"declarations": true, "undeclaredFlows": true, "dataProducts": true, "candidates": true, "paths": true, "lineageDiff": true, "flowBalance": true, "pathBalance": true, "timeline": true,
	"findings": true, "lastLives": true, "usageBill": true, "safeToDelete": true, "whatIf": true, "columnLineage": true, "retire": true, "usageReport": true, "processingRegister": true,
}

// windowed are the root fields that are of a window also where they name none.
var windowed = map[string]bool{"node": true, "nodes": true, "suggestedJoins": true}

const (
	// daysAWindow is how many days of a bill cost what a window does: they are built one after the other, are not held
	// as views, and are kept for who asks again.
	daysAWindow = 16
	// longestBill bounds what a bill is priced by: no longer one is answered.
	longestBill = 400 * 24 * time.Hour
)

// usualWindow is answer.UsualSpan as it is written.
var usualWindow = fmt.Sprint(map[string]any{"last": "10m"})

// surveyOf goes through an operation that was validated and found to be of a bearable size.
func surveyOf(op *graphql.OperationContext) survey {
	s := survey{windows: map[string]bool{}}
	s.selection(op.Operation.SelectionSet, op.Variables, true, nil)
	return s
}

// selection goes through the fields of what is of some windows, as they are written.
func (s *survey) selection(set ast.SelectionSet, vars map[string]any, root bool, of []string) {
	for _, x := range set {
		switch x := x.(type) {
		case *ast.Field:
			s.selection(x.SelectionSet, vars, false, s.field(x, vars, root, of))
		case *ast.InlineFragment:
			s.selection(x.SelectionSet, vars, root, of)
		case *ast.FragmentSpread:
			s.selection(x.Definition.SelectionSet, vars, root, of)
		}
	}
}

// field takes in a field, and returns of which windows that is what it selects.
func (s *survey) field(f *ast.Field, vars map[string]any, root bool, of []string) []string {
	args := f.ArgumentMap(vars)
	for _, name := range []string{"text", "owner", "tag"} {
		text, _ := args[name].(string)
		if n := utf8.RuneCountInString(text); n > mostText && s.tooLong == nil {
			s.tooLong = refuse(http.StatusBadRequest, codeBadInput, "%s: %s has %d characters; at most %d are searched for", f.Name, name, n, mostText)
		}
	}
	if root && looking[f.Name] {
		s.looks++
	}
	folds := root && folded(args)
	var own []string
	for name, value := range args {
		if window, ok := value.(map[string]any); ok && f.Definition.Arguments.ForName(name).Type.Name() == "Window" {
			written := fmt.Sprint(window) // maps are printed by key
			s.windows[written] = true
			own = append(own, written)
			s.longest = max(s.longest, lengthOf(window))
		}
	}
	if quiet, _ := args["quiet"].(string); root && quiet != "" {
		if d, _ := span.Parse(quiet); d > 0 { // each window is looked at for that long too
			s.windows[fmt.Sprint("quiet", args["before"], quiet)], s.windows[fmt.Sprint("quiet", args["after"], quiet)] = true, true
		}
	}
	if root && f.Name == "usageBill" {
		window, _ := args["window"].(map[string]any)
		s.days += int(min(lengthOf(window), longestBill)/(24*time.Hour)) + 1
	}
	ofFlow := f.ObjectDefinition != nil && f.ObjectDefinition.Name == "Flow"
	if f.Name == "flowStates" || ofFlow && (f.Name == "state" || f.Name == "stateSince") {
		s.before(of)
	}
	if root && windowed[f.Name] && args["window"] == nil {
		s.windows["none"] = true
		own = append(own, "none")
		s.longest = max(s.longest, answer.UsualSpan)
	}
	if days, ok := daysOf(args); root && ok {
		written := fmt.Sprint("days ", days)
		s.windows[written] = true
		own = append(own, written)
		s.longest = max(s.longest, time.Duration(min(days, mostDays))*24*time.Hour)
	}
	if root && f.Name == "lastLives" { // who was there is looked for before and after it, and what was observed since
		for _, written := range own {
			s.windows["up to "+written], s.windows["after "+written], s.windows["life before "+written] = true, true, true
		}
	}
	if root && (f.Name == "findings" || f.Name == "nodes" && args["states"] != nil) {
		s.before(own) // as of flows' states
	}
	if root && f.Name == "usageReport" && args["groupBy"] == "DAY" {
		s.dayByDay(own)
	}
	if folds {
		s.before(own)
	}
	if own == nil {
		return of
	}
	return own
}

// daysOf returns of how many days up to now a question is; a variable may hold several kinds of numbers.
func daysOf(args map[string]any) (days int64, ok bool) {
	switch n := args["days"].(type) {
	case int64:
		return n, true
	case int:
		return int64(n), true
	case json.Number:
		days, err := n.Int64()
		return days, err == nil
	default:
		return 0, false
	}
}

// folded reports whether a graph is folded, which is by states.
func folded(args map[string]any) bool {
	switch n := args["fold"].(type) {
	case int64:
		return n > 0
	case int:
		return n > 0
	default: // a variable may hold other kinds of numbers
		return n != nil
	}
}

// before takes in that states are asked of some windows: they are of the time before the windows' ends.
func (s *survey) before(of []string) {
	for _, written := range of {
		if written != usualWindow { // which is the ten minutes before the end, of which it is
			s.windows["before the end of "+written] = true
		}
	}
}

// dayByDay takes in that each day of some windows is a window of its own.
func (s *survey) dayByDay(of []string) {
	for _, written := range of {
		for n := range min(s.longest/(24*time.Hour)+1, mostDaysPriced) {
			s.windows[fmt.Sprint("day ", n, " of ", written)] = true
		}
	}
}

// mostDaysPriced is more days than are answered one by one.
const mostDaysPriced = 100

// lengthOf returns how long a window is as it is written; what is not written as it should be is refused later.
func lengthOf(window map[string]any) time.Duration {
	if last, ok := window["last"].(string); ok {
		d, _ := span.Parse(last)
		return d
	}
	start, _ := UnmarshalTime(window["start"])
	end, _ := UnmarshalTime(window["end"])
	return max(0, end.Sub(start))
}

// price returns what an operation may cost to answer, and what one window does: the elements of its lists if all were
// full, the points of its series, and for each window and each look beyond the first a part of the estate, since the
// history is gone through for it.
func (h *graphqlHandler) price(ctx context.Context, op *graphql.OperationContext, s survey) (cost, window int) {
	schema := priced{h.schema, s.longest}
	cost = complexity.Calculate(graphql.WithOperationContext(ctx, op), schema, op.Operation, op.Variables)
	estate := h.estate()
	// However large the estate: two windows can be compared, and a page can hold some lists.
	if estate == 0 { // nothing was asked yet, so that nobody knows how much there is
		estate = 70_000
	}
	window = min(1000+estate/2, h.limits.Complexity/4)
	look := min(estate/20, h.limits.Complexity/16)
	if s.days > 0 {
		cost = add(cost, times(s.days, window/daysAWindow))
	}
	cost = add(cost, add(times(max(0, len(s.windows)-1), window), times(max(0, s.looks-1), look)))
	return cost, window
}

// priced prices series by their points, of flows too, whose window is not among their arguments.
type priced struct {
	graphql.ExecutableSchema
	longest time.Duration
}

// Complexity implements graphql.ExecutableSchema.
func (p priced) Complexity(ctx context.Context, typeName, field string, child int, args map[string]any) (int, bool) {
	if field != "series" {
		return p.ExecutableSchema.Complexity(ctx, typeName, field, child, args)
	}
	length := p.longest
	if window, ok := args["window"].(map[string]any); ok {
		length = lengthOf(window)
	}
	points := answer.UsualPoints
	if text, ok := args["step"].(string); ok {
		if step, err := span.Parse(text); err == nil && step > 0 {
			points = int(min(length/step, answer.MostPoints))
		}
	}
	// A point is cheaper than other objects.
	return times(max(points, answer.UsualPoints)/10, child), true
}
