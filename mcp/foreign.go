package mcp

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/google/jsonschema-go/jsonschema"
)

// Foreign is text that users of Kafka chose, or a sentence that may hold such. It is shown so that nothing in it is
// hidden, and cut where it is long.
type Foreign string

// ID is the id of a node or flow. It holds names too, percent-encoded, and is never cut: it is what is asked with next.
type ID string

// longest is how much of a foreign text is shown, in characters.
const longest = 500

// MarshalJSON writes the text as it may be shown.
func (f Foreign) MarshalJSON() ([]byte, error) {
	text, err := plain(visible(string(f)))
	return []byte(text), err
}

// visible spells out what can't be seen, since what a reader does not see can still tell an assistant something:
// control and format characters, tags, variation selectors.
func visible(s string) string {
	var b strings.Builder
	shown := 0
	for i, r := range s {
		if shown == longest {
			fmt.Fprintf(&b, "… (%d characters more)", utf8.RuneCountInString(s[i:]))
			break
		}
		shown++
		if hides(r) {
			fmt.Fprintf(&b, "⟪U+%04X⟫", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

func hides(r rune) bool {
	return r != ' ' && !unicode.IsGraphic(r) || unicode.Is(unicode.Variation_Selector, r) || r != ' ' && unicode.Is(unicode.Zs, r) || unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r)
}

// foreignSchemas mark what is foreign for who reads a schema.
func foreignSchemas() map[reflect.Type]*jsonschema.Schema {
	marked := func() *jsonschema.Schema {
		return &jsonschema.Schema{Type: "string", Extra: map[string]any{"x-untrusted": true}}
	}
	return map[reflect.Type]*jsonschema.Schema{
		reflect.TypeFor[Foreign](): marked(), reflect.TypeFor[ID](): marked(), reflect.TypeFor[Count](): {Type: "integer"},
	}
}

// Count is a number of records or bytes. GraphQL writes it as a string, since it may pass 2^53.
type Count int64

// UnmarshalJSON reads a count as GraphQL writes it.
func (c *Count) UnmarshalJSON(b []byte) error {
	return json.Unmarshal([]byte(strings.Trim(string(b), `"`)), (*int64)(c))
}
