package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/lineaged/lineaged/internal/licences"
)

// Set by the linker in release builds; otherwise what the Go toolchain recorded is used.
var version, commit string

// buildVersion returns the program's version and the commit it was built from, "unknown" where nobody recorded one.
func buildVersion() (v, c string) {
	v, c = version, commit
	if info, ok := debug.ReadBuildInfo(); ok {
		if v == "" {
			v = info.Main.Version
		}
		dirty := false
		for _, s := range info.Settings {
			switch {
			case s.Key == "vcs.revision" && c == "":
				c = s.Value
			case s.Key == "vcs.modified":
				dirty = s.Value == "true"
			}
		}
		if dirty && commit == "" && c != "" {
			c += " (modified)"
		}
	}
	if v == "" {
		v = "unknown"
	}
	if c == "" {
		c = "unknown"
	}
	return v, c
}

func (p *program) version() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version, or the licences of all that is inside",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if all {
				_, err := fmt.Fprint(p.stdout, licences.Text())
				return err
			}
			v, c := buildVersion()
			_, err := fmt.Fprintf(p.stdout, "lineaged %s\ncommit %s\n%s\n", v, c, runtime.Version())
			return err
		},
	}
	cmd.Flags().BoolVar(&all, "licences", false, "print the licences of what lineaged is built of")
	return cmd
}
