package ledger

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestKilledAtEachStep makes each folder that a kill or a loss of power can leave of an append and its publication:
// nothing of it, each length of its frame, any tiles of it whole, half or not there, a new checkpoint half written, the
// old or the new one, a journal that was not emptied and tiles that were not swept. Each opens, with the batch whole or
// not at all, and goes on.
func TestKilledAtEachStep(t *testing.T) {
	for _, hours := range []int{0, 1, 9} { // the last goes over 256 entries
		b := newBook(t)
		b.shop(hours)
		unpublished := b.unpublished
		before := files(t, b.dir)
		sizeBefore := b.Newest().Size
		next := said1(hours)
		for i := range 30 {
			next.Usage = append(next.Usage, use(fmt.Sprintf("west/k%d", i), Write, "new person", int64(i)))
		}
		if _, err := b.assemble(&next); err != nil {
			t.Fatal(err)
		}
		ahead := files(t, b.dir)
		if _, err := b.Append(next); err != nil {
			t.Fatal(err)
		}
		journaled := files(t, b.dir)
		if err := b.Publish(); err != nil {
			t.Fatal(err)
		}
		after := files(t, b.dir)
		want := entriesIn(t, b.Log)
		k := &killed{t: t, key: b.key, before: before, unpublished: unpublished, ahead: ahead, journaled: journaled, after: after, next: next, want: want, sizeBefore: sizeBefore}
		k.all()
	}
}

type killed struct {
	t                        *testing.T
	key                      *Key
	before, journaled, after map[string][]byte
	unpublished              []byte            // the journal when the batch before was appended
	ahead                    map[string][]byte // when the entries were in the journal, and not their head
	next                     Batch
	want                     []string
	sizeBefore               int64
	tried                    int
}

func (k *killed) all() {
	frame := framesOf(k.t, k.journaled[journalFile])
	k.writtenOver(frame)
	k.writtenAhead(frame)
	people := k.journaled[peopleFile]
	old := len(k.before[peopleFile])
	for n := 0; n < len(frame); n += 1 + n/15 {
		state := clone(k.before)
		state[journalFile] = frame[:n]
		state[peopleFile] = people
		k.try(state, false, fmt.Sprintf("%d of %d bytes of the frame", n, len(frame)))
		if n%5 == 0 {
			zeros := append(bytes.Clone(frame[:n]), make([]byte, len(frame)-n)...)
			state[journalFile] = zeros
			k.try(state, false, fmt.Sprintf("%d of %d bytes of the frame and zeros", n, len(frame)))
			delete(state, journalFile)
			state[peopleFile] = people[:min(len(people), old+n)]
			k.try(state, false, fmt.Sprintf("%d bytes of persons", n))
		}
	}
	k.try(clone(k.journaled), true, "the journal")
	var tiles []string
	for name := range k.after {
		if _, was := k.before[name]; !was && strings.HasPrefix(name, "tile/") {
			tiles = append(tiles, name)
		}
	}
	slices.Sort(tiles)
	draw := rand.New(rand.NewPCG(1, 2))
	for range 30 {
		state := clone(k.journaled)
		for _, name := range tiles {
			if n := draw.IntN(3); n > 0 {
				state[name] = k.after[name][:len(k.after[name])*n/2]
			}
		}
		if text := k.after[checkpointFile]; draw.IntN(2) == 0 {
			state[checkpointFile+".new"] = text[:draw.IntN(len(text)+1)]
		}
		k.try(state, true, "some tiles")
	}
	published := clone(k.journaled)
	for _, name := range append(tiles, checkpointFile) {
		published[name] = k.after[name]
	}
	k.try(published, true, "the new checkpoint, nothing swept")
	for name := range k.before {
		if _, still := k.after[name]; !still {
			delete(published, name)
			k.try(published, true, "swept "+name)
		}
	}
	published[journalFile] = nil
	k.try(published, true, "all of it")
	if k.tried < 70 {
		k.t.Errorf("only %d folders were tried", k.tried)
	}
}

