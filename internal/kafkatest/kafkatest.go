// Package kafkatest starts a real Apache Kafka for tests: KRaft mode, one or three nodes, on free loopback ports, from
// jars of Maven Central kept in a cache folder of the project, without containers.
//
// It hides where the jars come from, how a node is formatted and made secure, how Kafka's own tools are called and what
// their output looks like. A cluster is ready when Start returns. Whatever happens to the test, nothing it started
// stays: every child dies with the test's process, even when that is killed.
//
// It refuses to pretend: when Java or Maven is missing a test is skipped with the reason, and fails where CI is set.
// It knows nothing of lineaged. Needs Linux.
package kafkatest

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/internal/child"
)

// The versions that the tests run against: the oldest supported, the one whose tools are used throughout, and the
// newest, of which Maven Central has the broker alone.
const (
	V39     = "3.9.2"
	V43     = "4.3.1"
	V44     = "4.4.0"
	Default = V43
)

// Admin is the super user of a secure cluster. Every user's password is Password(name).
const Admin = "admin"

// Password is the password of a secure cluster's user, the same for PLAIN and SCRAM.
func Password(user string) string { return user + "-secret" }

// Options say what to start. The zero value is one open node of the default version.
type Options struct {
	Version string   // V39, V43 or V44; empty: Default
	Nodes   int      // 1 or 3, each broker and controller; 0: 1
	Secure  bool     // SASL PLAIN and SCRAM-SHA-256/512, StandardAuthorizer, super user Admin
	Users   []string // users of a secure cluster besides Admin, without any right
	TLS     bool     // a listener with a certificate of the cluster's own CA
	MTLS    bool     // TLS, and the client must show a certificate of that CA

	// Plugins are more jars on the brokers' class path.
	Plugins []string

	// Config adds broker properties to the ones of this package, and wins over them.
	Config map[string]string
}

func (o Options) withDefaults() (Options, error) {
	if o.Version == "" {
		o.Version = Default
	}
	if o.Nodes == 0 {
		o.Nodes = 1
	}
	o.TLS = o.TLS || o.MTLS
	if o.Nodes != 1 && o.Nodes != 3 {
		return o, fmt.Errorf("%d nodes: only 1 or 3", o.Nodes)
	}
	return o, nil
}

// Cluster is a running Kafka. Its methods may be called by several goroutines, but only one may stop and start nodes.
type Cluster struct {
	ID string // the cluster id that the brokers report

	opts  Options
	dir   string // data, properties and logs of all nodes
	jars  installed
	tools installed // the tools' version may differ from the brokers'
	tls   *CA
	nodes []*node

	mu       sync.Mutex       // guards children
	children []*child.Process // tools running in the background
}

// Start starts a cluster that the test's end stops. On failure of the test the nodes' last warnings are printed and
// their whole logs kept.
func Start(t testing.TB, o Options) *Cluster {
	t.Helper()
	requireTools(t)
	c, err := Launch(t.Context(), o)
	if err != nil {
		t.Fatalf("start Kafka: %v", err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("stop Kafka: %v", err)
		}
	})
	t.Cleanup(func() { c.explain(t) })
	return c
}

// shared are the clusters that the tests of one process have in common.
var shared struct {
	mu       sync.Mutex // guards clusters, and makes a second caller wait for the first one's start
	clusters map[string]*Cluster
}

// Shared returns the cluster of these options that an earlier test of the process started, or starts it. Tests keep
// apart by the names of their topics and groups, and leave the nodes alone. TestMain stops it with CloseShared.
func Shared(t testing.TB, o Options) *Cluster {
	t.Helper()
	requireTools(t)
	shared.mu.Lock()
	defer shared.mu.Unlock()
	key := fmt.Sprintf("%+v", o)
	c := shared.clusters[key]
	if c == nil {
		var err error
		// Not the test's context: the cluster outlives it.
		if c, err = Launch(context.WithoutCancel(t.Context()), o); err != nil {
			t.Fatalf("start Kafka: %v", err)
		}
		if shared.clusters == nil {
			shared.clusters = map[string]*Cluster{}
		}
		shared.clusters[key] = c
	}
	t.Cleanup(func() { c.explain(t) })
	return c
}

