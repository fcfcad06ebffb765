package connect

import (
	"cmp"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/varint"
	"github.com/lineaged/lineaged/lineage"
)

// This file says as which jobs a connector's own OpenLineage events tell of it. See
// docs/adr/0061-connectors-that-tell.md.

const (
	selfPrefix  = "told/"
	selfVersion = 1
	// mostTasks bounds by how many tasks a connector is told of, and mostPlaces how many of its addresses are kept.
	mostTasks  = 1000
	mostPlaces = 10
)

// name is under what a connector's events tell of it, but for the task's number.
type name struct{ namespace, logical string }

func (n name) node(task int) lineage.Node {
	return lineage.Node{Scope: n.namespace, Kind: lineage.StreamJobNode, Name: fmt.Sprint(n.logical, ".", task)}
}

// self is what is kept of a connector that tells of itself, while its name stays. What tasks it has had it may be told
// of, when it has them no more.
type self struct {
	name
	last   int               // greatest number of a task
	home   lineage.ClusterID // that its topics are in
	named  bool              // its configuration says the namespace: the name alone tells
	places []string          // addresses outside Kafka, host:port, that it was configured with
	// agreed: events of that name told of these; others: some told of other addresses, so that somebody else is called
	// so, or was.
	agreed, others bool
	// strange: they did in the newest round, of which it is not known whether it was configured so since it was asked.
	strange bool
	saved   string
}

// is reports whether what is told of the name is the connector's.
func (x *self) is() bool { return x.named || x.agreed && !x.others && !x.strange }

func (x *self) nodes() (all []lineage.Node) {
	for i := range x.last + 1 {
		all = append(all, x.node(i))
	}
	return all
}

// told is what the board is to know.
func (x *self) told() collector.ToldAs {
	is := collector.ToldAs{Cluster: x.home, Agreed: x.agreed}
	if !x.named {
		is.Places = append([]string{}, x.places...)
	}
	return is
}

// ownName is how a connector's own OpenLineage events call it: Debezium's, with a job of each task
// (debezium-openlineage-core 3.4, OpenLineageJobIdentifier). named is said where the configuration says the namespace.
// ok is false where it sends none, or under a name that its configuration does not tell.
func (d described) ownName(connector string) (n name, named, ok bool) {
	get := d.Info.Config.get
	if !strings.HasPrefix(get("connector.class"), "io.debezium.") || !strings.EqualFold(get("openlineage.integration.enabled"), "true") {
		return n, false, false
	}
	if n.logical = get("topic.prefix"); d.kind() == aSink {
		n.logical = connector
	}
	configured := get("openlineage.integration.job.namespace")
	n.namespace = cmp.Or(configured, n.logical)
	return n, configured != "", n.logical != "" && !unresolved(n.logical) && !unresolved(n.namespace)
}

// place is the address, host:port, of the database that a connector of Debezium's is configured with; empty: its
// configuration does not tell.
func (d described) place() string {
	for _, sets := range debezium(d.Info.Config.get, []string{d.Info.Config.get("topic.prefix") + ".schema.table"}) {
		for _, set := range sets {
			if _, at, ok := strings.Cut(set.Namespace, "://"); ok && !unresolved(at) {
				return strings.ToLower(at)
			}
		}
	}
	return ""
}

// alsoTold are the jobs as which a connector's own OpenLineage events tell of it. A name that anybody's connector with
// the same topic.prefix has by default is its own where what is told of it agrees with its configuration.
func (t *take) alsoTold(connector string, d described, home lineage.ClusterID) []lineage.Node {
	n, named, ok := d.ownName(connector)
	if !ok {
		delete(t.selves, connector)
		return nil
	}
	x := t.selves[connector]
	if x == nil || x.name != n {
		x = &self{name: n}
		t.selves[connector] = x
	}
	x.home, x.named = home, named
	for _, task := range d.Status.Tasks {
		x.last = min(max(x.last, task.ID), mostTasks-1)
	}
	if at := d.place(); at != "" && !slices.Contains(x.places, at) {
		x.places = append(x.places, at)
		x.places = x.places[max(0, len(x.places)-mostPlaces):]
	}
	t.hear(connector, x)
	if x.named || !x.others && len(x.places) > 0 {
		t.publish(x)
	}
	if !x.is() {
		return nil
	}
	return x.nodes()
}

