package fetch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lineaged/lineaged/internal/unpack"
)

// batchOf returns a batch's records, packed, and their codec.
func batchOf(t *testing.T, records []byte) ([]byte, kgo.CompressionCodecType) {
	t.Helper()
	c, err := kgo.DefaultCompressor(kgo.ZstdCompression())
	if err != nil {
		t.Fatal(err)
	}
	return c.Compress(&bytes.Buffer{}, records)
}

// What is unpacked and not read yet is bounded, whether it is many bytes or many records.
func TestUnpackedIsBounded(t *testing.T) {
	one := append(binary.AppendVarint(nil, 6), 0, 0, 0, 1, 1, 0) // a record without a key, a value, a header
	f := func(what string, records []byte, want int) {
		t.Helper()
		u := NewUnpacker()
		batch, codec := batchOf(t, records)
		for range 2 {
			n := 0
			for ; n < 1000; n++ {
				if _, err := u.Decompress(batch, codec); errors.Is(err, ErrLater) {
					break
				} else if err != nil {
					t.Fatal(what, err)
				}
			}
			if n != want {
				t.Errorf("%s: %d batches are unpacked at once, want %d", what, n, want)
			}
			u.Read()
		}
	}
	f("of one record", append(binary.AppendVarint(nil, 4<<20), make([]byte, 4<<20)...), 4)
	f("of many records", bytes.Repeat(one, 20_000), 5)
	u := NewUnpacker()
	for _, records := range [][]byte{make([]byte, unpack.Limit+1), bytes.Repeat(one, 500_000)} {
		batch, codec := batchOf(t, records)
		if _, err := u.Decompress(batch, codec); !errors.Is(err, kgo.ErrMaxDecompress) {
			t.Errorf("%d bytes: %v", len(records), err)
		}
	}
	if _, err := u.Decompress([]byte("garbage"), kgo.CodecZstd); !errors.Is(err, kgo.ErrMaxDecompress) {
		t.Errorf("garbage: %v", err)
	}
}
