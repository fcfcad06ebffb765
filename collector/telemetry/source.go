package telemetry

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

const (
	forgetAfter = 24 * time.Hour // a client that does not push
	// forgetNameless is for one without an instance id: it may be another of the same name, which counts on.
	forgetNameless = 30 * 24 * time.Hour
	lately         = 15 * time.Minute // who pushed within this is there
	// settled is how long before a round a push has come that the round's ends have: clients count what they have sent,
	// and a broker has it after a batch's way, and its wait for other replicas.
	settled = 500 * time.Millisecond
)

// source is what is known of one cluster's clients. One goroutine at a time. It is a collector.Pusher.
type source struct {
	cfg  Config
	tell *collector.Teller
	// flows, which begin and end
	flows *collector.Flows

	began   time.Time                    // since when it listens
	clients map[string]*client           // by key
	series  int                          // of all of them
	pushed  time.Time                    // the newest round that a push came in; zero: none ever
	pace    time.Duration                // the longest pause between two of them of late
	gone    []string                     // position keys to remove
	links   map[lineage.Client]time.Time // that were told, and until when that is not told again

	dropped, many bool            // clients, and topics of clients, of which there was no room
	strange       map[string]bool // topics that were told of and are not watched, a few of them
}

// client is one start of a client.
type client struct {
	who
	key    string
	seen   time.Time
	series map[subject]*series
	// the longest pause between two of its pushes; 0: there was one only. Not kept over a restart
	pace          time.Duration
	silent        bool           // so it was told. Not kept over a restart
	linked        lineage.Client // as it was told that its identities are one
	reads, writes bool
	dirty         bool
	again         bool // something that came is to be told with the next round
}

// subject is what a client does to which topic.
type subject struct {
	topic string
	op    lineage.Op
}

func newSource(cfg Config, tell *collector.Teller) *source {
	s := &source{cfg: cfg, tell: tell}
	s.flows = collector.NewFlows(tell, cfg.Interval, s.pauseOf)
	s.forget()
	return s
}

// forget brings all to the state of a first start.
func (s *source) forget() {
	s.clients, s.series, s.gone, s.strange = map[string]*client{}, 0, nil, map[string]bool{}
	s.links = map[lineage.Client]time.Time{}
	s.began, s.pushed, s.pace = time.Time{}, time.Time{}, 0
	s.dropped, s.many = false, false
}

// key tells a client from others: the id that it was given at its start, else all that is known of it.
func (w who) key() string {
	if w.Instance != "" {
		return w.Instance
	}
	parts := []string{w.ClientID, w.Principal, w.Host, w.TransactionalID, w.Group}
	for i := range parts {
		parts[i] = strconv.Quote(parts[i])
	}
	return strings.Join(parts, " ")
}

// Parts implements collector.Pusher.
func (s *source) Parts() []collector.Cadence {
	return []collector.Cadence{{Part: Part, Every: s.cfg.Interval}}
}

// Merge implements collector.Pusher.
func (s *source) Merge(t *collector.Take, pushes []*push) error {
	if s.began.IsZero() {
		s.began = t.Round.Add(-s.cfg.Interval)
	}
	if !s.pushed.IsZero() {
		s.pace = max(s.pace*9/10, t.Round.Sub(s.pushed))
	}
	s.pushed = t.Round
	for _, p := range pushes {
		if p.named() {
			s.flows.Hear(p.node, t.Round, longestSilence)
			s.push(t.Round, p)
		}
	}
	return nil
}

func (s *source) push(round time.Time, p *push) {
	key := p.key()
	c := s.clients[key]
	first := c == nil
	if first {
		if len(s.clients) >= s.cfg.MaxClients {
			s.dropped = true
			return
		}
		c = &client{key: key, series: map[subject]*series{}}
		s.clients[key] = c
	}
	c.learn(p.who)
	if !c.seen.IsZero() {
		c.pace = max(c.pace, round.Sub(c.seen))
	}
	c.seen, c.dirty = round, true
	c.reads, c.writes = c.reads || p.reads, c.writes || p.writes
	for _, x := range p.points {
		at := subject{x.topic, x.op}
		one := c.series[at]
		if one == nil {
			if s.series >= s.cfg.MaxSeries {
				s.many = true
				continue
			}
			one = &series{told: -1, first: first && x.delta && x.op == lineage.Read}
			c.series[at] = one
			s.series++
		}
		one.take(x, p.arrived, s.began)
	}
}

// learn takes in what a push says of its client: what was said once stays where it is not said again.
func (w *who) learn(now who) {
	for _, f := range [...]struct {
		to  *string
		now string
	}{
		{&w.Instance, now.Instance},
		{&w.ClientID, now.ClientID},
		{&w.Principal, now.Principal},
		{&w.Host, now.Host},
		{&w.TransactionalID, now.TransactionalID},
		{&w.Group, now.Group},
		{&w.Software, now.Software},
	} {
		if f.now != "" {
			*f.to = f.now
		}
	}
}

