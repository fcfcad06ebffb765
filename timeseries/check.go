package timeseries

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// Report is what Check found, or Repair did.
type Report struct {
	Tick       time.Duration
	Earliest   time.Time // zero: nothing is held
	Newest     time.Time
	Blocks     int
	Bytes      int64      // of all files that were read
	Findings   []string   // what is not as it was written, by when it was found
	Leftovers  []string   // what a crash left half-written, and the next start, or Repair, removes: it costs nothing
	Lost       []LostTime // why rounds are not held, by time
	Quarantine []string   // files that are set aside
	Rewritten  []string   // files that were damaged where it cost nothing, and are whole again; only Repair
}

// LostTime is a gap that the store can explain.
type LostTime struct {
	Window lineage.Window
	Source lineage.Source // zero: any
	Reason string
	Damage bool // what happened in it is lost; else only when it did
}

// Check reads all of a data folder that no process has open, and changes nothing. An error is when it could not.
func Check(dir string) (Report, error) { return inspect(dir, true) }

// Repair does what opening the store does, reads all, sets aside what cannot be read, and writes anew what is damaged
// and can be. Nothing is deleted but what a crash left half-written.
func Repair(dir string) (Report, error) { return inspect(dir, false) }

func inspect(dir string, dry bool) (r Report, err error) {
	if err := refuseCopies(dir); err != nil {
		return r, err
	}
	said := &sayings{}
	tick, known, err := tickOf(dir)
	if err != nil {
		return r, err
	}
	r.Tick = tick
	o := Options{Tick: r.Tick, Log: slog.New(said), dry: dry}
	s, err := Open(dir, o)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	s.unverified = nil
	for t := range s.tiers {
		s.unverified = append(s.unverified, s.tiers[t].blocks...)
	}
	if err := s.verifySome(math.MaxInt64); err != nil {
		return r, err
	}
	if err := errors.Join(s.checkDead(), s.checkRosters()); err != nil {
		return r, err
	}
	v := s.vault.(*diskVault)
	if !dry {
		if err := s.repair(v, known, &r); err != nil {
			return r, err
		}
	}
	r.Findings = said.lines
	r.Leftovers = append(slices.Clone(s.journal.(*appendLog).leftovers), v.leftovers...)
	r.Bytes = v.size() + s.journal.size()
	s.describe(&r)
	names, err := os.ReadDir(filepath.Join(dir, "quarantine"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return r, err
	}
	for _, n := range names {
		r.Quarantine = append(r.Quarantine, n.Name())
	}
	return r, nil
}

// repair writes anew what is damaged and can be read, and saves the state, if it is known by what tick.
func (e *engine) repair(v *diskVault, known bool, r *Report) error {
	done, err := v.rewrite(func(fileID) bool { return true })
	for _, id := range done {
		r.Rewritten = append(r.Rewritten, id.String())
	}
	if err != nil {
		return fmt.Errorf("write anew: %w", err)
	}
	if !known || !e.dirty.Swap(false) {
		return nil
	}
	e.maintain.Lock()
	defer e.maintain.Unlock()
	if err := e.save(); err != nil {
		return fmt.Errorf("save state: %w", err)
	}
	r.Rewritten = append(r.Rewritten, stateOf(e.generation).String())
	return nil
}

func (e *engine) describe(r *Report) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	r.Earliest = e.earliest()
	for _, tick := range e.latest {
		if t := e.at(tick); t.After(r.Newest) {
			r.Newest = t
		}
	}
	for t := range e.tiers {
		r.Blocks += len(e.tiers[t].blocks)
	}
	for _, x := range e.lost {
		r.Lost = append(r.Lost, LostTime{Window: lineage.Window{Start: e.at(x.a), End: e.at(x.b)}, Source: x.source, Reason: x.reason, Damage: x.damage})
	}
}

// tickOf returns the tick that a data folder was made with: any file that is whole enough to say it. known is
// false where there are no blocks and no segment is as long as its header: nothing is held then, and any tick will do.
func tickOf(dir string) (tick time.Duration, known bool, err error) {
	if err := isDataFolder(dir); err != nil {
		return 0, false, err
	}
	if err := checkVersions(dir); err != nil {
		return 0, false, err
	}
	found := false
	for _, sub := range []string{"log", "blocks"} {
		names, err := os.ReadDir(filepath.Join(dir, sub))
		if err != nil {
			return 0, false, err
		}
		for _, n := range names {
			f, err := openFile(filepath.Join(dir, sub, n.Name()))
			if err != nil {
				return 0, false, err
			}
			if f == nil {
				continue
			}
			b := make([]byte, headerBytes)
			read, _ := f.ReadAt(b, 0) // what is too short says nothing
			_ = f.Close()
			found = found || sub == "blocks" || read == headerBytes
			if tick, ok := headerTick(b[:read]); ok {
				return tick, true, nil
			}
		}
	}
	if !found {
		return defaultTick, false, nil
	}
	return 0, false, fmt.Errorf("%s: no file says what tick it was made with: none is whole", dir)
}

// isDataFolder returns an error that says what else it is.
func isDataFolder(dir string) error {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s is no data folder: it is not there", dir)
	case err != nil:
		return err
	case info.Mode().IsRegular():
		return fmt.Errorf("%s is no data folder: it is a file", dir)
	case !info.IsDir():
		return fmt.Errorf("%s is no data folder: it is neither a folder nor a file", dir)
	}
	for _, sub := range []string{"log", "blocks"} {
		if info, err := os.Stat(filepath.Join(dir, sub)); errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
			return fmt.Errorf("%s is no data folder: it has no folder %q", dir, sub)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// headerTick reads the tick of a segment's or a vault file's header; ok is false when it is neither.
func headerTick(b []byte) (time.Duration, bool) {
	switch {
	case len(b) >= headerBytes && string(b[:8]) == logMagic && !errors.Is(checkHeader(b, 0, 0), errCorrupt):
		return time.Duration(binary.LittleEndian.Uint64(b[12:])), true
	case len(b) >= shelfHeader && string(b[:8]) == shelfMagic && !errors.Is(checkShelfHeader(b, fileID{}, 0), errCorrupt):
		return time.Duration(binary.LittleEndian.Uint64(b[12:])), true
	}
	return 0, false
}

// sayings is a log whose lines are findings.
type sayings struct {
	mu    sync.Mutex // guards lines
	lines []string
}

func (s *sayings) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }
func (s *sayings) WithAttrs([]slog.Attr) slog.Handler           { return s }
func (s *sayings) WithGroup(string) slog.Handler                { return s }

func (s *sayings) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	b.WriteString(r.Message)
	r.Attrs(func(a slog.Attr) bool {
		fmt.Fprintf(&b, "; %s: %v", a.Key, a.Value)
		return true
	})
	line := strings.Join(strings.Fields(b.String()), " ")
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Contains(s.lines, line) {
		return nil
	}
	s.lines = append(s.lines, line)
	return nil
}
