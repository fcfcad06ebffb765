package registry

import (
	"context"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/varint"
	"github.com/lineaged/lineaged/lineage"
)

// Positions are which version of each subject was told, so that what changed while nobody watched is said.
//
// Keys: "subject/SUBJECT", "scope". See docs/format/positions.md.
const (
	positionsVersion = 1
	labelledVersion  = 2 // of a subject whose version has a name and no number
	subjectPrefix    = "subject/"
	scopeKey         = "scope"
)

// saved is what a position holds.
type saved struct {
	version int
	level   string
	label   string // of a version that has no number
}

// called is how a version is called; empty: there is none.
func (s saved) called() string {
	if s.version != 0 {
		return strconv.Itoa(s.version)
	}
	return s.label
}

func (s saved) encode() (e varint.Encoder) {
	if s.label == "" {
		e.Uint(positionsVersion)
	} else {
		e.Uint(labelledVersion)
	}
	e.Int(int64(s.version))
	e.String(s.level)
	if s.label != "" {
		e.String(s.label)
	}
	return sealed(e)
}

// sealed puts the sum of what is there behind it.
func sealed(e varint.Encoder) varint.Encoder {
	e.Uint(uint64(crc32.ChecksumIEEE(e)))
	return e
}

// opened checks the sum of what was read of a value, which is all.
func opened(d *varint.Decoder, value []byte) error {
	read := len(value) - len(d.Left)
	if sum := d.Uint(); sum != uint64(crc32.ChecksumIEEE(value[:read])) {
		d.Fail()
	}
	return d.Done()
}

func decode(value []byte) (s saved, err error) {
	d := varint.Decoder{Left: value}
	v := d.Versions(positionsVersion, labelledVersion)
	s.version, s.level = int(d.Int()), d.String()
	if v == labelledVersion {
		s.label = d.String()
	}
	return s, opened(&d, value)
}

func encodeScope(scope string) (e varint.Encoder) {
	e.Uint(positionsVersion)
	e.String(scope)
	return sealed(e)
}

func decodeScope(value []byte) (string, error) {
	d := varint.Decoder{Left: value}
	d.Version(positionsVersion)
	scope := d.String()
	return scope, opened(&d, value)
}

func (t *take) savePositions() {
	o := t.main
	for _, key := range t.telling.Unreadable(o, len(t.known)) {
		o.Positions = append(o.Positions, lineage.Position{Key: key})
	}
	if scope := t.speaker.scope(); scope != t.scope {
		o.Positions = append(o.Positions, lineage.Position{Key: scopeKey, Value: encodeScope(scope)})
		t.scope = scope
		for _, name := range slices.Sorted(maps.Keys(t.stored)) {
			if x := t.known[name]; x != nil && x.told == nil { // else it is written below
				o.Positions = append(o.Positions, lineage.Position{Key: subjectPrefix + name, Value: t.stored[name].encode()})
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.known)) {
		x := t.known[name]
		if x.told == nil {
			continue
		}
		if now := (saved{x.told.Version, x.told.Compatibility, x.version.label}); t.stored[name] != now {
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
		if key == scopeKey {
			if s.scope, err = decodeScope(value); err != nil {
				s.tell.Leave(key, err)
				whole = false
			}
			continue
		}
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
