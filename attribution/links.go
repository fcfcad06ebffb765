package attribution

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/lineaged/lineaged/lineage"
)

// identity is one name that a client bears. A mover's scope is not part of it, nor is a replicator's target: what tells
// that a transactional.id is a connector's does not tell of which Connect cluster, and a replicator's tells its source.
type identity struct {
	class class
	kind  lineage.NodeKind // of a mover
	name  string
}

// class is a kind of identity, the finer before the coarser: many producer ids are one transactional.id's, many
// transactional.ids one start of a client's, many starts one client.id's or one connector's.
type class uint8

const (
	byProducer class = iota
	byTransaction
	byInstance
	byClient
	byGroup
	byMover
)

// identities returns the names that a client bears, the finest first. A client.id that several places bear, as one that
// a library made up, is one in each.
func (w *writers) identities(c lineage.Client) (out []identity) {
	if id, ok := c.Producer.Value(); ok {
		out = append(out, identity{class: byProducer, name: strconv.FormatInt(id, 10)})
	}
	id := c.ClientID
	if w.common[id] && c.Principal+c.Host != "" {
		id += "\x00" + c.Principal + "\x00" + c.Host
	}
	for i, name := range [...]string{c.TransactionalID, c.Instance, id, c.Group} {
		if name != "" {
			out = append(out, identity{class: byTransaction + class(i), name: name})
		}
	}
	if c.Mover.Kind != lineage.NoKind {
		name := c.Mover.Name
		if c.Mover.Kind == lineage.ReplicatorNode {
			name, _, _ = strings.Cut(name, "->")
		}
		out = append(out, identity{byMover, c.Mover.Kind, name})
	}
	return out
}

// link says that the finer of two identities is a part of the coarser.
type link struct {
	fine, coarse identity
	evidence     lineage.EvidenceKind
	at           int64 // since when it stands
}

// writers are the topic's writers: which identities are one, and how each is counted.
type writers struct {
	parent map[identity]identity // of those that are not their own root
	best   map[identity]int      // by root: the best rank of those that count it
	paired map[identity]int      // by root: the best of those whose source paired its readings with the ends
	claims []*lineage.Told
	counts []*lineage.Told        // of producer ids, by brokers
	named  map[identity]bool      // roots of those that bear a name
	users  map[identity][]string  // the principals that roots were seen under
	from   map[place]bool         // where those that bear ids come from
	common map[string]bool        // client.ids that several places bear
	taken  map[*lineage.Told]bool // claims of who bears no id, and is counted otherwise
}

// readWriters joins identities by the links that stand. A finer identity is a part of one coarser of each class: of two
// links that say otherwise the better evidence's stands, then the newer.
func readWriters(told []*lineage.Told) writers {
	var w writers
	if len(told) == 0 {
		return w
	}
	w.parent, w.best, w.paired = map[identity]identity{}, map[identity]int{}, map[identity]int{}
	w.named, w.from, w.taken, w.users = map[identity]bool{}, map[place]bool{}, map[*lineage.Told]bool{}, map[identity][]string{}
	w.common = commonIDs(told)
	var links []link
	for _, t := range told {
		ids := w.identities(t.Access.Client)
		l := link{evidence: t.Evidence}
		if t.Metric == lineage.Linked {
			level, at := newest(t)
			if level != 1 {
				continue
			}
			l.at = at
		}
		for i := 1; i < len(ids); i++ { // a client that bears several was seen to
			l.fine, l.coarse = ids[0], ids[i]
			links = append(links, l)
		}
	}
	slices.SortFunc(links, func(a, b link) int {
		return cmp.Or(
			cmp.Compare(a.evidence.LinkRank(), b.evidence.LinkRank()), cmp.Compare(b.at, a.at), compareIdentities(a.fine, b.fine),
			compareIdentities(a.coarse, b.coarse),
		)
	})
	type part struct {
		fine   identity
		coarse class
	}
	taken := map[part]bool{}
	for _, l := range links {
		if p := (part{l.fine, l.coarse.class}); !taken[p] {
			taken[p] = true
			w.join(l.fine, l.coarse)
		}
	}
	for _, t := range told {
		c := t.Access.Client
		if root, ok := w.root(c); ok {
			w.named[root] = w.named[root] || c.ClientID != "" || c.Instance != "" || c.Mover.Kind != lineage.NoKind
			if c.Principal != "" {
				w.from[place{c.Principal, c.Host}] = true
				w.users[root] = append(w.users[root], c.Principal)
			}
		}
		if t.Metric == lineage.Linked {
			continue
		}
		if c.Producer != 0 && t.Metric == lineage.Records && t.Evidence == lineage.ProducerState {
			w.counts = append(w.counts, t)
		}
		if root, ok := w.root(t.Access.Client); ok && rank(t.Evidence) < len(Order) {
			better(w.best, root, rank(t.Evidence))
			if t.Metric == lineage.Records {
				better(w.paired, root, rank(t.Evidence))
			}
		}
		if t.Metric == lineage.Claimed {
			w.claims = append(w.claims, t)
		}
	}
	return w
}

// better takes a rank where it is the best so far.
func better(ranks map[identity]int, root identity, r int) {
	if was, known := ranks[root]; !known || r < was {
		ranks[root] = r
	}
}

// commonIDs returns the client.ids that clients of different principals or hosts bear.
func commonIDs(told []*lineage.Told) map[string]bool {
	var common map[string]bool
	from := map[string]place{} // of each the first principal and the first host that are seen
	for _, t := range told {
		c := &t.Access.Client
		if c.ClientID == "" || c.Principal+c.Host == "" {
			continue
		}
		was := from[c.ClientID]
		if c.Principal != "" && was.principal != "" && c.Principal != was.principal || c.Host != "" && was.host != "" && c.Host != was.host {
			if common == nil {
				common = map[string]bool{}
			}
			common[c.ClientID] = true
		}
		from[c.ClientID] = place{cmp.Or(was.principal, c.Principal), cmp.Or(was.host, c.Host)}
	}
	return common
}

// newest returns a level as it is now, and since when.
func newest(t *lineage.Told) (level, at int64) {
	level = t.Level
	for _, r := range t.Readings {
		if r.To > at {
			level, at = r.Value, r.To
		}
	}
	return level, at
}

func (w *writers) join(a, b identity) {
	a, b = w.find(a), w.find(b)
	switch c := compareIdentities(a, b); {
	case c < 0:
		w.parent[a] = b
	case c > 0:
		w.parent[b] = a
	}
}

func (w *writers) find(x identity) identity {
	for {
		up, ok := w.parent[x]
		if !ok {
			return x
		}
		x = up
	}
}

// root returns the identity that a client's writer goes by; ok is false for one that bears none.
func (w *writers) root(c lineage.Client) (root identity, ok bool) {
	ids := w.identities(c)
	if len(ids) == 0 {
		return root, false
	}
	return w.find(ids[0]), true
}

// isCounted reports whether something counts a writer.
func (w *writers) isCounted(root identity) bool {
	r, known := w.best[root]
	return known && r < rank(lineage.Telemetry)
}

// counted reports whether something counts a client's records, under whatever name.
func (w *writers) counted(c lineage.Client) bool {
	root, ok := w.root(c)
	if !ok {
		return false
	}
	_, counted := w.best[root]
	return counted
}

func compareIdentities(a, b identity) int {
	return cmp.Or(cmp.Compare(a.class, b.class), cmp.Compare(a.kind, b.kind), cmp.Compare(a.name, b.name))
}
