// Package marquez answers what clients of Marquez read (its API of 0.51), with what lineaged observed, and as of any
// instant that is held: who has a page or a script for that changes a URL.
//
// It knows paths, shapes, pages and errors of that API, and asks package answer, which says what is known. It hides how
// a node is found by Marquez's names. What is not known is null, or absent; it refuses to make up versions, owners and
// events, to take anything, and to let an odd name spoil a list.
package marquez

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// The paths: all beneath Prefix that nobody else answers, and LineagePath, where others may take what is posted.
const (
	Prefix      = "/api/v1/"
	LineagePath = "GET /api/v1/lineage"
)

// answerTime bounds what answering a request may take.
const answerTime = 10 * time.Second

// Gate bounds what is done at once. ok is false when that is too much already; else release gives it back, once.
type Gate interface {
	// Work lets a request in among those that are answered.
	Work(r *http.Request) (release func(), ok bool)
	// Hold takes room for bytes of an answer while it is fetched.
	Hold(r *http.Request, bytes int64) (release func(), ok bool)
}

// Names are what OpenLineage's events call things.
type Names interface {
	// Namespace is that of a cluster's topics.
	Namespace(cluster string) string
	// JobNames names jobs, each its own within its scope.
	JobNames(nodes []lineage.Node) map[lineage.Node]string
}

// Options are what a handler needs.
type Options struct {
	Answers *answer.Answers
	Names   Names
	Now     func() time.Time // the clock by which rounds are dated; nil: the machine's
	Log     *slog.Logger     // nil: slog.Default
}

// API answers.
type API struct {
	answers *answer.Answers
	names   Names
	now     func() time.Time
	log     *slog.Logger
	last    atomic.Pointer[estate] // of the view that was asked last
}

// New returns who answers. It starts nothing.
func New(o Options) *API {
	a := &API{answers: o.Answers, names: o.Names, now: o.Now, log: o.Log}
	if a.now == nil {
		a.now = time.Now
	}
	if a.log == nil {
		a.log = slog.Default()
	}
	a.answers.WhenReady(a.ready)
	return a
}

// asked answers a question. Its answer is an object with at least one member.
type asked func(*question) (any, error)

// question is a request, and the view that it is answered from.
type question struct {
	*http.Request
	view   *answer.View
	estate *estate
	// scope are the clusters that the answer is of; nil: all. cut: it is not whole.
	scope []lineage.ClusterID
	cut   bool
}

// Handler returns what answers Prefix and LineagePath, as far as the gate lets it.
func (a *API) Handler(gate Gate) http.Handler {
	mux := http.NewServeMux()
	for path, answer := range map[string]asked{
		"namespaces":                                         a.namespaces,
		"namespaces/{ns}":                                    a.namespace,
		"namespaces/{ns}/datasets":                           a.datasets,
		"namespaces/{ns}/datasets/{name}":                    a.dataset,
		"namespaces/{ns}/datasets/{name}/versions":           a.versions,
		"namespaces/{ns}/datasets/{name}/versions/{version}": a.version,
		"namespaces/{ns}/jobs":                               a.jobsOf,
		"namespaces/{ns}/jobs/{name}":                        a.job,
		"namespaces/{ns}/jobs/{name}/runs":                   a.runs,
		"jobs":                                               a.jobs,
		"jobs/runs/{id}":                                     a.run,
		"lineage":                                            a.lineage,
		"column-lineage":                                     a.columnLineage,
		"sources":                                            a.sources,
		"sources/{name}":                                     a.source,
		"search":                                             a.search,
		"tags":                                               a.tags,
	} {
		mux.Handle("GET "+Prefix+path, a.answering(gate, answer))
	}
	for path, why := range unanswered {
		mux.HandleFunc("GET "+Prefix+path, func(w http.ResponseWriter, r *http.Request) { a.refuse(w, r, missing("%s", why)) })
	}
	mux.HandleFunc(Prefix, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			a.refuse(w, r, refused(http.StatusMethodNotAllowed, "method: %s is not answered here, GET is: what was observed is not changed from outside", r.Method))
			return
		}
		a.refuse(w, r, refused(http.StatusNotFound, "path: %s is none of those of Marquez's API that are answered here", quote(r.URL.Path)))
	})
	return mux
}

