package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/timeseries"
)

// data is the commands that work on a data folder. All but backup want one that no lineaged has open.
func (p *program) data() *cobra.Command {
	check := &cobra.Command{
		Use:   "check DIR",
		Short: "Read a data folder, or a backup, wholly and say what is damaged; nothing is changed",
		Args:  namedArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if timeseries.IsBackup(args[0]) {
				b, err := timeseries.CheckBackup(cmd.Context(), args[0])
				if err == nil {
					err = checkLedger(args[0])
				}
				if err == nil {
					_, err = checkHeld(args[0])
				}
				if err == nil {
					_, _ = fmt.Fprintf(p.stdout, "a whole backup of %s: %s in %s\n", instant(b.At), bytesOf(b.Bytes), count(b.Files, "file"))
				}
				return err
			}
			r, err := timeseries.Check(args[0])
			if err != nil {
				return err
			}
			printReport(p.stdout, r)
			if len(r.Findings) > 0 {
				return errors.New("the data is damaged: what can be read is served all the same; lineaged data repair sets the rest aside")
			}
			return nil
		},
	}
	repair := &cobra.Command{
		Use:   "repair DIR",
		Short: "Set aside what cannot be read, and write anew what is damaged and can be; nothing is deleted",
		Args:  namedArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			r, err := timeseries.Repair(args[0])
			if err != nil {
				return err
			}
			printReport(p.stdout, r)
			return nil
		},
	}
	group := &cobra.Command{Use: "data", Short: "Back up, restore, check, repair or upgrade a data folder, or erase persons from it", Args: cobra.NoArgs, RunE: needsSubcommand}
	group.AddCommand(p.backup(), p.restore(), check, repair, p.upgrade(), p.erase())
	return group
}

func (p *program) upgrade() *cobra.Command {
	return &cobra.Command{
		Use:   "upgrade DIR",
		Short: "Make a data folder of an older format one of this lineaged's; back it up before",
		Args:  namedArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			done, err := timeseries.Upgrade(args[0])
			for _, name := range done {
				_, _ = fmt.Fprintf(p.stdout, "made anew: %s\n", name)
			}
			if err == nil {
				_, _ = fmt.Fprintf(p.stdout, "the folder is of this lineaged's format: %s made anew\n", count(len(done), "file"))
			}
			return err
		},
	}
}

// printReport writes what people want to know of a data folder, the best news first.
func printReport(w io.Writer, r timeseries.Report) {
	// who closed stdout does not want to know
	print := func(format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) }
	print("read %s in %s, tick %s", bytesOf(r.Bytes), count(r.Blocks, "block"), r.Tick)
	if !r.Newest.IsZero() {
		print("held from %s to %s", instant(r.Earliest), instant(r.Newest))
	}
	if len(r.Findings) == 0 {
		print("nothing is damaged")
	}
	for _, f := range r.Findings {
		print("found: %s", f)
	}
	for _, f := range r.Leftovers {
		print("left by a crash, which costs nothing: %s", f)
	}
	for _, f := range r.Rewritten {
		print("written anew: %s", f)
	}
	for _, x := range r.Lost {
		kind, of := "not stored", ""
		if x.Damage {
			kind = "lost"
		}
		if x.Source != (lineage.Source{}) {
			of = " of " + x.Source.String()
		}
		print("%s%s: %s to %s, %s", kind, of, instant(x.Window.Start), instant(x.Window.End), x.Reason)
	}
	for _, f := range r.Quarantine {
		print("set aside: quarantine/%s", f)
	}
}

func instant(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// bytesOf writes a number of bytes for people.
func bytesOf(n int64) string {
	switch {
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d bytes", n)
}
