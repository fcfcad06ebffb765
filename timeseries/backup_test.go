package timeseries

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// inMemory returns an empty folder in memory where there is one: what is tested does not wait for a disk.
func inMemory(t testing.TB) string {
	dir, err := os.MkdirTemp("/dev/shm", "timeseries") //nolint:usetesting // that is where memory is
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { must(t, os.RemoveAll(dir)) })
	return dir
}

// backedUp returns a backup of a folder that holds all there is, and what is answered of that.
func backedUp(t *testing.T) (to string, want []richAnswer) {
	t.Helper()
	from := richFolder(t)
	s, err := Open(copied(t, from), richOptions())
	must(t, err)
	want = richAnswers(t, s)
	must(t, s.Close())
	to = filepath.Join(inMemory(t), "backup")
	before := contentsOf(t, from)
	b, err := Backup(t.Context(), from, to)
	must(t, err)
	if !reflect.DeepEqual(contentsOf(t, from), before) {
		t.Error("the backup changed the folder")
	}
	if len(b.Findings) > 0 || b.Files < 10 || b.Bytes == 0 {
		t.Errorf("backed up: %+v", b)
	}
	return to, want
}

// restored returns what is answered of a backup, and the error of restoring it.
func restored(t *testing.T, from string) ([]richAnswer, error) {
	t.Helper()
	to := filepath.Join(inMemory(t), "restored")
	if _, err := Restore(t.Context(), from, to); err != nil {
		if _, left := os.Lstat(to); !errors.Is(left, fs.ErrNotExist) {
			t.Errorf("restoring failed, and something is left: %v", left)
		}
		return nil, err
	}
	r, err := Check(to)
	must(t, err)
	if len(r.Findings) > 0 {
		t.Errorf("found in what was restored: %q", r.Findings)
	}
	s, err := Open(to, richOptions())
	must(t, err)
	got := richAnswers(t, s)
	must(t, s.Close())
	return got, nil
}

// TestBackup restores a backup of all there is.
func TestBackup(t *testing.T) {
	t.Parallel()
	to, want := backedUp(t)
	got, err := restored(t, to)
	must(t, err)
	if !reflect.DeepEqual(got, want) {
		t.Errorf("restored, it answers\n%+v\nwant\n%+v", got, want)
	}
	if _, err := CheckBackup(t.Context(), to); err != nil {
		t.Error(err)
	}
	f := func(what, want string, err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", what, err, want)
		}
	}
	before := contentsOf(t, to)
	_, err = Open(to, richOptions())
	f("a backup is opened", "is a backup: restore it", err)
	_, err = Check(to)
	f("a backup is checked as a folder", "is a backup: restore it", err)
	_, err = Backup(t.Context(), to, filepath.Join(inMemory(t), "x"))
	f("a backup of a backup", "is a backup: restore it", err)
	_, err = Restore(t.Context(), to, to)
	f("restored into itself", "lies in the folder that is copied", err)
	_, err = Restore(t.Context(), richFolder(t), filepath.Join(inMemory(t), "x"))
	f("a data folder is restored", "is no whole backup: it has no BACKUP", err)
	if !reflect.DeepEqual(contentsOf(t, to), before) {
		t.Error("the backup was changed")
	}
	from := richFolder(t)
	_, err = Backup(t.Context(), from, filepath.Join(from, "backup"))
	f("into the folder itself", "lies in the folder that is copied", err)
	_, err = Backup(t.Context(), from, to)
	f("over another", "is not empty", err)
	_, err = Backup(t.Context(), inMemory(t), filepath.Join(inMemory(t), "x"))
	f("of nothing", "is no data folder", err)
	if _, err := Backup(t.Context(), from, inMemory(t)); err != nil {
		t.Errorf("into an empty folder: %v", err)
	}
}

