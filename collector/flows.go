package collector

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/internal/rhythm"
	"github.com/lineaged/lineaged/internal/varint"
	"github.com/lineaged/lineaged/lineage"
)

// Flows tells when flows begin and end that a source knows by a client's own name: those of writers without a
// transactional.id and of readers without a group, which the cluster's own source does not tell apart. One goroutine at
// a time.
//
// It begins to watch with the first that the source saw move: what moved from then on without having moved for a while
// has begun, and not what a log or a forwarder that was switched on just now tells of for the first time, be it one of
// several, nor what a part tells of that was hidden.
type Flows struct {
	tell    *Teller
	tracker *rhythm.Tracker
	heard   time.Time // the first round in which something moved, in this process
	partly  bool      // nobody knows of which part of what moved the round tells
	hidden  map[lineage.Topic]hiding
	origins map[string]time.Time // newest round in which something was heard from there
	joined  time.Time            // newest round in which something was heard from where nothing was before
}

// hiding is that a topic was not seen whole, or of no topic, that nobody knows of which part of what moved was told.
type hiding struct {
	until time.Time // newest round of it, and once it is over the first after it
	over  bool
}

// anonymous is whom a broker takes for everybody where nobody says who he is.
const anonymous = "User:ANONYMOUS"

const (
	// mostFlows are followed at once, and of so many beginnings and ends of one round it is told: whoever connects
	// makes up a client.id.
	mostFlows = 20_000
	mostBegun = 500
	// hiddenFor is for how long it is remembered that a topic was hidden: longer than any source lets a flow be silent.
	hiddenFor = time.Hour
	// mostOrigins are known.
	mostOrigins = 10_000
)

// flowsKey holds the newest round, rhythm.Prefix begins the keys of the flows.
const (
	flowsKey       = "flows"
	flowsPositions = 1
)

// NewFlows makes the flows of a source that observes each interval. least is for how long a flow must be silent to have
// ended, at least, as where its client tells something now and then; nil: no longer than any other's.
func NewFlows(tell *Teller, interval time.Duration, least func(*lineage.Access) time.Duration) *Flows {
	f := &Flows{tell: tell}
	f.tracker = rhythm.New(rhythm.Config{
		Tick: interval, Least: least, Name: clientName, Most: mostFlows,
		Ignore: func(a lineage.Access) bool {
			c := &a.Client
			return c.Group != "" || c.TransactionalID != "" || c.Mover != lineage.Node{} || c.Kind != lineage.Connection || clientName(c) == ""
		},
		Since:    f.since,
		Visible:  func(lineage.Access) bool { return !f.partly },
		Fleeting: true,
	})
	return f
}

// clientName is what a client is called by itself, or by whom it came as; empty: it says nothing of who it is.
func clientName(c *lineage.Client) string {
	if c.ClientID == "" && c.Principal == anonymous {
		return ""
	}
	return strings.TrimSpace(c.ClientID + " " + c.Principal)
}

// anywhere reports whether what is missing may be of any flow.
func anywhere(m lineage.Missing) bool { return len(m.Topics)+len(m.Groups) == 0 }

// hide notes what a round does not see. What was hidden before a round that saw nothing still is.
func (f *Flows) hide(o *lineage.Observation) {
	f.partly = slices.ContainsFunc(o.Missing, anywhere)
	all := slices.ContainsFunc(o.Missing, func(m lineage.Missing) bool { return m.All })
	for t, h := range f.hidden {
		if !h.over {
			f.hidden[t] = hiding{until: o.Round, over: !all}
		} else if o.Round.Sub(h.until) > hiddenFor {
			delete(f.hidden, t)
		}
	}
	add := func(t lineage.Topic) {
		if f.hidden == nil {
			f.hidden = map[lineage.Topic]hiding{}
		}
		f.hidden[t] = hiding{until: o.Round}
	}
	for i := range o.Missing {
		for _, t := range o.Missing[i].Topics {
			add(t)
		}
	}
	if f.partly && !all {
		add(lineage.Topic{})
	}
}

