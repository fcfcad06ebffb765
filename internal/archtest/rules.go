// Package archtest holds the shape of the code: which package may import which, and that each one says what it is for.
//
// Data flows one way, kafka → collector → timeseries → graph → answer → api → ui. Every package may import the
// vocabulary in lineage; siblings meet only in cmd/lineaged, through interfaces that the caller declares. The package
// has no API for others: its tests read the module with `go list` and fail with the reason for each import that goes
// the wrong way. It refuses packages it does not know, so that a new one is placed on purpose.
package archtest

import (
	"fmt"
	"slices"
	"strings"
)

const module = "github.com/lineaged/lineaged"

// edge is one import. Paths in the module are relative to it ("collector/kafka"), others are whole.
type edge struct {
	from, to string
	test     bool // only in the package's tests
	std      bool // to is in the standard library
}

// layer says what the packages of one folder may import of this module, and of others.
type layer struct {
	imports []string // folders of this module besides its own and lineage
	tests   []string // more folders for its tests
	outside []string // module paths of others; nil: any but those that `reserved` keeps for someone
	why     string
}

const none = "-" // an allow-list that allows nothing

// layers is the design as a table. The key is a folder; the longest that fits a package counts.
var layers = map[string]layer{
	"lineage": {
		outside: []string{none},
		why:     "lineage is the vocabulary of all: the standard library only, and nothing of ours",
	},
	"identity": {
		outside: []string{"github.com/RoaringBitmap/roaring"},
		why:     "identity is pure: client facts and rules in, node out; it knows lineage only",
	},
	"declared": {
		outside: []string{"go.yaml.in/yaml"},
		why:     "declared reads what people wrote, in the words of lineage; what was observed is not its business",
	},
	"collector": {
		imports: []string{"internal/alias", "internal/mm2", "internal/copybook", "internal/pastend", "internal/rhythm", "internal/varint", "internal/brokerlog", "internal/recordbatch", "internal/unpack", "internal/runevent", "internal/deadletter", "internal/smt"},
		tests:   []string{"internal/kafkatest"},
		why:     "a collector hands observations to a small interface that it declares; it never sees store, graph or API",
	},
	"store": {
		outside: []string{none},
		why:     "store is the contract in the words of lineage: the standard library only; its battery knows no store",
	},
	"timeseries": {
		imports: []string{"store"},
		// what is settled must not depend on who was put away
		tests: []string{"attribution"},
		why:   "the store keeps and answers windows; it never triggers collection, and graphs are built on it through cmd",
	},
	"attribution": {
		outside: []string{none},
		// which calls it: that nothing depends on the order of arrival is a property of both
		tests: []string{"store", "timeseries"},
		why:   "attribution is pure: what was told of a topic in, who is debited out; cmd hands it to the store",
	},
	"graph": {
		outside: []string{"github.com/RoaringBitmap/roaring"},
		why:     "graph is pure: no clock, no I/O; cmd hands it the history",
	},
	"usage": {
		outside: []string{none},
		why:     "usage is pure: what was observed in, who pays what out; no store, no clock, no float for money",
	},
	"answer": {
		// which topics are MirrorMaker 2's own is told by their names; which cluster a declared server is, by addresses
		imports: []string{"graph", "store", "usage", "internal/alias", "internal/mm2", "internal/smt"},
		// answers are tested on the store in memory, by real names and a real account of a replication: copies of them
		// would prove less
		tests:   []string{"timeseries", "identity", "internal/copybook"},
		outside: []string{"github.com/RoaringBitmap/roaring"},
		why:     "answer says what a window means, to whoever asks: no HTTP, no GraphQL, nothing that asks it; the store and the names come through small interfaces that it declares",
	},
	"catalog": {
		imports: []string{"internal/csvcell"},
		outside: []string{"go.yaml.in/yaml"},
		why:     "catalog keeps what people say of nodes, in the words of lineage; what a window means is not its business",
	},
	"ledger": {
		outside: []string{"golang.org/x/mod", "github.com/transparency-dev/formats"},
		why:     "ledger keeps what it is told and proves it: it knows no store and no window",
	},
	"openlineage": {
		imports: []string{"answer"},
		// events are of the store in memory, by real names
		tests:   []string{"store", "timeseries", "identity"},
		outside: []string{none},
		why:     "openlineage writes what answer says in the words of OpenLineage; it sends nothing, and reads no event of others",
	},
	"openlineage/outbox": {imports: []string{"internal/receiver"}, outside: []string{none}, why: "openlineage/outbox brings bytes to receivers: what they say is not its business"},
	"ledger/closing": {
		imports: []string{"answer", "ledger", "usage"},
		// periods are of the store in memory, by real names
		tests:   []string{"timeseries", "identity", "catalog"},
		outside: []string{none},
		why:     "ledger/closing says of a period what answer says of it: it decides nothing of what that means",
	},
	"ledger/anchor": {
		imports: []string{"ledger"},
		outside: []string{"golang.org/x/mod", "golang.org/x/sync"},
		why:     "ledger/anchor knows checkpoints and who holds them: no store, no answers, and no Kafka, of which cmd hands it an anchor",
	},
	"export": {
		imports: []string{"answer", "graph", "internal/csvcell", "internal/span", "ledger", "usage"},
		// documents are of the store in memory: a copy of its answers would prove less
		tests:   []string{"store", "timeseries", "identity"},
		outside: []string{none},
		why:     "export writes what answer says into files; it speaks neither HTTP nor GraphQL, and cmd hands it to who does",
	},
	"export/scheduled": {
		imports: []string{"answer"},
		outside: []string{none},
		why:     "export/scheduled writes reports to folders, which cmd hands it: it knows when, and not what",
	},
	"metricsapi": {
		imports: []string{"answer"},
		// on the store in memory and by real names: copies of them would prove less
		tests:   []string{"store", "timeseries", "identity"},
		outside: []string{"github.com/prometheus/client_model", "github.com/prometheus/common"},
		why:     "metricsapi presents what answer says in Confluent's shapes; it reads no store, and cmd hands it the bounds of api",
	},
	"marquez": {
		imports: []string{"answer", "graph"},
		// on the store in memory, by real names and by those of events: copies of them would prove less
		tests:   []string{"store", "timeseries", "identity", "openlineage"},
		outside: []string{none},
		why:     "marquez presents what answer says in Marquez's shapes; it reads no store, and cmd hands it the bounds of api and the names of OpenLineage",
	},
	"api": {
		// whom a limit counts is one rule for connections and for questions
		imports: []string{"answer", "graph", "usage", "internal/serving", "internal/span"},
		// on the store in memory and by real names: copies of them would prove less
		tests: []string{"store", "timeseries", "identity", "internal/mm2", "catalog"},
		why:   "api presents what answer says; it reads no store, and decides nothing that answer decides",
	},
	"mcp": {
		imports: []string{"internal/span"},
		// tools are asked of a real API over the store in memory: a copy of its answers would prove less
		tests:   []string{"api", "answer", "store", "timeseries", "identity"},
		outside: []string{"github.com/modelcontextprotocol/go-sdk", "github.com/google/jsonschema-go"},
		why:     "mcp asks the public API and knows nothing behind it: a tool means what GraphQL means; cmd hands it who answers",
	},
	"ui": {
		outside: []string{none},
		why:     "ui is one embedded folder: the standard library only; cmd serves it",
	},
	"cmd/lineaged": {
		imports: []string{"identity", "attribution", "collector", "declared", "store", "timeseries", "graph", "answer", "api", "export", "metricsapi", "marquez", "ledger", "catalog", "usage", "mcp", "metricspush", "openlineage", "ui", "internal/alias", "internal/demo", "internal/yesterday", "internal/config", "internal/otlp", "internal/serving", "internal/licences", "internal/lineagein", "internal/runevent", "internal/deadletter"},
		tests:   []string{"internal/kafkatest", "internal/child"},
		why:     "cmd wires the parts; what only tests use does not belong in the binary",
	},
	"internal/demo": {
		imports: []string{"internal/mm2"},
		why:     "the demo is sample traffic on embedded brokers; lineaged watches it from outside like any other Kafka",
	},
	"internal/yesterday": {
		outside: []string{none},
		// that its sums hold is asked of the store that it is written to
		tests: []string{"store", "timeseries", "attribution"},
		why:   "the day before the demo is a script in the words of lineage: it knows no store, no Kafka and no shop",
	},
	"internal/config": {
		why: "configuration is a struct that cmd hands out in parts; it knows none of the parts",
	},
	"internal/acceptance": {
		imports: []string{"cmd/lineaged", "internal/cast", "internal/child", "internal/kafkatest", "internal/demo", "internal/mm2", "collector", "store", "timeseries", "graph", "answer", "api", "identity"},
		why:     "the acceptance tests drive the whole; they do not need the UI's package",
	},
	"internal/matrix": {
		imports: []string{"internal/cast", "internal/child", "internal/kafkatest"},
		why:     "the matrix holds the binary against other people's clients, from outside",
	},
	"internal/licences": {outside: []string{none}, why: "the licences are a text; the standard library only"},
	"internal/otlp": {
		outside: []string{"go.opentelemetry.io/proto/otlp", "google.golang.org/protobuf", "github.com/prometheus/client_golang"},
		why:     "internal/otlp is a protocol: what is sent means nothing to it; cmd hands it to who it is for",
	},
	"internal/receiver": {outside: []string{none}, why: "what a server answers that is told something is net/http's business; the standard library only"},
	"metricspush": {
		imports: []string{"internal/receiver"},
		// what is pushed is received by the protocol that we have
		tests:   []string{"internal/otlp"},
		outside: []string{"go.opentelemetry.io", "google.golang.org/protobuf", "github.com/prometheus/client_golang", "github.com/prometheus/client_model"},
		why:     "metricspush brings metrics to a receiver: what they say is not its business; cmd hands it those of api",
	},
	"internal/lineagein": {
		imports: []string{"internal/runevent", "internal/deadletter"},
		outside: []string{"github.com/prometheus/client_golang"},
		why:     "internal/lineagein is a protocol: what an event means, and where it is kept, cmd hands it to",
	},
	"internal/deadletter":  {imports: []string{"internal/runevent"}, outside: []string{none}, why: "letters are files that say what runevent reads; the standard library only"},
	"internal/runevent":    {outside: []string{"github.com/tidwall/gjson"}, why: "internal/runevent is pure: bytes in, values out; beyond the standard library it walks JSON only"},
	"internal/serving":     {outside: []string{none}, why: "what clients may take of a server is net/http's business; the standard library only"},
	"internal/cast":        {outside: []string{"github.com/twmb/franz-go"}, why: "a world of names knows lineaged from outside only, and starts nothing"},
	"internal/csvcell":     {outside: []string{none}, why: "what a spreadsheet runs is one rule for all files; the standard library only"},
	"internal/child":       {outside: []string{none}, why: "a child process is the standard library's business"},
	"internal/kafkatest":   {imports: []string{"internal/child"}, tests: []string{"internal/mm2"}, why: "the test broker knows Kafka, not lineaged"},
	"internal/alias":       {outside: []string{none}, why: "internal/alias is pure: what is known of clusters in, who is meant out; no network, no names resolved"},
	"internal/brokerlog":   {outside: []string{none}, why: "internal/brokerlog is pure: lines in, values out, in the words of lineage"},
	"internal/copybook":    {imports: []string{"internal/pastend", "internal/varint"}, outside: []string{none}, why: "internal/copybook is pure bookkeeping in the words of lineage"},
	"internal/pastend":     {outside: []string{none}, why: "internal/pastend is pure bookkeeping; the standard library only"},
	"internal/recordbatch": {outside: []string{none}, why: "internal/recordbatch is pure: bytes in, values out; the standard library only"},
	"internal/span":        {outside: []string{none}, why: "how long a time is in words is the standard library's business, and one rule for all that is asked"},
	"internal/unpack":      {outside: []string{"github.com/klauspost/compress", "github.com/pierrec/lz4/v4"}, why: "internal/unpack is pure: bytes in, bytes out, up to a bound"},
	"internal/rhythm":      {imports: []string{"internal/varint"}, outside: []string{none}, why: "internal/rhythm is pure bookkeeping in the words of lineage"},
	"internal/varint":      {outside: []string{none}, why: "internal/varint is pure: bytes in, values out; the standard library only"},
	"internal/smt":         {outside: []string{none}, why: "internal/smt is pure: settings and names of columns in, names of columns out"},
	"internal/mm2":         {outside: []string{none}, why: "internal/mm2 is pure: bytes and names in, values out; the standard library only"},
	"bench": {
		why: "bench is a module of its own: what peers are given knows no store",
	},
	"bench/peer/lineaged": {
		imports: []string{"bench/work", "attribution", "graph", "store", "timeseries"},
		why:     "lineaged is measured through the contract of store, and graph as answer asks it",
	},
	"bench/layout": {
		imports: []string{"bench/work", "graph/layout"},
		why:     "lineaged's drawing is measured beside others', and nothing else of it",
	},
	"internal/archtest": {outside: []string{none}, why: "a check of the code must not depend on it"},
	"internal/check":    {outside: []string{none}, why: "make test must run before anything else compiles"},
}

