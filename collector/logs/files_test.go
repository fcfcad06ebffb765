package logs

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// folder is a folder of logs, and who follows it. What was stored survives its restarts.
type folder struct {
	*testing.T
	dir    string
	globs  []string
	x      *files
	stored map[string][]byte
	round  time.Time
	lines  int // budget of a round
	n      int // of the lines that were written
	got    map[string]int
	result result
}

func newFolder(t *testing.T, globs ...string) *folder {
	t.Helper()
	d := &folder{T: t, dir: t.TempDir(), stored: map[string][]byte{}, round: t0, lines: 1 << 20, got: map[string]int{}}
	if len(globs) == 0 {
		globs = []string{"request.log*"}
	}
	for _, g := range globs {
		d.globs = append(d.globs, filepath.Join(d.dir, g))
	}
	d.start()
	t.Cleanup(func() { d.x.close() })
	return d
}

// start begins anew from what was stored, as after kill -9.
func (d *folder) start() {
	if d.x != nil {
		d.x.close()
	}
	d.x = newFiles(d.globs, 20<<20)
	d.restore()
}

func (d *folder) restore() {
	d.x.restore(d.stored, len(d.stored) == 0, func(key string, err error) { d.Errorf("position %s: %v", key, err) })
}

// take reads a round. Only with stored does it count.
func (d *folder) take(stored bool) {
	d.Helper()
	d.round = d.round.Add(tick)
	read := map[string]int{}
	d.result = d.x.read(d.Context(), d.round, &budget{left: d.lines}, func(line []byte, _ when) { read[string(line)]++ })
	if !stored {
		d.restore()
		return
	}
	for line, n := range read {
		d.got[line] += n
	}
	d.stored[beganKey] = nil
	for _, p := range d.x.save() {
		if p.Value == nil {
			delete(d.stored, p.Key)
		} else {
			d.stored[p.Key] = slices.Clone(p.Value)
		}
	}
}

func (d *folder) path(name string) string { return filepath.Join(d.dir, name) }