// CloseShared stops all shared clusters.
func CloseShared() error {
	shared.mu.Lock()
	defer shared.mu.Unlock()
	var errs []error
	for _, c := range shared.clusters {
		errs = append(errs, c.Close())
	}
	shared.clusters = nil
	return errors.Join(errs...)
}

// requireTools skips the test, or fails it where CI is set, when this machine cannot run Kafka.
func requireTools(t testing.TB) {
	t.Helper()
	err := Available()
	switch {
	case err == nil:
	case ci():
		t.Fatalf("real Kafka: %v (CI is set, so this is a failure)", err)
	default:
		t.Skipf("SKIPPED, no real Kafka: %v", err)
	}
}

// startLimit bounds a start: measured 3 to 10 s on a busy 2-core machine for one node, so this is a broken one.
const startLimit = 2 * time.Minute

// Launch is Start without a test: the caller closes the cluster. Installs the jars when they are not there.
func Launch(ctx context.Context, o Options) (*Cluster, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	jars, err := ensure(ctx, o.Version)
	if err != nil {
		return nil, err
	}
	tools, err := ensure(ctx, Default)
	if err != nil {
		return nil, err
	}
	// A port that was free may be taken before the broker binds it, so a failed start gets two more tries.
	for try := 1; ; try++ {
		c, err := launch(ctx, o, jars, tools)
		if err == nil || try == 3 || !errors.Is(err, errPortTaken) {
			return c, err
		}
	}
}

func launch(ctx context.Context, o Options, jars, tools installed) (*Cluster, error) {
	dir, err := os.MkdirTemp("", "kafkatest-")
	if err != nil {
		return nil, fmt.Errorf("make the cluster's folder: %w", err)
	}
	c := &Cluster{ID: newClusterID(), opts: o, dir: dir, jars: jars, tools: tools}
	fail := func(err error) (*Cluster, error) { return nil, errors.Join(err, c.Close()) }
	if o.TLS {
		if c.tls, err = newAuthority(filepath.Join(dir, "tls")); err != nil {
			return fail(err)
		}
	}
	if err := c.layOut(); err != nil {
		return fail(err)
	}
	if err := c.writeUserProperties(); err != nil {
		return fail(err)
	}
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if err := c.each(func(n *node) error { return n.format(ctx) }); err != nil {
		return fail(err)
	}
	if err := c.each(func(n *node) error { return n.start(ctx) }); err != nil {
		return fail(err)
	}
	if err := c.waitReady(ctx, o.Nodes); err != nil {
		return fail(err)
	}
	return c, nil
}

// layOut chooses ports and writes each node's properties.
func (c *Cluster) layOut() error {
	ports, err := FreePorts(2 * c.opts.Nodes)
	if err != nil {
		return err
	}
	for i := range c.opts.Nodes {
		c.nodes = append(c.nodes, &node{
			cluster: c, id: i + 1, port: ports[2*i], controller: ports[2*i+1],
			dir: filepath.Join(c.dir, "node"+strconv.Itoa(i+1)),
		})
	}
	for _, n := range c.nodes {
		if err := n.writeProperties(); err != nil {
			return err
		}
	}
	return nil
}

