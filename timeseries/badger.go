package timeseries

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
)

const (
	// Small, since what is written at once are slabs of some hundred kilobytes, an hour apart; and three of each have to fit into the free space that is kept.
	memTableSize     = 16 << 20
	valueLogFileSize = 64 << 20
	blockCacheSize   = 8 << 20
	indexCacheSize   = 8 << 20
	// valueThreshold keeps all values with their keys: then there is no value log to collect garbage in.
	valueThreshold = 1 << 20
)

// Badger is a Store on disk. The folder holds LOCK, the append log in log/ and the sealed blocks in blocks/.
type Badger struct {
	*engine
	lock *os.File
	once sync.Once
	err  error // of Close
}

// Open opens the store in a folder, which is made if it is not there; all that a kill left is brought back. One process may have it open at a time.
// While the file system has less free space than Options.MinFree, what is there is opened for reading, and Append returns ErrNoSpace until there is room;
// a folder without data, or one that a kill left (Badger has to write then before it can read), is not opened: the error wraps ErrNoSpace.
func Open(dir string, o Options) (*Badger, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	s, err := open(dir, o)
	if err != nil {
		return nil, fmt.Errorf("open data folder %s: %w", dir, err)
	}
	return s, nil
}

func open(dir string, o Options) (*Badger, error) {
	for _, d := range []string{dir, filepath.Join(dir, "log"), filepath.Join(dir, "blocks")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, err
		}
	}
	lock, err := lockFolder(filepath.Join(dir, "LOCK"))
	if err != nil {
		return nil, err
	}
	s, err := openLocked(dir, o)
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	s.lock = lock
	return s, nil
}

func openLocked(dir string, o Options) (*Badger, error) {
	l := &appendLog{
		dir: filepath.Join(dir, "log"), clock: newClock(o.Tick), log: o.Log, minFree: o.MinFree, next: 1,
		space: func() (int64, error) { return freeSpace(dir) }, output: (*os.File).Write,
	}
	full := l.room()
	if full != nil && !errors.Is(full, ErrNoSpace) {
		return nil, full
	}
	kv := &badgerKV{dir: filepath.Join(dir, "blocks"), log: o.Log}
	if full != nil {
		o.Log.Warn("opening the data for reading only, until there is room", "error", full)
	}
	if err := kv.open(full != nil); err != nil {
		if full != nil {
			return nil, fmt.Errorf("%w (%w)", full, err)
		}
		return nil, err
	}
	e := newEngine(o, l, kv)
	e.persistent = true
	l.ready = kv.writable
	if err := e.recover(l, full != nil); err != nil {
		return nil, errors.Join(err, kv.close())
	}
	return &Badger{engine: e}, nil
}

// recover brings memory to where it was: the saved state, then what the log holds beyond it.
func (e *engine) recover(l *appendLog, readOnly bool) error {
	e.commit.Lock()
	defer e.commit.Unlock()
	if err := e.load(); err != nil {
		return err
	}
	if !readOnly {
		if err := e.sweep(); err != nil {
			return err
		}
	}
	e.listAll()
	defer e.opened()
	return l.replay(func(payload []byte, t *replayTables) (lo, hi int64, err error) {
		all, err := e.decodeFrame(payload, t)
		if err != nil {
			return 0, 0, err
		}
		for _, c := range all {
			c.prepare()
		}
		e.mu.Lock()
		defer e.mu.Unlock()
		for _, c := range all {
			for _, r := range c.records {
				if hi == 0 {
					lo = r.round.tick
				}
				lo, hi = min(lo, r.round.tick), max(hi, r.round.tick)
			}
			e.apply(c)
		}
		return lo, hi, nil
	})
}

// Close implements Store.
func (s *Badger) Close() error {
	s.once.Do(func() { s.err = errors.Join(s.engine.Close(), s.lock.Close()) })
	return s.err
}

// badgerKV is a kv on Badger. While there is no room it is open for reading only.
type badgerKV struct {
	dir string
	log *slog.Logger

	mu       sync.RWMutex // guards db while it is reopened
	db       *badger.DB
	readOnly bool
}

