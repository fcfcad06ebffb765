package identity

import (
	"iter"
	"regexp"
	"strings"

	"github.com/lineaged/lineaged/lineage"
)

// This file says what a group's id names, and what the groups that exist say about other ids.

// groupKind is what a group's id is.
type groupKind uint8

const (
	ownName     groupKind = iota // somebody chose it
	madeUp                       // for one run, one pod or one host: it names nobody
	placeholder                  // what manuals and frameworks write where nobody chose: it names nobody either
)

// Words for who decided, of groups that name nobody and whose members don't either.
const (
	byRun         = "group made for one run, which names nobody"
	byPlaceholder = "group id, which is a placeholder"
)

// anonymous is the application of all those in one environment of whom neither group nor client says more than that
// they are somebody.
const anonymous = "anonymous"

// whole matches ids that are nothing but what a machine made up.
var whole = regexp.MustCompile(`^(?:` + uuid + `|[0-9a-f]{12}|[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|01[0-9A-HJKMNP-TV-Z]{24})$`)

func isWhole(name string) bool {
	switch len(name) {
	case 12, 26, 32, 36, 40, 64:
		return whole.MatchString(name) && mixed(name)
	}
	return false
}

// placeholderWords are the words of which names consist that are nobody's.
var placeholderWords = map[string]bool{
	"my": true, "some": true, "the": true, "your": true, "test": true, "tests": true, "testing": true, "example": true, "sample": true, "demo": true, "dummy": true, "foo": true, "bar": true, "tmp": true, "temp": true,
	"default": true, "none": true, "null": true, "undefined": true, "unknown": true, "placeholder": true, "changeme": true, "main": true, "string": true,
	"group": true, "groups": true, "grp": true, "cg": true, "gid": true, "id": true, "groupid": true, "consumer": true, "consumers": true, "consumergroup": true, "client": true, "kafka": true,
	// BYTEWAX_IGNORED is what bytewax always says
	"app": true, "application": true, "service": true, "mygroup": true, "testgroup": true, "bytewax": true, "ignored": true,
}

// isPlaceholder reports whether a name consists of words that are nobody's. A number makes it somebody's: people number
// programs.
func isPlaceholder(name string) bool {
	for start := 0; start < len(name); {
		end := start + 1
		for end < len(name) && strings.IndexByte(wordEnds, name[end]) < 0 && (!isUpper(name[end]) || isUpper(name[end-1])) {
			end++
		}
		if word := strings.Trim(name[start:end], wordEnds); word != "" && !placeholderWords[strings.ToLower(word)] {
			return false
		}
		start = end
	}
	return strings.Trim(name, wordEnds) != ""
}

// wordEnds are what stands between the words of a name.
const wordEnds = "-_.:@#/ "

func isUpper(b byte) bool { return b >= 'A' && b <= 'Z' }

// groupName returns what a group's id names, without what was made for one run; empty when that is nobody.
func groupName(group string) (name string, kind groupKind) {
	name = group
	for !isWhole(name) {
		short := runless(name)
		if short == name {
			break
		}
		name = short
	}
	switch {
	case name == "" || isWhole(name) || strings.EqualFold(name, anonymous):
		return "", madeUp
	case strings.Trim(name, digits) == "": // other than of a client.id, all of it is a person's choice
	case isPlaceholder(name) || isNobody(name):
		if name != group {
			return "", madeUp
		}
		return "", placeholder
	}
	return name, ownName
}

// runless returns a group's id without one suffix that a machine made up, or a UUID in its midst, itself when it has
// none. A plain number stays, but behind such a suffix.
func runless(group string) string {
	c := cutOf(group)
	if !c.plain {
		return c.short
	}
	if rest := cutOf(c.short); c.short == "" || rest.plain || rest.within || rest.short == c.short {
		return withoutUUID(group)
	}
	return c.short
}

// groupNames are the names that the groups of an environment give. They tell how much of another id may be left away. A
// nil one knows none.
type groupNames struct {
	known    map[string]bool
	numbered map[string]map[string]bool // by what is before their last number: names of groups
}

func newGroupNames() *groupNames {
	return &groupNames{known: map[string]bool{}, numbered: map[string]map[string]bool{}}
}

func (g *groupNames) add(group string) {
	name, kind := groupName(group)
	if kind != ownName {
		return
	}
	g.known[group], g.known[name] = true, true
	if base, number := shorter(name, ""); number && base != "" {
		if g.numbered[base] == nil {
			g.numbered[base] = map[string]bool{}
		}
		g.numbered[base][name] = true
	}
}

func (g *groupNames) has(name string) bool { return g != nil && g.known[name] }

// apart reports whether numbers behind a name tell programs apart: there are groups that differ in nothing else, and
// none that bears it alone.
func (g *groupNames) apart(name string) bool {
	return g != nil && len(g.numbered[name]) > 1 && !g.known[name]
}

// withoutTx returns a transactional.id without a leading tx- or txn-, as people say what it is.
func withoutTx(id string) string {
	for _, p := range [...]string{"tx", "txn"} {
		if n := len(p); len(id) > n+1 && strings.EqualFold(id[:n], p) && strings.IndexByte("-_.", id[n]) >= 0 {
			return id[n+1:]
		}
	}
	return id
}

// base returns a client.id or a transactional.id without the suffixes that tell instances apart, host among them; empty
// when what is left is nobody's name. What leaves the name of a group is left away, and nothing that tells groups
// apart. A transactional.id loses a leading tx- too.
func (g *groupNames) base(name, host string, transactional bool) string {
	bare := func(name string) string { return name }
	if transactional {
		bare = withoutTx
	}
	for {
		switch {
		case isNobody(name) || isNobody(bare(name)):
			return ""
		case g.has(name):
			return name
		case g.has(bare(name)):
			return bare(name)
		}
		short, number := shorter(name, host)
		if short == "" {
			return ""
		}
		if short == name || number && (g.apart(short) || g.apart(bare(short))) {
			return bare(name)
		}
		name = short
	}
}

// Applications returns a function that says what the transactional.ids of one application's instances share, "" for
// what names nobody, as the groups that there are allow.
func Applications(groups iter.Seq[string]) func(transactionalID string) string {
	names := newGroupNames()
	for g := range groups {
		names.add(g)
	}
	return func(id string) string { return names.base(id, "", true) }
}

// own returns the name that a client's own ids give, and which of them; empty: none.
func (g *groupNames) own(c lineage.Client) (name, by string) {
	if name = g.base(c.TransactionalID, c.Host, true); name != "" {
		return name, "transactional.id"
	}
	if name = firstMatch(javaConsumer, "consumer-", one(c.ClientID)); name != "" && name != "null" {
		if name, _ = groupName(name); name != "" {
			return name, "Java default client.id"
		}
		return "", lineage.ByNothing
	}
	if name = g.base(c.ClientID, c.Host, false); name != "" {
		return name, "client.id"
	}
	return "", lineage.ByNothing
}

// called returns the one name that the client.ids of a group's members give; empty when they give none or several.
func (g *groupNames) called(group string, members []lineage.Member) string {
	found := ""
	for _, m := range members {
		id := m.ClientID
		if strings.HasPrefix(id, "consumer-"+group+"-") { // the Java client's default
			continue
		}
		if prog := firstMatch(kafkaGo, "kafka-go", one(id)); prog != "" {
			id = prog
		}
		name := g.base(id, m.Host, false)
		if name == "" || isPlaceholder(name) || isWhole(name) {
			continue
		}
		if found != "" && found != name {
			return ""
		}
		found = name
	}
	return found
}
