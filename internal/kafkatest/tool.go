package kafkatest

import (
	"os"
	"os/exec"
	"testing"
)

// Tool returns the path of a program of a Debian package. Where it is missing the test is skipped, and fails where CI
// is set.
func Tool(t testing.TB, name, debian string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
	case ci():
		t.Fatalf("missing: %s (apt-get install %s); CI is set, so this is a failure", name, debian)
	default:
		t.Skipf("SKIPPED, missing: %s (apt-get install %s)", name, debian)
	}
	return path
}

// ci reports whether what is missing is a failure.
func ci() bool { return os.Getenv("CI") != "" && os.Getenv("CI") != "false" }
