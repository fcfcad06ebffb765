package identity

import (
	"regexp"
	"strings"

	"github.com/lineaged/lineaged/lineage"
)

// convention is how a known client names itself. kind is what the node is: where a name alone is seen of what has a
// runtime of its own (a connector, a replicator) it is an application, so that no kind is claimed that nothing proves.
type convention struct {
	words string
	kind  lineage.NodeKind
	name  func(*facts) string // empty: not such a client
}

const uuid = `[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}`

var (
	// With its own client.id setting a Streams application has that in front in place of its application.id and the
	// process' uuid.
	streamsClient = regexp.MustCompile(`^(.+?)(?:-` + uuid + `)?-(?:Global)?StreamThread-\d+(?:-(?:\d+_\d+-)?(?:restore-|global-)?(?:consumer|producer))?$`)
	streamsOther  = regexp.MustCompile(`^(.+)-` + uuid + `-(?:admin|global-consumer|CleanupThread)$`)
	connectClient = regexp.MustCompile(`^connector-(?:consumer|producer|dlq-producer|adminclient)-(.+)-\d+$`)
	mirrorClient  = regexp.MustCompile(`^([^|]+->[^|]+)\|[^|]+\|[^|]+$`)
	// Kafka's console and performance tools make up a group for each run.
	toolGroup = regexp.MustCompile(`^(console-consumer|console-share-consumer|perf-consumer)-\d+$`)
	// The Java client's default where a group is set. Without one it is consumer-null-1, or consumer-1 in old versions.
	javaConsumer = regexp.MustCompile(`^consumer-(.+)-\d+$`)
	// segmentio/kafka-go's default names the program, and the host.
	kafkaGo = regexp.MustCompile(`^(.+?)@.* \(github\.com/segmentio/kafka-go\)$`)
	// faust's default; the group is the app's id.
	faustClient = regexp.MustCompile(`^(faust-\d+\.\d[0-9A-Za-z.]*)$`)
	// Spark makes up a group for each query's run.
	sparkGroup = regexp.MustCompile(`^(spark-kafka-(?:source|relation))-` + uuid)
)

var conventions = []convention{
	{"Kafka Streams convention", lineage.StreamJobNode, streams},
	{"faust convention", lineage.StreamJobNode, func(f *facts) string {
		if f.group != "" && firstMatch(faustClient, "faust-", f.clientIDs) != "" {
			return f.group
		}
		return ""
	}},
	{"Kafka Connect convention", lineage.ApplicationNode, func(f *facts) string {
		// A sink connector's group is connect-<name>; its dead letters and a source connector's records are written
		// under the same name.
		if name := firstMatch(connectClient, "connector-", f.clientIDs); name != "" {
			return "connect-" + name
		}
		return ""
	}},
	{"MirrorMaker 2 convention", lineage.ApplicationNode, func(f *facts) string { return firstMatch(mirrorClient, "->", f.clientIDs) }},
	{"Kafka tool convention", lineage.ApplicationNode, func(f *facts) string { return firstMatch(toolGroup, "-consumer-", one(f.group)) }},
	{"Spark convention", lineage.ApplicationNode, func(f *facts) string { return firstMatch(sparkGroup, "spark-kafka-", one(f.group)) }},
	{"kafka-go default client.id", lineage.ApplicationNode, func(f *facts) string {
		if f.group != "" {
			return ""
		}
		return firstMatch(kafkaGo, "kafka-go", one(f.client.ClientID))
	}},
}

// streams returns the application.id: a Streams application's group bears it, its clients have it in front.
func streams(f *facts) string {
	name := firstMatch(streamsClient, "StreamThread-", f.clientIDs)
	if name == "" {
		name = firstMatch(streamsOther, "-", f.clientIDs)
	}
	if f.group != "" && (name != "" || f.groupType == "Streams") {
		return f.group
	}
	return name
}

// firstMatch returns the first group of the first value that matches. Every match of pattern has literal in it: most
// values have not, and looking for it costs a hundredth.
func firstMatch(pattern *regexp.Regexp, literal string, values []string) string {
	for _, v := range values {
		if !strings.Contains(v, literal) {
			continue
		}
		if m := pattern.FindStringSubmatch(v); m != nil {
			return m[1]
		}
	}
	return ""
}
