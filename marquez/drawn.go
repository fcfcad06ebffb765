package marquez

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// mostDrawn bounds what is kept of the nodes of a view, in bytes of JSON. What is beyond is written anew each time.
const mostDrawn = 32 << 20

// written is an answer that is JSON already: an object with at least one member.
type written []byte

// drawing is a node as lineage has it: JSON, but for what hangs on what else is in the answer.
type drawing struct {
	node lineage.Node
	id   string // as it is sorted by
	name name
	// quoted is the id, ref the name.
	quoted, ref []byte
	// data is all of a dataset; of a job what comes before its inputs, and tail what comes after its outputs.
	data, tail []byte
	clusters   []lineage.ClusterID // that it is of
}

// vertexTail are the members of a job in lineage that come after its outputs.
type vertexTail struct {
	workerTail
	CurrentRunUUID *string `json:"currentRunUuid"`
}

func (d *drawing) bytes() int {
	return len(d.id) + len(d.quoted) + len(d.ref) + len(d.data) + len(d.tail) + 300
}

// drawings are those of the nodes of a view that were asked for. A view never changes, nor what it says of a node; only
// until when it was seen hangs on how far the store is.
type drawings struct {
	mu    sync.Mutex // guards the fields below
	until time.Time  // how far the store was
	of    map[lineage.Node]*drawing
	bytes int
}

// drawings returns those of nodes, in their order.
func (q *question) drawings(nodes []lineage.Node) ([]*drawing, error) {
	until, err := q.view.SeenUntil(q.Context())
	if err != nil {
		return nil, err
	}
	k := &q.estate.drawings
	all, missing := k.kept(nodes, until)
	if len(missing) == 0 {
		return all, nil
	}
	rows := q.view.Rows(missing, nil)
	for i, n := range nodes {
		if all[i] != nil {
			continue
		}
		if err := q.Context().Err(); err != nil {
			return nil, err
		}
		if all[i], err = q.draw(rows, n); err != nil {
			return nil, err
		}
	}
	// It is kept as of then only if the store stood still while it was written.
	if after, err := q.view.SeenUntil(q.Context()); err == nil && after.Equal(until) {
		k.keep(all, until)
	}
	return all, nil
}

// kept returns the drawings of nodes that there are, nil for others, and which these are.
func (k *drawings) kept(nodes []lineage.Node, until time.Time) (all []*drawing, missing []lineage.Node) {
	all = make([]*drawing, len(nodes))
	k.mu.Lock()
	defer k.mu.Unlock()
	for i, n := range nodes {
		if k.until.Equal(until) {
			all[i] = k.of[n]
		}
		if all[i] == nil {
			missing = append(missing, n)
		}
	}
	return all, missing
}

func (k *drawings) keep(all []*drawing, until time.Time) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.of == nil || !k.until.Equal(until) {
		k.of, k.bytes, k.until = map[lineage.Node]*drawing{}, 0, until
	}
	for _, d := range all {
		if _, has := k.of[d.node]; !has && k.bytes+d.bytes() <= mostDrawn {
			k.of[d.node] = d
			k.bytes += d.bytes()
		}
	}
}

// draw writes one of the rows.
func (q *question) draw(rows *answer.Rows, n lineage.Node) (d *drawing, err error) {
	d = &drawing{node: n, clusters: q.view.ClustersOf(n)}
	d.id, _ = q.estate.idOf(n)
	var data, tail any
	if isDataset(n) {
		d.name = q.estate.nameOf(n)
		if data, err = q.known(rows, n); err != nil {
			return nil, err
		}
	} else {
		d.name = q.estate.jobName[n]
		head, rest, said, err := q.worker(rows, n)
		if err != nil {
			return nil, err
		}
		after := vertexTail{workerTail: rest}
		if len(said.Runs) > 0 {
			after.CurrentRunUUID = new(said.Runs[0].ID)
		}
		data, tail = head, after
	}
	for _, x := range []struct {
		to *[]byte
		is any
	}{{&d.quoted, d.id}, {&d.ref, d.name}, {&d.data, data}, {&d.tail, tail}} {
		if x.is == nil {
			continue
		}
		if *x.to, err = json.Marshal(x.is); err != nil {
			return nil, fmt.Errorf("write a node of lineage: %w", err)
		}
	}
	if tail != nil { // the one goes on in the other
		d.data, d.tail = d.data[:len(d.data)-1], d.tail[1:]
	}
	return d, nil
}

// neighbours are the other ends of a node's flows.
type neighbours struct{ in, out []*drawing }

// drawn writes a graph, by id.
func (q *question) drawn(x *around) (any, error) {
	all, err := q.drawings(x.nodes)
	if err != nil {
		return nil, err
	}
	of, order := make([]neighbours, len(all)), make([]int, len(all))
	for _, f := range x.flows {
		from, to := f[0], f[1]
		of[from].out, of[to].in = append(of[from].out, all[to]), append(of[to].in, all[from])
	}
	size := 64
	for i, d := range all {
		q.take(d.clusters)
		order[i] = i
		near := func(list []*drawing) (n int) {
			for _, o := range list {
				n += len(o.quoted) + len(o.ref) + len(d.quoted) + 32
			}
			return n
		}
		size += len(d.quoted) + len(d.data) + len(d.tail) + 100 + near(of[i].in) + near(of[i].out)
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(all[a].id, all[b].id) })
	body := append(make([]byte, 0, size), `{"graph":[`...)
	for k, i := range order {
		if k > 0 {
			body = append(body, ',')
		}
		body = all[i].append(body, &of[i])
	}
	return written(append(body, "]}"...)), nil
}

// append writes the node with what it has to do with.
func (d *drawing) append(to []byte, near *neighbours) []byte {
	to = append(append(to, `{"id":`...), d.quoted...)
	if isDataset(d.node) {
		to = append(append(to, `,"type":"DATASET","data":`...), d.data...)
	} else {
		to = append(append(to, `,"type":"JOB","data":`...), d.data...)
		to = appendNames(append(to, `,"inputs":`...), near.in)
		to = append(appendNames(append(to, `,"outputs":`...), near.out), ',')
		to = append(to, d.tail...)
	}
	byID := func(a, b *drawing) int { return cmp.Compare(a.id, b.id) }
	slices.SortFunc(near.in, byID)
	slices.SortFunc(near.out, byID)
	to = append(to, `,"inEdges":[`...)
	for i, o := range near.in {
		if i == 0 || near.in[i-1].id != o.id {
			to = appendEdge(to, i, o, d)
		}
	}
	to = append(to, `],"outEdges":[`...)
	for i, o := range near.out {
		if i == 0 || near.out[i-1].id != o.id {
			to = appendEdge(to, i, d, o)
		}
	}
	return append(to, "]}"...)
}

// appendEdge writes an edge that comes after others.
func appendEdge(to []byte, others int, from, into *drawing) []byte {
	if others > 0 {
		to = append(to, ',')
	}
	to = append(append(to, `{"origin":`...), from.quoted...)
	to = append(append(to, `,"destination":`...), into.quoted...)
	return append(to, '}')
}

// appendNames writes the names of datasets, each once.
func appendNames(to []byte, of []*drawing) []byte {
	slices.SortFunc(of, func(a, b *drawing) int { return a.name.compare(b.name) })
	to = append(to, '[')
	var last *drawing
	for _, d := range of {
		if !isDataset(d.node) || last != nil && last.name == d.name {
			continue
		}
		if last != nil {
			to = append(to, ',')
		}
		to, last = append(to, d.ref...), d
	}
	return append(to, ']')
}
