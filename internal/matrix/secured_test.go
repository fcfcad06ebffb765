//go:build matrix

package matrix

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/cast"
	"github.com/lineaged/lineaged/internal/kafkatest"
)

// securedToken is the bearer token by which the brokers' reporter forwards what clients push.
const securedToken = "matrix-token-0123456789"

// roles are what each library is asked to do in the secured world: of one topic, in this order, since who reads is
// there before who writes.
var roles = []column{
	{"lone", "without a group", "read", "lone", nil, -1},
	{"group", "group", "read", "group", nil, -1},
	{"plain", "without idempotence", "write", "plain", []step{write, rest(3), write, rest(3), write, rest(2), leave}, -1},
	{"idempotent", "idempotent", "write", "idempotent", []step{write, rest(3), write, rest(3), write, rest(2), leave}, -1},
}

// lacks are what a library can't do; its driver says so.
func (c cell) lacks() bool {
	switch c.library.name {
	case "kafka-go":
		return c.column.name == "idempotent"
	case "kafkajs", "@platformatic/kafka":
		return c.column.name == "lone"
	}
	return false
}

// short is a library's name without its maker's.
func (l library) short() string { return l.name[strings.LastIndexByte(l.name, '/')+1:] }

// actor is a cell of the secured world: two writers and two readers of each library have one topic. Its name begins
// with what it does, since some libraries' names are taken for what a library makes up.
func (c cell) actor() cast.Actor {
	name := c.library.short()
	if c.library.name == "@platformatic/kafka" {
		name = "platformatic"
	}
	records := int64(2 * 3 * write.N)
	if c.column.role == "write" || c.library.name == "kafka-go" { // which has one writer
		records = int64(3 * write.N)
	}
	return cast.Actor{
		What: c.library.said + ", " + c.column.head, Name: c.column.name + "." + name, Principal: "account-of-" + c.column.name + "-" + name, Topic: name,
		Reads: c.column.role == "read", Group: c.column.mode == "group", Records: records,
	}
}

// securedSources are what the lineageds of the secured world are given.
var securedSources = []cast.Source{
	{Name: "nothing"},
	{Name: "request log", Request: true, Whole: true, Counted: true, Exact: true},
	{Name: "authorizer log", Authorizer: true},
	{Name: "telemetry", Pushes: true},
	{Name: "telemetry, authorizer log", Pushes: true, Authorizer: true, Whole: true},
	{Name: "all", Request: true, Authorizer: true, Pushes: true, Whole: true, Counted: true, Exact: true},
}

// Nine libraries on a secured Kafka, each with a writer with and one without idempotence, a reader in a group and one
// in none, under a principal each: what lineaged names and counts of them, by what is switched on. MATRIX names a
// pattern of libraries; then the page is left alone.
func TestSecuredNames(t *testing.T) {
	w, cells := securedWorld()
	dir := t.TempDir()
	token, gate := filepath.Join(dir, "token"), cast.NewGate()
	defer gate.Close()
	put(t, token, securedToken)
	var users []string
	for _, a := range w.Cast {
		users = append(users, a.Principal)
	}
	c := kafkatest.Start(t, kafkatest.Options{Secure: true, Users: users, Plugins: []string{cast.ReporterJar(t)}, Config: map[string]string{
		"metric.reporters":              "org.apache.kafka.common.metrics.JmxReporter,io.lineaged.telemetry.TelemetryReporter",
		"lineaged.telemetry.url":        gate.URL + "/v1/metrics",
		"lineaged.telemetry.token.file": token,
	}})
	commands := drivers(t, c.Classpath())
	for _, id := range w.Topics() {
		c.CreateTopic(t, strings.TrimPrefix(id, "topic:secured/"), partitions)
	}
	if err := w.Permit(t.Context(), c.Admin(t)); err != nil {
		t.Fatal(err)
	}
	files := cast.Files{Brokers: c.Bootstrap(), Token: token, Password: filepath.Join(dir, "password"), Logs: map[string]string{}}
	put(t, files.Password, kafkatest.Password(kafkatest.Admin))
	following, stop := context.WithCancel(t.Context())
	defer stop()
	for _, logger := range []string{cast.RequestLogger, cast.AuthorizerLogger} {
		files.Logs[logger] = filepath.Join(dir, logger)
		c.LogAt(t, logger, "DEBUG")
		cast.Follow(following, t, c.Logs()[0], "("+logger+")", cast.Create(t, files.Logs[logger]))
	}
	servers := make([]server, len(securedSources))
	var listen []string
	for i := range securedSources {
		x := &securedSources[i]
		servers[i] = serve(t, x.Config(&w, &files))
		if x.Pushes {
			listen = append(listen, servers[i].url)
		}
	}
	gate.Open(listen...)
	time.Sleep(6 * time.Second) // all have seen the topics
	begin := time.Now()
	act(t, commands, cells, c.Bootstrap())

	var columns []cast.Column
	for i := range securedSources {
		x := &securedSources[i]
		var col cast.Column
		var err error
		for end := time.Now().Add(40 * time.Second); ; time.Sleep(2 * time.Second) {
			var a cast.Answer
			if a, err = servers[i].world(t, &w, begin); err == nil {
				col, err = w.Judge(x, &a)
			}
			if err == nil || time.Now().After(end) { // what is counted late
				break
			}
		}
		if err != nil {
			t.Errorf("%s: %v\n%s", x.Name, err, col.Said)
		}
		columns = append(columns, col)
	}
	w.Table(t, columns, "../../docs/evidence.md", "make matrix, secured", len(cells) == all(roles) && !t.Failed())
}

