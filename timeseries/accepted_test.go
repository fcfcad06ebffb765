package timeseries

import (
	"context"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// TestWhatIsAcceptedIsReadAgain appends observations with values that no source should tell. Each is refused, or is
// there after a kill, before and after its block is sealed: what was accepted must not turn out to be damage.
func TestWhatIsAcceptedIsReadAgain(t *testing.T) {
	t.Parallel()
	access := func(change func(*lineage.Access)) lineage.Access {
		a := lineage.Access{Topic: lineage.Topic{Cluster: "c", Name: "orders"}, Op: lineage.Write, Client: lineage.Client{ClientID: "x"}}
		if change != nil {
			change(&a)
		}
		return a
	}
	sample := func(a lineage.Access, m lineage.Metric, value int64) func(*lineage.Observation) {
		return func(o *lineage.Observation) {
			o.Samples = append(o.Samples, lineage.Sample{Subject: a, Metric: m, Evidence: lineage.ProducerState, Value: value})
		}
	}
	fact := func(f lineage.Fact) func(*lineage.Observation) {
		return func(o *lineage.Observation) { o.Facts = append(o.Facts, f) }
	}
	key := func(k lineage.FactKind) lineage.FactKey { return lineage.FactKey{Source: "c", Kind: k, Name: "x"} }
	for name, c := range map[string]struct {
		change func(*lineage.Observation)
		refuse bool
	}{
		"the greatest total":    {change: sample(access(nil), lineage.Records, math.MaxInt64)},
		"the least level":       {change: sample(access(nil), lineage.Lag, math.MinInt64)},
		"the greatest level":    {change: sample(access(nil), lineage.Lag, math.MaxInt64)},
		"a total below zero":    {change: sample(access(nil), lineage.Records, -1), refuse: true},
		"no metric":             {change: sample(access(nil), lineage.NoMetric, 1), refuse: true},
		"a metric of nobody":    {change: sample(access(nil), maxMetric-1, 1), refuse: true},
		"an unknown op":         {change: sample(access(func(a *lineage.Access) { a.Op = lineage.Read + 1 }), lineage.Records, 1), refuse: true},
		"an unknown client":     {change: sample(access(func(a *lineage.Access) { a.Client.Kind = lineage.Others + 1 }), lineage.Records, 1), refuse: true},
		"an unknown mover":      {change: sample(access(func(a *lineage.Access) { a.Client.Mover.Kind = lineage.DatasetNode + 1 }), lineage.Records, 1), refuse: true},
		"the greatest producer": {change: sample(access(func(a *lineage.Access) { a.Client.Producer = math.MaxUint64 }), lineage.Records, 1)},
		"an empty access":       {change: sample(lineage.Access{}, lineage.Records, 1)},
		"a name with zeros":     {change: sample(access(func(a *lineage.Access) { a.Client.ClientID = "\x00\xff" }), lineage.Records, 1)},
		"a since of long ago": {change: func(o *lineage.Observation) {
			sample(access(nil), lineage.Records, 1)(o)
			o.Samples[0].Since = time.Unix(-1e10, 0)
		}},
		"a since to come": {change: func(o *lineage.Observation) {
			sample(access(nil), lineage.Records, 1)(o)
			o.Samples[0].Since = o.Round.Add(day)
		}},
		"a sighting of nothing": {refuse: true, change: func(o *lineage.Observation) {
			o.Sightings = []lineage.Sighting{{Access: access(nil)}}
		}},
		"a sighting of an unknown mover": {refuse: true, change: func(o *lineage.Observation) {
			a := access(func(a *lineage.Access) { a.Client.Mover.Kind = 200 })
			o.Sightings = []lineage.Sighting{{Access: a, Evidence: lineage.GroupMembership}}
		}},
		"an event of an unknown mover": {refuse: true, change: func(o *lineage.Observation) {
			a := access(func(a *lineage.Access) { a.Client.Mover.Kind = 200 })
			o.Events = []lineage.Event{{At: o.Round, Type: lineage.FlowStarted, Access: a}}
		}},
		"an event without a time": {change: func(o *lineage.Observation) { o.Events = []lineage.Event{{Type: lineage.FlowStarted}} }},
		"an event in the year 9": {change: func(o *lineage.Observation) {
			o.Events = []lineage.Event{{At: time.Date(9, 1, 1, 0, 0, 0, 7, time.UTC), Type: lineage.FlowStarted}}
		}},
		"an event of another kind": {change: func(o *lineage.Observation) { o.Events = []lineage.Event{{At: o.Round, Type: 250}} }},
		"a share of all and more":  {change: func(o *lineage.Observation) { o.Missing = []lineage.Missing{{Share: 1.01}} }, refuse: true},
		"a share that is none":     {change: func(o *lineage.Observation) { o.Missing = []lineage.Missing{{Share: math.NaN()}} }, refuse: true},
		"a share below zero":       {change: func(o *lineage.Observation) { o.Missing = []lineage.Missing{{Share: -0.5}} }, refuse: true},
		"positions of nothing": {change: func(o *lineage.Observation) {
			o.Positions = []lineage.Position{{Value: []byte{}}, {Key: "gone"}, {Key: "\x00", Value: []byte("x")}, {Key: "gone", Value: []byte("y")}}
		}},
		"a reading before 1970":    {change: func(o *lineage.Observation) { o.At = time.Unix(-5, 0) }},
		"a source without cluster": {change: func(o *lineage.Observation) { o.Source.Cluster = "" }},
		"a source without a name":  {change: func(o *lineage.Observation) { o.Source.Name = "" }, refuse: true},
		"no interval":              {change: func(o *lineage.Observation) { o.Interval = 0 }, refuse: true},
		"an interval of 290 y":     {change: func(o *lineage.Observation) { o.Interval = time.Duration(math.MaxInt64).Truncate(time.Minute) }},
		"a round of 1969":          {change: func(o *lineage.Observation) { o.Round = time.Unix(-600, 0) }, refuse: true},
		"a round of 9999":          {change: func(o *lineage.Observation) { o.Round = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC) }, refuse: true},
		"a fact of nothing":        {change: fact(lineage.Fact{Key: lineage.FactKey{Source: "c"}}), refuse: true},
		"a fact of two kinds":      {change: fact(lineage.Fact{Key: key(lineage.ClusterFacts), Cluster: &lineage.ClusterFact{}, Connect: &lineage.ConnectFact{}}), refuse: true},
		"a cluster below zero": {change: fact(lineage.Fact{
			Key: key(lineage.ClusterFacts), Cluster: &lineage.ClusterFact{Brokers: math.MinInt64, Controller: math.MaxInt64, Topics: -1, Groups: -1},
		})},
		"an unknown replicator": {refuse: true, change: fact(lineage.Fact{
			Key: key(lineage.ReplicatorFacts), Replicator: &lineage.ReplicatorFact{Node: lineage.Node{Kind: lineage.DatasetNode + 1}},
		})},
		"a connector's unknown replicator": {refuse: true, change: fact(lineage.Fact{
			Key: key(lineage.ConnectorFacts), Connector: &lineage.ConnectorFact{Replicator: lineage.Node{Kind: 255}},
		})},
		"a connector that is told of as an unknown node": {refuse: true, change: fact(lineage.Fact{
			Key: key(lineage.ConnectorFacts), Connector: &lineage.ConnectorFact{Also: []lineage.Node{{Kind: 255}}},
		})},
		"a source that is expected every 200 years": {refuse: true, change: fact(lineage.Fact{
			Key: key(lineage.SourceFacts), Source: &lineage.SourceFact{State: lineage.SourceExpected, Interval: 200 * 365 * day},
		})},
		"a source that is expected every 100 years": {change: fact(lineage.Fact{
			Key: key(lineage.SourceFacts), Source: &lineage.SourceFact{State: lineage.SourceExpected, Interval: 100 * 365 * day},
		})},
		"a source in no state": {refuse: true, change: fact(lineage.Fact{Key: key(lineage.SourceFacts), Source: &lineage.SourceFact{Interval: day}})},
		"permissions cut below zero": {change: fact(lineage.Fact{
			Key: key(lineage.PermissionFacts), Permission: &lineage.PermissionFact{Cut: -1, Rules: []lineage.Permission{{}}},
		})},
		"a schema of nothing": {change: fact(lineage.Fact{
			Key: key(lineage.SchemaFacts), Schema: &lineage.SchemaFact{Version: -1, Cut: -1, Columns: []lineage.Column{{}}},
		})},
		"transformations of an unknown kind": {change: fact(lineage.Fact{
			Key: key(lineage.TransformFacts), Transform: &lineage.TransformFact{Steps: []lineage.Transform{{Kind: 255, Part: 255}}},
		})},
		"columns of a mover of an unknown kind": {refuse: true, change: fact(lineage.Fact{
			Key: key(lineage.ColumnsFacts), Columns: &lineage.ColumnsFact{Mover: lineage.Node{Kind: 255}},
		})},
		"runs of a job of an unknown kind": {refuse: true, change: fact(lineage.Fact{Key: key(lineage.RunFacts), Runs: &lineage.RunsFact{Job: lineage.Node{Kind: 255}}})},
		"a run that reads what is not there": {refuse: true, change: fact(lineage.Fact{
			Key: key(lineage.RunFacts), Runs: &lineage.RunsFact{Runs: []lineage.Run{{Reads: []int{0}}}},
		})},
		"ways of a job of an unknown kind": {refuse: true, change: fact(lineage.Fact{Key: key(lineage.WaysFacts), Ways: &lineage.WaysFact{Job: lineage.Node{Kind: 255}}})},
		"a way to what is not there": {refuse: true, change: fact(lineage.Fact{
			Key: key(lineage.WaysFacts), Ways: &lineage.WaysFact{Ends: []lineage.Node{{}}, Ways: []lineage.JobWay{{From: -1, To: 1}}},
		})},
		"a run of nothing": {change: fact(lineage.Fact{Key: key(lineage.RunFacts), Runs: &lineage.RunsFact{Runs: []lineage.Run{{State: 255, Cut: -1}}}})},
		"an empty topology": {change: fact(lineage.Fact{
			Key: key(lineage.GroupFacts), Group: &lineage.GroupFact{Topology: &lineage.Topology{Epoch: -1, Subtopologies: []lineage.Subtopology{{}}}},
		})},
		"blind spots of none": {change: fact(lineage.Fact{Key: key(lineage.BlindSpotFacts)})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := testOpts
			o.Tick = time.Minute
			dir := t.TempDir()
			s, err := Open(dir, o)
			must(t, err)
			ctx := context.Background()
			x := lineage.Observation{Source: testSource, Round: testStart.Add(time.Minute), Interval: time.Minute}
			c.change(&x)
			err = s.Append(ctx, x)
			if refused := err != nil; refused != c.refuse {
				t.Errorf("refused: %v, want %t", err, c.refuse)
			}
			next := lineage.Observation{Source: testSource, Round: testStart.Add(2 * time.Minute), Interval: time.Minute}
			must(t, s.Append(ctx, next)) // whatever was refused holds up nobody
			accepted := err == nil
			for _, sealed := range []bool{false, true} {
				if sealed {
					must(t, s.Maintain(ctx, testStart.Add(3*time.Hour)))
					if s.sealed < s.floor(next.Round) {
						t.Fatal("nothing was sealed")
					}
				}
				before := answerOf(t, s, x)
				must(t, s.Close())
				if s, err = Open(dir, o); err != nil {
					t.Fatal(err)
				}
				if h := s.Health(); len(h) > 0 || len(s.lost) > 0 {
					t.Fatalf("sealed %t: %q, lost %v", sealed, h, s.lost)
				}
				after := answerOf(t, s, x)
				if !reflect.DeepEqual(before, after) {
					t.Errorf("sealed %t: it was %+v, and is %+v", sealed, before, after)
				}
				if held, err := s.holds(x.Source, s.floor(x.Round)); accepted && (!held || err != nil) {
					t.Errorf("sealed %t: the round is not held: %v", sealed, err)
				}
			}
			must(t, s.Close())
		})
	}
}

