package connect

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/collector/rest"
	"github.com/lineaged/lineaged/internal/copybook"
	"github.com/lineaged/lineaged/internal/mm2"
	"github.com/lineaged/lineaged/internal/rhythm"
	"github.com/lineaged/lineaged/internal/smt"
	"github.com/lineaged/lineaged/lineage"
)

const (
	// detailsARound bounds the requests for topics and offsets in one round; the list of connectors is one more, and
	// the worker's own word one a minute.
	detailsARound = 16
	// detailsEvery is how often a connector's topics and offsets are asked for when there are few.
	detailsEvery = 3 // rounds
	// serverEvery is how often the workers are asked which cluster they belong to.
	serverEvery = time.Minute
	// muteFor is for how long a connector's offsets are not asked for when they were never told: an older Connect does
	// not know the question, and may be upgraded.
	muteFor = time.Minute
	// detailsShare is the part of what is left of a round that one connector's topics and offsets may take, so that one
	// that hangs leaves most of it to the others.
	detailsShare = 4
)

// source is the state between the rounds of one Connect cluster. One goroutine at a time.
type source struct {
	cfg    Config
	client *client

	server serverInfo
	asked  time.Time // when the server was asked
	told   bool      // its fact was told
	// toldKafka is the cluster that its fact told.
	toldKafka lineage.ClusterID
	known     map[string]*connector
	books     map[string]*copybook.Book // of replications, by position key
	// connectors as stored: by name, the id of the replicator whose fact each tells, or noReplicator
	stored map[string]string
	// selves are connectors that tell of themselves, by name, and selvesStored those of which that is stored.
	selves       map[string]*self
	selvesStored map[string]bool

	listed bool                       // connectors were listed since the start: one that appears from then on is new
	waited bool                       // the clusters had their time to be seen
	began  time.Time                  // the first round
	last   collector.UncountedWriters // as told in the newest round in which they were seen; nil: never

	writersStored string // last, as stored
	runs          collector.Runs

	rhythm *rhythm.Tracker // of what connectors move, which begins and ends

	tell *collector.Teller
}

// connector is what is kept of one between rounds. Nothing of its configuration is.
type connector struct {
	fact   lineage.ConnectorFact
	told   bool
	steps  *lineage.TransformFact // as told; nil: not yet
	topics []string               // that it has used, as Connect says; nil: not told yet
	marks  marks                  // nil: not told yet
	born   bool                   // it appeared while we looked
	// appeared is the round in which it was first seen; not kept over a restart
	appeared time.Time
	// when topics and offsets were asked for last, or later where that failed, since others wait; zero: never
	looked time.Time
	moved  [][]string              // words of partitions whose offsets changed and were not told yet
	muted  time.Time               // when it showed that offsets are not told; zero: they are
	hidden bool                    // topics are not told
	failed string                  // why the newest look failed; empty: it did not
	doubts map[lineage.Access]bool // whether movement of a dataset is in doubt, as last told
	halted string                  // what of it does not run, in words; empty: all does
	since  time.Time               // since when that is so
	at     string                  // " at the latest" when it was so at the first look

	progress   progress               // of a MirrorSourceConnector
	replicator lineage.ReplicatorFact // that it is a part of
	tells      string                 // id of the replicator whose fact it tells, or noReplicator
}

func newSource(cfg Config) *source {
	s := &source{cfg: cfg, client: newClient(cfg), tell: collector.NewTeller(cfg.Name, cfg.Log)}
	s.rhythm = newRhythm(s)
	s.forget()
	return s
}

// forget brings the source to the state of a first start.
func (s *source) forget() {
	s.known, s.books, s.stored = map[string]*connector{}, map[string]*copybook.Book{}, map[string]string{}
	s.selves, s.selvesStored = map[string]*self{}, map[string]bool{}
	s.last, s.writersStored = nil, ""
	s.told, s.listed, s.asked = false, false, time.Time{}
	s.runs.Forget()
	s.rhythm.Forget()
}

// take is one round under way.
type take struct {
	*source
	ctx     context.Context
	round   time.Time
	telling *collector.Take
	all     map[string]described
	main    *lineage.Observation
	details *lineage.Observation
	spots   []lineage.BlindSpot
	writers collector.UncountedWriters

	copying map[string]bool       // position keys of what is copied
	unclear map[lineage.Node]bool // replicators of which it is not known what they copy
	waiting bool                  // there are replicators that can't be named yet
	closed  []string              // position keys of accounts that were closed
	unread  []lineage.Topic       // of replications whose offsets could not be read

	replicators []lineage.Node // that copy, or would if they ran
	// homes are where the topics of connectors are that tell of themselves, by the nodes as which they do.
	homes map[lineage.Node]collector.ToldAs
}

