package kafkatest

import (
	"bytes"
	"context"
	"crypto/sha256"
	_ "embed" // the files that the jars and the brokers' logging are described by
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/lineaged/lineaged/internal/child"
)

//go:embed pom.xml
var pom []byte

//go:embed log4j2.xml
var log4j2 []byte

// Newer versions of the plugin want more than Maven Central has for some artifacts; this one was tried.
const dependencyPlugin = "org.apache.maven.plugins:maven-dependency-plugin:2.8:copy-dependencies"

// installed is one version of Kafka in the cache.
type installed struct {
	dir  string
	jars []string // absolute, sorted: the class path must be the same each time for an archive of classes to fit
	java string   // an id of the JVM, part of the archives' names

	record bool // JVMs write archives instead of using them
}

func (i installed) classpath() string { return strings.Join(i.jars, ":") }

// jvm are the flags that a JVM with this class path gets for its use: logging, and the archive of loaded classes where
// the install made one. A JVM ignores an archive that does not fit it.
func (i installed) jvm(use string) []string {
	flags := []string{"-Dlog4j2.configurationFile=" + filepath.Join(i.dir, "log4j2.xml")}
	archive := i.archive(use)
	switch {
	case i.record:
		flags = append(flags, "-XX:ArchiveClassesAtExit="+archive+recording)
	case fileExists(archive):
		flags = append(flags, "-XX:SharedArchiveFile="+archive, "-Xlog:cds=off", "-Xlog:cds+dynamic=off")
	}
	return flags
}

func (i installed) archive(use string) string {
	return filepath.Join(i.dir, use+"-"+i.java+".jsa")
}

// Available says what this machine lacks to run Kafka; nil: nothing.
func Available() error {
	java, err := exec.LookPath("java")
	if err != nil {
		return errors.New("missing: JDK 17 or later (apt-get install default-jdk-headless)")
	}
	if v, err := javaVersion(java); err != nil {
		return err
	} else if v < 17 {
		return fmt.Errorf("too old: Java %d, needs JDK 17 or later", v)
	}
	if _, err := exec.LookPath("mvn"); err == nil {
		return nil
	}
	// A full cache needs no Maven.
	for _, v := range []string{V39, V43, V44} {
		if _, err := cached(v); err != nil {
			return errors.New("missing: Maven (apt-get install maven)")
		}
	}
	return nil
}

var javaVersionPattern = regexp.MustCompile(`version "(\d+)`)

func javaVersion(java string) (int, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, java, "-version").CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("java -version: %w", err)
	}
	m := javaVersionPattern.FindSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("java -version says %q", out)
	}
	return strconv.Atoi(string(m[1]))
}

// cacheDir is $LINEAGED_KAFKA_CACHE, else .cache/kafka beside the go.mod above the working directory.
func cacheDir() string {
	if dir := os.Getenv("LINEAGED_KAFKA_CACHE"); dir != "" {
		return dir
	}
	wd, err := os.Getwd()
	if err != nil {
		return filepath.Join(os.TempDir(), "kafkatest-cache")
	}
	for dir := wd; ; dir = filepath.Dir(dir) {
		if fileExists(filepath.Join(dir, "go.mod")) || dir == filepath.Dir(dir) {
			return filepath.Join(dir, ".cache", "kafka")
		}
	}
}

func fileExists(path string) bool { _, err := os.Stat(path); return err == nil }

// marker is written last: it holds the hash of the pom, so that a changed one installs anew.
const marker = "complete"

func pomHash() []byte {
	sum := sha256.Sum256(append(slices.Clone(pom), log4j2...))
	return []byte(hex.EncodeToString(sum[:]))
}

// cached opens an installed version.
func cached(version string) (installed, error) {
	dir, err := filepath.Abs(filepath.Join(cacheDir(), version))
	if err != nil {
		return installed{}, err
	}
	got, err := os.ReadFile(filepath.Join(dir, marker))
	if err != nil {
		return installed{}, fmt.Errorf("kafka %s is not installed: %w", version, err)
	}
	if !bytes.Equal(got, pomHash()) {
		return installed{}, fmt.Errorf("kafka %s was installed by another pom", version)
	}
	jars, err := filepath.Glob(filepath.Join(dir, "*.jar"))
	if err != nil {
		return installed{}, err
	}
	slices.Sort(jars)
	return installed{dir: dir, jars: jars, java: javaID()}, nil
}

// javaID names the JVM by its program file: an archive of classes fits the JVM that wrote it only.
func javaID() string {
	path, err := exec.LookPath("java")
	if err != nil {
		return "none"
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	size := int64(0)
	if st, err := os.Stat(filepath.Join(filepath.Dir(path), "..", "lib", "server", "libjvm.so")); err == nil {
		size = st.Size() ^ st.ModTime().Unix()
	}
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", path, size))
	return hex.EncodeToString(sum[:6])
}

// Install makes sure that a version is in the cache. Processes that install at the same time wait for each other.
func Install(ctx context.Context, version string) error {
	_, err := ensure(ctx, version)
	return err
}

// ensure is Install, and opens what is there.
func ensure(ctx context.Context, version string) (installed, error) {
	if i, err := cached(version); err == nil {
		return i, nil
	}
	if err := os.MkdirAll(cacheDir(), 0o755); err != nil {
		return installed{}, fmt.Errorf("make the cache folder: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(cacheDir(), "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return installed{}, fmt.Errorf("open the cache's lock: %w", err)
	}
	defer lock.Close() // closing unlocks
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return installed{}, fmt.Errorf("lock the cache: %w", err)
	}
	// Someone else may have installed it while we waited.
	if i, err := cached(version); err == nil {
		return i, nil
	}
	if err := fetch(ctx, version); err != nil {
		return installed{}, fmt.Errorf("install kafka %s: %w", version, err)
	}
	i, err := cached(version)
	if err != nil {
		return installed{}, err
	}
	if version != Default {
		return i, nil // started too seldom for an archive to pay
	}
	// Without the archives everything still works, only slower.
	if err := i.train(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "kafkatest: no archives of classes, starts stay slow: %v\n", err)
	}
	return i, nil
}

// fetch copies the version's jars into the cache. The folder gets its name only when it is whole.
func fetch(ctx context.Context, version string) error {
	if _, err := exec.LookPath("mvn"); err != nil {
		return errors.New("missing: Maven (apt-get install maven)")
	}
	target := filepath.Join(cacheDir(), version)
	partial := target + ".partial"
	for _, dir := range []string{target, partial} {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(partial, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(partial, "pom.xml"), pom, 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(partial, "log4j2.xml"), log4j2, 0o644); err != nil {
		return err
	}
	abs, err := filepath.Abs(partial)
	if err != nil {
		return err
	}
	args := []string{
		"-B", "-q", "-f", filepath.Join(abs, "pom.xml"), dependencyPlugin,
		"-DincludeScope=runtime", "-DoutputDirectory=" + abs, "-Dkafka.version=" + version,
	}
	if version == Default {
		args = append(args, "-Ptools")
	}
	if out, err := exec.CommandContext(ctx, "mvn", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("mvn: %w\n%s", err, child.Tail(string(out), 20))
	}
	if err := os.WriteFile(filepath.Join(partial, marker), pomHash(), 0o644); err != nil {
		return err
	}
	return os.Rename(partial, target)
}
