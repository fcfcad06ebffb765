package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/api"
	"github.com/lineaged/lineaged/internal/serving"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/timeseries"
)

// liveServer is a server on a socket, as the program serves it, whose ticks are seconds.
type liveServer struct {
	t     *testing.T
	at    string // HOST:PORT
	store timeseries.Store
	api   *api.Server
}

func newLiveServer(t *testing.T, limits api.LiveLimits) *liveServer {
	t.Helper()
	s := &liveServer{t: t, store: timeseries.NewMemory(timeseries.Options{Tick: time.Second})}
	s.api = serve(served{History: s.store, Rounds: s.store, Identity: everybody, Log: quiet(), Limits: api.Limits{Live: limits}, Clusters: []answer.ClusterConfig{{Source: "west", Name: "west"}}})
	ln, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.at = ln.Addr().String()
	server, done := serving.Server(s.api, serving.Limits{}), make(chan error, 1)
	go func() { done <- server.Serve(serving.Listener(ln, serving.Limits{}, func() {})) }()
	t.Cleanup(func() {
		s.api.Close()
		_ = server.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
		_ = s.store.Close()
		http.DefaultClient.CloseIdleConnections()
	})
	return s
}

// observe appends an observation of the second that ended at an instant.
func (s *liveServer) observe(source string, at time.Time) {
	s.t.Helper()
	o := lineage.Observation{Source: lineage.Source{Cluster: "west", Name: source}, Round: at, Interval: time.Second, At: at}
	if err := s.store.Append(s.t.Context(), o); err != nil {
		s.t.Fatal(err)
	}
}

// client is a websocket of somebody who subscribes. Nothing is waited for longer than half a minute.
type client struct {
	t   *testing.T
	c   *websocket.Conn
	ctx context.Context //nolint:containedctx // of the test
}

// dial opens a connection, and returns the status of the answer; nil: it was refused.
func (s *liveServer) dial(header ...string) (c *client, status int) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 30*time.Second)
	s.t.Cleanup(cancel)
	o := &websocket.DialOptions{Subprotocols: []string{"graphql-transport-ws"}, HTTPHeader: http.Header{}}
	for i := 0; i < len(header); i += 2 {
		switch header[i] {
		case "Host":
			o.Host = header[i+1]
		case "Protocol":
			o.Subprotocols = []string{header[i+1]}
		default:
			o.HTTPHeader.Set(header[i], header[i+1])
		}
	}
	conn, resp, err := websocket.Dial(ctx, "ws://"+s.at+"/graphql", o)
	if resp == nil {
		s.t.Fatal(err)
	}
	if resp.Body != nil {
		_ = resp.Body.Close()
	}
	if err != nil {
		return nil, resp.StatusCode
	}
	s.t.Cleanup(func() { _ = conn.CloseNow() })
	return &client{s.t, conn, ctx}, resp.StatusCode
}

// open opens a connection that may be subscribed over.
func (s *liveServer) open() *client {
	s.t.Helper()
	c, status := s.dial()
	if c == nil {
		s.t.Fatalf("refused: %d", status)
	}
	c.send(`{"type":"connection_init"}`)
	if m := c.next(); m.Type != "connection_ack" {
		s.t.Fatalf("at first came %+v", m)
	}
	return c
}

func (c *client) send(message string) {
	c.t.Helper()
	if err := c.c.Write(c.ctx, websocket.MessageText, []byte(message)); err != nil {
		c.t.Fatal(err)
	}
}

const changed = "subscription($w: Window!) { lineageChanged(window: $w) { version newest window { end } } }"

func (c *client) subscribe(id, document, window string) {
	c.t.Helper()
	q, err := json.Marshal(document)
	if err != nil {
		c.t.Fatal(err)
	}
	c.send(fmt.Sprintf(`{"id":%q,"type":"subscribe","payload":{"query":%s,"variables":{"w":%s}}}`, id, q, window))
}

type liveMessage struct {
	ID, Type string
	Payload  json.RawMessage
}

// read returns the next message that is no ping, which it answers.
func (c *client) read() (m liveMessage, err error) {
	for {
		_, b, err := c.c.Read(c.ctx)
		if err == nil {
			err = json.Unmarshal(b, &m)
		}
		if err != nil || m.Type != "ping" {
			return m, err
		}
		c.send(`{"type":"pong"}`)
	}
}

