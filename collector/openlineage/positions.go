package openlineage

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/rhythm"
	"github.com/lineaged/lineaged/internal/runevent"
	"github.com/lineaged/lineaged/internal/varint"
	"github.com/lineaged/lineaged/lineage"
)

// Positions are what each run has said, and how far the journal is observed. See docs/format/positions.md.
//
// Keys: "journal"; "round", the newest; "run/HASH", a run; "open/HASH", an access that goes on; "job/HASH", what is
// kept of a job and its runs; "ways/HASH", what was told of the ways through it; "columns/HASH", what was told of
// columns; "columns", how new what was forgotten of that is; "derived/HASH", what a dataset says of itself;
// "derived", that of some it was forgotten; and those of internal/rhythm.
const (
	positionsVersion = 1
	// runsVersion is of a run: 1 has no facets, 2 no ways, 3 does not say when it ran last, 4 not how Flink knows it.
	runsVersion = 5
	waysVersion = 2 // of the ways through a job: 1 lacks the outputs that facets were silent about
	// of what was said of columns: 1 lacks when it came, and its digest is of other words; 2 lacks what differs
	columnsVersion = 3
)

const (
	journalKey = "journal"
	roundKey   = "round"
	runPrefix  = "run/"
	openPrefix = "open/"
	keptPrefix = "job/"
)

// key is a position's, of a fixed length whatever the names are.
func (k runKey) key() string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q %q %q", k.job.Namespace, k.job.Name, k.id))
	return runPrefix + hex.EncodeToString(sum[:16])
}

func (s *source) savePositions(t *collector.Take, o *lineage.Observation) {
	put := func(key string, e varint.Encoder) {
		e.Uint(uint64(crc32.ChecksumIEEE(e)))
		o.Positions = append(o.Positions, lineage.Position{Key: key, Value: e})
	}
	for _, key := range append(t.Unreadable(o, len(s.runs)), s.gone...) {
		o.Positions = append(o.Positions, lineage.Position{Key: key})
	}
	s.gone = nil
	s.saveOpen(o, put)
	s.saveColumns(put)
	o.Positions = append(o.Positions, s.rhythm.Positions()...)
	var at varint.Encoder
	at.Uint(positionsVersion)
	at.Time(o.Round)
	put(roundKey, at)
	s.saveKept(put)
	s.saveWays(put)
	s.saveDerived(put)
	moved := len(s.moved) > 0
	s.saveOffsets(put)
	var dirty []*run
	for _, r := range s.runs {
		if r.dirty {
			dirty = append(dirty, r)
		}
	}
	if len(dirty) == 0 && !moved {
		return
	}
	e := varint.Encoder{}
	e.Uint(positionsVersion)
	e.Int(s.number)
	put(journalKey, e)
	slices.SortFunc(dirty, func(a, b *run) int { return strings.Compare(a.key(), b.key()) })
	for _, r := range dirty {
		put(r.key(), r.encode())
		r.dirty = false
	}
}

// saveOpen keeps which accesses go on.
func (s *source) saveOpen(o *lineage.Observation, put func(string, varint.Encoder)) {
	for _, a := range slices.SortedFunc(maps.Keys(s.was), compareAccess) {
		if !s.open[a] {
			o.Positions = append(o.Positions, lineage.Position{Key: openKey(a)})
		}
	}
	for _, a := range slices.SortedFunc(maps.Keys(s.open), compareAccess) {
		if !s.was[a] {
			put(openKey(a), encodeAccess(a))
		}
	}
	s.was = s.open
}

func openKey(a lineage.Access) string {
	sum := sha256.Sum256(encodeAccess(a))
	return openPrefix + hex.EncodeToString(sum[:16])
}

