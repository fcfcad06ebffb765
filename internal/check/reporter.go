package main

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// reporterDir is the broker's plugin, in Java.
const reporterDir = "contrib/telemetry-reporter"

// reporterTests builds the broker's plugin and runs its tests.
func reporterTests(ctx context.Context, out *output) (counts, error) {
	if err := realKafkaTools(); err != nil {
		if inCI() {
			return counts{}, err
		}
		out.notef("the telemetry reporter is not built: %v", err)
		return counts{skipped: 1}, nil
	}
	reports := filepath.Join(reporterDir, "target", "surefire-reports")
	if err := os.RemoveAll(reports); err != nil {
		return counts{}, err
	}
	run := command(ctx, out, nil, "mvn", "-B", "-q", "-f", reporterDir, "package")
	c, err := surefireCounts(reports)
	return c, errors.Join(run, err)
}

// surefireCounts adds up what Maven's test runner reports, a file for each class.
func surefireCounts(dir string) (c counts, err error) {
	files, err := filepath.Glob(filepath.Join(dir, "TEST-*.xml"))
	if err != nil {
		return c, err
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			return c, err
		}
		var s struct {
			Tests    int `xml:"tests,attr"`
			Errors   int `xml:"errors,attr"`
			Failures int `xml:"failures,attr"`
			Skipped  int `xml:"skipped,attr"`
		}
		if err := xml.Unmarshal(b, &s); err != nil {
			return c, fmt.Errorf("read %s: %w", file, err)
		}
		failed := s.Errors + s.Failures
		c.passed, c.failed, c.skipped = c.passed+s.Tests-failed-s.Skipped, c.failed+failed, c.skipped+s.Skipped
	}
	if c.passed+c.failed == 0 {
		return c, errors.New("the tests of the telemetry reporter left no report")
	}
	return c, nil
}