// Observe implements collector.Source.
func (s *source) Observe(ctx context.Context, round time.Time) []lineage.Observation {
	t := &take{source: s, ctx: ctx, round: round, telling: s.tell.Take(round), copying: map[string]bool{}, unclear: map[lineage.Node]bool{}, homes: map[lineage.Node]collector.ToldAs{}}
	t.main = t.observe(sourceConnectors, s.cfg.Interval)
	t.details = t.observe(sourceOffsets, s.cfg.Interval)
	if s.began.IsZero() {
		s.began = round
	}
	begun := time.Now()
	t.client.Renew()
	err := t.ask()
	if err == nil {
		t.await(begun)
		err = t.belongs()
	}
	if err != nil {
		if errors.Is(ctx.Err(), context.Canceled) {
			return nil // told to stop: nothing was lost
		}
		t.tellUnseen()
		return t.finish(err.Error())
	}
	t.writers = collector.UncountedWriters{s.kafka(): {}}
	t.tellServer()
	t.look()
	t.tellAll()
	t.sayFailed()
	t.tellGone()
	t.closeBooks()
	t.tellRuns()
	s.last = t.writers
	t.tellFlows()
	t.savePositions()
	s.cfg.Board.SetToldAs(s.id(sourceConnectors), round, t.homes)
	s.cfg.Board.SetReplicators(s.id(sourceConnectors), t.replicators)
	s.cfg.Board.SetWriters(s.id(sourceConnectors), round, true, t.writers)
	return t.finish("")
}

// Stored implements collector.Stored.
func (s *source) Stored() { s.tell.Stored() }

// tellUnseen tells that the writers were not seen in a round: those of the newest round in which they were may or may
// not write, and where there was none anybody may.
func (t *take) tellUnseen() {
	if t.last != nil {
		t.cfg.Board.SetWriters(t.id(sourceConnectors), t.round, false, t.last)
		return
	}
	t.cfg.Board.Blind(t.id(sourceConnectors), t.round)
	now := collector.Levels{}
	w, _ := t.cfg.Board.Cluster(t.cfg.Cluster)
	now.Any(t.teller(), w.ID, lineage.Unknown)
	t.runs.Tell(t.main, now)
}

// tellRuns tells the store who writes.
func (t *take) tellRuns() {
	now := collector.Levels{}
	now.Add(t.teller(), t.writers, 1)
	t.runs.Tell(t.main, now)
}

// teller stands for connectors that are not known.
func (s *source) teller() lineage.Node {
	return lineage.Node{Scope: s.cfg.Name, Kind: lineage.ConnectorNode}
}

// await gives the clusters' own sources a moment to see them. At the start all begin at once, and what is told under a
// name that is not known yet stays.
func (t *take) await(begun time.Time) {
	if !t.waited {
		collector.WaitFor(t.ctx, begun.Add(t.cfg.Interval/2), t.cfg.Board.Settled)
	}
	t.waited = true
}

// settled reports whether a cluster that is not on the board is not watched, or has had its time to be seen.
func (t *take) settled() bool {
	return t.cfg.Board.Settled() || t.round.Sub(t.began) >= time.Minute
}

// Missed implements collector.Source.
func (s *source) Missed(round time.Time, reason string) []lineage.Observation {
	t := &take{source: s, round: round, ctx: context.Background(), telling: s.tell.Take(round)}
	t.main, t.details = t.observe(sourceConnectors, s.cfg.Interval), t.observe(sourceOffsets, s.cfg.Interval)
	t.tellUnseen()
	return t.finish(reason)
}

func (t *take) observe(name string, interval time.Duration) *lineage.Observation {
	return t.telling.Observe(name, interval)
}

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

// ask asks for what every round needs.
func (t *take) ask() error {
	err := t.askAll()
	if errors.Is(err, rest.ErrNotFound) {
		return fmt.Errorf("%w: is it the REST interface of a Connect worker?", err)
	}
	return err
}

func (t *take) askAll() error {
	if t.server.Kafka == "" || t.round.Sub(t.asked) >= serverEvery {
		var now serverInfo
		if err := t.client.Get(t.ctx, "/", &now); err != nil {
			return err
		}
		if now.Kafka == "" {
			return fmt.Errorf("%s: the answer names no kafka_cluster_id: is it a Connect worker?", t.client.First())
		}
		t.told = t.told && now == t.server
		t.server, t.asked = now, t.round
	}
	var err error
	t.all, err = t.client.connectors(t.ctx)
	return err
}

