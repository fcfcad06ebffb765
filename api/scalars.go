package api

import (
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/lineaged/lineaged/internal/span"
	"github.com/lineaged/lineaged/usage"
)

func shownTime(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// MarshalTime writes an instant as RFC 3339 in UTC.
func MarshalTime(t time.Time) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		_, _ = io.WriteString(w, `"`+shownTime(t)+`"`)
	})
}

// UnmarshalTime reads an instant in RFC 3339 with an offset. Instants outside 1970 to 2199 are refused: nothing was
// observed then, and arithmetic in nanoseconds ends soon after.
func UnmarshalTime(v any) (time.Time, error) {
	s, ok := v.(string)
	if !ok {
		return time.Time{}, badInput("a Time is a string such as 2026-11-22T20:00:00Z")
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, badInput("%s is no instant; a Time is RFC 3339 with an offset, e.g. 2026-11-22T20:00:00Z", quote(s))
	}
	if t = t.UTC(); t.Year() < 1970 || t.Year() > 2199 {
		return time.Time{}, badInput("%s lies outside the years 1970 to 2199", quote(s))
	}
	return t, nil
}

// MarshalDuration writes a span in Prometheus' manner, e.g. 1h30m. Weeks and years are written as days, as people read
// them off a chart.
func MarshalDuration(d time.Duration) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) { _, _ = io.WriteString(w, `"`+span.Format(d)+`"`) })
}

// UnmarshalDuration reads a span in Prometheus' manner: 30s, 10m, 1h30m, 7d.
func UnmarshalDuration(v any) (time.Duration, error) {
	s, ok := v.(string)
	if !ok {
		return 0, badInput("a Duration is a string such as 30s, 10m, 4h or 7d")
	}
	switch d, err := span.Parse(s); {
	case errors.Is(err, strconv.ErrRange):
		return 0, badInput("%s is too long; a Duration is 292 years at most", quote(s))
	case err != nil:
		return 0, badInput("%s is no duration; a Duration is e.g. 30s, 10m, 1h30m or 7d", quote(s))
	default:
		return d, nil
	}
}

// MarshalInt64 writes a whole number as a decimal string: JSON's numbers lose their last digits above 2^53.
func MarshalInt64(n int64) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) { _, _ = io.WriteString(w, `"`+strconv.FormatInt(n, 10)+`"`) })
}

// UnmarshalInt64 reads a decimal string or a whole number.
func UnmarshalInt64(v any) (int64, error) {
	switch n := v.(type) {
	case string:
		if i, err := strconv.ParseInt(n, 10, 64); err == nil {
			return i, nil
		}
	case json.Number:
		if i, err := n.Int64(); err == nil {
			return i, nil
		}
	case int64:
		return n, nil
	}
	return 0, badInput("an Int64 is a whole number of 64 bits as a decimal string")
}

// quote quotes what a client sent for an error's sentence, cut short: a sentence is not the place to send a megabyte
// back.
func quote(s string) string {
	const most = 100
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return strconv.Quote(s)
}

// MarshalDecimal writes a decimal number as a string: JSON's numbers are floats to most who read them.
func MarshalDecimal(d usage.Decimal) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) { _, _ = io.WriteString(w, `"`+d.String()+`"`) })
}

// UnmarshalDecimal reads a decimal number of 0 or more.
func UnmarshalDecimal(v any) (usage.Decimal, error) {
	if s, ok := v.(string); ok {
		if d, err := usage.ParseDecimal(s); err == nil {
			return d, nil
		}
	}
	return usage.Decimal{}, badInput(`a Decimal is a string such as "0.045"`)
}
