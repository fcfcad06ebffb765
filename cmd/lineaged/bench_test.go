package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/child"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/timeseries"
)

// The estate of the figures in docs/performance.md: an hour of a cluster in which everything moves in every round.
const (
	benchTopics = 1000
	benchGroups = 500 // each reads four topics
	benchRounds = 360
	benchTick   = 10 * time.Second
)

// fillEnv makes the test binary fill the data folder that it names and end without closing it, as if it was killed.
const fillEnv = "LINEAGED_BENCH_FILL"

func benchTopic(i int) lineage.Topic {
	return lineage.Topic{Cluster: "bench", ID: lineage.TopicID{1, byte(i >> 8), byte(i)}, Name: fmt.Sprintf("shop.events.%04d", i)}
}

// benchRound is round n of the estate.
func benchRound(round time.Time, n int) []lineage.Observation {
	observe := func(name string) lineage.Observation {
		return lineage.Observation{Source: lineage.Source{Cluster: "west", Name: name}, Round: round, Interval: benchTick, At: round.Add(40 * time.Millisecond)}
	}
	meta, ends, books, groups := observe("metadata"), observe("end-offsets"), observe("producers"), observe("groups")
	if n == 0 {
		meta.Facts = append(meta.Facts, lineage.Fact{
			Key:     lineage.FactKey{Source: "west", Kind: lineage.ClusterFacts},
			Cluster: &lineage.ClusterFact{ID: "bench", Brokers: 3, Topics: benchTopics, Groups: benchGroups},
		})
	}
	for i := range benchTopics {
		topic, total := benchTopic(i), int64(n)*int64(100+i)
		if n == 0 {
			meta.Facts = append(meta.Facts, lineage.Fact{
				Key:   lineage.FactKey{Source: "west", Kind: lineage.TopicFacts, Name: topic.Name},
				Topic: &lineage.TopicFact{Topic: topic, Partitions: 10, Replication: 3},
			})
		}
		ends.Samples = append(ends.Samples, lineage.Sample{Subject: lineage.Access{Topic: topic}, Metric: lineage.Appended, Value: total})
		books.Samples = append(books.Samples, lineage.Sample{
			Subject: lineage.Access{Topic: topic, Op: lineage.Write, Client: lineage.Client{Producer: lineage.KnownProducer(int64(i))}},
			Metric:  lineage.Records, Evidence: lineage.ProducerState, Value: total,
		})
	}
	for g := range benchGroups {
		for k := range 4 {
			reads := lineage.Access{Topic: benchTopic((g*7 + k) % benchTopics), Op: lineage.Read, Client: lineage.Client{Group: fmt.Sprintf("group-%04d", g)}}
			groups.Samples = append(groups.Samples,
				lineage.Sample{Subject: reads, Metric: lineage.Records, Evidence: lineage.GroupOffsets, Value: int64(n) * int64(90+g)},
				lineage.Sample{Subject: reads, Metric: lineage.Lag, Value: int64(n % 17 * g)})
		}
	}
	return []lineage.Observation{meta, ends, books, groups}
}

// fill appends an hour that ends now and leaves without a word.
func fill(dir string) {
	store, err := timeseries.Open(dir, timeseries.Options{Tick: benchTick})
	if err != nil {
		panic(err)
	}
	first := time.Now().UTC().Truncate(benchTick).Add(-benchRounds * benchTick)
	for n := range benchRounds {
		if err := store.Append(context.Background(), benchRound(first.Add(time.Duration(n+1)*benchTick), n)...); err != nil {
			panic(err)
		}
	}
	os.Exit(0)
}

// BenchmarkRestart measures the time from starting the process to its first answer of a lineage, over the data folder
// of a killed process that holds an hour of 1,000 topics and 500 groups, and over an empty one beside it.
func BenchmarkRestart(b *testing.B) {
	work := b.TempDir()
	bin := filepath.Join(work, "lineaged")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil { //nolint:noctx // ends by itself
		b.Fatalf("%v\n%s", err, out)
	}
	killed := filepath.Join(work, "killed")
	filler := exec.Command(os.Args[0]) //nolint:noctx // ends by itself
	filler.Env = append(os.Environ(), fillEnv+"="+killed)
	if out, err := filler.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	b.Run("empty", func(b *testing.B) {
		for b.Loop() {
			firstAnswer(b, bin, b.TempDir(), "{ coverage(window: {last: \"1h\"}) { complete } }")
		}
	})
	b.Run("hour-of-log", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			dir := b.TempDir()
			if err := os.CopyFS(dir, os.DirFS(killed)); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
			firstAnswer(b, bin, dir, `{ lineage(roots: ["topic:west/shop.events.0007"], window: {last: "1h"}) { flows { id records } } }`)
		}
	})
}

// firstAnswer starts the program on a folder and returns when it has answered the query without an error. Nothing
// listens where it looks for Kafka.
func firstAnswer(b *testing.B, bin, dir, query string) {
	b.Helper()
	cmd := exec.Command(bin, "serve", "--brokers", "127.0.0.1:1", "--cluster-name", "west", "--data", dir, "--listen", "127.0.0.1:0") //nolint:noctx // ended below
	cmd.Env = child.Environ()
	cmd.Stderr = io.Discard
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() {
		b.StopTimer()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		b.StartTimer()
	}()
	line, err := bufio.NewReader(stdout).ReadString('\n')
	_, url, ok := strings.Cut(strings.TrimSpace(line), "ready: ")
	if err != nil || !ok {
		b.Fatalf("ready line %q, %v", line, err)
	}
	body, _ := json.Marshal(map[string]string{"query": query})
	resp, err := http.Post(url+"/graphql", "application/json", bytes.NewReader(body)) //nolint:noctx // a benchmark
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || bytes.Contains(answer, []byte(`"errors"`)) {
		b.Fatalf("status %d, %v: %s", resp.StatusCode, err, answer)
	}
}
