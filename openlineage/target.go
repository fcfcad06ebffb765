package openlineage

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/lineage"
)

// Kind is what a receiver is, which decides how it finds things.
type Kind string

// The kinds of receivers.
const (
	Generic      Kind = "openlineage" // takes the format as it is written down
	Marquez      Kind = "marquez"
	DataHub      Kind = "datahub"
	OpenMetadata Kind = "openmetadata"
)

// Kinds are all kinds.
func Kinds() []Kind { return []Kind{Generic, Marquez, DataHub, OpenMetadata} }

// Cluster is a watched cluster as events name it.
type Cluster struct {
	Name    string   // under which it is configured
	Brokers []string // addresses by which it is configured
}

// Target is how events are written for one receiver.
type Target struct {
	Kind       Kind
	namespaces map[string]string // of the topics of a cluster, by its name
}

// NewTarget makes a target. namespaces say what the receiver calls the clusters that it knows under other names.
// Otherwise it is the first address by which a cluster is configured; where two clusters have the same one, their
// names: topics of two clusters are never one dataset.
func NewTarget(kind Kind, clusters []Cluster, namespaces map[string]string) (*Target, error) {
	t := &Target{Kind: kind, namespaces: map[string]string{}}
	shared := map[string]int{}
	for _, c := range clusters {
		shared[usual(c)]++
	}
	taken := map[string]string{}
	for _, c := range clusters {
		ns := namespaces[c.Name]
		switch {
		case ns != "":
		case shared[usual(c)] == 1:
			ns = usual(c)
		default:
			ns = "kafka://" + c.Name
		}
		if other, twice := taken[ns]; twice {
			return nil, fmt.Errorf("the clusters %q and %q would have one namespace, %q: give each its own", other, c.Name, ns)
		}
		taken[ns], t.namespaces[c.Name] = c.Name, ns
	}
	return t, nil
}

// usual is the namespace of a cluster's topics by OpenLineage's naming.
func usual(c Cluster) string {
	if len(c.Brokers) == 0 {
		return "kafka://" + c.Name
	}
	return "kafka://" + strings.ToLower(c.Brokers[0])
}

// Namespace is the namespace of a cluster's topics. One that is not configured any more goes by its name.
func (t *Target) Namespace(cluster string) string {
	if ns := t.namespaces[cluster]; ns != "" {
		return ns
	}
	return "kafka://" + cluster
}

// JobNames names jobs, each its own within its scope. DataHub cuts the name of a flow at its first dot, so that team.a
// and team.b would be one: it gets none.
func (t *Target) JobNames(nodes []lineage.Node) map[lineage.Node]string {
	out, taken := map[lineage.Node]string{}, map[[2]string]bool{}
	give := func(n lineage.Node, name string) {
		for taken[[2]string{n.Scope, name}] {
			name += "-" + runID(n)[:8]
		}
		taken[[2]string{n.Scope, name}], out[n] = true, name
	}
	var later []lineage.Node
	for _, n := range slices.SortedFunc(slices.Values(nodes), lineage.Node.Compare) {
		if t.Kind == DataHub && strings.Contains(n.Name, ".") {
			later = append(later, n)
			continue
		}
		give(n, n.Name)
	}
	for _, n := range later { // whose name is not their own gives way
		give(n, strings.ReplaceAll(n.Name, ".", "-"))
	}
	return out
}

// marquezNamespace is what Marquez takes for one (NamespaceName, 0.51.2).
var marquezNamespace = regexp.MustCompile(`^[a-zA-Z:;=/0-9_\-.@+]+$`)

// Check says what the receiver will make of the topics of each cluster, a line each: what it calls a topic, and what
// has to hold there for it to be found. Lines with a problem begin with "!".
func (t *Target) Check(clusters []Cluster) (lines []string) {
	say := func(format string, args ...any) { lines = append(lines, fmt.Sprintf(format, args...)) }
	for _, c := range clusters {
		ns := t.Namespace(c.Name)
		say("%s: topics are in the namespace %s", c.Name, ns)
		switch t.Kind {
		case DataHub:
			t.checkDataHub(ns, say)
		case OpenMetadata:
			t.checkOpenMetadata(ns, say)
		case Marquez:
			say("  node: dataset:%s:TOPIC", ns)
			if len(ns) > 1024 || !marquezNamespace.MatchString(ns) {
				say("! Marquez answers 400 to this namespace and keeps it, and then GET /namespaces is 500: set another one")
			}
		case Generic:
		}
	}
	switch t.Kind {
	case DataHub:
		say("jobs: urn:li:dataJob:(urn:li:dataFlow:(kafka,JOB,ENVIRONMENT),JOB); a dot in a name is written as -, since DataHub cuts names there")
	case OpenMetadata:
		say("jobs: pipeline ENVIRONMENT-JOB; edges are drawn from topic to topic only: an application that only writes, or only reads, gives none")
	case Marquez, Generic:
		say("jobs: namespace ENVIRONMENT, name JOB")
	}
	return lines
}

func (t *Target) checkDataHub(ns string, say func(string, ...any)) {
	scheme, _, ok := strings.Cut(ns, "://")
	if !ok {
		scheme = ns
	}
	say("  dataset: urn:li:dataset:(urn:li:dataPlatform:%s,TOPIC,PROD)", scheme)
	say("  with a platform_instance in DataHub's Kafka source, set there: connections: {%q: {platform_instance: …}} (port, case and slashes as here)", ns)
	if scheme != "kafka" {
		say("! the platform is %s: DataHub's Kafka source uses kafka", scheme)
	}
	if _, err := url.Parse(ns + "/TOPIC"); err != nil || strings.ContainsAny(ns, " {}") {
		say("! this is no URI: DataHub drops the datasets of it")
	}
}

func (t *Target) checkOpenMetadata(ns string, say func(string, ...any)) {
	entry, ok := strings.CutPrefix(ns, "kafka://")
	say("  found by: one whole entry of a messaging service's bootstrapServers, %s", entry)
	switch {
	case !ok:
		say("! OpenMetadata takes only datasets in a namespace that begins with kafka:// for topics")
	case strings.Contains(entry, ","):
		say("! a list never matches: set one entry")
	case entry != strings.ToLower(entry):
		say("! OpenMetadata compares in lower case: set it so")
	case !strings.Contains(entry, ":"):
		say("! there is no port in it: no entry of bootstrapServers will match")
	}
}
