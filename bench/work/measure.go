package work

import (
	"io/fs"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"time"
)

// CPU returns the time of processors that this process took so far, garbage collection and the kernel's included.
func CPU() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		panic(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// Cost does something again and again, five times at least and until it took a while, and returns the time of
// processors of one. It is given how often it was done before.
func Cost(do func(number int)) time.Duration {
	const least, most, enough = 5, 100_000, 100 * time.Millisecond
	do(0) // what is only done once is not measured
	began, n := CPU(), 0
	for n < most && (n < least || CPU()-began < enough) {
		for range max(1, n/8) {
			n++
			do(n)
		}
	}
	return (CPU() - began) / time.Duration(n)
}

// Heap returns the MiB of this process that are alive.
func Heap() float64 {
	runtime.GC()
	runtime.GC() // what has a finaliser goes with the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc) / (1 << 20)
}

// DirBytes returns what the files below a folder take.
func DirBytes(dir string) (bytes int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		size := info.Size()
		if s, ok := info.Sys().(*syscall.Stat_t); ok { // a file may be longer than what it takes
			size = min(size, s.Blocks*512)
		}
		bytes += size
		return nil
	})
	return bytes, err
}

// Quantile returns a quantile of some times, which it sorts.
func Quantile(of []time.Duration, q float64) time.Duration {
	slices.Sort(of)
	return of[min(int(q*float64(len(of))), len(of)-1)]
}