// Hear notes that a round tells something that comes from a part of the source of its own, as a broker's log. Where
// nothing was heard from there for longer than gap it may tell for the first time of what moves since long ago.
func (f *Flows) Hear(origin string, round time.Time, gap time.Duration) {
	if at, known := f.origins[origin]; !known || round.Sub(at) > gap {
		f.joined = round
	}
	if f.origins == nil || len(f.origins) >= mostOrigins {
		f.origins = map[string]time.Time{}
	}
	f.origins[origin] = round
}

// since is from when on a flow would have been seen to move, had it moved.
func (f *Flows) since(a lineage.Access) time.Time {
	since := f.heard
	for _, at := range [...]time.Time{f.joined, f.hidden[a.Topic].until, f.hidden[lineage.Topic{}].until} {
		if at.After(since) {
			since = at
		}
	}
	return since
}

// inOrder puts events into an order that does not depend on that in which they were told.
func inOrder(a, b lineage.Event) int {
	x, y := &a.Access, &b.Access
	return cmp.Or(
		a.At.Compare(b.At), cmp.Compare(a.Type, b.Type), cmp.Compare(x.Topic.Name, y.Topic.Name), cmp.Compare(x.Op, y.Op),
		cmp.Compare(x.Client.ClientID, y.Client.ClientID), cmp.Compare(x.Client.Principal, y.Client.Principal),
	)
}

// Mine reports whether a position's key is one of these flows'.
func (f *Flows) Mine(key string) bool {
	return key == flowsKey || strings.HasPrefix(key, rhythm.Prefix)
}

// Restore goes back to what stored positions say; others than its own are left alone.
func (f *Flows) Restore(positions map[string][]byte) {
	f.tracker.Forget()
	f.heard, f.joined, f.hidden, f.origins = time.Time{}, time.Time{}, nil, nil
	own := maps.Clone(positions)
	maps.DeleteFunc(own, func(key string, _ []byte) bool { return !f.Mine(key) })
	if len(own) == 0 {
		return
	}
	d := varint.Decoder{Left: own[flowsKey]}
	d.Version(flowsPositions)
	round := d.Time()
	if err := d.Done(); err != nil { // without it nobody knows of when the rest is
		for key := range own {
			f.tell.Leave(key, err)
		}
		return
	}
	delete(own, flowsKey)
	f.tracker.Restore(own, round, f.tell.Leave)
}

// Tell says which flows began and ended, once all else of the round was told, and saves what is known of them.
func (f *Flows) Tell(o *lineage.Observation) {
	if f.heard.IsZero() && rhythm.Moved(o) {
		f.heard = o.Round
	}
	f.hide(o)
	before := len(o.Events)
	f.tracker.Observe([]*lineage.Observation{o})
	if n := f.tracker.NotFollowed(o.Source.Name, o.Round); n > 0 {
		o.Missing = append(o.Missing, lineage.Missing{
			Share:  float64(n) / float64(n+mostFlows),
			Reason: fmt.Sprintf("%d flows more than the %d that are followed moved: when they began or end is not told", n, mostFlows),
		})
	}
	if n := len(o.Events) - before; n > mostBegun {
		slices.SortFunc(o.Events[before:], inOrder)
		o.Events = o.Events[:before+mostBegun]
		o.Missing = append(o.Missing, lineage.Missing{
			Share:  float64(n-mostBegun) / float64(n),
			Reason: fmt.Sprintf("%d flows began or ended in one round: of %d it is not told", n, n-mostBegun),
		})
	}
	if f.heard.IsZero() && !f.tracker.Any() {
		return
	}
	o.Positions = append(o.Positions, f.tracker.Positions()...)
	var e varint.Encoder
	e.Uint(flowsPositions)
	e.Time(o.Round)
	o.Positions = append(o.Positions, lineage.Position{Key: flowsKey, Value: e})
}

// ForgetFlow returns a position of a source of flows, nil of one of some persons, see rhythm.Forget.
func ForgetFlow(p *lineage.Persons, key string, value []byte) []byte {
	return rhythm.Forget(p, key, value)
}
