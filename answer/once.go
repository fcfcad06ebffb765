package answer

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// loadTime bounds a load, whoever still waits for it.
const loadTime = 10 * time.Second

// once loads a value at first need. Those who ask while it loads wait for it; an error is not kept.
type once[T any] struct {
	mu      sync.Mutex // guards the fields below
	done    bool
	value   T
	loading *load[T]
}

type load[T any] struct {
	ready  chan struct{} // closed when value and err are set
	value  T
	err    error
	askers int // who wait for it; guarded by once.mu
	cancel context.CancelFunc
}

// get returns the value. The load runs on when its first asker gives up while others wait for it, and ends with the
// last of them: who asks after that begins anew.
func (o *once[T]) get(ctx context.Context, f func(context.Context) (T, error)) (T, error) {
	o.mu.Lock()
	if o.done {
		defer o.mu.Unlock()
		return o.value, nil
	}
	l := o.loading
	if l == nil {
		within, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTime)
		l = &load[T]{ready: make(chan struct{}), cancel: cancel}
		o.loading = l
		go o.run(within, l, f)
	}
	l.askers++
	o.mu.Unlock()
	select {
	case <-l.ready:
		return l.value, l.err
	case <-ctx.Done():
		o.leave(l)
		var none T
		return none, ctx.Err()
	}
}

// leave is called by an asker that gives up.
func (o *once[T]) leave(l *load[T]) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if l.askers--; l.askers > 0 {
		return
	}
	l.cancel()
	if o.loading == l {
		o.loading = nil
	}
}

func (o *once[T]) run(ctx context.Context, l *load[T], f func(context.Context) (T, error)) {
	defer l.cancel()
	defer close(l.ready)
	defer func() {
		if r := recover(); r != nil { // a goroutine of its own: nobody else would, and the process would end
			l.err = fmt.Errorf("load panicked: %v\n%s", r, debug.Stack())
		}
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.loading != l { // all had left, and another may have begun
			return
		}
		if l.err == nil {
			o.done, o.value = true, l.value
		}
		o.loading = nil
	}()
	l.value, l.err = f(ctx)
}

// loaded returns the value if it is there.
func (o *once[T]) loaded() (value T, ok bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.value, o.done
}
