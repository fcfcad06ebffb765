package timeseries

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// replayer reads the whole log at the start. What a crash left of the last write is cut off; it was never acknowledged.
// Other damage costs the rest of its segment, since what comes later in it names, and differs from, what was before:
// all other segments are read, and what is lost is a span.
type replayer struct {
	log   *appendLog
	begin func(segment uint64)
	apply func(payload []byte, tables *replayTables) (replayedFrame, error)

	// newest is the newest round that was read.
	newest int64
	lost   []lostSpan
	open   *lostSpan  // a loss whose end is not known yet
	hurt   []*segment // that the loss is in: they are needed until its end is sealed
	// generation is the newest that a segment's header names.
	generation uint64
	// reset is set when the loss has rounds after it: the positions that came with lost rounds may be mixed with newer
	// ones then.
	reset bool
}

// replayedFrame is what a frame held.
type replayedFrame struct {
	minTick, maxTick int64 // of its rounds; 0 when it has none
	healed           bool  // it says that the losses before it were dealt with
}

// replay reads the segments that there are, in order; m says which there must be. begin is told of each before its
// frames are applied.
func (l *appendLog) replay(m manifest, begin func(segment uint64), apply func([]byte, *replayTables) (replayedFrame, error)) (*replayer, error) {
	r := &replayer{log: l, begin: begin, apply: apply, newest: m.sealed}
	names, err := os.ReadDir(l.dir)
	if err != nil {
		return nil, fmt.Errorf("read log: %w", err)
	}
	var all []*segment
	for _, n := range names {
		s := &segment{path: filepath.Join(l.dir, n.Name())}
		if _, err := fmt.Sscanf(n.Name(), "%020d.log", &s.number); err != nil || n.Name() != segmentName(s.number) {
			l.log.Warn("a file in the log's folder is not the store's, and is left alone", "path", s.path)
			continue
		}
		all = append(all, s)
	}
	slices.SortFunc(all, func(a, b *segment) int { return strings.Compare(a.path, b.path) })
	must := expected(m, all)
	l.next = max(m.next, 1)
	for i, s := range all {
		for len(must) > 0 && must[0] < s.number {
			r.lose(fmt.Sprintf("damaged: the log segment %d is gone", must[0]))
			must = must[1:]
		}
		if len(must) > 0 && must[0] == s.number {
			must = must[1:]
		}
		keep, err := r.segment(s, i == len(all)-1, slices.Contains(m.live, s.number))
		if err != nil {
			return nil, err
		}
		if keep {
			l.segments = append(l.segments, s)
			l.next = max(l.next, s.number+1)
			l.bytes.add(s.bytes)
		}
	}
	for _, n := range must {
		r.lose(fmt.Sprintf("damaged: the log segment %d is gone", n))
	}
	r.finish(all)
	return r, nil
}

// neverSaved reports whether the log is there from its first segment on, and each says that no state had been saved.
func (l *appendLog) neverSaved() bool {
	names, err := os.ReadDir(l.dir)
	if err != nil || len(names) == 0 || names[0].Name() != segmentName(1) {
		return false
	}
	for _, n := range names {
		var number uint64
		if _, err := fmt.Sscanf(n.Name(), "%020d.log", &number); err != nil {
			return false
		}
		f, err := os.Open(filepath.Join(l.dir, n.Name()))
		if err != nil {
			return false
		}
		b := make([]byte, headerBytes)
		_, err = f.ReadAt(b, 0)
		if err = errors.Join(err, f.Close()); err != nil || checkHeader(b, l.clock.step, number) != nil || binary.LittleEndian.Uint64(b[28:]) != 0 {
			return false
		}
	}
	return true
}

// expected returns the numbers of the segments that there must be: those that the state names, and all between its next
// one and the newest there is.
func expected(m manifest, all []*segment) []uint64 {
	out := slices.Clone(m.live)
	if len(all) > 0 {
		for n := max(m.next, 1); n <= all[len(all)-1].number; n++ {
			out = append(out, n)
		}
	}
	return out
}

