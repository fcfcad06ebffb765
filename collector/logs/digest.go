package logs

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/brokerlog"
	"github.com/lineaged/lineaged/lineage"
)

// What a digest holds and says at most.
const (
	mostSights  = 20_000  // accesses in a round
	mostLinks   = 5_000   // clients in a round whose identities are said to be one
	mostEvents  = 100     // denials in a round, one after another
	mostWaiting = 2_000   // accesses of topics whose names are not known yet
	mostKept    = 200_000 // strings, links and names that are remembered so as not to be made or told again
	// mostText is how many bytes these strings have: a client.id may be 32 KB long, and whoever connects makes one up.
	mostText = 64 << 20
	// sessionParts is how many partitions of fetch sessions are remembered: about 20 MB.
	sessionParts = 100_000
	// waitFor is for how long a topic's name is waited for: the cluster's own source sees a new topic in a tick or two.
	waitFor = 90 * time.Second
	// quietFor is after how long without a line of one of both loggers that is said.
	quietFor = 5 * time.Minute
	// silentFor is after how long without a line of a request log that was followed before nobody knows who writes and
	// how much: lineaged itself asks each broker something in each tick.
	silentFor = 30 * time.Second
)

// anonymous is whom a broker takes for everybody where nobody says who he is: no identity.
const anonymous = "User:ANONYMOUS"

// digest makes of lines what a round says.
type digest struct {
	cfg           Config
	parser        brokerlog.Parser
	sessions      *brokerlog.Sessions
	strings       map[string]string
	kept          int // bytes of them
	scratch       []byte
	names         map[lineage.TopicID]string // as far as the board and the lines told
	told          map[lineage.Client]bool    // links that were told since the start
	waiting       map[sight]*waiter
	waitingStored string
	claims        claims
	audit         audit

	round   time.Time
	cluster collector.Watched
	looked  bool // the board's ids were taken in this round
	sights  map[sight]bool
	links   map[link]bool
	denials map[denial]*denied
	rulings map[ruling]*ruled
	over    int // accesses, links and denials of the round beyond the bounds

	bad        int   // lines that did not parse, since the start
	badScale   int   // as last said
	firstBad   error // of the first of them
	unresolved int   // accesses whose topic's name never came
	began      time.Time
	heard      time.Time // newest round with a line of one of both loggers
	unasked    time.Time // newest round with a line of a request log that is said to be off
	behind     bool      // not all that there is was read in this round
	sampled    bool      // what the request log tells is of samples only
	requests   time.Time // newest round with a line of the request log; zero: there never was one
	// the same by the address at which the broker was reached that wrote it, of the rounds of late
	locals map[string]time.Time
	// brokers is how many there were at once at most since the start; 0: not known. One that is down now may have left
	// lines.
	brokers int
}

// sight is an access and by which log it is known. Its topic may have an id alone, until its name is known.
type sight struct {
	access   lineage.Access
	evidence lineage.EvidenceKind
}

type waiter struct {
	since time.Time
	moved bool
}

type link struct {
	op       lineage.Op
	client   lineage.Client
	evidence lineage.EvidenceKind
}

// denial is what somebody may not.
type denial struct {
	principal, name string
	operation       string
	resource        brokerlog.Resource
}

type denied struct {
	n             int64
	host, request string    // of the first
	hosts         bool      // there were more
	at            time.Time // of the newest
}

func newDigest(cfg Config) *digest {
	d := &digest{cfg: cfg}
	d.forget()
	return d
}

// forget brings it to the state of a first start.
func (d *digest) forget() {
	d.sessions = brokerlog.NewSessions(sessionParts)
	d.strings, d.names, d.told, d.waiting = map[string]string{}, map[lineage.TopicID]string{}, map[lineage.Client]bool{}, map[sight]*waiter{}
	d.waitingStored, d.locals, d.brokers = "", map[string]time.Time{}, 0
	d.claims.forget()
	d.audit = audit{recorded: map[lineage.Op]time.Time{}}
}

