package connect

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// What can't be named outside is said, and nothing is named after a placeholder.
func TestOutsideThatDoesNotTell(t *testing.T) {
	w := newWorker(t)
	const router = "org.apache.kafka.connect.transforms.RegexRouter"
	elastic := func(more ...string) map[string]any {
		c := map[string]any{"connector.class": "io.confluent.connect.elasticsearch.ElasticsearchSinkConnector", "connection.url": "http://es:9200", "topics": "orders", "transforms": "t"}
		for i := 0; i < len(more); i += 2 {
			c[more[i]] = more[i+1]
		}
		return c
	}
	jdbc := func(key, value string) map[string]any {
		return map[string]any{"connector.class": "io.confluent.connect.jdbc.JdbcSinkConnector", "connection.url": "jdbc:postgresql://db/shop", "topics": "orders", key: value}
	}
	silent := map[string]map[string]any{
		"time":      elastic("transforms.t.type", "org.apache.kafka.connect.transforms.TimestampRouter"),
		"regex":     elastic("transforms.t.type", router, "transforms.t.regex", "(", "transforms.t.replacement", "x"),
		"predicate": elastic("transforms.t.type", router, "transforms.t.regex", ".*", "transforms.t.replacement", "x", "transforms.t.predicate", "p"),
		"url":       jdbc("connection.url", "${file:/etc/s.properties:url}"),
		"format":    jdbc("table.name.format", "${env:SCHEMA}.${topic}"),
		"bucket":    {"connector.class": "io.confluent.connect.s3.S3SinkConnector", "s3.bucket.name": "${env:BUCKET}", "topics": "orders"},
		"file":      {"connector.class": "FileStreamSink", "topics": "orders"},
	}
	for name, config := range silent {
		w.connectors[name] = running("sink", nil, config)
	}
	w.connectors["debezium"] = running("source", []string{"customers"}, map[string]any{
		"connector.class": "io.debezium.connector.postgresql.PostgresConnector", "database.hostname": "db", "database.dbname": "shop", "topic.prefix": "t",
		"transforms": "t", "transforms.t.type": router, "transforms.t.regex": `.*\.([^.]+)`, "transforms.t.replacement": "$1",
	})
	w.connectors["paused"] = running("sink", nil, map[string]any{"connector.class": "FileStreamSink", "topics": "orders"})
	w.connectors["paused"].state = "PAUSED"
	w.connectors["told"] = running("sink", nil, jdbc("table.name.format", "other.${topic}"))
	w.connectors["where"] = running("sink", nil, map[string]any{"connector.class": "FileStreamSink", "file": "/out", "topics": "${env:TOPICS}"})
	r := newRig(t, w, nil)
	r.take()
	for name := range silent {
		r.want(name, "read west-id/orders")
		if !strings.Contains(r.spots(), "what connector "+name+" reads or writes outside Kafka: its settings do not tell") {
			t.Errorf("nothing is said of %s", name)
		}
	}
	r.want("debezium", "write west-id/customers")
	r.want("told", "read west-id/orders", "write postgres://db:5432 shop.other.orders")
	r.want("where", "write file /out")
	if spots := r.spots(); !strings.Contains(spots, "what connector debezium reads") || strings.Contains(spots, "paused") || strings.Contains(spots, "told") {
		t.Errorf("blind spots: %s", spots)
	}
}

// Where offsets are named by tables, those of one table say nothing of another.
func TestOneTableMoves(t *testing.T) {
	w := newWorker(t)
	jdbc := running("source", []string{"pre-a", "pre-b"}, map[string]any{
		"connector.class": "io.confluent.connect.jdbc.JdbcSourceConnector", "connection.url": "jdbc:postgresql://db/shop", "topic.prefix": "pre-", "table.whitelist": "a,b",
	})
	w.connectors["jdbc"] = jdbc
	at := func(a, b int) {
		jdbc.offsets = nil
		for table, n := range map[string]int{"a": a, "b": b} {
			jdbc.offsets = append(jdbc.offsets, map[string]any{"partition": map[string]any{"protocol": "1", "table": "shop.public." + table}, "offset": map[string]any{"incrementing": n}})
		}
	}
	at(1, 1)
	r := newRig(t, w, nil)
	r.take()
	at(2, 1)
	r.take()
	r.want("jdbc", "read postgres://db:5432 shop.public.a*", "read postgres://db:5432 shop.public.b", "write west-id/pre-a", "write west-id/pre-b")
}

