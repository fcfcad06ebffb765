package acceptance

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lineaged/lineaged/internal/kafkatest"
)

// A string in keys, values and headers of records must be nowhere in what lineaged keeps: not in its data folder, not
// in its log at the most talkative level, not in an answer.
func TestPayloadIsNeverKept(t *testing.T) {
	t.Parallel()
	canary := "canary" + rand.Text()
	name := "cage" + rand.Text() // in the data folder on purpose: it proves that the search finds what is there
	topic := "topic:west/" + name
	c := kafkatest.Shared(t, kafkatest.Options{})
	c.CreateTopic(t, name, 1)
	s := serve(t, "--brokers", c.Bootstrap(), "--cluster-name", "west", "--interval", "1s", "--log-level", "debug")
	s.knows(t, topic)
	begin := time.Now()
	client := c.Client(t)
	const records = 200
	for i := range records {
		r := &kgo.Record{
			Topic: name, Key: fmt.Appendf(nil, "%s-key-%d", canary, i), Value: fmt.Appendf(nil, "%s-value-%d", canary, i),
			Headers: []kgo.RecordHeader{{Key: canary + "-header", Value: []byte(canary + "-content")}},
		}
		if err := client.ProduceSync(t.Context(), r).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	reader := c.ConsoleConsumer(t, "keeper"+name, "consumer", name, "auto.commit.interval.ms=500")
	c.WaitGroup(t, "keeper"+name, name, records)
	eventually(t, 30*time.Second, "writer and reader are seen", func() error {
		a, err := s.tryLineage(t, topic, between(begin, time.Now()))
		if err == nil && len(a.Flows) != 2 {
			err = fmt.Errorf("flows: %q", a.ids())
		}
		return err
	})
	reader.Stop(t)
	page, _, err := s.fetch(t, "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	s.stop(t)

	needles := map[string][]byte{
		"the canary": []byte(canary), "the canary in base64": []byte(base64.StdEncoding.EncodeToString([]byte(canary)))[:20],
		"the canary in hex": []byte(hex.EncodeToString([]byte(canary))),
	}
	search := func(where string, b []byte) {
		for what, needle := range needles {
			if bytes.Contains(b, needle) {
				t.Errorf("%s holds %s", where, what)
			}
		}
	}
	search("/metrics", []byte(page))
	var kept, files int
	err = filepath.WalkDir(filepath.Dir(s.data), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		search(path, b)
		if path != s.log {
			files++
			if bytes.Contains(b, []byte(name)) {
				kept++
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if kept == 0 {
		t.Errorf("the topic's name is in none of the data folder's %d files: they cannot be searched like this", files)
	}
}