func (d *digest) begin(round time.Time, w collector.Watched) {
	if d.began.IsZero() {
		d.began = round
	}
	if d.cluster.ID != w.ID && d.cluster.ID != "" {
		d.forget() // another cluster is behind the name now
	}
	d.round, d.cluster, d.looked = round, w, false
	d.claims.begin()
	d.brokers = max(d.brokers, w.Size)
	d.claims.allowed = d.brokers == 1
	d.sampled, d.claims.apart = d.cfg.Sample.sampled(), 0
	if d.sampled {
		d.claims.apart = (samplesApart - 1) * d.cfg.Sample.cfg.For
	}
	d.audit.whose, d.audit.past = map[string]owner{}, map[sight]bool{}
	maps.DeleteFunc(d.locals, func(_ string, at time.Time) bool { return at.Before(round.Add(-silentFor)) })
	d.sights, d.links, d.denials, d.rulings, d.over = map[sight]bool{}, map[link]bool{}, map[denial]*denied{}, map[ruling]*ruled{}, 0
	tooLong := d.kept > mostText
	if len(d.strings) > mostKept || tooLong {
		d.strings, d.kept = map[string]string{}, 0
	}
	if len(d.told) > mostKept || tooLong {
		d.told = map[lineage.Client]bool{}
	}
	if len(d.names) > mostKept {
		d.names = map[lineage.TopicID]string{}
	}
}

// line takes in one line, or a record of an audit topic.
func (d *digest) line(line []byte, at when) {
	if d.cfg.Audit {
		d.record(line, at)
		return
	}
	kind, err := d.parser.Line(line)
	if kind != brokerlog.Other && (kind != brokerlog.RequestLine || !d.cfg.NoRequests) {
		d.heard = d.round
	}
	switch {
	case err != nil:
		d.unparsed(err)
	case kind == brokerlog.RequestLine && d.cfg.NoRequests:
		if _, recent := d.written(at); recent {
			d.unasked = d.round
		}
	case kind == brokerlog.RequestLine:
		d.requests = d.round
		written, recent := d.written(at)
		d.locals[d.text(brokerlog.Local(d.parser.Request.Connection))] = d.round
		d.request(written, recent)
	case kind == brokerlog.AuthorizerLine:
		written, recent := d.written(at)
		if _, zoned, ok := d.parser.Time(); at.at.IsZero() && !at.zoned && (!ok || !zoned) {
			written = time.Time{} // it is of a zone that nobody knows
		}
		d.authorization(written, recent)
	}
}

func (d *digest) unparsed(err error) {
	if d.bad++; d.bad == 1 {
		d.firstBad = err
		d.cfg.Log.Warn("a line of the brokers' logs, or a record of an audit topic, does not parse; it is counted, and so are more", "reason", err)
	}
}

// written returns when a line was written, by a clock of which the zone may not be known, and reports whether that was
// in about this round, so that what moved by it moved now.
func (d *digest) written(at when) (t time.Time, recent bool) {
	if at.at.IsZero() {
		t, zoned, ok := d.parser.Time()
		switch {
		case !ok:
			return time.Time{}, at.live
		case !zoned && !at.zoned:
			return t, at.live
		case !zoned:
			t = t.Add(-at.zone)
		}
		at.at = t
	}
	return at.at, at.at.After(d.round.Add(-3 * d.cfg.Interval))
}

// roundOf returns the round of an instant of about now, and the one under way where it is not: by a clock that is
// ahead, or of a zone that nobody knows.
func (d *digest) roundOf(at time.Time) time.Time {
	if r := at.Truncate(d.cfg.Interval).Add(d.cfg.Interval); r.Before(d.round) && at.After(d.round.Add(-3*d.cfg.Interval)) {
		return r
	}
	return d.round
}

// text returns a string, the same one for the same bytes.
func (d *digest) text(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if s, ok := d.strings[string(b)]; ok {
		return s
	}
	s := strings.ToValidUTF8(string(b), "\uFFFD")
	d.strings[string(b)] = s
	d.kept += len(s)
	return s
}

// client is who asked, as far as the request's line bears it.
func (d *digest) client(r *brokerlog.Request) lineage.Client {
	c := lineage.Client{ClientID: d.text(r.ClientID), Host: d.text(brokerlog.Host(r.Connection))}
	if p := d.text(r.Principal); p != anonymous {
		c.Principal = p
	}
	if c.Software = d.text(r.Software); c.Software != "" && len(r.SoftwareVersion) > 0 {
		d.scratch = append(append(append(d.scratch[:0], r.Software...), '/'), r.SoftwareVersion...)
		c.Software = d.text(d.scratch)
	}
	return c
}

