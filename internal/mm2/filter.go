package mm2

import (
	"regexp"
	"strings"
)

// What MirrorMaker 2 takes where topics and topics.exclude are not set (DefaultTopicFilter, 4.3.1), and the class that
// reads them.
const (
	defaultTopics  = ".*"
	defaultExclude = `mm2.*\.internal, .*\.replica, __.*`
	defaultFilter  = "org.apache.kafka.connect.mirror.DefaultTopicFilter"
)

// Filter says which topics of its source a MirrorSourceConnector copies.
type Filter struct {
	policy           Policy
	target           string
	include, exclude *regexp.Regexp // nil: not known, then all may be copied
}

// Filter compiles what the configuration says. Where it can't be known, since another class decides or an expression is
// one that Go does not have, Copies errs on the side of copying.
func (c ConnectorConfig) Filter() Filter {
	f := Filter{policy: c.Policy, target: c.TargetAlias}
	if c.TopicFilter != "" && c.TopicFilter != defaultFilter {
		return f
	}
	f.include, f.exclude = patterns(c.Topics, defaultTopics), patterns(c.TopicsExclude, defaultExclude)
	return f
}

// Certain is false when Copies can only guess.
func (f Filter) Certain() bool { return f.include != nil && f.exclude != nil }

// Copies reports whether the filter lets a topic of the source pass.
func (f Filter) Copies(topic string) bool {
	if !f.policy.Replicates(topic, f.target) {
		return false
	}
	if f.policy.heartbeat(topic) {
		return true // heartbeats.replication.enabled is the default, whatever the lists say
	}
	return (f.include == nil || f.include.MatchString(topic)) && (f.exclude == nil || !f.exclude.MatchString(topic))
}

// patterns compiles a list of names and expressions, each of which must match the whole name; nil when it does not
// compile.
func patterns(list, otherwise string) *regexp.Regexp {
	if strings.TrimSpace(list) == "" {
		list = otherwise
	}
	var parts []string
	for p := range strings.SplitSeq(list, ",") {
		if p = strings.TrimSpace(p); p != "" {
			parts = append(parts, p)
		}
	}
	re, err := regexp.Compile("^(?:" + strings.Join(parts, "|") + ")$")
	if err != nil {
		return nil
	}
	return re
}
