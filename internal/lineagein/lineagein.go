// Package lineagein is the HTTP end at which OpenLineage's clients post events, as the OpenLineage and the Marquez APIs
// have it: POST /api/v1/lineage takes one, /api/v1/lineage/batch an array of them.
//
// It knows tokens, encodings and bounds, and what a client hears: 201 (a batch 204, or 200 with what is wrong), and
// only once all that was taken is durable; 4xx where to send it again is of no use; 503 with Retry-After where it is,
// since OpenLineage's clients try that again. It refuses to know what an event means.
package lineagein

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/lineaged/lineaged/internal/deadletter"
	"github.com/lineaged/lineaged/internal/runevent"
)

// The paths.
const (
	Path      = "/api/v1/lineage"
	BatchPath = "/api/v1/lineage/batch"
)

// DefaultMaxBody is how many bytes a request may have where nothing is said. Spark's events with large plans have a
// few hundred thousand.
const DefaultMaxBody = 8 << 20

// maxReading is how many requests are in memory at once: each as sent and unpacked.
const maxReading = 8

// mostReasons is how many events of a batch are told what is wrong with them, one by one.
const mostReasons = 1000

// ErrFull is when there is no room now. The sender tries again later.
var ErrFull = errors.New("more waits to be stored than may")

// Options are what a Receiver needs.
type Options struct {
	// Token returns the bearer token that lets somebody send; empty: there is none, and Open decides.
	Token func() string
	// Open lets everybody send who reaches the server, where there is no token.
	Open bool
	// MaxBody bounds a request's bytes, as sent and as unpacked. 0: DefaultMaxBody.
	MaxBody int64
	// Take returns nil once the events are durable. It may be called by any goroutine.
	Take func(ctx context.Context, events []runevent.Event) error
	// Refused is told of an event that is of no use; nil: nobody wants to know.
	Refused func(deadletter.Letter)
	Log     *slog.Logger // nil: none
}

// Receiver answers OpenLineage's clients.
type Receiver struct {
	options Options
	reading chan struct{}

	events, flags *prometheus.CounterVec
}

// New makes a receiver.
func New(o Options) *Receiver {
	if o.MaxBody <= 0 {
		o.MaxBody = DefaultMaxBody
	}
	if o.Token == nil {
		o.Token = func() string { return "" }
	}
	if o.Refused == nil {
		o.Refused = func(deadletter.Letter) {}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Receiver{
		options: o, reading: make(chan struct{}, maxReading),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lineaged_openlineage_events_total", Help: "OpenLineage events sent by HTTP, by what became of them: taken, refused, or put off as there was no room.",
		}, []string{"result"}),
		flags: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lineaged_openlineage_nonconforming_total", Help: "What breaks the OpenLineage specification in events that were taken all the same.",
		}, []string{"what"}),
	}
}

// Collectors are the receiver's figures.
func (r *Receiver) Collectors() []prometheus.Collector {
	return []prometheus.Collector{r.events, r.flags}
}

// Handlers are those of the paths.
func (r *Receiver) Handlers() map[string]http.Handler {
	return map[string]http.Handler{Path: r.handler(r.single), BatchPath: r.handler(r.batch)}
}

// refusal is an answer that takes nothing.
type refusal struct {
	status  int
	why     string
	pointer string
}

func (e *refusal) Error() string { return e.why }

func refuse(status int, format string, args ...any) *refusal {
	return &refusal{status: status, why: fmt.Sprintf(format, args...)}
}

func (r *Receiver) handler(take func(w http.ResponseWriter, req *http.Request, body []byte) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := r.read(w, req)
		if err == nil {
			err = take(w, req, body)
		}
		if err != nil {
			r.refuse(w, req, err)
		}
	})
}

// read returns a request's body, unpacked, of somebody who may send.
func (r *Receiver) read(w http.ResponseWriter, req *http.Request) ([]byte, error) {
	switch token := r.options.Token(); {
	case token == "" && !r.options.Open:
		return nil, refuse(http.StatusForbidden, "OpenLineage events are not taken here: other machines can reach this server, and openlineage.token_file is not set")
	case token != "" && !bears(req, token): // who has no token is not told more
		return nil, refuse(http.StatusUnauthorized, "there is no bearer token that lets you send: set Authorization: Bearer TOKEN")
	case req.Method != http.MethodPost:
		return nil, refuse(http.StatusMethodNotAllowed, "only POST is answered here")
	case !isJSON(req.Header.Get("Content-Type")):
		return nil, refuse(http.StatusUnsupportedMediaType, "Content-Type is not application/json")
	}
	select {
	case r.reading <- struct{}{}:
		defer func() { <-r.reading }()
	case <-req.Context().Done():
		return nil, req.Context().Err()
	}
	body, err := r.body(w, req)
	if err == nil {
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // it is here: to be stored takes its own time
	}
	return body, err
}

// body reads a request's body and unpacks it. Java's client sends it in chunks, so its length is known at its end only.
func (r *Receiver) body(w http.ResponseWriter, req *http.Request) ([]byte, error) {
	limit := r.options.MaxBody
	tooLarge := refuse(http.StatusRequestEntityTooLarge, "the request has more than %d bytes, packed or unpacked", limit)
	unreadable := func(err error) error {
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			r.tooLarge(req, limit)
			return tooLarge
		}
		return refuse(http.StatusBadRequest, "the body can't be read: %v", err)
	}
	var packed io.Reader = http.MaxBytesReader(w, req.Body, limit)
	switch encoding := strings.ToLower(strings.TrimSpace(req.Header.Get("Content-Encoding"))); encoding {
	case "", "identity":
	case "gzip":
		z, err := gzip.NewReader(packed)
		if err != nil {
			return nil, unreadable(err)
		}
		packed = z
	default:
		return nil, refuse(http.StatusUnsupportedMediaType, "Content-Encoding is neither gzip nor identity")
	}
	body, err := io.ReadAll(io.LimitReader(packed, limit+1))
	switch {
	case err != nil:
		return nil, unreadable(err)
	case int64(len(body)) > limit:
		r.tooLarge(req, limit)
		return nil, tooLarge
	}
	return body, nil
}

