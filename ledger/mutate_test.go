package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"unicode"
)

// mutations is how many changes are tried: 10,000 in the long form.
var mutations = func() int {
	if os.Getenv("LINEAGED_LONG") != "" {
		return 10_000
	}
	return 2500
}()

// edit changes some bytes, at random: a bit, a byte, the case of a letter, a byte that is left out, put in, doubled or
// moved, a piece that is left out, doubled, or written over another.
func edit(draw *rand.Rand, data []byte) []byte {
	out := bytes.Clone(data)
	at := draw.IntN(len(out))
	piece := min(1+draw.IntN(80), len(out)-at)
	to := draw.IntN(len(out) - piece + 1)
	switch draw.IntN(9) {
	case 0:
		out[at] ^= 1 << draw.IntN(8)
	case 1:
		out[at] = byte(draw.IntN(256))
	case 2:
		for i := range out {
			k := (at + i) % len(out)
			if c := rune(out[k]); c < unicode.MaxASCII && unicode.IsLetter(c) {
				out[k] ^= 0x20
				break
			}
		}
	case 3:
		out = slices.Delete(out, at, at+1)
	case 4:
		out = slices.Insert(out, at, " \n\r\x000aA=,{}\""[draw.IntN(12)])
	case 5:
		out = slices.Insert(out, at, out[at])
	case 6:
		out = slices.Delete(out, at, at+piece)
	case 7:
		out = slices.Insert(out, to, data[at:at+piece]...)
	default:
		copy(out[to:], data[at:at+piece])
	}
	return out
}

// editLines changes the order or number of lines.
func editLines(draw *rand.Rand, data []byte) []byte {
	lines := slices.Collect(bytes.Lines(data))
	i, k := draw.IntN(len(lines)), draw.IntN(len(lines))
	switch draw.IntN(6) {
	case 0:
		lines[i], lines[k] = lines[k], lines[i]
	case 1:
		lines = slices.Delete(lines, min(i, k), max(i, k)+1)
	case 2:
		lines = slices.Insert(lines, k, lines[i])
	case 3:
		lines[k] = lines[i]
	case 4:
		lines = lines[:i]
	default:
		x := lines[i]
		lines = slices.Insert(slices.Delete(lines, i, i+1), min(k, len(lines)-1), x)
	}
	return bytes.Join(lines, nil)
}

// many does something so often that it counts, on as many processors as there are.
func many(do func(*rand.Rand) (counts bool)) {
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for k := range workers {
		wg.Go(func() {
			draw := rand.New(rand.NewPCG(3, uint64(k)))
			for n := 0; n < mutations/workers+1; {
				if do(draw) {
					n++
				}
			}
		})
	}
	wg.Wait()
}

// TestNoOtherBytesVerify: no bytes other than the bundle's own verify.
func TestNoOtherBytesVerify(t *testing.T) {
	b := newBook(t)
	b.shop(9)
	bundle := b.bundle("west/orders", hour(1).Start.Time, hour(1).End.Time)
	if _, err := VerifyBundle(bytes.NewReader(bundle), b.key.Public); err != nil {
		t.Fatal(err)
	}
	many(func(draw *rand.Rand) bool {
		changed := edit(draw, bundle)
		if draw.IntN(4) == 0 {
			changed = editLines(draw, bundle)
		}
		if bytes.Equal(changed, bundle) {
			return false
		}
		if _, err := VerifyBundle(bytes.NewReader(changed), ""); err == nil {
			t.Errorf("another bundle verifies:\n%s\nis not\n%s", changed, bundle)
		} else if _, ok := errors.AsType[*BadError](err); !ok {
			t.Errorf("%v", err)
		}
		return true
	})
	for _, data := range [][]byte{[]byte("\n"), []byte(" "), []byte("\x00"), []byte("{}\n"), bundle} {
		if _, err := VerifyBundle(bytes.NewReader(append(bytes.Clone(bundle), data...)), ""); err == nil {
			t.Errorf("it verifies with %q after it", data)
		}
	}
	broken := errors.New("the disk is gone")
	if _, err := VerifyBundle(io.MultiReader(bytes.NewReader(bundle[:len(bundle)/2]), fails{broken}), ""); !errors.Is(err, broken) {
		t.Errorf("a bundle that can't be read to its end: %v", err)
	}
}

type fails struct{ error }

func (f fails) Read([]byte) (int, error) { return 0, f.error }

// memory is a folder in memory.
func memory(of map[string][]byte) fs.FS {
	out := fstest.MapFS{}
	for name, data := range of {
		out[name] = &fstest.MapFile{Data: data}
	}
	return out
}

