package export

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// This file has the words that all forms share. They are those of the page, so that a file says what was seen there.

var kindWords = map[lineage.NodeKind]string{
	lineage.TopicNode: "Topic", lineage.ApplicationNode: "Application", lineage.UnidentifiedNode: "Unidentified writers",
	lineage.ConnectorNode: "Connector", lineage.ReplicatorNode: "Replicator", lineage.StreamJobNode: "Stream job",
	lineage.JobNode: "Batch job", lineage.DatasetNode: "Dataset", lineage.GroupNode: "Group",
}

var evidenceWords = map[lineage.EvidenceKind]string{
	lineage.EndOffsets: "topic end moved", lineage.GroupOffsets: "committed offsets", lineage.GroupMembership: "group member",
	lineage.ShareOffsets: "share group offsets", lineage.ProducerState: "producer state", lineage.Transaction: "transaction",
	lineage.BatchHeader: "batch headers", lineage.RecordHeader: "record header", lineage.StreamsTopology: "streams topology",
	lineage.Connect: "Kafka Connect", lineage.Mirror: "MirrorMaker 2", lineage.Flink: "Flink", lineage.OpenLineage: "OpenLineage",
	lineage.AuditLog: "audit log", lineage.Telemetry: "client telemetry", lineage.AuthorizerLog: "authorizer log",
	lineage.RequestLog: "request log", lineage.Elimination: "by elimination", lineage.Declared: "declared",
}

// What a flow did in the window, and a node by its flows.
const (
	active     = "active"
	inactive   = "inactive"
	aboutThen  = "about then" // what moved was read over a time that reaches beyond the window
	unobserved = "not observed"
	allowed    = "allowed" // all that is known is that its client was let in, which is no movement
)

// How a figure is known. Those of the second line have no figure, and none of them is zero.
const (
	exact, estimated, atMost, atLeast = "exact", "estimated", "at most", "at least"
	notMeasurable, notKnown, none     = "not measurable", "not known", "none"
)

// nobodyReads is said of a reader whose position stands, and who is there no more.
const nobodyReads = "nobody reading"

// goingWords are GraphQL's for how a flow goes at the window's end.
var goingWords = map[answer.FlowState]string{
	answer.Moving: "MOVING", answer.CatchingUp: "CATCHING_UP", answer.FallingBehind: "FALLING_BEHIND", answer.Paused: "PAUSED",
	answer.Idle: "IDLE", answer.Stalled: "STALLED", answer.Stopped: "STOPPED",
}

// goingOf returns how a flow goes in GraphQL's word; nil: not known.
func goingOf(s answer.FlowState) *string {
	if word, ok := goingWords[s]; ok {
		return &word
	}
	return nil
}

// activityOf returns in a word what a flow did.
func activityOf(is *bool, perSecond *float64, es []evidence) string {
	switch {
	case is != nil && *is:
		return active
	case is != nil:
		return inactive
	}
	logs := func(e evidence) bool {
		return e.kind == lineage.AuditLog || e.kind == lineage.AuthorizerLog
	}
	if len(es) > 0 && !slices.ContainsFunc(es, func(e evidence) bool { return !logs(e) }) {
		return allowed
	}
	if perSecond != nil && *perSecond > 0 {
		return aboutThen
	}
	return unobserved
}

// boundOf returns how an estimated figure is known, by the reasons for it.
func boundOf(is bool, reasons ...string) string {
	if !is {
		return exact
	}
	says := func(words string) bool {
		return slices.ContainsFunc(reasons, func(why string) bool { return strings.Contains(why, words) })
	}
	switch most, least := says(atMost), says(atLeast); {
	case most == least:
		return estimated
	case most:
		return atMost
	default:
		return atLeast
	}
}

// sign stands before a figure.
func sign(counted string) string {
	return map[string]string{estimated: "~", atMost: "≤ ", atLeast: "≥ "}[counted]
}