// TestBackupDamaged damages each file of a backup in turn, cuts it, takes it away, or adds one: it is refused, and by
// the file's name.
func TestBackupDamaged(t *testing.T) {
	t.Parallel()
	from, _ := backedUp(t)
	r := rand.New(rand.NewPCG(1, 71))
	names := 0
	for name, was := range contentsOf(t, from) {
		names++
		kinds := []string{"a bit", "cut off", "longer", "gone"}
		if os.Getenv("LINEAGED_LONG") != "" {
			kinds = append(kinds, slices.Repeat(kinds[:1], 100)...)
		}
		for _, how := range kinds {
			path, b := filepath.Join(from, name), []byte(was)
			switch how {
			case "a bit":
				b[r.IntN(len(b))] ^= 1 << r.IntN(8)
			case "cut off":
				b = b[:r.IntN(len(b))]
			case "longer":
				b = append(b, byte(r.IntN(256)))
			}
			must(t, os.WriteFile(path, b, 0o600))
			if how == "gone" {
				must(t, os.Remove(path))
			}
			_, err := CheckBackup(t.Context(), from)
			if err == nil || !strings.Contains(err.Error(), name) && !strings.Contains(err.Error(), "another lineaged") {
				t.Errorf("%s, %s: %v", name, how, err)
			}
			if _, refused := restored(t, from); fmt.Sprint(refused) != fmt.Sprint(err) {
				t.Errorf("%s, %s: restoring says %v, checking %v", name, how, refused, err)
			}
			must(t, os.WriteFile(path, []byte(was), 0o600))
		}
	}
	if names < 10 {
		t.Errorf("only %d files were damaged", names)
	}
	more := filepath.Join(from, "blocks", "raw-00000000000000000001.block")
	must(t, os.WriteFile(more, nil, 0o600))
	if _, err := restored(t, from); err == nil || !strings.Contains(err.Error(), "raw-00000000000000000001.block is not of the backup") {
		t.Errorf("a file more: %v", err)
	}
}

// TestBackupOfDamage says what is damaged in the folder, and copies it as it is.
func TestBackupOfDamage(t *testing.T) {
	t.Parallel()
	from := richFolder(t)
	s, err := Open(from, richOptions()) // what a kill left is gone then
	must(t, err)
	must(t, s.Close())
	logs, err := listSegments(from, files{})
	must(t, err)
	blocks, err := listBlocks(from, files{})
	must(t, err)
	for _, name := range []string{logs[0], blocks.rest[0], blocks.state[0]} {
		dir := copied(t, from)
		if hurtValue(t, filepath.Join(dir, name)) == nil {
			t.Fatalf("%s is too short", name)
		}
		to := filepath.Join(inMemory(t), "backup")
		b, err := Backup(t.Context(), dir, to)
		must(t, err)
		if said := strings.Join(b.Findings, "\n"); !strings.Contains(said, filepath.Base(name)) || strings.Contains(said, to) {
			t.Errorf("%s is damaged, and found is %q", name, b.Findings)
		}
		if _, err := CheckBackup(t.Context(), to); err != nil {
			t.Error(err)
		}
	}
	dir := copied(t, from)
	must(t, os.Remove(filepath.Join(dir, blocks.state[1])))
	b, err := Backup(t.Context(), dir, filepath.Join(inMemory(t), "backup"))
	must(t, err)
	if !slices.ContainsFunc(b.Findings, func(f string) bool { return strings.Contains(f, "has one copy") }) {
		t.Errorf("a copy of the state is gone, and found is %q", b.Findings)
	}
}

