package api

import (
	"context"
	"errors"
	"io"
	"math"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// This file writes lists of nodes and of flows as JSON at once, where all that is selected of them is in the tables of
// writtenfields.go: the generated executor starts a goroutine for each element, and makes a context and some closures
// for each field. What is written is what the executor would have written, to the byte. Where that is in doubt (a field
// that is not in the tables, an error, a number that JSON has no word for) the list is left to the executor, which also
// tells the error.

// written is a value that is JSON already.
type written []byte

// MarshalGQL implements graphql.Marshaler.
func (w written) MarshalGQL(to io.Writer) { _, _ = to.Write(w) }

// errUnwritten says that a value is to be left to the generated executor.
var errUnwritten = errors.New("left to the executor")

// writeLists is the field middleware that writes lists instead of the executor.
func writeLists(ctx context.Context, next graphql.Resolver) (any, error) {
	res, err := next(ctx)
	if err != nil {
		return res, err
	}
	switch list := res.(type) {
	case []Node:
		return writeList(ctx, res, list, (*writer).nodes)
	case []*Flow:
		return writeList(ctx, res, list, (*writer).flows)
	}
	return res, nil
}

// writeList writes a list, or returns res, which is the list, where it can't.
func writeList[T any](ctx context.Context, res any, list []T, shape func(*writer, ast.SelectionSet) field[T]) (out any, err error) {
	if len(list) == 0 {
		return res, nil
	}
	defer func() {
		if recover() != nil { // it panics again in the executor, which says where
			out, err = res, nil
		}
	}()
	w := &writer{oc: graphql.GetOperationContext(ctx)}
	put := shape(w, graphql.GetFieldContext(ctx).Field.Selections)
	const looks = 64 // elements between two looks at whether the asker is still there
	b := append(make([]byte, 0, 256*len(list)), '[')
	for i, of := range list {
		if i%looks == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if i > 0 {
			b = append(b, ',')
		}
		if b, err = put(ctx, b, of); err != nil {
			return res, nil // the executor comes upon it too, and tells it
		}
	}
	return written(append(b, ']')), nil
}

// field appends a value of an element: a field's, or the element itself.
type field[T any] func(ctx context.Context, b []byte, of T) ([]byte, error)

// writer finds out how the objects of one list are written.
type writer struct {
	oc *graphql.OperationContext
}

// member is a field of an object under the name that it was asked for.
type member[T any] struct {
	key string // with all that stands before its value
	put field[T]
}

// object returns how an object is written of which fields are selected; find tells how a field is, or nil.
func object[T any](w *writer, sel ast.SelectionSet, implementors []string, find func(graphql.CollectedField) field[T]) field[T] {
	fields := graphql.CollectFields(w.oc, sel, implementors)
	var members []member[T]
	named := map[string]bool{}
	for _, f := range fields {
		if named[f.Alias] { // of a type and of its interface: the first is written
			continue
		}
		named[f.Alias] = true
		put := find(f)
		if f.Name == "__typename" {
			put = always(func(T) string { return implementors[0] }, appendString)
		}
		if put == nil {
			return func(context.Context, []byte, T) ([]byte, error) { return nil, errUnwritten }
		}
		key := string(appendString([]byte(","), f.Alias)) + ":"
		if len(members) == 0 {
			key = key[1:]
		}
		members = append(members, member[T]{key, put})
	}
	return func(ctx context.Context, b []byte, of T) (_ []byte, err error) {
		b = append(b, '{')
		for i := range members {
			b = append(b, members[i].key...)
			if b, err = members[i].put(ctx, b, of); err != nil {
				return nil, err
			}
		}
		return append(b, '}'), nil
	}
}

// nodeTypes are the types that implement Node, as the executor knows them.
var nodeTypes = [...][]string{
	topicImplementors, applicationImplementors, unidentifiedImplementors, connectorImplementors, replicatorImplementors, streamJobImplementors,
	datasetImplementors, groupImplementors, jobImplementors,
}

// typeOf returns a node's place in nodeTypes, and what all nodes have.
func typeOf(n Node) (int, *nodeRow) {
	switch n := n.(type) {
	case *Topic:
		return 0, &n.nodeRow
	case *Application:
		return 1, &n.nodeRow
	case *Unidentified:
		return 2, &n.nodeRow
	case *Connector:
		return 3, &n.nodeRow
	case *Replicator:
		return 4, &n.nodeRow
	case *StreamJob:
		return 5, &n.nodeRow
	case *Dataset:
		return 6, &n.nodeRow
	case *Group:
		return 7, &n.nodeRow
	case *Job:
		return 8, &n.nodeRow
	default:
		return -1, nil
	}
}

// nodes returns how the nodes of a selection are written, each by its type.
func (w *writer) nodes(sel ast.SelectionSet) field[Node] {
	var types [len(nodeTypes)]field[Node]
	return func(ctx context.Context, b []byte, n Node) ([]byte, error) {
		t, _ := typeOf(n)
		if t < 0 {
			return nil, errUnwritten
		}
		if types[t] == nil {
			types[t] = object(w, sel, nodeTypes[t], func(f graphql.CollectedField) field[Node] { return w.nodeField(t, f) })
		}
		return types[t](ctx, b, n)
	}
}

// flows returns how the flows of a selection are written.
func (w *writer) flows(sel ast.SelectionSet) field[*Flow] {
	return object(w, sel, flowImplementors, w.flowField)
}

// always makes a field of what an element always has.
func always[T, V any](get func(T) V, put func([]byte, V) []byte) field[T] {
	return func(_ context.Context, b []byte, of T) ([]byte, error) { return put(b, get(of)), nil }
}

// maybe makes a field of what may not be known.
func maybe[T, V any](get func(T) *V, put func([]byte, V) []byte) field[T] {
	return func(_ context.Context, b []byte, of T) ([]byte, error) { return orNull(b, get(of), put), nil }
}

// loaded makes a field of what has to be read first, and may not be known.
func loaded[T, V any](get func(T, context.Context) (*V, error), put func([]byte, V) []byte) field[T] {
	return func(ctx context.Context, b []byte, of T) ([]byte, error) {
		v, err := get(of, ctx)
		if err != nil {
			return nil, err
		}
		return orNull(b, v, put), nil
	}
}

func orNull[V any](b []byte, v *V, put func([]byte, V) []byte) []byte {
	if v == nil {
		return append(b, "null"...)
	}
	return put(b, *v)
}

// number makes a field of a number that may not be known, and can be one that JSON has no word for.
func number[T any](get func(T, context.Context) (*float64, error)) field[T] {
	return func(ctx context.Context, b []byte, of T) ([]byte, error) {
		v, err := get(of, ctx)
		switch {
		case err != nil:
			return nil, err
		case v == nil:
			return append(b, "null"...), nil
		case math.IsInf(*v, 0) || math.IsNaN(*v):
			return nil, errUnwritten
		}
		return strconv.AppendFloat(b, *v, 'g', -1, 64), nil
	}
}

// listOf makes a field of a list.
func listOf[T, V any](get func(T, context.Context) ([]V, error), put field[V]) field[T] {
	return func(ctx context.Context, b []byte, of T) ([]byte, error) {
		list, err := get(of, ctx)
		if err != nil {
			return nil, err
		}
		b = append(b, '[')
		for i, v := range list {
			if i > 0 {
				b = append(b, ',')
			}
			if b, err = put(ctx, b, v); err != nil {
				return nil, err
			}
		}
		return append(b, ']'), nil
	}
}

const hexDigits = "0123456789ABCDEF"

// appendString appends a string in quotes, escaped as gqlgen does.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := range len(s) {
		c := s[i]
		if c >= 0x20 && c != '\\' && c != '"' {
			continue
		}
		b = append(b, s[start:i]...)
		switch start = i + 1; c {
		case '\t':
			b = append(b, `\t`...)
		case '\r':
			b = append(b, `\r`...)
		case '\n':
			b = append(b, `\n`...)
		case '\\', '"':
			b = append(b, '\\', c)
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
		}
	}
	return append(append(b, s[start:]...), '"')
}

func appendInt(b []byte, n int) []byte { return strconv.AppendInt(b, int64(n), 10) }

// appendInt64 appends what MarshalInt64 writes.
func appendInt64(b []byte, n int64) []byte {
	return append(strconv.AppendInt(append(b, '"'), n, 10), '"')
}
