package logs

import (
	"strings"

	"github.com/lineaged/lineaged/lineage"
)

// Forget returns a position without persons; what cannot be read, and what names nobody, is as it was. Who is seen
// again is counted anew, and what was counted stays.
func Forget(p *lineage.Persons, key string, value []byte) []byte {
	readable := true
	leave := func(string, error) { readable = false }
	switch {
	case key == waitingKey:
		d := &digest{claims: claims{of: map[lineage.Topic]*claimed{}}}
		d.restore(map[string][]byte{key: value}, leave)
		now := map[sight]*waiter{}
		for s, w := range d.waiting {
			p.Client(&s.access.Client)
			now[s] = w
		}
		if d.waiting = now; readable && len(now) > 0 {
			return d.encodeWaiting()
		}
	case strings.HasPrefix(key, claimsPrefix):
		c := &claims{of: map[lineage.Topic]*claimed{}}
		c.restore(map[string][]byte{key: value}, leave)
		for t, x := range c.of {
			now := newClaimed()
			now.seen = x.seen
			for who, n := range x.totals {
				p.Client(&who.client)
				now.totals[who] = n
			}
			for part, last := range x.tails {
				p.Client(&last.client)
				now.tails[part] = last
			}
			return now.encode(t)
		}
	}
	return value
}
