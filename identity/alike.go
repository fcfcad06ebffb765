package identity

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/lineage"
)

// roles are the words that people add to an application's name to tell its sides apart, or to say that it is one.
var roles = map[string]bool{
	"producer": true, "producers": true, "writer": true, "publisher": true, "pub": true, "sender": true, "tx": true, "txn": true,
	"consumer": true, "consumers": true, "reader": true, "subscriber": true, "sub": true, "listener": true, "group": true, "grp": true, "cg": true, "g": true,
	"app": true, "application": true, "service": true, "svc": true, "client": true, "kafka": true,
}

// Alike returns the pairs of applications of one environment that look like one: the one only reads, the other only
// writes, and their names are the same but for spelling and roles. Names of which nothing else is left, and those that
// name nobody, look like no other. A name that more than two bear is nobody's in particular: none of them is a pair.
func (r *Resolver) Alike(all []lineage.Usage) []lineage.Alike {
	type key struct{ scope, name string }
	like := map[key][]lineage.Usage{}
	for _, u := range all {
		if name := essence(u.Node.Name); u.Node.Kind == lineage.ApplicationNode && name != "" && !isNobody(u.Node.Name) && !isPlaceholder(u.Node.Name) {
			k := key{u.Node.Scope, name}
			like[k] = append(like[k], u)
		}
	}
	keys := slices.SortedFunc(maps.Keys(like), func(a, b key) int { return cmp.Or(strings.Compare(a.scope, b.scope), strings.Compare(a.name, b.name)) })
	var out []lineage.Alike
	for _, k := range keys {
		us := like[k]
		if len(us) != 2 {
			continue
		}
		a, b := us[0], us[1]
		if !a.Reads {
			a, b = b, a
		}
		if !a.Reads || a.Writes || b.Reads || !b.Writes {
			continue
		}
		rule := joiningRule(k.name, a, b)
		if rule == "" {
			continue
		}
		out = append(out, lineage.Alike{
			A: a.Node, B: b.Node, Rule: rule,
			Reason: fmt.Sprintf("%s only reads, %s only writes, and both names say %s", a.Node.Name, b.Node.Name, k.name),
		})
	}
	return out
}

var separators = regexp.MustCompile(`[-_.:@#/ ]+`)

// essence is a name in lower case without roles, its words joined by a hyphen.
func essence(name string) string {
	words := separators.Split(strings.ToLower(name), -1)
	words = slices.DeleteFunc(words, func(w string) bool { return w == "" || roles[w] })
	return strings.Join(words, "-")
}

// joiningRule is the part of a configuration that gives both nodes one name; empty when no pattern could tell their
// clients.
func joiningRule(name string, usages ...lineage.Usage) string {
	var b strings.Builder
	b.WriteString("applications:\n")
	for _, u := range usages {
		field, values := "group", u.Groups
		if len(values) == 0 {
			field, values = "transactional_id", u.Transactionals
		}
		if len(values) == 0 {
			field, values = "client_id", u.ClientIDs
		}
		if len(values) == 0 {
			return ""
		}
		patterns := map[string]bool{}
		for _, v := range values {
			base := instanceless(v, "")
			if field == "group" {
				base, _ = groupName(v)
			}
			pattern := regexp.QuoteMeta(v)
			if base != "" && strings.HasPrefix(v, base) && base != v { // the instances and runs to come as well
				pattern = regexp.QuoteMeta(base) + "[-_.:@#/].*"
			}
			patterns[pattern] = true
		}
		match := strings.Join(slices.Sorted(maps.Keys(patterns)), "|")
		if len(patterns) > 1 {
			match = "(?:" + match + ")"
		}
		fmt.Fprintf(&b, "  - match: {%s: '%s'}\n    name: '%s'\n", field, strings.ReplaceAll("^"+match+"$", "'", "''"), strings.ReplaceAll(strings.ReplaceAll(name, "$", ""), "'", "''"))
	}
	return b.String()
}
