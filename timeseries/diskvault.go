package timeseries

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// tierNames begin the names of block files.
var tierNames = [tiers]string{"raw", "minute", "hour"}

// diskVault is a vault in a folder: a file a block, and two copies of each generation of the state, since without it no
// block can be read. It maps nothing into memory and writes only when it is told to, so a full disk is an error like
// any other.
type diskVault struct {
	dir   string
	aside string // folder of the quarantine
	tick  time.Duration
	log   *slog.Logger
	files files

	mu     sync.RWMutex // guards what follows
	whole  map[fileID]*shelved
	drafts map[fileID]*draft
	hurt   map[fileID]bool // damaged where it costs nothing

	leftovers []string // of a crash, found at opening
}

// shelved is a whole file.
type shelved struct{ copies []shelvedCopy }

type shelvedCopy struct {
	path  string
	size  int64
	index extents
}

// sections are those that any of the copies has: of a copy that is cut off only some are found, or none.
func (f *shelved) sections() map[sectionID]bool {
	out := map[sectionID]bool{}
	for _, c := range f.copies {
		for x := range c.index.all() {
			out[x.section] = true
		}
	}
	return out
}

// order returns the sections as they were written; a copy in which some cannot be found has the others where they were.
func (f *shelved) order() []sectionID {
	at := map[sectionID]int64{}
	for _, c := range f.copies {
		for x := range c.index.all() {
			at[x.section] = x.offset
		}
	}
	return slices.SortedFunc(maps.Keys(at), func(a, b sectionID) int { return cmp.Compare(at[a], at[b]) })
}

// draft is a file that is being written, all its copies alike.
type draft struct {
	files  []*os.File
	all    []extent
	offset int64
}

// paths are the names of a file's copies.
func (v *diskVault) paths(id fileID) []string {
	if id.kind == stateFile {
		name := filepath.Join(v.dir, fmt.Sprintf("state-%020d.", id.number))
		return []string{name + "a", name + "b"}
	}
	if id.kind == deadKind {
		name := filepath.Join(v.dir, fmt.Sprintf("silent-%020d.", id.number))
		return []string{name + "a", name + "b"}
	}
	if id.kind == rosterKind {
		return []string{filepath.Join(v.dir, fmt.Sprintf("roster-%020d.sums", id.number))}
	}
	if id.revision > 0 {
		return []string{filepath.Join(v.dir, fmt.Sprintf("%s-%020d-%07d.block", tierNames[id.kind], id.number, id.revision))}
	}
	return []string{filepath.Join(v.dir, fmt.Sprintf("%s-%020d.block", tierNames[id.kind], id.number))}
}

// parseName returns the file that a name stands for.
func parseName(name string) (id fileID, ok bool) {
	var n int64
	for i, tier := range tierNames {
		if _, err := fmt.Sscanf(name, tier+"-%020d.block", &n); err == nil && name == fmt.Sprintf("%s-%020d.block", tier, n) {
			return blockFile(i, n), n >= 0
		}
		var revision uint32
		if _, err := fmt.Sscanf(name, tier+"-%020d-%07d.block", &n, &revision); err == nil && name == fmt.Sprintf("%s-%020d-%07d.block", tier, n, revision) {
			return fileID{kind: byte(i), number: n, revision: revision}, n >= 0 && revision > 0 && revision <= maxRevision
		}
	}
	if _, err := fmt.Sscanf(name, "roster-%020d.sums", &n); err == nil && name == fmt.Sprintf("roster-%020d.sums", n) {
		return fileID{kind: rosterKind, number: n}, n >= 0
	}
	var letter string
	for kind, word := range map[byte]string{stateFile: "state", deadKind: "silent"} {
		_, err := fmt.Sscanf(name, word+"-%020d.%s", &n, &letter)
		if err == nil && (letter == "a" || letter == "b") && name == fmt.Sprintf("%s-%020d.%s", word, n, letter) {
			return fileID{kind: kind, number: n}, n >= 0
		}
	}
	return id, false
}

func (v *diskVault) begin(id fileID) (err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := v.abandon(id); err != nil {
		return err
	}
	d := &draft{}
	v.drafts[id] = d
	for _, path := range v.paths(id) {
		f, err := v.files.create(path+draftSuffix, os.O_TRUNC)
		if err != nil {
			return errors.Join(noSpace(err), v.abandon(id))
		}
		d.files = append(d.files, f)
	}
	return v.append(id, d, encodeShelfHeader(id, v.tick))
}

// append needs mu. After an error the draft is gone.
func (v *diskVault) append(id fileID, d *draft, b []byte) error {
	for _, f := range d.files {
		if err := v.files.write(f, b); err != nil {
			return errors.Join(noSpace(err), v.abandon(id))
		}
	}
	d.offset += int64(len(b))
	return nil
}