// segment reads a segment; named: the state knows that it held rounds. It returns false when the segment was removed,
// because not even its header had been written.
func (r *replayer) segment(s *segment, last, named bool) (keep bool, err error) {
	l := r.log
	b, err := readAround(s.path)
	if err != nil {
		return false, fmt.Errorf("read log: %w", err)
	}
	switch err := checkHeader(b, l.clock.step, s.number); {
	case err == nil:
		r.generation = max(r.generation, binary.LittleEndian.Uint64(b[28:]))
	case !errors.Is(err, errCorrupt):
		return false, fmt.Errorf("log %s: %w", s.path, err)
	case last && !named && len(b) < headerBytes:
		l.leftover("a log segment without a header", s.path, 0, int64(len(b)))
		return false, l.files.remove(s.path)
	case len(b) < headerBytes:
		l.log.Error("a log segment is cut off in its header, and what it held is lost", "path", s.path, "bytes", len(b))
		r.damage(s, int64(len(b)), "it is cut off in its header")
		s.bytes = int64(len(b))
		return true, nil
	case errors.Is(err, errStranger):
		l.log.Error("a log segment is another's, and is not read", "path", s.path, "error", err)
		r.damage(s, 0, "it is another's")
		return true, nil
	default: // the name says which it is, and frames have checksums of their own
		l.log.Error("a log segment's header is damaged; its frames are read", "path", s.path, "error", err)
		s.damaged = true
	}
	r.begin(s.number)
	tables := &replayTables{}
	for s.bytes = min(headerBytes, int64(len(b))); int(s.bytes) < len(b); {
		at := b[s.bytes:]
		payload, err := readFrame(at)
		if err == nil {
			if err = r.frame(s, payload, tables); err == nil {
				s.bytes += frameBytes + int64(len(payload))
				continue
			}
			if !errors.Is(err, errCorrupt) {
				return false, fmt.Errorf("log %s: frame at offset %d: %w", s.path, s.bytes, err)
			}
		}
		if last && torn(at) && nextFrame(at[1:]) < 0 {
			l.leftover("a part of the last write, which was never acknowledged", s.path, s.bytes, int64(len(at)))
			l.cut(s)
			return true, nil
		}
		l.log.Error("a segment of the log is damaged; it is read as far as it can be, and so are the others", "path", s.path, "offset", s.bytes, "error", err)
		r.damage(s, s.bytes, err.Error())
		s.bytes = int64(len(b))
		return true, nil
	}
	return true, nil
}

// frame reads a frame that is whole.
func (r *replayer) frame(s *segment, payload []byte, tables *replayTables) error {
	f, err := r.apply(payload, tables)
	if err != nil {
		return err
	}
	if f.healed {
		r.until(r.newest + 1)
		r.open, r.reset = nil, false
	}
	if f.maxTick > 0 {
		r.close(f.minTick)
		if s.maxTick == 0 || f.minTick < s.minTick {
			s.minTick = f.minTick
		}
		s.maxTick, r.newest = max(s.maxTick, f.maxTick), max(r.newest, f.maxTick)
	}
	return nil
}

// damage notes that a segment cannot be read from an offset on.
func (r *replayer) damage(s *segment, offset int64, what string) {
	s.damaged, r.hurt = true, append(r.hurt, s)
	r.lose(fmt.Sprintf("damaged: a part of the log cannot be read (%s at %d: %s)", filepath.Base(s.path), offset, what))
}

// lose begins a loss after the newest round that was read. It ends with the next that is.
func (r *replayer) lose(reason string) {
	if r.open == nil {
		r.open = &lostSpan{a: max(r.newest-1, 0), reason: reason, damage: true}
	}
}

// close ends a loss at a round that was read after it.
func (r *replayer) close(tick int64) {
	if r.open == nil {
		return
	}
	r.open.b = max(tick, r.open.a+1)
	r.lost = append(r.lost, *r.open)
	r.until(r.open.b)
	r.open, r.reset = nil, true
}

// until says up to which round the damaged segments may reach.
func (r *replayer) until(tick int64) {
	for _, s := range r.hurt {
		s.maxTick = max(s.maxTick, tick)
	}
	r.hurt = nil
}

// finish ends a loss that nothing comes after: it lasted until the log was written to last, and no longer than a
// segment's span.
func (r *replayer) finish(all []*segment) {
	if r.open == nil {
		return
	}
	reset := r.reset
	end := r.open.a + 1 + int64(segmentSpan/r.log.clock.step)
	if len(all) > 0 {
		if info, err := os.Stat(all[len(all)-1].path); err == nil {
			end = min(end, r.log.clock.floor(info.ModTime()))
		}
	}
	r.close(max(end, r.open.a+2))
	r.reset = reset
}

func segmentName(number uint64) string { return fmt.Sprintf("%020d.log", number) }

