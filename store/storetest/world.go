package storetest

import (
	"time"

	"github.com/lineaged/lineaged/lineage"
)

var (
	epoch  = time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	west   = lineage.Source{Cluster: "west", Name: "end-offsets"}
	groups = lineage.Source{Cluster: "west", Name: "groups"}
	orders = lineage.Topic{Cluster: "w", ID: lineage.TopicID{1}, Name: "orders"}
	writer = lineage.Access{Topic: orders, Op: lineage.Write, Client: lineage.Client{Producer: lineage.KnownProducer(7)}}
	reader = lineage.Access{Topic: orders, Op: lineage.Read, Client: lineage.Client{Group: "billing"}}
)

const tick = 10 * time.Second

func at(n int) time.Time { return epoch.Add(time.Duration(n) * tick) }

func ticks(a, b int) lineage.Window { return lineage.Window{Start: at(a), End: at(b)} }

// round is round n of a source that saw nothing new.
func round(src lineage.Source, n int) lineage.Observation {
	return lineage.Observation{Source: src, Round: at(n), Interval: tick, At: at(n)}
}

// saw is a round of a source that saw totals of one access.
func saw(src lineage.Source, n int, a lineage.Access, kind lineage.EvidenceKind, total int64) lineage.Observation {
	o := round(src, n)
	o.Samples = []lineage.Sample{{Subject: a, Metric: lineage.Records, Evidence: kind, Value: total}}
	return o
}

// sighted adds that an access was seen by its evidence, whether or not it moved.
func sighted(o lineage.Observation, a lineage.Access, kind lineage.EvidenceKind) lineage.Observation {
	o.Sightings = append(o.Sightings, lineage.Sighting{Access: a, Evidence: kind})
	return o
}
