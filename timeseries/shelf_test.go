package timeseries

import (
	"bytes"
	"os"
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
