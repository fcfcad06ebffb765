package export

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/internal/span"
	"github.com/lineaged/lineaged/lineage"
)

// The bounds of the API's lineage, and what it takes where nothing is said.
const (
	mostDepth, usualDepth = 15, 3
	mostNodes, usualNodes = 1000, 300
	mostRoots             = 50
	// mostRoot is the longest name of a root in bytes: an id of two names of 249 characters, all of them encoded.
	mostRoot = 4096
)

// question is what a document of a lineage is asked to be of.
type question struct {
	roots     []string // ids or names; none: everything that moved
	direction graph.Direction
	depth     int
	span      answer.Span
	only      answer.Filter
	limit     int
	form      form
	theme     string // of a picture: light, dark, or empty for the reader's own
}

// usageQuestion is what a usage report is asked to be of.
type usageQuestion struct {
	topic string
	span  answer.Span
	form  form
}

// reader reads parameters and keeps what is wrong with the first that is.
type reader struct {
	values url.Values
	asked  []string // the names that mean something
	err    error
}

func (r *reader) fail(key, value, format string, args ...any) {
	if r.err == nil {
		r.err = senseless("%s: %s %s", key, quote(value), fmt.Sprintf(format, args...))
	}
}

// one returns a parameter that is given once at most; ok is false where it is not.
func (r *reader) one(key string) (value string, ok bool) {
	r.asked = append(r.asked, key)
	all := r.values[key]
	if len(all) > 1 {
		r.fail(key, all[1], "is a second value; give one")
	}
	if len(all) == 0 {
		return "", false
	}
	return all[0], true
}

// done says what is wrong, with a parameter that means nothing too: a misspelt one must not pass for one that holds.
func (r *reader) done() error {
	for _, key := range slices.Sorted(keysOf(r.values)) {
		if !slices.Contains(r.asked, key) {
			r.fail(clip(key), r.values.Get(key), "is of a parameter that is not known; there are %s", strings.Join(r.asked, ", "))
		}
	}
	return r.err
}

func keysOf(v url.Values) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range v {
			if !yield(k) {
				return
			}
		}
	}
}

func (r *reader) lineage() question {
	q := question{
		direction: r.direction(), depth: r.number("depth", 0, mostDepth, usualDepth), limit: r.number("limit", 1, mostNodes, usualNodes),
		span: r.span(), form: r.form(lineageForms), theme: r.theme(),
		only: answer.Filter{Evidence: r.evidence(), IncludeInactive: r.flag("includeInactive", len(r.values["root"]) > 0), IncludeInternal: r.flag("includeInternal", false)},
	}
	r.asked = append(r.asked, "root")
	q.roots = r.values["root"]
	if len(q.roots) > mostRoots {
		r.fail("root", q.roots[mostRoots], "is one too many; at most %d", mostRoots)
	}
	for _, root := range q.roots {
		if root == "" || len(root) > mostRoot {
			r.fail("root", root, "is no node: give an id such as topic:west/orders, or a name")
		}
	}
	if len(q.roots) == 0 { // everything that moved: that has no distance and no sides
		for _, key := range []string{"direction", "depth", "evidence"} {
			if r.values.Has(key) {
				r.fail(key, r.values.Get(key), "needs a root: without one everything that moved is exported")
			}
		}
	}
	if _, ok := r.values["theme"]; ok && q.form != svgForm {
		r.fail("theme", q.theme, "is for format svg only")
	}
	return q
}

func (r *reader) usage() usageQuestion {
	q := usageQuestion{span: r.span(), form: r.form(usageForms)}
	topic, ok := r.one("topic")
	if !ok || topic == "" || len(topic) > mostRoot {
		r.fail("topic", topic, "is no topic: give an id such as topic:west/orders, or a name")
	}
	q.topic = topic
	return q
}

func (r *reader) form(forms []form) form {
	text, _ := r.one("format")
	for _, f := range forms {
		if f.name == text {
			return f
		}
	}
	r.fail("format", text, "is none of %s", strings.Join(namesOf(forms), ", "))
	return form{}
}

