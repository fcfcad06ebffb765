package timeseries

import (
	"fmt"
	"math"
	"slices"

	"github.com/lineaged/lineaged/lineage"
)

func checkFact(f lineage.Fact) error {
	if f.Key.Kind < lineage.ClusterFacts || f.Key.Kind >= lineage.FactKinds {
		return fmt.Errorf("a fact of the unknown kind %d", f.Key.Kind)
	}
	for kind, set := range map[lineage.FactKind]bool{
		lineage.ClusterFacts: f.Cluster != nil, lineage.TopicFacts: f.Topic != nil, lineage.GroupFacts: f.Group != nil,
		lineage.ConnectFacts: f.Connect != nil, lineage.ConnectorFacts: f.Connector != nil, lineage.ReplicatorFacts: f.Replicator != nil,
		lineage.SourceFacts: f.Source != nil, lineage.PermissionFacts: f.Permission != nil, lineage.RunFacts: f.Runs != nil, lineage.JobFacts: f.Job != nil,
		lineage.SchemaFacts: f.Schema != nil, lineage.TransformFacts: f.Transform != nil, lineage.ColumnsFacts: f.Columns != nil, lineage.WaysFacts: f.Ways != nil,
	} {
		if set != (kind == f.Key.Kind && !f.Gone) {
			return fmt.Errorf("the fact about %q does not hold exactly what its kind says", f.Key.Name)
		}
	}
	if s := f.Source; s != nil && (s.State < lineage.SourceExpected || s.State > lineage.SourceRetired || s.Interval < 0 ||
		s.Interval > math.MaxInt64/2 || s.State == lineage.SourceExpected && s.Interval == 0) {
		return fmt.Errorf("the fact about source %q is not expected at an interval, off or retired", f.Key.Name)
	}
	// What can't be read again would turn out to be damage, with all that its segment of the log holds after it.
	if c, p := f.Connector, f.Replicator; c != nil && !c.Replicator.Kind.Storable() || p != nil && !p.Node.Kind.Storable() {
		return fmt.Errorf("the fact about %q names a node of an unknown kind", f.Key.Name)
	}
	if c := f.Columns; c != nil && !c.Mover.Kind.Storable() {
		return fmt.Errorf("the fact about %q names a node of an unknown kind", f.Key.Name)
	}
	unknown := func(n lineage.Node) bool { return !n.Kind.Storable() }
	if j, c := f.Job, f.Connector; j != nil && slices.ContainsFunc(j.Also, unknown) || c != nil && slices.ContainsFunc(c.Also, unknown) {
		return fmt.Errorf("the fact about %q names a node of an unknown kind", f.Key.Name)
	}
	if !checkRuns(f.Runs) || !checkWays(f.Ways) {
		return fmt.Errorf("the fact about %q names a node of an unknown kind, or one that is not there", f.Key.Name)
	}
	if len(f.BlindSpots) > 0 && (f.Gone || f.Key.Kind != lineage.BlindSpotFacts) {
		return fmt.Errorf("the fact about %q does not hold exactly what its kind says", f.Key.Name)
	}
	return nil
}

// addFact needs mu for writing. All versions are kept while a round between them may still come; trimFacts drops the
// repetitions later.
func (e *engine) addFact(f codedFact, tick int64) {
	line := e.facts[f.fact.Key]
	if line == nil {
		line = &factLine{}
		e.facts[f.fact.Key] = line
		e.factOrder.came(line)
		if f.fact.Key.Kind == lineage.ClusterFacts {
			e.told[f.fact.Key.Source] = true
		}
	}
	v := factVersion{tick, f}
	i, found := line.find(tick)
	switch {
	case !found:
		line.versions = slices.Insert(line.versions, i, v)
	case v.outranks(&line.versions[i]):
		line.versions[i] = v
	}
}

// trimFacts drops versions that repeat their predecessor, up to the sealed tick, and those that ended before the floor,
// and keeps the past of the others as differences. It needs mu for writing.
func (e *engine) trimFacts(sealed, floor int64) {
	var d differ
	for key, line := range e.facts {
		if !line.retire(sealed, floor, &d) {
			delete(e.facts, key)
			e.factOrder.went()
		}
	}
}

// factsQuery says which facts are asked for: those that hold at a tick, and those that are gone then if they went after
// another.
type factsQuery struct {
	tick      int64
	gone      bool
	goneAfter int64                           // of groups only: the others are few
	away      []map[lineage.FactKey]*factLine // that were put away, the newest first
	like      []lineage.DatedFact             // those of another answer, which are shared as far as they are the same
}

// factsOf returns what holds of the facts of some kinds, by kind, source and name; those that were put away come after
// the others. It needs mu.
func (e *engine) factsOf(q factsQuery, kinds ...lineage.FactKind) []lineage.DatedFact {
	out := factList{like: q.like}
	for _, kind := range kinds {
		out.most += len(e.linesOf(kind))
	}
	take := func(kind lineage.FactKind, line *factLine) (told bool) {
		v, since, before := line.at(q.tick)
		if v == nil {
			return false
		}
		if v.fact.Gone && (!q.gone || kind == lineage.GroupFacts && since <= q.goneAfter) {
			return true
		}
		d := lineage.DatedFact{Fact: v.fact, Since: e.at(since)}
		if v.fact.Gone && before != nil {
			d.Before = new(before.fact) // a copy: versions move when a late one comes between
		}
		out.add(&d)
		return true
	}
	var done map[lineage.FactKey]bool
	if len(q.away) > 0 {
		done = map[lineage.FactKey]bool{}
	}
	for _, kind := range slices.Sorted(slices.Values(kinds)) {
		for _, line := range e.linesOf(kind) {
			if take(kind, line) && done != nil {
				done[line.key()] = true
			}
		}
	}
	for _, lines := range q.away {
		for key, line := range lines {
			if slices.Contains(kinds, key.Kind) && !done[key] && take(key.Kind, line) {
				done[key] = true
			}
		}
	}
	return out.done()
}
