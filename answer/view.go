package answer

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// View is what the history says of one window: the accesses with their nodes and amounts, and the facts that hold at
// its end. It never changes once built and is shared by all who ask for the window; what only some ask for is loaded at
// first need (see once).
type View struct {
	a        *Answers
	identity Identity              // the rules that held when the view was built
	declared *lineage.Declarations // what was declared then; nil: nothing
	edits    *lineage.Edits        // what people had said of nodes then; nil: nothing
	compared compared
	lens     Lens
	hidden   hidden
	knows    lineage.Knowledge
	jobRuns  jobRuns
	win      lineage.Resolved
	until    time.Time     // the newest tick that could be answered then, or the window's end where that is earlier
	held     *store.Window // what the store holds of it; its lookback ends with the window and starts no later
	state    store.State   // when the view was built
	made     depends       // of what its answers are made
	clusters *clusters

	accesses []access                     // in the order of held's rows, then those that were shared out
	ends     map[lineage.Node]*accessesOf // of nodes other than topics: what they do
	topics   map[lineage.Node]*topicView  // all that are, were or moved
	datasets map[lineage.Node]*accessesOf // reads are what is read from them
	movers   movers
	// connectGroups are the groups of Connect's workers, which bear Connect's group.id.
	connectGroups map[lineage.ClusterID][]string
	// mirrored are the aliases of clusters that MirrorMaker 2 copies from or to, by the cluster at the other end.
	mirrored   map[lineage.ClusterID]map[string]bool
	unseen     map[lineage.Topic]time.Time // see findUnseen
	classified bool
	mixed      map[lineage.Node]bool             // see lanes
	joined     map[lineage.Node]joined           // the same way
	accounts   map[lineage.Node]bool             // the same way
	ways       map[lineage.Node]*waysThrough     // the same way; nil: no job tells of any
	groups     map[lineage.GroupRef]lineage.Fact // at the window's end, Gone ones included
	veiled     map[lineage.Flow]bool             // see findVeiled
	veils      map[lineage.Topic][]int32         // the series that hide who has no name, see findVeils

	// These are of a view of groups: whom each stands for, and of what kind of flows each flow is made, how many of
	// which have no count.
	members   map[lineage.Node][]lineage.Node
	kinds     map[lineage.Flow]lineage.FlowKind
	uncounted map[lineage.Flow]int

	levels       once[*levels]
	lags         once[groupLags]
	topicAmounts once[topicAmounts]
	lost         once[map[int32]lineage.Amount] // of topics, by row
	traced       once[map[lineage.Node][]traced]
	told         once[*columns]    // see schemas.go
	lastMoved    once[[]time.Time] // by access
	tagged       once[*tagging]
	timelines    timelines
	around       once[[]lineage.Gap] // see gapsAround
	back         once[*store.Window] // see CoverageBack

	// commits are the rows of declared groups whose positions moved within the lookback, see takeCommits.
	commits map[int32]bool
	common  *common     // with views of the same accesses; nil: it has nothing in common with others
	roll    *graph.Roll // by which graphs are built
	rolled  *rolled     // see onRoll
	graphs  graphs
}

// access is one candidate of a window.
type access struct {
	*who
	state    graph.State
	inWindow bool // some evidence supported it in the window
	cut      bool // it moved in the window, which was not observed to its end
	late     bool // its topic came into sight within the window, and was not seen to be made
	beside   bool // all that says so are readings that reach beyond the window: it may have moved outside of it alone
	left     bool // it moved in the window, but one of its ends is no more
	veiled   bool // it may be in the counts of others, see findVeiled; hidden: and it rested, if it is not
	hidden   bool
	// counter is the one that counts it, of the best evidence; NoMetric: none does.
	counter stored
	amount  lineage.Amount
	gauges  [lineage.Metrics]bool // which of its gauges exist
	// skipped and lost are what it passed without reading, and what was gone before it came; where no such counter
	// exists they are not known. They are shared.
	skipped, lost *lineage.Amount
	slice         slice // the part that is the node's own, of a shared one, see shareOut
}

// who is what of an access does not hang on what moved: who it is that reads or writes, and what. Views that have that
// in common share it, so once a view is built it never changes.
type who struct {
	Access    *lineage.Access // shared: read only
	FirstSeen time.Time
	row       int32        // of the store's answer
	node, far lineage.Node // who, and the topic or the dataset
	topic     *topicView   // far, where it is a topic; until all are connected nil where nothing else is known of it
	namedBy   string
	joined    *lineage.Joined // with all that links join to the client; nil: it is as it was seen
	// sharers are the connectors whose it is together, crowded says that others may be among those who did it.
	sharers []lineage.Node
	crowded bool
	exist   bool // both ends are still there, see endsExist
	// numbers are those of node and far in the view, see onRoll.
	numbers [2]uint32
	// own is the access of the group itself, of which this one's client is a member; -1: not a member, or the group's
	// own is not known.
	own int32
}

