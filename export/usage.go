package export

import (
	"context"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// report is who wrote and who read a topic, who may have, and who is permitted to. Its JSON is docs/format/export.md.
type report struct {
	Topic    node
	Window   window
	Coverage coverage
	Writers  []*user
	Readers  []*user
	// Permitted are access control entries; Known is false where they could not be read.
	Permitted []permission
	Known     bool
}

// user is a flow with who moved it, as seen.
type user struct {
	*flow
	Name        string   `json:"name"`
	Owner       string   `json:"owner,omitempty"`
	Tags        []string `json:"tags,omitempty"`
	ClientCount int      `json:"clientCount"`
	Clients     []client `json:"clients"` // the first mostClients, the busiest first
	other       lineage.Node
}

type client struct {
	Kind             string    `json:"kind"`
	ClientID         string    `json:"clientId,omitempty"`
	Group            string    `json:"group,omitempty"`
	Member           string    `json:"member,omitempty"`
	TransactionalID  string    `json:"transactionalId,omitempty"`
	Principal        string    `json:"principal,omitempty"`
	Host             string    `json:"host,omitempty"`
	Software         string    `json:"software,omitempty"`
	Instance         string    `json:"instance,omitempty"`
	ProducerID       *int64    `json:"producerId,omitempty"`
	RecordsPerSecond *float64  `json:"recordsPerSecond"`
	FirstSeen        time.Time `json:"firstSeen"`
	LastSeen         time.Time `json:"lastSeen"`
}

type permission struct {
	Principal    string `json:"principal"`
	Host         string `json:"host"`
	Operation    string `json:"operation"`
	Pattern      string `json:"pattern"`
	Allowed      bool   `json:"allowed"`
	UsedInWindow *bool  `json:"usedInWindow"`
}

func (q *usageQuestion) report(ctx context.Context, v *answer.View) (*report, error) {
	found, err := findRoots(ctx, v, "topic", []string{q.topic})
	if err != nil {
		return nil, err
	}
	topic := found.known[0]
	if topic.Kind != lineage.TopicNode {
		return nil, senseless("topic: %s is not a topic", quote(topic.ID()))
	}
	writers, readers := v.Usage(topic)
	if n := len(writers) + len(readers); n > mostFlows {
		return nil, tooMuch("topic: %s has %s, more than can be read, at most %d", quote(topic.ID()), plural(n, "flow"), mostFlows)
	}
	rows := v.Rows([]lineage.Node{topic}, slices.Concat(writers, readers))
	r := &report{Window: windowOf(v.Window()), Coverage: coverageOf(v, v.ClustersOf(topic))}
	is, err := nodeOf(ctx, rows.Node(topic), q.span, v.Window().Duration())
	if err != nil {
		return nil, err
	}
	r.Topic = *is
	for _, f := range writers {
		x, err := userOf(ctx, rows, f, f.From)
		if err != nil {
			return nil, err
		}
		r.Writers = append(r.Writers, x)
	}
	for _, f := range readers {
		x, err := userOf(ctx, rows, f, f.To)
		if err != nil {
			return nil, err
		}
		r.Readers = append(r.Readers, x)
	}
	r.permit(v, topic)
	return r, nil
}

// userOf reads a flow to or from a topic, and who is at its other end.
func userOf(ctx context.Context, rows *answer.Rows, f lineage.Flow, other lineage.Node) (*user, error) {
	x, err := flowOf(ctx, rows.Flow(f))
	if err != nil {
		return nil, err
	}
	u := &user{flow: x, other: other, Name: other.Name, ClientCount: rows.Flow(f).ClientCount(), Clients: []client{}}
	u.Owner, u.Tags = rows.Node(other).Describe()
	all, err := rows.Flow(f).Clients(ctx, mostClients)
	if err != nil {
		return nil, err
	}
	for _, c := range all {
		out := client{
			Kind: c.Kind.String(), ClientID: c.ClientID, Group: c.Group, Member: c.Member, TransactionalID: c.TransactionalID, Principal: c.Principal, Host: c.Host,
			Software: c.Software, Instance: c.Instance, RecordsPerSecond: c.RecordsPerSecond, FirstSeen: c.FirstSeen.UTC(), LastSeen: c.LastSeen.UTC(),
		}
		if id, ok := c.Producer.Value(); ok {
			out.ProducerID = &id
		}
		u.Clients = append(u.Clients, out)
	}
	return u, nil
}

func (r *report) permit(v *answer.View, topic lineage.Node) {
	all, ok := v.Permitted(topic)
	r.Known = ok
	for _, p := range all {
		x := permission{p.Principal, p.Host, p.Operation, p.Pattern(), p.Allowed, p.Used}
		if p.Open {
			x.Pattern = "no authorizer"
		}
		r.Permitted = append(r.Permitted, x)
	}
}

func (r *report) writeJSON(w io.Writer) error {
	o := &object{w: w}
	o.field("format", formatUsage)
	o.field("version", formatVersion)
	o.field("topic", struct {
		ID      string   `json:"id"`
		Name    string   `json:"name"`
		Cluster string   `json:"cluster,omitempty"`
		Owner   string   `json:"owner,omitempty"`
		Tags    []string `json:"tags,omitempty"`
		Exists  bool     `json:"exists"`
	}{r.Topic.ID, r.Topic.Name, r.Topic.Cluster, r.Topic.Owner, r.Topic.Tags, r.Topic.Exists})
	o.field("window", r.Window)
	o.field("coverage", r.Coverage)
	list(o, "writers", r.Writers)
	list(o, "readers", r.Readers)
	if r.Known {
		list(o, "permitted", r.Permitted)
	} else {
		o.field("permitted", nil)
	}
	return o.end()
}

// usageColumns are those of all rows: users, the clients of each beneath it, and who is permitted.
var usageColumns = []string{
	"row", "id", "kind", "name", "owner", "tags", "activity", "flow", "does", "state", "state_since", "active", "counted", "records", "records_per_second", "bytes", "bytes_per_second", "live",
	"lag_records", "lag_seconds", "lag_at_least_seconds", "skipped", "lost", "first_seen", "last_seen", "last_moved", "evidence", "clients", "clients_listed",
	"client_kind", "client_id", "group", "member", "transactional_id", "principal", "host", "software", "producer_id",
	"operation", "pattern", "allowed", "used_in_window",
}

func (r *report) writeCSV(w io.Writer) error {
	t := &table{w: w}
	t.comments(r.head())
	t.row(slices.Clone(usageColumns)...)
	for _, side := range []struct {
		word string
		all  []*user
	}{{"writer", r.Writers}, {"reader", r.Readers}} {
		for _, u := range side.all {
			t.row(u.cells(side.word)...)
			for _, c := range u.Clients {
				t.row(c.cells(u.ID)...)
			}
		}
	}
	for _, p := range r.Permitted {
		t.row(place(map[string]string{
			"row": "permitted", "principal": visible(p.Principal), "host": visible(p.Host), "operation": p.Operation, "pattern": visible(p.Pattern),
			"allowed": yes(&p.Allowed), "used_in_window": yes(p.UsedInWindow),
		})...)
	}
	return t.err
}

// place puts cells beneath their columns.
func place(cells map[string]string) []string {
	out := make([]string, len(usageColumns))
	for i, c := range usageColumns {
		out[i] = cells[c]
	}
	return out
}

func (r *report) head() []string {
	lines := []string{formatUsage + ", version " + strconv.Itoa(formatVersion), "topic: " + r.Topic.ID, r.Window.line()}
	lines = append(lines, r.Coverage.lines(len(r.Coverage.Gaps), len(r.Coverage.BlindSpots))...)
	if !r.Known {
		lines = append(lines, "permitted: not known, the access control entries could not be read")
	}
	return append(lines, "writers: "+strconv.Itoa(len(r.Writers))+", readers: "+strconv.Itoa(len(r.Readers))+", those that moved nothing and those of whom that is not known among them")
}

func (u *user) cells(side string) []string {
	row := []string{side, u.other.ID(), u.other.Kind.String(), visible(u.Name), visible(u.Owner), visible(strings.Join(u.Tags, " ")), u.Activity, u.ID}
	row = append(row, u.flow.cells()[2:]...)
	row = append(row, numbers(u.ClientCount, len(u.Clients))...)
	return append(row, make([]string, len(usageColumns)-len(row))...)
}

func (c *client) cells(flow string) []string {
	cells := map[string]string{
		"row": "client", "flow": flow, "records_per_second": decimal(c.RecordsPerSecond), "first_seen": instant(c.FirstSeen), "last_seen": instant(c.LastSeen),
		"client_kind": c.Kind, "client_id": visible(c.ClientID), "group": visible(c.Group), "member": visible(c.Member), "transactional_id": visible(c.TransactionalID),
		"principal": visible(c.Principal), "host": visible(c.Host), "software": visible(c.Software),
	}
	if c.ProducerID != nil {
		cells["producer_id"] = whole(c.ProducerID)
	}
	return place(cells)
}