// doing says what a flow does. Only datasets lie outside Kafka.
func doing(f lineage.Flow) string {
	switch f.Kind() {
	case lineage.Produce:
		return "writes"
	case lineage.Consume:
		return "reads"
	case lineage.Replicate:
		return "copies"
	case lineage.External:
		in, mover := f.From.Kind == lineage.DatasetNode, f.From.Kind
		if in {
			mover = f.To.Kind
		}
		job := mover == lineage.JobNode || mover == lineage.StreamJobNode // which need not touch Kafka
		switch {
		case job && in:
			return "reads"
		case job:
			return "writes"
		case in:
			return "enters Kafka"
		}
	}
	return "leaves Kafka"
}

// compact writes a figure with three digits at most: 0.05, 7.2, 943, 1.24 k, 18.3 M. Nothing that is more than none
// becomes 0.
func compact(x float64) string {
	prefixes := []string{"", " k", " M", " G", " T", " P"}
	if x == 0 {
		return "0"
	}
	if x < 0.01 {
		return "<0.01"
	}
	i := 0
	for ; x >= 999.5 && i < len(prefixes)-1; i++ {
		x /= 1000
	}
	digits := 0
	switch {
	case x < 9.995:
		digits = 2
	case x < 99.95:
		digits = 1
	}
	text := strconv.FormatFloat(x, 'f', digits, 64)
	if digits > 0 {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text + prefixes[i]
}

func rate(x float64) string { return compact(x) + "/s" }

// plural writes a number with what it counts.
func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// seconds writes how long something is, in its two largest units.
func seconds(s float64) string {
	if s < 1 {
		return fmt.Sprintf("%d ms", int(math.Round(s*1000)))
	}
	left := int64(math.Round(s))
	var parts []string
	for _, u := range []struct {
		name string
		size int64
	}{{"d", 86_400}, {"h", 3600}, {"min", 60}, {"s", 1}} {
		if n := left / u.size; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, u.name))
			left %= u.size
		}
	}
	return strings.Join(parts[:min(2, len(parts))], " ")
}

// percent writes what part was observed: never 100 for less than all, never 0 for something.
func percent(fraction float64) string {
	p := math.Floor(fraction*1000+1e-9) / 10
	switch {
	case fraction > 0 && p < 0.1:
		return "<0.1 %"
	case fraction < 1 && p >= 100:
		p = 99.9
	}
	return strconv.FormatFloat(p, 'f', -1, 64) + " %"
}

func instant(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// visible returns foreign text as it can be shown anywhere: characters that steer terminals, lines and writing
// directions are shown by what they are called, and bytes that are no UTF-8 too. Ids have all of it exactly.
func visible(s string) string {
	plain := true
	for _, r := range s {
		plain = plain && r != utf8.RuneError && !steers(r)
	}
	if plain {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, "⟨%02X⟩", s[0])
		case r < 0x20:
			b.WriteRune('␀' + r)
		case steers(r):
			fmt.Fprintf(&b, "⟨U+%04X⟩", r)
		default:
			b.WriteRune(r)
		}
		s = s[size:]
	}
	return b.String()
}

// steers reports whether a character is none that is seen, or none that XML may hold.
func steers(r rune) bool {
	switch {
	case r < 0x20, r >= 0x7f && r < 0xa0, r == 0x2028, r == 0x2029, r == 0xfeff, r&0xfffe == 0xfffe:
		return true
	}
	return unicode.Is(unicode.Bidi_Control, r)
}

// isolated keeps a name that is written from right to left from turning what stands around it.
func isolated(s string) string {
	turns := func(r rune) bool {
		return unicode.In(r, unicode.Arabic, unicode.Hebrew, unicode.Syriac, unicode.Thaana, unicode.Nko, unicode.Adlam)
	}
	if s = visible(s); strings.ContainsFunc(s, turns) {
		return "\u2068" + s + "\u2069"
	}
	return s
}
