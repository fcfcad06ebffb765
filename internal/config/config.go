// Package config is lineaged's configuration: its keys, their defaults, where their values come from, and what is wrong
// with them.
//
// Load merges the defaults, one YAML file, the environment and the flags, in this order, and checks the result. It is
// strict: what it does not understand is an error of one line that names the key, the value and where it came from. It
// hides koanf, the layers and the names that one key has in each of them. It refuses to print a secret in any way, to
// accept one inside a YAML file, and to guess.
package config

import (
	"cmp"
	"net/url"
	"time"
)

// Config is everything that can be set. The zero value is not useful: start from Default.
type Config struct {
	Listen     string     `koanf:"listen" yaml:"listen"`
	Web        Web        `koanf:"web" yaml:"web,omitempty"`
	Data       string     `koanf:"data" yaml:"data"`
	MinFree    Size       `koanf:"min_free" yaml:"min_free,omitempty"`
	Interval   Duration   `koanf:"interval" yaml:"interval"`
	Retention  Retention  `koanf:"retention" yaml:"retention"`
	Log        Log        `koanf:"log" yaml:"log"`
	Metrics    Metrics    `koanf:"metrics" yaml:"metrics,omitempty"`
	MetricsAPI MetricsAPI `koanf:"metrics_api" yaml:"metrics_api,omitempty"`
	Ledger     Ledger     `koanf:"ledger" yaml:"ledger"`
	Catalog    Catalog    `koanf:"catalog" yaml:"catalog,omitempty"`
	MCP        MCP        `koanf:"mcp" yaml:"mcp"`
	Clusters   []Cluster  `koanf:"clusters" yaml:"clusters"`
	Connect    []Server   `koanf:"connect" yaml:"connect,omitempty"`
	// Schema registries.
	SchemaRegistry []Registry `koanf:"schema_registry" yaml:"schema_registry,omitempty"`
	// Flinks.
	Flink []Flink `koanf:"flink" yaml:"flink,omitempty"`

	Datasets     []Dataset     `koanf:"datasets" yaml:"datasets,omitempty"`
	Mirrors      []Mirror      `koanf:"mirrors" yaml:"mirrors,omitempty"`
	OTLP         OTLP          `koanf:"otlp" yaml:"otlp,omitempty"`
	OpenLineage  OpenLineage   `koanf:"openlineage" yaml:"openlineage,omitempty"`
	Applications []Application `koanf:"applications" yaml:"applications,omitempty"`
	Topics       []Topic       `koanf:"topics" yaml:"topics,omitempty"`
	Nodes        []Node        `koanf:"nodes" yaml:"nodes,omitempty"`
	Declared     Declared      `koanf:"declared" yaml:"declared,omitempty"`
	Usage        Usage         `koanf:"usage" yaml:"usage,omitempty"`

	// How others spell clusters.
	ClusterAliases []ClusterAlias `koanf:"cluster_aliases" yaml:"cluster_aliases,omitempty"`

	origins origins
}

// Origin says where the value of a key came from, or what is around it where it was not set: FILE:LINE, $VARIABLE,
// --flag or the defaults; empty where nobody said anything. The key is spelled as in messages: clusters[0].name.
func (c Config) Origin(key string) string { return c.origins.of(dotted(key)) }

// Web is how the server is protected.
type Web struct {
	ConfigFile   File     `koanf:"config_file" yaml:"config_file,omitempty"`
	AllowedHosts []string `koanf:"allowed_hosts" yaml:"allowed_hosts,omitempty"`
	URL          string   `koanf:"url" yaml:"url,omitempty"`
}

// Retention says how long each tier of the store is kept. Each is at least its predecessor, and Raw at least the
// interval.
type Retention struct {
	Raw    Duration `koanf:"raw" yaml:"raw"`
	Minute Duration `koanf:"minute" yaml:"minute"`
	Hour   Duration `koanf:"hour" yaml:"hour"`
}

