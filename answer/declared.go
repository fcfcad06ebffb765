package answer

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

const (
	// mostMatches bounds the topics that one declared pattern stands for, mostPairs the flows of all declarations: who
	// declares that everybody reads everything has declared nothing.
	mostMatches = 10_000
	mostPairs   = 200_000
)

// Declared is a declared flow in one cluster, or in none where that can't be told. It is no flow: see Pair.
type Declared struct {
	*lineage.DeclaredFlow
	ID string
	// Pairs are the flows that are meant, of a pattern one for each topic that it matches.
	Pairs []Pair
	// Unresolved says what can't be told of where it is, one sentence each.
	Unresolved []string
	// Observed reports whether any of the pairs moved in the window; false: none did; nil: that is not known. Why says
	// why it is not.
	Observed *bool
	Why      string
}

// DeclaredState is what is known of whether a declared flow was observed.
type DeclaredState uint8

// The states, as in the GraphQL enum DeclarationState.
const (
	DeclaredUnknown DeclaredState = iota + 1
	DeclaredObserved
	DeclaredNotObserved
)

// State returns what is known of it.
func (d *Declared) State() DeclaredState {
	switch {
	case d.Observed == nil:
		return DeclaredUnknown
	case *d.Observed:
		return DeclaredObserved
	}
	return DeclaredNotObserved
}

// Pair is a flow that is declared, whether or not it was ever seen.
type Pair struct {
	Flow     lineage.Flow
	Observed *bool
	Why      string // Observed is nil
}

// Names returns what people call the application and the topic, as they declared it.
func (d *Declared) Names() (application, topic string) {
	if d.Application != nil {
		return d.Application.Name, d.Topic.Text
	}
	application, topic = d.Flow.From.ID(), d.Flow.To.ID()
	if d.Flow.From.Kind == lineage.TopicNode {
		application, topic = topic, application
	}
	return application, topic
}

// Writes reports whether the application writes, else it reads.
func (d *Declared) Writes() bool {
	return d.Op == lineage.Write || d.Application == nil && d.Flow.To.Kind == lineage.TopicNode
}

// description is whose a node is declared to be.
type description struct {
	owner string
	tags  []string
}

// comparison is what is declared, held against what a view shows.
type comparison struct {
	all      []Declared
	expected map[lineage.Flow]bool
	about    map[lineage.Node]bool     // topics and applications that some declaration is about
	patterns map[lineage.Node][]*meant // by the application; also names that are too many to be compared
	pairs    int
	meant    int // patterns, each for each of its applications
}

// meant is what a declared pattern means, besides the topics that there are now.
type meant struct {
	*lineage.DeclaredFlow
	scope string // of the topics
}

// mostMeant is how many patterns of one application a flow is held against; with more of them it is taken to be
// declared.
const mostMeant = 500

// declares reports whether a flow is declared, be it by a pattern whose topics are not compared: those that are
// deleted, or more than can be.
func (c *comparison) declares(f lineage.Flow) bool {
	topic, other, op := f.To, f.From, lineage.Write
	if topic.Kind != lineage.TopicNode {
		topic, other, op = other, topic, lineage.Read
	}
	all := c.patterns[other]
	return c.expected[f] || len(all) > mostMeant || slices.ContainsFunc(all, func(m *meant) bool {
		switch {
		case m.Op != op || m.scope != topic.Scope:
			return false
		case m.Topic.Match == nil:
			return m.Topic.Text == topic.Name
		}
		return strings.HasPrefix(topic.Name, m.Topic.Prefix) && m.Topic.Match.MatchString(topic.Name)
	})
}

// compared is a comparison that is made at first need.
type compared struct {
	making sync.Once
	made   atomic.Pointer[comparison]
	// whose nodes are declared to be is asked for every node, and made by itself
	describing sync.Once
	said       map[lineage.Node]description
}

func (c *compared) weight() int64 {
	made := c.made.Load()
	if made == nil {
		return 0
	}
	return int64(made.pairs)*500 + int64(made.meant)*100 + int64(len(made.all))*400
}

func (v *View) comparison() *comparison {
	v.compared.making.Do(func() { v.compared.made.Store(newComparer(v).compare()) })
	return v.compared.made.Load()
}

// Declared returns what is declared of flows, in the order in which it was said.
func (v *View) Declared() []Declared { return slices.Clip(v.comparison().all) }

