package scheduled

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// write writes a file that is not there yet: it is synced before it has its name, and the name too. One that is there
// is whole, since only whole ones get the name: it is left alone, whoever has changed it since.
func write(ctx context.Context, folder, name string, made io.WriterTo) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	path := filepath.Join(folder, name)
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return err // nil: it is there
	}
	return replace(path, func(w io.Writer) error {
		// It ends when the program does: a report can be of millions of rows.
		_, err := made.WriteTo(writer(func(p []byte) (int, error) {
			if err := ctx.Err(); err != nil {
				return 0, err
			}
			return w.Write(p)
		}))
		return err
	})
}

type writer func([]byte) (int, error)

// Write is io.Writer's.
func (w writer) Write(p []byte) (int, error) { return w(p) }

// replace writes a file whole or not at all.
func replace(path string, fill func(io.Writer) error) (err error) {
	draft := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".part")
	if err := os.Remove(draft); err != nil && !errors.Is(err, fs.ErrNotExist) { // of one that was killed
		return err
	}
	// It names persons: only its user reads it, until somebody decides otherwise.
	f, err := os.OpenFile(draft, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(draft) // what is wrong is said already
		}
	}()
	if err = fill(f); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(draft, path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// stateVersion is that of the file of how far reports are.
const stateVersion = 1

// state is how far a report is.
type state struct {
	Called  string    `json:"called"`
	Suffix  string    `json:"suffix"`
	Folder  string    `json:"folder"`
	Until   time.Time `json:"until"`
	Written time.Time `json:"written,omitzero"`
}

func stateOf(r *Report, f *Figures) state {
	return state{Called: r.Called, Suffix: r.Suffix, Folder: r.Folder, Until: f.Until.UTC(), Written: f.Written.UTC()}
}

func (s *state) is(r *Report) bool {
	return s.Called == r.Called && s.Suffix == r.Suffix && s.Folder == r.Folder
}

// states is the file.
type states struct {
	Version int     `json:"version"`
	Reports []state `json:"reports"`
}

func readState(path string) ([]state, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read how far reports are: %w", err)
	}
	var all states
	if err := json.Unmarshal(text, &all); err != nil || all.Version != stateVersion {
		return nil, fmt.Errorf("%s does not say how far reports are; remove it, and they begin with the newest window", path)
	}
	return all.Reports, nil
}

func writeState(path string, all []state) error {
	text, err := json.MarshalIndent(states{stateVersion, all}, "", "  ")
	if err != nil {
		return fmt.Errorf("write how far reports are: %w", err)
	}
	err = replace(path, func(w io.Writer) error {
		_, err := w.Write(append(text, '\n'))
		return err
	})
	if err != nil {
		return fmt.Errorf("write how far reports are: %w", err)
	}
	return nil
}
