package connect

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/copybook"
	"github.com/lineaged/lineaged/lineage"
)

// Positions are the books of replications, so that a restart goes on counting, the names of the connectors, so that one which was deleted meanwhile is said to be gone, and who writes what, so that a restart while Connect can't
// be asked leaves all other topics alone.
//
// Keys: "round", the newest round in RFC 3339; "connector/NAME", the id of the replicator whose fact it tells, or one byte, 1; "book/SCOPE/REPLICATOR/CLUSTER/TOPIC" with each part escaped as in a URL's path, see package copybook;
// "writers", a line CLUSTER[/TOPIC/KIND/SCOPE/NAME] for each cluster and each writer without a count of its own, escaped the same way.
const (
	roundKey   = "round"
	writersKey = "writers"
)

// noReplicator is the value of a connector that tells no replicator.
const noReplicator = "\x01"

func connectorKey(name string) string { return "connector/" + name }

func (t *take) savePositions() {
	o := t.details
	put := func(key string, value []byte) {
		o.Positions = append(o.Positions, lineage.Position{Key: key, Value: value})
	}
	for _, key := range t.telling.Unreadable(o, len(t.all)+len(t.books)) {
		put(key, nil)
	}
	put(roundKey, []byte(t.round.Format(time.RFC3339)))
	for name := range t.all {
		if tells := t.known[name].tells; t.stored[name] != tells {
			put(connectorKey(name), []byte(tells))
			t.stored[name] = tells
		}
	}
	for name := range t.stored {
		if _, is := t.all[name]; !is {
			put(connectorKey(name), nil)
			delete(t.stored, name)
		}
	}
	if writers := encodeWriters(t.last); writers != t.writersStored {
		put(writersKey, []byte(writers))
		t.writersStored = writers
	}
	for _, key := range t.closed {
		put(key, nil)
	}
	o.Positions = append(o.Positions, t.rhythm.Positions()...)
	for key, b := range t.books {
		if b.Dirty {
			put(key, b.Encode())
			b.Dirty = false
		}
	}
}

// Restore implements collector.Source.
func (s *source) Restore(ctx context.Context, sink collector.Sink) error {
	s.forget()
	s.tell.Restore()
	positions, err := sink.Positions(ctx, s.id(sourceOffsets))
	if err != nil {
		return fmt.Errorf("read positions of Connect %q: %w", s.cfg.Name, err)
	}
	if len(positions) == 0 {
		return nil
	}
	round, err := time.Parse(time.RFC3339, string(positions[roundKey]))
	if err != nil { // without it nobody knows of when the rest is
		for key := range positions {
			s.tell.Leave(key, err)
		}
		return nil
	}
	if value, ok := positions[writersKey]; ok {
		if s.last, err = decodeWriters(string(value)); err != nil { // they are told again soon
			s.tell.Leave(writersKey, err)
		} else {
			s.writersStored = string(value)
		}
	}
	s.rhythm.Restore(positions, round, s.tell.Leave)
	for key, value := range positions {
		if name, ok := strings.CutPrefix(key, "connector/"); ok {
			s.stored[name] = string(value)
			continue
		}
		if !strings.HasPrefix(key, "book/") {
			continue
		}
		access, err := parseBookKey(key)
		if err == nil {
			b := copybook.New(access, lineage.Connect)
			if err = b.Decode(value, round); err == nil {
				s.books[key] = b
				continue
			}
		}
		s.tell.Leave(key, err)
	}
	return nil
}

func bookKey(a lineage.Access) string {
	m := a.Client.Mover
	parts := []string{m.Scope, m.Name, string(a.Topic.Cluster), a.Topic.Name}
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return "book/" + strings.Join(parts, "/")
}

func parseBookKey(key string) (a lineage.Access, err error) {
	parts := strings.Split(key, "/")
	if len(parts) != 5 {
		return a, fmt.Errorf("%d parts and not 5", len(parts))
	}
	for i := range parts {
		if parts[i], err = url.PathUnescape(parts[i]); err != nil {
			return a, err
		}
	}
	a.Client.Mover = lineage.Node{Scope: parts[1], Kind: lineage.ReplicatorNode, Name: parts[2]}
	a.Topic, a.Op = lineage.Topic{Cluster: lineage.ClusterID(parts[3]), Name: parts[4]}, lineage.Read
	return a, nil
}

func encodeWriters(all collector.UncountedWriters) string {
	var lines []string
	for cluster, topics := range all {
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

func decodeWriters(value string) (collector.UncountedWriters, error) {
	out := collector.UncountedWriters{}
	if value == "" {
		return out, nil
	}
	for line := range strings.SplitSeq(value, "\n") {
		parts := strings.Split(line, "/")
		for i := range parts {
			var err error
			if parts[i], err = url.PathUnescape(parts[i]); err != nil {
				return nil, err
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
			return nil, fmt.Errorf("%d parts and not 5", len(parts))
		}
		kind, err := strconv.Atoi(parts[2])
		if err != nil {
			return nil, err
		}
		out.Add(cluster, parts[1], lineage.Node{Kind: lineage.NodeKind(kind), Scope: parts[3], Name: parts[4]})
	}
	return out, nil
}
