//go:build matrix

package matrix

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lineaged/lineaged/internal/kafkatest"
)

// flinkJob is a job of which it is known what it truly does.
type flinkJob struct {
	said, name    string
	args          []string // how, from, to, group, prefix
	reads, writes []string
	alone         string // the name of its own, application cluster; empty: it is in the session cluster
}

var flinkJobs = []flinkJob{
	{"at least once", "copy orders", []string{"least", "orders", "orders.up", "enrich-orders", "none"}, []string{"orders"}, []string{"orders.up"}, ""},
	{"exactly once", "copy payments", []string{"once", "payments", "payments.up", "settle-payments", "settlement"}, []string{"payments"}, []string{"payments.up"}, ""},
	{"SQL, without checkpoints", "insert-into_default_catalog.default_database.clicks.up", []string{"sql", "clicks", "clicks.up", "click-sql", "none"}, []string{"clicks"}, []string{"clicks.up"}, ""},
	{"topics by a pattern, the sink's chosen for each record", "copy logs\\.(a|b)", []string{"pattern", "logs\\.(a|b)", "logs.all", "gather-logs", "none"}, []string{"logs.a", "logs.b"}, []string{"logs.all"}, ""},
	{"in an application cluster", "copy visits", []string{"least", "visits", "visits.up", "count-visits", "none"}, []string{"visits"}, []string{"visits.up"}, "flink-visits"},
}

// flinkMode is how lineaged is told of the jobs.
type flinkMode struct {
	said, scope string
	server      server
}

// forward hands on what is posted, unchanged, to servers.
func forward(t *testing.T, to ...server) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		for _, s := range to {
			req, err := http.NewRequestWithContext(r.Context(), r.Method, s.url+r.URL.Path, bytes.NewReader(body))
			if err != nil {
				continue
			}
			req.Header = r.Header.Clone()
			if resp, err := http.DefaultClient.Do(req); err == nil {
				if resp.StatusCode != http.StatusCreated {
					t.Errorf("an event of Flink's: status %d", resp.StatusCode)
				}
				_ = resp.Body.Close()
			}
		}
		w.WriteHeader(http.StatusCreated)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// known is what a server knows of a job.
type known struct {
	node, group     bool
	reads, writes   string // in the table's words
	wrong, unproved []string
}

// knows asks what is known of a job. A topic that it does not touch is wrong, also where it is one that looks like it.
func (m flinkMode) knows(t *testing.T, j flinkJob, n map[string]int64) (k known) {
	t.Helper()
	scope := m.scope
	if j.alone != "" && scope == "flink-west" {
		scope = j.alone
	}
	id := "streamjob:" + scope + "/" + strings.ReplaceAll(urlEscaped(j.name), "+", "%20")
	flows, err := m.server.around(t, id)
	if err != nil {
		return known{reads: "–", writes: "–", wrong: []string{err.Error()}}
	}
	side := func(truth []string, of func(flow) (string, bool)) string {
		found, counted, bound, sum := 0, true, "", int64(0)
		for _, f := range flows {
			topic, is := of(f)
			topic = strings.TrimPrefix(topic, "topic:west/")
			switch {
			case !is:
				continue
			case !slices.Contains(truth, topic):
				k.wrong = append(k.wrong, j.name+" and "+topic)
				continue
			}
			found++
			if f.Records == nil {
				counted = false
				continue
			}
			sum += *f.Records
			if f.Estimated {
				bound = "about "
				if f.told(id).says("at least") {
					bound = "≥ "
				}
			}
			if err := judge(f.told(id), n[topic]); err != nil {
				k.unproved = append(k.unproved, fmt.Sprintf("%s, %s: %v", j.name, topic, err))
			}
		}
		switch {
		case found == 0:
			return "–"
		case found < len(truth):
			return fmt.Sprintf("%d of %d topics", found, len(truth))
		case !counted:
			return "✓"
		default:
			return fmt.Sprintf("✓ %s%d records", bound, sum)
		}
	}
	k.node = len(flows) > 0
	k.reads = side(j.reads, func(f flow) (string, bool) { return f.From.ID, f.To.ID == id })
	k.writes = side(j.writes, func(f flow) (string, bool) { return f.To.ID, f.From.ID == id })
	if k.writes == "–" && slices.ContainsFunc(m.server.blindSpots(t), func(b string) bool { return strings.HasPrefix(b, "what job "+j.name+" writes") }) {
		k.writes = "– said"
	}
	var d struct {
		Node *struct{ Groups []struct{ Name string } }
	}
	if err := m.server.ask(t, `query($id: ID!) { node(id: $id, window: {last: "30m"}) { ... on StreamJob { groups { name } } } }`, map[string]any{"id": id}, &d); err == nil && d.Node != nil {
		k.group = len(d.Node.Groups) == 1 && d.Node.Groups[0].Name == j.args[3]
		if !k.group && len(d.Node.Groups) > 0 {
			k.wrong = append(k.wrong, fmt.Sprintf("the groups of %s are said to be %v", j.name, d.Node.Groups))
		}
	}
	return k
}

