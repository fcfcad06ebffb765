package identity

import (
	"regexp"
	"strings"
)

// suffix is an end of a name that tells instances of one application apart. What is before it is the application's.
type suffix struct {
	what string
	// the bytes that it can end with; a name that ends otherwise is not worth a look at the pattern
	end     string
	part    string         // what it always holds
	pattern *regexp.Regexp // from the separator to the end
	keep    *regexp.Regexp // names that end so are left alone, though pattern matches; may be nil
	// where it ends with a number, what stands in front of that; empty: that does not matter. It saves a look at the
	// pattern
	behind string
	mixed  bool // it holds letters and digits, or it is a word or a number
	plain  bool // people number programs so too: a group keeps it
}

const (
	digits = "0123456789"
	hexes  = digits + "abcdef"
)

// suffixes hold only what a machine made up: to leave two instances apart is a blemish that a rule mends, to take two
// applications for one is a wrong answer. So one loose group of letters and digits is not enough, nor a number after a
// dot, which ends a version.
var suffixes = []suffix{
	// Nothing else looks like one, so whatever stands around it is no part of the name.
	{what: "process id of Streams and others", end: hexes + "ABCDEF)]}>", part: "-", pattern: regexp.MustCompile(`[^0-9A-Za-z]*` + uuid + `[)\]}>]*$`)},
	{what: "hash or container id", end: hexes, mixed: true, pattern: regexp.MustCompile(`[-_.:@#/](?:[0-9a-f]{12}|[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})$`)},
	{what: "instance id of a cloud", end: hexes, part: "i-", mixed: true, pattern: regexp.MustCompile(`[-_.:@#/]i-(?:[0-9a-f]{8}|[0-9a-f]{17})$`)},
	{what: "ULID", end: digits + "ABCDEFGHJKMNPQRSTVWXYZ", part: "01", mixed: true, pattern: regexp.MustCompile(`[-_.:@#/]01[0-9A-HJKMNP-TV-Z]{24}$`)},
	// A deployment's pod: the hash is a decimal number in the letters that Kubernetes takes for 0 to 9, the end is five
	// of its 27 random ones.
	{what: "pod of a deployment", end: "2456789bcdfghjklmnpqrstvwxz", part: "-", pattern: regexp.MustCompile(`-[4-9bcdf]{6,10}-[2456789bcdfghjklmnpqrstvwxz]{5}$`)},
	// the minute that it is of
	{what: "pod of a cron job", end: "2456789bcdfghjklmnpqrstvwxz", part: "-", pattern: regexp.MustCompile(`-[23]\d{7}-[2456789bcdfghjklmnpqrstvwxz]{5}$`)},
	{what: "pod in the cluster's DNS", end: "lcd", part: ".", pattern: regexp.MustCompile(`(?:-\d+)?(?:\.[a-z0-9-]+){1,2}\.(?:svc|pod)(?:\.cluster\.local)?$`)},
	{what: "host of a cloud", end: digits + "abcdefghijklmnopqrstuvwxyz-", part: "ip-", pattern: regexp.MustCompile(`[-_.:@#/]ip-\d{1,3}-\d{1,3}-\d{1,3}-\d{1,3}(?:\.[a-z0-9-]+)*$`)},
	{what: "address", end: digits, part: ".", pattern: regexp.MustCompile(`[-_:@#/]\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?::\d+)?$`)},
	// In milliseconds, microseconds or nanoseconds, of the years 2014 to 2033. In seconds it has as many digits as many
	// a customer's number.
	{what: "instant", end: digits, behind: "-_.:@#/", pattern: regexp.MustCompile(`[-_.:@#/]1[4-9](?:\d{11}|\d{14}|\d{17})$`)},
	// To the second, as people write it; a date is what a person calls something by. Some have fractions and a zone.
	{what: "instant in words", end: digits + "Zz", part: "20", pattern: regexp.MustCompile(`[-_.:@#/]+20\d\d-?[01]\d-?[0-3]\d[-_.Tt]?[0-2]\d[-_.:]?[0-5]\d[-_.:]?[0-5]\d` +
		`(?:[.,]\d+)?(?:[Zz]|[-+]\d\d:?\d\d)?$`)},
	{what: "thread", end: digits, behind: "dD-_", pattern: regexp.MustCompile(`(?i)[-_.:#/]thread[-_]?\d+$`)},
	{
		what: "number", end: digits, behind: "-_#/", plain: true,
		pattern: regexp.MustCompile(`[-_#/]\d+$`),
		// orders-v-2 is a version and billing-eu-west-1 a region of AWS, of which each may have its own application.
		keep: regexp.MustCompile(`(?i)(?:(?:^|[-_.])(?:v|ver|version|rev|release)|(?:^|[-_.])(?:us|eu|ap|sa|ca|mx|me|af|il|cn)-(?:gov-|iso[a-z]?-)?` +
			`(?:north|south|east|west|central|northeast|northwest|southeast|southwest))[-_#/]\d+$`),
	},
}

