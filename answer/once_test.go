package answer

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestOnceLoadsOnce asks many times at once: one load answers all, and the next ones too.
func TestOnceLoadsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var o once[int]
		var loads atomic.Int64
		load := func(context.Context) (int, error) { //nolint:unparam // it is what get takes
			time.Sleep(time.Second)
			return int(loads.Add(1)), nil
		}
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if n, err := o.get(t.Context(), load); n != 1 || err != nil {
					t.Errorf("got %d, %v", n, err)
				}
			})
		}
		all.Wait()
		if n, err := o.get(t.Context(), load); n != 1 || err != nil || loads.Load() != 1 {
			t.Errorf("got %d, %v after %d loads", n, err, loads.Load())
		}
	})
}

// TestOnceForgetsErrors lets a load fail, panic and take too long: who asks next gets a load of his own.
func TestOnceForgetsErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var o once[int]
		broken := errors.New("broken")
		if _, err := o.get(t.Context(), func(context.Context) (int, error) { return 1, broken }); !errors.Is(err, broken) {
			t.Errorf("got %v", err)
		}
		if _, err := o.get(t.Context(), func(context.Context) (int, error) { panic("at the disco") }); err == nil || !strings.Contains(err.Error(), "at the disco") {
			t.Errorf("got %v of a panic", err)
		}
		if _, ok := o.loaded(); ok {
			t.Error("a failure is kept")
		}
		start := time.Now()
		_, err := o.get(t.Context(), func(ctx context.Context) (int, error) { <-ctx.Done(); return 0, ctx.Err() })
		if took := time.Since(start); !errors.Is(err, context.DeadlineExceeded) || took != loadTime {
			t.Errorf("%v after %s: a load has %s", err, took, loadTime)
		}
		if n, err := o.get(t.Context(), func(context.Context) (int, error) { return 7, nil }); n != 7 || err != nil {
			t.Errorf("got %d, %v", n, err)
		}
	})
}

// TestOnceBeginsAnew lets all leave, and another come before the load that they left has noticed: he waits for a load
// of his own, and what the old one comes to is of no account.
func TestOnceBeginsAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var o once[string]
		ctx, leave := context.WithCancel(t.Context())
		go func() {
			_, _ = o.get(ctx, func(ctx context.Context) (string, error) {
				<-ctx.Done()
				time.Sleep(time.Minute) // slow to notice
				return "the old one's", nil
			})
		}()
		synctest.Wait()
		leave()
		synctest.Wait()
		for range 2 {
			if s, err := o.get(t.Context(), func(context.Context) (string, error) { return "the new one's", nil }); s != "the new one's" || err != nil {
				t.Errorf("got %q, %v", s, err)
			}
			time.Sleep(2 * time.Minute)
		}
	})
}

// TestOnceKeepsWhatItKnows hands a load what its first asker carries with him, and not when he gives up.
func TestOnceKeepsWhatItKnows(t *testing.T) {
	type key struct{}
	var o once[any]
	got, err := o.get(context.WithValue(t.Context(), key{}, "carried"), func(ctx context.Context) (any, error) { return ctx.Value(key{}), nil })
	if got != "carried" || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
	ended, leave := context.WithCancel(t.Context())
	leave()
	if got, err := o.get(ended, nil); got != "carried" || err != nil {
		t.Errorf("what is there is not given to who has little time: %v, %v", got, err)
	}
}
