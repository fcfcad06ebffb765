package kafka

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/pastend"
	"github.com/lineaged/lineaged/internal/rhythm"
	"github.com/lineaged/lineaged/lineage"
)

// Names of the sources, as they stand in coverage and evidence.
const (
	sourceMetadata = "metadata"
	sourceEnds     = "end-offsets"
	sourceBooks    = "producers"
	sourceGroups   = "groups"
	sourceMembers  = "members"
	sourceShare    = "share-groups"
	sourceStarts   = "start-offsets"
	sourceLogDirs  = "log-dirs"
	sourceConfigs  = "topic-configs"

	sourceTransactions = "transactions"
)

// source is the state between the rounds of one cluster. One goroutine at a time.
type source struct {
	cfg        Config
	cl         *kgo.Client
	slowClient *kgo.Client
	sink       collector.Sink   // as last given to Restore
	faults     map[string]fault // parts that panicked, by source
	spoilt     bool             // a part panicked in the last round: the books may be half written
	sightSaved string           // as the stored position has it
	unreadable []string         // position keys that Restore could not read, to be told

	cluster    lineage.ClusterID // under which it is kept
	another    newcomer          // a cluster that answers in the place of the one that is known
	twin       *collector.Twin   // another watched cluster that reports the same id
	twinTold   bool              // that the same cluster is watched twice
	brokers    []int32
	topics     map[lineage.TopicID]*topic
	byName     map[string]*topic
	leftOut    map[lineage.TopicID]bool   // that the configuration leaves out, as of the newest metadata
	retired    map[lineage.TopicID]*topic // deleted ones, so that a broker with old metadata does not bring them back
	groups     map[string]*group
	departed   map[string]*group // deleted ones, for their totals
	continuous bool              // a metadata round was taken since the start: what appears now is new
	resumed    bool              // positions of an earlier run were restored
	unrest     time.Time         // newest round in which a broker failed or a leader changed: then what brokers list may be short

	clusterFact lineage.ClusterFact
	blind       map[string][]lineage.BlindSpot // as last told, by source
	lost        map[string]bool                // sources that saw nothing in their last round
	slow        map[string]time.Time           // last round of the slow sources
	owed        map[string]bool                // slow sources whose last round could not be taken
	hidden      map[string]bool                // topics that log directories show and that may not be described

	lacks         map[string]bool // what the brokers do not support, by source or group type: not asked again until the next start
	configsDenied bool            // some topics' configurations may not be described: not asked again before the cadence
	rights        clusterRights
	sawAll        bool     // the lists of the last round held all that there was
	sawGroups     bool     // so did the list of groups
	groupsCounted bool     // all brokers listed their groups in the last round
	deniedGroups  []string // whose commits may not be read, of the last round
	left          []leftTopic
	unwanted      []*topic // restored ones that the configuration leaves out now, to be told

	tellersLate time.Time // since when those who tell of movers are late; zero: they are not

	txnIDs  map[int64]string    // transactional.ids by producer id
	unnamed map[int64]unnamedID // transactional producer ids that nobody named yet
	// txnEpochs are the epochs of transactional producer ids, for the accounts of all topics.
	txnEpochs map[int64]epochSeen
	txnLog    transactionLog

	dark  dark  // what moves while one side of it is not seen
	links links // groups and the transactional producers that move their offsets

	posted []string // names of all topics, sorted, as the board has them

	gonePositions, goneReaders []string // position keys to remove with the next save

	rhythm *rhythm.Tracker // of the flows, which begin and end
}

// topic is what the source knows of one topic incarnation.
type topic struct {
	*account
	born        time.Time // first round, of a topic that was born while we watched; zero: older
	internal    bool
	replication int
	leaders     []int32 // by partition; -1: none
	epochs      []int32 // the leaders' epochs
	histories   []pastend.History
	starts      []int64   // -1: not read yet
	startsAt    time.Time // newest round in which all of them were read; zero: not since the start
	configs     []lineage.Config
	configsRead time.Time // newest round in which they were asked for; not kept over a restart
	compaction  compaction
	since       time.Time // round in which it came into sight, of a topic that was not born then; zero: it was restored, or born
	retired     time.Time // round in which it was found deleted
	absent      int       // complete metadata rounds in a row that did not name it
	unseen      string    // why it is out of sight although it was not seen to be deleted; empty: it is not
	sought      time.Time // round in which it was last asked for by its id
	factTold    bool      // its fact was told and did not change since
	dirty       bool      // its position changed since it was last saved
	whole       bool      // all its ends were read in the last round
	retained    int64     // records held, as last told; lineage.Unknown: not known
	sized       bool      // its size on disk was told once
	sizedAt     int64     // records held when it was; lineage.Unknown: not known, or told to be of another time
	retry       time.Time // when to ask again for a producer state that was denied
}

