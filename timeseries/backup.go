package timeseries

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Backed is what Backup wrote, or Restore read.
type Backed struct {
	At     time.Time // of what is in it, by the clock of the machine that it was taken on
	Files  int
	Bytes  int64
	Passes int // how often the folder was gone through, since it changed meanwhile; Backup only
	// Findings are what is damaged in the folder, and in the backup as well; Backup only.
	Findings []string
}

// Backup copies a data folder as it is at one instant, whether or not a process has it open, into a new or an empty
// folder. All that was acknowledged before the call is in it, and of what is acknowledged meanwhile a part, up to one
// round. Nothing in the data folder is changed, and who has it open does not wait.
//
// The backup is whole once its list is there, which is written last, and is refused as a data folder from the start;
// what an error leaves is removed. An error wraps ErrNoSpace where there is not room enough, which is looked at before
// anything is written.
func Backup(ctx context.Context, dir, to string) (Backed, error) {
	return backup(ctx, dir, to, files{}, freeSpace)
}

func backup(ctx context.Context, dir, to string, f files, space func(string) (int64, error)) (_ Backed, err error) {
	if err := isDataFolder(dir); err != nil {
		return Backed{}, err
	}
	if err := errors.Join(refuseCopies(dir), notErasing(dir)); err != nil {
		return Backed{}, err
	}
	c := &copying{from: dir, files: f, space: space, have: map[string]copiedFile{}}
	if err := c.begin(to); err != nil {
		return Backed{}, fmt.Errorf("back up %s: %w", dir, err)
	}
	b, err := c.backup(ctx)
	if err == nil {
		err = notErasing(dir)
	}
	if err != nil {
		return Backed{}, fmt.Errorf("back up %s: %w", dir, errors.Join(err, c.undo()))
	}
	return b, nil
}

// copying is a copy of a folder that is being made.
type copying struct {
	from, to string
	made     []string // folders that were made, in order
	files    files
	space    func(string) (int64, error) // free bytes
	marked   bool                        // what keeps the folder from being opened is there, and is ours
	have     map[string]copiedFile       // what is copied, by its name relative to the folder
	buffer   []byte
}

// copiedFile is a file that was copied, as it was then.
type copiedFile struct {
	info os.FileInfo
	listed
}

// begin makes the folder that is copied to, and its own.
func (c *copying) begin(to string) error {
	to, err := filepath.Abs(to)
	if err != nil {
		return err
	}
	from, err := filepath.Abs(c.from)
	if err != nil {
		return err
	}
	if to == from || strings.HasPrefix(to, from+string(filepath.Separator)) {
		return fmt.Errorf("%s lies in the folder that is copied", to)
	}
	switch names, err := os.ReadDir(to); {
	case errors.Is(err, fs.ErrNotExist):
		c.made = append(c.made, to)
	case err != nil:
		return err
	case len(names) > 0:
		return fmt.Errorf("%s is not empty: name a new folder", to)
	}
	c.from, c.to = from, to
	return nil
}

// folders makes the folders of a copy; besides reports whether there is what is not the store's.
func (c *copying) folders(besides bool) error {
	for _, name := range backupFolders[:copiedCount(besides)] {
		path := filepath.Join(c.to, name)
		c.made = append(c.made, path)
		if err := c.files.folder(path); err != nil {
			return err
		}
	}
	return nil
}

// backupFolders are the folders whose files a backup has. The last is there where anybody said anything of nodes: what
// people edited is not the store's, and is as little to be made anew.
var backupFolders = []string{"log", "blocks", "catalog"}

// besideFile is what a backup has beside the store's files. It only grows, as long as it is open; its form is package
// catalog's.
var besideFile = filepath.Join("catalog", "edits")

func copiedCount(besides bool) int {
	if besides {
		return len(backupFolders)
	}
	return len(backupFolders) - 1
}

// syncFolders makes the names of what is listed durable.
func (c *copying) syncFolders(l fileList) error {
	for _, folder := range append(slices.Clone(backupFolders[:copiedCount(l.besides())]), ".") {
		if err := c.files.syncDir(filepath.Join(c.to, folder)); err != nil {
			return err
		}
	}
	return nil
}