// unanswered are paths of the API whose answers nobody knows, and why.
var unanswered = map[string]string{
	"events/lineage":                       "events are not kept as they were sent: what they say is in lineage, runs and columns",
	"stats/{what}":                         "nobody counts events, jobs and datasets by the hour here, and zero would be a wrong count",
	"jobs/runs/{id}/facets":                "facets of runs are not kept as they were sent: what is read of them is in the run",
	"namespaces/{ns}/jobs/{name}/versions": "jobs have no versions here: what one read and wrote at another time is asked for with asOf",
}

// answering answers within the bounds: who fetches slowly keeps room, and nobody waiting.
func (a *API) answering(gate Gate, answer asked) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		body, err := a.answer(r, gate, answer)
		if err != nil {
			a.refuse(w, r, err)
			return
		}
		release, ok := gate.Hold(r, int64(len(body)))
		if !ok {
			a.refuse(w, r, busy())
			return
		}
		defer release()
		w.Header().Set("Content-Type", "application/json")
		if _, err := w.Write(body); err != nil {
			a.log.DebugContext(r.Context(), "write to a client of Marquez's API", "error", err)
		}
	})
}

func (a *API) answer(r *http.Request, gate Gate, answer asked) (body []byte, err error) {
	release, ok := gate.Work(r)
	if !ok {
		return nil, busy()
	}
	defer release()
	ctx, cancel := context.WithTimeout(r.Context(), answerTime)
	defer cancel()
	defer func() {
		if v := recover(); v != nil { // a panic of ours is an error, and is in the log
			err = fmt.Errorf("panic: %v: %s", v, debug.Stack())
		}
	}()
	q, err := a.question(r.WithContext(together(ctx)))
	if err != nil {
		return nil, err
	}
	is, err := answer(q)
	if err != nil {
		return nil, err
	}
	return q.covered(is)
}

func together(ctx context.Context) context.Context { return answer.Together(ctx) }

// question finds the view of the instant that is asked for.
func (a *API) question(r *http.Request) (*question, error) {
	var in answer.Span
	text := r.URL.Query().Get("asOf")
	at, err := time.Parse(time.RFC3339, text)
	switch {
	case text == "":
	case err != nil:
		return nil, bad("asOf: %s is no instant as RFC 3339 has it, like 2026-11-28T08:00:00Z", quote(text))
	case at.After(a.now()):
		return nil, bad("asOf: %s is in the future", quote(text))
	default:
		in = answer.Between(at.Add(-answer.UsualSpan), at)
	}
	v, err := a.answers.View(r.Context(), in, answer.All)
	if err != nil {
		return nil, err
	}
	if since := v.HeldSince(); text != "" && (since.IsZero() || at.Before(since)) {
		if since.IsZero() {
			return nil, bad("asOf: nothing is held of %s, nor of any other time yet", quote(text))
		}
		return nil, bad("asOf: nothing is held of %s: what is held begins at %s", quote(text), since.UTC().Format(time.RFC3339))
	}
	e := a.last.Load()
	if e == nil || e.view != v {
		if e, err = a.survey(r.Context(), v); err != nil {
			return nil, err
		}
		a.last.Store(e)
	}
	e.unasked.Store(0)
	return &question{Request: r, view: v, estate: e}, nil
}

// mostUnasked is for how many views on end what there is is listed before anybody asks.
const mostUnasked = 5

// ready lists what there is in a view for who asks next, while this API is asked as of now again and again.
func (a *API) ready(ctx context.Context, v *answer.View) {
	was := a.last.Load()
	if was == nil || was.view == v || was.unasked.Load() >= mostUnasked {
		return
	}
	of, is := was.view.Window(), v.Window()
	if is.End.Sub(is.Start) != of.End.Sub(of.Start) || !is.End.After(of.End) {
		return
	}
	// What fails here fails again for who asks, and is told.
	_, _, _ = v.CoverageBack(ctx)
	if e, err := a.survey(ctx, v); err == nil {
		e.unasked.Store(was.unasked.Load() + 1)
		a.last.CompareAndSwap(was, e)
	}
}

const mostGaps = 20 // of one answer

