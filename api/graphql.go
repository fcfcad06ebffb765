package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/internal/serving"
	"github.com/lineaged/lineaged/internal/span"
)

const (
	mediaJSON     = "application/json"
	mediaResponse = "application/graphql-response+json"
)

// Answers come in one piece: what asks for pieces is refused like any unknown directive, not answered in part.
func init() { delete(parsedSchema.Directives, "defer") }

// graphqlHandler answers GraphQL over HTTP by POST. There is no GET: what reads history needs no side effects to be
// worth a forged link.
type graphqlHandler struct {
	schema    graphql.ExecutableSchema
	exec      *executor.Executor
	limits    Limits
	places    *shares // one for each request that is executed
	work      *shares // what those may cost together
	memory    *shares // bytes of requests and answers
	estate    func() int
	checked   *documents[struct{}]
	introspec bool
	log       *slog.Logger
	observe   func(outcome string, took time.Duration)
}

func newGraphQL(a *resolver, limits Limits, introspection bool, observe func(string, time.Duration)) *graphqlHandler {
	schema := NewExecutableSchema(Config{Resolvers: a, Complexity: costs()})
	h := &graphqlHandler{
		schema: schema, exec: executor.New(schema), limits: limits,
		places: newShares(int64(limits.Concurrent)), memory: newShares(limits.Memory), work: newShares(4 * int64(limits.Complexity)), estate: a.answers.Estate,
		checked: &documents[struct{}]{}, introspec: introspection, log: a.log, observe: observe,
	}
	h.exec.SetErrorPresenter(presenter(a.log))
	h.exec.SetRecoverFunc(recovered(a.log))
	h.exec.SetParserTokenLimit(limits.Tokens)
	h.exec.SetQueryCache(&documents[*ast.QueryDocument]{})
	h.exec.AroundFields(writeLists)
	h.exec.SetDisableSuggestion(!introspection)
	if !introspection {
		h.exec.SetDefaultRulesFn(rulesWithoutSuggestions)
	}
	return h
}

// rulesWithoutSuggestions leaves out what would tell a stranger the schema by its guesses.
func rulesWithoutSuggestions() *rules.Rules {
	r := rules.NewDefaultRules()
	r.ReplaceRule("KnownArgumentNames", rules.KnownArgumentNamesRuleWithoutSuggestions.RuleFunc)
	r.ReplaceRule("KnownTypeNames", rules.KnownTypeNamesRuleWithoutSuggestions.RuleFunc)
	r.ReplaceRule("ValuesOfCorrectType", rules.ValuesOfCorrectTypeRuleWithoutSuggestions.RuleFunc)
	return r
}

// refusal is an answer without execution.
type refusal struct {
	status int
	errs   gqlerror.List
}

func refuse(status int, code, format string, args ...any) *refusal {
	return &refusal{status, gqlerror.List{refused(code, format, args...)}}
}

func (h *graphqlHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	outcome := "answered"
	resp, release, no := h.answer(w, r)
	defer release()
	status := http.StatusOK
	if no != nil {
		outcome, status = "refused", no.status
		resp = &graphql.Response{Errors: no.errs}
		h.log.DebugContext(r.Context(), "request refused", "status", no.status, "error", clip(no.errs[0].Message))
	} else if len(resp.Errors) > 0 {
		outcome = "with errors"
	}
	for _, e := range resp.Errors {
		clipError(e)
	}
	head, err := encodeHead(resp)
	if err != nil {
		h.log.ErrorContext(r.Context(), "encode answer", "error", err)
		status, head, resp.Data = http.StatusInternalServerError, []byte(`{"errors":[{"message":"internal error","extensions":{"code":"INTERNAL"}}]`), nil
	}
	if status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", http.MethodPost)
	}
	w.Header().Set("Content-Type", responseMedia(r)+"; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	for _, part := range [][]byte{head, resp.Data, []byte("}\n")} {
		if _, err := w.Write(part); err != nil {
			break // the reader has gone, or was too slow
		}
	}
	h.observe(outcome, time.Since(start))
}

// answer executes the request once it has passed every limit. release gives back what it and its answer hold.
func (h *graphqlHandler) answer(w http.ResponseWriter, r *http.Request) (resp *graphql.Response, release func(), no *refusal) {
	asker, held := serving.Address(r.RemoteAddr), releases{}
	body, no := h.body(w, r, asker, &held)
	if no != nil {
		return nil, held.all, no
	}
	// Its time begins when it is here: how long its sender took for it is bounded by the server.
	ctx, cancel := context.WithTimeout(r.Context(), h.limits.Time)
	defer cancel()
	resp, no = h.execute(graphql.StartOperationTrace(answer.Together(ctx)), body, asker)
	held.all() // the request is done with
	if no != nil {
		return nil, held.all, no
	}
	size, more := int64(len(resp.Data)), int64(0)
	if size >= leastCompressed && compresses(w) {
		more = compressorBytes
	}
	if no := h.fits(r.Context(), size, more, asker, &held); no != nil {
		return nil, held.all, no
	}
	return resp, held.all, nil
}

