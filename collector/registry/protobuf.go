package registry

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bufbuild/protocompile"
	"github.com/bufbuild/protocompile/reporter"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/lineaged/lineaged/lineage"
)

// mainProto is what the schema is called while it is read: no import has that name.
const mainProto = "lineaged-schema.proto"

// parseProtobuf reads a Protobuf file. Which of its outermost messages a record is stands in each record, and is told
// here only where the others are parts of it, or the subject names it.
func parseProtobuf(main text, refs []text, wanted string) (read, error) {
	files := map[string]string{mainProto: main.schema}
	for _, t := range refs {
		files[t.name] = t.schema
	}
	c := protocompile.Compiler{
		Resolver:       protocompile.WithStandardImports(&protocompile.SourceResolver{Accessor: protocompile.SourceAccessorFromMap(files)}),
		MaxParallelism: 1,
		Reporter:       reporter.NewReporter(func(err reporter.ErrorWithPos) error { return err }, nil),
	}
	got, err := c.Compile(context.Background(), mainProto)
	if err != nil {
		// the compiler's words may quote it
		return read{}, errors.New("it is no Protobuf file that can be read, or imports one that is not there")
	}
	all := got[0].Messages()
	message, err := outermost(all, wanted)
	if err != nil {
		r := read{}
		for i := range all.Len() {
			r.records = append(r.records, string(all.Get(i).FullName()))
		}
		return r, err
	}
	l := &list{}
	l.record = string(message.FullName())
	err = l.message("", message, 0, nil)
	return l.read, err
}

func outermost(all protoreflect.MessageDescriptors, wanted string) (protoreflect.MessageDescriptor, error) {
	var names []string
	parts := map[protoreflect.FullName]bool{}
	for i := range all.Len() {
		m := all.Get(i)
		if string(m.FullName()) == wanted {
			return m, nil
		}
		names = append(names, string(m.FullName()))
		partsOf(m, m, parts, 0)
	}
	var whole []protoreflect.MessageDescriptor
	for i := range all.Len() {
		if m := all.Get(i); !parts[m.FullName()] {
			whole = append(whole, m)
		}
	}
	switch {
	case len(whole) == 1:
		return whole[0], nil
	case len(names) == 0:
		return nil, errors.New("it has no message")
	default:
		return nil, fmt.Errorf("which of its messages a record is, only the records say: %s", word(strings.Join(names, ", ")))
	}
}

// partsOf notes what is a part of a message.
func partsOf(of, m protoreflect.MessageDescriptor, parts map[protoreflect.FullName]bool, deep int) {
	if deep > mostDeep {
		return
	}
	fields := m.Fields()
	for i := range fields.Len() {
		part := fields.Get(i).Message()
		if part == nil || part.FullName() == of.FullName() {
			continue
		}
		if !parts[part.FullName()] {
			parts[part.FullName()] = true
			partsOf(of, part, parts, deep+1)
		}
	}
}

func (l *list) message(path string, m protoreflect.MessageDescriptor, deep int, inside []protoreflect.FullName) error {
	if slices.Contains(inside, m.FullName()) {
		return nil
	}
	inside = append(slices.Clip(inside), m.FullName())
	fields := m.Fields()
	for i := range fields.Len() {
		f := fields.Get(i)
		at := lineage.JoinPath(path, string(f.Name()))
		on, err := l.add(at, fieldType(f), f.Cardinality() != protoreflect.Required, deep)
		if part := f.Message(); err == nil && on && part != nil {
			if f.IsMap() {
				part = f.MapValue().Message()
			}
			if part != nil && !strings.HasPrefix(string(part.FullName()), "google.protobuf.") {
				err = l.message(at, part, deep+1, inside)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func fieldType(f protoreflect.FieldDescriptor) string {
	switch {
	case f.IsMap():
		return "map of " + fieldType(f.MapValue())
	case f.IsList():
		return "array of " + single(f)
	default:
		return single(f)
	}
}

func single(f protoreflect.FieldDescriptor) string {
	switch {
	case f.Message() != nil:
		return "message " + string(f.Message().FullName())
	case f.Enum() != nil:
		return "enum " + string(f.Enum().FullName())
	default:
		return f.Kind().String()
	}
}
