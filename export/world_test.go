package export

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/identity"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/timeseries"
)

const (
	tick                   = 10 * time.Second
	west lineage.ClusterID = "mFq2n0aGRXWl3w"
)

// midnight is where the clock of a synctest bubble starts.
var midnight = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

func round(n int) time.Time { return midnight.Add(time.Duration(n) * tick) }

// people is an identity for tests: a group and a transactional id are their applications' names.
type people struct{}

func (people) Know(of func(lineage.ClusterID) lineage.Cluster) lineage.Knowledge {
	return identity.NewKnowledge(of)
}

func (people) Resolve(c lineage.Cluster, a lineage.Access, _ lineage.Known) (lineage.Node, string) {
	switch {
	case a.Client.Group != "":
		return lineage.Node{Scope: c.Environment, Kind: lineage.ApplicationNode, Name: a.Client.Group}, "group id"
	case a.Client.TransactionalID != "":
		return lineage.Node{Scope: c.Environment, Kind: lineage.ApplicationNode, Name: a.Client.TransactionalID}, "transactional id"
	default:
		return lineage.Node{Scope: c.Name, Kind: lineage.UnidentifiedNode, Name: a.Topic.Name}, "nothing names it"
	}
}

func (people) Alike([]lineage.Usage) []lineage.Alike { return nil }
func (people) Declaring(_ lineage.Cluster, t string, n lineage.Node) string {
	return t + " is " + n.ID()
}

func (p people) Says(n lineage.Node) map[lineage.Slot]lineage.Ruled {
	out := map[lineage.Slot]lineage.Ruled{}
	owner, tags := p.Describe(n)
	if owner != "" {
		out[lineage.Slot{Field: lineage.OwnerField}] = lineage.Ruled{Texts: []string{owner}, Rule: "rule 1 of nodes"}
	}
	if tags != nil {
		out[lineage.Slot{Field: lineage.TagsField}] = lineage.Ruled{Texts: tags, Rule: "rule 1 of nodes"}
	}
	return out
}

func (people) Describe(n lineage.Node) (owner string, tags []string) {
	if n.Name == "orders" {
		return "team <shop>", []string{"tier-1", "=pii"}
	}
	return "", nil
}

// shop is two clusters' worth of one small shop. Two producers write orders; billing reads them and writes payments in
// transactions; slow reads half as fast; "=evil" read payments until round 4 and is gone quiet; a reader called by what
// a page could take for markup was let in and no more is known of it. East has the same topic orders, and its brokers
// do not answer.
func shop(t testing.TB) timeseries.Store {
	s := timeseries.NewMemory(timeseries.Options{Tick: tick})
	t.Cleanup(func() { _ = s.Close() })
	orders, payments := topic(west, "orders", 1), topic(west, "payments", 2)
	eastern := topic("eA5t0000000000", "orders", 3)
	for n := int64(1); n <= 12; n++ {
		ends := lineage.Observation{Samples: []lineage.Sample{
			count(lineage.Access{Topic: orders}, lineage.NoEvidence, 1500*n), count(lineage.Access{Topic: payments}, lineage.NoEvidence, 1500*n),
			doubtful(count(access(payments, lineage.Write, lineage.Client{TransactionalID: "billing"}), lineage.Transaction, 1500*n)),
			count(access(orders, lineage.Write, lineage.Client{Producer: lineage.KnownProducer(1001)}), lineage.ProducerState, 1500*n),
		}}
		groups := lineage.Observation{Samples: []lineage.Sample{
			count(access(orders, lineage.Read, lineage.Client{Group: "billing"}), lineage.GroupOffsets, 1500*n),
			gauge(access(orders, lineage.Read, lineage.Client{Group: "billing"}), lineage.Lag, 40),
			count(access(orders, lineage.Read, lineage.Client{Group: "slow"}), lineage.GroupOffsets, 750*n),
			gauge(access(orders, lineage.Read, lineage.Client{Group: "slow"}), lineage.Lag, 750*n),
			gauge(access(orders, lineage.Read, lineage.Client{Group: "slow"}), lineage.LagMillis, 5000*n),
			count(access(payments, lineage.Read, lineage.Client{Group: "=evil,\"quoted\""}), lineage.GroupOffsets, 200*min(n, 4)),
		}}
		east := lineage.Observation{Samples: []lineage.Sample{
			count(lineage.Access{Topic: eastern}, lineage.NoEvidence, 100*n), count(access(eastern, lineage.Write, lineage.Client{Kind: lineage.Remainder}), lineage.EndOffsets, 100*n),
		}}
		if n == 1 {
			ends.Facts = []lineage.Fact{clusterFact("west", west), topicFact("west", orders), topicFact("west", payments)}
			groups.Facts = []lineage.Fact{{
				Key:        lineage.FactKey{Source: "west", Kind: lineage.BlindSpotFacts, Name: "groups"},
				BlindSpots: []lineage.BlindSpot{{Source: "groups", What: "readers without a <group>", Remedy: "switch on the authorizer log"}},
			}}
			groups.Sightings = []lineage.Sighting{{Access: access(orders, lineage.Read, lineage.Client{Group: hostile}), Evidence: lineage.AuthorizerLog, Detail: "allowed </title><script>"}}
			east.Facts = []lineage.Fact{clusterFact("east", "eA5t0000000000"), topicFact("east", eastern)}
		}
		if n > 10 {
			groups = lineage.Observation{Missing: []lineage.Missing{{Reason: "broker 2 does not answer", Share: 1, All: true}}}
			east = lineage.Observation{Missing: []lineage.Missing{{Reason: "connection refused", Share: 1, All: true}}}
		}
		observe(t, s, "west", "end-offsets", n, ends)
		observe(t, s, "west", "groups", n, groups)
		observe(t, s, "east", "end-offsets", n, east)
	}
	return s
}

