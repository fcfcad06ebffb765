package runevent

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tidwall/gjson"
)

const (
	// mostDatasets is how many an event may name as inputs, as outputs, or in a lineage facet: more is a fault, or an
	// attack.
	mostDatasets = 10_000
	// mostName is the longest name that is taken, in bytes. An object store's keys have 1,024.
	mostName = 2048
	// mostDepth is how deep a body may be nested.
	mostDepth = 200
)

// Parse reads one event. flags are what breaks the specification in it and is taken all the same, each in a word. The
// error is a *ProblemError.
func Parse(body []byte) (e Event, flags []string, err error) {
	top, p := object(body)
	if p != nil {
		return e, nil, p
	}
	r := reader{}
	e, p = r.event(top)
	if p != nil {
		return Event{}, nil, p
	}
	r.columns(&e, top)
	e.Also = r.aliases()
	slices.Sort(r.flags)
	return e, slices.Compact(r.flags), nil
}

// Batch reads the elements of an array of events. The error is a *ProblemError.
func Batch(body []byte) ([]json.RawMessage, error) {
	if p := readable(body); p != nil {
		return nil, p
	}
	var all []json.RawMessage
	if json.Unmarshal(body, &all) != nil || all == nil {
		return nil, broken("the body is no JSON array of events")
	}
	return all, nil
}

// fields are the members of an object, each as the JSON that it is in the body. Names count as they are spelled:
// encoding/json would take Inputs for inputs.
type fields map[string]string

func readable(body []byte) *ProblemError {
	switch {
	case len(bytes.TrimSpace(body)) == 0:
		return broken("the body is empty")
	case deep(body):
		return broken(fmt.Sprintf("the body is nested more than %d deep", mostDepth))
	case !json.Valid(body):
		p := broken("the body is not JSON")
		p.Byte = where(body)
		return p
	}
	return nil
}

// where returns at which byte a body ceases to be JSON.
func where(body []byte) int64 {
	var all json.RawMessage
	if e, ok := errors.AsType[*json.SyntaxError](json.Unmarshal(body, &all)); ok {
		return e.Offset
	}
	return 0
}

func object(body []byte) (fields, *ProblemError) {
	if p := readable(body); p != nil {
		return nil, p
	}
	if f := members(string(body)); f != nil {
		return f, nil
	}
	return nil, broken("the body is no JSON object: one event is sent to /api/v1/lineage, an array of them to /api/v1/lineage/batch")
}

