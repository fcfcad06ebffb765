package openlineage_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/identity"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/openlineage"
	"github.com/lineaged/lineaged/timeseries"
)

const tick = 10 * time.Second

var begin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func round(n int) time.Time { return begin.Add(time.Duration(n) * tick) }

// topics of two clusters with the same name.
var (
	orders = lineage.Topic{Cluster: "W", Name: "orders", ID: lineage.TopicID{1}}
	lines  = lineage.Topic{Cluster: "W", Name: "lines", ID: lineage.TopicID{2}}
	far    = lineage.Topic{Cluster: "E", Name: "orders", ID: lineage.TopicID{3}}
)

// observed are the jobs of ten rounds: billing reads orders on both clusters, team.a and team-a read lines, and late
// has stopped before the window. Where gap is true, west was not seen in a round of the window.
func observed(t *testing.T, gap bool) *openlineage.Jobs {
	t.Helper()
	s := timeseries.NewMemory(timeseries.Options{Tick: tick})
	t.Cleanup(func() { _ = s.Close() })
	reads := func(topic lineage.Topic, group string) lineage.Access {
		return lineage.Access{Topic: topic, Op: lineage.Read, Client: lineage.Client{Group: group}}
	}
	for n := 1; n <= 10; n++ {
		for cluster, id := range map[string]lineage.ClusterID{"west": "W", "east": "E"} {
			o := lineage.Observation{Source: lineage.Source{Cluster: cluster, Name: "brokers"}, Round: round(n), Interval: tick, At: round(n)}
			if gap && n == 6 && cluster == "west" {
				o.Missing = []lineage.Missing{{All: true, Reason: "connection refused"}}
			}
			if n == 1 {
				f := lineage.Fact{Cluster: &lineage.ClusterFact{ID: id, Brokers: 1}}
				f.Key = lineage.FactKey{Source: cluster, Kind: lineage.ClusterFacts}
				o.Facts = append(o.Facts, f)
			}
			moved := func(x lineage.Access, total int) {
				if x.Topic.Cluster != id || len(o.Missing) > 0 {
					return
				}
				o.Samples = append(o.Samples, lineage.Sample{Subject: x, Metric: lineage.Records, Evidence: lineage.GroupOffsets, Value: int64(total)})
			}
			moved(reads(orders, "billing"), n)
			moved(reads(far, "billing"), n)
			moved(reads(lines, "team.a"), n)
			moved(reads(lines, "team-a"), n)
			moved(reads(lines, "late"), min(n, 3))
			if err := s.Append(context.Background(), o); err != nil {
				t.Fatal(err)
			}
		}
	}
	who, err := identity.New(identity.Rules{})
	if err != nil {
		t.Fatal(err)
	}
	a := answer.New(answer.Options{
		History: s, Identity: func() answer.Identity { return who }, Now: func() time.Time { return round(11) },
		Clusters: []answer.ClusterConfig{{Source: "west", Environment: "shop"}, {Source: "east", Name: "east", Environment: "shop"}},
	})
	v, err := a.View(context.Background(), answer.Between(round(4), round(10)), answer.All)
	if err != nil {
		t.Fatal(err)
	}
	jobs, err := openlineage.Observe(context.Background(), v)
	if err != nil {
		t.Fatal(err)
	}
	return jobs
}

var clusters = []openlineage.Cluster{{Name: "west", Brokers: []string{"W1.example.com:9092", "w2:9092"}}, {Name: "east", Brokers: []string{"e1:9092"}}}

