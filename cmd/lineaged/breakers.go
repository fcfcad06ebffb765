package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/lineaged/lineaged/identity"
	"github.com/lineaged/lineaged/ledger"
)

// breakersOf returns the rules by which tags do not go on from nodes, in the order of the configuration.
func breakersOf(rules identity.Rules) (out []ledger.BreakerRule) {
	put := func(place string, n int, about identity.About, match ...ledger.BreakerMatch) {
		if len(about.Stops) > 0 {
			out = append(out, ledger.BreakerRule{Place: place, Rule: n, Match: match, Stops: about.Stops})
		}
	}
	for i, a := range rules.Applications {
		var match []ledger.BreakerMatch
		for _, x := range []struct {
			field   string
			pattern *regexp.Regexp
		}{
			{"client_id", a.ClientID}, {"group", a.Group}, {"transactional_id", a.TransactionalID}, {ledger.FieldPrincipal, a.Principal}, {"unidentified", a.Unidentified},
		} {
			if x.pattern != nil {
				match = append(match, ledger.BreakerMatch{Field: x.field, Pattern: x.pattern.String()})
			}
		}
		put("applications", i, a.About, match...)
	}
	for i, t := range rules.Topics {
		put("topics", i, t.About, ledger.BreakerMatch{Field: "name", Pattern: t.Match.String()})
	}
	for i, n := range rules.Nodes {
		put("nodes", i, n.About, ledger.BreakerMatch{Field: "id", Pattern: n.Match.String()})
	}
	return out
}

// printFolderBreakers says of a folder that is verified what printBreakers does.
func printFolderBreakers(print func(string, ...any), dir string, c *ledger.Checked) error {
	if c.Checkpoint.Size == c.Journaled { // nothing is published
		return nil
	}
	r, err := ledger.OpenReader(os.DirFS(dir))
	var is ledger.Stopping
	if err == nil {
		is, err = r.Breakers()
	}
	if err != nil {
		return fmt.Errorf("say by which rules tags stop: %w", err)
	}
	printBreakers(print, is)
	return nil
}

// printBreakers says by which rules tags stop, as the newest period has them, and which entries prove it.
func printBreakers(print func(string, ...any), is ledger.Stopping) {
	if is.Removed() {
		print("rules stop tags, their digest is %s, and their entries were removed (ledger.retention)", is.Digest)
	}
	if len(is.Rules) == 0 {
		return
	}
	since := "since " + instant(is.Rules[0].At.Time)
	if is.Before {
		since += " or before"
	}
	print("tags stop by %s %s, in the entries from %d on:", count(len(is.Rules), "rule"), since, is.First)
	for _, b := range is.Rules {
		var match []string
		for _, m := range b.Match {
			match = append(match, fmt.Sprintf("%s %q", m.Field, m.Pattern))
		}
		print("  %s[%d] %s stops %q", b.Place, b.Rule, strings.Join(match, ", "), b.Stops)
	}
}