// writtenAhead makes the folders of a kill or a loss of power before a batch has its head: the entries are there, with
// the end mark or the head of the batch before in front of them.
func (k *killed) writtenAhead(frame []byte) {
	is := k.ahead[journalFile]
	entries := frameHead + 4 + int(binary.LittleEndian.Uint32(frame[frameHead:]))
	if len(is) < len(frame) || !bytes.HasPrefix(is[entries:], frame[entries:]) {
		k.t.Fatal("the entries are not written ahead: this test shows nothing")
	}
	if _, torn := readJournal(is); len(torn) > 0 {
		k.t.Errorf("%d bytes of what has no head are torn", len(torn))
	}
	k.try(k.ahead, false, "written ahead")
	for n := frameHead; n <= min(entries, len(k.unpublished)); n += entries - frameHead {
		state := clone(k.ahead)
		state[journalFile] = append(bytes.Clone(k.unpublished[:n]), is[n:]...)
		k.try(state, false, fmt.Sprintf("written ahead behind %d bytes of the batch before", n))
	}
}

// writtenOver makes the journals that a loss of power can leave where a frame is written over those of batches before:
// any of its sectors, and of the end mark behind it, are there and the others are as they were.
func (k *killed) writtenOver(frame []byte) {
	const sector = 512
	draw := rand.New(rand.NewPCG(3, 4))
	now := append(bytes.Clone(frame), make([]byte, frameHead)...)
	for try := range 60 {
		was := k.before[journalFile]
		if try%2 == 0 { // as before it was emptied, which is on disk at some time later
			was = k.unpublished
		}
		was = append(bytes.Clone(was), make([]byte, max(0, len(now)-len(was)))...)
		is := bytes.Clone(was)
		for from := 0; from < len(now); from += sector {
			if to := min(from+sector, len(now)); draw.IntN(12) > try%12 {
				copy(is[from:to], now[from:to])
			}
		}
		state := clone(k.before)
		state[journalFile], state[peopleFile] = is, k.journaled[peopleFile]
		k.try(state, bytes.HasPrefix(is, frame), "some sectors of the frame over others'")
	}
}

func clone(files map[string][]byte) map[string][]byte {
	out := make(map[string][]byte, len(files))
	maps.Copy(out, files)
	return out
}

func (k *killed) try(state map[string][]byte, acknowledged bool, what string) {
	k.t.Helper()
	k.tried++
	dir := folder(k.t, state)
	defer os.RemoveAll(dir)
	if _, err := Verify(os.DirFS(dir), k.key.Public, nil); err != nil {
		k.t.Fatalf("%s: before it is opened: %v", what, err)
	}
	l, err := Open(dir, k.key)
	if err != nil {
		k.t.Fatalf("%s: %v", what, err)
	}
	defer l.Close()
	size := k.sizeBefore
	if acknowledged {
		size = int64(len(k.want))
	}
	if l.Newest().Size != size {
		k.t.Fatalf("%s: there are %d entries, not %d", what, l.Newest().Size, size)
	}
	if _, err := l.Append(k.next); (err == nil) == acknowledged {
		k.t.Fatalf("%s: the period is closed once more: %v", what, err)
	}
	if err := l.Publish(); err != nil {
		k.t.Fatalf("%s: %v", what, err)
	}
	if got := entriesIn(k.t, l); len(got) != len(k.want) || acknowledged && !slices.Equal(got, k.want) {
		k.t.Fatalf("%s: %d entries, not %d", what, len(got), len(k.want))
	}
	if _, err := Verify(os.DirFS(dir), k.key.Public, nil); err != nil {
		k.t.Fatalf("%s: %v", what, err)
	}
	var left []string
	for name := range files(k.t, dir) {
		if strings.HasPrefix(name, "tile/") {
			left = append(left, name)
		}
	}
	if slices.Sort(left); !slices.Equal(left, tilesOf(int64(len(k.want)))) {
		k.t.Fatalf("%s: there are the tiles %v, not %v", what, left, tilesOf(int64(len(k.want))))
	}
	for i := range k.next.Usage {
		for _, c := range k.next.Usage[i].Clients {
			for _, person := range []string{*c.Host, *c.Principal} {
				if _, ok := l.people.byValue.Load(person); !ok {
					k.t.Fatalf("%s: what %s stands for is lost", what, person)
				}
			}
		}
	}
}