// Ledger is what is said of usage so that it can't be changed unseen.
type Ledger struct {
	Enabled bool     `koanf:"enabled" yaml:"enabled"`
	Period  Duration `koanf:"period" yaml:"period"`
	// Retention is for how long entries are held; 0: for ever.
	Retention Duration `koanf:"retention" yaml:"retention"`
	KeyFile   File     `koanf:"key_file" yaml:"key_file,omitempty"`
	Anchors   []Anchor `koanf:"anchors" yaml:"anchors,omitempty"`
}

// Anchor is who holds checkpoints of the ledger: a file, a witness with its key, a time stamp authority, or a topic of
// a cluster.
type Anchor struct {
	File      File   `koanf:"file" yaml:"file,omitempty"`
	Witness   string `koanf:"witness" yaml:"witness,omitempty"`
	Key       string `koanf:"key" yaml:"key,omitempty"`
	Timestamp string `koanf:"timestamp" yaml:"timestamp,omitempty"`
	CAFile    File   `koanf:"ca_file" yaml:"ca_file,omitempty"`
	Cluster   string `koanf:"cluster" yaml:"cluster,omitempty"`
	Topic     string `koanf:"topic" yaml:"topic,omitempty"`
}

// Catalog is who may say what nodes are, beside the rules.
type Catalog struct {
	Edit       bool   `koanf:"edit" yaml:"edit,omitempty"`
	UserHeader string `koanf:"user_header" yaml:"user_header,omitempty"`
}

// MCP is whether assistants may ask over the Model Context Protocol.
type MCP struct {
	Enabled bool `koanf:"enabled" yaml:"enabled"`
}

// Log is the program's own log, on standard error.
type Log struct {
	Level  string `koanf:"level" yaml:"level"`
	Format string `koanf:"format" yaml:"format"`
}

// Metrics says what /metrics has of topics and groups.
type Metrics struct {
	MaxSeries Count       `koanf:"max_series" yaml:"max_series,omitempty"`
	LagBy     string      `koanf:"lag_by" yaml:"lag_by,omitempty"`
	Push      MetricsPush `koanf:"push" yaml:"push,omitempty"`
}

// MetricsAPI is who may ask the Metrics API, and nothing else, beside those who may ask everything.
type MetricsAPI struct {
	TokenFile File   `koanf:"token_file" yaml:"token_file,omitempty"`
	Token     Secret `koanf:"token" yaml:"token,omitempty"`
}

// Series is how many series of topics and groups there are at most: MaxSeries, or 100,000.
func (m Metrics) Series() int { return int(cmp.Or(m.MaxSeries, 100_000)) }

// Cluster is one Kafka cluster to watch.
type Cluster struct {
	Name        string   `koanf:"name" yaml:"name,omitempty"`
	Environment string   `koanf:"environment" yaml:"environment,omitempty"`
	Brokers     []string `koanf:"brokers" yaml:"brokers"`
	TLS         TLS      `koanf:"tls" yaml:"tls,omitempty"`
	SASL        SASL     `koanf:"sasl" yaml:"sasl,omitempty"`
	Topics      Filter   `koanf:"topics" yaml:"topics,omitempty"`
	// Telemetry is about the metrics that the cluster's clients push.
	Telemetry Telemetry `koanf:"telemetry" yaml:"telemetry,omitempty"`
	Push      Push      `koanf:"push" yaml:"push,omitempty"`
	Logs      Logs      `koanf:"logs" yaml:"logs,omitempty"`
	Headers   Headers   `koanf:"headers" yaml:"headers,omitempty"`
	Audit     []Audit   `koanf:"audit" yaml:"audit,omitempty"`
}

// Audit is a topic in which a cluster's brokers record who asked for which right. Without Brokers it is in the cluster
// itself.
type Audit struct {
	Topic     string   `koanf:"topic" yaml:"topic"`
	ClusterID string   `koanf:"cluster_id" yaml:"cluster_id,omitempty"`
	Brokers   []string `koanf:"brokers" yaml:"brokers,omitempty"`
	TLS       TLS      `koanf:"tls" yaml:"tls,omitempty"`
	SASL      SASL     `koanf:"sasl" yaml:"sasl,omitempty"`
}

