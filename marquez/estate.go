package marquez

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// name is what Marquez knows a dataset or a job by.
type name struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
}

func (n name) compare(o name) int {
	return cmp.Or(cmp.Compare(n.Namespace, o.Namespace), cmp.Compare(n.Name, o.Name))
}

// entry is a dataset or a job of a list.
type entry struct {
	name
	node   lineage.Node
	hidden bool // Kafka's own: it is found by its name, and in no list
}

// estate is what there is in a view, by Marquez's names. But for what is kept of it, it never changes.
type estate struct {
	view       *answer.View
	names      Names
	sources    map[string]string // under which names the clusters are configured that answers call as they do
	datasets   []entry           // by name
	jobs       []entry
	namespaces []string
	dataset    map[name]lineage.Node
	job        map[name]lineage.Node
	jobName    map[lineage.Node]name
	drawings   drawings
	unasked    atomic.Int32 // how many views before it, and it, were listed since somebody asked
}

// survey lists what there is. Of a topic and a dataset by one name it is the topic.
func (a *API) survey(ctx context.Context, v *answer.View) (*estate, error) {
	all, err := v.Search(ctx, answer.Search{IncludeInternal: true, OrderBy: answer.ByName})
	if err != nil {
		return nil, err
	}
	e := &estate{view: v, names: a.names, sources: map[string]string{}, dataset: map[name]lineage.Node{}, job: map[name]lineage.Node{}, jobName: map[lineage.Node]name{}}
	for _, c := range v.Clusters() {
		if n := c.Known().Name; e.sources[n] == "" {
			e.sources[n] = c.Source()
		}
	}
	rows := v.Rows(nil, nil)
	var jobs []lineage.Node
	for _, kind := range []lineage.NodeKind{lineage.TopicNode, lineage.DatasetNode} {
		for _, p := range all {
			if p.Node.Kind != kind {
				continue
			}
			n := e.nameOf(p.Node)
			if _, taken := e.dataset[n]; taken {
				continue
			}
			e.dataset[n] = p.Node
			e.datasets = append(e.datasets, entry{n, p.Node, rows.Node(p.Node).Internal()})
		}
	}
	for _, p := range all {
		if isJob(p.Node) {
			jobs = append(jobs, p.Node)
		}
	}
	called := a.names.JobNames(jobs)
	for _, j := range jobs {
		n := name{j.Scope, called[j]}
		e.job[n], e.jobName[j] = j, n
		e.jobs = append(e.jobs, entry{n, j, false})
	}
	byName := func(x, y entry) int { return x.compare(y.name) }
	slices.SortFunc(e.datasets, byName)
	slices.SortFunc(e.jobs, byName)
	for _, list := range [][]entry{e.datasets, e.jobs} {
		for _, x := range list {
			e.namespaces = append(e.namespaces, x.Namespace)
		}
	}
	slices.Sort(e.namespaces)
	e.namespaces = slices.Compact(e.namespaces)
	return e, ctx.Err()
}

// isJob reports whether a node is who moves records. Who is not named is none.
func isJob(n lineage.Node) bool {
	switch n.Kind {
	case lineage.ApplicationNode, lineage.ConnectorNode, lineage.ReplicatorNode, lineage.StreamJobNode, lineage.JobNode:
		return true
	default:
		return false
	}
}

// isDataset reports whether a node is what is read and written.
func isDataset(n lineage.Node) bool {
	return n.Kind == lineage.TopicNode || n.Kind == lineage.DatasetNode
}

// nameOf names a topic or a dataset, also one that is gone.
func (e *estate) nameOf(n lineage.Node) name {
	if n.Kind == lineage.TopicNode {
		return name{e.names.Namespace(cmp.Or(e.sources[n.Scope], n.Scope)), n.Name}
	}
	return name{n.Scope, n.Name}
}

// idOf is a node's id in Marquez; ok is false where Marquez has no such thing.
func (e *estate) idOf(n lineage.Node) (id string, ok bool) {
	if isDataset(n) {
		is := e.nameOf(n)
		return "dataset:" + is.Namespace + ":" + is.Name, true
	}
	is, ok := e.jobName[n]
	return "job:" + is.Namespace + ":" + is.Name, ok
}

// has reports whether Marquez has such a thing.
func (e *estate) has(n lineage.Node) bool {
	_, job := e.jobName[n]
	return job || isDataset(n)
}

// find returns the node of an id. Namespaces and names may hold colons: it is the one place at which it can be split so
// that there is such a thing.
func (e *estate) find(id string) (lineage.Node, error) {
	kind, rest, _ := strings.Cut(id, ":")
	of := map[string]map[name]lineage.Node{"dataset": e.dataset, "job": e.job}[kind]
	if of == nil || !strings.Contains(rest, ":") {
		return lineage.Node{}, bad("nodeId: %s is neither dataset:NAMESPACE:NAME nor job:NAMESPACE:NAME", quote(id))
	}
	var found []lineage.Node
	for n := range splits(rest) {
		if x, ok := of[n]; ok {
			found = append(found, x)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		last := rest[strings.LastIndexByte(rest, ':')+1:]
		return lineage.Node{}, missing("%s '%s' not found.", map[string]string{"dataset": "Dataset", "job": "Job"}[kind], cutShort(last))
	}
	return lineage.Node{}, bad("nodeId: %s names several: a namespace or a name holds a colon", quote(id))
}

// splits yields the namespaces and names that an id may be of.
func splits(rest string) iter.Seq[name] {
	return func(yield func(name) bool) {
		for i := range len(rest) {
			if rest[i] == ':' && !yield(name{rest[:i], rest[i+1:]}) {
				return
			}
		}
	}
}

func cutShort(s string) string {
	q := quote(s)
	return q[1 : len(q)-1]
}

// page is a part of a list.
type page struct{ limit, offset int }

// mostListed bounds a page.
const mostListed = 1000

func (q *question) page() (page, error) {
	p := page{limit: 100} // as Marquez has it
	limit, err := q.number("limit", p.limit, 1, mostListed)
	if err != nil {
		return p, err
	}
	offset, err := q.number("offset", 0, 0, 1<<31-1)
	return page{limit, offset}, err
}

func (q *question) number(key string, usual, least, most int) (int, error) {
	text := q.URL.Query().Get(key)
	if text == "" {
		return usual, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, bad("%s: %s is no number from %d to %d", key, quote(text), least, most)
	}
	return n, nil
}

// of cuts the page out of a list.
func of[T any](p page, all []T) []T {
	from := min(p.offset, len(all))
	return all[from:min(len(all), from+p.limit)]
}
