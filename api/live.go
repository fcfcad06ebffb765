package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"github.com/coder/websocket"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/lineaged/lineaged/internal/serving"
)

// liveProtocol is what is spoken over websockets, and nothing else is.
const liveProtocol = "graphql-transport-ws"

// LiveLimits bound what those may take who subscribe. Zero stands for the default.
type LiveLimits struct {
	Connections   int           // open at once, by one asker half of them; 256
	Subscriptions int           // at once of all connections, by one asker half of them; 1,024
	PerConnection int           // subscriptions at once on one connection; 16
	Asked         int           // subscriptions on one connection in all, each of which is parsed and checked; 200
	Message       int64         // bytes of one message of a client; 64 KiB
	First         time.Duration // until a connection has said what it is; 5 s
	Still         time.Duration // how long a reader may take nothing of what is written to it; 10 s
	// Ping is how often a client is asked whether it is there; one that has not answered twice is cut. 20 s
	Ping time.Duration
	// Life is how long a connection lasts: then the client has to come again, and show that it still may. 15 min
	Life time.Duration
}

func (l LiveLimits) orDefaults() LiveLimits {
	return LiveLimits{
		Connections:   cmp.Or(l.Connections, 256),
		Subscriptions: cmp.Or(l.Subscriptions, 1024),
		PerConnection: cmp.Or(l.PerConnection, 16),
		Asked:         cmp.Or(l.Asked, 200),
		Message:       cmp.Or(l.Message, 64<<10),
		First:         cmp.Or(l.First, 5*time.Second),
		Still:         cmp.Or(l.Still, 10*time.Second),
		Ping:          cmp.Or(l.Ping, 20*time.Second),
		Life:          cmp.Or(l.Life, 15*time.Minute),
	}
}

// What is refused before it is executed ends a subscription by an error, and not by an answer that has errors.
func init() {
	for _, code := range []string{
		codeParse, codeValidation, codeLimit, codeComplexity, codeBusy, codeForbidden, codeBadRequest, codeBadInput,
	} {
		errcode.RegisterErrorType(code, errcode.KindProtocol)
	}
}

// live answers subscriptions over websockets. Each connection has its own goroutine and those of its subscriptions; all
// of them have ended when it has.
type live struct {
	graphql       *graphqlHandler
	limits        LiveLimits
	connections   *shares
	subscriptions *shares

	mu     sync.Mutex     // guards closed, and that run is not added to once it is
	closed bool           // no connection is taken any more
	end    chan struct{}  // closed with it
	run    sync.WaitGroup // the connections
}

func newLive(h *graphqlHandler, limits LiveLimits) *live {
	return &live{
		graphql: h, limits: limits, end: make(chan struct{}),
		connections: newShares(int64(limits.Connections)), subscriptions: newShares(int64(limits.Subscriptions)),
	}
}

// Close ends all connections, and returns when they have ended. It may be called more than once.
func (l *live) Close() {
	l.mu.Lock()
	if !l.closed {
		l.closed = true
		close(l.end)
	}
	l.mu.Unlock()
	l.run.Wait()
}

func (l *live) enter() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.run.Add(1)
	return true
}

// figures are how much of it is in use.
func (l *live) figures() []prometheus.Collector {
	return []prometheus.Collector{
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "lineaged_graphql_live_connections", Help: "Websockets over which somebody may subscribe, open now.",
		}, func() float64 { return float64(l.connections.inUse()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "lineaged_graphql_subscriptions", Help: "Subscriptions that are answered now.",
		}, func() float64 { return float64(l.subscriptions.inUse()) }),
	}
}

// upgrades reports whether somebody asks for a websocket. Other protocols (h2c, TLS) are offered along with a request
// that is answered as it is.
func upgrades(r *http.Request) bool {
	return r.Method == http.MethodGet && names(r, "Upgrade", "websocket")
}

// names reports whether a header's list has a name, however it is spelled.
func names(r *http.Request, header, name string) bool {
	for _, list := range r.Header.Values(header) {
		for n := range strings.SplitSeq(list, ",") {
			if strings.EqualFold(strings.TrimSpace(n), name) {
				return true
			}
		}
	}
	return false
}

func (l *live) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !speaksLive(r) {
		plainRefusal(w, http.StatusBadRequest, codeBadRequest, "over a websocket only "+liveProtocol+" is spoken")
		return
	}
	if !l.enter() {
		plainRefusal(w, http.StatusServiceUnavailable, codeBusy, "lineaged is about to end")
		return
	}
	defer l.run.Done()
	asker := serving.Address(r.RemoteAddr)
	release, ok := l.connections.take(r.Context(), asker, 1)
	if !ok {
		plainRefusal(w, http.StatusTooManyRequests, codeBusy, "as many connections as may be are open already")
		return
	}
	defer release()
	ctx, cancel := context.WithTimeout(r.Context(), l.limits.Life)
	c := &connection{live: l, asker: asker}
	defer c.run.Wait()
	defer cancel()
	c.run.Go(func() {
		select {
		case <-l.end:
			cancel()
		case <-ctx.Done():
		}
	})
	t := transport.Websocket{
		Implementation: c, InitTimeout: l.limits.First, PingPongInterval: l.limits.Ping, PayloadReadLimit: &l.limits.Message,
	}
	t.Do(w, r.WithContext(context.WithValue(ctx, connectionKey{}, c)), c)
}

