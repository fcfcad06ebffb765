package export

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// mostSearched is how many characters of a text are searched for, as in the API.
const mostSearched = 256

// List is a list of nodes that is asked for, as the catalog's page shows it.
type List struct {
	answer.Search

	Span answer.Span
	Form string // one of those that were offered, or empty
	// Narrowed: somebody asked for some of the nodes, or of a window of some length.
	Narrowed bool
}

// ListOf reads which list of nodes is asked for: format, the window, and text, kind, cluster, owner, tag, derived,
// state and includeInternal, which narrow it. What its asker may read of an error is an answer.RefusedError, and names
// the parameter and its value.
func ListOf(params url.Values, forms ...string) (*List, error) {
	r := &reader{values: params}
	l := &List{Span: r.span()}
	format, given := r.one("format")
	if l.Form = format; given && !slices.Contains(forms, format) {
		r.fail("format", format, "is none of %s", strings.Join(forms, ", "))
	}
	l.Text, l.HasText = r.one("text")
	if utf8.RuneCountInString(l.Text) > mostSearched {
		r.fail("text", l.Text, "is longer than the %d characters that are searched for", mostSearched)
	}
	some := func(key string) *string {
		text, ok := r.one(key)
		if ok && text == "" {
			r.fail(key, text, "is nothing")
		}
		if !ok {
			return nil
		}
		return &text
	}
	l.Cluster, l.Owner, l.Tag = some("cluster"), some("owner"), some("tag")
	l.Derived, l.IncludeInternal = r.flag("derived", false), r.flag("includeInternal", false)
	if l.Derived && l.Tag == nil {
		r.fail("derived", "true", "needs a tag")
	}
	l.Kinds, l.States = r.kindsOfNodes(), r.states()
	for key := range params {
		l.Narrowed = l.Narrowed || key != "format" && key != "at"
	}
	return l, r.done()
}

// each yields the values of a parameter that is given once or more, each of one or more words between commas.
func (r *reader) each(key string) []string {
	r.asked = append(r.asked, key)
	var out []string
	for _, list := range r.values[key] {
		for word := range strings.SplitSeq(list, ",") {
			out = append(out, strings.ToUpper(word))
		}
	}
	return out
}

func (r *reader) kindsOfNodes() (out []lineage.NodeKind) {
	named := map[string]lineage.NodeKind{}
	for k := range kindWords {
		if k != lineage.GroupNode {
			named[k.String()] = k
		}
	}
	for _, word := range r.each("kind") {
		k, ok := named[word]
		if !ok {
			r.fail("kind", word, "is none of %s", strings.Join(slices.Sorted(maps.Keys(named)), ", "))
		}
		out = append(out, k)
	}
	return out
}

// stateNotKnown asks for nodes of which it is not known how a flow goes, where the API has null.
const stateNotKnown = "NOT_KNOWN"

func (r *reader) states() (out []answer.FlowState) {
	named := map[string]answer.FlowState{stateNotKnown: answer.NoState}
	for s, word := range goingWords {
		named[word] = s
	}
	for _, word := range r.each("state") {
		s, ok := named[word]
		if !ok {
			r.fail("state", word, "is none of %s", strings.Join(slices.Sorted(maps.Keys(named)), ", "))
		}
		out = append(out, s)
	}
	return out
}

// GoingWord is how a state of a flow is spelled in a file.
func GoingWord(s answer.FlowState) string {
	if s == answer.NoState {
		return stateNotKnown
	}
	return goingWords[s]
}

// Head says in lines of text of what time a list is, what was asked for, and what was not observed.
func (l *List) Head(v *answer.View, nodes int) []string {
	c := coverageOf(v, nil)
	var asked []string
	put := func(key, value string) { asked = append(asked, key+" "+quote(value)) }
	if l.HasText && l.Text != "" {
		put("text", l.Text)
	}
	for _, k := range l.Kinds {
		put("kind", k.String())
	}
	for _, x := range []struct {
		key   string
		value *string
	}{{"cluster", l.Cluster}, {"owner", l.Owner}, {"tag", l.Tag}} {
		if x.value != nil {
			put(x.key, *x.value)
		}
	}
	if l.Derived {
		asked = append(asked, "also where the tag comes along flows")
	}
	for _, s := range l.States {
		put("state", GoingWord(s))
	}
	if !l.IncludeInternal {
		asked = append(asked, "without internal topics")
	}
	w := windowOf(v.Window())
	lines := []string{"nodes: " + strconv.Itoa(nodes) + " of those asked for", "asked: " + strings.Join(asked, ", "), w.line()}
	lines = append(lines, c.lines(len(c.Gaps), len(c.BlindSpots))...)
	for i := range lines {
		lines[i] = uncut(lines[i])
	}
	return lines
}
