package brokerlog

import (
	"bytes"
	"time"
)

// Time returns the instant that the line that was read last says of itself, outside its message; ok is false where it
// says none. zoned is false where it names no zone: it is then as if it were UTC.
func (p *Parser) Time() (t time.Time, zoned, ok bool) {
	if p.at < 0 {
		return t, false, false
	}
	prefix := p.line[:p.at]
	if t, zoned, ok = dated(prefix); ok {
		return t, zoned, true
	}
	if t, ok = counted(prefix); ok {
		return t, true, true
	}
	// JSON may have it behind the message. Nothing of the message is looked at: its strings hold no plain quote.
	rest := p.line[p.at:]
	if wrapped(prefix) == 0 {
		return t, false, false
	}
	for at := 0; ; {
		n := bytes.IndexByte(rest[at:], '"')
		if n < 0 {
			return t, false, false
		}
		if at += n; at == 0 || rest[at-1] != '\\' {
			rest = rest[at:]
			break
		}
		at++
	}
	if t, zoned, ok = dated(rest); ok {
		return t, zoned, true
	}
	t, ok = counted(rest)
	return t, ok, ok
}

// counted finds a time in seconds or milliseconds since 1970, as JSON layouts write it.
func counted(text []byte) (t time.Time, ok bool) {
	if _, after, found := bytes.Cut(text, []byte("epochSecond")); found {
		if n, size := number(bytes.TrimLeft(after, `\": `)); size >= 9 && size <= 10 {
			return time.Unix(n, 0).UTC(), true
		}
	}
	if _, after, found := bytes.Cut(text, []byte("timeMillis")); found {
		if n, size := number(bytes.TrimLeft(after, `\": `)); size >= 12 && size <= 13 {
			return time.UnixMilli(n).UTC(), true
		}
	}
	return t, false
}

// dated finds a date and a time of day: 2026-11-22 21:13:41,190 or as in RFC 3339.
func dated(text []byte) (t time.Time, zoned, ok bool) {
	for at := 4; at+15 <= len(text); at++ {
		if text[at] != '-' || text[at+3] != '-' || text[at+9] != ':' || text[at+12] != ':' {
			continue
		}
		var f [6]int64 // year to second
		good := true
		for i, field := range [6][]byte{
			text[at-4 : at], text[at+1 : at+3], text[at+4 : at+6], text[at+7 : at+9], text[at+10 : at+12], text[at+13 : at+15],
		} {
			n, size := number(field)
			f[i], good = n, good && size == len(field)
		}
		if good && (text[at+6] == ' ' || text[at+6] == 'T') && f[1] >= 1 && f[1] <= 12 && f[2] >= 1 && f[2] <= 31 && f[3] < 24 && f[4] < 60 && f[5] < 61 {
			nanos, rest := fraction(text[at+15:])
			t = time.Date(int(f[0]), time.Month(f[1]), int(f[2]), int(f[3]), int(f[4]), int(f[5]), nanos, time.UTC)
			offset, zoned := zone(rest)
			return t.Add(-offset), zoned, true
		}
	}
	return t, false, false
}

func fraction(text []byte) (nanos int, rest []byte) {
	if len(text) == 0 || text[0] != ',' && text[0] != '.' {
		return 0, text
	}
	n, size := number(text[1:min(len(text), 10)])
	for range 9 - size {
		n *= 10
	}
	return int(n), text[1+size:]
}

// zone reads Z, +hh:mm or +hhmm.
func zone(text []byte) (offset time.Duration, zoned bool) {
	if len(text) > 0 && text[0] == 'Z' {
		return 0, true
	}
	if len(text) < 5 || text[0] != '+' && text[0] != '-' {
		return 0, false
	}
	minutes := text[3:]
	if minutes[0] == ':' {
		minutes = minutes[1:]
	}
	h, n := number(text[1:3])
	m, o := number(minutes[:min(2, len(minutes))])
	if n != 2 || o != 2 {
		return 0, false
	}
	if offset = time.Duration(h)*time.Hour + time.Duration(m)*time.Minute; text[0] == '-' {
		offset = -offset
	}
	return offset, true
}

// number reads the digits that text begins with, at most 18.
func number(text []byte) (n int64, size int) {
	for size < len(text) && size < 18 && text[size] >= '0' && text[size] <= '9' {
		n = n*10 + int64(text[size]-'0')
		size++
	}
	return n, size
}
