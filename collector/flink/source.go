package flink

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

const (
	// mostJobs bounds the jobs of one Flink that are told apart, and mostVertices what one of them is made of.
	mostJobs     = 2_000
	mostVertices = 200
	// mostName bounds a job's name, in bytes, and a vertex', which is made of the names of all its operators.
	mostName = 500
	// asksARound bounds the requests of one round for what single jobs are and do; the list of all is one more, and
	// the version one a minute.
	asksARound = 40
	// lookEvery is how often a job is looked at when there are few, in rounds. Flink gathers metrics each ten
	// seconds.
	lookEvery = 2
	// slowly is how often checkpoints are read, all jobs' in one round, and the names of metrics: each version of a
	// fact is kept.
	slowly = 5 * time.Minute
	// versionEvery is how often the JobManager is asked for its version.
	versionEvery = time.Minute
	// againAfter is how often what a job reads is told again: a flow that nobody told of for a week is out of sight.
	againAfter = 24 * time.Hour
	// valuesAtOnce is how many metrics are asked for in one request: their names are in its address.
	valuesAtOnce = 40
	// mostPlaces bounds the partitions of one job.
	mostPlaces = 20_000
)

// source is the state between the rounds of one Flink. One goroutine at a time.
type source struct {
	cfg    Config
	client *client
	tell   *collector.Teller

	by     int       // which address gave the newest answer; -1: none did
	turns  int       // client.turns at that one
	begun  time.Time // when the first list was read
	moved  time.Time // when another JobManager began to answer, or to lead; zero: none did
	primed time.Time // when it was first asked for metrics; zero: it was not

	version  string
	asked    time.Time       // when the version was asked for; zero: never
	jobs     map[string]*job // by name
	batches  map[string]*batch
	runs     map[string]*run // by id
	listed   bool            // a list was read before this round
	cut      bool            // jobs were left out of that list, so that one which is not known may be old
	known    bool            // jobs were listed before lineaged was started
	kept     bool            // cut, as the position says it
	lost     bool            // a job's position can't be read, so that one without may be old
	gone     []string        // position keys to remove
	past     []past          // commits of groups, the oldest first
	vanished []vanished      // the newest last
	unsaved  bool            // others than the position says
	grown    []*growth       // how many records topics had, the oldest first
}

// job is what is kept of one between rounds, whatever its runs are.
type job struct {
	name    string
	kind    lineage.NodeKind
	runs    []listed // that Flink has now; none: it has forgotten it
	fact    *lineage.JobFact
	groups  []lineage.GroupRef // that were found to be its own
	also    []lineage.Node     // as which others tell of it
	writes  string             // the run of which others tell what it writes; empty: of none
	sighted map[lineage.Topic]time.Time
	met     map[string]*met // what was told of its runs, by their ids
	dirty   bool
	kept    bool // a position says that its fact is told
}

func newJob(name string) *job {
	return &job{name: name, kind: lineage.StreamJobNode, sighted: map[lineage.Topic]time.Time{}, met: map[string]*met{}}
}

// run is what is known of one run of a job.
type run struct {
	id          string
	looked      time.Time // when it was asked for last, or later where that failed, since others wait; zero: never
	seen        time.Time // when that told all; zero: never
	ended       time.Time // when it was seen to be over; zero: it is not
	done        bool      // that told all of it once it was over
	failed      string    // why the newest look failed; empty: it did not
	described             // by the newest look that did not fail
	restarts    int64     // -1: not told
	checkpoints *lineage.Checkpoints
	kept        *kept               // as it is now; nil: it keeps no state, or that is not told
	names       map[string][]string // by vertex, of the metrics that say something of sources
	named       time.Time           // when they were read
	checked     time.Time           // when checkpoints were read
	sinks       map[string]bool     // operators that write to Kafka
	writers     map[string][]string // by vertex, those of them that count what they send
	sends       map[sink]*sending
	places      map[place]position
	reached     map[place]int64    // how far each was ever read since begun
	begun       int64              // ms of Flink's clock, when its tasks began last
	read        time.Time          // when places were read
	judged      time.Time          // read, once it was held against groups' commits
	verdicts    map[string]verdict // by how Flink spells a topic
	moved       map[string]bool
	fresh       bool // they were read in this round
	finding     finding
}

