package kafka

import (
	"context"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

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
	sourceACLs     = "acls"

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
	tell       *collector.Teller
	slow       collector.Cadences // of the slow sources

	cluster  lineage.ClusterID // under which it is kept
	another  newcomer          // a cluster that answers in the place of the one that is known
	twin     *collector.Twin   // another watched cluster that reports the same id
	twinTold bool              // that the same cluster is watched twice
	brokers  []int32
	topics   map[lineage.TopicID]*topic
	byName   map[string]*topic
	// names of the topics that the configuration leaves out, as of the newest metadata, and of those before
	leftOut, leftBefore map[lineage.TopicID]string
	reached             []kmsg.MetadataResponseBroker // that the client knows of, by id
	retired             map[lineage.TopicID]*topic    // deleted ones: old metadata does not bring them back
	groups              map[string]*group
	swept               time.Time         // when it was last looked for what is to be forgotten
	departed            map[string]*group // deleted ones, for their totals
	past                *pastend.Budget   // of the past of all ends
	commits             committedNow      // of the group that is booked
	late                map[*reader]bool  // those that have been behind for long
	// tests look at who is passed over; nil: nobody does
	passing    func(*take, *group, *committedOn)
	continuous bool // a metadata round was taken since the start: what appears now is new
	resumed    bool // positions of an earlier run were restored
	// its last round: what was not there then, and is when lineaged starts again, was made meanwhile
	last time.Time
	// newest round in which a broker failed or a leader changed: then what brokers list may be short
	unrest time.Time

	clusterFact lineage.ClusterFact
	acls        *lineage.PermissionFact // as last told; nil: not since the start
	hidden      map[string]bool         // topics that log directories show and that may not be described

	// what the brokers do not support, by source or group type: not asked again until the next start
	lacks map[string]bool
	// some topics' configurations may not be described: not asked again before the cadence
	configsDenied bool
	rights        clusterRights
	sawAll        bool     // the lists of the last round held all that there was
	sawGroups     bool     // so did the list of groups
	groupsCounted bool     // all brokers listed their groups in the last round
	deniedGroups  []string // whose commits may not be read, of the last round
	left          []leftTopic
	unwanted      []*topic // restored ones that the configuration leaves out now, to be told

	txnIDs  map[int64]string    // transactional.ids by producer id
	unnamed map[int64]unnamedID // transactional producer ids that nobody named yet
	// txnEpochs are the epochs of transactional producer ids, for the accounts of all topics.
	txnEpochs map[int64]epochSeen
	txnLog    transactionLog
	mute      map[int32]time.Time // rounds in which brokers failed to tell how transactions ended

	listeners map[int32][]string // addresses of all listeners, by broker, as far as they were told

	forgets      time.Duration // after which brokers forget a producer id; zero: not known
	forgetsAsked time.Time     // round in which they were asked; zero: not since the start

	writers collector.Writers // without a count, as of the newest round

	lying placing // where the partitions of one topic lie

	dark  dark  // what moves while one side of it is not seen
	links links // groups and the transactional producers that move their offsets

	// names of all topics, sorted, and their ids, as the board has them
	posted    []string
	postedIDs map[string]lineage.TopicID

	gonePositions, goneReaders []string // position keys to remove with the next save

	rhythm *rhythm.Tracker // of the flows, which begin and end
}

// topic is what the source knows of one topic incarnation.
type topic struct {
	*account
	// counts the changes of what readers are measured by: where its partitions begin and end, how many there are,
	// whether its log has holes and who writes it
	stirs uint64
	// the group for which it was numbered, and the number; see committedNow
	listedFor   uint64
	listedAt    int
	born        time.Time // first round, of a topic that was born while we watched; zero: older
	internal    bool
	replication int
	first       int     // how many partitions there were when it was first looked at in this run, or restored
	leaders     []int32 // by partition; -1: none
	epochs      []int32 // the leaders' epochs
	histories   []pastend.History
	past        int       // bytes that they take
	starts      []int64   // -1: not read yet
	startsAt    time.Time // newest round in which all of them were read; zero: not since the start
	configs     []lineage.Config
	retention   *lineage.Retention // by whatever set it; nil: not asked for since the start
	places      []lineage.Place    // as last told; nil: not known
	placesSum   uint64             // of what they were made of
	configsRead time.Time          // newest round in which they were asked for; not kept over a restart
	policyRead  time.Time          // newest round in which it was looked whether the topic is compacted by now
	compaction  compaction
	// round in which it came into sight, of a topic that was not born then; zero: it was restored, or born
	since    time.Time
	retired  time.Time // round in which it was found deleted
	absent   int       // complete metadata rounds in a row that did not name it
	unseen   string    // why it is out of sight although it was not seen to be deleted; empty: it is not
	sought   time.Time // round in which it was last asked for by its id
	factTold bool      // its fact was told and did not change since
	dirty    bool      // its position changed since it was last saved
	whole    bool      // all its ends were read in the last round
	retained int64     // records held, as last told; lineage.Unknown: not known
	sized    bool      // its size on disk was told once
	sizedAt  int64     // records held when it was; lineage.Unknown: not known, or told to be of another time
	retry    time.Time // when to ask again for a producer state that was denied

	seenAs topicAt // as of the newest round in which a reader was booked
}

func newSource(cfg Config) *source {
	s := &source{cfg: cfg, tell: collector.NewTeller(cfg.Name, cfg.Log), past: pastend.NewBudget(pastBudget)}
	s.rhythm = newRhythm(s)
	s.forget()
	return s
}

