package timeseries

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// commands are all that take a folder, by name.
func commands(t *testing.T) map[string]func(dir string) error {
	return map[string]func(string) error{
		"check":   func(dir string) error { _, err := Check(dir); return err },
		"repair":  func(dir string) error { _, err := Repair(dir); return err },
		"upgrade": func(dir string) error { _, err := Upgrade(dir); return err },
		"backup": func(dir string) error {
			to := filepath.Join(inMemory(t), "backup")
			_, err := Backup(t.Context(), dir, to)
			if _, left := os.Lstat(to); err != nil && left == nil {
				t.Errorf("a backup of %s failed, and left something", dir)
			}
			return err
		},
		"restore": func(dir string) error {
			_, err := Restore(t.Context(), dir, filepath.Join(inMemory(t), "data"))
			return err
		},
		"check a backup": func(dir string) error { _, err := CheckBackup(t.Context(), dir); return err },
	}
}

// TestCommandsOnOddThings gives each command what is no data folder: it says which it is, changes nothing and does not
// wait for anything.
func TestCommandsOnOddThings(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	must(t, os.WriteFile(at("file"), []byte("x"), 0o600))
	listener, err := new(net.ListenConfig).Listen(t.Context(), "unix", at("socket"))
	must(t, err)
	defer listener.Close()
	must(t, unix.Mkfifo(at("pipe"), 0o600))
	must(t, os.Symlink(at("nothing"), at("broken")))
	must(t, os.Symlink(at("circle"), at("circle")))
	must(t, os.Symlink(at("file"), at("to-file")))
	must(t, os.Mkdir(at("empty"), 0o700))
	for _, half := range []string{"log", "blocks"} {
		must(t, os.MkdirAll(filepath.Join(at("file-as-"+half), "log"), 0o700))
		must(t, os.MkdirAll(filepath.Join(at("file-as-"+half), "blocks"), 0o700))
		must(t, os.Remove(filepath.Join(at("file-as-"+half), half)))
		must(t, os.WriteFile(filepath.Join(at("file-as-"+half), half), []byte("x"), 0o600))
	}
	before := treeOf(t, dir)
	for thing, want := range map[string]string{
		"file": "is a file", "socket": "neither a folder nor a file", "pipe": "neither a folder nor a file", "to-file": "is a file", "nothing": "is not there", "broken": "is not there",
		"circle": "too many levels", "empty": "has no folder", "file-as-log": "has no folder \"log\"", "file-as-blocks": "has no folder \"blocks\"", "": "is not there",
	} {
		path := at(thing)
		if thing == "" {
			path = ""
		}
		for command, do := range commands(t) {
			err := do(path)
			if err == nil || !strings.Contains(err.Error(), path) {
				t.Errorf("%s %s: %v", command, thing, err)
			}
			if restoring := command == "restore" || command == "check a backup"; err != nil && !restoring && !strings.Contains(err.Error(), want) {
				t.Errorf("%s %s: %v, want %q", command, thing, err, want)
			}
		}
	}
	if after := treeOf(t, dir); !reflect.DeepEqual(after, before) {
		t.Errorf("there is\n%v\nwhere there was\n%v", after, before)
	}
}

// treeOf lists all that is under a folder, with its kind and, of files, what is in it.
func treeOf(t *testing.T, dir string) (out []string) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		content := ""
		if d.Type().IsRegular() {
			b, err := os.ReadFile(path)
			must(t, err)
			content = string(b)
		}
		out = append(out, fmt.Sprintf("%v %s %q", d.Type(), path, content))
		return nil
	}))
	return out
}

// TestCommandsByLinks gives each command a data folder, or a backup, by a link to it, and one whose log lies elsewhere
// behind a link: they work as on the folder itself.
func TestCommandsByLinks(t *testing.T) {
	t.Parallel()
	from := richFolder(t)
	s, err := Open(from, richOptions()) // what a kill left is gone then
	must(t, err)
	want := richAnswers(t, s)
	must(t, s.Close())
	dir := inMemory(t)
	elsewhere, link := filepath.Join(dir, "elsewhere"), filepath.Join(dir, "link")
	must(t, os.CopyFS(elsewhere, os.DirFS(from)))
	must(t, os.Rename(filepath.Join(elsewhere, "log"), filepath.Join(dir, "log")))
	must(t, os.Symlink(filepath.Join(dir, "log"), filepath.Join(elsewhere, "log")))
	must(t, os.Symlink(elsewhere, link))
	r, err := Check(link)
	must(t, err)
	if len(r.Findings) > 0 || r.Blocks == 0 {
		t.Errorf("by a link check finds %+v", r)
	}
	backup, toBackup := filepath.Join(dir, "backup"), filepath.Join(dir, "to-backup")
	_, err = Backup(t.Context(), link, backup)
	must(t, err)
	must(t, os.Symlink(backup, toBackup))
	if !IsBackup(toBackup) {
		t.Error("a link to a backup is none")
	}
	back := filepath.Join(dir, "back")
	_, err = Restore(t.Context(), toBackup, back)
	must(t, err)
	_, err = Repair(link)
	must(t, err)
	done, err := Upgrade(link)
	if must(t, err); len(done) > 0 {
		t.Errorf("made anew: %q", done)
	}
	for _, x := range []string{link, back} {
		s, err := Open(x, richOptions())
		must(t, err)
		if got := richAnswers(t, s); !reflect.DeepEqual(got, want) {
			t.Errorf("%s answers otherwise", filepath.Base(x))
		}
		must(t, s.Close())
	}
}

