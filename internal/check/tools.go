package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
)

// inCI says whether a missing tool is a failure instead of a skipped test.
func inCI() bool {
	v := os.Getenv("CI")
	return v != "" && v != "0" && v != "false"
}

// prerequisites stops early, with one line a missing tool, and installs the Debian packages it may install: Chromium
// for the browser test, a JDK and Maven for the test broker, kcat for a producer that is not Java's, Graphviz to read
// what is exported, OpenSSL as a time stamp authority; for the long form a Prometheus too.
func prerequisites(ctx context.Context, long bool) error {
	var errs []error
	errs = append(errs, atLeast(ctx, 1, 26, "Go 1.26 or later (https://go.dev/dl)", "go", "env", "GOVERSION"))
	errs = append(errs, atLeast(ctx, 20, 0, "Node 20 or later with npm (https://nodejs.org)", "node", "--version"))
	if _, err := exec.LookPath("npm"); err != nil {
		errs = append(errs, errors.New("missing: npm, which comes with Node"))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	var packages []string
	if chromium() == "" {
		packages = append(packages, "chromium")
	}
	tools := [][2]string{{"java", "default-jdk-headless"}, {"mvn", "maven"}, {"kcat", "kcat"}, {"dot", "graphviz"}, {"openssl", "openssl"}}
	if long {
		tools = append(tools, [2]string{"prometheus", "prometheus"})
	}
	for _, tool := range tools {
		if _, err := exec.LookPath(tool[0]); err != nil {
			packages = append(packages, tool[1])
		}
	}
	return installDebian(ctx, packages)
}

// installDebian installs packages when it is root on a Debian; else it says what to install. What is still missing
// afterwards is judged by the step that needs it.
func installDebian(ctx context.Context, packages []string) error {
	if len(packages) == 0 {
		return nil
	}
	apt, _ := exec.LookPath("apt-get") // empty when this is no Debian
	if apt == "" || os.Geteuid() != 0 {
		fmt.Printf("     missing: %s. Not root on a Debian, so install it yourself, e.g.: apt-get install %s\n",
			strings.Join(packages, ", "), strings.Join(packages, " "))
		return nil
	}
	fmt.Printf("     installing the Debian packages %s\n", strings.Join(packages, ", "))
	out := &output{}
	env := []string{"DEBIAN_FRONTEND=noninteractive"}
	if err := command(ctx, out, env, apt, "-qq", "update"); err != nil {
		return fmt.Errorf("%w\n%s", err, out.report())
	}
	args := append([]string{"-qq", "install", "-y", "--no-install-recommends"}, packages...)
	if err := command(ctx, out, env, apt, args...); err != nil {
		return fmt.Errorf("%w\n%s", err, out.report())
	}
	return nil
}

// realKafkaTools says what the test broker misses.
func realKafkaTools() error {
	var missing []string
	for name, what := range map[string]string{"java": "JDK 17 or later", "mvn": "Maven"} {
		if _, err := exec.LookPath(name); err != nil {
			missing = append(missing, what)
		}
	}
	if missing != nil {
		return fmt.Errorf("missing: %s", strings.Join(missing, ", "))
	}
	return nil
}

// chromium is the browser's path; empty when there is none.
func chromium() string {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if p, err := exec.LookPath(name); err == nil {
			return p
		}
	}
	return ""
}

var versionPattern = regexp.MustCompile(`(\d+)\.(\d+)`)

// atLeast runs a tool's version command and compares major and minor.
func atLeast(ctx context.Context, major, minor int, what, name string, args ...string) error {
	out, err := exec.CommandContext(ctx, name, args...).Output()
	if err != nil {
		return fmt.Errorf("missing: %s", what)
	}
	text := strings.TrimSpace(string(out))
	m := versionPattern.FindStringSubmatch(text)
	if m == nil {
		return fmt.Errorf("missing: %s (%s says %q)", what, name, text)
	}
	gotMajor, _ := strconv.Atoi(m[1]) // digits by the pattern
	gotMinor, _ := strconv.Atoi(m[2])
	if gotMajor < major || gotMajor == major && gotMinor < minor {
		return fmt.Errorf("too old: %s is %s, needs %s", name, text, what)
	}
	return nil
}
