package timeseries

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// relabel gives a file's header another version.
func relabel(name string, b []byte, version uint16) []byte {
	length := map[string]int{"log": headerBytes, "blocks": shelfHeader}[filepath.Dir(name)]
	b = bytes.Clone(b)
	binary.LittleEndian.PutUint16(b[8:], version)
	binary.LittleEndian.PutUint32(b[length-4:], crc32.Checksum(b[:length-4], castagnoli))
	return b
}

// flipped is a folder's file as two made-up formats before version 2 have it: version 0 with all after the header
// flipped, version 1 as it is.
func flipped(name string, b []byte, version uint16) []byte {
	b = relabel(name, b, version)
	for i := max(shelfHeader, headerBytes); i < len(b); i++ {
		b[i] = ^b[i]
	}
	return b
}

// TestUpgrade upgrades a folder whose files are of two older formats, and is killed before each operation: it is not
// opened until all is done, goes on where it was, and answers then as it did.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	made := map[uint16]formatStep{
		formatVersion - 2: func(name string, was []byte) ([]byte, error) { return flipped(name, was, formatVersion-1), nil },
		formatVersion - 1: func(name string, was []byte) ([]byte, error) { return relabel(name, was, formatVersion), nil },
	}
	now := inMemory(t)
	keptFolder(t, now)
	old, n := inMemory(t), 0
	must(t, os.CopyFS(old, os.DirFS(now)))
	for name, was := range contentsOf(t, now) {
		if name == "LOCK" {
			continue
		}
		b := relabel(name, []byte(was), formatVersion-1)
		if n++; n%2 == 0 {
			b = flipped(name, []byte(was), formatVersion-2)
		}
		must(t, os.WriteFile(filepath.Join(old, name), b, 0o600))
	}
	want := contentsOf(t, now)
	for name, was := range want {
		if name != "LOCK" { // segments and blocks are read before they are of their newest version
			want[name] = string(relabel(name, []byte(was), formatVersion))
		}
	}
	killed := errors.New("killed")
	for at := 0; ; at++ {
		dir, ops := inMemory(t), -1
		must(t, os.CopyFS(dir, os.DirFS(old)))
		_, err := upgrade(dir, 0, made, files{hook: func(string, string) error {
			if ops++; ops >= at {
				return killed
			}
			return nil
		}})
		if err == nil {
			if got := contentsOf(t, dir); !reflect.DeepEqual(got, want) {
				t.Error("upgraded, the folder is not what it was made from")
			}
			if done, err := upgrade(dir, 0, made, files{}); len(done) > 0 || err != nil {
				t.Errorf("upgraded again, %q is made anew, %v", done, err)
			}
			break
		}
		if err := checkVersions(dir); err != nil && !strings.Contains(err.Error(), "of format version") || err == nil && at < n {
			t.Errorf("killed at operation %d: it is opened, or refused with %v", at, err)
		}
		_, err = upgrade(dir, 0, made, files{})
		must(t, err)
		for name, content := range contentsOf(t, dir) {
			if want[name] != content && !strings.HasSuffix(name, draftSuffix) {
				t.Errorf("killed at operation %d: %s is not what it was made from", at, name)
			}
		}
		if at > 1000 {
			t.Fatal("it does not end")
		}
	}
	before := contentsOf(t, old)
	if _, err := upgrade(old, formatVersion-1, made, files{}); err == nil || !reflect.DeepEqual(contentsOf(t, old), before) {
		t.Errorf("of a format that is too old: %v, or it was changed", err)
	}
	s, err := Open(now, keptOptions)
	must(t, err)
	if _, err := upgrade(now, 0, made, files{}); err == nil || !strings.Contains(err.Error(), "another process has it open") {
		t.Errorf("upgraded while it is open: %v", err)
	}
	must(t, s.Close())
}
