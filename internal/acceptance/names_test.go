package acceptance

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"github.com/lineaged/lineaged/internal/kafkatest"
)

// actor is a program of the world of names: what it truly is and does.
type actor struct {
	what      string // for the table
	name      string // its client.id, or its group
	principal string
	topic     string
	reads     bool
	records   int64
	most      bool // what is counted is a bound: markers of its transactions may be among it
	group     bool // its commits count it, whatever is switched on
}

// node is the application that lineaged should show.
func (a actor) node() string { return "application:names/" + a.name }

// account is what is shown where the principal alone is known.
func (a actor) account() string { return "application:names/" + a.principal }

func (a actor) flow(node string) string {
	if a.reads {
		return "topic:names/" + a.topic + "->" + node
	}
	return node + "->topic:names/" + a.topic
}

// Records of each writer, 200 a second; of one 150, so that what each wrote tells two programs of a principal apart.
const wrote, aSecond, imported = 2400, 200, 1800

var cast = []actor{
	{what: "Java, idempotent", name: "checkout", principal: "alice", topic: "orders", records: wrote},
	{what: "Java, without idempotence", name: "importer", principal: "alice", topic: "orders", records: imported},
	{what: "Java, transactional", name: "ledger", principal: "carol", topic: "payments", records: wrote, most: true},
	{what: "librdkafka, without idempotence", name: "web-clicks", principal: "dave", topic: "clicks", records: wrote},
	{what: "franz-go, idempotent", name: "tracker", principal: "erin", topic: "clicks", records: wrote},
	{what: "franz-go, without idempotence", name: "price-feed", principal: "frank", topic: "prices", records: wrote},
	{what: "Java, group", name: "billing", principal: "bob", topic: "orders", reads: true, group: true, records: wrote + imported},
	{what: "Java, share group", name: "fraud", principal: "heidi", topic: "clicks", reads: true, group: true, records: 2 * wrote},
	{what: "Java, without a group", name: "auditor", principal: "ruth", topic: "prices", reads: true, records: wrote},
	{what: "franz-go, without a group", name: "dashboard", principal: "grace", topic: "clicks", reads: true, records: 2 * wrote},
}

// source is what one lineaged of the world is given.
type source struct {
	name                        string
	request, authorizer, pushes bool
	headers, audit              bool
	sent                        bool // its request log by OpenTelemetry's own exporter
	// whole is where every writer and reader has to have a name; counted, where what is nobody's is next to nothing;
	// exact, where counts are within 1 % of the truth. With telemetry those of its clients may lie beside what the
	// topic grew by, since busy ones push late.
	whole, counted, exact bool
}

var sources = []source{
	{name: "nothing"},
	{name: "request log", request: true, whole: true, counted: true, exact: true},
	{name: "the same, sent by OTLP", sent: true, whole: true, counted: true, exact: true},
	{name: "authorizer log", authorizer: true},
	{name: "telemetry", pushes: true},
	{name: "headers of batches", headers: true},
	{name: "telemetry, authorizer log", pushes: true, authorizer: true, whole: true},
	{name: "all", request: true, authorizer: true, pushes: true, headers: true, audit: true, whole: true, counted: true},
}

