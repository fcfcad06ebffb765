package answer

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// View is what the history says of one window: the accesses with their nodes and amounts, and the facts that hold at its end. It never changes
// once built and is shared by all who ask for the window; what only some ask for is loaded at first need (see once).
type View struct {
	a        *Answers
	identity Identity // the rules that held when the view was built
	knows    lineage.Knowledge
	win      lineage.Resolved
	back     lineage.Window // the lookback: it ends with the window and starts no later
	clusters *clusters

	accesses []access                     // by id
	index    map[lineage.SubjectID]int32  // into accesses
	flows    map[lineage.Flow][]int32     // into accesses
	ends     map[lineage.Node]*accessesOf // of nodes other than topics: what they do
	topics   map[lineage.Node]*topicView  // all that are, were or moved
	datasets map[lineage.Node]*accessesOf // reads are what is read from them
	movers   movers
	// connectGroups are the groups of Connect's workers, which bear Connect's group.id.
	connectGroups map[lineage.ClusterID][]string
	// mirrored are the aliases of clusters that MirrorMaker 2 copies from or to, by the cluster at the other end.
	mirrored   map[lineage.ClusterID]map[string]bool
	classified bool
	mixed      map[lineage.Node]bool             // see lanes; nil until the first graph is built
	joined     map[lineage.Node][]string         // the same way
	groups     map[lineage.GroupRef]lineage.Fact // at the window's end, Gone ones included
	whole      *graph.Snapshot

	levels       once[*levels]
	topicAmounts once[map[lineage.SubjectID]lineage.Amount]
	lost         once[map[lineage.SubjectID]lineage.Amount] // of topics
	lastMoved    once[map[lineage.SubjectID]time.Time]
	mu           sync.Mutex
	filtered     map[filterKey]*graph.Snapshot // guarded by mu
	seen         [lineage.EvidenceKinds]*roaring.Bitmap
	seenBefore   [lineage.EvidenceKinds]*roaring.Bitmap // in the lookback, which holds the window
}

// access is one candidate of a window.
type access struct {
	lineage.Subject
	node, far lineage.Node // who, and the topic or the dataset
	namedBy   string
	state     graph.State
	inWindow  bool // some evidence supported it in the window
	cut       bool // it moved in the window, which was not observed to its end
	left      bool // it moved in the window, but one of its ends is no more
	// counter is the one that counts it, of the best evidence; NoMetric: none does.
	counter lineage.SeriesKey
	amount  lineage.Amount
	gauges  [lineage.Metrics]bool // which of its gauges exist
	// skipped and lost are what it passed without reading, and what was gone before it came; where no such counter exists they are not known.
	skipped, lost lineage.Amount
	// sharers are the connectors whose it is together, crowded says that others may be among those who did it; slice is the part that is the node's own, of a shared one. See shareOut.
	sharers []lineage.Node
	crowded bool
	slice   slice
	// own is the access of the group itself, of which this one's client is a member; -1: not a member, or the group's own is not known.
	own int32
}

// alone returns the accesses without those members that their group's own access already speaks for in the metric: what a group read is what its
// members read, and must not count twice.
func (v *View) alone(accesses []int32, m lineage.Metric) []int32 {
	speaks := func(x *access) bool {
		if m == lineage.Records {
			return x.counter.Metric != lineage.NoMetric
		}
		return x.gauges[m]
	}
	member := func(i int32) bool {
		x := &v.accesses[i]
		return x.own >= 0 && speaks(&v.accesses[x.own])
	}
	if !slices.ContainsFunc(accesses, member) {
		return accesses
	}
	return slices.DeleteFunc(slices.Clone(accesses), member)
}

func (x *access) flow() lineage.Flow {
	if x.Access.Op == lineage.Read {
		return lineage.Flow{From: x.far, To: x.node}
	}
	return lineage.Flow{From: x.node, To: x.far}
}

// accessesOf are a node's reads and writes, as indices into view.accesses.
type accessesOf struct{ reads, writes []int32 }

// topicView is a topic in a window. subjects are its incarnations, the newest last.
type topicView struct {
	node     lineage.Node
	cluster  lineage.ClusterID
	since    time.Time
	fact     *lineage.TopicFact // nil: never described, or gone
	gone     bool
	internal bool
	innerOf  string // the application.id of the Kafka Streams application that it is an inner part of; empty: none
	subjects []lineage.Subject
	accessesOf
}

