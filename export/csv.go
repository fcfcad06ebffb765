package export

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/lineaged/lineaged/internal/csvcell"
)

// table writes CSV by RFC 4180, beneath lines that begin with #. What a spreadsheet would take for a formula has a ' in
// front, as has what begins with ' itself, so that cells can be had back. Unknown is an empty cell.
type table struct {
	w   io.Writer
	err error
}

func (t *table) line(s string) {
	if t.err == nil {
		_, t.err = io.WriteString(t.w, s+"\r\n")
	}
}

func (t *table) comments(lines []string) {
	for _, l := range lines {
		t.line("# " + uncut(l))
	}
}

// uncut keeps a comment from being cut into cells that a spreadsheet would calculate: of the commas and semicolons only
// those stay that stand before a space and a letter or digit, as ours do. A quoted comment would not begin with #.
func uncut(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == '"':
			b.WriteByte('\'')
		case (r == ',' || r == ';') && !beforeWord(s[i+1:]), r < 0x20:
			fmt.Fprintf(&b, "⟨U+%04X⟩", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func beforeWord(s string) bool {
	word, spaced := strings.CutPrefix(s, " ")
	r := first(word)
	return spaced && (unicode.IsLetter(r) || unicode.IsDigit(r))
}

func (t *table) row(cells ...string) {
	for i, c := range cells {
		cells[i] = cell(c)
	}
	t.line(strings.Join(cells, ","))
}

func cell(s string) string { return quoted(csvcell.Guard(s)) }

// quoted is a cell of our own, as a number is, that can be no formula.
func quoted(s string) string {
	if strings.ContainsAny(s, ",;\"\r\n") || strings.TrimSpace(s) != s {
		return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
	}
	return s
}

func first(s string) rune {
	for _, r := range s {
		return r
	}
	return 0
}

// lineageColumns are those of both kinds of rows.
var lineageColumns = []string{
	"row", "id", "kind", "name", "cluster", "owner", "tags", "root", "internal", "exists", "activity",
	"records_in_per_second", "records_in_counted", "records_out_per_second", "records_out_counted", "hidden_upstream", "hidden_downstream",
	"from", "to", "does", "state", "state_since", "active", "counted", "records", "records_per_second", "bytes", "bytes_per_second", "live", "lag_records", "lag_seconds", "lag_at_least_seconds",
	"skipped", "lost", "first_seen", "last_seen", "last_moved", "evidence",
}

func (p *picture) writeCSV(w io.Writer) error {
	t := &table{w: w}
	t.comments(p.head())
	t.row(append([]string(nil), lineageColumns...)...)
	for _, n := range p.Nodes {
		row := append(n.cells(), numbers(n.up, n.down)...)
		t.row(append(row, make([]string, len(lineageColumns)-len(row))...)...)
	}
	for _, f := range p.Flows {
		row := append([]string{"flow", f.ID, f.Kind}, make([]string, 7)...)
		row = append(append(row, f.Activity), make([]string, 6)...)
		t.row(append(row, f.cells()...)...)
	}
	return t.err
}

// cells are a node's, up to its rates.
func (n *node) cells() []string {
	return []string{
		"node", n.ID, n.Kind, visible(n.Name), visible(n.Cluster), visible(n.Owner), visible(strings.Join(n.Tags, " ")), yes(&n.root), yes(&n.Internal), yes(&n.Exists), n.Activity,
		decimal(n.RecordsIn.PerSecond), n.RecordsIn.Counted, decimal(n.RecordsOut.PerSecond), n.RecordsOut.Counted,
	}
}

// cells are a flow's, from its ends on.
func (f *flow) cells() []string {
	return []string{
		f.From, f.To, doing(f.is), word(f.State), moment(f.StateSince), yes(f.Active), f.Counted, whole(f.Records), decimal(f.RecordsPerSecond), whole(f.Bytes), decimal(f.BytesPerSecond), yes(f.Live),
		whole(f.Lag), decimal(f.LagSeconds), decimal(f.LagAtLeastSeconds), whole(f.Skipped), whole(f.Lost), moment(f.FirstSeen), moment(f.LastSeen), moment(f.LastMoved), f.known(),
	}
}

func numbers(all ...int) (out []string) {
	for _, n := range all {
		out = append(out, strconv.Itoa(n))
	}
	return out
}

func word(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func yes(is *bool) string {
	if is == nil {
		return ""
	}
	return strconv.FormatBool(*is)
}

func whole(n *int64) string {
	if n == nil {
		return ""
	}
	return strconv.FormatInt(*n, 10)
}

func decimal(x *float64) string {
	if x == nil {
		return ""
	}
	return strconv.FormatFloat(*x, 'g', -1, 64)
}

func moment(t *time.Time) string {
	if t == nil {
		return ""
	}
	return instant(*t)
}