// position is how far a partition is read; -1: not told.
type position struct{ read, committed int64 }

func newSource(cfg Config) *source {
	s := &source{cfg: cfg, by: -1, client: newClient(cfg), tell: collector.NewTeller(cfg.Name, cfg.Log)}
	cfg.Board.AddEngine()
	s.forget()
	return s
}

// forget brings the source to the state of a first start.
func (s *source) forget() {
	s.jobs, s.runs, s.version, s.asked, s.gone, s.past, s.grown = map[string]*job{}, map[string]*run{}, "", time.Time{}, nil, nil, nil
	s.batches, s.vanished, s.unsaved = map[string]*batch{}, nil, false
	s.listed, s.cut, s.known, s.kept, s.lost = false, false, false, false, false
}

// take is one round under way.
type take struct {
	*source
	ctx     context.Context
	round   time.Time
	telling *collector.Take
	main    *lineage.Observation
	details *lineage.Observation
	spots   []lineage.BlindSpot
	hidden  []string // jobs with runs that were listed before another JobManager answered, or before a start
	again   []string // jobs with runs that did not end as was told
	left    int      // jobs beyond those that are told apart
}

func (s *source) begin(ctx context.Context, round time.Time) *take {
	t := &take{source: s, ctx: ctx, round: round, telling: s.tell.Take(round)}
	t.main = t.telling.Observe(partJobs, s.cfg.Interval)
	t.details = t.telling.Observe(partDetails, s.cfg.Interval)
	return t
}

// Observe implements collector.Source.
func (s *source) Observe(ctx context.Context, round time.Time) []lineage.Observation {
	t := s.begin(ctx, round)
	t.client.Renew()
	if err := t.list(); err != nil {
		if errors.Is(ctx.Err(), context.Canceled) {
			return nil // told to stop: nothing was lost
		}
		t.tellFinished()
		return t.finish(err.Error())
	}
	t.look()
	t.tellReads()
	cluster, known := t.kafka()
	t.tellBatches(cluster, known)
	for _, name := range slices.Sorted(maps.Keys(t.jobs)) {
		t.tellHappened(t.jobs[name])
		t.tellJob(t.jobs[name])
	}
	t.listed, t.cut = true, t.left > 0
	t.sayFailed()
	t.sayAgain()
	t.sayUntold()
	t.savePositions()
	return t.finish("")
}

// Missed implements collector.Source.
func (s *source) Missed(round time.Time, reason string) []lineage.Observation {
	return s.begin(context.Background(), round).finish(reason)
}

// Stored implements collector.Stored.
func (s *source) Stored() { s.tell.Stored() }

// finish returns the round's observations. lost is why nothing was seen; empty: something was.
func (t *take) finish(lost string) []lineage.Observation {
	if lost != "" {
		collector.MissAll(t.main, lost)
		collector.MissAll(t.details, lost)
		t.telling.Untold(t.details) // for the same reason
	} else {
		slices.SortFunc(t.spots, func(a, b lineage.BlindSpot) int { return strings.Compare(a.What, b.What) })
		t.telling.Blind(t.main, t.spots)
	}
	return t.telling.Finish(t.ctx)
}

func (t *take) spot(what, remedy string) {
	t.spots = append(t.spots, lineage.BlindSpot{What: what, Remedy: remedy})
}

// list asks which jobs there are.
func (t *take) list() error {
	all, err := t.client.jobs(t.ctx)
	if err != nil {
		return err
	}
	if t.asked.IsZero() || t.round.Sub(t.asked) >= versionEvery {
		if v, err := t.client.version(t.ctx); err == nil {
			t.version, t.asked = v, t.round
		}
	}
	was := map[*job][]listed{}
	for _, j := range t.jobs {
		was[j], j.runs = j.runs, nil
	}
	for _, b := range t.batches {
		b.runs = nil
	}
	ids := map[string]bool{}
	for _, l := range all {
		t.tellMode(&l)
		l.Name = short(l.Name)
		j := t.jobOf(&l)
		if j == nil {
			t.left++
			continue
		}
		j.runs, ids[l.ID] = append(j.runs, l), true
	}
	t.another(was)
	t.keep(was, ids)
	maps.DeleteFunc(t.runs, func(id string, _ *run) bool { return !ids[id] })
	return nil
}

