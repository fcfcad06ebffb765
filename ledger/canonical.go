package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"unicode/utf8"
)

// canonical returns a value in the one form that docs/format/ledger.md gives to it. What encoding/json can't write, and
// a number that is not whole, is an error.
func canonical(v any) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("write JSON: %w", err)
	}
	tree, err := parseJSON(plain)
	if err != nil {
		return nil, err
	}
	return appendValue(nil, tree)
}

// read takes a value that must be in canonical form, and must have the fields of into and no others.
func read(data []byte, into any) error {
	tree, err := parseJSON(data)
	if err != nil {
		return err
	}
	again, err := appendValue(nil, tree)
	if err != nil {
		return err
	}
	if !bytes.Equal(again, data) {
		return errors.New("it is not in canonical form")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("read JSON: %w", err)
	}
	// A key that is not there, or in another case, is seen by writing what was understood.
	whole, err := canonical(into)
	if err != nil {
		return err
	}
	if !bytes.Equal(whole, data) {
		return errors.New("it has not the keys of its type")
	}
	return nil
}

func parseJSON(data []byte) (any, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		return nil, fmt.Errorf("read JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("read JSON: something follows the value")
	}
	return tree, nil
}

func appendValue(b []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(b, "null"...), nil
	case bool:
		return strconv.AppendBool(b, v), nil
	case string:
		return appendString(b, v), nil
	case json.Number:
		n, err := strconv.ParseInt(v.String(), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%q is not a whole number of 64 bits", v)
		}
		return strconv.AppendInt(b, n, 10), nil
	case []any:
		return appendList(b, v)
	case map[string]any:
		return appendObject(b, v)
	default:
		return nil, fmt.Errorf("%T has no canonical form", v)
	}
}

func appendList(b []byte, all []any) ([]byte, error) {
	b = append(b, '[')
	for i, v := range all {
		if i > 0 {
			b = append(b, ',')
		}
		var err error
		if b, err = appendValue(b, v); err != nil {
			return nil, err
		}
	}
	return append(b, ']'), nil
}

func appendObject(b []byte, all map[string]any) ([]byte, error) {
	keys := make([]string, 0, len(all))
	for k := range all {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	b = append(b, '{')
	for i, k := range keys {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, k), ':')
		var err error
		if b, err = appendValue(b, all[k]); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

const hexadecimal = "0123456789abcdef"

// short are the control characters with a letter of their own.
var short = map[byte]byte{'"': '"', '\\': '\\', '\b': 'b', '\t': 't', '\n': 'n', '\f': 'f', '\r': 'r'}

func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			b = utf8.AppendRune(b, r) // what is no UTF-8 is U+FFFD, as everywhere in JSON
			i += n
			continue
		}
		if letter, ok := short[c]; ok {
			b = append(b, '\\', letter)
		} else if c < ' ' {
			b = append(b, '\\', 'u', '0', '0', hexadecimal[c>>4], hexadecimal[c&15])
		} else {
			b = append(b, c)
		}
		i++
	}
	return append(b, '"')
}
