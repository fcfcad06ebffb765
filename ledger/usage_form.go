package ledger

import (
	"strconv"
	"unicode/utf8"
)

// The canonical form of uses and of directories, which nearly all of a batch is, is written without encoding/json, and
// to the memory that is given: an hour's close waits for little else. That both write the same is tested.

const null = "null"

func appendMaybeNumber(b []byte, n *int64) []byte {
	if n == nil {
		return append(b, null...)
	}
	return strconv.AppendInt(b, *n, 10)
}

func appendMaybeText(b []byte, s *string) []byte {
	if s == nil {
		return append(b, null...)
	}
	return appendText(b, *s)
}

func appendText(b []byte, s string) []byte {
	b = append(b, '"')
	for {
		n := plainPart(s)
		b, s = append(b, s[:n]...), s[n:]
		if s == "" {
			break
		}
		c := s[0]
		switch {
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRuneInString(s)
			b, s = utf8.AppendRune(b, r), s[n:] // what is no UTF-8 is U+FFFD
			continue
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c >= '\b' && c <= '\r' && c != '\v':
			b = append(b, '\\', "btn.fr"[c-'\b'])
		default:
			b = append(b, '\\', 'u', '0', '0', '0'+c>>4, "0123456789abcdef"[c&15])
		}
		s = s[1:]
	}
	return append(b, '"')
}

// plainPart returns how many bytes of a text stand in JSON as they are, and are ASCII. It looks at eight at a time.
func plainPart(s string) int {
	i := 0
	for ; i+8 <= len(s) && plain8(s[i:]); i += 8 {
	}
	if len(s) >= 8 && i+8 > len(s) && plain8(s[len(s)-8:]) { // some of these a second time
		return len(s)
	}
	for ; i < len(s); i++ { // and some of these are plain
		if c := s[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			break
		}
	}
	return i
}

// plain8 reports whether the first eight bytes of a text are plain.
func plain8(p string) bool {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	_ = p[7]
	x := uint64(p[0]) | uint64(p[1])<<8 | uint64(p[2])<<16 | uint64(p[3])<<24 | uint64(p[4])<<32 | uint64(p[5])<<40 | uint64(p[6])<<48 | uint64(p[7])<<56
	quote, slash := x^ones*'"', x^ones*'\\'
	return (x|(x-ones*' ')|(quote-ones)|(slash-ones))&tops == 0
}

func appendTexts(b []byte, all []string) []byte {
	if all == nil {
		return append(b, null...)
	}
	b = append(b, '[')
	for i, s := range all {
		b = appendText(between(b, i), s)
	}
	return append(b, ']')
}

// between writes what stands before the i-th value of a list.
func between(b []byte, i int) []byte {
	if i > 0 {
		return append(b, ',')
	}
	return b
}

func appendClients(b []byte, all []Client) []byte {
	if all == nil {
		return append(b, null...)
	}
	b = append(b, '[')
	for i := range all {
		c := &all[i]
		b = appendMaybeText(append(between(b, i), `{"clientId":`...), c.ClientID)
		b = appendMaybeText(append(b, `,"group":`...), c.Group)
		b = appendMaybeText(append(b, `,"host":`...), c.Host)
		b = appendMaybeText(append(b, `,"instance":`...), c.Instance)
		b = appendText(append(b, `,"kind":`...), c.Kind)
		b = appendMaybeText(append(b, `,"principal":`...), c.Principal)
		b = appendMaybeText(append(b, `,"software":`...), c.Software)
		b = appendMaybeText(append(b, `,"transactionalId":`...), c.TransactionalID)
		b = append(b, '}')
	}
	return append(b, ']')
}

