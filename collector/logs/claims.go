package logs

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/brokerlog"
	"github.com/lineaged/lineaged/internal/varint"
	"github.com/lineaged/lineaged/lineage"
)

// What the logs tell of how much was written. A Produce's answer says at which offset its records begin, and all that a
// partition's leader answered stands in its log: so what lies between the beginnings of two is the former's. Where
// somebody else wrote to the partition who wanted no answer it is nobody's. That is
// claimed (lineage.Claimed), and settled against what the topic grew by elsewhere. What follows the newest request is
// counted with the next one of anybody or, where none comes, up to where the partition ended when it was at rest;
// markers of transactions are taken for records of whoever wrote before them. The authorizer's lines have no offsets:
// how many there were says only when somebody wrote.
const (
	mostClaimed  = 2_000 // topics of which that is kept
	mostClaimers = 200   // clients of one of them
	claimsPrefix = "claims/"
	// claimsVersion is of what is kept of them. Version 1 did not hold the brokers and their epochs.
	claimsVersion = 2
	// restRounds is for how many rounds after its newest line it is looked where a topic ends.
	restRounds = 6

	whyBetween = "neither at most nor at least: by where the requests' records begin in the log; what follows the newest may not be among these yet, and markers of transactions may be"
)

// whySampled is of what the samples of a request log tell.
const whySampled = "in the seconds in which the request log was sampled alone; " + whyBetween

// claims are what is claimed of all topics.
type claims struct {
	// sent: lines are sent, and those that tell of what is at the ends may wait with the sender.
	sent bool
	// allowed: the authorizer's lines are of all brokers. They do not say whose they are, so that this is known where
	// there is one broker alone.
	allowed bool
	apart   time.Duration // two requests that far apart are of two samples; 0: there are none, the log is whole
	of      map[lineage.Topic]*claimed
	round   map[lineage.Topic]*answers // of the round under way
	gone    []string                   // topics whose positions are to be removed
}

// claimed is what is claimed of a topic.
type claimed struct {
	totals map[claimer]int64
	told   map[claimer]int64
	tails  map[int32]answer // by partition: the newest
	seen   time.Time        // the newest round with a line of it
	ends   []int64          // where its partitions ended in the round before; nil: not known. Not kept over a restart
	epochs []int32          // of their leaders in the round before, as far as they are known. Not kept over a restart
	// unseen are partitions that grew by what no line told of, and the first rounds in which they did. Not kept over a
	// restart
	unseen map[int32]time.Time
	mute   time.Time // the newest round in which somebody wrote without an answer. Not kept over a restart
	dirty  bool
}

// claimer is a client as one log knows it.
type claimer struct {
	client   lineage.Client
	evidence lineage.EvidenceKind
}

// answer is that a client's records begin at an offset of a partition.
type answer struct {
	offset int64
	client lineage.Client
	upTo   int64     // as far as its records were counted; of one under way, its offset
	at     time.Time // by its line; zero: not told
	round  time.Time // of when the line was written, where that is known, else in which it was read
	// sample: what came after it may have been told by nobody: it was read while the log was sampled, or somebody wrote
	// without being answered in its round.
	sample bool
	local  string // at which address its broker was reached, whose log it stands in; empty: not known
	epoch  int32  // of the partition's leader, as far as it was known before it was read; unknownEpoch: it was not
}

// unknownEpoch is the epoch of a leader that is not known.
const unknownEpoch = -1

// epochOf returns the epoch of a partition's leader out of those that are known.
func epochOf(epochs []int32, part int32) int32 {
	if part < 0 || int(part) >= len(epochs) {
		return unknownEpoch
	}
	return max(epochs[part], unknownEpoch)
}

// led reports whether the broker in whose log an answer stands has led the partition since, as far as that can be
// known: else another one did, whose log nobody may follow.
func (a answer) led(epoch int32) bool { return epoch < 0 || a.epoch == epoch }

// learn sets the epoch of who led when the answer was given, where that is known only now and was not long ago.
func (a answer) learn(epoch int32, o *lineage.Observation) answer {
	if a.epoch < 0 && o.Round.Sub(a.round) <= 2*o.Interval {
		a.epoch = epoch
	}
	return a
}

