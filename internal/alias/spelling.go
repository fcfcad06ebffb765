package alias

import (
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// The limits of what is read of one spelling. No list of bootstrap servers comes near them.
const (
	mostBytes   = 8 << 10
	mostEntries = 200
	mostShown   = 200 // characters
)

// spelling is what stands in a text that names a cluster.
type spelling struct {
	shown     string   // without users and passwords
	bare      string   // the whole, without kafka:// in front and in lower case
	addresses []string // host:port, as they are compared; each once
	names     []name   // what may be an id or a name, since it holds no port
	other     string   // the scheme, where that is not Kafka's; empty: it is
	why       string   // why there is neither address nor name
}

// name is what may name a cluster, and the topic behind it where a text names both.
type name struct{ text, topic, whole string }

// means reports whether what a rule spells is what somebody else does: the same text, or an address or a name of it.
func (s spelling) means(o spelling) bool {
	return s.bare == o.bare ||
		slices.ContainsFunc(s.addresses, func(a string) bool { return slices.Contains(o.addresses, a) }) ||
		slices.ContainsFunc(s.names, func(n name) bool {
			return n.topic == "" && slices.ContainsFunc(o.names, func(m name) bool { return strings.EqualFold(n.text, m.text) })
		})
}

const (
	urn       = "urn:li:dataset:("
	urnKafka  = "urn:li:dataPlatform:kafka"
	confluent = "confluent" // confluent://ENVIRONMENT/CLUSTER, of takabayashi/lineage-bridge
)

// schemes are those in front of addresses of Kafka. Others in capitals are names of listeners, which are anybody's.
var (
	schemes  = []string{"kafka", "plaintext", "ssl", "sasl_plaintext", "sasl_ssl", "kafka-secure"}
	listener = regexp.MustCompile(`^[A-Z][A-Z0-9_.-]*$`)
	scheme   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+_.-]*://`)
)

// read reads a text that names a cluster.
func read(text string) spelling {
	text = strings.TrimSpace(text)
	text = anonymous(text)
	s := spelling{shown: shown(text), bare: strings.ToLower(strings.TrimPrefix(text, "kafka://"))}
	switch {
	case len(text) > mostBytes:
		s.why = "it is longer than any list of addresses"
		return s
	case strings.ContainsAny(text, "{}"):
		s.why = "where its address stands is a variable"
		return s
	case strings.HasPrefix(text, urn):
		s.readURN(text)
		return s
	}
	if scheme, rest, ok := strings.Cut(text, "://"); ok && scheme != "" && !strings.ContainsAny(scheme, ",;") {
		switch {
		case strings.EqualFold(scheme, confluent):
			rest = strings.TrimRight(rest, "/")
			if last := rest[strings.LastIndexByte(rest, '/')+1:]; last != "" {
				s.names = append(s.names, name{text: last})
			}
			s.why = "it names no cluster"
			return s
		case !ofKafka(scheme):
			s.other = scheme
			return s
		}
	}
	entries := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' || unicode.IsSpace(r) })
	for _, e := range entries[:min(len(entries), mostEntries)] {
		s.readEntry(e)
	}
	return s
}

func ofKafka(scheme string) bool {
	return slices.Contains(schemes, strings.ToLower(scheme)) || listener.MatchString(scheme)
}

// readEntry reads one entry of a list: an address with whatever scheme, or a name. kafka:// may stand before another.
func (s *spelling) readEntry(e string) {
	for {
		_, rest, ok := strings.Cut(e, "://")
		if !ok {
			break
		}
		e = rest
	}
	e, _, _ = strings.Cut(e, "/")
	host, port := e, ""
	if h, p, err := net.SplitHostPort(e); err == nil {
		host, port = h, p
	} else if h, empty := strings.CutSuffix(e, ":"); empty {
		host = h
	}
	if e == "" {
		return
	}
	if placeholder(host) {
		s.why = "it names no address: " + quote(e)
		return
	}
	if port == "" {
		s.names = append(s.names, name{text: host})
		return
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		s.why = "it names no port: " + quote(e)
		return
	}
	if a := normal(host, port); !slices.Contains(s.addresses, a) {
		s.addresses = append(s.addresses, a)
	}
}

// placeholder reports whether a host is what stands where nobody knew one: Debezium says unknown (3.4), Spark null
// (1.54).
func placeholder(host string) bool {
	switch strings.ToLower(strings.Trim(host, "[]")) {
	case "", "unknown", "null", "none", "undefined", "0.0.0.0", "::":
		return true
	}
	return false
}

// normal is an address as addresses are compared.
func normal(host, port string) string {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if ip, err := netip.ParseAddr(host); err == nil {
		host = ip.Unmap().String()
	}
	return net.JoinHostPort(host, strings.TrimLeft(port, "0"))
}

// local reports whether an address means something in one network only: a host without a domain, a private address.
func local(address string) bool {
	host, _, _ := net.SplitHostPort(address)
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast()
	}
	for _, suffix := range []string{".local", ".internal", ".localdomain", ".localhost", ".svc", ".lan"} {
		if strings.HasSuffix(host, suffix) {
			return true
		}
	}
	return !strings.Contains(host, ".")
}

// readURN reads DataHub's name of a dataset: urn:li:dataset:(urn:li:dataPlatform:kafka,[INSTANCE.]TOPIC,PROD). Which of
// the dots is the first one's end is not said, so all that may be the instance is a name.
func (s *spelling) readURN(text string) {
	platform, rest, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(text, urn), ")"), ",")
	if !strings.EqualFold(platform, urnKafka) {
		s.other = strings.TrimPrefix(platform, "urn:li:dataPlatform:")
		return
	}
	whole := rest
	if at := strings.LastIndexByte(rest, ','); at >= 0 {
		whole = rest[:at]
	}
	for at := range len(whole) {
		if whole[at] == '.' && at > 0 && at < len(whole)-1 && len(s.names) < mostEntries {
			s.names = append(s.names, name{whole[:at], whole[at+1:], whole})
		}
	}
	s.why = "a URN without a platform instance names no cluster"
}

// anonymous is a text without what stands before its last @: users and passwords, which may hold anything that else
// ends an entry. What was before them is lost with them.
func anonymous(text string) string {
	at := strings.LastIndexByte(text, '@')
	if at < 0 {
		return text
	}
	return scheme.FindString(text) + text[at+1:]
}

// shown is a text not longer than somebody reads.
func shown(text string) string {
	if len(text) > mostBytes {
		text = text[:mostBytes]
	}
	text = strings.ToValidUTF8(text, "\uFFFD")
	if r := []rune(text); len(r) > mostShown {
		text = string(r[:mostShown]) + "…"
	}
	return text
}

func quote(s string) string { return strconv.Quote(shown(s)) }

func quoteAll(all []string) (out []string) {
	for _, s := range all {
		out = append(out, quote(s))
	}
	return out
}

// scalar is a text as YAML has it.
func scalar(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return strconv.Quote(s)
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

func compact(all ...string) []string {
	slices.Sort(all)
	return slices.Compact(all)
}
