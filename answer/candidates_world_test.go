package answer_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/identity"
	"github.com/lineaged/lineaged/lineage"
)

// guessRounds is how long a scripted world lasts: half an hour.
const guessRounds = 180

// program is somebody in a scripted world.
type program struct {
	name, principal, host string
	reads                 []int // source topics
	watched               bool  // its group's members are known
	downs                 []span
	// of is what it commits to have read of a topic, done what it really read.
	of, done map[int]*[guessRounds + 1]float64
}

// span is from a round to before another.
type span struct{ from, to int }

func (p *program) down(n int) bool {
	return slices.ContainsFunc(p.downs, func(s span) bool { return s.from <= n && n < s.to })
}

// life returns the number of its start that a round is in, and whether it is up.
func (p *program) life(n int) int {
	life := 0
	for _, s := range p.downs {
		if n >= s.to {
			life++
		}
	}
	return life
}

// script is a world whose truth is known: who writes the topic "out" without a name.
type script struct {
	*rand.Rand
	w        *world
	scenario string
	loads    [][guessRounds + 1]float64
	programs []*program
	truth    *program
	twin     *program // behaves as the truth does; nil: none
	output   [guessRounds + 1]float64
	declared *lineage.Declarations
	// knowable: somebody whom lineaged can know is the writer.
	knowable bool
	right    map[string]bool // names that are right
}

var plants = []string{"aster", "birch", "cedar", "dahlia", "elm", "fern", "gorse", "hazel", "iris", "juniper", "kale", "lilac", "maple", "nettle", "oak", "poplar", "quince", "rose"}

func (s *script) chance(p float64) bool { return s.Float64() < p }

// load is how a topic is written over time.
func (s *script) load() (out [guessRounds + 1]float64) {
	base := 50 + 400*s.Float64()
	phase := 0.3 * s.Float64()
	walk, on := 0.0, true
	kind := s.IntN(4)
	for n := range out {
		switch kind {
		case 0: // even
			out[n] = base * (1 + 0.02*s.NormFloat64())
		case 1: // a day's course, which all share
			out[n] = base * (1 + 0.5*math.Sin(2*math.Pi*float64(n)/120+phase) + 0.05*s.NormFloat64())
		case 2: // bursts
			walk = 0.8*walk + 0.4*s.NormFloat64()
			out[n] = base * math.Exp(walk)
		default: // batches
			if s.chance(0.06) {
				on = !on
			}
			out[n] = 0
			if on {
				out[n] = base * (1 + 0.1*s.NormFloat64())
			}
		}
		out[n] = max(0, out[n])
	}
	return out
}

// restart makes a program's times without life: some of its own, and those that all have.
func (s *script) restart(p *program, all []int) {
	var at []int
	for range s.IntN(4) {
		at = append(at, 8+s.IntN(guessRounds-20))
	}
	at = append(at, all...)
	slices.Sort(at)
	last := 0
	for _, n := range at {
		if n < last+6 {
			continue
		}
		last = n + 2 + s.IntN(5)
		p.downs = append(p.downs, span{n, last})
	}
}

// work makes what a program reads of what it could: what it misses while it is down or stalls, it makes up for after.
func (s *script) work(p *program, sources func(int) *[guessRounds + 1]float64) {
	p.of, p.done = map[int]*[guessRounds + 1]float64{}, map[int]*[guessRounds + 1]float64{}
	stalls := map[int]bool{}
	for n := 1; n <= guessRounds; n++ {
		if s.chance(0.01) {
			for i := range 1 + s.IntN(3) {
				stalls[n+i] = true
			}
		}
	}
	for _, topic := range p.reads {
		var read, done [guessRounds + 1]float64
		backlog, uncommitted := 0.0, 0.0
		for n := 1; n <= guessRounds; n++ {
			backlog += sources(topic)[n]
			if p.down(n) || stalls[n] {
				continue
			}
			done[n], backlog = backlog, 0
			uncommitted += done[n]
			read[n] = uncommitted * (1 - 0.4*s.Float64()) // the rest is committed with a later round
			uncommitted -= read[n]
		}
		p.of[topic], p.done[topic] = &read, &done
	}
}

