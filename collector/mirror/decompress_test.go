package mirror

import (
	"bytes"
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lineaged/lineaged/internal/unpack"
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
		f(64<<20, unpack.ErrTooLarge)
	}
}
