package timeseries

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math"
	"slices"
)

// Who was put away and comes back is found by the sum of its access. The sums stand in the files of silent subjects,
// and a roster says in which of these files one may be: sums in order, each with its file, in pages. So memory holds
// the first sum of each page, and who is new costs a filter of a page in each roster, however many ever went. There are
// few rosters, since each is at least twice as large as all that are smaller together (see mergeRosters).
//
// A roster is derived. Where one is damaged or gone, or of a folder that was restored, the sums of its files are in
// memory until another is written; what it says of files that are gone is passed over.

// recentSums is how many sums are in memory before a roster is made of them: a quarter of a megabyte.
const recentSums = 1 << 16

// rosterPageSums is how many sums share a page, of some 3 bytes each.
const rosterPageSums = 4096

// roster is what memory holds of one.
type roster struct {
	number int64
	files  []rosterFile // whose sums it has, by number
	first  []uint32     // the first sum of each page
	sums   int
	// filtered is whether its pages have filters; those of before have none, and are made anew.
	filtered bool
}

// rosterFile is a file of silent subjects. Its mark tells it from another that had its number before a crash.
type rosterFile struct {
	number int64
	mark   uint32
}

func (r *roster) file() fileID { return fileID{kind: rosterKind, number: r.number} }

// has reports whether it has the sums of a file.
func (r *roster) has(f rosterFile) bool {
	_, ok := slices.BinarySearchFunc(r.files, f, compareRosterFiles)
	return ok
}

func compareRosterFiles(a, b rosterFile) int {
	return cmp.Or(cmp.Compare(a.number, b.number), cmp.Compare(a.mark, b.mark))
}

// rosterEntry is a sum and which of the roster's files has it.
type rosterEntry struct{ sum, file uint32 }

// markOf returns the mark of a file with sums.
func markOf(sums []uint32) uint32 {
	b := make([]byte, 0, 4*len(sums))
	for _, s := range sums {
		b = binary.LittleEndian.AppendUint32(b, s)
	}
	return crc32.Checksum(b, castagnoli)
}

func encodeSums(sums []uint32) []byte {
	var w writer
	w.uint(uint64(len(sums)))
	for _, s := range sums {
		w.b = binary.LittleEndian.AppendUint32(w.b, s)
	}
	return w.b
}

func decodeSums(content []byte) ([]uint32, error) {
	r := reader{b: content}
	out := make([]uint32, r.count(4))
	for i := range out {
		out[i] = r.u32()
	}
	return out, r.end()
}

