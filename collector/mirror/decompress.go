package mirror

import (
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lineaged/lineaged/internal/unpack"
)

// unpacker is a decompressor for franz-go with a bound: its own stops at 2 GiB.
type unpacker struct{ *unpack.Unpacker }

func newUnpacker() unpacker { return unpacker{unpack.New()} }

// Decompress implements kgo.Decompressor. Its codecs are numbered as batches number them.
func (u unpacker) Decompress(src []byte, codec kgo.CompressionCodecType) ([]byte, error) {
	return u.Unpack(src, byte(codec))
}
