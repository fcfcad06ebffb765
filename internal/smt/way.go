package smt

import (
	"fmt"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/lineage"
)

// Place is a column within a record, or of a table, which has no part.
type Place struct {
	Part lineage.SchemaPart
	Path string // as lineage.JoinPath makes it; empty: the whole
	// Masked: what stands there does not tell what stood at the other end.
	Masked bool
}

// Way is where a column leads, or what it is made of.
type Way struct {
	Places []Place
	// Ends are the steps that drop it or make it out of nothing, in words.
	Ends []string
	// Unknown is why nobody can say; empty: all is said.
	Unknown string
}

// Forward returns where a column leads through the steps, in their order.
func Forward(steps []lineage.Transform, from Place) Way { return walk(steps, from, forward, false) }

// Back returns what a column is made of before the steps. Where a name may be one or several that were joined nobody
// can say: then Forward of all that there are tells.
func Back(steps []lineage.Transform, from Place) Way { return walk(steps, from, back, true) }

// spot is a Place with its names apart.
type spot struct {
	part   lineage.SchemaPart
	names  []string
	masked bool
	// own: another column is renamed to its name. Connect refuses a record that has both, and where there may be the
	// other it is meant.
	own bool
}

func (s spot) with(names ...string) spot {
	s.names = names
	return s
}

type step func(s *lineage.Transform, at spot) (out []spot, ends, unknown string)

func walk(steps []lineage.Transform, from Place, one step, reverse bool) (w Way) {
	at := []spot{{part: from.Part, names: lineage.SplitPath(from.Path), masked: from.Masked}}
	for i := range steps {
		s := &steps[i]
		if reverse {
			s = &steps[len(steps)-1-i]
		}
		if s.Kind == lineage.UnknownTransform || s.Kind > lineage.UnwrapChange {
			w.Unknown = fmt.Sprintf("transformation %s: %s", s.Name, first(s.Word, "it is of a kind that this version does not know"))
			return w
		}
		var next []spot
		for _, x := range at {
			out, ends, unknown := one(s, x)
			if unknown != "" {
				w.Unknown = fmt.Sprintf("transformation %s: %s", s.Name, unknown)
				return w
			}
			if ends != "" {
				w.Ends = append(w.Ends, ends+" by the transformation "+s.Name)
			}
			next = append(next, out...)
		}
		at = next
	}
	if slices.ContainsFunc(at, func(x spot) bool { return !x.own }) {
		at = slices.DeleteFunc(at, func(x spot) bool { return x.own })
	}
	for _, x := range at {
		path := ""
		for _, name := range x.names {
			path = lineage.JoinPath(path, name)
		}
		w.Places = append(w.Places, Place{x.part, path, x.masked})
	}
	return w
}

const (
	dropped = "dropped"
	made    = "made"
)

func forward(s *lineage.Transform, at spot) (out []spot, ends, unknown string) {
	here := []spot{at}
	if s.Kind == lineage.KeyOfValue {
		return keyOfValue(s, at)
	}
	if s.Part != at.part {
		return here, "", ""
	}
	if len(at.names) == 0 { // the whole: what is left of it
		switch s.Kind {
		case lineage.HoistColumns:
			return []spot{at.with(s.Fields[0])}, "", ""
		default:
			return here, "", ""
		}
	}
	name, rest := at.names[0], at.names[1:]
	switch s.Kind {
	case lineage.ReplaceColumns:
		if !passes(s, name) {
			return nil, dropped, ""
		}
		for _, r := range s.Renames {
			if r.From == name {
				return []spot{at.with(append([]string{r.To}, rest...)...)}, "", ""
			}
		}
	case lineage.InsertColumns:
		if slices.Contains(s.Fields, name) {
			return nil, "overwritten", ""
		}
	case lineage.MaskColumns:
		at.masked = at.masked || slices.Contains(s.Fields, name)
		return []spot{at}, "", ""
	case lineage.HoistColumns:
		return []spot{at.with(append([]string{s.Fields[0]}, at.names...)...)}, "", ""
	case lineage.ExtractColumn:
		if name != s.Fields[0] {
			return nil, dropped, ""
		}
		return []spot{at.with(rest...)}, "", ""
	case lineage.FlattenColumns:
		return []spot{at.with(strings.Join(at.names, s.Word))}, "", ""
	case lineage.UnwrapChange:
		return unwrapped(s, at)
	default: // columns are kept
	}
	return here, "", ""
}

// passes reports whether ReplaceField leaves a column, by its name before.
func passes(s *lineage.Transform, name string) bool {
	return !slices.Contains(s.Drop, name) && (len(s.Keep) == 0 || slices.Contains(s.Keep, name))
}

// before is which columns ReplaceField leaves under a name.
func before(s *lineage.Transform, at spot) (out []spot, ends, unknown string) {
	name, rest := at.names[0], at.names[1:]
	renamed := false
	for _, r := range s.Renames {
		if r.To == name && passes(s, r.From) {
			out = append(out, at.with(append([]string{r.From}, rest...)...))
		}
		renamed = renamed || r.From == name
	}
	if !renamed && passes(s, name) {
		at.own = at.own || len(out) > 0
		out = append(out, at)
	}
	if len(out) == 0 {
		return nil, dropped, ""
	}
	return out, "", ""
}

func keyOfValue(s *lineage.Transform, at spot) (out []spot, ends, unknown string) {
	if at.part == lineage.KeyPart {
		return nil, dropped, ""
	}
	out = []spot{at}
	if at.part == lineage.ValuePart && (len(at.names) == 0 || slices.Contains(s.Fields, at.names[0])) {
		key := at
		key.part = lineage.KeyPart
		out = append(out, key)
	}
	return out, "", ""
}

