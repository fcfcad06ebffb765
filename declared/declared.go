// Package declared reads what people declare: flows, owners, tags and products, from AsyncAPI 3, ODPS with ODCS,
// Backstage's software catalog, and lineaged's own configuration.
//
// Files in, values of package lineage out, each with the file and line where it is said. It hides YAML, $ref and how
// each format spells a topic. It follows a $ref within its file and to files of the same folder tree, never over the
// network, and only where what it wants lies behind one. It refuses AsyncAPI 2, whose publish and subscribe mean the
// inverse of send and receive, what is of the wrong type, what goes in a circle, and whatever is larger than anybody
// writes; a key that it does not know it passes. It does not say which node or cluster is meant: who looks at what was
// observed does.
package declared

import (
	"strconv"
	"unicode/utf8"
)

// The limits of what is read. No sound file comes near them.
const (
	mostBytes = 10 << 20
	// mostMarks bounds the commas, colons and line ends of a file, and so the nodes that YAML makes of it: 0.2 KB each.
	mostMarks = 500_000
	mostFiles = 5_000   // of all patterns together
	mostRefs  = 1_000   // files that one file refers to
	mostFlows = 100_000 // of all files together
	mostDepth = 100     // of $refs, aliases and merged mappings in one another
	// mostSteps is $refs that are followed, mappings that are merged and fours of entries that are read, for one file
	mostSteps           = 200_000
	mostBytesOfPatterns = 1 << 20 // of the expressions that one file's addresses with parameters make
	mostItems           = 10_000  // of one list or mapping
	mostText            = 1_000   // characters of a name, an owner or a tag
	mostHosts           = 100     // of one server
)

// Error says what is wrong with a file, and where.
type Error struct {
	File    string
	Line    int    // from 1; 0: of no line
	Key     string // a JSON pointer; empty: the whole file
	Value   string // what stands there; empty: nothing, or no single value
	Problem string
}

// Error names the file, the line, the key and the value.
func (e *Error) Error() string {
	at := e.File
	if e.Line > 0 {
		at += ":" + strconv.Itoa(e.Line)
	}
	if e.Key != "" {
		at += ": " + short(e.Key)
	}
	if e.Value != "" {
		at += ": " + strconv.Quote(short(e.Value))
	}
	return at + ": " + e.Problem
}

// short cuts what nobody would read to its end.
func short(s string) string {
	const most = 200
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "..."
}
