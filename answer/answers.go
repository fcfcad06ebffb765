package answer

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
	"github.com/lineaged/lineaged/usage"
)

// Options are whom to ask, and how things are called.
type Options struct {
	History History
	// Identity returns who is who by the rules of now. It may return another one at any time; answers, of the past as
	// well, are by the newest. What it returns can be compared with ==.
	Identity func() Identity
	// Declared returns what people declare now, a new one whenever that changes; nil, or one that returns nil: nothing.
	Declared func() *lineage.Declarations
	// Edits returns what people have said of nodes by editing them until now, never fewer than before; nil, or one that
	// returns nil: nothing. A window has those that were made by its end.
	Edits    func() *lineage.Edits
	Clusters []ClusterConfig // the configured ones, in the order to show them
	Connects []ConnectConfig
	// Ledger returns what was said of usage before; nil, or one that returns nil: there is none.
	Ledger func() Ledger
	// Rounds tell those who watch that there are more; nil: they look for themselves.
	Rounds store.Watcher
	// Tariff is who pays for what is used, and how much.
	Tariff usage.Tariff
	// Now is the clock by which rounds are dated; nil: the machine's.
	Now func() time.Time
}

// Answers answers questions from the history, and keeps the windows ready that were asked for. Its methods may be
// called concurrently.
type Answers struct {
	history  History
	rounds   store.Watcher // nil: nobody tells
	identity func() Identity
	declared func() *lineage.Declarations
	edits    func() *lineage.Edits
	config   []ClusterConfig
	connects []ConnectConfig
	ledger   func() Ledger
	clock    func() time.Time

	tariff    usage.Tariff
	views     viewCache
	days      billDays
	versions  versions
	watching  watching
	polled    polled
	resolved  resolutions
	described rulings[description]
	says      rulings[map[lineage.Slot]lineage.Ruled]
	rolls     rolls
	common    atomic.Pointer[common] // of the view that was named last
	estate    atomic.Int64           // see Estate
}

// New returns who answers. It starts nothing that has to be stopped.
func New(o Options) *Answers {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Declared == nil {
		o.Declared = func() *lineage.Declarations { return nil }
	}
	if o.Tariff.Rules == (usage.Rules{}) {
		o.Tariff.Rules = usage.Usual
	}
	if o.Edits == nil {
		o.Edits = func() *lineage.Edits { return nil }
	}
	if o.Ledger == nil {
		o.Ledger = func() Ledger { return nil }
	}
	return &Answers{
		history: o.History, rounds: o.Rounds, identity: o.Identity, declared: o.Declared, edits: o.Edits, config: o.Clusters, connects: o.Connects, ledger: o.Ledger, clock: o.Now,
		tariff: o.Tariff, days: billDays{most: mostDays, mostSums: mostSums}, rolls: rolls{most: mostNumbers}, views: viewCache{most: mostBytes, builds: make(chan struct{}, buildsAtOnce())},
	}
}

// View returns what the history says of a time, as far as the lens shows it. Those who ask for one window at once share
// one build, which ends when all of them have left.
func (a *Answers) View(ctx context.Context, in Span, lens Lens) (*View, error) {
	r := togetherOf(ctx)
	now, err := a.history.State(ctx)
	if err != nil {
		return nil, fmt.Errorf("read how far the store is: %w", err)
	}
	win, err := resolve(in, now, a.clock, r)
	if err != nil {
		return nil, err
	}
	a.polled.note(in, lens, win)
	return a.viewOf(ctx, win, lens, now, r)
}

// viewOf returns what the history says of a window.
func (a *Answers) viewOf(ctx context.Context, win lineage.Resolved, lens Lens, now store.State, r *together) (*View, error) {
	key := viewKey{win, lens}
	d := a.dependsOn(win, now)
	place := r.place(key, func() *cachedView { return a.views.at(key, d, now.Clusters) })
	return place.get(ctx, func(ctx context.Context) (*View, error) {
		return a.views.build(ctx, func(ctx context.Context) (*View, error) {
			v, err := a.buildView(ctx, now, key, place.depends)
			if err == nil {
				a.estate.Store(int64(len(v.accesses) + len(v.topics)))
			}
			return v, err
		})
	})
}

