package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/lineaged/lineaged/export"
	"github.com/lineaged/lineaged/internal/config"
)

// reportParams are the flags of reports that a server knows as parameters, with their names there.
var reportParams = []struct{ flag, param, placeholder, usage string }{
	{"tag", "tag", "TAG", "what bears it"},
	{"topic", "topic", "ID", "one topic, e.g. topic:west/orders"},
	{"owner", "owner", "NAME", "what is an owner's"},
	{"application", "application", "ID", "one that reads or writes, e.g. application:shop/billing"},
	{"cluster", "cluster", "NAME", "one cluster"},
	{"last", "last", "DURATION", "the window that ends now, e.g. 24h, 7d, 365d (default 10m)"},
	{"at", "at", "INSTANT", "the tick that holds an instant, in RFC 3339"},
	{"start", "start", "INSTANT", "the window from here, with --end"},
	{"end", "end", "INSTANT", "the window to here, with --start"},
	{"derived", "derived", "BOOL", "of a tag: also topics that do not bear it and to which it comes along flows, marked and summed apart: true or false (default true)"},
	{"group-by", "groupBy", "WHAT", "also sums by topic, application, owner, cluster or day"},
	{"source", "source", "WHO", "held: the store alone; sealed: the ledger alone (default the ledger of what the store holds no more)"},
	{"rows", "rows", "WHAT", "of csv: uses, or periods: each use in each period of the ledger (default uses)"},
}

// report asks a running server who used what.
func (p *program) report() *cobra.Command {
	group := &cobra.Command{Use: "report", Short: "Write reports of use, the register of processing, and what may be deleted or lost, as a running lineaged tells them", Args: cobra.NoArgs, RunE: needsSubcommand}
	group.AddCommand(
		p.reportOf("usage", reportExport, nil, "Write who used what, of a topic, a tag, an owner, an application or a cluster", `  lineaged report usage --tag pii --last 30d --group-by owner --format html -o pii.html
  lineaged report usage --cluster west --last 365d --rows periods -o west.csv`),
		p.reportOf("register", registerExport, []string{"topic", "owner", "application", "cluster", "group-by", "rows"}, "Write who handles data of a tag, from where and to where",
			`  lineaged report register --tag pii --last 90d --format html -o pii.html`),
	)
	group.AddCommand(p.changeReports()...)
	return group
}

// reportOf is a command that writes one kind of report; without are flags that it has not.
func (p *program) reportOf(name, path string, without []string, short, example string) *cobra.Command {
	var client clientFlags
	var format, out string
	has := func(flag string) bool { return !strings.Contains(" "+strings.Join(without, " ")+" ", " "+flag+" ") }
	cmd := &cobra.Command{
		Use: name, Short: short, Example: example, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.newClient(&client)
			if err != nil {
				return err
			}
			query := url.Values{"format": {format}}
			for _, x := range reportParams {
				if flag := cmd.Flags().Lookup(x.flag); flag != nil && flag.Changed {
					query.Set(x.param, flag.Value.String())
				}
			}
			body, err := c.get(cmd.Context(), path, query)
			if err != nil {
				return reportFlagNamed(err)
			}
			defer body.Close()
			return p.copyOut(cmp.Or(out, "-"), body, c.server)
		},
	}
	cmd.Flags().SortFlags = false
	for _, x := range reportParams {
		if has(x.flag) {
			cmd.Flags().String(x.flag, "", fmt.Sprintf("`%s`: %s", x.placeholder, x.usage))
		}
	}
	cmd.Flags().StringVar(&format, "format", "csv", "`FORM` of what is written: "+strings.Join(export.ReportFormats(), ", "))
	cmd.Flags().StringVarP(&out, "output", "o", "", "`FILE` to write, which must not be there yet (default standard output)")
	client.add(cmd.Flags())
	return cmd
}

// copyOut writes an answer as it comes to a file that was not there: all of it, or nothing.
func (p *program) copyOut(file string, body io.Reader, server string) error {
	broken := func(err error) error { return fmt.Errorf("the answer of %s broke off: %w", server, err) }
	if file == "-" {
		if _, err := io.Copy(p.stdout, body); err != nil {
			return broken(err)
		}
		return nil
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return wrongFlag("output", file, err.Error())
	}
	_, err = io.Copy(f, body)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(broken(err), os.Remove(file))
	}
	return nil
}

// reportFlagNamed says what a server says of a parameter as of the flag that it came from.
func reportFlagNamed(err error) error {
	named := flagNamed(err)
	wrong, ok := errors.AsType[*config.Error](named)
	if !ok {
		return named
	}
	param, rest, found := strings.Cut(wrong.Problem, ": ")
	for _, x := range reportParams {
		if found && x.param == param {
			return &config.Error{Problem: "--" + x.flag + ": " + rest}
		}
	}
	return named
}
