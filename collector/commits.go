package collector

import (
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// GroupCommits are what a group that nobody is in has committed on topics that somebody asked for.
type GroupCommits struct {
	Group string
	// Offsets are by topic and partition, -1: none. Whoever gets them must not change them.
	Offsets map[string][]int64
}

// toldCommits are the commits of a cluster's groups as of a round.
type toldCommits struct {
	round  time.Time
	groups []GroupCommits
}

// WantCommits asks for what groups without members have committed on topics, in the next rounds. Who goes on wanting
// them asks in each round.
func (b *Board) WantCommits(cluster lineage.ClusterID, topics ...string) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.wantedCommits == nil {
		b.wantedCommits = map[lineage.ClusterID]map[string]int{}
	}
	if b.wantedCommits[cluster] == nil {
		b.wantedCommits[cluster] = map[string]int{}
	}
	for _, t := range topics {
		b.wantedCommits[cluster][t] = wantedFor
	}
}

// CommitsWanted returns the topics of which somebody wants commits. It is asked once a round.
func (b *Board) CommitsWanted(cluster lineage.ClusterID) map[string]bool {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.wantedCommits[cluster]) == 0 {
		return nil
	}
	out := map[string]bool{}
	for t, rounds := range b.wantedCommits[cluster] {
		out[t] = true
		if b.wantedCommits[cluster][t]--; rounds <= 1 {
			delete(b.wantedCommits[cluster], t)
		}
	}
	return out
}

// SetCommits tells what groups without members have committed on the topics that are wanted, as of a round in which all
// groups that may be seen were read.
func (b *Board) SetCommits(cluster lineage.ClusterID, round time.Time, groups []GroupCommits) {
	if b == nil {
		return
	}
	slices.SortFunc(groups, func(a, c GroupCommits) int { return strings.Compare(a.Group, c.Group) })
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.commits == nil {
		b.commits = map[lineage.ClusterID]toldCommits{}
	}
	b.commits[cluster] = toldCommits{round, groups}
}

// Commits returns the newest commits of a cluster's groups without members, and their round; zero: none were told.
func (b *Board) Commits(cluster lineage.ClusterID) ([]GroupCommits, time.Time) {
	if b == nil {
		return nil, time.Time{}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	told := b.commits[cluster]
	return told.groups, told.round
}