// current returns the subject of the incarnation that exists; ok is false when there is none, or it was never sampled.
func (t *topicView) current() (s lineage.Subject, ok bool) {
	if t.fact == nil {
		return s, false
	}
	for _, s := range t.subjects {
		if s.Access.Topic == t.fact.Topic {
			return s, true
		}
	}
	return s, false
}

// roundsKey says which rounds a view was built of, so that late observations show.
func roundsKey(rounds map[string]time.Time) string {
	parts := make([]string, 0, len(rounds))
	for source, t := range rounds {
		parts = append(parts, fmt.Sprintf("%q%d", source, t.UnixNano()))
	}
	slices.Sort(parts)
	return strings.Join(parts, " ")
}

func (a *Answers) buildView(ctx context.Context, win lineage.Resolved, who Identity) (*View, error) {
	start := win.End.Add(-lookback)
	if win.Start.Before(start) {
		start = win.Start
	}
	v := &View{
		a: a, identity: who, win: win, back: a.history.Resolve(lineage.Window{Start: start, End: win.End}).Window,
		index: map[lineage.SubjectID]int32{}, flows: map[lineage.Flow][]int32{}, ends: map[lineage.Node]*accessesOf{},
		topics: map[lineage.Node]*topicView{}, datasets: map[lineage.Node]*accessesOf{}, filtered: map[filterKey]*graph.Snapshot{},
	}
	var err error
	if v.clusters, err = a.readClusters(ctx, win.End); err != nil {
		return nil, err
	}
	if err := v.readFacts(ctx); err != nil {
		return nil, err
	}
	if err := v.readAccesses(ctx); err != nil {
		return nil, err
	}
	if err := v.readAmounts(ctx); err != nil {
		return nil, err
	}
	if err := v.shareOut(ctx); err != nil {
		return nil, err
	}
	if err := v.decideStates(ctx); err != nil {
		return nil, err
	}
	v.connect()
	return v, nil
}

func (v *View) topicNode(t lineage.Topic) lineage.Node {
	return lineage.Node{Scope: v.clusters.of(t.Cluster).Name, Kind: lineage.TopicNode, Name: t.Name}
}

// readFacts lists the topics and groups, and the topics' subjects of all incarnations.
func (v *View) readFacts(ctx context.Context) error {
	topics, err := v.a.history.Facts(ctx, v.win.End, "", lineage.TopicFacts, true)
	if err != nil {
		return fmt.Errorf("read topics: %w", err)
	}
	for _, f := range topics {
		c := v.clusters.bySource[f.Key.Source]
		if c == nil {
			continue
		}
		n := lineage.Node{Scope: c.known.Name, Kind: lineage.TopicNode, Name: f.Key.Name}
		t := &topicView{node: n, cluster: c.known.ID, since: f.Since, fact: f.Topic, gone: f.Gone}
		if f.Topic != nil {
			t.cluster, t.internal = f.Topic.Topic.Cluster, f.Topic.Internal
		}
		v.topics[n] = t
	}
	groups, err := v.a.history.Facts(ctx, v.win.End, "", lineage.GroupFacts, true)
	if err != nil {
		return fmt.Errorf("read groups: %w", err)
	}
	v.groups = make(map[lineage.GroupRef]lineage.Fact, len(groups))
	for _, f := range groups {
		if c := v.clusters.bySource[f.Key.Source]; c != nil {
			v.groups[lineage.GroupRef{Cluster: c.known.ID, Group: f.Key.Name}] = f.Fact
		}
	}
	if err := v.readMovers(ctx); err != nil {
		return err
	}
	v.tellKnowledge()
	for s := range v.a.history.Subjects() {
		if c := &s.Access.Client; s.Access.Op == lineage.Write && c.Group != "" && c.TransactionalID != "" {
			v.knows.AddAccess(s.Access) // whose a transactional.id is holds for the time before it was found out too
		}
		if s.Access.Op != lineage.OpNone || s.FirstSeen.After(v.win.End) {
			continue
		}
		t := v.topic(s.Access.Topic)
		t.subjects = append(t.subjects, s)
	}
	return nil
}

// topic returns the topic's part of the view, and makes it when no fact did.
func (v *View) topic(t lineage.Topic) *topicView {
	n := v.topicNode(t)
	tv := v.topics[n]
	if tv == nil {
		tv = &topicView{node: n, cluster: t.Cluster}
		v.topics[n] = tv
		if v.classified {
			v.classify(tv)
		}
	}
	return tv
}

