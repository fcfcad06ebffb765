//go:build matrix

package matrix

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lineaged/lineaged/internal/child"
	"github.com/lineaged/lineaged/internal/kafkatest"
)

// background starts a program that the test's end kills.
func background(t *testing.T, cmd *exec.Cmd, name string) {
	t.Helper()
	p, err := child.Start(filepath.Join(t.TempDir(), name+".log"), cmd)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("%s, last lines:\n%s", name, child.Tail(p.Output(), 15))
		}
		p.Kill()
	})
}

// pour writes records to topics for a while: n to each, in a few goes.
func pour(t *testing.T, c *kafkatest.Cluster, n int, value func(i int) string, topics ...string) {
	t.Helper()
	writer := c.Client(t, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(kgo.NoCompression()))
	const goes = 4
	for range goes {
		for _, topic := range topics {
			var rs []*kgo.Record
			for i := range n / goes {
				rs = append(rs, &kgo.Record{Topic: topic, Partition: int32(i % partitions), Key: []byte(strconv.Itoa(i)), Value: []byte(value(i))})
			}
			if err := writer.ProduceSync(t.Context(), rs...).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep((tick + 1) * time.Second)
	}
}

// read returns the flow of a reader.
func (s server) reads(t testing.TB, topic, node string) (flow, error) {
	t.Helper()
	flows, err := s.around(t, topic)
	if err != nil {
		return flow{}, err
	}
	for _, f := range flows {
		if f.From.ID == topic && f.To.ID == node {
			return f, nil
		}
	}
	return flow{}, fmt.Errorf("%s does not read %s, only %v", node, topic, flows)
}

// wrote returns the flow of the only writer of a topic.
func (s server) wrote(t testing.TB, topic string) (flow, error) {
	t.Helper()
	flows, err := s.around(t, topic)
	if err != nil {
		return flow{}, err
	}
	writers := slices.DeleteFunc(flows, func(f flow) bool { return f.To.ID != topic })
	if len(writers) != 1 {
		return flow{}, fmt.Errorf("%d writers of %s: %v", len(writers), topic, writers)
	}
	return writers[0], nil
}

// settled waits until a look is right, or says at last what is wrong.
func settled(t *testing.T, look func() error) {
	t.Helper()
	eventually(t, 12*tick*time.Second, "lineaged says the truth", look)
}

// Flink 2.3: a job at least once and one exactly once are readers by their group, although it has no members and
// commits without a leader epoch, and the sink of the second is a writer by its transactional.ids. One in SQL without
// checkpoints leaves no trace: its topics are blind spots by name.
func TestFlink(t *testing.T) {
	const n = 800
	c := kafkatest.Start(t, kafkatest.Options{})
	for _, topic := range []string{"orders", "orders.up", "payments", "payments.up", "clicks", "clicks.up"} {
		c.CreateTopic(t, topic, partitions)
	}
	s := serve(t, fmt.Sprintf("interval: %ds\nclusters: [{name: west, brokers: [%q]}]\n", tick, c.Brokers()[0]))
	f := startFlink(t, "")
	f.submit(t, "least", c.Bootstrap(), "orders", "orders.up", "enrich-orders", "none")
	f.submit(t, "once", c.Bootstrap(), "payments", "payments.up", "settle-payments", "settlement")
	f.submit(t, "sql", c.Bootstrap(), "clicks", "clicks.up", "click-sql", "none")
	pour(t, c, n, func(i int) string { return "v" + strconv.Itoa(i) }, "orders", "payments", "clicks")

	settled(t, func() error {
		var errs []error
		for topic, node := range map[string]string{"topic:west/orders": "application:west/enrich-orders", "topic:west/payments": "application:west/settle-payments"} {
			f, err := s.reads(t, topic, node)
			if err == nil {
				err = judge(f.told(node), n)
			}
			if err == nil && (f.Lag == nil || *f.Lag != 0) {
				err = fmt.Errorf("its lag is not 0: %s", f)
			}
			errs = append(errs, err)
		}
		for topic, node := range map[string]string{
			"topic:west/orders.up": "unidentified:west/orders.up", "topic:west/payments.up": "application:west/settlement", "topic:west/clicks.up": "unidentified:west/clicks.up",
		} {
			f, err := s.wrote(t, topic)
			if err == nil && f.From.ID != node {
				err = fmt.Errorf("%s is written by %s", topic, f.From.ID)
			}
			if err == nil {
				err = judge(f.told(node), n)
			}
			errs = append(errs, err)
		}
		return errors.Join(errs...)
	})
	spots := s.blindSpots(t)
	for _, want := range []string{"topics that are written and of which nobody commits", "topics that are written by somebody whom nothing that a broker keeps names"} {
		if !slices.ContainsFunc(spots, func(b string) bool { return strings.HasPrefix(b, want) && strings.Contains(b, "clicks.up") }) {
			t.Errorf("no blind spot %q names clicks.up: %q", want, spots)
		}
	}
	if i := slices.IndexFunc(spots, func(b string) bool { return strings.HasPrefix(b, "topics that are written and of which") }); i >= 0 && (!strings.Contains(spots[i], "clicks,") || strings.Contains(spots[i], "orders,") || strings.Contains(spots[i], "payments,")) {
		t.Errorf("the topics that nobody is seen to read should be clicks and the three outputs: %q", spots[i])
	}
}

// flink is a session cluster.
type flink struct {
	dir string
	url string // of its REST interface
	env []string
	jvm []string
}

// startFlink installs Flink where it is not, and starts a JobManager and a TaskManager. Jobs send OpenLineage events to
// an address, if there is one.
func startFlink(t *testing.T, openlineage string) flink {
	t.Helper()
	ports, err := kafkatest.FreePorts(4)
	if err != nil {
		t.Fatal(err)
	}
	return startFlinkAt(t, ports, openlineage)
}

// startFlinkAt starts it at ports. With a job it is an application cluster, of that job alone.
func startFlinkAt(t *testing.T, ports []int, openlineage string, job ...string) flink {
	t.Helper()
	need(t, "python3", "apt-get install python3-venv")
	lib := once(t, "flink-2.3.0", func(dir string) {
		run(t, dir, "python3", "-m", "pip", "install", "-q", "--disable-pip-version-check", "--no-deps", "--target", dir, "apache-flink-libraries==2.3.0")
	})
	ext := jars(t, "flink-connectors-5.0.0-2.2-1.53.0", "flink/pom.xml")
	dir := t.TempDir()
	config, err := os.ReadFile("flink/config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(config), "@DIR@", dir)
	for i, port := range ports {
		text = strings.ReplaceAll(text, fmt.Sprintf("@PORT%d@", i), strconv.Itoa(port))
	}
	if openlineage != "" {
		more, err := os.ReadFile("flink/openlineage.yaml")
		if err != nil {
			t.Fatal(err)
		}
		text += strings.ReplaceAll(string(more), "@URL@", openlineage)
	}
	if err := os.WriteFile(filepath.Join(dir, "config.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(lib, "pyflink")
	classpath := filepath.Join(home, "lib", "*") + ":" + filepath.Join(ext, "jars", "*")
	run(t, ".", "javac", "-d", filepath.Join(dir, "classes"), "-cp", classpath, "flink/Job.java")
	run(t, dir, "jar", "--create", "--file", "job.jar", "--main-class", "Job", "-C", "classes", ".")
	classpath += ":" + filepath.Join(dir, "job.jar") // where an application cluster looks for its job
	f := flink{
		dir: dir, url: fmt.Sprintf("http://127.0.0.1:%d", ports[0]),
		env: append(os.Environ(), "FLINK_CONF_DIR="+dir, "FLINK_LIB_DIR="+filepath.Join(home, "lib"), "FLINK_PLUGINS_DIR="+filepath.Join(home, "plugins")),
		jvm: []string{
			"-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "--add-opens=java.base/java.util=ALL-UNNAMED", "--add-opens=java.base/java.lang=ALL-UNNAMED",
			"--add-opens=java.base/java.time=ALL-UNNAMED", "--add-exports=java.base/sun.net.util=ALL-UNNAMED", "-cp", classpath,
		},
	}
	jobManager := []string{"org.apache.flink.runtime.entrypoint.StandaloneSessionClusterEntrypoint", "--configDir", dir}
	if len(job) > 0 {
		jobManager = append([]string{"org.apache.flink.container.entrypoint.StandaloneApplicationClusterEntryPoint", "--configDir", dir, "--job-classname", "Job"}, job...)
	}
	background(t, f.java(jobManager...), "jobmanager")
	background(t, f.java("org.apache.flink.runtime.taskexecutor.TaskManagerRunner", "--configDir", dir), "taskmanager")
	eventually(t, 2*time.Minute, "Flink has a TaskManager", func() error {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d/overview", ports[0]), nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		var d struct{ Taskmanagers int }
		if err := json.NewDecoder(resp.Body).Decode(&d); err != nil || d.Taskmanagers == 0 {
			return fmt.Errorf("%d TaskManagers, %w", d.Taskmanagers, err)
		}
		return nil
	})
	return f
}

func (f flink) java(args ...string) *exec.Cmd {
	cmd := exec.Command("java", append(slices.Clone(f.jvm), args...)...) //nolint:noctx // child ends it
	cmd.Env = f.env
	return cmd
}

func (f flink) submit(t *testing.T, args ...string) {
	t.Helper()
	f.resume(t, nil, args...)
}

// resume submits a job with options of Flink's own, as a savepoint to begin from.
func (f flink) resume(t *testing.T, options []string, args ...string) {
	t.Helper()
	all := slices.Concat([]string{"org.apache.flink.client.cli.CliFrontend", "run", "-d"}, options, []string{filepath.Join(f.dir, "job.jar")}, args)
	cmd := f.java(all...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("submit %v: %v\n%s", args, err, child.Tail(string(out), 20))
	}
}

// user values for the two Python stream processors.
func someUser(i int) string { return fmt.Sprintf(`{"user":"u%d"}`, i%7) }

// inner reports an error unless all topics with a word in their names are inner ones of a node.
func (s server) inner(t *testing.T, c *kafkatest.Cluster, word, node string) error {
	t.Helper()
	topics, err := c.Admin(t).ListTopics(t.Context())
	if err != nil {
		return err
	}
	n := 0
	for _, name := range topics.Names() {
		if !strings.Contains(name, word) {
			continue
		}
		n++
		var d struct {
			Node *struct {
				Internal bool
				InnerOf  *struct{ ID string }
			}
		}
		if err := s.ask(t, `query($id: ID!) { node(id: $id) { ... on Topic { internal innerOf { id } } } }`, map[string]any{"id": "topic:west/" + name}, &d); err != nil {
			return err
		}
		if d.Node == nil || !d.Node.Internal || d.Node.InnerOf == nil || d.Node.InnerOf.ID != node {
			return fmt.Errorf("%s is no inner topic of %s: %+v", name, node, d.Node)
		}
	}
	if n == 0 {
		return fmt.Errorf("no topic with %q in its name", word)
	}
	return nil
}

// quixstreams, at least once and exactly once: one job each, which reads its input and writes its output, with its
// repartition and changelog topics inside.
func TestQuixstreams(t *testing.T) {
	const n = 400
	interpreter := python(t, "quixstreams-3.28.0", "quixstreams==3.28.0")
	c := kafkatest.Start(t, kafkatest.Options{})
	s := serve(t, fmt.Sprintf("interval: %ds\nclusters: [{name: west, brokers: [%q]}]\n", tick, c.Brokers()[0]))
	script, err := filepath.Abs("streams/quix.py")
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range []struct{ group, in, out, guarantee string }{{"meter", "orders", "orders.counts", "at-least-once"}, {"biller", "payments", "payments.counts", "exactly-once"}} {
		c.CreateTopic(t, x.in, partitions)
		c.CreateTopic(t, x.out, partitions)
		background(t, exec.Command(interpreter, script, c.Bootstrap(), x.group, x.in, x.out, x.guarantee, t.TempDir()), "quix-"+x.group) //nolint:noctx // child ends it
	}
	c.WaitMembers(t, "meter", "biller")
	pour(t, c, n, someUser, "orders", "payments")
	settled(t, func() error {
		return errors.Join(s.processes(t, c, "meter", "orders", "orders.counts", n), s.processes(t, c, "biller", "payments", "payments.counts", n))
	})
}

// faust: its application reads, and its repartition and changelog topics are inside. Its producers are not idempotent,
// so that what it writes for others stays nobody's: never somebody else's.
func TestFaust(t *testing.T) {
	const n = 400
	interpreter := python(t, "faust-0.15.3", "faust-streaming==0.15.3")
	c := kafkatest.Start(t, kafkatest.Options{})
	c.CreateTopic(t, "orders", partitions)
	c.CreateTopic(t, "orders.counts", partitions)
	s := serve(t, fmt.Sprintf("interval: %ds\nclusters: [{name: west, brokers: [%q]}]\n", tick, c.Brokers()[0]))
	script, err := filepath.Abs("streams/faust_job.py")
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(interpreter, script, "--datadir", t.TempDir(), "worker", "-l", "info") //nolint:noctx // child ends it
	cmd.Env = append(os.Environ(), "APP=tally", "BOOTSTRAP="+c.Bootstrap(), "IN=orders", "OUT=orders.counts")
	background(t, cmd, "faust")
	c.WaitMembers(t, "tally")
	pour(t, c, n, someUser, "orders")
	settled(t, func() error {
		f, err := s.reads(t, "topic:west/orders", "streamjob:west/tally")
		if err == nil {
			err = judge(f.told("streamjob:west/tally"), n)
		}
		w, werr := s.wrote(t, "topic:west/orders.counts")
		if werr == nil && w.From.ID != "streamjob:west/tally" && w.From.ID != "unidentified:west/orders.counts" {
			werr = fmt.Errorf("its output is said to be written by %s", w.From.ID)
		}
		return errors.Join(err, werr, s.inner(t, c, "-changelog", "streamjob:west/tally"))
	})
}

// processes checks a quixstreams job.
func (s server) processes(t *testing.T, c *kafkatest.Cluster, group, in, out string, n int64) error {
	t.Helper()
	node := "streamjob:west/" + group
	r, err := s.reads(t, "topic:west/"+in, node)
	if err == nil {
		err = judge(r.told(node), n)
	}
	w, werr := s.wrote(t, "topic:west/"+out)
	switch {
	case werr != nil:
	case w.From.ID != node:
		werr = fmt.Errorf("%s is said to be written by %s", out, w.From.ID)
	default:
		werr = judge(w.told(node), n)
	}
	return errors.Join(err, werr, s.inner(t, c, "__"+group+"--", node))
}

// Debezium with PostgreSQL: from a table the walk leads to its topic and to no other, and back; a column that is
// removed from a table hurts who reads it two hops on, across transformations that unwrap, rename and drop, as a group
// of Apicurio knows it.
func TestDebezium(t *testing.T) {
	plugin := jars(t, "debezium-3.6.1", "debezium/pom.xml")
	pg := startPostgres(t)
	for _, table := range []string{"orders", "customers", "payments"} {
		pg.sql(t, "create table "+table+" (id serial primary key, v text, email text, secret text)")
	}
	registry := startApicurio(t)
	kind := func(name string) map[string]string { return map[string]string{"type": name} }
	register(t, registry, "default", "shop.public.orders", map[string]any{"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "properties": map[string]any{"v": kind("string")}})
	register(t, registry, "shop", "shop.public.customers-value", map[string]any{"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "properties": map[string]any{"id": kind("integer"), "v": kind("string"), "contact": kind("string")}})
	c := kafkatest.Start(t, kafkatest.Options{})
	connect := c.StartConnect(t, kafkatest.ConnectOptions{Group: "connect-west", Properties: map[string]string{
		"plugin.path": plugin, "key.converter": "org.apache.kafka.connect.json.JsonConverter", "value.converter": "org.apache.kafka.connect.json.JsonConverter",
	}})
	connect.Put(t, "inventory", map[string]string{
		"connector.class": "io.debezium.connector.postgresql.PostgresConnector", "database.hostname": "127.0.0.1", "database.port": strconv.Itoa(pg.port), "database.user": "postgres", "database.password": "none",
		"database.dbname": "postgres", "topic.prefix": "shop", "table.include.list": "public.orders,public.customers,public.payments", "plugin.name": "pgoutput",
		"topic.creation.default.replication.factor": "1", "topic.creation.default.partitions": "1",
		"transforms": "unwrap,shape", "transforms.unwrap.type": "io.debezium.transforms.ExtractNewRecordState",
		"transforms.shape.type": "org.apache.kafka.connect.transforms.ReplaceField$Value", "transforms.shape.renames": "email:contact", "transforms.shape.exclude": "secret",
	})
	s := serve(t, fmt.Sprintf("interval: %ds\nclusters: [{name: west, brokers: [%q]}]\nconnect: [{name: connect-west, url: %q}]\nschema_registry: [{name: as-confluent, url: %q, group: shop}, {name: own, url: %q}]\n",
		tick, c.Brokers()[0], connect.URL, registry+"/apis/ccompat/v7", registry))
	follow(t, c, "mailer", "shop.public.customers")
	for range 3 {
		pg.sql(t, "insert into orders (v) select 'x' from generate_series(1, 40)")
		pg.sql(t, "insert into customers (v) select 'x' from generate_series(1, 20)")
		time.Sleep((tick + 1) * time.Second)
	}
	table := func(name string) string {
		return fmt.Sprintf("dataset:postgres%%3A%%2F%%2F127.0.0.1%%3A%d/postgres.public.%s", pg.port, name)
	}
	settled(t, func() error {
		var errs []error
		for name, n := range map[string]int64{"orders": 120, "customers": 60} {
			topic := "topic:west/shop.public." + name
			w, err := s.wrote(t, topic)
			if err == nil && w.From.ID != "connector:connect-west/inventory" {
				err = fmt.Errorf("%s is said to be written by %s", name, w.From.ID)
			}
			if err == nil {
				err = judge(w.told(w.From.ID), n)
			}
			up, uerr := s.walk(t, topic, "UPSTREAM")
			down, derr := s.walk(t, table(name), "DOWNSTREAM")
			errs = append(errs, err, uerr, derr)
			want := []string{"connector:connect-west/inventory", table(name), topic}
			wantDown := slices.Clone(want)
			if name == "customers" {
				wantDown = append(wantDown, "application:west/mailer")
			}
			if uerr == nil && derr == nil && (!same(up, want) || !same(down, wantDown)) {
				errs = append(errs, fmt.Errorf("%s: up %q, want %q, down %q, want %q", name, up, want, down, wantDown))
			}
		}
		errs = append(errs,
			// each group is read by one entry, and Apicurio's own interface is found
			s.wantSchemas(t, "topic:west/shop.public.customers", "as-confluent shop.public.customers-value 1 JSON TOPIC_NAME VALUE NONE 3"),
			s.wantSchemas(t, "topic:west/shop.public.orders", "own shop.public.orders 1 JSON SIMPLE_TOPIC_ID <nil> NONE 1"),
			s.wantColumns(t, table("customers")+"#email", "0 "+table("customers")+"#email", "1 topic:west/shop.public.customers#value.contact true", "2 application:west/mailer#value.contact read"),
			// the state after a change, and that before it
			s.wantColumns(t, table("customers")+"#secret", "0 "+table("customers")+"#secret", "dropped by the transformation shape", "dropped by the transformation unwrap"))
		return errors.Join(errs...)
	})
}

func same(got, want []string) bool {
	slices.Sort(got)
	slices.Sort(want)
	return slices.Equal(got, want)
}

// walk returns the nodes that a walk from a root finds.
func (s server) walk(t *testing.T, root, direction string) (ids []string, err error) {
	t.Helper()
	var d struct {
		Lineage *struct{ Nodes []struct{ ID string } }
	}
	err = s.ask(t, `query($r: [ID!]!, $d: Direction!) { lineage(roots: $r, direction: $d, depth: 6, window: {last: "30m"}) { nodes { id } } }`, map[string]any{"r": []string{root}, "d": direction}, &d)
	if err == nil && d.Lineage == nil {
		err = fmt.Errorf("lineage of %s is null", root)
	}
	if err != nil {
		return nil, err
	}
	for _, n := range d.Lineage.Nodes {
		ids = append(ids, n.ID)
	}
	return ids, nil
}

// postgres is a running PostgreSQL whose data the test's end deletes.
type postgres struct {
	bin  string
	port int
	as   *syscall.SysProcAttr
}

// startPostgres starts a server with logical decoding. It refuses to run as root, so that root's tests run it as the
// user postgres.
func startPostgres(t *testing.T) postgres {
	t.Helper()
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if path, lookErr := exec.LookPath("pg_ctl"); lookErr == nil && len(found) == 0 {
		found = append(found, path)
	}
	if err != nil || len(found) == 0 {
		t.Fatal("missing: PostgreSQL (apt-get install postgresql)")
	}
	ports, err := kafkatest.FreePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	pg := postgres{bin: filepath.Dir(found[len(found)-1]), port: ports[0]}
	dir, err := os.MkdirTemp("", "lineaged-pg-") //nolint:usetesting // the test's folder is root's alone
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if os.Getuid() == 0 {
		u, err := user.Lookup("postgres")
		if err != nil {
			t.Fatal(err)
		}
		uid, _ := strconv.Atoi(u.Uid)
		gid, _ := strconv.Atoi(u.Gid)
		if err := os.Chown(dir, uid, gid); err != nil {
			t.Fatal(err)
		}
		pg.as = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
	}
	data := filepath.Join(dir, "data")
	if out, err := pg.command(t, "initdb", "-D", data, "-A", "trust", "-U", "postgres", "--no-sync").CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	server := pg.command(t, "postgres", "-D", data, "-p", strconv.Itoa(pg.port), "-h", "127.0.0.1", "-k", dir, "-c", "wal_level=logical", "-c", "fsync=off")
	background(t, server, "postgres")
	eventually(t, time.Minute, "PostgreSQL answers", func() error {
		out, err := pg.command(t, "pg_isready", "-h", "127.0.0.1", "-p", strconv.Itoa(pg.port)).CombinedOutput()
		if err != nil {
			err = fmt.Errorf("%w: %s", err, out)
		}
		return err
	})
	return pg
}

func (pg postgres) command(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(pg.bin, name), args...)
	cmd.Dir, cmd.SysProcAttr = os.TempDir(), pg.as
	return cmd
}

func (pg postgres) sql(t *testing.T, statement string) {
	t.Helper()
	out, err := pg.command(t, "psql", "-h", "127.0.0.1", "-p", strconv.Itoa(pg.port), "-U", "postgres", "-v", "ON_ERROR_STOP=1", "-c", statement).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", statement, err, out)
	}
}
