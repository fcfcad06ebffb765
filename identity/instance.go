package identity

import (
	"regexp"
	"strings"
)

// suffix is an end of a name that tells instances of one application apart. What is before it is the application's.
type suffix struct {
	what    string
	end     string         // the bytes that it can end with; a name that ends otherwise is not worth a look at the pattern
	part    string         // what it always holds
	pattern *regexp.Regexp // from the separator to the end
	keep    *regexp.Regexp // names that end so are left alone, though pattern matches; may be nil
}

const (
	digits = "0123456789"
	hexes  = digits + "abcdef"
)

// suffixes hold only what a machine made up: to leave two instances apart is a blemish that a rule mends, to take two applications for
// one is a wrong answer. So one loose group of letters and digits is not enough, nor a number after a dot, which ends a version.
var suffixes = []suffix{
	{what: "process id of Streams and others", end: hexes + "ABCDEF", part: "-", pattern: regexp.MustCompile(`[-_.:@#/]` + uuid + `$`)},
	{what: "hash or container id", end: hexes, pattern: regexp.MustCompile(`[-_.:@#/](?:[0-9a-f]{12}|[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})$`)},
	// A deployment's pod: the hash is a decimal number in the letters that Kubernetes takes for 0 to 9, the end is five of its 27 random ones.
	{what: "pod of a deployment", end: "2456789bcdfghjklmnpqrstvwxz", part: "-", pattern: regexp.MustCompile(`-[4-9bcdf]{6,10}-[2456789bcdfghjklmnpqrstvwxz]{5}$`)},
	{what: "pod in the cluster's DNS", end: "lcd", part: ".", pattern: regexp.MustCompile(`(?:\.[a-z0-9-]+){1,2}\.(?:svc|pod)(?:\.cluster\.local)?$`)},
	{what: "host of a cloud", end: digits + "abcdefghijklmnopqrstuvwxyz-", part: "ip-", pattern: regexp.MustCompile(`[-_.:@#/]ip-\d{1,3}-\d{1,3}-\d{1,3}-\d{1,3}(?:\.[a-z0-9-]+)*$`)},
	{what: "address", end: digits, part: ".", pattern: regexp.MustCompile(`[-_:@#/]\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?::\d+)?$`)},
	{what: "thread", end: digits, pattern: regexp.MustCompile(`(?i)[-_.:#/]thread[-_]?\d+$`)},
	{
		what: "number", end: digits,
		pattern: regexp.MustCompile(`[-_#/]\d+$`),
		// orders-v-2 is a version and billing-eu-west-1 a region of AWS, of which each may have its own application.
		keep: regexp.MustCompile(`(?i)(?:(?:^|[-_.])(?:v|ver|version|rev|release)|(?:^|[-_.])(?:us|eu|ap|sa|ca|mx|me|af|il|cn)-(?:gov-|iso[a-z]?-)?` +
			`(?:north|south|east|west|central|northeast|northwest|southeast|southwest))[-_#/]\d+$`),
	},
}

// nobody matches what libraries call themselves when nobody set a name, and what is left of such a name without its number. tx is what the
// manuals call a transactional.id.
var nobody = regexp.MustCompile(`(?i)^(?:lib|node-|php-|py)?rdkafka(?:[-#].*)?$|^(?:sarama|kgo|franz-go|kafkajs|kafka-go|pykafka|ruby-kafka|kafka-node-client|` +
	`producer|consumer|share-consumer|adminclient|consumer-null|txn?|anonymous)$|` +
	`^(?:kafka-python|aiokafka|faust|confluent-kafka)(?:-.*)?$|^(?:` + uuid + `|[0-9a-f]{32}|\d+)$`)

// WithoutInstance returns a client.id or a transactional.id without the suffixes that tell instances of one application apart; empty when what is left is nobody's name.
func WithoutInstance(name string) string { return instanceless(name, "") }

// instanceless returns name without the suffixes that tell instances apart, host among them; empty when what is left is nobody's name.
func instanceless(name, host string) string {
	host = strings.TrimPrefix(host, "/")
	for {
		if nobody.MatchString(name) {
			return ""
		}
		short := name
		if host != "" && strings.HasSuffix(short, host) {
			if rest := strings.TrimSuffix(short, host); rest == "" || strings.ContainsAny(rest[len(rest)-1:], "-_.:@#/") {
				short = strings.TrimRight(rest, "-_.:@#/")
			}
		}
		for _, s := range suffixes {
			short = short[:s.start(short)]
		}
		short = strings.TrimSpace(short)
		if short == name || short == "" {
			return short
		}
		name = short
	}
}

// start returns where the suffix starts in name; its length when it has none.
func (s *suffix) start(name string) int {
	if name == "" || strings.IndexByte(s.end, name[len(name)-1]) < 0 || !strings.Contains(name, s.part) {
		return len(name)
	}
	at := s.pattern.FindStringIndex(name)
	if at == nil || s.keep != nil && s.keep.MatchString(name) {
		return len(name)
	}
	return at[0]
}
