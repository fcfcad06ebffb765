package kafkatest

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/child"
)

// node is one broker that is also a controller.
type node struct {
	cluster    *Cluster
	id         int
	port       int // clients and other brokers
	controller int
	dir        string
	starts     int
	proc       *child.Process // nil before the first start
}

func (n *node) address() string        { return "127.0.0.1:" + strconv.Itoa(n.port) }
func (n *node) propertiesFile() string { return filepath.Join(n.dir, "server.properties") }
func (n *node) logFile() string        { return filepath.Join(n.dir, "server.log") }

// brokerFlags favour a quick start and little memory over peak speed. Measured: 343 MiB resident with this heap.
func brokerFlags() []string { return append([]string{"-Xmx320m"}, jvmFlags...) }

var jvmFlags = []string{
	"-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true",
	// The kernel's files for monitoring tools would be left behind in /tmp by a killed JVM.
	"-XX:-UsePerfData",
}

// writeProperties writes what `server.properties` is in a distribution.
func (n *node) writeProperties() error {
	if err := os.MkdirAll(n.dir, 0o755); err != nil {
		return fmt.Errorf("make the folder of node %d: %w", n.id, err)
	}
	p := n.properties()
	maps.Copy(p, n.cluster.securityProperties())
	maps.Copy(p, n.cluster.opts.Config)
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(p)) {
		fmt.Fprintf(&b, "%s=%s\n", k, p[k])
	}
	return os.WriteFile(n.propertiesFile(), []byte(b.String()), 0o600)
}

func (n *node) properties() map[string]string {
	c := n.cluster
	var voters []string
	for _, m := range c.nodes {
		voters = append(voters, fmt.Sprintf("%d@127.0.0.1:%d", m.id, m.controller))
	}
	client, controller := c.protocols()
	replicas, inSync := strconv.Itoa(len(c.nodes)), strconv.Itoa((len(c.nodes)+1)/2)
	p := map[string]string{
		"process.roles":                  "broker,controller",
		"node.id":                        strconv.Itoa(n.id),
		"controller.quorum.voters":       strings.Join(voters, ","),
		"listeners":                      fmt.Sprintf("%s://%s,CONTROLLER://127.0.0.1:%d", client, n.address(), n.controller),
		"advertised.listeners":           client + "://" + n.address(),
		"inter.broker.listener.name":     client,
		"controller.listener.names":      "CONTROLLER",
		"listener.security.protocol.map": client + ":" + client + ",CONTROLLER:" + controller,
		"log.dirs":                       filepath.Join(n.dir, "data"),
		// Nobody waits for more members of a test's group.
		"group.initial.rebalance.delay.ms": "0",
	}
	if len(c.nodes) > 1 {
		// A stopped node is noticed in 5 s instead of 9 s. One node alone has nobody to take over.
		// What is acknowledged is on two nodes, as anybody who has three would configure it.
		p["min.insync.replicas"] = inSync
		p["broker.heartbeat.interval.ms"], p["broker.session.timeout.ms"] = "1000", "5000"
	}
	for _, topic := range []string{"offsets.topic", "transaction.state.log", "share.coordinator.state.topic"} {
		p[topic+".replication.factor"] = replicas
		p[topic+".num.partitions"] = "4" // few partitions start faster
		if topic != "offsets.topic" {
			p[topic+".min.isr"] = inSync
		}
	}
	return p
}

// format prepares the node's data folder.
func (n *node) format(ctx context.Context) error {
	c := n.cluster
	args := append(slices.Clone(jvmFlags), c.jars.jvm("format")...)
	args = append(args, "-Dlevel.root=WARN", "-cp", c.jars.classpath(), "kafka.tools.StorageTool", "format",
		"--cluster-id", c.ID, "--config", n.propertiesFile())
	for _, user := range c.users() {
		for _, mechanism := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512"} {
			args = append(args, "--add-scram", fmt.Sprintf("%s=[name=%s,password=%s]", mechanism, user, Password(user)))
		}
	}
	p, err := startJava(filepath.Join(n.dir, "format.log"), args)
	if err != nil {
		return fmt.Errorf("format node %d: %w", n.id, err)
	}
	if err := p.Wait(ctx); err != nil {
		return fmt.Errorf("format node %d: %w\n%s", n.id, err, child.Tail(p.Output(), 20))
	}
	return nil
}