func (c *client) next() liveMessage {
	c.t.Helper()
	m, err := c.read()
	if err != nil {
		c.t.Fatal(err)
	}
	return m
}

// told returns what the next message tells of a window.
func (c *client) told() (version string, newest time.Time) {
	c.t.Helper()
	m := c.next()
	var in struct {
		Data struct {
			LineageChanged *struct {
				Version string
				Newest  time.Time
			}
		}
	}
	if err := json.Unmarshal(m.Payload, &in); err != nil || m.Type != "next" || in.Data.LineageChanged == nil {
		c.t.Fatalf("no change is told: %v %s %s", err, m.Type, m.Payload)
	}
	return in.Data.LineageChanged.Version, in.Data.LineageChanged.Newest
}

// ended reports how the server ended a connection; everything that still comes is passed over.
func (c *client) ended() error {
	for {
		if _, err := c.read(); err != nil {
			if c.ctx.Err() != nil {
				c.t.Helper()
				c.t.Fatal("the connection is still open")
			}
			return err
		}
	}
}

// A window that moves and one that is over are told of over one connection; what is told is what the answer says of
// itself; who wants to hear no more of one hears of the other.
func TestLiveTellsOfChanges(t *testing.T) {
	s := newLiveServer(t, api.LiveLimits{})
	now := time.Now().UTC().Truncate(time.Second)
	for n := range 20 {
		s.observe("end-offsets", now.Add(time.Duration(n-20)*time.Second))
	}
	past := fmt.Sprintf(`{"start":%q,"end":%q}`, now.Add(-15*time.Second).Format(time.RFC3339), now.Add(-10*time.Second).Format(time.RFC3339))
	c := s.open()
	c.subscribe("past", changed, past)
	version, newest := c.told()
	if !newest.Equal(now.Add(-10 * time.Second)) {
		t.Errorf("the newest instant is %v", newest)
	}
	_, body := ask(s.api, `query($w: Window!) { flows(window: $w) { version } lineageVersion(window: $w) { version } }`, `{"w":`+past+`}`)
	if strings.Count(string(body), version) != 2 {
		t.Errorf("told was %s, and answered is %s", version, body)
	}
	s.observe("request-log", now.Add(-12*time.Second))
	if v, _ := c.told(); v == version {
		t.Error("what came late makes no other version")
	}
	c.send(`{"id":"past","type":"complete"}`)
	c.subscribe("live", changed, `{"last":"10s"}`)
	var before time.Time
	for i := 0; i < 3; {
		m := c.next()
		if m.ID == "past" && m.Type == "complete" { // gqlgen answers a goodbye with one
			continue
		}
		if m.ID != "live" {
			t.Fatalf("%+v is told", m)
		}
		var in struct {
			Data struct{ LineageChanged struct{ Newest time.Time } }
		}
		if err := json.Unmarshal(m.Payload, &in); err != nil || !in.Data.LineageChanged.Newest.After(before) {
			t.Fatalf("%v after %v (%v)", in.Data.LineageChanged.Newest, before, err)
		}
		before = in.Data.LineageChanged.Newest
		i++
	}
	if status, body := ask(s.api, changed, `{"w":{"last":"10s"}}`); status != http.StatusBadRequest || !strings.Contains(string(body), "websocket") {
		t.Errorf("a subscription by POST: %d %s", status, body)
	}
}

// A page elsewhere can't listen in, nor can one that reached this server under another name.
func TestLiveIsForItsOwnPage(t *testing.T) {
	s := newLiveServer(t, api.LiveLimits{})
	for _, c := range []struct {
		status int
		header []string
	}{
		{101, nil},
		{101, []string{"Origin", "http://" + s.at}},
		{101, []string{"Origin", "http://" + s.at, "Sec-Fetch-Site", "same-origin"}},
		{403, []string{"Origin", "http://evil.example"}},
		{403, []string{"Origin", "null"}},
		{403, []string{"Origin", "http://" + s.at, "Sec-Fetch-Site", "cross-site"}},
		{403, []string{"Origin", "http://localhost:1", "Sec-Fetch-Site", "same-site"}},
		{403, []string{"Host", "evil.example"}},
		{403, []string{"Host", "evil.example", "Origin", "http://evil.example"}},
		{400, []string{"Protocol", "graphql-ws"}},
		{400, []string{"Protocol", "chat"}},
	} {
		client, status := s.dial(c.header...)
		if status != c.status {
			t.Errorf("%v: %d, want %d", c.header, status, c.status)
		}
		if client != nil {
			_ = client.c.CloseNow()
		}
	}
}