// TestEachChangeOfAFolderIsFound changes a ledger's folder at random. What is said of it after that is never that it is
// whole, but where nothing that it means was changed: persons are no part of it, but for what commitments stand for.
func TestEachChangeOfAFolderIsFound(t *testing.T) {
	b := newBook(t)
	for k := range 3 { // over 256 entries
		batch := said1(k, use("west/orders", Write, "shop", int64(k)))
		for i := range 90 {
			batch.Usage = append(batch.Usage, use(fmt.Sprint("west/t", i), Read, "a", int64(i)))
		}
		b.append(batch)
	}
	b.amendShop(0)
	whole := files(t, b.dir)
	delete(whole, peopleFile)
	delete(whole, journalFile) // it is empty
	size := b.Newest().Size
	older := olderStates(t, b.key)
	names := slices.Sorted(maps.Keys(whole))
	var mu sync.Mutex
	found := map[string]int{}
	many(func(draw *rand.Rand) bool {
		state := clone(whole)
		name := names[draw.IntN(len(names))]
		var what string
		switch draw.IntN(8) {
		case 0:
			what = "gone"
			delete(state, name)
		case 1:
			what = "cut"
			state[name] = state[name][:draw.IntN(len(state[name]))]
		case 2:
			other := names[draw.IntN(len(names))]
			what = "swapped"
			state[name], state[other] = state[other], state[name]
		case 3:
			what = "entries swapped"
			name = tilePath(-1, 0, tileWidth)
			state[name] = swapEntries(draw, state[name])
		case 4:
			what = "a file of another time or ledger"
			of := older[draw.IntN(len(older))]
			if name = slices.Sorted(maps.Keys(of))[draw.IntN(len(of))]; len(name) > 3 {
				state[name] = of[name]
			}
		default:
			what = "edited"
			state[name] = edit(draw, state[name])
		}
		if maps.EqualFunc(state, whole, bytes.Equal) {
			return false
		}
		key := b.key.Public
		if name == publicFile {
			key = "" // it is needed where none is given
		}
		is, err := Verify(memory(state), key, nil)
		if err == nil {
			if !meansTheSame(state, whole, size) {
				t.Errorf("%s, %s: it is whole: %+v", name, what, is)
			}
			what = "means the same"
		}
		mu.Lock()
		defer mu.Unlock()
		found[what]++
		return true
	})
	if found["means the same"] > mutations/10 || len(found) < 7 {
		t.Errorf("%v", found)
	}
	t.Log(found)
}

// meansTheSame reports whether all files that a verifier needs are as they were: where the key is given it needs no
// other, and never a tile that is shorter than the newest.
func meansTheSame(state, whole map[string][]byte, size int64) bool {
	for _, name := range append(tilesOf(size), checkpointFile) {
		if !bytes.Equal(state[name], whole[name]) {
			return false
		}
	}
	return true
}

// olderStates are folders of the same key that went another way, and one of another key.
func olderStates(tb testing.TB, key *Key) (all []map[string][]byte) {
	tb.Helper()
	for _, hours := range []int{3, 10, 11, 12} {
		b := newBook(tb)
		_ = b.Close()
		b.dir, b.key, b.Log = b.dir+"2", key, nil
		b.reopen()
		b.shop(hours)
		all = append(all, files(tb, b.dir))
		_ = b.Close()
	}
	other := newBook(tb)
	other.shop(11)
	return append(all, files(tb, other.dir))
}

func swapEntries(draw *rand.Rand, data []byte) []byte {
	all, _, err := splitEntries(data, tileWidth)
	if err != nil {
		panic(err) // it is whole
	}
	i, k := draw.IntN(len(all)), draw.IntN(len(all))
	all[i], all[k] = all[k], all[i]
	return joinEntries(all)
}

// TestFirstBadEntryIsNamed: where bytes of an entry are changed, it is the one that is named.
func TestFirstBadEntryIsNamed(t *testing.T) {
	b := newBook(t)
	b.shop(11)
	whole := files(t, b.dir)
	size := b.Newest().Size
	draw := rand.New(rand.NewPCG(7, 8))
	for range 500 {
		i := draw.Int64N(size)
		name := tilePath(-1, i/tileWidth, widthOf(size, 0, i/tileWidth))
		all, _, err := splitEntries(whole[name], widthOf(size, 0, i/tileWidth))
		if err != nil {
			t.Fatal(err)
		}
		at := i % tileWidth
		all[at] = bytes.Clone(all[at])
		all[at][draw.IntN(len(all[at]))] ^= byte(1 + draw.IntN(255))
		later := at + 1 + draw.Int64N(20) // a later one too
		if later < int64(len(all)) {
			all[later] = []byte("x")
		}
		state := clone(whole)
		state[name] = joinEntries(all)
		_, err = Verify(memory(state), "", nil)
		bad, ok := errors.AsType[*BadError](err)
		if !ok || bad.Entry != i || bad.Where != name {
			t.Fatalf("entry %d was changed, and %v", i, err)
		}
	}
}