func newScript(t testing.TB, seed uint64) *script {
	s := &script{Rand: rand.New(rand.NewPCG(seed, 10)), w: newWorld(t), right: map[string]bool{}}
	var shared []int // restarts of everybody, as with a broker's
	if s.chance(0.3) {
		shared = []int{20 + s.IntN(guessRounds-40)}
	}
	for range 2 + s.IntN(4) {
		s.loads = append(s.loads, s.load())
	}
	source := func(i int) *[guessRounds + 1]float64 { return &s.loads[i] }
	hosts := 1 + s.IntN(8)
	names := s.Perm(len(plants))
	for i := range 4 + s.IntN(11) {
		p := &program{name: plants[names[i]], host: fmt.Sprintf("10.0.0.%d", s.IntN(hosts)), watched: s.chance(0.8)}
		p.principal = "User:" + p.name
		if s.chance(0.3) {
			p.principal = fmt.Sprintf("User:svc-%d", s.IntN(6))
		}
		p.reads = s.Perm(len(s.loads))[:1+s.IntN(min(3, len(s.loads)))]
		s.restart(p, shared)
		s.work(p, source)
		s.programs = append(s.programs, p)
	}
	s.truth = s.programs[s.IntN(len(s.programs))]
	if s.chance(0.25) { // another that reads the same and is deployed with it
		s.twin = &program{name: "yarrow", principal: s.truth.principal, host: s.truth.host, watched: s.truth.watched, reads: s.truth.reads, downs: s.truth.downs}
		s.work(s.twin, source)
		s.programs = append(s.programs, s.twin)
	}
	s.write(shared)
	return s
}

// write decides who writes the topic, and how much.
func (s *script) write(shared []int) {
	s.knowable = true
	of := s.truth.done[s.truth.reads[s.IntN(len(s.truth.reads))]]
	ratio := 0.2 + 2*s.Float64()
	switch x := s.Float64(); {
	case x < 0.45:
		s.scenario = "transforms"
		late := s.IntN(2)
		for n := 1 + late; n <= guessRounds; n++ {
			s.output[n] = of[n-late] * ratio * (1 + 0.05*s.NormFloat64())
		}
	case x < 0.55:
		s.scenario = "writes evenly"
		for n := range s.output {
			if !s.truth.down(n) {
				s.output[n] = 100 * ratio
			}
		}
	case x < 0.70:
		s.scenario = "filters"
		walk := 0.0
		for n := range s.output {
			walk = 0.9*walk + 0.3*s.NormFloat64()
			s.output[n] = of[n] * 0.05 * math.Exp(walk)
		}
	default:
		s.scenario = "reads nothing"
		s.truth = &program{name: "zinnia", principal: "User:zinnia", host: fmt.Sprintf("10.0.0.%d", s.IntN(9))}
		if s.chance(0.5) {
			s.truth.principal = "User:svc-7"
		}
		s.restart(s.truth, shared)
		s.output = s.load()
		s.knowable = false
		for n := range s.output {
			if s.truth.down(n) {
				s.output[n] = 0
			}
		}
	}
	for n := range s.output {
		s.output[n] = max(0, s.output[n])
	}
	s.right[s.truth.name] = true
}