// nobodies are what libraries call themselves when nobody set a name, and what is left of such a name without its
// number. tx is what the manuals call a transactional.id.
var nobodies = map[string]bool{
	"sarama": true, "kgo": true, "franz-go": true, "kafkajs": true, "kafka-go": true, "pykafka": true, "ruby-kafka": true, "kafka-node-client": true,
	"producer": true, "consumer": true, "share-consumer": true, "adminclient": true, "consumer-null": true, "tx": true, "txn": true, anonymous: true,
}

// librarians are libraries that put a version, a number or more behind their name.
var librarians = [...]string{
	"rdkafka", "librdkafka", "node-rdkafka", "php-rdkafka", "pyrdkafka", "kafka-python", "aiokafka", "faust", "faststream", "confluent-kafka",
}

// isNobody reports whether a name is a library's, or nothing but a number, a UUID or a hash.
func isNobody(name string) bool {
	low := strings.ToLower(name)
	if nobodies[low] || name != "" && strings.Trim(name, digits) == "" || (len(low) == 36 || len(low) == 32) && whole.MatchString(low) {
		return true
	}
	for _, l := range librarians {
		if rest, ok := strings.CutPrefix(low, l); ok && (rest == "" || rest[0] == '-' || rest[0] == '#') {
			return true
		}
	}
	return false
}

// instanceless returns name without the suffixes that tell instances apart, host among them; empty when what is left is
// nobody's name.
func instanceless(name, host string) string { return (*groupNames)(nil).base(name, host, false) }

// shorter returns name without one suffix, name itself when it has none. number says that it was a plain number.
func shorter(name, host string) (short string, number bool) {
	if host = strings.TrimPrefix(host, "/"); host != "" && strings.HasSuffix(name, host) {
		if rest := strings.TrimSuffix(name, host); rest == "" || strings.ContainsAny(rest[len(rest)-1:], "-_.:@#/") {
			return strings.TrimSpace(strings.TrimRight(rest, "-_.:@#/")), false
		}
	}
	c := cutOf(name)
	return c.short, c.plain
}

// start returns where the suffix starts in name; its length when it has none.
func (s *suffix) start(name string) int {
	if name == "" || strings.IndexByte(s.end, name[len(name)-1]) < 0 || !strings.Contains(name, s.part) {
		return len(name)
	}
	if s.behind != "" {
		if head := strings.TrimRight(name, digits); head == "" || strings.IndexByte(s.behind, head[len(head)-1]) < 0 {
			return len(name)
		}
	}
	at := s.pattern.FindStringIndex(name)
	if at == nil || s.keep != nil && s.keep.MatchString(name) || s.mixed && !mixed(name[at[0]+1:]) {
		return len(name)
	}
	return at[0]
}

// mixed reports whether s holds a digit and something else.
func mixed(s string) bool { return strings.ContainsAny(s, digits) && strings.Trim(s, digits) != "" }