// securedWorld is the world of the libraries that MATRIX names.
func securedWorld() (w cast.World, cells []cell) {
	w = cast.World{Cluster: "secured", Admin: kafkatest.Admin}
	for _, l := range libraries {
		if !strings.Contains(l.name, os.Getenv("MATRIX")) {
			continue
		}
		for _, col := range roles {
			x := cell{l, col}
			if x.lacks() {
				continue
			}
			a := x.actor()
			if a.Reads {
				// one that ends at once may do so before its last push
				x.column.steps = []step{read(int(a.Records)), rest(4), leave}
				if a.Group {
					x.column.steps = []step{read(int(a.Records)), commit, rest(2), leave}
				}
			}
			cells, w.Cast = append(cells, x), append(w.Cast, a)
		}
	}
	return w, cells
}

// all is how many cells there are.
func all(roles []column) (n int) {
	for _, l := range libraries {
		for _, col := range roles {
			if !(cell{l, col}).lacks() {
				n++
			}
		}
	}
	return n
}

// act has everybody do what they do, two libraries at a time.
func act(t *testing.T, commands map[string][]string, cells []cell, brokers string) {
	t.Helper()
	var wg sync.WaitGroup
	places := make(chan struct{}, 2)
	for len(cells) > 0 {
		n := 1
		for n < len(cells) && cells[n].library == cells[0].library {
			n++
		}
		of := cells[:n]
		cells = cells[n:]
		wg.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			var own sync.WaitGroup
			for _, x := range of {
				own.Go(func() {
					a := x.actor()
					d, err := drive(t, commands[x.library.driver], x, errand{
						brokers: brokers, topic: a.Topic, group: a.Name, client: a.Name, user: a.Principal, password: kafkatest.Password(a.Principal),
					})
					if n := max(d.Read, d.Wrote); err == nil && (d.Unsupported != "" || n != a.Records) {
						err = fmt.Errorf("%d records of %d: %s", n, a.Records, d.Unsupported)
					}
					if err != nil {
						t.Errorf("%s: %v", a.Name, err)
					}
				})
			}
			own.Wait()
		})
	}
	wg.Wait()
}

// world asks for all flows of a world.
func (s server) world(t testing.TB, w *cast.World, begin time.Time) (cast.Answer, error) {
	t.Helper()
	var d struct{ Lineage *cast.Answer }
	window := map[string]any{"start": begin.UTC().Format(time.RFC3339Nano), "end": time.Now().UTC().Format(time.RFC3339Nano)}
	err := s.ask(t, cast.Query, map[string]any{"roots": w.Topics(), "window": window}, &d)
	if err == nil && d.Lineage == nil {
		err = errors.New("lineage is null")
	}
	if err != nil {
		return cast.Answer{}, err
	}
	return *d.Lineage, nil
}

// put writes a file that is nobody else's to read.
func put(t testing.TB, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