func newSource(cfg Config) *source {
	s := &source{cfg: cfg}
	s.rhythm = newRhythm(s)
	s.forget()
	return s
}

// close closes the connections.
func (s *source) close() {
	for _, cl := range []*kgo.Client{s.cl, s.slowClient} {
		if cl != nil {
			cl.Close()
		}
	}
}

// forget brings the source to the state of a first start.
func (s *source) forget() {
	s.topics, s.byName = map[lineage.TopicID]*topic{}, map[string]*topic{}
	s.retired = map[lineage.TopicID]*topic{}
	s.groups, s.departed = map[string]*group{}, map[string]*group{}
	s.continuous, s.resumed, s.unrest = false, false, time.Time{}
	s.clusterFact, s.rights, s.sawAll, s.unwanted, s.left, s.hidden = lineage.ClusterFact{}, clusterRights{}, false, nil, nil, nil
	s.sawGroups, s.groupsCounted = false, false
	s.lacks = map[string]bool{}
	s.txnIDs, s.unnamed, s.txnEpochs = map[int64]string{}, map[int64]unnamedID{}, map[int64]epochSeen{}
	s.txnLog = transactionLog{}
	s.blind, s.lost, s.slow = map[string][]lineage.BlindSpot{}, map[string]bool{}, map[string]time.Time{}
	s.owed, s.faults, s.spoilt, s.unreadable, s.sightSaved = map[string]bool{}, map[string]fault{}, false, nil, ""
	s.gonePositions, s.goneReaders = nil, nil
	s.dark = dark{}
	s.rhythm.Forget()
	s.links = newLinks()
}

// take is one round under way.
type take struct {
	*source
	client *kgo.Client // that the questions go through
	ctx    context.Context
	round  time.Time
	before time.Time // the round before, whether or not it was taken
	obs    []*lineage.Observation

	unread map[*topic]string // why the producers of a topic could not be read
	read   time.Time         // when the producers were read
}

// Observe implements collector.Source.
func (s *source) Observe(ctx context.Context, round time.Time) []lineage.Observation {
	t := &take{source: s, client: s.cl, ctx: ctx, round: round, before: round.Add(-s.cfg.Interval)}
	err := error(nil)
	if t.spoilt {
		err = t.resume()
	}
	if err == nil {
		err = t.metadata()
	} else {
		t.missAll(t.observe(sourceMetadata, t.cfg.Interval), err.Error())
	}
	if err != nil {
		for _, name := range []string{sourceEnds, sourceBooks, sourceGroups} {
			t.missAll(t.observe(name, s.cfg.Interval), "no metadata: "+err.Error())
		}
		t.missSlow("no metadata: " + err.Error())
		return t.finish()
	}
	whole := t.part(sourceEnds, s.cfg.Interval, 0, t.endOffsets)
	read := t.part(sourceBooks, s.cfg.Interval, 0, t.producers)
	whole = t.part(sourceGroups, s.cfg.Interval, 0, t.groupOffsets) && read && whole
	if read { // last, since it may wait for those who tell of movers
		whole = t.part(sourceBooks, s.cfg.Interval, 0, t.tellProducers) && whole
	}
	if whole {
		t.savePositions() // what a slow source leaves half written is not among it
	} else {
		t.forgetEvents()
	}
	if t.slowSources() && whole {
		t.tellFlows()
		t.savePositions()
		s.continuous = true
	}
	return t.finish()
}

// Missed implements collector.Source.
func (s *source) Missed(round time.Time, reason string) []lineage.Observation {
	t := &take{source: s, round: round}
	for _, name := range []string{sourceMetadata, sourceEnds, sourceBooks, sourceGroups} {
		t.missAll(t.observe(name, s.cfg.Interval), reason)
	}
	t.missSlow(reason)
	return t.finish()
}

// observe begins an observation of this round.
func (t *take) observe(name string, interval time.Duration) *lineage.Observation {
	o := &lineage.Observation{
		Source: lineage.Source{Cluster: t.cfg.Name, Name: name},
		Round:  t.round, Interval: interval, At: time.Now().UTC(),
	}
	t.obs = append(t.obs, o)
	return o
}

// missAll says that the source saw nothing.
func (t *take) missAll(o *lineage.Observation, reason string) {
	o.Missing = append(o.Missing, lineage.Missing{All: true, Share: 1, Reason: reason})
}