// room returns ErrNoSpace where bytes would leave less free than a store leaves.
func (c *copying) room(bytes int64) error {
	at := c.to
	for { // the folder may not be there yet
		if _, err := os.Stat(at); !errors.Is(err, fs.ErrNotExist) || at == filepath.Dir(at) {
			break
		}
		at = filepath.Dir(at)
	}
	free, err := c.space(at)
	if err != nil {
		return fmt.Errorf("look up free space: %w", err)
	}
	if least := defaultMinFree(at); free-bytes < least {
		return fmt.Errorf("%w: %d bytes are to be written, %d are free in %s, and %d are left free", ErrNoSpace, bytes, free, at, least)
	}
	return nil
}

// backup copies until nothing was missed.
func (c *copying) backup(ctx context.Context) (b Backed, err error) {
	for b.Passes = 1; ; b.Passes++ {
		p, err := takePicture(c.from, c.files)
		if err != nil {
			return b, err
		}
		whole, err := c.pass(ctx, p)
		if err = errors.Join(err, p.close()); err != nil {
			return b, err
		}
		if whole {
			b.At = p.at
			for _, name := range p.single {
				b.Findings = append(b.Findings, name+" has one copy, where there should be two")
			}
			break
		}
	}
	b.Findings = append(b.Findings, c.damaged()...)
	l := fileList{at: b.At}
	for name, x := range c.have {
		l.files = append(l.files, listedFile{name, x.listed})
		b.Files++
		b.Bytes += x.size
	}
	if err := c.syncFolders(l); err != nil {
		return b, err
	}
	if err := c.writeList(l); err != nil {
		return b, err
	}
	return b, c.ended(unfinishedBackup)
}

// pass copies what is in a picture and was not copied before. whole is false where a file went meanwhile: it may have
// been needed, and the next picture does without.
func (c *copying) pass(ctx context.Context, p *picture) (whole bool, err error) {
	named, need := map[string]bool{}, int64(0)
	for _, x := range p.open {
		named[x.name] = true
		if !c.has(x.name, x.info) {
			need += x.info.Size()
		}
	}
	for _, name := range p.names {
		named[name] = true
		info, err := os.Lstat(filepath.Join(c.from, name))
		if errors.Is(err, fs.ErrNotExist) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		if !c.has(name, info) {
			need += info.Size()
		}
	}
	if err := c.room(need); err != nil {
		return false, err
	}
	if !c.marked {
		if err := c.begun(unfinishedBackup); err != nil {
			return false, err
		}
		if err := c.folders(false); err != nil {
			return false, err
		}
	}
	if slices.ContainsFunc(p.open, func(x pictured) bool { return x.name == besideFile }) {
		if err := c.folders(true); err != nil {
			return false, err
		}
	}
	for name := range c.have {
		if !named[name] {
			if err := c.drop(name); err != nil {
				return false, err
			}
		}
	}
	for _, x := range p.open {
		if err := c.copy(ctx, x); err != nil {
			return false, err
		}
	}
	for _, name := range p.names {
		var one picture
		err := one.take(c.from, name, c.files)
		if err == nil && len(one.open) == 0 {
			return false, nil
		}
		if err == nil {
			err = c.copy(ctx, one.open[0])
		}
		if err = errors.Join(err, one.close()); err != nil {
			return false, err
		}
	}
	return true, nil
}

// has reports whether a file was copied as it is now: the store writes none anew under its inode.
func (c *copying) has(name string, now os.FileInfo) bool {
	x, ok := c.have[name]
	return ok && os.SameFile(x.info, now) && x.info.Size() == now.Size() && x.info.ModTime().Equal(now.ModTime())
}

func (c *copying) drop(name string) error {
	if err := c.files.remove(filepath.Join(c.to, name)); err != nil {
		return err
	}
	delete(c.have, name)
	return nil
}

// copy copies a file as long as it was when it was opened.
func (c *copying) copy(ctx context.Context, x pictured) error {
	if c.has(x.name, x.info) {
		return nil
	}
	l, err := c.write(ctx, x.name, io.NewSectionReader(x.file, 0, x.info.Size()), x.info.ModTime())
	if err != nil {
		return fmt.Errorf("copy %s: %w", x.name, err)
	}
	c.have[x.name] = copiedFile{x.info, l}
	return nil
}

// copyBytes is how much is read at once.
const copyBytes = 1 << 20

