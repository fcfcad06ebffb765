package headers

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/lineage"
)

func offsets(topic string, partition int32, at int64) kadm.Offsets {
	var o kadm.Offsets
	o.Add(kadm.Offset{Topic: topic, Partition: partition, At: at, LeaderEpoch: -1})
	return o
}

// batch is one of a writer without idempotence.
func batch(base int64, n int32, change func(*kmsg.RecordBatch)) []byte {
	b := kmsg.RecordBatch{FirstOffset: base, Magic: 2, LastOffsetDelta: n - 1, ProducerID: -1, NumRecords: n, Records: make([]byte, 7*n)}
	if change != nil {
		change(&b)
	}
	b.Length = int32(49 + len(b.Records))
	return b.AppendTo(nil)
}

// What a broker sends is taken as far as it is of the offsets that are to be looked at; what is not all there is said,
// and never stops it.
func TestTake(t *testing.T) {
	f := func(name, broken string, counted, next int64, raw ...[]byte) {
		t.Helper()
		b := newBook(lineage.Topic{Name: "orders"})
		b.arrive([]int64{100})
		b.skip(time.Unix(1, 0))
		b.arrive([]int64{120})
		for range 3 { // until it comes no further
			b.take(0, slices.Concat(raw...))
		}
		if b.fresh.by[-1] != counted || b.parts[0].next != next || (broken == "") != (b.broken == "") || !strings.Contains(b.broken, broken) {
			t.Errorf("%s: %d records, next is %d, %q; want %d, %d, %q", name, b.fresh.by[-1], b.parts[0].next, b.broken, counted, next, broken)
		}
	}
	f("all", "", 20, 120, batch(100, 12, nil), batch(112, 8, nil))
	f("nothing", "", 0, 100)
	f("the last is cut off", "", 12, 112, batch(100, 12, nil), batch(112, 8, nil)[:70])
	f("begins before, ends behind", "", 20, 120, batch(90, 10, nil), batch(100, 20, nil), batch(120, 5, nil))
	f("a hole at the end", "compacted", 12, 120, batch(100, 12, nil), batch(130, 5, nil))
	f("a hole", "compacted", 16, 120, batch(100, 8, nil), batch(112, 8, nil))
	f("records are gone", "compacted", 8, 120, batch(100, 12, func(b *kmsg.RecordBatch) { b.NumRecords = 3 }), batch(112, 8, nil))
	f("reaches into it", "reaches over", 8, 120, batch(95, 17, nil), batch(112, 8, nil))
	f("reaches beyond it", "reaches over", 12, 120, batch(100, 12, nil), batch(112, 9, nil))
	f("an old format", "can't be read", 19, 120, batch(100, 1, func(b *kmsg.RecordBatch) { b.Magic = 1 }), batch(101, 19, nil))
	f("2^31 records", "can't be read", 19, 120, batch(100, 1, func(b *kmsg.RecordBatch) { b.NumRecords = 1<<31 - 1 }), batch(101, 19, nil))
	f("garbage", "no record batch", 12, 120, batch(100, 12, nil), make([]byte, 300))
}