// hear takes in what events of the connector's name told of.
func (t *take) hear(connector string, x *self) {
	if x.named {
		return
	}
	const remedy = "set openlineage.integration.job.namespace of each connector"
	if len(x.places) == 0 {
		t.spot("what connector "+connector+" says of itself by OpenLineage: others with its "+x.logical+" may send under the same name, and its settings do not tell the address by which its events could be told from theirs", remedy)
		return
	}
	was := x.strange
	x.strange = false
	for _, n := range x.nodes() {
		for _, at := range t.cfg.Board.Heard(n) {
			own := slices.Contains(x.places, at)
			x.agreed, x.strange = x.agreed || own, x.strange || !own
		}
	}
	x.others = x.others || was && x.strange
	if x.others {
		t.spot("what connector "+connector+" says of itself by OpenLineage: events under its name, "+x.namespace+"/"+x.logical+", tell of other addresses than it is configured with too, so that somebody else sends under it: those are a job of their own", remedy)
	}
}

// publish notes for the board where the connector's topics are. Where several are called alike, in clusters that
// differ, nobody can say.
func (t *take) publish(x *self) {
	for _, n := range x.nodes() {
		is := x.told()
		if was, twice := t.homes[n]; twice {
			if was.Cluster != is.Cluster {
				is.Cluster = ""
			}
			is.Places = slices.Concat(was.Places, is.Places)
		}
		t.homes[n] = is
	}
}

// saveSelves saves what changed.
func (t *take) saveSelves(put func(key string, value []byte)) {
	for name, x := range t.selves {
		if value := string(x.encode()); value != x.saved {
			put(selfPrefix+name, []byte(value))
			x.saved = value
		}
		t.selvesStored[name] = true
	}
	for name := range t.selvesStored {
		if t.selves[name] == nil {
			put(selfPrefix+name, nil)
			delete(t.selvesStored, name)
		}
	}
}

func (x *self) encode() (e varint.Encoder) {
	e.Uint(selfVersion)
	e.String(x.namespace)
	e.String(x.logical)
	e.Uint(uint64(x.last))
	e.String(string(x.home))
	for _, b := range [...]bool{x.named, x.agreed, x.others} {
		e.Bool(b)
	}
	e.Uint(uint64(len(x.places)))
	for _, at := range x.places {
		e.String(at)
	}
	e.Uint(uint64(crc32.ChecksumIEEE(e)))
	return e
}

func decodeSelf(value []byte) (*self, error) {
	d := varint.Decoder{Left: value}
	d.Version(selfVersion)
	x := &self{name: name{d.String(), d.String()}, saved: string(value)}
	last := d.Uint()
	x.home = lineage.ClusterID(d.String())
	x.named, x.agreed, x.others = d.Bool(), d.Bool(), d.Bool()
	for range d.Count() {
		x.places = append(x.places, d.String())
	}
	read := len(value) - len(d.Left)
	if d.Uint() != uint64(crc32.ChecksumIEEE(value[:read])) || last >= mostTasks {
		d.Fail()
	}
	x.last = int(last)
	return x, d.Done()
}

// restoreSelf takes back what was kept of a connector.
func (s *source) restoreSelf(connector string, value []byte) error {
	x, err := decodeSelf(value)
	if err != nil {
		return err
	}
	s.selves[connector], s.selvesStored[connector] = x, true
	return nil
}

// tellRestored tells the board what was so before a restart, until Connect has answered.
func (s *source) tellRestored() {
	t := &take{source: s, homes: map[lineage.Node]collector.ToldAs{}}
	for _, x := range s.selves {
		if x.is() {
			t.publish(x)
		}
	}
	s.cfg.Board.SetToldAs(s.id(sourceConnectors), t.round, t.homes)
}
