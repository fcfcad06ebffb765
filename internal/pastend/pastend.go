// Package pastend keeps where a partition's log ended in the past, which tells how late a reader is that stands at an
// offset.
//
// It is pure bookkeeping, bounded in memory and not safe for concurrent use.
package pastend

import (
	"sort"
	"time"
)

// History is the past of one partition's end offset. It keeps what is recent finely and what is old coarsely. The zero
// value is empty.
type History struct {
	points []endPoint // by time, offsets rising
}

type endPoint struct {
	atMs   int64
	offset int64
}

// Most bounds a history's memory: 128 points are 2 KiB a partition that moves. With a 10 s tick the newer half is about
// ten minutes at full resolution, and every halving doubles what the older half spans. Where there are many of them a
// Budget bounds them together.
const Most = 128

// pointBytes is what a point takes.
const pointBytes = 16

// Add notes that the end was at offset at the instant. An unchanged end extends the last point, so that the point tells
// the last instant at which the end was there.
func (h *History) Add(at time.Time, offset int64) { h.add(at, offset, Most) }

// add is Add with room for so many points, at least four.
func (h *History) add(at time.Time, offset int64, most int) {
	ms := at.UnixMilli()
	n := len(h.points)
	if n > 0 && offset < h.points[n-1].offset { // truncated: what was before says nothing of the new log
		h.points, n = h.points[:0], 0
	}
	if n >= 2 && h.points[n-1].offset == offset && h.points[n-2].offset == offset {
		h.points[n-1].atMs = ms
		return
	}
	if n >= most {
		h.shorten(most - 1)
		n = len(h.points)
	}
	if n == cap(h.points) { // no further than it may ever grow
		h.points = append(make([]endPoint, 0, min(max(2*n, 2), most)), h.points...)
	}
	h.points = append(h.points, endPoint{ms, offset})
}

// shorten thins until so many points are left at most.
func (h *History) shorten(most int) {
	for len(h.points) > most {
		h.thin()
	}
}

// Bytes is what the history takes.
func (h *History) Bytes() int { return pointBytes * cap(h.points) }

// thin drops every second point of the older half.
func (h *History) thin() {
	half := len(h.points) / 2
	kept := h.points[:0]
	for i, p := range h.points {
		if i >= half || i%2 == 0 {
			kept = append(kept, p)
		}
	}
	h.points = kept
}

// Age returns how long before now the end was at offset, by a straight line between two readings. atLeast is true when
// the history does not reach back that far: the age is then a lower bound.
func (h *History) Age(now time.Time, offset int64) (age time.Duration, atLeast bool) {
	if len(h.points) == 0 {
		return 0, true
	}
	// The first point beyond offset: the record at offset was appended between it and its predecessor.
	i := sort.Search(len(h.points), func(i int) bool { return h.points[i].offset > offset })
	nowMs := now.UnixMilli()
	switch i {
	case len(h.points):
		return 0, false
	case 0:
		return msDuration(nowMs - h.points[0].atMs), true
	}
	a, b := h.points[i-1], h.points[i]
	at := a.atMs
	if b.offset > a.offset {
		at += int64(float64(b.atMs-a.atMs) * float64(offset-a.offset) / float64(b.offset-a.offset))
	}
	return msDuration(nowMs - at), false
}

// At returns the end at or before the instant; ok is false when the history does not reach back that far.
func (h *History) At(at time.Time) (offset int64, ok bool) {
	ms := at.UnixMilli()
	i := sort.Search(len(h.points), func(i int) bool { return h.points[i].atMs > ms })
	if i == 0 {
		return 0, false
	}
	return h.points[i-1].offset, true
}

// Oldest returns the first end that is known, if it was read before the instant.
func (h *History) Oldest(before time.Time) (offset int64, ok bool) {
	if len(h.points) == 0 || h.points[0].atMs >= before.UnixMilli() {
		return 0, false
	}
	return h.points[0].offset, true
}

func msDuration(ms int64) time.Duration { return time.Duration(max(ms, 0)) * time.Millisecond }
