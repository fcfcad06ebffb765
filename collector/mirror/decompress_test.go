package mirror

import (
	"bytes"
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// What a few kilobytes claim to be is not unpacked beyond the bound, and what is within it is.
func TestUnpackingIsBounded(t *testing.T) {
	u := newUnpacker()
	for name, codec := range map[string]kgo.CompressionCodec{
		"gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	} {
		c, err := kgo.DefaultCompressor(codec)
		if err != nil {
			t.Fatal(err)
		}
		f := func(size int, want error) {
			t.Helper()
			var out bytes.Buffer
			packed, kind := c.Compress(&out, bytes.Repeat([]byte("heartbeat"), size/9))
			got, err := u.Decompress(packed, kind)
			if !errors.Is(err, want) || err == nil && len(got) != size/9*9 {
				t.Errorf("%s: %d bytes of %d: %d, %v", name, len(packed), size, len(got), err)
			}
		}
		f(9, nil)
		f(1<<20, nil)
		f(64<<20, errTooLarge)
	}
	long := append([]byte(nil), xerial...)
	long = append(long, 0, 0, 0, 1, 0, 0, 0, 1)
	for range 10 { // chunks that claim a megabyte each
		long = append(long, 0, 0, 0, 5, 0x80, 0x80, 0x40, 0, 0)
	}
	if _, err := u.Decompress(long, kgo.CodecSnappy); !errors.Is(err, errTooLarge) {
		t.Errorf("chunks of snappy: %v", err)
	}
}
