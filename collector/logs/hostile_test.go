package logs

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/lineaged/lineaged/collector/fetch"
	"github.com/lineaged/lineaged/internal/unpack"
)

// A batch that claims to be more than may be is passed, said with what it held, and what is around it is read, however
// many there are: of each round a few. What can be unpacked is read, and never more at once than has its room.
func TestHostileBatches(t *testing.T) {
	r := newReading(t)
	hostile, err := r.dial(kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(64<<20), kgo.BrokerMaxWriteBytes(100<<20), kgo.ProducerBatchCompression(kgo.ZstdCompression()))
	if err != nil {
		t.Fatal(err)
	}
	defer hostile.Close()
	put := func(size int) {
		t.Helper()
		r.n++
		value := append(fmt.Appendf(nil, "line %d", r.n), bytes.Repeat([]byte("\n"), size)...) // empty lines are none
		if err := hostile.ProduceSync(t.Context(), &kgo.Record{Topic: "broker-logs", Partition: 0, Value: value}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	r.more(4)
	passed := []int{}
	for range 3 {
		put(unpack.Limit)
		passed = append(passed, r.n)
		r.more(2)
	}
	for range 12 { // each within its bound, all of them in one answer
		put(unpack.Limit - 1024)
	}
	r.more(2)
	said := ""
	for range 40 {
		if r.take(true); r.got[fmt.Sprint("line ", r.n)] > 0 && !r.x.behind() {
			break
		}
		said += strings.Join(r.result.missing, "\n") + "\n"
	}
	said += strings.Join(r.result.missing, "\n")
	for i := 1; i <= r.n; i++ {
		want := 1
		if slices.Contains(passed, i) {
			want = 0
		}
		if got := r.got[fmt.Sprint("line ", i)]; got != want {
			t.Errorf("line %d of %d was read %d times, want %d", i, r.n, got, want)
		}
	}
	if n := strings.Count(said, "of partition 0 of the topic broker-logs was passed, with up to 1 records: it can't be unpacked, or is larger than 8 MiB then"); n != len(passed) {
		t.Errorf("%d batches are said to be passed, want %d:\n%s", n, len(passed), said)
	}
	if strings.Contains(said, fetch.ErrLater.Error()) {
		t.Errorf("that it takes several answers is said: %s", said)
	}
}