// each runs f for all nodes at the same time.
func (c *Cluster) each(f func(*node) error) error {
	errs := make([]error, len(c.nodes))
	var wg sync.WaitGroup
	for i, n := range c.nodes {
		wg.Go(func() { errs[i] = f(n) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// Bootstrap lists the clients' addresses, "host:port,host:port".
func (c *Cluster) Bootstrap() string { return strings.Join(c.Brokers(), ",") }

// Brokers are the clients' addresses, one a node.
func (c *Cluster) Brokers() []string {
	var addresses []string
	for _, n := range c.nodes {
		addresses = append(addresses, n.address())
	}
	return addresses
}

// Classpath has the jars of Kafka's tools and clients, for programs that a test compiles itself.
func (c *Cluster) Classpath() string { return c.tools.classpath() }

// Version is the brokers' version.
func (c *Cluster) Version() string { return c.opts.Version }

// Signal says how a node is stopped.
type Signal int

// A stopped node shuts down in order and hands over its partitions; a killed one is gone at once.
const (
	Terminate Signal = iota
	Kill
)

// StopNode stops node i, counted from 1, and returns when its process is gone.
func (c *Cluster) StopNode(t testing.TB, i int, s Signal) {
	t.Helper()
	if err := c.nodes[i-1].stop(s); err != nil {
		t.Fatalf("stop node %d: %v", i, err)
	}
}

// StopAll stops all nodes at the same time. Of three combined nodes asked to end the last may wait for a quorum that is
// gone, and would for minutes: what has not ended by itself after quorumLimit is killed, and that is logged.
func (c *Cluster) StopAll(t testing.TB, s Signal) {
	t.Helper()
	err := c.each(func(n *node) error {
		if s == Kill || n.proc == nil || !n.proc.Running() {
			return n.stop(s)
		}
		if err := n.proc.Terminate(quorumLimit); err != nil {
			t.Logf("node %d was killed: it %v", n.id, err)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("stop all nodes: %v", err)
	}
}

// StartNode starts node i again, on its old port with its old data, and returns when it serves.
func (c *Cluster) StartNode(t testing.TB, i int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	if err := c.nodes[i-1].start(ctx); err != nil {
		t.Fatalf("start node %d again: %v", i, err)
	}
}

// StartAll starts all nodes again and returns when all serve.
func (c *Cluster) StartAll(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	if err := c.each(func(n *node) error { return n.start(ctx) }); err != nil {
		t.Fatalf("start all nodes again: %v", err)
	}
	if err := c.waitReady(ctx, len(c.nodes)); err != nil {
		t.Fatalf("start all nodes again: %v", err)
	}
}

// Close kills all that runs and deletes the data. It may be called twice.
func (c *Cluster) Close() error {
	c.mu.Lock()
	children := slices.Clone(c.children)
	c.mu.Unlock()
	for _, p := range children {
		p.Kill()
	}
	// The data is thrown away, so there is nothing that an orderly end would save.
	err := c.each(func(n *node) error { return n.stop(Kill) })
	return errors.Join(err, os.RemoveAll(c.dir))
}

// newClusterID makes an id in Kafka's form: 16 bytes, base64url. It never begins with '-', which a tool would take for
// an option.
func newClusterID() string {
	for {
		b := make([]byte, 16)
		_, _ = rand.Read(b) // never fails
		if id := base64.RawURLEncoding.EncodeToString(b); id[0] != '-' {
			return id
		}
	}
}

// Logs are the files to which the nodes write what they log, of all their starts.
func (c *Cluster) Logs() []string {
	var files []string
	for _, n := range c.nodes {
		files = append(files, n.logFile())
	}
	return files
}

// LogAt sets a logger's level on all nodes, at run time, until they stop.
func (c *Cluster) LogAt(t testing.TB, logger, level string) {
	t.Helper()
	client := c.Client(t)
	for _, n := range c.nodes {
		req := kmsg.NewPtrIncrementalAlterConfigsRequest()
		r := kmsg.NewIncrementalAlterConfigsRequestResource()
		r.ResourceType, r.ResourceName = kmsg.ConfigResourceTypeBrokerLogger, strconv.Itoa(n.id)
		config := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
		config.Name, config.Value = logger, &level
		r.Configs = append(r.Configs, config)
		req.Resources = append(req.Resources, r)
		resp, err := client.Broker(n.id).Request(t.Context(), req)
		if err != nil {
			t.Fatalf("set the level of %s: %v", logger, err)
		}
		for _, r := range resp.(*kmsg.IncrementalAlterConfigsResponse).Resources {
			if err := kerr.ErrorForCode(r.ErrorCode); err != nil {
				t.Fatalf("set the level of %s: %v", logger, err)
			}
		}
	}
}
