package flink

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// oldFigures is a Flink of two JobManagers. The second one's metrics are those of before a job began again three times,
// which the first one told, and before it read on.
func oldFigures(t *testing.T, change func(*Config, *standby, *standby)) (w *world, a, b *standby) {
	t.Helper()
	w = newWorld(t, nil)
	a, b = newStandby(t, w.m), newStandby(t, w.m)
	w.cfg.URLs = []string{a.URL, b.URL}
	if change != nil {
		change(&w.cfg, a, b)
	}
	w.start()
	a.does(refuses)
	w.rounds(14)
	w.wants("nothing happened", w.happened(), nil)
	a.does(nil)
	b.does(refuses)
	w.rounds(20)
	w.m.restarted(onceJob, 3, 5)
	w.m.advance(onceJob, 5)
	w.rounds(14)
	if got := w.happened(); len(got) != 1 || !strings.Contains(got[0], "3 times") {
		t.Fatalf("three restarts are %q", got)
	}
	w.rounds(4)
	b.does(nil)
	return w, a, b
}

// nothing holds that neither a restart nor that the job reads on follows from old figures.
func (w *world) nothing(what string) {
	w.Helper()
	w.wants(what, w.happened(), nil)
	if got := w.reads(); slices.ContainsFunc(got, func(r string) bool { return strings.HasSuffix(r, "moved=true") }) {
		w.Errorf("%s: nothing is read, and told is %q", what, got)
	}
	if f := w.facts["copy payments"].Job; f.Restarts != 3 {
		w.Errorf("%s: it began again %d times", what, f.Restarts)
	}
}

// failsOnce lets it answer one request whose address has a part with 503.
func (s *standby) failsOnce(part string) {
	var failed atomic.Bool
	s.does(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.RequestURI(), part) && failed.CompareAndSwap(false, true) {
			refuses(w, r)
			return
		}
		s.does(nil)
		s.ServeHTTP(w, r)
		if !failed.Load() {
			s.failsOnce(part)
		}
	})
}

// One request of a look that another JobManager answers has that one's old figures.
func TestOneRequestIsAnsweredByAnother(t *testing.T) {
	for _, part := range []string{onceJob + "/metrics?get=numRestarts", onceJob + "/checkpoints", "agg=max"} {
		t.Run(part, func(t *testing.T) {
			w, a, _ := oldFigures(t, nil)
			a.failsOnce(part)
			w.rounds(20)
			w.nothing("then")
		})
	}
}

// After a start another JobManager may answer than before, which lists less at first.
func TestAnotherAnswersAfterAStart(t *testing.T) {
	w, a, b := oldFigures(t, nil)
	a.does(refuses)
	w.start()
	w.rounds(20)
	w.nothing("old figures")
	b.does(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/jobs/overview" {
			w.m.ServeHTTP(rw, r)
			return
		}
		rw.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(rw).Encode(map[string]any{"jobs": []any{}})
	})
	w.start()
	w.rounds(2)
	w.wants("it may list it yet", w.happened(), nil)
	if f := w.facts["copy payments"]; f.Gone || f.Job == nil {
		t.Error("it is gone")
	}
	if gaps := w.gaps(); len(gaps) != 1 || !strings.Contains(gaps[0], "does not list what") {
		t.Errorf("what is not listed is not missing: %q", gaps)
	}
	b.does(nil)
	w.rounds(8)
	w.nothing("then")
}

// Where jobs are looked at less often than each half minute too.
func TestOldFiguresOfASlowTick(t *testing.T) {
	w, a, _ := oldFigures(t, func(c *Config, _, _ *standby) { c.Interval = 30 * time.Second })
	a.does(refuses)
	w.rounds(30)
	w.nothing("old figures")
}

// An address before several JobManagers asks now this one and now that one, and nobody sees which.
func TestOneAddressBeforeSeveral(t *testing.T) {
	w, a, b := oldFigures(t, func(c *Config, a, b *standby) {
		service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if h := a.instead.Load(); h != nil {
				b.ServeHTTP(w, r)
				return
			}
			a.ServeHTTP(w, r)
		}))
		t.Cleanup(service.Close)
		c.URLs = []string{service.URL}
	})
	for range 3 {
		a.does(refuses)
		w.rounds(7)
		w.nothing("the other one")
		a.does(nil)
		b.does(refuses)
		w.rounds(5)
		w.nothing("and back")
		b.does(nil)
	}
	w.m.restarted(onceJob, 4, 5) // while the count that is told is old
	a.does(refuses)
	w.rounds(8)
	if got := w.happened(); len(got) != 1 || !strings.Contains(got[0], "began again by itself") {
		t.Errorf("it began again: %q", got)
	}
}