// write appends n lines to a file.
func (d *folder) write(name string, n int) {
	d.Helper()
	f, err := os.OpenFile(d.path(name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		d.Fatal(err)
	}
	defer f.Close()
	for range n {
		d.n++
		fmt.Fprintf(f, "%s\n", d.text(d.n))
	}
}

func (d *folder) text(n int) string {
	return fmt.Sprintf("[2026-11-22 21:13:41,%03d] line %d %s", n%1000, n, strings.Repeat("x", n%90))
}

func (d *folder) must(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

func (d *folder) rename(from, to string) { d.Helper(); d.must(os.Rename(d.path(from), d.path(to))) }

// compress does what gzip does: another file, and the first is gone.
func (d *folder) compress(name string) {
	d.Helper()
	b, err := os.ReadFile(d.path(name))
	d.must(err)
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, err = z.Write(b)
	d.must(err)
	d.must(z.Close())
	d.must(os.WriteFile(d.path(name+".gz"), out.Bytes(), 0o600))
	d.must(os.Remove(d.path(name)))
}

// copyTruncate does what logrotate's copytruncate does; between runs in the middle.
func (d *folder) copyTruncate(name, to string, between func()) {
	d.Helper()
	b, err := os.ReadFile(d.path(name))
	d.must(err)
	d.must(os.WriteFile(d.path(to), b[:len(b)/2], 0o600))
	between()
	d.must(os.WriteFile(d.path(to), b, 0o600))
	between()
	d.must(os.Truncate(d.path(name), 0))
}

// whole holds that each line that was written was read exactly once.
func (d *folder) whole() {
	d.Helper()
	for i := 1; i <= d.n; i++ {
		if n := d.got[d.text(i)]; n != 1 {
			d.Fatalf("line %d of %d was read %d times; %d in all; missing: %q, %v", i, d.n, n, len(d.got), d.result.missing, d.result.err)
		}
	}
	if len(d.got) != d.n {
		d.Fatalf("%d lines were read and %d written", len(d.got), d.n)
	}
}

func TestFilesAreFollowed(t *testing.T) {
	d := newFolder(t)
	d.take(true)
	if d.result.err == nil {
		t.Error("no file, and nothing is wrong")
	}
	d.write("request.log", 10)
	d.take(true)
	d.whole()
	d.write("request.log", 5)
	d.take(false) // the store refused it
	d.take(true)
	d.whole()
	d.start()
	d.take(true)
	d.whole()

	f, err := os.OpenFile(d.path("request.log"), os.O_APPEND|os.O_WRONLY, 0)
	d.must(err)
	d.n++
	_, err = f.WriteString(d.text(d.n)[:20])
	d.must(err)
	d.take(true)
	if len(d.got) != d.n-1 {
		t.Errorf("%d lines are read before the last of %d has ended", len(d.got), d.n)
	}
	_, err = f.WriteString(d.text(d.n)[20:] + "\n")
	d.must(err)
	d.must(f.Close())
	d.take(true)
	d.whole()

	d.rename("request.log", "gone")
	d.take(true)
	if d.result.err == nil || !strings.Contains(d.result.err.Error(), "there is no file") {
		t.Errorf("the file is gone: %v", d.result.err)
	}
	d.write("request.log", 3)
	d.take(true)
	d.whole()
}

// Whatever rotation does, and whether lineaged runs then, each line is read once.
func TestRotations(t *testing.T) {
	for _, globs := range [][]string{{"request.log*"}, {"request.log"}} {
		for name, rotate := range map[string]func(d *folder){
			"rename":       func(d *folder) { d.rename("request.log", "request.log.1"); d.write("request.log", 7) },
			"rename later": func(d *folder) { d.rename("request.log", "request.log.1") },
			"copytruncate": func(d *folder) { d.copyTruncate("request.log", "request.log.1", func() {}); d.write("request.log", 50) },
			"compressed": func(d *folder) {
				d.rename("request.log", "request.log.1")
				d.write("request.log", 7)
				d.compress("request.log.1")
			},
		} {
			t.Run(fmt.Sprint(name, globs), func(t *testing.T) {
				for _, restarts := range []bool{false, true} {
					d := newFolder(t, globs...)
					d.write("request.log", 40)
					d.take(true)
					for range 4 {
						d.write("request.log", 20)
						rotate(d)
						if restarts {
							d.start()
						}
						d.take(true)
						d.take(true)
						d.write("request.log", 3)
						d.take(true)
						for _, old := range []string{"request.log.1", "request.log.1.gz"} {
							if os.Remove(d.path(old)) == nil {
								d.take(true)
							}
						}
						d.whole()
					}
				}
			})
		}
	}
}

// A copy that is being made is not read besides what it is a copy of, and neither is a compressed one.
func TestCopiesAreNotReadTwice(t *testing.T) {
	d := newFolder(t)
	d.write("request.log", 100)
	d.take(true)
	d.write("request.log", 10)
	d.copyTruncate("request.log", "request.log.1", func() { d.take(true); d.take(true) })
	d.take(true)
	d.write("request.log", 5)
	d.take(true)
	d.whole()
	b, err := os.ReadFile(d.path("request.log.1"))
	d.must(err)
	d.must(os.WriteFile(d.path("request.log.1.gz"), packed(t, b)[:40], 0o600))
	d.take(true)
	d.must(os.WriteFile(d.path("request.log.1.gz"), packed(t, b), 0o600))
	d.take(true)
	d.must(os.Remove(d.path("request.log.1")))
	d.take(true)
	d.take(true)
	d.rename("request.log.1.gz", "request.log.2.gz")
	d.take(true)
	d.whole()
	d.start()
	d.take(true)
	d.whole()
}

func packed(t *testing.T, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// What was compressed while nobody looked is read from where it was, over as many rounds as the budget needs; what was
// compressed before anything was followed is not.
func TestCompressedWhileAway(t *testing.T) {
	d := newFolder(t)
	d.write("request.log.9", 20)
	d.compress("request.log.9")
	d.n = 0 // older than all
	d.write("request.log", 300)
	d.take(true)
	d.whole()
	d.write("request.log", 4000)
	d.rename("request.log", "request.log.1")
	d.compress("request.log.1")
	d.write("request.log", 100)
	d.rename("request.log", "request.log.2") // all of it while nobody looked
	d.compress("request.log.2")
	d.write("request.log", 10)
	d.lines = 700
	for i := range 40 {
		if i%2 == 0 {
			d.start()
		}
		d.take(true)
	}
	d.whole()
}

// Another file under the inode and name of one that was followed is read from its beginning.
func TestCutOff(t *testing.T) {
	d := newFolder(t)
	d.write("request.log", 50)
	d.take(true)
	d.must(os.Truncate(d.path("request.log"), 0))
	d.write("request.log", 3)
	d.take(true)
	d.whole()
	d.must(os.Truncate(d.path("request.log"), 0))
	d.write("request.log", 500) // longer than it was
	d.take(true)
	d.whole()
	d.start()
	d.must(os.Truncate(d.path("request.log"), 0))
	d.write("request.log", 900)
	d.take(true)
	d.whole()
}

// Lines of several files come in shares of a round, a line of more than a MiB is passed, and what is too much is said.
func TestBounds(t *testing.T) {
	d := newFolder(t, "*.log")
	for i := range 5 {
		d.write(fmt.Sprintf("%d.log", i), 100)
	}
	d.lines = 50
	d.take(true)
	if len(d.got) == 0 || len(d.got) > 55 {
		t.Errorf("%d lines are read of a budget of 50", len(d.got))
	}
	for range 20 {
		d.take(true)
	}
	d.whole()

	d.lines = 1 << 20
	d.must(os.WriteFile(d.path("long.log"), append(bytes.Repeat([]byte("y"), 5<<20), '\n'), 0o600))
	d.write("long.log", 2)
	long := 0
	for range 4 {
		d.take(true)
	}
	for line := range d.got {
		if line[0] == 'y' {
			long++
			delete(d.got, line)
		}
	}
	if d.whole(); long > 1 {
		t.Errorf("a line of 5 MiB is %d lines", long)
	}

	d.x.bytes = 1 << 10 // a second
	f, err := os.OpenFile(d.path("0.log"), os.O_APPEND|os.O_WRONLY, 0)
	d.must(err)
	_, err = f.Write(bytes.Repeat([]byte("0123456789abcde\n"), 1<<16))
	d.must(err)
	d.must(f.Close())
	d.write("0.log", 1)
	d.take(true)
	if why := fmt.Sprint(d.result.missing); !strings.Contains(why, "passed and not read") || d.result.err != nil {
		t.Errorf("what was passed is not said: %s, %v", why, d.result.err)
	}
	for line := range d.got {
		if line[0] == '0' {
			if line != "0123456789abcde" {
				t.Errorf("half a line is read: %q", line)
			}
			delete(d.got, line)
		}
	}
	d.whole()
}

// What is too large at the first start is read from near its end, whole lines of it.
func TestLookBack(t *testing.T) {
	d := newFolder(t)
	d.write("request.log", 1000)
	d.x.back = 1000
	d.take(true)
	if len(d.got) < 5 || len(d.got) > 50 || d.got[d.text(1000)] != 1 {
		t.Errorf("%d lines of the last 1000 bytes", len(d.got))
	}
	for line := range d.got {
		if !strings.HasPrefix(line, "[2026-") {
			t.Errorf("half a line is read: %q", line)
		}
	}
}

func TestUnreadableFile(t *testing.T) {
	if os.Getuid() == 0 {
		d := newFolder(t) // root may read all: what can't be read is not a file that it seems
		d.must(os.WriteFile(d.path("request.log.gz"), []byte("this was never compressed"), 0o600))
		d.take(true)
		d.take(true)
		if d.result.err == nil || !strings.Contains(d.result.err.Error(), "gzip") {
			t.Errorf("what is no gzip: %v", d.result.err)
		}
		d.write("request.log", 3)
		d.take(true)
		if d.result.err != nil || !strings.Contains(fmt.Sprint(d.result.missing), "gzip") {
			t.Errorf("what is no gzip, beside another: %v, %q", d.result.err, d.result.missing)
		}
		d.whole()
		return
	}
	d := newFolder(t)
	d.write("request.log", 3)
	d.must(os.Chmod(d.path("request.log"), 0))
	d.take(true)
	if !errors.Is(d.result.err, os.ErrPermission) {
		t.Errorf("not permitted: %v", d.result.err)
	}
	d.must(os.Chmod(d.path("request.log"), 0o600))
	d.take(true)
	d.whole()
}

// Random rotations, restarts, refused rounds and small budgets: no line is lost, and none is read twice.
func TestLawOfFiles(t *testing.T) {
	seeds := 25
	if os.Getenv("LINEAGED_LONG") != "" {
		seeds = 1000
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(uint64(seed), 7))
			d := newFolder(t)
			d.write("request.log", 1+rng.IntN(50))
			d.take(true)
			old := 0
			for range 60 {
				switch rng.IntN(9) {
				case 0:
					d.start()
				case 1:
					d.take(false)
				case 2:
					old++
					d.rename("request.log", fmt.Sprintf("request.log.%d", old))
					d.write("request.log", 1+rng.IntN(20))
				case 3:
					old++
					d.copyTruncate("request.log", fmt.Sprintf("request.log.%d", old), func() {
						if rng.IntN(2) == 0 {
							d.take(true)
						}
					})
					d.write("request.log", 1+rng.IntN(200))
				case 4:
					if all, _ := filepath.Glob(d.path("request.log.*[0-9]")); len(all) > 0 {
						d.compress(filepath.Base(all[rng.IntN(len(all))]))
					}
				case 5:
					d.lines = 1 + rng.IntN(60)
				default:
					d.write("request.log", rng.IntN(60))
					d.take(rng.IntN(4) > 0)
				}
			}
			d.lines = 1 << 20
			for range 4 {
				d.take(true)
			}
			d.whole()
		})
	}
}

// A file that begins as the one before it did, and is longer than that was read, is another all the same.
func TestCutOffWithTheSameHead(t *testing.T) {
	d := newFolder(t)
	banner := strings.Repeat("a broker starts\n", 100)
	d.must(os.WriteFile(d.path("request.log"), []byte(banner), 0o600))
	d.write("request.log", 20)
	d.take(true)
	d.must(os.WriteFile(d.path("request.log"), []byte(banner), 0o600))
	d.write("request.log", 60)
	d.take(true)
	if n := d.got["a broker starts"]; n != 200 {
		t.Errorf("the banner was written 200 times in all, and read %d times", n)
	}
	delete(d.got, "a broker starts")
	d.whole()
}
