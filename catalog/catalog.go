// Package catalog keeps what people say of nodes by editing them: who answers for one, what it holds, whom to ask. It
// decides what may be said, what of several people's words stands, and how it is kept and handed around as a sheet.
//
// The log of edits is the one place where they are: an edit is on disk when Put returns, and none is ever changed. It
// hides its form, which docs/format/catalog.md describes. What rules say, and what a window means, is not its business;
// it refuses to overwrite what its writer has not seen.
package catalog

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/lineaged/lineaged/lineage"
)

// What may be said of one node, in bytes. They keep an entry of the ledger, which has an edit's words before and after,
// far below what an entry may have.
const (
	mostText        = 256
	mostDescription = 4096
	mostProperty    = 1024
	mostTag         = 100
	mostTags        = 50
	mostProperties  = 50
)

// propertyKey is what the key of a property is made of: it stands in headings and in addresses.
var propertyKey = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// Draft is what somebody wants to say of a node.
type Draft struct {
	Node lineage.Node
	// Expected is the version of the node that he has seen; nil: he means to overwrite whatever there is.
	Expected *int64
	Changes  []lineage.Change
}

// TextError says what is wrong with what somebody wants to say.
type TextError struct {
	Slot    lineage.Slot
	Value   string
	Problem string
}

func (e *TextError) Error() string {
	if e.Value == "" {
		return fmt.Sprintf("%s %s", e.Slot, e.Problem)
	}
	value := e.Value
	const most = 60
	if utf8.RuneCountInString(value) > most {
		value = string([]rune(value)[:most]) + "…"
	}
	return fmt.Sprintf("%s: %q %s", e.Slot, value, e.Problem)
}

// ConflictError says that a node was edited since it was looked at.
type ConflictError struct {
	Node     lineage.Node
	Expected int64
	Last     *lineage.Edit // nil: it was never edited
}

func (e *ConflictError) Error() string {
	if e.Last == nil {
		return fmt.Sprintf("%s was never edited, and version %d was expected", e.Node.Plain(), e.Expected)
	}
	by := ""
	if e.Last.By != "" {
		by = " by " + e.Last.By
	}
	return fmt.Sprintf("%s was edited%s at %s, which is version %d, and version %d was expected: look at it again", e.Node.Plain(), by, e.Last.At.UTC().Format("2006-01-02T15:04:05Z"), e.Last.Number, e.Expected)
}

// Check says what is wrong with what is to be said of a slot; nil: nothing.
func Check(c lineage.Change) error {
	if err := form(c); err != nil {
		return err
	}
	for _, text := range c.Texts {
		if r, hidden := unseen(text); hidden {
			return &TextError{c.Slot, text, fmt.Sprintf("holds U+%04X, which nobody can see", r)}
		}
	}
	return nil
}

// unseen returns a letter of a text that shows nothing, by which two owners could look like one: what Unicode says may
// be left out where it is shown (Default_Ignorable_Code_Point, and what formats), as direction marks, fillers, spaces
// of no width, and the blank of Braille. Joiners and variation selectors stand in the words of some scripts and in
// pictures: there they show.
func unseen(text string) (hidden rune, found bool) {
	all := []rune(text)
	for i, r := range all {
		before, after := rune(0), rune(0)
		if i > 0 {
			before = all[i-1]
		}
		if i+1 < len(all) {
			after = all[i+1]
		}
		if ignorable(r) && !joins(before, r, after) && !selects(before, r, after) {
			return r, true
		}
	}
	return 0, false
}

// joins reports whether a rune is a joiner between what it may join; 0 stands before a text and after it. The scripts
// that are named have nothing to join.
func joins(before, r, after rune) bool {
	if r != '\u200C' && r != '\u200D' || before <= unicode.MaxASCII || after == 0 {
		return false
	}
	if ignorable(before) {
		return r == '\u200D' && before == '\uFE0F' // between pictures
	}
	return !unicode.In(before, unicode.Latin, unicode.Greek, unicode.Cyrillic)
}

// selects reports whether a rune is a variation selector behind what has variations.
func selects(before, r, after rune) bool {
	if !unicode.Is(unicode.Variation_Selector, r) || ignorable(before) {
		return false
	}
	if r == '\uFE0F' && after == '\u20E3' { // a keycap
		return strings.ContainsRune("0123456789#*", before)
	}
	han := unicode.Is(unicode.Han, before)
	pictured := before > unicode.MaxASCII && unicode.In(before, unicode.S, unicode.P) || before == '\u2139' // a letter
	switch {
	case r < '\uFE00':
		return unicode.Is(unicode.Mongolian, before)
	case r > '\uFE0F':
		return han
	case r >= '\uFE0E':
		return pictured
	}
	return han || pictured
}