// belongs checks to which cluster the workers belong.
func (t *take) belongs() error {
	reported := lineage.ClusterID(t.server.Kafka)
	if w, ok := t.cfg.Board.Cluster(t.cfg.Cluster); ok && w.Reported != reported {
		return fmt.Errorf("its workers belong to the Kafka cluster %s, and the configured cluster %q is %s", t.server.Kafka, t.cfg.Cluster, w.Reported)
	} else if all := t.cfg.Board.Reported(reported); !ok && len(all) > 1 {
		return fmt.Errorf("its workers belong to the Kafka cluster %s, which is the id of %d watched clusters: say under cluster which of them it is", t.server.Kafka, len(all))
	}
	return nil
}

// kafka is the id of the cluster that the connectors' topics are in, under which it is kept.
func (s *source) kafka() lineage.ClusterID {
	reported := lineage.ClusterID(s.server.Kafka)
	if w, ok := s.cfg.Board.Cluster(s.cfg.Cluster); ok && w.Reported == reported {
		return w.ID
	}
	if all := s.cfg.Board.Reported(reported); len(all) == 1 {
		return all[0].ID
	}
	return reported
}

func (t *take) tellServer() {
	if t.told && t.toldKafka == t.kafka() {
		return
	}
	t.told, t.toldKafka = true, t.kafka()
	t.main.Facts = append(t.main.Facts, lineage.Fact{
		Key:     lineage.FactKey{Source: t.cfg.Name, Kind: lineage.ConnectFacts},
		Connect: &lineage.ConnectFact{Kafka: t.kafka(), Version: t.server.Version},
	})
}

// look asks for the topics and offsets of as many connectors as a round may.
func (t *take) look() {
	var due []string
	for name := range t.all {
		c := t.known[name]
		if c == nil {
			c = &connector{born: t.listed, appeared: t.round, tells: noReplicator}
			t.known[name] = c
		}
		if c.looked.IsZero() || t.round.Sub(c.looked) >= detailsEvery*t.cfg.Interval || t.all[name].kind() == aSource && t.writes(name) {
			due = append(due, name)
		}
	}
	t.listed = true
	slices.SortFunc(due, func(a, b string) int {
		// sources first: until their topics are known they may write any
		return cmp.Or(t.known[a].looked.Compare(t.known[b].looked), strings.Compare(t.all[b].kind(), t.all[a].kind()), strings.Compare(a, b))
	})
	begun := t.client.Asked()
	for i, name := range due {
		if i > 0 && t.client.Asked()-begun > detailsARound-2*t.client.Addresses() || t.ctx.Err() != nil {
			// one look asks every worker when none knows
			break
		}
		c := t.known[name]
		c.looked, c.failed = t.round, ""
		ctx, cancel := rest.Share(t.ctx, detailsShare)
		if err := t.lookAt(ctx, name, c); err != nil {
			c.looked, c.failed = t.round.Add(detailsEvery*t.cfg.Interval), err.Error()
		}
		cancel()
	}
}

// writes reports whether a running connector's records may be anyone's: then its topics are asked for each round, while
// there are few. For the offsets of a sink Connect makes a client of its own each time, so they are asked for in turn.
func (t *take) writes(name string) bool {
	return t.all[name].running() && len(t.all) <= detailsARound/2
}

func (t *take) lookAt(ctx context.Context, name string, c *connector) error {
	topics, err := t.client.topics(ctx, name)
	c.hidden = errors.Is(err, rest.ErrForbidden) // topic.tracking.enable=false
	switch {
	case c.hidden, errors.Is(err, rest.ErrNotFound): // or deleted since it was listed: then what is configured tells
		c.topics = []string{}
	case err != nil:
		return err
	default:
		slices.Sort(topics)
		c.topics = append([]string{}, topics...)
	}
	if t.round.Sub(c.muted) < muteFor {
		return nil
	}
	offsets, err := t.client.offsets(ctx, name)
	switch {
	case errors.Is(err, rest.ErrNotFound) && c.marks == nil:
		c.muted = t.round // an older Connect, see Works with; or the connector is gone, and so is its state soon
		return nil
	case err != nil:
		return err
	}
	c.muted = time.Time{}
	if cfg := mm2.ReadConfig(t.all[name].Info.Config.get); mm2.IsSourceConnector(cfg.Class) {
		c.progress.take(cfg.SourceAlias, offsets, t.round)
	}
	now := marksOf(offsets)
	if c.marks != nil {
		for key, m := range now {
			if old, had := c.marks[key]; !had || old.hash != m.hash {
				c.note(m.words)
			}
		}
	}
	c.marks = now
	return nil
}