// reserved keeps a dependency, or a package of ours, for those who may use it.
var reserved = []struct {
	prefix string
	users  []string
	why    string
}{
	{
		"github.com/twmb/franz-go",
		[]string{"collector", "cmd/lineaged", "internal/demo", "internal/kafkatest", "internal/cast", "internal/acceptance", "internal/matrix"},
		"only collector speaks Kafka (cmd and internal for the demo and tests)",
	},
	{
		"github.com/twmb/avro",
		[]string{"collector"},
		"only collector reads schemas",
	},
	{
		"github.com/bufbuild/protocompile",
		[]string{"collector"},
		"only collector reads schemas",
	},
	{
		"github.com/99designs/gqlgen",
		[]string{"api"},
		"generated types stay in api",
	},
	{
		"github.com/vektah/gqlparser",
		[]string{"api"},
		"only api speaks GraphQL",
	},
	{
		"go.opentelemetry.io/otel",
		[]string{"metricspush"},
		"only metricspush sends by OTLP",
	},
	{
		"go.opentelemetry.io/contrib",
		[]string{"metricspush"},
		"only metricspush sends by OTLP",
	},
	{
		"github.com/modelcontextprotocol/go-sdk",
		[]string{"mcp"},
		"only mcp speaks the Model Context Protocol",
	},
}