func ignorable(r rune) bool {
	if unicode.Is(unicode.Prepended_Concatenation_Mark, r) { // as Arabic number signs, which show
		return false
	}
	return r == '\u2800' || unicode.In(r, unicode.Cf, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// form is what of Check has always been asked, and so holds of all that is on disk.
func form(c lineage.Change) error {
	s := c.Slot
	if !slices.Contains(lineage.Fields(), s.Field) {
		return &TextError{s, "", "is no field"}
	}
	if s.Field == lineage.PropertyField && !propertyKey.MatchString(s.Key) {
		return &TextError{s, s.Key, "is no key: 1 to 64 letters, digits, dots, dashes and underscores, the first a letter or digit"}
	}
	if s.Field != lineage.PropertyField && s.Key != "" {
		return &TextError{s, s.Key, "is a key, which only properties have"}
	}
	if c.Texts == nil {
		return nil
	}
	if s.Field.Lists() {
		return checkTags(c)
	}
	if len(c.Texts) != 1 {
		return &TextError{s, "", fmt.Sprintf("is one text, and not %d", len(c.Texts))}
	}
	most := map[lineage.Field]int{lineage.DescriptionField: mostDescription, lineage.PropertyField: mostProperty}[s.Field]
	if most == 0 {
		most = mostText
	}
	return checkText(s, c.Texts[0], most)
}

func checkTags(c lineage.Change) error {
	if len(c.Texts) > mostTags {
		return &TextError{c.Slot, "", fmt.Sprintf("are %d tags, at most %d", len(c.Texts), mostTags)}
	}
	for i, t := range c.Texts {
		if err := checkText(c.Slot, t, mostTag); err != nil {
			return err
		}
		switch {
		case strings.ContainsRune(t, ';'):
			return &TextError{c.Slot, t, "holds a semicolon, which stands between tags"}
		case t == NoTags:
			return &TextError{c.Slot, t, "stands for no tags at all"}
		case t == lineage.StopsAll && c.Slot.Field == lineage.TagsField:
			return &TextError{c.Slot, t, "stands for all tags, and only what a node stops can be all"}
		case slices.Contains(c.Texts[:i], t):
			return &TextError{c.Slot, t, "stands there twice"}
		}
	}
	return nil
}

func checkText(s lineage.Slot, text string, most int) error {
	switch {
	case text == "":
		return &TextError{s, "", "is empty: to take back what was said, say null"}
	case len(text) > most:
		return &TextError{s, text, fmt.Sprintf("has %d bytes, at most %d", len(text), most)}
	case !utf8.ValidString(text):
		return &TextError{s, strings.ToValidUTF8(text, "\uFFFD"), "is not UTF-8"}
	case strings.TrimSpace(text) != text:
		return &TextError{s, text, "begins or ends with space"}
	}
	for _, r := range text {
		if lines := r == '\n' && s.Field == lineage.DescriptionField; !lines && (unicode.IsControl(r) || r == '\u2028' || r == '\u2029') {
			return &TextError{s, text, fmt.Sprintf("holds U+%04X, which nobody can see", r)}
		}
	}
	return nil
}

// edit makes an edit of a draft: its changes that change anything; nil: none does.
func (d *Draft) edit(is *lineage.Edited) (*lineage.Edit, error) {
	if d.Node.Kind == lineage.NoKind || d.Node.Kind == lineage.GroupNode {
		return nil, fmt.Errorf("%s stands for several nodes, of which each has its own metadata", d.Node.Plain())
	}
	if d.Expected != nil && *d.Expected != is.Version() {
		c := &ConflictError{Node: d.Node, Expected: *d.Expected}
		if is != nil {
			c.Last = is.Last
		}
		return nil, c
	}
	out, properties, seen := &lineage.Edit{Node: d.Node}, map[string]bool{}, map[lineage.Slot]bool{}
	if is != nil {
		for s := range is.Slots {
			if s.Field == lineage.PropertyField {
				properties[s.Key] = true
			}
		}
	}
	for _, c := range d.Changes {
		if err := Check(c); err != nil {
			return nil, err
		}
		if seen[c.Slot] {
			return nil, &TextError{c.Slot, "", "is said twice"}
		}
		seen[c.Slot] = true
		var before []string
		if is != nil {
			before = is.Slots[c.Slot].Texts
		}
		if c.Slot.Field == lineage.PropertyField {
			properties[c.Slot.Key] = c.Texts != nil
		}
		if same(before, c.Texts) {
			continue
		}
		out.Changes, out.Before = append(out.Changes, c), append(out.Before, before)
	}
	count := 0
	for _, there := range properties {
		if there {
			count++
		}
	}
	if count > mostProperties {
		return nil, fmt.Errorf("%s would have %d properties, at most %d", d.Node.Plain(), count, mostProperties)
	}
	if len(out.Changes) == 0 {
		return nil, nil //nolint:nilnil // nothing is changed, and nothing is wrong
	}
	return out, nil
}

// same reports whether two say the same: that there are none is not that nothing is said.
func same(a, b []string) bool { return (a == nil) == (b == nil) && slices.Equal(a, b) }
