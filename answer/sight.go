package answer

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// This file says what of a cluster was not seen that would show that a topic of it is used.

// beside are the sources that nothing about the use of a topic hangs on: what they tell, as names and sizes, is told
// besides what others see of all who read and write.
var beside = [...]string{"log-files", "log-topic", "log-push", "telemetry", "headers", "log-dirs", "topic-configs", "acls", "producers", "transactions"}

// expectedSources returns what is expected of sources at the window's end, by their clusters.
func (v *View) expectedSources(ctx context.Context) (map[string][]lineage.DatedFact, error) {
	last := lineage.Window{Start: v.win.End.Add(-v.win.Step), End: v.win.End}
	held, err := v.a.history.Window(ctx, store.Ask{Window: last, Until: v.until, Facts: []lineage.FactKind{lineage.SourceFacts}})
	if err != nil {
		return nil, fmt.Errorf("read which sources are on: %w", err)
	}
	out := map[string][]lineage.DatedFact{}
	for _, f := range held.Facts {
		out[f.Key.Source] = append(out[f.Key.Source], f)
	}
	return out, nil
}

// sight returns what keeps from telling, of all topics of a cluster.
func (j *judge) sight(id lineage.ClusterID) []Untold {
	if out, ok := j.sights[id]; ok {
		return out
	}
	v, out := j.v, []Untold{}
	covered := v.Coverage(id)
	if held := v.HeldSince(); held.IsZero() || held.After(v.win.Start) {
		out = append(out, Untold{UntoldBeforeData, "nothing is held of what was before", held})
	}
	out = append(out, j.gaps(covered)...)
	for _, s := range v.scopeOf([]lineage.ClusterID{id}).sources {
		for _, f := range j.sources[s] {
			if f.Source == nil || f.Source.State == lineage.SourceExpected || slices.Contains(beside[:], f.Key.Name) {
				continue
			}
			words := fmt.Sprintf("%s is %s", v.SourceName(lineage.Source{Cluster: f.Key.Source, Name: f.Key.Name}), f.Source.State)
			if f.Source.Reason != "" {
				words += ": " + v.words(f.Source.Reason)
			}
			out = append(out, Untold{UntoldSourceOff, words, f.Since})
		}
	}
	for _, b := range covered.BlindSpots {
		if b.HidesReaders() {
			out = append(out, Untold{UntoldOutOfSight, b.What, time.Time{}})
		}
	}
	j.sights[id] = out
	return out
}

// gaps says what was not observed of what counts, but what lies before all data. What lies there is said once.
func (j *judge) gaps(c lineage.Coverage) []Untold {
	v := j.v
	var spans []lineage.Window
	names := map[string]bool{}
	for _, g := range c.Gaps {
		if slices.Contains(beside[:], g.Source.Name) || !g.Window.End.After(v.HeldSince()) {
			continue
		}
		spans = append(spans, g.Window)
		names[v.SourceName(g.Source)] = true
	}
	if len(spans) == 0 {
		if !c.Complete && len(c.Gaps) == 0 {
			return []Untold{{UntoldGaps, "nobody watches the cluster", time.Time{}}}
		}
		return nil
	}
	union := unionOf(spans)
	var sum time.Duration
	for _, w := range union {
		sum += w.Duration()
	}
	who := sortedKeys(names)
	most := min(len(who), 5)
	words := fmt.Sprintf("%s of it in %s was not observed by %s", spelled(sum.Round(time.Second)), pluralOf(len(union), "part"), strings.Join(who[:most], ", "))
	if len(who) > most {
		words += fmt.Sprintf(" and %d more", len(who)-most)
	}
	return []Untold{{UntoldGaps, words, union[len(union)-1].End}}
}

// unionOf returns the time that any of some spans has, by time.
func unionOf(spans []lineage.Window) (out []lineage.Window) {
	slices.SortFunc(spans, func(a, b lineage.Window) int { return a.Start.Compare(b.Start) })
	for _, w := range spans {
		if n := len(out); n > 0 && !w.Start.After(out[n-1].End) {
			if w.End.After(out[n-1].End) {
				out[n-1].End = w.End
			}
			continue
		}
		out = append(out, w)
	}
	return out
}

// pluralOf is so many of something.
func pluralOf(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// declaredUses returns who is declared to use topics, and where that is said, by topic.
func (v *View) declaredUses() map[lineage.Node][]string {
	out := map[lineage.Node][]string{}
	if v.declared == nil {
		return out
	}
	c := v.comparison()
	for i := range c.all {
		d := &c.all[i]
		does, _ := d.Names()
		for _, p := range d.Pairs {
			topic, verb := p.Flow.To, "write"
			if topic.Kind != lineage.TopicNode {
				topic, verb = p.Flow.From, "read"
			}
			out[topic] = append(out[topic], fmt.Sprintf("%s is declared to %s it: %s", quote(does), verb, d.place()))
		}
	}
	for _, p := range v.Products() {
		for _, port := range p.Ports {
			for _, n := range port.Topics {
				out[n] = append(out[n], fmt.Sprintf("it is a port of the data product %s: %s", quote(cmp.Or(p.Name, p.ID)), placeOf(&port.Said)))
			}
		}
	}
	return out
}

func (d *Declared) place() string { return placeOf(&d.Said) }

func placeOf(s *lineage.Said) string { return fmt.Sprintf("%s:%d", s.File, s.Line) }

// mayBeDeclared says why it is not known whether somebody declares to use a topic; empty: it is.
func (v *View) mayBeDeclared(topic lineage.Node) string {
	if v.declared == nil {
		return ""
	}
	if v.lens != All {
		return "what is declared is not shown to who may not see all"
	}
	for _, f := range v.declared.Files {
		if f.Problem != "" {
			return fmt.Sprintf("the file %s is wrong as it is now, and may name it", quote(f.File))
		}
	}
	c := v.comparison()
	for i := range c.all {
		d := &c.all[i]
		if len(d.Unresolved) > 0 && d.mayMean(topic) {
			return fmt.Sprintf("it can't be told whether a declaration means it: %s: %s", d.place(), d.Unresolved[0])
		}
	}
	return ""
}

// mayMean reports whether a declaration that can't be placed may be about a topic.
func (d *Declared) mayMean(topic lineage.Node) bool {
	switch {
	case d.Application == nil:
		return d.Flow.From.Name == topic.Name || d.Flow.To.Name == topic.Name || d.Problem != ""
	case d.Problem != "":
		return true
	case d.Topic.Match != nil:
		return strings.HasPrefix(topic.Name, d.Topic.Prefix) && d.Topic.Match.MatchString(topic.Name)
	}
	return d.Topic.Text == topic.Name
}
