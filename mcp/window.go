package mcp

import (
	"context"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/lineaged/lineaged/internal/span"
)

// Window is the time that a question is of.
type Window struct {
	Last  string `json:"last,omitempty" jsonschema:"the time up to now, as 30s, 10m, 4h or 7d; give one of last, at, or start with end"`
	At    string `json:"at,omitempty" jsonschema:"one instant of the past, in RFC 3339, as 2026-03-01T10:00:00Z"`
	Start string `json:"start,omitempty" jsonschema:"begin of a time, in RFC 3339; with end"`
	End   string `json:"end,omitempty" jsonschema:"end of a time, in RFC 3339, not in it itself; with start"`
}

// input is the window as GraphQL takes it; without one, up to now as long as usual.
func (w Window) input(usual string) (map[string]any, error) {
	set := map[string]any{}
	for _, x := range []struct{ name, value string }{{"last", w.Last}, {"at", w.At}, {"start", w.Start}, {"end", w.End}} {
		if x.value == "" {
			continue
		}
		set[x.name] = x.value
		if x.name == "last" {
			if _, err := length(x.name, x.value); err != nil {
				return nil, err
			}
		} else if _, err := time.Parse(time.RFC3339, x.value); err != nil {
			return nil, badArgument(x.name, x.value, "is no instant in RFC 3339, as 2026-03-01T10:00:00Z")
		}
	}
	switch {
	case len(set) == 0:
		return map[string]any{"last": usual}, nil
	case w.Last != "" && len(set) > 1:
		return nil, badArgument("last", w.Last, "stands beside another window: give one of last, at, or start with end")
	case w.At != "" && len(set) > 1:
		return nil, badArgument("at", w.At, "stands beside another window: give one of last, at, or start with end")
	case w.Start != "" && w.End == "":
		return nil, badArgument("start", w.Start, "stands without end")
	case w.End != "" && w.Start == "":
		return nil, badArgument("end", w.End, "stands without start")
	}
	return set, nil
}

// length reads a length of time of an argument.
func length(name, value string) (time.Duration, error) {
	d, err := span.Parse(value)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, badArgument(name, value, "is too long")
	case err != nil || d <= 0:
		return 0, badArgument(name, value, "is no length of time: write it as 30s, 10m, 4h or 7d")
	}
	return d, nil
}

// Span is a window as it was answered.
type Span struct {
	Start string `json:"start"`
	End   string `json:"end" jsonschema:"not in the window itself"`
	Step  string `json:"step" jsonschema:"how exact the window is"`
}

// page is a link to a page of the window as it was answered, so that it shows the same later.
func (a *asker) page(ctx context.Context, path string, c *Coverage, pairs ...string) string {
	var b strings.Builder
	b.WriteString(a.Base(ctx) + path)
	if c != nil {
		pairs = append(pairs, "start", c.Window.Start, "end", c.Window.End)
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			continue
		}
		sep := "&"
		if !strings.Contains(b.String(), "?") {
			sep = "?"
		}
		b.WriteString(sep + url.QueryEscape(pairs[i]) + "=" + url.QueryEscape(pairs[i+1]))
	}
	return b.String()
}
