package collector

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/lineaged/lineaged/lineage"
)

// Runs tells which movers are seen to run that write topics and leave no count of their own (lineage.Runs): what nobody
// else wrote can be theirs. It tells what changes, and all that is after a start. The zero value has told nothing.
type Runs struct {
	told map[lineage.Access]int64
}

// Levels are what Runs is to be, by access. What is not in it does not run.
type Levels map[lineage.Access]int64

// Add adds movers at a level: 1, or lineage.Unknown for those of which it could not be seen. teller is a mover without
// a name, which stands for whatever else there may be: where it is at 0 there is nothing else.
func (l Levels) Add(teller lineage.Node, writers UncountedWriters, level int64) {
	for cluster, topics := range writers {
		l.Any(teller, cluster, 0)
		for topic, movers := range topics {
			for _, m := range movers {
				l[runs(cluster, topic, m)] = level
			}
		}
	}
}

// Any says what is known of writers that were never seen, which may write any topic of a cluster, or of any cluster.
func (l Levels) Any(teller lineage.Node, cluster lineage.ClusterID, level int64) {
	l[runs(cluster, AnyTopic, teller)] = level
}

func runs(cluster lineage.ClusterID, topic string, mover lineage.Node) lineage.Access {
	return lineage.Access{Topic: lineage.Topic{Cluster: cluster, Name: topic}, Op: lineage.Write, Client: lineage.Client{Mover: mover}}
}

// Tell adds what changed to an observation.
func (r *Runs) Tell(o *lineage.Observation, now Levels) {
	tell := func(a lineage.Access, level int64) {
		o.Samples = append(o.Samples, lineage.Sample{Subject: a, Metric: lineage.Runs, Value: level})
	}
	for a := range r.told {
		if _, is := now[a]; !is {
			tell(a, 0)
			delete(r.told, a)
		}
	}
	if r.told == nil {
		r.told = map[lineage.Access]int64{}
	}
	for a, level := range now {
		if was, told := r.told[a]; !told || was != level {
			tell(a, level)
			r.told[a] = level
		}
	}
}

// Writers are those that were told to run, or that may.
func (r *Runs) Writers() UncountedWriters {
	w := UncountedWriters{}
	for a, level := range r.told {
		if level != 0 && a.Client.Mover.Name != "" {
			w.Add(a.Topic.Cluster, a.Topic.Name, a.Client.Mover)
		}
	}
	return w
}

// Forget brings it to the state of a first start.
func (r *Runs) Forget() { r.told = nil }

// Restore makes it go on from what was told to run.
func (r *Runs) Restore(writers UncountedWriters) {
	l := Levels{}
	l.Add(lineage.Node{}, writers, 1)
	for a, level := range l {
		if level == 0 {
			delete(l, a) // a teller is told again
		}
	}
	r.told = l
}

// Encode makes a position of the writers: a line CLUSTER[/TOPIC/KIND/SCOPE/NAME] for each cluster and each writer, with
// each part escaped as in a URL's path.
func (w UncountedWriters) Encode() string {
	var lines []string
	for cluster, topics := range w {
		lines = append(lines, url.PathEscape(string(cluster)))
		for topic, movers := range topics {
			for _, n := range movers {
				parts := []string{string(cluster), topic, strconv.Itoa(int(n.Kind)), n.Scope, n.Name}
				for i := range parts {
					parts[i] = url.PathEscape(parts[i])
				}
				lines = append(lines, strings.Join(parts, "/"))
			}
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// DecodeWriters reads what Encode made.
func DecodeWriters(value string) (UncountedWriters, error) {
	out := UncountedWriters{}
	if value == "" {
		return out, nil
	}
	for line := range strings.SplitSeq(value, "\n") {
		parts := strings.Split(line, "/")
		for i := range parts {
			var err error
			if parts[i], err = url.PathUnescape(parts[i]); err != nil {
				return nil, fmt.Errorf("read writers: %w", err)
			}
		}
		cluster := lineage.ClusterID(parts[0])
		if out[cluster] == nil {
			out[cluster] = map[string][]lineage.Node{}
		}
		if len(parts) == 1 {
			continue
		}
		if len(parts) != 5 {
			return nil, fmt.Errorf("read writers: %d parts and not 5", len(parts))
		}
		kind, err := strconv.Atoi(parts[2])
		if err != nil {
			return nil, fmt.Errorf("read writers: %w", err)
		}
		out.Add(cluster, parts[1], lineage.Node{Kind: lineage.NodeKind(kind), Scope: parts[3], Name: parts[4]})
	}
	return out, nil
}