func (d *digest) request(written time.Time, recent bool) {
	r := &d.parser.Request
	c := d.client(r)
	switch r.API {
	case brokerlog.Produce:
		d.link(lineage.Write, c, lineage.RequestLog)
		c.TransactionalID = d.text(r.TransactionalID)
		d.produced(c, r, written, recent)
	case brokerlog.Fetch:
		d.link(lineage.Read, c, lineage.RequestLog)
		d.sessions.Fetched(r, func(name []byte, id lineage.TopicID) { d.see(lineage.Read, c, name, id, false) })
		d.read(c, r, recent)
	case brokerlog.ShareFetch, brokerlog.ShareAcknowledge:
		c.Group = d.text(r.Group)
		d.link(lineage.Read, c, lineage.RequestLog)
		for i := range r.Topics {
			d.see(lineage.Read, c, r.Topics[i].Name, r.Topics[i].ID, false)
		}
		d.read(c, r, recent)
	case brokerlog.Metadata:
		d.learn(r)
	case brokerlog.OffsetCommit, brokerlog.TxnOffsetCommit:
		d.commit(c, r)
	case brokerlog.InitProducerID, brokerlog.EndTxn, brokerlog.AddPartitionsToTxn:
		if r.Error == 0 {
			c.TransactionalID, c.Producer = d.text(r.TransactionalID), producer(r)
			d.link(lineage.Write, c, lineage.RequestLog)
		}
	case brokerlog.GetTelemetrySubscriptions, brokerlog.PushTelemetry:
		if r.Error == 0 {
			c.Instance = d.text(r.Instance)
			d.link(lineage.Write, c, lineage.RequestLog)
		}
	default: // of a group's member
		if r.Error == 0 {
			c.Group = d.text(r.Group)
			d.link(lineage.Read, c, lineage.RequestLog)
		}
	}
}

// read takes in what was answered to who reads.
func (d *digest) read(c lineage.Client, r *brokerlog.Request, recent bool) {
	for i := range r.Results {
		if t := &r.Results[i]; got(t) {
			d.see(lineage.Read, c, t.Name, t.ID, recent)
		}
	}
}

// commit takes in that a group's offsets were committed, which says who reads for it, and no more: what was committed
// may have been read long ago. Who is no member of the group and was not seen to fetch has set them for others, as an
// administrator does.
func (d *digest) commit(c lineage.Client, r *brokerlog.Request) {
	if r.API == brokerlog.OffsetCommit && len(r.Member) == 0 && !d.told[c] && !d.links[link{lineage.Read, c, lineage.RequestLog}] {
		return
	}
	c.Group = d.text(r.Group)
	for i := range r.Results {
		if committed(&r.Results[i]) {
			d.see(lineage.Read, c, r.Results[i].Name, r.Results[i].ID, false)
		}
	}
	if r.API == brokerlog.OffsetCommit {
		d.link(lineage.Read, c, lineage.RequestLog)
		return
	}
	c.TransactionalID, c.Producer = d.text(r.TransactionalID), producer(r)
	// Who moves offsets in its transactions reads for the group, and writes.
	d.link(lineage.Write, c, lineage.RequestLog)
}

// producer is the producer id of a request.
func producer(r *brokerlog.Request) lineage.ProducerID {
	if r.Producer < 0 {
		return 0
	}
	return lineage.KnownProducer(r.Producer)
}

// produced takes in what was written. Without an answer, as for acks=0, nobody knows whether it was.
func (d *digest) produced(c lineage.Client, r *brokerlog.Request, written time.Time, recent bool) {
	if !r.Answered {
		for i := range r.Topics {
			t := &r.Topics[i]
			d.see(lineage.Write, c, t.Name, t.ID, false)
			d.claims.unanswered(lineage.Topic{Cluster: d.cluster.ID, ID: t.ID, Name: d.text(t.Name)}, t.Parts)
		}
		return
	}
	for i := range r.Results {
		t := &r.Results[i]
		wrote := slices.ContainsFunc(t.Parts, func(p brokerlog.Partition) bool { return p.Error == 0 })
		if !wrote {
			continue
		}
		d.see(lineage.Write, c, t.Name, t.ID, recent)
		for _, p := range t.Parts {
			if p.Error == 0 {
				d.claims.wrote(lineage.Topic{Cluster: d.cluster.ID, ID: t.ID, Name: d.text(t.Name)}, p.Index, answer{offset: p.Offset, client: c, at: written, round: d.roundOf(written), local: d.text(brokerlog.Local(r.Connection))}, recent)
			}
		}
	}
}

