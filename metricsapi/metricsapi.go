// Package metricsapi answers the Metrics API that Confluent Cloud has (version 2), with what lineaged knows: who has a
// dashboard or an exporter for that changes a URL.
//
// It reads queries, filters, intervals and granularities in the shapes of that API, and asks package answer, which says
// what is measured and what is not known. What is not known is absent, and never zero. It hides how pages go on and how
// a minute is exported. It refuses what it does not understand, with a sentence that names the key and the value, to
// say what a window means, and to list metrics that nobody measures.
package metricsapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/lineaged/lineaged/answer"
)

// Prefix is before all paths.
const Prefix = "/v2/metrics/"

const (
	// mostBody bounds a request, in bytes.
	mostBody = 1 << 20
	// answerTime bounds what answering a request may take, once its body is here.
	answerTime = 10 * time.Second
)

// Gate bounds what is done at once. ok is false when that is too much already; else release gives it back, once.
type Gate interface {
	// Work lets a request in among those that are answered.
	Work(r *http.Request) (release func(), ok bool)
	// Hold takes room for bytes of a request while it is sent, or of an answer while it is fetched.
	Hold(r *http.Request, bytes int64) (release func(), ok bool)
}

// Options are what a handler needs.
type Options struct {
	Answers *answer.Answers
	Now     func() time.Time // the clock by which rounds are dated; nil: the machine's
	Log     *slog.Logger     // nil: slog.Default
}

// API answers.
type API struct {
	answers *answer.Answers
	now     func() time.Time
	log     *slog.Logger
	minutes minutes
	tokens  *tokens
}

// New returns who answers. It starts nothing.
func New(o Options) *API {
	a := &API{answers: o.Answers, now: o.Now, log: o.Log, tokens: newTokens()}
	if a.now == nil {
		a.now = time.Now
	}
	if a.log == nil {
		a.log = slog.Default()
	}
	return a
}

// Handler returns what answers all paths beneath Prefix, as far as the gate lets it.
func (a *API) Handler(gate Gate) http.Handler {
	mux := http.NewServeMux()
	for path, answer := range map[string]asked{
		"POST " + Prefix + "{dataset}/query":                a.query,
		"POST " + Prefix + "{dataset}/attributes":           a.attributes,
		"GET " + Prefix + "{dataset}/descriptors/metrics":   a.metrics,
		"GET " + Prefix + "{dataset}/descriptors/resources": a.resources,
		"GET " + Prefix + "{dataset}/export":                a.export,
	} {
		mux.Handle(path, a.answering(gate, answer))
	}
	mux.HandleFunc(Prefix, func(w http.ResponseWriter, r *http.Request) {
		a.refuse(w, r, methodOrPath(r))
	})
	return mux
}

// methodOrPath says what is wrong with a request that no path answers.
func methodOrPath(r *http.Request) error {
	var dataset, rest string
	if _, err := fmt.Sscanf(r.URL.Path, Prefix+"%s", &rest); err == nil {
		dataset, rest = cut(rest)
	}
	want := map[string]string{"query": "POST", "attributes": "POST", "descriptors/metrics": "GET", "descriptors/resources": "GET", "export": "GET"}[rest]
	if want != "" && dataset != "" {
		return &refusal{http.StatusMethodNotAllowed, want, fmt.Sprintf("method: %s is not answered here, %s is", r.Method, want)}
	}
	return refused(http.StatusNotFound, "path: %s is none of DATASET/query, DATASET/attributes, DATASET/descriptors/metrics, DATASET/descriptors/resources and DATASET/export", quote(r.URL.Path))
}

// reply is an answer that is ready to be written.
type reply struct {
	media string
	size  int64 // about the bytes that are held until it is
	write func(io.Writer) error
}

const mediaJSON = "application/json"

func inJSON(v any) reply {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // texts and numbers
	}
	return inBytes(mediaJSON, append(b, '\n'))
}

func inBytes(media string, b []byte) reply {
	return reply{media, int64(len(b)), func(w io.Writer) error { _, err := w.Write(b); return err }}
}

// answering answers within the bounds: a slow sender, or who fetches slowly, keeps room and nobody waiting.
func (a *API) answering(gate Gate, answer asked) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		is, err := a.answer(w, r, gate, answer)
		if err != nil {
			a.refuse(w, r, err)
			return
		}
		release, ok := gate.Hold(r, is.size)
		if !ok {
			a.refuse(w, r, busy())
			return
		}
		defer release()
		w.Header().Set("Content-Type", is.media)
		if err := is.write(w); err != nil {
			a.log.DebugContext(r.Context(), "write metrics", "error", err)
		}
	})
}

// asked answers a question about a dataset.
type asked func(*http.Request, *dataset) (reply, error)

func (a *API) answer(w http.ResponseWriter, r *http.Request, gate Gate, answer asked) (is reply, err error) {
	set := datasets[r.PathValue("dataset")]
	if set == nil {
		return is, refused(http.StatusNotFound, "dataset: %s is none of %s", quote(r.PathValue("dataset")), datasetNames())
	}
	if r.Method == http.MethodPost {
		release, err := readBody(w, r, gate)
		if err != nil {
			return is, err
		}
		defer release()
	}
	release, ok := gate.Work(r)
	if !ok {
		return is, busy()
	}
	defer release()
	ctx, cancel := context.WithTimeout(r.Context(), answerTime)
	defer cancel()
	defer func() {
		if v := recover(); v != nil { // a panic of ours is an error, and is in the log
			err = fmt.Errorf("panic: %v: %s", v, debug.Stack())
		}
	}()
	return answer(r.WithContext(together(ctx)), set)
}

func busy() error {
	return refused(http.StatusTooManyRequests, "as many requests as may be are being answered already: try again soon")
}

// refusal is an error that its asker may read.
type refusal struct {
	status   int
	allow    string // of a wrong method: which one is right
	sentence string
}

func (r *refusal) Error() string { return r.sentence }

func refused(status int, format string, args ...any) error {
	return &refusal{status: status, sentence: fmt.Sprintf(format, args...)}
}

// bad is a request that makes no sense.
func bad(format string, args ...any) error { return refused(http.StatusBadRequest, format, args...) }

// problem is one error as the API has it.
type problem struct {
	Status string `json:"status"`
	Detail string `json:"detail"`
}

// refuse writes an error. The causes of ours are in our log only.
func (a *API) refuse(w http.ResponseWriter, r *http.Request, err error) {
	status, sentence := http.StatusInternalServerError, "internal error; its cause is in the server's log"
	if no, ok := errors.AsType[*refusal](err); ok {
		status, sentence = no.status, no.sentence
		if status == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", "1")
		}
		if no.allow != "" {
			w.Header().Set("Allow", no.allow)
		}
	} else if no, ok := errors.AsType[*answer.RefusedError](err); ok {
		status, sentence = http.StatusBadRequest, no.Sentence
	} else if errors.Is(err, context.DeadlineExceeded) {
		status, sentence = http.StatusServiceUnavailable, fmt.Sprintf("the answer took longer than %s: ask for a shorter interval, a longer granularity or fewer groups", answerTime)
	} else if r.Context().Err() == nil {
		a.log.ErrorContext(r.Context(), "metrics API", "error", err)
	}
	w.Header().Set("Content-Type", mediaJSON)
	w.WriteHeader(status)
	// who has gone does not want to know
	_ = json.NewEncoder(w).Encode(map[string][]problem{"errors": {{strconv.Itoa(status), sentence}}})
}