// Headers says of which topics the headers of record batches are read.
type Headers struct {
	Topics []Pattern `koanf:"topics" yaml:"topics,omitempty"`
	Budget Size      `koanf:"budget" yaml:"budget,omitempty"`
	// Records says of which of them headers of records are read too.
	Records RecordHeaders `koanf:"records" yaml:"records,omitempty"`
}

// RecordHeaders says which headers of records are read, of which topics.
type RecordHeaders struct {
	Topics []Pattern `koanf:"topics" yaml:"topics,omitempty"`
	Header string    `koanf:"header" yaml:"header,omitempty"`
	Sample OneOf     `koanf:"sample" yaml:"sample,omitempty"`
	// Traces are the topics between which the time of traces is told.
	Traces []Traced `koanf:"traces" yaml:"traces,omitempty"`
}

// Traced are two topics, in the order in which traces go through them.
type Traced struct {
	From string `koanf:"from" yaml:"from"`
	To   string `koanf:"to" yaml:"to"`
}

// Name is the header that names an application: Header, or CloudEvents' own.
func (r RecordHeaders) Name() string { return cmp.Or(r.Header, "ce_source") }

// Every is one of how many batches is unpacked: Sample, or 10.
func (r RecordHeaders) Every() int { return int(cmp.Or(r.Sample, 10)) }

// BytesPerSecond is how much may be fetched for it of each broker: Budget, or 1 MiB.
func (h Headers) BytesPerSecond() int64 { return int64(cmp.Or(h.Budget, 1<<20)) }

// Logs says where the logs of a cluster's brokers are.
type Logs struct {
	Files []string `koanf:"files" yaml:"files,omitempty"`
	Topic string   `koanf:"topic" yaml:"topic,omitempty"`
	Push  bool     `koanf:"push" yaml:"push,omitempty"`
	// NoRequestLog: of both logs the authorizer's alone is there.
	NoRequestLog bool `koanf:"no_request_log" yaml:"no_request_log,omitempty"`
	// SampleRequestLog says when lineaged switches the request log on.
	SampleRequestLog Sample `koanf:"sample_request_log" yaml:"sample_request_log,omitempty"`
}

// Sample is for how long something is done, how often. Every zero: never.
type Sample struct {
	Every Duration `koanf:"every" yaml:"every,omitempty"`
	For   Duration `koanf:"for" yaml:"for,omitempty"`
}

// Length is for how long: For, or 5 s.
func (s Sample) Length() time.Duration {
	if s.For == 0 {
		return 5 * time.Second
	}
	return time.Duration(s.For)
}

// Source is the name under which the cluster's observations are stored: the configured name, else the first broker's
// address, so that a cluster that was never reached has one too.
func (c Cluster) Source() string {
	if c.Name != "" || len(c.Brokers) == 0 {
		return c.Name
	}
	return c.Brokers[0]
}

// OTLP is who may send metrics of any cluster, and how much at once.
type OTLP struct {
	TokenFile File   `koanf:"token_file" yaml:"token_file,omitempty"`
	Token     Secret `koanf:"token" yaml:"token,omitempty"`
	MaxBody   Size   `koanf:"max_body" yaml:"max_body,omitempty"`
}

// OpenLineage is who may send OpenLineage events, how much at once, and how long what they say holds.
type OpenLineage struct {
	TokenFile  File     `koanf:"token_file" yaml:"token_file,omitempty"`
	Token      Secret   `koanf:"token" yaml:"token,omitempty"`
	MaxBody    Size     `koanf:"max_body" yaml:"max_body,omitempty"`
	TimeToLive Duration `koanf:"time_to_live" yaml:"time_to_live,omitempty"`
	// Topics of watched clusters whose records are events.
	Topics []EventTopic `koanf:"topics" yaml:"topics,omitempty"`
	// Targets are told what was observed.
	Targets []Target `koanf:"targets" yaml:"targets,omitempty"`
}

