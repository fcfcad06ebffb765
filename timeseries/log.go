package timeseries

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	logMagic   = "lineglog"
	logVersion = 1
	// headerBytes is a segment's header: magic, version, two zero bytes, tick, number, checksum.
	headerBytes = 8 + 2 + 2 + 8 + 8 + 4
	// frameBytes is a frame's header: length, checksum of the length, checksum of the payload.
	frameBytes = 4 + 4 + 4
	// maxFrame bounds a frame, so that a damaged length does not ask for all memory.
	maxFrame = 1 << 30
	// segmentBytes and segmentTicks are when a segment is full. A segment goes as a whole, so it should not span much more than what is sealed at once.
	segmentBytes = 64 << 20
	segmentSpan  = 15 * time.Minute
)

// appendLog is the journal on disk: segments of checksummed frames, one fsync a group. Its methods need the commit lock, except size and free.
type appendLog struct {
	dir      string
	clock    clock
	log      *slog.Logger
	minFree  int64
	ready    func() error                                  // called before writing, when there is room
	space    func() (int64, error)                         // free bytes
	output   func(f *os.File, b []byte) (n int, err error) // f.Write; tests make it fail
	segments []*segment                                    // closed ones, by number
	current  *segment                                      // nil: the next write starts one
	file     *os.File
	tables   logTables
	next     uint64 // number of the next segment
	buffer   []byte
	bytes    counter
	broken   error // set when the log's end is not known any more: only a new start can tell
}

type segment struct {
	number uint64
	path   string
	bytes  int64
	// minTick and maxTick are the oldest and the newest round in it; maxTick is 0 when there is none.
	minTick, maxTick int64
}

// logTables is how many accesses and sources the current segment has defined.
type logTables struct {
	accesses, sources uint32
	said
}

func (l *appendLog) room() error {
	free, err := l.space()
	if err != nil {
		return fmt.Errorf("look up free space: %w", err)
	}
	if free < l.minFree {
		return fmt.Errorf("%w: %d bytes are free in %s, %d have to be", ErrNoSpace, free, l.dir, l.minFree)
	}
	if l.ready != nil {
		return l.ready()
	}
	return nil
}

func (l *appendLog) write(group []*commit) error {
	if l.broken != nil {
		return fmt.Errorf("write log: an earlier failure has to be cleared by a restart: %w", l.broken)
	}
	if s := l.current; s != nil && (s.bytes >= segmentBytes || s.maxTick-s.minTick >= int64(segmentSpan/l.clock.step)) {
		if _, err := l.rotate(); err != nil {
			return err
		}
	}
	if l.current == nil {
		if err := l.start(); err != nil {
			return fmt.Errorf("start log segment %d: %w", l.next, noSpace(err))
		}
	}
	w := writer{b: append(l.buffer[:0], make([]byte, frameBytes)...)}
	minTick, maxTick := l.current.minTick, l.current.maxTick
	for _, c := range group {
		l.encode(&w, c)
		for _, r := range c.records {
			if maxTick == 0 {
				minTick = r.round.tick
			}
			minTick, maxTick = min(minTick, r.round.tick), max(maxTick, r.round.tick)
		}
	}
	l.buffer = w.b
	if len(w.b) > maxFrame {
		l.abandon()
		return fmt.Errorf("write log: %d bytes at once are too many", len(w.b))
	}
	payload := w.b[frameBytes:]
	binary.LittleEndian.PutUint32(w.b, uint32(len(payload)))
	binary.LittleEndian.PutUint32(w.b[4:], crc32.Checksum(w.b[:4], castagnoli))
	binary.LittleEndian.PutUint32(w.b[8:], crc32.Checksum(payload, castagnoli))
	_, err := l.output(l.file, w.b)
	if err == nil {
		err = l.file.Sync()
	}
	if err != nil {
		err = fmt.Errorf("write log %s: %w", l.current.path, noSpace(err))
		return errors.Join(err, l.undo())
	}
	l.current.bytes += int64(len(w.b))
	l.bytes.add(int64(len(w.b)))
	l.current.minTick, l.current.maxTick = minTick, maxTick
	return nil
}

// noSpace makes the system's "no space left" one of ours.
func noSpace(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: %w", ErrNoSpace, err)
	}
	return err
}

// undo takes back a frame that may be there in part. The segment defined accesses that are not in it now, so it is closed.
func (l *appendLog) undo() error {
	err := l.file.Truncate(l.current.bytes)
	if err == nil {
		err = l.file.Sync()
	}
	if err != nil {
		// The frame's bytes may still be there. Nothing may come after them, so that the next start finds them at the end of the log.
		err = fmt.Errorf("take back a frame of %s: %w", l.current.path, err)
		l.broken = err
	}
	l.abandon()
	return err
}

// abandon closes the current segment without a word.
func (l *appendLog) abandon() {
	if l.current == nil {
		return
	}
	if err := l.file.Close(); err != nil {
		l.log.Warn("closing a log segment", "path", l.current.path, "error", err)
	}
	l.segments = append(l.segments, l.current)
	l.current, l.file = nil, nil
}

func (l *appendLog) rotate() (uint64, error) {
	if l.current != nil {
		err := l.file.Close()
		l.segments = append(l.segments, l.current)
		l.current, l.file = nil, nil
		if err != nil {
			return 0, fmt.Errorf("close log segment: %w", err)
		}
	}
	return l.next, nil
}

