package config

import (
	"fmt"
	"reflect"
	"strings"
)

// text is what is said of a key: short in the help of its flag, long on the reference page after it.
type text struct{ short, long string }

// texts has one entry for every key.
var texts = map[string]text{
	"listen": {
		"address of the web UI and the API; port 0 takes a free one",
		"Any other than a loopback address is refused without `web.config_file`.",
	},
	"web.config_file": {
		"TLS, client certificates and passwords of the server",
		"The format is that of Prometheus' exporter-toolkit: `tls_server_config`, `basic_auth_users`. It is read again when it changes; one that protects less than before is refused until a restart.",
	},
	"web.allowed_hosts": {
		"further host names under which browsers may reach the server",
		"Requests with another Host or Origin are refused. The listen address, `localhost` and loopback addresses are always allowed.",
	},
	"web.url": {
		"address under which people reach the web pages, for links in answers, as `https://lineaged.example`",
		"Needed behind a proxy that ends TLS. Default: the address that is asked.",
	},
	"data": {
		"folder of the store",
		"Created when it does not exist. A relative path starts from the working directory.",
	},
	"min_free": {
		"free space that is left on the file system of the data",
		"With less nothing more is stored, and what is stored can be asked. Default: 512 MiB, and a twentieth of a file system of less than 10 GiB.",
	},
	"interval": {
		"the tick: how often every cluster is looked at",
		"At least `1s`. It has to divide a minute, or an hour in whole minutes; the store keeps the one it was made with.",
	},
	"retention.raw":    {"how long every tick is kept", "At least `interval`."},
	"retention.minute": {"how long one sample a minute is kept", "At least `retention.raw`."},
	"retention.hour":   {"how long one sample an hour is kept", "At least `retention.minute`."},
	"ledger.enabled": {
		"whether what is used is written into the ledger",
		"Switched off, what stands in it stays. On again, it goes on where it ended, with what is held of the time between.",
	},
	"ledger.period": {
		"how much time one period of the ledger has",
		"A part of a day, from `1m` to `24h`, and a multiple of `interval`.",
	},
	"ledger.retention": {
		"how long entries of the ledger are held",
		"At least 7d; `0s` holds them for ever. What is older goes, the hashes over it stay, and what remains is proved as before ([ledger.md](ledger.md#retention)). An anchor that holds an older checkpoint keeps what came after it.",
	},
	"ledger.key_file": {
		"file with the key by which the ledger is signed",
		"It is made, with mode 0600, where it is not there. Default: `ledger.key` in the folder of the data.",
	},
	"mcp.enabled": {
		"whether assistants may ask at `/mcp` (Model Context Protocol)",
		"Whoever may ask `/graphql` may, and nobody else. See [mcp.md](mcp.md).",
	},
	"catalog.edit": {
		"whether whoever may ask may also edit owners, tags and other metadata",
		"Whoever reaches the server is then a writer: there are no roles yet. See [catalog.md](catalog.md).",
	},
	"catalog.user_header": {
		"header in which a proxy says who asks, as `X-Forwarded-User`",
		"Whoever reaches the server without the proxy can say any name: only the proxy should. Default: the name of a user of `web.config_file`, else nobody's.",
	},
	"ledger.anchors.*.file": {
		"file that holds the newest checkpoint, as on a share that others keep",
		"Replaced whole, in a folder that is there. Each anchor has one of `file`, `witness`, `timestamp` and `cluster`. See [ledger.md](ledger.md#anchors).",
	},
	"ledger.anchors.*.witness": {
		"address of a witness that cosigns checkpoints (C2SP tlog-witness)",
		"`https://` or `http://`; `add-checkpoint` is put after it. The witness must know the ledger's key: `GET /ledger/key.pub`.",
	},
	"ledger.anchors.*.key": {"the witness's verifier key, `NAME+HASH+KEY`", "Of Ed25519. Its cosignatures are verified by it."},
	"ledger.anchors.*.timestamp": {
		"address of a time stamp authority (RFC 3161)",
		"`https://` or `http://`. It is sent the hash of a checkpoint, and nothing else.",
	},
	"ledger.anchors.*.ca_file": {"certificate authority of the time stamp authority, PEM", "Default: whose its time stamps are, is not verified."},
	"ledger.anchors.*.cluster": {
		"name of a watched cluster to which checkpoints are written",
		"By the connection of the cluster, which then has to have WRITE, READ and DESCRIBE on the topic.",
	},
	"ledger.anchors.*.topic": {"topic of this cluster", "It has to be there: it is not made."},
	"log.level":              {"how much is logged: debug, info, warn or error", "The log goes to standard error."},
	"log.format":             {"how it is logged: text, json or auto", "`auto` is text on a terminal and JSON elsewhere."},
	"metrics.max_series": {
		"how many series of topics and groups `/metrics` has at most",
		"What is beyond it is left out, lags of a group on a topic first, and `lineaged_metrics_series_left_out` says how many are. Default: `100000`.",
	},
	"metrics.lag_by": {
		"topic or group: whose lags `/metrics` has beside those of whole groups",
		"With `group` a group has one series for all of its topics, and none for each. Default: `topic`.",
	},
	"metrics.push.url": {
		"address of who takes by OTLP over HTTP what `/metrics` has",
		"An OpenTelemetry Collector, Prometheus, or another. Without a path `/v1/metrics` is asked. Default: nothing is sent. See [metrics-push.md](metrics-push.md).",
	},
	"metrics.push.every":         {"how often, from 10s to 1h", "Default: 1m."},
	"metrics.push.headers_file":  {"file with headers for it, a line each: `Authorization: Bearer TOKEN`", "Read again at each push. Default: none is sent."},
	"metrics.push.headers":       {"the headers instead of `headers_file`", ""},
	"metrics.push.tls.enabled":   {"not needed", "An `https://` address says it."},
	"metrics.push.tls.ca_file":   {"certificate authority of the receiver, PEM", "Default: the system's authorities."},
	"metrics.push.tls.cert_file": {"our certificate, PEM", "With `key_file`, for receivers that ask for client certificates."},
	"metrics.push.tls.key_file":  {"our certificate's private key, PEM", ""},
	"metrics.push.tls.ca":        {"content instead of `ca_file`", ""},
	"metrics.push.tls.cert":      {"content instead of `cert_file`", ""},
	"metrics.push.tls.key":       {"content instead of `key_file`", ""},
	"metrics_api.token_file": {
		"file with a token that lets who bears it ask the Metrics API, and nothing else",
		"As a bearer token, or as the secret of an API key, whichever the key. Of 16 characters at least. Whoever may ask everything needs none. See [metrics-api.md](metrics-api.md).",
	},
	"metrics_api.token": {"the token instead of `token_file`", ""},
	"clusters.*.name": {
		"name of the cluster in answers",
		"No two clusters may share one. Default: the cluster id that the brokers report.",
	},
	"clusters.*.environment": {
		"scope in which an application's name means one application",
		"Default: the cluster's own name, so that nothing merges unasked.",
	},
	"clusters.*.brokers": {
		"brokers to start from",
		"The others are learnt from them. One is enough; more help while one is down.",
	},
	"clusters.*.tls.enabled": {
		"encrypt the connection to Kafka",
		"Default: true when any other key of `tls` is set. Alone it trusts the system's authorities.",
	},
	"clusters.*.tls.ca_file":        {"certificate authority of the brokers, PEM", "Default: the system's authorities."},
	"clusters.*.tls.cert_file":      {"our certificate, PEM", "With `key_file`, for brokers that ask for client certificates."},
	"clusters.*.tls.key_file":       {"our certificate's private key, PEM", ""},
	"clusters.*.tls.ca":             {"content instead of `ca_file`", ""},
	"clusters.*.tls.cert":           {"content instead of `cert_file`", ""},
	"clusters.*.tls.key":            {"content instead of `key_file`", ""},
	"clusters.*.sasl.mechanism":     {"one of PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512", "Default: no SASL."},
	"clusters.*.sasl.username":      {"user name", ""},
	"clusters.*.sasl.password_file": {"file with the password", "A line's end after it is ignored."},
	"clusters.*.sasl.password":      {"the password instead of `password_file`", ""},
	"clusters.*.topics.include": {
		"topics to look at; may be repeated",
		"A topic is looked at when any of the patterns matches. Default: all. Internal topics are counted and hidden.",
	},
	"clusters.*.topics.exclude": {"topics to leave out; may be repeated", "Wins over `include`."},
	"clusters.*.telemetry.subscribe": {
		"subscribe the cluster's clients to push metrics",
		"By a client-metrics subscription `lineaged` of the cluster, which stays when this is switched off again. Asks for ALTER_CONFIGS on the cluster. Default: `false`. See [telemetry](telemetry.md).",
	},
	"clusters.*.telemetry.interval": {"how long a client waits between two pushes", "From `1s` to `1h`. Default: `30s`."},
	"clusters.*.push.token_file": {
		"file with the bearer token by which others send what is about this cluster",
		"Who has it can tell of no other cluster. 16 characters at least.",
	},
	"clusters.*.push.token": {"the token instead of `token_file`", ""},
	"otlp.token_file": {
		"file with the bearer token of `/v1/metrics` and `/v1/logs`",
		"Who has it can tell of any cluster, by `kafka.cluster.id`. Default: nobody is answered there, but who has a cluster's `push.token_file`.",
	},
	"otlp.token":    {"the token instead of `token_file`", ""},
	"otlp.max_body": {"how large a request may be, packed or unpacked", "Larger ones are refused (413). Default: 4 MiB."},
	"openlineage.token_file": {
		"file with the bearer token of `/api/v1/lineage`, by which OpenLineage's clients send events",
		"Default: whoever reaches the server may send where it listens on a loopback address, and nobody elsewhere. 16 characters at least. See [openlineage.md](openlineage.md).",
	},
	"openlineage.token":    {"the token instead of `token_file`", ""},
	"openlineage.max_body": {"how large a request may be, packed or unpacked", "Larger ones are refused (413). Default: 8 MiB."},
	"openlineage.time_to_live": {
		"how long a run that says no more is taken to go on",
		"Where it did not say itself how often it would: then it is three times that. From `1m` to `90d`. Default: `24h`.",
	},
	"clusters.*.logs.files": {
		"patterns of the files with the brokers' request log and authorizer log; may be repeated",
		"As in a shell, rotated and compressed ones included: `/var/log/kafka/kafka-request.log*`. See [logs.md](logs.md).",
	},
	"clusters.*.logs.topic": {
		"topic of this cluster to which the brokers' request log and authorizer log are shipped",
		"A record is a line, or JSON whose field it is.",
	},
	"clusters.*.logs.push": {
		"others send the brokers' request log and authorizer log to `/v1/logs`",
		"With `otlp.token_file`, or the cluster's `push.token_file`. See [logs.md](logs.md).",
	},
	"clusters.*.logs.no_request_log": {
		"the request log was switched off for good, and these are the authorizer log's lines alone",
		"From the first round with it nobody waits for the request log: its silence is no gap any more. See [logs.md](logs.md#switched-off-for-good).",
	},
	"clusters.*.logs.sample_request_log.every": {
		"how often lineaged switches the brokers' request log on for a while",
		"Four times `for` at least, e.g. `5m`. Asks for ALTER_CONFIGS and DESCRIBE_CONFIGS on the cluster. Default: never. See [logs.md](logs.md#samples).",
	},
	"clusters.*.logs.sample_request_log.for": {"for how long", "From `1s` to `1m`. Default: `5s`."},
	"clusters.*.audit.*.topic": {
		"topic with Confluent's or Redpanda's audit log",
		"`confluent-audit-log-events`, `_redpanda.audit_log`. See [audit.md](audit.md).",
	},
	"clusters.*.audit.*.cluster_id": {
		"what the records call this cluster, e.g. `lkc-a1b2c`",
		"Default: the id that its brokers report. Records of other clusters are not taken. Redpanda's name none.",
	},
	"clusters.*.audit.*.brokers":            {"brokers of the cluster that the topic is in", "Default: the cluster itself, as it is reached."},
	"clusters.*.audit.*.tls.enabled":        {"encrypt the connection to them", "Default: true when any other key of `tls` is set."},
	"clusters.*.audit.*.tls.ca_file":        {"certificate authority of these brokers, PEM", "Default: the system's authorities."},
	"clusters.*.audit.*.tls.cert_file":      {"our certificate, PEM", "With `key_file`, for brokers that ask for client certificates."},
	"clusters.*.audit.*.tls.key_file":       {"our certificate's private key, PEM", ""},
	"clusters.*.audit.*.tls.ca":             {"content instead of `ca_file`", ""},
	"clusters.*.audit.*.tls.cert":           {"content instead of `cert_file`", ""},
	"clusters.*.audit.*.tls.key":            {"content instead of `key_file`", ""},
	"clusters.*.audit.*.sasl.mechanism":     {"one of PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512", "Default: no SASL."},
	"clusters.*.audit.*.sasl.username":      {"user name", ""},
	"clusters.*.audit.*.sasl.password_file": {"file with the password", "A line's end after it is ignored."},
	"clusters.*.audit.*.sasl.password":      {"the password instead of `password_file`", ""},
	"clusters.*.headers.topics": {
		"topics of whose record batches the headers are read; may be repeated",
		"By a consumer without a group, which asks for READ on them. Default: none. See [headers.md](headers.md).",
	},
	"clusters.*.headers.budget": {
		"how much is fetched for it at most, a second and broker",
		"A broker sends whole batches: with less than what is written, a part of the records is looked at, and nothing is counted. Default: `1MiB`.",
	},
	"clusters.*.headers.records.topics": {
		"those of these topics of whose records one header is read; may be repeated",
		"Batches are unpacked for it. Name no topic to which records are forwarded with their headers. Default: none. See [headers.md](headers.md#record-headers).",
	},
	"clusters.*.headers.records.header": {"name of the header that names the application that wrote a record", "Default: `ce_source`."},
	"clusters.*.headers.records.sample": {
		"part of the batches that is unpacked",
		"With `1/1` all are, and writers without idempotence are counted by name. Default: `1/10`.",
	},
	"clusters.*.headers.records.traces.*.from": {
		"topic in which traces begin whose time to another is told",
		"By `traceparent` of W3C Trace Context. Both topics must be among `records.topics`; all of their batches are unpacked. Up to 100 pairs. See [headers.md](headers.md#traces).",
	},
	"clusters.*.headers.records.traces.*.to": {"topic that they come to", "Each ends one pair at most."},
	"connect.*.name": {
		"name of the Connect cluster in answers",
		"No two Connect clusters, and none and a cluster, may share one. Default: host and port of its first worker.",
	},
	"connect.*.url":                              {"address of a worker's REST interface", "`http://` or `https://`, without a password: that goes to `basic_auth`. `url` or `urls` must be given."},
	"connect.*.urls":                             {"addresses of further workers", "They are asked in turn when one does not answer."},
	"connect.*.cluster":                          {"name of its Kafka cluster", "Default: the one whose id the workers report."},
	"connect.*.basic_auth.username":              {"user name", "Default: no authentication."},
	"connect.*.basic_auth.password_file":         {"file with the password", "A line's end after it is ignored."},
	"connect.*.basic_auth.password":              {"the password instead of `password_file`", ""},
	"connect.*.tls.enabled":                      {"not needed", "An `https://` address says it."},
	"connect.*.tls.ca_file":                      {"certificate authority of the workers, PEM", "Default: the system's authorities."},
	"connect.*.tls.cert_file":                    {"our certificate, PEM", "With `key_file`, for workers that ask for client certificates."},
	"connect.*.tls.key_file":                     {"our certificate's private key, PEM", ""},
	"connect.*.tls.ca":                           {"content instead of `ca_file`", ""},
	"connect.*.tls.cert":                         {"content instead of `cert_file`", ""},
	"connect.*.tls.key":                          {"content instead of `key_file`", ""},
	"schema_registry.*.name":                     {"name of the schema registry in answers", "No two registries, Connect clusters and clusters may share one. Default: host and port of its first address."},
	"schema_registry.*.url":                      {"address of its REST interface", "`http://` or `https://`, with a path where there is one. Of Apicurio: `http://HOST:8080` is its own interface, and `/apis/ccompat/v7` behind it is as Confluent's. Without a password: that goes to `basic_auth`. `url` or `urls` must be given."},
	"schema_registry.*.urls":                     {"further addresses of the same registry", "They are asked in turn when one does not answer."},
	"schema_registry.*.cluster":                  {"name of the cluster whose topics its subjects are of", "Default: the only one there is."},
	"schema_registry.*.type":                     {"confluent or apicurio: the interface by which it is asked", "Default: the one that the path of `url` names; else the first of Confluent's, Apicurio's version 3 and 2 that answers."},
	"schema_registry.*.group":                    {"group of Apicurio whose artifacts are read as its subjects", "By Confluent's interface it is sent as `X-Registry-GroupId`. Each further group is another registry under another `name`. Default: by Confluent's interface Apicurio's group `default`, by its own all groups but those that other entries read."},
	"schema_registry.*.basic_auth.username":      {"user name", "Default: no authentication."},
	"schema_registry.*.basic_auth.password_file": {"file with the password", "A line's end after it is ignored."},
	"schema_registry.*.basic_auth.password":      {"the password instead of `password_file`", ""},
	"schema_registry.*.tls.enabled":              {"not needed", "An `https://` address says it."},
	"schema_registry.*.tls.ca_file":              {"certificate authority of the registry, PEM", "Default: the system's authorities."},
	"schema_registry.*.tls.cert_file":            {"our certificate, PEM", "With `key_file`, for registries that ask for client certificates."},
	"schema_registry.*.tls.key_file":             {"our certificate's private key, PEM", ""},
	"schema_registry.*.tls.ca":                   {"content instead of `ca_file`", ""},
	"schema_registry.*.tls.cert":                 {"content instead of `cert_file`", ""},
	"schema_registry.*.tls.key":                  {"content instead of `key_file`", ""},

	"flink.*.name":          {"name of the Flink in answers, and the scope of its jobs", "No two may share one, nor with a cluster or a Connect cluster. Default: host and port. See [flink.md](flink.md)."},
	"flink.*.url":           {"address of the JobManager's REST interface", "Of a session cluster or an application's own; `http://` or `https://`, without a password: that goes to `basic_auth`. `url` or `urls` must be given, and not both."},
	"flink.*.urls":          {"addresses of the REST interfaces of all JobManagers of one Flink (high availability)", "They are asked in turn when one does not answer. Give it a `name` too: else it is named by the first of them."},
	"flink.*.cluster":       {"name of the Kafka cluster that its jobs read and write", "Flink does not say it. Default: the only one that is watched; where there are several, none."},
	"flink.*.jobs.*.match":  {"pattern of the job's name", "Default: all jobs. All rules that match hold."},
	"flink.*.jobs.*.groups": {"consumer groups that are the job's", "Flink does not say them; mostly they are found by what they commit."},
	"flink.*.jobs.*.transactional_id_prefixes": {
		"what the job's transactional.ids begin with (`setTransactionalIdPrefix`)", "So what it writes exactly once is its own; Flink does not say it.",
	},
	"flink.*.basic_auth.username":      {"user name", "Default: no authentication."},
	"flink.*.basic_auth.password_file": {"file with the password", "A line's end after it is ignored."},
	"flink.*.basic_auth.password":      {"the password instead of `password_file`", ""},
	"flink.*.tls.enabled":              {"not needed", "An `https://` address says it."},
	"flink.*.tls.ca_file":              {"certificate authority of the JobManager, PEM", "Default: the system's authorities."},
	"flink.*.tls.cert_file":            {"our certificate, PEM", "With `key_file`, where client certificates are asked for."},
	"flink.*.tls.key_file":             {"our certificate's private key, PEM", ""},
	"flink.*.tls.ca":                   {"content instead of `ca_file`", ""},
	"flink.*.tls.cert":                 {"content instead of `cert_file`", ""},
	"flink.*.tls.key":                  {"content instead of `key_file`", ""},

	"datasets.*.class":                      {"pattern of `connector.class`", "For connectors that lineaged does not know. The first that matches wins, also over what it knows."},
	"datasets.*.namespace":                  {"namespace of the dataset, by OpenLineage's naming", "`${KEY}` is the connector's setting of that key; one whose key looks like a secret's, and one that is not closed, is refused. `${topic}` is each of its topics."},
	"datasets.*.name":                       {"name of the dataset", "As the namespace."},
	"mirrors.*.source":                      {"name of the cluster that MirrorMaker 2 copies from", "Only for what is not found by itself."},
	"mirrors.*.target":                      {"name of the cluster that it copies to", ""},
	"mirrors.*.aliases":                     {"its own aliases of clusters, with their names here", "E.g. `{w: west, e: east}`."},
	"openlineage.topics.*.cluster":          {"name of the watched cluster of `topic`", "It is read with the rights by which the cluster is watched: `READ` on the topic is needed."},
	"openlineage.topics.*.topic":            {"topic whose records are OpenLineage events", "One event a record, as JSON; the key says nothing. It is read without a group. See [openlineage.md](openlineage.md#from-a-topic)."},
	"openlineage.targets.*.name":            {"name of the target, in messages and metrics", "Default: its kind. No two may share one."},
	"openlineage.targets.*.kind":            {"openlineage, marquez, datahub or openmetadata", "How the receiver finds topics and jobs. Default: `openlineage`. See [openlineage-out.md](openlineage-out.md)."},
	"openlineage.targets.*.url":             {"address of a server that takes OpenLineage events", "Without a path the kind's own is asked: `/api/v1/lineage`, of DataHub `/openapi/openlineage/api/v1/lineage`. A target has `url` or `topic`. Without a target nothing is sent."},
	"openlineage.targets.*.token_file":      {"file with the bearer token for it", "Read again at each event. Default: none is sent."},
	"openlineage.targets.*.token":           {"the token instead of `token_file`", ""},
	"openlineage.targets.*.tls.enabled":     {"not needed", "An `https://` address says it."},
	"openlineage.targets.*.tls.ca_file":     {"certificate authority of the server, PEM", "Default: the system's authorities."},
	"openlineage.targets.*.tls.cert_file":   {"our certificate, PEM", "With `key_file`, for servers that ask for client certificates."},
	"openlineage.targets.*.tls.key_file":    {"our certificate's private key, PEM", ""},
	"openlineage.targets.*.tls.ca":          {"content instead of `ca_file`", ""},
	"openlineage.targets.*.tls.cert":        {"content instead of `cert_file`", ""},
	"openlineage.targets.*.tls.key":         {"content instead of `key_file`", ""},
	"openlineage.targets.*.cluster":         {"name of the watched cluster of `topic`", "It is written with the rights by which the cluster is watched: `WRITE` on the topic is needed."},
	"openlineage.targets.*.topic":           {"topic that events are written to", "It has to be there: it is not made."},
	"openlineage.targets.*.namespaces":      {"namespaces of topics, by the cluster's name here", "E.g. `{west: 'kafka://kafka.example.com:9092'}`. Default: the first address by which a cluster is configured."},
	"openlineage.targets.*.every":           {"how much time one event is of, in whole minutes", "Default: 5m."},
	"openlineage.targets.*.max_disk":        {"how much may wait on disk for the target", "Above it the oldest give way, which is counted. Default: 64 MiB."},
	"cluster_aliases.*.spelling":            {"how somebody spells a cluster: a bootstrap address, a namespace of OpenLineage", "Of a list one address is enough. It counts before what Kafka says ([cluster aliases](aliases.md))."},
	"cluster_aliases.*.from":                {"who spells it so: a namespace of jobs, a Connect cluster", "Default: whoever does."},
	"cluster_aliases.*.cluster":             {"name of the cluster that is meant", ""},
	"applications.*.match.client_id":        {"pattern of the client id", "All patterns that are given must match, and one must be given."},
	"applications.*.match.group":            {"pattern of the group", ""},
	"applications.*.match.transactional_id": {"pattern of the transactional id", ""},
	"applications.*.match.principal":        {"pattern of the principal, e.g. `^User:billing$`", ""},
	"applications.*.match.unidentified":     {"pattern of CLUSTER/TOPIC, e.g. `^west/orders$`", "What writes there and has no name otherwise is this application, because you say so; its flow is DECLARED. `name` may then be a node's id too, as `streamjob:west/baskets`. See [candidates](evidence.md#candidates)."},
	"applications.*.name":                   {"name of the application", "`$1` or `${1}` is the first group of the pattern, of the first one that has any, `$$` a dollar; any other `$` is refused. The first rule that matches a client wins."},
	"applications.*.owner":                  {"who answers for it", ""},
	"applications.*.tags":                   {"tags", ""},
	"applications.*.per_cluster":            {"one application per cluster, also within an environment", "Default: `false`."},
	"applications.*.contact":                {"whom to ask", ""},
	"applications.*.description":            {"what it is", ""},
	"applications.*.stops":                  {"tags that it does not pass on to what it writes, e.g. `pii` of an anonymiser; `*`: none of them", "See [catalog.md](catalog.md#derived-tags)."},
	"applications.*.properties":             {"what else is known of it, a text by key, e.g. `cost-center: \"4711\"`", ""},
	"topics.*.match":                        {"pattern of the topic's name", "The first rule that matches a topic wins."},
	"topics.*.owner":                        {"who answers for it", "One thing must be said of the topics beside `match`."},
	"topics.*.tags":                         {"tags, e.g. `pii`", ""},
	"topics.*.contact":                      {"whom to ask", ""},
	"topics.*.description":                  {"what it is", ""},
	"topics.*.stops":                        {"tags that do not go on from here", "See [catalog.md](catalog.md#derived-tags)."},
	"topics.*.properties":                   {"what else is known of it, a text by key", ""},
	"nodes.*.match":                         {"pattern of the node's id, e.g. `^connector:connect-west/jdbc`", "As ids stand in answers, or with nothing percent-encoded: `^replicator:east/west->east$`. The first rule that matches wins. It adds what no rule of the node's own kind says."},
	"nodes.*.owner":                         {"who answers for it", "One thing must be said of the nodes beside `match`."},
	"nodes.*.tags":                          {"tags", ""},
	"nodes.*.contact":                       {"whom to ask", ""},
	"nodes.*.description":                   {"what it is", ""},
	"nodes.*.stops":                         {"tags that do not go on from here", "See [catalog.md](catalog.md#derived-tags)."},
	"nodes.*.properties":                    {"what else is known of it, a text by key", ""},
	"declared.flows.*.from":                 {"where records come from, as `application:production/shop`", "A node's id as in answers. One of both is a topic, the other an application, a stream job, a connector or a replicator. See [declared.md](declared.md)."},
	"declared.flows.*.to":                   {"where they go, as `topic:west/orders`", ""},
	"declared.asyncapi":                     {"patterns of AsyncAPI 3 documents; may be repeated", "As in a shell, relative to this file: `apis/*.yaml`. Read again when they change."},
	"usage.currency":                        {"currency of the prices, of ISO 4217", "E.g. `EUR`. Needed where there are prices. See [usage.md](usage.md)."},
	"usage.charge.write":                    {"who pays for what is written: producer or topic-owner", "Replication too. Default: `producer`."},
	"usage.charge.read":                     {"who pays for what is read: consumer or topic-owner", "Default: `consumer`."},
	"usage.charge.storage":                  {"who pays for what is on disk: topic-owner or producers-by-share", "By share: who wrote to the topic that day, by how many records. Default: `topic-owner`."},
	"usage.prices.*.cluster":                {"name of the cluster", "Default: all that have no prices of their own that day."},
	"usage.prices.*.from":                   {"first day, in UTC", "Default: since ever."},
	"usage.prices.*.until":                  {"first day on which it holds no more", "Default: until another one of the same cluster begins."},
	"usage.prices.*.ingress":                {"price of a GB written", "Decimal, exact. Of 10^9 bytes. A meter without a price costs nothing and is shown without one."},
	"usage.prices.*.ingress_records":        {"price of a record written", ""},
	"usage.prices.*.egress":                 {"price of a GB read", ""},
	"usage.prices.*.egress_records":         {"price of a record read", ""},
	"usage.prices.*.replication":            {"price of a GB that brokers copy to further replicas", ""},
	"usage.prices.*.storage":                {"price of a GB on disk for an hour, of all replicas", ""},
	"usage.prices.*.partitions":             {"price of a partition for an hour", ""},
	"usage.reports.*.report":                {"what is written: usage or register", "Default: `usage`. See [reports.md](reports.md#to-a-folder)."},
	"usage.reports.*.name":                  {"what the files' names begin with", "Default: from what they are of, as `usage-tag-pii`."},
	"usage.reports.*.scope.topic":           {"id of a topic, as `topic:west/orders`", "A report is of one of these five; a register of a tag."},
	"usage.reports.*.scope.tag":             {"tag, e.g. `pii`", ""},
	"usage.reports.*.scope.owner":           {"owner", ""},
	"usage.reports.*.scope.application":     {"id of one that reads or writes, as `application:production/shop`", ""},
	"usage.reports.*.scope.cluster":         {"name of a cluster", ""},
	"usage.reports.*.every":                 {"length of a report's window: month, or a duration of whole minutes such as 1d or 7d", "Windows follow each other without a gap: calendar months in UTC, or counted from a Monday, midnight in UTC."},
	"usage.reports.*.after":                 {"how long after its window's end a report is written", "What is told late is in it if it comes by then. Default: `10m`."},
	"usage.reports.*.format":                {"csv, json or html", "Default: `csv`."},
	"usage.reports.*.group_by":              {"also sums by topic, application, owner, cluster or day", ""},
	"usage.reports.*.rows":                  {"of csv: uses, or periods: each use in each period of the ledger", "Default: `uses`."},
	"usage.reports.*.derived":               {"of a tag: also topics that do not bear it and to which it comes along flows, marked and summed apart", "Default: `true`. See [catalog.md](catalog.md#derived-tags)."},
	"usage.reports.*.folder":                {"folder that the files are written to", "It is made where it is missing. A relative one starts from this file's folder."},
	"declared.backstage":                    {"patterns of entities of Backstage's software catalog; may be repeated", "As in a shell, relative to this file: `catalog-info.yaml`. Components and resources, with whose they are. Read again when they change."},
	"declared.products":                     {"patterns of data products (ODPS 1.0) and data contracts (ODCS 3); may be repeated", "As in a shell, relative to this file: `products/*.odps.yaml`. Read again when they change."},
}

