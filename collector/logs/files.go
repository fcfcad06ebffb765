package logs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/brokerlog"
	"github.com/lineaged/lineaged/lineage"
)

const (
	// headBytes is of how many of its first bytes a file's print is: a line of a log has its time, to the millisecond.
	headBytes = 1 << 10
	tailBytes = 256
	chunk     = 128 << 10
	// mostFiles bounds the files that are followed, each of which is held open.
	mostFiles = 500
	// lookBack is how much of a file that was there before anything was followed is read: names are told by lines of
	// long ago, and movements are not.
	lookBack = 64 << 20
	// mostBehind is how late a file may be read. What would come later is passed, and said.
	mostBehind = 5 * time.Minute
	// goneFor is for how long a file that is gone may come back, compressed maybe, and mostGone how many there may be.
	goneFor  = 8 * 24 * time.Hour
	mostGone = 4 * mostFiles
)

// file is a file that is followed, or was read to its end. What it is called may change, and where it lies: it is known
// by its inode as long as its first bytes and those before the position are what they were, and by them alone where it
// was copied or compressed.
type file struct {
	id     int
	path   string
	at     inode
	packed bool
	done   bool  // of a compressed one: there is nothing more in it
	mid    bool  // the position is within a line that is dropped
	offset int64 // of the next line, in what it decompresses to
	size   int64 // of the compressed one
	head   print
	tail   print // of the bytes before offset

	f     *os.File // nil: not open
	u     *unpacked
	rest  []byte    // of a compressed one: what was decompressed and not read
	left  int64     // bytes that are not read, as of when it was looked at last; -1: not looked at since the start
	live  bool      // it was read to its end in the round before
	named bool      // a path leads to it in this round
	lost  time.Time // since when none does
	said  bool      // that something of it was lost
	dirty bool
	bad   error // why it could not be read in this round
}

// files is the input of files.
type files struct {
	globs []string
	disk  disk
	bytes int64 // what a second may read, about

	known  []*file
	first  bool // nothing was ever read: what is there is old
	unsure bool // how far some file was read is not known any more
	ids    int
	gone   []string
	notes  []string         // of this round, what was not read
	failed map[string]error // of files that are not known, why they could not be read in this round
	zone   time.Duration
	zoned  bool
	back   int64 // lookBack
}

func newFiles(globs []string, bytes int64) *files {
	return &files{globs: globs, bytes: bytes, back: lookBack}
}

// checkGlobs returns an error that names the first glob that can't be one.
func checkGlobs(globs []string) error {
	for _, g := range globs {
		if _, err := filepath.Match(g, ""); err != nil {
			return fmt.Errorf("%q is not a pattern of files", g)
		}
	}
	return nil
}

func (x *files) close() {
	for _, f := range x.known {
		f.close()
	}
}

func (f *file) close() {
	if f.f != nil {
		_ = f.f.Close() // it was read only
	}
	f.f, f.u, f.rest = nil, nil, nil
}

// restore implements input.
func (x *files) restore(positions map[string][]byte, first bool, leave func(key string, err error)) {
	x.close()
	x.known, x.first, x.unsure, x.gone = nil, first, false, nil
	for key, value := range positions {
		n, is := strings.CutPrefix(key, filePrefix)
		if !is {
			continue
		}
		id, err := strconv.Atoi(n)
		x.ids = max(x.ids, id)
		var f *file
		if err == nil {
			f, err = decodeFile(value)
		}
		if err != nil {
			leave(key, err)
			x.unsure = true
			continue
		}
		f.id, f.left = id, -1
		x.known = append(x.known, f)
	}
	slices.SortFunc(x.known, func(a, b *file) int { return cmp.Compare(a.id, b.id) })
}

// save implements input.
func (x *files) save() (all []lineage.Position) {
	for _, key := range x.gone {
		all = append(all, lineage.Position{Key: key})
	}
	x.gone = nil
	for _, f := range x.known {
		if f.dirty {
			all = append(all, lineage.Position{Key: fileKey(f.id), Value: f.encode()})
			f.dirty = false
		}
	}
	return all
}