func (r *reader) theme() string {
	text, ok := r.one("theme")
	if ok && text != "light" && text != "dark" {
		r.fail("theme", text, "is none of light, dark")
	}
	return text
}

var directions = map[string]graph.Direction{"UPSTREAM": graph.Upstream, "DOWNSTREAM": graph.Downstream, "BOTH": graph.Both}

func directionWord(d graph.Direction) string {
	return [...]string{graph.Upstream: "UPSTREAM", graph.Downstream: "DOWNSTREAM", graph.Both: "BOTH"}[d]
}

func (r *reader) direction() graph.Direction {
	text, ok := r.one("direction")
	if !ok {
		return graph.Both
	}
	d, ok := directions[strings.ToUpper(text)]
	if !ok {
		r.fail("direction", text, "is none of UPSTREAM, DOWNSTREAM, BOTH")
	}
	return d
}

func (r *reader) number(key string, least, most, usual int) int {
	text, ok := r.one(key)
	if !ok {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		r.fail(key, text, "is no whole number of %d to %d", least, most)
	}
	return n
}

func (r *reader) flag(key string, usual bool) bool {
	switch text, ok := r.one(key); {
	case !ok:
		return usual
	case text == "true":
		return true
	case text != "false":
		r.fail(key, text, "is neither true nor false")
	}
	return false
}

// evidence reads kinds, in one or several parameters, separated by commas.
func (r *reader) evidence() (out []lineage.EvidenceKind) {
	r.asked = append(r.asked, "evidence")
	for _, list := range r.values["evidence"] {
		for name := range strings.SplitSeq(list, ",") {
			kind := lineage.NoEvidence
			for k := lineage.NoEvidence + 1; k < lineage.EvidenceKinds; k++ {
				if k.String() == strings.ToUpper(name) {
					kind = k
				}
			}
			if kind == lineage.NoEvidence {
				r.fail("evidence", name, "is no kind of evidence; one is e.g. GROUP_OFFSETS")
			}
			if !slices.Contains(out, kind) {
				out = append(out, kind)
			}
		}
	}
	return out
}

// span reads the window: one of last, or start with end, or at; none of them: the last ten minutes.
func (r *reader) span() answer.Span {
	last, hasLast := r.one("last")
	at, hasAt := r.one("at")
	start, hasStart := r.one("start")
	end, hasEnd := r.one("end")
	switch {
	case hasLast && hasAt, hasAt && (hasStart || hasEnd):
		r.fail("at", at, "stands beside another window: give one of last, or start with end, or at")
	case hasLast && (hasStart || hasEnd):
		r.fail("last", last, "stands beside another window: give one of last, or start with end, or at")
	case hasStart && !hasEnd:
		r.fail("start", start, "has no end: give both")
	case hasEnd && !hasStart:
		r.fail("end", end, "has no start: give both")
	case hasLast:
		return answer.Last(r.duration("last", last))
	case hasAt:
		return answer.At(r.instant("at", at))
	case hasStart:
		from, to := r.instant("start", start), r.instant("end", end)
		if r.err == nil && !from.Before(to) {
			r.fail("start", start, "is not before end: %s", quote(end))
		}
		return answer.Between(from, to)
	}
	return answer.Span{}
}

// instant reads RFC 3339 with an offset, of the years in which something can have been observed.
func (r *reader) instant(key, text string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		r.fail(key, text, "is no instant; one is RFC 3339 with an offset, e.g. 2026-11-22T20:00:00Z")
		return time.Time{}
	}
	if t = t.UTC(); t.Year() < 1970 || t.Year() > 2199 {
		r.fail(key, text, "lies outside the years 1970 to 2199")
	}
	return t
}

func (r *reader) duration(key, text string) time.Duration {
	d, err := span.Parse(text)
	if err != nil || d <= 0 {
		r.fail(key, text, "is no duration; one is e.g. 30s, 10m, 1h30m or 7d")
	}
	return d
}

// clip cuts what an asker sent: a sentence is not the place to send a megabyte back.
func clip(s string) string {
	const most = 100
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

func quote(s string) string { return strconv.Quote(clip(s)) }
