package timeseries

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/klauspost/compress/zstd"

	"github.com/lineaged/lineaged/lineage"
)

// errCorrupt is in every error about bytes that are not what was written.
var errCorrupt = errors.New("data is damaged")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// writer builds what goes to disk: little-endian fixed numbers, LEB128 variable ones, strings with their length before
// them.
type writer struct{ b []byte }

func (w *writer) byte(x byte)          { w.b = append(w.b, x) }
func (w *writer) uint(x uint64)        { w.b = binary.AppendUvarint(w.b, x) }
func (w *writer) int(x int64)          { w.b = binary.AppendVarint(w.b, x) }
func (w *writer) float(x float64)      { w.b = binary.LittleEndian.AppendUint64(w.b, math.Float64bits(x)) }
func (w *writer) string(s string)      { w.uint(uint64(len(s))); w.b = append(w.b, s...) }
func (w *writer) bytes(s []byte)       { w.uint(uint64(len(s))); w.b = append(w.b, s...) }
func (w *writer) id(x lineage.TopicID) { w.b = append(w.b, x[:]...) }

// reserve makes room for what comes next, for as much as there is where there is little left: append by itself makes a
// large one grow by a quarter at a time, and copies it as often.
func (w *writer) reserve() {
	const little = 1 << 10
	if cap(w.b)-len(w.b) < little {
		w.b = slices.Grow(w.b, max(len(w.b), 4*little))
	}
}

func (w *writer) bool(x bool) {
	if x {
		w.byte(1)
	} else {
		w.byte(0)
	}
}

// bitmap writes a bitmap; nil and empty are the same.
func (w *writer) bitmap(b *roaring.Bitmap) {
	if b == nil || b.IsEmpty() {
		w.uint(0)
		return
	}
	b.RunOptimize()
	raw, err := b.ToBytes()
	if err != nil {
		panic(fmt.Sprintf("timeseries: a bitmap in memory does not serialize: %v", err))
	}
	w.bytes(raw)
}

// reader reads what writer wrote. After the first thing that cannot be, err is set and all further reads give zero.
type reader struct {
	b     []byte
	err   error
	grown int // bytes that differences make
}

func (r *reader) fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", errCorrupt, what)
	}
	r.b = nil
}

func (r *reader) take(n uint64) []byte {
	if n > uint64(len(r.b)) {
		r.fail("it ends too early")
		return nil
	}
	out := r.b[:n:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) bool() bool {
	x := r.byte()
	if x > 1 {
		r.fail("a flag is neither 0 nor 1")
	}
	return x == 1
}

func (r *reader) uint() uint64 {
	x, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.fail("a number is cut off or too long")
		return 0
	}
	r.b = r.b[n:]
	return x
}

func (r *reader) int() int64 {
	x, n := binary.Varint(r.b)
	if n <= 0 {
		r.fail("a number is cut off or too long")
		return 0
	}
	r.b = r.b[n:]
	return x
}

// tick reads a number that may not be below zero.
func (r *reader) tick() int64 {
	x := r.uint()
	if x > math.MaxInt64/2 {
		r.fail("a tick is out of range")
		return 0
	}
	return int64(x)
}

// span reads a number of 31 bits.
func (r *reader) span() int32 {
	x := r.uint()
	if x > math.MaxInt32 {
		r.fail("a span is out of range")
		return 0
	}
	return int32(x)
}

func (r *reader) float() float64 {
	if b := r.take(8); b != nil {
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	}
	return 0
}

func (r *reader) string() string { return string(r.take(r.uint())) }

// bytes returns a part of what is read; the caller copies what it keeps.
func (r *reader) bytes() []byte { return r.take(r.uint()) }

func (r *reader) id() (x lineage.TopicID) {
	copy(x[:], r.take(uint64(len(x))))
	return x
}

// count reads how many things of at least size bytes follow, so that damage cannot ask for more memory than there are
// bytes.
func (r *reader) count(size int) int {
	n := r.uint()
	if n > uint64(len(r.b)/size) {
		r.fail("a count exceeds what follows")
		return 0
	}
	return int(n)
}

// What a newer version may have written and this one keeps without knowing it: kinds of evidence, since marks have 64
// bits, and metrics, since a sample in the log has 7.
const (
	maxEvidence = 64
	maxMetric   = 128
)

func (r *reader) evidence() lineage.EvidenceKind {
	k := lineage.EvidenceKind(r.byte())
	if k >= maxEvidence {
		r.fail("a kind of evidence is out of range")
		return 0
	}
	return k
}

func (r *reader) metric() lineage.Metric {
	return r.isMetric(lineage.Metric(r.byte()))
}

func (r *reader) isMetric(m lineage.Metric) lineage.Metric {
	if m == lineage.NoMetric || m >= maxMetric {
		r.fail("a metric is out of range")
		return lineage.Records
	}
	return m
}

// bitmap does not look whether what a checksum covers is what a bitmap can be.
func (r *reader) bitmap() *roaring.Bitmap {
	raw := r.bytes()
	if len(raw) == 0 {
		return nil
	}
	b := roaring.New()
	if err := b.UnmarshalBinary(raw); err != nil {
		r.fail("a bitmap cannot be read: " + err.Error())
		return nil
	}
	return b
}

// end returns the first error, also when bytes are left.
func (r *reader) end() error {
	if r.err == nil && len(r.b) > 0 {
		r.fail("it does not end where it should")
	}
	return r.err
}

// codec seals and opens the values that go into a vault: a version, the compressed content, a checksum.
type codec struct {
	encoder *zstd.Encoder
	decoder *zstd.Decoder
}

const (
	valueVersion = 1
	// maxValue bounds what a value may expand to.
	maxValue = 1 << 30
)

func newCodec() *codec {
	// One goroutine, and windows small enough that memory stays flat: the values are slabs of some hundred kilobytes.
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20), zstd.WithEncoderCRC(false))
	if err != nil {
		panic(fmt.Sprintf("timeseries: zstd writer: %v", err))
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxMemory(maxValue))
	if err != nil {
		panic(fmt.Sprintf("timeseries: zstd reader: %v", err))
	}
	return &codec{encoder: enc, decoder: dec}
}

func (c *codec) close() {
	c.encoder.Close()
	c.decoder.Close()
}

// seal returns the value of a content.
func (c *codec) seal(content []byte) []byte {
	out := append(make([]byte, 0, len(content)/2+16), valueVersion)
	out = c.encoder.EncodeAll(content, out)
	return binary.LittleEndian.AppendUint32(out, crc32.Checksum(out, castagnoli))
}

// checkValue says whether a value is what seal returned.
func checkValue(value []byte) error {
	if len(value) < 5 {
		return fmt.Errorf("%w: it is too short", errCorrupt)
	}
	body, sum := value[:len(value)-4], binary.LittleEndian.Uint32(value[len(value)-4:])
	if crc32.Checksum(body, castagnoli) != sum {
		return fmt.Errorf("%w: its checksum does not match", errCorrupt)
	}
	return nil
}

// open returns the content of a value.
func (c *codec) open(value []byte) ([]byte, error) { return c.openInto(value, nil) }

// openInto returns it in the room of a content that nobody needs any more.
func (c *codec) openInto(value, room []byte) ([]byte, error) {
	if err := checkValue(value); err != nil {
		return nil, err
	}
	body := value[:len(value)-4]
	if body[0] != valueVersion {
		return nil, fmt.Errorf("its version is %d, this program reads %d", body[0], valueVersion)
	}
	content, err := c.decoder.DecodeAll(body[1:], room[:0])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errCorrupt, err)
	}
	return content, nil
}