// EventTopic is a topic of a watched cluster whose records are OpenLineage events.
type EventTopic struct {
	Cluster string `koanf:"cluster" yaml:"cluster,omitempty"`
	Topic   string `koanf:"topic" yaml:"topic,omitempty"`
}

// Push is who may send what is about one cluster.
type Push struct {
	TokenFile File   `koanf:"token_file" yaml:"token_file,omitempty"`
	Token     Secret `koanf:"token" yaml:"token,omitempty"`
}

// Telemetry is what lineaged does for a cluster's clients to push metrics.
type Telemetry struct {
	Subscribe bool     `koanf:"subscribe" yaml:"subscribe,omitempty"`
	Interval  Duration `koanf:"interval" yaml:"interval,omitempty"`
}

// Every is how long a client waits between two pushes: Interval, or 30 s.
func (t Telemetry) Every() time.Duration {
	if t.Interval == 0 {
		return 30 * time.Second
	}
	return time.Duration(t.Interval)
}

// TLS is how a connection to a cluster is encrypted, and by which certificate we say who we are.
type TLS struct {
	Enabled  *bool  `koanf:"enabled" yaml:"enabled,omitempty"`
	CAFile   File   `koanf:"ca_file" yaml:"ca_file,omitempty"`
	CertFile File   `koanf:"cert_file" yaml:"cert_file,omitempty"`
	KeyFile  File   `koanf:"key_file" yaml:"key_file,omitempty"`
	CA       Secret `koanf:"ca" yaml:"ca,omitempty"`
	Cert     Secret `koanf:"cert" yaml:"cert,omitempty"`
	Key      Secret `koanf:"key" yaml:"key,omitempty"`
}

// SASL is by which name and password we say who we are to a cluster.
type SASL struct {
	Mechanism    string `koanf:"mechanism" yaml:"mechanism,omitempty"`
	Username     string `koanf:"username" yaml:"username,omitempty"`
	PasswordFile File   `koanf:"password_file" yaml:"password_file,omitempty"`
	Password     Secret `koanf:"password" yaml:"password,omitempty"`
}

// Filter picks topics by name: those that any pattern of Include matches (none: all) and none of Exclude.
type Filter struct {
	Include []Pattern `koanf:"include" yaml:"include,omitempty"`
	Exclude []Pattern `koanf:"exclude" yaml:"exclude,omitempty"`
}

// Application is a rule that names clients. The first rule that matches wins.
type Application struct {
	Match       Match      `koanf:"match" yaml:"match"`
	Name        string     `koanf:"name" yaml:"name"`
	Owner       string     `koanf:"owner" yaml:"owner,omitempty"`
	Tags        []string   `koanf:"tags" yaml:"tags,omitempty"`
	PerCluster  bool       `koanf:"per_cluster" yaml:"per_cluster,omitempty"`
	Contact     string     `koanf:"contact" yaml:"contact,omitempty"`
	Description string     `koanf:"description" yaml:"description,omitempty"`
	Stops       []string   `koanf:"stops" yaml:"stops,omitempty"`
	Properties  Properties `koanf:"properties" yaml:"properties,omitempty"`
}

// Match are the patterns that a client must match, all that are given and at least one.
type Match struct {
	ClientID        Pattern `koanf:"client_id" yaml:"client_id,omitempty"`
	Group           Pattern `koanf:"group" yaml:"group,omitempty"`
	TransactionalID Pattern `koanf:"transactional_id" yaml:"transactional_id,omitempty"`
	Principal       Pattern `koanf:"principal" yaml:"principal,omitempty"`
	Unidentified    Pattern `koanf:"unidentified" yaml:"unidentified,omitempty"`
}

// Topic is a rule that says whose topics are, and what they hold.
type Topic struct {
	Match       Pattern    `koanf:"match" yaml:"match"`
	Owner       string     `koanf:"owner" yaml:"owner,omitempty"`
	Tags        []string   `koanf:"tags" yaml:"tags,omitempty"`
	Contact     string     `koanf:"contact" yaml:"contact,omitempty"`
	Description string     `koanf:"description" yaml:"description,omitempty"`
	Stops       []string   `koanf:"stops" yaml:"stops,omitempty"`
	Properties  Properties `koanf:"properties" yaml:"properties,omitempty"`
}