func appendEvidence(b []byte, all []Evidence) (_ []byte, err error) {
	if all == nil {
		return append(b, null...), nil
	}
	b = append(b, '[')
	for i := range all {
		e := &all[i]
		b = appendMaybeText(append(between(b, i), `{"detail":`...), e.Detail)
		b = appendText(append(b, `,"kind":`...), e.Kind)
		if b, err = e.Since.appendJSON(append(b, `,"since":`...)); err != nil {
			return b, err
		}
		b = append(b, '}')
	}
	return append(b, ']'), nil
}

func appendPeriod(b []byte, p Period) ([]byte, error) {
	b, err := p.End.appendJSON(append(b, `{"end":`...))
	if err != nil {
		return b, err
	}
	b, err = p.Start.appendJSON(append(b, `,"start":`...))
	return append(b, '}'), err
}

// appendUsage writes a use; of its period the form may be given, which is that of all of a batch.
func appendUsage(b []byte, u *Usage, period []byte) (_ []byte, err error) {
	b = append(b, `{"active":`...)
	if u.Active == nil {
		b = append(b, null...)
	} else {
		b = strconv.AppendBool(b, *u.Active)
	}
	b = appendMaybeNumber(append(b, `,"amends":`...), u.Amends)
	b = appendMaybeNumber(append(b, `,"bytes":`...), u.Bytes)
	b = strconv.AppendInt(append(b, `,"clientCount":`...), int64(u.ClientCount), 10)
	b = appendClients(append(b, `,"clients":`...), u.Clients)
	b = strconv.AppendBool(append(b, `,"estimated":`...), u.Estimated)
	if b, err = appendEvidence(append(b, `,"evidence":`...), u.Evidence); err != nil {
		return b, err
	}
	b = appendMaybeNumber(append(b, `,"lost":`...), u.Lost)
	b = appendText(append(b, `,"node":`...), u.Node)
	b = strconv.AppendInt(append(b, `,"observed":`...), u.Observed, 10)
	b = appendText(append(b, `,"operation":`...), u.Operation)
	b = appendMaybeText(append(b, `,"owner":`...), u.Owner)
	b = append(b, `,"period":`...)
	if len(period) > 0 {
		b = append(b, period...)
	} else if b, err = appendPeriod(b, u.Period); err != nil {
		return b, err
	}
	b = appendMaybeNumber(append(b, `,"records":`...), u.Records)
	b = appendMaybeNumber(append(b, `,"skipped":`...), u.Skipped)
	b = appendTexts(append(b, `,"tags":`...), u.Tags)
	b = appendText(append(b, `,"topic":`...), u.Topic)
	b = appendMaybeText(append(b, `,"topicOwner":`...), u.TopicOwner)
	b = appendTexts(append(b, `,"topicTags":`...), u.TopicTags)
	b = appendText(append(b, `,"type":`...), u.Type)
	b = strconv.AppendInt(append(b, `,"v":`...), int64(u.V), 10)
	return append(b, '}'), nil
}

func appendTopics(b []byte, t *topicsEntry) (_ []byte, err error) {
	b = appendMaybeText(append(b, `{"next":`...), t.Next)
	b = strconv.AppendInt(append(b, `,"part":`...), int64(t.Part), 10)
	b = strconv.AppendInt(append(b, `,"parts":`...), int64(t.Parts), 10)
	if b, err = appendPeriod(append(b, `,"period":`...), t.Period); err != nil {
		return b, err
	}
	b = append(b, `,"topics":`...)
	if t.Topics == nil {
		b = append(b, null...)
	} else {
		b = append(b, '[')
		for i := range t.Topics {
			r := &t.Topics[i]
			b = appendText(append(between(b, i), '['), r.id)
			b = strconv.AppendInt(append(b, ','), r.first, 10)
			b = strconv.AppendInt(append(b, ','), r.count, 10)
			b = append(b, ']')
		}
		b = append(b, ']')
	}
	b = appendText(append(b, `,"type":`...), t.Type)
	b = strconv.AppendInt(append(b, `,"v":`...), int64(t.V), 10)
	return append(b, '}'), nil
}
