package registry

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/lineaged/lineaged/collector/rest"
	"github.com/lineaged/lineaged/lineage"
)

const (
	// mostColumns is how many columns of a schema are kept; the rest is counted.
	mostColumns = 1000
	// mostDeep is how deep columns nest before what is deeper is counted and not kept.
	mostDeep = 20
	// mostWalked bounds what is looked at of one schema: types that name each other branch without end.
	mostWalked = 20_000
	// mostPath and mostType bound the words of a column, in bytes.
	mostPath = 500
	mostType = 120
	// mostSchema bounds a schema's text, in bytes.
	mostSchema = 1 << 20
)

// text is a schema as a registry has it. Name is what another one calls it by.
type text struct{ name, schema string }

// read is what a schema says.
type read struct {
	record  string   // the full name of its outermost record; empty: none
	records []string // where the schema alone does not say which it is: those that it may be
	columns []lineage.Column
	cut     int
	moves   bool // something that it refers to, however deep, is the newest of another
}

// errMany is what lies beyond mostWalked.
var errMany = errors.New("it has more columns than can be looked at")

// parse reads a schema and what it refers to, which comes in an order in which nothing is referred to before it is
// there. wanted is the record that a subject names; empty: none.
func parse(format string, main text, refs []text, wanted string) (r read, err error) {
	if len(main.schema) > mostSchema {
		return r, fmt.Errorf("its text is larger than %d KiB", mostSchema>>10)
	}
	switch format {
	case "AVRO":
		r, err = parseAvro(main, refs)
	case "JSON":
		r, err = parseJSON(main, refs)
	case "PROTOBUF":
		r, err = parseProtobuf(main, refs, wanted)
	default:
		err = fmt.Errorf("its format %s is not known", rest.Short(format))
	}
	if err != nil { // never half a schema
		return read{records: r.records}, err
	}
	return r, nil
}

// list collects columns, each path once.
type list struct {
	read
	seen   map[string]bool
	walked int
}

// add notes a column. It reports whether what is within it is to be looked at.
func (l *list) add(path, kind string, optional bool, deep int) (on bool, err error) {
	if l.walked++; l.walked > mostWalked {
		return false, errMany
	}
	if l.seen == nil {
		l.seen = map[string]bool{}
	}
	if l.seen[path] {
		return deep < mostDeep, nil // the branch of a union that has it too
	}
	l.seen[path] = true
	if len(l.columns) == mostColumns || deep >= mostDeep || len(path) > mostPath || !utf8.ValidString(path) {
		l.cut++
		return false, nil
	}
	c := lineage.Column{Path: path, Type: word(kind), Presence: lineage.AlwaysThere}
	if optional {
		c.Presence = lineage.MayBeMissing
	}
	l.columns = append(l.columns, c)
	return true, nil
}

func word(s string) string {
	if s = strings.ToValidUTF8(s, "\uFFFD"); len(s) > mostType {
		return strings.ToValidUTF8(s[:mostType], "") + "…"
	}
	return s
}
