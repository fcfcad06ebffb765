package connect

import (
	"net/url"
	"regexp"
	"strings"

	"github.com/lineaged/lineaged/lineage"
)

// database is what a JDBC address says of where it leads, without who may go there.
type database struct {
	namespace, name, schema string
	flat                    bool // tables are in a database, without a schema between
}

// table names a table; what stands in front of it, as in schema.table, wins.
func (d database) table(t string) string {
	t = strings.NewReplacer(`"`, "", "`", "", "[", "", "]", "").Replace(t)
	switch strings.Count(t, ".") {
	case 0:
		return join(d.name, d.schema, t)
	case 1:
		if d.flat {
			return t
		}
		return join(d.name, t)
	default:
		return t
	}
}

// dialects have the scheme of OpenLineage's namespace, the default port and the schema that tables are in when nobody
// says.
var dialects = map[string]struct {
	scheme, port, schema string
	flat                 bool
}{
	"postgresql": {"postgres", "5432", "public", false}, "redshift": {"redshift", "5439", "public", false},
	"mysql": {"mysql", "3306", "", true}, "mariadb": {"mysql", "3306", "", true},
	"sqlserver": {"mssql", "1433", "dbo", false}, "db2": {"db2", "50000", "", false}, "vertica": {"vertica", "5433", "public", false}, "clickhouse": {"clickhouse", "8123", "", true},
}

// oracleAddress is jdbc:oracle:thin:[user/password]@[//]host[:port][:sid|/service].
var oracleAddress = regexp.MustCompile(`^oracle:[a-z]+:.*@(?://)?([^:/()]+)(?::(\d+))?(?:[:/]([^?;/:]+))?`)

