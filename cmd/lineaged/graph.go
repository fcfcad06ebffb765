package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lineaged/lineaged/export"
	"github.com/lineaged/lineaged/internal/config"
)

// graphFlags are what a graph is asked to be of. Those that are not given are the server's to choose.
type graphFlags struct {
	client clientFlags
	format string
}

// graphParams are the flags that a server knows as parameters, with their names there.
var graphParams = []struct{ flag, param, placeholder, usage string }{
	{"direction", "direction", "WAY", "upstream, downstream or both (default both)"},
	{"depth", "depth", "N", "how many hops from the root, 0 to 15 (default 3)"},
	{"last", "last", "DURATION", "the window that ends now, e.g. 30s, 10m, 1h, 7d (default 10m)"},
	{"at", "at", "INSTANT", "the tick that holds an instant, in RFC 3339"},
	{"start", "start", "INSTANT", "the window from here, with --end"},
	{"end", "end", "INSTANT", "the window to here, with --start"},
	{"evidence", "evidence", "KINDS", "only flows that are known by one of these, e.g. GROUP_OFFSETS,PRODUCER_STATE"},
	{"include-inactive", "includeInactive", "BOOL", "also flows that moved nothing in the window (default true)"},
	{"include-internal", "includeInternal", "BOOL", "also internal topics (default false)"},
	{"limit", "limit", "N", "how many nodes, 1 to 1000; what is cut is counted (default 300)"},
	{"theme", "theme", "NAME", "of svg: light or dark (default: the reader's own)"},
}

// graph asks a running server for a picture, or for a graph that other tools read.
func (p *program) graph() *cobra.Command {
	f := &graphFlags{}
	cmd := &cobra.Command{
		Use:   "graph ROOT",
		Short: "Write the lineage of a node to standard output, as a running lineaged tells it",
		Long: `Asks a running lineaged for what lies upstream and downstream of ROOT, and writes it to standard output. ROOT is a node's id, as
topic:west/orders, or a name that only one node bears. The file says of which window it is, what of that was observed, and what was cut.`,
		Example: `  lineaged graph orders --last 1h --format svg >orders.svg
  lineaged graph topic:west/orders --direction downstream --format dot | dot -Tpdf >orders.pdf`,
		Args: namedArgs,
		RunE: func(cmd *cobra.Command, args []string) error { return p.writeGraph(cmd, f, args[0]) },
	}
	cmd.Flags().SortFlags = false
	cmd.Flags().StringVar(&f.format, "format", "svg", "`FORM` of what is written: "+strings.Join(export.Formats(), ", "))
	for _, x := range graphParams {
		cmd.Flags().String(x.flag, "", fmt.Sprintf("`%s`: %s", x.placeholder, x.usage))
	}
	f.client.add(cmd.Flags())
	cmd.ValidArgsFunction = func(cmd *cobra.Command, args []string, begun string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return p.completeNodes(cmd.Context(), &f.client, begun), cobra.ShellCompDirectiveNoFileComp
	}
	complete := func(flag string, values ...string) {
		// it fails only for a flag that is not there
		_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
	}
	complete("format", export.Formats()...)
	complete("direction", "upstream", "downstream", "both")
	complete("last", "10m", "30m", "1h", "4h", "24h", "3d", "7d")
	complete("theme", "light", "dark")
	complete("include-inactive", "true", "false")
	complete("include-internal", "true", "false")
	return cmd
}

func (p *program) writeGraph(cmd *cobra.Command, f *graphFlags, root string) error {
	client, err := p.newClient(&f.client)
	if err != nil {
		return err
	}
	query := url.Values{"root": {root}, "format": {f.format}}
	for _, x := range graphParams {
		if flag := cmd.Flags().Lookup(x.flag); flag.Changed {
			query.Set(x.param, flag.Value.String())
		}
	}
	body, err := client.get(cmd.Context(), lineageExport, query)
	if err != nil {
		return flagNamed(err)
	}
	defer body.Close()
	if _, err := io.Copy(p.stdout, body); err != nil {
		return fmt.Errorf("the answer of %s broke off: what was written is not whole: %w", client.server, err)
	}
	return nil
}

// flagNamed says what a server says of a parameter as of the flag or the argument that it came from. What the command
// line has wrong is a wrong command line.
func flagNamed(err error) error {
	refused, ok := errors.AsType[*refusedError](err)
	if !ok {
		return err
	}
	param, rest, found := strings.Cut(refused.sentence, ": ")
	if refused.code == "NOT_FOUND" && found && param == "root" {
		return errors.New("ROOT: " + rest)
	}
	if refused.code != "BAD_USER_INPUT" {
		return err
	}
	name := ""
	for _, x := range graphParams {
		if x.param == param {
			name = "--" + x.flag
		}
	}
	if param == "topic" { // of lineaged audit export
		name = "--topic"
	}
	switch param {
	case "root":
		name = "ROOT"
	case "format":
		name = "--format"
	}
	if name == "" {
		return &config.Error{Problem: refused.sentence}
	}
	return &config.Error{Problem: name + ": " + rest}
}

// refusedError is a server's answer that is none.
type refusedError struct {
	server, code, sentence string
	user                   string // who asked; empty: nobody by name
	status                 int
}

func (r *refusedError) Error() string {
	switch {
	case r.status == http.StatusUnauthorized && r.user != "":
		return r.server + " does not let in " + r.user + " with this password"
	case r.status == http.StatusUnauthorized:
		return r.server + " asks for a user and a password: give --user and --password-file"
	case r.sentence == "":
		return r.server + " answered " + strconv.Itoa(r.status) + " " + cmp.Or(http.StatusText(r.status), "without a reason") + ": is it a lineaged that has exports?"
	default:
		return r.sentence
	}
}
