package flink

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// standby is another JobManager of the Flink that a jobManager is: it asks the one that leads, and has metrics of its
// own, as they were when it was asked last.
type standby struct {
	*httptest.Server
	m       *jobManager
	asked   atomic.Int64
	instead atomic.Pointer[http.HandlerFunc] // nil: it answers
	mu      sync.Mutex                       // guards then
	then    *jobManager                      // whose metrics it has, of the last question; nil: it was not asked
}

func newStandby(t *testing.T, m *jobManager) *standby {
	t.Helper()
	s := &standby{m: m}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *standby) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.asked.Add(1)
	r.URL.Path = strings.TrimPrefix(r.URL.Path, "/secret")
	if h := s.instead.Load(); h != nil {
		(*h)(w, r)
		return
	}
	if !strings.HasSuffix(r.URL.Path, "/metrics") {
		s.m.ServeHTTP(w, r)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.then == nil {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte("[]"))
	} else {
		s.then.ServeHTTP(w, r)
	}
	s.m.mu.Lock()
	defer s.m.mu.Unlock()
	s.then = &jobManager{answers: maps.Clone(s.m.answers), values: map[string]map[string]float64{}, lazy: map[string]bool{}}
	for path, values := range s.m.values {
		s.then.values[path], s.then.lazy[path] = maps.Clone(values), true
	}
}

// does lets it do something else; nil: it answers.
func (s *standby) does(h http.HandlerFunc) {
	if h == nil {
		s.instead.Store(nil)
		return
	}
	s.instead.Store(&h)
}

func refuses(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = w.Write([]byte(`{"errors":["Service temporarily unavailable due to an ongoing leader election. Please refresh."]}`))
}

// listsNone answers as one that has just taken over: it lists no job, and knows each that it is asked for.
func (s *standby) listsNone(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/jobs/overview" {
		s.m.ServeHTTP(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"jobs": []any{}})
}

