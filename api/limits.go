package api

import (
	"cmp"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
)

// Limits bound what one request may cost. They are checked in the order below, each before any resolver runs. Zero
// stands for the default.
type Limits struct {
	Body   int64 // bytes of the HTTP body; 1 MiB
	Tokens int   // of the document; 15,000, the limit of graphql-java
	Depth  int   // nested fields, fragments spread; 15
	// of one operation, fragments spread; a field repeated under one name counts like an alias; 30
	Aliases    int
	Directives int // of the document; 30
	// of one operation, fragments spread; 2,000, since validation compares all pairs that share a name
	Fields int
	// the cost of the answer if all lists were full; 300,000: a graph of 1,000 nodes with all that the UI shows
	Complexity int
	Concurrent int           // requests executed at once, by one asker half of them; 32
	Time       time.Duration // of one request, once its body is here; 10 s
	Answer     int64         // bytes of one answer; 64 MiB
	// bytes of bodies that are being sent and answers that are being fetched, all together, of one asker half of them;
	// 256 MiB
	Memory int64
	Live   LiveLimits // of those who subscribe
}

func (l Limits) orDefaults() Limits {
	return Limits{
		Body:       cmp.Or(l.Body, 1<<20),
		Tokens:     cmp.Or(l.Tokens, 15_000),
		Depth:      cmp.Or(l.Depth, 15),
		Aliases:    cmp.Or(l.Aliases, 30),
		Directives: cmp.Or(l.Directives, 30),
		Fields:     cmp.Or(l.Fields, 2000),
		Complexity: cmp.Or(l.Complexity, 300_000),
		Concurrent: cmp.Or(l.Concurrent, 32),
		Time:       cmp.Or(l.Time, 10*time.Second),
		Answer:     cmp.Or(l.Answer, 64<<20),
		Memory:     cmp.Or(l.Memory, 256<<20),
		Live:       l.Live.orDefaults(),
	}
}

// weight is what a selection amounts to when its fragments are spread.
type weight struct {
	depth, fields, aliases int
}

// weigher weighs a document that was parsed but not validated: validation compares fields pairwise, and so must not see
// a document that is too large. Each fragment is weighed once, so the work is linear even where the spread document
// would be exponential.
type weigher struct {
	fragments  ast.FragmentDefinitionList
	done       map[string]weight
	open       map[string]bool // being weighed: met again, it is a cycle
	directives int
	cycle      string
	longest    int // bytes of a field's alias
}

// mostName is the longest alias that is answered, in bytes: it stands in the answer as often as there are elements.
const mostName = 256

// checkDocument parses a document and refuses it when it is too large or too deep, or when its fragments run in a
// circle.
func (l Limits) checkDocument(query string) *gqlerror.Error {
	// The limit counts the token that ends the document too.
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: query}, l.Tokens)
	if err != nil {
		return refused(codeParse, "%s", err.Error())
	}
	w := weigher{fragments: doc.Fragments, done: map[string]weight{}, open: map[string]bool{}}
	for _, f := range doc.Fragments {
		w.countDirectives(f.Directives)
		w.fragment(f.Name)
	}
	for _, op := range doc.Operations {
		w.countDirectives(op.Directives)
		for _, v := range op.VariableDefinitions {
			w.countDirectives(v.Directives)
		}
		total := w.selection(op.SelectionSet)
		switch {
		case w.cycle != "":
			return refused(codeValidation, "fragment %s spreads itself", quote(w.cycle))
		case total.depth > l.Depth:
			return refused(codeLimit, "the document is %d fields deep; at most %d are answered", total.depth, l.Depth)
		case total.aliases > l.Aliases:
			return refused(codeLimit, "the operation has %d aliases or repeated fields; at most %d are answered", total.aliases, l.Aliases)
		case total.fields > l.Fields:
			return refused(codeLimit, "the operation selects %d fields; at most %d are answered", total.fields, l.Fields)
		}
	}
	if w.longest > mostName {
		return refused(codeLimit, "the document has an alias of %d bytes; at most %d are answered", w.longest, mostName)
	}
	if w.directives > l.Directives {
		return refused(codeLimit, "the document has %d directives; at most %d are answered", w.directives, l.Directives)
	}
	return nil
}

func refused(code, format string, args ...any) *gqlerror.Error {
	err := gqlerror.Errorf(format, args...)
	err.Extensions = map[string]any{"code": code}
	return err
}

func (w *weigher) countDirectives(ds ast.DirectiveList) { w.directives += len(ds) }

func (w *weigher) selection(set ast.SelectionSet) (total weight) {
	names := map[string]bool{}
	for _, s := range set {
		var part weight
		switch s := s.(type) {
		case *ast.Field:
			w.countDirectives(s.Directives)
			part = w.selection(s.SelectionSet)
			part.depth++
			part.fields = add(part.fields, 1)
			if s.Alias != s.Name || names[s.Alias] {
				part.aliases = add(part.aliases, 1)
			}
			names[s.Alias] = true
			w.longest = max(w.longest, len(s.Alias))
		case *ast.InlineFragment:
			w.countDirectives(s.Directives)
			part = w.selection(s.SelectionSet)
		case *ast.FragmentSpread:
			w.countDirectives(s.Directives)
			part = w.fragment(s.Name)
			part.fields = add(part.fields, 1) // a spread of nothing is work too
		}
		total.depth = max(total.depth, part.depth)
		total.fields = add(total.fields, part.fields)
		total.aliases = add(total.aliases, part.aliases)
	}
	return total
}

// fragment weighs a fragment. An unknown one weighs nothing here: validation names it.
func (w *weigher) fragment(name string) weight {
	if got, ok := w.done[name]; ok {
		return got
	}
	if w.open[name] {
		w.cycle = name
		return weight{}
	}
	f := w.fragments.ForName(name)
	if f == nil {
		return weight{}
	}
	w.open[name] = true
	got := w.selection(f.SelectionSet)
	delete(w.open, name)
	w.done[name] = got
	return got
}

// most is where counts stop growing: fragments that spread each other double them.
const most = 1 << 30

func add(a, b int) int { return min(a+b, most) }
