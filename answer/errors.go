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
	Senseless  Reason = iota // the question makes no sense
	Missing                  // it names something that is not known
	Unobserved               // it names something that is not known, of a time in which nothing was observed
	TooMuch                  // its answer would be too large
)

// RefusedError is an error that its asker may read: what was wrong with the question. All other errors are our own.
type RefusedError struct {
	Reason   Reason
	Sentence string
	// Observed says what was observed of where and when it should be; nil where that is not what it hangs on.
	Observed *Observed
}

// Observed is what was observed in a window.
type Observed struct {
	Window lineage.Resolved
	lineage.Coverage
	HeldSince time.Time // see View.HeldSince
}

func (r *RefusedError) Error() string { return r.Sentence }

func senseless(format string, args ...any) error {
	return &RefusedError{Reason: Senseless, Sentence: fmt.Sprintf(format, args...)}
}

func missing(format string, args ...any) error {
	return &RefusedError{Reason: Missing, Sentence: fmt.Sprintf(format, args...)}
}

func tooMuch(format string, args ...any) error {
	return &RefusedError{Reason: TooMuch, Sentence: fmt.Sprintf(format, args...)}
}

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
