package timeseries

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"unsafe"

	"github.com/lineaged/lineaged/lineage"
)

// entryOf returns the entry of an access, nil when there is none.
func entryOf(e *engine, a lineage.Access) *entry { return e.entries.of(&a) }

// TestEntries puts entries in and takes them out in any order, and finds what a map would, also where hashes collide.
func TestEntries(t *testing.T) {
	for _, hashes := range []uint64{1, 3, 0} { // 0: as many as there are
		e := newEntries()
		if hash := e.hash; hashes > 0 {
			e.hash = func(a *lineage.Access) uint64 { return hash(a) % hashes }
		}
		r := rand.New(rand.NewPCG(hashes, 1))
		want := map[lineage.Access]*entry{}
		var before *entry
		for range 5000 {
			a := lineage.Access{Topic: lineage.Topic{Name: fmt.Sprint(r.IntN(20))}, Op: lineage.Op(r.IntN(2))}
			switch x := want[a]; {
			case x == nil && r.IntN(2) == 0:
				want[a] = &entry{access: a}
				e.put(want[a])
			case r.IntN(2) == 0:
				delete(want, a)
				e.remove(&a)
			}
			if got := e.after(before, &a); got != nil && got != want[a] {
				t.Fatalf("after %v comes %v, want %v", before, got, want[a])
			}
			if before = want[a]; before != nil && e.order[before.place] != before {
				t.Fatalf("%v is not in its place, %d", a, before.place)
			}
			n := 0
			for _, x := range e.by {
				for ; x != nil; x = x.next {
					n++
				}
			}
			if got := e.of(&a); got != want[a] || n != len(want) {
				t.Fatalf("%v is %v of %d, want %v of %d", a, got, n, want[a], len(want))
			}
		}
		if len(e.order) > 2*len(want)+1 {
			t.Errorf("the order has %d places for %d entries", len(e.order), len(want))
		}
	}
}

// TestAccessHash changes each part of an access: none of them has no part in its hash.
func TestAccessHash(t *testing.T) {
	e := newEntries()
	var a lineage.Access
	seen := map[uint64]string{e.hash(&a): "nothing"}
	var walk func(path string, v reflect.Value)
	walk = func(path string, v reflect.Value) {
		if v.Kind() == reflect.Struct {
			for i := range v.NumField() {
				walk(path+"."+v.Type().Field(i).Name, v.Field(i))
			}
			return
		}
		switch v.Kind() {
		case reflect.String:
			v.SetString("x")
		case reflect.Array:
			v.Index(v.Len() - 1).SetUint(1)
		default:
			v.SetUint(1)
		}
		h := e.hash(&a)
		if seen[h] != "" {
			t.Errorf("%s hashes as %s", path, seen[h])
		}
		seen[h] = path
		v.SetZero()
	}
	walk("Access", reflect.ValueOf(&a).Elem())
	if len(seen) != 20 {
		t.Errorf("%d parts are hashed apart, want 19 and none", len(seen))
	}
}

// TestEntriesAfter names accesses in turn, as a source does each round, all of them or some: only the first is hashed.
func TestEntriesAfter(t *testing.T) {
	s := NewMemory(testOpts)
	hashed, hash := 0, s.entries.hash
	s.entries.hash = func(a *lineage.Access) uint64 { hashed++; return hash(a) }
	for n, step := range []int{1, 1, 3, nearbyEntries} {
		o := testRound(n + 1)
		o.Samples = nil
		for i := 0; i < 1000; i += step {
			o.Samples = append(o.Samples, lineage.Sample{
				Subject: lineage.Access{Topic: lineage.Topic{Name: fmt.Sprint(i / 10)}, Op: lineage.Read, Client: lineage.Client{Group: fmt.Sprint(i)}},
				Metric:  lineage.Records, Evidence: lineage.ProducerState, Value: int64(n + 1),
			})
		}
		hashed = 0
		must(t, s.Append(t.Context(), o))
		if n > 0 && hashed != 1 {
			t.Errorf("round %d: %d accesses were hashed, want the first", n, hashed)
		}
	}
	if got := s.Stats().Subjects; got != 1000 {
		t.Errorf("%d subjects, want 1000", got)
	}
	must(t, s.Close())
}

// TestNamesOfATopicAreHeldOnce has what a source names in a row, each time with strings of its own, hold one of them.
func TestNamesOfATopicAreHeldOnce(t *testing.T) {
	e := testEngine(t)
	named := func(topic string, producer lineage.ProducerID) string {
		a := lineage.Access{Topic: lineage.Topic{Name: strings.Clone(topic)}, Op: lineage.Write, Client: lineage.Client{Producer: producer}}
		x := e.entry(&a)
		if x.access != a {
			t.Fatalf("%v is held as %v", a, x.access)
		}
		return x.access.Topic.Name
	}
	one, two, other := named("orders", 1), named("orders", 2), named("orders-2", 2)
	if unsafe.StringData(one) != unsafe.StringData(two) {
		t.Error("the name of a topic is held twice")
	}
	if other != "orders-2" {
		t.Errorf("another topic is called %s", other)
	}
}