func isJSON(contentType string) bool {
	if contentType == "" {
		return true
	}
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && (media == "application/json" || strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json"))
}

// bears reports whether a request bears a token. It takes a time that tells nothing of it.
func bears(req *http.Request, token string) bool {
	scheme, given, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	a, b := sha256.Sum256([]byte(strings.TrimSpace(given))), sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1 && strings.EqualFold(scheme, "Bearer")
}

// letter says who sent what is of no use. Which of a batch it is is said by its index, which is -1 of one that came
// alone.
func letter(req *http.Request, index int, why string) deadletter.Letter {
	host, _, err := net.SplitHostPort(req.RemoteAddr)
	if err != nil {
		host = "" // a test's
	}
	return deadletter.Letter{Address: host, Agent: runevent.Word(req.UserAgent()), Index: index, Why: why}
}

func (r *Receiver) tooLarge(req *http.Request, limit int64) {
	r.events.WithLabelValues("refused").Inc()
	l := letter(req, -1, "a request has more bytes than openlineage.max_body")
	l.Bytes, l.Larger = int(limit), true
	r.options.Refused(l)
}

// lost notes that an event is of no use.
func (r *Receiver) lost(req *http.Request, body []byte, index int, err error) {
	r.events.WithLabelValues("refused").Inc()
	l := letter(req, index, "")
	l.Describe(body, err)
	r.options.Refused(l)
}

func (r *Receiver) parse(req *http.Request, body []byte, index int) (runevent.Event, error) {
	e, flags, err := runevent.Parse(body)
	for _, f := range flags {
		r.flags.WithLabelValues(f).Inc()
	}
	if err != nil {
		r.lost(req, body, index, err)
	}
	return e, err
}

// take has events stored.
func (r *Receiver) take(ctx context.Context, events []runevent.Event) error {
	if len(events) == 0 {
		return nil
	}
	err := r.options.Take(ctx, events)
	result := "taken"
	if err != nil {
		result = "put off"
	}
	r.events.WithLabelValues(result).Add(float64(len(events)))
	return err
}

func (r *Receiver) single(w http.ResponseWriter, req *http.Request, body []byte) error {
	e, err := r.parse(req, body, -1)
	if err == nil {
		err = r.take(req.Context(), []runevent.Event{e})
	}
	if err == nil {
		w.WriteHeader(http.StatusCreated)
	}
	return err
}

// summary is what is answered to a batch of which something was not taken, as OpenLineage's API has it.
type summary struct {
	Status  string `json:"status"`
	Summary struct {
		Received     int `json:"received"`
		Successful   int `json:"successful"`
		Failed       int `json:"failed"`
		Retriable    int `json:"retriable"`
		NonRetriable int `json:"non_retriable"`
	} `json:"summary"`
	Failed []failed `json:"failed_events"`
}

type failed struct {
	Index     int    `json:"index"`
	Reason    string `json:"reason"`
	Retriable bool   `json:"retriable"`
}

func (r *Receiver) batch(w http.ResponseWriter, req *http.Request, body []byte) error {
	all, err := runevent.Batch(body)
	if err != nil {
		r.lost(req, body, -1, err)
		return err
	}
	var events []runevent.Event
	s := summary{Status: "partial_success"}
	for i, one := range all {
		e, err := r.parse(req, one, i)
		if err == nil {
			events = append(events, e)
			continue
		}
		s.Summary.Failed++
		if len(s.Failed) < mostReasons {
			s.Failed = append(s.Failed, failed{Index: i, Reason: err.Error()})
		}
	}
	if err := r.take(req.Context(), events); err != nil {
		return err // all of it may be sent again: what comes twice changes nothing
	}
	if s.Summary.Failed == 0 {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	s.Summary.Received, s.Summary.Successful, s.Summary.NonRetriable = len(all), len(events), s.Summary.Failed
	write(w, http.StatusOK, s)
	return nil
}

// refuse says what is wrong, and whether to try again.
func (r *Receiver) refuse(w http.ResponseWriter, req *http.Request, err error) {
	no, known := errors.AsType[*refusal](err)
	if p, ok := errors.AsType[*runevent.ProblemError](err); ok && !known {
		no, known = &refusal{http.StatusUnprocessableEntity, p.Error(), p.Pointer}, true
		if p.Broken {
			no.status = http.StatusBadRequest
		}
	}
	if req.Context().Err() != nil {
		return // nobody listens
	}
	if !known {
		why := "it could not be stored now"
		if errors.Is(err, ErrFull) {
			why = ErrFull.Error()
		} else {
			r.options.Log.Warn("OpenLineage events were not stored", "error", err)
		}
		no = refuse(http.StatusServiceUnavailable, "%s", why)
		w.Header().Set("Retry-After", strconv.Itoa(10))
	}
	switch no.status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", "Bearer")
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodPost)
	}
	write(w, no.status, struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
		Pointer string `json:"pointer,omitempty"`
	}{no.status, no.why, no.pointer})
}

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // who does not read it does not want to know
}
