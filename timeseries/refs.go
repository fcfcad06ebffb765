package timeseries

import (
	"hash/maphash"

	"github.com/lineaged/lineaged/lineage"
)

// What a log segment, or a part of the dictionary, names again and again it holds once: a ref is a number, and the
// first use of the next free number is followed by what it stands for. So each can be read without any other.

// names are the topics and clients of one of them, as it is written.
type names struct {
	topics  numbers[lineage.Topic]
	clients numbers[lineage.Client]
}

// numbers are what was numbered, by the order in which it was first named. It is found by its hash: a map by itself
// would hold a copy of each client's strings, and hash all anew whenever it grows.
type numbers[T comparable] struct {
	by   map[uint64]uint32 // of one hash the next ones have the hashes after it
	each []*T
}

var numberSeed = maphash.MakeSeed()

// expect makes room for some, where there is nothing yet.
func (n *numbers[T]) expect(some int) {
	if n.by == nil {
		n.by, n.each = make(map[uint64]uint32, some), make([]*T, 0, some)
	}
}

// ref returns the number of x, and whether this is its first use. It keeps x, which must not change.
func (n *numbers[T]) ref(x *T) (number uint32, first bool) {
	for h := maphash.Comparable(numberSeed, *x); ; h++ {
		i, ok := n.by[h]
		if ok && *n.each[i] == *x {
			return i, false
		}
		if ok {
			continue
		}
		if n.by == nil {
			n.expect(0)
		}
		i = uint32(len(n.each))
		n.by[h], n.each = i, append(n.each, x)
		return i, true
	}
}

func (n *names) access(w *writer, a *lineage.Access) {
	number, first := n.topics.ref(&a.Topic)
	w.uint(uint64(number))
	if first {
		w.topic(a.Topic)
	}
	w.byte(byte(a.Op))
	number, first = n.clients.ref(&a.Client)
	w.uint(uint64(number))
	if first {
		w.client(&a.Client)
	}
	w.string(a.Dataset.Namespace)
	w.string(a.Dataset.Name)
}

// named are the same as they are read.
type named struct {
	topics  []lineage.Topic
	clients []lineage.Client
}

// readRef reads a ref, and by read what it stands for where it is new.
func readRef[T any](r *reader, known *[]T, read func() T) (x T) {
	switch n := r.uint(); {
	case r.err != nil:
	case n < uint64(len(*known)):
		return (*known)[n]
	case n == uint64(len(*known)):
		if x = read(); r.err == nil {
			*known = append(*known, x)
		}
	default:
		r.fail("a number that nothing was given yet")
	}
	return x
}

func (n *named) access(r *reader) lineage.Access {
	a := lineage.Access{Topic: readRef(r, &n.topics, r.topic), Op: r.op()}
	a.Client = readRef(r, &n.clients, r.client)
	a.Dataset = lineage.Dataset{Namespace: r.string(), Name: r.string()}
	return a
}

// slot is what a segment last said of one position, or of one fact. Its value is never changed in place.
type slot struct {
	number uint32
	value  []byte // nil: nothing, or that it is gone
}

// How a value is written.
const (
	valueGone   = 0
	valueWhole  = 1
	valueDiffer = 2
)

// value writes what a slot is from now on, as a difference where that is shorter.
func (s *slot) write(w *writer, d *differ, value []byte) {
	switch {
	case value == nil:
		w.byte(valueGone)
	case s.value == nil || !d.bounded(s.value, value):
		w.byte(valueWhole)
		w.bytes(value)
	default:
		var difference writer
		if d.delta(&difference, s.value, value); len(difference.b) < len(value) {
			w.byte(valueDiffer)
			w.bytes(difference.b)
			d.grown += len(value)
		} else {
			w.byte(valueWhole)
			w.bytes(value)
		}
	}
	s.value = value
}

// read reads what write wrote; the value shares nothing with what is read.
func (s *slot) read(r *reader) []byte {
	switch r.byte() {
	case valueGone:
		s.value = nil
	case valueWhole:
		s.value = append([]byte{}, r.bytes()...)
	case valueDiffer:
		if s.value == nil {
			r.fail("a difference from nothing")
			return nil
		}
		s.value = r.differing(s.value)
	default:
		r.fail("a value is neither whole, nor a difference, nor gone")
	}
	return s.value
}
