package recordbatch

import (
	"encoding/binary"
	"errors"
	"slices"
	"testing"
)

// fields are what a test says of a batch.
type fields struct {
	base                 int64
	magic                byte
	attributes           uint16
	delta, records       int32
	first, last          int64
	producer             int64
	epoch                int16
	sequence             int32
	packed               []byte
	partitionLeaderEpoch int32
}

// made returns a batch as a producer makes it, with n records of one byte fields.
func made(base int64, n int32, change func(*fields)) []byte {
	f := fields{base: base, magic: 2, delta: n - 1, records: n, first: 1000, last: 2000, producer: 7, epoch: 3, sequence: 11, packed: make([]byte, 7*n)}
	if change != nil {
		change(&f)
	}
	var b []byte
	for _, v := range [...]any{
		f.base, int32(headerLen - frameLen + len(f.packed)), f.partitionLeaderEpoch, f.magic, uint32(0), f.attributes, f.delta, f.first, f.last,
		f.producer, f.epoch, f.sequence, f.records, f.packed,
	} {
		b, _ = binary.Append(b, binary.BigEndian, v) // into memory
	}
	return b
}

func TestWhatABatchSays(t *testing.T) {
	in := slices.Concat(made(100, 5, func(b *fields) { b.attributes = transactional }), made(105, 1, func(b *fields) { b.attributes = transactional | control }))
	a, rest, err := Next(in)
	if err != nil {
		t.Fatal(err)
	}
	if a.BaseOffset != 100 || a.LastOffset != 104 || a.Records != 5 || a.ProducerID != 7 || a.Epoch != 3 || a.Sequence != 11 || !a.Transactional || a.Control ||
		a.FirstMillis != 1000 || a.LastMillis != 2000 || a.Bytes != headerLen+35 || !a.Whole() {
		t.Errorf("%+v", a)
	}
	b, rest, err := Next(rest)
	if err != nil || !b.Control || b.BaseOffset != 105 || len(rest) != 0 {
		t.Errorf("%+v, %d bytes left, %v", b, len(rest), err)
	}
	if _, _, err := Next(rest); !errors.Is(err, ErrCut) {
		t.Errorf("of nothing: %v", err)
	}
}

// A record has the time that its producer gave it, or that of the broker where the topic says so.
func TestTimesOfRecords(t *testing.T) {
	f := func(what string, delta, want int64, ok bool, change func(*fields)) {
		t.Helper()
		b, _, err := Next(made(0, 5, change))
		if err != nil {
			t.Fatal(what, err)
		}
		if got, is := b.Millis(delta); is != ok || ok && got != want {
			t.Errorf("%s: %d, %v; want %d, %v", what, got, is, want, ok)
		}
	}
	f("of its producer", 17, 1017, true, nil)
	f("before the first", -17, 983, true, nil)
	f("of the broker", 17, 2000, true, func(b *fields) { b.attributes = appendTime })
	f("none", 17, 0, false, func(b *fields) { b.first = -1 })
	f("before 1970", -1001, 0, false, nil)
	f("none of the broker", 17, 0, false, func(b *fields) { b.attributes, b.last = appendTime, -1 })
	f("beyond all time", 1<<63-1, 0, false, nil)
}

func TestWhatIsNoBatch(t *testing.T) {
	f := func(name string, in []byte, want error, follows bool) {
		t.Helper()
		in = append(slices.Clip(in), made(500, 1, nil)...)
		_, rest, err := Next(in)
		if !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
		if b, _, err := Next(rest); follows && (err != nil || b.BaseOffset != 500) {
			t.Errorf("%s: what follows is %+v, %v", name, b, err)
		}
	}
	lengthOf := func(n int32) []byte {
		b := made(1, 1, nil)
		binary.BigEndian.PutUint32(b[8:], uint32(n))
		return b
	}
	f("a claim of 2^31 records", made(1, 1, func(b *fields) { b.records = 1<<31 - 1 }), ErrImplausible, true)
	f("as many offsets", made(1, 1, func(b *fields) { b.records, b.delta = 1<<31-1, 1<<31-2 }), ErrImplausible, true)
	f("fewer than none", made(1, 1, func(b *fields) { b.records = -1 }), ErrImplausible, true)
	f("ends before it begins", made(1, 1, func(b *fields) { b.delta = -5 }), ErrImplausible, true)
	f("beyond all offsets", made(1<<63-2, 9, nil), ErrImplausible, true)
	f("an unknown codec", made(1, 1, func(b *fields) { b.attributes = 7 }), ErrImplausible, true)
	f("a producer of -2", made(1, 1, func(b *fields) { b.producer = -2 }), ErrImplausible, true)
	f("the old format", made(1, 1, func(b *fields) { b.magic = 1 }), ErrFormat, true)
	f("a format of the future", made(1, 1, func(b *fields) { b.magic = 3 }), ErrFormat, true)
	f("an offset below zero", made(-1, 1, nil), ErrGarbage, false)
	f("no length", lengthOf(0), ErrGarbage, false)
	f("a length below zero", lengthOf(-1), ErrGarbage, false)
	f("the longest", lengthOf(1<<31-1), ErrCut, false)
}

func TestCompactionLeavesOffsets(t *testing.T) {
	b, _, err := Next(made(10, 2, func(b *fields) { b.delta = 9 }))
	if err != nil || b.Whole() || b.LastOffset != 19 || b.Records != 2 {
		t.Errorf("%+v, %v", b, err)
	}
}

// What Next returns lies in what it was given, it always ends, and what is no error can be believed.
func FuzzNext(f *testing.F) {
	f.Add(made(100, 5, nil))
	f.Add(slices.Concat(made(100, 5, nil), made(105, 1, func(b *fields) { b.attributes = control }))[:150])
	f.Add(make([]byte, 80))
	f.Fuzz(func(t *testing.T, in []byte) {
		for left := in; ; {
			b, rest, err := Next(left)
			if err == nil && (b.Records < 0 || int64(b.Records) > b.LastOffset-b.BaseOffset+1 || b.BaseOffset < 0 || len(b.Packed)+headerLen != b.Bytes) {
				t.Fatalf("%+v", b)
			}
			if errors.Is(err, ErrCut) || errors.Is(err, ErrGarbage) {
				return
			}
			if len(rest) >= len(left) {
				t.Fatalf("%d bytes after %d", len(rest), len(left))
			}
			left = rest
		}
	})
}
