package kafkatest

import (
	"context"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/child"
)

// toolClasses are the short names of Kafka's own tools, after the scripts of its distribution.
var toolClasses = map[string]string{
	"topics":           "org.apache.kafka.tools.TopicCommand",
	"acls":             "org.apache.kafka.tools.AclCommand",
	"configs":          "kafka.admin.ConfigCommand",
	"groups":           "org.apache.kafka.tools.GroupsCommand",
	"consumer-groups":  "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
	"share-groups":     "org.apache.kafka.tools.consumer.group.ShareGroupCommand",
	"transactions":     "org.apache.kafka.tools.TransactionsCommand",
	"get-offsets":      "org.apache.kafka.tools.GetOffsetShell",
	"features":         "org.apache.kafka.tools.FeatureCommand",
	"producer-perf":    "org.apache.kafka.tools.ProducerPerformance",
	"console-consumer": "org.apache.kafka.tools.consumer.ConsoleConsumer",
	"console-share":    "org.apache.kafka.tools.consumer.ConsoleShareConsumer",
}

// toolHeap suffices for all tools; measured 90 to 110 MiB resident.
const toolHeap = "-Xmx96m"

var toolRuns atomic.Int64 // numbers the tools' logs

// startTool starts one of Kafka's tools, by its short name or its class, with the cluster's address and Admin's
// credentials added to its arguments. Its end is the caller's to await; the cluster's end kills it.
func (c *Cluster) startTool(name string, args ...string) (*child.Process, error) {
	class, ok := toolClasses[name]
	if !ok {
		class = name
	}
	jvm := append([]string{toolHeap, "-Dlevel.root=WARN"}, jvmFlags...)
	jvm = append(jvm, c.tools.jvm(name)...)
	jvm = append(jvm, "-cp", c.tools.classpath(), class, "--bootstrap-server", c.Bootstrap())
	if !slices.Contains(args, "--command-config") {
		jvm = append(jvm, "--command-config", c.propertiesOf(Admin))
	}
	log := filepath.Join(c.dir, fmt.Sprintf("tool-%d-%s.log", toolRuns.Add(1), name))
	p, err := startJava(log, append(jvm, args...))
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.children = append(slices.DeleteFunc(c.children, func(p *child.Process) bool { return !p.Running() }), p)
	return p, nil
}

// Tool runs one of Kafka's tools, e.g. "groups" or a class name, and returns what it printed.
func (c *Cluster) Tool(ctx context.Context, name string, args ...string) (string, error) {
	p, err := c.startTool(name, args...)
	if err != nil {
		return "", err
	}
	if err := p.Wait(ctx); err != nil {
		return p.Output(), fmt.Errorf("%s: %w\n%s", name, err, child.Tail(p.Output(), 20))
	}
	return p.Output(), nil
}

// Perf says what producer-perf sends.
type Perf struct {
	Topic           string
	Records         int
	PerSecond       int // 0: as fast as it can
	Size            int // bytes of a record; 0: 100
	TransactionalID string
	User            string   // of a secure cluster; empty: Admin
	Props           []string // producer properties, "enable.idempotence=false"
}

// Producer is a running producer-perf.
type Producer struct{ p *child.Process }

// StartProducerPerf starts producer-perf in the background.
func (c *Cluster) StartProducerPerf(t testing.TB, perf Perf) *Producer {
	t.Helper()
	rate, size := perf.PerSecond, perf.Size
	if rate == 0 {
		rate = -1
	}
	if size == 0 {
		size = 100
	}
	args := []string{
		"--topic", perf.Topic, "--num-records", strconv.Itoa(perf.Records),
		"--throughput", strconv.Itoa(rate), "--record-size", strconv.Itoa(size),
	}
	if perf.TransactionalID != "" {
		args = append(args, "--transactional-id", perf.TransactionalID, "--transaction-duration-ms", "200")
	}
	if perf.User != "" {
		args = append(args, "--command-config", c.propertiesOf(perf.User))
	}
	if len(perf.Props) > 0 {
		args = append(append(args, "--command-property"), perf.Props...)
	}
	p, err := c.startTool("producer-perf", args...)
	if err != nil {
		t.Fatalf("producer-perf: %v", err)
	}
	t.Cleanup(p.Kill)
	return &Producer{p}
}

// ProducerPerf runs producer-perf to its end and returns the records that it reports sent.
func (c *Cluster) ProducerPerf(t testing.TB, perf Perf) int64 {
	t.Helper()
	return c.StartProducerPerf(t, perf).Wait(t)
}

var perfTotal = regexp.MustCompile(`(?m)^(\d+) records sent, .* 99\.9th`)