func (r *reader) u32() uint32 {
	if b := r.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func encodeRosterHead(x *roster) []byte {
	var w writer
	w.uint(uint64(x.sums))
	w.uint(uint64(len(x.files)))
	before := int64(0)
	for _, f := range x.files {
		w.uint(uint64(f.number - before))
		w.b = binary.LittleEndian.AppendUint32(w.b, f.mark)
		before = f.number
	}
	w.uint(uint64(len(x.first)))
	for _, s := range x.first {
		w.b = binary.LittleEndian.AppendUint32(w.b, s)
	}
	return w.b
}

func decodeRosterHead(number int64, content []byte) (*roster, error) {
	r := reader{b: content}
	x := &roster{number: number, sums: int(r.span())}
	x.files = make([]rosterFile, r.count(5))
	at := int64(0)
	for i := range x.files {
		at += r.tick()
		x.files[i] = rosterFile{at, r.u32()}
	}
	x.first = make([]uint32, r.count(4))
	for i := range x.first {
		x.first[i] = r.u32()
	}
	if !slices.IsSorted(x.first) || !slices.IsSortedFunc(x.files, compareRosterFiles) {
		r.fail("a roster is not in order")
	}
	return x, r.end()
}

func encodeRosterPage(all []rosterEntry) []byte {
	var w writer
	w.uint(uint64(len(all)))
	before := uint32(0)
	for _, x := range all {
		w.uint(uint64(x.sum - before))
		w.uint(uint64(x.file))
		before = x.sum
	}
	return w.b
}

// decodeRosterPage reads a page of a roster of so many files.
func decodeRosterPage(content []byte, files int) ([]rosterEntry, error) {
	r := reader{b: content}
	out := make([]rosterEntry, r.count(2))
	sum := uint64(0)
	for i := range out {
		sum += r.uint()
		file := r.uint()
		if sum > math.MaxUint32 || file >= uint64(files) {
			r.fail("a sum or its file is out of range")
		}
		if r.err != nil {
			break
		}
		out[i] = rosterEntry{uint32(sum), uint32(file)}
	}
	return out, r.end()
}

func (e *engine) rosterPage(x *roster, page int) ([]rosterEntry, error) {
	content, err := e.section(x.file(), rosterPageSection, page)
	if err != nil {
		return nil, err
	}
	all, err := decodeRosterPage(content, len(x.files))
	if err != nil {
		err = fmt.Errorf("read %s, section %c %d: %w", x.file(), rosterPageSection, page, err)
	}
	return all, err
}

// ask tells which files of a roster have some sums, which are in order. Each filter, and each page that may have one of
// them, is read once.
func (e *engine) ask(x *roster, sums []uint32, found func(sum uint32, f rosterFile)) error {
	if len(sums) == 0 || len(x.first) == 0 {
		return nil
	}
	return e.reading(x, func(r *rosterReader) error {
		for page := 0; page < len(x.first) && len(sums) > 0; page++ {
			from, _ := slices.BinarySearch(x.first[page:], sums[0])
			page += max(from-1, 0) // many of one sum go over a page's end
			here, beyond := sums, len(sums)
			if page+1 < len(x.first) {
				next := x.first[page+1]
				beyond, _ = slices.BinarySearch(sums, next)
				if here = sums[:beyond]; beyond < len(sums) && sums[beyond] == next {
					here = sums[:beyond+1]
				}
			}
			if err := r.page(page, here, found); err != nil {
				return err
			}
			sums = sums[beyond:]
		}
		return nil
	})
}

// searchRosterPage tells which files have some sums, which are in order, by a page of a roster of so many files. It
// reads no further than the last of them, and makes nothing.
func searchRosterPage(b []byte, files int, sums []uint32, found func(sum, file uint32)) error {
	n, at := uvarintAt(b, 0)
	sum := uint64(0)
	for ; n > 0 && len(sums) > 0; n-- {
		var step, file uint64
		step, at = uvarintAt(b, at)
		file, at = uvarintAt(b, at)
		if sum += step; at > len(b) || sum > math.MaxUint32 || file >= uint64(files) {
			return fmt.Errorf("%w: a sum or its file is out of range", errCorrupt)
		}
		for len(sums) > 0 && uint64(sums[0]) < sum {
			sums = sums[1:]
		}
		if len(sums) > 0 && uint64(sums[0]) == sum {
			found(uint32(sum), uint32(file))
		}
	}
	return nil
}

// uvarintAt returns the number of variable length at a place, and the place after it: beyond the end where it is cut
// off or too long. Nearly all that it is used for have a byte or two.
func uvarintAt(b []byte, at int) (x uint64, after int) {
	for shift := 0; at < len(b) && shift < 63; shift += 7 {
		c := b[at]
		at++
		if x |= uint64(c&0x7f) << shift; c < 0x80 {
			return x, at
		}
	}
	return 0, len(b) + 1
}

// rosterWriter writes a roster, page by page.
type rosterWriter struct {
	e    *engine
	x    *roster
	page []rosterEntry
}

func (e *engine) beginRoster(files []rosterFile) (*rosterWriter, error) {
	e.mu.Lock()
	e.rosterNumber++
	w := &rosterWriter{e: e, x: &roster{number: e.rosterNumber, files: files}}
	e.mu.Unlock()
	if err := e.vault.begin(w.x.file()); err != nil {
		return nil, fmt.Errorf("write %s: %w", w.x.file(), err)
	}
	return w, nil
}

// add takes sums in order.
func (w *rosterWriter) add(x rosterEntry) error {
	w.x.sums++
	if w.page = append(w.page, x); len(w.page) < rosterPageSums {
		return nil
	}
	return w.flush()
}

func (w *rosterWriter) flush() error {
	if len(w.page) == 0 {
		return nil
	}
	err := w.e.putSection(w.x.file(), rosterPageSection, len(w.x.first), encodeRosterPage(w.page))
	if err == nil {
		err = w.e.putSection(w.x.file(), rosterFilterSection, len(w.x.first), encodeRosterFilter(w.page))
	}
	w.x.first = append(w.x.first, w.page[0].sum)
	w.page = w.page[:0]
	return err
}

func (w *rosterWriter) finish() (*roster, error) {
	if err := w.flush(); err != nil {
		return nil, err
	}
	if err := w.e.putSection(w.x.file(), rosterHead, 0, encodeRosterHead(w.x)); err != nil {
		return nil, err
	}
	if err := w.e.vault.finish(w.x.file()); err != nil {
		return nil, fmt.Errorf("write %s: %w", w.x.file(), err)
	}
	w.x.filtered = true
	return w.x, nil
}