// TestBackupOfDamagedHeaders says that a header is damaged, also where all are and nothing says any more how the folder
// was made. Of another version nothing is known.
func TestBackupOfDamagedHeaders(t *testing.T) {
	t.Parallel()
	from := richFolder(t)
	s, err := Open(from, richOptions()) // what a kill left is gone then
	must(t, err)
	must(t, s.Close())
	logs, err := listSegments(from, files{})
	must(t, err)
	newest := logs[len(logs)-1]
	of := func(change func(name string, b []byte) []byte) string {
		t.Helper()
		dir := copied(t, from)
		for name, content := range contentsOf(t, dir) {
			must(t, os.WriteFile(filepath.Join(dir, name), change(name, []byte(content)), 0o600))
		}
		to := filepath.Join(inMemory(t), "backup")
		b, err := Backup(t.Context(), dir, to)
		must(t, err)
		said := strings.Join(b.Findings, "\n")
		if strings.Contains(said, to) {
			t.Errorf("found is %q, which is of the backup", said)
		}
		return said
	}
	hurt := func(b []byte) []byte {
		if len(b) > 0 {
			b[0] ^= 2
		}
		return b
	}
	if said := of(func(_ string, b []byte) []byte { return hurt(b) }); !strings.Contains(said, "no file says what tick it was made with") {
		t.Errorf("all headers are damaged, and found is %q", said)
	}
	if said := of(func(_ string, b []byte) []byte { return b[:min(1, len(b))] }); said == "" {
		t.Error("nothing is left of any file, and nothing is found")
	}
	if said := of(func(name string, b []byte) []byte {
		if name == newest {
			return hurt(b)
		}
		return b
	}); !strings.Contains(said, newest+" is damaged") {
		t.Errorf("the header of %s is damaged, and found is %q", newest, said)
	}
	if said := of(func(name string, b []byte) []byte {
		if name != newest {
			return hurt(b)
		}
		binary.LittleEndian.PutUint16(b[8:], logVersion+1)
		binary.LittleEndian.PutUint32(b[headerBytes-4:], crc32.Checksum(b[:headerBytes-4], castagnoli))
		return b
	}); said != "" {
		t.Errorf("it is of another version, and found is %q", said)
	}
	if said := of(func(_ string, b []byte) []byte { return b }); said != "" {
		t.Errorf("nothing is damaged, and found is %q", said)
	}
}

// TestBackupFails has each operation of backing up and restoring fail: as a full disk does, after which nothing is
// left, and as a kill does, after which nothing else is done either: what is left is refused, or whole and the same.
func TestBackupFails(t *testing.T) {
	t.Parallel()
	from := richFolder(t)
	whole, want := backedUp(t)
	crash := errors.New("killed")
	for what, f := range map[string]func(to string, f files) error{
		"backup": func(to string, f files) error {
			_, err := backup(context.Background(), from, to, f, freeSpace)
			return err
		},
		"restore": func(to string, f files) error {
			_, err := restore(context.Background(), whole, to, f, freeSpace)
			return err
		},
	} {
		var ops []string
		must(t, f(filepath.Join(inMemory(t), "to"), files{hook: func(op, path string) error {
			ops = append(ops, op+" "+filepath.Base(path))
			return nil
		}}))
		each := 4
		if os.Getenv("LINEAGED_LONG") != "" {
			each = 1
		}
		for at, op := range ops {
			if at%each != 0 && at < len(ops)-6 { // how a folder is made whole, wholly
				continue
			}
			for _, kills := range []bool{false, true} {
				to, n := filepath.Join(inMemory(t), "to"), -1
				err := f(to, files{hook: func(string, string) error {
					switch n++; {
					case n == at && !kills:
						return syscall.ENOSPC
					case n >= at && kills:
						return crash
					}
					return nil
				}})
				last, listed := at == len(ops)-1, at > slices.Index(ops, opRename+" "+listName)
				switch {
				case err == nil:
					t.Errorf("%s: %s failed, and nobody was told", what, op)
				case !kills && !errors.Is(err, syscall.ENOSPC):
					t.Errorf("%s: %s: no space left is told as %v", what, op, err)
				case !kills:
					if _, left := os.Lstat(to); !errors.Is(left, fs.ErrNotExist) {
						t.Errorf("%s: %s failed, and something is left: %v", what, op, left)
					}
				case what == "backup":
					got, err := restored(t, to)
					if is := IsBackup(to); is != (err == nil) || is != listed || is && !reflect.DeepEqual(got, want) {
						t.Errorf("%s, killed at %s: a backup %t, restored: %v", what, op, is, err)
					}
					refused(t, fmt.Sprintf("%s, killed at %s", what, op), to)
				default:
					opens(t, fmt.Sprintf("%s, killed at %s", what, op), to, want, last)
				}
			}
		}
		if len(ops) < 30 {
			t.Errorf("%s: only %d operations", what, len(ops))
		}
	}
}

