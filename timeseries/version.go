package timeseries

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// formatVersion is that of all files of a folder, but for newer segments of the log and newer blocks; each says it in
// its header. What stays the same in all versions is that a header begins with eight letters and the version, and ends
// after 32 or 40 bytes with a checksum of all before. Version 1 kept its blocks in Badger.
const formatVersion = 2

// checkVersions refuses a folder of another version, before anything in it is changed. What is damaged is not looked at
// here.
func checkVersions(dir string) error {
	for _, name := range []string{"MANIFEST", "KEYREGISTRY"} {
		switch _, err := os.Lstat(filepath.Join(dir, "blocks", name)); {
		case err == nil:
			return wrongVersion(versioned{name: filepath.Join("blocks", name), version: 1})
		case !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, os.ErrPermission):
			return err
		}
	}
	all, err := versionsOf(dir)
	if err != nil {
		return err
	}
	for _, x := range all {
		if !x.reads(x.version) {
			return wrongVersion(x)
		}
	}
	return nil
}

// openFile opens a file to read it; nil for what is none, as a pipe, which nobody may ever write to.
func openFile(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return nil, nil //nolint:nilnil // that it is none is no error
	}
	if err != nil {
		return nil, err
	}
	return os.Open(path)
}

// versionOf returns the version that a file's header says; ok is false when there is no whole header. An error is when
// it may not be read.
func versionOf(path, magic string) (x versioned, ok bool, err error) {
	f, err := openFile(path)
	switch {
	case errors.Is(err, fs.ErrPermission):
		return x, false, err
	case f == nil || err != nil:
		return x, false, nil
	}
	defer f.Close()
	b := make([]byte, max(shelfHeader, headerBytes))
	n, err := f.ReadAt(b, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return x, false, nil
	}
	for _, length := range [...]int{shelfHeader, headerBytes} {
		if n >= length && string(b[:8]) == magic && crc32.Checksum(b[:length-4], castagnoli) == binary.LittleEndian.Uint32(b[length-4:]) {
			x.version, x.newest = binary.LittleEndian.Uint16(b[8:]), logVersion
			if magic == shelfMagic {
				x.newest = fileID{kind: b[10]}.version()
			}
			return x, true, nil
		}
	}
	return x, false, nil
}

// wrongVersion says what to do with a folder of another version.
func wrongVersion(x versioned) error {
	name, version := x.name, x.version
	if version > formatVersion {
		return fmt.Errorf("%s is of format version %d, written by a newer lineaged than this, which reads version %d: "+
			"use that one or a newer; nothing was changed", name, version, x.newest)
	}
	if version >= oldestVersion {
		return fmt.Errorf("%s is of format version %d, written by an older lineaged than this, which reads version %d: "+
			"lineaged data upgrade makes the folder one of that, best after a backup; nothing was changed", name, version, formatVersion)
	}
	return fmt.Errorf("%s is of format version %d, written by an older lineaged than this, which reads version %d: "+
		"use another data folder to begin anew, or the lineaged that wrote it to read it; nothing was changed", name, version, formatVersion)
}