// coverage is what was observed of the time that an answer's edges are of, and of the last ten minutes of it. It is not
// of Marquez's API, and in each answer.
type coverage struct {
	observed
	Last      observed `json:"last"`
	HeldSince *instant `json:"heldSince"`
	Truncated bool     `json:"truncated,omitempty"`
}

type observed struct {
	Start            time.Time `json:"start"`
	End              time.Time `json:"end"`
	Complete         bool      `json:"complete"`
	ObservedFraction float64   `json:"observedFraction"`
	Gaps             []gap     `json:"gaps"`
	MoreGaps         int       `json:"moreGaps,omitempty"`
}

type gap struct {
	Source string    `json:"source"`
	Start  time.Time `json:"start"`
	End    time.Time `json:"end"`
	Reason string    `json:"reason"`
}

// covered writes an answer with what was not observed of it.
func (q *question) covered(is any) ([]byte, error) {
	body, ok := is.(written)
	if !ok {
		var err error
		if body, err = json.Marshal(is); err != nil {
			return nil, fmt.Errorf("write an answer: %w", err)
		}
	}
	back, in, err := q.view.CoverageBack(q.Context(), q.scope...)
	if err != nil {
		return nil, err
	}
	c := coverage{
		observed: q.observed(back, in), Last: q.observed(q.view.Coverage(q.scope...), q.view.Window().Window), HeldSince: when(q.view.HeldSince()), Truncated: q.cut,
	}
	last, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("write coverage: %w", err)
	}
	body = append(body[:len(body)-1], `,"coverage":`...)
	return append(append(body, last...), "}\n"...), nil
}

// observed writes what was observed of a time; of an answer that is cut it is not all.
func (q *question) observed(of lineage.Coverage, in lineage.Window) observed {
	out := observed{Start: in.Start.UTC(), End: in.End.UTC(), Complete: of.Complete && !q.cut, ObservedFraction: of.ObservedFraction, Gaps: []gap{}}
	for i, g := range of.Gaps {
		if i == mostGaps {
			out.MoreGaps = len(of.Gaps) - mostGaps
			break
		}
		out.Gaps = append(out.Gaps, gap{g.Source.Cluster + "/" + g.Source.Name, g.Window.Start.UTC(), g.Window.End.UTC(), g.Reason})
	}
	return out
}

// refusal is an error that its asker may read.
type refusal struct {
	status   int
	sentence string
}

func (r *refusal) Error() string { return r.sentence }

func refused(status int, format string, args ...any) error {
	return &refusal{status, fmt.Sprintf(format, args...)}
}

// bad is a request that makes no sense.
func bad(format string, args ...any) error { return refused(http.StatusBadRequest, format, args...) }

func missing(format string, args ...any) error { return refused(http.StatusNotFound, format, args...) }

func busy() error {
	return refused(http.StatusTooManyRequests, "as many requests as may be are being answered already: try again soon")
}

// problem is an error as the API has it.
type problem struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
}

// refuse writes an error. The causes of ours are in our log only.
func (a *API) refuse(w http.ResponseWriter, r *http.Request, err error) {
	is := problem{http.StatusInternalServerError, "internal error; its cause is in the server's log"}
	if no, ok := errors.AsType[*refusal](err); ok {
		is = problem{no.status, no.sentence}
		if no.status == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", "1")
		}
	} else if no, ok := errors.AsType[*answer.RefusedError](err); ok {
		is = problem{http.StatusBadRequest, no.Sentence}
	} else if errors.Is(err, context.DeadlineExceeded) {
		is = problem{http.StatusServiceUnavailable, fmt.Sprintf("the answer took longer than %s: ask for less", answerTime)}
	} else if r.Context().Err() == nil {
		a.log.ErrorContext(r.Context(), "Marquez's API", "error", err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(is.Code)
	_ = json.NewEncoder(w).Encode(is) // who has gone does not want to know
}

// quote quotes what an asker sent, cut short.
func quote(s string) string {
	const most = 100
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return strconv.Quote(s)
}

// instant is a time in UTC, as the API writes it.
type instant string

// when is null where nobody knows, and where RFC 3339 has no words for it: before the year 0 and after 9999.
func when(t time.Time) *instant {
	t = t.UTC()
	if t.IsZero() || t.Year() < 0 || t.Year() > 9999 {
		return nil
	}
	return new(instant(t.Format(time.RFC3339Nano)))
}