// apart says which packages of the standard library a folder may not import, tests aside.
var apart = []struct {
	prefix, folder string
	why            string
}{
	{"net/http", "answer", "what a window means does not depend on who carries the question"},
	{"net/http", "export", "what a file says does not depend on who fetches it"},
}

// violations says for each edge that breaks the rules which import it is, and why it may not be.
func violations(edges []edge) []string {
	var found []string
	report := func(e edge, why string) {
		kind := "imports"
		if e.test {
			kind = "imports in a test"
		}
		found = append(found, fmt.Sprintf("%s %s %s: %s", e.from, kind, e.to, why))
	}
	for _, e := range edges {
		folder, l, ok := layerOf(e.from)
		switch {
		case !ok:
			report(e, "package "+e.from+" is not in the table of layers: place it in internal/archtest/rules.go")
		case e.std:
			for _, a := range apart {
				if within(e.to, a.prefix) && within(folder, a.folder) && !e.test {
					report(e, a.why)
				}
			}
		case isOurs(e.to):
			allowed := append([]string{folder, "lineage"}, l.imports...)
			if e.test {
				allowed = append(allowed, l.tests...)
			}
			if !withinAny(e.to, allowed) {
				report(e, l.why)
			}
		case l.outside != nil && !e.test && !withinAny(e.to, l.outside):
			report(e, l.why)
		default:
			for _, r := range reserved {
				if within(e.to, r.prefix) && !withinAny(folder, r.users) {
					report(e, r.why)
				}
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// layerOf finds the rules of a package: those of the longest folder that holds it.
func layerOf(pkg string) (folder string, l layer, ok bool) {
	for f, rules := range layers {
		if within(pkg, f) && len(f) > len(folder) {
			folder, l, ok = f, rules, true
		}
	}
	return folder, l, ok
}

// isOurs tells a package of this module, whose path was made relative, from one with a host name in front.
func isOurs(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

func within(pkg, folder string) bool { return pkg == folder || strings.HasPrefix(pkg, folder+"/") }

func withinAny(pkg string, folders []string) bool {
	return slices.ContainsFunc(folders, func(f string) bool { return within(pkg, f) })
}
