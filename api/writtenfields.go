package api

import (
	"context"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/lineaged/lineaged/lineage"
)

// This file has the fields that writer writes. Each entry answers what the method of its name does; a field that is not
// here is answered by the executor, more slowly.

// flowFields are those of flows that have no fields of their own.
var flowFields = map[string]field[*Flow]{
	"id":                always((*Flow).ID, appendString),
	"kind":              always((*Flow).Kind, appendFlowKind),
	"active":            maybe((*Flow).Active, strconv.AppendBool),
	"records":           maybe((*Flow).Records, appendInt64),
	"bytes":             loaded((*Flow).Bytes, appendInt64),
	"estimated":         always((*Flow).Estimated, strconv.AppendBool),
	"recordsPerSecond":  number(func(f *Flow, _ context.Context) (*float64, error) { return f.RecordsPerSecond(), nil }),
	"bytesPerSecond":    number((*Flow).BytesPerSecond),
	"skipped":           maybe((*Flow).Skipped, appendInt64),
	"lost":              maybe((*Flow).Lost, appendInt64),
	"live":              loaded((*Flow).Live, strconv.AppendBool),
	"lastMoved":         loaded((*Flow).LastMoved, appendTime),
	"lag":               loaded((*Flow).Lag, appendInt64),
	"lagSeconds":        number((*Flow).LagSeconds),
	"lagAtLeastSeconds": number((*Flow).LagAtLeastSeconds),
	"firstSeen":         loaded((*Flow).FirstSeen, appendTime),
	"lastSeen":          loaded((*Flow).LastSeen, appendTime),
	"clientCount":       always((*Flow).ClientCount, appendInt),
}

func (w *writer) flowField(f graphql.CollectedField) field[*Flow] {
	switch f.Name {
	case "from":
		return inner((*Flow).From, w.nodes(f.Selections))
	case "to":
		return inner((*Flow).To, w.nodes(f.Selections))
	case "evidence":
		return listOf((*Flow).Evidence, object(w, f.Selections, evidenceImplementors, find(evidenceFields)))
	}
	return flowFields[f.Name]
}

// nodeFields are those of all nodes that have no fields of their own.
var nodeFields = map[string]field[*nodeRow]{
	"id":        always((*nodeRow).ID, appendString),
	"kind":      always((*nodeRow).Kind, appendNodeKind),
	"name":      always((*nodeRow).Name, appendString),
	"owner":     maybe((*nodeRow).Owner, appendString),
	"tags":      listOf(func(n *nodeRow, _ context.Context) ([]string, error) { return n.Tags(), nil }, always(itself[string], appendString)),
	"firstSeen": loaded((*nodeRow).FirstSeen, appendTime),
	"lastSeen":  loaded((*nodeRow).LastSeen, appendTime),
}

// ownFields are those that nodes of one type have, by their place in nodeTypes.
var ownFields = [len(nodeTypes)]map[string]field[Node]{
	0: {
		"partitions":        own(maybe((*Topic).Partitions, appendInt)),
		"replicationFactor": own(maybe((*Topic).ReplicationFactor, appendInt)),
		"internal":          own(always((*Topic).Internal, strconv.AppendBool)),
		"exists":            own(always((*Topic).Exists, strconv.AppendBool)),
	},
	1: {
		"environment": own(always((*Application).Environment, appendString)),
		"namedBy":     own(always((*Application).NamedBy, appendString)),
	},
	3: {
		"connect": own(maybe((*Connector).Connect, appendString)),
		"class":   own(maybe((*Connector).Class, appendString)),
		"type":    own(maybe((*Connector).Type, appendString)),
		"state":   own(maybe((*Connector).State, appendString)),
		"exists":  own(always((*Connector).Exists, strconv.AppendBool)),
	},
	4: {
		"sourceAlias": own(always((*Replicator).SourceAlias, appendString)),
		"targetAlias": own(always((*Replicator).TargetAlias, appendString)),
		"policy":      own(maybe((*Replicator).Policy, appendString)),
		"state":       own(maybe((*Replicator).State, appendString)),
		"connect":     own(maybe((*Replicator).Connect, appendString)),
		"exists":      own(always((*Replicator).Exists, strconv.AppendBool)),
	},
	5: {
		"applicationId": own(maybe((*StreamJob).ApplicationID, appendString)),
		"namedBy":       own(always((*StreamJob).NamedBy, appendString)),
		"protocol":      own(maybe((*StreamJob).Protocol, appendString)),
		"engine":        own(maybe((*StreamJob).Engine, appendString)),
	},
	6: {"namespace": own(always((*Dataset).Namespace, appendString))},
	7: {"members": own(always((*Group).Members, appendInt))},
	8: {"namespace": own(always((*Job).Namespace, appendString)), "namedBy": own(always((*Job).NamedBy, appendString))},
}