// after reports whether all that lies between two answers was told of: with samples, whether they are of the same one.
// The last of a sample has nothing after it, also when the log is not sampled any more.
func (c *claims) after(a, b answer) bool {
	if c.apart == 0 {
		return !a.sample
	}
	return !a.at.IsZero() && !b.at.IsZero() && b.at.Sub(a.at).Abs() < c.apart
}

// answers are what one round told of a topic.
type answers struct {
	parts map[int32][]answer
	asked map[lineage.Client]int64 // lines of the authorizer
	late  bool                     // some were written before this round, nobody knows when
	// mute are partitions that somebody wrote to without an answer (acks=0), nobody knows where
	mute map[int32]bool
}

func (c *claims) forget() { c.of, c.round, c.gone = map[lineage.Topic]*claimed{}, nil, nil }

func (c *claims) begin() { c.round = map[lineage.Topic]*answers{} }

func (c *claims) now(t lineage.Topic) *answers {
	a := c.round[t]
	if a == nil {
		a = &answers{parts: map[int32][]answer{}, asked: map[lineage.Client]int64{}, mute: map[int32]bool{}}
		c.round[t] = a
	}
	return a
}

// wrote takes in that a client's records begin at an offset of a partition.
func (c *claims) wrote(t lineage.Topic, part int32, x answer, recent bool) {
	if x.offset >= 0 {
		a := c.now(t)
		a.late = a.late || !recent
		x.upTo, x.sample, x.epoch = x.offset, c.apart > 0, unknownEpoch
		a.parts[part] = append(a.parts[part], x)
	}
}

// unanswered takes in that somebody wrote to partitions of a topic without an answer, which would say where: his
// records may be among what lies between two others' requests.
func (c *claims) unanswered(t lineage.Topic, parts []brokerlog.Partition) {
	a := c.now(t)
	for i := range parts {
		a.mute[parts[i].Index] = true
	}
}

// asked takes in that a client was allowed to write.
func (c *claims) asked(t lineage.Topic, client lineage.Client, recent bool) {
	a := c.now(t)
	a.late = a.late || !recent
	a.asked[client]++
}

// counts reports whether anything is counted by a request log.
func (c *claims) counts() bool {
	for _, x := range c.of {
		for who := range x.totals {
			if who.evidence == lineage.RequestLog {
				return true
			}
		}
	}
	return false
}

// lose forgets where the newest requests began: lines are missing behind them, nobody knows where.
func (c *claims) lose() {
	for _, a := range c.round {
		clear(a.parts)
	}
	for _, x := range c.of {
		x.dirty = x.dirty || len(x.tails) > 0
		clear(x.tails)
		clear(x.unseen)
		x.ends = nil
	}
}

// end counts what the round told. named returns a topic with its name and id; ok is false where it has none, or is not
// watched. epochs are those of the leaders of its partitions, nil where they are not known.
func (c *claims) end(o *lineage.Observation, named func(lineage.Topic) (t lineage.Topic, ok bool), epochs func(t lineage.Topic) []int32) {
	for t, a := range c.together(named) {
		x := c.of[t]
		if x == nil && a.late { // it is older than the watch
			continue
		}
		if x == nil {
			c.room(t)
			x = newClaimed()
			c.of[t] = x
		}
		since := time.Time{}
		if a.late && x.seen.Before(o.Round.Add(-o.Interval)) {
			since = x.seen
		}
		x.seen = o.Round
		if len(a.mute) > 0 {
			x.mute = o.Round
			clear(x.unseen)
		}
		c.tell(x, o, t, since, x.take(a, o, c.after, epochs(t)))
	}
	c.round = nil
}

