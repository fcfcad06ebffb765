//go:build matrix

package matrix

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lineaged/lineaged/internal/child"
	"github.com/lineaged/lineaged/internal/kafkatest"
)

// startApicurio starts a registry that keeps nothing, and returns its address.
func startApicurio(t *testing.T) string {
	t.Helper()
	need(t, "mvn", "apt-get install maven")
	need(t, "java", "apt-get install openjdk-17-jre-headless")
	dir := once(t, "apicurio-3.0.9", func(dir string) {
		run(t, dir, "mvn", "-B", "-q", "org.apache.maven.plugins:maven-dependency-plugin:2.8:copy", "-Dartifact=io.apicurio:apicurio-registry-app:3.0.9:tar.gz:all", "-DoutputDirectory="+dir)
		run(t, dir, "tar", "xzf", "apicurio-registry-app-3.0.9-all.tar.gz")
	})
	ports, err := kafkatest.FreePorts(1)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("java", "-Xmx400m", "-jar", filepath.Join(dir, "apicurio-registry-app-3.0.9-runner.jar")) //nolint:noctx // child ends it
	cmd.Dir = t.TempDir()
	cmd.Env = append(child.Environ(), fmt.Sprint("QUARKUS_HTTP_PORT=", ports[0]), "QUARKUS_HTTP_HOST=127.0.0.1")
	background(t, cmd, "apicurio")
	url := fmt.Sprintf("http://127.0.0.1:%d", ports[0])
	eventually(t, 2*time.Minute, "Apicurio answers", func() error {
		resp, err := http.Get(url + "/apis/registry/v3/system/info") //nolint:noctx // asked until it answers
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			return errors.New(resp.Status)
		}
		return nil
	})
	return url
}

// register makes an artifact of a group, by Apicurio's own interface.
func register(t *testing.T, url, group, artifact string, schema any) {
	t.Helper()
	text, err := json.Marshal(schema)
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(map[string]any{
		"artifactId": artifact, "artifactType": "JSON", "firstVersion": map[string]any{"content": map[string]string{"content": string(text), "contentType": "application/json"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/apis/registry/v3/groups/"+group+"/artifacts", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("register %s: %s", artifact, resp.Status)
	}
}

// follow reads a topic in a group to the test's end.
func follow(t *testing.T, c *kafkatest.Cluster, group, topic string) {
	t.Helper()
	reader := c.Client(t, kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.AutoCommitInterval(time.Second))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for !reader.PollFetches(t.Context()).IsClientClosed() && t.Context().Err() == nil {
		}
	}()
	t.Cleanup(func() { <-done })
}

// withoutColumn returns who is hurt without a column, and where it leads, by the same question twice: of its lineage,
// and of its loss.
func (s server) withoutColumn(t *testing.T, field string) (told []string, err error) {
	t.Helper()
	type ways struct {
		Columns []struct {
			Field    string
			Hops     int
			Reads    bool
			InSchema *bool
		}
		Ends, Unknown []struct{ Why string }
	}
	var d struct {
		ColumnLineage *ways
		WhatIf        *struct{ Columns []ways }
	}
	const parts = `{ columns { field hops reads inSchema } ends { why } unknown { why } }`
	if err := s.ask(t, `query($f: ID!) { columnLineage(field: $f, direction: DOWNSTREAM, window: {last: "30m"}) `+parts+` whatIf(lose: [$f], window: {last: "30m"}) { columns `+parts+` } }`, map[string]any{"f": field}, &d); err != nil {
		return nil, err
	}
	if d.ColumnLineage == nil || d.WhatIf == nil || len(d.WhatIf.Columns) != 1 {
		return nil, fmt.Errorf("%s: %+v", field, d)
	}
	words := func(w ways) (out []string) {
		for _, c := range w.Columns {
			is := fmt.Sprint(c.Hops, " ", c.Field)
			if c.Reads {
				is += " read"
			}
			if c.InSchema != nil {
				is += fmt.Sprint(" ", *c.InSchema)
			}
			out = append(out, is)
		}
		for _, e := range slices.Concat(w.Ends, w.Unknown) {
			out = append(out, e.Why)
		}
		return out
	}
	told = words(*d.ColumnLineage)
	if lost := words(d.WhatIf.Columns[0]); !slices.Equal(told, lost) {
		return nil, fmt.Errorf("of its lineage %q, of its loss %q", told, lost)
	}
	return told, nil
}

// wantColumns returns what is not as it should be of a column's ways.
func (s server) wantColumns(t *testing.T, field string, want ...string) error {
	t.Helper()
	got, err := s.withoutColumn(t, field)
	if err == nil && !slices.Equal(got, want) {
		err = fmt.Errorf("%s leads to\n%s\nwant\n%s", field, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	return err
}

// wantSchemas returns what is not as it should be of the schemas of a node: source, subject, version, format, strategy,
// part, compatibility and how many columns.
func (s server) wantSchemas(t *testing.T, node string, want ...string) error {
	t.Helper()
	var d struct {
		Schemas *struct {
			Schemas []struct {
				Source, Subject, Format, Strategy, Compatibility string
				Version, ColumnCount, Part                       any
			}
		}
	}
	err := s.ask(t, `query($n: ID!) { schemas(node: $n, window: {last: "30m"}) { schemas { source subject version format strategy part compatibility columnCount } } }`, map[string]any{"n": node}, &d)
	if err != nil || d.Schemas == nil {
		return errors.Join(err, fmt.Errorf("schemas of %s: %+v", node, d.Schemas))
	}
	var got []string
	for _, x := range d.Schemas.Schemas {
		got = append(got, fmt.Sprint(x.Source, " ", x.Subject, " ", x.Version, " ", x.Format, " ", x.Strategy, " ", x.Part, " ", x.Compatibility, " ", x.ColumnCount))
	}
	if !slices.Equal(got, want) {
		return fmt.Errorf("schemas of %s: %q, want %q", node, got, want)
	}
	return nil
}
