package api

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/lineaged/lineaged/answer"
)

// The codes of extensions.code. Clients may branch on them; sentences may change.
const (
	codeBadRequest   = "BAD_REQUEST"               // the HTTP request is no GraphQL request
	codeParse        = "GRAPHQL_PARSE_FAILED"      // the document does not parse
	codeValidation   = "GRAPHQL_VALIDATION_FAILED" // the document does not fit the schema
	codeBadInput     = "BAD_USER_INPUT"            // an argument makes no sense
	codeNotFound     = "NOT_FOUND"                 // a named thing is not known
	codeNotObserved  = "NOT_OBSERVED"              // a named thing is not known, and nothing was observed then
	codeLimit        = "LIMIT_EXCEEDED"            // the document or its answer is too large
	codeComplexity   = "COMPLEXITY_LIMIT_EXCEEDED" // the document could cost too much
	codeBusy         = "TOO_MANY_REQUESTS"         // as many questions as are allowed are being answered
	codeForbidden    = "FORBIDDEN"                 // wrong Host or Origin, or what is switched off
	codeConflict     = "CONFLICT"                  // somebody else has edited it since
	codeTimeout      = "TIMEOUT"                   // not answered in time
	codeInternal     = "INTERNAL"                  // our fault; the cause is in our log only
	codeUnsupported  = "UNSUPPORTED_MEDIA_TYPE"
	codeWrongMethod  = "METHOD_NOT_ALLOWED"
	codeNotSupported = "NOT_ACCEPTABLE"
)

// answerError is an error that its asker may read.
type answerError struct {
	code, sentence string
	observed       *answer.Observed // what the sentence hangs on; nil: nothing
}

func (e *answerError) Error() string { return e.sentence }

func badInput(format string, args ...any) error {
	return &answerError{code: codeBadInput, sentence: fmt.Sprintf(format, args...)}
}

// refusalCodes are the codes of what package answer refuses.
var refusalCodes = map[answer.Reason]string{answer.Senseless: codeBadInput, answer.Missing: codeNotFound, answer.Unobserved: codeNotObserved, answer.TooMuch: codeLimit}

// readable returns the error that the asker may read, if it is one.
func readable(err error) (*answerError, bool) {
	if r, ok := errors.AsType[*answer.RefusedError](err); ok {
		return &answerError{refusalCodes[r.Reason], r.Sentence, r.Observed}, true
	}
	return errors.AsType[*answerError](err)
}

// mostMessage bounds what an error says, in bytes: a document's own words, which it may quote, can be as long as the
// body.
const mostMessage = 300

// clip cuts a message that is too long, and says so.
func clip(s string) string {
	if len(s) <= mostMessage {
		return s
	}
	return strings.ToValidUTF8(s[:mostMessage], "") + "…"
}

// clipError cuts what an error says, and the names that its path has from the request.
func clipError(e *gqlerror.Error) {
	e.Message = clip(e.Message)
	for i, p := range e.Path {
		if name, ok := p.(ast.PathName); ok {
			e.Path[i] = ast.PathName(clip(string(name)))
		}
	}
}

// presenter turns the errors of an execution into what a client may see: a code and a plain sentence. Causes of ours go
// to the log.
func presenter(log *slog.Logger) graphql.ErrorPresenterFunc {
	return func(ctx context.Context, err error) *gqlerror.Error {
		out := graphql.DefaultErrorPresenter(ctx, err)
		if out == nil {
			return nil
		}
		shown := &gqlerror.Error{Path: out.Path, Locations: out.Locations, Extensions: map[string]any{}}
		if ae, ok := readable(err); ok {
			shown.Message = ae.sentence
			shown.Extensions["code"] = ae.code
			if ae.observed != nil {
				shown.Extensions["coverage"] = shownCoverage(ae.observed)
			}
			return shown
		}
		if ce, ok := errors.AsType[*CatalogError](err); ok {
			shown.Message, shown.Extensions = ce.Sentence, ce.extensions()
			return shown
		}
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			shown.Message = "the answer took too long; ask for a shorter window or for less of it"
			shown.Extensions["code"] = codeTimeout
		case errors.Is(err, context.Canceled):
			shown.Message = "the request was given up"
			shown.Extensions["code"] = codeTimeout
		case out.Err == nil && out.Extensions["code"] != nil:
			return out // the executor's own, of parsing and validation
		default:
			log.ErrorContext(ctx, "answer failed", "path", out.Path.String(), "error", err)
			shown.Message = "internal error; its cause is in the server's log"
			shown.Extensions["code"] = codeInternal
		}
		return shown
	}
}

// recovered reports a panic of ours in the log and hides it from the client.
func recovered(log *slog.Logger) graphql.RecoverFunc {
	return func(ctx context.Context, v any) error {
		log.ErrorContext(ctx, "resolver panicked", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
		return &answerError{code: codeInternal, sentence: "internal error; its cause is in the server's log"}
	}
}

// gapsInErrors bounds the gaps that an error names.
const gapsInErrors = 10

// shownCoverage is the coverage of an error, by the names that the schema's type has.
func shownCoverage(o *answer.Observed) map[string]any {
	gaps := make([]map[string]any, 0, min(len(o.Gaps), gapsInErrors))
	for _, g := range o.Gaps[:cap(gaps)] {
		gaps = append(gaps, map[string]any{"source": g.Source.String(), "start": shownTime(g.Window.Start), "end": shownTime(g.Window.End), "reason": g.Reason})
	}
	shown := map[string]any{
		"window":   map[string]any{"start": shownTime(o.Window.Start), "end": shownTime(o.Window.End)},
		"complete": o.Complete, "observedFraction": o.ObservedFraction, "gapCount": len(o.Gaps), "gaps": gaps, "heldSince": nil,
	}
	if !o.HeldSince.IsZero() {
		shown["heldSince"] = shownTime(o.HeldSince)
	}
	return shown
}