// notAsked is why a connector's topics and offsets are not known while those of others are asked for.
const notAsked = "not asked yet"

// sayFailed says whose topics and offsets could not be seen.
func (t *take) sayFailed() {
	var names []string
	reason := ""
	for name := range t.all {
		c := t.known[name]
		why := c.failed
		if c.looked.IsZero() {
			why = notAsked
		}
		if why != "" {
			names = append(names, name)
			reason = max(reason, why)
		}
	}
	if len(names) == 0 {
		return
	}
	t.details.Missing = append(t.details.Missing, lineage.Missing{
		Reason: fmt.Sprintf("topics and offsets of %s: %s", collector.Some(names), reason), Share: float64(len(names)) / float64(len(t.all)), Topics: t.unread,
	})
}

// tellAll tells what each connector is and does.
func (t *take) tellAll() {
	if _, watched := t.cfg.Board.ByID(t.kafka()); !watched && t.settled() {
		t.spot("what else there is of the topics of these connectors: their workers' Kafka cluster, "+rest.Short(t.server.Kafka)+", is not watched", "configure it under clusters")
	}
	names := make([]string, 0, len(t.all))
	for name := range t.all {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		d, c := t.all[name], t.known[name]
		c.tells = noReplicator
		m := t.movement(name, d, c)
		if m.waits {
			c.tells, t.waiting, c.moved = cmp.Or(t.stored[name], noReplicator), true, nil
			continue
		}
		fact := d.fact(name, m.home)
		fact.Replicator = m.replicator.Node
		fact.Also = t.alsoTold(name, d, m.home)
		if !c.told || !reflect.DeepEqual(c.fact, *fact) {
			c.fact, c.told = *fact, true
			t.main.Facts = append(t.main.Facts, lineage.Fact{Key: t.factKey(name), Connector: fact})
		}
		t.tellTransforms(name, d, c)
		if len(d.Status.Tasks) == 0 && d.Status.Connector.State == "RUNNING" {
			t.spot("what connector "+name+" moves: it runs without tasks", "look at its configuration and at the worker's log")
		}
		t.tellMovement(name, d, c, m)
	}
}

// tellTransforms tells what the connector's transformations do to columns: their names alone are kept.
func (t *take) tellTransforms(name string, d described, c *connector) {
	now := &lineage.TransformFact{Steps: smt.Read(d.Info.Config.get)}
	if reflect.DeepEqual(c.steps, now) {
		return
	}
	c.steps = now
	key := t.factKey(name)
	key.Kind = lineage.TransformFacts
	t.main.Facts = append(t.main.Facts, lineage.Fact{Key: key, Transform: now})
}

func (t *take) factKey(name string) lineage.FactKey {
	return lineage.FactKey{Source: t.cfg.Name, Kind: lineage.ConnectorFacts, Name: name}
}

// tellGone tells which connectors were deleted.
func (t *take) tellGone() {
	for name := range t.stored {
		if _, is := t.all[name]; !is && t.known[name] == nil {
			t.known[name] = &connector{tells: noReplicator} // deleted while nobody watched
		}
	}
	for name, c := range t.known {
		if _, is := t.all[name]; is {
			continue
		}
		delete(t.known, name)
		delete(t.selves, name)
		if _, was := t.stored[name]; was || c.told {
			key := t.factKey(name)
			key.Kind = lineage.TransformFacts
			t.main.Facts = append(t.main.Facts, lineage.Fact{Key: t.factKey(name), Gone: true}, lineage.Fact{Key: key, Gone: true})
		}
	}
	t.tellGoneReplicators()
}

// tellGoneReplicators tells which replicators no connector tells of any more: it was deleted, or has another class or
// other aliases now.
func (t *take) tellGoneReplicators() {
	still := map[string]bool{noReplicator: true}
	for _, c := range t.known {
		still[c.tells] = true
	}
	for _, id := range t.stored {
		if !still[id] {
			still[id] = true // once
			t.main.Facts = append(t.main.Facts, lineage.Fact{Key: t.replicatorKey(id), Gone: true})
		}
	}
}

func (s *source) replicatorKey(id string) lineage.FactKey {
	return lineage.FactKey{Source: s.cfg.Name, Kind: lineage.ReplicatorFacts, Name: id}
}

// spot notes a blind spot of this round.
func (t *take) spot(what, remedy string) {
	t.spots = append(t.spots, lineage.BlindSpot{Source: t.main.Source.String(), What: what, Remedy: remedy})
}

var _ collector.Source = (*source)(nil)
