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
	"time"
)

const (
	logMagic = "lineglog"
	// logVersion is that of the segments that are written; those of formatVersion, in which samples stand one by one,
	// are read.
	logVersion = 3
	// headerBytes is a segment's header: magic, version, two zero bytes, tick, number, generation of the state,
	// checksum.
	headerBytes = 8 + 2 + 2 + 8 + 8 + 8 + 4
	// frameBytes is a frame's header: length, checksum of the length, checksum of the payload.
	frameBytes = 4 + 4 + 4
	// maxFrame bounds a frame, so that a damaged length does not ask for all memory.
	maxFrame = 1 << 30
	// segmentBytes and segmentTicks are when a segment is full. A segment goes as a whole, so it should not span much
	// more than what is sealed at once.
	segmentBytes = 64 << 20
	segmentSpan  = 15 * time.Minute
)

// appendLog is the journal on disk: segments of checksummed frames, one fsync a group. Its methods need the commit
// lock, except size and free.
type appendLog struct {
	dir      string
	clock    clock
	log      *slog.Logger
	minFree  int64
	space    func() (int64, error) // free bytes
	files    files
	segments []*segment // closed ones, by number
	current  *segment   // nil: the next write starts one
	file     *os.File
	tables   logTables
	next     uint64 // number of the next segment
	buffer   []byte
	bytes    counter
	// What the samples of a record are made in.
	numbers []uint32
	values  []byte
	// generation is that of the newest saved state.
	generation uint64
	aside      string   // folder of the quarantine
	uncut      *segment // has what a crash or a failed write left at its end: that goes before anything is written
	lock       *os.File // in the data folder; its place tells whether the folder is still there
	leftovers  []string // of a crash, found at opening
}

type segment struct {
	number uint64
	path   string
	bytes  int64
	// minTick and maxTick are the oldest and the newest round in it; maxTick is 0 when there is none.
	minTick, maxTick int64
	damaged          bool // a part of it cannot be read: it is set aside and not removed when it is not needed any more
}

// logTables is how many accesses and sources the current segment has defined.
type logTables struct {
	accesses, sources uint32
	series            []loggedSeries
	said
}

func (l *appendLog) room() error {
	if err := l.there(); err != nil {
		return err
	}
	free, err := l.space()
	if err != nil {
		return fmt.Errorf("look up free space: %w", err)
	}
	if free < l.minFree {
		return fmt.Errorf("%w: %d bytes are free in %s, %d have to be", ErrNoSpace, free, l.dir, l.minFree)
	}
	return nil
}

// there returns ErrGone when the data folder is not the one that was opened any more: what is written into files
// without a name is lost.
func (l *appendLog) there() error {
	if l.lock == nil {
		return nil
	}
	for path, is := range map[string]func(os.FileInfo) bool{
		l.lock.Name(): func(now os.FileInfo) bool {
			info, err := l.lock.Stat()
			return err == nil && os.SameFile(info, now)
		},
		l.dir: os.FileInfo.IsDir,
	} {
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) || err == nil && !is(info) {
			return fmt.Errorf("%w: %s is not there any more", ErrGone, path)
		}
		if err != nil {
			return fmt.Errorf("look up the data folder: %w", err)
		}
	}
	if s := l.current; s != nil {
		if _, err := os.Stat(s.path); errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%w: %s is not there any more", ErrGone, s.path)
		}
	}
	return nil
}

func (l *appendLog) write(group []*commit) error {
	if s := l.current; s != nil && (s.bytes >= segmentBytes || s.maxTick-s.minTick >= int64(segmentSpan/l.clock.step)) {
		if _, err := l.rotate(); err != nil {
			return err
		}
	}
	if s := l.uncut; s != nil {
		if err := l.files.truncate(s.path, s.bytes); err != nil {
			return fmt.Errorf("cut off what is left of a write to %s: %w", s.path, noSpace(err))
		}
		l.uncut = nil
	}
	if l.current == nil {
		number := l.next
		if err := l.start(); err != nil {
			return fmt.Errorf("start log segment %d: %w", number, noSpace(err))
		}
	}
	w := writer{b: append(l.buffer[:0], make([]byte, frameBytes)...)}
	minTick, maxTick := l.current.minTick, l.current.maxTick
	l.tables.differ.grown = 0
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
	sealFrame(w.b)
	err := l.files.write(l.file, w.b)
	if err == nil {
		err = l.files.sync(l.file)
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

// sealFrame fills the header of a frame whose payload follows it.
func sealFrame(b []byte) {
	payload := b[frameBytes:]
	binary.LittleEndian.PutUint32(b, uint32(len(payload)))
	binary.LittleEndian.PutUint32(b[4:], crc32.Checksum(b[:4], castagnoli))
	binary.LittleEndian.PutUint32(b[8:], crc32.Checksum(payload, castagnoli))
}

// undo takes back a frame that may be there in part. The segment defined accesses that are not in it now, so it is
// closed.
func (l *appendLog) undo() error {
	err := l.files.truncate(l.current.path, l.current.bytes)
	if err != nil {
		// The frame's bytes may still be there. Nothing may come after them, so that the next start finds them at the
		// end of the log.
		err = fmt.Errorf("take back a frame of %s: %w", l.current.path, err)
		l.uncut = l.current
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
	s := &segment{number: l.next, path: filepath.Join(l.dir, segmentName(l.next)), bytes: headerBytes}
	f, err := l.files.create(s.path, os.O_EXCL)
	if err != nil {
		return err
	}
	if err = l.files.write(f, segmentHeader(l.clock.step, s.number, l.generation)); err == nil {
		err = l.files.sync(f)
	}
	if err == nil {
		err = l.files.syncDir(l.dir)
	}
	if err != nil {
		err = errors.Join(err, f.Close(), l.files.remove(s.path))
		if _, gone := os.Lstat(s.path); !errors.Is(gone, fs.ErrNotExist) {
			// It stays, and its name with it: it is an empty segment, and is discarded with those before.
			s.bytes = 0
			l.segments = append(l.segments, s)
			l.next++
		}
		return err
	}
	l.current, l.file, l.tables = s, f, logTables{}
	l.next++
	l.bytes.add(headerBytes)
	return nil
}

func segmentHeader(tick time.Duration, number, generation uint64) []byte {
	b := append(make([]byte, 0, headerBytes), logMagic...)
	b = binary.LittleEndian.AppendUint16(b, logVersion)
	b = binary.LittleEndian.AppendUint16(b, 0)
	b = binary.LittleEndian.AppendUint64(b, uint64(tick))
	b = binary.LittleEndian.AppendUint64(b, number)
	b = binary.LittleEndian.AppendUint64(b, generation)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

func (l *appendLog) live(before uint64, tick int64) (out []uint64) {
	for _, s := range l.segments {
		if s.number < before && s.maxTick > tick {
			out = append(out, s.number)
		}
	}
	return out
}

func (l *appendLog) saved(generation, before uint64, tick int64) error {
	l.generation = generation
	var kept []*segment
	for i, s := range l.segments {
		if s.number >= before || s.maxTick > tick {
			kept = append(kept, s)
			continue
		}
		if err := l.discard(s); err != nil {
			l.segments = append(kept, l.segments[i:]...)
			return fmt.Errorf("drop log segment: %w", err)
		}
		l.bytes.add(-s.bytes)
	}
	l.segments = kept
	return nil
}

func (l *appendLog) discard(s *segment) error {
	if s.damaged {
		return setAside(l.files, l.aside, s.path)
	}
	return l.files.remove(s.path)
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
