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
	return spots
}
