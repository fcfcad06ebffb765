package runevent_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/runevent"
)

const least = `{"eventTime":"2026-11-28T01:30:00Z","producer":"p","schemaURL":"s","run":{"runId":"9c66b278-db60-4da4-a9df-d3deeb7064e0"},"job":{"namespace":"ns","name":"j"}`

func TestWhatIsTaken(t *testing.T) {
	f := func(more string, want func(e *runevent.Event), flags ...string) {
		t.Helper()
		got, said, err := runevent.Parse([]byte(least + more + "}"))
		if err != nil {
			t.Errorf("%s: %v", more, err)
			return
		}
		e := runevent.Event{
			Kind: runevent.OfRun, Time: time.Date(2026, 11, 28, 1, 30, 0, 0, time.UTC), Run: "9c66b278-db60-4da4-a9df-d3deeb7064e0",
			Job: runevent.Name{Namespace: "ns", Name: "j"},
		}
		want(&e)
		a, _ := json.Marshal(got)
		if b, _ := json.Marshal(e); string(a) != string(b) {
			t.Errorf("%s\ngot  %s\nwant %s", more, a, b)
		}
		if !slices.Equal(said, flags) {
			t.Errorf("%s: flags %q, want %q", more, said, flags)
		}
	}
	name := func(s string) []runevent.Name {
		at := strings.LastIndexByte(s, '/')
		return []runevent.Name{{Namespace: s[:at], Name: s[at+1:]}}
	}
	f("", func(*runevent.Event) {})
	f(`,"eventType":"START","inputs":null,"outputs":[]`, func(e *runevent.Event) { e.Type = runevent.Start })
	f(`,"eventType":"running"`, func(e *runevent.Event) { e.Type = runevent.Running })
	f(`,"eventType":"WEIRD"`, func(*runevent.Event) {}, "unknown eventType")
	f(`,"eventTime":"2026-11-28T03:30:00+02:00"`, func(*runevent.Event) {})
	f(`,"eventTime":"2026-11-28T01:30:00"`, func(*runevent.Event) {}, "eventTime without a zone, taken as UTC")
	f(`,"schemaURL":null,"producer":7`, func(*runevent.Event) {}, "no producer", "no schemaURL")
	f(`,"Inputs":[{"namespace":"a","name":"b"}]`, func(*runevent.Event) {})
	f(`,"inputs":{"namespace":"a"}`, func(*runevent.Event) {}, "inputs is no list")
	f(`,"inputs":[{"namespace":"a","name":"b"},{"name":"c"},7,{"namespace":"a","name":"b"}]`, func(e *runevent.Event) { e.Reads = name("a/b") }, "a dataset without a name")
	f(`,"outputs":[{"namespace":"hive","name":"t","facets":{"symlinks":{"identifiers":[{"namespace":"kafka://b:1","name":"orders","type":"TABLE"}]}}}]`,
		func(e *runevent.Event) {
			e.Writes = name("kafka://b:1/orders")
			e.Also = []runevent.Alias{{Name: runevent.Name{Namespace: "hive", Name: "t"}, Is: e.Writes[0]}}
		})
	f(`,"job":{"namespace":"ns","name":"j","facets":{"jobType":{"processingType":"STREAMING","integration":"FLINK"}}}`,
		func(e *runevent.Event) { e.Typed, e.Streams, e.Integration = true, true, "FLINK" })
	f(`,"job":{"namespace":"ns","name":"j","facets":{"jobType":{"processingType":"BATCH","integration":"DBT","emissionPattern":{"eventTrigger":"PERIODIC","eventContentMode":"COMPLETE_SNAPSHOT","windowDuration":300}}}}`,
		func(e *runevent.Event) {
			e.Typed, e.Integration, e.Snapshot, e.Every = true, "DBT", true, 5*time.Minute
		})
	f(`,"job":{"namespace":"ns","name":"j","facets":{"lineage":{"entries":[{"namespace":"x","name":"to","type":"DATASET","inputs":[{"namespace":"x","name":"from","type":"DATASET"},{"type":"JOB"}]}]}}}`,
		func(e *runevent.Event) {
			e.Reads, e.Writes, e.Explicit = name("x/from"), name("x/to"), true
			e.Ways = []runevent.Way{{To: e.Writes[0]}, {From: e.Reads[0], To: e.Writes[0]}}
		})
	f(`,"inputs":[{"namespace":"postgres://u:pw@db:5432","name":"d.t"}]`, func(e *runevent.Event) { e.Reads = name("postgres://db:5432/d.t") })
}