// refused opens, checks and repairs what a backup left, whole or not: it is no data folder, and stays what it was.
func refused(t *testing.T, what, dir string) {
	t.Helper()
	before := contentsOf(t, mustExist(t, dir))
	if len(before) == 0 {
		return
	}
	why := "was cut short"
	if IsBackup(dir) {
		why = "is a backup: restore it"
	}
	_, opening := Open(dir, richOptions())
	_, checking := Check(dir)
	_, repairing := Repair(dir)
	for how, err := range map[string]error{"opened": opening, "checked": checking, "repaired": repairing} {
		if err == nil || !strings.Contains(err.Error(), why) || !strings.Contains(err.Error(), dir) {
			t.Errorf("%s: what is left is %s: %v, want %q", what, how, err, why)
		}
	}
	if !reflect.DeepEqual(contentsOf(t, dir), before) {
		t.Errorf("%s: what is left was changed", what)
	}
}

// opens opens what a restore left that was killed: it is refused, or answers as it should. A folder that is not there
// yet, or is empty, is one to begin anew.
func opens(t *testing.T, what, dir string, want []richAnswer, whole bool) {
	t.Helper()
	if len(contentsOf(t, mustExist(t, dir))) == 0 {
		return
	}
	s, err := Open(dir, richOptions())
	if err != nil {
		if whole || !strings.Contains(err.Error(), "was cut short") {
			t.Errorf("%s: %v", what, err)
		}
		return
	}
	if got := richAnswers(t, s); !whole || !reflect.DeepEqual(got, want) {
		t.Errorf("%s: it opens and answers otherwise", what)
	}
	must(t, s.Close())
}

func mustExist(t *testing.T, dir string) string {
	t.Helper()
	must(t, os.MkdirAll(dir, 0o700))
	return dir
}

// TestBackupWithoutRoom looks for room before anything is written.
func TestBackupWithoutRoom(t *testing.T) {
	t.Parallel()
	from, size := richFolder(t), int64(0)
	for name, content := range contentsOf(t, from) {
		if name != "LOCK" {
			size += int64(len(content))
		}
	}
	to := filepath.Join(inMemory(t), "a", "backup")
	least := defaultMinFree(inMemory(t))
	space := func(free int64) func(string) (int64, error) {
		return func(string) (int64, error) { return free, nil }
	}
	f := files{hook: func(op, path string) error {
		if op != opRemove && op != opLook {
			t.Errorf("%s of %s, and there is no room", op, path)
		}
		return nil
	}}
	if _, err := backup(t.Context(), from, to, f, space(least+size/2)); !errors.Is(err, ErrNoSpace) {
		t.Errorf("without room: %v", err)
	}
	if _, err := os.Lstat(filepath.Dir(to)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("something is left: %v", err)
	}
	_, err := backup(t.Context(), from, to, files{}, space(least+size))
	must(t, err)
	back := filepath.Join(inMemory(t), "restored")
	if _, err := restore(t.Context(), to, back, f, space(least+size/2)); !errors.Is(err, ErrNoSpace) {
		t.Errorf("restored without room: %v", err)
	}
}

// TestBackupList reads what it writes, and nothing else.
func TestBackupList(t *testing.T) {
	from, _ := backedUp(t)
	b, err := os.ReadFile(filepath.Join(from, listName))
	must(t, err)
	l, err := decodeList(string(b))
	must(t, err)
	if !bytes.Equal(l.encode(), b) {
		t.Errorf("written again it is\n%s\nand was\n%s", l.encode(), b)
	}
	for _, name := range []string{"../x", "log/../../x", "/etc/x", "blocks/a/b", "x"} {
		l.files[0].name = name
		if _, err := decodeList(string(l.encode())); err == nil {
			t.Errorf("a file %q is one of a backup", name)
		}
	}
	if _, err := decodeList(strings.Replace(string(b), "backup 1", "backup 3", 1)); err == nil || !strings.Contains(err.Error(), "another lineaged") {
		t.Errorf("of another version: %v", err)
	}
}

func FuzzBackupList(f *testing.F) {
	f.Add(string(fileList{files: []listedFile{{name: "log/x"}}}.encode()))
	f.Fuzz(func(t *testing.T, text string) {
		l, err := decodeList(text)
		if err != nil {
			return
		}
		if again, err := decodeList(string(l.encode())); err != nil || !reflect.DeepEqual(again, l) {
			t.Fatalf("%q becomes %v, and that %v, %v", text, l, again, err)
		}
	})
}
