package ledger

import "container/list"

// cache keeps what was used last.
type cache[K comparable, V any] struct {
	most  int
	order list.List // of K, the newest first
	held  map[K]cached[V]
}

type cached[V any] struct {
	value V
	at    *list.Element
}

func (c *cache[K, V]) get(k K) (v V, ok bool) {
	x, ok := c.held[k]
	if ok {
		c.order.MoveToFront(x.at)
	}
	return x.value, ok
}

func (c *cache[K, V]) put(k K, v V) {
	if c.held == nil {
		c.held = map[K]cached[V]{}
	}
	c.held[k] = cached[V]{v, c.order.PushFront(k)}
	if len(c.held) > c.most {
		oldest := c.order.Back()
		if k, ok := c.order.Remove(oldest).(K); ok {
			delete(c.held, k)
		}
	}
}