// abandon removes a draft. It needs mu.
func (v *diskVault) abandon(id fileID) error {
	d := v.drafts[id]
	if d == nil {
		return nil
	}
	delete(v.drafts, id)
	var errs []error
	for _, f := range d.files {
		errs = append(errs, f.Close(), v.files.remove(f.Name()))
	}
	return errors.Join(errs...)
}

func (v *diskVault) put(id fileID, s sectionID, value []byte) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	d := v.drafts[id]
	if d == nil {
		return errors.New("it was not begun")
	}
	d.all = append(d.all, extent{section: s, offset: d.offset + sectionHeader, length: len(value)})
	return v.append(id, d, append(encodeSectionHeader(id, s, len(value)), value...))
}

// finish writes, syncs and names a file. Its name is durable before it is whole for others: what refers to it may be
// written then.
func (v *diskVault) finish(id fileID) error {
	v.mu.Lock()
	d := v.drafts[id]
	if d == nil {
		v.mu.Unlock()
		return errors.New("it was not begun")
	}
	err := v.append(id, d, encodeDirectory(d.all, d.offset))
	v.mu.Unlock()
	if err != nil {
		return err
	}
	for _, f := range d.files {
		err = errors.Join(err, v.files.sync(f))
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if err != nil {
		return errors.Join(noSpace(err), v.abandon(id))
	}
	delete(v.drafts, id)
	out := &shelved{}
	index := extentsOf(d.all)
	for _, f := range d.files {
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return noSpace(err)
	}
	for _, f := range d.files {
		path := strings.TrimSuffix(f.Name(), draftSuffix)
		if err := v.files.rename(f.Name(), path); err != nil {
			return noSpace(err)
		}
		out.copies = append(out.copies, shelvedCopy{path: path, size: d.offset, index: index})
	}
	if err := v.files.syncDir(v.dir); err != nil {
		return noSpace(err)
	}
	v.whole[id] = out
	return nil
}

func (v *diskVault) get(id fileID, s sectionID) ([]byte, error) {
	v.mu.RLock()
	file := v.whole[id]
	v.mu.RUnlock()
	if file == nil {
		return nil, errAbsent
	}
	var failed error
	for _, c := range file.copies {
		value, err := c.read(s)
		if err == nil {
			if failed != nil {
				v.log.Error("a copy of the store's state is damaged; the other is read", "error", failed)
			}
			return value, nil
		}
		failed = errors.Join(failed, err)
	}
	return nil, failed
}

func (c shelvedCopy) read(s sectionID) ([]byte, error) {
	f, err := c.open()
	if err != nil {
		return nil, err
	}
	value, err := c.section(f, s)
	return value, errors.Join(err, f.Close())
}

// reading opens a file of one copy once, where get opens it for each section.
func (v *diskVault) reading(id fileID) (get func(sectionID) ([]byte, error), done func() error, err error) {
	v.mu.RLock()
	file := v.whole[id]
	v.mu.RUnlock()
	if file == nil {
		return nil, nil, fmt.Errorf("%s: %w", id, errAbsent)
	}
	if len(file.copies) != 1 {
		return func(s sectionID) ([]byte, error) { return v.get(id, s) }, func() error { return nil }, nil
	}
	c := file.copies[0]
	f, err := c.open()
	if err != nil {
		return nil, nil, err
	}
	var room []byte
	return func(s sectionID) (value []byte, err error) {
		if value, err = c.sectionInto(f, s, room); err == nil {
			room = value
		}
		return value, err
	}, f.Close, nil
}

func (c shelvedCopy) open() (*os.File, error) {
	f, err := os.Open(c.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", c.path, errAbsent)
	}
	return f, err
}

func (c shelvedCopy) section(f *os.File, s sectionID) ([]byte, error) {
	return c.sectionInto(f, s, nil)
}

// sectionInto reads a section into the room of a value that nobody needs any more.
func (c shelvedCopy) sectionInto(f *os.File, s sectionID, room []byte) ([]byte, error) {
	x, ok := c.index.of(s)
	if !ok {
		return nil, fmt.Errorf("%s: section %c %d: %w", c.path, s.kind, s.number, errAbsent)
	}
	value := slices.Grow(room[:0], x.length)[:x.length]
	_, err := f.ReadAt(value, x.offset)
	switch {
	case errors.Is(err, io.EOF):
		err = fmt.Errorf("%w: the file is cut off", errCorrupt)
	case err != nil:
		err = readFailure(err)
	default:
		err = checkValue(value)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: section %c %d: %w", c.path, s.kind, s.number, err)
	}
	return value, nil
}

// rewrite makes files anew so that the next damage does not cost more. What is written is what was, byte by byte: who
// is reading goes on in either.
func (v *diskVault) rewrite(those func(fileID) bool) (done []fileID, err error) {
	for _, id := range v.list() {
		v.mu.RLock()
		file, hurt := v.whole[id], v.hurt[id]
		v.mu.RUnlock()
		if file == nil || !hurt || !those(id) {
			continue
		}
		if err := v.copyOf(id, file.order()); damaged(err) {
			continue // who verifies it sets it aside
		} else if err != nil {
			return done, err
		}
		v.mu.Lock()
		delete(v.hurt, id)
		v.mu.Unlock()
		done = append(done, id)
	}
	return done, nil
}

// copyOf writes a file as it is.
func (v *diskVault) copyOf(id fileID, order []sectionID) error {
	if err := v.begin(id); err != nil {
		return err
	}
	for _, s := range order {
		value, err := v.get(id, s)
		if err == nil {
			err = v.put(id, s, value)
		}
		if err != nil {
			v.mu.Lock()
			defer v.mu.Unlock()
			return errors.Join(err, v.abandon(id))
		}
	}
	return v.finish(id)
}

func (v *diskVault) drop(id fileID) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	file := v.whole[id]
	if file == nil {
		return v.abandon(id)
	}
	for _, c := range file.copies {
		if err := v.files.remove(c.path); err != nil {
			return err
		}
	}
	delete(v.whole, id)
	return nil
}

