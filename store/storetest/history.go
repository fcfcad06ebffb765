package storetest

import (
	"math/rand/v2"
	"sort"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// history makes up what sources of two clusters saw: gaps, outages, jitter, resets, late commits, cadences of their
// own. A folder in timeseries/testdata was written of it: whoever changes what it makes up writes that anew, with the
// program of that format.
func history(r *rand.Rand, start time.Time, tick time.Duration, rounds int) []lineage.Observation {
	var out []lineage.Observation
	for _, cluster := range []string{"west", "east"} {
		topics := make([]lineage.Topic, 3)
		for i := range topics {
			topics[i] = lineage.Topic{Cluster: lineage.ClusterID("id-" + cluster), ID: lineage.TopicID{byte(i + 1)}, Name: string(rune('a' + i))}
		}
		for _, s := range []struct {
			name  string
			every int
			fill  func(*lineage.Observation)
		}{
			{"end-offsets", 1, counters(r, topics, lineage.Write, lineage.ProducerState, "g1", "g2")},
			{"groups", 1, counters(r, topics, lineage.Read, lineage.GroupOffsets, "g1", "g2")},
			{"share-groups", 3, counters(r, topics[:1], lineage.Read, lineage.ShareOffsets, "s1")},
			{"log-dirs", 7, levels(r, topics)},
		} {
			out = append(out, source(r, lineage.Source{Cluster: cluster, Name: s.name}, topics, start, tick, rounds, s.every, s.fill)...)
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].Round.Before(out[j].Round) })
	return out
}

func source(r *rand.Rand, name lineage.Source, topics []lineage.Topic, start time.Time, tick time.Duration, rounds, every int, fill func(*lineage.Observation)) (out []lineage.Observation) {
	down := 0
	outage := []lineage.Missing(nil)
	for i := every; i <= rounds; i += every {
		if down == 0 && r.IntN(40) == 0 {
			down = 1 + r.IntN(25)
			outage = nil
			switch r.IntN(4) {
			case 0:
				outage = []lineage.Missing{{Reason: "broker 1 did not answer", Share: 0.25, Topics: topics[:1], Groups: []lineage.GroupRef{{Cluster: topics[0].Cluster, Group: "g1"}}}}
			case 1:
				outage = []lineage.Missing{{Reason: "no broker answered", All: true, Share: 1}}
			}
		}
		o := lineage.Observation{Source: name, Round: start.Add(time.Duration(i) * tick), Interval: time.Duration(every) * tick}
		o.At = o.Round.Add(time.Duration(r.IntN(900)) * time.Millisecond)
		if down > 0 {
			down--
			if outage == nil {
				continue
			}
			o.Missing = outage
			if outage[0].All {
				out = append(out, o)
				continue
			}
		}
		fill(&o)
		out = append(out, o)
	}
	return out
}

func counters(r *rand.Rand, topics []lineage.Topic, op lineage.Op, kind lineage.EvidenceKind, clients ...string) func(*lineage.Observation) {
	totals := map[lineage.Access]int64{}
	last := map[lineage.Access]time.Time{}
	return func(o *lineage.Observation) {
		for i, t := range topics {
			for _, c := range clients {
				a := lineage.Access{Topic: t, Op: op, Client: lineage.Client{ClientID: c}}
				if op == lineage.Read {
					a.Client.Group = c
				}
				if r.IntN(3) > 0 {
					if op == lineage.Read && r.IntN(4) == 0 {
						o.Samples = append(o.Samples, lineage.Sample{Subject: a, Metric: lineage.Pending, Value: int64(r.IntN(2))})
					}
					if r.IntN(9) == 0 {
						o.Sightings = append(o.Sightings, lineage.Sighting{Access: a, Evidence: lineage.GroupMembership, Moved: r.IntN(5) == 0, Detail: "member"})
					}
					continue
				}
				totals[a] += int64(r.IntN(1000))
				if r.IntN(30) == 0 {
					totals[a] = int64(r.IntN(10))
				}
				s := lineage.Sample{Subject: a, Metric: lineage.Records, Evidence: kind, Value: totals[a], Estimated: r.IntN(20) == 0}
				if r.IntN(2) == 0 {
					s.Since = last[a]
				}
				last[a] = o.Round
				o.Samples = append(o.Samples, s)
				if op == lineage.Write && i == 0 && c == "g1" {
					o.Samples = append(o.Samples, lineage.Sample{Subject: lineage.Access{Topic: t}, Metric: lineage.Appended, Value: totals[a] / 2})
				}
				if op == lineage.Read {
					o.Samples = append(o.Samples, lineage.Sample{Subject: a, Metric: lineage.Lag, Value: int64(r.IntN(50))},
						lineage.Sample{Subject: a, Metric: lineage.Pending, Value: 0})
				}
			}
		}
	}
}

func levels(r *rand.Rand, topics []lineage.Topic) func(*lineage.Observation) {
	return func(o *lineage.Observation) {
		for _, t := range topics {
			if r.IntN(2) == 0 {
				o.Samples = append(o.Samples, lineage.Sample{Subject: lineage.Access{Topic: t}, Metric: lineage.LogBytes, Value: int64(r.IntN(1 << 30))})
			}
		}
	}
}
