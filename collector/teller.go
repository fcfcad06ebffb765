package collector

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// Teller is what a source tells of itself, written once for all: which of its parts were lost and came back, what they
// can't see, and which of its positions could not be read. Each is told once, until the round that told it is stored:
// after a refused append it is told again. One goroutine at a time.
type Teller struct {
	cluster string // Source.Cluster of all that it tells
	log     *slog.Logger
	stored  told // up to the newest round that was stored
	now     told // up to the round under way
	before  told // up to the one before that
	open    bool // a round is under way

	unreadable []string // position keys, to be told
}

// told is what was told.
type told struct {
	lost  map[string]bool                // parts that saw nothing in their last round
	said  map[string]bool                // those of them that have a line in the log
	blind map[string][]lineage.BlindSpot // by part
}

func (t told) clone() told { return told{maps.Clone(t.lost), maps.Clone(t.said), maps.Clone(t.blind)} }

// NewTeller makes a teller of the source that is configured under a name.
func NewTeller(cluster string, log *slog.Logger) *Teller {
	t := &Teller{cluster: cluster, log: log}
	t.stored = told{map[string]bool{}, map[string]bool{}, map[string][]lineage.BlindSpot{}}
	t.now = t.stored.clone()
	return t
}

// Restore goes back to what was stored: the rounds since then were refused. A source calls it from its own Restore.
func (t *Teller) Restore() {
	t.now = t.stored.clone()
	t.open, t.unreadable = false, nil
}

// Stored notes that all that was told is stored. A source calls it from a method of the same name.
func (t *Teller) Stored() { t.stored = t.now.clone() }

// Take begins a round. One that was begun and not finished, as it panicked, has told nothing.
func (t *Teller) Take(round time.Time) *Take {
	if t.open {
		t.now = t.before
	}
	t.open, t.before = true, t.now.clone()
	return &Take{Teller: t, Round: round}
}

// Leave notes a position that can't be read, to be told with the next round. What can't be read today can't be read
// tomorrow: its part begins anew, and the source removes the position.
func (t *Teller) Leave(key string, err error) {
	t.log.Error("a stored position can't be read; its part is counted anew", "position", key, "error", err)
	t.unreadable = append(t.unreadable, key)
}

// Take is one round of a source under way.
type Take struct {
	*Teller
	Round time.Time

	obs    []*lineage.Observation
	untold map[*lineage.Observation]bool // of which it is not told whether they were lost
	meant  map[*lineage.Observation]bool // that see no more than they are meant to
}

// Observe begins an observation of a part of the source, which observes each interval.
func (t *Take) Observe(part string, interval time.Duration) *lineage.Observation {
	o := &lineage.Observation{
		Source: lineage.Source{Cluster: t.cluster, Name: part}, Round: t.Round, Interval: interval, At: time.Now().UTC(),
	}
	t.obs = append(t.obs, o)
	return o
}

// Observed returns the round's observations, in the order in which they were begun.
func (t *Take) Observed() []*lineage.Observation { return t.obs }

// Drop takes out the observations of a part.
func (t *Take) Drop(part string) {
	t.obs = slices.DeleteFunc(t.obs, func(o *lineage.Observation) bool { return o.Source.Name == part })
}

// Of returns the newest observation of a part, nil when there is none.
func (t *Take) Of(part string) *lineage.Observation {
	for _, o := range slices.Backward(t.obs) {
		if o.Source.Name == part {
			return o
		}
	}
	return nil
}

// MissAll says that a part saw nothing.
func MissAll(o *lineage.Observation, reason string) {
	o.Missing = append(o.Missing, lineage.Missing{All: true, Share: 1, Reason: reason})
}

// Untold leaves it to another source to tell why this one saw nothing, which is what it depends on.
func (t *Take) Untold(o *lineage.Observation) {
	if t.untold == nil {
		t.untold = map[*lineage.Observation]bool{}
	}
	t.untold[o] = true
}