// Server is who is asked through a REST interface: a Kafka Connect cluster, a schema registry, or a Flink. Any of its
// addresses answers for all.
type Server struct {
	Name      string    `koanf:"name" yaml:"name,omitempty"`
	URL       string    `koanf:"url" yaml:"url,omitempty"`
	URLs      []string  `koanf:"urls" yaml:"urls,omitempty"`
	Cluster   string    `koanf:"cluster" yaml:"cluster,omitempty"`
	BasicAuth BasicAuth `koanf:"basic_auth" yaml:"basic_auth,omitempty"`
	TLS       TLS       `koanf:"tls" yaml:"tls,omitempty"`
}

// Addresses are its URLs, URL first.
func (c Server) Addresses() []string {
	if c.URL == "" {
		return c.URLs
	}
	return append([]string{c.URL}, c.URLs...)
}

// Source is the name under which what it says is stored, and in which a Connect cluster's connectors are named: the
// configured one, else HOST:PORT of its first address.
func (c Server) Source() string {
	if c.Name != "" || len(c.Addresses()) == 0 {
		return c.Name
	}
	u, err := url.Parse(c.Addresses()[0])
	if err != nil {
		return ""
	}
	return u.Host
}

// Flink is one Flink to watch through its REST interface: a session cluster, or an application's own. It has a URL or
// URLs, one for each of its JobManagers.
type Flink struct {
	Name      string     `koanf:"name" yaml:"name,omitempty"`
	URL       string     `koanf:"url" yaml:"url,omitempty"`
	URLs      []string   `koanf:"urls" yaml:"urls,omitempty"`
	Cluster   string     `koanf:"cluster" yaml:"cluster,omitempty"`
	Jobs      []FlinkJob `koanf:"jobs" yaml:"jobs,omitempty"`
	BasicAuth BasicAuth  `koanf:"basic_auth" yaml:"basic_auth,omitempty"`
	TLS       TLS        `koanf:"tls" yaml:"tls,omitempty"`
}

// FlinkJob says of jobs what Flink does not tell.
type FlinkJob struct {
	Match                   Pattern  `koanf:"match" yaml:"match,omitempty"`
	Groups                  []string `koanf:"groups" yaml:"groups,omitempty"`
	TransactionalIDPrefixes []string `koanf:"transactional_id_prefixes" yaml:"transactional_id_prefixes,omitempty"`
}

// Server is whom to ask.
func (f Flink) Server() Server {
	return Server{Name: f.Name, URL: f.URL, URLs: f.URLs, Cluster: f.Cluster, BasicAuth: f.BasicAuth, TLS: f.TLS}
}

// Source is the name under which a Flink's observations are stored, and in which its jobs are named: the configured
// one, else HOST:PORT of its first address.
func (f Flink) Source() string { return f.Server().Source() }

// BasicAuth is by which name and password we say who we are over HTTP.
type BasicAuth struct {
	Username     string `koanf:"username" yaml:"username,omitempty"`
	PasswordFile File   `koanf:"password_file" yaml:"password_file,omitempty"`
	Password     Secret `koanf:"password" yaml:"password,omitempty"`
}

// Dataset says what connectors of a class read or write outside Kafka.
type Dataset struct {
	Class     Pattern `koanf:"class" yaml:"class"`
	Namespace string  `koanf:"namespace" yaml:"namespace"`
	Name      string  `koanf:"name" yaml:"name"`
}

// Mirror says which clusters MirrorMaker 2 means, where it can't be found by itself.
type Mirror struct {
	Source  string  `koanf:"source" yaml:"source"`
	Target  string  `koanf:"target" yaml:"target"`
	Aliases Aliases `koanf:"aliases" yaml:"aliases,omitempty"`
}