// envelope are the fields of Debezium's change event.
var envelope = []string{"before", "after", "op", "source", "ts_ms", "ts_us", "ts_ns", "transaction"}

// unwrapped is where a column of a change event leads. Records that are none pass as they are.
func unwrapped(s *lineage.Transform, at spot) (out []spot, ends, unknown string) {
	name, rest := at.names[0], at.names[1:]
	switch {
	case !slices.Contains(envelope, name):
		return []spot{at}, "", ""
	case name == "after" || name == "before" && s.Word == rewrite:
		return []spot{at.with(rest...)}, "", ""
	}
	whole := strings.Join(at.names, ".")
	for _, r := range s.Renames {
		if r.From == whole || strings.HasPrefix(r.From, whole+".") {
			out = append(out, at.with(r.To))
		}
	}
	if len(out) == 0 {
		return nil, dropped, ""
	}
	return out, "", ""
}

func back(s *lineage.Transform, at spot) (out []spot, ends, unknown string) {
	here := []spot{at}
	if s.Kind == lineage.KeyOfValue {
		if at.part != lineage.KeyPart {
			return here, "", ""
		}
		at.part = lineage.ValuePart
		if len(at.names) > 0 && !slices.Contains(s.Fields, at.names[0]) {
			return nil, dropped, ""
		}
		return []spot{at}, "", ""
	}
	if s.Part != at.part {
		return here, "", ""
	}
	if len(at.names) == 0 {
		if s.Kind == lineage.ExtractColumn {
			return []spot{at.with(s.Fields[0])}, "", ""
		}
		return here, "", ""
	}
	name, rest := at.names[0], at.names[1:]
	switch s.Kind {
	case lineage.ReplaceColumns:
		return before(s, at)
	case lineage.InsertColumns:
		if slices.Contains(s.Fields, name) {
			return nil, made, ""
		}
	case lineage.MaskColumns:
		at.masked = at.masked || slices.Contains(s.Fields, name)
		return []spot{at}, "", ""
	case lineage.HoistColumns:
		if name != s.Fields[0] {
			return nil, made, ""
		}
		return []spot{at.with(rest...)}, "", ""
	case lineage.ExtractColumn:
		return []spot{at.with(append([]string{s.Fields[0]}, at.names...)...)}, "", ""
	case lineage.FlattenColumns:
		if strings.Contains(name, s.Word) {
			return nil, "", "a name with " + s.Word + " in it may be one column's, or that of several that nested"
		}
	case lineage.UnwrapChange:
		return wrapped(s, at)
	default: // columns are kept
	}
	return here, "", ""
}

func wrapped(s *lineage.Transform, at spot) (out []spot, ends, unknown string) {
	if slices.Contains(s.Fields, at.names[0]) {
		return nil, made, ""
	}
	for _, r := range s.Renames {
		if r.To == at.names[0] {
			return []spot{at.with(strings.Split(r.From, ".")...)}, "", ""
		}
	}
	out = []spot{at.with(append([]string{"after"}, at.names...)...)}
	if s.Word == rewrite {
		out = append(out, at.with(append([]string{"before"}, at.names...)...))
	}
	return out, "", ""
}

// OutsideKind is how a connector's records stand to what it reads or writes outside Kafka.
type OutsideKind uint8

// The kinds.
const (
	NotKnown OutsideKind = iota
	Table                // a column is a field of the value of the same name
	Changes              // a column is a field of the value's after and before: Debezium
)

var outsides = map[string]OutsideKind{
	"io.confluent.connect.jdbc.JdbcSinkConnector": Table, "io.confluent.connect.jdbc.JdbcSourceConnector": Table,
	"io.aiven.connect.jdbc.JdbcSinkConnector": Table, "io.aiven.connect.jdbc.JdbcSourceConnector": Table,
	"io.debezium.connector.postgresql.PostgresConnector": Changes, "io.debezium.connector.mysql.MySqlConnector": Changes,
	"io.debezium.connector.mariadb.MariaDbConnector": Changes, "io.debezium.connector.sqlserver.SqlServerConnector": Changes,
	"io.debezium.connector.oracle.OracleConnector": Changes, "io.debezium.connector.db2.Db2Connector": Changes,
}

// Outside returns how records of a connector of that class stand to its tables.
func Outside(class string) OutsideKind { return outsides[class] }

// FromTable returns where a table's column stands in the records that a connector makes, before its steps.
func FromTable(kind OutsideKind, column string) []Place {
	if kind == Changes {
		if column == "" {
			return []Place{{Part: lineage.ValuePart, Path: "after"}, {Part: lineage.ValuePart, Path: "before"}}
		}
		return []Place{{Part: lineage.ValuePart, Path: "after." + column}, {Part: lineage.ValuePart, Path: "before." + column}}
	}
	return []Place{{Part: lineage.ValuePart, Path: column}}
}

// ToTable returns which of a table's columns a place in a record is; unknown is why nobody can say, and ok is false
// where it is none.
func ToTable(kind OutsideKind, at Place) (column string, ok bool, unknown string) {
	names := lineage.SplitPath(at.Path)
	if at.Part == lineage.KeyPart {
		return "", false, "which columns a record's key is, its settings do not say alone"
	}
	if kind == Changes {
		if len(names) == 0 {
			return "", true, ""
		}
		if names[0] != "after" && names[0] != "before" {
			return "", false, ""
		}
		names = names[1:]
	}
	switch len(names) {
	case 0:
		return "", true, ""
	case 1:
		return lineage.JoinPath("", names[0]), true, ""
	default:
		return "", false, "what of a record nests has no column of its own"
	}
}
