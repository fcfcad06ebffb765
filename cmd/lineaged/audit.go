package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/lineaged/lineaged/export"
	"github.com/lineaged/lineaged/internal/config"
	"github.com/lineaged/lineaged/ledger"
)

// audit is the commands about the ledger. Only export asks a server.
func (p *program) audit() *cobra.Command {
	group := &cobra.Command{Use: "audit", Short: "Verify, prove and export what the ledger says of usage", Args: cobra.NoArgs, RunE: needsSubcommand}
	group.AddCommand(p.auditVerify(), p.auditProve(), p.auditExport())
	return group
}

func (p *program) auditVerify() *cobra.Command {
	var key, earlier string
	cmd := &cobra.Command{
		Use:   "verify DIR|BUNDLE",
		Short: "Check a ledger's folder, a data folder with one, or a bundle; offline, and nothing is changed",
		Long: `Checks each entry of a ledger's folder against the signed checkpoint, or a bundle to the byte: its signature, each proof, and that it holds all that the
ledger says of its topic in its window. It needs no server. Without --key the key in the folder or the bundle is trusted, and its fingerprint is printed:
compare it with one that you have from elsewhere. Who holds the key can write another history after the last checkpoint that somebody else has: give one that
was taken away before with --checkpoint.`,
		Example: `  lineaged audit verify lineaged-data --checkpoint march.checkpoint
  lineaged audit verify ledger-customers.lineaged-bundle --key "$(cat key.pub)"`,
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			info, err := os.Stat(args[0])
			if err != nil {
				return fmt.Errorf("verify: %w", err)
			}
			if !info.IsDir() {
				if earlier != "" {
					return wrongFlag("checkpoint", earlier, "is for a folder: a bundle has its own")
				}
				return p.verifyBundle(args[0], key)
			}
			return p.verifyFolder(args[0], key, earlier)
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "verifier `KEY` that must have signed (default the one that is with it)")
	cmd.Flags().StringVar(&earlier, "checkpoint", "", "`FILE` with a checkpoint that was taken away before: the folder must go on from it")
	return cmd
}

func (p *program) verifyFolder(dir, key, earlier string) error {
	if !ledger.Exists(dir) && ledger.Exists(filepath.Join(dir, ledgerFolder)) {
		dir = filepath.Join(dir, ledgerFolder)
	}
	var before []byte
	if earlier != "" {
		var err error
		if before, err = os.ReadFile(earlier); err != nil {
			return wrongFlag("checkpoint", earlier, err.Error())
		}
	}
	c, err := ledger.Verify(os.DirFS(dir), key, before)
	if err != nil {
		return notVerified(err)
	}
	print := p.printer()
	print("verified: %s, %s", entries(c.Checkpoint.Size), count(int(c.Periods), "period"))
	if c.Periods > 0 {
		print("periods: from %s to %s, %s", instant(c.First.Start.Time), instant(c.Last.End.Time), count(int(c.Amendments), "amendment"))
	}
	if c.Minimum > 0 {
		print("held from entry %d on: what was before is not held any more, and was not looked at", c.Minimum)
	}
	if c.Journaled > 0 {
		print("of them in the journal, not in tiles yet: %d", c.Journaled)
	}
	if c.Torn > 0 {
		print("in the journal up to %d bytes are of a batch that is not whole: it is being written, or a process was killed or lost power while it wrote, or they were changed", c.Torn)
	}
	if err := printFolderBreakers(print, dir, c); err != nil {
		return err
	}
	p.printKey(c.Fingerprint, key)
	if earlier == "" {
		print("not checked: whether it was cut back, or rewritten by who holds the key; give a checkpoint that was taken away before with --checkpoint")
	}
	return nil
}