// tellMode tells who takes in events of a run what it is.
func (t *take) tellMode(l *listed) {
	switch l.Type {
	case "":
		t.cfg.Board.SetRunMode(l.ID, collector.UntoldRun)
	case "BATCH":
		t.cfg.Board.SetRunMode(l.ID, collector.BatchRun)
	default:
		t.cfg.Board.SetRunMode(l.ID, collector.StreamRun)
	}
}

// jobOf returns the job of a run, stream or batch; nil: it is left out.
func (t *take) jobOf(l *listed) *job {
	if l.Name == "" || l.ID == "" {
		return nil
	}
	if l.Type == "BATCH" {
		b := t.batches[l.Name]
		if b == nil {
			if len(t.batches) >= mostJobs {
				return nil
			}
			b = newBatch(l.Name)
			t.batches[l.Name] = b
		}
		return b.job
	}
	j := t.jobs[l.Name]
	if j == nil {
		if len(t.jobs) >= mostJobs {
			return nil
		}
		j = newJob(l.Name)
		t.jobs[l.Name] = j
	}
	return j
}

// node is a job as a node.
func (s *source) node(j *job) lineage.Node {
	return lineage.Node{Scope: s.cfg.Name, Kind: j.kind, Name: j.name}
}

// tellJob tells what a job is.
func (t *take) tellJob(j *job) {
	if len(j.runs) == 0 {
		if t.held(j) {
			return
		}
		if j.fact != nil || j.kept {
			t.main.Facts = append(t.main.Facts, lineage.Fact{Key: t.factKey(j.name), Gone: true})
		}
		delete(t.jobs, j.name)
		t.gone = append(t.gone, positionKey(j.name))
		return
	}
	t.findOthers(j)
	fact := t.factOf(j)
	if j.fact == nil || !reflect.DeepEqual(j.fact, fact) {
		j.fact = fact
		t.main.Facts = append(t.main.Facts, lineage.Fact{Key: t.factKey(j.name), Job: fact})
	}
	t.saySinks(j)
}

func (t *take) factKey(name string) lineage.FactKey {
	return lineage.FactKey{Source: t.cfg.Name, Kind: lineage.JobFacts, Name: name}
}

// factOf is what is kept of a job's description. What the newest look did not tell stands as it was.
func (t *take) factOf(j *job) *lineage.JobFact {
	l := newest(j.runs)
	r := t.runs[l.ID]
	f := &lineage.JobFact{
		Engine: Engine, Version: t.version, ID: l.ID, State: l.State, Started: time.UnixMilli(max(l.Started, 0)).UTC(), Restarts: j.restartsOf(r),
		Checkpoints: r.checkpoints, Vertices: r.vertices, Also: slices.Clone(j.also),
	}
	if j.fact != nil {
		if r.seen.IsZero() && j.fact.ID != l.ID { // what it is made of is as before until it was looked at
			f.Vertices, f.Checkpoints = j.fact.Vertices, nil
		}
		f.Version = cmp.Or(f.Version, j.fact.Version)
	}
	f.Reads = slices.Clone(j.groups)
	cluster, ok := t.kafka()
	if !ok {
		return f
	}
	for _, g := range t.ruleGroups(j) {
		f.Reads = append(f.Reads, lineage.GroupRef{Cluster: cluster.ID, Group: g})
	}
	for i := range t.cfg.Rules {
		if rule := &t.cfg.Rules[i]; rule.of(j) {
			for _, p := range rule.Prefixes {
				f.Writes = append(f.Writes, lineage.IDPrefix{Cluster: cluster.ID, Prefix: p})
			}
		}
	}
	slices.SortFunc(f.Reads, func(a, b lineage.GroupRef) int {
		return cmp.Or(strings.Compare(string(a.Cluster), string(b.Cluster)), strings.Compare(a.Group, b.Group))
	})
	f.Reads = slices.Compact(f.Reads)
	return f
}