func TestWhatIsRefused(t *testing.T) {
	f := func(body, pointer string, isBroken bool) {
		t.Helper()
		_, _, err := runevent.Parse([]byte(body))
		p, ok := err.(*runevent.ProblemError) //nolint:errorlint // it is what Parse says that it returns
		if !ok || p.Pointer != pointer || p.Broken != isBroken || p.Why == "" {
			t.Errorf("%.80s: got %#v", body, err)
		}
	}
	f("", "", true)
	f(" \n", "", true)
	f("{", "", true)
	f("[]", "", true)
	f("null", "", true)
	f(strings.Repeat("[", 100_000), "", true)
	f("{}", "", false)
	f(least+`,"run":{}}`, "/run/runId", false)
	f(least+`,"eventTime":null}`, "/eventTime", false)
	f(least+`,"eventTime":"yesterday"}`, "/eventTime", false)
	f(least+`,"eventTime":"9999-01-01T00:00:00Z"}`, "/eventTime", false)
	f(least+`,"job":null}`, "/job", false)
	f(least+`,"job":{"namespace":"a"}}`, "/job/name", false)
	f(least+`,"job":{"name":"a"}}`, "/job/namespace", false)
	f(least+`,"job":{"namespace":"a","name":"`+strings.Repeat("x", 3000)+`"}}`, "/job/name", false)
	f(`{"eventTime":"2026-11-28T01:30:00Z","dataset":{"namespace":"a"}}`, "/dataset/name", false)
	f(least+`,"inputs":[`+strings.Repeat("{},", 10_001)+`{}]}`, "/inputs", false)
}

func TestClean(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := runevent.Clean(in); got != want {
			t.Errorf("%s\ngot  %s\nwant %s", in, got, want)
		}
	}
	for _, kept := range []string{
		"kafka://b1:9092,b2:9092", "kafka://unknown:unknown", "kafka://null:-1", "kafka://", "s3://bucket/path@v1/x", "public.tokens", "a@b", "file", "/data/x:y",
		"SASL_SSL://b1:9093", "snowflake://org-acc", "kafka://[::1]:9092", "hdfs://nn:8020/a=1/b=2", "insert-into_catalog.db.table", "secret.topic",
	} {
		f(kept, kept)
	}
	f("postgres://u:hunter2@db:5432", "postgres://db:5432")
	f("mongodb://u:hun/ter@h1:1,h2:2/db", "mongodb://h1:1,h2:2/db")
	f("mongodb://u:hunter2@h1:1,u:hunter2@h2:2", "mongodb://h1:1,h2:2")
	f("u:hunter2@db:5432", "db:5432")
	f("jdbc:oracle:thin:u/hunter2@db:1521:x", "jdbc:oracle:thin:@db:1521:x")
	f("jdbc:sqlserver://db:1433;user=u;password=hunter2;x=1", "jdbc:sqlserver://db:1433;user=u;password=[redacted];x=1")
	f("wasbs://c@acc.blob/x?sig=hunter2&se=1", "wasbs://acc.blob/x?sig=[redacted]&se=1")
	f("database.password=hunter2", "database.password=[redacted]")
	f(`{"api_key": "hunter2"}`, `{"api_key": [redacted]}`)
}

// corpus returns the events of the shared corpus; of testdata.
func corpus(t testing.TB, pattern string) (lines [][]byte) {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join("testdata", pattern))
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			lines = append(lines, []byte(strings.TrimSpace(line)))
		}
	}
	if len(lines) == 0 {
		t.Fatalf("there is no event in testdata/%s", pattern)
	}
	return lines
}

// placeholder is what the seed of Marquez has in place of times.
var placeholder = regexp.MustCompile(`\{\{\w+\}\}`)

// TestCorpus holds that every real event is taken.
func TestCorpus(t *testing.T) {
	flagged := 0
	for i, line := range corpus(t, "*.ndjson") {
		_, flags, err := runevent.Parse(placeholder.ReplaceAll(line, []byte("2026-11-28T01:30:00Z")))
		if err != nil && !strings.Contains(string(line), `"run":{}`) { // one of Marquez' own tests has no run at all
			t.Errorf("event %d: %v: %.200s", i, err, line)
		}
		if len(flags) > 0 {
			flagged++
		}
	}
	if flagged == 0 {
		t.Error("no event is flagged, and some break the schema")
	}
}

func FuzzParse(f *testing.F) {
	for _, line := range corpus(f, "python_*.ndjson") {
		f.Add(line)
	}
	f.Add([]byte(`{"run":{},"job":[],"inputs":[[[]]]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		e, flags, err := runevent.Parse(body)
		if err != nil {
			return
		}
		text, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		var back runevent.Event
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		if again, _ := json.Marshal(back); string(again) != string(text) {
			t.Errorf("%s is kept as %s", text, again)
		}
		again, same, err := runevent.Parse(body)
		if third, _ := json.Marshal(again); err != nil || string(third) != string(text) || !slices.Equal(flags, same) {
			t.Errorf("read twice it is %s and %s", text, third)
		}
	})
}

// Flink's id of a run is taken where it is one.
func TestFlinkJobID(t *testing.T) {
	f := func(id, want string) {
		t.Helper()
		body := `{"eventType":"START","eventTime":"2026-11-28T01:30:00Z","run":{"runId":"0190b0d7-0000-7000-8000-000000000000","facets":{"flink_job":{"jobId":"` + id + `"}}},"job":{"namespace":"n","name":"j"}}`
		e, _, err := runevent.Parse([]byte(body))
		if err != nil || e.EngineID != want {
			t.Errorf("%q: got %q, %v, want %q", id, e.EngineID, err, want)
		}
	}
	f("06F01e83971932057a100d4c9b1f3a98", "06f01e83971932057a100d4c9b1f3a98")
	f("password=hunter2", "")
	f("", "")
}
