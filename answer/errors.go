package answer

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// Reason says why a question is not answered.
type Reason uint8

// The reasons.
const (
	Senseless Reason = iota // the question makes no sense
	Missing                 // it names something that is not known
	TooMuch                 // its answer would be too large
)

// RefusedError is an error that its asker may read: what was wrong with the question. All other errors are our own.
type RefusedError struct {
	Reason   Reason
	Sentence string
}

func (r *RefusedError) Error() string { return r.Sentence }

func senseless(format string, args ...any) error {
	return &RefusedError{Senseless, fmt.Sprintf(format, args...)}
}

func missing(format string, args ...any) error {
	return &RefusedError{Missing, fmt.Sprintf(format, args...)}
}

func tooMuch(format string, args ...any) error {
	return &RefusedError{TooMuch, fmt.Sprintf(format, args...)}
}

// NoNode is the refusal of who asks for a node that no window near the one asked for knows.
func NoNode(n lineage.Node) error { return missing("no node %s", n.ID()) }

// quote quotes what an asker sent, cut short: a sentence is not the place to send a megabyte back.
func quote(s string) string {
	const most = 100
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return strconv.Quote(s)
}

// spelled writes a span as people ask for it, e.g. 1h30m.
func spelled(d time.Duration) string {
	if d < time.Millisecond {
		return "0s"
	}
	var b strings.Builder
	for _, u := range [...]struct {
		name string
		unit time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}, {"ms", time.Millisecond}} {
		if n := int64(d / u.unit); n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u.name)
			d %= u.unit
		}
	}
	return b.String()
}