// leftover notes what a crash left, and is removed: it costs nothing.
func (l *appendLog) leftover(what, path string, offset, bytes int64) {
	l.log.Info("a crash left what is removed now", "what", what, "path", path, "offset", offset, "bytes", bytes)
	l.leftovers = append(l.leftovers, fmt.Sprintf("%s: %s, %d bytes at %d", what, path, bytes, offset))
}

// cut removes what a crash left at a segment's end. Where that fails it is tried again before anything is written.
func (l *appendLog) cut(s *segment) {
	if err := l.files.truncate(s.path, s.bytes); err != nil {
		l.log.Warn("what a crash left at the end of the log cannot be cut off yet", "path", s.path, "error", err)
		l.uncut = s
	}
}

func checkHeader(b []byte, tick time.Duration, number uint64) error {
	if len(b) < headerBytes {
		return fmt.Errorf("%w: the header is cut off", errCorrupt)
	}
	body := b[:headerBytes-4]
	switch {
	case string(body[:8]) != logMagic:
		return fmt.Errorf("%w: it does not begin as a log segment does", errCorrupt)
	case binary.LittleEndian.Uint32(b[headerBytes-4:]) != crc32.Checksum(body, castagnoli):
		return fmt.Errorf("%w: the header's checksum does not match", errCorrupt)
	}
	if v := binary.LittleEndian.Uint16(body[8:]); v != logVersion && v != formatVersion {
		return fmt.Errorf("its version is %d, this program reads %d", v, logVersion)
	}
	if t := time.Duration(binary.LittleEndian.Uint64(body[12:])); t != tick {
		return fmt.Errorf("it was written with a tick of %s, not %s: use that interval, or another data folder", t, tick)
	}
	if n := binary.LittleEndian.Uint64(body[20:]); n != number {
		return fmt.Errorf("%w: it is segment %d under another's name", errStranger, n)
	}
	return nil
}

// readFrame returns the payload of the frame that b begins with.
func readFrame(b []byte) ([]byte, error) {
	if len(b) < frameBytes {
		return nil, fmt.Errorf("%w: the frame's header is cut off", errCorrupt)
	}
	if crc32.Checksum(b[:4], castagnoli) != binary.LittleEndian.Uint32(b[4:]) {
		return nil, fmt.Errorf("%w: the checksum of the frame's length does not match", errCorrupt)
	}
	n := binary.LittleEndian.Uint32(b)
	if n == 0 || n > maxFrame || int(n) > len(b)-frameBytes {
		return nil, fmt.Errorf("%w: the frame is cut off", errCorrupt)
	}
	payload := b[frameBytes : frameBytes+n]
	if crc32.Checksum(payload, castagnoli) != binary.LittleEndian.Uint32(b[8:]) {
		return nil, fmt.Errorf("%w: the frame's checksum does not match", errCorrupt)
	}
	return payload, nil
}

// nextFrame returns where in b the next whole frame begins, -1 when there is none.
func nextFrame(b []byte) int {
	for i := 0; i+frameBytes <= len(b); i++ {
		if n := binary.LittleEndian.Uint32(b[i:]); n > 0 && int(n) <= len(b)-i-frameBytes {
			if _, err := readFrame(b[i:]); err == nil {
				return i
			}
		}
	}
	return -1
}

// torn reports whether a frame that cannot be read is what a crash leaves: cut off, or zeros where a file grew before
// it was written.
func torn(b []byte) bool {
	if len(b) < frameBytes {
		return true
	}
	if crc32.Checksum(b[:4], castagnoli) == binary.LittleEndian.Uint32(b[4:]) {
		return int(binary.LittleEndian.Uint32(b)) > len(b)-frameBytes
	}
	return !slices.ContainsFunc(b, func(x byte) bool { return x != 0 })
}

// readAround reads a file. Where the disk cannot read a sector there are zeros, which no checksum matches.
func readAround(path string) ([]byte, error) {
	b, err := os.ReadFile(path)
	if !errors.Is(err, syscall.EIO) {
		return b, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	b = make([]byte, info.Size())
	for at := 0; at < len(b); at += sectorBytes {
		part := b[at:min(at+sectorBytes, len(b))]
		if _, err := f.ReadAt(part, int64(at)); err != nil {
			clear(part)
		}
	}
	return b, nil
}

// sectorBytes is how much a disk cannot read at once.
const sectorBytes = 4096