// deep reports whether a text is nested too deep to be read.
func deep(b []byte) bool {
	depth, in, escaped := 0, false, false
	for _, c := range b {
		switch {
		case escaped:
			escaped = false
		case in && c == '\\':
			escaped = true
		case c == '"':
			in = !in
		case in:
		case c == '{' || c == '[':
			if depth++; depth > mostDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

// members returns the members of an object; nil: it is none. The text is a part of a readable body, as that of
// elements.
func members(text string) fields {
	object := gjson.Parse(text)
	if !object.IsObject() {
		return nil
	}
	f := fields{}
	object.ForEach(func(name, value gjson.Result) bool {
		f[name.Str] = value.Raw
		return true
	})
	return f
}

// elements returns those of a list; null is an empty one. ok is false where a text is none of both.
func elements(text string) (all []string, ok bool) {
	list := gjson.Parse(text)
	if !list.IsArray() {
		return nil, list.Type == gjson.Null && list.Exists()
	}
	list.ForEach(func(_, value gjson.Result) bool {
		all = append(all, value.Raw)
		return true
	})
	return all, true
}

// has reports whether a member is there and not null.
func (f fields) has(name string) bool {
	v, ok := f[name]
	return ok && v != "null"
}

// text returns a member that is a text; ok is false for any other. It holds nothing else of the body.
func (f fields) text(name string) (s string, ok bool) {
	v := f[name]
	if !strings.HasPrefix(v, `"`) {
		return "", false
	}
	if !strings.Contains(v, `\`) && utf8.ValidString(v) {
		return strings.Clone(v[1 : len(v)-1]), true
	}
	if json.Unmarshal([]byte(v), &s) != nil {
		return "", false
	}
	return s, true
}

func (f fields) within(name string) fields { return members(f[name]) }

// reader notes what breaks the specification, by which other names datasets go, and what lineage facets say.
type reader struct {
	flags   []string
	also    map[Name]Name
	entries []entry // of lineage facets
	spark   bool    // Spark sends it, see envelope
}

func (r *reader) flag(word string) { r.flags = append(r.flags, word) }

func (r *reader) event(top fields) (e Event, p *ProblemError) {
	switch {
	case top.has("run"):
		e.Kind = OfRun
	case top.has("dataset"):
		e.Kind = OfDataset
	case top.has("job"):
		e.Kind = OfJob
	default:
		return e, lacks("", "it has none of run, job and dataset")
	}
	if e.Time, p = r.time(top); p != nil {
		return e, p
	}
	for _, name := range [...]string{"producer", "schemaURL"} {
		if s, ok := top.text(name); !ok || s == "" {
			r.flag("no " + name)
		}
	}
	if e.Kind == OfDataset {
		_, p = r.name(top.within("dataset"), "/dataset")
		return e, p
	}
	if e.Job, p = r.name(top.within("job"), "/job"); p != nil {
		return e, p
	}
	if e.Kind == OfRun {
		if p = r.run(&e, top); p != nil {
			return e, p
		}
	}
	r.facets(&e, top)
	r.jobType(&e, top.within("job").within("facets").within("jobType"))
	if e.Reads, p = r.datasets(top, "inputs"); p != nil {
		return e, p
	}
	if e.Writes, p = r.datasets(top, "outputs"); p != nil {
		return e, p
	}
	return e, r.lineage(&e, top)
}

// flinkID is an id as Flink makes them; anything else may be anything.
var flinkID = regexp.MustCompile(`^[0-9a-fA-F]{32}$`)

var uuid = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

func (r *reader) run(e *Event, top fields) *ProblemError {
	id, ok := top.within("run").text("runId")
	if !ok || id == "" {
		return lacks("/run/runId", "is missing: nothing tells which run it is")
	}
	if !uuid.MatchString(id) {
		r.flag("runId is no UUID")
	}
	e.Run = r.id(id)
	if id, _ := top.within("run").within("facets").within("flink_job").text("jobId"); flinkID.MatchString(id) {
		e.EngineID = strings.ToLower(id)
	}
	word, said := top.text("eventType")
	at := slices.Index(types[:], strings.ToUpper(word))
	switch {
	case said && at >= 0:
		e.Type = Type(at)
	case top.has("eventType"):
		r.flag("unknown eventType")
	}
	return nil
}

// id is a run's as it is kept: it may be anything, and as long.
func (r *reader) id(id string) string {
	if !uuid.MatchString(id) {
		sum := sha256.Sum256([]byte(id))
		return hex.EncodeToString(sum[:16])
	}
	return strings.ToLower(id)
}

// layouts are how times are written, those that the specification allows first. The others have no zone.
var layouts = [...]string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999"}

func (r *reader) time(top fields) (time.Time, *ProblemError) {
	text, ok := top.text("eventTime")
	if !ok || text == "" {
		return time.Time{}, lacks("/eventTime", "is missing: nothing tells when it was")
	}
	for i, layout := range layouts {
		t, err := time.Parse(layout, text)
		if err != nil {
			continue
		}
		if i > 0 {
			r.flag("eventTime without a zone, taken as UTC")
		}
		if t = t.UTC(); t.Year() < 1970 || t.Year() > 9998 {
			break
		}
		return t, nil
	}
	return time.Time{}, lacks("/eventTime", "is no time as RFC 3339 has it, e.g. 2026-11-28T01:30:00Z")
}

func (r *reader) name(f fields, pointer string) (n Name, p *ProblemError) {
	if f == nil {
		return n, lacks(pointer, "is missing, or no object")
	}
	for _, field := range [...]struct {
		to   *string
		name string
	}{{&n.Namespace, "namespace"}, {&n.Name, "name"}} {
		s, ok := f.text(field.name)
		s = strings.ToValidUTF8(Clean(strings.TrimSpace(s)), "\uFFFD")
		switch {
		case !ok || s == "":
			return n, lacks(pointer+"/"+field.name, "is missing")
		case len(s) > mostName:
			return n, lacks(pointer+"/"+field.name, "has more than %d bytes", mostName)
		}
		*field.to = s
	}
	return n, nil
}

// jobType reads what kind of job it is, and how it emits.
func (r *reader) jobType(e *Event, f fields) {
	if f == nil {
		return
	}
	if word, ok := f.text("processingType"); ok && word != "" {
		e.Typed = true
		e.Streams = strings.EqualFold(word, "STREAMING") || strings.EqualFold(word, "SERVICE")
	}
	if word, ok := f.text("integration"); ok {
		e.Integration = word1(word)
		r.spark = strings.EqualFold(e.Integration, "SPARK")
	}
	pattern := f.within("emissionPattern")
	if mode, _ := pattern.text("eventContentMode"); strings.EqualFold(mode, "COMPLETE_SNAPSHOT") {
		e.Snapshot = true
	}
	var seconds float64
	if pattern.has("windowDuration") && (json.Unmarshal([]byte(pattern["windowDuration"]), &seconds) != nil || !(seconds >= 1 && seconds <= 366*24*3600)) {
		r.flag("windowDuration is no number of seconds")
		return
	}
	e.Every = time.Duration(seconds) * time.Second
}

// word1 is a word as somebody says it of himself, no longer than a word.
func word1(s string) string {
	s = Clean(s)
	for i, c := range s {
		if c <= ' ' || c == utf8.RuneError || i >= 40 {
			return s[:i]
		}
	}
	return s
}

// datasets reads a list of them. One that has no name is left out, and flagged: the others are true all the same.
func (r *reader) datasets(top fields, list string) ([]Name, *ProblemError) {
	if !top.has(list) {
		return nil, nil
	}
	all, ok := elements(top[list])
	if !ok {
		r.flag(list + " is no list")
	}
	if len(all) > mostDatasets {
		return nil, lacks("/"+list, "names more than %d datasets", mostDatasets)
	}
	var out []Name
	for _, text := range all {
		out = r.add(out, members(text))
	}
	return once(out), nil
}

// add appends a dataset under the name that it is best known by.
func (r *reader) add(to []Name, f fields) []Name {
	n, p := r.name(f, "")
	if p != nil {
		r.flag("a dataset without a name")
		return to
	}
	return append(to, r.known(n, f.within("facets").within("symlinks")))
}

// known is a dataset's name as Kafka has it, where one of its other names is a topic's: a table over a topic is the
// topic.
func (r *reader) known(n Name, symlinks fields) Name {
	if IsKafka(n.Namespace) || symlinks == nil {
		return n
	}
	all, _ := elements(symlinks["identifiers"]) // none, or no list
	for _, text := range all {
		if other, p := r.name(members(text), ""); p == nil && IsKafka(other.Namespace) {
			if r.also == nil {
				r.also = map[Name]Name{}
			}
			r.also[n] = other
			return other
		}
	}
	return n
}

// IsKafka reports whether a namespace is that of a Kafka cluster's topics.
func IsKafka(namespace string) bool { return strings.HasPrefix(strings.ToLower(namespace), "kafka://") }

func once(names []Name) []Name {
	seen := make(map[Name]bool, len(names))
	return slices.DeleteFunc(names, func(n Name) bool {
		was := seen[n]
		seen[n] = true
		return was
	})
}
