package answer

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// Factors of what is said and not measured, see likelihood.go.
const (
	literalFactor, prefixFactor, anyFactor = 8.0, 4.0, 1.5 // the entry names the topic, its beginning, all topics
	forbiddenFactor                        = 0.2           // its principal may not; super users stand in no entry
	declaredFactor                         = 30.0
	configuredFactor                       = 30.0
	goesOnFactor, beforeFactor             = 2.0, 6.0 // it writes here under its own name as well; it did, and stopped
	hostFactor, elsewhereFactor            = 15.0, 0.3
)

// weighPermissions weighs who may write the topic.
func (q *inquiry) weighPermissions() {
	fact := q.v.permissions(q.topic.cluster)
	switch {
	case fact == nil:
		q.note("who may write it is not known")
		return
	case fact.Open:
		q.note("everybody may write it, as the cluster has no authorizer")
		return
	}
	may := map[string]float64{}
	denied := map[string]bool{}
	by := map[string]string{}
	for i := range fact.Rules {
		p := &fact.Rules[i]
		if p.Operation == "READ" || !p.Covers(q.topic.node.Name) {
			continue
		}
		factor := literalFactor
		switch {
		case p.Topic == "*" || p.Prefixed && p.Topic == "":
			factor = anyFactor
		case p.Prefixed:
			factor = prefixFactor
		}
		switch {
		case !p.Allowed && p.Host == "*":
			denied[p.Principal] = true
		case p.Allowed && factor > may[p.Principal]:
			may[p.Principal], by[p.Principal] = factor, p.Pattern()
		}
	}
	everybody := may["User:*"] > 0
	for principal := range may {
		if denied[principal] || denied["User:*"] {
			delete(may, principal)
		}
	}
	bear, born := q.principals()
	for _, s := range q.suspects {
		if q.letIn[s.node] { // a log says so, whatever the entries do
			continue
		}
		best, forbidden := "", ""
		for _, p := range bear[s.node] {
			switch {
			case may[p] > may[best]:
				best = p
			case may[p] == 0 && (denied[p] || denied["User:*"] || !everybody):
				forbidden = p
			}
		}
		switch {
		case best != "":
			s.add(CluePermitted, may[best], "its principal %s may write the topic (%s)", best, by[best])
		case forbidden != "" && fact.Cut == 0 && (denied[forbidden] || denied["User:*"]):
			s.add(CluePermitted, forbiddenFactor, "an entry denies its principal %s to write the topic", forbidden)
		case forbidden != "" && fact.Cut == 0:
			s.add(CluePermitted, forbiddenFactor, "no entry lets its principal %s write the topic", forbidden)
		}
	}
	extra := 0
	for _, principal := range sortedKeys(may) {
		if principal == "User:*" || born[principal] {
			continue
		}
		x := lineage.Access{Topic: lineage.Topic{Cluster: q.topic.cluster, Name: q.topic.node.Name}, Op: lineage.Write, Client: lineage.Client{Principal: principal}}
		n, _ := q.v.identity.Resolve(q.cluster, x, lineage.Known{})
		if n.Kind != lineage.ApplicationNode && n.Kind != lineage.StreamJobNode {
			continue
		}
		if s := q.suspect(n, &extra); s != nil {
			s.add(CluePermitted, may[principal], "the principal %s, which is called so, may write the topic (%s)", principal, by[principal])
		}
	}
	if everybody {
		q.note("everybody may write it, by an entry for User:*")
	}
}