func (k *badgerKV) open(readOnly bool) error {
	o := badger.DefaultOptions(k.dir).
		WithLogger(badgerLog{k.log}).
		WithReadOnly(readOnly).
		WithSyncWrites(false). // what is not synced yet is in the append log
		WithDetectConflicts(false).
		WithNumVersionsToKeep(1).
		WithCompression(options.None). // values are compressed already
		WithMemTableSize(memTableSize).
		WithNumMemtables(2).
		WithBaseTableSize(8 << 20).
		WithValueLogFileSize(valueLogFileSize).
		WithValueThreshold(valueThreshold).
		WithBlockCacheSize(blockCacheSize).
		WithIndexCacheSize(indexCacheSize).
		WithNumCompactors(2).
		WithMetricsEnabled(false)
	db, err := badger.Open(o)
	if err != nil {
		return fmt.Errorf("open blocks: %w", err)
	}
	k.db, k.readOnly = db, readOnly
	return tighten(k.dir)
}

// writable reopens for writing what was opened for reading.
func (k *badgerKV) writable() error {
	k.mu.RLock()
	readOnly := k.readOnly
	k.mu.RUnlock()
	if !readOnly {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if err := k.db.Close(); err != nil {
		return fmt.Errorf("close blocks: %w", err)
	}
	if err := k.open(false); err != nil {
		return errors.Join(err, k.open(true))
	}
	k.log.Info("there is room again: the data is open for writing")
	return nil
}

func (k *badgerKV) get(key []byte) (value []byte, err error) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	err = k.db.View(func(t *badger.Txn) error {
		x, err := t.Get(key)
		if err != nil {
			return err
		}
		value, err = x.ValueCopy(nil)
		return err
	})
	if errors.Is(err, badger.ErrKeyNotFound) {
		return nil, errAbsent
	}
	return value, err
}

func (k *badgerKV) write(batch []pair) error {
	k.mu.RLock()
	defer k.mu.RUnlock()
	w := k.db.NewWriteBatch()
	defer w.Cancel()
	for _, p := range batch {
		var err error
		if p.value == nil {
			err = w.Delete(p.key)
		} else {
			err = w.Set(p.key, p.value)
		}
		if err != nil {
			return err
		}
	}
	return w.Flush()
}

func (k *badgerKV) keys(prefix []byte) (out [][]byte, err error) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	err = k.db.View(func(t *badger.Txn) error {
		o := badger.DefaultIteratorOptions
		o.PrefetchValues, o.Prefix = false, prefix
		it := t.NewIterator(o)
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			out = append(out, it.Item().KeyCopy(nil))
		}
		return nil
	})
	return out, err
}

func (k *badgerKV) sync() error {
	k.mu.RLock()
	defer k.mu.RUnlock()
	// Badger's Sync passes over the logs of memtables that are full and not flushed yet. They are mapped files, so syncing them by name does.
	err := k.db.Sync()
	if err == nil {
		err = syncFiles(k.dir)
	}
	if err != nil {
		return fmt.Errorf("sync blocks: %w", err)
	}
	return tighten(k.dir)
}

// syncFiles syncs every file in a folder, and the folder. A file that is removed meanwhile has been replaced by one that Badger synced.
func syncFiles(dir string) error {
	names, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, n := range names {
		f, err := os.Open(filepath.Join(dir, n.Name()))
		if err != nil {
			if ignoreGone(err) == nil {
				continue
			}
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return err
		}
	}
	return syncDir(dir)
}

func (k *badgerKV) size() int64 {
	k.mu.RLock()
	defer k.mu.RUnlock()
	tables, values := k.db.Size()
	return tables + values
}

func (k *badgerKV) close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.db.Close()
}

// tighten takes from others the right to read what Badger made: it leaves that to the umask.
func tighten(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return ignoreGone(err)
		}
		info, err := d.Info()
		if err != nil || info.Mode().Perm()&0o077 == 0 {
			return ignoreGone(err)
		}
		return ignoreGone(os.Chmod(path, 0o600))
	})
}

// ignoreGone passes over files that Badger removed meanwhile.
func ignoreGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// badgerLog hands Badger's lines to slog; what it calls information is detail to our operator.
type badgerLog struct{ log *slog.Logger }

func (l badgerLog) print(level slog.Level, format string, args []any) {
	ctx := context.Background()
	if l.log.Enabled(ctx, level) {
		l.log.Log(ctx, level, "badger: "+strings.TrimSpace(fmt.Sprintf(format, args...)))
	}
}

func (l badgerLog) Errorf(f string, args ...any)   { l.print(slog.LevelError, f, args) }
func (l badgerLog) Warningf(f string, args ...any) { l.print(slog.LevelWarn, f, args) }
func (l badgerLog) Infof(f string, args ...any)    { l.print(slog.LevelDebug, f, args) }
func (l badgerLog) Debugf(f string, args ...any)   { l.print(slog.LevelDebug-4, f, args) }
