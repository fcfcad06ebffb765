package rhythm

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/lineaged/lineaged/internal/varint"
	"github.com/lineaged/lineaged/lineage"
)

// Prefix is what all keys of the tracker's positions begin with.
const Prefix = "rhythm/"

// positionsVersion is the version of the encoding in docs/format/positions.md.
const positionsVersion = 1

// beganKey holds when each source began to see.
const beganKey = Prefix + "began"

func positionKey(k key) string {
	parts := []string{k.source, strconv.Itoa(int(k.op)), string(k.cluster), k.topic, k.dataset.Namespace, k.dataset.Name, k.who}
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return Prefix + strings.Join(parts, "/")
}

// Positions returns what changed since the last call. A flow that goes on moving is not saved each round: where it is
// saved as busy it moved until the newest round, give or take three.
func (t *Tracker) Positions() []lineage.Position {
	var out []lineage.Position
	for _, k := range t.gone {
		out = append(out, lineage.Position{Key: k})
	}
	t.gone = nil
	if len(t.began) != t.told {
		t.told = len(t.began)
		var e varint.Encoder
		e.Uint(positionsVersion)
		e.Uint(uint64(len(t.began)))
		for name, began := range t.began {
			e.String(name)
			e.Time(began)
		}
		out = append(out, lineage.Position{Key: beganKey, Value: e})
	}
	for _, f := range t.changed {
		if f.dirty = false; !f.gone {
			out = append(out, lineage.Position{Key: positionKey(f.key), Value: f.encode()})
		}
	}
	t.changed = nil
	return out
}

// Restore takes back what Positions returned until a round; other keys are left alone. What can't be read is told to
// bad and removed: its flow is as if it had never been seen.
func (t *Tracker) Restore(positions map[string][]byte, round time.Time, bad func(key string, err error)) {
	t.Forget()
	for k, value := range positions {
		if !strings.HasPrefix(k, Prefix) {
			continue
		}
		if err := t.restore(k, value, round); err != nil {
			bad(k, err)
			t.gone = append(t.gone, k)
		}
	}
}

func (t *Tracker) restore(k string, value []byte, round time.Time) error {
	d := varint.Decoder{Left: value}
	d.Version(positionsVersion)
	if k == beganKey {
		began := map[string]time.Time{}
		for range d.Count() {
			name := d.String()
			began[name] = d.Time()
		}
		if err := d.Done(); err != nil {
			return err
		}
		t.began, t.told = began, len(began)
		for name := range began {
			t.last[name] = round
		}
		return nil
	}
	f := decodeFlow(&d)
	if err := d.Done(); err != nil {
		return err
	}
	t.takeBack(f, round)
	return nil
}

// takeBack lets a flow go on as of the newest round.
func (t *Tracker) takeBack(f *flow, round time.Time) {
	if !f.running {
		t.resting[f.key] = f
		return
	}
	if f.busy {
		f.moved = latest(f.moved, round)
	}
	f.lookAt = round
	if t.running[f.source] == nil {
		t.running[f.source] = map[key]*flow{}
	}
	t.running[f.source][f.key] = f
}

// saysMore is added to a client's kind where what few sources tell stands behind its producer id.
const saysMore = 0x80

func (f *flow) encode() []byte {
	var e varint.Encoder
	e.Uint(positionsVersion)
	e.String(f.source)
	e.String(f.who)
	a := &f.access
	e.Uint(uint64(a.Op))
	e.String(string(a.Topic.Cluster))
	e.String(string(a.Topic.ID[:]))
	e.String(a.Topic.Name)
	e.String(a.Dataset.Namespace)
	e.String(a.Dataset.Name)
	c := &a.Client
	kind := uint64(c.Kind)
	if c.Software != "" || c.Instance != "" {
		kind |= saysMore
	}
	e.Uint(kind)
	for _, s := range [...]string{c.ClientID, c.Group, c.Member, c.TransactionalID, c.Principal, c.Host, c.Mover.Scope, c.Mover.Name} {
		e.String(s)
	}
	e.Uint(uint64(c.Mover.Kind))
	e.Uint(uint64(c.Producer))
	if kind&saysMore != 0 {
		e.String(c.Software)
		e.String(c.Instance)
	}
	e.Bool(f.running)
	e.Bool(f.busy)
	for _, at := range [...]time.Time{f.first, f.moved, f.after, f.since} {
		e.Time(at)
	}
	for _, d := range [...]time.Duration{f.peaks[0], f.peaks[1], f.pause} {
		e.Uint(uint64(d.Milliseconds()))
	}
	return e
}

// decodeFlow reads what encode wrote, after the version.
func decodeFlow(d *varint.Decoder) *flow {
	f := &flow{lag: -1}
	f.source, f.who = d.String(), d.String()
	a := &f.access
	a.Op, a.Topic.Cluster = lineage.Op(d.Uint()), lineage.ClusterID(d.String())
	if id := d.String(); len(id) == len(a.Topic.ID) {
		a.Topic.ID = lineage.TopicID([]byte(id))
	} else {
		d.Fail()
	}
	a.Topic.Name, a.Dataset.Namespace, a.Dataset.Name = d.String(), d.String(), d.String()
	c := &a.Client
	kind := d.Uint()
	c.Kind = lineage.ClientKind(kind &^ saysMore)
	for _, s := range [...]*string{&c.ClientID, &c.Group, &c.Member, &c.TransactionalID, &c.Principal, &c.Host, &c.Mover.Scope, &c.Mover.Name} {
		*s = d.String()
	}
	c.Mover.Kind, c.Producer = lineage.NodeKind(d.Uint()), lineage.ProducerID(d.Uint())
	if kind&saysMore != 0 {
		c.Software, c.Instance = d.String(), d.String()
	}
	f.running, f.busy = d.Bool(), d.Bool()
	for _, at := range [...]*time.Time{&f.first, &f.moved, &f.after, &f.since} {
		*at = d.Time()
	}
	for _, span := range [...]*time.Duration{&f.peaks[0], &f.peaks[1], &f.pause} {
		*span = time.Duration(d.Uint()) * time.Millisecond
	}
	if a.Op > lineage.Read || !c.Mover.Kind.Storable() || c.Kind > lineage.Others {
		d.Fail()
	}
	f.op, f.cluster, f.topic, f.dataset = a.Op, a.Topic.Cluster, a.Topic.Name, a.Dataset
	return f
}
