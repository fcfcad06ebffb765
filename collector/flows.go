package collector

import (
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
// has begun, and not what a log or a forwarder that was switched on just now tells of for the first time.
type Flows struct {
	tell    *Teller
	tracker *rhythm.Tracker
	heard   time.Time // the first round in which something moved, in this process
	partly  bool      // nobody knows of which part of what moved the round tells
}

// anonymous is whom a broker takes for everybody where nobody says who he is.
const anonymous = "User:ANONYMOUS"

const (
	// mostFlows are followed at once, and of so many beginnings and ends of one round it is told: whoever connects
	// makes up a client.id.
	mostFlows = 20_000
	mostBegun = 500
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
		Since:    func(lineage.Access) time.Time { return f.heard },
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

// Mine reports whether a position's key is one of these flows'.
func (f *Flows) Mine(key string) bool {
	return key == flowsKey || strings.HasPrefix(key, rhythm.Prefix)
}

// Restore goes back to what stored positions say; others than its own are left alone.
func (f *Flows) Restore(positions map[string][]byte) {
	f.tracker.Forget()
	f.heard = time.Time{}
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
	f.partly = slices.ContainsFunc(o.Missing, anywhere)
	before := len(o.Events)
	f.tracker.Observe([]*lineage.Observation{o})
	if n := len(o.Events) - before; n > mostBegun {
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
