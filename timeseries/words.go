package timeseries

import (
	"math"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// This file puts the vocabulary into bytes. The same encodings serve the log, the blocks and the saved state;
// docs/format/ describes them.

func (w *writer) source(s lineage.Source) { w.string(s.Cluster); w.string(s.Name) }

func (r *reader) source() lineage.Source {
	return lineage.Source{Cluster: r.string(), Name: r.string()}
}

func (w *writer) topic(t lineage.Topic) { w.string(string(t.Cluster)); w.id(t.ID); w.string(t.Name) }

func (r *reader) topic() lineage.Topic {
	return lineage.Topic{Cluster: lineage.ClusterID(r.string()), ID: r.id(), Name: r.string()}
}

func (w *writer) group(g lineage.GroupRef) { w.string(string(g.Cluster)); w.string(g.Group) }

func (r *reader) group() lineage.GroupRef {
	return lineage.GroupRef{Cluster: lineage.ClusterID(r.string()), Group: r.string()}
}

func (w *writer) access(a lineage.Access) {
	w.topic(a.Topic)
	w.byte(byte(a.Op))
	w.client(&a.Client)
	w.string(a.Dataset.Namespace)
	w.string(a.Dataset.Name)
}

// saysMore is added to a client's kind where what few sources tell stands behind its names.
const saysMore = 0x80

func (w *writer) client(c *lineage.Client) {
	kind := byte(c.Kind)
	if c.Software != "" || c.Instance != "" {
		kind |= saysMore
	}
	w.byte(kind)
	for _, s := range [...]string{c.ClientID, c.Group, c.Member, c.TransactionalID, c.Principal, c.Host} {
		w.string(s)
	}
	if kind&saysMore != 0 {
		w.string(c.Software)
		w.string(c.Instance)
	}
	w.uint(uint64(c.Producer))
	w.node(c.Mover)
}

// node writes the kind, and nothing more of the zero node.
func (w *writer) node(n lineage.Node) {
	w.byte(byte(n.Kind))
	if n.Kind != lineage.NoKind {
		w.string(n.Scope)
		w.string(n.Name)
	}
}

func (r *reader) node() lineage.Node {
	n := lineage.Node{Kind: lineage.NodeKind(r.byte())}
	if !n.Kind.Storable() {
		r.fail("a node of an unknown kind")
	}
	if n.Kind != lineage.NoKind {
		n.Scope, n.Name = r.string(), r.string()
	}
	return n
}

func (r *reader) access() lineage.Access {
	return lineage.Access{
		Topic: r.topic(), Op: r.op(), Client: r.client(), Dataset: lineage.Dataset{Namespace: r.string(), Name: r.string()},
	}
}

func (r *reader) op() lineage.Op {
	o := lineage.Op(r.byte())
	if o > lineage.Read {
		r.fail("an unknown operation")
	}
	return o
}

func (r *reader) client() lineage.Client {
	kind := r.byte()
	c := lineage.Client{Kind: lineage.ClientKind(kind &^ saysMore)}
	if c.Kind > lineage.Others {
		r.fail("an unknown kind of client")
	}
	for _, s := range [...]*string{&c.ClientID, &c.Group, &c.Member, &c.TransactionalID, &c.Principal, &c.Host} {
		*s = r.string()
	}
	if kind&saysMore != 0 {
		c.Software, c.Instance = r.string(), r.string()
	}
	c.Producer = lineage.ProducerID(r.uint())
	c.Mover = r.node()
	return c
}

// instant writes a time to the nanosecond; the zero time has a flag of its own, since it has no nanoseconds since 1970.
func (w *writer) instant(t time.Time) {
	w.bool(!t.IsZero())
	if !t.IsZero() {
		w.int(t.Unix())
		w.uint(uint64(t.Nanosecond()))
	}
}

func (r *reader) instant() time.Time {
	if !r.bool() {
		return time.Time{}
	}
	s, n := r.int(), r.uint()
	if n >= 1e9 {
		r.fail("a second has more than a billion nanoseconds")
		return time.Time{}
	}
	return time.Unix(s, int64(n)).UTC()
}

func (w *writer) missing(list []lineage.Missing) {
	w.uint(uint64(len(list)))
	for _, m := range list {
		w.string(m.Reason)
		w.float(m.Share)
		w.bool(m.All)
		w.uint(uint64(len(m.Topics)))
		for _, t := range m.Topics {
			w.topic(t)
		}
		w.uint(uint64(len(m.Groups)))
		for _, g := range m.Groups {
			w.group(g)
		}
	}
}

func (r *reader) missing() []lineage.Missing {
	n := r.count(12)
	if n == 0 {
		return nil
	}
	out := make([]lineage.Missing, n)
	for i := range out {
		m := lineage.Missing{Reason: r.string(), Share: r.float(), All: r.bool()}
		if !(m.Share >= 0 && m.Share <= 1) {
			r.fail("a missing share is not between 0 and 1")
		}
		for range r.count(18) {
			m.Topics = append(m.Topics, r.topic())
		}
		for range r.count(2) {
			m.Groups = append(m.Groups, r.group())
		}
		out[i] = m
	}
	return out
}

func encodeMissing(list []lineage.Missing) string {
	var w writer
	w.missing(list)
	return string(w.b)
}

func (w *writer) event(e lineage.Event) {
	w.instant(e.At)
	w.byte(byte(e.Type))
	w.topic(e.Topic)
	w.group(e.Group)
	w.access(e.Access)
	w.string(e.Detail)
}

func (r *reader) event() lineage.Event {
	return lineage.Event{
		At: r.instant(), Type: lineage.EventType(r.byte()), Topic: r.topic(), Group: r.group(), Access: r.access(), Detail: r.string(),
	}
}

func encodeEvent(e lineage.Event) string {
	var w writer
	w.event(e)
	return string(w.b)
}

func (w *writer) factKey(k lineage.FactKey) {
	w.string(k.Source)
	w.byte(byte(k.Kind))
	w.string(k.Name)
}

func (r *reader) factKey() lineage.FactKey {
	return lineage.FactKey{Source: r.string(), Kind: lineage.FactKind(r.byte()), Name: r.string()}
}

// codedFact is a fact and its body as it is written. The body of a kind that this version does not know, and what a
// newer version adds to the end of one that it does, is kept and not looked at.
type codedFact struct {
	fact lineage.Fact
	body string // empty of a Gone one
}

// newCodedFact encodes what checkFact lets pass, in the place of what is in w.
func newCodedFact(w *writer, f lineage.Fact) codedFact {
	if f.Gone {
		return codedFact{fact: f}
	}
	w.b = w.b[:0]
	w.factBody(f)
	b := reader{b: w.b}
	return codedFact{b.factBody(f.Key), string(w.b)} // a copy of our own, the same as after a restart
}

// codedBody reads a fact from its body, nil of one that is gone. Where it can't be read, r fails.
func (r *reader) codedBody(key lineage.FactKey, body []byte) codedFact {
	if body == nil {
		return codedFact{fact: lineage.Fact{Key: key, Gone: true}}
	}
	b := reader{b: body}
	f := codedFact{b.factBody(key), string(body)}
	if b.err != nil {
		r.fail("a fact's body: " + b.err.Error())
	}
	return f
}

// bytes returns the body as codedBody takes it.
func (f *codedFact) bytes() []byte {
	if f.fact.Gone {
		return nil
	}
	return append([]byte{}, f.body...)
}

func (w *writer) retention(x *lineage.Retention) {
	w.bool(x != nil)
	if x != nil {
		w.string(x.Policy)
		w.int(x.Millis)
		w.int(x.Bytes)
	}
}

func (r *reader) retention() *lineage.Retention {
	if !r.bool() {
		return nil
	}
	return &lineage.Retention{Policy: r.string(), Millis: r.int(), Bytes: r.int()}
}

func (w *writer) places(all []lineage.Place) {
	w.uint(uint64(len(all)))
	for _, p := range all {
		w.uint(uint64(p.Partitions))
		w.uint(uint64(len(p.Brokers)))
		for _, b := range p.Brokers {
			w.int(int64(b))
		}
	}
}

func (r *reader) places() (all []lineage.Place) {
	for range r.count(2) {
		p := lineage.Place{Partitions: int(r.uint() & math.MaxInt32)}
		for range r.count(1) {
			p.Brokers = append(p.Brokers, int32(r.int()))
		}
		all = append(all, p)
	}
	return all
}

func (w *writer) factBody(f lineage.Fact) {
	switch f.Key.Kind {
	case lineage.ClusterFacts:
		c := f.Cluster
		w.string(string(c.ID))
		for _, n := range [...]int{c.Brokers, c.Controller, c.Topics, c.Groups} {
			w.int(int64(n))
		}
	case lineage.TopicFacts:
		t := f.Topic
		w.topic(t.Topic)
		w.int(int64(t.Partitions))
		w.int(int64(t.Replication))
		w.bool(t.Internal)
		w.bool(t.Configs != nil)
		w.uint(uint64(len(t.Configs)))
		for _, c := range t.Configs {
			w.string(c.Name)
			w.string(c.Value)
		}
		w.string(t.Unseen)
		w.retention(t.Retention)
		w.places(t.Places)
	case lineage.GroupFacts:
		g := f.Group
		w.group(g.Ref)
		w.string(g.Type)
		w.string(g.Protocol)
		w.string(g.State)
		w.bool(g.MembersKnown)
		w.uint(uint64(len(g.Members)))
		for _, m := range g.Members {
			w.string(m.ID)
			w.string(m.ClientID)
			w.string(m.Host)
		}
		w.topology(g.Topology)
	case lineage.BlindSpotFacts:
		w.uint(uint64(len(f.BlindSpots)))
		for _, b := range f.BlindSpots {
			w.string(b.Source)
			w.string(b.What)
			w.string(b.Remedy)
		}
	case lineage.ConnectFacts:
		w.string(string(f.Connect.Kafka))
		w.string(f.Connect.Version)
	case lineage.ConnectorFacts:
		c := f.Connector
		for _, s := range [...]string{string(c.Kafka), c.Class, c.Type, c.State, c.Group} {
			w.string(s)
		}
		w.uint(uint64(len(c.Tasks)))
		for _, t := range c.Tasks {
			w.int(int64(t.ID))
			w.string(t.State)
			w.string(t.Worker)
		}
		w.node(c.Replicator)
		w.uint(uint64(len(c.Also)))
		for _, n := range c.Also {
			w.node(n)
		}
	case lineage.ReplicatorFacts:
		p := f.Replicator
		w.node(p.Node)
		for _, s := range [...]string{p.SourceAlias, p.TargetAlias, string(p.Source), string(p.Target), p.Policy, p.Separator, p.State, p.Connect} {
			w.string(s)
		}
	case lineage.SourceFacts:
		w.byte(byte(f.Source.State))
		w.uint(uint64(f.Source.Interval))
		w.string(f.Source.Reason)
	case lineage.PermissionFacts:
		p := f.Permission
		w.bool(p.Open)
		w.uint(uint64(p.Cut))
		w.uint(uint64(len(p.Rules)))
		for _, x := range p.Rules {
			w.string(x.Topic)
			w.bool(x.Prefixed)
			for _, s := range [...]string{x.Principal, x.Host, x.Operation} {
				w.string(s)
			}
			w.bool(x.Allowed)
		}
	case lineage.RunFacts:
		w.jobRuns(f.Runs)
	case lineage.WaysFacts:
		w.jobWays(f.Ways)
	case lineage.SchemaFacts:
		w.schema(f.Schema)
	case lineage.TransformFacts:
		w.transforms(f.Transform)
	case lineage.ColumnsFacts:
		w.columnsFact(f.Columns)
	case lineage.JobFacts:
		w.job(f.Job)
	}
}

func (w *writer) job(j *lineage.JobFact) {
	for _, s := range [...]string{j.Engine, j.Version, j.ID, j.State} {
		w.string(s)
	}
	w.instant(j.Started)
	w.int(j.Restarts)
	w.bool(j.Checkpoints != nil)
	if c := j.Checkpoints; c != nil {
		w.string(c.Mode)
		for _, n := range [...]int64{int64(c.Every), c.Completed, c.Failed, c.Restored} {
			w.int(n)
		}
	}
	w.uint(uint64(len(j.Vertices)))
	for _, v := range j.Vertices {
		for _, s := range [...]string{v.ID, v.Name, v.State} {
			w.string(s)
		}
		w.int(int64(v.Parallelism))
	}
	w.uint(uint64(len(j.Reads)))
	for _, g := range j.Reads {
		w.group(g)
	}
	w.uint(uint64(len(j.Writes)))
	for _, p := range j.Writes {
		w.string(string(p.Cluster))
		w.string(p.Prefix)
	}
	w.uint(uint64(len(j.Also)))
	for _, n := range j.Also {
		w.node(n)
	}
}

func (r *reader) job() *lineage.JobFact {
	j := &lineage.JobFact{Engine: r.string(), Version: r.string(), ID: r.string(), State: r.string(), Started: r.instant(), Restarts: r.int()}
	if r.bool() {
		j.Checkpoints = &lineage.Checkpoints{Mode: r.string(), Every: time.Duration(r.int()), Completed: r.int(), Failed: r.int(), Restored: r.int()}
	}
	for range r.count(4) {
		j.Vertices = append(j.Vertices, lineage.JobVertex{ID: r.string(), Name: r.string(), State: r.string(), Parallelism: int(r.int())})
	}
	for range r.count(2) {
		j.Reads = append(j.Reads, r.group())
	}
	for range r.count(2) {
		j.Writes = append(j.Writes, lineage.IDPrefix{Cluster: lineage.ClusterID(r.string()), Prefix: r.string()})
	}
	for range r.count(1) {
		j.Also = append(j.Also, r.node())
	}
	return j
}

// topology writes a flag in front: a group without a topology is not one with an empty topology.
func (w *writer) topology(t *lineage.Topology) {
	w.bool(t != nil)
	if t == nil {
		return
	}
	w.int(int64(t.Epoch))
	w.bool(t.SinksKnown)
	w.uint(uint64(len(t.Subtopologies)))
	for _, s := range t.Subtopologies {
		w.string(s.ID)
		for _, list := range [...][]string{s.Sources, s.Sinks, s.RepartitionSources, s.RepartitionSinks, s.Changelogs, s.Stores} {
			w.uint(uint64(len(list)))
			for _, name := range list {
				w.string(name)
			}
		}
	}
}

func (r *reader) topology() *lineage.Topology {
	if !r.bool() {
		return nil
	}
	t := &lineage.Topology{Epoch: int(r.int()), SinksKnown: r.bool()}
	for range r.count(7) {
		s := lineage.Subtopology{ID: r.string()}
		for _, list := range [...]*[]string{&s.Sources, &s.Sinks, &s.RepartitionSources, &s.RepartitionSinks, &s.Changelogs, &s.Stores} {
			for range r.count(1) {
				*list = append(*list, r.string())
			}
		}
		t.Subtopologies = append(t.Subtopologies, s)
	}
	return t
}

// factBody leaves what a newer version added to the end, and the whole of an unknown kind.
func (r *reader) factBody(key lineage.FactKey) lineage.Fact {
	f := lineage.Fact{Key: key}
	switch f.Key.Kind {
	case lineage.ClusterFacts:
		f.Cluster = &lineage.ClusterFact{
			ID: lineage.ClusterID(r.string()), Brokers: int(r.int()), Controller: int(r.int()), Topics: int(r.int()), Groups: int(r.int()),
		}
	case lineage.TopicFacts:
		f.Topic = r.topicFact()
	case lineage.GroupFacts:
		g := &lineage.GroupFact{Ref: r.group(), Type: r.string(), Protocol: r.string(), State: r.string(), MembersKnown: r.bool()}
		for range r.count(3) {
			g.Members = append(g.Members, lineage.Member{ID: r.string(), ClientID: r.string(), Host: r.string()})
		}
		g.Topology = r.topology()
		f.Group = g
	case lineage.BlindSpotFacts:
		for range r.count(3) {
			f.BlindSpots = append(f.BlindSpots, lineage.BlindSpot{Source: r.string(), What: r.string(), Remedy: r.string()})
		}
	case lineage.ConnectFacts:
		f.Connect = &lineage.ConnectFact{Kafka: lineage.ClusterID(r.string()), Version: r.string()}
	case lineage.ConnectorFacts:
		f.Connector = r.connector()
	case lineage.ReplicatorFacts:
		f.Replicator = &lineage.ReplicatorFact{
			Node: r.node(), SourceAlias: r.string(), TargetAlias: r.string(), Source: lineage.ClusterID(r.string()), Target: lineage.ClusterID(r.string()),
			Policy: r.string(), Separator: r.string(), State: r.string(), Connect: r.string(),
		}
	case lineage.SourceFacts:
		f.Source = &lineage.SourceFact{State: lineage.SourceState(r.byte()), Interval: time.Duration(r.tick()), Reason: r.string()}
	case lineage.PermissionFacts:
		f.Permission = r.permissions()
	case lineage.RunFacts:
		f.Runs = r.jobRuns()
	case lineage.WaysFacts:
		f.Ways = r.jobWays()
	case lineage.SchemaFacts:
		f.Schema = r.schema()
	case lineage.TransformFacts:
		f.Transform = r.transforms()
	case lineage.ColumnsFacts:
		f.Columns = r.columnsFact()
	case lineage.JobFacts:
		f.Job = r.job()
	}
	return f
}

func (r *reader) topicFact() *lineage.TopicFact {
	t := &lineage.TopicFact{Topic: r.topic(), Partitions: int(r.int()), Replication: int(r.int()), Internal: r.bool()}
	if r.bool() {
		t.Configs = []lineage.Config{}
	}
	for range r.count(2) {
		t.Configs = append(t.Configs, lineage.Config{Name: r.string(), Value: r.string()})
	}
	t.Unseen = r.string()
	if len(r.b) > 0 { // else it is an older version's
		t.Retention, t.Places = r.retention(), r.places()
	}
	return t
}

func (r *reader) connector() *lineage.ConnectorFact {
	c := &lineage.ConnectorFact{
		Kafka: lineage.ClusterID(r.string()), Class: r.string(), Type: r.string(), State: r.string(), Group: r.string(),
	}
	for range r.count(3) {
		c.Tasks = append(c.Tasks, lineage.Task{ID: int(r.int()), State: r.string(), Worker: r.string()})
	}
	c.Replicator = r.node()
	if len(r.b) > 0 { // else it is an older version's
		for range r.count(1) {
			c.Also = append(c.Also, r.node())
		}
	}
	return c
}

func (r *reader) permissions() *lineage.PermissionFact {
	p := &lineage.PermissionFact{Open: r.bool(), Cut: int(r.uint() & math.MaxInt32)}
	for range r.count(6) {
		p.Rules = append(p.Rules, lineage.Permission{
			Topic: r.string(), Prefixed: r.bool(), Principal: r.string(), Host: r.string(), Operation: r.string(), Allowed: r.bool(),
		})
	}
	return p
}
