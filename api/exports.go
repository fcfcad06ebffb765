package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"runtime/debug"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/internal/serving"
	"github.com/lineaged/lineaged/internal/span"
)

// Export is a document in another form than GraphQL's, ready to be written.
type Export struct {
	MediaType string
	FileName  string // of letters, digits, dots, dashes and underscores
	Size      int64  // about the bytes that are held until it is written
	Write     func(io.Writer) error
}

// Exporter makes an export of the parameters of a request. What its asker may read of an error is an
// answer.RefusedError.
type Exporter func(context.Context, url.Values) (*Export, error)

const (
	// exportShare is what part of the dearest document an export costs: that is a graph of 1,000 nodes with all that
	// the UI shows and a point for each tick; an export has one point of each.
	exportShare = 4
	// mostQuery bounds what is asked by GET, in bytes: fifty roots of the longest names.
	mostQuery = 256 << 10
	// exportPolicy is for who opens a file in a browser: it is no page.
	exportPolicy = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
)

// exports answers files by GET, within the limits of GraphQL and from the same shares: who asks in two ways has one
// part.
type exports struct {
	make    Exporter
	graphql *graphqlHandler
	origins *http.CrossOriginProtection
}

func newExports(make Exporter, h *graphqlHandler) *exports {
	return &exports{make, h, http.NewCrossOriginProtection()}
}

func (e *exports) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		plainRefusal(w, http.StatusMethodNotAllowed, codeWrongMethod, "exports are answered to GET and HEAD only")
		return
	}
	if e.crosses(r) {
		plainRefusal(w, http.StatusForbidden, codeForbidden, "cross-origin requests are refused")
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	asker := serving.Address(r.RemoteAddr)
	doc, no := e.prepare(r, asker)
	if no != nil {
		e.refuse(w, no)
		return
	}
	release, ok := e.graphql.memory.take(r.Context(), asker, doc.Size+compressorBytes)
	if !ok {
		plainRefusal(w, http.StatusTooManyRequests, codeBusy, "too many requests and answers are under way already: fetch those that you have, and try again soon")
		return
	}
	defer release()
	w.Header().Set("Content-Type", doc.MediaType)
	w.Header().Set("Content-Disposition", `attachment; filename="`+doc.FileName+`"`)
	w.Header().Set("Content-Security-Policy", exportPolicy)
	if r.Method == http.MethodHead {
		return
	}
	if err := doc.Write(&leavable{r.Context().Done(), w}); err != nil {
		// Half a file must not look whole: the connection breaks.
		panic(http.ErrAbortHandler)
	}
}

// crosses reports whether another site's page has the request sent. What changes nothing passes for harmless in
// browsers; here it is work, and its length tells.
func (e *exports) crosses(r *http.Request) bool {
	asked := *r
	asked.Method = http.MethodPost
	return e.origins.Check(&asked) != nil
}

// prepare makes the export while it holds a place among the requests that are executed.
func (e *exports) prepare(r *http.Request, asker string) (*Export, *exportRefusal) {
	h := e.graphql
	if len(r.URL.RawQuery) > mostQuery {
		return nil, refusedExport(http.StatusRequestURITooLong, codeLimit, fmt.Sprintf("the parameters are longer than %d bytes", mostQuery))
	}
	params, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, refusedExport(http.StatusBadRequest, codeBadRequest, "the parameters can't be read: a % stands before two hexadecimal digits, and pairs are separated by &")
	}
	ctx, cancel := context.WithTimeout(r.Context(), h.limits.Time)
	defer cancel()
	for _, x := range []struct {
		of *shares
		n  int64
	}{{h.places, 1}, {h.work, int64(h.limits.Complexity) / exportShare}} {
		release, ok := x.of.take(ctx, asker, x.n)
		if !ok {
			return nil, refusedExport(http.StatusTooManyRequests, codeBusy, "as many requests as may be are being answered already: try again soon")
		}
		defer release()
	}
	doc, err := e.guarded(answer.Together(ctx), params)
	if err != nil {
		return nil, e.refusalOf(ctx, err)
	}
	return doc, nil
}

// guarded makes the export; a panic of ours is an error, and is in the log.
func (e *exports) guarded(ctx context.Context, params url.Values) (doc *Export, err error) {
	defer func() {
		if v := recover(); v != nil {
			e.graphql.log.ErrorContext(ctx, "export panicked", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			err = &answerError{code: codeInternal, sentence: "internal error; its cause is in the server's log"}
		}
	}()
	return e.make(ctx, params)
}

// exportRefusal is why there is no export, as GraphQL says it.
type exportRefusal struct {
	status         int
	code, sentence string
	observed       *answer.Observed
}

func refusedExport(status int, code, sentence string) *exportRefusal {
	return &exportRefusal{status, code, sentence, nil}
}

// exportStatus is by code. A file has no place for an error: its status says that it is none.
var exportStatus = map[string]int{
	codeBadInput: http.StatusBadRequest, codeLimit: http.StatusBadRequest, codeNotFound: http.StatusNotFound, codeNotObserved: http.StatusNotFound,
	codeInternal: http.StatusInternalServerError,
}

func (e *exports) refusalOf(ctx context.Context, err error) *exportRefusal {
	if ae, ok := readable(err); ok {
		return &exportRefusal{exportStatus[ae.code], ae.code, ae.sentence, ae.observed}
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return refusedExport(http.StatusServiceUnavailable, codeTimeout, "the export took longer than "+span.Format(e.graphql.limits.Time)+"; ask for a shorter window or for less of it")
	case errors.Is(err, context.Canceled):
		return refusedExport(http.StatusServiceUnavailable, codeTimeout, "the request was given up")
	default:
		e.graphql.log.ErrorContext(ctx, "export failed", "error", err)
		return refusedExport(http.StatusInternalServerError, codeInternal, "internal error; its cause is in the server's log")
	}
}

func (e *exports) refuse(w http.ResponseWriter, no *exportRefusal) {
	more := map[string]any{"code": no.code}
	if no.observed != nil {
		more["coverage"] = shownCoverage(no.observed)
	}
	w.Header().Set("Content-Type", mediaJSON+"; charset=utf-8")
	w.WriteHeader(no.status)
	writeError(w, clip(no.sentence), more)
}

// leavable ends a writer with its reader: what nobody waits for any more is not made.
type leavable struct {
	gone <-chan struct{}
	w    io.Writer
}

func (l *leavable) Write(p []byte) (int, error) {
	select {
	case <-l.gone:
		return 0, context.Canceled
	default:
		return l.w.Write(p)
	}
}