// dependsOn returns what the answers of a window are made of now.
func (a *Answers) dependsOn(win lineage.Resolved, now store.State) depends {
	d := depends{version: now.VersionOf(viewAsk(win.Window, win.End)), until: win.End, identity: a.identity(), declared: a.declared(), edits: a.edits().Until(win.End)}
	if newest := newestTick(now, a.clock()); newest.Before(win.End) {
		d.until = newest
	}
	return d
}

// Estate returns how many topics and accesses the view has that was built last, which is what building another one
// costs; 0: none was built yet.
func (a *Answers) Estate() int { return int(a.estate.Load()) }

// Latest returns the newest round of each source's cluster.
func (a *Answers) Latest(ctx context.Context) (map[string]time.Time, error) {
	now, err := a.history.State(ctx)
	if err != nil {
		return nil, fmt.Errorf("read how far the store is: %w", err)
	}
	out := map[string]time.Time{}
	for _, c := range now.Clusters {
		if !c.Round.IsZero() {
			out[c.Source] = c.Round
		}
	}
	return out, nil
}

// Rows are the nodes and flows of one answer. What one of them needs of the history is loaded for all of them in one
// call, when the first asks: so the number of calls does not grow with the number of rows.
type Rows struct {
	v     *View
	known map[lineage.Node]bool
	order []lineage.Node // of known: by when they were added, so that batches are the same each time
	flows []lineage.Flow

	evidence once[map[lineage.Flow][]Evidence]
	lastSeen once[map[lineage.Node]spanSeen]
	clients  once[map[int32]spanSeen]  // by access
	moves    once[map[int32]time.Time] // by access
	states   once[map[lineage.Flow]State]
	goes     once[map[lineage.Node][]StateCount]

	mu     sync.Mutex
	series map[seriesKey]*once[seriesOf] // guarded by mu
}

// Rows makes the rows of an answer. The ends of flows, the topics of unidentified writers and the inner topics of
// stream jobs are rows too: an answer can ask for them.
func (v *View) Rows(nodes []lineage.Node, flows []lineage.Flow) *Rows {
	r := &Rows{v: v, known: make(map[lineage.Node]bool, len(nodes)), flows: flows, series: map[seriesKey]*once[seriesOf]{}}
	for _, n := range nodes {
		r.add(n)
	}
	for _, f := range flows {
		r.add(f.From)
		r.add(f.To)
	}
	return r
}

func (r *Rows) add(n lineage.Node) {
	if r.known[n] {
		return
	}
	r.known[n] = true
	switch n.Kind {
	case lineage.UnidentifiedNode:
		r.add(TopicOf(n))
	case lineage.StreamJobNode:
		for _, t := range r.v.InnerTopics(n) {
			r.add(t)
		}
	default:
	}
	r.order = append(r.order, n)
}

// View returns the view that the rows are of.
func (r *Rows) View() *View { return r.v }

// Nodes returns the nodes among the rows. The slice is shared: it must not be changed.
func (r *Rows) Nodes() []lineage.Node { return slices.Clip(r.order) }

// Node returns one of the rows.
func (r *Rows) Node(n lineage.Node) Node { return Node{rows: r, node: n} }

// Flow returns one of the rows.
func (r *Rows) Flow(f lineage.Flow) Flow { return Flow{rows: r, flow: f} }

// TopicOf returns the topic of an UNIDENTIFIED node.
func TopicOf(n lineage.Node) lineage.Node {
	return lineage.Node{Scope: n.Scope, Kind: lineage.TopicNode, Name: n.Name}
}
