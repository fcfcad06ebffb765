package brokerlog

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// scanner walks through JSON without building anything of it. It is lenient about what it passes and never reads past
// the end: after a mistake it stands at the end, and bad says so.
type scanner struct {
	b     []byte
	i     int
	bad   bool
	arena []byte // of strings that had to be unescaped
}

func (s *scanner) fail() { s.bad, s.i = true, len(s.b) }

// peek returns the next byte that is no space; 0 at the end.
func (s *scanner) peek() byte {
	for ; s.i < len(s.b); s.i++ {
		if c := s.b[s.i]; c > ' ' {
			return c
		}
	}
	return 0
}

// open steps into an object or array. Any other value, null first, it passes.
func (s *scanner) open(bracket byte) bool {
	if s.peek() == bracket {
		s.i++
		return true
	}
	s.skip()
	return false
}

// key returns the next key of the object that was stepped into; ok is false when it has ended.
func (s *scanner) key() (key []byte, ok bool) {
	c := s.peek()
	if c == ',' {
		s.i++
		c = s.peek()
	}
	switch c {
	case '"':
		key = s.raw()
		if s.peek() != ':' {
			s.fail()
			return nil, false
		}
		s.i++
		return key, true
	case '}':
		s.i++
	default:
		s.fail()
	}
	return nil, false
}

// next reports whether the array that was stepped into has another element.
func (s *scanner) next() bool {
	c := s.peek()
	if c == ',' {
		s.i++
		c = s.peek()
	}
	switch c {
	case ']':
		s.i++
		return false
	case 0:
		s.fail()
		return false
	}
	return true
}

// raw returns what stands between the quotes of a string, with its escapes. It is to stand at a string.
func (s *scanner) raw() []byte {
	from := s.i + 1
	for at := from; ; {
		n := bytes.IndexByte(s.b[min(at, len(s.b)):], '"')
		if n < 0 {
			s.fail()
			return nil
		}
		at += n
		back := at
		for back > from && s.b[back-1] == '\\' {
			back--
		}
		if (at-back)%2 == 0 {
			s.i = at + 1
			return s.b[from:at]
		}
		at++
	}
}

// text returns a string, unescaped; nil for null and any other value.
func (s *scanner) text() []byte {
	if s.peek() != '"' {
		s.skip()
		return nil
	}
	raw := s.raw()
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw
	}
	from := len(s.arena)
	s.arena = unescape(s.arena, raw)
	return s.arena[from:len(s.arena):len(s.arena)]
}

// number returns a whole number; -1 for any other value.
func (s *scanner) number() int64 {
	c := s.peek()
	if c != '-' && (c < '0' || c > '9') {
		s.skip()
		return -1
	}
	at, n := s.i, int64(0)
	if c == '-' {
		at++
	}
	first := at
	for ; at < len(s.b) && s.b[at] >= '0' && s.b[at] <= '9'; at++ {
		n = n*10 + int64(s.b[at]-'0')
	}
	if at == first || at-first > 18 || at < len(s.b) && (s.b[at] == '.' || s.b[at]|0x20 == 'e') {
		s.skip()
		return -1
	}
	s.i = at
	if c == '-' {
		n = -n
	}
	return n
}

// yes reports whether a value is true.
func (s *scanner) yes() bool {
	c := s.peek()
	s.skip()
	return c == 't'
}

// What skip looks for.
const (
	quoteByte = iota + 1
	openByte
	closeByte
)

var byteClass = [256]byte{'"': quoteByte, '{': openByte, '[': openByte, '}': closeByte, ']': closeByte}

// skip passes one value.
func (s *scanner) skip() {
	switch c := s.peek(); c {
	case '"':
		s.raw()
	case '{', '[':
		s.skipNested()
	default:
		from := s.i
		for s.i < len(s.b) {
			if c := s.b[s.i]; c == ',' || c == '}' || c == ']' || c == ':' || c == '"' {
				break
			}
			s.i++
		}
		if s.i == from || s.i == len(s.b) {
			s.fail()
		}
	}
}

func (s *scanner) skipNested() {
	depth := 0
	for i := s.i; i < len(s.b); i++ {
		switch byteClass[s.b[i]] {
		case 0:
		case quoteByte:
			s.i = i
			if s.raw(); s.bad {
				return
			}
			i = s.i - 1
		case openByte:
			depth++
		case closeByte:
			if depth--; depth == 0 {
				s.i = i + 1
				return
			}
		}
	}
	s.fail()
}

// unescapeOne appends what the escape that text begins with stands for, and returns its length; 0: there is no whole
// one.
func unescapeOne(dst, text []byte) (out []byte, size int) {
	if len(text) < 2 {
		return dst, 0
	}
	switch c := text[1]; c {
	case 'n':
		return append(dst, '\n'), 2
	case 't':
		return append(dst, '\t'), 2
	case 'r':
		return append(dst, '\r'), 2
	case 'b':
		return append(dst, '\b'), 2
	case 'f':
		return append(dst, '\f'), 2
	case 'u':
		r, ok := hexRune(text)
		if !ok {
			return dst, 0
		}
		if utf16.IsSurrogate(r) {
			low, whole := rune(0), false
			if len(text) > 7 {
				low, whole = hexRune(text[6:])
			}
			if pair := utf16.DecodeRune(r, low); whole && pair != utf8.RuneError {
				return utf8.AppendRune(dst, pair), 12
			}
			r = utf8.RuneError
		}
		return utf8.AppendRune(dst, r), 6
	default:
		return append(dst, c), 2
	}
}

// hexRune reads \uXXXX.
func hexRune(text []byte) (r rune, ok bool) {
	if len(text) < 6 || text[0] != '\\' || text[1] != 'u' {
		return 0, false
	}
	for _, c := range text[2:6] {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
