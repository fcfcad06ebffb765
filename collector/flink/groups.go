package flink

import (
	"fmt"
	"slices"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

// This file finds the consumer group that a job reads with, which Flink does not tell: the only one without members
// whose commits go along with those that Flink says the job made.

const (
	// lateness is how old the metrics may be that Flink tells: it gathers them each ten seconds, and a job's
	// TaskManagers tell theirs then.
	lateness = 30 * time.Second
	// looksToFind is how many readings in a row must leave one group, and looksToDrop how many must speak against it.
	looksToFind, looksToDrop = 3, 3
	// looksToSay is after how many readings without one it is said.
	looksToSay = 12
)

// finding is what readings left of the groups that can be a run's.
type finding struct {
	group  string // the only one that fitted the newest readings
	looks  int    // how many in a row
	bad    int    // how many in a row spoke against the one that was found
	tried  int    // readings without one that was found
	fitted int    // how many fitted the newest reading
	first  int64  // what the run had committed at the first reading, all partitions together
}

// past are the commits of a round.
type past struct {
	round  time.Time
	groups []collector.GroupCommits
}

// remember keeps the commits of the last while.
func (t *take) remember(cluster lineage.ClusterID) {
	groups, round := t.cfg.Board.Commits(cluster)
	if n := len(t.past); round.IsZero() || n > 0 && !round.After(t.past[n-1].round) {
		return
	}
	t.past = append(t.past, past{round, groups})
	t.past = slices.DeleteFunc(t.past, func(p past) bool { return round.Sub(p.round) > 4*lateness })
}

// findGroup narrows down which group is the run's. topics are the run's topics by how Flink spells them, all of them.
func (t *take) findGroup(j *job, r *run, topics map[string]string) {
	sum, all := r.committedOn(topics)
	if !all || r.judged.Equal(r.read) {
		return
	}
	before, after, ok := t.around(r.read)
	if !ok {
		return
	}
	r.judged = r.read
	f := &r.finding
	if f.tried == 0 && f.first == 0 {
		f.first = sum
	}
	fits := r.fits(topics, before, after)
	if len(j.groups) > 0 {
		if f.bad++; slices.Contains(fits, j.groups[0].Group) {
			f.bad = 0
		}
		if f.bad >= looksToDrop { // it was given another group
			j.groups, j.dirty, *f = nil, true, finding{first: sum}
		}
		return
	}
	f.tried++
	f.fitted = len(fits)
	switch {
	case len(fits) != 1:
		f.group, f.looks = "", 0
	case fits[0] != f.group:
		f.group, f.looks = fits[0], 1
	default:
		f.looks++
	}
}

// found returns the group that is left, once the run's commits went on under our eyes.
func (r *run) found(topics map[string]string) string {
	if sum, _ := r.committedOn(topics); r.finding.looks >= looksToFind && sum > r.finding.first {
		return r.finding.group
	}
	return ""
}

// committedOn returns what a run has committed, all partitions together; all is false where it has not committed of
// each of its topics.
func (r *run) committedOn(topics map[string]string) (sum int64, all bool) {
	has := map[string]bool{}
	for p, at := range r.places {
		if at.committed >= 0 {
			sum += at.committed
			has[p.topic] = true
		}
	}
	return sum, len(has) > 0 && len(has) == len(topics)
}

// around returns the newest commits that are older than any metric that was read at an instant, and the oldest that are
// not older than all of them. ok is false until both are there.
func (t *take) around(read time.Time) (before, after []collector.GroupCommits, ok bool) {
	old, new := false, false
	for _, p := range t.past {
		if p.round.Before(read.Add(-lateness)) {
			before, old = p.groups, true
		}
		if !new && !p.round.Before(read) {
			after, new = p.groups, true
		}
	}
	return before, after, old && new
}

// fits returns the groups that can have made the run's commits: they had not committed more before, and not less after.
func (r *run) fits(topics map[string]string, before, after []collector.GroupCommits) (names []string) {
	for i := range after {
		g := &after[i]
		old := slices.IndexFunc(before, func(b collector.GroupCommits) bool { return b.Group == g.Group })
		ok := true
		for p, at := range r.places {
			if at.committed < 0 {
				continue
			}
			topic := topics[p.topic]
			if ok = offset(g, topic, p.partition) >= at.committed && (old < 0 || offset(&before[old], topic, p.partition) <= at.committed); !ok {
				break
			}
		}
		if ok {
			names = append(names, g.Group)
		}
	}
	return names
}

func offset(g *collector.GroupCommits, topic string, partition int32) int64 {
	all := g.Offsets[topic]
	if int(partition) >= len(all) {
		return -1
	}
	return all[partition]
}

// settleGroups gives jobs the groups that were found for them. One that is left for two jobs is neither's.
func (t *take) settleGroups(cluster lineage.ClusterID, reading map[*job]map[string]string) {
	by := map[string][]*job{}
	for j, topics := range reading {
		for _, g := range j.groups {
			by[g.Group] = append(by[g.Group], j)
		}
		for i := range j.runs {
			if r := t.runs[j.runs[i].ID]; len(j.groups) == 0 {
				if g := r.found(topics); g != "" {
					by[g] = append(by[g], j)
				}
			}
		}
	}
	for group, jobs := range by {
		if len(jobs) == 1 && len(jobs[0].groups) == 0 {
			jobs[0].groups, jobs[0].dirty = []lineage.GroupRef{{Cluster: cluster, Group: group}}, true
		}
	}
	for j := range reading {
		for i := range j.runs {
			if f := t.runs[j.runs[i].ID].finding; len(j.groups) == 0 && f.tried >= looksToSay && len(t.ruleGroups(j)) == 0 {
				t.spot(fmt.Sprintf("with which consumer group job %s reads: of those that may be seen not one alone fits what it committed", j.name),
					"say it under flink[].jobs, and let lineaged describe all groups")
				break
			}
		}
	}
}
