package cast

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// The loggers of brokers whose lines lineaged reads.
const (
	RequestLogger    = "kafka.request.logger"
	AuthorizerLogger = "kafka.authorizer.logger"
)

// reporterBuild has one test at a time look whether the plugin is built.
var reporterBuild sync.Mutex

// ReporterJar returns the broker's plugin, which is built, with its tests' classes beside it, where it is not there or
// older than its sources.
func ReporterJar(t testing.TB) string {
	t.Helper()
	reporterBuild.Lock()
	defer reporterBuild.Unlock()
	dir, err := filepath.Abs("../../contrib/telemetry-reporter")
	if err != nil {
		t.Fatal(err)
	}
	jar := filepath.Join(dir, "target", "lineaged-telemetry-reporter.jar")
	if !older(t, jar, filepath.Join(dir, "src", "main")) &&
		!older(t, filepath.Join(dir, "target", "test-classes", "io", "lineaged", "telemetry", "SwitchedReporter.class"), filepath.Join(dir, "src", "test")) {
		return jar
	}
	if _, err := exec.LookPath("mvn"); err != nil {
		t.Skip("SKIPPED: no Maven to build the telemetry reporter with (apt-get install maven)")
	}
	if out, err := exec.CommandContext(t.Context(), "mvn", "-B", "-q", "-f", dir, "-DskipTests", "package").CombinedOutput(); err != nil {
		t.Fatalf("mvn: %v\n%s", err, out)
	}
	return jar
}

// older reports whether a file is not there, or older than one of those that it is made of.
func older(t testing.TB, file, sources string) (is bool) {
	t.Helper()
	built, err := os.Stat(file)
	if err != nil {
		return true
	}
	if err := filepath.WalkDir(sources, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		i, err := d.Info()
		is = is || err == nil && i.ModTime().After(built.ModTime())
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return is
}

// Create makes a file that the test's end closes.
func Create(t testing.TB, path string) *os.File {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// Follow writes those lines of a growing file that have a mark to others, as brokers' own configuration has each logger
// do, until ctx ends.
func Follow(ctx context.Context, t testing.TB, from, mark string, to ...io.Writer) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := in.Seek(0, io.SeekEnd); err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	done.Go(func() {
		defer in.Close()
		r, line := bufio.NewReader(in), []byte(nil)
		for ctx.Err() == nil {
			part, err := r.ReadBytes('\n')
			line = append(line, part...)
			if err != nil { // the rest of the line is not written yet
				time.Sleep(50 * time.Millisecond)
				continue
			}
			if bytes.Contains(line, []byte(mark)) {
				if _, err := io.MultiWriter(to...).Write(line); err != nil && ctx.Err() == nil {
					t.Errorf("follow %s: %v", mark, err)
					return
				}
			}
			line = line[:0]
		}
	})
	t.Cleanup(done.Wait)
}