// One secured world of writers and readers, with and without producer ids and groups, two programs of one principal
// among them, is watched by several lineageds at once, each with other sources. What each names and counts is held
// against the truth and against the table in docs/evidence.md (-update writes it); nothing that was written is kept.
func TestNames(t *testing.T) {
	c := tellingCluster(t)
	for topic, partitions := range map[string]int{"orders": 2, "payments": 2, "clicks": 2, "prices": 1, "audited": 1} {
		c.CreateTopic(t, topic, partitions)
	}
	permit(t, c)
	c.ShareFromBeginning(t, "fraud")
	dir, servers := t.TempDir(), map[string]*server{}
	var listen []string
	for _, x := range sources {
		s := serve(t, "--config", x.config(t, c, dir))
		servers[x.name] = s
		if x.pushes {
			listen = append(listen, s.url)
		}
	}
	exporter := startSender(t, servers["the same, sent by OTLP"].url, c.ID)
	following, stop := context.WithCancel(t.Context())
	defer stop()
	for _, logger := range []string{requestLogger, authorizerLogger} {
		c.LogAt(t, logger, "DEBUG")
		to := []io.Writer{create(t, filepath.Join(dir, logger))}
		if logger == requestLogger {
			to = append(to, exporter.in)
		}
		follow(following, t, c.Logs()[0], "("+logger+")", to...)
	}
	defer c.LogAt(t, requestLogger, "WARN")
	defer c.LogAt(t, authorizerLogger, "INFO")
	telling.gate.open(listen...)
	for _, s := range servers {
		s.knows(t, "topic:names/orders")
	}
	begin := time.Now()
	canary := "canary" + rand.Text()
	act(t, c, canary)

	time.Sleep(4 * time.Second)
	exporter.end(t)
	var tables []column
	for _, x := range sources {
		var col column
		var err error
		for end := time.Now().Add(40 * time.Second); ; time.Sleep(time.Second) {
			var a namesAnswer
			if a, err = servers[x.name].namesAnswer(t, between(begin, time.Now())); err == nil {
				col, err = x.judge(a)
			}
			if err == nil || time.Now().After(end) { // what is counted late
				break
			}
		}
		if err != nil {
			t.Errorf("%s: %v\n%s", x.name, err, col.said)
		}
		for _, secret := range append(secrets(), canary) {
			if strings.Contains(col.said, secret) {
				t.Errorf("%s: an answer holds what nobody may keep", x.name)
			}
		}
		tables = append(tables, col)
	}
	holdTable(t, tables)
	for _, s := range servers {
		for line := range strings.Lines(s.p.Output()) {
			if strings.Count(line, `"source":`) > 1 {
				t.Errorf("a line of the log names its source twice: %s", line)
			}
		}
		s.wantNowhere(t, append(secrets(), canary)...)
	}
}

const requestLogger, authorizerLogger = "kafka.request.logger", "kafka.authorizer.logger"

// admin is the principal of all lineageds.
const admin = "application:names/" + kafkatest.Admin

