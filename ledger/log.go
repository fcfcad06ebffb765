// Package ledger keeps what was said of usage, period by period, so that it can't be changed unseen: a tiled Merkle log
// by C2SP's specifications, with signed checkpoints, proofs and bundles that are verified without a server.
// docs/format/ledger.md has all that is in it; ADR 34 says why.
//
// It decides what an entry is and that none is lost, doubled or changed. What is true of a period it is told.
package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

const (
	checkpointFile = "checkpoint"
	journalFile    = "journal"
	publicFile     = "key.pub"
	peopleFile     = "personal"
	breakersFile   = "breakers"
)

// ErrDamaged says that what is in the folder is not what a checkpoint signed. Nothing is appended to it.
var ErrDamaged = errors.New("the ledger is damaged")

// Log is a ledger that is appended to. One process has it open at a time: who opens it sees to that. Its methods may be
// called at once.
type Log struct {
	dir string
	key *Key

	mu        sync.Mutex
	peaks     peaks    // of the newest tree; guarded by mu, as all below
	partial   [][]byte // the entries of the tile that is not full
	newest    Checkpoint
	published Checkpoint
	waiting   []batch // acknowledged, and not in tiles yet
	knots     *knots  // of tiles that were written, or proved by a reader
	room      room    // of the newest batch, whose entries may be among those that wait
	journal   *journal
	last      *int64   // index of the newest close entry; nil: there is none
	sourced   []source // what it says that names are given by; nil: it was not read
	ends      *Instant // of the newest period; nil: none is closed
	people    people
	minimum   int64 // index of the first entry that is held
	// ruled is where the newest batch begins that wrote down which rules stop tags. 0: none that is held; -1: unknown.
	ruled int64
	noted noted
}

// batch is entries with the checkpoint that covers them as its last.
type batch struct {
	checkpoint Checkpoint
	entries    [][]byte
	leaves     []tlog.Hash // of the entries
}

// Open opens a ledger in a folder, which it makes where it is not there. What a killed process had acknowledged is in
// it. A folder that is not what its checkpoint signed is ErrDamaged, one of another key is an error.
func Open(dir string, key *Key) (*Log, error) {
	l := &Log{dir: dir, key: key, knots: newKnots(), ruled: -1}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the ledger's folder: %w", err)
	}
	if err := l.load(); err != nil {
		return nil, fmt.Errorf("open the ledger in %s: %w", dir, err)
	}
	journal, err := openJournal(filepath.Join(dir, journalFile))
	if err != nil {
		return nil, fmt.Errorf("open the ledger in %s: %w", dir, err)
	}
	l.journal = journal
	if err := errors.Join(syncDir(dir), syncDir(filepath.Dir(dir)), l.replay()); err != nil {
		return nil, fmt.Errorf("open the ledger in %s: %w", dir, errors.Join(err, journal.file.Close()))
	}
	if err := l.know(); err != nil {
		return nil, fmt.Errorf("open the ledger in %s: %w", dir, errors.Join(err, journal.file.Close()))
	}
	return l, nil
}

// know takes in what appending needs of what is there: where the chain of close entries and the periods end, and
// commitments.
func (l *Log) know() error {
	if at := newTree(os.DirFS(l.dir), l.newest.Size).beyond(); at != "" {
		return fmt.Errorf("%w: its newest checkpoint is of %d entries, and there is %s: an older checkpoint was put back, or the newest is lost", ErrDamaged, l.newest.Size, at)
	}
	if l.newest.Size > 0 {
		at := l.newest.Size - 1
		l.last = &at
	}
	minimum, err := readMinimum(os.DirFS(l.dir))
	if err != nil {
		return err
	}
	if l.minimum = minimum; minimum > l.newest.Size {
		return fmt.Errorf("%w: its minimum index is %d, and it has %d entries", ErrDamaged, minimum, l.newest.Size)
	}
	last, any, err := l.reader().last()
	if err != nil {
		return fmt.Errorf("%w: the chain of its periods: %w", ErrDamaged, err)
	}
	if any {
		l.ends = &last.End
	}
	if err := l.readNoted(); err != nil {
		return err
	}
	return l.people.open(filepath.Join(l.dir, peopleFile))
}

// Exists reports whether a folder has a ledger.
func Exists(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, publicFile))
	return err == nil
}

// tiled are the paths of a ledger that everybody may read who may read it at all.
var tiled = regexp.MustCompile(`^(checkpoint|key\.pub|tile/(entries|[0-9]{1,2})/(x[0-9]{3}/)*[0-9]{3}(\.p/[0-9]{1,3})?)$`)

// File returns the file of a path of C2SP's tlog-tiles; ok is false where the path is none.
func (l *Log) File(path string) (file string, ok bool) {
	if !tiled.MatchString(path) {
		return "", false
	}
	return filepath.Join(l.dir, filepath.FromSlash(path)), true
}

