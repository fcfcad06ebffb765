package mirror

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

// sayBlind tells what the source can't see, when that changed.
func (s *source) sayBlind(o *lineage.Observation, views []view) {
	spots := append(s.unread(), unclear(views)...)
	s.take.Blind(o, spots)
}

// unread is what stands in the internal topics and could not be read.
func (s *source) unread() (spots []lineage.BlindSpot) {
	if s.tail != nil {
		var names []string
		for name, tp := range s.tail.topics {
			if errors.Is(tp.err, errDenied) {
				names = append(names, name)
			}
		}
		if len(names) > 0 {
			spots = append(spots, lineage.BlindSpot{
				What:   "what MirrorMaker 2 keeps in " + collector.Some(names) + " may not be read",
				Remedy: "grant DESCRIBE and READ on these topics to lineaged's principal; they are MirrorMaker 2's bookkeeping",
			})
		}
	}
	for _, topic := range slices.Sorted(maps.Keys(s.words.bad)) {
		n := s.words.bad[topic]
		if n >= 10*s.scale[topic] { // said anew when there are ten times as many, not with each
			s.scale[topic] = n
			s.cfg.Log.Warn("records do not parse", "topic", topic, "records", n)
		}
		spots = append(spots, lineage.BlindSpot{
			What:   fmt.Sprintf("records of %s do not parse as MirrorMaker 2's; there are %d or more", topic, s.scale[topic]),
			Remedy: "see who else writes to this topic, or whether this MirrorMaker 2 is newer than lineaged",
		})
	}
	return spots
}

// unclear is what stays unknown of replicators that are known.
func unclear(views []view) (spots []lineage.BlindSpot) {
	say := func(what, remedy string) { spots = append(spots, lineage.BlindSpot{What: what, Remedy: remedy}) }
	for _, v := range views {
		if !v.watched {
			say(fmt.Sprintf("the cluster %q that %s copies from is not watched, so neither what is read there nor how much", v.source, v.pair),
				"configure it under clusters; where neither its addresses nor its name tell, name its alias under mirrors")
		}
		switch {
		case v.vague:
			say(fmt.Sprintf("%s lives, and which topics it copies does not show here", v.pair), "configure the Connect that it runs on under connect")
		case !v.policy.Known():
			say(fmt.Sprintf("%s names copies by %s, so which topic is a copy of which is not known", v.pair, v.policy.Class), "use one of Kafka's own replication policies")
		case v.watched && !slices.ContainsFunc(v.copies, func(c copied) bool { return c.offsets != nil }) && len(v.copies) > 0:
			say(fmt.Sprintf("how many records %s copies: its offsets are kept elsewhere", v.pair), "configure the Connect that it runs on under connect")
		}
	}
	return spots
}
