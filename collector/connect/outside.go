package connect

import (
	"regexp"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/collector/rest"
	"github.com/lineaged/lineaged/lineage"
)

// This file says what a connector reads or writes outside Kafka, and what it is called there where transformations
// rename.

// rename is what a transformation does to a topic's name; "" when nobody can say.
type rename func(topic string) string

// renames returns what transformations do to a topic's name: RegexRouter (KIP-66) replaces, others that are known to
// leave it alone do nothing. What depends on the record, by a field, the time or a predicate, nobody can say. nil:
// nothing is done.
func renames(get func(string) string) rename {
	var steps []rename
	for name := range strings.SplitSeq(get("transforms"), ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		at := "transforms." + name + "."
		kind := get(at + "type")
		switch kind = kind[strings.LastIndexByte(kind, '.')+1:]; {
		case kind == "RegexRouter" && get(at+"predicate") == "":
			steps = append(steps, regexRouter(get(at+"regex"), get(at+"replacement")))
		case strings.HasSuffix(kind, "Router"), strings.HasPrefix(kind, "ExtractTopic"):
			steps = append(steps, func(string) string { return "" })
		}
	}
	if len(steps) == 0 {
		return nil
	}
	return func(topic string) string {
		for _, step := range steps {
			if topic = step(topic); topic == "" {
				return ""
			}
		}
		return topic
	}
}

// routes is renames of a source, whose records may be renamed by any transformation: of those that are not Kafka's or
// Debezium's own nobody can say what they do.
func routes(get func(string) string) rename {
	for name := range strings.SplitSeq(get("transforms"), ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		kind := get("transforms." + name + ".type")
		if !strings.HasPrefix(kind, "org.apache.kafka.connect.transforms.") && !strings.HasPrefix(kind, "io.debezium.transforms.") {
			return func(string) string { return "" }
		}
	}
	return renames(get)
}

var javaGroup = regexp.MustCompile(`\$(\d)|\$\{(\w+)\}`)

// regexRouter replaces the name where the expression matches all of it, as Kafka's does. An expression that can't be
// read makes the name unknown.
func regexRouter(pattern, replacement string) rename {
	re, err := regexp.Compile(`^(?:` + pattern + `)$`)
	if err != nil || unresolved(pattern) {
		return func(string) string { return "" }
	}
	// $1x is a group and a letter in Java, and a group called 1x in Go
	replacement = javaGroup.ReplaceAllString(replacement, `$${$1$2}`)
	return func(topic string) string {
		if !re.MatchString(topic) {
			return topic
		}
		return re.ReplaceAllString(topic, replacement)
	}
}

// outside names the datasets of a connector by the topics that it reads or writes, and says when it can't.
func (t *take) outside(name string, d described, topics []string) map[string][]lineage.Dataset {
	get, elsewhere := d.Info.Config.get, false
	route := renames(get)
	if d.kind() == aSource {
		route = routes(get)
	}
	found, known := t.renamed(func(key string) string {
		v := get(key)
		elsewhere = elsewhere || unresolved(v)
		return v
	}, topics, route, d.kind() == aSink)
	if elsewhere {
		found = nil
	}
	switch {
	case !known:
		t.spot("what connector "+name+" reads or writes outside Kafka: the class "+rest.Short(get("connector.class"))+" is not known",
			"name it under datasets in the configuration")
	case len(found) == 0 && len(topics) > 0 && d.running():
		t.spot("what connector "+name+" reads or writes outside Kafka: its settings do not tell", "if they stand elsewhere, as in ${file:…}, or a transformation names topics anew, name it under datasets in the configuration")
	}
	return found
}

// renamed names the datasets of topics that a sink sees under the names that seen gives; nil: under their own. What a
// source's topics were called before only its configuration tells.
func (t *take) renamed(get func(string) string, topics []string, seen rename, sink bool) (found map[string][]lineage.Dataset, known bool) {
	switch {
	case seen == nil:
		return datasetsOf(t.cfg.Datasets, get, topics)
	case !sink:
		return t.routed(get, topics, seen)
	}
	var names []string
	inside := map[string][]string{}
	for _, topic := range topics {
		if as := seen(topic); as != "" {
			inside[as] = append(inside[as], topic)
			names = append(names, as)
		}
	}
	slices.Sort(names)
	as, known := datasetsOf(t.cfg.Datasets, get, slices.Compact(names))
	found = map[string][]lineage.Dataset{}
	for name, sets := range as {
		if name == "" {
			found[""] = sets
		}
		for _, topic := range inside[name] {
			found[topic] = append(found[topic], sets...)
		}
	}
	return found, known
}

// routed names the datasets of a source by the topics that its transformations make of those that it is configured to
// write.
func (t *take) routed(get func(string) string, topics []string, route rename) (found map[string][]lineage.Dataset, known bool) {
	own := configuredTopics(get)
	as, known := datasetsOf(t.cfg.Datasets, get, own)
	found = map[string][]lineage.Dataset{}
	if sets := as[""]; len(sets) > 0 {
		found[""] = sets
	}
	for _, topic := range own {
		if to := route(topic); slices.Contains(topics, to) {
			found[to] = append(found[to], as[topic]...)
		}
	}
	return found, known
}