// start makes a segment, and makes its name durable.
func (l *appendLog) start() error {
	s := &segment{number: l.next, path: filepath.Join(l.dir, fmt.Sprintf("%020d.log", l.next)), bytes: headerBytes}
	f, err := os.OpenFile(s.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if _, err = l.output(f, segmentHeader(l.clock.step, s.number)); err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = syncDir(l.dir)
	}
	if err != nil {
		return errors.Join(err, f.Close(), os.Remove(s.path))
	}
	l.current, l.file, l.tables = s, f, logTables{}
	l.next++
	l.bytes.add(headerBytes)
	return nil
}

func segmentHeader(tick time.Duration, number uint64) []byte {
	b := append(make([]byte, 0, headerBytes), logMagic...)
	b = binary.LittleEndian.AppendUint16(b, logVersion)
	b = binary.LittleEndian.AppendUint16(b, 0)
	b = binary.LittleEndian.AppendUint64(b, uint64(tick))
	b = binary.LittleEndian.AppendUint64(b, number)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

func (l *appendLog) drop(before uint64, tick int64) error {
	var kept []*segment
	for i, s := range l.segments {
		if s.number >= before || s.maxTick > tick {
			kept = append(kept, s)
			continue
		}
		if err := os.Remove(s.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			l.segments = append(kept, l.segments[i:]...)
			return fmt.Errorf("drop log segment: %w", err)
		}
		l.bytes.add(-s.bytes)
	}
	l.segments = kept
	return nil
}

func (l *appendLog) size() int64 { return l.bytes.get() }

func (l *appendLog) free() int64 {
	free, err := l.space()
	if err != nil {
		return -1
	}
	return free
}

func (l *appendLog) close() error {
	_, err := l.rotate()
	return err
}

// replay reads all segments in order. What a crash left of the last write is cut off; it was never acknowledged. Any other damage is an error that names file
// and offset.
func (l *appendLog) replay(apply func(payload []byte, tables *replayTables) (minTick, maxTick int64, err error)) error {
	names, err := os.ReadDir(l.dir)
	if err != nil {
		return fmt.Errorf("read log: %w", err)
	}
	for _, n := range names {
		if !strings.HasSuffix(n.Name(), ".log") {
			continue
		}
		s := &segment{path: filepath.Join(l.dir, n.Name())}
		if _, err := fmt.Sscanf(n.Name(), "%020d.log", &s.number); err != nil {
			return fmt.Errorf("log %s: the name has no number: %w", s.path, err)
		}
		l.segments = append(l.segments, s)
	}
	slices.SortFunc(l.segments, func(a, b *segment) int { return strings.Compare(a.path, b.path) })
	for i, s := range l.segments {
		l.next = max(l.next, s.number+1)
		last := i == len(l.segments)-1
		keep, err := l.replaySegment(s, last, apply)
		if err != nil {
			return err
		}
		if !keep {
			l.segments = l.segments[:i]
		}
		l.bytes.add(s.bytes)
	}
	return nil
}

// replaySegment returns false when the segment was removed, because not even its header had been written.
func (l *appendLog) replaySegment(s *segment, last bool, apply func([]byte, *replayTables) (int64, int64, error)) (keep bool, err error) {
	b, err := os.ReadFile(s.path)
	if err != nil {
		return false, fmt.Errorf("read log: %w", err)
	}
	if err := checkHeader(b, l.clock.step, s.number); err != nil {
		if last && len(b) < headerBytes {
			l.log.Warn("removing a log segment that a crash left without a header", "path", s.path)
			return false, os.Remove(s.path)
		}
		return false, fmt.Errorf("log %s: %w", s.path, err)
	}
	s.bytes = headerBytes
	tables := &replayTables{}
	for int(s.bytes) < len(b) {
		at := b[s.bytes:]
		payload, err := readFrame(at)
		if err != nil {
			if !last || holdsFrame(at[1:]) {
				return false, fmt.Errorf("log %s: frame at offset %d: %w", s.path, s.bytes, err)
			}
			l.log.Warn("cutting off what a crash left of the last write", "path", s.path, "offset", s.bytes, "bytes", len(at))
			return true, truncate(s.path, s.bytes)
		}
		lo, hi, err := apply(payload, tables)
		if err != nil {
			return false, fmt.Errorf("log %s: frame at offset %d: %w", s.path, s.bytes, err)
		}
		if hi > 0 && (s.maxTick == 0 || lo < s.minTick) {
			s.minTick = lo
		}
		s.maxTick = max(s.maxTick, hi)
		s.bytes += frameBytes + int64(len(payload))
	}
	return true, nil
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
	if v := binary.LittleEndian.Uint16(body[8:]); v != logVersion {
		return fmt.Errorf("its version is %d, this program reads %d", v, logVersion)
	}
	if t := time.Duration(binary.LittleEndian.Uint64(body[12:])); t != tick {
		return fmt.Errorf("it was written with a tick of %s, not %s: use that interval, or another data folder", t, tick)
	}
	if n := binary.LittleEndian.Uint64(body[20:]); n != number {
		return fmt.Errorf("%w: it is segment %d under another's name", errCorrupt, n)
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

// holdsFrame reports whether a whole frame lies anywhere in b: then what is damaged before it is not a torn tail.
func holdsFrame(b []byte) bool {
	for i := 0; i+frameBytes <= len(b); i++ {
		if n := binary.LittleEndian.Uint32(b[i:]); n > 0 && int(n) <= len(b)-i-frameBytes {
			if _, err := readFrame(b[i:]); err == nil {
				return true
			}
		}
	}
	return false
}

func truncate(path string, size int64) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("cut off a torn frame: %w", err)
	}
	if err = f.Truncate(size); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("cut off a torn frame: %w", err)
	}
	return nil
}

// syncDir makes names in a folder durable.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