// answered is what a store says of an observation's time, but for its version.
type answered struct {
	Rows      store.Rows
	Amounts   []lineage.Amount
	Levels    []lineage.Level
	Facts     []lineage.DatedFact
	Sources   []store.SourceCoverage
	Events    []lineage.Event
	Positions map[string][]byte
}

func answerOf(t *testing.T, s Store, o lineage.Observation) (out answered) {
	t.Helper()
	ctx := context.Background()
	w := lineage.Window{Start: testStart.Add(-day), End: testStart.Add(day)}
	var kinds []lineage.FactKind
	for k := lineage.ClusterFacts; k < lineage.FactKinds; k++ {
		kinds = append(kinds, k)
	}
	got, err := s.Window(ctx, store.Ask{Window: w, Accesses: true, Lookback: 7 * day, Coverage: true, Facts: kinds})
	must(t, err)
	all := make([]int32, got.Series.Len())
	for i := range all {
		all[i] = int32(i)
	}
	out.Rows, out.Amounts, out.Facts, out.Sources = got.Rows, got.Series.Amount, got.Facts, got.Sources
	out.Levels, err = got.Levels(ctx, all)
	must(t, err)
	events, err := s.Events(ctx, store.EventFilter{Window: lineage.Window{Start: time.Time{}.Add(-day), End: testStart.Add(day)}})
	must(t, err)
	out.Events = events.List
	out.Positions, err = s.Positions(ctx, o.Source)
	must(t, err)
	return out
}
