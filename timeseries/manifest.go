package timeseries

import (
	"time"
)

// encodeManifest needs mu. next is the first log segment that is needed wholly, live the ones before it that are still
// needed.
func (e *engine) encodeManifest(generation uint64, parts int, next uint64, live []uint64) []byte {
	var w writer
	w.uint(uint64(e.step))
	w.uint(generation)
	w.uint(uint64(parts))
	w.uint(next)
	w.uint(uint64(len(live)))
	for _, n := range live {
		w.uint(n)
	}
	w.uint(uint64(len(e.dead)))
	for _, d := range e.dead {
		w.uint(uint64(d.number))
	}
	w.uint(uint64(e.sealed))
	for _, t := range e.tiers {
		w.uint(uint64(t.sealed))
		w.uint(uint64(t.floor))
		w.uint(uint64(len(t.blocks)))
		for _, b := range t.blocks {
			m := b.meta
			w.uint(b.file().word())
			w.tickOrNever(m.roundMin)
			w.tickOrNever(m.sampleMin)
			for _, n := range [...]int{m.series, m.slabs, m.marks, m.events} {
				w.uint(uint64(n))
			}
			w.instant(m.eventMin)
			w.instant(m.eventMax)
		}
	}
	return w.b
}

// tickOrNever writes a tick that may be below zero, or never.
func (w *writer) tickOrNever(t int64) {
	w.bool(t != never)
	if t != never {
		w.int(t)
	}
}

func (r *reader) tickOrNever() int64 {
	if r.bool() {
		return r.int()
	}
	return never
}

// manifest is what decodeManifest reads.
type manifest struct {
	tick       time.Duration
	generation uint64
	parts      int
	next       uint64   // the first log segment that is needed wholly
	live       []uint64 // segments before it that are needed
	dead       []int64  // files of silent subjects
	sealed     int64
	tiers      [tiers]tier
}

func decodeManifest(content []byte) (manifest, error) {
	r := reader{b: content}
	m := manifest{tick: time.Duration(r.tick()), generation: r.uint(), parts: int(r.span()), next: r.uint()}
	for range r.count(1) {
		m.live = append(m.live, r.uint())
	}
	for range r.count(1) {
		m.dead = append(m.dead, r.tick())
	}
	m.sealed = r.tick()
	if _, err := (Options{Tick: m.tick}).withDefaults(); r.err == nil && (err != nil || m.tick == 0) {
		r.fail("the tick cannot be")
	}
	if r.err != nil {
		return m, r.err
	}
	c := newClock(m.tick)
	for i := range m.tiers {
		t := &m.tiers[i]
		t.sealed, t.floor = r.tick(), r.tick()
		for range r.count(10) {
			file := fileOf(byte(i), r.uint())
			b := &block{tier: i, revision: file.revision}
			b.meta.start = file.number
			b.meta.end = b.meta.start + c.blockTicks[i]
			b.meta.roundMin, b.meta.sampleMin = r.tickOrNever(), r.tickOrNever()
			for _, n := range [...]*int{&b.meta.series, &b.meta.slabs, &b.meta.marks, &b.meta.events} {
				*n = int(r.span())
			}
			b.meta.eventMin, b.meta.eventMax = r.instant(), r.instant()
			t.blocks = append(t.blocks, b)
		}
	}
	return m, r.end()
}
