package openlineage

import (
	"slices"
	"strings"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/alias"
	"github.com/lineaged/lineaged/internal/runevent"
	"github.com/lineaged/lineaged/lineage"
)

// This file says which watched topic a job means, if any, and how long it is waited for who can tell.

// spelled is a topic's cluster as a job spells it, and told which one that is.
type spelled struct {
	namespace string
	job       runevent.Name
	topic     string
}

// named is a topic by its name alone, and who reads or writes it.
type named struct {
	job   runevent.Name
	op    lineage.Op
	topic string
}

type told struct {
	watched collector.Watched
	alias.Answer
	awaited bool // who may know where the job's topics are has not looked yet
}

// access is what an edge is an access to: a topic of a watched cluster, else a dataset as the job names it. known is
// false while it may be a topic of a cluster that was not reached yet.
func (s *source) access(j *job, x edge) (a lineage.Access, known bool) {
	a = lineage.Access{Op: x.op, Client: lineage.Client{Mover: j.node}}
	if runevent.IsKafka(x.dataset.Namespace) {
		as := spelled{x.dataset.Namespace, j.name, x.dataset.Name}
		is := s.which(as)
		if _, there := is.watched.IDs[x.dataset.Name]; there {
			a.Topic = lineage.Topic{Cluster: is.watched.ID, Name: x.dataset.Name}
			return a, true
		}
		if len(s.unsettled) < mostUnsettled {
			s.unsettled[x.dataset] = is.words()
		}
		a.Dataset = lineage.Dataset{Namespace: x.dataset.Namespace, Name: x.dataset.Name}
		// what was a topic once is no dataset because who knows where it is has not looked since the start
		_, was := s.topics[named{j.name, x.op, x.dataset.Name}]
		return a, s.cfg.Board.Settled() && (s.open[a] || (!was || !is.awaited) && !s.mayShow(as, &is))
	}
	a.Dataset = lineage.Dataset{Namespace: x.dataset.Namespace, Name: x.dataset.Name}
	return a, true
}

// appearsWithin is for how many rounds a topic is waited for of which a job tells: who writes the first record of one
// tells of it before it is made, as Debezium, and a connector before Connect was asked where its topics are.
const appearsWithin = 3

// mayShow reports whether a dataset of Kafka that is no watched topic may turn out to be one in a moment.
func (s *source) mayShow(as spelled, is *told) bool {
	if !is.awaited && is.Problem != alias.Conflicting && (!is.Told() || is.watched.ID == "") {
		return false
	}
	return s.patient(as)
}

// patient reports whether a dataset of Kafka that is no watched topic is waited for; where too many are, none is.
func (s *source) patient(as spelled) bool {
	since, known := s.since[as]
	if !known && len(s.since) < mostUnsettled {
		since, s.since[as] = s.round, s.round
	}
	return s.round.Sub(since) < appearsWithin*s.cfg.Interval
}

// unsettled is why a dataset of Kafka is no watched topic, and what would settle it.
type unsettled struct{ why, remedy string }

func (is *told) words() unsettled {
	switch {
	case !is.Told():
		return unsettled{is.Why, is.Remedy()}
	case is.watched.ID == "":
		return unsettled{"cluster " + is.Cluster + " was not reached yet", "let lineaged reach it"}
	default:
		return unsettled{"cluster " + is.Cluster + " has no topic of that name that lineaged may look at", "let lineaged describe the topic (topics.include, DESCRIBE), or correct what the job says"}
	}
}

func (s *source) which(as spelled) told {
	is, asked := s.asked[as]
	if asked {
		return is
	}
	q := alias.Question{Spelling: as.namespace, From: as.job.Namespace, Topics: []string{as.topic}}
	since, known := s.since[as]
	if !known {
		since = s.round
	}
	home, ok, awaited := s.cfg.Board.HomeOf(lineage.Node{Scope: as.job.Namespace, Kind: lineage.StreamJobNode, Name: as.job.Name}, since)
	if ok { // where its spelling does not tell
		q.Name = home.Source
	}
	is.Answer = s.cfg.Board.Look(q)
	if is.awaited = awaited && !is.Told(); !is.awaited || !s.patient(as) { // it is listed then that nobody can tell it
		is.watched, is.Answer = s.cfg.Board.Resolve(Name, q)
	}
	s.asked[as] = is
	return is
}

// mostPlaces is of how many addresses of a job it is told that it reads or writes there.
const mostPlaces = 50

// placesOf are the addresses, host:port, of what jobs that are wanted tell of outside Kafka.
func placesOf(jobs []*job, wanted map[lineage.Node]bool) map[lineage.Node][]string {
	out := map[lineage.Node][]string{}
	for _, j := range jobs {
		n := lineage.Node{Scope: j.name.Namespace, Kind: lineage.StreamJobNode, Name: j.name.Name}
		if !wanted[n] {
			continue
		}
		for _, r := range j.runs {
			for x := range r.named() {
				_, at, ok := strings.Cut(x.dataset.Namespace, "://")
				if at = strings.ToLower(at); ok && !runevent.IsKafka(x.dataset.Namespace) && len(out[n]) < mostPlaces && !slices.Contains(out[n], at) {
					out[n] = append(out[n], at)
				}
			}
		}
	}
	return out
}
