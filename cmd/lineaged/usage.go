package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lineaged/lineaged/export"
	"github.com/lineaged/lineaged/internal/config"
)

// billParams are the flags of a bill that a server knows as parameters, with their names there.
var billParams = []struct{ flag, param, placeholder, usage string }{
	{"month", "month", "MONTH", "a calendar month in UTC, e.g. 2026-11"},
	{"last", "last", "DURATION", "the window that ends now, e.g. 24h, 7d (default 10m), widened to whole hours as all are"},
	{"start", "start", "INSTANT", "the window from here, with --end, in RFC 3339"},
	{"end", "end", "INSTANT", "the window to here, with --start"},
	{"cluster", "cluster", "NAME", "of one cluster (default all)"},
	{"group-by", "groupBy", "WHAT", "owner, topic or owner_and_topic (default owner_and_topic)"},
	{"focus-version", "version", "VERSION", "of FOCUS: " + strings.Join(export.FocusVersions, ", ") + " (default " + export.FocusVersions[0] + ")"},
}

// usage asks a running server who used what, and what it costs.
func (p *program) usage() *cobra.Command {
	var client clientFlags
	var format, out string
	var focus, sealed bool
	cmd := &cobra.Command{
		Use:   "usage",
		Short: "Write the usage bill: who wrote, read and stored what, and what it costs",
		Long: `Asks a running lineaged what was used, by whom, and what it costs by the configured prices, and writes it to standard output: as CSV, as JSON, or as FOCUS
(FinOps Open Cost and Usage Specification), which tools for the bills of clouds read. What no owner has is in rows of its own.`,
		Example: `  lineaged usage --month 2026-11 --focus -o november.csv
  lineaged usage --month 2026-10 --focus --sealed
  lineaged usage --last 7d --group-by owner`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if focus && cmd.Flags().Changed("format") && format != "focus" {
				return wrongFlag("format", format, "stands beside --focus")
			}
			if focus {
				format = "focus"
			}
			c, err := p.newClient(&client)
			if err != nil {
				return err
			}
			query := url.Values{"format": {format}}
			for _, x := range billParams {
				if flag := cmd.Flags().Lookup(x.flag); flag.Changed {
					query.Set(x.param, flag.Value.String())
				}
			}
			path := billExport
			if sealed {
				path = statementExport
			}
			body, err := c.get(cmd.Context(), path, query)
			for again := 0; again < mostBillTries && timedOut(err) && cmd.Context().Err() == nil; again++ {
				body, err = c.get(cmd.Context(), path, query)
			}
			if err != nil {
				return billFlagNamed(err)
			}
			defer body.Close()
			text, err := io.ReadAll(body)
			if err != nil {
				return fmt.Errorf("the answer of %s broke off: %w", c.server, err)
			}
			return p.writeOut(cmp.Or(out, "-"), text)
		},
	}
	cmd.Flags().SortFlags = false
	for _, x := range billParams {
		cmd.Flags().String(x.flag, "", fmt.Sprintf("`%s`: %s", x.placeholder, x.usage))
	}
	cmd.Flags().BoolVar(&sealed, "sealed", false, "the statement of --month as it is sealed in the ledger, with corrections of the month before")
	cmd.Flags().BoolVar(&focus, "focus", false, "the same as --format focus")
	cmd.Flags().StringVar(&format, "format", "csv", "`FORM` of what is written: "+strings.Join(export.BillFormats(), ", "))
	cmd.Flags().StringVarP(&out, "output", "o", "", "`FILE` to write, which must not be there yet (default standard output)")
	client.add(cmd.Flags())
	return cmd
}

// mostBillTries is how often a bill is asked for again that took a request too long: what was worked out of its days is
// kept, so that each goes on where the one before ended.
const mostBillTries = 60

func timedOut(err error) bool {
	refused, ok := errors.AsType[*refusedError](err)
	return ok && refused.code == "TIMEOUT"
}

// billFlagNamed says what a server says of a parameter as of the flag that it came from.
func billFlagNamed(err error) error {
	named := flagNamed(err)
	wrong, ok := errors.AsType[*config.Error](named)
	if !ok {
		return named
	}
	param, rest, found := strings.Cut(wrong.Problem, ": ")
	for _, x := range billParams {
		if found && x.param == param {
			return &config.Error{Problem: "--" + x.flag + ": " + rest}
		}
	}
	return named
}