// urlEscaped is a name as ids have it.
func urlEscaped(name string) string {
	var b strings.Builder
	for _, c := range []byte(name) {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("._-", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// streamJobs are the ids of all stream jobs.
func (s server) streamJobs(t *testing.T) (ids []string, err error) {
	t.Helper()
	var d struct {
		Nodes struct {
			Edges []struct{ Node struct{ ID string } }
		}
	}
	err = s.ask(t, `{nodes(kinds: [STREAM_JOB], window: {last: "30m"}) {edges {node {id}}}}`, nil, &d)
	for _, e := range d.Nodes.Edges {
		ids = append(ids, e.Node.ID)
	}
	slices.Sort(ids)
	return ids, err
}

const (
	flinkBegin = "<!-- made by `make matrix, Flink`: begin -->"
	flinkEnd   = "<!-- made by `make matrix, Flink`: end -->"
)

// What is known of Flink's jobs by REST alone, by OpenLineage alone and by both: never something that is not so, one
// node each, and what can't be known is said. A job that is stopped with a savepoint and started again is the node that
// it was.
func TestFlinkIsTold(t *testing.T) {
	c := kafkatest.Start(t, kafkatest.Options{})
	for _, topic := range []string{"orders", "orders.up", "payments", "payments.up", "clicks", "clicks.up", "loaded", "logs.a", "logs.b", "logs.all", "visits", "visits.up"} {
		c.CreateTopic(t, topic, partitions)
	}
	ports, err := kafkatest.FreePorts(8)
	if err != nil {
		t.Fatal(err)
	}
	cluster := fmt.Sprintf("interval: %ds\nclusters: [{name: west, brokers: [%q]}]\n", tick, c.Brokers()[0])
	flinks := fmt.Sprintf("flink: [{name: flink-west, url: 'http://127.0.0.1:%d', jobs: [{match: '^copy payments$', transactional_id_prefixes: [settlement]}]}, {name: flink-visits, url: 'http://127.0.0.1:%d'}]\n", ports[0], ports[4])
	modes := []flinkMode{{"REST alone", "flink-west", serve(t, cluster+flinks)}, {"OpenLineage alone", "flink-jobs", serve(t, cluster)}, {"both", "flink-west", serve(t, cluster+flinks)}}
	receivers := forward(t, modes[1].server, modes[2].server)
	f := startFlinkAt(t, ports[:4], receivers)
	for _, m := range []flinkMode{modes[0], modes[2]} { // else nobody knows that what it lists has just begun
		eventually(t, 90*time.Second, "a Flink without jobs is seen, by "+m.said, func() error { return m.server.hasGap(t, "flink-west/", false) })
	}
	faults := t.TempDir()
	var own flink
	for i, j := range flinkJobs {
		args := append([]string{j.args[0], c.Bootstrap()}, j.args[1:]...)
		if i == 0 {
			args = append(args, faults)
		}
		if j.alone != "" {
			own = startFlinkAt(t, ports[4:], receivers, args...)
		} else {
			f.submit(t, args...)
		}
	}
	n := map[string]int64{}
	sources := []string{"orders", "payments", "clicks", "logs.a", "logs.b", "visits"}
	writer := c.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()))
	write := func(goes int) {
		for range goes {
			pourOnce(t, writer, 40, sources...)
			for _, topic := range sources {
				n[topic] += 40
			}
			time.Sleep(4 * time.Second)
		}
		for _, j := range flinkJobs {
			sum := int64(0)
			for _, topic := range j.reads {
				sum += n[topic]
			}
			n[j.writes[0]] = sum
		}
	}
	const goes, more = 25, 5_000 // longer than a finding of groups takes; far more than any other topic gets
	write(goes)
	pourOnce(t, writer, more, "visits")
	n["visits"], n["visits.up"] = n["visits"]+more, n["visits.up"]+more
	table := map[string]known{}
	look := func(m flinkMode) error {
		var errs []error
		for _, j := range flinkJobs {
			k := m.knows(t, j, n)
			table[m.said+j.name] = k
			for _, wrong := range k.wrong {
				errs = append(errs, errors.New(wrong))
			}
			for _, wrong := range k.unproved {
				errs = append(errs, errors.New(wrong))
			}
			if !strings.HasPrefix(k.reads, "✓") {
				errs = append(errs, fmt.Errorf("%s: what %s reads is %q", m.said, j.name, k.reads))
			}
			if commits := j.args[0] != "sql"; m.scope == "flink-west" && k.group != commits {
				errs = append(errs, fmt.Errorf("%s: the group of %s is known: %v", m.said, j.name, k.group))
			}
			if m.scope == "flink-west" && k.writes == "–" {
				errs = append(errs, fmt.Errorf("%s: it is not said that nobody knows what %s writes", m.said, j.name))
			}
		}
		return errors.Join(errs...)
	}
	for _, m := range modes {
		eventually(t, 90*time.Second, m.said, func() error { return look(m) })
	}
	// so that it is clear how much visits grew by
	sources = slices.DeleteFunc(sources, func(topic string) bool { return topic == "visits" })
	f.loads(t, c, modes)
	run := f.stopAndGoOn(t, c, flinkJobs[1])
	fail := func(what string) string {
		t.Helper()
		name := filepath.Join(faults, what)
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	fail("fail")
	write(2)
	refuse := fail("checkpoints")
	time.Sleep(5 * time.Second) // longer than one takes
	if err := os.Remove(refuse); err != nil {
		t.Fatal(err)
	}
	write(2)
	both := modes[2]
	eventually(t, 90*time.Second, "the job is one node after a stop", func() error {
		ids, err := both.server.streamJobs(t)
		ids = slices.DeleteFunc(ids, func(id string) bool { // the batch job
			return strings.HasSuffix(id, "/load%20orders")
		})
		if err == nil && len(ids) != len(flinkJobs) {
			err = fmt.Errorf("%d stream jobs: %q", len(ids), ids)
		}
		k := both.knows(t, flinkJobs[1], n)
		if len(k.wrong)+len(k.unproved) > 0 || !k.group || !strings.HasPrefix(k.reads, "✓") || !strings.HasPrefix(k.writes, "✓") {
			err = errors.Join(err, fmt.Errorf("it is known: %+v", k))
		}
		var d struct {
			Node struct {
				Flink *struct{ JobID, State string }
			}
		}
		aerr := both.server.ask(t, `{node(id: "streamjob:flink-west/copy%20payments") {... on StreamJob {flink {jobId state}}}}`, nil, &d)
		if aerr == nil && (d.Node.Flink == nil || d.Node.Flink.JobID != run || d.Node.Flink.State != "RUNNING") {
			aerr = fmt.Errorf("its run is %+v, want %s", d.Node.Flink, run)
		}
		return errors.Join(err, aerr)
	})
	for _, m := range []flinkMode{modes[0], both} {
		eventually(t, 90*time.Second, "what happened is told, by "+m.said, func() error {
			return errors.Join(
				m.server.happened(t, "streamjob:flink-west/copy%20payments", "JOB_ENDED was stopped with a savepoint", "JOB_STARTED its run "+run+" began, from a savepoint"),
				m.server.happened(t, "streamjob:flink-west/copy%20orders", "JOB_STARTED", "JOB_RESTARTED began again by itself", "CHECKPOINT_FAILED failed"),
			)
		})
	}
	modes[0].server.saysSinks(t)
	own.endsWithItsJob(t, modes[0].server)
	modes[0].server.unseen(t)
	flinkTable(t, modes, table, c.Version(), n["orders"]-4*40, more)
}

// happened reports an error unless all of some events, TYPE WORDS, are told of a node in the last half hour.
func (s server) happened(t *testing.T, node string, want ...string) error {
	t.Helper()
	var d struct {
		Events struct {
			Edges []struct{ Node struct{ Type, Detail string } }
		}
	}
	if err := s.ask(t, `query($n: ID) {events(window: {last: "30m"}, node: $n) {edges {node {type detail}}}}`, map[string]any{"n": node}, &d); err != nil {
		return err
	}
	var errs []error
	for _, w := range want {
		what, words, _ := strings.Cut(w, " ")
		found := false
		for _, e := range d.Events.Edges {
			found = found || e.Node.Type == what && strings.Contains(e.Node.Detail, words)
		}
		if !found {
			errs = append(errs, fmt.Errorf("%s: %q is not among %+v", node, w, d.Events.Edges))
		}
	}
	return errors.Join(errs...)
}

// hasGap reports an error unless there is a gap of a source in the last half minute, or there is none.
func (s server) hasGap(t *testing.T, source string, want bool) error {
	t.Helper()
	var d struct {
		Coverage struct {
			Gaps []struct{ Source, Reason string }
		}
	}
	if err := s.ask(t, `{coverage(window: {last: "30s"}) {gaps {source reason}}}`, nil, &d); err != nil {
		return err
	}
	for _, g := range d.Coverage.Gaps {
		if strings.HasPrefix(g.Source, source) {
			if want {
				return nil
			}
			return fmt.Errorf("there is a gap: %+v", g)
		}
	}
	if want {
		return fmt.Errorf("gaps are %+v", d.Coverage.Gaps)
	}
	return nil
}

// endsWithItsJob cancels the job of an application cluster, which ends with it: what lineaged sees of that is a gap,
// and an end only where it looked in between.
func (f flink) endsWithItsJob(t *testing.T, s server) {
	t.Helper()
	var list struct {
		Jobs []struct{ Jid, State string }
	}
	f.rest(t, http.MethodGet, "/jobs/overview", "", &list)
	if len(list.Jobs) != 1 || list.Jobs[0].State != "RUNNING" {
		t.Fatalf("an application cluster has %+v", list.Jobs)
	}
	t.Logf("its job has the id %s", list.Jobs[0].Jid)
	f.rest(t, http.MethodPatch, "/jobs/"+list.Jobs[0].Jid, "", &struct{}{})
	eventually(t, 90*time.Second, "the cluster that ended is a gap", func() error { return s.hasGap(t, "flink-visits/", true) })
	if s.happened(t, "streamjob:flink-visits/copy%20visits", "JOB_FAILED") == nil {
		t.Error("a job that was cancelled is said to have failed")
	}
}

func flinkTable(t *testing.T, modes []flinkMode, table map[string]known, kafka string, written, more int64) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "Made %s on Kafka %s, Flink 2.3.0, flink-connector-kafka 5.0.0-2.2 and openlineage-flink 1.53.0, with an interval of %d s. Each job read %d records of each of its topics, and wrote as many; that in the application cluster %d more. ✓ known, with the records that Kafka's own evidence counts for the job where it has any, ≥ where it says at least; – not known, \"said\": by a blind spot that names the job. "+
		"The prefix of the second job's transactional.ids is configured beside REST.\n\n| job | | %s | %s | %s |\n|---|---|---|---|---|\n", time.Now().UTC().Format(time.DateOnly), kafka, tick, written, more, modes[0].said, modes[1].said, modes[2].said)
	yes := map[bool]string{true: "✓", false: "–"}
	for _, j := range flinkJobs {
		row := func(what string, of func(known) string) {
			fmt.Fprintf(&b, "| %s | %s |", j.said, what)
			for _, m := range modes {
				fmt.Fprintf(&b, " %s |", of(table[m.said+j.name]))
			}
			b.WriteString("\n")
		}
		row("one node", func(k known) string { return yes[k.node] })
		row("reads", func(k known) string { return k.reads })
		row("its group", func(k known) string { return yes[k.group] })
		row("writes", func(k known) string { return k.writes })
	}
	t.Log("\n" + b.String())
	const file = "../../docs/evidence.md"
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(page), flinkBegin)
	_, tail, also := strings.Cut(rest, flinkEnd)
	if !ok || !also {
		t.Fatalf("%s has no place for the table", file)
	}
	if t.Failed() {
		return
	}
	if err := os.WriteFile(file, []byte(head+flinkBegin+"\n"+b.String()+flinkEnd+tail), 0o644); err != nil {
		t.Fatal(err)
	}
}

