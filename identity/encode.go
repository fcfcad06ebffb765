package identity

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
)

// The versions of the encoding, its first byte. The page docs/format/identity.md describes them. Rules that say no more
// than the first one holds are written in it, so that they are the same bytes as ever.
const (
	formatPlain = 1
	formatAbout = 2
)

// Encode returns the rules as bytes to keep. The same rules always give the same bytes.
func Encode(r Rules) []byte {
	b, about := []byte{formatPlain}, func(b []byte, _ *About) []byte { return b }
	if r.saysMore() {
		b[0], about = formatAbout, appendAbout
	}
	b = binary.AppendUvarint(b, uint64(len(r.Applications)))
	for i := range r.Applications {
		a := &r.Applications[i]
		for _, f := range fields {
			b = appendPattern(b, f.pattern(a))
		}
		b = appendString(b, a.Name)
		b = appendString(b, a.Owner)
		b = appendStrings(b, a.Tags)
		if a.PerCluster {
			b = append(b, 1)
		} else {
			b = append(b, 0)
		}
		b = about(b, &a.About)
	}
	b = binary.AppendUvarint(b, uint64(len(r.Topics)))
	for i := range r.Topics {
		t := &r.Topics[i]
		b = appendPattern(b, t.Match)
		b = appendString(b, t.Owner)
		b = appendStrings(b, t.Tags)
		b = about(b, &t.About)
	}
	b = binary.AppendUvarint(b, uint64(len(r.Nodes)))
	for i := range r.Nodes {
		n := &r.Nodes[i]
		b = appendPattern(b, n.Match)
		b = appendString(b, n.Owner)
		b = appendStrings(b, n.Tags)
		b = about(b, &n.About)
	}
	return b
}

// saysMore reports whether any of the rules says more than an owner and tags.
func (r *Rules) saysMore() bool {
	return slices.ContainsFunc(r.Applications, func(x Rule) bool { return !x.empty() }) ||
		slices.ContainsFunc(r.Topics, func(x TopicRule) bool { return !x.empty() }) ||
		slices.ContainsFunc(r.Nodes, func(x NodeRule) bool { return !x.empty() })
}

func (a *About) empty() bool {
	return a.Contact == "" && a.Description == "" && len(a.Stops) == 0 && len(a.Properties) == 0
}

func appendAbout(b []byte, a *About) []byte {
	b = appendStrings(appendString(appendString(b, a.Contact), a.Description), a.Stops)
	b = binary.AppendUvarint(b, uint64(len(a.Properties)))
	for _, key := range slices.Sorted(maps.Keys(a.Properties)) {
		b = appendString(appendString(b, key), a.Properties[key])
	}
	return b
}

// Decode is the inverse of Encode. It refuses bytes that Encode does not write, and patterns that do not compile.
func Decode(b []byte) (Rules, error) {
	if len(b) == 0 {
		return Rules{}, errors.New("decode identity rules: empty record")
	}
	if b[0] != formatPlain && b[0] != formatAbout {
		return Rules{}, fmt.Errorf("decode identity rules: format %d is not known, only %d and %d", b[0], formatPlain, formatAbout)
	}
	d := decoder{rest: b[1:], about: b[0] == formatAbout}
	var r Rules
	for range d.count() {
		a := Rule{ClientID: d.pattern(), Group: d.pattern(), TransactionalID: d.pattern(), Principal: d.pattern(), Unidentified: d.pattern()}
		a.Name, a.Owner, a.Tags, a.PerCluster = d.string(), d.string(), d.strings(), d.flag()
		a.About = d.abouts()
		r.Applications = append(r.Applications, a)
		if d.err != nil {
			break
		}
	}
	for range d.count() {
		r.Topics = append(r.Topics, TopicRule{Match: d.pattern(), Owner: d.string(), Tags: d.strings(), About: d.abouts()})
		if d.err != nil {
			break
		}
	}
	for range d.count() {
		r.Nodes = append(r.Nodes, NodeRule{Match: d.pattern(), Owner: d.string(), Tags: d.strings(), About: d.abouts()})
		if d.err != nil {
			break
		}
	}
	if d.err == nil && len(d.rest) > 0 {
		d.err = fmt.Errorf("%d bytes too many", len(d.rest))
	}
	if d.err == nil && d.about && !r.saysMore() {
		d.err = errors.New("the rules say no more than format 1 holds")
	}
	if d.err != nil {
		return Rules{}, fmt.Errorf("decode identity rules: %w", d.err)
	}
	return r, nil
}

func appendString(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

func appendStrings(b []byte, all []string) []byte {
	b = binary.AppendUvarint(b, uint64(len(all)))
	for _, s := range all {
		b = appendString(b, s)
	}
	return b
}

// appendPattern writes 0 for none and 1 before a pattern, since an empty pattern matches everything.
func appendPattern(b []byte, p *regexp.Regexp) []byte {
	if p == nil {
		return append(b, 0)
	}
	return appendString(append(b, 1), p.String())
}

// decoder reads from rest until the first error, after which it returns zero values.
type decoder struct {
	rest  []byte
	about bool // each rule says more than an owner and tags
	err   error
}

var errShort = errors.New("record is cut short")

func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
	d.rest = nil
}

// count reads a number of things that each take at least one byte, so that no count outgrows its record.
func (d *decoder) count() int {
	n, size := binary.Uvarint(d.rest)
	if d.err != nil || size <= 0 || n > uint64(len(d.rest)-size) {
		d.fail(errShort)
		return 0
	}
	if size > 1 && d.rest[size-1] == 0 {
		d.fail(errors.New("number is longer than it need be"))
		return 0
	}
	d.rest = d.rest[size:]
	return int(n)
}

func (d *decoder) string() string {
	n := d.count()
	s := string(d.rest[:n])
	d.rest = d.rest[n:]
	return s
}

func (d *decoder) strings() []string {
	var out []string
	for range d.count() {
		out = append(out, d.string())
	}
	return out
}

// abouts reads what appendAbout writes: the keys in their order, each once.
func (d *decoder) abouts() (a About) {
	if !d.about {
		return a
	}
	a.Contact, a.Description, a.Stops = d.string(), d.string(), d.strings()
	last := ""
	for i := range d.count() {
		key := d.string()
		if i > 0 && key <= last {
			d.fail(errors.New("properties are out of order"))
		}
		if d.err != nil {
			break
		}
		if a.Properties == nil {
			a.Properties = map[string]string{}
		}
		a.Properties[key], last = d.string(), key
	}
	return a
}

func (d *decoder) flag() bool {
	if len(d.rest) == 0 {
		d.fail(errShort)
		return false
	}
	v := d.rest[0]
	d.rest = d.rest[1:]
	if v > 1 {
		d.fail(fmt.Errorf("flag is %d", v))
	}
	return v == 1
}

func (d *decoder) pattern() *regexp.Regexp {
	if !d.flag() {
		return nil
	}
	s := d.string()
	if d.err != nil {
		return nil
	}
	p, err := regexp.Compile(s)
	if err != nil {
		d.fail(err)
		return nil
	}
	return p
}