// quarantine moves a file where nothing reads it.
func (v *diskVault) quarantine(id fileID) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	file := v.whole[id]
	delete(v.whole, id)
	if file == nil {
		return nil
	}
	for _, c := range file.copies {
		if err := setAside(v.files, v.aside, c.path); err != nil {
			return err
		}
	}
	return nil
}

func (v *diskVault) has(id fileID, sections []sectionID) error {
	v.mu.RLock()
	file := v.whole[id]
	v.mu.RUnlock()
	if file == nil {
		return fmt.Errorf("%s: %w", id, errAbsent)
	}
	for _, s := range sections {
		if !slices.ContainsFunc(file.copies, func(c shelvedCopy) bool { _, ok := c.index.of(s); return ok }) {
			return fmt.Errorf("%s, section %c %d: %w", id, s.kind, s.number, errAbsent)
		}
	}
	return nil
}

func (v *diskVault) verify(id fileID) (bytes int64, err error) {
	v.mu.RLock()
	file := v.whole[id]
	v.mu.RUnlock()
	if file == nil {
		return 0, errAbsent
	}
	all := file.sections()
	if n := len(v.paths(id)); len(file.copies) < n {
		err = fmt.Errorf("%s has %d copies of %d: %w", id, len(file.copies), n, errAbsent)
	}
	for _, c := range file.copies {
		bytes += c.size
		if n := len(all) - c.index.count; n > 0 {
			err = errors.Join(err, fmt.Errorf("%s: sections that another copy has, %d: %w", c.path, n, errAbsent))
		}
		f, openErr := c.open()
		if openErr != nil {
			err = errors.Join(err, openErr)
			continue
		}
		for x := range c.index.all() {
			s := x.section
			_, readErr := c.section(f, s)
			err = errors.Join(err, readErr)
			header := make([]byte, sectionHeader)
			_, readErr = f.ReadAt(header, x.offset-sectionHeader)
			if got, length, ok := decodeSectionHeader(id, header); readErr != nil || !ok || got != s || length != x.length {
				v.log.Error("a file of the store is damaged in a place that costs nothing", "path", c.path, "offset", x.offset-sectionHeader)
				v.mu.Lock()
				v.hurt[id] = true
				v.mu.Unlock()
			}
		}
		err = errors.Join(err, f.Close())
	}
	if err != nil && len(v.paths(id)) > 1 { // the other may be whole
		v.mu.Lock()
		v.hurt[id] = true
		v.mu.Unlock()
	}
	return bytes, err
}

func (v *diskVault) list() []fileID {
	v.mu.RLock()
	defer v.mu.RUnlock()
	out := make([]fileID, 0, len(v.whole))
	for id := range v.whole {
		out = append(out, id)
	}
	slices.SortFunc(out, compareFiles)
	return out
}

func compareFiles(a, b fileID) int {
	if a.kind != b.kind {
		return int(a.kind) - int(b.kind)
	}
	return cmp.Or(cmp.Compare(a.number, b.number), cmp.Compare(a.revision, b.revision))
}

func (v *diskVault) size() (n int64) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	for _, f := range v.whole {
		for _, c := range f.copies {
			n += c.size
		}
	}
	return n
}

func (v *diskVault) weigh(id fileID) (n int64) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if f := v.whole[id]; f != nil {
		for _, c := range f.copies {
			n += c.size
		}
	}
	return n
}

// close removes what is not whole. Nothing else is written: what was finished is durable.
func (v *diskVault) close() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	var errs []error
	for id := range v.drafts {
		errs = append(errs, v.abandon(id))
	}
	return errors.Join(errs...)
}
