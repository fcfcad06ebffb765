package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf8"
)

// canonical returns one of this package's types in the one form that docs/format/ledger.md gives to it. Their fields
// stand in the order of their keys, and none is a fraction: what is left to do is how strings are spelled.
func canonical(v any) ([]byte, error) { return appendCanonical(nil, v) }

// appendCanonical is canonical, written behind what is there.
func appendCanonical(b []byte, v any) ([]byte, error) {
	switch is := v.(type) {
	case *Usage:
		return appendUsage(slices.Grow(b, 1024), is, nil)
	case *topicsEntry:
		return appendTopics(slices.Grow(b, 1024), is)
	}
	text, err := byJSON(v)
	return append(b, text...), err
}

func byJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fmt.Errorf("write JSON: %w", err)
	}
	return respell(bytes.TrimSuffix(b.Bytes(), []byte("\n"))), nil
}

// respell writes out what encoding/json escapes and the canonical form does not: U+2028, what is no UTF-8 and is
// U+FFFD, and the three letters that mean something in HTML.
func respell(plain []byte) []byte {
	if !bytes.Contains(plain, []byte(`\u`)) {
		return plain
	}
	out := make([]byte, 0, len(plain))
	for i := 0; i < len(plain); {
		if plain[i] != '\\' {
			out = append(out, plain[i])
			i++
			continue
		}
		if plain[i+1] == 'u' {
			if r, err := strconv.ParseUint(string(plain[i+2:i+6]), 16, 16); err == nil && r >= ' ' {
				out = utf8.AppendRune(out, rune(r))
			} else {
				out = append(out, plain[i:i+6]...)
			}
			i += 6
			continue
		}
		out = append(out, plain[i:i+2]...)
		i += 2
	}
	return out
}

// read takes a value that must be in canonical form, and must have the fields of into and no others: what was
// understood is written anew and compared. into must be of the zero value.
func read(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("read JSON: %w", err)
	}
	again, err := canonical(into)
	if err != nil {
		return err
	}
	if !bytes.Equal(again, data) {
		return errors.New("it is not in the canonical form of its type")
	}
	return nil
}
