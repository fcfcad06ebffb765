package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestSurefireCounts(t *testing.T) {
	dir := t.TempDir()
	if _, err := surefireCounts(dir); err == nil {
		t.Error("no report is taken for one")
	}
	for name, text := range map[string]string{
		"TEST-a.xml": `<?xml version="1.0"?><testsuite name="a" time="1.2" tests="6" errors="1" skipped="1" failures="2"><testcase name="x"/></testsuite>`,
		"TEST-b.xml": `<testsuite name="b" tests="3" errors="0" skipped="0" failures="0"/>`,
		"a.txt":      "Tests run: 6",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := surefireCounts(dir); err != nil || got != (counts{passed: 5, failed: 3, skipped: 1}) {
		t.Errorf("%+v, %v", got, err)
	}
}
