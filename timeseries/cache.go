package timeseries

import (
	"container/list"
	"sync"
)

// cacheBytes bounds the decoded sections in memory. An hour of 10,000 busy series takes about 60 MiB.
const cacheBytes = 128 << 20

// cachedBytes is what it takes to keep anything.
const cachedBytes = 200

type cacheKey struct {
	tier     int
	start    int64
	revision uint32
	section  byte
	number   int
}

// cache keeps decoded sections and parts of them, dropping the least recently used.
type cache struct {
	mu    sync.Mutex // guards all that follows
	limit int
	used  int
	order *list.List // of *cached, newest first
	byKey map[cacheKey]*list.Element
}

type cached struct {
	key   cacheKey
	value any
	cost  int
}

func newCache(limit int) *cache {
	return &cache{limit: limit, order: list.New(), byKey: map[cacheKey]*list.Element{}}
}

func (c *cache) get(key cacheKey) (any, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	x := c.byKey[key]
	if x == nil {
		return nil, false
	}
	c.order.MoveToFront(x)
	return x.Value.(*cached).value, true
}

func (c *cache) put(key cacheKey, value any, cost int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byKey[key] != nil { // another query was as quick
		return
	}
	c.byKey[key] = c.order.PushFront(&cached{key, value, cost})
	c.used += cost
	for c.used > c.limit && c.order.Len() > 1 {
		c.remove(c.order.Back())
	}
}

func (c *cache) remove(x *list.Element) {
	v := c.order.Remove(x).(*cached)
	delete(c.byKey, v.key)
	c.used -= v.cost
}

// forget drops what is cached of a block, or of a file of silent subjects.
func (c *cache) forget(tier int, start int64, revision uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, x := range c.byKey {
		if key.tier == tier && key.start == start && key.revision == revision {
			c.remove(x)
		}
	}
}
