package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/lineaged/lineaged/answer"
)

// health answers whether the process lives and whether it has something to answer with.
type health struct {
	a        *resolver
	trouble  func() []string
	stopping func() bool
}

// live says that the process answers. What ails Kafka or the store is not cured by a restart, so it is not asked here.
func (h *health) live(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ok\n"))
}

// readiness is what /readyz?verbose shows.
type readiness struct {
	Status   string             `json:"status"` // ready, degraded, starting, stopping
	Reasons  []string           `json:"reasons,omitempty"`
	Clusters []clusterReadiness `json:"clusters"`
}

type clusterReadiness struct {
	Name      string     `json:"name"`
	LastRound *time.Time `json:"lastRound,omitempty"`
	Reason    string     `json:"reason,omitempty"`
}

// ready answers 200 when every cluster had its first round, also when some are in trouble: answers then say what is
// missing. It answers 503 before that, while the store does not answer, and on the way out.
func (h *health) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	got := h.readiness(ctx)
	status := http.StatusOK
	if got.Status == "starting" || got.Status == "stopping" {
		status = http.StatusServiceUnavailable
	}
	if r.URL.Query().Has("verbose") {
		w.Header().Set("Content-Type", mediaJSON+"; charset=utf-8")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(got)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, strings.Join(append([]string{got.Status}, got.Reasons...), "\n"))
}

func (h *health) readiness(ctx context.Context) readiness {
	out := readiness{Status: "ready", Clusters: []clusterReadiness{}}
	worse := func(status, reason string) {
		if out.Status != "starting" {
			out.Status = status
		}
		out.Reasons = append(out.Reasons, reason)
	}
	all, configured, err := h.a.answers.Clusters(ctx, answer.All)
	if err != nil {
		h.a.log.ErrorContext(ctx, "readiness", "error", err)
		worse("starting", "the store does not answer")
		return out
	}
	for _, c := range all[:configured] {
		st, err := h.a.answers.ClusterState(ctx, c.Source())
		if err != nil {
			h.a.log.ErrorContext(ctx, "readiness", "error", err)
			worse("starting", "the store does not answer")
			return out
		}
		out.Clusters = append(out.Clusters, clusterReadiness{Name: c.Known().Name, LastRound: timeOrNil(st.LastRound), Reason: st.Trouble})
		switch {
		case st.LastRound.IsZero():
			worse("starting", fmt.Sprintf("cluster %s: %s", c.Known().Name, st.Trouble))
		case st.Trouble != "":
			worse("degraded", fmt.Sprintf("cluster %s: %s", c.Known().Name, st.Trouble))
		}
	}
	if h.trouble != nil {
		for _, reason := range h.trouble() {
			worse("degraded", reason)
		}
	}
	if h.stopping != nil && h.stopping() {
		out.Status = "stopping"
	}
	return out
}
