package mirror

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/twmb/franz-go/pkg/kgo"
)

// batchBytes bounds what one batch is unpacked to. Whoever may write to a topic chooses what is in it, and a few
// kilobytes can claim to be gigabytes; a batch of MirrorMaker 2's own bookkeeping is at most the broker's
// message.max.bytes, a megabyte, before it is packed.
const batchBytes = 8 << 20

var errTooLarge = fmt.Errorf("a batch is larger than %d MiB when it is unpacked", batchBytes>>20)

// unpacker is franz-go's decompressor with a bound: its own stops at 2 GiB.
type unpacker struct {
	kgo.Decompressor
	zstd *zstd.Decoder
}

func newUnpacker() unpacker {
	d, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(batchBytes), zstd.WithDecoderConcurrency(1))
	if err != nil {
		panic("zstd: " + err.Error()) // the options are constants
	}
	return unpacker{kgo.DefaultDecompressor(), d}
}

// Decompress implements kgo.Decompressor.
func (u unpacker) Decompress(src []byte, codec kgo.CompressionCodecType) ([]byte, error) {
	switch codec {
	case kgo.CodecGzip:
		r, err := gzip.NewReader(bytes.NewReader(src))
		if err != nil {
			return nil, err
		}
		return readBounded(r)
	case kgo.CodecLz4:
		return readBounded(lz4.NewReader(bytes.NewReader(src)))
	case kgo.CodecZstd:
		out, err := u.zstd.DecodeAll(src, nil)
		if errors.Is(err, zstd.ErrDecoderSizeExceeded) || errors.Is(err, zstd.ErrWindowSizeExceeded) {
			err = errTooLarge
		}
		return out, err
	case kgo.CodecSnappy:
		n, err := snappyLen(src)
		switch {
		case err != nil:
			return nil, err
		case n > batchBytes:
			return nil, errTooLarge
		}
	case kgo.CodecNone:
	}
	return u.Decompressor.Decompress(src, codec)
}

func readBounded(r io.Reader) ([]byte, error) {
	out, err := io.ReadAll(io.LimitReader(r, batchBytes+1))
	if err == nil && len(out) > batchBytes {
		err = errTooLarge
	}
	return out, err
}

// xerial begins what snappy-java writes: chunks with their lengths in front, after two versions of four bytes.
var xerial = []byte{130, 83, 78, 65, 80, 80, 89, 0}

// snappyLen is what snappy says that it holds; unpacking fails when that is not true.
func snappyLen(src []byte) (n int, err error) {
	if !bytes.HasPrefix(src, xerial) {
		return s2.DecodedLen(src)
	}
	src = src[min(len(xerial)+8, len(src)):]
	for len(src) >= 4 {
		size := binary.BigEndian.Uint32(src)
		if src = src[4:]; uint64(size) > uint64(len(src)) {
			return 0, io.ErrUnexpectedEOF
		}
		chunk, err := s2.DecodedLen(src[:size])
		if err != nil {
			return 0, err
		}
		if n += chunk; n > batchBytes {
			return n, nil
		}
		src = src[size:]
	}
	return n, nil
}
