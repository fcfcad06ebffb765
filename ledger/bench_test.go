package ledger

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"
)

// thousand is what is said of an hour in which 1,000 uses were seen, by one client each.
func thousand(k int) Batch {
	batch := said1(k)
	for i := range 1000 {
		batch.Usage = append(batch.Usage, use(fmt.Sprintf("west/orders.of.shop.%03d", i/2), []string{Read, Write}[i%2], fmt.Sprint("service-", i%50), int64(i)))
	}
	return batch
}

// processor is how much time of processors the process took: what the load of a machine does not change much.
func processor(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// onDisk is a ledger where the benchmark's folder is, not in memory.
func onDisk(b *testing.B) *book {
	b.Helper()
	l := &book{tb: b, dir: filepath.Join(b.TempDir(), "ledger"), key: newKey(b)}
	l.reopen()
	b.Cleanup(func() { _ = l.Close() })
	return l
}

// BenchmarkAppend appends 1,000 statements, so that they are acknowledged, and publishes them; and beside that writes
// and syncs a file of the same bytes, in turns. What is said of the clock are medians.
func BenchmarkAppend(b *testing.B) {
	l := onDisk(b)
	bare, err := os.Create(filepath.Join(b.TempDir(), "bare"))
	if err != nil {
		b.Fatal(err)
	}
	defer bare.Close()
	var acknowledged, published, written []time.Duration
	var busy time.Duration
	k, at := 0, int64(0)
	usage := thousand(0).Usage // what its caller makes and reads is not of the measured
	var whole []byte
	step := func() {
		batch := said1(k, usage...)
		k++
		start, used := time.Now(), processor(b)
		if _, err := l.Append(batch); err != nil {
			b.Fatal(err)
		}
		acknowledged = append(acknowledged, time.Since(start))
		busy += processor(b) - used
		whole = append(whole[:0], make([]byte, l.journal.at)...)
		if _, err := l.journal.file.ReadAt(whole, 0); err != nil {
			b.Fatal(err)
		}
		same := whole
		start = time.Now()
		if err := l.Publish(); err != nil {
			b.Fatal(err)
		}
		published = append(published, time.Since(start))
		start = time.Now()
		if _, err := bare.WriteAt(same, at); err != nil {
			b.Fatal(err)
		}
		if err := bare.Sync(); err != nil {
			b.Fatal(err)
		}
		written = append(written, time.Since(start))
		at += int64(len(same))
	}
	step() // persons are drawn once
	acknowledged, published, written, busy = nil, nil, nil, 0
	for b.Loop() {
		step()
	}
	ack, pub, bareTime := median(acknowledged), median(published), median(written)
	b.ReportMetric(ack/1e6, "ms/acknowledged")
	b.ReportMetric(float64(busy)/float64(b.N)/1e6, "ms/acknowledged-processor")
	b.ReportMetric(pub/1e6, "ms/published")
	b.ReportMetric(bareTime/1e6, "ms/bare")
	b.ReportMetric(ack/bareTime, "ratio")
	b.ReportMetric((ack+pub)/bareTime, "ratio-published")
}

// median returns the median in nanoseconds: one that waited for a processor or a disk of others says nothing.
func median(all []time.Duration) float64 {
	slices.Sort(all)
	return float64(all[len(all)/2])
}

// filled is a ledger in memory with at least so many entries.
func filled(b *testing.B, size int64) *book {
	b.Helper()
	l := newBook(b)
	for k := 0; l.Newest().Size < size; k++ {
		batch := said1(k)
		for h := range 20 {
			for i, u := range thousand(0).Usage {
				u.Topic = fmt.Sprintf("%s.%02d", u.Topic, h)
				u.Node += fmt.Sprint(i)
				batch.Usage = append(batch.Usage, u)
			}
		}
		l.append(batch)
	}
	return l
}

// BenchmarkProve proves entries of a ledger of a million: those of a bundle, which are one beside the other, and any.
func BenchmarkProve(b *testing.B) {
	l := filled(b, 1_000_000)
	r := l.Reader()
	b.Run("beside", func(b *testing.B) {
		at, used := r.checkpoint.Size/3, processor(b)
		for b.Loop() {
			if _, err := r.Prove(at); err != nil {
				b.Fatal(err)
			}
			at = (at + 1) % r.checkpoint.Size
		}
		b.ReportMetric(float64(processor(b)-used)/float64(b.N), "ns/processor")
	})
	b.Run("any", func(b *testing.B) {
		draw, used := rand.New(rand.NewPCG(1, 1)), processor(b)
		for b.Loop() {
			if _, err := r.Prove(draw.Int64N(r.checkpoint.Size)); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(processor(b)-used)/float64(b.N), "ns/processor")
	})
}

// BenchmarkVerify checks a folder of a million entries.
func BenchmarkVerify(b *testing.B) {
	l := filled(b, 1_000_000)
	used := processor(b)
	for b.Loop() {
		is, err := Verify(os.DirFS(l.dir), l.key.Public, nil)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(is.Checkpoint.Size), "entries")
	}
	b.ReportMetric(float64(processor(b)-used)/float64(b.N)/1e6, "ms/processor")
}

// BenchmarkVerifyBundle checks the bundle of a topic and a year of hours.
func BenchmarkVerifyBundle(b *testing.B) {
	l := newBook(b)
	const hours = 24 * 365
	for k := range hours {
		batch := said1(k, use("west/orders", Write, "shop", int64(k)), use("west/orders", Read, "bill", int64(k)), use("west/other", Read, "bill", int64(k)))
		batch.Sources = nil
		l.append(batch)
	}
	bundle := l.bundle("west/orders", hour(0).Start.Time, hour(hours-1).End.Time)
	b.SetBytes(int64(len(bundle)))
	used := processor(b)
	for b.Loop() {
		p, err := VerifyBundle(bytes.NewReader(bundle), l.key.Public)
		if err != nil || len(p.Periods) != hours {
			b.Fatal(err)
		}
		b.ReportMetric(float64(p.Entries), "entries")
	}
	b.ReportMetric(float64(processor(b)-used)/float64(b.N)/1e6, "ms/processor")
}

// BenchmarkOpen opens a ledger of ten years of hours of which nothing was removed, each with the uses of two topics.
func BenchmarkOpen(b *testing.B) {
	l := newBook(b)
	const hours = 24 * 3652
	for k := range hours {
		batch := said1(k, use("west/orders", Write, "shop", int64(k)), use("west/orders", Read, "bill", int64(k)), use("west/other", Read, "bill", int64(k)))
		batch.Sources = nil
		l.append(batch)
	}
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	heap := func() uint64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	l.Log = nil
	before, used := heap(), processor(b)
	for b.Loop() {
		l.reopen()
	}
	b.ReportMetric(float64(processor(b)-used)/float64(b.N)/1e6, "ms/processor")
	b.ReportMetric(float64(heap()-before)/(1<<20), "MiB/open")
	b.ReportMetric(float64(l.Newest().Size), "entries")
}
