package lineage

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Persons are those who are to be forgotten, each by a principal or a host, and what stands in their place: a name that
// was drawn, another for each, so that whom it stood for cannot be told and nobody becomes one with anybody else.
type Persons struct {
	principals map[string]string
	hosts      map[string]string // without the slash that Kafka writes before an address
	words      []word
}

// word is a name as it may stand in a text, and what it becomes there.
type word struct{ is, now string }

// erasedPrefix begins what stands in the place of a person.
const erasedPrefix = "erased-"

// NewPersons returns those of some principals, each with its type as in User:ann, and of some hosts.
func NewPersons(principals, hosts []string) (*Persons, error) {
	p := &Persons{principals: map[string]string{}, hosts: map[string]string{}}
	for _, name := range principals {
		kind, rest, ok := strings.Cut(name, ":")
		if !ok || kind == "" || rest == "" {
			return nil, fmt.Errorf("the principal %q is not TYPE:NAME, as User:ann", name)
		}
		now, err := drawn()
		if err != nil {
			return nil, err
		}
		p.principals[name] = kind + ":" + now
	}
	for _, name := range hosts {
		bare := strings.TrimPrefix(name, "/")
		if bare == "" || bare == "*" {
			return nil, fmt.Errorf("the host %q names nobody", name)
		}
		now, err := drawn()
		if err != nil {
			return nil, err
		}
		p.hosts[bare] = now
	}
	if len(p.principals)+len(p.hosts) == 0 {
		return nil, errors.New("nobody is named")
	}
	for _, of := range []map[string]string{p.principals, p.hosts} {
		for is, now := range of {
			p.words = append(p.words, word{is, now})
		}
	}
	// Of two that begin alike the longer first, so that the shorter is not found in it.
	slices.SortFunc(p.words, func(a, b word) int {
		if n := len(b.is) - len(a.is); n != 0 {
			return n
		}
		return strings.Compare(a.is, b.is)
	})
	return p, nil
}

func drawn() (string, error) {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", fmt.Errorf("draw a name: %w", err)
	}
	return erasedPrefix + hex.EncodeToString(b[:]), nil
}

// Names returns the names, as they may stand anywhere.
func (p *Persons) Names() (out []string) {
	for _, w := range p.words {
		out = append(out, w.is)
	}
	return out
}

// Principal returns what a principal becomes: itself where it is nobody of them.
func (p *Persons) Principal(s string) string {
	if now, ok := p.principals[s]; ok {
		return now
	}
	return s
}

// Host is Principal of a host, with or without its slash, and with or without a port.
func (p *Persons) Host(s string) string {
	bare := strings.TrimPrefix(s, "/")
	if now, ok := p.hosts[bare]; ok {
		return s[:len(s)-len(bare)] + now
	}
	return p.Text(s)
}

// Text returns a text without them. A name is found where it is a word: 10.0.0.1 is in "from /10.0.0.1:9092", and not
// in "10.0.0.10".
func (p *Persons) Text(s string) string {
	for _, w := range p.words {
		s = w.replaced(s)
	}
	return s
}

// Client forgets them in a client, and reports whether it was one of theirs. Its client.id and its member are texts:
// who names them often puts the host in. Its group and its transactional.id are Kafka's names, and stay.
func (p *Persons) Client(c *Client) bool {
	was := *c
	c.Principal, c.Host = p.Principal(c.Principal), p.Host(c.Host)
	for _, s := range []*string{&c.ClientID, &c.Member, &c.Software, &c.Instance, &c.Principal} {
		*s = p.Text(*s)
	}
	return *c != was
}

func (w word) replaced(s string) string {
	var out strings.Builder
	from := 0
	for at := 0; ; {
		i := strings.Index(s[at:], w.is)
		if i < 0 {
			break
		}
		i += at
		end := i + len(w.is)
		if !w.ends(s[:i], s[end:]) {
			_, n := utf8.DecodeRuneInString(s[i:])
			at = i + n
			continue
		}
		out.WriteString(s[from:i])
		out.WriteString(w.now)
		from, at = end, end
	}
	if from == 0 {
		return s
	}
	out.WriteString(s[from:])
	return out.String()
}

// ends reports whether the name is a word of its own between two texts. After an address a dash is its end, as in a
// client.id that is made of it; another name may go on with one.
func (w word) ends(before, after string) bool {
	last, _ := utf8.DecodeLastRuneInString(before)
	if before != "" && letter(last) {
		return false
	}
	address := net.ParseIP(w.is) != nil
	if address && last == '.' && strings.TrimRight(before, ".0123456789") != strings.TrimRight(before, ".") {
		return false // of a longer number
	}
	next, n := utf8.DecodeRuneInString(after)
	switch {
	case after == "":
		return true
	case letter(next):
		return false
	case next == '-' || next == '_' || next == '@':
		return address
	case next == '.':
		further, _ := utf8.DecodeRuneInString(after[n:])
		return after[n:] == "" || !letter(further)
	default:
		return true
	}
}

func letter(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