// readAccesses collects the candidates: what any evidence supported in the lookback.
func (v *View) readAccesses(ctx context.Context) error {
	var err error
	if v.seenBefore, err = v.a.history.Seen(ctx, v.back); err != nil {
		return fmt.Errorf("read what was seen: %w", err)
	}
	if v.seen, err = v.a.history.Seen(ctx, v.win.Window); err != nil {
		return fmt.Errorf("read what was seen: %w", err)
	}
	all, now := union(v.seenBefore), union(v.seen)
	all.Or(now)
	v.accesses = make([]access, 0, all.GetCardinality())
	gone := leaving(ctx)
	for it := all.Iterator(); it.HasNext(); {
		if gone() {
			return ctx.Err()
		}
		id := lineage.SubjectID(it.Next())
		s, ok := v.a.history.Subject(id)
		if !ok || s.Access.Op == lineage.OpNone {
			continue
		}
		v.knows.AddAccess(s.Access)
		v.accesses = append(v.accesses, access{Subject: s, far: v.farNode(s.Access), inWindow: now.Contains(uint32(id))})
	}
	v.classifyAll()
	for i := range v.accesses {
		if gone() {
			return ctx.Err()
		}
		x := &v.accesses[i]
		known := v.knows.Of(x.Access)
		x.node, x.namedBy = v.resolve(v.clusters.of(x.Access.Topic.Cluster), x.Subject, known)
		x.sharers, x.crowded = known.Sharers, known.Crowded
		x.node = v.shown(x.node)
	}
	return nil
}

func union(kinds [lineage.EvidenceKinds]*roaring.Bitmap) *roaring.Bitmap {
	out := roaring.New()
	for _, b := range kinds {
		if b != nil {
			out.Or(b)
		}
	}
	return out
}

// farNode returns what an access reads or writes.
func (v *View) farNode(a lineage.Access) lineage.Node {
	if a.Dataset != (lineage.Dataset{}) {
		return a.Dataset.Node()
	}
	return v.topicNode(a.Topic)
}

// shown returns a node as it is called in answers: a replicator was stored under the configured name of its target.
func (v *View) shown(n lineage.Node) lineage.Node {
	if c := v.clusters.bySource[n.Scope]; n.Kind == lineage.ReplicatorNode && c != nil {
		n.Scope = c.known.Name
	}
	return n
}

// evidenceOrder ranks the evidence that can count, the best first (design §3): an access counts once, by the best that has a count.
var evidenceOrder = [...]lineage.EvidenceKind{
	lineage.ProducerState, lineage.Transaction, lineage.GroupOffsets, lineage.ShareOffsets, lineage.BatchHeader, lineage.Telemetry, lineage.Connect, lineage.Mirror,
	lineage.Flink, lineage.AuditLog, lineage.Elimination, lineage.EndOffsets,
}

func evidenceRank(k lineage.EvidenceKind) int {
	for i, o := range evidenceOrder {
		if o == k {
			return i
		}
	}
	return len(evidenceOrder)
}

// readAmounts counts each access by its best evidence.
func (v *View) readAmounts(ctx context.Context) error {
	ids := make([]lineage.SubjectID, len(v.accesses))
	for i := range v.accesses {
		ids[i] = v.accesses[i].ID
		v.index[ids[i]] = int32(i)
	}
	var counters []lineage.SeriesKey
	for _, k := range v.a.history.Keys(ids) {
		i, ok := v.index[k.Subject]
		switch {
		case !ok:
		case k.Metric.Counter():
			counters = append(counters, k)
		default:
			v.accesses[i].gauges[k.Metric] = true
		}
	}
	amounts, err := v.a.history.Amounts(ctx, v.win.Window, counters)
	if err != nil {
		return fmt.Errorf("read amounts: %w", err)
	}
	for i, k := range counters {
		x := &v.accesses[v.index[k.Subject]]
		switch k.Metric {
		case lineage.Skipped:
			x.skipped = amounts[i]
			continue
		case lineage.Lost:
			x.lost = amounts[i]
			continue
		default:
		}
		better := x.counter.Metric == lineage.NoMetric || amounts[i].Known && !x.amount.Known ||
			amounts[i].Known == x.amount.Known && evidenceRank(k.Evidence) < evidenceRank(x.counter.Evidence)
		if better {
			x.counter, x.amount = k, amounts[i]
		}
	}
	return nil
}