// read implements input.
func (x *files) read(ctx context.Context, round time.Time, b *budget, each func([]byte, when)) (r result) {
	all, empty, more, err := x.disk.find(ctx, x.globs, mostFiles)
	switch {
	case err != nil:
		r.err = err
	case len(all) == 0 && len(empty) > 0:
		r.err = fmt.Errorf("there is no file %s", collector.Some(empty))
	}
	if r.err != nil && !errors.Is(r.err, errHung) {
		all = nil // what is open may have a rest
	} else if r.err != nil {
		return r
	}
	if more > 0 {
		r.spots = append(r.spots, lineage.BlindSpot{
			What:   fmt.Sprintf("what %d of the files of the brokers' logs hold: no more than %d are followed", more, mostFiles),
			Remedy: "name fewer files",
		})
	}
	for _, glob := range empty {
		if len(all) > 0 {
			r.missing = append(r.missing, "there is no file "+glob)
		}
	}
	x.failed, x.notes = map[string]error{}, nil
	if err := x.identify(ctx, all); err != nil {
		return result{err: err, spots: r.spots}
	}
	x.readAll(ctx, b, each)
	x.judge(round, &r, len(all))
	if r.err == nil {
		x.first, x.unsure = false, false
	}
	return r
}

// readAll reads what is new in each file, each its share.
func (x *files) readAll(ctx context.Context, b *budget, each func([]byte, when)) {
	var open []*file
	for _, f := range x.known {
		if f.f != nil && !f.done {
			open = append(open, f)
		}
	}
	for i, f := range open {
		share := &budget{left: b.left / (len(open) - i)}
		had := share.left
		if f.packed {
			f.bad = x.readPacked(ctx, f, share, each)
		} else {
			f.bad = x.readPlain(ctx, f, share, each)
		}
		b.left -= had - share.left
	}
}

// judge says what could not be read, and lets go of what is gone.
func (x *files) judge(round time.Time, r *result, named int) {
	var left int64
	r.missing = append(r.missing, x.notes...)
	kept := x.known[:0]
	for _, f := range x.known {
		if f.bad != nil {
			x.failed[f.path] = f.bad
		}
		if f.age(round); f.f == nil && !f.named && !f.done && !f.said && f.left != 0 && f.lost.Before(round) {
			f.said = true
			r.missing = append(r.missing, f.path+" is gone, and what was written to it last was not read")
		}
		if !f.lost.IsZero() && (round.Sub(f.lost) >= goneFor || len(kept) >= mostGone) {
			f.close()
			x.gone = append(x.gone, fileKey(f.id))
			continue
		}
		if f.f != nil {
			left += max(f.left, 0)
		}
		kept = append(kept, f)
	}
	x.known = kept
	failed := slices.Sorted(maps.Keys(x.failed))
	switch {
	case len(failed) == 0:
	case len(failed) >= named && r.err == nil:
		r.err = fmt.Errorf("%s: %w", collector.Some(failed), x.failed[failed[0]])
	default:
		r.missing = append(r.missing, fmt.Sprintf("%s: %v", collector.Some(failed), x.failed[failed[0]]))
	}
	if left > tooLate {
		r.missing = append(r.missing, fmt.Sprintf("the logs are read late: %d bytes of them wait", left))
	}
	if len(r.missing) > 0 {
		r.share = min(1, float64(len(failed)+1)/float64(max(named, 1)+1))
	}
}

// tooLate is how many bytes may be left for the next round and nothing is said: a line that is being written.
const tooLate = 2 * brokerlog.MaxLine

// age notes since when no path leads to a file.
func (f *file) age(round time.Time) {
	switch {
	case f.named:
		f.lost = time.Time{}
	case f.lost.IsZero():
		f.lost = round
	}
}