// together returns what the round told by topic: older requests know a topic by its name, newer ones by its id, and
// only both say what lies between two.
func (c *claims) together(named func(lineage.Topic) (t lineage.Topic, ok bool)) map[lineage.Topic]*answers {
	all := map[lineage.Topic]*answers{}
	for as, a := range c.round {
		t, ok := named(as)
		if !ok {
			continue
		}
		into := all[t]
		if into == nil {
			all[t] = a
			continue
		}
		into.late = into.late || a.late
		for part, parts := range a.parts {
			into.parts[part] = append(into.parts[part], parts...)
		}
		for client, n := range a.asked {
			into.asked[client] += n
		}
		maps.Copy(into.mute, a.mute)
	}
	return all
}

// rests counts what follows the newest requests of topics that are at rest: none of whose lines came in this round,
// while all that was written before the ends were seen has been read. ends asks where a topic's partitions end; nil:
// that is not known, or some of the offsets are no records. alive says of a broker, by its address, whether its request
// log told of something in this round; where it did not it may be switched off, and who writes is told by nobody.
// topics is how many the cluster has.
func (c *claims) rests(o *lineage.Observation, topics int, alive func(local string) bool, ends func(t lineage.Topic) collector.Ends) {
	for t, x := range c.of {
		was := x.ends
		x.ends = nil
		if len(x.tails) == 0 {
			continue
		}
		now := ends(t)
		x.ends = now.Records()
		if x.grow(o, was, alive("")) {
			o.Missing = append(o.Missing, lineage.Missing{Reason: t.Name + ": " + whyPartly, Share: 1 / float64(max(topics, 1)), Topics: []lineage.Topic{t}})
		}
		x.epochs = now.Epochs
		for part, tail := range x.tails {
			if y := tail.learn(epochOf(now.Epochs, part), o); y != tail {
				x.tails[part], x.dirty = y, true
			}
		}
		if c.sent || was == nil || !x.seen.Before(o.Round) || o.Round.Sub(x.seen) > restRounds*o.Interval {
			continue
		}
		spans := map[claimer]span{}
		for part, tail := range x.tails {
			who, epoch := claimer{tail.client, lineage.RequestLog}, epochOf(now.Epochs, part)
			if _, there := x.totals[who]; !there || tail.sample || int(part) >= len(was) || was[part] <= tail.upTo || !tail.led(epoch) || !alive(tail.local) {
				continue
			}
			spans[who] = spans[who].and(was[part]-tail.upTo, tail.round.Add(-o.Interval), true)
			x.totals[who] += was[part] - tail.upTo
			tail.upTo = was[part]
			x.tails[part], x.dirty = tail, true
		}
		c.tell(x, o, t, x.seen.Add(-o.Interval), spans)
	}
}

// lateLines is for how many rounds a line may come before or after what it tells of shows in the ends.
const lateLines = 3

const whyPartly = "some partitions grew and no line that is followed tells of it: the request logs of some brokers are not followed, or not on"

// grow notes partitions that grew since the round before while no line told of any request there, and reports, once it
// is too late for a line to come, that others write the topic than those that are seen.
func (x *claimed) grow(o *lineage.Observation, was []int64, alive bool) (missing bool) {
	if x.ends == nil || o.Round.Sub(x.mute) < lateLines*o.Interval {
		clear(x.unseen)
		return false
	}
	for i, end := range x.ends {
		part := int32(i)
		tail, told := x.tails[part]
		if since, there := x.unseen[part]; there {
			missing = missing || !o.Round.Before(since.Add(lateLines*o.Interval))
		} else if alive && i < len(was) && was[i] >= 0 && end > was[i] && (!told || o.Round.Sub(tail.round) >= lateLines*o.Interval) {
			x.unseen[part] = o.Round
		}
	}
	return missing
}

func newClaimed() *claimed {
	return &claimed{totals: map[claimer]int64{}, told: map[claimer]int64{}, tails: map[int32]answer{}, unseen: map[int32]time.Time{}}
}

// room makes room for a topic: one of its name before is no more, and where there are too many the one that was not
// written to for longest is forgotten.
func (c *claims) room(t lineage.Topic) {
	maps.DeleteFunc(c.of, func(old lineage.Topic, _ *claimed) bool { return old.Name == t.Name })
	if len(c.of) < mostClaimed {
		return
	}
	oldest := slices.MinFunc(slices.Collect(maps.Keys(c.of)), func(a, b lineage.Topic) int {
		return cmp.Or(c.of[a].seen.Compare(c.of[b].seen), strings.Compare(a.Name, b.Name))
	})
	delete(c.of, oldest)
	c.gone = append(c.gone, oldest.Name)
	c.gone = slices.DeleteFunc(c.gone, func(name string) bool { return name == t.Name }) // it is back
}

