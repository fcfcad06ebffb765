package rest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// nobody is an address at which nobody listens.
const nobody = "http://127.0.0.1:1"

func client(t *testing.T, urls ...string) *Client {
	t.Helper()
	c := New(Config{URLs: urls, What: "a worker", Most: 1 << 20, Says: map[int]string{http.StatusConflict: "the workers are rebalancing"}})
	t.Cleanup(c.Close)
	return c
}

// What an error says of an address, which goes into the coverage of answers, is not its path.
func TestErrorsLeaveOutThePath(t *testing.T) {
	const canary = "canary-secret"
	c := client(t, nobody+"/"+canary)
	err := c.Get(t.Context(), "/connectors", new(any))
	if err == nil || strings.Contains(err.Error(), canary) || !strings.Contains(err.Error(), nobody+":") || c.First() != nobody {
		t.Errorf("the error is %v, and %s is asked first", err, c.First())
	}
}

// Who reads that the last address is down learns what the others said.
func TestErrorsOfAllAddresses(t *testing.T) {
	busy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusConflict) }))
	defer busy.Close()
	err := client(t, busy.URL, nobody).Get(t.Context(), "/connectors", new(any))
	if err == nil || !strings.Contains(err.Error(), "refused") || !strings.Contains(err.Error(), busy.URL+": the workers are rebalancing") {
		t.Errorf("the error is %v", err)
	}
}

// When time ran out, the next question goes to another address than the one that took it.
func TestAnotherAddressIsAskedNext(t *testing.T) {
	c := client(t, nobody, "http://127.0.0.2:1")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Get(ctx, "/", new(any)); err == nil || c.First() != "http://127.0.0.2:1" || c.Asked() != 1 {
		t.Errorf("%v, after %d questions, and the first to ask is %s", err, c.Asked(), c.First())
	}
}
