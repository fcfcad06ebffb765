package timeseries

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"syscall"
	"time"
)

// A file of the vault: a header, sections with a header each, a directory, a footer. The directory can be rebuilt from
// the headers of the sections and these are not needed while the directory is whole, so that damage to what is not a
// value costs no value. The page is docs/format/values.md.
const (
	shelfMagic  = "lineblok"
	footerMagic = "lineends"
	// blockVersion is that of the blocks that are written; those of formatVersion, whose samples stand as numbers of
	// variable length, are read too. silentVersion is that of files of silent subjects, and of rosters; the former are
	// read in formatVersion too, in which the sums stand in the index. All other files are of formatVersion.
	blockVersion  = 3
	silentVersion = 3
	// shelfHeader: magic, version, kind, a zero byte, tick, number, checksum.
	shelfHeader = 8 + 2 + 1 + 1 + 8 + 8 + 4
	// sectionHeader: kind, number, length, checksum.
	sectionHeader = 1 + 4 + 4 + 4
	// entryBytes is an entry of the directory: kind, number, offset, length.
	entryBytes = 1 + 4 + 8 + 4
	// footerBytes: offset of the directory, its length, its checksum, the footer's checksum, magic.
	footerBytes = 8 + 4 + 4 + 4 + 8
)

// version returns the format version that a file is written in.
func (f fileID) version() uint16 {
	switch {
	case f.isBlock():
		return blockVersion
	case f.kind == deadKind, f.kind == rosterKind:
		return silentVersion
	}
	return formatVersion
}

func encodeShelfHeader(id fileID, tick time.Duration) []byte {
	b := append(make([]byte, 0, shelfHeader), shelfMagic...)
	b = binary.LittleEndian.AppendUint16(b, id.version())
	b = append(b, id.kind, 0)
	b = binary.LittleEndian.AppendUint64(b, uint64(tick))
	b = binary.LittleEndian.AppendUint64(b, id.word())
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b, castagnoli))
}

// checkShelfHeader returns errCorrupt in an error for a header that was not written so, and another error for one of
// another version.
func checkShelfHeader(b []byte, id fileID, tick time.Duration) error {
	if len(b) < shelfHeader || string(b[:8]) != shelfMagic || crc32.Checksum(b[:shelfHeader-4], castagnoli) != binary.LittleEndian.Uint32(b[shelfHeader-4:]) {
		return fmt.Errorf("%w: the header is not what was written", errCorrupt)
	}
	is := fileOf(b[10], binary.LittleEndian.Uint64(b[20:]))
	if v := binary.LittleEndian.Uint16(b[8:]); v != formatVersion && v != is.version() {
		return fmt.Errorf("its version is %d, this program reads %d", v, is.version())
	}
	if t := time.Duration(binary.LittleEndian.Uint64(b[12:])); t != tick {
		return fmt.Errorf("the data has a tick of %s, not %s: use that interval, or another data folder", t, tick)
	}
	if is != id {
		return fmt.Errorf("%w: it is %s", errStranger, is)
	}
	return nil
}

// errStranger is when a file is whole and another's: nothing of it is read.
var errStranger = fmt.Errorf("%w: it has another file's name", errCorrupt)

// encodeSectionHeader names the file in the checksum, so that a section is not taken for another file's.
func encodeSectionHeader(id fileID, s sectionID, length int) []byte {
	b := append(make([]byte, 0, sectionHeader), s.kind)
	b = binary.LittleEndian.AppendUint32(b, uint32(s.number))
	b = binary.LittleEndian.AppendUint32(b, uint32(length))
	return binary.LittleEndian.AppendUint32(b, sectionSum(id, b))
}

func sectionSum(id fileID, b []byte) uint32 {
	salt := binary.LittleEndian.AppendUint64([]byte{id.kind}, id.word())
	return crc32.Update(crc32.Checksum(salt, castagnoli), castagnoli, b[:sectionHeader-4])
}

// decodeSectionHeader returns ok false when b does not begin with a section's header of that file.
func decodeSectionHeader(id fileID, b []byte) (s sectionID, length int, ok bool) {
	if len(b) < sectionHeader || sectionSum(id, b) != binary.LittleEndian.Uint32(b[sectionHeader-4:]) {
		return s, 0, false
	}
	s = sectionID{b[0], int(binary.LittleEndian.Uint32(b[1:]))}
	return s, int(binary.LittleEndian.Uint32(b[5:])), true
}

