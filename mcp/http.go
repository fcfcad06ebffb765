package mcp

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

const (
	// mostBody is how long a message may be, in bytes: fifty ids of the longest names.
	mostBody = 256 << 10
	// MostAnswer is how long an answer of GraphQL may be that a tool is made of, in bytes.
	MostAnswer = 8 << 20
)

// caller is who asks over HTTP, for the questions that are asked on his behalf.
type caller struct{ address, host, scheme string }

type callerKey struct{}

// Handler answers the protocol over HTTP, without sessions, by what graphql answers. Without a Base, pages are where
// the server is asked. Who may ask, under which name and from which origin, is for who stands in front of it.
func Handler(graphql http.Handler, o Options) http.Handler {
	o.Ask = within(graphql)
	if o.Base == nil {
		o.Base = func(ctx context.Context) string {
			c, _ := ctx.Value(callerKey{}).(caller)
			return c.scheme + "://" + c.host
		}
	}
	server := New(o)
	answered := sdk.NewStreamableHTTPHandler(func(*http.Request) *sdk.Server { return server }, &sdk.StreamableHTTPOptions{
		Stateless: true, JSONResponse: true, PropagateRequestCancellation: true, MaxRequestBodyBytes: mostBody,
		// api asks for the Host that the configuration allows, which may be another than localhost.
		DisableLocalhostProtection: true,
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		if r.Method == http.MethodPost {
			body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostBody))
			if err != nil {
				w.Header().Set("Connection", "close")
				if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
					http.Error(w, fmt.Sprintf("the message is longer than %d bytes", mostBody), http.StatusRequestEntityTooLarge)
				} else {
					http.Error(w, "the message could not be read", http.StatusBadRequest)
				}
				return
			}
			if bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("[")) {
				http.Error(w, "batches are not answered: send one message at a time", http.StatusBadRequest)
				return
			}
			// It is here: answering may take its own time.
			_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
			r.Body = io.NopCloser(bytes.NewReader(body))
		}
		c := caller{r.RemoteAddr, r.Host, "http"}
		if r.TLS != nil {
			c.scheme = "https"
		}
		answered.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, c)))
	})
}

// within asks a handler of this process, as who asks this process.
func within(graphql http.Handler) Ask {
	return func(ctx context.Context, request []byte) ([]byte, error) {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, "/graphql", bytes.NewReader(request))
		if err != nil {
			return nil, err
		}
		c, _ := ctx.Value(callerKey{}).(caller)
		r.RemoteAddr, r.Host = c.address, c.host
		r.Header.Set("Content-Type", "application/json")
		w := &recorder{header: http.Header{}}
		graphql.ServeHTTP(w, r)
		if w.over {
			return nil, fmt.Errorf("the answer has more than %d bytes: ask for less", MostAnswer)
		}
		return w.body.Bytes(), nil
	}
}

// recorder keeps an answer, up to a bound.
type recorder struct {
	header http.Header
	body   bytes.Buffer
	over   bool
}

// Header is the answer's.
func (w *recorder) Header() http.Header { return w.header }

// WriteHeader is of no matter: an error is in the body too.
func (w *recorder) WriteHeader(int) {}

// Write keeps a piece.
func (w *recorder) Write(b []byte) (int, error) {
	if w.body.Len()+len(b) > MostAnswer {
		w.over = true
		return 0, io.ErrShortWrite
	}
	return w.body.Write(b)
}