// End implements collector.Pusher.
func (s *source) End(t *collector.Take) {
	if s.began.IsZero() {
		s.began = t.Round.Add(-s.cfg.Interval)
	}
	o := t.Of(Part)
	if o == nil {
		o = t.Observe(Part, s.cfg.Interval)
	}
	if !s.pushed.IsZero() && t.Round.Sub(s.pushed) > s.patience() {
		collector.MissAll(o, "no client's metrics have come for a while: either no client runs, or nobody forwards them")
	}
	if w, ok := s.cfg.Board.Cluster(s.cfg.Name); ok {
		for _, c := range s.sorted() {
			if c.again {
				c.dirty, c.again = true, false
			}
			s.link(o, w.ID, c)
			s.tellClient(o, w, c)
		}
		s.tellSilent(o, w)
	}
	s.expire(t.Round)
	t.Blind(o, s.blind(t.Round))
	s.savePositions(t, o)
	s.flows.Tell(o)
}

// pauseOf is for how long a client must be silent for what it moves to have ended: it tells only now and then.
func (s *source) pauseOf(a *lineage.Access) time.Duration {
	if c := s.clients[whoIs(&a.Client).key()]; c != nil {
		return c.patience()
	}
	return longestSilence
}

// whoIs is a client as it is known here.
func whoIs(c *lineage.Client) who {
	return who{Instance: c.Instance, ClientID: c.ClientID, Principal: c.Principal, Host: c.Host, TransactionalID: c.TransactionalID, Group: c.Group, Software: c.Software}
}

// patience is for how long silence says that nothing moved.
func (s *source) patience() time.Duration {
	if s.cfg.Silence > 0 {
		return s.cfg.Silence
	}
	return min(max(3*s.pace, silentAfter), longestSilence)
}

// sorted returns those of whom something is to be told or kept, in a fixed order.
func (s *source) sorted() (all []*client) {
	for _, key := range slices.Sorted(maps.Keys(s.clients)) {
		if c := s.clients[key]; c.dirty || c.again {
			all = append(all, c)
		}
	}
	return all
}

// tellClient tells what a client has moved since it was last told.
func (s *source) tellClient(o *lineage.Observation, w collector.Watched, c *client) {
	for _, at := range slices.SortedFunc(maps.Keys(c.series), func(a, b subject) int {
		return strings.Compare(a.topic, b.topic)*2 + int(a.op) - int(b.op)
	}) {
		x := c.series[at]
		id, watched := w.IDs[at.topic]
		if !watched { // it may have been made just now, and then it is told with the next push
			if len(s.strange) < 100 {
				s.strange[at.topic] = true
			}
			continue
		}
		delete(s.strange, at.topic)
		again := s.tellSeries(o, lineage.Access{Topic: lineage.Topic{Cluster: w.ID, ID: id, Name: at.topic}, Op: at.op, Client: c.client()}, x)
		c.again = c.again || again
	}
}

// tellSilent tells of whom nobody knows what they do any more: who has not pushed for long may go on all the same. That
// it pushes again ends it.
func (s *source) tellSilent(o *lineage.Observation, w collector.Watched) {
	for _, key := range slices.Sorted(maps.Keys(s.clients)) {
		c := s.clients[key]
		silent := o.Round.Sub(c.seen) > c.patience()
		if silent == c.silent {
			continue
		}
		c.silent = silent
		level := int64(0)
		if silent {
			level = 1
		}
		for at := range c.series {
			if id, watched := w.IDs[at.topic]; watched {
				a := lineage.Access{Topic: lineage.Topic{Cluster: w.ID, ID: id, Name: at.topic}, Op: at.op, Client: c.client()}
				o.Samples = append(o.Samples, lineage.Sample{Subject: a, Metric: lineage.Pending, Value: level})
			}
		}
	}
}

// patience is for how long a client's own silence says that it moved nothing.
func (c *client) patience() time.Duration {
	if c.pace == 0 {
		return longestSilence
	}
	return min(max(3*c.pace, silentAfter), longestSilence)
}

