package config

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

// Error is one thing that is wrong with the configuration, in one line.
type Error struct {
	Key string // as people write it: clusters[0].name; empty for the file as a whole
	// the bad value, of which Error shows what is no secret; empty when there is none to show, and always for a secret
	Value   string
	Problem string
	Origin  string // where the value came from: FILE:LINE, $VARIABLE, --flag or the defaults; empty: from nowhere

	beside string // of a missing value, the key of the one that asks for it and has an origin
}

// Error returns KEY: "VALUE": PROBLEM (from ORIGIN).
func (e *Error) Error() string {
	var b strings.Builder
	if e.Key != "" {
		b.WriteString(cut(e.Key, mostValue) + ": ")
	}
	if e.Value != "" {
		fmt.Fprintf(&b, "%q: ", shown(e.Value))
	}
	b.WriteString(Harmless(e.Problem))
	if e.Origin != "" {
		b.WriteString(" (from " + e.Origin + ")")
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

const (
	mostValue = 100 // characters of a value that are repeated
	mostText  = 500 // of a sentence that may quote one
)

// shown is what may be repeated of a value: of an address neither a user with a password nor a path, either of which
// may be a secret, and of a long text the beginning.
func shown(value string) string {
	scheme, rest, isURL := strings.Cut(value, "://")
	if !isURL {
		scheme, rest = "", value
	} else {
		scheme += "://"
	}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		rest = redacted + rest[at:]
	}
	if end := strings.IndexAny(rest, "/?#"); (isURL || addressed.MatchString(rest)) && end >= 0 && end+1 < len(rest) {
		rest = rest[:end+1] + "…"
	}
	return cut(scheme+rest, mostValue)
}

var (
	// addressed matches what looks like an address without a scheme, HOST/PATH:PORT too; a file's path begins
	// otherwise.
	addressed   = regexp.MustCompile(`^[^./\s][^/\s]*/\S*:\d+$|^[^/\s]+:\d+/`)
	credentials = regexp.MustCompile("([a-zA-Z][a-zA-Z0-9+.-]*://)?[^\\s\"'`\\[\\]]+@")
	urlPath     = regexp.MustCompile("([a-zA-Z][a-zA-Z0-9+.-]*://[^\\s\"'`/?#]+[/?#])[^\\s\"'`]+")
)

// Harmless returns a sentence, which may quote what somebody wrote, without users and passwords before an @, without
// the paths of URLs, and not longer than anybody reads.
func Harmless(text string) string {
	text = credentials.ReplaceAllString(cut(text, mostText), "${1}"+redacted+"@")
	return urlPath.ReplaceAllString(text, "${1}…")
}

// cut keeps the first characters of a text and says how many there were.
func cut(text string, most int) string {
	n := utf8.RuneCountInString(text)
	if n <= most {
		return text
	}
	return fmt.Sprintf("%s… (%d characters)", string([]rune(text)[:most]), n)
}
