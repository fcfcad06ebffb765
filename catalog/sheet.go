package catalog

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/lineaged/lineaged/internal/csvcell"
	"github.com/lineaged/lineaged/lineage"
)

// A sheet is what edits say of nodes, a row a node, as CSV or YAML. What is not in it is left as it is.

// NoTags stands in a sheet for tags that are said to be none, since an empty cell says nothing.
const NoTags = "(none)"

const (
	columnNode, columnVersion = "node", "version"
	columnProperty            = "property:"
	// columnNow begins the columns that tell what holds, by whomever, and are not read.
	columnNow = "now:"
	// mostProblems bounds what is said to be wrong with a sheet, mostRows what is in one.
	mostProblems = 20
	mostRows     = 100_000
)

// Row is a row of a sheet.
type Row struct {
	Line int
	Draft
}

// notUTF8 is what is wrong with a sheet of another encoding, whose letters would become others.
const notUTF8 = "is not UTF-8: save the sheet as such"

// SheetError says what is wrong in a sheet, and where.
type SheetError struct {
	Line       int
	Key, Value string
	What       string
}

// Error names the line, the key and the value.
func (p *SheetError) Error() string {
	at := fmt.Sprintf("line %d", p.Line)
	if p.Key != "" {
		at += ", " + p.Key
	}
	if p.Value != "" {
		at += ": " + strconv.Quote(clip(p.Value))
	}
	return at + ": " + p.What
}

