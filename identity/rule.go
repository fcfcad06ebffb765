package identity

import (
	"fmt"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"

	"github.com/lineaged/lineaged/lineage"
)

// field is one of the things that a rule looks at.
type field struct {
	key     string // as in the configuration
	pattern func(*Rule) *regexp.Regexp
	seen    func(*facts) []string // the values of which one must match
}

// fields stand in the order in which they are written and looked through for groups.
var fields = []field{
	{"client_id", func(r *Rule) *regexp.Regexp { return r.ClientID }, func(f *facts) []string { return f.clientIDs }},
	{"group", func(r *Rule) *regexp.Regexp { return r.Group }, func(f *facts) []string { return one(f.group) }},
	{"transactional_id", func(r *Rule) *regexp.Regexp { return r.TransactionalID }, func(f *facts) []string { return one(f.client.TransactionalID) }},
	{"principal", func(r *Rule) *regexp.Regexp { return r.Principal }, func(f *facts) []string { return one(f.client.Principal) }},
	{"unidentified", func(r *Rule) *regexp.Regexp { return r.Unidentified }, func(f *facts) []string { return one(f.unidentified) }},
}

func one(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// compiled is a rule ready to be applied.
type compiled struct {
	rule  Rule
	words string // e.g. "rule 2: client_id ^(shop-[a-z]+)-\d+$"
	parts []part
	names *regexp.Regexp // the names that the rule can give
}

// part is a piece of a rule's name: text, or a group of a field's pattern.
type part struct {
	text  string
	field int // in fields
	group int // 0: text
}

// RuleError says what is wrong with a rule.
type RuleError struct {
	List    string // "applications", "topics" or "nodes", as in the configuration
	Index   int    // in the list, from 0
	Key     string // of the rule, e.g. "name"
	Value   string // the bad value; empty: it is missing
	Problem string
}

// Error names the rule as the configuration does.
func (e *RuleError) Error() string {
	at := fmt.Sprintf("%s[%d].%s: ", e.List, e.Index, e.Key)
	if e.Value != "" {
		at += strconv.Quote(e.Value) + ": "
	}
	return at + e.Problem
}

func compile(number int, rule Rule) (compiled, error) {
	c := compiled{rule: rule}
	var words []string
	of := -1 // the field whose groups the name may use
	for i, f := range fields {
		if p := f.pattern(&rule); p != nil {
			words = append(words, f.key+" "+p.String())
			if of < 0 && p.NumSubexp() > 0 {
				of = i
			}
		}
	}
	if len(words) == 0 {
		return c, c.bad(number, "match", "", noPattern)
	}
	c.words = fmt.Sprintf("rule %d: %s", number, strings.Join(words, ", "))
	if rule.Unidentified != nil {
		c.words = lineage.ByDeclaration + c.words
	}
	if rule.Name == "" {
		return c, c.bad(number, "name", "", "is not set")
	}
	if n, err := lineage.ParseNodeID(rule.Name); err == nil && !mayWrite(n.Kind) {
		return c, c.bad(number, "name", rule.Name, "is the id of a node that neither writes nor reads: "+strings.ToLower(n.Kind.String()))
	}
	groups := 0
	if of >= 0 {
		groups = fields[of].pattern(&rule).NumSubexp()
	}
	var problem string
	if c.parts, problem = parseName(rule.Name, of, groups); problem != "" {
		return c, c.bad(number, "name", rule.Name, problem)
	}
	var err error
	if c.names, err = possibleNames(&rule, c.parts); err != nil {
		return c, c.bad(number, "name", rule.Name, err.Error())
	}
	return c, nil
}

const noPattern = "has no pattern"

func (c *compiled) bad(number int, key, value, problem string) error {
	return &RuleError{List: "applications", Index: number - 1, Key: key, Value: value, Problem: problem}
}

// reference matches each $ of a name with what belongs to it: another $, or the number of a group. One that has neither
// means nothing.
var reference = regexp.MustCompile(`\$(?:(\$)|(\d+)|\{(\d+)\})?`)

// parseName splits a name at its references to the groups of a field's pattern. It is not regexp.Expand, for which
// $1_x is a group called "1_x" and nothing is wrong. What is wrong comes back in words.
func parseName(name string, of, groups int) (out []part, problem string) {
	end := 0
	text := func(s string) {
		if n := len(out); n > 0 && out[n-1].group == 0 {
			out[n-1].text += s
		} else if s != "" {
			out = append(out, part{text: s})
		}
	}
	for _, m := range reference.FindAllStringSubmatchIndex(name, -1) {
		text(name[end:m[0]])
		end = m[1]
		at := func(group int) string { return name[max(m[2*group], 0):max(m[2*group+1], 0)] }
		if at(1) != "" {
			text("$")
			continue
		}
		number := at(2) + at(3)
		if number == "" {
			return nil, "a $ stands before neither a group's number, as in $1 and ${1}, nor another $, which makes it a plain one"
		}
		n, err := strconv.Atoi(number)
		if err != nil || n == 0 || n > groups {
			return nil, fmt.Sprintf("speaks of %s, and the first pattern of this rule with groups has %d", at(0), groups)
		}
		out = append(out, part{field: of, group: n})
	}
	text(name[end:])
	return out, ""
}

// apply returns the name that the rule gives; ok is false when it does not match or would give an empty one.
func (c *compiled) apply(f *facts) (name string, ok bool) {
	groups := make([][]string, len(fields))
	for i, fd := range fields {
		p := fd.pattern(&c.rule)
		if p == nil {
			continue
		}
		for _, v := range fd.seen(f) {
			if groups[i] = p.FindStringSubmatch(v); groups[i] != nil {
				break
			}
		}
		if groups[i] == nil {
			return "", false
		}
	}
	var b strings.Builder
	for _, p := range c.parts {
		if p.group == 0 {
			b.WriteString(p.text)
		} else {
			b.WriteString(groups[p.field][p.group])
		}
	}
	return b.String(), b.Len() > 0
}

// possibleNames returns a pattern of the names that a rule can give: its name with each reference replaced by what that
// group can match. Assertions inside a group are dropped, since they speak of the text around it.
func possibleNames(rule *Rule, parts []part) (*regexp.Regexp, error) {
	var b strings.Builder
	b.WriteString(`\A`)
	for _, p := range parts {
		if p.group == 0 {
			b.WriteString(regexp.QuoteMeta(p.text))
			continue
		}
		tree, err := syntax.Parse(fields[p.field].pattern(rule).String(), syntax.Perl)
		if err != nil {
			return nil, err
		}
		group := capture(tree, p.group)
		if group == nil {
			return nil, fmt.Errorf("no such group: $%d", p.group)
		}
		unassert(group)
		b.WriteString("(?:" + group.String() + ")")
	}
	b.WriteString(`\z`)
	return regexp.Compile(b.String())
}

// capture finds a group's own expression.
func capture(re *syntax.Regexp, group int) *syntax.Regexp {
	if re.Op == syntax.OpCapture && re.Cap == group {
		return re.Sub[0]
	}
	for _, sub := range re.Sub {
		if found := capture(sub, group); found != nil {
			return found
		}
	}
	return nil
}

func unassert(re *syntax.Regexp) {
	switch re.Op {
	case syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary:
		*re = syntax.Regexp{Op: syntax.OpEmptyMatch}
	default:
	}
	for _, sub := range re.Sub {
		unassert(sub)
	}
}
