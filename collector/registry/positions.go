package registry

import (
	"context"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/varint"
	"github.com/lineaged/lineaged/lineage"
)

// Positions are which version of each subject was told, so that what changed while nobody watched is said.
//
// Keys: "subject/SUBJECT". See docs/format/positions.md.
const (
	positionsVersion = 1
	subjectPrefix    = "subject/"
)

// saved is what a position holds.
type saved struct {
	version int
	level   string
}

func (s saved) encode() (e varint.Encoder) {
	e.Uint(positionsVersion)
	e.Int(int64(s.version))
	e.String(s.level)
	e.Uint(uint64(crc32.ChecksumIEEE(e)))
	return e
}

func decode(value []byte) (s saved, err error) {
	d := varint.Decoder{Left: value}
	d.Version(positionsVersion)
	s.version, s.level = int(d.Int()), d.String()
	read := len(value) - len(d.Left)
	if sum := d.Uint(); sum != uint64(crc32.ChecksumIEEE(value[:read])) {
		d.Fail()
	}
	return s, d.Done()
}

func (t *take) savePositions() {
	o := t.main
	for _, key := range t.telling.Unreadable(o, len(t.known)) {
		o.Positions = append(o.Positions, lineage.Position{Key: key})
	}
	for _, name := range slices.Sorted(maps.Keys(t.known)) {
		x := t.known[name]
		if x.told == nil {
			continue
		}
		if now := (saved{x.told.Version, x.told.Compatibility}); t.stored[name] != now {
			o.Positions = append(o.Positions, lineage.Position{Key: subjectPrefix + name, Value: now.encode()})
			t.stored[name] = now
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.stored)) {
		if t.known[name] == nil {
			o.Positions = append(o.Positions, lineage.Position{Key: subjectPrefix + name})
			delete(t.stored, name)
		}
	}
}

// Restore implements collector.Source.
func (s *source) Restore(ctx context.Context, sink collector.Sink) error {
	s.forget()
	s.tell.Restore()
	positions, err := sink.Positions(ctx, s.id())
	if err != nil {
		return fmt.Errorf("read positions of schema registry %q: %w", s.cfg.Name, err)
	}
	whole := true
	for key, value := range positions {
		name, ok := strings.CutPrefix(key, subjectPrefix)
		is, err := decode(value)
		if err == nil && !ok {
			err = varint.ErrCut
		}
		if err != nil {
			s.tell.Leave(key, err)
			whole = false
			continue
		}
		s.stored[name] = is
	}
	s.listed = whole && len(positions) > 0 // else what is not among them may have been there
	return nil
}