// What is asked over a websocket passes the limits of requests, and is a subscription.
func TestLiveRefusals(t *testing.T) {
	s := newLiveServer(t, api.LiveLimits{PerConnection: 2, Asked: 12})
	c := s.open()
	for _, x := range []struct{ document, window, want string }{
		{"query($w: Window!) { lineageVersion(window: $w) { version } }", `{"last":"10m"}`, "only subscriptions"},
		{"subscription($w: Window!) { lineageChanged(window: $w) { versions } }", `{"last":"10m"}`, "versions"},
		{"subscription($w: Window!) { lineageChanged(window: $w) {", `{"last":"10m"}`, "GRAPHQL_PARSE_FAILED"},
		{"subscription($w: Window!) { lineageChanged(window: $w) { " + strings.Repeat("version ", 50) + " } }", `{"last":"10m"}`, "LIMIT_EXCEEDED"},
		{changed, `{"last":"0s"}`, "last must be more"},
		{changed, `{"last":"10m","at":"2026-01-01T00:00:00Z"}`, "exactly one"},
	} {
		c.subscribe("x", x.document, x.window)
		for m := c.next(); ; m = c.next() {
			if m.Type == "complete" {
				continue // of the one before
			}
			if !strings.Contains(string(m.Payload), x.want) || strings.Contains(string(m.Payload), `"version":`) {
				t.Errorf("%s: %s %s, want %q", x.document, m.Type, m.Payload, x.want)
			}
			break
		}
	}
	for i := 0; ; i++ {
		c.subscribe("y", "{", "{}")
		if m := c.next(); strings.Contains(string(m.Payload), "in all") {
			break
		}
		if i > 30 { // two messages answer each
			t.Fatal("a connection asks as often as it likes")
		}
	}
	many := s.open()
	for _, id := range []string{"a", "b"} {
		many.subscribe(id, changed, `{"last":"10m"}`)
		many.told()
	}
	many.subscribe("c", changed, `{"last":"10m"}`)
	m := many.next()
	for m.ID != "c" { // others may be told of more
		m = many.next()
	}
	if m.Type != "error" || !strings.Contains(string(m.Payload), "at once") {
		t.Errorf("a third at once: %s %s", m.Type, m.Payload)
	}
}

// TestLiveBounds holds what one client, and all together, may take.
func TestLiveBounds(t *testing.T) {
	t.Run("connections", func(t *testing.T) {
		s := newLiveServer(t, api.LiveLimits{Connections: 4}) // one asker has half of them
		first := s.open()
		s.open()
		if _, status := s.dial(); status != http.StatusTooManyRequests {
			t.Fatalf("a third: %d", status)
		}
		_ = first.c.Close(websocket.StatusNormalClosure, "")
		s.open()
	})
	t.Run("subscriptions", func(t *testing.T) {
		s := newLiveServer(t, api.LiveLimits{Subscriptions: 4})
		one, other := s.open(), s.open()
		for _, id := range []string{"a", "b"} {
			one.subscribe(id, changed, `{"last":"10m"}`)
			one.told()
		}
		other.subscribe("c", changed, `{"last":"10m"}`)
		if m := other.next(); m.Type != "error" || !strings.Contains(string(m.Payload), "TOO_MANY_REQUESTS") {
			t.Errorf("%s %s", m.Type, m.Payload)
		}
		if got := get(s.api, "localhost", "/metrics").Body.String(); !strings.Contains(got, "lineaged_graphql_subscriptions 2\n") || !strings.Contains(got, "lineaged_graphql_live_connections 2\n") {
			t.Error("/metrics does not tell of two subscriptions on two connections")
		}
		_ = one.c.CloseNow() // it takes its subscriptions with it
		other.subscribe("d", changed, `{"last":"10m"}`)
		for m := other.next(); m.ID != "d" || m.Type != "next"; m = other.next() {
			if m.ID == "d" && m.Type == "error" {
				t.Fatalf("%s", m.Payload)
			}
		}
	})
	t.Run("message", func(t *testing.T) {
		c := newLiveServer(t, api.LiveLimits{Message: 1000}).open()
		c.subscribe("a", changed+strings.Repeat(" ", 2000), `{"last":"10m"}`)
		if err := c.ended(); websocket.CloseStatus(err) != websocket.StatusMessageTooBig {
			t.Error(err)
		}
	})
	t.Run("silence at first", func(t *testing.T) {
		c, status := newLiveServer(t, api.LiveLimits{First: 50 * time.Millisecond}).dial()
		if c == nil {
			t.Fatal(status)
		}
		_ = c.ended()
	})
	t.Run("life", func(t *testing.T) {
		c := newLiveServer(t, api.LiveLimits{Life: 100 * time.Millisecond}).open()
		if err := c.ended(); websocket.CloseStatus(err) != websocket.StatusNormalClosure {
			t.Error(err)
		}
	})
	t.Run("who does not answer", func(t *testing.T) {
		s := newLiveServer(t, api.LiveLimits{Ping: 50 * time.Millisecond})
		c := s.open()
		for {
			if _, _, err := c.c.Read(c.ctx); err != nil { // pings come, and no pong goes
				break
			}
		}
		if c.ctx.Err() != nil {
			t.Error("the connection is still open")
		}
	})
}

