package collector_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

// One line of the log says that a cluster is out of reach, whatever is lost with it, and one that it is back. Events
// are told of each part.
func TestALossIsLoggedOnce(t *testing.T) {
	const down, without = "dial: refused", "no metadata: dial: refused"
	type parts [3]string // why metadata, ends and members saw nothing; empty: they saw; "-": not due
	names := [3]string{"metadata", "ends", "members"}
	for name, c := range map[string]struct {
		rounds []parts
		log    string // by round, LEVEL PART
		events int    // lost and recovered
		untold int    // the part that leaves it to another to tell, plus one
	}{
		"nothing":                        {rounds: []parts{{}, {}}},
		"the cluster":                    {rounds: []parts{{down, without, without}, {down, without, without}, {}, {}}, log: "0 WARN metadata; 2 INFO metadata", events: 6},
		"the slow are due later":         {rounds: []parts{{down, without, "-"}, {down, without, without}, {"", "", "-"}, {}}, log: "0 WARN metadata; 2 INFO metadata", events: 6},
		"again":                          {rounds: []parts{{down, without, without}, {}, {down, without, without}, {}}, log: "0 WARN metadata; 1 INFO metadata; 2 WARN metadata; 3 INFO metadata", events: 12},
		"one part":                       {rounds: []parts{{"", "", "denied"}, {"", "", "denied"}, {}}, log: "0 WARN members; 2 INFO members", events: 2},
		"two for reasons of their own":   {rounds: []parts{{"", "a", "b"}, {}}, log: "0 WARN ends; 0 WARN members; 1 INFO ends; 1 INFO members", events: 4},
		"two for the same":               {rounds: []parts{{"", "a", "a"}, {}}, log: "0 WARN ends; 1 INFO ends", events: 4},
		"one was lost before":            {rounds: []parts{{"", "", "denied"}, {down, without, "-"}, {"", "", "denied"}, {}}, log: "0 WARN members; 1 WARN metadata; 2 INFO metadata; 3 INFO members", events: 6},
		"one stays lost for another":     {rounds: []parts{{down, without, without}, {"", "", "denied"}, {}}, log: "0 WARN metadata; 1 WARN members; 1 INFO metadata; 2 INFO members", events: 6},
		"the reason changes":             {rounds: []parts{{down, without, without}, {"no answer", "no metadata: no answer", "-"}, {}}, log: "0 WARN metadata; 2 INFO metadata", events: 6},
		"its cause is told by nobody":    {rounds: []parts{{down, without, ""}, {}}, untold: 1, log: "0 WARN ends; 1 INFO ends", events: 2},
		"a reason without words is none": {rounds: []parts{{"", "a", ""}, {}}, untold: 1, log: "0 WARN ends; 1 INFO ends", events: 2},
	} {
		var log bytes.Buffer
		level := slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelInfo})
		tell := collector.NewTeller("west", slog.New(level))
		lines, events := []string{}, 0
		for n, why := range c.rounds {
			log.Reset()
			take := tell.Take(grid.Add(tick))
			for i, reason := range why {
				if reason == "-" {
					continue
				}
				o := take.Observe(names[i], tick)
				if reason != "" {
					collector.MissAll(o, reason)
				}
				if c.untold == i+1 {
					take.Untold(o)
				}
			}
			for _, o := range take.Finish(t.Context()) {
				for _, e := range o.Events {
					if e.Type == lineage.SourceLost || e.Type == lineage.SourceRecovered {
						events++
					}
				}
			}
			said := []string{}
			for line := range strings.Lines(log.String()) {
				var level, part string
				for word := range strings.FieldsSeq(line) {
					if v, ok := strings.CutPrefix(word, "level="); ok {
						level = v
					} else if v, ok := strings.CutPrefix(word, "source="); ok {
						part = v
					}
				}
				said = append(said, fmt.Sprintf("%d %s %s", n, level, part))
			}
			lines = append(lines, said...)
			tell.Stored()
		}
		if got := strings.Join(sortedRounds(lines), "; "); got != c.log || events != c.events {
			t.Errorf("%s: the log says %q and there are %d events, want %q and %d", name, got, events, c.log, c.events)
		}
	}
}

// sortedRounds brings the lines of a round into one order: what is lost first.
func sortedRounds(lines []string) []string {
	for i := 1; i < len(lines); i++ {
		for j := i; j > 0 && lines[j][:1] == lines[j-1][:1] && strings.Contains(lines[j], "WARN") && strings.Contains(lines[j-1], "INFO"); j-- {
			lines[j], lines[j-1] = lines[j-1], lines[j]
		}
	}
	return lines
}