// load reads the published tree's right edge, and checks that the checkpoint is of it.
func (l *Log) load() error {
	whose, err := l.own()
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(l.dir, checkpointFile))
	if errors.Is(err, fs.ErrNotExist) {
		if l.newest, err = sign(l.key, 0, emptyRoot); err != nil {
			return err
		}
		l.published = l.newest
		return l.claim(whose)
	}
	if err != nil {
		return fmt.Errorf("read the checkpoint: %w", err)
	}
	c, err := OpenCheckpoint(text, l.key.Public)
	if err != nil {
		return err
	}
	t := newTree(os.DirFS(l.dir), c.Size)
	e, err := edgeOf(t)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	if e.root() != c.Root {
		return fmt.Errorf("%w: its tiles are not what the checkpoint of %d entries signed; lineaged audit verify names the first bad entry", ErrDamaged, c.Size)
	}
	if c.Size%tileWidth > 0 {
		if l.partial, err = t.bundle(c.Size / tileWidth); err != nil {
			return fmt.Errorf("%w: %w", ErrDamaged, err)
		}
	}
	l.peaks, l.newest, l.published = e.peaks(), c, c
	return l.claim(whose)
}

// own returns whose the folder is, which must be this key or, empty, nobody's yet.
func (l *Log) own() (whose string, err error) {
	is, err := os.ReadFile(filepath.Join(l.dir, publicFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read whose ledger it is: %w", err)
	}
	if whose = strings.TrimSuffix(string(is), "\n"); whose != l.key.Public {
		return "", fmt.Errorf("it is of the key %s, and the key that was given is %s: give the first back, or move the folder away and a new ledger begins",
			Fingerprint(whose), Fingerprint(l.key.Public))
	}
	return whose, nil
}

// claim writes whose the folder is, once it is known that what is in it is of this key.
func (l *Log) claim(whose string) error {
	if whose != "" {
		return nil
	}
	return writeWhole(filepath.Join(l.dir, publicFile), []byte(l.key.Public+"\n"))
}

// replay takes in what the journal has and the tiles have not, and publishes it.
func (l *Log) replay() error {
	data, err := os.ReadFile(l.journal.file.Name())
	if err != nil {
		return fmt.Errorf("read the journal: %w", err)
	}
	all, _ := readJournal(data)
	for _, b := range all {
		c, err := OpenCheckpoint(b.checkpoint.Text, l.key.Public)
		if err != nil {
			return fmt.Errorf("%w: in the journal: %w", ErrDamaged, err)
		}
		if c.Size <= l.newest.Size {
			// It was published, and the process was killed before the tiles of the tree before were swept.
			if err := l.sweep(c.Size - int64(len(b.entries))); err != nil {
				return err
			}
			continue
		}
		next := l.peaks.clone()
		b.leaves = make([]tlog.Hash, len(b.entries))
		for i, entry := range b.entries {
			b.leaves[i] = leafHash(entry)
			next.add(0, b.leaves[i])
		}
		if next.size != c.Size || next.root() != c.Root {
			return fmt.Errorf("%w: the journal's checkpoint of %d entries is not of the entries before and in it", ErrDamaged, c.Size)
		}
		l.peaks, l.newest = next, c
		l.waiting = append(l.waiting, batch{c, b.entries, b.leaves})
	}
	return l.publish()
}

// beginFrame begins the journal's frame of the batch with which the ledger has so many entries. Its checkpoint is as
// long as the newest, but for the digits of that.
func (l *Log) beginFrame(size int64) {
	digits := func(n int64) int { return len(strconv.FormatInt(n, 10)) }
	l.journal.begin(len(l.newest.Text) + digits(size) - digits(l.newest.Size))
}

// append appends entries that were written to the journal's frame, all of them or none. When it returns without an
// error they are on disk, and a signed checkpoint covers them; else what was written is to be cut. Publishing them is
// the next step, which may fail by itself; until then they stay in the room.
func (l *Log) append(r *room) (Checkpoint, error) {
	next := l.peaks.clone()
	r.grow(&next)
	c, err := sign(l.key, next.size, next.root())
	if err != nil {
		return c, err
	}
	if err := l.journal.write(c); err != nil {
		return c, err
	}
	l.peaks, l.newest = next, c
	l.waiting = append(l.waiting, batch{c, r.entries, r.leaves})
	return c, nil
}

// publish writes tiles of what waits, replaces the checkpoint, and empties the journal.
func (l *Log) publish() error {
	if len(l.waiting) > 0 {
		if err := l.writeTiles(); err != nil {
			return fmt.Errorf("write the ledger's tiles: %w", err)
		}
	}
	return l.journal.empty()
}

func (l *Log) writeTiles() error {
	tiles, leaves := map[string][]byte{}, map[int64][]tlog.Hash{}
	t := newTree(os.DirFS(l.dir), l.published.Size)
	e, err := edgeOf(t)
	if err != nil {
		return err
	}
	partial := slices.Clone(l.partial)
	for _, b := range l.waiting {
		for i, entry := range b.entries {
			partial = append(partial, entry)
			e.add(b.leaves[i], func(level int, n int64, hashes []tlog.Hash) {
				tiles[tilePath(level, n, tileWidth)] = joinHashes(hashes)
				if level == 0 {
					leaves[n] = slices.Clone(hashes)
				}
			})
			if len(partial) == tileWidth {
				tiles[tilePath(-1, e.size/tileWidth-1, tileWidth)] = joinEntries(partial)
				partial = nil
			}
		}
	}
	for level, hashes := range e.levels {
		n := e.size >> (tileHeight * (level + 1))
		// One that has not grown is there: it is not written again, since others may be reading it.
		if len(hashes) > 0 && len(hashes) != widthOf(l.published.Size, level, n) {
			tiles[tilePath(level, n, len(hashes))] = joinHashes(hashes)
		}
	}
	if len(partial) > 0 {
		tiles[tilePath(-1, e.size/tileWidth, len(partial))] = joinEntries(partial)
	}
	if e.root() != l.newest.Root {
		return fmt.Errorf("%w: its tiles have changed since it was opened", ErrDamaged)
	}
	if err := l.store(tiles); err != nil {
		return err
	}
	if err := writeWhole(filepath.Join(l.dir, checkpointFile), l.newest.Text); err != nil {
		return err
	}
	before := l.published
	for n, hashes := range leaves {
		l.knots.make(n, hashes)
	}
	l.published, l.partial, l.waiting = l.newest, ownEntries(partial), nil
	l.room.leave()
	return l.sweep(before.Size)
}

// edgeOf reads the right edge of a tree.
func edgeOf(t *tree) (edge, error) {
	e := edge{size: t.size}
	for level := 0; t.size>>(tileHeight*level) > 0; level++ {
		e.levels = append(e.levels, make([]tlog.Hash, 0, tileWidth))
		n := (t.size >> (tileHeight * level)) / tileWidth
		if widthOf(t.size, level, n) == 0 {
			continue
		}
		hashes, err := t.hashes(level, n)
		if err != nil {
			return e, err
		}
		e.levels[level] = append(e.levels[level], hashes...)
	}
	return e, nil
}

// store writes files, and syncs them and their folders.
func (l *Log) store(tiles map[string][]byte) error {
	dirs := map[string]bool{}
	for _, path := range slices.Sorted(maps.Keys(tiles)) {
		at := filepath.Join(l.dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
			return fmt.Errorf("make a folder: %w", err)
		}
		if err := writeSynced(at, tiles[path]); err != nil {
			return err
		}
		for dir := filepath.Dir(at); len(dir) >= len(l.dir); dir = filepath.Dir(dir) {
			dirs[dir] = true
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(dirs)) {
		if err := syncDir(dir); err != nil {
			return err
		}
	}
	return nil
}

// sweep removes partial tiles of a smaller tree, which longer ones begin with.
func (l *Log) sweep(size int64) error {
	for level := -1; level < 0 || size>>(tileHeight*level) > 0; level++ {
		n := (size >> (tileHeight * max(0, level))) / tileWidth
		old := widthOf(size, max(0, level), n)
		if old == 0 || old == widthOf(l.published.Size, max(0, level), n) {
			continue
		}
		path := filepath.Join(l.dir, filepath.FromSlash(tilePath(level, n, old)))
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove a tile that a longer one begins with: %w", err)
		}
		_ = os.Remove(filepath.Dir(path)) // it stays where the longer one is partial too
	}
	return nil
}

func joinHashes(all []tlog.Hash) []byte {
	out := make([]byte, 0, len(all)*tlog.HashSize)
	for _, h := range all {
		out = append(out, h[:]...)
	}
	return out
}

// ownEntries copies entries out of the room of a batch.
func ownEntries(all [][]byte) [][]byte {
	own, _, _ := splitEntries(joinEntries(all), len(all)) // it has as many as it was made of
	return own
}

func joinEntries(all [][]byte) []byte {
	size := 0
	for _, e := range all {
		size += 2 + len(e)
	}
	out := make([]byte, 0, size)
	for _, e := range all {
		out = appendEntry(out, e)
	}
	return out
}

// Newest returns the checkpoint of all that was acknowledged.
func (l *Log) Newest() Checkpoint {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.newest
}

// Erase forgets a person, by the host or the principal, and reports whether it was known. Entries that have its
// commitment stay, and nobody can tell any more what it stands for. Bundles and copies of the folder that are out are
// out of reach.
func (l *Log) Erase(value string) (bool, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	value = personal(value)
	n, err := l.people.erase(func(s string) bool { return s == value })
	return n > 0, errors.Join(err, l.journal.forget())
}

// Ends returns when the newest closed period ends; the zero time: none is closed.
func (l *Log) Ends() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ends == nil {
		return time.Time{}
	}
	return l.ends.Time
}

// Public returns the verifier key.
func (l *Log) Public() string { return l.key.Public }

// Close closes the ledger's files. What was acknowledged and not published is published when it is opened again.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.journal.close()
}