// ClusterAlias says which cluster somebody means who spells it in his own way.
type ClusterAlias struct {
	Spelling string `koanf:"spelling" yaml:"spelling"`
	From     string `koanf:"from" yaml:"from,omitempty"`
	Cluster  string `koanf:"cluster" yaml:"cluster"`
}

// Node is a rule that says whose nodes of any kind are, and what they hold.
type Node struct {
	Match       Pattern    `koanf:"match" yaml:"match"`
	Owner       string     `koanf:"owner" yaml:"owner,omitempty"`
	Tags        []string   `koanf:"tags" yaml:"tags,omitempty"`
	Contact     string     `koanf:"contact" yaml:"contact,omitempty"`
	Description string     `koanf:"description" yaml:"description,omitempty"`
	Stops       []string   `koanf:"stops" yaml:"stops,omitempty"`
	Properties  Properties `koanf:"properties" yaml:"properties,omitempty"`
}

// Declared is where it stands what people say that should be: who writes and reads what, and whose it is.
type Declared struct {
	Flows    []DeclaredFlow `koanf:"flows" yaml:"flows,omitempty"`
	AsyncAPI []File         `koanf:"asyncapi" yaml:"asyncapi,omitempty"`
	Products []File         `koanf:"products" yaml:"products,omitempty"`
	// Backstage are entities of a software catalog.
	Backstage []File `koanf:"backstage" yaml:"backstage,omitempty"`
}

// Usage is who pays for what is used, and how much.
type Usage struct {
	Currency string  `koanf:"currency" yaml:"currency,omitempty"`
	Charge   Charge  `koanf:"charge" yaml:"charge,omitempty"`
	Prices   []Price `koanf:"prices" yaml:"prices,omitempty"`
	// Reports are written to folders by themselves.
	Reports []Report `koanf:"reports" yaml:"reports,omitempty"`
}

// Charge says who pays.
type Charge struct {
	Write   string `koanf:"write" yaml:"write,omitempty"`
	Read    string `koanf:"read" yaml:"read,omitempty"`
	Storage string `koanf:"storage" yaml:"storage,omitempty"`
}

// Price is what a unit of each meter costs, from a day to before another.
type Price struct {
	Cluster        string  `koanf:"cluster" yaml:"cluster,omitempty"`
	From           Date    `koanf:"from" yaml:"from,omitempty"`
	Until          Date    `koanf:"until" yaml:"until,omitempty"`
	Ingress        Decimal `koanf:"ingress" yaml:"ingress,omitempty"`
	IngressRecords Decimal `koanf:"ingress_records" yaml:"ingress_records,omitempty"`
	Egress         Decimal `koanf:"egress" yaml:"egress,omitempty"`
	EgressRecords  Decimal `koanf:"egress_records" yaml:"egress_records,omitempty"`
	Replication    Decimal `koanf:"replication" yaml:"replication,omitempty"`
	Storage        Decimal `koanf:"storage" yaml:"storage,omitempty"`
	Partitions     Decimal `koanf:"partitions" yaml:"partitions,omitempty"`
}

// DeclaredFlow says that records go from one node to another. Both are ids as in answers.
type DeclaredFlow struct {
	From string `koanf:"from" yaml:"from"`
	To   string `koanf:"to" yaml:"to"`
}

// Default returns the configuration that holds where nothing is said. It lacks a cluster.
func Default() Config {
	const day = 24 * time.Hour
	return Config{
		Listen:   "127.0.0.1:8420",
		Data:     "./lineaged-data",
		Interval: Duration(10 * time.Second),
		// Two days of every tick answer "what happened this weekend"; a year and a month of hours shows last year's
		// same month.
		Retention: Retention{Raw: Duration(2 * day), Minute: Duration(30 * day), Hour: Duration(400 * day)},
		Ledger:    Ledger{Enabled: true, Period: Duration(time.Hour), Retention: Duration(400 * day)},
		MCP:       MCP{Enabled: true},
		Log:       Log{Level: "info", Format: "auto"},
	}
}
