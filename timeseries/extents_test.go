package timeseries

import (
	"math/rand/v2"
	"slices"
	"testing"
	"unsafe"
)

// Whatever sections a file has, and however often: each is found where it lies, the last where there are several, and
// no other is.
func TestExtents(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		var all []extent
		want := map[sectionID]extent{}
		far := []int{3, 100, 1 << 32}[r.IntN(3)]
		for range r.IntN(200) {
			e := extent{section: sectionID{"sme"[r.IntN(3)], r.IntN(far)}, offset: r.Int64N(1 << 50), length: r.IntN(1 << 31)}
			all, want[e.section] = append(all, e), e
		}
		x := extentsOf(all)
		if x.count != len(want) {
			t.Fatalf("%d sections, want %d", x.count, len(want))
		}
		for s, e := range want {
			if got, ok := x.of(s); !ok || got != e {
				t.Fatalf("%v lies at %v, %t, want %v", s, got, ok, e)
			}
			for _, other := range []sectionID{{s.kind, s.number + 1}, {s.kind, s.number - 1}, {s.kind + 1, s.number}, {0, 0}, {255, 0}} {
				if _, there := want[other]; !there {
					if got, ok := x.of(other); ok {
						t.Fatalf("%v lies at %v, and is not there", other, got)
					}
				}
			}
		}
		listed := slices.Collect(x.all())
		if len(listed) != len(want) || !slices.IsSortedFunc(listed, func(a, b extent) int { return a.section.compare(b.section) }) {
			t.Fatalf("all of them are %v, want %v", listed, want)
		}
		for _, e := range listed {
			if want[e.section] != e {
				t.Fatalf("%v is listed, want %v", e, want[e.section])
			}
		}
	}
}

// What a block of days takes in memory, which is held for as long as it is, is a few bytes a section.
func TestExtentsAreSmall(t *testing.T) {
	var all []extent
	offset := int64(shelfHeader)
	for i := range 1150 {
		offset += sectionHeader
		all = append(all, extent{section: sectionID{'s', i}, offset: offset, length: 900 + i*37%400})
		offset += int64(900 + i*37%400)
	}
	x := extentsOf(all)
	size := cap(x.rest) + cap(x.heads)*int(unsafe.Sizeof(extentsHead{})) + int(unsafe.Sizeof(x))
	t.Logf("%d bytes of %d sections", size, len(all))
	if size > 8*len(all) {
		t.Errorf("%d sections take %d bytes, want 8 of each at most", len(all), size)
	}
}
