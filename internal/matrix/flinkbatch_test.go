//go:build matrix

package matrix

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/kafkatest"
)

// loads runs a batch job. By REST it is a JOB of the Flink's with its run and the topic that it reads, and nothing is
// said of what it writes but that nobody knows; with OpenLineage beside it is one node.
func (f flink) loads(t *testing.T, c *kafkatest.Cluster, modes []flinkMode) {
	t.Helper()
	dir := t.TempDir()
	wait := filepath.Join(dir, "wait")
	if err := os.WriteFile(wait, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f.submit(t, "batch", c.Bootstrap(), "orders", "loaded", "load-orders", "none", dir)
	eventually(t, 90*time.Second, "the batch job reads", func() error { return modes[0].server.batch(t, "job:flink-west/load%20orders", "GOES_ON") })
	if err := os.Remove(wait); err != nil {
		t.Fatal(err)
	}
	eventually(t, 90*time.Second, "the batch job is over", func() error { return modes[0].server.batch(t, "job:flink-west/load%20orders", "COMPLETED") })
	if !slices.ContainsFunc(modes[0].server.blindSpots(t), func(b string) bool {
		return strings.HasPrefix(b, "what batch jobs of this Flink write") && strings.Contains(b, "load orders")
	}) {
		t.Errorf("it is not said that nobody knows what the batch job writes: %q", modes[0].server.blindSpots(t))
	}
	both := modes[len(modes)-1]
	eventually(t, 90*time.Second, "the batch job is one node by "+both.said, func() error {
		var nodes []string
		for _, id := range []string{"job:flink-west/load%20orders", "job:flink-jobs/load%20orders", "streamjob:flink-jobs/load%20orders"} {
			flows, err := both.server.around(t, id)
			switch {
			case err != nil && !strings.Contains(err.Error(), "NOT_FOUND"): // which says that there is no such node
				return fmt.Errorf("around %s: %w", id, err)
			case err == nil && len(flows) > 0:
				nodes = append(nodes, id)
			}
		}
		t.Logf("by %s it is %q", both.said, nodes)
		if len(nodes) != 1 {
			return fmt.Errorf("it is %q", nodes)
		}
		return nil
	})
}

// batch reports an error unless a batch job has one run, in a state, and reads orders.
func (s server) batch(t *testing.T, id, state string) error {
	t.Helper()
	flows, err := s.around(t, id)
	if err != nil {
		return err
	}
	var d struct {
		Node *struct {
			Runs *struct {
				Nodes []struct{ ID, State, Engine string }
			}
		}
	}
	if err := s.ask(t, `query($id: ID!) {node(id: $id, window: {last: "30m"}) {... on Job {runs {nodes {id state engine}}}}}`, map[string]any{"id": id}, &d); err != nil {
		return err
	}
	if d.Node == nil || d.Node.Runs == nil || len(d.Node.Runs.Nodes) != 1 || d.Node.Runs.Nodes[0].State != state {
		return fmt.Errorf("the runs of %s are %+v", id, d.Node)
	}
	reads := false
	for _, f := range flows {
		reads = reads || f.From.ID == "topic:west/orders" && f.To.ID == id
		if f.From.ID == id && f.To.ID != "topic:west/loaded" || f.To.ID == id && f.From.ID != "topic:west/orders" {
			return fmt.Errorf("%s has the flow %s", id, f)
		}
	}
	if !reads {
		return fmt.Errorf("%s is not seen to read orders: %v", id, flows)
	}
	return nil
}