// start starts the node's process and waits until the broker says that it serves.
func (n *node) start(ctx context.Context) error {
	if n.proc != nil && n.proc.Running() {
		return fmt.Errorf("node %d runs already", n.id)
	}
	c := n.cluster
	n.starts++
	args := append(brokerFlags(), c.jars.jvm("broker")...)
	// behind the others, so that the archive of classes fits still
	path := strings.Join(append([]string{c.jars.classpath()}, c.opts.Plugins...), ":")
	args = append(args, "-cp", path, "kafka.Kafka", n.propertiesFile())
	before := 0
	if b, err := os.ReadFile(n.logFile()); err == nil {
		before = len(b)
	}
	var err error
	if n.proc, err = startJava(n.logFile(), args); err != nil {
		return fmt.Errorf("node %d: %w", n.id, err)
	}
	for tick := time.NewTicker(50 * time.Millisecond); ; {
		text := n.proc.Output()[before:]
		switch {
		case strings.Contains(text, "Kafka Server started"):
			return nil
		case !n.proc.Running() && strings.Contains(text, "Address already in use"):
			return fmt.Errorf("node %d: %w", n.id, errPortTaken)
		case !n.proc.Running():
			return fmt.Errorf("node %d ended: %w\n%s", n.id, n.proc.Wait(ctx), child.Tail(text, 30))
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("node %d: not ready: %w\n%s", n.id, ctx.Err(), child.Tail(text, 30))
		case <-tick.C:
		}
	}
}

const (
	// terminateLimit bounds an orderly end; measured 2 s for a broker, so this is one that waits for a quorum.
	terminateLimit = 30 * time.Second
	// quorumLimit bounds it where the quorum ends at the same time.
	quorumLimit = 10 * time.Second
)

// startJava starts a JVM; its end is the caller's to await.
func startJava(log string, args []string) (*child.Process, error) {
	return child.Start(log, exec.Command("java", args...)) //nolint:noctx // child ends it
}

func (n *node) stop(s Signal) error {
	switch {
	case n.proc == nil || !n.proc.Running():
		return nil
	case s == Kill:
		n.proc.Kill()
		return nil
	default:
		return n.proc.Terminate(terminateLimit)
	}
}

// Pause stops node i's process in its tracks (SIGSTOP): it holds its connections and answers nothing. The returned
// function lets it go on.
func (c *Cluster) Pause(t testing.TB, i int) (resume func()) {
	t.Helper()
	p := c.nodes[i-1].proc
	p.Signal(syscall.SIGSTOP)
	return func() { p.Signal(syscall.SIGCONT) }
}

// explain prints, for a failed test, the nodes' last warnings, and keeps the whole logs.
func (c *Cluster) explain(t testing.TB) {
	if !t.Failed() {
		return
	}
	kept := filepath.Join(cacheDir(), "logs", strings.ReplaceAll(t.Name(), "/", "_")+time.Now().Format("-150405"))
	if err := os.MkdirAll(kept, 0o755); err != nil {
		t.Logf("keep the brokers' logs: %v", err)
		return
	}
	for _, n := range c.nodes {
		log, err := os.ReadFile(n.logFile())
		if err != nil {
			t.Logf("node %d: %v", n.id, err)
			continue
		}
		t.Logf("node %d, last warnings:\n%s", n.id, importantLines(log, 15))
		file := filepath.Join(kept, fmt.Sprintf("node%d.log", n.id))
		if err := os.WriteFile(file, log, 0o644); err != nil {
			t.Logf("keep the log of node %d: %v", n.id, err)
			continue
		}
		t.Logf("node %d, whole log: %s", n.id, file)
	}
}

// importantLines picks the warnings and errors of a log, the last n.
func importantLines(log []byte, n int) string {
	var lines [][]byte
	for l := range bytes.Lines(log) {
		if bytes.Contains(l, []byte(" WARN ")) || bytes.Contains(l, []byte(" ERROR ")) || bytes.Contains(l, []byte(" FATAL ")) {
			lines = append(lines, l)
		}
	}
	return string(bytes.Join(lines[max(0, len(lines)-n):], nil))
}