// take counts what a round's answers say. A request that begins no later than the newest that was told says nothing: it
// was read again, or late, and what lies there was given to somebody.
// It returns what was counted, by whose.
func (x *claimed) take(a *answers, o *lineage.Observation, after func(a, b answer) bool, epochs []int32) map[claimer]span {
	spans := map[claimer]span{}
	add := func(who claimer, n int64) {
		if who.client.TransactionalID != "" {
			return // what is written in transactions is counted by these
		}
		if _, there := x.totals[who]; there || len(x.totals) < mostClaimers {
			x.totals[who] += n
		}
	}
	for part, all := range a.parts {
		delete(x.unseen, part)
		now := epochOf(epochs, part)
		for i := range all { // its leader may have changed in this round before it was written or after
			if all[i].epoch = epochOf(x.epochs, part); all[i].epoch == unknownEpoch {
				all[i].epoch = now
			}
		}
		if tail, ok := x.tails[part]; ok {
			tail = tail.learn(now, o)
			all = append(slices.DeleteFunc(all, func(y answer) bool { return y.offset <= tail.offset }), tail)
		}
		slices.SortStableFunc(all, func(a, b answer) int { return cmp.Compare(a.offset, b.offset) })
		for i := range all[1:] {
			who, n := claimer{all[i].client, lineage.RequestLog}, int64(0)
			if after(all[i], all[i+1]) && all[i].led(now) && !a.mute[part] {
				n = max(0, all[i+1].offset-all[i].upTo)
			}
			spans[who] = spans[who].and(n, all[i].round.Add(-o.Interval), all[i].round.Before(o.Round))
			add(who, n)
		}
		last := all[len(all)-1]
		add(claimer{last.client, lineage.RequestLog}, 0)
		x.tails[part] = last
	}
	for part := range a.mute {
		if tail, ok := x.tails[part]; ok { // what came after it may be somebody else's, as after a sample
			tail.sample = true
			x.tails[part] = tail
		}
	}
	for client, n := range a.asked {
		add(claimer{client, lineage.AuthorizerLog}, n)
	}
	x.dirty = true
	return spans
}

// span is how many records were counted in a round, how many of these by lines of rounds before, and when the first of
// them may have been written.
type span struct {
	records, before int64
	since           time.Time
}

// and returns the span with more records, written after an instant.
func (s span) and(n int64, since time.Time, before bool) span {
	s.records += n
	if before && n > 0 {
		s.before += n
		if s.since.IsZero() || since.Before(s.since) {
			s.since = since
		}
	}
	return s
}

// reach returns since when what was counted was written; the zero time: within the round. What followed the last line
// of the round before, of somebody who writes all the time, is too little to blur when the rest was written.
func (s span) reach() time.Time {
	if 10*s.before <= s.records {
		return time.Time{}
	}
	return s.since
}

// tell tells the totals that changed, since when they may have: all since an instant, or what reaches back further
// since its own. How often the authorizer let somebody in is no estimate where nobody else can have been let in by an
// authorizer whose log is not followed: then who is not among these did not write.
func (c *claims) tell(x *claimed, o *lineage.Observation, t lineage.Topic, since time.Time, spans map[claimer]span) {
	for who, n := range x.totals {
		if told, ok := x.told[who]; ok && told == n {
			continue
		}
		x.told[who] = n
		from := since
		if at := spans[who].reach(); !at.IsZero() && (from.IsZero() || at.Before(from)) {
			from = at
		}
		a := lineage.Access{Topic: t, Op: lineage.Write, Client: who.client}
		o.Samples = append(o.Samples, lineage.Sample{
			Subject: a, Metric: lineage.Claimed, Evidence: who.evidence, Value: n, Since: from,
			Estimated: who.evidence != lineage.AuthorizerLog || !c.allowed,
		})
	}
}

