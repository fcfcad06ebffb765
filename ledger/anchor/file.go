package anchor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/lineaged/lineaged/ledger"
)

// mostCheckpoint is how long what an anchor holds or answers is read at most.
const mostCheckpoint = 64 << 10

// File is an anchor that is a file, as on a share that others keep: it is the newest checkpoint, replaced whole.
type File struct {
	path string
	busy chan struct{} // one at a time: a share that hangs is not waited for by more and more
}

// NewFile makes an anchor of a file, in a folder that is there.
func NewFile(path string) *File { return &File{path, make(chan struct{}, 1)} }

// Name is Anchor's.
func (f *File) Name() string { return "file:" + f.path }

// Tell is Anchor's.
func (f *File) Tell(ctx context.Context, r *ledger.Reader) (Held, error) {
	select {
	case f.busy <- struct{}{}:
	case <-ctx.Done():
		return Held{}, errors.New("the file system does not answer")
	}
	type answer struct {
		held Held
		err  error
	}
	answered := make(chan answer, 1)
	go func() {
		defer func() { <-f.busy }()
		held, err := f.tell(r)
		answered <- answer{held, err}
	}()
	select {
	case a := <-answered:
		return a.held, a.err
	case <-ctx.Done():
		return Held{}, errors.New("the file system does not answer")
	}
}

func (f *File) tell(r *ledger.Reader) (Held, error) {
	is := r.Checkpoint()
	held, at, err := f.read()
	if err != nil {
		return Held{}, err
	}
	if held != nil {
		c, err := Judge(f.Name(), r, held)
		if err != nil {
			return Held{}, err
		}
		if c.Size == is.Size {
			return Held{Checkpoint: is, At: at}, nil
		}
	}
	if is.Size == 0 {
		return Held{}, nil
	}
	if err := f.replace(is.Text); err != nil {
		return Held{}, fmt.Errorf("write the file: %w", err)
	}
	return Held{Checkpoint: is}, nil
}

// read returns what the file holds and since when; nil: there is none, or it is empty.
func (f *File) read() ([]byte, time.Time, error) {
	info, err := os.Stat(f.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, time.Time{}, nil
	}
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("read the file: %w", err)
	}
	if info.Size() > mostCheckpoint {
		return nil, time.Time{}, fmt.Errorf("it has %d bytes and is no checkpoint", info.Size())
	}
	text, err := os.ReadFile(f.path)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("read the file: %w", err)
	}
	if len(text) == 0 {
		return nil, time.Time{}, nil
	}
	return text, info.ModTime(), nil
}

// replace replaces the file, or leaves it as it was: the new one is synced before it has the name, and the name too. A
// checkpoint is no secret: those who keep it may read it.
func (f *File) replace(text []byte) error {
	temp, dir := f.path+".new", filepath.Dir(f.path)
	if err := os.WriteFile(temp, text, 0o644); err != nil {
		return err
	}
	if err := syncOf(temp); err != nil {
		return err
	}
	if err := os.Rename(temp, f.path); err != nil {
		return err
	}
	return syncOf(dir)
}

// syncOf syncs a file or a folder.
func syncOf(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