func clip(s string) string {
	const most = 80
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// reading is a sheet that is being read.
type reading struct {
	rows     []Row
	problems []error
	seen     map[lineage.Node]int // the line
	more     int
}

func (r *reading) bad(line int, key, value, format string, args ...any) {
	if len(r.problems) >= mostProblems {
		r.more++
		return
	}
	r.problems = append(r.problems, &SheetError{line, key, value, fmt.Sprintf(format, args...)})
}

func (r *reading) result() ([]Row, error) {
	if r.more > 0 {
		r.problems = append(r.problems, fmt.Errorf("and %d more", r.more))
	}
	return r.rows, errors.Join(r.problems...)
}

// begin takes the node of a row and the version that its writer has seen; false: it has none.
func (r *reading) begin(line int, node, version string) (row Row, ok bool) {
	n, err := lineage.ParseNodeID(node)
	if err != nil || n.Kind == lineage.GroupNode {
		r.bad(line, columnNode, node, "is not the id of a node, as topic:west/orders")
		return row, false
	}
	if at := r.seen[n]; at > 0 {
		r.bad(line, columnNode, node, "is in line %d as well", at)
		return row, false
	}
	r.seen[n] = line
	row = Row{line, Draft{Node: n}}
	if version != "" {
		v, err := strconv.ParseInt(version, 10, 64)
		if err != nil || v < 0 {
			r.bad(line, columnVersion, version, "is no version: a whole number, or nothing to overwrite whatever there is")
			return row, false
		}
		row.Expected = &v
	}
	return row, true
}

// say adds what a row says of a slot.
func (r *reading) say(row *Row, c lineage.Change) {
	if err := Check(c); err != nil {
		if t, ok := errors.AsType[*TextError](err); ok {
			r.bad(row.Line, t.Slot.String(), t.Value, "%s", t.Problem)
		} else {
			r.bad(row.Line, c.Slot.String(), "", "%s", err)
		}
		return
	}
	row.Changes = append(row.Changes, c)
}

// slotOf returns the slot of a column; false: it is none.
func slotOf(column string) (s lineage.Slot, ok bool) {
	if key, is := strings.CutPrefix(column, columnProperty); is {
		return lineage.Slot{Field: lineage.PropertyField, Key: key}, propertyKey.MatchString(key)
	}
	s.Field = lineage.Field(column)
	return s, s.Field != lineage.PropertyField && slices.Contains(lineage.Fields(), s.Field)
}

// ReadCSV reads a sheet whole. The error says all that is wrong with it, a line each; there are no rows then to be
// used. An empty cell takes back what edits said, a column that is not there leaves it as it is. Lines that begin with
// # say nothing.
func ReadCSV(in io.Reader) ([]Row, error) {
	c := csv.NewReader(in)
	c.Comment, c.FieldsPerRecord, c.ReuseRecord = '#', -1, true
	r := &reading{seen: map[lineage.Node]int{}}
	head, err := c.Read()
	if err != nil {
		return nil, &SheetError{Line: 1, What: "there is no line with the names of columns, as node,owner,tags: " + plain(err)}
	}
	head = slices.Clone(head)
	head[0] = strings.TrimPrefix(head[0], "\uFEFF") // spreadsheets put it there
	switch {
	case slices.ContainsFunc(head, func(name string) bool { return !utf8.ValidString(name) }):
		return nil, &SheetError{Line: 1, What: notUTF8}
	case len(head) == 1 && strings.Contains(head[0], ";"):
		return nil, &SheetError{Line: 1, What: "its cells are separated by semicolons: save the sheet with commas between them"}
	}
	slots := r.columns(head)
	if len(r.problems) > 0 {
		return r.result()
	}
	for {
		cells, err := c.Read()
		if errors.Is(err, io.EOF) {
			return r.result()
		}
		if err != nil {
			line, _ := c.FieldPos(0)
			r.bad(line, "", "", "%s", plain(err))
			return r.result()
		}
		line, _ := c.FieldPos(0)
		if len(cells) != len(head) {
			r.bad(line, "", "", "has %d cells and not %d, as the line with the names of columns", len(cells), len(head))
			continue
		}
		if len(r.rows) == mostRows {
			r.bad(line, "", "", "is beyond %d rows: import them in parts", mostRows)
			return r.result()
		}
		r.cells(line, head, slots, cells)
	}
}

// plain is what is wrong with a line, without where.
func plain(err error) string {
	if p, ok := errors.AsType[*csv.ParseError](err); ok {
		return p.Err.Error()
	}
	return err.Error()
}

func (r *reading) columns(head []string) (slots []*lineage.Slot) {
	for i, name := range head {
		name = csvcell.Unguard(name)
		head[i] = name
		slots = append(slots, nil)
		if slices.Index(head, name) < i {
			r.bad(1, name, "", "is there twice")
		}
		if name == columnNode || name == columnVersion || strings.HasPrefix(name, columnNow) {
			continue
		}
		s, ok := slotOf(name)
		if !ok {
			r.bad(1, name, "", "is no column: node, version, owner, contact, description, tags, stops, property:KEY, or now: and anything, which is not read")
		}
		slots[i] = &s
	}
	if !slices.Contains(head, columnNode) {
		r.bad(1, columnNode, "", "is missing among the columns")
	}
	return slots
}

func (r *reading) cells(line int, head []string, slots []*lineage.Slot, cells []string) {
	if i := slices.IndexFunc(cells, func(c string) bool { return !utf8.ValidString(c) }); i >= 0 {
		r.bad(line, head[i], strings.ToValidUTF8(cells[i], "\uFFFD"), notUTF8)
		return
	}
	cell := func(name string) string {
		if i := slices.Index(head, name); i >= 0 {
			return csvcell.Unguard(cells[i])
		}
		return ""
	}
	row, ok := r.begin(line, cell(columnNode), cell(columnVersion))
	if !ok {
		return
	}
	for i, s := range slots {
		if s == nil {
			continue
		}
		text := csvcell.Unguard(cells[i])
		switch {
		case text == "":
			r.say(&row, lineage.Change{Slot: *s})
		case !s.Field.Lists():
			r.say(&row, lineage.Change{Slot: *s, Texts: []string{text}})
		case text == NoTags:
			r.say(&row, lineage.Change{Slot: *s, Texts: []string{}})
		default:
			tags := []string{}
			for t := range strings.SplitSeq(text, ";") {
				tags = append(tags, strings.TrimSpace(t))
			}
			r.say(&row, lineage.Change{Slot: *s, Texts: tags})
		}
	}
	r.rows = append(r.rows, row)
}

// ReadYAML reads a sheet whole, as ReadCSV does: a list of mappings. null takes back what edits said, a key that is not
// there leaves it as it is, an empty list says that there are none.
func ReadYAML(in io.Reader) ([]Row, error) {
	text, err := io.ReadAll(in)
	if err != nil {
		return nil, err
	}
	r := &reading{seen: map[lineage.Node]int{}}
	var doc yaml.Node
	d := yaml.NewDecoder(bytes.NewReader(text))
	if err := d.Decode(&doc); err != nil {
		return nil, &SheetError{Line: 1, What: strings.TrimPrefix(err.Error(), "yaml: ")}
	}
	list := doc.Content[0]
	if list.Kind != yaml.SequenceNode {
		return nil, &SheetError{Line: list.Line, What: "is not a list of nodes: begin each with - node: ID"}
	}
	if len(list.Content) > mostRows {
		return nil, &SheetError{Line: list.Line, What: fmt.Sprintf("has %d nodes, at most %d: import them in parts", len(list.Content), mostRows)}
	}
	for _, item := range list.Content {
		r.item(item)
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		r.bad(1, "", "", "there is more than one document")
	}
	return r.result()
}

func (r *reading) item(item *yaml.Node) {
	if item.Kind != yaml.MappingNode {
		r.bad(item.Line, "", "", "is not a mapping of keys to values")
		return
	}
	values := map[string]*yaml.Node{}
	for i := 0; i+1 < len(item.Content); i += 2 {
		key := item.Content[i]
		if values[key.Value] != nil {
			r.bad(key.Line, key.Value, "", "is there twice")
			return
		}
		values[key.Value] = item.Content[i+1]
	}
	scalar := func(name string) string {
		if v := values[name]; v != nil && v.Kind == yaml.ScalarNode && v.Tag != "!!null" {
			return v.Value
		}
		return ""
	}
	row, ok := r.begin(item.Line, scalar(columnNode), scalar(columnVersion))
	if !ok {
		return
	}
	for i := 0; i+1 < len(item.Content); i += 2 {
		key, value := item.Content[i].Value, item.Content[i+1]
		row.Line = value.Line // of what is wrong with it
		switch key {
		case columnNode, columnVersion:
		case "properties":
			r.properties(&row, value)
		default:
			s, ok := slotOf(key)
			if !ok || s.Field == lineage.PropertyField {
				r.bad(item.Content[i].Line, key, "", "is no key: node, version, owner, contact, description, tags, stops, properties")
				continue
			}
			r.value(&row, s, value)
		}
	}
	row.Line = item.Line
	r.rows = append(r.rows, row)
}

func (r *reading) properties(row *Row, value *yaml.Node) {
	if value.Kind != yaml.MappingNode {
		r.bad(value.Line, "properties", value.Value, "is not a mapping of keys to texts")
		return
	}
	for i := 0; i+1 < len(value.Content); i += 2 {
		row.Line = value.Content[i+1].Line
		r.value(row, lineage.Slot{Field: lineage.PropertyField, Key: value.Content[i].Value}, value.Content[i+1])
	}
}

func (r *reading) value(row *Row, s lineage.Slot, v *yaml.Node) {
	switch {
	case v.Kind == yaml.ScalarNode && v.Tag == "!!null":
		r.say(row, lineage.Change{Slot: s})
	case s.Field.Lists() && v.Kind == yaml.SequenceNode:
		tags := []string{}
		for _, t := range v.Content {
			if t.Kind != yaml.ScalarNode || t.Tag != "!!str" {
				r.bad(t.Line, s.String(), t.Value, "is not text: put it in quotes")
				return
			}
			tags = append(tags, t.Value)
		}
		r.say(row, lineage.Change{Slot: s, Texts: tags})
	case s.Field.Lists():
		r.bad(v.Line, s.String(), v.Value, "is not a list")
	case v.Kind != yaml.ScalarNode || v.Tag != "!!str":
		r.bad(v.Line, s.String(), v.Value, "is not text: put it in quotes")
	default:
		r.say(row, lineage.Change{Slot: s, Texts: []string{v.Value}})
	}
}

// Sheet is what is written into a sheet.
type Sheet struct {
	Node   lineage.Node
	Edited *lineage.Edited // nil: nobody has edited it
	Owner  string          // what holds, by whomever
	Tags   []string
	// States are how its flows go at the window's end, in words; LastMoved is when it moved last, as far as that is
	// known.
	States    []string
	LastMoved time.Time
	Derived   string // a tag that it does not bear and that comes to it; empty: none was asked for
}

// WriteCSV writes a sheet that ReadCSV reads. No cell is a formula to a spreadsheet: what would be one has a ' in
// front, as has what begins with ' itself, so that all can be had back.
// What the comments say stands in lines that begin with #.
func WriteCSV(w io.Writer, comments []string, rows []Sheet) error {
	if err := writeComments(w, comments, "\r\n"); err != nil {
		return err
	}
	keys := map[string]bool{}
	for _, x := range rows {
		if x.Edited == nil {
			continue
		}
		for s := range x.Edited.Slots {
			if s.Field == lineage.PropertyField {
				keys[s.Key] = true
			}
		}
	}
	slots := []lineage.Slot{{Field: lineage.OwnerField}, {Field: lineage.ContactField}, {Field: lineage.DescriptionField}, {Field: lineage.TagsField}, {Field: lineage.StopsField}}
	for _, key := range sorted(keys) {
		slots = append(slots, lineage.Slot{Field: lineage.PropertyField, Key: key})
	}
	head := []string{columnNode, columnVersion}
	for _, s := range slots {
		head = append(head, s.String())
	}
	for _, name := range []string{"owner", "tags", "derived_tag", "kind", "states", "last_moved"} {
		head = append(head, columnNow+name)
	}
	out := csv.NewWriter(w)
	out.UseCRLF = true
	if err := out.Write(head); err != nil {
		return err
	}
	for _, x := range rows {
		row := []string{x.Node.ID(), strconv.FormatInt(x.Edited.Version(), 10)}
		for _, s := range slots {
			row = append(row, csvcell.Guard(cellOf(x.Edited, s)))
		}
		moved := ""
		if !x.LastMoved.IsZero() {
			moved = x.LastMoved.UTC().Format(time.RFC3339)
		}
		row = append(row, csvcell.Guard(x.Owner), csvcell.Guard(strings.Join(x.Tags, "; ")), csvcell.Guard(x.Derived), x.Node.Kind.String(), strings.Join(x.States, "; "), moved)
		if err := out.Write(row); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

func writeComments(w io.Writer, all []string, end string) error {
	for _, c := range all {
		if _, err := io.WriteString(w, "# "+c+end); err != nil {
			return err
		}
	}
	return nil
}

func sorted(keys map[string]bool) (all []string) {
	for k := range keys {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}

func cellOf(e *lineage.Edited, s lineage.Slot) string {
	if e == nil {
		return ""
	}
	t, ok := e.Slots[s]
	if ok && len(t.Texts) == 0 {
		return NoTags
	}
	return strings.Join(t.Texts, "; ")
}

// WriteYAML writes a sheet that ReadYAML reads, of the nodes that were edited.
func WriteYAML(w io.Writer, comments []string, rows []Sheet) error {
	if err := writeComments(w, comments, "\n"); err != nil {
		return err
	}
	list := []map[string]any{}
	for _, x := range rows {
		if x.Edited == nil {
			continue
		}
		item := map[string]any{columnNode: x.Node.ID(), columnVersion: x.Edited.Version()}
		properties := map[string]string{}
		for s, t := range x.Edited.Slots {
			switch {
			case s.Field == lineage.PropertyField:
				properties[s.Key] = t.Texts[0]
			case s.Field.Lists():
				item[string(s.Field)] = t.Texts
			default:
				item[string(s.Field)] = t.Texts[0]
			}
		}
		if len(properties) > 0 {
			item["properties"] = properties
		}
		list = append(list, item)
	}
	e := yaml.NewEncoder(w)
	e.SetIndent(2)
	return errors.Join(e.Encode(list), e.Close())
}
