package timeseries

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// factLine is the versions of one fact by round.
type factLine struct {
	versions []factVersion
}

type factVersion struct {
	tick int64
	codedFact
}

// same reports whether two versions of one fact say the same.
func (v *factVersion) same(o *factVersion) bool {
	return v.fact.Gone == o.fact.Gone && v.body == o.body
}

func checkFact(f lineage.Fact) error {
	if f.Key.Kind < lineage.ClusterFacts || f.Key.Kind >= lineage.FactKinds {
		return fmt.Errorf("a fact of the unknown kind %d", f.Key.Kind)
	}
	for kind, set := range map[lineage.FactKind]bool{
		lineage.ClusterFacts: f.Cluster != nil, lineage.TopicFacts: f.Topic != nil, lineage.GroupFacts: f.Group != nil,
		lineage.ConnectFacts: f.Connect != nil, lineage.ConnectorFacts: f.Connector != nil, lineage.ReplicatorFacts: f.Replicator != nil,
		lineage.SourceFacts: f.Source != nil,
	} {
		if set != (kind == f.Key.Kind && !f.Gone) {
			return fmt.Errorf("the fact about %q does not hold exactly what its kind says", f.Key.Name)
		}
	}
	if s := f.Source; s != nil && (s.State < lineage.SourceExpected || s.State > lineage.SourceRetired || s.Interval < 0 ||
		s.State == lineage.SourceExpected && s.Interval == 0) {
		return fmt.Errorf("the fact about source %q is not expected at an interval, off or retired", f.Key.Name)
	}
	if len(f.BlindSpots) > 0 && (f.Gone || f.Key.Kind != lineage.BlindSpotFacts) {
		return fmt.Errorf("the fact about %q does not hold exactly what its kind says", f.Key.Name)
	}
	return nil
}

// addFact needs mu for writing. All versions are kept while a round between them may still come; trimFacts drops the repetitions later.
func (e *engine) addFact(f codedFact, tick int64) {
	line := e.facts[f.fact.Key]
	if line == nil {
		line = &factLine{}
		e.facts[f.fact.Key] = line
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

// outranks decides between what two sources say in one round: any fixed choice will do. What is gone outranks what is there.
func (v *factVersion) outranks(o *factVersion) bool {
	if v.fact.Gone != o.fact.Gone {
		return v.fact.Gone
	}
	return v.body > o.body
}

func (l *factLine) find(tick int64) (int, bool) {
	return slices.BinarySearchFunc(l.versions, tick, func(v factVersion, t int64) int { return cmp.Compare(v.tick, t) })
}

// trimFacts drops versions that repeat their predecessor, up to the sealed tick, and those that ended before the floor. It needs mu for writing.
func (e *engine) trimFacts(sealed, floor int64) {
	for key, line := range e.facts {
		out := line.versions[:0:0]
		for i, v := range line.versions {
			switch next := i + 1; {
			case v.tick <= sealed && len(out) > 0 && out[len(out)-1].same(&v): // the earlier one says since when
			case next < len(line.versions) && line.versions[next].tick <= floor && !line.versions[next].same(&v): // ended before the floor
				out = out[:0]
			default:
				out = append(out, v)
			}
		}
		if len(out) == 1 && out[0].fact.Gone && out[0].tick <= floor {
			out = nil
		}
		if len(out) == 0 {
			delete(e.facts, key)
			continue
		}
		line.versions = out
	}
}

// Facts implements Store. They are sorted by source and name.
func (e *engine) Facts(ctx context.Context, at time.Time, source string, kind lineage.FactKind, gone bool) ([]lineage.DatedFact, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.closed {
		return nil, ErrClosed
	}
	return e.factsAt(e.floor(at), kind, gone, func(s string) bool { return source == "" || s == source }), nil
}

// factsAt needs mu.
func (e *engine) factsAt(tick int64, kind lineage.FactKind, gone bool, of func(source string) bool) []lineage.DatedFact {
	out := slices.DeleteFunc(e.factsOf(tick, gone, kind), func(f lineage.DatedFact) bool { return !of(f.Key.Source) })
	slices.SortFunc(out, compareFacts)
	return out
}

// factsOf returns the facts of some kinds that hold at a tick, in no order. It needs mu.
func (e *engine) factsOf(tick int64, gone bool, kinds ...lineage.FactKind) []lineage.DatedFact {
	var out []lineage.DatedFact
	for key, line := range e.facts {
		if !slices.Contains(kinds, key.Kind) {
			continue
		}
		i, found := line.find(tick)
		if !found {
			i--
		}
		if i < 0 || line.versions[i].fact.Gone && !gone {
			continue
		}
		v := line.versions[i]
		for i > 0 && line.versions[i-1].same(&v) {
			i--
		}
		d := lineage.DatedFact{Fact: v.fact, Since: e.at(line.versions[i].tick)}
		if v.fact.Gone && i > 0 {
			d.Before = new(line.versions[i-1].fact) // a copy: versions move when a late one comes between
		}
		out = append(out, d)
	}
	return out
}
