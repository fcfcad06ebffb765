package headers

import (
	"hash/crc32"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/lineaged/lineaged/internal/recordbatch"
	"github.com/lineaged/lineaged/internal/unpack"
	"github.com/lineaged/lineaged/internal/varint"
	"github.com/lineaged/lineaged/lineage"
)

// What a header of a record says of who wrote it, where topics are named for that. Some batches are unpacked, and of
// each record the one header that is configured is read; keys, values and other headers are passed over by their
// lengths, and nothing is kept but names and how often each stood there.
//
// A header is what a client writes, and who forwards records may forward it. So a producer id is a name's while it
// bears no other, and one that writes for several is nobody's.

const (
	// longestName is how long a name may be, in bytes.
	longestName = 256
	// mostApps is how many names of one topic are counted.
	mostApps = 200
	// mostLinked is how many producers are remembered by what they bear. Who is forgotten is looked at again.
	mostLinked = 10_000
)

// peeker looks into batches.
type peeker struct {
	header string
	every  int // one batch of so many is unpacked, and the first of each producer id
	unpack *unpack.Unpacker
	apps   *apps
	n      int
	// bad counts batches that could not be unpacked or read, and odd values that are no names.
	bad, odd int64
}

// peeked is what was seen in batches of one topic.
type peeked struct {
	by             map[int64]map[string]int64 // records by producer id, -1 none, and name
	looked, passed int64                      // batches of writers without idempotence
	crowded        bool
	sights         map[traceID]sight // of traces, the first of each
}

// batch looks into one, or not. traced is nil where no traces are looked for in its topic.
func (p *peeker) batch(y *peeked, b recordbatch.Batch, traced *traces) {
	named := p.picks(y, &b)
	if !named && traced == nil {
		return
	}
	records, err := p.unpack.Unpack(b.Packed, b.Codec)
	if err != nil {
		p.bad++
		return
	}
	var wanted []string
	if named {
		wanted = append(wanted, p.header)
	}
	if traced != nil {
		wanted = append(wanted, traceparent)
	}
	last, lastTrace := -1, -1 // the records of which it is known: of a header that comes twice the first counts
	err = recordbatch.Values(records, b.Records, wanted, func(record int, delta int64, header int, value []byte) {
		if !named || header > 0 {
			if record != lastTrace {
				lastTrace = record
				y.trace(traced, &b, delta, value)
			}
			return
		}
		if record == last {
			return
		}
		last = record
		name, ok := nameOf(value)
		if !ok {
			p.odd++
			return
		}
		y.name(b.ProducerID, name)
	})
	if err != nil {
		p.bad++
	}
}

// picks reports whether a batch is among those that are looked into for a name, and counts it.
func (p *peeker) picks(y *peeked, b *recordbatch.Batch) bool {
	p.n++
	if p.n%p.every != 0 && (b.ProducerID < 0 || p.apps.seen[b.ProducerID]) {
		if b.ProducerID < 0 {
			y.passed++
		}
		return false
	}
	p.apps.see(b.ProducerID)
	if b.ProducerID < 0 {
		y.looked++
	}
	return true
}

// name counts a record of a name.
func (y *peeked) name(id int64, name string) {
	if y.by == nil {
		y.by = map[int64]map[string]int64{}
	}
	names := y.by[id]
	if names == nil {
		names = map[string]int64{}
		y.by[id] = names
	}
	if _, known := names[name]; !known && len(names) >= mostApps {
		y.crowded = true
		return
	}
	names[name]++
}

// nameOf returns a header's value as a name; ok is false for what can be none.
func nameOf(value []byte) (name string, ok bool) {
	if len(value) > longestName || !utf8.Valid(value) {
		return "", false
	}
	name = strings.TrimSpace(string(value))
	return name, name != "" && !strings.ContainsFunc(name, unicode.IsControl)
}

// app is what a producer bears.
type app struct {
	name    string
	several bool // and others
	seen    time.Time
}

