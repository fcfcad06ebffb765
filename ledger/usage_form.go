package ledger

import (
	"strconv"
	"unicode/utf8"
)

// form writes the canonical form of uses and of directories, which nearly all of a batch is, without encoding/json: an
// hour's close waits for little else. That both write the same is tested.
type form []byte

// is writes what is in its form already.
func (f *form) is(s string) { *f = append(*f, s...) }

func (f *form) number(n int64) { *f = strconv.AppendInt(*f, n, 10) }

func (f *form) flag(v bool) { *f = strconv.AppendBool(*f, v) }

func (f *form) null() { *f = append(*f, "null"...) }

func (f *form) instant(i Instant) error {
	var err error
	*f, err = i.appendJSON(*f)
	return err
}

func (f *form) maybeNumber(n *int64) {
	if n == nil {
		f.null()
		return
	}
	f.number(*n)
}

func (f *form) maybeText(s *string) {
	if s == nil {
		f.null()
		return
	}
	f.text(*s)
}

func (f *form) text(s string) {
	b := append(*f, '"')
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
	*f = append(b, '"')
}

// plainPart returns how many bytes of a text stand in JSON as they are, and are ASCII. It looks at eight at a time.
func plainPart(s string) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(s); i += 8 {
		p := s[i : i+8]
		x := uint64(p[0]) | uint64(p[1])<<8 | uint64(p[2])<<16 | uint64(p[3])<<24 | uint64(p[4])<<32 | uint64(p[5])<<40 | uint64(p[6])<<48 | uint64(p[7])<<56
		quote, slash := x^ones*'"', x^ones*'\\'
		if (x|(x-ones*' ')|(quote-ones)|(slash-ones))&tops != 0 {
			break // some of these are plain, and are looked at one by one
		}
	}
	for ; i < len(s); i++ {
		if c := s[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			break
		}
	}
	return i
}

// list writes a list of so many; null where there is none.
func (f *form) list(n int, none bool, one func(int) error) error {
	if none {
		f.null()
		return nil
	}
	*f = append(*f, '[')
	for i := range n {
		if i > 0 {
			*f = append(*f, ',')
		}
		if err := one(i); err != nil {
			return err
		}
	}
	*f = append(*f, ']')
	return nil
}

func (f *form) texts(all []string) {
	_ = f.list(len(all), all == nil, func(i int) error { // a text is always written
		f.text(all[i])
		return nil
	})
}

func (f *form) client(c *Client) {
	f.is(`{"clientId":`)
	f.maybeText(c.ClientID)
	f.is(`,"group":`)
	f.maybeText(c.Group)
	f.is(`,"host":`)
	f.maybeText(c.Host)
	f.is(`,"instance":`)
	f.maybeText(c.Instance)
	f.is(`,"kind":`)
	f.text(c.Kind)
	f.is(`,"principal":`)
	f.maybeText(c.Principal)
	f.is(`,"software":`)
	f.maybeText(c.Software)
	f.is(`,"transactionalId":`)
	f.maybeText(c.TransactionalID)
	*f = append(*f, '}')
}

func (f *form) evidence(e *Evidence) error {
	f.is(`{"detail":`)
	f.maybeText(e.Detail)
	f.is(`,"kind":`)
	f.text(e.Kind)
	f.is(`,"since":`)
	err := f.instant(e.Since)
	*f = append(*f, '}')
	return err
}

func (f *form) period(p Period) error {
	f.is(`{"end":`)
	if err := f.instant(p.End); err != nil {
		return err
	}
	f.is(`,"start":`)
	err := f.instant(p.Start)
	*f = append(*f, '}')
	return err
}

func (f *form) usage(u *Usage) error {
	f.is(`{"active":`)
	if u.Active == nil {
		f.null()
	} else {
		f.flag(*u.Active)
	}
	f.is(`,"amends":`)
	f.maybeNumber(u.Amends)
	f.is(`,"bytes":`)
	f.maybeNumber(u.Bytes)
	f.is(`,"clientCount":`)
	f.number(int64(u.ClientCount))
	f.is(`,"clients":`)
	_ = f.list(len(u.Clients), u.Clients == nil, func(i int) error { // a client has no instant
		f.client(&u.Clients[i])
		return nil
	})
	f.is(`,"estimated":`)
	f.flag(u.Estimated)
	f.is(`,"evidence":`)
	if err := f.list(len(u.Evidence), u.Evidence == nil, func(i int) error { return f.evidence(&u.Evidence[i]) }); err != nil {
		return err
	}
	f.is(`,"lost":`)
	f.maybeNumber(u.Lost)
	f.is(`,"node":`)
	f.text(u.Node)
	f.is(`,"observed":`)
	f.number(u.Observed)
	f.is(`,"operation":`)
	f.text(u.Operation)
	f.is(`,"owner":`)
	f.maybeText(u.Owner)
	f.is(`,"period":`)
	if err := f.period(u.Period); err != nil {
		return err
	}
	f.is(`,"records":`)
	f.maybeNumber(u.Records)
	f.is(`,"skipped":`)
	f.maybeNumber(u.Skipped)
	f.is(`,"tags":`)
	f.texts(u.Tags)
	f.is(`,"topic":`)
	f.text(u.Topic)
	f.is(`,"topicOwner":`)
	f.maybeText(u.TopicOwner)
	f.is(`,"topicTags":`)
	f.texts(u.TopicTags)
	f.is(`,"type":`)
	f.text(u.Type)
	f.is(`,"v":`)
	f.number(int64(u.V))
	*f = append(*f, '}')
	return nil
}

func (f *form) topics(t *topicsEntry) error {
	f.is(`{"next":`)
	f.maybeText(t.Next)
	f.is(`,"part":`)
	f.number(int64(t.Part))
	f.is(`,"parts":`)
	f.number(int64(t.Parts))
	f.is(`,"period":`)
	if err := f.period(t.Period); err != nil {
		return err
	}
	f.is(`,"topics":`)
	_ = f.list(len(t.Topics), t.Topics == nil, func(i int) error { // a row has no instant
		r := &t.Topics[i]
		*f = append(*f, '[')
		f.text(r.id)
		*f = append(*f, ',')
		f.number(r.first)
		*f = append(*f, ',')
		f.number(r.count)
		*f = append(*f, ']')
		return nil
	})
	f.is(`,"type":`)
	f.text(t.Type)
	f.is(`,"v":`)
	f.number(int64(t.V))
	*f = append(*f, '}')
	return nil
}