// A source that stores no offsets does not say by it that nothing moves.
func TestNoOffsetsAreNoRest(t *testing.T) {
	w := newWorker(t)
	f := running("source", []string{"lines"}, map[string]any{"connector.class": "FileStreamSource", "file": "/in", "topic": "lines"})
	w.connectors["f"] = f
	r := newRig(t, w, nil)
	pending := func() (said []int64) {
		r.take()
		for _, o := range r.last {
			for _, s := range o.Samples {
				if s.Metric == lineage.Pending {
					said = append(said, s.Value)
				}
			}
		}
		return said
	}
	if said := pending(); len(said) > 0 {
		t.Errorf("without offsets it is said %v", said)
	}
	f.offsets = []map[string]any{{"partition": map[string]any{"filename": "/in"}, "offset": map[string]any{"position": 1}}}
	if said := pending(); !slices.Equal(said, []int64{0}) {
		t.Errorf("with offsets it is said %v", said)
	}
	f.offsets = nil // reset
	if said := pending(); !slices.Equal(said, []int64{1}) {
		t.Errorf("without them again it is said %v", said)
	}
}

// Where there are too many connectors to look at all in each round, nobody knows between two looks whether something
// moved outside.
func TestNobodyKnowsBetweenTwoLooks(t *testing.T) {
	for _, n := range []int{2, detailsARound} {
		w := newWorker(t)
		for i := range n {
			f := running("source", []string{"lines"}, map[string]any{"connector.class": "FileStreamSource", "file": "/in", "topic": "lines"})
			f.offsets = []map[string]any{{"partition": map[string]any{"filename": "/in"}, "offset": map[string]any{"position": 1}}}
			w.connectors[fmt.Sprintf("f%02d", i)] = f
		}
		r := newRig(t, w, nil)
		seen := map[string]int64{} // by connector, what was told last
		for range 12 {
			w.forgotten()
			r.take()
			looked := len(slices.DeleteFunc(w.forgotten(), func(path string) bool { return !strings.HasSuffix(path, "/offsets") }))
			for _, o := range r.last {
				for _, s := range o.Samples {
					if s.Metric == lineage.Pending {
						seen[s.Subject.Client.Mover.Name] = s.Value
					}
				}
			}
			sure := 0
			for _, doubt := range seen {
				if doubt == 0 {
					sure++
				}
			}
			if sure != looked || n == 2 && sure != n {
				t.Errorf("of %d connectors %d were looked at, and of %d it is said whether something moved", n, looked, sure)
			}
		}
	}
}

