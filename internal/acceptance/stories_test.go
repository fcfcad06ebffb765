package acceptance

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/child"
	"github.com/lineaged/lineaged/internal/kafkatest"
)

// storyWorld is what the browser is told of the world that it looks at, in STORY_WORLD: see ui/e2e/real.mjs.
type storyWorld struct {
	Topic   string    `json:"topic"`   // read by Group
	Group   string    `json:"group"`   // that stalls, and copies Topic to Starved
	Starved string    `json:"starved"` // a topic
	Reader  string    `json:"reader"`  // of Starved
	Stalled time.Time `json:"stalled"`
	// Begun is when all moved; between GapStart and GapEnd lineaged was not running.
	Begun    time.Time `json:"begun"`
	GapStart time.Time `json:"gapStart"`
	GapEnd   time.Time `json:"gapEnd"`
}

// TestStoriesInABrowser has a real Kafka on which a group that copies a topic to another stops reading and stays a
// member, and in Chromium the operator who finds it, the engineer who asks who is hurt, and the auditor who asks who
// read the topic while lineaged was away for a time. While it is not yet known that the group has stalled, each part of
// the page is looked at.
func TestStoriesInABrowser(t *testing.T) {
	t.Parallel()
	c := kafkatest.Start(t, kafkatest.Options{}) // what happens elsewhere would stand before what happens here
	w := storyWorld{Topic: "customers", Group: "enricher", Starved: "profiles", Reader: "mailer"}
	c.CreateTopic(t, w.Topic, 2)
	c.CreateTopic(t, w.Starved, 2)
	s := watch(t, c, "west", time.Second)
	s.knows(t, topicID(w.Starved))
	copier := c.StartCopier(t, w.Group, w.Group+"-1", w.Topic, w.Starved)
	c.ConsoleConsumer(t, w.Reader, "classic", w.Starved)
	c.WaitMembers(t, w.Group, w.Reader)
	s.waitRound(t, "west", time.Now())
	c.StartProducerPerf(t, kafkatest.Perf{Topic: w.Topic, Records: 100_000, PerSecond: 50})
	all := []string{readBy(w.Topic, w.Group), written(w.Group, w.Starved), readBy(w.Starved, w.Reader)}
	eventually(t, 90*time.Second, "all flows are there", func() error {
		a, err := s.tryLineage(t, topicID(w.Topic), last("1m"))
		if err != nil {
			return err
		}
		for _, id := range all {
			if !slices.Contains(a.ids(), id) {
				return fmt.Errorf("no %s, only %q", id, a.ids())
			}
		}
		return nil
	})
	w.Begun = time.Now()
	s.waitRound(t, "west", time.Now().Add(10*time.Second))
	w.GapStart = time.Now()
	s.stop(t)
	time.Sleep(10 * time.Second)
	s.start(t)
	s.waitRound(t, "west", time.Now())
	w.GapEnd = time.Now()
	s.waitRound(t, "west", time.Now().Add(10*time.Second))
	w.Stalled = time.Now()
	copier.Stall()
	inBrowser(t, s, w)
}

// inBrowser has the page looked at, and the stories told, in Chromium.
func inBrowser(t *testing.T, s *server, w storyWorld) {
	t.Helper()
	world, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "node", "../../ui/e2e/real.mjs")
	cmd.Env = append(child.Environ(), "LINEAGED_URL="+s.url, "LINEAGED_BIN="+s.bin, "STORY_WORLD="+string(world))
	out, err := cmd.CombinedOutput()
	if _, missing, ok := strings.Cut(string(out), "FAIL  missing: "); ok && os.Getenv("CI") == "" {
		t.Skipf("SKIPPED, missing: %s", missing)
	}
	t.Logf("%s", out)
	if err != nil {
		t.Fatalf("in Chromium: %v", err)
	}
}
