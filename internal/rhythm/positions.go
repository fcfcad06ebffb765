package rhythm

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

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

// Positions returns what changed since the last call. A flow that goes on moving is not saved each round: where it is saved as busy it moved until the newest round, give or take three.
func (t *Tracker) Positions() []lineage.Position {
	var out []lineage.Position
	for _, k := range t.gone {
		out = append(out, lineage.Position{Key: k})
	}
	t.gone = nil
	if len(t.began) != t.told {
		t.told = len(t.began)
		var e encoder
		e.uint(positionsVersion)
		e.uint(uint64(len(t.began)))
		for name, began := range t.began {
			e.string(name)
			e.time(began)
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

// Restore takes back what Positions returned until a round; other keys are left alone. What can't be read is told to bad and removed: its flow is as if it had never been seen.
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
	d := decoder{b: value}
	if v := d.uint(); d.err == nil && v != positionsVersion {
		return fmt.Errorf("version %d, this lineaged reads %d", v, positionsVersion)
	}
	if k == beganKey {
		began := map[string]time.Time{}
		for range d.count() {
			name := d.string()
			began[name] = d.time()
		}
		if err := d.done(); err != nil {
			return err
		}
		t.began, t.told = began, len(began)
		for name := range began {
			t.last[name] = round
		}
		return nil
	}
	f := decodeFlow(&d)
	if err := d.done(); err != nil {
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

func (f *flow) encode() []byte {
	var e encoder
	e.uint(positionsVersion)
	e.string(f.source)
	e.string(f.who)
	a := &f.access
	e.uint(uint64(a.Op))
	e.string(string(a.Topic.Cluster))
	e.string(string(a.Topic.ID[:]))
	e.string(a.Topic.Name)
	e.string(a.Dataset.Namespace)
	e.string(a.Dataset.Name)
	c := &a.Client
	e.uint(uint64(c.Kind))
	for _, s := range [...]string{c.ClientID, c.Group, c.Member, c.TransactionalID, c.Principal, c.Host, c.Mover.Scope, c.Mover.Name} {
		e.string(s)
	}
	e.uint(uint64(c.Mover.Kind))
	e.uint(uint64(c.Producer))
	e.bool(f.running)
	e.bool(f.busy)
	for _, at := range [...]time.Time{f.first, f.moved, f.after, f.since} {
		e.time(at)
	}
	for _, d := range [...]time.Duration{f.peaks[0], f.peaks[1], f.pause} {
		e.uint(uint64(d.Milliseconds()))
	}
	return e
}

// decodeFlow reads what encode wrote, after the version.
func decodeFlow(d *decoder) *flow {
	f := &flow{lag: -1}
	f.source, f.who = d.string(), d.string()
	a := &f.access
	a.Op, a.Topic.Cluster = lineage.Op(d.uint()), lineage.ClusterID(d.string())
	if id := d.string(); len(id) == len(a.Topic.ID) {
		a.Topic.ID = lineage.TopicID([]byte(id))
	} else if d.err == nil {
		d.err = errCut
	}
	a.Topic.Name, a.Dataset.Namespace, a.Dataset.Name = d.string(), d.string(), d.string()
	c := &a.Client
	c.Kind = lineage.ClientKind(d.uint())
	for _, s := range [...]*string{&c.ClientID, &c.Group, &c.Member, &c.TransactionalID, &c.Principal, &c.Host, &c.Mover.Scope, &c.Mover.Name} {
		*s = d.string()
	}
	c.Mover.Kind, c.Producer = lineage.NodeKind(d.uint()), lineage.ProducerID(d.uint())
	f.running, f.busy = d.bool(), d.bool()
	for _, at := range [...]*time.Time{&f.first, &f.moved, &f.after, &f.since} {
		*at = d.time()
	}
	for _, span := range [...]*time.Duration{&f.peaks[0], &f.peaks[1], &f.pause} {
		*span = time.Duration(d.uint()) * time.Millisecond
	}
	if d.err == nil && (a.Op > lineage.Read || c.Mover.Kind > lineage.DatasetNode || c.Kind > lineage.Others) {
		d.err = errCut
	}
	f.op, f.cluster, f.topic, f.dataset = a.Op, a.Topic.Cluster, a.Topic.Name, a.Dataset
	return f
}

// encoder and decoder: unsigned and zigzag varints as in encoding/binary, strings with their length in front, times in Unix milliseconds, 0 for none.
type encoder []byte

func (e *encoder) uint(v uint64)   { *e = binary.AppendUvarint(*e, v) }
func (e *encoder) string(s string) { e.uint(uint64(len(s))); *e = append(*e, s...) }

func (e *encoder) bool(b bool) {
	if b {
		e.uint(1)
	} else {
		e.uint(0)
	}
}

func (e *encoder) time(t time.Time) {
	ms := int64(0)
	if !t.IsZero() {
		ms = t.UnixMilli()
	}
	*e = binary.AppendVarint(*e, ms)
}

var errCut = errors.New("position is cut short or corrupt")

// decoder reads what encoder wrote. The first error stays; values read after it are zero.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) uint() uint64 {
	v, n := binary.Uvarint(d.b)
	return taken(d, v, n)
}

func taken[T uint64 | int64](d *decoder, v T, n int) T {
	if d.err != nil || n <= 0 {
		d.err = errCut
		return 0
	}
	d.b = d.b[n:]
	return v
}

// count reads a number of elements that each take at least one byte, so that a corrupt count can't ask for more than there is.
func (d *decoder) count() int {
	v := d.uint()
	if v > uint64(len(d.b)) {
		d.err = errCut
		return 0
	}
	return int(v)
}

func (d *decoder) string() string {
	n := d.count()
	s := string(d.b[:n])
	d.b = d.b[n:]
	return s
}

func (d *decoder) bool() bool { return d.uint() != 0 }

func (d *decoder) time() time.Time {
	ms, n := binary.Varint(d.b)
	if ms = taken(d, ms, n); ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

func (d *decoder) done() error {
	if d.err == nil && len(d.b) > 0 {
		return errCut
	}
	return d.err
}
