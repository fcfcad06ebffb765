package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/declared"
	"github.com/lineaged/lineaged/internal/alias"
	"github.com/lineaged/lineaged/internal/config"
	"github.com/lineaged/lineaged/lineage"
)

// declarations are what people declare, as it is now. Who asks gets a new value whenever anything of it has changed.
type declarations struct {
	current atomic.Pointer[lineage.Declarations]
	file    string // the configuration's; empty: none
	board   *collector.Board
	log     *slog.Logger
	changed func() // is told that something else is declared; nil: nobody wants it

	mu       sync.Mutex // guards the fields below
	cfg      declared.Config
	again    bool // cfg is another one than was read
	reader   declared.Reader
	problems []string
}

// text returns what is declared, as one text: another one is another declaration.
func (d *declarations) text() []byte {
	var said lineage.Declarations
	if is := d.current.Load(); is != nil { // not where it stands, nor who answers there
		said = lineage.Declarations{Flows: is.Flows, Contracts: is.Contracts, Products: is.Products, Components: is.Components}
	}
	text, err := json.Marshal(said)
	if err != nil { // it has no place for what JSON can't say
		return []byte(err.Error())
	}
	return text
}

// newDeclarations reads what the configuration of a file declares. What is wrong with it is said, and the rest holds.
func newDeclarations(cfg config.Config, file string, board *collector.Board, log *slog.Logger) *declarations {
	d := &declarations{file: file, board: board, log: log}
	d.configure(cfg)
	d.look()
	return d
}

// configure takes what a changed configuration declares. It is read at the next look.
func (d *declarations) configure(cfg config.Config) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cfg, d.again = declaredConfig(cfg, d.file), true
	d.board.Configure(knownClusters(cfg))
}

// declaredConfig is what the configuration of a file declares.
func declaredConfig(cfg config.Config, file string) declared.Config {
	out := declared.Config{AsyncAPI: patterns(cfg.Declared.AsyncAPI), Products: patterns(cfg.Declared.Products), Backstage: patterns(cfg.Declared.Backstage), Base: filepath.Dir(file)}
	for i, f := range cfg.Declared.Flows {
		said := lineage.Said{Pointer: fmt.Sprintf("/declared/flows/%d", i)}
		said.File = cfg.Origin(fmt.Sprintf("declared.flows[%d].from", i)) // FILE:LINE, or $VARIABLE
		if at := strings.LastIndexByte(said.File, ':'); at > 0 {
			if line, err := strconv.Atoi(said.File[at+1:]); err == nil {
				said.File, said.Line = filepath.Base(said.File[:at]), line
			}
		}
		out.Flows = append(out.Flows, declared.Flow{From: f.From, To: f.To, Said: said})
	}
	return out
}

// badDeclared says what is wrong with the files of declarations, a line each, if anything is.
func badDeclared(cfg config.Config, file string) error {
	now, _ := new(declared.Reader).Read(declaredConfig(cfg, file))
	problems := declared.Problems(now)
	if len(problems) == 0 {
		return nil
	}
	const most = 20 // of a folder that is wrong as a whole these are enough
	if n := len(problems) - most; n > 0 {
		problems = append(problems[:most:most], fmt.Sprintf("and of %d more something is wrong", n))
	}
	var all []error
	for _, p := range problems {
		all = append(all, &config.Error{Key: "declared", Problem: p, Origin: cfg.Origin("declared")})
	}
	return errors.Join(all...)
}

func patterns(files []config.File) (out []string) {
	for _, f := range files {
		out = append(out, string(f))
	}
	return out
}

// watch looks for changes until ctx ends, and at SIGHUP.
func (d *declarations) watch(ctx context.Context) error {
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-hangup:
		case <-tick.C:
		}
		d.look()
	}
}

// look reads what has changed, and says what is wrong with it, once.
func (d *declarations) look() {
	if d.taken() && d.changed != nil { // not with the lock: the ledger may be writing for long
		d.changed()
	}
}

// taken reads what is declared, and reports whether it is something else than what was.
func (d *declarations) taken() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	now, changed := d.reader.Read(d.cfg)
	now.Clusters, now.Rules = d.board.Known()
	for i := range now.Clusters {
		now.Clusters[i].Topics = nil // nothing is declared by them, and they change all the time
	}
	old := d.current.Load()
	problems := declared.Problems(now)
	if old != nil && !changed && !d.again && sameClusters(old, now) && slices.Equal(problems, d.problems) {
		return false
	}
	for _, p := range problems {
		if !slices.Contains(d.problems, p) {
			d.log.Error("a file with declarations is wrong; the others hold", "problem", p)
		}
	}
	if old != nil && (changed || d.again) {
		d.log.Info("the declarations were read again", "flows", len(now.Flows), "contracts", len(now.Contracts), "products", len(now.Products), "components", len(now.Components), "wrong", len(problems))
	}
	if old == nil || changed {
		d.spell(now)
	}
	d.problems, d.again = problems, false
	d.current.Store(now)
	return old != nil
}

// spell lets the board know how documents spell clusters.
func (d *declarations) spell(said *lineage.Declarations) {
	tell := func(servers []lineage.DeclaredServer) {
		for _, s := range servers {
			if s.Other == "" {
				d.board.Resolve("declared", alias.Question{Spelling: strings.Join(s.Hosts, ","), Name: s.Name})
			}
		}
	}
	for i := range said.Flows {
		tell(said.Flows[i].Servers)
	}
	for i := range said.Contracts {
		tell(said.Contracts[i].Servers)
	}
}

// sameClusters reports whether two declarations are read by the same knowledge of clusters.
func sameClusters(a, b *lineage.Declarations) bool {
	same := func(x, y lineage.KnownCluster) bool {
		return x.Source == y.Source && x.ID == y.ID && x.Reported == y.Reported && slices.Equal(x.Bootstrap, y.Bootstrap) && slices.Equal(x.Advertised, y.Advertised)
	}
	return slices.EqualFunc(a.Clusters, b.Clusters, same) && slices.Equal(a.Rules, b.Rules)
}

// knownClusters is what the configuration says of clusters and of how others spell them.
func knownClusters(cfg config.Config) (known []lineage.KnownCluster, rules []lineage.ClusterRule) {
	for _, c := range cfg.Clusters {
		known = append(known, lineage.KnownCluster{Source: c.Source(), Bootstrap: c.Brokers})
	}
	for _, x := range cfg.ClusterAliases {
		rules = append(rules, lineage.ClusterRule(x))
	}
	return known, rules
}

// trouble says that declarations are wrong; none where none is.
func (d *declarations) trouble() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.problems) == 0 {
		return nil
	}
	return []string{fmt.Sprintf("%d of the files with declarations are wrong, as the log says; what they said before, if anything, holds", len(d.problems))}
}
