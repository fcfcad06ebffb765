package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lineaged/lineaged/collector/connect"
	"github.com/lineaged/lineaged/declared"
	"github.com/lineaged/lineaged/identity"
	"github.com/lineaged/lineaged/internal/config"
)

// program is what all commands share.
type program struct {
	environ        []string
	stdout, stderr io.Writer
	configFile     string
	started        bool // a command was found, its flags were parsed, and it began
}

func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "lineaged",
		Short: "The lineage of what moves through Apache Kafka, seen from outside",
		Long: `lineaged watches Apache Kafka from outside, stores what moves, and answers who writes and reads each topic,
how fast, how far behind, and how that is known. Try it without a Kafka: lineaged demo`,
		SilenceUsage:  true,
		SilenceErrors: true,
		PersistentPreRun: func(*cobra.Command, []string) {
			p.started = true
		},
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		// What follows is what was written, which may be a password whose flag was misspelt.
		text, _, _ := strings.Cut(err.Error(), " in -")
		return errors.New(text)
	})
	root.AddCommand(p.serve(), p.demo(), p.graph(), p.usage(), p.report(), p.audit(), p.catalog(), p.openlineage(), p.mcp(), p.config(), p.data(), p.version())
	return root
}

// namedArgs takes the arguments that the command's line of usage names, and says which of them are missing.
func namedArgs(cmd *cobra.Command, args []string) error {
	names := strings.Fields(cmd.Use)[1:]
	if len(args) < len(names) {
		return fmt.Errorf("%s is missing: %s", strings.Join(names[len(args):], " and "), cmd.UseLine())
	}
	if len(args) > len(names) {
		return fmt.Errorf("%q is one argument too many: %s", args[len(names)], cmd.UseLine())
	}
	return nil
}

// configured adds --config and the flags of all settings.
func (p *program) configured(cmd *cobra.Command) *cobra.Command {
	cmd.Args = cobra.NoArgs
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&p.configFile, "config", "", "configuration `FILE` (YAML)")
	config.AddFlags(cmd.Flags())
	return cmd
}

// load returns the configuration that a command's flags, the environment and the file give.
func (p *program) load(cmd *cobra.Command) (config.Config, error) {
	cfg, err := config.Load(config.Input{File: p.file(cmd), Environ: p.environ, Flags: cmd.Flags()})
	if err != nil {
		return cfg, err
	}
	if _, err := identity.New(identityRules(cfg)); err != nil {
		return cfg, badRule(cfg, err)
	}
	if err := badFlow(cfg); err != nil {
		return cfg, err
	}
	if err := badAnchor(cfg); err != nil {
		return cfg, err
	}
	return cfg, badMapping(cfg)
}

// badRule says what is wrong with a rule as any other error of the configuration does.
func badRule(cfg config.Config, err error) error {
	e, ok := errors.AsType[*identity.RuleError](err)
	if !ok {
		return &config.Error{Problem: err.Error()}
	}
	key := fmt.Sprintf("%s[%d].%s", e.List, e.Index, e.Key)
	return &config.Error{Key: key, Value: e.Value, Problem: e.Problem, Origin: cfg.Origin(key)}
}

// badMapping says what is wrong with the first mapping of datasets that is; nil: none.
func badMapping(cfg config.Config) error {
	for i, m := range mappings(cfg) {
		if e, ok := errors.AsType[*connect.MappingError](m.Check()); ok {
			key := fmt.Sprintf("datasets[%d].%s", i, e.Key)
			return &config.Error{Key: key, Value: e.Value, Problem: e.Problem, Origin: cfg.Origin(key)}
		}
	}
	return nil
}

// badFlow says what is wrong with the first declared flow that is; nil: none.
func badFlow(cfg config.Config) error {
	for i, f := range cfg.Declared.Flows {
		_, err := declared.Flow{From: f.From, To: f.To}.Nodes()
		if e, ok := errors.AsType[*declared.Error](err); ok {
			key := fmt.Sprintf("declared.flows[%d].%s", i, e.Key)
			return &config.Error{Key: key, Value: e.Value, Problem: e.Problem, Origin: cfg.Origin(key)}
		}
	}
	return nil
}

// file is the configuration file; empty: none.
func (p *program) file(cmd *cobra.Command) string {
	if cmd.Flags().Changed("config") {
		return p.configFile
	}
	return p.getenv("LINEAGED_CONFIG")
}

func (p *program) getenv(name string) string {
	for _, kv := range p.environ {
		if v, ok := strings.CutPrefix(kv, name+"="); ok {
			return v
		}
	}
	return ""
}

func (p *program) serve() *cobra.Command {
	return p.configured(&cobra.Command{
		Use:   "serve",
		Short: "Watch the configured clusters and serve the UI and the API",
		Example: `  lineaged serve --brokers 127.0.0.1:9092
  lineaged serve --config /etc/lineaged/lineaged.yaml`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			again := newReloader(p.file(cmd), func() (config.Config, error) { return p.load(cmd) })
			cfg, err := again.load()
			if err != nil {
				return err
			}
			log := newLogger(p.stderr, cfg.Log)
			slog.SetDefault(log) // for what has no logger of its own
			return serve(cmd.Context(), cfg, again, log, p.stdout)
		},
	})
}

func (p *program) config() *cobra.Command {
	check := p.configured(&cobra.Command{
		Use:   "check",
		Short: "Say whether the configuration is right, and what is wrong with it",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := p.load(cmd)
			if err != nil {
				return err
			}
			if err := badDeclared(cfg, p.file(cmd)); err != nil {
				return err
			}
			_, err = fmt.Fprintf(p.stdout, "the configuration is right: %s\n", count(len(cfg.Clusters), "cluster"))
			return err
		},
	})
	show := p.configured(&cobra.Command{
		Use:   "print",
		Short: "Print the configuration that is in force, secrets redacted",
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := p.load(cmd)
			if err != nil {
				return err
			}
			return cfg.Print(p.stdout)
		},
	})
	group := &cobra.Command{Use: "config", Short: "Check or print the configuration", Args: cobra.NoArgs, RunE: needsSubcommand}
	group.AddCommand(check, show)
	return group
}

// needsSubcommand is for commands that are only a heading.
func needsSubcommand(cmd *cobra.Command, _ []string) error {
	var names []string
	for _, c := range cmd.Commands() {
		names = append(names, c.Name())
	}
	return &config.Error{Problem: fmt.Sprintf("%q needs one of: %s", cmd.CommandPath(), strings.Join(names, ", "))}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