func (w *writer) nodeField(t int, f graphql.CollectedField) field[Node] {
	switch {
	case f.Name == "cluster":
		return ofRow(orNone((*nodeRow).Cluster, object(w, f.Selections, clusterImplementors, find(clusterFields))))
	case t == 0 && f.Name == "innerOf":
		return own(orNoNode((*Topic).InnerOf, w.nodes(f.Selections)))
	}
	if put := ownFields[t][f.Name]; put != nil {
		return put
	}
	if put := nodeFields[f.Name]; put != nil {
		return ofRow(put)
	}
	return nil
}

var clusterFields = map[string]field[*Cluster]{
	"id":          always((*Cluster).ID, appendString),
	"name":        always((*Cluster).Name, appendString),
	"environment": always((*Cluster).Environment, appendString),
}

var evidenceFields = map[string]field[Evidence]{
	"kind":      always(func(e Evidence) lineage.EvidenceKind { return e.Kind }, appendEvidenceKind),
	"source":    always(func(e Evidence) string { return e.Source }, appendString),
	"firstSeen": always(func(e Evidence) time.Time { return e.FirstSeen }, appendTime),
	"lastSeen":  always(func(e Evidence) time.Time { return e.LastSeen }, appendTime),
	"detail":    maybe(func(e Evidence) *string { return e.Detail }, appendString),
}

// find looks fields up in a table.
func find[T any](table map[string]field[T]) func(graphql.CollectedField) field[T] {
	return func(f graphql.CollectedField) field[T] { return table[f.Name] }
}

func itself[T any](v T) T { return v }

// own makes a field of all nodes of one that a type of them has.
func own[T Node](put field[T]) field[Node] {
	return func(ctx context.Context, b []byte, n Node) ([]byte, error) { return put(ctx, b, n.(T)) } //nolint:forcetypeassert // found by its type
}

// ofRow makes a field of what all nodes have.
func ofRow(put field[*nodeRow]) field[Node] {
	return func(ctx context.Context, b []byte, n Node) ([]byte, error) {
		_, row := typeOf(n)
		return put(ctx, b, row)
	}
}

// inner makes a field of a node that an element always has.
func inner[T any](get func(T) Node, put field[Node]) field[T] {
	return func(ctx context.Context, b []byte, of T) ([]byte, error) { return put(ctx, b, get(of)) }
}

// orNoNode makes a field of a node that an element may have.
func orNoNode[T any](get func(T) Node, put field[Node]) field[T] {
	return func(ctx context.Context, b []byte, of T) ([]byte, error) {
		if n := get(of); n != nil {
			return put(ctx, b, n)
		}
		return append(b, "null"...), nil
	}
}

// orNone makes a field of an object that an element may have.
func orNone[T, V any](get func(T) *V, put field[*V]) field[T] {
	return func(ctx context.Context, b []byte, of T) ([]byte, error) {
		v := get(of)
		if v == nil {
			return append(b, "null"...), nil
		}
		return put(ctx, b, v)
	}
}

func appendNodeKind(b []byte, k lineage.NodeKind) []byte { return appendString(b, k.String()) }

func appendFlowKind(b []byte, k lineage.FlowKind) []byte { return appendString(b, k.String()) }

func appendEvidenceKind(b []byte, k lineage.EvidenceKind) []byte { return appendString(b, k.String()) }

// appendTime appends what MarshalTime writes.
func appendTime(b []byte, t time.Time) []byte {
	return append(t.UTC().AppendFormat(append(b, '"'), time.RFC3339Nano), '"')
}