// run tells the world to the store, as collectors would.
func (s *script) run() {
	out, down := topic("out"), topic("down")
	var sources []lineage.Topic
	for i := range s.loads {
		sources = append(sources, topic(fmt.Sprintf("source-%d", i)))
	}
	idempotent, mixed, chain, hostsKnown, principalsKnown := s.chance(0.85), s.chance(0.15), s.chance(0.4), s.chance(0.25), s.chance(0.4)
	before := s.chance(0.08)
	other := s.load()
	acls := s.permissions(principalsKnown)
	if s.chance(0.2) {
		who := s.truth.name
		if s.chance(0.15) {
			who = s.programs[s.IntN(len(s.programs))].name
		}
		s.knowable = s.knowable || who == s.truth.name
		s.declared = writerDeclared(who)
	}
	if before {
		s.knowable = true
	}
	downstream := &program{name: "umbrella", watched: true, reads: []int{0}}
	s.restart(downstream, nil)
	s.work(downstream, func(int) *[guessRounds + 1]float64 { return &s.output })
	last := &program{name: "violet", watched: true, reads: []int{0}}
	s.restart(last, nil)
	s.work(last, func(int) *[guessRounds + 1]float64 { return downstream.of[0] })
	member := func(p *program, n int) lineage.Client {
		c := lineage.Client{Group: p.name, Member: fmt.Sprintf("%s-%d", p.name, p.life(n)), ClientID: p.name, Host: "/" + p.host}
		if principalsKnown {
			c.Principal = p.principal
		}
		return c
	}
	for n := 1; n <= guessRounds; n++ {
		ends := []filling{s.w.moved(self(out), lineage.NoEvidence, int64(s.output[n]))}
		groups := []filling{}
		if n == 1 {
			all := []lineage.Fact{clusterFact(5), topicFact(out), topicFact(down)}
			for _, x := range sources {
				all = append(all, topicFact(x))
			}
			ends = append(ends, facts(append(all, acls...)...))
		}
		for i, x := range sources {
			ends = append(ends, s.w.moved(self(x), lineage.NoEvidence, int64(s.loads[i][n])))
		}
		read := func(p *program, x lineage.Topic, of float64) {
			groups = append(groups, s.w.moved(reads(x, group(p.name)), lineage.GroupOffsets, int64(of)))
			if p.watched && !p.down(n) && n%3 == 0 {
				groups = append(groups, sighted(reads(x, member(p, n)), lineage.GroupMembership, ""))
			}
		}
		for _, p := range s.programs {
			for _, i := range p.reads {
				read(p, sources[i], p.of[i][n])
			}
		}
		read(downstream, out, downstream.of[0][n])
		if chain {
			c := producer(900)
			ends = append(ends, s.w.moved(self(down), lineage.NoEvidence, int64(downstream.of[0][n])), s.w.moved(writes(down, c), lineage.ProducerState, int64(downstream.of[0][n])))
			read(last, down, last.of[0][n])
		}
		switch c := producer(int64(100 + s.truth.life(n))); {
		case before && n < 25:
			ends = append(ends, s.w.moved(writes(out, lineage.Client{ClientID: s.truth.name}), lineage.Telemetry, int64(s.output[n])))
		case !idempotent:
			ends = append(ends, s.w.moved(writes(out, lineage.Client{Kind: lineage.Remainder}), lineage.EndOffsets, int64(s.output[n])))
		case s.output[n] >= 1:
			ends = append(ends, s.w.moved(writes(out, c), lineage.ProducerState, int64(s.output[n])))
			if hostsKnown {
				c.Host = "/" + s.truth.host
				ends = append(ends, func(o *lineage.Observation) {
					o.Samples = append(o.Samples, lineage.Sample{Subject: lineage.Access{Topic: lineage.Topic{Cluster: west}, Op: lineage.Write, Client: c}, Metric: lineage.Linked, Evidence: lineage.RequestLog, Value: 1})
				})
			}
		}
		if mixed {
			ends = append(ends, s.w.moved(writes(out, producer(800)), lineage.ProducerState, int64(other[n]/2)))
		}
		s.w.observe("west", "end-offsets", n, ends...)
		s.w.observe("west", "groups", n, groups...)
	}
}

// permissions are the cluster's entries, in half of the worlds.
func (s *script) permissions(known bool) []lineage.Fact {
	if s.chance(0.5) {
		return nil
	}
	f := &lineage.PermissionFact{Rules: []lineage.Permission{{Topic: "*", Principal: "User:ops", Host: "*", Operation: "ALL", Allowed: true}}}
	add := func(principal string) {
		x := lineage.Permission{Topic: "out", Principal: principal, Host: "*", Operation: "WRITE", Allowed: true}
		if s.chance(0.3) {
			x.Topic, x.Prefixed = "o", true
		}
		f.Rules = append(f.Rules, x)
	}
	add(s.truth.principal)
	for range s.IntN(4) {
		add(s.programs[s.IntN(len(s.programs))].principal)
	}
	// Where nobody tells whose a principal is, its own name is all that there is to know.
	if name := s.truth.principal[len("User:"):]; !known || s.scenario == "reads nothing" {
		s.right[name], s.knowable = true, true
	}
	return []lineage.Fact{{Key: lineage.FactKey{Source: "west", Kind: lineage.PermissionFacts}, Permission: f}}
}

// guess asks who the writer may be.
func (s *script) guess(t testing.TB) answer.Candidates {
	s.run()
	r, err := identity.New(identity.Rules{})
	if err != nil {
		t.Fatal(err)
	}
	a := answer.New(answer.Options{
		History: s.w.store, Identity: func() answer.Identity { return r }, Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}},
		Declared: func() *lineage.Declarations { return s.declared },
	})
	got, err := view(t, a, answer.Between(round(0), round(guessRounds)), answer.All).Candidates(t.Context(), topicNode("out"))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// writerDeclared declares that an application writes the topic.
func writerDeclared(name string) *lineage.Declarations {
	return &lineage.Declarations{Flows: []lineage.DeclaredFlow{{Op: lineage.Write, Flow: lineage.Flow{From: application(name), To: topicNode("out")}}}}
}