// apps are what producers bear, by their producer id or their transactional.id.
type apps struct {
	of    map[lineage.Client]app
	seen  map[int64]bool // producer ids of which a batch was looked into. Not kept over a restart
	dirty bool
}

func newApps() *apps { return &apps{of: map[lineage.Client]app{}, seen: map[int64]bool{}} }

func (a *apps) see(id int64) {
	if len(a.seen) >= mostLinked {
		clear(a.seen)
	}
	if id >= 0 {
		a.seen[id] = true
	}
}

// learn tells whose producer ids are, by the names that a topic's batches bear, and takes back what turns out to be
// several's.
func (a *apps) learn(o *lineage.Observation, b *book, names map[int64]string) {
	for _, id := range slices.Sorted(maps.Keys(b.fresh.names.by)) {
		if id < 0 {
			continue
		}
		c := writer(id, b.fresh.txn[id], names)
		for _, name := range slices.Sorted(maps.Keys(b.fresh.names.by[id])) {
			x, known := a.of[c]
			switch {
			case !known && len(a.of) >= mostLinked:
				a.forget()
				continue
			case !known:
				a.link(o, b.topic.Cluster, c, name, 1)
			case x.name != name && !x.several:
				a.link(o, b.topic.Cluster, c, x.name, 0)
				x.several = true
			case o.Round.Sub(x.seen) < time.Hour:
				continue
			}
			if !known {
				x.name = name
			}
			x.seen, a.dirty = o.Round, true
			a.of[c] = x
		}
	}
}

// link tells that a producer is an application's, or takes it back.
func (a *apps) link(o *lineage.Observation, cluster lineage.ClusterID, c lineage.Client, name string, level int64) {
	c.ClientID = name
	x := lineage.Access{Topic: lineage.Topic{Cluster: cluster}, Op: lineage.Write, Client: c}
	o.Samples = slices.DeleteFunc(o.Samples, func(s lineage.Sample) bool { return s.Metric == lineage.Linked && s.Subject == x })
	o.Samples = append(o.Samples, lineage.Sample{Subject: x, Metric: lineage.Linked, Evidence: lineage.RecordHeader, Value: level})
}

// forget drops the half that was not seen for longest.
func (a *apps) forget() {
	all := slices.SortedFunc(maps.Keys(a.of), func(x, y lineage.Client) int {
		if c := a.of[x].seen.Compare(a.of[y].seen); c != 0 {
			return c
		}
		return compareWriters(x, y)
	})
	for _, c := range all[:len(all)/2] {
		delete(a.of, c)
	}
}

// several are the producers that write for several.
func (a *apps) several() (who []string) {
	for c, x := range a.of {
		if !x.several {
			continue
		}
		name := c.TransactionalID
		if id, ok := c.Producer.Value(); ok {
			name = "producer id " + strconv.FormatInt(id, 10)
		}
		who = append(who, name)
	}
	slices.Sort(who)
	return who
}

func (a *apps) encode() (e varint.Encoder) {
	e.Uint(positionsVersion)
	e.Uint(uint64(len(a.of)))
	for _, c := range slices.SortedFunc(maps.Keys(a.of), compareWriters) {
		x := a.of[c]
		e.String(c.TransactionalID)
		e.Uint(uint64(c.Producer))
		e.String(x.name)
		e.Bool(x.several)
		e.Time(x.seen)
	}
	e.Uint(uint64(crc32.ChecksumIEEE(e)))
	return e
}

func decodeApps(value []byte) (*apps, error) {
	d := varint.Decoder{Left: value}
	d.Version(positionsVersion)
	a := newApps()
	for range d.Count() {
		c := lineage.Client{TransactionalID: d.String(), Producer: lineage.ProducerID(d.Uint())}
		a.of[c] = app{name: d.String(), several: d.Bool(), seen: d.Time()}
	}
	return a, checked(&d, value)
}