// write makes a file of what is read, and makes it durable.
func (c *copying) write(ctx context.Context, name string, from io.Reader, changed time.Time) (l listed, err error) {
	path := filepath.Join(c.to, name)
	out, err := c.files.create(path, os.O_TRUNC)
	if err != nil {
		return l, noSpace(err)
	}
	l, err = c.pump(ctx, from, func(b []byte) error { return c.files.write(out, b) })
	if err == nil {
		err = c.files.sync(out)
	}
	if err = errors.Join(noSpace(err), out.Close()); err != nil {
		return l, err
	}
	return l, os.Chtimes(path, time.Time{}, changed) // the log is read as of when it was written to last
}

// pump reads all, hands it on part by part, and says what it was.
func (c *copying) pump(ctx context.Context, from io.Reader, to func([]byte) error) (l listed, err error) {
	if c.buffer == nil {
		c.buffer = make([]byte, copyBytes)
	}
	sum := sha256.New()
	for {
		n, err := io.ReadFull(from, c.buffer)
		sum.Write(c.buffer[:n])
		l.size += int64(n)
		if n > 0 && to != nil {
			if err := to(c.buffer[:n]); err != nil {
				return l, err
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			sum.Sum(l.sum[:0])
			return l, nil
		}
		if err = errors.Join(err, ctx.Err()); err != nil {
			return l, err
		}
	}
}

// undo removes what was written, and last what keeps the folder from being opened. Where that is not ours, neither is
// what else is in the folder.
func (c *copying) undo() error {
	if c.to == "" {
		return nil
	}
	if !c.marked {
		if slices.Contains(c.made, c.to) {
			_ = c.files.remove(c.to) // another's, if it cannot be removed
		}
		return nil
	}
	var errs []error
	remove := func(path string) { errs = append(errs, c.files.remove(path)) }
	remove(filepath.Join(c.to, listName))
	remove(filepath.Join(c.to, listName+draftSuffix))
	for _, folder := range backupFolders {
		names, err := os.ReadDir(filepath.Join(c.to, folder))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
		for _, n := range names {
			remove(filepath.Join(c.to, folder, n.Name()))
		}
	}
	for _, path := range slices.Backward(c.made) {
		if path != c.to {
			remove(path)
		}
	}
	remove(filepath.Join(c.to, unfinishedName))
	remove(filepath.Join(c.to, unfinishedBackup))
	if slices.Contains(c.made, c.to) {
		remove(c.to)
	}
	return errors.Join(errs...)
}

// damaged says what of the copies is not what the store wrote.
func (c *copying) damaged() (out []string) {
	defer func() {
		for i := range out {
			out[i] = strings.ReplaceAll(out[i], c.to, c.from)
		}
	}()
	versions, err := versionsOf(c.to)
	if err != nil {
		return []string{err.Error()}
	}
	if slices.ContainsFunc(versions, func(x versioned) bool { return !x.reads(x.version) }) {
		return nil // the checksums of another version are not known here
	}
	tick, _, err := tickOf(c.to)
	if err != nil {
		return []string{err.Error()}
	}
	said := &sayings{}
	v := &diskVault{dir: filepath.Join(c.to, "blocks"), tick: tick, log: slog.New(said), files: files{dry: true}}
	if err := v.open(); err != nil {
		return []string{err.Error()}
	}
	for _, id := range v.list() {
		if _, err := v.verify(id); err != nil {
			out = append(out, fmt.Sprintf("%s is damaged: %v", id, err))
		}
	}
	segments, err := listSegments(c.to, files{})
	if err != nil {
		return append(out, err.Error())
	}
	for i, name := range segments {
		if err := checkSegment(filepath.Join(c.to, name), tick, i == len(segments)-1); err != nil {
			out = append(out, fmt.Sprintf("%s is damaged: %v", name, err))
		}
	}
	return append(out, said.lines...)
}

// checkSegment reads the header and the frames of a segment of the log. At the end of the last there may be a part of a
// write, or no whole header yet.
func checkSegment(path string, tick time.Duration, last bool) error {
	b, err := readAround(path)
	if err != nil {
		return err
	}
	if last && len(b) < headerBytes {
		return nil
	}
	var number uint64
	if _, err := fmt.Sscanf(filepath.Base(path), "%020d.log", &number); err != nil {
		return err
	}
	if err := checkHeader(b, tick, number); err != nil {
		return err
	}
	for at := headerBytes; at < len(b); {
		payload, err := readFrame(b[at:])
		if err != nil && last && torn(b[at:]) && nextFrame(b[at+1:]) < 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("at %d: %w", at, err)
		}
		at += frameBytes + len(payload)
	}
	return nil
}