// got reports whether an answer brought records.
func got(t *brokerlog.Topic) bool {
	return slices.ContainsFunc(t.Parts, func(p brokerlog.Partition) bool { return p.Error == 0 && (p.Bytes > 0 || p.Records > 0) })
}

func committed(t *brokerlog.Topic) bool {
	return slices.ContainsFunc(t.Parts, func(p brokerlog.Partition) bool { return p.Error == 0 })
}

// see takes in an access of a topic that is known by its name, or its id.
func (d *digest) see(op lineage.Op, c lineage.Client, name []byte, id lineage.TopicID, moved bool) {
	t := lineage.Topic{Cluster: d.cluster.ID, ID: id, Name: d.text(name)}
	d.seeTopic(sight{lineage.Access{Topic: t, Op: op, Client: c}, lineage.RequestLog}, moved)
}

func (d *digest) seeTopic(s sight, moved bool) {
	t := &s.access.Topic
	switch {
	case t.Name == "" && t.ID == (lineage.TopicID{}):
		return
	case !d.resolve(t):
		d.wait(s, moved)
		return
	case !d.wanted(t.Name):
		return
	}
	was, known := d.sights[s]
	if !known && len(d.sights) >= mostSights {
		d.over++
		return
	}
	if !known || moved && !was {
		d.sights[s] = moved
	}
}

// link notes that a client's identities are one client's.
func (d *digest) link(op lineage.Op, c lineage.Client, by lineage.EvidenceKind) {
	if d.told[c] || !several(c) {
		return
	}
	if len(d.links) >= mostLinks {
		d.over++
		return
	}
	d.links[link{op, c, by}] = true
}

// end says all of it.
func (d *digest) end(o *lineage.Observation) {
	d.settle()
	for s, moved := range d.sights {
		x := lineage.Sighting{Access: s.access, Evidence: s.evidence, Moved: moved}
		if moved && s.access.Op == lineage.Write && s.access.Client.TransactionalID == "" {
			x.Detail = whyBetween
			if d.sampled {
				x.Detail = whySampled
			}
		}
		if d.audit.past[s] {
			x.Detail = whyOld
		}
		o.Sightings = append(o.Sightings, x)
	}
	for l := range d.links {
		d.told[l.client] = true
		o.Samples = append(o.Samples, lineage.Sample{
			Subject: lineage.Access{Topic: lineage.Topic{Cluster: d.cluster.ID}, Op: l.op, Client: l.client},
			Metric:  lineage.Linked, Evidence: l.evidence, Value: 1,
		})
	}
	d.claims.end(o, d.named, d.epochs)
	if d.sampled || d.cfg.NoRequests { // nobody is at rest because nothing is told of him
		if d.cfg.NoRequests {
			d.claims.lose() // what comes when it is on again follows nothing
		}
		d.tellDenials(o)
		d.tellRulings(o)
		d.tellOver(o)
		return
	}
	d.claims.sent = d.cfg.Push
	d.claims.rests(o, len(d.cluster.Topics), d.alive, d.ends)
	if d.requests.IsZero() && d.claims.counts() { // before the start there was one
		d.requests = d.began
	}
	if !d.requests.IsZero() && d.round.Sub(d.requests) > max(silentFor, 3*d.cfg.Interval) {
		d.claims.lose()
		collector.MissAll(o, "the request log has fallen silent: it is switched off, or written elsewhere than it was")
	}
	d.tellDenials(o)
	d.tellRulings(o)
	d.tellOver(o)
}

// tellOver says that a round said more than is kept.
func (d *digest) tellOver(o *lineage.Observation) {
	if d.over > 0 {
		o.Missing = append(o.Missing, lineage.Missing{
			Reason: fmt.Sprintf("the logs of one round say more than is kept of one: %d clients, topics, refusals and operations more", d.over),
			Share:  float64(d.over) / float64(d.over+len(d.sights)+len(d.links)+len(d.denials)+len(d.rulings)),
		})
	}
}

// several reports whether a client bears several identities.
func several(c lineage.Client) bool {
	n := 0
	for _, has := range [...]bool{
		c.ClientID != "", c.Group != "", c.TransactionalID != "", c.Principal != "", c.Producer != 0, c.Instance != "",
	} {
		if has {
			n++
		}
	}
	return n > 1
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