func encodeAccess(a lineage.Access) (e varint.Encoder) {
	e.Uint(positionsVersion)
	e.Uint(uint64(a.Op))
	e.Uint(uint64(a.Client.Mover.Kind))
	for _, text := range [...]string{a.Client.Mover.Scope, a.Client.Mover.Name, string(a.Topic.Cluster), a.Topic.Name, a.Dataset.Namespace, a.Dataset.Name} {
		e.String(text)
	}
	return e
}

func decodeAccess(d *varint.Decoder) (a lineage.Access) {
	a.Op, a.Client.Mover.Kind = lineage.Op(d.Uint()), lineage.NodeKind(d.Uint())
	a.Client.Mover.Scope, a.Client.Mover.Name = d.String(), d.String()
	a.Topic.Cluster, a.Topic.Name = lineage.ClusterID(d.String()), d.String()
	a.Dataset.Namespace, a.Dataset.Name = d.String(), d.String()
	if k := a.Client.Mover.Kind; a.Op != lineage.Read && a.Op != lineage.Write || k != lineage.JobNode && k != lineage.StreamJobNode {
		d.Fail()
	}
	return a
}

func (r *run) encode() (e varint.Encoder) {
	e.Uint(runsVersion)
	e.String(r.job.Namespace)
	e.String(r.job.Name)
	e.String(r.id)
	for _, t := range [...]time.Time{r.seen, r.ended, r.moved, r.whole, r.told} {
		e.Time(t)
	}
	e.Uint(uint64(r.last))
	e.Int(int64(r.every / time.Millisecond))
	e.Bool(r.typed)
	e.Bool(r.streams)
	e.Bool(r.fresh || len(r.waiting) > 0)
	e.String(r.integration)
	e.Uint(uint64(len(r.edges)))
	for _, x := range slices.SortedFunc(maps.Keys(r.edges), edge.compare) {
		e.Uint(uint64(x.op))
		e.String(x.dataset.Namespace)
		e.String(x.dataset.Name)
		e.Time(r.edges[x])
	}
	e.Time(r.first)
	e.Bool(r.began)
	e.Uint(uint64(r.end))
	e.Uint(uint64(len(r.said)))
	for _, name := range slices.Sorted(maps.Keys(r.said)) {
		e.String(name)
		e.Time(r.said[name].at)
		e.String(r.said[name].text)
	}
	r.encodeWays(&e)
	e.Time(r.runs)
	e.String(r.engineID)
	e.Bool(r.batch)
	e.Bool(r.streamed)
	return e
}

// Restore implements collector.Source.
func (s *source) Restore(ctx context.Context, sink collector.Sink) error {
	s.forget()
	s.tell.Restore()
	positions, err := sink.Positions(ctx, s.id())
	if err != nil {
		return fmt.Errorf("read positions of %s: %w", s.id(), err)
	}
	s.restoreFlows(positions)
	for _, key := range slices.Sorted(maps.Keys(positions)) {
		if key == roundKey || strings.HasPrefix(key, rhythm.Prefix) {
			continue
		}
		if err := s.restore(key, positions[key]); err != nil {
			s.tell.Leave(key, err)
			if key == underivedKey {
				s.forgetsDerived()
			}
			s.unsure = s.unsure || key == floorKey || strings.HasPrefix(key, columnsPrefix)
		}
	}
	s.was, s.heard = maps.Clone(s.open), len(positions) > 0
	return nil
}

// restoreFlows goes back to when flows moved last.
func (s *source) restoreFlows(positions map[string][]byte) {
	value, there := positions[roundKey]
	d := varint.Decoder{Left: value}
	d.Version(positionsVersion)
	round := d.Time()
	err := done(&d, value)
	switch {
	case err == nil:
		s.rhythm.Restore(positions, round, s.tell.Leave)
		return
	case there:
		s.tell.Leave(roundKey, err)
	}
	for key := range positions { // nobody knows of when they are
		if strings.HasPrefix(key, rhythm.Prefix) {
			s.tell.Leave(key, err)
		}
	}
}

