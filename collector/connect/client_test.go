package connect

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// What an error says of a worker's address, which goes into the coverage of answers, is not its path.
func TestErrorsLeaveOutThePath(t *testing.T) {
	c := newClient(Config{Name: "connect", URLs: []string{"http://127.0.0.1:1/" + canary}})
	defer c.http.CloseIdleConnections()
	err := c.get(context.Background(), "/connectors", new(any))
	if err == nil || strings.Contains(err.Error(), canary) || !strings.Contains(err.Error(), "http://127.0.0.1:1:") {
		t.Errorf("the error is %v", err)
	}
}

// Who reads that the last worker is down learns what the others said.
func TestErrorsOfAllWorkers(t *testing.T) {
	busy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusConflict) }))
	defer busy.Close()
	c := newClient(Config{Name: "connect", URLs: []string{busy.URL, "http://127.0.0.1:1"}})
	defer c.http.CloseIdleConnections()
	err := c.get(t.Context(), "/connectors", new(any))
	if err == nil || !strings.Contains(err.Error(), "refused") || !strings.Contains(err.Error(), busy.URL+": the workers are rebalancing") {
		t.Errorf("the error is %v", err)
	}
}
