package ledger

import (
	"strconv"
	"unicode/utf8"
)

// form writes the canonical form of uses, which nearly all entries are, without encoding/json: an hour's close waits
// for little else. That both write the same is tested.
type form []byte

func (f *form) key(k string) { *f = append(append(append(*f, '"'), k...), '"', ':') }

func (f *form) next(k string) {
	*f = append(*f, ',')
	f.key(k)
}

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
	plain := 0 // from where on what was passed over is as it stands
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[plain:i]...)
		switch {
		case c >= utf8.RuneSelf:
			r, n := utf8.DecodeRuneInString(s[i:])
			b = utf8.AppendRune(b, r) // what is no UTF-8 is U+FFFD
			i += n
			plain = i
			continue
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c >= '\b' && c <= '\r' && c != '\v':
			b = append(b, '\\', "btn.fr"[c-'\b'])
		default:
			b = append(b, '\\', 'u', '0', '0', '0'+c>>4, "0123456789abcdef"[c&15])
		}
		i++
		plain = i
	}
	*f = append(append(b, s[plain:]...), '"')
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
	*f = append(*f, '{')
	f.key("clientId")
	f.maybeText(c.ClientID)
	f.next("group")
	f.maybeText(c.Group)
	f.next("host")
	f.maybeText(c.Host)
	f.next("instance")
	f.maybeText(c.Instance)
	f.next("kind")
	f.text(c.Kind)
	f.next("principal")
	f.maybeText(c.Principal)
	f.next("software")
	f.maybeText(c.Software)
	f.next("transactionalId")
	f.maybeText(c.TransactionalID)
	*f = append(*f, '}')
}

func (f *form) evidence(e *Evidence) error {
	*f = append(*f, '{')
	f.key("detail")
	f.maybeText(e.Detail)
	f.next("kind")
	f.text(e.Kind)
	f.next("since")
	err := f.instant(e.Since)
	*f = append(*f, '}')
	return err
}

func (f *form) period(p Period) error {
	*f = append(*f, '{')
	f.key("end")
	if err := f.instant(p.End); err != nil {
		return err
	}
	f.next("start")
	err := f.instant(p.Start)
	*f = append(*f, '}')
	return err
}

func (f *form) usage(u *Usage) error {
	*f = append(*f, '{')
	f.key("active")
	if u.Active == nil {
		f.null()
	} else {
		f.flag(*u.Active)
	}
	f.next("amends")
	f.maybeNumber(u.Amends)
	f.next("bytes")
	f.maybeNumber(u.Bytes)
	f.next("clientCount")
	f.number(int64(u.ClientCount))
	f.next("clients")
	_ = f.list(len(u.Clients), u.Clients == nil, func(i int) error { // a client has no instant
		f.client(&u.Clients[i])
		return nil
	})
	f.next("estimated")
	f.flag(u.Estimated)
	f.next("evidence")
	if err := f.list(len(u.Evidence), u.Evidence == nil, func(i int) error { return f.evidence(&u.Evidence[i]) }); err != nil {
		return err
	}
	f.next("lost")
	f.maybeNumber(u.Lost)
	f.next("node")
	f.text(u.Node)
	f.next("observed")
	f.number(u.Observed)
	f.next("operation")
	f.text(u.Operation)
	f.next("owner")
	f.maybeText(u.Owner)
	f.next("period")
	if err := f.period(u.Period); err != nil {
		return err
	}
	f.next("records")
	f.maybeNumber(u.Records)
	f.next("skipped")
	f.maybeNumber(u.Skipped)
	f.next("tags")
	f.texts(u.Tags)
	f.next("topic")
	f.text(u.Topic)
	f.next("topicOwner")
	f.maybeText(u.TopicOwner)
	f.next("topicTags")
	f.texts(u.TopicTags)
	f.next("type")
	f.text(u.Type)
	f.next("v")
	f.number(int64(u.V))
	*f = append(*f, '}')
	return nil
}
