package config

import (
	"fmt"
	"strings"
)

// Error is one thing that is wrong with the configuration, in one line.
type Error struct {
	Key     string // as people write it: clusters[0].name; empty for the file as a whole
	Value   string // the bad value; empty when there is none to show, and always for a secret
	Problem string
	Origin  string // where the value came from: a file, $VARIABLE or --flag; empty: a default
}

// Error returns KEY: "VALUE": PROBLEM (from ORIGIN).
func (e *Error) Error() string {
	var b strings.Builder
	if e.Key != "" {
		b.WriteString(e.Key + ": ")
	}
	if e.Value != "" {
		fmt.Fprintf(&b, "%q: ", e.Value)
	}
	b.WriteString(e.Problem)
	if e.Origin != "" {
		b.WriteString(" (from " + e.Origin + ")")
	}
	return strings.Join(strings.Fields(b.String()), " ")
}
