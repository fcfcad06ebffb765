package marquez_test

import (
	"context"
	"testing"
	"testing/synctest"
)

// Who asks round after round reads neither who there is nor what was observed, but what the nodes of his answer need;
// who has not asked for a while has nothing read for him.
func TestWhoPollsReadsNoWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLayered(t, benchRules(t))
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan bool)
		go func() { l.answers.KeepReady(ctx); close(done) }()
		synctest.Wait()
		for i := range 6 {
			l.round(t)
			synctest.Wait()
			before := l.windows.n.Load()
			l.around(t, 2)
			if read := l.windows.n.Load() - before; (read > 0) != (i < 2) {
				t.Errorf("asked %d times before, %d windows were read when it was asked", i, read)
			}
		}
		var read int64
		for range 10 {
			before := l.windows.n.Load()
			l.round(t)
			synctest.Wait()
			read = l.windows.n.Load() - before
		}
		if read > 0 {
			t.Errorf("not asked for ten rounds: %d windows were read", read)
		}
		cancel()
		<-done
	})
}
