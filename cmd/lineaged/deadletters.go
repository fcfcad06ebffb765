package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/lineaged/lineaged/internal/deadletter"
)

// deadLetters is the command that lists events that were of no use.
func (p *program) deadLetters() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "dead-letters DIR",
		Short: "List the OpenLineage events of the last week that were of no use: who sent them, and what is wrong where",
		Long: `dead-letters lists the events that lineaged refused within a week, or that stand in a topic and are none, the newest last: when, from which address or which
offset of a topic, of which job as far as that can be read, and what is wrong at which place. Of what comes again and again it has one a minute and counts the others. No body is
kept. DIR is the folder of the data; lineaged may run on it.`,
		Example: "  lineaged openlineage dead-letters lineaged-data",
		Args:    namedArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			all, err := deadletter.Read(filepath.Join(args[0], eventsFolder), time.Now())
			if err != nil {
				return err
			}
			return writeLetters(p.stdout, all, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "as JSON, one a line")
	return cmd
}

func writeLetters(w io.Writer, all []deadletter.Letter, asJSON bool) error {
	if len(all) == 0 && !asJSON {
		_, err := fmt.Fprintln(w, "no event was of no use within the last week")
		return err
	}
	for i := range all {
		l := &all[i]
		if asJSON {
			if err := json.NewEncoder(w).Encode(l); err != nil {
				return err
			}
			continue
		}
		if _, err := fmt.Fprintln(w, letterLine(l)); err != nil {
			return err
		}
	}
	return nil
}

// letterLine is a letter for people. What others wrote is quoted: it may hold what moves a terminal.
func letterLine(l *deadletter.Letter) string {
	from := "from " + cmp.Or(l.Address, "somebody")
	if l.Agent != "" {
		from += fmt.Sprintf(" (%q)", l.Agent)
	}
	if l.Index >= 0 {
		from += fmt.Sprintf(", number %d of a batch", l.Index)
	}
	if l.Topic != "" {
		from = fmt.Sprintf("topic %s, partition %d, offset %d", l.Topic, l.Partition, l.Offset)
	}
	out := []string{instant(l.At), from, l.Reason()}
	if l.Byte > 0 {
		out = append(out, fmt.Sprintf("it ceases to be JSON at byte %d", l.Byte))
	}
	if l.Namespace != "" || l.Job != "" {
		out = append(out, fmt.Sprintf("of %q %q", l.Namespace, l.Job))
	}
	if l.Run != "" {
		out = append(out, "run "+l.Run)
	}
	if l.Producer != "" {
		out = append(out, fmt.Sprintf("by %q", l.Producer))
	}
	size := count(l.Bytes, "byte")
	if l.Larger {
		size = "more than " + size
	}
	out = append(out, size)
	if l.Sum != "" {
		out = append(out, "SHA-256 "+l.Sum[:min(len(l.Sum), 16)])
	}
	if l.More > 0 {
		out = append(out, fmt.Sprintf("and %d like it before, which are not listed", l.More))
	}
	return strings.Join(out, "; ")
}

// eraseLetters takes all dead letters away, and returns how many there were.
func eraseLetters(dir string, dry bool) (int, error) {
	folder := filepath.Join(dir, eventsFolder)
	all, err := deadletter.Read(folder, time.Time{})
	if err != nil || dry {
		return len(all), err
	}
	_, err = deadletter.Remove(folder)
	return len(all), err
}