// defaultOf returns the default of a key as it would be written, "" when there is none.
func defaultOf(path string) string {
	v := reflect.ValueOf(Default())
	for name := range strings.SplitSeq(path, ".") {
		if name == "*" || v.Kind() != reflect.Struct {
			return ""
		}
		for i := range v.NumField() {
			if v.Type().Field(i).Tag.Get("koanf") == name {
				v = v.Field(i)
				break
			}
		}
	}
	if d, ok := reflect.TypeAssert[Duration](v); v.Kind() == reflect.Slice || v.Kind() == reflect.Pointer || ok && d == 0 {
		return ""
	}
	return fmt.Sprint(v.Interface())
}

const referenceHead = `# Configuration

Every setting of lineaged: its key in the YAML file, its environment variable, its flag and its default. This page is generated from the program and a
test holds it complete; ` + "`lineaged config print`" + ` shows the settings that are in force, with secrets redacted, and ` + "`lineaged config check`" + ` says
what is wrong with them.

Precedence: defaults < YAML file < environment < flags. Nothing needs a file: ` + "`lineaged serve --brokers HOST:PORT`" + ` is enough.

- The file is named by ` + "`--config FILE`" + ` or ` + "`LINEAGED_CONFIG`" + `. Unknown keys and unknown ` + "`LINEAGED_`" + ` variables are errors. (Variables that Kubernetes
  sets beside a service named lineaged are left alone; an empty variable counts as not set.)
- Durations are written as in Prometheus: ` + "`30s`, `10m`, `2d`, `1h30m`" + `. Patterns are regular expressions (RE2) that match anywhere unless they say ` + "`^` or `$`" + `.
- Lists in a variable or a flag are separated by commas; flags that take patterns are repeated instead.
- A relative path of a ` + "`*_file`" + ` key, of ` + "`declared`" + `, of an anchor's ` + "`file`" + ` and of a report's ` + "`folder`" + `, in the YAML file starts from that file's folder, elsewhere from the working directory.
- **Secrets** come from files (` + "`*_file`" + `), or, under the same key without ` + "`_file`" + `, from the environment only; the environment wins. They are never printed or logged. Files of passwords and certificates are read again for each connection, so that what is rotated needs no restart.
- In a variable's name ` + "`N`" + ` is the index, from 0: ` + "`LINEAGED_CLUSTERS_0_NAME`" + `. It adds to the file's lists and overrides them key by key. Where there is one cluster
  only, its keys have short variables and flags as well.
- ` + "`lineaged demo`" + ` reads no configuration; its flags are ` + "`--listen`" + ` (loopback only), ` + "`--open`" + ` (opens the browser) and ` + "`--log-level`" + `.
- The rules (` + "`applications`, `topics`, `nodes`" + `) and ` + "`declared`" + ` are read again when the file changes, and on SIGHUP: they take effect within seconds, for the past as well. A file that is wrong
  then changes nothing, and the log says what is wrong; other keys need a restart.
- An invalid configuration ends the program with exit code 2 and one line that names the key, the value and where it came from: the file and its line, the variable, the flag or the defaults. Of what is missing it names where its surroundings were set. Other failures: exit code 1.
`

