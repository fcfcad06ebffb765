//go:build matrix

package matrix

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lineaged/lineaged/internal/kafkatest"
)

const (
	sparkBegin = "<!-- made by `make matrix, Spark`: begin -->"
	sparkEnd   = "<!-- made by `make matrix, Spark`: end -->"
)

// sparkJob is an application of which it is known what it truly does.
type sparkJob struct {
	said, name string
	args       []string // how, from, to
	times      int      // it runs
	kind       string   // of its node
	flows      []string // "<" what is read, ">" what is written, as ids, sorted: what Spark tells of it, and no more
	untold     string   // what it does besides
}

// sparkJobs are all; out is a folder, and file its id.
func sparkJobs(out, check, file string) []sparkJob {
	return []sparkJob{
		{"a batch: a topic into files", "topic_to_files", []string{"files", "orders", out}, 1, "job", []string{"<topic:west/orders", ">" + file}, "of which columns it makes those of the files"},
		{"a batch: a topic into a topic", "topic_to_topic", []string{"topic", "orders", "orders.big"}, 1, "job", []string{"<topic:west/orders", ">topic:west/orders.big"}, ""},
		{"a batch: a topic into the topic that a column names", "topic_by_column", []string{"column", "orders", "orders.chosen"}, 1, "job", []string{"<topic:west/orders"}, "that it writes `orders.chosen`, but in a blind spot that it writes"},
		{"Structured Streaming, started again from its checkpoint", "streaming", []string{"stream", "clicks", "clicks.up", check}, 2, "streamjob", []string{"<topic:west/clicks", ">topic:west/clicks.up"}, ""},
	}
}

// spark submits an application to its end.
type spark struct {
	submit, dir, brokers, url string
	jars                      []string
}

func installSpark(t *testing.T, brokers, url string) spark {
	t.Helper()
	need(t, "java", "apt-get install default-jdk-headless")
	interpreter := python(t, "pyspark-3.5.7", "pyspark==3.5.7")
	jars, err := filepath.Glob(filepath.Join(jars(t, "spark-3.5.7-1.53.0", "spark/pom.xml"), "jars", "*.jar"))
	if err != nil || len(jars) == 0 {
		t.Fatalf("no jars: %v", err)
	}
	return spark{filepath.Join(filepath.Dir(interpreter), "spark-submit"), t.TempDir(), brokers, url, jars}
}

func (s spark) run(t *testing.T, j *sparkJob) {
	t.Helper()
	script, err := filepath.Abs("spark/job.py")
	if err != nil {
		t.Fatal(err)
	}
	args := []string{s.submit, "--master", "local[1]", "--name", j.name, "--driver-memory", "512m", "--jars", strings.Join(s.jars, ",")}
	for _, conf := range []string{
		"spark.extraListeners=io.openlineage.spark.agent.OpenLineageSparkListener", "spark.openlineage.transport.type=http", "spark.openlineage.transport.url=" + s.url,
		"spark.openlineage.namespace=matrix-spark", "spark.ui.enabled=false", "spark.sql.shuffle.partitions=1", "spark.driver.host=127.0.0.1", "spark.driver.bindAddress=127.0.0.1",
	} {
		args = append(args, "--conf", conf)
	}
	args = append(args, script, j.args[0], s.brokers)
	args = append(args, j.args[1:]...)
	sends(s.dir, []string{"PYSPARK_PYTHON=" + filepath.Join(filepath.Dir(s.submit), "python")}, args...)(t, s.url)
}

// told is what a server knows of the application's jobs: their flows, each end once, and the ids of the jobs.
func (j *sparkJob) told(t *testing.T, s server) (flows, jobs []string, err error) {
	t.Helper()
	var d struct{ Flows *struct{ Flows []flow } }
	if err := s.ask(t, `{flows(window: {last: "30m"}, includeInactive: true) {flows {from {id} to {id} evidence {kind}}}}`, nil, &d); err != nil {
		return nil, nil, err
	}
	if d.Flows == nil {
		return nil, nil, errors.New("flows is null")
	}
	own := func(id string) bool { return strings.HasPrefix(id, j.kind+":matrix-spark/"+j.name+".") }
	for _, f := range d.Flows.Flows {
		words, job := "<"+f.From.ID, f.To.ID
		if own(f.From.ID) {
			words, job = ">"+f.To.ID, f.From.ID
		}
		if !own(job) {
			continue
		}
		if len(f.Evidence) != 1 || f.Evidence[0].Kind != "OPENLINEAGE" {
			return nil, nil, fmt.Errorf("%s is known otherwise", f)
		}
		flows, jobs = append(flows, words), append(jobs, job)
	}
	slices.Sort(flows)
	slices.Sort(jobs)
	return slices.Compact(flows), slices.Compact(jobs), nil
}