// DeclaredOf returns what is declared of a node, or, zero, of all, whose application, topic or file holds a text in
// any case.
func (v *View) DeclaredOf(n lineage.Node, text string) (out []Declared) {
	text = strings.ToLower(strings.TrimSpace(text))
	for _, d := range v.comparison().all {
		application, topic := d.Names()
		is := func(p Pair) bool { return p.Flow.From == n || p.Flow.To == n }
		if n.Kind != lineage.NoKind && !slices.ContainsFunc(d.Pairs, is) || !strings.Contains(strings.ToLower(application+"\n"+topic+"\n"+d.File), text) {
			continue
		}
		out = append(out, d)
	}
	return out
}

// DeclaredFiles returns the files that were asked for.
func (v *View) DeclaredFiles() []lineage.DeclaredFile {
	if v.declared == nil || v.lens != All { // a file's name, and what is wrong with it, may tell anything
		return nil
	}
	return slices.Clip(v.declared.Files)
}

// describe returns whose a node is: by what people edited, else by the rules, and where these leave it open by what is
// declared.
func (v *View) describe(n lineage.Node) (owner string, tags []string) {
	owner, tags = v.ruledOwner(n)
	if v.declared == nil || owner != "" && tags != nil {
		return v.edited(n, owner, tags)
	}
	said := v.declaredOf(n)
	if owner == "" {
		owner = said.owner
	}
	if tags == nil {
		tags = said.tags
	}
	return v.edited(n, owner, tags)
}

// declaredOf returns whose a node is declared to be.
func (v *View) declaredOf(n lineage.Node) description {
	v.compared.describing.Do(func() { v.compared.said = newComparer(v).descriptions() })
	return v.compared.said[n]
}

// Undeclared are flows that moved in a window and that nobody declared, and how many were left out.
type Undeclared struct {
	Flows []lineage.Flow // by their ids
	// Unidentified are those of writers that nothing names, who may be anybody; Outside those to and from datasets, and
	// Elsewhere those of topics and applications that no declaration is about.
	Unidentified, Outside, Elsewhere int
	// Unplaced are declarations of which it can't be told, or not of all, which flows they mean, and Wrong files that
	// are wrong as they are now: any of Flows may be declared by these. Both are 0 through a lens. Doubt says so in
	// words; empty: there are none.
	Unplaced, Wrong int
	Doubt           string
}

// doubt says why what is listed may be declared all the same.
func (v *View) doubt(out *Undeclared) {
	if v.declared == nil {
		return
	}
	if v.lens != All { // how many there are may tell of what is hidden
		out.Doubt = "declarations that can't be placed or read may mean one of these; whether there are any is not shown to who may not see all"
		return
	}
	for i := range v.comparison().all {
		if len(v.comparison().all[i].Unresolved) > 0 {
			out.Unplaced++
		}
	}
	for _, f := range v.declared.Files {
		if f.Problem != "" {
			out.Wrong++
		}
	}
	var why []string
	if out.Unplaced > 0 {
		why = append(why, fmt.Sprintf("of %d declarations it can't be told which flows they mean (see unresolved of declarations)", out.Unplaced))
	}
	if out.Wrong > 0 {
		why = append(why, fmt.Sprintf("%d files are wrong as they are now (see files of declarations)", out.Wrong))
	}
	if len(why) > 0 {
		out.Doubt = "any of these may be declared all the same: " + strings.Join(why, ", and ")
	}
}

// Undeclared returns the flows that moved in the window and that nobody declared, of what declarations are about or of
// all, of one cluster or, nil, of all. Internal topics are nobody's to declare.
func (v *View) Undeclared(of *Cluster, all bool) Undeclared {
	var out Undeclared
	c, seen := v.comparison(), map[lineage.Flow]bool{}
	for i := range v.accesses {
		x := &v.accesses[i]
		if x.state != graph.Active || seen[x.flow()] {
			continue
		}
		f, other := x.flow(), x.node
		seen[f] = true
		switch {
		case of != nil && x.Access.Topic.Cluster != of.known.ID, v.internal(x.far), c.declares(f):
		case x.far.Kind != lineage.TopicNode:
			out.Outside++
		case !all && !c.about[x.far] && !c.about[other]:
			out.Elsewhere++
		case other.Kind == lineage.UnidentifiedNode:
			out.Unidentified++
		default:
			out.Flows = append(out.Flows, f)
		}
	}
	slices.SortFunc(out.Flows, func(a, b lineage.Flow) int { return strings.Compare(a.ID(), b.ID()) })
	v.doubt(&out)
	return out
}
