// Package span reads and writes lengths of time as Prometheus writes them: 30s, 10m, 1h30m, 7d.
package span

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// units are Prometheus' units, longest first, which is also the order in which a compound writes them.
var units = []struct {
	name string
	unit time.Duration
}{
	{"y", 365 * 24 * time.Hour},
	{"w", 7 * 24 * time.Hour},
	{"d", 24 * time.Hour},
	{"h", time.Hour},
	{"m", time.Minute},
	{"s", time.Second},
	{"ms", time.Millisecond},
}

// Format writes a span; weeks and years are written as days, as people read them off a chart.
func Format(d time.Duration) string {
	if d < time.Millisecond {
		return "0s"
	}
	var b strings.Builder
	for _, u := range units[2:] {
		if n := int64(d / u.unit); n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u.name)
			d %= u.unit
		}
	}
	return b.String()
}

// Parse reads a span, its units in falling order and each at most once. One that passes time.Duration, of 292 years, is
// strconv.ErrRange, and what is none strconv.ErrSyntax.
func Parse(s string) (d time.Duration, err error) {
	if s == "" {
		return 0, strconv.ErrSyntax
	}
	rest, left, over := s, units, false
	for rest != "" {
		digits := 0
		for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' {
			digits++
		}
		n, err := strconv.ParseInt(rest[:digits], 10, 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return 0, strconv.ErrSyntax
		}
		rest = rest[digits:]
		letters := 0
		for letters < len(rest) && (rest[letters] < '0' || rest[letters] > '9') {
			letters++
		}
		at := -1
		for i, u := range left {
			if u.name == rest[:letters] {
				at = i
			}
		}
		if at < 0 {
			return 0, strconv.ErrSyntax
		}
		// what is not a duration is said before it is said to be too long
		if over = over || err != nil || n > (math.MaxInt64-int64(d))/int64(left[at].unit); !over {
			d += time.Duration(n) * left[at].unit
		}
		rest, left = rest[letters:], left[at+1:]
	}
	if over {
		return 0, strconv.ErrRange
	}
	return d, nil
}
