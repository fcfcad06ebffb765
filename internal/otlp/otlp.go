// Package otlp receives metrics and logs as OpenTelemetry's OTLP/HTTP sends them: protobuf or JSON, gzip or plain.
//
// A Receiver knows who sends by a bearer token, bounds what a request may take before and after it is unpacked, decodes
// it, and hands it to a function of its owner's; it answers when that function says that what was sent is safe. It
// hides the protocol: content types, hex ids, partial success, what a sender is to try again. It refuses to know what a
// metric or a log line means, and never shows a token.
package otlp

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/proto"
)

// The paths, as OTLP names them.
const (
	MetricsPath = "/v1/metrics"
	LogsPath    = "/v1/logs"
)

// DefaultMaxBody is how many bytes a request may have where nothing is said. The collector's batches are a tenth.
const DefaultMaxBody = 4 << 20

// Errors that a Take or its Deliver answers with. What they wrap is told to the sender.
var (
	// ErrFull is when there is no room now: the sender tries again later.
	ErrFull = errors.New("more waits to be stored than may")
	// ErrRefused is when what was sent is of no use, now or ever: the sender is not to try again.
	ErrRefused = errors.New("refused")
)

// Sender is who sends, by its token.
type Sender struct {
	// Cluster is the configured name of the one cluster that it may tell of; empty: of any.
	Cluster string
}

// Token lets who bears it send.
type Token struct {
	Secret string
	Sender Sender
}

// Taken is what became of a request.
type Taken struct {
	// Rejected counts data points or log records that are of no use, and Why says in a sentence why. The others count.
	Rejected int64
	Why      string
	// Deliver blocks until the others are safe, and is called when the request itself holds no memory any more; nil:
	// they are. Where it fails with something else than the errors of this package, the sender tries again: what it
	// sends twice is not to count twice.
	Deliver func(ctx context.Context) error
}

// Take takes what was decoded. It does not block, and keeps nothing of what it is given.
type Take[M any] func(from Sender, m M) (Taken, error)

// Options are what a Receiver needs.
type Options struct {
	// Tokens returns those that are in force now. It is called for each request, by any goroutine.
	Tokens func() []Token
	// MaxBody bounds a request's bytes, as sent and as unpacked. 0: DefaultMaxBody.
	MaxBody int64
	// Retry is how long a sender is told to wait where there is no room. 0: 10 s.
	Retry time.Duration
	// Metrics and Logs take what is sent; nil: that path is not answered.
	Metrics Take[*metrics.MetricsData]
	Logs    Take[*logs.LogsData]
	Log     *slog.Logger // nil: none
}

// Receiver answers OTLP/HTTP.
type Receiver struct {
	options  Options
	reading  chan struct{} // has room for requests whose bodies are in memory
	decoding chan struct{} // has room for requests of which the decoded form is

	taken, refused *prometheus.CounterVec
}

// A request is in memory as sent and unpacked while it is read, and decoded for a moment, in at most maxMessages pieces
// of some hundred bytes. So all together take less than 16 × 2 × 4 MiB and 2 × 40 MiB, however small the pieces.
const (
	maxReading  = 16
	maxDecoding = 2
)

// New makes a receiver.
func New(o Options) *Receiver {
	if o.MaxBody <= 0 {
		o.MaxBody = DefaultMaxBody
	}
	if o.Retry <= 0 {
		o.Retry = 10 * time.Second
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Receiver{
		options: o, reading: make(chan struct{}, maxReading), decoding: make(chan struct{}, maxDecoding),
		taken: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lineaged_otlp_requests_total", Help: "Requests that were taken and stored, by path.",
		}, []string{"path"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "lineaged_otlp_refused_total", Help: "Requests that were not taken, by path and the status of the answer.",
		}, []string{"path", "status"}),
	}
}

// Collectors are the receiver's figures.
func (r *Receiver) Collectors() []prometheus.Collector {
	return []prometheus.Collector{r.taken, r.refused}
}

// Handlers are those of the paths that somebody takes.
func (r *Receiver) Handlers() map[string]http.Handler {
	all := map[string]http.Handler{}
	if r.options.Metrics != nil {
		all[MetricsPath] = handler(r, MetricsPath, decodeMetrics, r.options.Metrics, "rejectedDataPoints")
	}
	if r.options.Logs != nil {
		all[LogsPath] = handler(r, LogsPath, decodeLogs, r.options.Logs, "rejectedLogRecords")
	}
	return all
}

// refusal is an answer that takes nothing.
type refusal struct {
	status int
	why    string
	later  bool // the sender may try again
}

func (e *refusal) Error() string { return e.why }

func refuse(status int, format string, args ...any) *refusal {
	return &refusal{status: status, why: fmt.Sprintf(format, args...)}
}

