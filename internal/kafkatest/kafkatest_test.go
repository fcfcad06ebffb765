package kafkatest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if log := os.Getenv("KAFKATEST_CHILD_LOG"); log != "" {
		startAndHang(log)
		return
	}
	goleak.VerifyTestMain(m)
}

// startAndHang is the process that TestChildrenDieWithTheirParent kills.
func startAndHang(log string) {
	p, err := startProcess(log, "sleep", "600")
	if err != nil {
		panic(err)
	}
	fmt.Println(p.cmd.Process.Pid)
	<-p.done
}

func TestChildrenDieWithTheirParent(t *testing.T) {
	parent := exec.CommandContext(t.Context(), os.Args[0])
	parent.Env = append(os.Environ(), "KAFKATEST_CHILD_LOG="+filepath.Join(t.TempDir(), "log"))
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var child int
	if _, err := fmt.Fscan(out, &child); err != nil {
		t.Fatalf("the parent did not tell its child: %v", err)
	}
	if err := syscall.Kill(child, 0); err != nil {
		t.Fatalf("the child does not run: %v", err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait() // killed, as told
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	err = poll(ctx, func() error {
		stat, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", child)) // empty: it is gone
		// A dead child whose new parent has not yet asked for its exit code is a zombie.
		if len(stat) > 0 && !strings.Contains(string(stat), ") Z ") {
			return fmt.Errorf("the child is alive: %s", stat)
		}
		return nil
	})
	if err != nil {
		_ = syscall.Kill(child, syscall.SIGKILL) // what the test is about did not happen
		t.Error(err)
	}
}

// One node from start to end: Kafka's own producer and consumers, what they report, and the data after a restart.
func TestCluster(t *testing.T) {
	c := Start(t, Options{})
	c.CreateTopic(t, "orders", 2)
	begin := time.Now()
	if got := c.ProducerPerf(t, Perf{Topic: "orders", Records: 500, Props: []string{"client.id=writer"}}); got != 500 {
		t.Errorf("producer-perf reports %d records, want 500", got)
	}
	t.Logf("producer-perf took %s", time.Since(begin))
	c.ShareFromBeginning(t, "shared")
	classic := c.ConsoleConsumer(t, "classic", "classic", "orders")
	modern := c.ConsoleConsumer(t, "modern", "consumer", "orders", "auto.commit.interval.ms=200")
	share := c.ShareConsumer(t, "shared", "orders")
	c.WaitGroup(t, "modern", "orders", 500)
	c.WaitGroup(t, "classic", "orders", 500)
	for _, k := range []*Consumer{classic, modern} {
		if got := k.Stop(t); got != 500 {
			t.Errorf("a console consumer reports %d messages, want 500", got)
		}
	}
	c.WaitShareGroup(t, "shared", "orders")
	if got := share.Stop(t); got != 500 {
		t.Errorf("the share consumer reports %d messages, want 500", got)
	}
	var committed, lag int64
	for _, o := range c.ConsumerGroupOffsets(t, "classic") {
		committed += o.Committed
		lag += o.Lag
	}
	if committed != 500 || lag != 0 {
		t.Errorf("consumer-groups reports %d committed and lag %d, want 500 and 0", committed, lag)
	}

	c.StopNode(t, 1, Terminate)
	c.StartNode(t, 1)
	if got := c.EndOffset(t, "orders"); got != 500 {
		t.Errorf("after a restart the topic ends at %d, want 500", got)
	}
}

// The other versions, and every kind of listener, at least start and let a client in.
func TestVersionsAndListeners(t *testing.T) {
	f := func(name string, o Options) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			c := Start(t, o)
			c.CreateTopic(t, "t", 1)
			if err := c.Client(t).ProduceSync(t.Context(), &kgo.Record{Topic: "t", Value: []byte("x")}).FirstErr(); err != nil {
				t.Errorf("produce: %v", err)
			}
			if got := c.EndOffset(t, "t"); got != 1 {
				t.Errorf("end offset %d, want 1", got)
			}
		})
	}
	f("3.9", Options{Version: V39})
	f("4.4", Options{Version: V44})
	f("mtls and sasl", Options{MTLS: true, Secure: true, Users: []string{"alice"}})
	f("three nodes", Options{Nodes: 3})
}

func TestParseOffsets(t *testing.T) {
	got := parseOffsets(`
GROUP           TOPIC           PARTITION  CURRENT-OFFSET  LOG-END-OFFSET  LAG             CONSUMER-ID                                           HOST            CLIENT-ID
billing         orders          1          120             130             10              c-1-bd4f /127.0.0.1      c-1
billing         orders          0          -               7               -               -                -               -
`)
	want := []GroupOffset{
		{Topic: "orders", Partition: 0, Committed: -1, End: 7, Lag: -1, ConsumerID: "-", Host: "-", ClientID: "-"},
		{Topic: "orders", Partition: 1, Committed: 120, End: 130, Lag: 10, ConsumerID: "c-1-bd4f", Host: "/127.0.0.1", ClientID: "c-1"},
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	share := parseOffsets(`
GROUP    TOPIC   PARTITION  START-OFFSET  LAG
share-g  orders  1          6235          54
share-g  orders  2          -             -
`)
	if len(share) != 2 || share[0].Committed != 6235 || share[0].Lag != 54 || share[0].End != -1 || share[1].Committed != -1 {
		t.Errorf("share groups: got %+v", share)
	}
}

// A child must not outlive what started it, and one that ends by itself is noticed.
func TestProcess(t *testing.T) {
	log := t.TempDir() + "/log"
	p, err := startProcess(log, "sh", "-c", "echo hello; sleep 60")
	if err != nil {
		t.Fatal(err)
	}
	if !p.running() {
		t.Error("the child does not run")
	}
	p.kill()
	p.kill()
	if p.running() {
		t.Error("the child outlived its kill")
	}
	if _, err := run(t.Context(), log, "sh", "-c", "exit 3"); err == nil {
		t.Error("an exit code of 3 is no error")
	}
	if _, err := startProcess(log, "/does/not/exist"); err == nil {
		t.Error("a missing program is no error")
	}
	if _, err := os.Stat(log); err != nil {
		t.Error(err)
	}
}