// releases are what has to be given back.
type releases []func()

// all gives all of it back, once.
func (r *releases) all() {
	for _, f := range *r {
		f()
	}
	*r = nil
}

// fits refuses an answer that is too large, and takes its room, and that of what is needed to send it, for as long as
// its reader takes to fetch it.
func (h *graphqlHandler) fits(ctx context.Context, size, more int64, asker string, held *releases) *refusal {
	if size > h.limits.Answer {
		return refuse(http.StatusBadRequest, codeLimit, "the answer has %d bytes, more than %d: ask for shorter lists or fewer fields", size, h.limits.Answer)
	}
	return h.hold(ctx, size+more, asker, held)
}

func (h *graphqlHandler) hold(ctx context.Context, size int64, asker string, held *releases) *refusal {
	release, ok := h.memory.take(ctx, asker, size)
	if !ok {
		return refuse(http.StatusTooManyRequests, codeBusy, "too many requests and answers are under way already: fetch those that you have, and try again soon")
	}
	*held = append(*held, release)
	return nil
}

// execute checks and executes a request.
func (h *graphqlHandler) execute(ctx context.Context, body []byte, asker string) (*graphql.Response, *refusal) {
	params, no := parseRequest(body)
	if no != nil {
		return nil, no
	}
	op, cost, no := h.prepare(ctx, params)
	if no != nil {
		return nil, no
	}
	if op.Operation.Operation == ast.Subscription {
		return nil, refuse(http.StatusBadRequest, codeBadRequest, "subscriptions are answered over a websocket, by "+liveProtocol)
	}
	for _, x := range []struct {
		of *shares
		n  int64
	}{{h.places, 1}, {h.work, int64(cost)}} {
		release, ok := x.of.take(ctx, asker, x.n)
		if !ok {
			return nil, refuse(http.StatusTooManyRequests, codeBusy, "as many requests as may be are being answered already: try again soon")
		}
		defer release()
	}
	responses, ctx := h.exec.DispatchOperation(ctx, op)
	resp := responses(ctx)
	if resp == nil {
		return nil, refuse(http.StatusRequestTimeout, codeTimeout, "the answer took longer than %s", span.Format(h.limits.Time))
	}
	// Resolvers run at once; the same question gets the same answer all the same.
	slices.SortStableFunc(resp.Errors, func(a, b *gqlerror.Error) int { return strings.Compare(a.Path.String(), b.Path.String()) })
	return resp, nil
}

// body reads the request's body. While that is under way it holds the room that the body may need.
func (h *graphqlHandler) body(w http.ResponseWriter, r *http.Request, asker string, held *releases) ([]byte, *refusal) {
	if r.Method != http.MethodPost {
		return nil, refuse(http.StatusMethodNotAllowed, codeWrongMethod, "GraphQL is answered to POST only")
	}
	media, attrs, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if charset := attrs["charset"]; err != nil || media != mediaJSON || charset != "" && !strings.EqualFold(charset, "utf-8") {
		return nil, refuse(http.StatusUnsupportedMediaType, codeUnsupported, "the body must be application/json in UTF-8")
	}
	if r.ContentLength > h.limits.Body {
		drain(w, r, h.limits.Body)
		return nil, h.bodyTooLarge()
	}
	size := r.ContentLength
	if size < 0 {
		size = h.limits.Body
	}
	if no := h.hold(r.Context(), size, asker, held); no != nil {
		return nil, no
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, h.limits.Body))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			drain(w, r, h.limits.Body)
			return nil, h.bodyTooLarge()
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return nil, refuse(http.StatusRequestTimeout, codeTimeout, "the body did not come whole in time")
		}
		return nil, refuse(http.StatusBadRequest, codeBadRequest, "the body could not be read")
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Time{}) // it is here: answering may take its own time
	return body, nil
}

// parseRequest takes the request's parameters from its body.
func parseRequest(body []byte) (*graphql.RawParams, *refusal) {
	if body := bytes.TrimLeft(body, " \t\r\n"); len(body) > 0 && body[0] == '[' {
		return nil, refuse(http.StatusBadRequest, codeBadRequest, "batches are not answered: send one request at a time")
	}
	var in struct {
		Query         *string         `json:"query"`
		OperationName *string         `json:"operationName"`
		Variables     json.RawMessage `json:"variables"`
		Extensions    json.RawMessage `json:"extensions"`
	}
	if err := decodeJSON(body, &in); err != nil {
		return nil, refuse(http.StatusBadRequest, codeBadRequest, "the body is no GraphQL request in JSON")
	}
	if in.Query == nil || *in.Query == "" {
		return nil, refuse(http.StatusBadRequest, codeBadRequest, "the request has no query")
	}
	params := &graphql.RawParams{Query: *in.Query}
	if in.OperationName != nil {
		params.OperationName = *in.OperationName
	}
	for name, part := range map[string]struct {
		raw  json.RawMessage
		into *map[string]any
	}{"variables": {in.Variables, &params.Variables}, "extensions": {in.Extensions, &params.Extensions}} {
		if len(part.raw) == 0 {
			continue
		}
		if err := decodeJSON(part.raw, part.into); err != nil {
			return nil, refuse(http.StatusBadRequest, codeBadRequest, "%s must be an object", name)
		}
	}
	return params, nil
}