// connect files the accesses under their flows and nodes and builds the graph.
func (v *View) connect() {
	clear(v.index)
	for i := range v.accesses {
		x, i := &v.accesses[i], int32(i)
		v.index[x.ID] = i
		v.flows[x.flow()] = append(v.flows[x.flow()], i)
		end := v.ends[x.node]
		if end == nil {
			end = &accessesOf{}
			v.ends[x.node] = end
		}
		far := v.farOf(x)
		if x.Access.Op == lineage.Read {
			end.reads, far.reads = append(end.reads, i), append(far.reads, i)
		} else {
			end.writes, far.writes = append(end.writes, i), append(far.writes, i)
		}
	}
	owns := map[lineage.Access]int32{}
	for i := range v.accesses {
		if x := &v.accesses[i]; x.Access.Client.Group != "" && x.Access.Client == (lineage.Client{Group: x.Access.Client.Group}) {
			owns[x.Access] = int32(i)
		}
	}
	for i := range v.accesses {
		x := &v.accesses[i]
		x.own = -1
		if x.Access.Client.Member != "" && x.Access.Client.Group != "" {
			if own, ok := owns[lineage.Access{Topic: x.Access.Topic, Op: x.Access.Op, Client: lineage.Client{Group: x.Access.Client.Group}}]; ok {
				x.own = own
			}
		}
	}
	v.whole = v.build(func(*access) bool { return true })
}

// farOf returns where the accesses to a topic or a dataset are filed.
func (v *View) farOf(x *access) *accessesOf {
	if x.far.Kind == lineage.TopicNode {
		return &v.topic(x.Access.Topic).accessesOf
	}
	d := v.datasets[x.far]
	if d == nil {
		d = &accessesOf{}
		v.datasets[x.far] = d
	}
	return d
}

func (v *View) build(keep func(*access) bool) *graph.Snapshot {
	edges := make([]graph.Access, 0, len(v.accesses))
	for i := range v.accesses {
		x := &v.accesses[i]
		if !keep(x) {
			continue
		}
		f := x.flow()
		a := graph.Access{ID: x.ID, From: f.From, To: f.To, State: x.state, Weight: x.amount.Total}
		for _, lane := range v.lanes(x) {
			if x.Access.Op == lineage.Read {
				a.ToLane = lane
			} else {
				a.FromLane = lane
			}
			edges = append(edges, a)
		}
	}
	return graph.Build(v.win.Window, edges)
}

// filterKey names a part of the graph: which kinds of evidence (bits; 0: all), with or without what did not move, of one cluster or all.
type filterKey struct {
	evidence   uint64
	active     bool // only what moved
	inactive   bool // also what did not move; unknown stays with and without
	internal   bool // also internal topics
	clusterTag lineage.ClusterID
}

// graph returns the snapshot of the part that key names.
func (v *View) graph(key filterKey) *graph.Snapshot {
	if key == (filterKey{inactive: true, internal: true}) {
		return v.whole
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if s := v.filtered[key]; s != nil {
		return s
	}
	if len(v.filtered) >= 16 { // a window is asked in few ways; who asks in many does not fill the memory
		clear(v.filtered)
	}
	s := v.build(func(x *access) bool { return v.passes(x, key) })
	v.filtered[key] = s
	return s
}

// passes reports whether an access belongs into the part of the graph that key names.
func (v *View) passes(x *access, key filterKey) bool {
	return (key.evidence == 0 || v.supported(x, key.evidence)) &&
		(!key.active || x.state == graph.Active) &&
		(key.inactive || x.state != graph.Inactive) &&
		(key.internal || !v.internal(x.far)) &&
		(key.clusterTag == "" || x.Access.Topic.Cluster == key.clusterTag)
}

// graphWith is graph with some internal topics in it: the roots that somebody asks for by name.
func (v *View) graphWith(key filterKey, roots []lineage.Node) *graph.Snapshot {
	if key.internal || !slices.ContainsFunc(roots, v.internal) {
		return v.graph(key)
	}
	with := key
	with.internal = true
	return v.build(func(x *access) bool {
		return v.passes(x, with) && (!v.internal(x.far) || slices.Contains(roots, x.far))
	})
}

// supported reports whether evidence of one of the kinds supports the access: in the window, or before when nothing did in the window.
func (v *View) supported(x *access, kinds uint64) bool {
	in := &v.seenBefore
	if x.inWindow {
		in = &v.seen
	}
	for k, b := range in {
		if kinds&(1<<k) != 0 && b != nil && b.Contains(uint32(x.ID)) {
			return true
		}
	}
	return false
}
