package connect

import (
	"cmp"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/lineage"
)

// This file names what connectors read and write outside Kafka, by OpenLineage's naming rules
// (https://openlineage.io/docs/spec/naming). Only named settings are looked at, and of an address only host, port and
// path: user names, passwords and parameters never get into a name.

// Mapping names the datasets of connectors that lineaged does not know, or knows otherwise. Namespace and Name may hold
// ${KEY}, a setting of the connector, and ${topic}.
type Mapping struct {
	Class           *regexp.Regexp // on connector.class
	Namespace, Name string
}

var reference = regexp.MustCompile(`\$\{([^}]*)\}`)

// secretKey tells the settings whose values nobody may show. It is generous: a setting that is refused by mistake is a
// nuisance, one that is shown is a leak.
var secretKey = regexp.MustCompile(`(?i)pass|pwd|secret|token|credential|jaas|private|(^|[._-])key($|[._-])|keys?$|\bauth|sas[._-]|sasl|user\.info|userinfo|connection\.(string|uri|url)`)

// MappingError says what is wrong with a mapping.
type MappingError struct {
	Key     string // "class", "namespace" or "name", as in the configuration
	Value   string
	Problem string
}

// Error names the key and the value.
func (e *MappingError) Error() string { return fmt.Sprintf("%s: %q: %s", e.Key, e.Value, e.Problem) }

// Check refuses a mapping that would show a secret, or whose references are none. The error is a *MappingError.
func (m Mapping) Check() error {
	if m.Class == nil {
		return &MappingError{Key: "class", Problem: "is not set"}
	}
	for _, text := range []struct{ key, value string }{{"namespace", m.Namespace}, {"name", m.Name}} {
		for _, ref := range reference.FindAllStringSubmatch(text.value, -1) {
			switch {
			case secretKey.MatchString(ref[1]):
				return &MappingError{text.key, text.value, fmt.Sprintf("${%s} looks like a secret and is not shown", ref[1])}
			case ref[1] == "":
				return &MappingError{text.key, text.value, "${} names no setting"}
			}
		}
		if strings.Contains(reference.ReplaceAllString(text.value, ""), "${") {
			return &MappingError{text.key, text.value, "a ${ is not closed"}
		}
	}
	return nil
}

// datasets applies the mapping. One whose references all have a value names; others name nothing.
func (m Mapping) datasets(get func(string) string, topics []string) map[string][]lineage.Dataset {
	out := map[string][]lineage.Dataset{}
	perTopic := strings.Contains(m.Namespace+m.Name, topicInName)
	if !perTopic {
		topics = []string{""}
	}
	for _, t := range topics {
		whole := true
		fill := func(text string) string {
			return reference.ReplaceAllStringFunc(text, func(ref string) string {
				v := t
				if key := ref[2 : len(ref)-1]; key != "topic" {
					v = withoutCredentials(get(key))
				}
				whole = whole && v != ""
				return v
			})
		}
		if d := (lineage.Dataset{Namespace: fill(m.Namespace), Name: fill(m.Name)}); whole && d.Namespace != "" && d.Name != "" {
			out[t] = append(out[t], d)
		}
	}
	return out
}

// withoutCredentials takes user and password, and the parameters, out of what looks like an address. What stands in
// front of the last @ may be a password, with any character in it. Where an @ stands in the parameters nobody can say
// which: such a value is none.
func withoutCredentials(s string) string {
	if strings.HasPrefix(strings.ToLower(s), "jdbc:") {
		d, _ := parseJDBC(s)
		return strings.TrimRight(d.namespace+"/"+d.name, "/")
	}
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok {
		scheme, rest = "", s
	}
	if i := strings.IndexAny(rest, "?;"); i >= 0 {
		if strings.Contains(rest[i:], "@") {
			return ""
		}
		rest = rest[:i]
	}
	rest = withoutUser(rest)
	if !ok {
		return rest
	}
	return scheme + "://" + rest
}

// withoutUser drops what stands in front of the last @.
func withoutUser(s string) string { return s[strings.LastIndexByte(s, '@')+1:] }

