package answer

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// loadEvidence finds what supports the rows' flows in the window. Where nothing does, as of a silent flow, what did in
// the lookback is given: a flow that is shown always says how it is known.
func (r *Rows) loadEvidence(ctx context.Context) (map[lineage.Flow][]Evidence, error) {
	out := make(map[lineage.Flow][]Evidence, len(r.flows))
	flows := r.flows
	for at, w := range [...]lineage.Window{r.v.win.Window, r.v.held.Back} {
		var rows []int32
		var of []*access
		var owners []lineage.Flow
		for _, f := range flows {
			for _, i := range r.v.of(f) {
				x := &r.v.accesses[i]
				rows, of, owners = append(rows, x.row), append(of, x), append(owners, f)
			}
		}
		if len(rows) == 0 {
			break
		}
		found, err := r.v.held.Evidence(ctx, w, rows)
		if err != nil {
			return nil, fmt.Errorf("read evidence: %w", err)
		}
		var reasons map[*access][]string
		if at == 0 { // else nothing moved
			if reasons, err = r.v.reasons(ctx, of); err != nil {
				return nil, err
			}
		}
		merged := map[lineage.Flow][]supported{}
		for i, es := range found {
			for _, e := range es {
				merged[owners[i]] = merge(merged[owners[i]], r.v.support(of[i], e, reasons[of[i]]))
				if of[i].declared() {
					merged[owners[i]] = merge(merged[owners[i]], of[i].saying(e))
				}
			}
		}
		var without []lineage.Flow
		for _, f := range flows {
			if len(merged[f]) == 0 {
				without = append(without, f)
				continue
			}
			out[f] = r.v.explained(f, merged[f])
			if err := r.v.sayLag(ctx, f, out[f]); err != nil {
				return nil, err
			}
		}
		flows = without
	}
	return out, nil
}

// Evidence is what supports a flow. Detail is empty where the source told none.
type Evidence struct {
	Kind                lineage.EvidenceKind
	Source              string // by its cluster's name
	FirstSeen, LastSeen time.Time
	Detail              string
}

// declared reports whether a person says whose an access is, and nothing that was seen.
func (x *access) declared() bool { return strings.HasPrefix(x.namedBy, lineage.ByDeclaration) }

// saying is what a person says of an access that a piece of evidence shows.
func (x *access) saying(e lineage.Evidence) supported {
	return supported{Evidence: Evidence{
		Kind: lineage.Declared, Source: "configuration", FirstSeen: e.FirstSeen, LastSeen: e.LastSeen,
		Detail: x.namedBy + ": nothing that was seen names the writer, the configuration does",
	}}
}

// supported is evidence of a flow. explains: its detail says why the count is estimated.
type supported struct {
	Evidence
	explains bool
}

// atLeast says why more may have moved than the amount says: its last part waits for the next reading, as of a reader
// between two commits, or was not observed, or nobody looked at its topic before; empty: it is all.
func (x *access) atLeast() string {
	switch {
	case !x.amount.Known || x.amount.Total <= 0:
		return ""
	case x.amount.Pending:
		return "at least: what moved since the last reading is counted with the next"
	case x.cut:
		return "at least: the end of the window was not observed"
	case x.late:
		return "at least: the topic came into sight within the window, and what moved before is not known"
	default:
		return ""
	}
}

// support is what a piece of evidence says of one access in the window. A detail is the newest that its source told:
// that of a bound which does not hold for a count that is exact here is left out, and one that is an estimate is
// explained by the reasons of all its steps.
func (v *View) support(x *access, e lineage.Evidence, reasons []string) supported {
	s := supported{Evidence: Evidence{Kind: e.Kind, Source: v.SourceName(e.Source), FirstSeen: e.FirstSeen, LastSeen: e.LastSeen}}
	counts := x.counter.metric != lineage.NoMetric && x.counter.evidence == e.Kind
	detail := e.Detail
	if x.amount.Known && !x.amount.Estimated && evidenceRank(e.Kind) < len(evidenceOrder) && isBound(detail) {
		detail = ""
	}
	if x.state == graph.Active { // it was said before, or by a version that did not take it back
		detail, _, _ = strings.Cut(detail, unmoved)
	}
	if counts && len(reasons) > 0 {
		why := whyOf(e.Kind, reasons)
		if detail == "" || isBound(detail) || strings.Contains(why, detail) {
			detail = why
		} else {
			detail += "; " + why
		}
	}
	if counts {
		why := []string{detail, x.atLeast()}
		if strings.Contains(detail, "at least") {
			why = why[:1]
		}
		if x.sharedOut() {
			why = append(why, x.sharedWords())
		}
		detail = strings.Join(slices.DeleteFunc(why, func(s string) bool { return s == "" }), "; ")
	}
	if doubt := x.shareDoubt(); doubt != "" && (e.Kind == lineage.GroupOffsets || e.Kind == lineage.ShareOffsets || e.Kind == lineage.Transaction) {
		detail = strings.TrimSuffix(doubt+"; "+detail, "; ")
	}
	if counts && x.sharedOut() && lineage.BoundsOf(detail).One() {
		// What a part of a step is at most or at least nobody knows.
		detail = strings.Replace(detail, x.sharedWords(), lineage.NoBound+x.sharedWords(), 1)
	}
	s.Detail = detail
	s.explains = detail != "" && counts && x.isEstimated() && explains(e.Kind, detail)
	return s
}

// unmoved begins what is said of committed offsets that were not seen to move.
const unmoved = " that did not move since"