// as makes the access another's, and leaves what others share as it is.
func (x *access) as(node lineage.Node, namedBy string) {
	is := *x.who
	is.node, is.namedBy = node, namedBy
	x.who = &is
}

// stored is a series that the store has of a row; series is -1 when it has none.
type stored struct {
	row, series int32
	metric      lineage.Metric
	evidence    lineage.EvidenceKind
}

// stored returns the series of a gauge, or of a topic's counter.
func (v *View) stored(row int32, m lineage.Metric) stored {
	i, ok := v.held.Series.Find(row, m, lineage.NoEvidence)
	if !ok {
		i = -1
	}
	return stored{row: row, series: i, metric: m}
}

// alone returns the accesses without those members that their group's own access already speaks for in the metric: what
// a group read is what its members read, and must not count twice.
func (v *View) alone(accesses []int32, m lineage.Metric) []int32 {
	speaks := func(x *access) bool {
		if m == lineage.Records {
			return x.counter.metric != lineage.NoMetric
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

// client returns the access' client with what links join to it.
func (x *access) client() *lineage.Client {
	if x.joined != nil {
		return &x.joined.Client
	}
	return &x.Access.Client
}

func (x *access) flow() lineage.Flow {
	if x.Access.Op == lineage.Read {
		return lineage.Flow{From: x.far, To: x.node}
	}
	return lineage.Flow{From: x.node, To: x.far}
}

// accessesOf are a node's reads and writes, as indices into view.accesses.
type accessesOf struct {
	reads, writes []int32
	number        uint32 // of the node in the view; 0: it has no accesses
}

// viewFacts are the kinds of facts that a view is made of.
var viewFacts = []lineage.FactKind{
	lineage.ClusterFacts, lineage.TopicFacts, lineage.GroupFacts, lineage.ConnectFacts, lineage.ConnectorFacts, lineage.ReplicatorFacts, lineage.PermissionFacts, lineage.JobFacts,
	lineage.WaysFacts,
}

// viewAsk is what a view asks of the store.
func viewAsk(w lineage.Window, until time.Time) store.Ask {
	return store.Ask{Window: w, Accesses: true, Lookback: lookback, Until: until, Facts: viewFacts, Coverage: true}
}

func (a *Answers) buildView(ctx context.Context, now store.State, key viewKey, d depends) (*View, error) {
	held, err := a.history.Window(ctx, viewAsk(key.win.Window, d.until))
	if err != nil {
		return nil, fmt.Errorf("read what is held: %w", err)
	}
	roll, clusters := a.rolls.now(a.Estate()), a.nameClusters(now, held.FactsOf(lineage.ClusterFacts), key.lens)
	begin := func() *View {
		return &View{
			a: a, identity: d.identity, declared: d.declared, edits: a.edits(), lens: key.lens, win: key.win, until: d.until, held: held, state: now, made: d, roll: roll, clusters: clusters,
		}
	}
	v := begin()
	fits, err := v.ofCommon(ctx, a.common.Load())
	if err == nil && !fits {
		v = begin()
		err = v.asAnew(ctx)
	}
	if err != nil {
		return nil, err
	}
	if err := v.takeCommits(ctx); err != nil {
		return nil, err
	}
	if err := v.findVeiled(ctx); err != nil {
		return nil, err
	}
	v.ways = v.waysOfJobs()
	return v, ctx.Err()
}

// asAnew finds out who everybody is, and what they did.
func (v *View) asAnew(ctx context.Context) error {
	v.ends, v.datasets, v.rolled = map[lineage.Node]*accessesOf{}, map[lineage.Node]*accessesOf{}, &rolled{}
	v.takeFacts()
	all, err := v.takeAccesses(ctx)
	if err != nil {
		return err
	}
	if err := v.decide(ctx); err != nil {
		return err
	}
	v.connect()
	v.beCommon(all)
	return nil
}

// decide says what everybody did, and leaves out who is of no account.
func (v *View) decide(ctx context.Context) error {
	v.takeAmounts()
	if err := v.findUnseen(ctx); err != nil {
		return err
	}
	if err := v.observeLate(ctx); err != nil {
		return err
	}
	v.shareOut()
	if err := v.decideStates(ctx); err != nil {
		return err
	}
	v.coverAccounts()
	v.lookThrough()
	return nil
}

// takeAccesses collects the candidates: what any evidence supported in the lookback. It returns who they are, by row.
func (v *View) takeAccesses(ctx context.Context) ([]who, error) {
	r := &v.held.Rows
	v.accesses = make([]access, r.Topics)
	all := make([]who, r.Topics)
	gone := leaving(ctx)
	for i := range v.accesses {
		if gone() {
			return nil, ctx.Err()
		}
		x := r.Access[i]
		v.knows.AddAccess(*x)
		far := v.farNode(x)
		all[i] = who{Access: x, FirstSeen: r.FirstSeen[i], row: int32(i), far: far, topic: v.topics[far]}
		v.accesses[i] = access{who: &all[i], inWindow: r.Seen[i] != 0}
	}
	v.classifyAll()
	var asked resolving
	for i := range v.accesses {
		if gone() {
			return nil, ctx.Err()
		}
		x := &v.accesses[i]
		known := v.knows.Of(*x.Access)
		x.node, x.namedBy = v.resolve(x.Access, &known, &asked)
		x.sharers, x.crowded = known.Sharers, known.Crowded
		x.joined = known.Joined
		x.node = v.shown(x.node)
	}
	v.joinJobs()
	v.a.resolved.keep(asked.accesses, asked.said)
	return all, nil
}

// joinJobs makes one node of a job that was told of before anybody said that it streams, and after.
func (v *View) joinJobs() {
	streams := map[lineage.Node]bool{}
	for i := range v.accesses {
		if n := v.accesses[i].node; n.Kind == lineage.StreamJobNode && v.accesses[i].Access.Client.Mover.Kind != lineage.NoKind {
			streams[n] = true
		}
	}
	for i := range v.accesses {
		if n := &v.accesses[i].node; n.Kind == lineage.JobNode {
			if s := (lineage.Node{Scope: n.Scope, Kind: lineage.StreamJobNode, Name: n.Name}); streams[s] {
				*n = s
			}
		}
	}
}

// farNode returns what an access reads or writes.
func (v *View) farNode(a *lineage.Access) lineage.Node {
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

// connect files the accesses under their nodes. Graphs are built of them when they are asked for.
func (v *View) connect() {
	if v.mixed == nil {
		v.mixed, v.joined, v.accounts = v.mixedReplicators(), v.joinedTopics(), v.onlyAccounts()
	}
	first := make([]int32, 0, 2*len(v.accesses)) // room of the lists' first
	members, nodes := false, uint32(0)
	for i := range v.accesses {
		x, i := &v.accesses[i], int32(i)
		end, far := v.endOf(x), v.farOf(x)
		for k, of := range [...]*accessesOf{end, far} {
			if of.number == 0 {
				nodes++
				of.number = nodes
			}
			x.numbers[k] = of.number
		}
		if x.Access.Op == lineage.Read {
			end.reads, far.reads = appendFirst(&first, end.reads, i), appendFirst(&first, far.reads, i)
		} else {
			end.writes, far.writes = appendFirst(&first, end.writes, i), appendFirst(&first, far.writes, i)
		}
		x.own = -1
		members = members || x.Access.Client.Member != ""
	}
	if members {
		v.ownAccesses()
	}
}

// ownAccesses finds the groups' own accesses of their members'.
func (v *View) ownAccesses() {
	owns := map[lineage.Access]int32{}
	for i := range v.accesses {
		if x := &v.accesses[i]; x.Access.Client.Group != "" && x.Access.Client == (lineage.Client{Group: x.Access.Client.Group}) {
			owns[*x.Access] = int32(i)
		}
	}
	for i := range v.accesses {
		x := &v.accesses[i]
		if x.Access.Client.Member != "" && x.Access.Client.Group != "" {
			if own, ok := owns[lineage.Access{Topic: x.Access.Topic, Op: x.Access.Op, Client: lineage.Client{Group: x.Access.Client.Group}}]; ok {
				x.own = own
			}
		}
	}
}

// endOf returns where the accesses of a node are filed.
func (v *View) endOf(x *access) *accessesOf {
	end := v.ends[x.node]
	if end == nil {
		end = &accessesOf{}
		v.ends[x.node] = end
	}
	return end
}

// farOf returns where the accesses to a topic or a dataset are filed.
func (v *View) farOf(x *access) *accessesOf {
	if x.far.Kind == lineage.TopicNode {
		if x.topic == nil {
			x.topic = v.topic(x.Access.Topic)
		}
		return &x.topic.accessesOf
	}
	d := v.datasets[x.far]
	if d == nil {
		d = &accessesOf{}
		v.datasets[x.far] = d
	}
	return d
}

// of returns the accesses of a flow, in their order: those of the end that has fewer are looked through.
func (v *View) of(f lineage.Flow) (out []int32) {
	take := func(node, far lineage.Node, side func(*accessesOf) []int32) {
		at, end := v.datasets[far], v.ends[node]
		if t := v.topics[far]; t != nil {
			at = &t.accessesOf
		}
		if at == nil || end == nil {
			return
		}
		few := side(at)
		if other := side(end); len(other) < len(few) {
			few = other
		}
		for _, i := range few {
			if x := &v.accesses[i]; x.node == node && x.far == far {
				out = append(out, i)
			}
		}
	}
	take(f.To, f.From, func(a *accessesOf) []int32 { return a.reads })
	take(f.From, f.To, func(a *accessesOf) []int32 { return a.writes })
	return out
}