// encodeDirectory returns the directory and the footer of a file whose sections end at an offset.
func encodeDirectory(all []extent, offset int64) []byte {
	b := make([]byte, 0, len(all)*entryBytes+footerBytes)
	for _, x := range all {
		b = append(b, x.section.kind)
		b = binary.LittleEndian.AppendUint32(b, uint32(x.section.number))
		b = binary.LittleEndian.AppendUint64(b, uint64(x.offset))
		b = binary.LittleEndian.AppendUint32(b, uint32(x.length))
	}
	sum := crc32.Checksum(b, castagnoli)
	footer := binary.LittleEndian.AppendUint64(nil, uint64(offset))
	footer = binary.LittleEndian.AppendUint32(footer, uint32(len(b)))
	footer = binary.LittleEndian.AppendUint32(footer, sum)
	footer = binary.LittleEndian.AppendUint32(footer, crc32.Checksum(footer, castagnoli))
	return append(append(b, footer...), footerMagic...)
}

// directory reads where the sections of a file are. damage is what is not as it was written and costs nothing, since
// the sections were found all the same.
func directory(f io.ReaderAt, size int64, id fileID, tick time.Duration) (all []extent, damage, err error) {
	header := make([]byte, min(size, shelfHeader))
	if _, err := f.ReadAt(header, 0); err != nil {
		damage = fmt.Errorf("%w: the header cannot be read: %w", errCorrupt, err)
	} else if err := checkShelfHeader(header, id, tick); errors.Is(err, errCorrupt) && !errors.Is(err, errStranger) {
		damage = err
	} else if err != nil {
		return nil, nil, err
	}
	all, err = readDirectory(f, size)
	if err == nil {
		return all, damage, nil
	}
	damage = errors.Join(damage, err)
	all, err = walkSections(f, size, id)
	return all, damage, err
}

func readDirectory(f io.ReaderAt, size int64) ([]extent, error) {
	if size < shelfHeader+footerBytes {
		return nil, fmt.Errorf("%w: it is cut off", errCorrupt)
	}
	footer := make([]byte, footerBytes)
	if _, err := f.ReadAt(footer, size-footerBytes); err != nil {
		return nil, fmt.Errorf("%w: the footer cannot be read: %w", errCorrupt, err)
	}
	offset, length := binary.LittleEndian.Uint64(footer), int64(binary.LittleEndian.Uint32(footer[8:]))
	switch {
	case string(footer[20:]) != footerMagic || crc32.Checksum(footer[:16], castagnoli) != binary.LittleEndian.Uint32(footer[16:]):
		return nil, fmt.Errorf("%w: the footer is not what was written", errCorrupt)
	case length%entryBytes != 0 || offset != uint64(size-footerBytes-length):
		return nil, fmt.Errorf("%w: the directory is not where it was written", errCorrupt)
	}
	b := make([]byte, length)
	if _, err := f.ReadAt(b, int64(offset)); err != nil {
		return nil, fmt.Errorf("%w: the directory cannot be read: %w", errCorrupt, err)
	}
	if crc32.Checksum(b, castagnoli) != binary.LittleEndian.Uint32(footer[12:]) {
		return nil, fmt.Errorf("%w: the directory is not what was written", errCorrupt)
	}
	all := make([]extent, 0, len(b)/entryBytes)
	for ; len(b) > 0; b = b[entryBytes:] {
		x := extent{
			section: sectionID{b[0], int(binary.LittleEndian.Uint32(b[1:]))},
			offset:  int64(binary.LittleEndian.Uint64(b[5:])), length: int(binary.LittleEndian.Uint32(b[13:])),
		}
		if x.offset < shelfHeader || x.offset > int64(offset) || int64(x.length) > int64(offset)-x.offset {
			return nil, fmt.Errorf("%w: the directory points outside the file", errCorrupt)
		}
		all = append(all, x)
	}
	return all, nil
}

// walkSections finds the sections by their own headers.
func walkSections(f io.ReaderAt, size int64, id fileID) (all []extent, err error) {
	b := make([]byte, size)
	if _, err := f.ReadAt(b, 0); err != nil {
		return nil, readFailure(err)
	}
	for at := int64(shelfHeader); at < size; {
		s, length, ok := decodeSectionHeader(id, b[at:])
		if !ok || int64(length) > size-at-sectionHeader {
			at++
			continue
		}
		all = append(all, extent{section: s, offset: at + sectionHeader, length: length})
		at += sectionHeader + int64(length)
	}
	return all, nil
}

// readFailure makes damage of what a disk says of a sector that it cannot read.
func readFailure(err error) error {
	if errors.Is(err, syscall.EIO) {
		return fmt.Errorf("%w: %w", errCorrupt, err)
	}
	return err
}