// speaksLive reports whether a client can speak what is spoken here.
func speaksLive(r *http.Request) bool {
	for _, header := range r.Header.Values("Sec-WebSocket-Protocol") {
		for name := range strings.SplitSeq(header, ",") {
			if strings.TrimSpace(name) == liveProtocol {
				return true
			}
		}
	}
	return false
}

// connection is one websocket. It is what gqlgen's transport wants of who accepts and of who executes.
type connection struct {
	live   *live
	asker  string
	run    sync.WaitGroup // what its subscriptions started
	asked  int            // of the goroutine that reads
	active atomic.Int64
	held   sync.Map // what gives back the share of an operation that is about to be executed, by the operation
}

type connectionKey struct{}

// connectionOf returns the connection that a subscription came over.
func connectionOf(ctx context.Context) *connection {
	c, ok := ctx.Value(connectionKey{}).(*connection)
	if !ok {
		panic("api: a subscription that came over no connection is executed")
	}
	return c
}

// Accept implements transport.WebsocketImplementation. Where the page is from that asks was looked at already.
func (c *connection) Accept(w http.ResponseWriter, r *http.Request, _ transport.WebsocketAcceptOptions) (transport.WebsocketConn, error) {
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{Subprotocols: []string{liveProtocol}, InsecureSkipVerify: true})
	if err != nil {
		return nil, err
	}
	return &socket{Conn: conn, still: c.live.limits.Still}, nil
}

// CreateOperationContext implements graphql.GraphExecutor: what is asked passes all the limits that hold for requests.
func (c *connection) CreateOperationContext(ctx context.Context, params *graphql.RawParams) (*graphql.OperationContext, gqlerror.List) {
	limits := c.live.limits
	if c.asked++; c.asked > limits.Asked {
		return nil, gqlerror.List{refused(codeLimit, "a connection has %d subscriptions at most in all: open another one", limits.Asked)}
	}
	op, _, no := c.live.graphql.prepare(ctx, params)
	switch {
	case no != nil:
		return nil, no.errs
	case op.Operation.Operation != ast.Subscription:
		return nil, gqlerror.List{refused(codeBadRequest, "over a websocket only subscriptions are answered; all else is by POST")}
	case c.active.Load() >= int64(limits.PerConnection):
		return nil, gqlerror.List{refused(codeLimit, "a connection has %d subscriptions at once at most", limits.PerConnection)}
	}
	release, ok := c.live.subscriptions.take(ctx, c.asker, 1)
	if !ok {
		return nil, gqlerror.List{refused(codeBusy, "as many subscriptions as may be are answered already")}
	}
	c.active.Add(1)
	c.held.Store(op, func() { c.active.Add(-1); release() })
	return op, nil
}

// DispatchOperation implements graphql.GraphExecutor. gqlgen ends ctx when the subscription has ended.
func (c *connection) DispatchOperation(ctx context.Context, op *graphql.OperationContext) (graphql.ResponseHandler, context.Context) {
	if release, ok := c.held.LoadAndDelete(op); ok {
		c.run.Go(func() {
			<-ctx.Done()
			release.(func())()
		})
	}
	return c.live.graphql.exec.DispatchOperation(ctx, op)
}

// DispatchError implements graphql.GraphExecutor.
func (c *connection) DispatchError(_ context.Context, errs gqlerror.List) *graphql.Response {
	for _, e := range errs {
		clipError(e)
	}
	return &graphql.Response{Errors: errs}
}

// socket is a websocket as gqlgen's transport wants it. What it leaves to us is that nothing is waited for without end.
type socket struct {
	*websocket.Conn
	still time.Duration
	mu    sync.Mutex  // guards timer
	timer *time.Timer // cuts who is not heard of
}

// NextReader returns the next message, whole.
func (s *socket) NextReader() (int, io.Reader, error) {
	kind, message, err := s.Read(context.Background())
	if err != nil {
		return int(kind), nil, fmt.Errorf("%w: %w", transport.ErrWebsocketClosed, err)
	}
	return int(kind), bytes.NewReader(message), nil
}

// WriteJSON writes one message. A reader that takes nothing of it in time is cut.
func (s *socket) WriteJSON(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), s.still)
	defer cancel()
	return s.Write(ctx, websocket.MessageText, b)
}

// goodbye is how long a client may take to say goodbye.
const goodbye = time.Second

// WriteClose says goodbye.
func (s *socket) WriteClose(code int, reason string) error {
	cut := time.AfterFunc(goodbye, func() { _ = s.CloseNow() })
	defer cut.Stop()
	return s.Conn.Close(websocket.StatusCode(code), reason)
}

// Close cuts what is left.
func (s *socket) Close() error {
	_ = s.SetReadDeadline(time.Time{}) // never fails
	return s.CloseNow()
}

// SetReadDeadline cuts the connection at a time; at the zero time it does not.
func (s *socket) SetReadDeadline(at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
	if !at.IsZero() {
		s.timer = time.AfterFunc(time.Until(at), func() { _ = s.CloseNow() })
	}
	return nil
}
