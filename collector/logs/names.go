package logs

import (
	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/brokerlog"
	"github.com/lineaged/lineaged/lineage"
)

// This file gives topics their names: newer requests know them by their ids.

// learn takes the names of topics out of an answer.
func (d *digest) learn(r *brokerlog.Request) {
	for i := range r.Results {
		if t := &r.Results[i]; t.Error == 0 && len(t.Name) > 0 && t.ID != (lineage.TopicID{}) {
			d.names[t.ID] = d.text(t.Name)
		}
	}
}

// name returns a topic's name by its id; empty: it is not known.
func (d *digest) name(id lineage.TopicID) string {
	if name := d.names[id]; name != "" || d.looked {
		return name
	}
	d.looked = true
	for name, id := range d.cluster.IDs {
		d.names[id] = name
	}
	return d.names[id]
}

// resolve gives a topic the name or the id that it lacks, as far as they are known; false: it has no name yet.
func (d *digest) resolve(t *lineage.Topic) bool {
	switch {
	case t.Name == "":
		t.Name = d.name(t.ID)
	case t.ID == (lineage.TopicID{}):
		t.ID = d.cluster.IDs[t.Name]
	}
	return t.Name != ""
}

// wanted reports whether a topic is watched.
func (d *digest) wanted(name string) bool { return d.cfg.Wanted == nil || d.cfg.Wanted(name) }

// named returns a topic with its name and id, if it has both and is watched.
func (d *digest) named(t lineage.Topic) (lineage.Topic, bool) {
	ok := d.resolve(&t) && t.ID != (lineage.TopicID{}) && d.wanted(t.Name)
	return t, ok
}

// ends returns where a topic's partitions end, nowhere where that is not known.
func (d *digest) ends(t lineage.Topic) collector.Ends {
	if d.behind || d.cluster.IDs[t.Name] != t.ID {
		return collector.Ends{}
	}
	d.cfg.Board.WantEnds(t.Cluster, t.Name)
	return d.cfg.Board.Ends(t.Cluster, t.Name, d.round.Add(-2*d.cfg.Interval))
}

// epochs returns those of the leaders of a topic's partitions.
func (d *digest) epochs(t lineage.Topic) []int32 { return d.ends(t).Epochs }

// alive reports whether the request log of the broker that is reached at an address told of something in this round;
// empty: whether any broker's did.
func (d *digest) alive(local string) bool {
	if local == "" {
		return d.requests.Equal(d.round)
	}
	return d.locals[local].Equal(d.round)
}

// wait keeps an access until its topic's name is known.
func (d *digest) wait(s sight, moved bool) {
	w := d.waiting[s]
	if w == nil {
		if len(d.waiting) >= mostWaiting {
			d.unresolved++
			return
		}
		w = &waiter{since: d.round}
		d.waiting[s] = w
	}
	w.moved = w.moved || moved
}

// settle takes in what waited for its topic's name.
func (d *digest) settle() {
	for s, w := range d.waiting {
		switch {
		case d.name(s.access.Topic.ID) != "":
			delete(d.waiting, s)
			// It moved when it was seen first, which is what is told as long as that is about now.
			d.seeTopic(s, w.moved && d.round.Sub(w.since) <= d.cfg.Interval)
		case d.round.Sub(w.since) > waitFor:
			delete(d.waiting, s)
			d.unresolved++
		}
	}
}