func (r *Rule) of(j *job) bool { return r.Job == nil || r.Job.MatchString(j.name) }

// ruleGroups are the groups that the configuration says are the job's.
func (t *take) ruleGroups(j *job) (all []string) {
	for i := range t.cfg.Rules {
		if rule := &t.cfg.Rules[i]; rule.of(j) {
			all = append(all, rule.Groups...)
		}
	}
	return all
}

// kafka returns the cluster that the jobs read and write: the configured one, or the only one that is watched. ok is
// false until that is known.
func (t *take) kafka() (w collector.Watched, ok bool) {
	if t.cfg.Cluster != "" {
		return t.cfg.Board.Cluster(t.cfg.Cluster)
	}
	all := t.cfg.Board.Clusters()
	if !t.cfg.Board.Settled() || len(all) != 1 {
		return w, false
	}
	return all[0], true
}

// findOthers takes in as whom others tell of the job: by OpenLineage, whose events bear the id of its run.
func (t *take) findOthers(j *job) {
	for _, l := range j.runs {
		is, ok := t.jobRun(j.name, l.ID)
		if ok && !slices.Contains(j.also, is.Node) && is.Node != t.node(j) {
			j.also = append(j.also, is.Node)
			slices.SortFunc(j.also, lineage.Node.Compare)
			j.dirty = true
		}
		if ok && is.Writes && !l.over() && j.writes != l.ID {
			j.writes, j.dirty = l.ID, true
		}
	}
}

// jobRun returns what OpenLineage tells of a run.
func (t *take) jobRun(name, id string) (is collector.JobRun, ok bool) {
	is, ok = t.cfg.Board.JobRun(id)
	if ok && collector.SharedRun(id) {
		t.spot(fmt.Sprintf("which OpenLineage events job %s sends: its run has the id that the job of each application cluster has which is not given one", name),
			"start it with --job-id and an id of its own (docs/flink.md)")
		return collector.JobRun{}, false
	}
	return is, ok
}

// sayFailed says whose details could not be seen. Runs that OpenLineage tells of whole are not missed.
func (t *take) sayFailed() {
	var names []string
	reason, all := "", 0
	for _, j := range t.allJobs() {
		name, stream := j.name, j.kind == lineage.StreamJobNode
		if stream && len(j.runs) == 0 { // it is held
			all++
			names, reason = append(names, name), max(reason, t.unlisted())
		}
		for i := range j.runs {
			r := t.runs[j.runs[i].ID]
			if !stream && slices.Contains(t.batches[name].others, r.id) {
				continue
			}
			all++
			why := r.failed
			if r.looked.IsZero() {
				why = "not asked yet"
			}
			if stream && slices.Contains(t.hidden, name) {
				why = cmp.Or(why, t.unlisted())
			}
			if why != "" {
				names, reason = append(names, name), max(reason, why)
			}
		}
	}
	if len(names) == 0 {
		return
	}
	if len(names) == all && reason != "not asked yet" {
		collector.MissAll(t.details, "no job could be looked at: "+reason)
		return
	}
	t.details.Missing = append(t.details.Missing, lineage.Missing{
		Reason: fmt.Sprintf("what %s is made of, reads and writes: %s", collector.Some(names), reason), Share: float64(len(names)) / float64(all),
	})
}

// unlisted is why what was listed before is not seen.
func (t *take) unlisted() string {
	return t.client.First() + " answers now, and does not list what another did"
}

// sayUntold says what of all jobs is not told.
func (t *take) sayUntold() {
	if t.left > 0 {
		t.spot(fmt.Sprintf("jobs of this Flink beyond %d, and those without a name", mostJobs), "fewer jobs in one cluster")
	}
	if _, ok := t.kafka(); !ok && len(t.jobs)+len(t.batches) > 0 && t.cfg.Board.Settled() {
		t.spot("which topics the jobs of this Flink read: it does not say of which Kafka cluster they are, and more than one is watched, or none", "say it under flink[].cluster")
	}
}