// finish returns the round's observations, with an event for each source that was lost or came back.
func (t *take) finish() []lineage.Observation {
	if t.ctx != nil && errors.Is(t.ctx.Err(), context.Canceled) {
		return nil // told to stop in the middle of a round: nothing was lost
	}
	out := make([]lineage.Observation, 0, len(t.obs))
	for _, o := range t.obs {
		reason, lost := "", false
		for _, m := range o.Missing {
			if m.All {
				reason, lost = m.Reason, true
			}
		}
		switch was := t.lost[o.Source.Name]; {
		case lost && !was:
			o.Events = append(o.Events, lineage.Event{At: t.round, Type: lineage.SourceLost, Detail: o.Source.String() + ": " + reason})
			t.cfg.Log.Warn("source lost", "source", o.Source.Name, "reason", reason)
		case !lost && was:
			o.Events = append(o.Events, lineage.Event{At: t.round, Type: lineage.SourceRecovered, Detail: o.Source.String()})
			t.cfg.Log.Info("source is back", "source", o.Source.Name)
		}
		t.lost[o.Source.Name] = lost
		out = append(out, *o)
	}
	return out
}

// sayBlind tells the blind spots of a source when they changed.
func (t *take) sayBlind(o *lineage.Observation, spots []lineage.BlindSpot) {
	name := o.Source.Name
	old, told := t.blind[name]
	if told && sameSpots(old, spots) {
		return
	}
	for i := range spots {
		spots[i].Source = o.Source.String()
	}
	t.blind[name] = spots
	o.Facts = append(o.Facts, lineage.Fact{
		Key:        lineage.FactKey{Source: t.cfg.Name, Kind: lineage.BlindSpotFacts, Name: name},
		BlindSpots: spots,
	})
}

func sameSpots(a, b []lineage.BlindSpot) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].What != b[i].What || a[i].Remedy != b[i].Remedy {
			return false
		}
	}
	return true
}

// due reports whether a slow source is to run in this round, and notes that it does.
func (t *take) due(name string, cadence time.Duration) bool {
	if last, ok := t.slow[name]; ok && !t.owed[name] && t.round.Sub(last) < cadence {
		return false
	}
	t.slow[name] = t.round
	delete(t.owed, name)
	return true
}

// missSlow says of the slow sources that are due in a round without metadata that they saw nothing, so that coverage has the reason. They are owed
// from then on: the next round that can runs them.
func (t *take) missSlow(reason string) {
	for _, c := range t.slowCadences() {
		if last, ok := t.slow[c.name]; ok && t.round.Sub(last) >= c.every {
			t.slow[c.name], t.owed[c.name] = t.round, true
			t.missAll(t.observe(c.name, c.every), reason)
		}
	}
}

// slowCadence is how often a slow source is read.
type slowCadence struct {
	name  string
	every time.Duration
}

// slowCadences are those of the sources that give an observation at each, whether or not there is something to see.
func (s *source) slowCadences() []slowCadence {
	return []slowCadence{
		{sourceMembers, s.cadence(membersCadence)},
		{sourceShare, s.cadence(3 * s.cfg.Interval)},
		{sourceStarts, s.cadence(startsCadence)},
		{sourceLogDirs, s.cadence(logDirsCadence)},
		{sourceConfigs, s.cadence(configsCadence)},
	}
}

// cadence returns want rounded up to a multiple of the tick.
func (s *source) cadence(want time.Duration) time.Duration {
	if rest := want % s.cfg.Interval; rest != 0 {
		want += s.cfg.Interval - rest
	}
	return max(want, s.cfg.Interval)
}

// slowSources runs what is due of the slower cadences, and reports whether none of them panicked. After a start all of them are; from then on they are spread over the rounds by their different lengths.
func (t *take) slowSources() (whole bool) {
	t.client, whole = t.slowClient, true
	for _, c := range t.slowCadences() {
		whole = t.part(c.name, c.every, panicRest, func() { t.slowSource(c) }) && whole
	}
	return t.part(sourceTransactions, t.cadence(closeCadence), panicRest, t.watchClosely) && whole
}

func (t *take) slowSource(c slowCadence) {
	switch {
	case c.name == sourceMembers:
		t.members(c.every)
	case c.name == sourceConfigs:
		t.topicConfigs(c.every)
	case !t.due(c.name, c.every):
	case c.name == sourceShare:
		t.shareGroups(c.every)
	case c.name == sourceStarts:
		t.startOffsets(c.every)
	case c.name == sourceLogDirs:
		t.logDirs(c.every)
	}
}

// wanted reports whether the configuration includes a topic.
func (s *source) wanted(name string) bool {
	for _, re := range s.cfg.Exclude {
		if re.MatchString(name) {
			return false
		}
	}
	for _, re := range s.cfg.Include {
		if re.MatchString(name) {
			return true
		}
	}
	return len(s.cfg.Include) == 0
}

// some names the first few of names, for a sentence.
func some(names []string) string {
	const most = 5
	sort.Strings(names)
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

var _ collector.Source = (*source)(nil)
