package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"os/signal"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/identity"
	"github.com/lineaged/lineaged/internal/config"
	"github.com/lineaged/lineaged/ledger"
	"github.com/lineaged/lineaged/store"
)

// lookEvery is how often the configuration file is looked at for a change.
const lookEvery = 2 * time.Second

// rules are the rules of now. What the API is asked, it answers by them, for the past as well.
type rules struct {
	current atomic.Pointer[identity.Resolver]
	cfg     config.Config          // the one that holds, its rules among it; read and changed by one goroutine
	record  atomic.Pointer[[]byte] // of the rules that hold
	// breakers are those of them that stop tags.
	breakers atomic.Pointer[[]ledger.BreakerRule]
	// the record of the rules that hold, while there is no room to store it; nil: it is stored. Of the same goroutine
	owed    []byte
	records store.Records
	// configured is cfg as the ledger has it.
	configured atomic.Pointer[map[string][]byte]
	// declared takes what the changed configuration declares; nil: nobody wants it.
	declared func(config.Config)
	// changed is told that other rules hold; nil: nobody wants it.
	changed func()
	log     *slog.Logger
}

// newRules makes the rules of a checked configuration, and keeps their record in the store, so that what is asked later
// knows which rules named it.
func newRules(ctx context.Context, cfg config.Config, records store.Records, log *slog.Logger) (*rules, error) {
	r := &rules{records: records, log: log}
	return r, r.set(ctx, cfg)
}

func (r *rules) set(ctx context.Context, cfg config.Config) error {
	rules := identityRules(cfg)
	who, err := identity.New(rules)
	if err != nil {
		return badRule(cfg, err)
	}
	record := identity.Encode(rules)
	if err := r.put(ctx, record); err != nil {
		return err
	}
	r.record.Store(&record)
	r.breakers.Store(new(breakersOf(rules)))
	configured, err := configuration(cfg)
	if err != nil {
		return fmt.Errorf("write down the configuration: %w", err)
	}
	r.configured.Store(&configured)
	r.cfg = cfg
	r.current.Store(who)
	return nil
}

// put stores a record. Without room for it the rules hold all the same, as reads go on, and the record waits.
func (r *rules) put(ctx context.Context, record []byte) error {
	_, err := r.records.PutRecord(ctx, store.IdentityRecord, record)
	switch full := errors.Is(err, store.ErrNoSpace); {
	case full && r.owed == nil:
		r.log.Warn("the rules hold, and there is no room to store their record: it is stored once there is", "error", err)
		fallthrough
	case full:
		r.owed = record
	case err != nil:
		return fmt.Errorf("store the rules: %w", err)
	default:
		r.owed = nil
	}
	return nil
}

// identity returns who is who by the rules of now.
func (r *rules) identity() answer.Identity { return r.current.Load() }

// reloader reads the configuration again, as at the start. The zero value has nothing to read.
type reloader struct {
	file  string // empty: no file, so there is nothing to look at; load works all the same
	first string // the file's version before it was read at the start
	load  func() (config.Config, error)
}

// newReloader makes a reloader. It is made before the configuration is read, so that no change after that is missed.
func newReloader(file string, load func() (config.Config, error)) reloader {
	r := reloader{file: file, load: load}
	r.first = r.version()
	return r
}

// version tells one state of the file from another.
func (r reloader) version() string {
	if r.file == "" {
		return ""
	}
	info, err := os.Stat(r.file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "" // as while an editor writes it anew
	case err != nil:
		return err.Error()
	}
	return fmt.Sprint(info.ModTime().UnixNano(), " ", info.Size())
}

// watch takes in changed rules when the file changes, and at SIGHUP, until ctx ends.
func (r *rules) watch(ctx context.Context, again reloader) error {
	if again.load == nil {
		return nil
	}
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for seen := again.first; ; {
		select {
		case <-ctx.Done():
			return nil
		case <-hangup:
		case <-tick.C:
			if r.owed != nil {
				if err := r.put(ctx, r.owed); err != nil && ctx.Err() == nil {
					r.log.Error("the record of the rules is not stored", "error", err)
				}
			}
			if now := again.version(); now == seen || now == "" {
				continue
			}
		}
		seen = again.version()
		r.reload(ctx, again)
	}
}

// reload applies the rules of the configuration as it is now. What is wrong changes nothing.
func (r *rules) reload(ctx context.Context, again reloader) {
	cfg, err := again.load()
	if err != nil {
		r.log.Error("the changed configuration is wrong; the rules stay as they were", "error", err)
		return
	}
	if keys := changedKeys(r.cfg, cfg); len(keys) > 0 {
		r.log.Warn("these keys changed too, and need a restart", "keys", strings.Join(keys, ", "))
	}
	now := r.cfg
	now.Applications, now.Topics, now.Nodes, now.Declared, now.ClusterAliases = cfg.Applications, cfg.Topics, cfg.Nodes, cfg.Declared, cfg.ClusterAliases
	if err := r.set(ctx, now); err != nil {
		r.log.Error("the changed rules do not hold; they stay as they were", "error", err)
		return
	}
	if r.declared != nil {
		r.declared(cfg)
	}
	if r.changed != nil {
		r.changed()
	}
	r.log.Info("the rules were read again", "applications", len(cfg.Applications), "topics", len(cfg.Topics), "nodes", len(cfg.Nodes))
}

// changedKeys are the top-level keys other than rules in which two configurations differ, as far as they may be
// printed: a changed secret does not show.
func changedKeys(a, b config.Config) []string {
	x, y := printed(a), printed(b)
	var out []string
	for key := range maps.Collect(both(x, y)) {
		if !slices.Contains([]string{"applications", "topics", "nodes", "declared", "cluster_aliases"}, key) && !reflect.DeepEqual(x[key], y[key]) {
			out = append(out, key)
		}
	}
	slices.Sort(out)
	return out
}

// both yields the keys of two mappings.
func both(x, y map[string]any) func(yield func(string, bool) bool) {
	return func(yield func(string, bool) bool) {
		for _, m := range []map[string]any{x, y} {
			for key := range m {
				if !yield(key, true) {
					return
				}
			}
		}
	}
}

func printed(c config.Config) map[string]any {
	out := map[string]any{}
	text, err := yaml.Marshal(c)
	if err == nil {
		err = yaml.Unmarshal(text, &out)
	}
	if err != nil {
		return map[string]any{"configuration": err.Error()} // never: it is what `config print` prints
	}
	return out
}
