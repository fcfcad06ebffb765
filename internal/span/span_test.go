package span_test

import (
	"errors"
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/lineaged/lineaged/internal/span"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"30s": 30 * time.Second, "1h30m": 90 * time.Minute, "7d": 7 * 24 * time.Hour, "1w": 7 * 24 * time.Hour, "250ms": 250 * time.Millisecond, "0s": 0,
		"1y2w3d4h5m6s7ms": 365*24*time.Hour + 17*24*time.Hour + 4*time.Hour + 5*time.Minute + 6*time.Second + 7*time.Millisecond,
	} {
		if got, err := span.Parse(text); got != want || err != nil {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
	}
	for text, want := range map[string]error{
		"": strconv.ErrSyntax, "s": strconv.ErrSyntax, "1": strconv.ErrSyntax, "1h1h": strconv.ErrSyntax, "1s1m": strconv.ErrSyntax, "-1s": strconv.ErrSyntax,
		"1.5h": strconv.ErrSyntax, "1 s": strconv.ErrSyntax, "300y": strconv.ErrRange, "99999999999999999999s": strconv.ErrRange, "300yx": strconv.ErrSyntax,
	} {
		if got, err := span.Parse(text); got != 0 || !errors.Is(err, want) {
			t.Errorf("%q: %v, %v, want %v", text, got, err, want)
		}
	}
}

func TestFormat(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", time.Microsecond: "0s", 90 * time.Minute: "1h30m", 14 * 24 * time.Hour: "14d", time.Second + time.Millisecond: "1s1ms",
	} {
		if got := span.Format(d); got != want {
			t.Errorf("%d: %q, want %q", d, got, want)
		}
	}
	for _, d := range []time.Duration{time.Millisecond, time.Hour + 59*time.Second, (math.MaxInt64 * time.Nanosecond).Truncate(time.Millisecond)} {
		if got, err := span.Parse(span.Format(d)); got != d || err != nil {
			t.Errorf("%v is read as %v, %v", d, got, err)
		}
	}
}
