package answer

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// traced is how long sampled traces took to a topic in the window, since one other topic.
type traced struct {
	since          lineage.Node
	millis, traces float64
}

// listOf returns where a topic's row belongs: to its incarnations, or to what is told of traces that came to it.
func (t *topicView) listOf(a *lineage.Access) *[]incarnation {
	if a.Client.Mover.Kind == lineage.TopicNode {
		return &t.traces
	}
	return &t.subjects
}

// readTraced reads how long traces took to topics, in this window, by topic: each that there was one sampled of, since
// the topic's name.
func (v *View) readTraced(ctx context.Context) (map[lineage.Node][]traced, error) {
	return v.traced.get(ctx, func(ctx context.Context) (map[lineage.Node][]traced, error) {
		var all []incarnation
		for _, t := range v.topics {
			all = append(all, t.traces...)
		}
		millis, err := v.amountsOf(ctx, v.win.Window, lineage.TraceMillis, all)
		if err != nil {
			return nil, err
		}
		traces, err := v.amountsOf(ctx, v.win.Window, lineage.Traces, all)
		if err != nil {
			return nil, err
		}
		out := map[lineage.Node][]traced{}
		for n, t := range v.topics {
			for _, s := range t.traces {
				if x := traces[s.row]; x.Known && x.Total > 0 {
					out[n] = append(out[n], traced{v.shown(v.held.Rows.Access[s.row].Client.Mover), float64(millis[s.row].Total), float64(x.Total)})
				}
			}
			slices.SortFunc(out[n], func(a, b traced) int { return strings.Compare(a.since.Name, b.since.Name) })
		}
		return out, nil
	})
}

// latencyOf returns the mean time of a topic's traces in the window, in seconds; nil: none was sampled.
func latencyOf(all []traced) *float64 {
	var millis, traces float64
	for _, x := range all {
		millis, traces = millis+x.millis, traces+x.traces
	}
	if traces == 0 {
		return nil
	}
	return new(millis / traces / 1000)
}

// latencyWords says what a mean of traces is of.
func latencyWords(all []traced) string {
	words := make([]string, len(all))
	for i, x := range all {
		words[i] = fmt.Sprintf("of %.0f traces sampled since topic %s", max(1, x.traces), x.since.Name)
		if len(all) > 1 {
			words[i] += fmt.Sprintf(" (mean %s)", time.Duration(x.millis/x.traces*float64(time.Millisecond)).Round(time.Millisecond))
		}
	}
	if len(words) == 0 {
		return ""
	}
	return "estimated: " + strings.Join(words, ", and ")
}

// addTraces adds a counter of a topic's traces, since whichever topic.
func (p *parts) addTraces(v *View, t *topicView, m lineage.Metric) {
	for _, s := range t.traces {
		p.list = append(p.list, part{stored: v.stored(s.row, m), topic: s.topic, factor: 1})
	}
}

// meanOf makes a series of means from one of sums and one of how many there were, into the first: no value where there
// was none.
func meanOf(sums, counts []Point) {
	for i := range sums {
		if n := counts[i].Value; sums[i].Value == nil || n == nil || *n <= 0 {
			sums[i].Value = nil
		} else {
			*sums[i].Value /= *n
		}
	}
}
