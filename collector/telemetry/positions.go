package telemetry

import (
	"context"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/varint"
	"github.com/lineaged/lineaged/lineage"
)

// Positions are what was counted of each client, and what to know a push by that comes again, so that a restart goes on
// counting. See docs/format/positions.md.
//
// Keys: "pushes", when pushes came; "client/KEY", a start of a client, by its instance id.
const positionsVersion = 1

const pushesKey = "pushes"

func clientKey(key string) string { return "client/" + key }

func (s *source) savePositions(t *collector.Take, o *lineage.Observation) {
	put := func(key string, e varint.Encoder) {
		e.Uint(uint64(crc32.ChecksumIEEE(e)))
		o.Positions = append(o.Positions, lineage.Position{Key: key, Value: e})
	}
	for _, key := range append(t.Unreadable(o, len(s.clients)), s.gone...) {
		o.Positions = append(o.Positions, lineage.Position{Key: key})
	}
	s.gone = nil
	if s.pushed.Equal(o.Round) {
		e := varint.Encoder{}
		e.Uint(positionsVersion)
		e.Time(s.pushed)
		e.Int(int64(s.pace / time.Millisecond))
		put(pushesKey, e)
	}
	for _, c := range s.sorted() {
		put(clientKey(c.key), encodeClient(c))
		c.dirty = false
	}
}

func encodeClient(c *client) (e varint.Encoder) {
	e.Uint(positionsVersion)
	for _, text := range [...]string{c.Instance, c.ClientID, c.Principal, c.Host, c.TransactionalID, c.Group, c.Software} {
		e.String(text)
	}
	e.Time(c.seen)
	e.Bool(c.reads)
	e.Bool(c.writes)
	e.Uint(uint64(len(c.series)))
	for _, at := range slices.SortedFunc(maps.Keys(c.series), func(a, b subject) int {
		return strings.Compare(a.topic, b.topic)*2 + int(a.op) - int(b.op)
	}) {
		x := c.series[at]
		e.String(at.topic)
		e.Uint(uint64(at.op))
		e.Int(x.total)
		e.Int(x.told)
		e.Time(x.since)
		e.Bool(x.lost)
		e.Int(x.at)
		e.Int(x.floor)
		e.Bool(x.based)
		e.Int(x.value)
		e.Int(x.from)
		e.Uint(uint64(len(x.spans)))
		for _, p := range x.spans {
			e.Int(p.start)
			e.Int(p.end)
		}
	}
	return e
}

// Restore implements collector.Pusher.
func (s *source) Restore(ctx context.Context, sink collector.Sink) error {
	s.forget()
	positions, err := sink.Positions(ctx, s.id())
	if err != nil {
		return fmt.Errorf("read positions of %s: %w", s.id(), err)
	}
	s.flows.Restore(positions)
	for _, key := range slices.Sorted(maps.Keys(positions)) {
		if s.flows.Mine(key) {
			continue
		}
		if err := s.restore(key, positions[key]); err != nil {
			s.tell.Leave(key, err)
		}
	}
	return nil
}

func (s *source) restore(key string, value []byte) error {
	d := varint.Decoder{Left: value}
	d.Version(positionsVersion)
	var c *client
	switch {
	case key == pushesKey:
		s.pushed, s.pace = d.Time(), time.Duration(d.Int())*time.Millisecond
	case strings.HasPrefix(key, "client/"):
		c = decodeClient(&d)
	}
	read := len(value) - len(d.Left)
	if sum := d.Uint(); uint32(sum) != crc32.ChecksumIEEE(value[:read]) || sum > 1<<32-1 {
		d.Fail()
	}
	err := d.Done()
	switch {
	case c != nil && err == nil && clientKey(c.key) == key:
		s.clients[c.key] = c
		s.series += len(c.series)
	case c != nil && err == nil:
		return varint.ErrCut
	case err != nil && key == pushesKey:
		s.pushed, s.pace = time.Time{}, 0
	}
	return err
}

func decodeClient(d *varint.Decoder) *client {
	c := &client{series: map[subject]*series{}}
	for _, text := range [...]*string{&c.Instance, &c.ClientID, &c.Principal, &c.Host, &c.TransactionalID, &c.Group, &c.Software} {
		*text = d.String()
	}
	c.key, c.seen, c.reads, c.writes = c.who.key(), d.Time(), d.Bool(), d.Bool()
	for range d.Count() {
		at := subject{topic: d.String(), op: lineage.Op(d.Uint())}
		x := &series{total: d.Int(), told: d.Int(), since: d.Time(), lost: d.Bool(), at: d.Int(), floor: d.Int(), based: d.Bool(), value: d.Int(), from: d.Int()}
		for range d.Count() {
			x.spans = append(x.spans, span{d.Int(), d.Int()})
		}
		if at.op != lineage.Read && at.op != lineage.Write {
			d.Fail()
		}
		if d.Err() != nil {
			return nil
		}
		x.ripe, c.again = x.total, c.again || x.told != x.total
		x.first = at.op == lineage.Read && x.told < 0 && !x.based // it may be
		c.series[at] = x
	}
	return c
}