func sortedKeys[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// principals returns which principals each bears, in order, and all that anybody does.
func (q *inquiry) principals() (of map[lineage.Node][]string, born map[string]bool) {
	of, born = map[lineage.Node][]string{}, map[string]bool{}
	for i := range q.v.accesses {
		x := &q.v.accesses[i]
		if p := x.client().Principal; p != "" && p != "User:*" && x.Access.Topic.Cluster == q.topic.cluster && q.by[x.node] != nil {
			of[x.node], born[p] = append(of[x.node], p), true
		}
	}
	for b := range q.v.hidden.bearers { // what it is called is decided by all there is
		if b.cluster == q.topic.cluster && q.here(b.node) {
			born[b.principal] = true
		}
	}
	for n, all := range of {
		slices.Sort(all)
		of[n] = slices.Compact(all)
	}
	return of, born
}

// weighSayings weighs who is said to write the topic, or was seen to: by a person, by its configuration, under its own
// name.
func (q *inquiry) weighSayings() {
	v, extra := q.v, 0
	told := map[lineage.Node]ClueKind{}
	tell := func(n lineage.Node, kind ClueKind, factor float64, words string) {
		if told[n] != 0 {
			return
		}
		if s := q.suspect(n, &extra); s != nil {
			told[n] = kind
			s.add(kind, factor, "%s", words)
		}
	}
	for _, n := range v.declaredWriters(q.topic.node) {
		tell(n, ClueDeclared, declaredFactor, "it is declared to write the topic")
	}
	for _, i := range q.topic.writes {
		x := &v.accesses[i]
		kinds := v.held.Rows.SeenBefore[x.row]
		switch {
		case x.node.Kind == lineage.UnidentifiedNode || x.declared():
		case kinds == store.KindsOf(lineage.Declared):
			tell(x.node, ClueDeclared, declaredFactor, "it is declared to write the topic")
		case x.counter.metric == lineage.NoMetric && x.Access.Client.Mover.Kind != lineage.NoKind:
			tell(x.node, ClueConfigured, configuredFactor, "it is configured to write the topic, and nothing counts what it writes")
		case x.Access.Client.Mover.Kind != lineage.NoKind:
		case v.letIn(x):
			tell(x.node, CluePermitted, literalFactor, "a log says that it was let write the topic; whether it did is not known")
		case x.state == graph.Active:
			tell(x.node, ClueWroteBefore, goesOnFactor, "it writes the topic under its own name as well")
		case x.state == graph.Unknown:
			tell(x.node, ClueWroteBefore, goesOnFactor, "it was seen to write the topic under its own name; whether it did in the window is not known")
		default:
			tell(x.node, ClueWroteBefore, beforeFactor, "it wrote the topic under its own name, and not in the window")
		}
	}
}

// letIn reports whether all that is known of an access is that logs say that it was allowed.
func (v *View) letIn(x *access) bool {
	r := &v.held.Rows
	seen := r.Seen[x.row] | r.SeenBefore[x.row]
	return x.state != graph.Active && seen != 0 && seen&^store.KindsOf(lineage.AuthorizerLog, lineage.AuditLog) == 0
}

// declaredWriters returns who is declared to write a topic, in the order in which it was said.
func (v *View) declaredWriters(topic lineage.Node) (out []lineage.Node) {
	for _, d := range v.comparison().all {
		for _, p := range d.Pairs {
			if p.Flow.To == topic {
				out = append(out, p.Flow.From)
			}
		}
	}
	return out
}

// weighHosts weighs who runs where a writer without a name was seen.
func (q *inquiry) weighHosts() {
	v := q.v
	hosts := map[string]bool{}
	for _, i := range q.writers {
		if h := strings.TrimPrefix(v.accesses[i].client().Host, "/"); h != "" {
			hosts[h] = true
		}
	}
	if len(hosts) == 0 {
		q.note("the hosts of its unnamed writers are not known")
		return
	}
	at := map[lineage.Node]map[string]bool{}
	see := func(n lineage.Node, host string) {
		if host = strings.TrimPrefix(host, "/"); host == "" {
			return
		}
		if at[n] == nil {
			at[n] = map[string]bool{}
		}
		at[n][host] = true
	}
	taken := map[lineage.GroupRef]bool{}
	for i := range v.accesses {
		x := &v.accesses[i]
		if q.by[x.node] == nil {
			continue
		}
		see(x.node, x.client().Host)
		ref := lineage.GroupRef{Cluster: x.Access.Topic.Cluster, Group: x.Access.Client.Group}
		if f := v.groups[ref].Group; f != nil && !taken[ref] {
			taken[ref] = true
			for _, m := range f.Members {
				see(x.node, m.Host)
			}
		}
	}
	for _, s := range q.suspects {
		shared := ""
		for _, h := range sortedKeys(at[s.node]) {
			if hosts[h] {
				shared = h
				break
			}
		}
		switch {
		case shared != "":
			s.add(ClueHost, hostFactor, "it runs on %s, as a writer without a name does", shared)
		case len(at[s.node]) > 0:
			s.add(ClueHost, elsewhereFactor, "it was not seen on a host of the writers without a name")
		}
	}
}

// weighRates weighs whose reading of other topics goes up and down with the writing.
func (q *inquiry) weighRates(ctx context.Context) error {
	v := q.v
	step := stepOfAtMost(v.win, mostSteps)
	points := &summing{v: v, step: step, count: int((v.win.Duration() + step - 1) / step)}
	written := []int{points.sum(q.writers)}
	if written[0] < 0 {
		q.note("what its unnamed writers write is not counted")
		return nil
	}
	if len(q.writers) > 1 { // each may be another's
		for _, i := range q.writers[:min(len(q.writers), mostAlone)] {
			if at := points.sum([]int32{i}); at >= 0 {
				written = append(written, at)
			}
		}
	}
	of := map[*suspect][]reading{}
	for _, s := range q.suspects {
		of[s] = q.readingsOf(s, points)
	}
	if err := points.load(ctx); err != nil {
		return err
	}
	if e := points.evenness(written[0]); e != "" && len(written) == 1 {
		q.note("%s", e)
		return nil
	}
	readers := q.readers()
	for _, s := range q.suspects {
		best, of := q.likest(of[s], written, points, readers)
		switch {
		case !best.ok:
		case best.factor > 1:
			when := "in the same step"
			if best.lag != 0 {
				when = fmt.Sprintf("%d steps %s", int(math.Abs(float64(best.lag))), map[bool]string{true: "later", false: "earlier, as commits come late"}[best.lag > 0])
			}
			doubt := ""
			if of.unsure {
				doubt = "; nobody names who writes what it reads, so that it may be made of this topic"
			}
			s.add(ClueRates, best.factor, "what it reads of %s and what is written go up and down together: correlation %.2f over %d steps of %s, written %s%s", of.name, best.r, best.n, spelled(step), when, doubt)
		default:
			s.add(ClueRates, best.factor, "what it reads does not go up and down with what is written (%d steps of %s)", best.n, spelled(step))
		}
	}
	return nil
}

// reading is what a suspect reads of a topic, or of all.
type reading struct {
	sum    int // its number among the sums
	name   string
	unsure bool // see nobodyMakes
}

// readingsOf asks for what a suspect reads: of the topics of which it reads most, and of these together.
func (q *inquiry) readingsOf(s *suspect, points *summing) (out []reading) {
	topics := make([]lineage.Node, 0, len(s.reads))
	most := map[lineage.Node]float64{}
	for t, all := range s.reads {
		topics = append(topics, t)
		for _, i := range q.v.alone(all, lineage.Records) {
			most[t] += q.v.accesses[i].amount.Total
		}
	}
	slices.SortFunc(topics, func(a, b lineage.Node) int { return cmp.Or(cmp.Compare(most[b], most[a]), a.Compare(b)) })
	together := reading{name: "all topics"}
	var all []int32
	for _, t := range topics[:min(len(topics), mostRead)] {
		if most[t] <= 0 {
			continue
		}
		alone := q.v.alone(s.reads[t], lineage.Records)
		if at := points.sum(alone); at >= 0 {
			x := reading{sum: at, name: t.Name, unsure: q.nobodyMakes(t)}
			together.unsure = together.unsure || x.unsure
			out, all = append(out, x), append(all, alone...)
		}
	}
	if len(out) > 1 {
		together.sum = points.sum(all)
		out = append(out, together)
	}
	return out
}

// likest returns which of a suspect's readings is the likest to something that is written.
func (q *inquiry) likest(of []reading, written []int, points *summing, readers int) (best likeness, what reading) {
	for _, x := range of {
		for _, to := range written {
			l := follows(points.sums[x.sum], points.sums[to], len(of)*len(written))
			if x.unsure && l.factor > 1 {
				l.factor = eitherWay(l.factor, readers, len(q.suspects))
			}
			if l.ok && (!best.ok || l.factor > best.factor) {
				best, what = l, x
			}
		}
	}
	return best, what
}

// nobodyMakes reports whether a topic is written by somebody without a name, who may make it of the topic that is asked
// about: its rate then follows that, see eitherWay.
func (q *inquiry) nobodyMakes(topic lineage.Node) bool {
	t := q.v.topics[topic]
	return t != nil && slices.ContainsFunc(t.writes, func(i int32) bool {
		x := &q.v.accesses[i]
		return x.node.Kind == lineage.UnidentifiedNode && x.inWindow
	})
}

// readers returns how many read the topic, one at least: who reads unseen may be among those who make something of it.
func (q *inquiry) readers() int {
	seen := map[lineage.Node]bool{}
	for _, i := range q.topic.reads {
		seen[q.v.accesses[i].node] = true
	}
	return max(1, len(seen))
}

// stepOfAtMost returns the shortest step in which a window has so many steps at most.
func stepOfAtMost(w lineage.Resolved, most int) time.Duration {
	step := (w.Duration() + time.Duration(most) - 1) / time.Duration(most)
	if rest := step % w.Step; rest != 0 {
		step += w.Step - rest
	}
	return max(step, w.Step)
}

// summing loads the points of sums of counters, each series once.
type summing struct {
	v     *View
	step  time.Duration
	count int // points of each
	parts [][]int32
	sums  [][]lineage.Point
	// veiled are the series of who may be in the counts of others, and of which topic.
	veiled map[int32]lineage.Topic
}

// sum asks for the sum of what counts some accesses, and returns its number; -1: nothing does.
func (p *summing) sum(accesses []int32) int {
	var series []int32
	for _, i := range accesses {
		if x := &p.v.accesses[i]; x.counter.metric != lineage.NoMetric && x.counter.series >= 0 {
			series = append(series, x.counter.series)
			if x.veiled {
				if p.veiled == nil {
					p.veiled = map[int32]lineage.Topic{}
				}
				p.veiled[x.counter.series] = x.Access.Topic
			}
		}
	}
	if len(series) == 0 {
		return -1
	}
	p.parts = append(p.parts, series)
	return len(p.parts) - 1
}

// load reads some series at a time. A step is known where all parts are.
func (p *summing) load(ctx context.Context) error {
	p.sums = make([][]lineage.Point, len(p.parts))
	var keys []int32
	place := map[int32]int{}
	for _, part := range p.parts {
		for _, s := range part {
			if _, ok := place[s]; !ok {
				place[s] = len(keys)
				keys = append(keys, s)
			}
		}
	}
	if err := togetherOf(ctx).spendPoints(p.count * len(keys)); err != nil {
		return err
	}
	topics := map[lineage.Topic]bool{}
	for _, t := range p.veiled {
		topics[t] = true
	}
	veiled, err := p.v.veiledSteps(ctx, p.step, topics)
	if err != nil {
		return err
	}
	of := map[int32][]int{}
	for at, part := range p.parts {
		p.sums[at] = make([]lineage.Point, p.count)
		for i := range p.sums[at] {
			p.sums[at][i].OK = true
		}
		for _, s := range part {
			of[s] = append(of[s], at)
		}
	}
	for len(keys) > 0 {
		n := min(max(1, pointsPerCall/p.count), len(keys))
		points, err := p.v.held.Points(ctx, p.step, keys[:n])
		if err != nil {
			return fmt.Errorf("read series: %w", err)
		}
		for k, series := range points {
			if t, is := p.veiled[keys[k]]; is {
				veil(series, veiled[t])
			}
			for _, at := range of[keys[k]] {
				for i := range series {
					p.sums[at][i].Value += series[i].Value
					p.sums[at][i].OK = p.sums[at][i].OK && series[i].OK
				}
			}
		}
		keys = keys[n:]
	}
	return nil
}

// evenness says why a sum tells nobody apart; empty: it may.
func (p *summing) evenness(at int) string {
	var known []float64
	for i, x := range p.sums[at] {
		if entire(p.sums[at], i) {
			known = append(known, x.Value)
		}
	}
	switch {
	case len(known) < leastPairs:
		return fmt.Sprintf("rates were compared over %d steps at least, and of the window %d were observed", leastPairs, len(known))
	case slices.Max(known) <= 0:
		return "nothing was written without a name in the window, so that its rate tells nobody apart"
	case deviation(known) < evenly:
		return "what is written without a name is even, so that its rate tells nobody apart"
	}
	return ""
}
