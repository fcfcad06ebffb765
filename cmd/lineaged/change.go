package main

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lineaged/lineaged/api"
	"github.com/lineaged/lineaged/export"
	"github.com/lineaged/lineaged/internal/config"
)

// The paths of the answers to questions of change.
const (
	deletionExport = "/export/deletion"
	whatIfExport   = "/export/what-if"
	retireExport   = "/export/retire"
	columnsExport  = "/export/columns"
)

func changeExports(files *export.Exporter) map[string]api.Exporter {
	return map[string]api.Exporter{deletionExport: exporter(files.Deletion), whatIfExport: exporter(files.WhatIf), retireExport: exporter(files.Retire), columnsExport: exporter(files.Columns)}
}

// changeParam is a flag that a server knows as a parameter of the same name.
type changeParam struct{ name, placeholder, usage string }

var daysParam = changeParam{"days", "N", "the days up to now, 1 to 3650 (default 30)"}

// changeReports are the commands that ask questions of change.
func (p *program) changeReports() []*cobra.Command {
	window := []changeParam{
		{"last", "DURATION", "the window that ends now, e.g. 1h, 7d (default 10m)"},
		{"at", "INSTANT", "the tick that holds an instant, in RFC 3339"},
		{"start", "INSTANT", "the window from here, with --end"},
		{"end", "INSTANT", "the window to here, with --start"},
	}
	return []*cobra.Command{
		p.changeReport("safe-to-delete TOPIC", deletionExport, "topic", cobra.ExactArgs(1), []changeParam{daysParam},
			"Write whether a topic may be deleted: what speaks against it, and what was not seen", "  lineaged report safe-to-delete topic:west/orders --days 90 --format json"),
		p.changeReport("what-if LOSE...", whatIfExport, "lose", cobra.RangeArgs(1, 50), window,
			"Write what is hurt if nodes, clusters (cluster:NAME), brokers (broker:CLUSTER/ID) or columns (NODE_ID#PATH) are lost", "  lineaged report what-if cluster:west broker:east/3 --last 1h -o loss.csv"),
		p.changeReport("columns FIELD", columnsExport, "field", cobra.ExactArgs(1), append([]changeParam{{"direction", "DIRECTION", "UPSTREAM, DOWNSTREAM or BOTH (default BOTH)"}}, window...),
			"Write what a column (NODE_ID#PATH) is made of, where it leads and who is hurt without it", "  lineaged report columns topic:west/customers#value.email --direction DOWNSTREAM --last 7d"),
		p.changeReport("retire", retireExport, "", cobra.NoArgs, []changeParam{
			daysParam,
			{"kinds", "KINDS", "of UNUSED_TOPIC, UNOWNED_TOPIC, DEAD_GROUP, IDLE_CONNECTOR, separated by commas (default all)"},
			{"cluster", "NAME", "one cluster"},
			{"owner", "NAME", "what is an owner's"},
		}, "Write what could be put away, and whether that is proved", "  lineaged report retire --days 90 --kinds UNUSED_TOPIC -o unused.csv"),
	}
}

// changeReport is a command that writes an answer; arg is the parameter that its arguments are.
func (p *program) changeReport(use, path, arg string, args cobra.PositionalArgs, params []changeParam, short, example string) *cobra.Command {
	var client clientFlags
	var format, out string
	cmd := &cobra.Command{
		Use: use, Short: short, Example: example, Args: args,
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := p.newClient(&client)
			if err != nil {
				return err
			}
			query := url.Values{"format": {format}}
			if arg != "" {
				query[arg] = args
			}
			for _, x := range params {
				if flag := cmd.Flags().Lookup(x.name); flag.Changed {
					query.Set(x.name, flag.Value.String())
				}
			}
			body, err := c.get(cmd.Context(), path, query)
			if err != nil {
				return changeNamed(err, arg, params)
			}
			defer body.Close()
			return p.copyOut(cmp.Or(out, "-"), body, c.server)
		},
	}
	cmd.Flags().SortFlags = false
	for _, x := range params {
		cmd.Flags().String(x.name, "", fmt.Sprintf("`%s`: %s", x.placeholder, x.usage))
	}
	cmd.Flags().StringVar(&format, "format", "csv", "`FORM` of what is written: csv, json")
	cmd.Flags().StringVarP(&out, "output", "o", "", "`FILE` to write, which must not be there yet (default standard output)")
	client.add(cmd.Flags())
	return cmd
}

// changeNamed says what a server says of a parameter as of the argument or the flag that it came from.
func changeNamed(err error, arg string, params []changeParam) error {
	refused, ok := errors.AsType[*refusedError](err)
	if !ok || refused.code != "BAD_USER_INPUT" {
		return err
	}
	param, rest, found := strings.Cut(refused.sentence, ": ")
	switch {
	case found && param == arg:
		return &config.Error{Problem: strings.ToUpper(arg) + ": " + rest}
	case found && param == "format":
		return &config.Error{Problem: "--format: " + rest}
	}
	for _, x := range params {
		if found && x.name == param {
			return &config.Error{Problem: "--" + x.name + ": " + rest}
		}
	}
	return &config.Error{Problem: refused.sentence}
}