// pourOnce writes n records to each of some topics.
func pourOnce(t *testing.T, writer *kgo.Client, n int, topics ...string) {
	t.Helper()
	var rs []*kgo.Record
	for _, topic := range topics {
		for i := range n {
			rs = append(rs, &kgo.Record{Topic: topic, Partition: int32(i % partitions), Value: []byte("v" + strconv.Itoa(i))})
		}
	}
	if err := writer.ProduceSync(t.Context(), rs...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// stopAndGoOn stops a job with a savepoint and starts it again from there. It returns the id of its new run.
func (f flink) stopAndGoOn(t *testing.T, c *kafkatest.Cluster, j flinkJob) string {
	t.Helper()
	var list struct {
		Jobs []struct{ Jid, Name, State string }
	}
	running := func() string {
		f.rest(t, http.MethodGet, "/jobs/overview", "", &list)
		for _, x := range list.Jobs {
			if x.Name == j.name && x.State == "RUNNING" {
				return x.Jid
			}
		}
		return ""
	}
	id := running()
	var trigger struct {
		ID string `json:"request-id"`
	}
	f.rest(t, http.MethodPost, "/jobs/"+id+"/stop", `{"drain":false,"targetDirectory":"file://`+f.dir+`"}`, &trigger)
	var is struct {
		Operation struct{ Location string }
	}
	eventually(t, time.Minute, "there is a savepoint", func() error {
		f.rest(t, http.MethodGet, "/jobs/"+id+"/savepoints/"+trigger.ID, "", &is)
		if is.Operation.Location == "" {
			return errors.New("not yet")
		}
		return nil
	})
	f.resume(t, []string{"-s", is.Operation.Location}, append([]string{j.args[0], c.Bootstrap()}, j.args[1:]...)...)
	now := ""
	eventually(t, time.Minute, "the job runs again", func() error {
		if now = running(); now == "" || now == id {
			return errors.New("not yet")
		}
		return nil
	})
	return now
}

// rest asks Flink's REST interface.
func (f flink) rest(t *testing.T, method, path, body string, into any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, f.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		t.Fatalf("%s %s: status %s, %v", method, path, strconv.Itoa(resp.StatusCode), err)
	}
}