func handler[M proto.Message](r *Receiver, path string, decode func(body []byte, form form) (M, error), take Take[M], rejected string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		answerIn, unknown := formOf(req.Header.Get("Content-Type"))
		t, err := taking(r, w, req, answerIn, unknown, decode, take)
		if err == nil && t.Deliver != nil {
			err = t.Deliver(req.Context())
		}
		if err != nil {
			r.refuse(w, req, path, answerIn, err)
			return
		}
		r.taken.WithLabelValues(path).Inc()
		answerIn.success(w, t, rejected)
	})
}

// taking reads, decodes and hands over a request; unknown is why its form is not known. All of its memory is free again
// when it returns.
func taking[M proto.Message](r *Receiver, w http.ResponseWriter, req *http.Request, f form, unknown error, decode func([]byte, form) (M, error), take Take[M]) (Taken, error) {
	from, ok := r.sender(req)
	switch {
	case !ok: // who has no token is not told more
		return Taken{}, unauthorized()
	case req.Method != http.MethodPost:
		return Taken{}, refuse(http.StatusMethodNotAllowed, "only POST is answered here")
	case unknown != nil:
		return Taken{}, unknown
	}
	select {
	case r.reading <- struct{}{}:
		defer func() { <-r.reading }()
	default:
		return Taken{}, &refusal{http.StatusServiceUnavailable, "too many requests are under way", true}
	}
	body, err := r.body(w, req)
	if err != nil {
		return Taken{}, err
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // it is here: to be stored takes its own time
	select {
	case r.decoding <- struct{}{}:
		defer func() { <-r.decoding }()
	case <-req.Context().Done():
		return Taken{}, req.Context().Err()
	}
	m, err := decode(body, f)
	if err != nil {
		return Taken{}, refuse(http.StatusBadRequest, "%v", err)
	}
	return take(from, m)
}

// body reads a request's body and unpacks it.
func (r *Receiver) body(w http.ResponseWriter, req *http.Request) ([]byte, error) {
	limit := r.options.MaxBody
	tooLarge := refuse(http.StatusRequestEntityTooLarge, "the request has more than %d bytes: send smaller batches", limit)
	if req.ContentLength > limit {
		return nil, tooLarge
	}
	var packed io.Reader = http.MaxBytesReader(w, req.Body, limit)
	switch encoding := strings.ToLower(strings.TrimSpace(req.Header.Get("Content-Encoding"))); encoding {
	case "", "identity":
	case "gzip":
		tooLarge = refuse(http.StatusRequestEntityTooLarge, "the request has more than %d bytes, packed or unpacked: send smaller batches", limit)
		z, err := gzip.NewReader(packed)
		if err != nil {
			return nil, r.unreadable(err, tooLarge)
		}
		packed = z
	default:
		return nil, refuse(http.StatusUnsupportedMediaType, "Content-Encoding is neither gzip nor identity")
	}
	var b bytes.Buffer
	n, err := io.Copy(&b, io.LimitReader(packed, limit+1))
	if err != nil {
		return nil, r.unreadable(err, tooLarge)
	}
	if n > limit {
		return nil, tooLarge
	}
	return b.Bytes(), nil
}

func (r *Receiver) unreadable(err error, tooLarge *refusal) error {
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return tooLarge
	}
	return refuse(http.StatusBadRequest, "the body can't be read: %v", err)
}

// refuse says what is wrong, and whether to try again.
func (r *Receiver) refuse(w http.ResponseWriter, req *http.Request, path string, f form, err error) {
	no, known := errors.AsType[*refusal](err)
	switch {
	case known:
	case errors.Is(err, ErrFull):
		no = &refusal{http.StatusTooManyRequests, err.Error(), true}
	case errors.Is(err, ErrRefused):
		no = refuse(http.StatusBadRequest, "%v", err)
	default:
		r.options.Log.Debug("a request was not stored", "path", path, "error", err)
		no = &refusal{http.StatusServiceUnavailable, "it could not be stored now", true}
	}
	r.refused.WithLabelValues(path, strconv.Itoa(no.status)).Inc()
	if req.Context().Err() != nil {
		return // nobody listens
	}
	if no.later {
		w.Header().Set("Retry-After", strconv.Itoa(int((r.options.Retry+time.Second-1)/time.Second)))
	}
	switch no.status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", "Bearer")
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", http.MethodPost)
	}
	f.failure(w, no)
}

// formOf reads a content type. The form of one that is not known is JSON.
func formOf(contentType string) (form, error) {
	media, _, err := mime.ParseMediaType(contentType)
	switch {
	case err == nil && media == mediaProtobuf:
		return inProtobuf, nil
	case err == nil && media == mediaJSON:
		return inJSON, nil
	}
	return inJSON, refuse(http.StatusUnsupportedMediaType, "Content-Type is neither %s nor %s", mediaProtobuf, mediaJSON)
}
