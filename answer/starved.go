package answer

import (
	"github.com/lineaged/lineaged/lineage"
)

const (
	// mostStarved bounds the walk of one finding. Who reads more than a few names reads the lineage.
	mostStarved = 1000
	// nearestStarved is how many are told by name.
	nearestStarved = 5
	// mostWalked bounds the readers and writers that all walks look at together, at about a second's work, as far as
	// each may look at leastWalked. So where a whole estate rests less is counted for each flow of it.
	mostWalked  = 10_000_000
	leastWalked = 200
)

// stepsOfWalk returns how many readers and writers one of so many walks looks at.
func stepsOfWalk(walks int) int { return max(leastWalked, mostWalked/max(1, walks)) }

// Starved is whom a finding leaves without: programs and datasets downstream.
type Starved struct {
	Count   int
	AtLeast bool           // there may be more
	Nearest []lineage.Node // the nearest first
}

// some reports whether it leaves anybody without, as far as is known: who was not looked at may be one.
func (s *Starved) some() bool { return s.Count > 0 || s.AtLeast }

// anyLane is where it is not known, or does not matter, by which of its lanes a program is met.
const anyLane = "*"

// walkKey is where a walk begins: at a program's lane, or at a topic.
type walkKey struct {
	node lineage.Node
	lane string
	by   lineage.Node // in place of a lane: by all lanes of what it reads there
	late bool         // whatever moves is gone through too
}

// starvedBy returns who downstream of a flow gets nothing more by it, as far as is seen; late: who gets it later.
func (f *finder) starvedBy(is lineage.Flow, late bool) *Starved {
	program, store := ends(is)
	if is.To == store {
		return f.walk(walkKey{node: store, late: late})
	}
	return f.walk(walkKey{node: program, by: store, late: late})
}

// walk goes from topics to who reads them, and from programs to what they write, as long as nothing is seen to come in
// there.
func (f *finder) walk(from walkKey) *Starved {
	if s := f.walks[from]; s != nil {
		return s
	}
	w := walking{finder: f, late: from.late, out: &Starved{}, root: from.node, counted: map[lineage.Node]bool{}, met: map[walkKey]bool{}}
	w.meet(from)
	for len(w.queue) > 0 && !w.out.AtLeast && !w.goneOn {
		next := w.queue[0]
		w.queue = w.queue[1:]
		if holds(next.node) {
			w.readers(next.node)
		} else {
			w.written(next)
		}
	}
	f.walks[from] = w.out
	return w.out
}

// walking is one walk, the nearest first.
type walking struct {
	*finder
	late    bool
	out     *Starved
	root    lineage.Node
	counted map[lineage.Node]bool
	met     map[walkKey]bool
	queue   []walkKey
	looked  int  // at readers and writers
	goneOn  bool // who asked has left
}

// look takes in that a reader or writer is looked at; false: no more are.
func (w *walking) look() bool {
	if w.looked++; w.looked > w.steps {
		w.out.AtLeast = true
	}
	w.goneOn = w.goneOn || w.left()
	return !w.out.AtLeast && !w.goneOn
}

// meet goes on from a node, unless it is fed all the same.
func (w *walking) meet(k walkKey) {
	if w.met[k] || holds(k.node) && !w.late && w.isFed(k.node) {
		return
	}
	w.met[k] = true
	w.queue = append(w.queue, k)
	if n := k.node; n != w.root && n.Kind != lineage.TopicNode && !w.counted[n] {
		if w.out.Count == mostStarved {
			w.out.AtLeast = true
			return
		}
		w.counted[n] = true
		if w.out.Count++; len(w.out.Nearest) < nearestStarved {
			w.out.Nearest = append(w.out.Nearest, n)
		}
	}
}

// readers meets who reads a topic or a dataset.
func (w *walking) readers(n lineage.Node) {
	for _, i := range w.v.accessesOf(n) {
		if !w.look() {
			return
		}
		x := &w.v.accesses[i]
		if x.Access.Op != lineage.Read || w.v.onlyLetIn(x) || w.isDead(x) {
			continue
		}
		for _, lane := range w.v.lanes(x) {
			w.meet(walkKey{node: x.node, lane: lane, late: w.late})
		}
	}
}

// written meets what a program writes of what it reads by a lane, and that does not move all the same.
func (w *walking) written(from walkKey) {
	lanes := map[string]bool{from.lane: true}
	if from.by.Kind != lineage.NoKind {
		clear(lanes)
		for _, i := range w.v.of(lineage.Flow{From: from.by, To: from.node}) {
			for _, lane := range w.v.lanes(&w.v.accesses[i]) {
				lanes[lane] = true
			}
		}
	}
	for _, i := range w.v.accessesOf(from.node) {
		if !w.look() {
			return
		}
		x := &w.v.accesses[i]
		if x.Access.Op == lineage.Read || x.internal() || w.v.onlyLetIn(x) || !w.late && moves(w.states[x.flow()]) {
			continue
		}
		for _, lane := range w.v.lanes(x) {
			if lanes[lane] || from.lane == anyLane {
				w.meet(walkKey{node: x.far, late: w.late})
			}
		}
	}
}

// isDead reports whether nobody is there for a reader: who is not there is not starved.
func (f *finder) isDead(x *access) bool {
	live := f.ls.of(x.row, lineage.Live)
	return live != nil && *live == 0 || f.v.movers.gone(x.node) ||
		x.Access.Client.Group != "" && f.v.groups[lineage.GroupRef{Cluster: x.Access.Topic.Cluster, Group: x.Access.Client.Group}].Gone
}

// isFed reports whether somebody is seen to write to a topic or a dataset at the window's end, or rests no longer than
// it may pause.
func (f *finder) isFed(n lineage.Node) bool {
	if f.fed == nil {
		f.fed = map[lineage.Node]bool{}
		for is, s := range f.states {
			if (moves(s) || s.Is == Paused) && holds(is.To) {
				f.fed[is.To] = true
			}
		}
	}
	return f.fed[n]
}

// moves reports whether a flow is known to move.
func moves(s State) bool { return s.Is == Moving || s.Is == CatchingUp || s.Is == FallingBehind }