// Wait returns, when the producer has ended by itself, the records that it reports sent.
func (p *Producer) Wait(t testing.TB) int64 {
	t.Helper()
	if err := p.p.Wait(t.Context()); err != nil {
		t.Fatalf("producer-perf: %v\n%s", err, child.Tail(p.p.Output(), 20))
	}
	m := perfTotal.FindStringSubmatch(p.p.Output())
	if m == nil {
		t.Fatalf("producer-perf reported no total:\n%s", child.Tail(p.p.Output(), 20))
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		t.Fatalf("producer-perf's total: %v", err)
	}
	return n
}

var perfRate = regexp.MustCompile(`(?m)^\d+ records sent, ([0-9.]+) records/sec .* 99\.9th`)

// Rate returns how many records a second the producer that has ended reports.
func (p *Producer) Rate(t testing.TB) float64 {
	t.Helper()
	m := perfRate.FindStringSubmatch(p.p.Output())
	if m == nil {
		t.Fatalf("producer-perf reported no rate:\n%s", child.Tail(p.p.Output(), 20))
	}
	rate, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		t.Fatalf("producer-perf's rate: %v", err)
	}
	return rate
}

// Running says whether the producer is still at work.
func (p *Producer) Running() bool { return p.p.Running() }

// Stop ends the producer before its time: in order, so that what it has buffered may be lost, but never half a batch.
func (p *Producer) Stop(t testing.TB) {
	t.Helper()
	p.p.Kill()
}

// Consumer is a console consumer or console share consumer in the background.
type Consumer struct {
	p    *child.Process
	what string
}

// ConsoleConsumer starts a console consumer that reads from the beginning. protocol: "classic" or "consumer" (KIP-848).
// Its committed offsets move when it commits, every 5 s by default; props change that ("auto.commit.interval.ms=1000").
func (c *Cluster) ConsoleConsumer(t testing.TB, group, protocol, topic string, props ...string) *Consumer {
	t.Helper()
	args := []string{"--group", group, "--topic", topic, "--from-beginning", "--formatter", noOutput}
	for _, p := range append([]string{"group.protocol=" + protocol}, props...) {
		args = append(args, "--command-property", p)
	}
	return c.startConsumer(t, "console-consumer", args)
}

// ShareConsumer starts a console share consumer. A new share group starts at the topic's end, unless the caller has set
// the group's share.auto.offset.reset before (ShareFromBeginning).
func (c *Cluster) ShareConsumer(t testing.TB, group, topic string, props ...string) *Consumer {
	t.Helper()
	args := []string{"--group", group, "--topic", topic, "--formatter", noOutput}
	for _, p := range props {
		args = append(args, "--command-property", p)
	}
	return c.startConsumer(t, "console-share", args)
}

// ShareFromBeginning has a share group that does not exist yet start at the beginning of its topics.
func (c *Cluster) ShareFromBeginning(t testing.TB, group string) {
	t.Helper()
	_, err := c.Tool(t.Context(), "configs", "--alter", "--entity-type", "groups", "--entity-name", group,
		"--add-config", "share.auto.offset.reset=earliest")
	if err != nil {
		t.Fatalf("configure share group %s: %v", group, err)
	}
}

// noOutput has a console consumer print no records: they may be many.
const noOutput = "org.apache.kafka.tools.consumer.NoOpMessageFormatter"

func (c *Cluster) startConsumer(t testing.TB, tool string, args []string) *Consumer {
	t.Helper()
	p, err := c.startTool(tool, args...)
	if err != nil {
		t.Fatalf("%s: %v", tool, err)
	}
	t.Cleanup(p.Kill)
	return &Consumer{p, tool}
}

var processedTotal = regexp.MustCompile(`Processed a total of (\d+) messages`)

// Stop ends the consumer in order, so that it commits and leaves its group, and returns the records that it reports
// processed.
func (k *Consumer) Stop(t testing.TB) int64 {
	t.Helper()
	if err := k.p.Terminate(terminateLimit); err != nil {
		t.Fatalf("stop %s: %v", k.what, err)
	}
	m := processedTotal.FindStringSubmatch(k.p.Output())
	if m == nil {
		t.Fatalf("%s reported no total:\n%s", k.what, child.Tail(k.p.Output(), 20))
	}
	n, err := strconv.ParseInt(m[1], 10, 64)
	if err != nil {
		t.Fatalf("%s's total: %v", k.what, err)
	}
	return n
}

// Kill ends the consumer at once: no commit, no goodbye.
func (k *Consumer) Kill() { k.p.Kill() }

// GroupOffset is a line of Kafka's own description of a group. A value that it shows as "-" is -1.
type GroupOffset struct {
	Topic          string
	Partition      int
	Committed      int64 // a share group's start offset
	End            int64 // -1 for share groups
	Lag            int64
	ConsumerID     string
	Host, ClientID string
}