// TestLiveSlowReader takes nothing of what is written to it.
func TestLiveSlowReader(t *testing.T) {
	s := newLiveServer(t, api.LiveLimits{Still: 200 * time.Millisecond, Connections: 2})
	// No library: one that reads by itself takes what comes.
	c, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.at)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	fmt.Fprintf(c, "GET /graphql HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n", s.at)
	if line, err := bufio.NewReaderSize(c, 16).ReadString('\n'); err != nil || !strings.Contains(line, "101") {
		t.Fatalf("%q %v", line, err)
	}
	frame := func(message string) []byte { // masked by zeros
		b := []byte{0x81, 0xfe, byte(len(message) >> 8), byte(len(message)), 0, 0, 0, 0}
		return append(b, message...)
	}
	if _, err := c.Write(frame(`{"type":"connection_init"}` + strings.Repeat(" ", 200))); err != nil {
		t.Fatal(err)
	}
	ping := frame(`{"type":"ping","payload":{"a":"` + strings.Repeat("a", 60_000) + `"}}`)
	for err == nil { // each is answered by a pong of its size, until the server waits for us no longer
		_, err = c.Write(ping)
	}
	if nerr, ok := errors.AsType[net.Error](err); ok && nerr.Timeout() {
		t.Fatal("a reader that takes nothing is not cut")
	}
	s.open() // and its place is free again
}

// TestLiveClose ends the connections that are open, and takes none any more.
func TestLiveClose(t *testing.T) {
	s := newLiveServer(t, api.LiveLimits{})
	c := s.open()
	c.subscribe("a", changed, `{"last":"10m"}`)
	c.told()
	done := make(chan struct{})
	go func() { s.api.Close(); close(done) }()
	if err := c.ended(); websocket.CloseStatus(err) != websocket.StatusNormalClosure {
		t.Error(err)
	}
	<-done
	if _, status := s.dial(); status != http.StatusServiceUnavailable {
		t.Errorf("then %d", status)
	}
}

// Java's HttpClient offers h2c with each request, Apache's offers TLS: who can't speak either is to answer as ever.
func TestOtherUpgradesAreAnswered(t *testing.T) {
	h := serve(served{History: newWorld(t).store, Identity: everybody, Log: quiet()})
	for _, offered := range []string{"h2c", "TLS/1.2", "websocket"} {
		r := from(t.Context(), "10.0.0.1:1", strings.NewReader(`{"query":"{clusters{id}}"}`))
		r.Header.Set("Connection", "Upgrade, HTTP2-Settings")
		r.Header.Set("Upgrade", offered)
		rec := httptest.NewRecorder()
		if h.ServeHTTP(rec, r); rec.Code != http.StatusOK {
			t.Errorf("a POST that offers %s: %d %s", offered, rec.Code, rec.Body)
		}
	}
}

// A page elsewhere opens no websocket, however its header is written.
func TestForeignWebsockets(t *testing.T) {
	h := serve(served{History: newWorld(t).store, Identity: everybody, Log: quiet()})
	for _, offered := range []string{"websocket", "WebSocket", "h2c, WebSocket"} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost/graphql", nil)
		r.Header.Set("Upgrade", offered)
		r.Header.Set("Origin", "http://evil.example")
		rec := httptest.NewRecorder()
		if h.ServeHTTP(rec, r); rec.Code != http.StatusForbidden {
			t.Errorf("a foreign page that asks for %s: %d %s", offered, rec.Code, rec.Body)
		}
	}
}
