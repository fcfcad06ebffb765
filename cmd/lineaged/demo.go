package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/lineaged/lineaged/internal/config"
	"github.com/lineaged/lineaged/internal/demo"
	"github.com/lineaged/lineaged/internal/yesterday"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/timeseries"
)

// demoInterval is the shortest tick: a demo has to show something soon.
const demoInterval = time.Second

func (p *program) demo() *cobra.Command {
	var (
		address string
		open    bool
		level   string
	)
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show lineaged at work on two embedded clusters with a small shop",
		Long: `Starts two Kafka clusters inside this process, runs a small shop on them, with all that Kafka Streams, Connect, MirrorMaker 2 and a schema registry show of themselves, and
watches it as lineaged watches any Kafka.
The 24 hours before its start are made up: a script writes them, so that there is a past to travel to. In windows of that time the coverage says so.
It needs nothing and leaves nothing behind. It reads no configuration and listens on this machine only.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if local, err := config.Loopback(address); err != nil || !local {
				return &config.Error{Key: "--listen", Value: address, Problem: "the demo listens on loopback addresses only, e.g. 127.0.0.1:8420"}
			}
			cfg, err := demoConfig(address, level)
			if err != nil {
				return err
			}
			slog.SetDefault(newLogger(p.stderr, cfg.Log)) // for what has no logger of its own
			return p.runDemo(cmd.Context(), cfg, cmd.Flags().Changed("listen"), open)
		},
	}
	cmd.Flags().StringVar(&address, "listen", config.Default().Listen, "loopback `ADDRESS` of the web UI; port 0 takes a free one")
	cmd.Flags().BoolVar(&open, "open", false, "open the UI in the browser")
	cmd.Flags().StringVar(&level, "log-level", "warn", "how much is logged: debug, info, warn or error")
	return cmd
}

// demoConfig is the configuration of the demo, still without its clusters and its folder. It is not checked yet.
func demoConfig(address, level string) (config.Config, error) {
	cfg, err := config.Read(config.Input{File: "demo.yaml", Content: demo.Rules})
	if err != nil {
		return cfg, err
	}
	cfg.Listen, cfg.Interval, cfg.Log.Level = address, config.Duration(demoInterval), level
	cfg.Catalog.Edit = true // what is said of the shop is gone with it
	return cfg, nil
}

// runDemo runs the shop and a server that watches it until ctx ends, and removes what they left behind.
func (p *program) runDemo(ctx context.Context, cfg config.Config, insist, open bool) (err error) {
	log := newLogger(p.stderr, cfg.Log)
	ln, err := listen(ctx, cfg)
	if errors.Is(err, syscall.EADDRINUSE) && !insist {
		fmt.Fprintf(p.stderr, "%s is taken, using another port\n", cfg.Listen)
		cfg.Listen = "127.0.0.1:0"
		ln, err = listen(ctx, cfg)
	}
	if err != nil {
		return err
	}
	defer func() { _ = ln.Close() }() // a second close is harmless
	if cfg.Data, err = os.MkdirTemp("", "lineaged-demo-"); err != nil {
		return fmt.Errorf("make a folder for the demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(cfg.Data)) }()
	folder, err := declareDemo(&cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	world, err := demo.Start(log)
	if err != nil {
		return err
	}
	if cfg, err = watching(cfg, world); err != nil {
		world.Close()
		return err
	}
	// The shop and its watcher stop side by side: each takes its time. What the watcher sees of the end goes with its
	// folder.
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { world.Close(); close(closed) })
	if open {
		openBrowser(ctx, address(ln.Addr(), cfg))
	}
	// Nothing is read again; what is declared is named from the folder.
	err = serveOn(ctx, ln, cfg, reloader{file: filepath.Join(folder, "demo.yaml")}, log, p.stdout, yesterdayOf(world))
	if stop() {
		world.Close()
	} else {
		<-closed
	}
	return err
}

// declareDemo writes what the shop's teams declare into a folder of its own, and has it read from there.
func declareDemo(cfg *config.Config) (folder string, err error) {
	if folder, err = os.MkdirTemp("", "lineaged-demo-"); err != nil {
		return "", fmt.Errorf("make a folder for the demo: %w", err)
	}
	if err := os.CopyFS(folder, demo.Declared); err != nil {
		return "", errors.Join(fmt.Errorf("write the demo's declarations: %w", err), os.RemoveAll(folder))
	}
	of := func(pattern string) config.File { return config.File(filepath.Join(folder, "declared", pattern)) }
	cfg.Declared.AsyncAPI, cfg.Declared.Products = []config.File{of("*.asyncapi.yaml")}, []config.File{of("*.odps.yaml"), of("*.odcs.yaml")}
	return folder, nil
}

// watching is a checked configuration that watches the shop.
func watching(cfg config.Config, world *demo.World) (config.Config, error) {
	for _, c := range world.Clusters() {
		cfg.Clusters = append(cfg.Clusters, config.Cluster{Name: c.Name, Environment: demo.Environment, Brokers: c.Brokers})
	}
	cfg.Connect = append(cfg.Connect, config.Server{Name: world.Connect.Name, URL: world.Connect.URL, Cluster: world.West.Name})
	cfg.SchemaRegistry = append(cfg.SchemaRegistry, config.Registry{Name: world.Registry.Name, URL: world.Registry.URL, Cluster: world.West.Name})
	return cfg, cfg.Validate()
}

// yesterdayOf writes the day before now, which a script made up of the shop's topics, into a store that is empty.
func yesterdayOf(world *demo.World) prepare {
	return func(ctx context.Context, s timeseries.Store) (goOn, error) {
		day, err := dayOf(world, time.Now())
		if err != nil {
			return nil, err
		}
		return day.GoOn, day.Write(ctx, s.Append, time.Now)
	}
}

// dayOf makes up the day of a shop that ends at an instant.
func dayOf(world *demo.World, end time.Time) (*yesterday.Day, error) {
	var clusters []yesterday.Cluster
	for _, c := range world.Clusters() {
		x := yesterday.Cluster{Name: c.Name, ID: lineage.ClusterID(c.ID()), Brokers: len(c.Brokers)}
		for _, t := range c.Topics() {
			x.Topics = append(x.Topics, lineage.TopicFact{
				Topic: lineage.Topic{Cluster: x.ID, ID: t.ID, Name: t.Name}, Partitions: t.Partitions, Replication: t.Replicas, Internal: t.Internal,
			})
		}
		clusters = append(clusters, x)
	}
	return yesterday.New(clusters, end.Truncate(demoInterval))
}

// openBrowser tries; a machine without a browser shows the URL all the same.
func openBrowser(ctx context.Context, url string) {
	name, args := "xdg-open", []string{}
	switch runtime.GOOS {
	case "darwin":
		name = "open"
	case "windows":
		name, args = "rundll32", []string{"url.dll,FileProtocolHandler"}
	}
	cmd := exec.CommandContext(context.WithoutCancel(ctx), name, append(args, url)...) // it may outlive us
	if cmd.Start() == nil {
		go func() { _ = cmd.Wait() }()
	}
}
