package recordbatch

import (
	"strings"
	"testing"
)

// full returns a batch of n records of a hundred bytes with two headers, not packed.
func full(n int32) []byte {
	var records []byte
	for range n {
		records = append(records, record("key-12345678", strings.Repeat("v", 50), "traceparent", "00-0af7651916cd43dd8448eb211c80319c", "ce_source", "billing")...)
	}
	return made(0, n, func(f *fields) { f.packed = records })
}

func BenchmarkNext(b *testing.B) {
	in := full(100)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if x, _, err := Next(in); err != nil || x.Records != 100 {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)*100/b.Elapsed().Seconds(), "records/s")
}

func BenchmarkValues(b *testing.B) {
	x, _, err := Next(full(100))
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(x.Packed)))
	b.ReportAllocs()
	names := []string{"ce_source"}
	for b.Loop() {
		n := 0
		if err := Values(x.Packed, x.Records, names, func(_ int, _ int64, _ int, _ []byte) { n++ }); err != nil || n != 100 {
			b.Fatal(n, err)
		}
	}
	b.ReportMetric(float64(b.N)*100/b.Elapsed().Seconds(), "records/s")
}
