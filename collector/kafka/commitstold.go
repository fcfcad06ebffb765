package kafka

import "github.com/lineaged/lineaged/collector"

// tellCommits tells others what groups that nobody is in have committed on topics that they ask for, where all groups
// were read in this round: which are not told of then has a meaning.
func (t *take) tellCommits(whole bool) {
	wanted := t.cfg.Board.CommitsWanted(t.cluster)
	if len(wanted) == 0 || !whole || len(t.deniedGroups) > 0 {
		return
	}
	all := []collector.GroupCommits{}
	for name, g := range t.groups {
		if g.live() || g.share() || g.absent > 0 {
			continue
		}
		if !g.whole.Equal(t.round) { // its commits are older than others'
			return
		}
		c := collector.GroupCommits{Group: name, Offsets: map[string][]int64{}}
		for id, r := range g.readers {
			tp := t.topics[id]
			if tp == nil || !wanted[tp.topic.Name] {
				continue
			}
			offsets := make([]int64, len(r.parts))
			for i := range offsets {
				offsets[i] = max(r.committed(int32(i)), -1)
			}
			c.Offsets[tp.topic.Name] = offsets
		}
		if len(c.Offsets) > 0 {
			all = append(all, c)
		}
	}
	t.cfg.Board.SetCommits(t.cluster, t.round, all)
}