// naming names the datasets of connectors of one kind. topics are those of Kafka, as the outside sees them. The answer
// is by topic; "" holds what belongs to no single one.
type naming struct {
	class *regexp.Regexp
	name  func(get func(string) string, topics []string) map[string][]lineage.Dataset
}

// simple matches a connector's class in full, and as Connect takes it without the package and without "Connector".
func simple(names ...string) *regexp.Regexp {
	return regexp.MustCompile(`(?:^|\.)(?:` + strings.Join(names, "|") + `)(?:Connector)?$`)
}

var namings = []naming{
	{simple("FileStreamSource", "FileStreamSink"), fileStream},
	{regexp.MustCompile(`(?i)jdbc.*sink`), jdbcSink},
	{regexp.MustCompile(`(?i)jdbc.*source`), jdbcSource},
	{regexp.MustCompile(`^io\.debezium\.connector\.`), debezium},
	{regexp.MustCompile(`(?i)hdfs.*sink`), hdfs},
	{regexp.MustCompile(`(?i)s3.*(?:sink|source)`), bucket("s3", "s3.bucket.name", "aws.s3.bucket.name", "aws.s3.bucket")},
	{regexp.MustCompile(`(?i)gcs.*(?:sink|source)`), bucket("gs", "gcs.bucket.name")},
	{regexp.MustCompile(`(?i)(?:elasticsearch|opensearch).*sink`), elasticsearch},
	{regexp.MustCompile(`(?i)mongo.*(?:sink|source)`), mongo},
	{regexp.MustCompile(`(?i)bigquery.*sink`), bigQuery},
	{regexp.MustCompile(`(?i)snowflake.*sink`), snowflake},
}

// datasetsOf names what a connector reads or writes outside Kafka. known is false for a class that neither a mapping
// nor lineaged knows.
func datasetsOf(mappings []Mapping, get func(string) string, topics []string) (found map[string][]lineage.Dataset, known bool) {
	class := get("connector.class")
	for _, m := range mappings {
		if m.Class.MatchString(class) {
			return m.datasets(get, topics), true
		}
	}
	for _, n := range namings {
		if n.class.MatchString(class) {
			return n.name(get, topics), true
		}
	}
	return nil, false
}

func one(namespace, name string) map[string][]lineage.Dataset {
	if namespace == "" || name == "" {
		return nil
	}
	return map[string][]lineage.Dataset{"": {{Namespace: namespace, Name: name}}}
}

// each names a dataset for each topic; an empty name is none.
func each(namespace string, topics []string, name func(topic string) string) map[string][]lineage.Dataset {
	out := map[string][]lineage.Dataset{}
	for _, t := range topics {
		if n := name(t); n != "" && namespace != "" {
			out[t] = []lineage.Dataset{{Namespace: namespace, Name: n}}
		}
	}
	return out
}

func fileStream(get func(string) string, _ []string) map[string][]lineage.Dataset {
	return one("file", get("file"))
}

// bucket names the folder of each topic in a bucket.
func bucket(scheme string, keys ...string) func(func(string) string, []string) map[string][]lineage.Dataset {
	return func(get func(string) string, topics []string) map[string][]lineage.Dataset {
		name := first(get, keys...)
		if name == "" {
			return nil
		}
		folder := confluentFolder
		if strings.HasPrefix(get("connector.class"), "io.aiven.") {
			folder = aivenFolder
		}
		return each(scheme+"://"+name, topics, func(t string) string { return cmp.Or(strings.Trim(folder(get, t), "/"), "/") })
	}
}

// confluentFolder is topics.dir, "topics" where that is not set, and the topic.
func confluentFolder(get func(string) string, topic string) string {
	return strings.Trim(cmp.Or(get("topics.dir"), "topics"), "/") + "/" + topic
}

var templated = regexp.MustCompile(`\{\{\s*topic\s*\}\}`)

