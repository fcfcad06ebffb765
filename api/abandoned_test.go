package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/api"
	"github.com/lineaged/lineaged/store"
	"github.com/lineaged/lineaged/timeseries"
)

// standing is a history in which a view is never done: it takes until nobody waits for it any more.
type standing struct {
	timeseries.Store
	now atomic.Int64
}

func (s *standing) Window(ctx context.Context, ask store.Ask) (*store.Window, error) {
	if !ask.Accesses {
		return s.Store.Window(ctx, ask)
	}
	s.now.Add(1)
	defer s.now.Add(-1)
	<-ctx.Done()
	return nil, ctx.Err()
}

// TestAbandonedRequestsEnd sends requests that each ask for the usage of a topic in 30 windows, and gives them up: only
// a few windows are ever built at once, and none when all have left.
func TestAbandonedRequestsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := shop(t, 30)
		time.Sleep(time.Until(round(30)) + time.Second)
		s := &standing{Store: w.store}
		h := serve(served{History: s, Identity: everybody, Clusters: shopConfig, Log: quiet(), Limits: api.Limits{Complexity: 1 << 29}})
		var query strings.Builder
		query.WriteString("{")
		for i := range 30 {
			fmt.Fprintf(&query, `a%d:topicUsage(topic:"topic:west/orders",window:{last:"%ds"}){topic{id}}`, i, 10*(i+1))
		}
		query.WriteString("}")
		body, err := json.Marshal(map[string]string{"query": query.String()})
		if err != nil {
			t.Fatal(err)
		}
		before := runtime.NumGoroutine()
		ctx, leave := context.WithCancel(t.Context())
		var clients sync.WaitGroup
		for range 10 {
			clients.Go(func() {
				r := httptest.NewRequestWithContext(ctx, http.MethodPost, "http://localhost/graphql", bytes.NewReader(body))
				r.Header.Set("Content-Type", "application/json")
				h.ServeHTTP(httptest.NewRecorder(), r)
			})
		}
		synctest.Wait()
		if now, places := s.now.Load(), int64(max(2, runtime.GOMAXPROCS(0))); now == 0 || now > places {
			t.Errorf("%d windows are built at once, want at most %d", now, places)
		}
		leave()
		clients.Wait()
		synctest.Wait()
		if n := runtime.NumGoroutine(); s.now.Load() != 0 || n > before+2 {
			t.Errorf("all clients have left: %d windows are still built, and there are %d goroutines more", s.now.Load(), n-before)
		}
	})
}
