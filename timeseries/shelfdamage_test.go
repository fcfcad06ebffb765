package timeseries

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// shelfOf writes a file of some sections and returns its bytes, and where they are.
func shelfOf(t *testing.T, id fileID) (b []byte, all []extent) {
	t.Helper()
	v := &diskVault{dir: t.TempDir(), tick: time.Minute, log: testOpts.Log}
	must(t, v.open())
	must(t, v.begin(id))
	e := testEngine(t)
	for i, content := range []string{"", "some content", "and more of it, and more of it, and more of it", "x"} {
		must(t, v.put(id, sectionID{[]byte{indexSection, slabSection, slabSection, unionSection}[i], i}, e.codec.seal([]byte(content))))
	}
	must(t, v.finish(id))
	b, err := os.ReadFile(v.paths(id)[0])
	must(t, err)
	all, damage, err := directory(bytes.NewReader(b), int64(len(b)), id, v.tick)
	must(t, errors.Join(damage, err))
	if len(all) != 4 {
		t.Fatalf("%d sections", len(all))
	}
	return b, all
}

// TestOneByteCostsOneSection changes each byte of a file in turn: all sections are found where they are, and what is
// read of them is right but of the one that was hit, if one was.
func TestOneByteCostsOneSection(t *testing.T) {
	id := fileID{kind: minuteTier, number: 4711, revision: 3}
	whole, all := shelfOf(t, id)
	for i := range whole {
		for _, x := range []byte{1, 0x80, 0xff} {
			b := slices.Clone(whole)
			b[i] ^= x
			got, damage, err := directory(bytes.NewReader(b), int64(len(b)), id, time.Minute)
			if err != nil || !slices.Equal(got, all) {
				t.Fatalf("byte %d: %+v, %v", i, got, err)
			}
			hit := false
			for _, s := range all {
				value := b[s.offset : s.offset+int64(s.length)]
				in := int64(i) >= s.offset && int64(i) < s.offset+int64(s.length)
				if err := checkValue(value); (err != nil) != in {
					t.Fatalf("byte %d: section %c %d is %v", i, s.section.kind, s.section.number, err)
				}
				hit = hit || int64(i) >= s.offset-sectionHeader && int64(i) < s.offset+int64(s.length)
			}
			if (damage == nil) != hit { // the headers of sections are not looked at while the directory is whole
				t.Fatalf("byte %d: damage is %v", i, damage)
			}
		}
	}
}

// TestACutFileHasWhatIsBeforeTheCut cuts a file off at each place, also where its directory would be another's.
func TestACutFileHasWhatIsBeforeTheCut(t *testing.T) {
	id := fileID{kind: rawTier, number: 4711}
	whole, all := shelfOf(t, id)
	for n := 1; n < len(whole); n++ {
		b := whole[:n]
		got, damage, err := directory(bytes.NewReader(b), int64(n), id, time.Minute)
		var want []extent
		for _, s := range all {
			if s.offset+int64(s.length) <= int64(n) {
				want = append(want, s)
			}
		}
		if err != nil && !errors.Is(err, errCorrupt) || damage == nil && err == nil || !slices.Equal(got, want) {
			t.Fatalf("%d bytes: %+v, %v, %v; want %+v", n, got, damage, err, want)
		}
	}
	for _, other := range []fileID{{kind: rawTier, number: 4712}, {kind: minuteTier, number: 4711}, {kind: rawTier, number: 4711, revision: 1}} {
		got, _, err := directory(bytes.NewReader(whole), int64(len(whole)), other, time.Minute)
		if !errors.Is(err, errStranger) || len(got) > 0 {
			t.Errorf("%s is read as %s: %+v, %v", id, other, got, err)
		}
		b := slices.Clone(whole)
		b[3] ^= 1 // and with a header that says nothing, and no directory
		if got, _, _ := directory(bytes.NewReader(b[:len(b)-footerBytes]), int64(len(b)-footerBytes), other, time.Minute); len(got) > 0 {
			t.Errorf("sections of %s are read as %s's: %+v", id, other, got)
		}
	}
	if _, _, err := directory(bytes.NewReader(whole), int64(len(whole)), id, time.Second); err == nil || errors.Is(err, errCorrupt) {
		t.Errorf("another tick is %v", err)
	}
}

// TestNamesOfFiles holds that a name stands for the file that it was made of, and that nothing else is taken for one.
func TestNamesOfFiles(t *testing.T) {
	v := &diskVault{}
	for _, id := range []fileID{
		blockFile(rawTier, 0), blockFile(minuteTier, 1), blockFile(hourTier, 1<<43),
		{kind: rawTier, number: 7, revision: 1},
		{kind: hourTier, number: 7, revision: maxRevision},
		stateOf(1), stateOf(1 << 60),
		{kind: deadKind, number: 0},
		{kind: deadKind, number: 1 << 40},
		{kind: rosterKind, number: 12},
	} {
		for _, path := range v.paths(id) {
			if got, ok := parseName(filepath.Base(path)); !ok || got != id {
				t.Errorf("%s is read as %+v, %t", path, got, ok)
			}
		}
		if got := fileOf(id.kind, id.word()); id.isBlock() && got != id {
			t.Errorf("%+v became %+v", id, got)
		}
	}
	for _, name := range []string{
		"", ".", "raw", "raw-.block", "raw-1.block", "raw-00000000000000000001.block.draft", "raw-00000000000000000001.blocks",
		"raw--0000000000000000001.block", "raw-+0000000000000000001.block", " raw-00000000000000000001.block", "day-00000000000000000001.block",
		"raw-00000000000000000001-0000000.block", "raw-00000000000000000001-9999999.block", "raw-00000000000000000001-1.block",
		"raw-99999999999999999999.block", "state-1.a", "state-00000000000000000001", "state-00000000000000000001.c", "state-00000000000000000001.a.bak",
		"state-00000000000000000001.ab", "state--0000000000000000001.a", "silent-1.b", "silent-00000000000000000001.block", "silent-00000000000000000001.A", "roster-1.sums", "roster-00000000000000000001.a",
		fmt.Sprintf("state-%021d.a", 1),
	} {
		if got, ok := parseName(name); ok {
			t.Errorf("%q is read as %s", name, got)
		}
	}
}