// TestRewritten: who has the key rewrites all of it, so that it agrees with itself. That is found by a checkpoint that
// was taken away before, and by nothing else.
func TestRewritten(t *testing.T) {
	b := newBook(t)
	b.shop(6)
	taken := b.Newest()
	b.append(said1(6))
	if _, err := Verify(memory(files(t, b.dir)), b.key.Public, taken.Text); err != nil {
		t.Errorf("it went on: %v", err)
	}
	for k, state := range olderStates(t, b.key)[:4] { // of the same key, but other salts
		if _, err := Verify(memory(state), b.key.Public, nil); err != nil {
			t.Errorf("fork %d by itself: %v", k, err)
		}
		if _, err := Verify(memory(state), b.key.Public, taken.Text); err == nil {
			t.Errorf("fork %d is not found by a checkpoint", k)
		}
	}
	other := newBook(t)
	other.shop(1)
	if _, err := Verify(memory(files(t, b.dir)), "", other.Newest().Text); err == nil {
		t.Error("it goes on from another's checkpoint")
	}
	empty := newBook(t)
	if _, err := Verify(memory(files(t, empty.dir)), b.key.Public, taken.Text); err == nil {
		t.Error("nothing goes on from a checkpoint of something")
	}
}

// publishChanged appends and publishes the entries of a batch as somebody changes them who has the key.
func (b *book) publishChanged(batch *Batch, change func(entries [][]byte) [][]byte) {
	b.tb.Helper()
	batch.trim()
	_, err := b.assemble(batch)
	if err == nil {
		r := roomOf(b.tb, change(slices.Clone(b.room.entries))...)
		b.beginFrame(b.newest.Size + int64(len(r.entries)))
		if err = b.journal.ahead(r.all[0]); err == nil {
			_, err = b.Log.append(r)
		}
	}
	if err == nil {
		err = b.Publish()
	}
	if err != nil {
		b.tb.Fatal(err)
	}
}

// TestDishonestLedgers: a program that writes batches which are not as the format says, with the right key, is found by
// who verifies the folder.
func TestDishonestLedgers(t *testing.T) {
	f := func(what string, change func(entries [][]byte) [][]byte) {
		t.Helper()
		b := newBook(t)
		b.shop(2)
		batch := said1(2, use("west/a", Write, "x", 1), use("west/b", Write, "x", 1), use("west/b", Read, "x", 1))
		b.publishChanged(&batch, change)
		if _, err := Verify(memory(files(t, b.dir)), "", nil); err == nil != (what == "nothing") {
			t.Errorf("%s: %v", what, err)
		}
	}
	replace := func(i int, old, with string) func([][]byte) [][]byte {
		return func(all [][]byte) [][]byte {
			if i < 0 {
				i += len(all)
			}
			changed := bytes.Replace(all[i], []byte(old), []byte(with), 1)
			if bytes.Equal(changed, all[i]) {
				panic(fmt.Sprintf("%q is not in %s", old, all[i]))
			}
			all[i] = changed
			return all
		}
	}
	f("nothing", func(all [][]byte) [][]byte { return all })
	f("no close entry", func(all [][]byte) [][]byte { return all[:len(all)-1] })
	f("no directory", func(all [][]byte) [][]byte { return slices.Delete(all, len(all)-2, len(all)-1) })
	f("an entry that the directory does not name", func(all [][]byte) [][]byte { return slices.Insert(all, 4, all[4]) })
	f("an entry of another topic", replace(-3, `"topic":"topic:west/b"`, `"topic":"topic:west/c"`))
	f("topics out of order", func(all [][]byte) [][]byte { slices.Reverse(all[len(all)-5 : len(all)-2]); return all })
	f("a directory without a topic", replace(-2, `["topic:west/a",`, `["topic:west/A",`))
	f("another place of the directory", replace(-1, `"directory":[`, `"directory":[1`))
	f("another previous", replace(-1, `"previous":`, `"previous":1`))
	f("a hole in time", replace(-1, `"start":"2026-11-01T02:00`, `"start":"2026-11-01T02:01`))
	f("another kind", replace(-1, `"kind":"period"`, `"kind":"amendment"`))
	f("no kind", replace(-1, `"kind":"period"`, `"kind":"none"`))
	f("a close entry of another version", replace(-1, `"v":1`, `"v":2`))
	f("an unknown type", replace(-3, `"type":"usage"`, `"type":"usages"`))
	f("no type", replace(-3, `,"type":"usage"`, ``))
	f("coverage of another cluster", replace(0, `"cluster":"east"`, `"cluster":"eask"`))
	f("coverage that is not canonical", replace(0, `,"complete":`, `, "complete":`))
	f("two batches' ends", func(all [][]byte) [][]byte { return append(all, all[len(all)-1]) })
	f("something after the end", func(all [][]byte) [][]byte { return append(all, all[0]) })
}

// TestVerifyNeedsAKey: without one, and without the folder's own, nothing is trusted.
func TestVerifyNeedsAKey(t *testing.T) {
	b := newBook(t)
	b.shop(1)
	state := files(t, b.dir)
	delete(state, publicFile)
	if _, err := Verify(memory(state), "", nil); err == nil || !strings.Contains(err.Error(), "--key") {
		t.Errorf("%v", err)
	}
	if _, err := Verify(memory(state), "nonsense", nil); err == nil {
		t.Error("any key is one")
	}
	if _, err := Verify(memory(map[string][]byte{}), b.key.Public, nil); err == nil {
		t.Error("a folder of nothing is a ledger")
	}
}