// Reference returns the reference page of all keys, in Markdown.
func Reference() string {
	var b strings.Builder
	b.WriteString(referenceHead)
	section := "none"
	for _, k := range keys() {
		if s, title := heading(k.path); s != section {
			section = s
			fmt.Fprintf(&b, "\n## %s\n\n| key | takes | default | environment | flag | meaning |\n|---|---|---|---|---|---|\n", title)
		}
		env := code(k.env())
		if short := k.shortEnv(); short != "" {
			env += "<br>" + code(short)
		}
		t := texts[k.path]
		meaning := strings.TrimSpace(upperFirst(t.short) + ". " + t.long)
		if k.secret {
			meaning = strings.TrimSpace(meaning + " Environment only.")
		}
		flag := ""
		if f := k.flag(); f != "" {
			flag = code("--" + f)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", code(strings.ReplaceAll(readable(k.path), "[]", "[N]")), k.kindName(), code(defaultOf(k.path)), env, flag,
			strings.ReplaceAll(meaning, "|", "\\|"))
	}
	return b.String()
}

func heading(path string) (section, title string) {
	first, _, many := strings.Cut(path, ".*.")
	if top, _, _ := strings.Cut(path, "."); top == "declared" || top == "usage" {
		first, many = top, true
	}
	if !many {
		return "", "Server, store and tick"
	}
	return first, map[string]string{
		"clusters": "Clusters", "connect": "Kafka Connect", "flink": "Flink", "schema_registry": "Schema registries", "datasets": "Datasets of connectors", "mirrors": "MirrorMaker 2", "cluster_aliases": "How others spell clusters", "openlineage.targets": "Who is told by OpenLineage", "openlineage.topics": "Topics of OpenLineage events",
		"applications": "Rules that name applications", "topics": "Rules about topics", "nodes": "Rules about nodes of any kind",
		"declared": "What people declare", "usage": "Who pays for what is used, and reports of it", "ledger.anchors": "Anchors of the ledger",
	}[first]
}

func code(s string) string {
	if s == "" {
		return ""
	}
	return "`" + s + "`"
}

func upperFirst(s string) string {
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