// tellSeries tells what came of a topic, and reports whether some of it is to be told with the next round.
func (s *source) tellSeries(o *lineage.Observation, a lineage.Access, x *series) (again bool) {
	n := x.total
	if a.Op == lineage.Write && o.Round.Sub(x.came) < settled {
		n, again = x.ripe, true
	}
	x.ripe = x.total
	moved, grouped := n > max(x.told, 0), a.Op == lineage.Read && a.Client.Group != ""
	if (x.told >= 0 || n == 0) && !moved && !x.lost {
		return again
	}
	detail := ""
	switch {
	case x.lost:
		detail = whyLost
	case x.first && moved && !grouped:
		detail = whyFirst
	}
	if !grouped { // whose records are not counted by its commits
		sample := lineage.Sample{Subject: a, Metric: lineage.Records, Evidence: lineage.Telemetry, Value: n, Since: x.since, Estimated: detail != ""}
		if a.Op == lineage.Write {
			sample.Metric = lineage.Claimed
		}
		if x.since.IsZero() || !x.since.Before(o.Round) {
			sample.Since = time.Time{}
		}
		// What the topic grew by is known by ticks: the one in which the span begins is a part of it.
		sample.Since = sample.Since.Truncate(s.cfg.Interval)
		o.Samples = append(o.Samples, sample)
	}
	// Whether a writer moved anything is for what the topic grew by to say: its word is claimed, and settled by that.
	o.Sightings = append(o.Sightings, lineage.Sighting{Access: a, Evidence: lineage.Telemetry, Moved: moved && a.Op == lineage.Read, Detail: detail})
	x.first = x.first && !moved
	if x.told, x.lost = n, false; n == x.total {
		x.since = time.Time{}
	}
	return again
}

// client is the client as others know it.
func (c *client) client() lineage.Client {
	return lineage.Client{
		ClientID: c.ClientID, Group: c.Group, TransactionalID: c.TransactionalID, Principal: c.Principal, Host: c.Host, Software: c.Software, Instance: c.Instance,
	}
}

// link tells of the cluster that a client's identities are one client's, each time that they are others. The starts of
// a client share it: what it writes and reads bears the instance itself.
func (s *source) link(o *lineage.Observation, cluster lineage.ClusterID, c *client) {
	is := c.client()
	is.Instance = ""
	identities := 0
	for _, name := range [...]string{is.ClientID, is.TransactionalID, is.Group, is.Principal} {
		if name != "" {
			identities++
		}
	}
	if identities < 2 || c.linked == is {
		return
	}
	c.linked = is
	if until, told := s.links[is]; told && o.Round.Before(until) {
		return
	}
	if len(s.links) >= s.cfg.MaxClients {
		clear(s.links) // to tell one again says nothing new
	}
	s.links[is] = o.Round.Add(forgetAfter)
	o.Samples = append(o.Samples, lineage.Sample{
		Subject: lineage.Access{Topic: lineage.Topic{Cluster: cluster}, Op: lineage.Write, Client: is}, Metric: lineage.Linked, Evidence: lineage.Telemetry, Value: 1,
	})
}

// expire forgets who has not pushed for long.
func (s *source) expire(round time.Time) {
	for key, c := range s.clients {
		after := forgetAfter
		if c.Instance == "" {
			after = forgetNameless
		}
		if round.Sub(c.seen) > after {
			s.series -= len(c.series)
			delete(s.clients, key)
			s.gone = append(s.gone, clientKey(key))
		}
	}
}

// blind says what telemetry can't tell.
func (s *source) blind(round time.Time) (spots []lineage.BlindSpot) {
	add := func(what, remedy string) { spots = append(spots, lineage.BlindSpot{What: what, Remedy: remedy}) }
	if s.pushed.IsZero() {
		add("no client's metrics have come yet", "put the telemetry reporter or another forwarder of KIP-714 metrics on all brokers, and have clients subscribed (telemetry.subscribe): docs/telemetry.md")
	} else {
		add("clients that push no metrics: those of before Kafka 3.7, of libraries that do not, and with enable.metrics.push=false", "update them, or let the request log or the authorizer log name them")
	}
	var topicless []string
	for _, c := range s.clients {
		if len(c.series) == 0 && (c.reads || c.writes) && round.Sub(c.seen) < lately {
			topicless = append(topicless, c.ClientID)
		}
	}
	slices.Sort(topicless)
	if topicless = slices.Compact(topicless); len(topicless) > 0 {
		add("clients whose metrics name no topic, as librdkafka's and franz-go's do not, so that it is not known what they read or write: "+collector.Some(topicless), "the request log or the authorizer log tells it")
	}
	if len(s.strange) > 0 {
		add("topics that clients told of and that are not watched: "+collector.Some(slices.Collect(maps.Keys(s.strange))), "watch them (topics.include), or let lineaged describe them")
	}
	if s.dropped {
		add(fmt.Sprintf("clients beyond the first %d that pushed within a day: they are not kept", s.cfg.MaxClients), "fewer starts of clients")
	}
	if s.many {
		add(fmt.Sprintf("topics of clients beyond %d together: they are not kept", s.cfg.MaxSeries), "fewer starts of clients, or fewer topics of each")
	}
	if s.cfg.Subscription != nil {
		if why := s.cfg.Subscription.trouble(); why != "" {
			add("clients are not subscribed by lineaged: "+why, "grant ALTER_CONFIGS on the cluster, or set the subscription by hand: docs/telemetry.md")
		}
	}
	return spots
}