// TestOddThingsInAFolder puts things that are no files, and files that are not the store's, into the folders of a data
// folder: nobody waits for them, and all goes on as without them.
func TestOddThingsInAFolder(t *testing.T) {
	t.Parallel()
	dir := richFolder(t)
	s, err := Open(dir, richOptions())
	must(t, err)
	want := richAnswers(t, s)
	must(t, s.Close())
	held, err := Check(dir)
	must(t, err)
	for _, sub := range []string{"log", "blocks"} {
		at := func(name string) string { return filepath.Join(dir, sub, name) }
		must(t, unix.Mkfifo(at("0-pipe"), 0o600))
		listener, err := new(net.ListenConfig).Listen(t.Context(), "unix", at("0-socket"))
		must(t, err)
		defer listener.Close()
		must(t, os.Mkdir(at("0-folder"), 0o700))
		must(t, os.Symlink(at("nothing"), at("0-link")))
		must(t, os.WriteFile(at("0-file"), []byte("somebody's"), 0o600))
	}
	before := treeOf(t, dir)
	for range 2 {
		r, err := Check(dir)
		must(t, err)
		if len(r.Lost)+len(r.Quarantine) > 0 || r.Blocks != held.Blocks || !r.Newest.Equal(held.Newest) {
			t.Errorf("check says %+v", r)
		}
		if after := treeOf(t, dir); !reflect.DeepEqual(after, before) {
			t.Error("check changed the folder")
		}
	}
	done, err := Upgrade(dir)
	if must(t, err); len(done) > 0 {
		t.Errorf("made anew: %q", done)
	}
	backup, back := filepath.Join(inMemory(t), "backup"), filepath.Join(inMemory(t), "back")
	_, err = Backup(t.Context(), dir, backup)
	must(t, err)
	_, err = Restore(t.Context(), backup, back)
	must(t, err)
	_, err = Repair(dir)
	must(t, err)
	for _, x := range []string{dir, back} {
		s, err := Open(x, richOptions())
		must(t, err)
		if got := richAnswers(t, s); !reflect.DeepEqual(got, want) {
			t.Errorf("%s answers otherwise", x)
		}
		must(t, s.Maintain(t.Context(), richAt(richRounds+300)))
		must(t, s.Close())
	}
	for _, sub := range []string{"log", "blocks"} {
		for _, name := range []string{"0-pipe", "0-folder", "0-link", "0-file"} {
			if _, err := os.Lstat(filepath.Join(dir, sub, name)); err != nil {
				t.Errorf("what is not the store's is gone: %v", err)
			}
		}
	}
}

// asNobody does something as a user who may not read what is others'.
func asNobody(t *testing.T, do func()) {
	t.Helper()
	if os.Getuid() != 0 {
		do()
		return
	}
	done := make(chan struct{})
	go func() { // the thread ends with it
		defer close(done)
		runtime.LockOSThread()
		const nobody = 65534
		if err := unix.Setfsuid(nobody); err != nil {
			t.Error(err)
			return
		}
		do()
	}()
	<-done
}

// TestCommandsWithoutPermission gives each command a folder that it may not read, or of which it may not read a part,
// or in which it may not write: it says so, and of what; what needs only be read is read.
func TestCommandsWithoutPermission(t *testing.T) {
	whole := richFolder(t)
	s, err := Open(whole, richOptions())
	must(t, err)
	must(t, s.Close())
	logs, err := listSegments(whole, files{})
	must(t, err)
	blocks, err := listBlocks(whole, files{})
	must(t, err)
	for _, closed := range []string{".", "log", "blocks", logs[0], blocks.rest[0], blocks.state[0]} {
		dir := inMemory(t)
		must(t, os.Chmod(dir, 0o777))
		dir = filepath.Join(dir, "data")
		must(t, os.CopyFS(dir, os.DirFS(whole)))
		must(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err != nil {
				return err
			}
			mode := os.FileMode(0o666)
			if d.IsDir() {
				mode = 0o777
			}
			return os.Chmod(path, mode)
		}))
		must(t, os.Chmod(filepath.Join(dir, closed), 0))
		before := contentsOf(t, dir)
		for command, do := range commands(t) {
			if command == "restore" || command == "check a backup" {
				continue
			}
			asNobody(t, func() {
				if err := do(dir); err == nil || !strings.Contains(err.Error(), "permission denied") || !strings.Contains(err.Error(), dir) {
					t.Errorf("%s, %s may not be read: %v", command, closed, err)
				}
			})
		}
		if os.Getuid() == 0 && !reflect.DeepEqual(contentsOf(t, dir), before) {
			t.Errorf("%s may not be read, and something was changed", closed)
		}
		must(t, os.Chmod(filepath.Join(dir, closed), 0o777))
	}
}
