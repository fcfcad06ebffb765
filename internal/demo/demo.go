// Package demo is a small shop on two embedded Kafka clusters, for people who want to see lineaged at work before they
// point it at their own.
//
// It starts the clusters west and east inside the process and runs the shop's applications on them: real clients, over
// TCP, on loopback. What is Java elsewhere shows itself as the real one does: a Kafka Streams application by its
// group's protocol, its clients' names and its inner topics, Kafka Connect by its REST interface, MirrorMaker 2 by its
// internal topics, a schema registry by its own. The package hides what an embedded broker cannot do by itself, see
// producerStates. It refuses to know lineaged: the demo is watched by the same collector, over the same protocol, as
// any other Kafka. What the records hold is invented nonsense, of which the registry knows nothing.
package demo

import (
	"context"
	"embed"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Environment is the environment of both clusters: an application that reads in one and writes in the other is one
// application.
const Environment = "shop"

// Rules is the demo's configuration file: who owns what, in the words of lineaged's own configuration. It names no
// cluster.
//
//go:embed demo.yaml
var Rules []byte

// Declared are what the shop's teams declare, in the folder declared: an application (AsyncAPI), a product (ODPS) and a
// contract (ODCS).
//
//go:embed declared/*.yaml
var Declared embed.FS

// Cluster is one embedded cluster.
type Cluster struct {
	Name    string
	Brokers []string // addresses, HOST:PORT

	kafka  *kfake.Cluster
	topics []topic
}

// ID is the cluster's own id.
func (c *Cluster) ID() string { return "demo-" + c.Name }

// Topic is a topic of a cluster as it is made.
type Topic struct {
	Name                 string
	ID                   [16]byte
	Partitions, Replicas int
	Internal             bool
}

// Topics returns all topics.
func (c *Cluster) Topics() (all []Topic) {
	for _, t := range c.topics {
		x := Topic{Name: t.name, Partitions: int(t.partitions), Internal: t.internal}
		if info := c.kafka.TopicInfo(t.name); info != nil {
			x.ID, x.Replicas = info.TopicID, info.NumReplicas
		}
		all = append(all, x)
	}
	return all
}

// World is the running shop. Start makes one, Close ends it.
type World struct {
	West, East *Cluster
	Connect    *Connect  // belongs to West
	Registry   *Registry // of the topics of West

	cancel context.CancelFunc
	movers sync.WaitGroup
	once   sync.Once
}

// Start starts the clusters and the shop's applications and returns while they are still joining their groups. The log
// gets little, and nothing above debug that a user would have to act on.
func Start(log *slog.Logger) (*World, error) {
	ctx, cancel := context.WithCancel(context.Background())
	w := &World{cancel: cancel}
	var err error
	if w.West, err = newCluster("west", 3, westTopics); err == nil {
		w.East, err = newCluster("east", 1, eastTopics)
	}
	if err == nil {
		w.Connect, err = startConnect(log, w.West)
	}
	if err == nil {
		w.Registry, err = startRegistry(log)
	}
	if err != nil {
		w.Close()
		return nil, err
	}
	for _, m := range shop(w) {
		w.movers.Go(func() { keepRunning(ctx, log, m) })
	}
	return w, nil
}

// Clusters returns both.
func (w *World) Clusters() []*Cluster { return []*Cluster{w.West, w.East} }

// closeTimeout is how long the applications have for leaving their groups. All of lineaged has five seconds for its
// end.
const closeTimeout = 2 * time.Second

// Close stops the applications and then the clusters. It returns when all are gone, after a few seconds at most. It may
// be called twice.
func (w *World) Close() {
	w.once.Do(func() {
		w.cancel()
		stopped := make(chan struct{})
		go func() { w.movers.Wait(); close(stopped) }()
		select {
		case <-stopped:
		case <-time.After(closeTimeout):
		}
		if w.Connect != nil {
			w.Connect.close()
		}
		if w.Registry != nil {
			w.Registry.close()
		}
		for _, c := range []*Cluster{w.West, w.East} {
			if c != nil {
				c.kafka.Close() // cuts off whoever still talks
			}
		}
		<-stopped
	})
}

// newCluster starts a cluster with its topics.
func newCluster(name string, brokers int, topics []topic) (*Cluster, error) {
	c := &Cluster{Name: name, topics: topics}
	k, err := kfake.NewCluster(
		kfake.NumBrokers(brokers),
		kfake.ClusterID(c.ID()),
		kfake.BrokerConfigs(map[string]string{
			"group.consumer.heartbeat.interval.ms": "1000",  // so that KIP-848 groups are assigned soon after the start
			"log.cleaner.backoff.ms":               "30000", // also how often retention is applied
		}),
	)
	if err != nil {
		return nil, fmt.Errorf("start the demo's cluster %s: %w", name, err)
	}
	c.Brokers, c.kafka = k.ListenAddrs(), k
	states := newProducerStates(k)
	for _, t := range topics {
		if err := k.CreateTopic(t.name, t.partitions, t.configs()); err != nil {
			k.Close()
			return nil, fmt.Errorf("create the demo's topic %s/%s: %w", name, t.name, err)
		}
		states.addTopic(t.name)
	}
	states.install()
	return c, nil
}

// keepRunning runs a mover until ctx ends. One that fails begins again: a laptop that slept has expired sessions and
// transactions.
func keepRunning(ctx context.Context, log *slog.Logger, m mover) {
	for ctx.Err() == nil {
		err := m.run(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		log.Debug("an application of the demo begins again", "application", m.name(), "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}