func TestDatasets(t *testing.T) {
	mapping := []Mapping{
		{Class: regexp.MustCompile(`^com\.acme\.`), Namespace: "acme://${host}", Name: "${bucket}/${topic}"},
		{Class: regexp.MustCompile(`^com\.partly\.`), Namespace: "acme", Name: "${not.there}"},
		{Class: regexp.MustCompile(`^com\.url\.`), Namespace: "${address}", Name: "x"},
	}
	for _, c := range []struct {
		class  string
		config string // key=value;…
		want   string
	}{
		{"FileStreamSink", "file=/tmp/x", "file /tmp/x"},
		{"org.apache.kafka.connect.file.FileStreamSourceConnector", "file=/tmp/x", "file /tmp/x"},
		{"FileStreamSource", "", ""},
		// it might be a part of a password
		{"io.confluent.connect.jdbc.JdbcSinkConnector", "connection.url=jdbc:mysql://root:1234;56@db:3306/shop", ""},
		{"io.aiven.connect.jdbc.JdbcSinkConnector", "connection.url=jdbc:mysql://db/shop", "mysql://db:3306 shop.t"},
		{"io.confluent.connect.jdbc.JdbcSinkConnector", "connection.url=jdbc:sqlserver://db:1433;databaseName=shop;user=a;password=" + canary, "mssql://db:1433 shop.dbo.t"},
		{"io.confluent.connect.jdbc.JdbcSinkConnector", "connection.url=jdbc:oracle:thin:me/" + canary + "@//db:1522/orcl", "oracle://db:1522 orcl.t"},
		{"io.confluent.connect.jdbc.JdbcSinkConnector", "connection.url=jdbc:postgresql://me:" + canary + "@h1:1,h2:2/db?currentSchema=s", "postgres://h1:1 db.s.t"},
		{"io.confluent.connect.jdbc.JdbcSinkConnector", "connection.url=jdbc:sqlite:/a.db", "sqlite /a.db.t"},
		{"io.confluent.connect.jdbc.JdbcSinkConnector", "connection.url=nonsense", ""},
		{"io.confluent.connect.jdbc.JdbcSourceConnector", "connection.url=jdbc:postgresql://db/shop;;topic.prefix=pre-", ""},
		{"io.debezium.connector.postgresql.PostgresConnector", "database.hostname=db;;database.dbname=shop;;topic.prefix=t", ""},
		{"io.debezium.connector.jdbc.JdbcSinkConnector", "connection.url=jdbc:postgresql://db/shop", "postgres://db:5432 shop.public.t"},
		{"io.confluent.connect.s3.S3SinkConnector", "s3.bucket.name=b;;topics.dir=raw", "s3://b raw/t"},
		{"io.aiven.kafka.connect.s3.AivenKafkaConnectS3SinkConnector", "aws.s3.bucket.name=b", "s3://b t"},
		{"io.aiven.kafka.connect.opensearch.OpensearchSinkConnector", "connection.url=https://me:" + canary + "@os", "elasticsearch://os:9200 t"},
		{"com.mongodb.kafka.connect.MongoSinkConnector", "connection.uri=mongodb://me:" + canary + "@m1:27018,m2/?x=y;;database=shop", "mongodb://m1:27018 shop.t"},
		{"com.wepay.kafka.connect.bigquery.BigQuerySinkConnector", "project=p;;defaultDataset=d", "bigquery p.d.t"},
		{"com.snowflake.kafka.connector.SnowflakeSinkConnector", "snowflake.url.name=acc.snowflakecomputing.com:443;;snowflake.database.name=D;;snowflake.schema.name=S", "snowflake://acc D.S.t"},
		{"io.confluent.connect.hdfs3.Hdfs3SinkConnector", "hdfs.url=hdfs://nn:9000/base", "hdfs://nn:9000 /base/topics/t"},
		{"io.confluent.connect.s3.S3SinkConnector", "s3.bucket.name=b", "s3://b topics/t"},
		{"io.confluent.connect.gcs.GcsSinkConnector", "gcs.bucket.name=b", "gs://b topics/t"},
		{"io.aiven.kafka.connect.gcs.GcsSinkConnector", "gcs.bucket.name=b;;file.name.prefix=raw/", "gs://b raw/t"},
		{"io.aiven.kafka.connect.s3.AivenKafkaConnectS3SinkConnector", "aws.s3.bucket.name=b;;aws.s3.prefix.template=raw/{{ utc_date }}/", "s3://b raw"},
		{"io.aiven.kafka.connect.s3.AivenKafkaConnectS3SinkConnector", "aws.s3.bucket.name=b;;file.name.template=x/{{ topic }}/{{partition}}", "s3://b x/t"},
		{"io.aiven.kafka.connect.s3.AivenKafkaConnectS3SinkConnector", "aws.s3.bucket.name=b;;file.name.template={{key}}", "s3://b /"},
		{"io.confluent.connect.jdbc.JdbcSinkConnector", "connection.url=jdbc:mysql://db/shop;;table.name.format=other.${topic}", "mysql://db:3306 other.t"},
		{"io.confluent.connect.jdbc.JdbcSinkConnector", "connection.url=jdbc:postgresql://db/shop;;table.name.format=other.${topic}", "postgres://db:5432 shop.other.t"},
		{"io.confluent.connect.jdbc.JdbcSinkConnector", `connection.url=jdbc:sqlserver://db\inst:1444;databaseName=shop`, "mssql://db:1444 shop.dbo.t"},
		{"io.confluent.connect.jdbc.JdbcSinkConnector", `connection.url=jdbc:sqlserver://db\inst;databaseName=shop`, "mssql://db:1433 shop.dbo.t"},
		{"io.aiven.connect.jdbc.JdbcSinkConnector", "connection.url=jdbc:redshift://cluster.abc.eu-west-1.redshift.amazonaws.com:5440/shop", "redshift://cluster.eu-west-1:5440 shop.public.t"},
		{"io.aiven.connect.jdbc.JdbcSinkConnector", "connection.url=jdbc:redshift://group.123.eu-west-1.redshift-serverless.amazonaws.com/shop", "redshift://group.eu-west-1:5439 shop.public.t"},
		{"io.debezium.connector.mongodb.MongoDbSinkConnector", "mongodb.connection.string=mongodb://me:" + canary + "@m/;;sink.database=shop;;collection.name.format=x_${topic}", "mongodb://m:27017 shop.x_t"},
		{"com.acme.Sink", "host=h;;bucket=b", "acme://h b/t"},
		{"com.acme.Sink", "host=h", ""},
		{"com.partly.Sink", "", ""},
		{"com.url.Sink", "address=http://me:" + canary + "@h:1/p?password=" + canary, "http://h:1/p x"},
	} {
		settings := map[string]string{"connector.class": c.class}
		for pair := range strings.SplitSeq(c.config, ";;") {
			if k, v, ok := strings.Cut(pair, "="); ok {
				settings[k] = v
			}
		}
		found, known := datasetsOf(mapping, func(k string) string { return settings[k] }, []string{"t"})
		var all []string
		for _, ds := range found {
			for _, d := range ds {
				all = append(all, d.Namespace+" "+d.Name)
			}
		}
		if got := strings.Join(all, ", "); got != c.want || !known {
			t.Errorf("%s %s: got %q (known %v), want %q", c.class, c.config, got, known, c.want)
		}
	}
}