// done reads a value's checksum, which stands at its end.
func done(d *varint.Decoder, value []byte) error {
	read := len(value) - len(d.Left)
	if sum := d.Uint(); uint32(sum) != crc32.ChecksumIEEE(value[:read]) || sum > 1<<32-1 {
		d.Fail()
	}
	return d.Done()
}

func (s *source) restore(key string, value []byte) error {
	d := varint.Decoder{Left: value}
	version := d.Versions(positionsVersion, runsVersion)
	var r *run
	var a lineage.Access
	var k *kept
	var w *ways
	var said *saidColumns
	var own *derived
	var topic string
	var at offsets
	var floor time.Time
	switch {
	case key == journalKey:
		s.number = d.Int()
	case strings.HasPrefix(key, columnsPrefix):
		said = decodeSaid(&d, version)
	case key == floorKey:
		floor = d.Time()
	case strings.HasPrefix(key, openPrefix):
		a = decodeAccess(&d)
	case strings.HasPrefix(key, runPrefix):
		r = decodeRun(&d, version)
	case strings.HasPrefix(key, keptPrefix):
		k = decodeKept(&d)
	case strings.HasPrefix(key, waysPrefix):
		w = decodeWays(&d, version)
	case strings.HasPrefix(key, derivedPrefix):
		own = decodeDerived(&d)
	case strings.HasPrefix(key, topicPrefix):
		topic, at = decodeOffsets(&d)
	}
	err := done(&d, value)
	switch {
	case r != nil && err == nil && r.key() == key:
		s.runs[r.runKey] = r
		s.edges += r.weight()
	case said != nil && err == nil:
		s.said[key] = *said
	case key == underivedKey && err == nil:
		s.underived = true
	case key == floorKey && err == nil:
		s.floor = floor
	case a.Op != lineage.OpNone && err == nil && openKey(a) == key:
		s.open[a] = true
	case k != nil && err == nil && keptKey(k.job()) == key:
		s.kept[k.job()] = k
	case w != nil && err == nil && waysKey(w.job) == key:
		s.ways[w.job] = w
	case own != nil && err == nil && derivedKey(own.Dataset) == key:
		s.derived[own.Dataset] = own
		s.edges += own.weight()
	case err == nil && topicPrefix+topic == key:
		s.offsets[topic] = at
	case err == nil && key != journalKey:
		return varint.ErrCut
	case err != nil && key == journalKey:
		s.number = 0
	}
	return err
}

func decodeRun(d *varint.Decoder, version uint64) *run {
	r := newRun(runKey{})
	r.job.Namespace, r.job.Name, r.id = d.String(), d.String(), d.String()
	for _, t := range [...]*time.Time{&r.seen, &r.ended, &r.moved, &r.whole, &r.told} {
		*t = d.Time()
	}
	r.last, r.every = runevent.Type(d.Uint()), time.Duration(d.Int())*time.Millisecond
	r.typed, r.streams, r.fresh, r.integration = d.Bool(), d.Bool(), d.Bool(), d.String()
	for range d.Count() {
		x := edge{op: lineage.Op(d.Uint()), dataset: runevent.Name{Namespace: d.String(), Name: d.String()}}
		at := d.Time()
		if x.op != lineage.Read && x.op != lineage.Write {
			d.Fail()
		}
		if d.Err() != nil {
			return nil
		}
		r.edges[x] = at
	}
	if version > 1 {
		r.first, r.began, r.end = d.Time(), d.Bool(), runevent.Type(d.Uint())
		for range d.Count() {
			name := d.String()
			r.said[name] = said{d.Time(), d.String()}
		}
	}
	if version > 2 {
		r.decodeWays(d)
	}
	if version > 3 {
		r.runs = d.Time()
	}
	if r.streamed = r.streams && !r.told.IsZero(); version > 4 {
		r.engineID, r.batch, r.streamed = d.String(), d.Bool(), d.Bool()
	}
	if d.Err() != nil {
		return nil
	}
	return r
}