// permit gives everybody the rights to what they do.
func permit(t *testing.T, c *kafkatest.Cluster) {
	t.Helper()
	admin := c.Admin(t)
	for _, a := range cast {
		b := kadm.NewACLs().Allow("User:" + a.principal).AllowHosts().ResourcePatternType(kadm.ACLPatternLiteral).Topics(a.topic)
		if a.reads {
			b = b.Groups("*").Operations(kadm.OpRead)
		} else {
			b = b.TransactionalIDs("*").Operations(kadm.OpWrite)
		}
		if _, err := admin.CreateACLs(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
}

// secrets are the passwords and the token of this world.
func secrets() []string {
	all := []string{tellingToken, kafkatest.Password(kafkatest.Admin)}
	for _, user := range people {
		all = append(all, kafkatest.Password(user))
	}
	return all
}

type namesAnswer struct {
	Flows    []flow
	Coverage coverage
}

// namesAnswer asks for all flows of the world's topics, also those of which it is not known whether they moved.
func (s *server) namesAnswer(t testing.TB, window map[string]any) (namesAnswer, error) {
	t.Helper()
	var d struct{ Lineage *namesAnswer }
	err := s.ask(t, `query($roots: [ID!]!, $window: Window!) { lineage(roots: $roots, depth: 1, window: $window, limit: 100) {
		flows { id kind active records estimated evidence { kind source detail } }
		coverage { `+coverageFields+` } } }`,
		map[string]any{"roots": []string{"topic:names/orders", "topic:names/payments", "topic:names/clicks", "topic:names/prices"}, "window": window}, &d)
	if err == nil && d.Lineage == nil {
		err = errors.New("lineage is null")
	}
	if err != nil {
		return namesAnswer{}, err
	}
	return *d.Lineage, nil
}

// column is what one lineaged makes of the cast, for the table, and said all of its answer, for people.
type column struct {
	name  string
	cells map[string]string // by actor
	said  string
}

// judge says how an answer differs from what has to be told with these sources, and what it tells of each actor.
func (x source) judge(a namesAnswer) (column, error) {
	col := column{name: x.name, cells: map[string]string{}}
	flows, expected := map[string]flow{}, map[string]bool{}
	var wrong []error
	var nobodys, all int64
	for _, f := range a.Flows {
		flows[f.ID] = f
		col.said += fmt.Sprintf("  %-58s active %v records %v estimated %v by %q %s\n", f.ID, valueOf(f.Active), valueOf(f.Records), f.Estimated, f.evidence(), f.details())
		if strings.HasPrefix(f.ID, "unidentified:") && f.Records != nil {
			nobodys += *f.Records
		}
	}
	for _, actor := range cast {
		mark, node := "–", ""
		for _, k := range []struct{ mark, node string }{{"○", actor.account()}, {"✓", actor.node()}} {
			if _, ok := flows[actor.flow(k.node)]; ok {
				mark, node = k.mark, k.node
			}
		}
		if !actor.reads {
			all += actor.records
		}
		expected[actor.flow(node)] = true
		f := flows[actor.flow(node)]
		switch {
		case node == "" && actor.reads && !mentions(a.Coverage, "without a group"), node == "" && !actor.reads && !mentions(a.Coverage, actor.topic):
			wrong = append(wrong, fmt.Errorf("%s is not seen, and nothing says so", actor.name))
		case node == "" && (x.whole || actor.group), actor.group && f.Records == nil:
			wrong = append(wrong, fmt.Errorf("%s has no name, or no count", actor.name))
		case node == "":
		case f.Records == nil:
			mark += " ?"
		case actor.most:
			if !f.Estimated && *f.Records == actor.records {
				break // headers say what is a marker
			}
			mark += " ≤"
			if *f.Records < actor.records || !f.Estimated || !strings.Contains(f.details(), "at most") {
				wrong = append(wrong, fmt.Errorf("%s has at most %d records and not %d", actor.name, *f.Records, actor.records))
			}
		case x.pushes && f.Estimated && !slices.Contains(f.evidence(), "PRODUCER_STATE") && slices.Contains(f.evidence(), "TELEMETRY"):
			mark += " ~"
		case actor.group && *f.Records > 0 && *f.Records < actor.records && strings.Contains(f.details(), "at least: the end of the window was not observed"):
			// eight lineageds ask one broker, which may have no time for the share group: what is said is true
		case math.Abs(float64(*f.Records-actor.records)) > 0.01*float64(actor.records):
			mark += " ≠"
			if node == actor.node() && (x.exact || actor.group || !f.Estimated) {
				wrong = append(wrong, fmt.Errorf("%s has %d records and not %d", actor.name, *f.Records, actor.records))
			}
		}
		col.cells[actor.name] = mark
	}
	if x.sent {
		if f := flows["topic:names/prices->application:names/embedded"]; f.Records == nil || *f.Records != 77 {
			wrong = append(wrong, fmt.Errorf("what the exporter said of a reader is not told: %+v", f))
		}
		expected["topic:names/prices->application:names/embedded"] = true
	}
	for id := range flows {
		if id, reads := strings.CutPrefix(id, "topic:names/"); reads && (strings.HasSuffix(id, "->application:names/lineaged") || strings.HasSuffix(id, "->"+admin)) {
			continue // lineaged itself fetches where it reads headers
		}
		if !expected[id] && !strings.HasPrefix(id, "unidentified:") {
			wrong = append(wrong, fmt.Errorf("there is no %s", id))
		}
	}
	switch part := 100 * float64(nobodys) / float64(all); {
	case part <= 2:
		col.cells[""] = "2 % at most"
	default:
		col.cells[""] = fmt.Sprintf("%.0f %%", part)
	}
	if x.counted && float64(nobodys) > 0.02*float64(all) {
		wrong = append(wrong, fmt.Errorf("%d of %d records are nobody's", nobodys, all))
	}
	return col, errors.Join(wrong...)
}

// config writes the configuration of the lineaged that has these sources.
func (x source) config(t *testing.T, c *kafkatest.Cluster, logs string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"token": tellingToken, "password": kafkatest.Password(kafkatest.Admin)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text := fmt.Sprintf("log: {level: debug}\ninterval: 2s\nclusters:\n  - name: names\n    brokers: [%s]\n    sasl: {mechanism: SCRAM-SHA-512, username: %s, password_file: password}\n", c.Bootstrap(), kafkatest.Admin)
	var files []string
	if x.request {
		files = append(files, filepath.Join(logs, requestLogger))
	}
	if x.authorizer {
		files = append(files, filepath.Join(logs, authorizerLogger))
	}
	if files != nil {
		text += "    logs: {files: [" + strings.Join(files, ", ") + "]}\n"
	}
	if x.sent {
		text += "    logs: {push: true}\n"
	}
	if x.headers {
		text += "    headers: {topics: [.*], records: {topics: [clicks, prices], sample: 1/1}}\n"
	}
	if x.audit {
		text += "    audit: [{topic: audited}]\n"
	}
	if x.pushes {
		text += "    telemetry: {subscribe: true, interval: 1s}\n"
	}
	if x.pushes || x.sent {
		text += "otlp: {token_file: token}\n"
	}
	file := filepath.Join(dir, "lineaged.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
