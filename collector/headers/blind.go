package headers

import (
	"fmt"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

// blind says of which topics headers can't tell.
func (s *source) blind(books []*book) (spots []lineage.BlindSpot) {
	add := func(what, remedy string) { spots = append(spots, lineage.BlindSpot{What: what, Remedy: remedy}) }
	if len(books) == 0 {
		add("batch headers: no watched topic matches headers.topics", "name topics that are watched; whole names are matched")
	}
	var denied, short []string
	for _, b := range books {
		if b.denied != "" {
			denied = append(denied, b.topic.Name)
		}
		if b.share < 1 {
			short = append(short, b.topic.Name)
		}
	}
	if len(denied) > 0 {
		add("batch headers of topics that may not be read: "+collector.Some(denied), "grant READ on them to lineaged, or take them out of headers.topics")
	}
	if len(short) > 0 {
		add("topics of which more is written than is looked at: "+collector.Some(short), fmt.Sprintf("raise headers.budget, which is %d bytes a second and broker, or name fewer topics", s.cfg.Budget))
	}
	if p := s.peeker; p != nil {
		if p.bad > 0 {
			add("record headers of batches that could not be unpacked or read, or hold more than 8 MiB", "look at what is written to the topics of headers.records")
		}
		if p.odd > 0 {
			add("values of the header "+p.header+" that are no names: longer than 256 bytes, empty, or no text", "have writers put their name there, or name another header (headers.records.header)")
		}
		if who := s.apps.several(); len(who) > 0 {
			add("producers whose records bear several names, so that none is theirs: "+collector.Some(who), "take topics to which records are forwarded out of headers.records")
		}
	}
	return append(spots, s.traces.blind(books)...)
}
