package timeseries

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// FuzzShelf reads files of the vault that were not written so: each section that is found lies within the file, and
// what is not whole is damage.
func FuzzShelf(f *testing.F) {
	id := blockFile(rawTier, 120)
	dir := f.TempDir()
	v := &diskVault{dir: dir, tick: time.Minute, log: testOpts.Log}
	must(f, v.open())
	must(f, v.begin(id))
	e := testEngine(f)
	for i := range 3 {
		must(f, v.put(id, sectionID{slabSection, i}, e.codec.seal([]byte("some content"))))
	}
	must(f, v.finish(id))
	whole, err := os.ReadFile(v.paths(id)[0])
	must(f, err)
	f.Add(whole)
	f.Add(whole[:len(whole)-9])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		all, damage, err := directory(bytes.NewReader(b), int64(len(b)), id, time.Minute)
		if err != nil {
			return
		}
		if damage == nil && len(b) < shelfHeader+footerBytes {
			t.Errorf("%d bytes are taken for a whole file", len(b))
		}
		for _, x := range all {
			if x.offset < 0 || x.length < 0 || x.offset+int64(x.length) > int64(len(b)) {
				t.Errorf("section %+v of a file of %d bytes", x, len(b))
			}
		}
	})
}

// TestAHeaderIsOfItsFile reads the header of one file as another's, and with each bit flipped: what was written is
// read, another file's is a stranger, another tick or version says what to do and is no damage, and the rest is.
func TestAHeaderIsOfItsFile(t *testing.T) {
	id := fileID{kind: minuteTier, number: 7200, revision: 3}
	whole := encodeShelfHeader(id, time.Minute)
	must(t, checkShelfHeader(whole, id, time.Minute))
	for _, other := range []fileID{{kind: hourTier, number: 7200, revision: 3}, {kind: minuteTier, number: 7201, revision: 3}, {kind: minuteTier, number: 7200, revision: 2}, stateOf(7200)} {
		if err := checkShelfHeader(whole, other, time.Minute); !errors.Is(err, errStranger) {
			t.Errorf("taken for %s: %v", other, err)
		}
	}
	if err := checkShelfHeader(whole, id, time.Second); err == nil || damaged(err) || !strings.Contains(err.Error(), "1m0s, not 1s") {
		t.Errorf("of another tick: %v", err)
	}
	newer := bytes.Clone(whole)
	newer[8]++
	newer = binary.LittleEndian.AppendUint32(newer[:shelfHeader-4], crc32.Checksum(newer[:shelfHeader-4], castagnoli))
	if err := checkShelfHeader(newer, id, time.Minute); err == nil || damaged(err) {
		t.Errorf("of another version: %v", err)
	}
	for i := range 8 * len(whole) {
		b := bytes.Clone(whole)
		b[i/8] ^= 1 << (i % 8)
		if err := checkShelfHeader(b, id, time.Minute); !errors.Is(err, errCorrupt) || errors.Is(err, errStranger) {
			t.Errorf("bit %d flipped: %v", i, err)
		}
		if err := checkShelfHeader(b[:i/8], id, time.Minute); !errors.Is(err, errCorrupt) {
			t.Errorf("cut off after %d bytes: %v", i/8, err)
		}
	}
}

// TestSectionsAreFoundWithoutTheDirectory writes files of random sections, of which some have what looks like a section
// of another file in them, and reads them with the directory and without: the same is found at the same places, and
// nothing that is in a value.
func TestSectionsAreFoundWithoutTheDirectory(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 61))
	for range 300 {
		id, other := blockFile(r.IntN(tiers), r.Int64N(1<<40)), blockFile(rawTier, 5)
		b := encodeShelfHeader(id, time.Minute)
		var want []extent
		for i := range r.IntN(9) {
			value := randomBytes(r, r.IntN(200))
			if r.IntN(3) == 0 {
				value = append(value, append(encodeSectionHeader(other, sectionID{slabSection, i}, 3), "abc"...)...)
			}
			s := sectionID{"smeu"[r.IntN(4)], i}
			b = append(append(b, encodeSectionHeader(id, s, len(value))...), value...)
			want = append(want, extent{section: s, offset: int64(len(b) - len(value)), length: len(value)})
		}
		whole := append(bytes.Clone(b), encodeDirectory(want, int64(len(b)))...)
		got, damage, err := directory(bytes.NewReader(whole), int64(len(whole)), id, time.Minute)
		if must(t, err); damage != nil || !slices.Equal(got, want) {
			t.Fatalf("found %v, %v, want %v", got, damage, want)
		}
		whole[len(b)+r.IntN(len(whole)-len(b))] ^= 1 << r.IntN(8) // of the directory or the footer
		got, damage, err = directory(bytes.NewReader(whole), int64(len(whole)), id, time.Minute)
		if must(t, err); damage == nil || !slices.Equal(got, want) {
			t.Fatalf("without the directory found %v, %v, want %v", got, damage, want)
		}
		if len(want) == 0 {
			continue
		}
		i := r.IntN(len(want)) // whose own header is damaged too: what is in its value is looked through
		whole[want[i].offset-1] ^= 1
		got, damage, err = directory(bytes.NewReader(whole), int64(len(whole)), id, time.Minute)
		if must(t, err); damage == nil || !slices.Equal(got, slices.Delete(want, i, i+1)) {
			t.Fatalf("without the directory and a header found %v, %v", got, damage)
		}
	}
}