// What a mapping takes of a connector's settings shows no user and no password, however odd it is.
func TestAddressesWithoutSecrets(t *testing.T) {
	for in, want := range map[string]string{
		"plain":     "plain",
		"host:1521": "host:1521",
		"http://me:" + canary + "@h:1/p?password=" + canary:                   "http://h:1/p",
		"https://scott:" + canary + "/x@db/y":                                 "https://db/y",
		"scott:" + canary + "@db:1521":                                        "db:1521",
		"scott/" + canary + "@//db:1521/orcl":                                 "//db:1521/orcl",
		"https://scott:" + canary + "?x@db/y":                                 "",
		"https://db/y?mail=me@acme":                                           "",
		"jdbc:oracle:thin:scott/" + canary + "@//db:1521/orcl":                "oracle://db:1521/orcl",
		"jdbc:postgresql://scott:" + canary + "/x@db/shop?password=" + canary: "postgres://db:5432/shop",
		"jdbc:acme:" + canary:                                                 "",
		"mongodb://me:12/" + canary + "@m1,m2/x":                              "mongodb://m1,m2/x",
	} {
		m := Mapping{Namespace: "acme://${address}", Name: "x"}
		found := m.datasets(func(string) string { return in }, nil)[""]
		if want == "" && len(found) == 0 {
			continue
		}
		if len(found) != 1 || found[0].Namespace != "acme://"+want {
			t.Errorf("%q is named %v, want %q", in, found, want)
		}
	}
	if got := mongoHost("mongodb://me:12/" + canary + "@m1:1,m2/x"); got != "mongodb://m1:1" {
		t.Errorf("a MongoDB is named %q", got)
	}
}

func TestSourcesNameTheirTables(t *testing.T) {
	get := func(m map[string]string) func(string) string { return func(k string) string { return m[k] } }
	found, _ := datasetsOf(nil, get(map[string]string{
		"connector.class": "io.debezium.connector.postgresql.PostgresConnector", "database.hostname": "db", "database.dbname": "shop", "topic.prefix": "t",
	}), []string{"t.public.customers", "t.heartbeat", "schema-changes"})
	if len(found) != 1 || found["t.public.customers"][0] != (lineage.Dataset{Namespace: "postgres://db:5432", Name: "shop.public.customers"}) {
		t.Errorf("Debezium reads %v", found)
	}
	found, _ = datasetsOf(nil, get(map[string]string{
		"connector.class": "io.confluent.connect.jdbc.JdbcSourceConnector", "connection.url": "jdbc:postgresql://db/shop", "topic.prefix": "pre-",
	}), []string{"pre-orders"})
	if len(found) != 1 || found["pre-orders"][0] != (lineage.Dataset{Namespace: "postgres://db:5432", Name: "shop.public.orders"}) {
		t.Errorf("JDBC reads %v", found)
	}
}

func TestDotsInTopics(t *testing.T) {
	name := func(topic string, settings ...string) string {
		get := func(k string) string {
			for i := 0; i < len(settings); i += 2 {
				if settings[i] == k {
					return settings[i+1]
				}
			}
			return ""
		}
		found, _ := datasetsOf(nil, get, []string{topic})
		for _, d := range found[topic] {
			return d.Name
		}
		return ""
	}
	const class, sink, source = "connector.class", "io.debezium.connector.jdbc.JdbcSinkConnector", "com.mongodb.kafka.connect.MongoSourceConnector"
	for _, c := range []struct{ got, want string }{
		{name("t.public.a", class, sink, "connection.url", "jdbc:postgresql://db/shop"), "shop.public.t_public_a"},
		{name("t.public.a", class, sink, "connection.url", "jdbc:postgresql://db/shop", "collection.name.format", "s.x_${topic}"), "shop.s.x_t_public_a"},
		{name("t.public.a", class, sink, "connection.url", "jdbc:postgresql://db/shop", "collection.naming.strategy", "com.acme.Names"), ""},
		{name("pre.shop.orders", class, source, "connection.uri", "mongodb://m", "topic.prefix", "pre"), "shop.orders"},
		{name("pre-shop-orders.eu-post", class, source, "connection.uri", "mongodb://m", "topic.prefix", "pre", "topic.separator", "-", "topic.suffix", "post"), "shop.orders.eu"},
		{name("orders", class, source, "connection.uri", "mongodb://m", "topic.namespace.map", `{"*":"orders"}`), ""},
		{name("orders", class, source, "connection.uri", "mongodb://m"), ""},
	} {
		if c.got != c.want {
			t.Errorf("%q, want %q", c.got, c.want)
		}
	}
}