// MissMeant says that a part saw nothing that it was not meant to see: it misses the rest, and is not lost.
func (t *Take) MissMeant(o *lineage.Observation, reason string) {
	if t.meant == nil {
		t.meant = map[*lineage.Observation]bool{}
	}
	t.meant[o] = true
	MissAll(o, reason)
}

// Blind tells what a part can't see, all of it, when that changed.
func (t *Take) Blind(o *lineage.Observation, spots []lineage.BlindSpot) {
	spots = slices.Clone(spots)
	for i := range spots {
		spots[i].Source = o.Source.String()
	}
	old, told := t.now.blind[o.Source.Name]
	if told && slices.Equal(old, spots) {
		return
	}
	t.now.blind[o.Source.Name] = spots
	o.Facts = append(o.Facts, lineage.Fact{
		Key:        lineage.FactKey{Source: t.cluster, Kind: lineage.BlindSpotFacts, Name: o.Source.Name},
		BlindSpots: spots,
	})
}

// Unreadable says which positions could not be read, of about so many parts that are known. It returns their keys,
// once.
func (t *Take) Unreadable(o *lineage.Observation, parts int) (keys []string) {
	if keys, t.unreadable = t.unreadable, nil; len(keys) == 0 {
		return nil
	}
	o.Missing = append(o.Missing, lineage.Missing{
		Share:  float64(len(keys)) / float64(max(parts, len(keys))),
		Reason: "stored positions could not be read, so that their parts are counted anew from here, and what moved since the last stored round is not known: " + Some(keys),
	})
	return keys
}

// Finish returns the round's observations, with an event for each part that was lost or came back. It returns nothing
// where ctx says that the source was told to stop in the middle of a round: then nothing was lost.
func (t *Take) Finish(ctx context.Context) []lineage.Observation {
	t.open = false
	if errors.Is(ctx.Err(), context.Canceled) {
		return nil
	}
	out := make([]lineage.Observation, 0, len(t.obs))
	for _, o := range t.obs {
		if !t.untold[o] {
			t.lost(o)
		}
		out = append(out, *o)
	}
	return out
}

// lost tells whether a part was lost or came back. In the log one line is enough for all that is lost with one part.
func (t *Take) lost(o *lineage.Observation) {
	part := o.Source.Name
	reason, lost := whyLost(o)
	lost = lost && !t.meant[o]
	was, said := t.now.lost[part], t.now.said[part]
	switch {
	case lost && !was:
		o.Events = append(o.Events, lineage.Event{At: t.Round, Type: lineage.SourceLost, Detail: o.Source.String() + ": " + reason})
	case !lost && was:
		o.Events = append(o.Events, lineage.Event{At: t.Round, Type: lineage.SourceRecovered, Detail: o.Source.String()})
	}
	t.now.lost[part] = lost
	switch with := t.lostWith(o, reason); {
	case lost && !said && !with:
		t.now.said[part] = true
		t.log.Warn("source lost", "source", part, "reason", reason)
	case lost && !said && !was:
		t.log.Debug("source lost", "source", part, "reason", reason)
	case !lost && said:
		t.log.Info("source is back", "source", part)
		delete(t.now.said, part)
	}
}

// lostWith reports whether a part is lost because another is: its reason holds the other's, or is the same.
func (t *Take) lostWith(o *lineage.Observation, reason string) bool {
	before := true
	return slices.ContainsFunc(t.obs, func(x *lineage.Observation) bool {
		if x == o {
			before = false
			return false
		}
		why, lost := whyLost(x)
		return lost && !t.untold[x] && why != "" && strings.Contains(reason, why) && (before || len(why) < len(reason))
	})
}

// whyLost returns why a part saw nothing; lost is false when it saw something.
func whyLost(o *lineage.Observation) (reason string, lost bool) {
	for _, m := range o.Missing {
		if m.All {
			reason, lost = m.Reason, true
		}
	}
	return reason, lost
}

// Some names the first few of names, for a sentence.
func Some(names []string) string {
	const most = 5
	names = slices.Sorted(slices.Values(names))
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}
