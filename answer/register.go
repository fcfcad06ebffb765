package answer

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
)

// mostPlaces is how many places of a row of a register are listed; how many there are is said.
const mostPlaces = 20

// Register is who handles data of a tag, from where and to where. What it is made of is a usage report of the tag.
type Register struct {
	*UsageReport

	Tag    string
	Rows   []RegisterRow // by topic, its sources first
	Topics []RegisteredTopic
}

// RegisteredTopic is a topic that bears the tag, or to which it comes: then it has a way.
type RegisteredTopic struct {
	Topic              Party
	Environment        string
	Retention, Cleanup string // as set on the topic; empty: the brokers' default, or not known
	// Used: somebody moved data through it, or may have. nil: not known, as of one to which the tag only comes in the
	// time that the ledger speaks of.
	Used *bool
}

// Derived reports whether the tag only comes to the topic of a row.
func (r *RegisterRow) Derived() bool { return r.Use.Topic.Way != nil }

// RegisterRow is one who brings data into a topic of the tag, or takes it out.
type RegisterRow struct {
	Use         TopicUse
	Environment string // of the topic
	// Places are where it may have it from, or may take it, the first of Count.
	Places   []RegisterPlace
	Count    int
	Crossing bool // one of all places is in another cluster or environment
}

// RegisterPlace is a topic or a dataset that the one of a row reads or writes besides.
type RegisterPlace struct {
	Node     Party
	Active   *bool // nil: it is not known whether anything moved
	Tagged   bool
	Crossing *bool // nil: it is outside Kafka
	Evidence []lineage.EvidenceKind
}

// Register answers who handles data of a tag; bearersOnly leaves out topics to which it only comes.
func (a *Answers) Register(ctx context.Context, in Span, tag string, source UsageSource, bearersOnly bool) (*Register, error) {
	report, err := a.UsageReport(ctx, in, UsageQuestion{Scope: UsageScope{TagScope, tag}, Source: source, BearersOnly: bearersOnly})
	if err != nil {
		return nil, err
	}
	r := &Register{UsageReport: report, Tag: tag}
	places, err := r.places(ctx)
	if err != nil {
		return nil, err
	}
	used := map[string]Party{}
	for i := range report.Uses {
		u := report.Uses[i]
		if !report.Scope.has(&u.Topic) {
			continue // who uses it bears the tag, and the topic has nothing of it
		}
		used[u.Topic.ID] = u.Topic
		r.Rows = append(r.Rows, r.row(u, places[u.key()]))
	}
	r.listTopics(used)
	return r, nil
}

// row puts the places of a use in order.
func (r *Register) row(u TopicUse, places map[string]*RegisterPlace) RegisterRow {
	row := RegisterRow{Use: u, Environment: r.environment(u.Topic.Scope), Count: len(places)}
	for _, id := range slices.Sorted(maps.Keys(places)) {
		p := places[id]
		if p.Node.Kind == lineage.TopicNode {
			p.Crossing = new(p.Node.Scope != u.Topic.Scope || r.environment(p.Node.Scope) != row.Environment)
			row.Crossing = row.Crossing || *p.Crossing
		}
		p.Tagged = r.Scope.Bears(&p.Node)
		slices.Sort(p.Evidence)
		if len(row.Places) < mostPlaces {
			row.Places = append(row.Places, *p)
		}
	}
	return row
}

// environment returns that of a cluster by its name; of one that is not watched any more its name.
func (r *Register) environment(cluster string) string {
	for _, c := range r.View.clusters.all {
		if c.known.Name == cluster {
			return c.known.Environment
		}
	}
	return cluster
}

// listTopics lists the topics that bear the tag: those of the window's end, and those that were used.
func (r *Register) listTopics(used map[string]Party) {
	all := maps.Clone(used)
	for _, t := range r.UsageReport.Topics {
		all[t.ID] = t
	}
	for _, id := range slices.Sorted(maps.Keys(all)) {
		t := RegisteredTopic{Topic: all[id], Environment: r.environment(all[id].Scope)}
		if _, is := used[id]; is || all[id].Way == nil || !r.unasked() {
			t.Used = &is
		}
		if n, err := lineage.ParseNodeID(id); err == nil {
			if is := r.View.topics[n]; is != nil && is.fact != nil {
				for _, c := range is.fact.Configs {
					switch c.Name {
					case "retention.ms":
						t.Retention = c.Value
					case "cleanup.policy":
						t.Cleanup = c.Value
					}
				}
			}
		}
		r.Topics = append(r.Topics, t)
	}
}

// placesOf are the places of uses, by what they are of.
type placesOf map[useKey]map[string]*RegisterPlace

func (p placesOf) add(k useKey, place RegisterPlace) {
	if p[k] == nil {
		p[k] = map[string]*RegisterPlace{}
	}
	is := p[k][place.Node.ID]
	if is == nil {
		p[k][place.Node.ID] = &place
		return
	}
	if is.Active == nil {
		is.Active = place.Active
	}
	for _, e := range place.Evidence {
		if !slices.Contains(is.Evidence, e) {
			is.Evidence = append(is.Evidence, e)
		}
	}
}

