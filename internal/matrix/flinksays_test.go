//go:build matrix

package matrix

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// saysSinks holds what is said of the sink of the application cluster's job, which got far more records than any other
// topic: that its topic alone grew by as many as Flink counts, and that this is no proof. No edge comes of it.
func (s server) saysSinks(t *testing.T) {
	t.Helper()
	eventually(t, 3*time.Minute, "what the counts of a sink leave is said", func() error {
		spots := s.blindSpots(t)
		i := slices.IndexFunc(spots, func(b string) bool { return strings.HasPrefix(b, "what job copy visits writes") })
		if i < 0 {
			return fmt.Errorf("it is not among %q", spots)
		}
		for _, words := range []string{"records were sent from", "of the topics of cluster west that it does not read visits.up alone grew by as many: likely, and no proof"} {
			if !strings.Contains(spots[i], words) {
				return fmt.Errorf("%q is not in %q", words, spots[i])
			}
		}
		t.Log(spots[i])
		return nil
	})
	flows, err := s.around(t, "streamjob:flink-visits/copy%20visits")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range flows {
		if f.To.ID == "topic:west/visits.up" {
			t.Errorf("counts made a flow: %s", f)
		}
	}
}

// unseen holds what is said of a job whose Flink went away: no state, and since when and why.
func (s server) unseen(t *testing.T) {
	t.Helper()
	eventually(t, 90*time.Second, "a job whose Flink is away has no state", func() error {
		var d struct {
			Node struct {
				Flink *struct {
					State  *string
					Unseen *struct {
						Since *time.Time
						Why   string
					}
				}
			}
		}
		if err := s.ask(t, `{node(id: "streamjob:flink-visits/copy%20visits", window: {last: "5m"}) {... on StreamJob {flink {state unseen {since why}}}}}`, nil, &d); err != nil {
			return err
		}
		f := d.Node.Flink
		switch {
		case f == nil:
			return fmt.Errorf("it is no job of Flink's")
		case f.Unseen == nil && f.State != nil && *f.State == "CANCELED": // lineaged looked before the cluster was gone
			return nil
		case f.State != nil || f.Unseen == nil || f.Unseen.Since == nil || !strings.Contains(f.Unseen.Why, "refused"):
			return fmt.Errorf("it is %+v", *f)
		}
		t.Logf("unseen since %s: %s", f.Unseen.Since, f.Unseen.Why)
		return nil
	})
}