func (p *program) verifyBundle(file, key string) error {
	f, err := os.Open(file)
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	defer f.Close()
	in := bufio.NewReaderSize(f, 64<<10)
	begins, _ := in.Peek(64 << 10) // of a shorter one all
	if ledger.IsStatementBundle(begins) {
		return p.verifyStatement(in, key)
	}
	proved, err := ledger.VerifyBundle(in, key)
	if err != nil {
		return notVerified(err)
	}
	print := p.printer()
	print("verified: %s, %s to %s", proved.Topic, instant(proved.Window.Start.Time), instant(proved.Window.End.Time))
	print("holds %s of %s", entries(int64(proved.Entries)), count(len(proved.Periods), "period"))
	administered := 0
	for i := range proved.Periods {
		administered += len(proved.Periods[i].Administered)
	}
	if administered > 0 {
		print("says %s that somebody was allowed to administer the topic", count(administered, "time"))
	}
	for _, line := range export.Doubts(proved) {
		print("%s", line)
	}
	p.printKey(proved.Fingerprint, key)
	return nil
}

func (p *program) verifyStatement(in io.Reader, key string) error {
	proved, err := ledger.VerifyStatement(in, key)
	if err != nil {
		return notVerified(err)
	}
	lines, corrections := 0, 0
	for _, part := range proved.Parts {
		for _, l := range part.Lines {
			if lines++; l.Corrects != nil {
				corrections++
			}
		}
	}
	print := p.printer()
	print("verified: the statement of %s, %s of %s, entries %d to %d", proved.Month.Start.Format("2006-01"), count(lines, "line"), count(len(proved.Parts), "part"),
		proved.Parts[0].Index, proved.Parts[len(proved.Parts)-1].Index)
	if corrections > 0 {
		print("of the lines %d correct statements of months before", corrections)
	}
	print("not checked: whether later statements correct it, and that the ledger has no other of this month, which is seen by its folder")
	p.printKey(proved.Fingerprint, key)
	return nil
}

func (p *program) printKey(fingerprint, given string) {
	if given == "" {
		p.printer()("signed by the key %s, which is the one that is with it and is trusted: compare it with one that you have from elsewhere", fingerprint)
		return
	}
	p.printer()("signed by the key that was given, %s", fingerprint)
}

func entries(n int64) string {
	if n == 1 {
		return "1 entry"
	}
	return strconv.FormatInt(n, 10) + " entries"
}

// printer writes lines of what was found.
func (p *program) printer() func(format string, args ...any) {
	// who closed stdout does not want to know
	return func(format string, args ...any) { _, _ = fmt.Fprintf(p.stdout, format+"\n", args...) }
}

func notVerified(err error) error {
	if bad, ok := errors.AsType[*ledger.BadError](err); ok {
		return fmt.Errorf("NOT verified: %w", bad)
	}
	return fmt.Errorf("verify: %w", err)
}

func (p *program) auditProve() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:     "prove RECORD",
		Short:   "Write the proof that an entry is in the ledger to standard output (C2SP tlog-proof@v1)",
		Long:    `Writes the proof that the entry with the index RECORD is in the ledger of a data folder, whether or not a lineaged runs on it.`,
		Example: `  lineaged audit prove 4711 --data lineaged-data >4711.tlog-proof`,
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			index, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil || index < 0 {
				return &config.Error{Problem: fmt.Sprintf("RECORD: %q is no index: 0, 1, 2 and so on", args[0])}
			}
			if !ledger.Exists(dir) {
				dir = filepath.Join(dir, ledgerFolder)
			}
			r, err := ledger.OpenReader(os.DirFS(dir))
			if errors.Is(err, fs.ErrNotExist) {
				return wrongFlag("data", dir, "holds no ledger")
			}
			if err != nil {
				return fmt.Errorf("prove: %w", err)
			}
			proof, err := r.Prove(index)
			if err != nil {
				return fmt.Errorf("prove: %w", err)
			}
			_, err = p.stdout.Write(proof)
			return err
		},
	}
	cmd.Flags().StringVar(&dir, "data", config.Default().Data, "`DIR` of the data, or of the ledger")
	return cmd
}

// auditParams are the flags that a server knows as parameters.
var auditParams = []struct{ flag, placeholder, usage string }{
	{"topic", "ID", "the topic's id, e.g. topic:west/orders"},
	{"last", "DURATION", "the window that ends now, e.g. 1h, 7d (default 10m)"},
	{"at", "INSTANT", "the tick that holds an instant, in RFC 3339"},
	{"start", "INSTANT", "the window from here, with --end"},
	{"end", "INSTANT", "the window to here, with --start"},
	{"month", "MONTH", "in place of a topic and a window: the sealed statement of a month, e.g. 2026-10, as a bundle"},
}

