package timeseries

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"
)

func randomBytes(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.IntN(256))
	}
	return b
}

// changed returns b with some stretches replaced, taken out, put in and moved.
func changed(r *rand.Rand, b []byte) []byte {
	b = slices.Clone(b)
	for range r.IntN(6) {
		i := r.IntN(len(b) + 1)
		j := i + r.IntN(min(len(b)-i, 90)+1)
		switch r.IntN(4) {
		case 0:
			copy(b[i:j], randomBytes(r, j-i))
		case 1:
			b = slices.Delete(b, i, j)
		case 2:
			b = slices.Insert(b, i, randomBytes(r, r.IntN(90))...)
		case 3:
			part := slices.Clone(b[i:j])
			b = slices.Delete(b, i, j)
			b = slices.Insert(b, r.IntN(len(b)+1), part...)
		}
	}
	return b
}

// TestDelta holds that a difference gives back what it was made of, and costs what changed and not what is there.
func TestDelta(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	var d differ
	check := func(base, next []byte) int {
		t.Helper()
		var w writer
		d.delta(&w, base, next)
		x := reader{b: w.b}
		if got := x.apply(base); x.end() != nil || !bytes.Equal(got, next) {
			t.Fatalf("%v: of %d bytes and %d, %d came back", x.err, len(base), len(next), len(got))
		}
		return len(w.b)
	}
	for range 3000 {
		base := randomBytes(r, r.IntN(3000))
		if r.IntN(3) == 0 { // what repeats
			base = bytes.Repeat(base[:len(base)%7], r.IntN(200))
		}
		check(base, changed(r, base))
	}
	check(nil, nil)
	check([]byte("abc"), nil)
	check(nil, []byte("abc"))

	// 100 members of 90 bytes, one of which goes and another comes.
	var members [][]byte
	for range 100 {
		members = append(members, randomBytes(r, 90))
	}
	base := bytes.Join(members, nil)
	members = slices.Insert(slices.Delete(members, 17, 18), 71, randomBytes(r, 90))
	if n := check(base, bytes.Join(members, nil)); n > 120 {
		t.Errorf("a member of 90 bytes that comes and one that goes cost %d bytes, of %d", n, len(base))
	}
	// 2,000 numbers, 20 of which grow, some by a byte.
	var a, b writer
	for i := range 2000 {
		a.int(int64(i * 7919))
		if i%100 == 0 {
			b.int(int64(i*7919) + 1<<(i/100))
		} else {
			b.int(int64(i * 7919))
		}
	}
	if n := check(a.b, b.b); n > 20*9 {
		t.Errorf("20 of 2000 numbers that grow cost %d bytes, of %d", n, len(a.b))
	}
}

func FuzzDelta(f *testing.F) {
	r := rand.New(rand.NewPCG(2, 2))
	for range 20 {
		base := randomBytes(r, 200)
		var w writer
		(&differ{}).delta(&w, base, changed(r, base))
		f.Add(base, w.b)
	}
	f.Fuzz(func(t *testing.T, a, b []byte) {
		x := reader{b: b}
		_ = x.apply(a) // whatever b is
		var w writer
		(&differ{}).delta(&w, a, b)
		x = reader{b: w.b}
		if got := x.apply(a); x.end() != nil || !bytes.Equal(got, b) {
			t.Fatalf("%v: %x of %x became %x", x.err, b, a, got)
		}
	})
}
