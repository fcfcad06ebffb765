package logs

import (
	"fmt"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

// TestNoRequestLog: where the request log is said to be off for good the authorizer's lines are followed, nobody waits
// for more, and what the request log told is missing from then on. Its lines that come all the same are passed, which
// is said; what can't be read, and that nothing comes, is no gap, and is said.
func TestNoRequestLog(t *testing.T) {
	w := newTold(t, nil)
	w.next()
	w.write(producedAt("a", 100, 1), producedAt("a", 120, 2), allowed("alice", 3))
	w.next()
	from := len(w.sink.obs)
	w.config = func() Config { return Config{Files: []string{w.path + "*"}, NoRequests: true} }
	w.start(nil)
	for i := range 2 * int(silentFor/tick) {
		w.write(allowed("alice", 10+i))
		said := w.next()
		if !strings.Contains(said, "write orders: as User:alice at 10.0.0.7, AUTHORIZER_LOG") || strings.Contains(said, "silent") || strings.Contains(said, "are passed") {
			t.Errorf("round %d tells\n%s", i, said)
		}
	}
	w.write(producedAt("a", 140, 4), producedAt("a", 150, 5))
	if said := w.next(); !strings.Contains(said, "blind: lines of the request log come, and are passed") || strings.Contains(said, "REQUEST_LOG") {
		t.Errorf("of lines that come all the same it tells\n%s", said)
	}
	for range 1 + int(quietFor/tick) {
		w.next()
	}
	if all := strings.Join(w.spots(), "\n"); !strings.Contains(all, "there was no line of the authorizer log") || strings.Contains(all, "are passed") {
		t.Errorf("when nothing comes it says\n%s", all)
	}
	states := map[lineage.SourceState]int{}
	for _, o := range w.sink.obs[from:] {
		if len(o.Missing) != 1 || !o.Missing[0].All || o.Missing[0].Reason != whyNoRequests {
			t.Errorf("missing: %+v", o.Missing)
		}
		for _, f := range o.Facts {
			if f.Source != nil {
				states[f.Source.State]++
			}
		}
	}
	if states[lineage.SourceOff] != 1 || len(states) != 1 {
		t.Errorf("it is said to be %v", states)
	}
	w.config = nil // it is on again, and what was written meanwhile is nobody's
	w.start(nil)
	w.write(producedAt("a", 500, 6), producedAt("a", 520, 7))
	w.next()
	if got := w.claimedOf()["a"]; got != 20+20 {
		t.Errorf("%d are claimed, want 40", got)
	}
	for _, cfg := range []Config{
		{Topic: "audited", Audit: true, NoRequests: true}, {Files: []string{"x"}, NoRequests: true, Sample: &Sampler{}},
	} {
		cfg.Name, cfg.Interval = "west", tick
		if _, err := New(cfg, w.sink); err == nil || !strings.Contains(err.Error(), "request log that is off") {
			t.Errorf("%+v: %v", cfg, err)
		}
	}
}

// TestAuthorizerThatCantBeRead: where nobody waits for the source it is no gap that its file can't be read, and said as
// what can't be seen.
func TestAuthorizerThatCantBeRead(t *testing.T) {
	w := newTold(t, nil)
	w.config = func() Config { return Config{Files: []string{w.path + ".d/*"}, NoRequests: true} }
	w.start(nil)
	said := ""
	for range 4 {
		said += w.next()
	}
	if !strings.Contains(said, "blind: who writes and reads by its principal: ") {
		t.Errorf("it tells\n%s", said)
	}
}

// spots are what the source can't see.
func (w *told) spots() (all []string) {
	for _, s := range w.src.digest.spots() {
		all = append(all, s.What)
	}
	return all
}

// TestWhoseAuthorizer: how often somebody was let in is told as what it is where the lines are of the only broker there
// is and was; where there are several, or nobody knows, the others may have let in somebody else, and it is told as an
// estimate.
func TestWhoseAuthorizer(t *testing.T) {
	for sizes, estimated := range map[[3]int]string{
		{0, 0, 0}: "yes yes yes", {1, 1, 1}: "no no no", {3, 3, 3}: "yes yes yes", {1, 3, 1}: "no yes yes", {3, 1, 1}: "yes yes yes",
	} {
		w := newTold(t, nil)
		w.next()
		var got []string
		for i, n := range sizes {
			w.board.SetCluster(collector.Watched{Source: "west", ID: "west-id", Size: n, Topics: []string{"orders"}, IDs: map[string]lineage.TopicID{"orders": ordersID}})
			w.write(allowed("alice", i), producedAt("a", 100+i, 1+i))
			from := len(w.sink.obs)
			w.next()
			for _, o := range w.sink.obs[from:] {
				for _, s := range o.Samples {
					switch {
					case s.Metric == lineage.Claimed && s.Evidence == lineage.AuthorizerLog:
						got = append(got, map[bool]string{true: "yes", false: "no"}[s.Estimated])
					case s.Metric == lineage.Claimed && !s.Estimated:
						t.Errorf("what the request log claims is no estimate: %+v", s)
					}
				}
			}
		}
		if said := fmt.Sprint(strings.Join(got, " ")); said != estimated {
			t.Errorf("brokers %v: estimated %s, want %s", sizes, said, estimated)
		}
	}
}