// hostile is a group's name that wants to be something else everywhere.
const hostile = "</title><script>alert(1)</script>]]>\"'`&amp;#quot;\\N\n%%{init}%% \u202eevil \x00\xff مرحبا"

func topic(c lineage.ClusterID, name string, id byte) lineage.Topic {
	return lineage.Topic{Cluster: c, ID: lineage.TopicID{15: id}, Name: name}
}

func access(t lineage.Topic, op lineage.Op, c lineage.Client) lineage.Access {
	return lineage.Access{Topic: t, Op: op, Client: c}
}

func count(x lineage.Access, e lineage.EvidenceKind, total int64) lineage.Sample {
	m := lineage.Records
	if x.Op == lineage.OpNone {
		m = lineage.Appended
	}
	return lineage.Sample{Subject: x, Metric: m, Evidence: e, Value: total}
}

func doubtful(s lineage.Sample) lineage.Sample {
	s.Estimated = true
	return s
}

func gauge(x lineage.Access, m lineage.Metric, value int64) lineage.Sample {
	return lineage.Sample{Subject: x, Metric: m, Value: value}
}

func clusterFact(source string, id lineage.ClusterID) lineage.Fact {
	return lineage.Fact{Key: lineage.FactKey{Source: source, Kind: lineage.ClusterFacts}, Cluster: &lineage.ClusterFact{ID: id, Brokers: 3}}
}

func topicFact(source string, t lineage.Topic) lineage.Fact {
	return lineage.Fact{Key: lineage.FactKey{Source: source, Kind: lineage.TopicFacts, Name: t.Name}, Topic: &lineage.TopicFact{Topic: t, Partitions: 6, Replication: 3}}
}

func observe(t testing.TB, s timeseries.Store, cluster, source string, n int64, o lineage.Observation) {
	t.Helper()
	o.Source, o.Round, o.Interval, o.At = lineage.Source{Cluster: cluster, Name: source}, round(int(n)), tick, round(int(n))
	if err := s.Append(context.Background(), o); err != nil {
		t.Fatal(err)
	}
}

// inShop runs a test at the end of the shop's rounds.
func inShop(t *testing.T, test func(t *testing.T, e *Exporter)) {
	synctest.Test(t, func(t *testing.T) {
		s := shop(t)
		time.Sleep(time.Until(round(12)) + time.Second)
		test(t, New(answer.New(answer.Options{
			History: s, Identity: func() answer.Identity { return people{} },
			Clusters: []answer.ClusterConfig{{Source: "west", Name: "west", Environment: "shop"}, {Source: "east", Name: "east", Environment: "shop"}},
		})))
	})
}

// asked is a document of a query as it stands in a URL.
func asked(t *testing.T, make func(context.Context, url.Values) (*Document, error), query string) string {
	t.Helper()
	text, err := tried(t, make, query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return text
}

func tried(t *testing.T, make func(context.Context, url.Values) (*Document, error), query string) (string, error) {
	t.Helper()
	params, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	d, err := make(answer.Together(t.Context()), params)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	if n, err := d.WriteTo(&b); err != nil || n != int64(b.Len()) {
		t.Fatalf("%s: wrote %d of %d bytes: %v", query, n, b.Len(), err)
	}
	return b.String(), nil
}