// save returns the positions of the topics that changed, and those that are to be removed.
func (c *claims) save() (out []lineage.Position) {
	for _, name := range c.gone {
		out = append(out, lineage.Position{Key: claimsPrefix + name})
	}
	c.gone = nil
	for t, x := range c.of {
		if x.dirty {
			x.dirty = false
			out = append(out, lineage.Position{Key: claimsPrefix + t.Name, Value: x.encode(t)})
		}
	}
	slices.SortFunc(out, func(a, b lineage.Position) int { return strings.Compare(a.Key, b.Key) })
	return out
}

func (x *claimed) encode(t lineage.Topic) []byte {
	return sealAs(claimsVersion, func(e *varint.Encoder) {
		e.String(string(t.Cluster))
		e.String(string(t.ID[:]))
		e.String(t.Name)
		e.Time(x.seen)
		all := slices.SortedFunc(maps.Keys(x.totals), func(a, b claimer) int {
			return cmp.Or(cmp.Compare(a.evidence, b.evidence), compareClaimers(a.client, b.client))
		})
		e.Uint(uint64(len(all)))
		for _, who := range all {
			e.Uint(uint64(who.evidence))
			encodeClaimer(e, who.client)
			e.Uint(uint64(x.totals[who]))
		}
		e.Uint(uint64(len(x.tails)))
		for _, part := range slices.Sorted(maps.Keys(x.tails)) {
			e.Uint(uint64(part))
			e.Uint(uint64(x.tails[part].offset))
			e.Uint(uint64(x.tails[part].upTo))
			e.Time(x.tails[part].at)
			e.Time(x.tails[part].round)
			e.Bool(x.tails[part].sample)
			encodeClaimer(e, x.tails[part].client)
			e.Int(int64(x.tails[part].epoch))
			e.String(x.tails[part].local)
		}
	})
}

func (c *claims) restore(positions map[string][]byte, leave func(key string, err error)) {
	for key, value := range positions {
		if !strings.HasPrefix(key, claimsPrefix) {
			continue
		}
		var t lineage.Topic
		x := newClaimed()
		err := unsealUpTo(claimsVersion, value, func(d *varint.Decoder, version uint64) {
			t.Cluster = lineage.ClusterID(d.String())
			if id := d.String(); copy(t.ID[:], id) != len(id) {
				d.Fail()
			}
			t.Name, x.seen = d.String(), d.Time()
			for range d.Count() {
				evidence := d.Uint()
				who := claimer{evidence: lineage.EvidenceKind(evidence), client: decodeClaimer(d)}
				if evidence >= uint64(lineage.EvidenceKinds) {
					d.Fail()
				}
				x.totals[who] = int64(d.Uint())
				x.told[who] = x.totals[who]
			}
			for range d.Count() {
				part := int32(d.Uint())
				y := answer{offset: int64(d.Uint()), upTo: int64(d.Uint()), at: d.Time(), round: d.Time(), sample: d.Bool(), client: decodeClaimer(d), epoch: unknownEpoch}
				if version >= claimsVersion {
					y.epoch, y.local = int32(d.Int()), d.String()
				}
				x.tails[part] = y
			}
		})
		if err != nil {
			leave(key, err)
			continue
		}
		c.of[t] = x
	}
}

func compareClaimers(a, b lineage.Client) int {
	return cmp.Or(strings.Compare(a.ClientID, b.ClientID), strings.Compare(a.Principal, b.Principal), strings.Compare(a.Host, b.Host), strings.Compare(a.Software, b.Software))
}

func encodeClaimer(e *varint.Encoder, c lineage.Client) {
	for _, s := range [...]string{c.ClientID, c.TransactionalID, c.Principal, c.Host, c.Software} {
		e.String(s)
	}
}

func decodeClaimer(d *varint.Decoder) lineage.Client {
	return lineage.Client{ClientID: d.String(), TransactionalID: d.String(), Principal: d.String(), Host: d.String(), Software: d.String()}
}