// gaps are the reasons of what was missing in the newest rounds, each once.
func (w *world) gaps() (all []string) {
	seen := map[string]bool{}
	for _, o := range w.obs {
		for _, m := range o.Missing {
			seen[o.Source.Name+": "+m.Reason] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// lost is how often it was told in the newest rounds that a part is lost.
func (w *world) lost() (n int) {
	for _, o := range w.obs {
		for _, e := range o.Events {
			if e.Type == lineage.SourceLost {
				n++
			}
		}
	}
	return n
}

// Whatever one JobManager does instead of answering, another's answers leave no gap, and it is the one to ask first.
func TestOneOfTwoAnswers(t *testing.T) {
	f := func(name string, h http.HandlerFunc) {
		t.Run(name, func(t *testing.T) {
			var bad *standby
			w := newWorld(t, nil)
			bad = newStandby(t, w.m)
			bad.does(h)
			w.cfg.URLs = []string{bad.URL + "/secret", w.m.URL}
			w.start()
			w.rounds(6)
			if gaps := w.gaps(); len(gaps) > 0 || w.lost() > 0 || len(w.facts) != 4 {
				t.Errorf("gaps %q, %d times lost, %d jobs", gaps, w.lost(), len(w.facts))
			}
			w.wants("nothing happened", w.happened(), nil)
			if n := bad.asked.Load(); n != 1 {
				t.Errorf("it was asked %d times, and the other one answered the first time", n)
			}
		})
	}
	page := func(kind string, status int, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.WriteHeader(status)
			_, _ = w.Write([]byte(text))
		}
	}
	f("a leader is elected", refuses)
	f("a page", page("text/html", http.StatusOK, "<html>"))
	f("a page that is not there", page("text/html", http.StatusNotFound, "<html>"))
	f("JSON of something else", page("application/json", http.StatusOK, `{"version": "4.3.1"}`))
	f("redirects to the leader", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://leader.example:8081/jobs/overview", http.StatusTemporaryRedirect)
	})
	f("no answer", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	f("cut off", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = w.Write([]byte(`{"jobs": [`))
	})
}

// Where no JobManager answers it is said once, naming each without what may be a secret, and is over once one does.
func TestNoneAnswers(t *testing.T) {
	var logged bytes.Buffer
	w := newWorld(t, func(c *Config) { c.Log = slog.New(slog.NewTextHandler(&logged, nil)) })
	a, b := newStandby(t, w.m), newStandby(t, w.m)
	w.cfg.URLs = []string{a.URL + "/secret", b.URL + "/secret"}
	w.start()
	w.rounds(4)
	a.does(refuses)
	b.Close()
	w.rounds(5)
	gaps := w.gaps()
	if w.lost() != 1 || len(gaps) == 0 || strings.Count(logged.String(), "lost") > 1 {
		t.Errorf("%d times lost, %d lines: %q\n%s", w.lost(), strings.Count(logged.String(), "lost"), gaps, logged.String())
	}
	for _, g := range gaps {
		if !strings.Contains(g, a.URL+": status 503") || !strings.Contains(g, b.URL+": ") || strings.Contains(g, "secret") || strings.Contains(g, "election") {
			t.Errorf("the gap is %q", g)
		}
	}
	w.wants("nothing happened", w.happened(), nil)
	a.does(nil)
	w.rounds(4)
	w.wants("it is over", w.gaps(), nil)
	w.wants("and nothing happened", w.happened(), nil)
}

// Another JobManager's metrics are as old as the last question to it: what it tells at first is no news.
func TestAnotherAnswersWithOldMetrics(t *testing.T) {
	w := newWorld(t, nil)
	a, b := newStandby(t, w.m), newStandby(t, w.m)
	w.cfg.URLs = []string{a.URL, b.URL}
	w.start()
	w.rounds(4)
	a.does(refuses)
	w.rounds(6) // the other is asked for a while, and remembers
	a.does(nil)
	b.does(refuses)
	w.m.restarted(onceJob, 3, 5)
	w.rounds(8)
	w.wants("three restarts", inShort(w.happened()), []string{"JOB_RESTARTED 3 times"})
	a.does(refuses)
	b.does(nil)
	w.rounds(12)
	w.wants("what is old is no news", w.happened(), nil)
	w.wants("there is no gap", w.gaps(), nil)
	if f := w.facts["copy payments"].Job; f.Restarts != 3 {
		t.Errorf("it began again %d times", f.Restarts)
	}

	// The one that leads is gone, another takes the job up anew, and that is told once.
	w.m.list(func(all []map[string]any) []map[string]any {
		for _, j := range all {
			if j["jid"] == onceJob {
				j["start-time"] = 1795848826035.0 + float64(w.m.elapsed.Milliseconds())
			}
		}
		return all
	})
	w.m.restarted(onceJob, 0, 3)
	w.m.change("/jobs/"+onceJob, func(is map[string]any) { delete(is["timestamps"].(map[string]any), "RESTARTING") })
	a.does(nil)
	b.does(refuses)
	w.rounds(12)
	got := w.happened()
	if len(got) != 1 || !strings.Contains(got[0], "was taken up anew by a JobManager, and began again at least once") {
		t.Errorf("taken up anew: %q", got)
	}
	w.m.restarted(onceJob, 1, 4)
	w.rounds(4)
	if got := w.happened(); len(got) != 1 || !strings.Contains(got[0], "JOB_RESTARTED copy payments: its run ONCE began again by itself") {
		t.Errorf("and then again: %q", got)
	}
}

// inShort are events without when they were.
func inShort(all []string) (short []string) {
	for _, e := range all {
		if strings.Contains(e, "JOB_RESTARTED") && strings.Contains(e, "3 times") {
			e = "JOB_RESTARTED 3 times"
		}
		short = append(short, e)
	}
	return short
}

// A JobManager that has just begun to answer need not list what another listed: a run is not over before it had time
// to, and meanwhile it is said that it is not seen.
func TestAnotherListsLess(t *testing.T) {
	w := newWorld(t, nil)
	a, b := newStandby(t, w.m), newStandby(t, w.m)
	w.cfg.URLs = []string{a.URL, b.URL}
	w.start()
	w.rounds(4)
	a.does(refuses)
	b.does(b.listsNone)
	w.rounds(2)
	w.wants("nothing happened yet", w.happened(), nil)
	if gaps := w.gaps(); len(gaps) != 1 || !strings.Contains(gaps[0], "job-details: no job could be looked at: "+b.URL+" answers now, and does not list what another did") {
		t.Errorf("what is not listed is not missing: %q", gaps)
	}
	for _, name := range []string{"copy payments", sqlName} {
		if f := w.facts[name]; f.Gone || f.Job == nil {
			t.Errorf("%s is gone", name)
		}
	}
	b.does(nil)
	w.rounds(4)
	w.wants("nothing happened", w.happened(), nil)
	w.wants("nothing is missing", w.gaps(), nil)
	w.m.without(onceJob)
	w.rounds(2)
	if got := w.happened(); len(got) != 1 || !strings.Contains(got[0], "Flink knows its run ONCE no more") {
		t.Errorf("one that it knows no more: %q", got)
	}
	a.does(nil)
	b.does(refuses)
	w.m.without(sqlJob)
	w.rounds(3)
	w.wants("not yet", w.happened(), nil)
	w.rounds(3)
	if got := w.happened(); len(got) != 1 || !strings.Contains(got[0], "Flink knows its run SQL no more") {
		t.Errorf("one that the other does not list for long: %q", got)
	}
}

// A run of which it was told that Flink knows it no more, and that is listed again, was there all along: it did not
// begin.
func TestListedAgain(t *testing.T) {
	hide := func(w *world, a, b *standby) {
		a.does(refuses)
		b.does(b.listsNone)
		w.rounds(6)
		if got := w.happened(); len(got) != 4 || !strings.Contains(got[0], "how it ended is not known") {
			w.Fatalf("it is not listed for long: %q", got)
		}
		b.does(nil)
	}
	start := func() (*world, *standby, *standby) {
		w := newWorld(t, nil)
		a, b := newStandby(t, w.m), newStandby(t, w.m)
		w.cfg.URLs = []string{a.URL, b.URL}
		w.start()
		w.rounds(4)
		return w, a, b
	}
	const again = "what happened to copy (fl.orders|payments), copy fl.orders, copy payments"
	w, a, b := start()
	hide(w, a, b)
	w.rounds(1)
	if gaps := w.gaps(); !slices.ContainsFunc(gaps, func(g string) bool { return strings.Contains(g, again) }) {
		t.Errorf("it is not said that it had not ended: %q", gaps)
	}
	w.wants("it did not begin", w.happened(), nil)
	w.rounds(6)
	w.wants("nor later", w.happened(), nil)
	w.wants("it is said once", w.gaps(), nil)
	w.m.restarted(onceJob, 1, 1)
	w.rounds(4)
	if got := w.happened(); len(got) != 1 || !strings.Contains(got[0], "JOB_RESTARTED copy payments") {
		t.Errorf("it goes on as before: %q", got)
	}

	w, a, b = start() // and the leader is another then
	hide(w, a, b)
	w.m.list(func(all []map[string]any) []map[string]any {
		for _, j := range all {
			if j["jid"] == onceJob {
				j["start-time"] = 1795848826035.0 + float64(w.m.elapsed.Milliseconds())
			}
		}
		return all
	})
	w.rounds(6)
	if got := w.happened(); len(got) != 1 || !strings.Contains(got[0], "JOB_RESTARTED copy payments: its run ONCE was taken up anew by a JobManager") {
		t.Errorf("taken up anew: %q", got)
	}

	w, a, b = start() // and lineaged too
	hide(w, a, b)
	w.start()
	w.rounds(6)
	w.wants("over a start", w.happened(), nil)
}
