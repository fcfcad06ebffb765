package export

import (
	"fmt"
	"math"
	"strings"
)

// palette has the colours of the page, each of a text at 4.5:1 and more on its ground. They are written out, since not
// all who show SVG know variables.
type palette struct {
	ground, card, line, text, muted, doubt string
	flow, off, unknown                     string
	kinds                                  map[string]string
}

var light = palette{
	ground: "#f4f6f9", card: "#ffffff", line: "#8b96a5", text: "#17202c", muted: "#535f6e", doubt: "#8a4b00",
	flow: "#5b7cc4", off: "#98a2af", unknown: "#a8741a",
	kinds: map[string]string{
		"topic": "#1f4fd1", "application": "#0b6e5f", "unidentified": "#8a4b00", "connector": "#6b3fb5", "replicator": "#a3246b",
		"stream_job": "#2f6b1f", "dataset": "#4a5563", "group": "#4a5563",
	},
}

var dark = palette{
	ground: "#0d1218", card: "#1b2430", line: "#6f7d8e", text: "#e4eaf1", muted: "#a1aebd", doubt: "#f2bd6a",
	flow: "#6d8fd8", off: "#64717f", unknown: "#c9973f",
	kinds: map[string]string{
		"topic": "#9dbaff", "application": "#5fd0bd", "unidentified": "#f2bd6a", "connector": "#c6a5ff", "replicator": "#f29ac4",
		"stream_job": "#9bd487", "dataset": "#b4c0cd", "group": "#b4c0cd",
	},
}

// styles returns the style sheet of a theme; of none, that of the reader's.
func styles(theme string) string {
	switch theme {
	case "light":
		return shapes + light.rules()
	case "dark":
		return shapes + dark.rules()
	default:
		return shapes + light.rules() + "@media (prefers-color-scheme: dark){" + dark.rules() + "}"
	}
}

// shapes are the rules without a colour.
const shapes = `text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Noto Sans","DejaVu Sans",sans-serif;font-size:12px}` +
	`.caption{font-size:18px;font-weight:650}.name{font-size:15px;font-weight:650}.rates{font-variant-numeric:tabular-nums;white-space:pre}` +
	`.note{white-space:pre}.label text,.stub{font-weight:600}.flow{fill:none}.root .body{stroke-width:2.5}` +
	`.flow.inactive{stroke-dasharray:6 5}.flow.around{stroke-dasharray:14 4}.flow.unobserved{stroke-dasharray:1.5 5;stroke-linecap:round}` +
	`.unidentified .body{stroke-dasharray:5 4}.label.inactive rect{stroke-dasharray:4 3}.label.unobserved rect{stroke-dasharray:2 3}`

func (p *palette) rules() string {
	var b strings.Builder
	rule := func(selector, property, colour string) { fmt.Fprintf(&b, "%s{%s:%s}", selector, property, colour) }
	rule(".ground", "fill", p.ground)
	rule("text", "fill", p.text)
	rule(".kind,.note,.rates,.stub,.card.inactive .name,.label.inactive text", "fill", p.muted)
	rule(".label.unobserved text", "fill", p.doubt)
	rule(".body,.label rect", "fill", p.card)
	rule(".body,.label rect", "stroke", p.line)
	for _, state := range []struct{ class, colour string }{{"active", p.flow}, {"around", p.flow}, {"inactive", p.off}, {"unobserved", p.unknown}} {
		rule(".flow."+state.class, "stroke", state.colour)
		rule(".arrow."+state.class, "fill", state.colour)
	}
	for _, kind := range []string{"topic", "application", "unidentified", "connector", "replicator", "stream_job", "dataset", "group"} {
		rule(".card."+kind+" .stripe", "fill", p.kinds[kind])
		rule(".card.active."+kind+" .body", "stroke", p.kinds[kind])
	}
	rule(".card.inactive .stripe,.card.unobserved .stripe", "fill", p.off)
	return b.String()
}

// thickness is 1.5 to 7 pixels, by the logarithm of the rate: one record a second and a million must both be seen.
func (f *flow) thickness() float64 {
	if f.Activity != active && f.Activity != aboutThen || f.RecordsPerSecond == nil || *f.RecordsPerSecond <= 0 {
		return 1.5
	}
	return min(7, 1.5+math.Log10(1+*f.RecordsPerSecond))
}
