package acceptance

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/cast"
	"github.com/lineaged/lineaged/internal/kafkatest"
)

// Records of each writer, 200 a second; of one 150, so that what each wrote tells two programs of a principal apart.
const wrote, aSecond, imported = 2400, 200, 1800

// names is the world of names.
var names = cast.World{Cluster: "names", Admin: kafkatest.Admin, Cast: []cast.Actor{
	{What: "Java, idempotent", Name: "checkout", Principal: "alice", Topic: "orders", Records: wrote},
	{What: "Java, without idempotence", Name: "importer", Principal: "alice", Topic: "orders", Records: imported},
	{What: "Java, transactional", Name: "ledger", Principal: "carol", Topic: "payments", Records: wrote, Most: true},
	{What: "librdkafka, without idempotence", Name: "web-clicks", Principal: "dave", Topic: "clicks", Records: wrote},
	{What: "franz-go, idempotent", Name: "tracker", Principal: "erin", Topic: "clicks", Records: wrote},
	{What: "franz-go, without idempotence", Name: "price-feed", Principal: "frank", Topic: "prices", Records: wrote},
	{What: "Java, group", Name: "billing", Principal: "bob", Topic: "orders", Reads: true, Group: true, Records: wrote + imported},
	{What: "Java, share group", Name: "fraud", Principal: "heidi", Topic: "clicks", Reads: true, Group: true, Records: 2 * wrote},
	{What: "Java, without a group", Name: "auditor", Principal: "ruth", Topic: "prices", Reads: true, Records: wrote},
	{What: "franz-go, without a group", Name: "dashboard", Principal: "grace", Topic: "clicks", Reads: true, Records: 2 * wrote},
}}

var sources = []cast.Source{
	{Name: "nothing"},
	{Name: "request log", Request: true, Whole: true, Counted: true, Exact: true},
	{Name: "the same, sent by OTLP", Sent: true, Whole: true, Counted: true, Exact: true},
	{Name: "authorizer log", Authorizer: true},
	{Name: "telemetry", Pushes: true},
	{Name: "headers of batches", Headers: true},
	{Name: "telemetry, authorizer log", Pushes: true, Authorizer: true, Whole: true},
	{Name: "all", Request: true, Authorizer: true, Pushes: true, Headers: true, Audit: true, Whole: true, Counted: true, Exact: true},
}

// One secured world of writers and readers, with and without producer ids and groups, two programs of one principal
// among them, is watched by several lineageds at once, each with other sources. What each names and counts is held
// against the truth and against the table in docs/evidence.md (-update writes it); nothing that was written is kept.
func TestNames(t *testing.T) {
	c := tellingCluster(t)
	for topic, partitions := range map[string]int{"orders": 2, "payments": 2, "clicks": 2, "prices": 1, "audited": 1} {
		c.CreateTopic(t, topic, partitions)
	}
	if err := names.Permit(t.Context(), c.Admin(t)); err != nil {
		t.Fatal(err)
	}
	c.ShareFromBeginning(t, "fraud")
	dir, servers := t.TempDir(), map[string]*server{}
	var listen []string
	for _, x := range sources {
		s := serve(t, "--config", namesConfig(t, &x, c, dir))
		servers[x.Name] = s
		if x.Pushes {
			listen = append(listen, s.url)
		}
	}
	exporter := startSender(t, servers["the same, sent by OTLP"].url, c.ID)
	following, stop := context.WithCancel(t.Context())
	defer stop()
	for _, logger := range []string{cast.RequestLogger, cast.AuthorizerLogger} {
		c.LogAt(t, logger, "DEBUG")
		to := []io.Writer{cast.Create(t, filepath.Join(dir, logger))}
		if logger == cast.RequestLogger {
			to = append(to, exporter.in)
		}
		cast.Follow(following, t, c.Logs()[0], "("+logger+")", to...)
	}
	defer c.LogAt(t, cast.RequestLogger, "WARN")
	defer c.LogAt(t, cast.AuthorizerLogger, "INFO")
	telling.gate.Open(listen...)
	for _, s := range servers {
		s.knows(t, "topic:names/orders")
	}
	begin := time.Now()
	canary := "canary" + rand.Text()
	act(t, c, canary)

	time.Sleep(4 * time.Second)
	exporter.end(t)
	var tables []cast.Column
	for _, x := range sources {
		var col cast.Column
		var err error
		for end := time.Now().Add(40 * time.Second); ; time.Sleep(time.Second) {
			var a cast.Answer
			if a, err = servers[x.Name].namesAnswer(t, between(begin, time.Now())); err == nil {
				col, err = judgeNames(&x, &a)
			}
			if err == nil || time.Now().After(end) { // what is counted late
				break
			}
		}
		if err != nil {
			t.Errorf("%s: %v\n%s", x.Name, err, col.Said)
		}
		for _, secret := range append(secrets(), canary) {
			if strings.Contains(col.Said, secret) {
				t.Errorf("%s: an answer holds what nobody may keep", x.Name)
			}
		}
		tables = append(tables, col)
	}
	names.Table(t, tables, "../../docs/evidence.md", "go test ./internal/acceptance -run TestNames -update", *update)
	for _, s := range servers {
		for line := range strings.Lines(s.p.Output()) {
			if strings.Count(line, `"source":`) > 1 {
				t.Errorf("a line of the log names its source twice: %s", line)
			}
		}
		s.wantNowhere(t, append(secrets(), canary)...)
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

// namesAnswer asks for all flows of the world's topics.
func (s *server) namesAnswer(t testing.TB, window map[string]any) (cast.Answer, error) {
	t.Helper()
	var d struct{ Lineage *cast.Answer }
	err := s.ask(t, cast.Query, map[string]any{"roots": names.Topics(), "window": window}, &d)
	if err == nil && d.Lineage == nil {
		err = errors.New("lineage is null")
	}
	if err != nil {
		return cast.Answer{}, err
	}
	return *d.Lineage, nil
}

// judgeNames holds an answer against the truth. The exporter tells of a reader of its own too.
func judgeNames(x *cast.Source, a *cast.Answer) (cast.Column, error) {
	const embedded = "topic:names/prices->application:names/embedded"
	if !x.Sent {
		return names.Judge(x, a)
	}
	col, err := names.Judge(x, a, embedded)
	i := slices.IndexFunc(a.Flows, func(f cast.Flow) bool { return f.ID == embedded })
	if i < 0 || a.Flows[i].Records == nil || *a.Flows[i].Records != 77 {
		err = errors.Join(err, errors.New("what the exporter said of a reader is not told"))
	}
	return col, err
}

// namesConfig writes the configuration of the lineaged that has these sources.
func namesConfig(t *testing.T, x *cast.Source, c *kafkatest.Cluster, logs string) string {
	t.Helper()
	dir := t.TempDir()
	f := cast.Files{Brokers: c.Bootstrap(), Token: filepath.Join(dir, "token"), Password: filepath.Join(dir, "password"), Logs: map[string]string{}}
	for _, logger := range []string{cast.RequestLogger, cast.AuthorizerLogger} {
		f.Logs[logger] = filepath.Join(logs, logger)
	}
	file := filepath.Join(dir, "lineaged.yaml")
	for name, text := range map[string]string{f.Token: tellingToken, f.Password: kafkatest.Password(kafkatest.Admin), file: x.Config(&names, &f)} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return file
}