// ConsumerGroupOffsets is what consumer-groups --describe reports, by topic and partition.
func (c *Cluster) ConsumerGroupOffsets(t testing.TB, group string) []GroupOffset {
	t.Helper()
	out, err := c.Tool(t.Context(), "consumer-groups", "--describe", "--offsets", "--group", group)
	if err != nil {
		t.Fatalf("describe group %s: %v", group, err)
	}
	return parseOffsets(out)
}

// ShareGroupOffsets is what share-groups --describe reports.
func (c *Cluster) ShareGroupOffsets(t testing.TB, group string) []GroupOffset {
	t.Helper()
	out, err := c.Tool(t.Context(), "share-groups", "--describe", "--offsets", "--group", group)
	if err != nil {
		t.Fatalf("describe share group %s: %v", group, err)
	}
	return parseOffsets(out)
}

// parseOffsets reads a tool's table by the names in its head, since the columns differ between tools and versions.
func parseOffsets(out string) []GroupOffset {
	var head []string
	var offsets []GroupOffset
	for line := range strings.Lines(out) {
		fields := strings.Fields(line)
		if slices.Contains(fields, "TOPIC") && slices.Contains(fields, "PARTITION") {
			head = fields
			continue
		}
		if head == nil || len(fields) < 4 || len(fields) > len(head) {
			continue
		}
		value := func(names ...string) string {
			for _, name := range names {
				if i := slices.Index(head, name); i >= 0 && i < len(fields) {
					return fields[i]
				}
			}
			return "-"
		}
		number := func(names ...string) int64 {
			n, err := strconv.ParseInt(value(names...), 10, 64)
			if err != nil {
				return -1
			}
			return n
		}
		offsets = append(offsets, GroupOffset{
			Topic: value("TOPIC"), Partition: int(number("PARTITION")),
			Committed: number("CURRENT-OFFSET", "START-OFFSET"), End: number("LOG-END-OFFSET"), Lag: number("LAG"),
			ConsumerID: value("CONSUMER-ID"), Host: value("HOST"), ClientID: value("CLIENT-ID"),
		})
	}
	slices.SortFunc(offsets, func(a, b GroupOffset) int {
		if c := strings.Compare(a.Topic, b.Topic); c != 0 {
			return c
		}
		return a.Partition - b.Partition
	})
	return offsets
}

// WaitMembers waits until each group exists and has finished its rebalance.
func (c *Cluster) WaitMembers(t testing.TB, groups ...string) {
	t.Helper()
	admin := c.Admin(t)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err := poll(ctx, func() error {
		listed, err := admin.ListGroups(ctx)
		if err != nil {
			return err
		}
		for _, g := range groups {
			if listed[g].State != "Stable" {
				return fmt.Errorf("group %s is %q", g, listed[g].State)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatalf("wait for members: %v", err)
	}
}

// WaitGroup waits until the group has committed everything on the topic: no lag, and at least `records` consumed.
func (c *Cluster) WaitGroup(t testing.TB, group, topic string, records int64) {
	t.Helper()
	admin := c.Admin(t)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	err := poll(ctx, func() error {
		offsets, err := admin.FetchOffsets(ctx, group)
		if err != nil {
			return err
		}
		var sum int64
		for _, o := range offsets[topic] {
			sum += max(o.At, 0)
		}
		if sum < records {
			return fmt.Errorf("group %s has committed %d of %d records", group, sum, records)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("wait for group %s: %v", group, err)
	}
}

// WaitShareGroup waits until a share group has worked off the topic. Its lag says so: the start offset, which
// share-groups shows beside it, moves later (measured: at 0 still when all was delivered and acknowledged).
func (c *Cluster) WaitShareGroup(t testing.TB, group, topic string) {
	t.Helper()
	admin := c.Admin(t)
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	err := poll(ctx, func() error {
		out, err := c.Tool(ctx, "share-groups", "--describe", "--offsets", "--group", group)
		if err != nil {
			return err
		}
		ends, err := admin.ListEndOffsets(ctx, topic)
		if err != nil {
			return err
		}
		offsets := slices.DeleteFunc(parseOffsets(out), func(o GroupOffset) bool { return o.Topic != topic })
		if len(offsets) == 0 || slices.ContainsFunc(offsets, func(o GroupOffset) bool {
			end, _ := ends.Lookup(topic, int32(o.Partition))
			// A partition from which nothing was delivered has no lag; when it is empty that is for ever.
			return o.Lag > 0 || o.Lag < 0 && end.Offset > 0
		}) {
			return fmt.Errorf("share group %s: %+v", group, offsets)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("wait for share group %s: %v", group, err)
	}
}