// parseJDBC reads connection.url. ok is false for what it does not know.
func parseJDBC(address string) (d database, ok bool) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(address), "jdbc:")
	if !ok {
		return d, false
	}
	if m := oracleAddress.FindStringSubmatch(rest); m != nil {
		port := m[2]
		if port == "" {
			port = "1521"
		}
		return database{namespace: hostOf("oracle", m[1], port), name: m[3]}, true
	}
	if file, ok := strings.CutPrefix(rest, "sqlite:"); ok {
		file, _, _ = strings.Cut(file, "?")
		return database{namespace: "sqlite", name: file}, file != ""
	}
	kind, where, found := strings.Cut(rest, "://")
	kind = kind[strings.LastIndexByte(kind, ':')+1:]
	dialect, known := dialects[kind]
	if !known || !found {
		return d, false
	}
	where, parameters := cutAny(where, "?;")
	if dialect.scheme != "mssql" && strings.Contains(parameters, "@") {
		return d, false // a password with a ? or ; in it may stand in front of the host
	}
	authority, path, _ := strings.Cut(withoutUser(where), "/")
	authority, _, _ = strings.Cut(authority, ",")              // the first of several hosts
	if host, instance, ok := strings.Cut(authority, `\`); ok { // SQL Server's instance by name, with or without a port
		_, port, _ := strings.Cut(instance, ":")
		authority = strings.TrimSuffix(host+":"+port, ":")
	}
	if dialect.scheme == "redshift" {
		authority = redshift(authority)
	}
	d = database{namespace: hostOf(dialect.scheme, authority, dialect.port), schema: dialect.schema, flat: dialect.flat}
	d.name, _, _ = strings.Cut(path, ":") // db2 has its parameters behind a colon
	for p := range strings.FieldsFuncSeq(parameters, func(r rune) bool { return r == '&' || r == ';' }) {
		key, value, _ := strings.Cut(p, "=")
		if v, err := url.QueryUnescape(value); err == nil {
			value = v
		}
		switch strings.ToLower(strings.TrimSpace(key)) {
		case "databasename", "database":
			d.name = value
		case "currentschema":
			d.schema, _, _ = strings.Cut(value, ",")
		}
	}
	return d, d.namespace != ""
}

// redshift shortens IDENTIFIER.ACCOUNT.REGION.redshift[-serverless].amazonaws.com to IDENTIFIER.REGION, as OpenLineage
// names it.
func redshift(authority string) string {
	host, port, _ := strings.Cut(authority, ":")
	if parts := strings.Split(host, "."); len(parts) == 6 && strings.HasSuffix(host, ".amazonaws.com") {
		host = parts[0] + "." + parts[2]
	}
	return strings.TrimSuffix(host+":"+port, ":")
}

func cutAny(s, chars string) (before, after string) {
	if i := strings.IndexAny(s, chars); i >= 0 {
		return s[:i], s[i+1:]
	}
	return s, ""
}

// jdbcSink names the table of each topic: table.name.format, of which the default is the topic (Confluent's, Aiven's
// and Debezium's JDBC connectors).
func jdbcSink(get func(string) string, topics []string) map[string][]lineage.Dataset {
	d, ok := parseJDBC(get("connection.url"))
	if !ok {
		return nil
	}
	return each(d.namespace, topics, func(t string) string {
		if t = formatted(get, t); t == "" {
			return ""
		}
		return d.table(t)
	})
}

// formatted is what a sink calls the table or collection of a topic. Debezium's sinks put an underscore for each dot of
// the topic (DefaultCollectionNamingStrategy); a strategy of somebody else's nobody knows.
func formatted(get func(string) string, topic string) string {
	if strings.HasPrefix(get("connector.class"), "io.debezium.") {
		if by := first(get, "collection.naming.strategy", "table.naming.strategy"); by != "" && !strings.HasPrefix(by, "io.debezium.") {
			return ""
		}
		topic = strings.ReplaceAll(topic, ".", "_")
	}
	format := first(get, "table.name.format", "collection.name.format")
	if format == "" {
		return topic
	}
	return strings.ReplaceAll(format, topicInName, topic)
}

// jdbcSource names the tables that are listed, else those that the topics are called after: topic.prefix and the table.
// With a query nobody says which tables.
func jdbcSource(get func(string) string, topics []string) map[string][]lineage.Dataset {
	d, ok := parseJDBC(get("connection.url"))
	if !ok {
		return nil
	}
	prefix := get("topic.prefix")
	if get("query") != "" {
		return one(d.namespace, d.name)
	}
	out := map[string][]lineage.Dataset{}
	for t := range strings.SplitSeq(first(get, "table.whitelist", "table.include.list", "tables"), ",") {
		if t = strings.TrimSpace(t); t != "" {
			topic := prefix + t[strings.LastIndexByte(t, '.')+1:]
			out[topic] = []lineage.Dataset{{Namespace: d.namespace, Name: d.table(t)}}
		}
	}
	if len(out) > 0 {
		return out
	}
	return each(d.namespace, topics, func(t string) string {
		table, ok := strings.CutPrefix(t, prefix)
		if !ok || table == "" {
			return ""
		}
		return d.table(table)
	})
}

// debeziumKinds are Debezium's databases by the package of the connector.
var debeziumKinds = map[string]struct {
	scheme, port string
	schema       bool // a topic is PREFIX.SCHEMA.TABLE within one database, else PREFIX.DATABASE.TABLE
}{
	"postgresql": {"postgres", "5432", true}, "mysql": {"mysql", "3306", false}, "mariadb": {"mysql", "3306", false}, "mongodb": {"mongodb", "27017", false},
	"sqlserver": {"mssql", "1433", false}, "oracle": {"oracle", "1521", true}, "db2": {"db2", "50000", true}, "vitess": {"vitess", "15991", false},
}

// debezium names the table of each topic: <topic.prefix>.<schema or database>.<table>. Further topics, as of the
// schema's history, are of no table.
func debezium(get func(string) string, topics []string) map[string][]lineage.Dataset {
	kind, _, _ := strings.Cut(strings.TrimPrefix(get("connector.class"), "io.debezium.connector."), ".")
	switch {
	case kind == "jdbc":
		return jdbcSink(get, topics)
	case strings.Contains(get("connector.class"), "Sink"):
		return mongoSink(get, topics)
	}
	k, ok := debeziumKinds[kind]
	if !ok {
		return nil
	}
	host, port := get("database.hostname"), first(get, "database.port")
	if port == "" {
		port = k.port
	}
	if kind == "mongodb" {
		return mongoTopics(get, topics)
	}
	prefix := first(get, "topic.prefix", "database.server.name") + "."
	return each(hostOf(k.scheme, host, port), topics, func(t string) string {
		table, ok := strings.CutPrefix(t, prefix)
		if !ok || !strings.Contains(table, ".") {
			return ""
		}
		if k.schema {
			return join(first(get, "database.dbname"), table)
		}
		return table
	})
}

// mongoSink names the collections of Debezium's sink for MongoDB.
func mongoSink(get func(string) string, topics []string) map[string][]lineage.Dataset {
	return each(mongoHost(get("mongodb.connection.string")), topics, func(t string) string {
		collection := formatted(get, t)
		if collection == "" || get("sink.database") == "" {
			return ""
		}
		return join(get("sink.database"), collection)
	})
}

func mongoTopics(get func(string) string, topics []string) map[string][]lineage.Dataset {
	prefix := get("topic.prefix") + "."
	return each(mongoHost(get("mongodb.connection.string")), topics, func(t string) string {
		name, ok := strings.CutPrefix(t, prefix)
		if !ok || !strings.Contains(name, ".") {
			return ""
		}
		return name
	})
}