// now returns what time it is by the clock that dates the rounds. The machine's may be days off it, and what is
// compared with a round must not be read there.
func (s *source) now() time.Time {
	if s.cfg.Clock == nil {
		return time.Now().UTC()
	}
	return s.cfg.Clock.Now()
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
	s.leftOut, s.leftBefore = map[lineage.TopicID]string{}, map[lineage.TopicID]string{}
	s.groups, s.departed = map[string]*group{}, map[string]*group{}
	s.late, s.mute = map[*reader]bool{}, map[int32]time.Time{}
	s.continuous, s.resumed, s.last, s.unrest = false, false, time.Time{}, time.Time{}
	s.acls = nil
	s.clusterFact, s.rights, s.sawAll, s.unwanted, s.left, s.hidden = lineage.ClusterFact{}, clusterRights{}, false, nil, nil, nil
	s.sawGroups, s.groupsCounted = false, false
	s.lacks = map[string]bool{}
	s.txnIDs, s.unnamed, s.txnEpochs = map[int64]string{}, map[int64]unnamedID{}, map[int64]epochSeen{}
	s.txnLog = transactionLog{}
	s.forgets, s.forgetsAsked, s.listeners = 0, time.Time{}, nil
	s.slow, s.faults, s.spoilt, s.sightSaved = collector.Cadences{}, map[string]fault{}, false, ""
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
	told   *collector.Take

	unjudged []judging
	leapt    []leap
	ended    []*topic // incarnations in the place of which others were found in this round

	unread map[*topic]string // why the producers of a topic could not be read
	read   time.Time         // when the producers were read
}

// Observe implements collector.Source.
func (s *source) Observe(ctx context.Context, round time.Time) []lineage.Observation {
	t := &take{source: s, client: s.cl, ctx: ctx, round: round, before: round.Add(-s.cfg.Interval), told: s.tell.Take(round)}
	err := error(nil)
	if t.spoilt {
		err = t.resume()
	}
	if err == nil {
		err = t.metadata()
	} else {
		collector.MissAll(t.observe(sourceMetadata, t.cfg.Interval), err.Error())
	}
	if err != nil {
		for _, name := range []string{sourceEnds, sourceBooks, sourceGroups} {
			collector.MissAll(t.observe(name, s.cfg.Interval), "no metadata: "+err.Error())
		}
		t.missSlow("no metadata: " + err.Error())
		return t.told.Finish(ctx)
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
	return t.told.Finish(ctx)
}

// Missed implements collector.Source.
func (s *source) Missed(round time.Time, reason string) []lineage.Observation {
	t := &take{source: s, round: round, told: s.tell.Take(round)}
	for _, name := range []string{sourceMetadata, sourceEnds, sourceBooks, sourceGroups} {
		collector.MissAll(t.observe(name, s.cfg.Interval), reason)
	}
	t.missSlow(reason)
	return t.told.Finish(context.Background())
}

// Stored implements collector.Stored.
func (s *source) Stored() { s.tell.Stored() }

// observe begins an observation of this round.
func (t *take) observe(name string, interval time.Duration) *lineage.Observation {
	return t.told.Observe(name, interval)
}

// sayBlind tells the blind spots of a source when they changed.
func (t *take) sayBlind(o *lineage.Observation, spots []lineage.BlindSpot) { t.told.Blind(o, spots) }

// due reports whether a slow source is to run in this round, and notes that it does.
func (t *take) due(name string, every time.Duration) bool { return t.slow.Due(t.round, name, every) }

// missSlow says of the slow sources that are due in a round without metadata that they saw nothing, so that coverage
// has the reason.
func (t *take) missSlow(reason string) {
	for _, c := range t.slowCadences() {
		if t.slow.Owe(t.round, c.Part, c.Every) {
			collector.MissAll(t.observe(c.Part, c.Every), reason)
		}
	}
}

// slowCadences are those of the sources that give an observation at each, whether or not there is something to see.
func (s *source) slowCadences() []collector.Cadence {
	return []collector.Cadence{
		{Part: sourceMembers, Every: s.cadence(membersCadence)},
		{Part: sourceShare, Every: s.cadence(3 * s.cfg.Interval)},
		{Part: sourceStarts, Every: s.cadence(startsCadence)},
		{Part: sourceLogDirs, Every: s.cadence(logDirsCadence)},
		{Part: sourceConfigs, Every: s.cadence(configsCadence)},
		{Part: sourceACLs, Every: s.cadence(aclsCadence)},
	}
}

// cadence returns want rounded up to a multiple of the tick.
func (s *source) cadence(want time.Duration) time.Duration {
	return collector.Whole(want, s.cfg.Interval)
}

// slowSources runs what is due of the slower cadences, and reports whether none of them panicked. After a start all of
// them are; from then on they are spread over the rounds by their different lengths.
func (t *take) slowSources() (whole bool) {
	t.client, whole = t.slowClient, true
	for _, c := range t.slowCadences() {
		whole = t.part(c.Part, c.Every, panicRest, func() { t.slowSource(c) }) && whole
	}
	return t.part(sourceTransactions, t.cadence(closeCadence), panicRest, t.watchClosely) && whole
}

func (t *take) slowSource(c collector.Cadence) {
	switch {
	case c.Part == sourceMembers:
		t.members(c.Every)
	case c.Part == sourceConfigs:
		t.topicConfigs(c.Every)
	case !t.due(c.Part, c.Every):
	case c.Part == sourceShare:
		t.shareGroups(c.Every)
	case c.Part == sourceStarts:
		t.startOffsets(c.Every)
	case c.Part == sourceLogDirs:
		t.logDirs(c.Every)
	case c.Part == sourceACLs:
		t.permissions(c.Every)
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

var _ collector.Source = (*source)(nil)
