package connect

import (
	"context"
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
