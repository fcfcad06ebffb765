package serving_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lineaged/lineaged/internal/serving"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// running is a server on a socket of this machine.
type running struct {
	t       *testing.T
	address string
	refused atomic.Int64
}

// serve serves h under the limits until the test ends.
func serve(t *testing.T, l serving.Limits, h http.HandlerFunc) *running {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a listener that is there at once
	if err != nil {
		t.Fatal(err)
	}
	s := &running{t: t, address: ln.Addr().String()}
	server, done := serving.Server(h, l), make(chan error, 1)
	go func() { done <- server.Serve(serving.Listener(ln, l, func() { s.refused.Add(1) })) }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	return s
}

// dial connects and writes what is given. Nothing in a test waits for longer than a minute.
func (s *running) dial(request string) net.Conn {
	s.t.Helper()
	c, err := net.Dial("tcp", s.address) //nolint:noctx // to a listener of this process
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	if _, err := io.WriteString(c, request); err != nil {
		s.t.Fatal(err)
	}
	return c
}

// ended reports whether the server has closed a connection by itself.
func ended(c net.Conn) bool {
	_, err := io.Copy(io.Discard, c)
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

const short = 100 * time.Millisecond

// TestHalfSent sends requests that never become whole: each is cut, and its handler sees it.
func TestHalfSent(t *testing.T) {
	read := make(chan error, 100)
	s := serve(t, serving.Limits{Header: short, Body: 2 * short}, func(w http.ResponseWriter, r *http.Request) {
		_, err := io.ReadAll(r.Body)
		read <- err
	})
	for _, request := range []string{
		"", "POST /graphql HTTP/1.1\r\n", "POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Le",
	} {
		if c := s.dial(request); !ended(c) {
			t.Errorf("%q stays", request)
		}
	}
	for _, request := range []string{
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n100\r\n{",
	} {
		c := s.dial(request)
		if err := <-read; !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%q: the handler reads %v", request, err)
		}
		if !ended(c) {
			t.Errorf("%q stays", request)
		}
	}
}

// TestStandStill asks for a large answer and fetches nothing of it, or a byte now and then.
func TestStandStill(t *testing.T) {
	const large = 64 << 20 // beyond what the sockets of both sides hold
	wrote := make(chan int, 2)
	answer := make([]byte, large)
	s := serve(t, serving.Limits{Still: short, Rate: large}, func(w http.ResponseWriter, _ *http.Request) {
		n, _ := w.Write(answer)
		wrote <- n
	})
	const request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	s.dial(request)
	if n := <-wrote; n >= large {
		t.Error("nobody reads, and all is written")
	}
	c := s.dial(request)
	stop := make(chan struct{})
	defer close(stop)
	go func() {
		for one := make([]byte, 64<<10); ; {
			if _, err := c.Read(one); err != nil {
				return
			}
			select {
			case <-stop:
				return
			case <-time.After(short / 2):
			}
		}
	}()
	if n := <-wrote; n >= large {
		t.Error("one piece now and then, and all is written")
	}
}

// TestSlowIsServed reads slowly, in the time that the handler takes to go on: who moves is not cut.
func TestSlowIsServed(t *testing.T) {
	s := serve(t, serving.Limits{Still: 2 * short}, func(w http.ResponseWriter, _ *http.Request) {
		for range 4 {
			_, _ = io.WriteString(w, strings.Repeat("x", 1000))
			_ = http.NewResponseController(w).Flush()
			time.Sleep(short)
		}
	})
	resp, err := http.ReadResponse(bufio.NewReader(s.dial("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); err != nil || len(b) != 4000 {
		t.Errorf("%d bytes, %v", len(b), err)
	}
}

// TestConnections opens more connections than may be: the others go on, and one that ends makes room.
func TestConnections(t *testing.T) {
	for name, l := range map[string]serving.Limits{"all": {Connections: 3, PerAddress: 3}, "one address": {Connections: 100, PerAddress: 3}} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, l, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") })
			ask := func(c net.Conn) bool {
				if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
					return false
				}
				resp, err := http.ReadResponse(bufio.NewReader(c), nil)
				if err != nil {
					return false
				}
				defer resp.Body.Close()
				_, err = io.Copy(io.Discard, resp.Body)
				return err == nil
			}
			var open []net.Conn
			for range 3 {
				open = append(open, s.dial(""))
			}
			for range 50 {
				if c := s.dial(""); !ended(c) {
					t.Fatal("a connection beyond the limit stays")
				}
			}
			for i, c := range open {
				if !ask(c) {
					t.Errorf("connection %d does not answer", i)
				}
			}
			if n := s.refused.Load(); n != 50 {
				t.Errorf("%d refusals told, want 50", n)
			}
			_ = open[0].Close()
			for !ask(s.dial("")) { // until the server has seen the end
				if t.Context().Err() != nil {
					t.Fatal("no room after one has ended")
				}
			}
		})
	}
}

func TestAddress(t *testing.T) {
	for in, want := range map[string]string{
		"10.1.2.3:40": "10.1.2.3", "[::ffff:10.1.2.3]:40": "10.1.2.3", "[2001:db8:1:2:3::4]:40": "2001:db8:1:2::/64", "[fe80::1%eth0]:40": "fe80::/64", "@": "@",
	} {
		if got := serving.Address(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
}