func target(t *testing.T, kind openlineage.Kind) *openlineage.Target {
	t.Helper()
	to, err := openlineage.NewTarget(kind, clusters, nil)
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// told is an event in a line.
func told(e openlineage.Event) string {
	out := e.Job.Namespace + "/" + e.Job.Name + " " + e.Job.Facets.JobType.EmissionPattern.EventContentMode
	for _, d := range e.Inputs {
		out += " <" + d.Namespace + "/" + d.Name
	}
	for _, d := range e.Outputs {
		out += " >" + d.Namespace + "/" + d.Name
	}
	return out
}

func TestEventsSayWhatWasObserved(t *testing.T) {
	const west, east = "kafka://w1.example.com:9092", "kafka://e1:9092"
	f := func(kind openlineage.Kind, gap bool, want ...string) {
		t.Helper()
		var got []string
		for _, e := range target(t, kind).Events(observed(t, gap)) {
			got = append(got, told(e))
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("%s, gap %v:\n%s\nand not\n%s", kind, gap, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	f(
		openlineage.Generic, false,
		"shop/billing COMPLETE_SNAPSHOT <"+east+"/orders <"+west+"/orders", "shop/late COMPLETE_SNAPSHOT",
		"shop/team-a COMPLETE_SNAPSHOT <"+west+"/lines", "shop/team.a COMPLETE_SNAPSHOT <"+west+"/lines",
	)
	// What was not observed whole does not say that anything has ended: late, which was at rest, is not told of.
	f(
		openlineage.Generic, true,
		"shop/billing ACCUMULATIVE <"+east+"/orders <"+west+"/orders",
		"shop/team-a ACCUMULATIVE <"+west+"/lines", "shop/team.a ACCUMULATIVE <"+west+"/lines",
	)
	var names []string
	for _, e := range target(t, openlineage.DataHub).Events(observed(t, false)) {
		if strings.Contains(e.Job.Name, ".") {
			t.Errorf("DataHub would cut %q", e.Job.Name)
		}
		names = append(names, e.Job.Name+"="+e.Job.Facets.Observed.Name)
	}
	if got := strings.Join(names, " "); !regexp.MustCompile(`^billing=billing late=late team-a=team-a team-a-[0-9a-f]{8}=team\.a$`).MatchString(got) {
		t.Errorf("for DataHub the jobs are %s", got)
	}
}

func TestEventsAreValid(t *testing.T) {
	schemas := map[string]*jsonschema.Schema{}
	paths, err := filepath.Glob("testdata/*.json")
	if err != nil || len(paths) == 0 {
		t.Fatal("no schemas", err)
	}
	for _, path := range append(paths, "../docs/format/openlineage-facets.json") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		s := &jsonschema.Schema{}
		if err := json.Unmarshal(text, s); err != nil {
			t.Fatal(path, err)
		}
		schemas[s.ID] = s
	}
	schema := func(url string) *jsonschema.Resolved {
		r, err := (&jsonschema.Schema{Ref: url}).Resolve(&jsonschema.ResolveOptions{Loader: func(u *neturl) (*jsonschema.Schema, error) {
			s := schemas[u.Scheme+"://"+u.Host+u.Path]
			if s == nil {
				return nil, fmt.Errorf("%s is not at hand", u)
			}
			return s.CloneSchemas(), nil
		}})
		if err != nil {
			t.Fatal(url, err)
		}
		return r
	}
	valid := func(url string, value any) {
		t.Helper()
		if err := schema(url).Validate(value); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
	facets := func(all any) {
		t.Helper()
		for _, x := range all.(map[string]any) {
			valid(x.(map[string]any)["_schemaURL"].(string), x)
		}
	}
	uuid := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
	runs := map[string]bool{}
	for _, gap := range []bool{false, true} {
		for _, e := range target(t, openlineage.Generic).Events(observed(t, gap)) {
			text, err := json.Marshal(e)
			if err != nil {
				t.Fatal(err)
			}
			var is map[string]any
			if err := json.Unmarshal(text, &is); err != nil {
				t.Fatal(err)
			}
			valid(e.SchemaURL, is)
			facets(is["job"].(map[string]any)["facets"])
			valid("https://raw.githubusercontent.com/lineaged/lineaged/main/docs/format/openlineage-facets.json", is["job"].(map[string]any)["facets"])
			for _, side := range []string{"inputs", "outputs"} {
				for _, d := range is[side].([]any) {
					facets(d.(map[string]any)["facets"])
					facets(d.(map[string]any)[strings.TrimSuffix(side, "s")+"Facets"])
				}
			}
			// scripts/validate_ol_events.py of OpenLineage's compatibility tests asks for it, where the schema does not
			if x, ok := is["run"].(map[string]any)["facets"].(map[string]any); !ok || len(x) != 0 {
				t.Errorf("a run has the facets %v", is["run"])
			}
			if !uuid.MatchString(e.Run.RunID) {
				t.Errorf("%q is no UUID", e.Run.RunID)
			}
			runs[e.Run.RunID] = true
			delete(is["job"].(map[string]any), "name")
			if schema(e.SchemaURL).Validate(is) == nil {
				t.Error("an event without a job's name is valid: the schema checks nothing")
			}
		}
	}
	if len(runs) != 4 {
		t.Errorf("4 jobs have %d runs", len(runs))
	}
}

type neturl = url.URL

func TestTwoClustersNeverShareADataset(t *testing.T) {
	same := []openlineage.Cluster{{Name: "a", Brokers: []string{"kafka:9092"}}, {Name: "b", Brokers: []string{"Kafka:9092"}}}
	to, err := openlineage.NewTarget(openlineage.Generic, same, nil)
	if err != nil || to.Namespace("a") == to.Namespace("b") {
		t.Errorf("%v: both are %s", err, to.Namespace("a"))
	}
	if _, err := openlineage.NewTarget(openlineage.Generic, clusters, map[string]string{"west": "kafka://e1:9092"}); err == nil {
		t.Error("two clusters have one namespace")
	}
}

func TestCheckSaysWhatAReceiverMakesOfIt(t *testing.T) {
	f := func(kind openlineage.Kind, namespace string, want ...string) {
		t.Helper()
		to, err := openlineage.NewTarget(kind, clusters[:1], map[string]string{"west": namespace})
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(to.Check(clusters[:1]), "\n")
		problem := false
		for _, w := range want {
			problem = problem || strings.HasPrefix(w, "!")
			if !strings.Contains(got, w) {
				t.Errorf("%s of %s does not say %q:\n%s", kind, namespace, w, got)
			}
		}
		if !problem && strings.Contains(got, "!") {
			t.Errorf("%s of %s has a problem:\n%s", kind, namespace, got)
		}
	}
	f(openlineage.DataHub, "", "urn:li:dataset:(urn:li:dataPlatform:kafka,TOPIC,PROD)", `connections: {"kafka://w1.example.com:9092"`)
	f(openlineage.DataHub, "confluent://env/lkc", "! the platform is confluent")
	f(openlineage.DataHub, "kafka://a b", "! this is no URI")
	f(openlineage.OpenMetadata, "", "bootstrapServers, w1.example.com:9092", "gives none")
	f(openlineage.OpenMetadata, "kafka://a:1,b:2", "! a list never matches")
	f(openlineage.OpenMetadata, "kafka://A:1", "! OpenMetadata compares in lower case")
	f(openlineage.OpenMetadata, "kafka://prod", "! there is no port in it")
	f(openlineage.OpenMetadata, "confluent://a:1", "! OpenMetadata takes only")
	f(openlineage.Marquez, "", "dataset:kafka://w1.example.com:9092:TOPIC")
	f(openlineage.Marquez, "kafka://a:1,b:2", "! Marquez answers 400")
	f(openlineage.Generic, "kafka://a:1,b:2", "namespace kafka://a:1,b:2")
}