// ran returns how many runs of a job are told, all of which must have completed and done what the job does.
func (s server) ran(t *testing.T, job string) (n int, err error) {
	t.Helper()
	type runs struct {
		Runs *struct {
			Nodes []struct {
				State, Engine string
				Reads, Writes []struct{ ID string }
			}
			TotalCount int
		}
	}
	var d struct{ Node *runs }
	const fields = `runs(first: 30) {totalCount nodes {state engine reads {id} writes {id}}}`
	if err := s.ask(t, `query($id: ID!) {node(id: $id, window: {last: "30m"}) {... on Job {`+fields+`} ... on StreamJob {`+fields+`}}}`, map[string]any{"id": job}, &d); err != nil {
		return 0, err
	}
	if d.Node == nil || d.Node.Runs == nil {
		return 0, fmt.Errorf("no runs of %s are told", job)
	}
	for _, r := range d.Node.Runs.Nodes {
		if r.State != "COMPLETED" || r.Engine != "spark" || len(r.Reads)+len(r.Writes) == 0 {
			return 0, fmt.Errorf("%s: a run is %+v", job, r)
		}
	}
	return d.Node.Runs.TotalCount, nil
}

// TestSpark has Spark applications tell lineaged of themselves, unchanged: the graph is what each really did, as far as
// Spark tells it, and no more; and after each all can still be read.
func TestSpark(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Options{})
	for _, topic := range []string{"orders", "orders.big", "orders.chosen", "clicks", "clicks.up"} {
		c.CreateTopic(t, topic, partitions)
	}
	s := serve(t, fmt.Sprintf("interval: %ds\nclusters: [{name: west, brokers: [%q]}]\n", tick, c.Brokers()[0]))
	engine := installSpark(t, c.Bootstrap(), s.url)
	writer := c.Client(t)
	pour := func(topic string) {
		for n := range 30 {
			r := kgo.Record{Topic: topic, Value: fmt.Appendf(nil, `{"id": %d, "amount": 3, "email": "a@b.example"}`, n)}
			if err := writer.ProduceSync(t.Context(), &r).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
	}
	pour("orders")
	pour("clicks")
	out := filepath.Join(engine.dir, "out")
	file := "dataset:file/" + urlEscaped(out)
	table := "| application | flows that Spark tells | runs |\n|---|---|---|\n"
	for _, j := range sparkJobs(out, filepath.Join(engine.dir, "check"), file) {
		for range j.times {
			engine.run(t, &j)
			if j.times > 1 {
				pour("clicks") // which the restart reads
			}
		}
		var runs int
		eventually(t, time.Minute, j.said, func() error {
			flows, jobs, err := j.told(t, s)
			if err != nil || !slices.Equal(flows, j.flows) {
				return errors.Join(err, fmt.Errorf("the flows of %q are %q, want %q", jobs, flows, j.flows))
			}
			runs = 0
			for _, job := range jobs {
				n, err := s.ran(t, job)
				if err != nil {
					return err
				}
				runs += n
			}
			if runs < j.times {
				return fmt.Errorf("%d runs are told", runs)
			}
			return nil
		})
		s.readable(t, j.said)
		untold := ""
		if j.untold != "" {
			untold = "; not " + j.untold
		}
		table += fmt.Sprintf("| %s | ✓ %d%s | %d |\n", j.said, len(j.flows), untold, runs)
	}
	if spots := s.blindSpots(t); !slices.ContainsFunc(spots, func(b string) bool {
		return strings.HasPrefix(b, "what jobs of Spark's write, whose events") && strings.Contains(b, "topic_by_column.") && !strings.Contains(b, "topic_to_topic.")
	}) {
		t.Errorf("it is not said that a job writes and nobody knows what: %q", spots)
	}
	sparkTable(t, fmt.Sprintf("Made %s with Spark 3.5.7 (PyPI `pyspark`), openlineage-spark 1.53.0 and a Kafka %s.\n\n", time.Now().UTC().Format(time.DateOnly), c.Version())+table)
}

func sparkTable(t *testing.T, table string) {
	t.Helper()
	t.Log("\n" + table)
	const file = "../../docs/evidence.md"
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(page), sparkBegin)
	_, after, also := strings.Cut(rest, sparkEnd)
	if !ok || !also {
		t.Fatalf("%s has no place for the table", file)
	}
	if t.Failed() {
		return
	}
	if err := os.WriteFile(file, []byte(before+sparkBegin+"\n"+table+sparkEnd+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
