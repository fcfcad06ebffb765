package connect

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/copybook"
	"github.com/lineaged/lineaged/lineage"
)

// Positions are the books of replications, so that a restart goes on counting, the names of the connectors, so that one
// which was deleted meanwhile is said to be gone, and who writes what, so that a restart while Connect can't be asked
// leaves all other topics alone.
//
// Keys: "round", the newest round in RFC 3339; "connector/NAME", the id of the replicator whose fact it tells, or one
// byte, 1; "told/NAME", as which jobs a connector tells of itself; "book/SCOPE/REPLICATOR/CLUSTER/TOPIC" with each part
// escaped as in a URL's path, see package copybook; "writers", the writers without a count of their own, see
// collector.UncountedWriters.
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
	if writers := t.last.Encode(); writers != t.writersStored {
		put(writersKey, []byte(writers))
		t.writersStored = writers
	}
	t.saveSelves(put)
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
		if s.last, err = collector.DecodeWriters(string(value)); err != nil { // they are told again soon
			s.tell.Leave(writersKey, err)
		} else {
			s.writersStored = string(value)
			s.runs.Restore(s.last)
		}
	}
	s.rhythm.Restore(positions, round, s.tell.Leave)
	for key, value := range positions {
		if name, ok := strings.CutPrefix(key, "connector/"); ok {
			s.stored[name] = string(value)
			continue
		}
		if name, ok := strings.CutPrefix(key, selfPrefix); ok {
			if err := s.restoreSelf(name, value); err != nil {
				s.tell.Leave(key, err)
			}
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
	s.tellRestored()
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