// aivenFolder is what Aiven's connectors put in front of all names of a topic's objects: a prefix, and a template up to
// what differs from object to object.
func aivenFolder(get func(string) string, topic string) string {
	name := first(get, "aws.s3.prefix.template", "aws.s3.prefix", "file.name.prefix") + cmp.Or(get("file.name.template"), "{{topic}}-{{partition}}-{{start_offset}}")
	name, _, _ = strings.Cut(templated.ReplaceAllLiteralString(name, topic), "{{")
	return strings.TrimRight(name, "-_./")
}

func first(get func(string) string, keys ...string) string {
	for _, k := range keys {
		if v := get(k); v != "" {
			return v
		}
	}
	return ""
}

func elasticsearch(get func(string) string, topics []string) map[string][]lineage.Dataset {
	address, _, _ := strings.Cut(get("connection.url"), ",")
	return each(hostOf("elasticsearch", address, "9200"), topics, strings.ToLower)
}

// hostOf returns scheme://host:port of an address; empty when it has no host.
func hostOf(scheme, address, port string) string {
	if !strings.Contains(address, "://") {
		address = "//" + address
	}
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Hostname() == "" {
		return ""
	}
	if u.Port() != "" {
		port = u.Port()
	}
	return scheme + "://" + net.JoinHostPort(u.Hostname(), port)
}

func mongo(get func(string) string, topics []string) map[string][]lineage.Dataset {
	namespace, database := mongoHost(get("connection.uri")), get("database")
	if collection := get("collection"); collection != "" {
		return one(namespace, join(database, collection))
	}
	if strings.Contains(strings.ToLower(get("connector.class")), "source") {
		return each(namespace, topics, func(t string) string { return mongoNamespace(get, t) })
	}
	return each(namespace, topics, func(t string) string { return join(database, t) })
}

// mongoNamespace is the database and collection that a source's topic is called after:
// [PREFIX.]DATABASE.COLLECTION[.SUFFIX]. Where a map or another mapper names topics, nobody can say.
func mongoNamespace(get func(string) string, topic string) string {
	if get("topic.namespace.map") != "" || get("topic.mapper") != "" {
		return ""
	}
	dot := cmp.Or(get("topic.separator"), ".")
	if prefix := get("topic.prefix"); prefix != "" {
		topic, _ = strings.CutPrefix(topic, prefix+dot)
	}
	if suffix := get("topic.suffix"); suffix != "" {
		topic, _ = strings.CutSuffix(topic, dot+suffix)
	}
	database, collection, ok := strings.Cut(topic, dot)
	if !ok {
		return ""
	}
	return database + "." + collection
}

// mongoHost names the first host of mongodb[+srv]://[user:password@]host[:port][,…][/…].
func mongoHost(uri string) string {
	_, hosts, _ := strings.Cut(withoutCredentials(uri), "://")
	host, _ := cutAny(hosts, ",/")
	return hostOf("mongodb", host, "27017")
}

// join makes a dotted name of the parts that are known.
func join(parts ...string) string {
	return strings.Join(slices.DeleteFunc(parts, func(p string) bool { return p == "" }), ".")
}

func bigQuery(get func(string) string, topics []string) map[string][]lineage.Dataset {
	return each("bigquery", topics, func(t string) string { return join(get("project"), get("defaultDataset"), t) })
}

func snowflake(get func(string) string, topics []string) map[string][]lineage.Dataset {
	account, _, _ := strings.Cut(strings.TrimPrefix(hostOf("snowflake", get("snowflake.url.name"), "443"), "snowflake://"), ".snowflakecomputing.com")
	if account == "" {
		return nil
	}
	return each("snowflake://"+account, topics, func(t string) string {
		return join(get("snowflake.database.name"), get("snowflake.schema.name"), t)
	})
}

func hdfs(get func(string) string, topics []string) map[string][]lineage.Dataset {
	address := first(get, "hdfs.url", "store.url")
	u, err := url.Parse(address)
	if err != nil {
		return nil
	}
	dir := first(get, "topics.dir")
	if dir == "" {
		dir = "topics" // the connector's default
	}
	return each(hostOf("hdfs", address, "8020"), topics, func(t string) string { return strings.TrimRight(u.Path, "/") + "/" + strings.Trim(dir, "/") + "/" + t })
}
