// Package unpack unpacks the records of Kafka's batches, in all codecs that Kafka knows, up to a bound.
//
// Whoever may write to a topic chooses what is in it, and a few kilobytes can claim to be gigabytes. It refuses to look
// at what it unpacks.
package unpack

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
)

// Limit bounds what one batch is unpacked to, in bytes. A batch is at most the broker's message.max.bytes before it is
// unpacked, a megabyte where nothing is said.
const Limit = 8 << 20

// ErrTooLarge is when a batch is larger than Limit.
var ErrTooLarge = fmt.Errorf("a batch is larger than %d MiB when it is unpacked", Limit>>20)

// The codecs, as a batch's attributes number them.
const (
	None byte = iota
	Gzip
	Snappy
	LZ4
	Zstd
)

// Unpacker unpacks. Goroutines may share one; of zstd one unpacks at a time.
type Unpacker struct{ zstd *zstd.Decoder }

// New makes an unpacker. It holds nothing that needs closing.
func New() *Unpacker {
	d, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(Limit), zstd.WithDecoderConcurrency(1))
	if err != nil {
		panic("zstd: " + err.Error()) // the options are constants
	}
	return &Unpacker{d}
}

// Unpack returns what a codec has packed. What is not packed is returned as it is.
func (u *Unpacker) Unpack(src []byte, codec byte) ([]byte, error) {
	switch codec {
	case None:
		return src, nil
	case Gzip:
		r, err := gzip.NewReader(bytes.NewReader(src))
		if err != nil {
			return nil, err
		}
		return readBounded(r)
	case Snappy:
		return snappy(src)
	case LZ4:
		return readBounded(lz4.NewReader(bytes.NewReader(src)))
	case Zstd:
		out, err := u.zstd.DecodeAll(src, nil)
		if errors.Is(err, zstd.ErrDecoderSizeExceeded) || errors.Is(err, zstd.ErrWindowSizeExceeded) {
			err = ErrTooLarge
		}
		return out, err
	default:
		return nil, fmt.Errorf("codec %d is unknown", codec)
	}
}

func readBounded(r io.Reader) ([]byte, error) {
	out, err := io.ReadAll(io.LimitReader(r, Limit+1))
	if err == nil && len(out) > Limit {
		err = ErrTooLarge
	}
	return out, err
}

// xerial begins what snappy-java writes: chunks with their lengths in front, after two versions of four bytes.
var xerial = []byte{130, 83, 78, 65, 80, 80, 89, 0}

func snappy(src []byte) (out []byte, err error) {
	if !bytes.HasPrefix(src, xerial) {
		return snappyChunk(nil, src)
	}
	src = src[min(len(xerial)+8, len(src)):]
	for len(src) > 0 {
		if len(src) < 4 {
			return nil, io.ErrUnexpectedEOF
		}
		size := binary.BigEndian.Uint32(src)
		if src = src[4:]; uint64(size) > uint64(len(src)) {
			return nil, io.ErrUnexpectedEOF
		}
		if out, err = snappyChunk(out, src[:size]); err != nil {
			return nil, err
		}
		src = src[size:]
	}
	return out, nil
}

// snappyChunk appends what a chunk holds; it says how much that is, and unpacking fails when that is not true.
func snappyChunk(out, src []byte) ([]byte, error) {
	n, err := s2.DecodedLen(src)
	switch {
	case err != nil:
		return nil, err
	case len(out)+n > Limit:
		return nil, ErrTooLarge
	}
	chunk, err := s2.Decode(nil, src)
	if err != nil {
		return nil, err
	}
	return append(out, chunk...), nil
}