// explains reports whether a detail of evidence that counts says why the count is estimated. A group's also tells, now
// and then, where the group stands.
func explains(k lineage.EvidenceKind, detail string) bool {
	return k != lineage.GroupOffsets && k != lineage.ShareOffsets || isBound(detail) || strings.Contains(detail, "shared out")
}

// isBound reports whether a detail calls a count a bound.
func isBound(detail string) bool {
	return strings.Contains(detail, "at most") || strings.Contains(detail, "at least")
}

// sharedOut reports whether more than a hundredth of an amount may belong before or after the window: what a reading
// advanced in a span of which the window has a part is taken to have moved evenly.
func (x *access) sharedOut() bool {
	return x.amount.Known && x.amount.Shared > x.amount.Total/100
}

// sharedWords says that an amount is shared out.
func (x *access) sharedWords() string {
	const words = "shared out evenly over the time between two readings, of which the window has a part"
	if x.beside {
		return words + ": all of it may have moved outside of the window"
	}
	return words
}

// isEstimated reports whether the amount is no measurement.
func (x *access) isEstimated() bool {
	return x.amount.Estimated || x.atLeast() != "" || x.sharedOut()
}

// merge adds e to what is known of the same kind and source: a flow's accesses are mostly known in the same way. Of
// several details the one that explains an estimate is kept, else the newest. Where one part is at most what is said
// and another at least, the sum is neither, and both are kept.
func merge(into []supported, e supported) []supported {
	for i := range into {
		m := &into[i]
		if m.Kind != e.Kind || m.Source != e.Source {
			continue
		}
		if e.explains && m.explains && lineage.BoundsOf(e.Detail) != lineage.BoundsOf(m.Detail) {
			m.Detail = lineage.BothBounds(m.Detail, e.Detail)
		} else if e.Detail != "" && (m.Detail == "" || e.explains && !m.explains || e.explains == m.explains && e.LastSeen.After(m.LastSeen)) {
			m.Detail, m.explains = e.Detail, e.explains
		}
		if e.FirstSeen.Before(m.FirstSeen) {
			m.FirstSeen = e.FirstSeen
		}
		if e.LastSeen.After(m.LastSeen) {
			m.LastSeen = e.LastSeen
		}
		return into
	}
	return append(into, e)
}

// unbound says of a flow's estimates without a bound that they have none, where all that its evidence tells of bounds
// is one: the flow is the sum. all are those that something else tells.
func unbound(es []supported, all lineage.Bounds) {
	for _, e := range es {
		b := lineage.BoundsOf(e.Detail)
		all.Most, all.Least = all.Most || b.Most, all.Least || b.Least
	}
	at := slices.IndexFunc(es, func(e supported) bool { return e.explains && lineage.BoundsOf(e.Detail) == lineage.Bounds{} })
	if at >= 0 && all.One() {
		es[at].Detail = lineage.NoBound + es[at].Detail
	}
}

// explained sorts a flow's evidence, and gives an estimate that nobody explained the reason that lies in how it is
// counted.
func (v *View) explained(f lineage.Flow, es []supported) []Evidence {
	slices.SortFunc(es, func(a, b supported) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), strings.Compare(a.Source, b.Source))
	})
	unexplained := !slices.ContainsFunc(es, func(e supported) bool { return e.explains })
	if unexplained && v.records(v.of(f)).estimated {
		counted := func(k lineage.EvidenceKind) bool {
			return slices.ContainsFunc(v.of(f), func(i int32) bool {
				x := &v.accesses[i]
				return x.isEstimated() && x.counter.evidence == k
			})
		}
		at := max(0, slices.IndexFunc(es, func(e supported) bool { return counted(e.Kind) }))
		why := whyEstimated(es[at].Kind)
		if d := es[at].Detail; d != "" {
			why = d + "; " + why
		}
		es[at].Detail, es[at].explains = why, true
	}
	why := v.atLeast(f)
	unbound(es, lineage.BoundsOf(why))
	out := make([]Evidence, len(es))
	for i, e := range es {
		out[i] = e.Evidence
		out[i].Detail = v.words(out[i].Detail)
	}
	if why != "" && len(out) > 0 {
		out[0].Detail = strings.TrimSuffix(why+"; "+out[0].Detail, "; ")
	}
	return out
}

// whyEstimated is why a count by a kind of evidence can be estimated at all, for sources that said no more.
func whyEstimated(k lineage.EvidenceKind) string {
	switch k {
	case lineage.GroupOffsets:
		return "at most: counted by offsets, some of which are markers of transactions, or were passed without being read"
	case lineage.ShareOffsets:
		return "at most: rejected and archived records move the share group's offset too"
	case lineage.Transaction:
		return "the markers of its transactions are offsets too, and how many there are lies between two bounds"
	case lineage.EndOffsets:
		return "at most: markers of transactions are offsets too, and are among what no counted writer accounts for"
	case lineage.ProducerState:
		return "its producer began anew, or was first seen, between two readings"
	case lineage.Mirror, lineage.Connect:
		return "at most: counted by offsets of the source, some of which are markers of transactions or were gone before they were copied"
	default:
		return "a bound or shared out: its source counts it no better"
	}
}

// SourceName names a source under its cluster's name.
func (v *View) SourceName(s lineage.Source) string { return v.clusters.sourceName(s) }

func (cs *clusters) sourceName(s lineage.Source) string {
	if c := cs.bySource[s.Cluster]; c != nil {
		s.Cluster = c.known.Name
	}
	return s.String()
}
