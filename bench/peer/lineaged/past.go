package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/lineaged/lineaged/bench/work"
	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
	"github.com/lineaged/lineaged/timeseries"
)

// accessOfEdge is an edge as lineaged sees one: a client that reads a topic, and feeds what it is a part of.
func accessOfEdge(edge int, e work.Edge) lineage.Access {
	return lineage.Access{
		Topic: lineage.Topic{Cluster: "west", ID: lineage.TopicID{2, byte(e.From >> 16), byte(e.From >> 8), byte(e.From)}, Name: nodeName + strconv.Itoa(int(e.From))},
		Op:    lineage.Read, Client: lineage.Client{Group: nodeName + strconv.Itoa(int(e.To)), ClientID: "client-" + strconv.Itoa(edge)},
	}
}

// past writes days into a store, as they went by, and asks what was downstream in minutes of them that nobody asked for
// before: a window of the store, its graph, a complete closure.
func past(t work.Task, r *work.Report) error {
	p := work.NewPast(t.Edges, t.Days, t.Now)
	s, err := open(t)
	if err != nil {
		return err
	}
	if err := live(s, p); err != nil {
		return err
	}
	ask := minutes{s: s, roll: graph.NewRoll(), ends: map[*lineage.Access]ends{}}
	for n := range 5 {
		at, round := p.Minute(n)
		c, err := ask.closure(at)
		if err != nil {
			return err
		}
		got, err := reached(c)
		if err != nil {
			return err
		}
		r.Check(fmt.Sprint("minute ", n), got, p.ReachedAt(round))
	}
	r.CPU("minute cpu-ns", work.Cost(func(n int) {
		at, _ := p.Minute(5 + n)
		if _, e := ask.closure(at); e != nil {
			err = e
		}
	}))
	if err != nil {
		return err
	}
	return s.Close()
}

// live appends all rounds, and has the store maintained each six hours, since nobody asks it meanwhile.
func live(s *timeseries.Disk, p *work.Past) error {
	ctx := context.Background()
	all := make([]lineage.Sample, len(p.List))
	for i, e := range p.List {
		all[i] = lineage.Sample{Subject: accessOfEdge(i, e), Metric: lineage.Records, Evidence: lineage.GroupOffsets}
	}
	for k := range p.Rounds() + 1 {
		o := lineage.Observation{Source: lineage.Source{Cluster: "west", Name: "groups"}, Round: p.At(k), Interval: work.Round, At: p.At(k).Add(41 * time.Millisecond)}
		if k == 0 {
			o.Samples = all
		} else {
			for _, e := range p.Moved(k) {
				all[e].Value += 1 + int64(e%7)
				o.Samples = append(o.Samples, all[e])
			}
		}
		if err := s.Append(ctx, o); err != nil {
			return err
		}
		if k%36 == 0 {
			if err := s.Maintain(ctx, p.At(k)); err != nil {
				return err
			}
		}
	}
	return nil
}

// ends are the numbers of the nodes between which an access moves records.
type ends struct{ from, to uint32 }

// minutes asks for graphs of minutes. Who is at the ends of an access is known for all of them, and so are the numbers.
type minutes struct {
	s    store.Reader
	roll *graph.Roll
	ends map[*lineage.Access]ends
	rows []graph.Numbered
}

// closure is all that was downstream of the root in the minute that ended at an instant.
func (m *minutes) closure(end time.Time) (*graph.Closure, error) {
	w := lineage.Window{Start: end.Add(-time.Minute), End: end}
	x, err := m.s.Window(context.Background(), store.Ask{Window: w, Accesses: true, Uncounted: true})
	if err != nil {
		return nil, err
	}
	m.rows = m.rows[:0]
	for i, a := range x.Rows.Access[:x.Rows.Topics] {
		if !x.Rows.Moved[i] {
			continue
		}
		e, ok := m.ends[a]
		if !ok {
			e = ends{m.roll.Number(node(a.Topic.Name), ""), m.roll.Number(node(a.Client.Group), "")}
			m.ends[a] = e
		}
		m.rows = append(m.rows, graph.Numbered{From: e.from, To: e.to, ID: graph.AccessID(i), State: graph.Active})
	}
	return m.roll.Build(w, m.rows).Closure([]lineage.Node{node(nodeName + strconv.Itoa(work.Root))}, graph.Downstream), nil
}

func node(name string) lineage.Node {
	return lineage.Node{Scope: "west", Kind: lineage.ApplicationNode, Name: name}
}

// reached is the answer of a closure.
func reached(c *graph.Closure) (string, error) {
	var sum uint64
	for n := range c.Nodes() {
		i, err := strconv.Atoi(strings.TrimPrefix(n.Name, nodeName))
		if err != nil {
			return "", fmt.Errorf("a node that nobody gave: %w", err)
		}
		sum += uint64(i)
	}
	return work.Reached(uint64(c.Len()), sum), nil
}