func (p *program) auditExport() *cobra.Command {
	var client clientFlags
	var format, out, key string
	cmd := &cobra.Command{
		Use:   "export",
		Short: "Fetch what the ledger says of a topic from a running lineaged, verify it, and write it to a file",
		Long: `Asks a running lineaged for the bundle of a topic and a window, and verifies it here before anything is written. A bundle is what others verify;
csv, json and html are made of it on this machine, and say what was not observed.`,
		Example: `  lineaged audit export --topic topic:west/customers --last 7d --format bundle -o customers.lineaged-bundle
  lineaged audit export --topic topic:west/customers --start 2026-03-01T00:00:00Z --end 2026-04-01T00:00:00Z --format html -o march.html`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			write := export.ProvedForms()[format]
			if format != "bundle" && write == nil {
				return wrongFlag("format", format, "is none of bundle, csv, html, json")
			}
			c, err := p.newClient(&client)
			if err != nil {
				return err
			}
			query := url.Values{}
			for _, x := range auditParams {
				if flag := cmd.Flags().Lookup(x.flag); flag.Changed {
					query.Set(x.flag, flag.Value.String())
				}
			}
			if query.Has("month") {
				for _, x := range auditParams {
					if x.flag != "month" && query.Has(x.flag) {
						return wrongFlag(x.flag, query.Get(x.flag), "stands beside --month, which is in place of a topic and a window")
					}
				}
				return p.exportStatement(cmd.Context(), c, query, format, key, cmp.Or(out, "-"))
			}
			body, err := c.get(cmd.Context(), ledgerExport, query)
			if err != nil {
				return flagNamed(err)
			}
			defer body.Close()
			text, err := io.ReadAll(body)
			if err != nil {
				return fmt.Errorf("the answer of %s broke off: %w", c.server, err)
			}
			proved, err := ledger.VerifyBundle(bytes.NewReader(text), key)
			if err != nil {
				return notVerified(err)
			}
			if write != nil {
				var b bytes.Buffer
				if err := write(&b, proved); err != nil {
					return err
				}
				text = b.Bytes()
			}
			return p.writeOut(cmp.Or(out, "-"), text)
		},
	}
	cmd.Flags().SortFlags = false
	for _, x := range auditParams {
		cmd.Flags().String(x.flag, "", fmt.Sprintf("`%s`: %s", x.placeholder, x.usage))
	}
	cmd.Flags().StringVar(&format, "format", "bundle", "`FORM` of what is written: bundle, csv, html, json")
	cmd.Flags().StringVarP(&out, "output", "o", "", "`FILE` to write, which must not be there yet (default standard output)")
	cmd.Flags().StringVar(&key, "key", "", "verifier `KEY` that must have signed (default the one that is with it)")
	client.add(cmd.Flags())
	return cmd
}

// exportStatement writes the bundle of a month's statement.
func (p *program) exportStatement(ctx context.Context, c *client, query url.Values, format, key, out string) error {
	if format != "bundle" {
		return wrongFlag("format", format, "is not bundle: lineaged usage --sealed writes a statement in other forms")
	}
	query.Set("format", format)
	body, err := c.get(ctx, statementExport, query)
	if err != nil {
		return flagNamed(err)
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	if err != nil {
		return fmt.Errorf("the answer of %s broke off: %w", c.server, err)
	}
	if _, err := ledger.VerifyStatement(bytes.NewReader(text), key); err != nil {
		return notVerified(err)
	}
	return p.writeOut(out, text)
}

// writeOut writes a whole file that was not there, or nothing.
func (p *program) writeOut(file string, text []byte) error {
	if file == "-" {
		_, err := p.stdout.Write(text)
		return err
	}
	f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return wrongFlag("output", file, err.Error())
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", file, err), os.Remove(file))
	}
	return nil
}