func (h *graphqlHandler) bodyTooLarge() *refusal {
	return refuse(http.StatusRequestEntityTooLarge, codeLimit, "the body is larger than %d bytes", h.limits.Body)
}

// drain reads on for a moment, as many clients read the refusal only after they have sent all; a connection that is
// closed under them looks broken.
func drain(w http.ResponseWriter, r *http.Request, limit int64) {
	w.Header().Set("Connection", "close")
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(time.Second))
	_, _ = io.CopyN(io.Discard, r.Body, 4*limit)
}

// decodeJSON decodes exactly one value and keeps numbers as they were written.
func decodeJSON(b []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more after the value")
	}
	return nil
}

// prepare parses, checks and validates a document, and tells what it may cost. Nothing is executed.
func (h *graphqlHandler) prepare(ctx context.Context, params *graphql.RawParams) (op *graphql.OperationContext, cost int, no *refusal) {
	// gqlparser panics on some literals that it cannot convert; to the asker that is a document that makes no sense.
	defer func() {
		if v := recover(); v != nil {
			h.log.ErrorContext(ctx, "validation panicked", "panic", fmt.Sprint(v))
			op, cost, no = nil, 0, refuse(http.StatusBadRequest, codeValidation, "the document could not be validated")
		}
	}()
	if _, ok := h.checked.Get(ctx, params.Query); !ok {
		if err := h.limits.checkDocument(params.Query); err != nil {
			return nil, 0, &refusal{http.StatusBadRequest, gqlerror.List{err}}
		}
		h.checked.Add(ctx, params.Query, struct{}{})
	}
	op, errs := h.exec.CreateOperationContext(ctx, params)
	if len(errs) > 0 {
		return nil, 0, &refusal{http.StatusBadRequest, h.presented(errs)}
	}
	op.DisableIntrospection = !h.introspec
	if !h.introspec && asksSchema(op.Operation.SelectionSet) {
		return nil, 0, refuse(http.StatusBadRequest, codeForbidden, "introspection is switched off")
	}
	s := surveyOf(op)
	if s.tooLong != nil {
		return nil, 0, s.tooLong
	}
	cost, window := h.price(ctx, op, s)
	if cost > h.limits.Complexity {
		return nil, 0, refuse(http.StatusBadRequest, codeComplexity,
			"the answer could cost %d, more than %d: ask for shorter lists, for fewer fields, or in one request for fewer windows, of which it has %d", cost, h.limits.Complexity, len(s.windows))
	}
	return op, add(cost, window), nil
}

// presented gives errors of parsing and validation their codes. One bad document can have thousands of errors; the
// first few say enough.
func (h *graphqlHandler) presented(errs gqlerror.List) gqlerror.List {
	const enough = 10
	out := slices.Clone(errs[:min(len(errs), enough)])
	for i, e := range out {
		if ae, ok := errors.AsType[*answerError](e); ok {
			out[i] = refused(ae.code, "%s", ae.sentence)
			out[i].Path, out[i].Locations = e.Path, e.Locations
		} else if e.Extensions["code"] == nil {
			errcode.Set(e, codeValidation)
		}
	}
	return out
}

// asksSchema reports whether a root field asks for the schema itself.
func asksSchema(set ast.SelectionSet) bool {
	return slices.ContainsFunc(set, func(s ast.Selection) bool {
		switch s := s.(type) {
		case *ast.Field:
			return s.Name == "__schema" || s.Name == "__type"
		case *ast.InlineFragment:
			return asksSchema(s.SelectionSet)
		case *ast.FragmentSpread:
			return s.Definition != nil && asksSchema(s.Definition.SelectionSet)
		}
		return false
	})
}

// responseMedia returns the media type that the client would rather have; application/json when it does not say.
func responseMedia(r *http.Request) string {
	for part := range strings.SplitSeq(r.Header.Get("Accept"), ",") {
		switch media, _, _ := mime.ParseMediaType(strings.TrimSpace(part)); media {
		case mediaResponse:
			return mediaResponse
		case mediaJSON:
			return mediaJSON
		}
	}
	return mediaJSON
}

// encodeHead writes what stands before the data of a response, which is JSON already and not gone through again. data
// is absent, not null, where nothing was executed.
func encodeHead(resp *graphql.Response) ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	if len(resp.Errors) > 0 {
		b.WriteString(`"errors":`)
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false) // flow ids hold "->"
		if err := e.Encode(resp.Errors); err != nil {
			return nil, err
		}
		b.Truncate(b.Len() - 1) // Encode ends with a line feed
		if resp.Data != nil {
			b.WriteByte(',')
		}
	}
	if resp.Data != nil {
		b.WriteString(`"data":`)
	}
	return b.Bytes(), nil
}
