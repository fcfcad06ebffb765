package unpack

import (
	"bytes"
	"compress/gzip"
	"errors"
	"slices"
	"testing"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// packed returns what each codec makes of n equal bytes, snappy also as snappy-java writes it.
func packed(t *testing.T, n int) map[string]struct {
	codec byte
	bytes []byte
} {
	t.Helper()
	plain := bytes.Repeat([]byte{'x'}, n)
	var zipped, lz bytes.Buffer
	z := gzip.NewWriter(&zipped)
	l := lz4.NewWriter(&lz)
	_, err := z.Write(plain)
	_, err2 := l.Write(plain)
	if err := errors.Join(err, err2, z.Close(), l.Close()); err != nil {
		t.Fatal(err)
	}
	e, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	java := append(slices.Clone(xerial), 0, 0, 0, 1, 0, 0, 0, 1)
	for left := plain; len(left) > 0; {
		k := min(len(left), 32<<10)
		chunk := s2.EncodeSnappy(nil, left[:k])
		java = append(java, byte(len(chunk)>>24), byte(len(chunk)>>16), byte(len(chunk)>>8), byte(len(chunk)))
		java, left = append(java, chunk...), left[k:]
	}
	type one = struct {
		codec byte
		bytes []byte
	}
	return map[string]one{
		"none": {None, plain}, "gzip": {Gzip, zipped.Bytes()}, "snappy": {Snappy, s2.EncodeSnappy(nil, plain)}, "snappy-java": {Snappy, java},
		"lz4": {LZ4, lz.Bytes()}, "zstd": {Zstd, e.EncodeAll(plain, nil)},
	}
}

func TestUnpack(t *testing.T) {
	u := New()
	for _, n := range []int{0, 1, 100_000, Limit} {
		for name, p := range packed(t, n) {
			if got, err := u.Unpack(p.bytes, p.codec); err != nil || len(got) != n {
				t.Errorf("%s of %d bytes: %d, %v", name, n, len(got), err)
			}
		}
	}
	for name, p := range packed(t, Limit+1) {
		if _, err := u.Unpack(p.bytes, p.codec); p.codec != None && !errors.Is(err, ErrTooLarge) {
			t.Errorf("%s beyond the bound: %v", name, err)
		}
	}
	if _, err := u.Unpack([]byte{1}, 5); err == nil {
		t.Error("an unknown codec is unpacked")
	}
}

// Whatever comes, nothing beyond the bound is made of it.
func FuzzUnpack(f *testing.F) {
	f.Add(append(slices.Clone(xerial), 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 5, 0x80, 0x80, 0x40, 0, 0), Snappy)
	f.Add([]byte{0x80, 0x80, 0x80, 0x80, 0x0f}, Snappy)
	f.Add([]byte{0x28, 0xb5, 0x2f, 0xfd}, Zstd)
	f.Add([]byte{0x1f, 0x8b}, Gzip)
	f.Add([]byte{4, 34, 77, 24}, LZ4)
	u := New()
	f.Fuzz(func(t *testing.T, in []byte, codec byte) {
		if out, err := u.Unpack(in, codec); err == nil && codec != None && len(out) > Limit {
			t.Errorf("%d bytes", len(out))
		}
	})
}
