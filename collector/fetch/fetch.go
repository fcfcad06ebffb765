// Package fetch bounds what it costs to have franz-go fetch the records of topics that anybody may write to.
package fetch

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lineaged/lineaged/internal/unpack"
)

const (
	// mostUnpacked is about how many bytes batches are unpacked to before they are read. One batch more, of each
	// broker, may go beyond it.
	mostUnpacked = 16 << 20
	// recordBytes is what a record takes in memory beside what is in it (kgo.Record and a pointer).
	recordBytes = 200
)

// ErrLater is when no batch more is unpacked before those are read that are.
var ErrLater = errors.New("what was unpacked is read first")

// Unpacker unpacks for franz-go within bounds. Its own stops at 1 GiB a batch, and unpacks all of an answer, in which
// each few hundred bytes can be a batch of megabytes, or of a million records.
type Unpacker struct {
	*unpack.Unpacker
	left atomic.Int64 // what may be unpacked yet
}

// NewUnpacker makes one, which has all room.
func NewUnpacker() *Unpacker {
	u := &Unpacker{Unpacker: unpack.New()}
	u.Read()
	return u
}

// Read says that what was unpacked is read.
func (u *Unpacker) Read() { u.left.Store(mostUnpacked) }

// Decompress implements kgo.Decompressor. Its codecs are numbered as batches number them. What can't be unpacked within
// the bounds never can be: the client is told so, and stops at it.
func (u *Unpacker) Decompress(src []byte, codec kgo.CompressionCodecType) ([]byte, error) {
	if u.left.Load() <= 0 {
		return nil, ErrLater
	}
	out, err := u.Unpack(src, byte(codec))
	cost := len(out) + recordBytes*records(out)
	if err == nil && cost > 2*mostUnpacked {
		err = unpack.ErrTooLarge
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", kgo.ErrMaxDecompress, err)
	}
	u.left.Add(-int64(cost))
	return out, nil
}

// records counts the records in what was unpacked, by their lengths.
func records(b []byte) (n int) {
	for len(b) > 0 {
		length, k := binary.Varint(b)
		if k <= 0 || length < 0 || length > int64(len(b)-k) {
			break
		}
		b = b[k+int(length):]
		n++
	}
	return n
}