// places finds what those read and write besides who use topics of the tag.
func (r *Register) places(ctx context.Context) (placesOf, error) {
	out := placesOf{}
	for i := range r.Parts {
		var err error
		switch p := &r.Parts[i]; p.Source {
		case Held:
			err = r.heldPlaces(ctx, p, out)
		case Sealed:
			err = r.saidPlaces(ctx, p, out)
		default:
		}
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// heldPlaces goes by the ways through who uses a topic: of a mover only those that its topic goes.
func (r *Register) heldPlaces(ctx context.Context, p *UsagePart, out placesOf) error {
	v, err := r.viewOf(ctx, p)
	if err != nil {
		return err
	}
	reader := r.reader(v)
	gone := leaving(ctx)
	for i := range r.Uses {
		if gone() {
			return ctx.Err()
		}
		u := &r.Uses[i]
		topic, errTopic := lineage.ParseNodeID(u.Topic.ID)
		node, errNode := lineage.ParseNodeID(u.Node.ID)
		end := v.ends[node]
		if !u.Held || !r.Scope.has(&u.Topic) || errTopic != nil || errNode != nil || end == nil {
			continue
		}
		own, other := end.reads, end.writes
		if u.Write {
			own, other = other, own
		}
		lanes := map[string]bool{}
		for _, a := range own {
			if x := &v.accesses[a]; x.far == topic {
				for _, l := range v.lanes(x) {
					lanes[l] = true
				}
			}
		}
		for _, a := range other {
			x := &v.accesses[a]
			if x.far == topic || x.state == graph.Inactive && !x.inWindow || !slices.ContainsFunc(v.lanes(x), func(l string) bool { return lanes[l] }) {
				continue
			}
			out.add(u.key(), v.placeOf(reader, x))
		}
	}
	return nil
}

// placeOf is what an access reads or writes.
func (v *View) placeOf(reader *usageReader, x *access) RegisterPlace {
	place := RegisterPlace{Node: reader.party(x.far)}
	if x.state == graph.Active {
		place.Active = new(true)
	}
	seen := v.held.Rows.Seen[x.row] | v.held.Rows.SeenBefore[x.row]
	for k := lineage.NoEvidence + 1; k < lineage.EvidenceKinds; k++ {
		if seen.Has(k) {
			place.Evidence = append(place.Evidence, k)
		}
	}
	return place
}

// saidPlaces goes by what the ledger says of who uses topics of the tag. Which way through a mover that goes, and what
// is outside Kafka, it does not say.
func (r *Register) saidPlaces(ctx context.Context, p *UsagePart, out placesOf) error {
	also := map[string]bool{}
	of := map[string][]useKey{}
	for i := range r.Uses {
		if u := &r.Uses[i]; u.Sealed && r.Scope.Bears(&u.Topic) {
			also[u.Node.ID] = true
			of[u.Node.ID] = append(of[u.Node.ID], u.key())
		}
	}
	if len(also) == 0 {
		return nil
	}
	err := r.View.a.ledger().Said(ctx, p.Window, Wanted{Scope: r.Scope, Also: also}, func(s *SaidPeriod) error {
		for i := range s.Uses {
			u := &s.Uses[i].TopicUse
			for _, k := range of[u.Node.ID] {
				if k.read != u.Write || k.topic == u.Topic.ID {
					continue
				}
				place := RegisterPlace{Node: u.Topic, Active: u.Active}
				for _, e := range u.Evidence {
					place.Evidence = append(place.Evidence, e.Kind)
				}
				out.add(k, place)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the ledger: %w", err)
	}
	return nil
}

// CrossingRows is how many rows carry data into another cluster or environment, or from one: of topics that bear the
// tag, and of those to which it only comes.
func (r *Register) CrossingRows() (borne, derived int) {
	for i := range r.Rows {
		switch row := &r.Rows[i]; {
		case !row.Crossing:
		case row.Derived():
			derived++
		default:
			borne++
		}
	}
	return borne, derived
}

// DerivedTopics is to how many of the topics the tag only comes.
func (r *Register) DerivedTopics() (n int) {
	for i := range r.Topics {
		if r.Topics[i].Topic.Way != nil {
			n++
		}
	}
	return n
}

// Doubts says in sentences what a register does not show.
func (r *Register) Doubts() []string {
	out := r.UsageReport.Doubts()
	out = append(out, "what a program does with what it reads is not seen: it may take it to any of its places, or to some that are no Kafka topic")
	if slices.ContainsFunc(r.Parts, func(p UsagePart) bool { return p.Source == Sealed }) {
		out = append(out, "the ledger does not say what is outside Kafka, nor which way through a connector or a replicator data goes: of the time that it speaks of the places are all topics that these used")
	}
	return out
}
