package logs

import (
	"fmt"
	"hash/crc32"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/varint"
	"github.com/lineaged/lineaged/lineage"
)

// Positions say how far the logs were read, and what was read and not said yet.
//
// Keys: "began", always there; "waiting", accesses of topics whose names are not known yet; "claims/TOPIC", what is
// claimed of it; "file/N", a file; "part/N", a partition. All values begin with the version, 1, and end with the CRC-32
// (IEEE) of what is before it. Numbers, strings and times are as in package varint; docs/format/positions.md has them
// in full.
const positionsVersion = 1

const (
	beganKey   = "began"
	waitingKey = "waiting"
	filePrefix = "file/"
	partPrefix = "part/"
)

// seal puts the version before a position and its checksum behind it.
func seal(fill func(e *varint.Encoder)) []byte { return sealAs(positionsVersion, fill) }

// sealAs is seal of a value that has a version of its own.
func sealAs(version uint64, fill func(e *varint.Encoder)) []byte {
	var e varint.Encoder
	e.Uint(version)
	fill(&e)
	e.Uint(uint64(crc32.ChecksumIEEE(e)))
	return e
}

// unseal reads what seal made.
func unseal(value []byte, read func(d *varint.Decoder)) error {
	return unsealUpTo(positionsVersion, value, func(d *varint.Decoder, _ uint64) { read(d) })
}

// unsealUpTo reads what sealAs made of any version up to the newest.
func unsealUpTo(newest uint64, value []byte, read func(d *varint.Decoder, version uint64)) error {
	d := varint.Decoder{Left: value}
	version := d.Versions(positionsVersion, newest)
	read(&d, version)
	if err := d.Err(); err != nil {
		return err
	}
	body := value[:len(value)-len(d.Left)]
	if sum := d.Uint(); d.Err() == nil && sum != uint64(crc32.ChecksumIEEE(body)) {
		d.Fail()
	}
	return d.Done()
}

// savePositions adds what changed in this round, and removes what could not be read.
func (s *source) savePositions(t *collector.Take, o *lineage.Observation) {
	put := func(p lineage.Position) { o.Positions = append(o.Positions, p) }
	if !s.saved {
		put(lineage.Position{Key: beganKey, Value: seal(func(*varint.Encoder) {})})
		s.saved = true
	}
	for _, key := range t.Unreadable(o, 1) {
		if key == beganKey {
			put(lineage.Position{Key: beganKey, Value: seal(func(*varint.Encoder) {})})
		} else {
			put(lineage.Position{Key: key})
		}
	}
	if value := s.digest.encodeWaiting(); string(value) != s.digest.waitingStored {
		s.digest.waitingStored = string(value)
		put(lineage.Position{Key: waitingKey, Value: value})
	}
	for _, p := range s.digest.claims.save() {
		put(p)
	}
	for _, p := range s.input.save() {
		put(p)
	}
}

// encodeWaiting returns nil when nothing waits.
func (d *digest) encodeWaiting() []byte {
	if len(d.waiting) == 0 {
		return nil
	}
	all := make([]string, 0, len(d.waiting))
	for s, w := range d.waiting {
		var e varint.Encoder
		c := s.access.Client
		e.String(string(s.access.Topic.ID[:]))
		e.Uint(uint64(s.access.Op))
		e.Uint(uint64(s.evidence))
		e.Bool(w.moved)
		e.Time(w.since)
		for _, text := range [...]string{c.ClientID, c.Group, c.TransactionalID, c.Principal, c.Host, c.Software} {
			e.String(text)
		}
		all = append(all, string(e))
	}
	slices.Sort(all)
	return seal(func(e *varint.Encoder) {
		e.Uint(uint64(len(all)))
		*e = append(*e, strings.Join(all, "")...)
	})
}

func (d *digest) restore(positions map[string][]byte, leave func(key string, err error)) {
	d.waitingStored = ""
	d.claims.restore(positions, leave)
	if value, has := positions[beganKey]; has {
		if err := unseal(value, func(*varint.Decoder) {}); err != nil {
			leave(beganKey, err)
		}
	}
	value, has := positions[waitingKey]
	if !has {
		return
	}
	read := map[sight]*waiter{}
	err := unseal(value, func(v *varint.Decoder) {
		for range v.Count() {
			var s sight
			var w waiter
			if id := v.String(); copy(s.access.Topic.ID[:], id) != len(id) {
				v.Fail()
			}
			op, evidence := v.Uint(), v.Uint()
			if op > uint64(lineage.Read) || evidence >= uint64(lineage.EvidenceKinds) {
				v.Fail()
				return
			}
			s.access.Op, s.evidence = lineage.Op(op), lineage.EvidenceKind(evidence)
			w.moved, w.since = v.Bool(), v.Time()
			c := &s.access.Client
			for _, text := range [...]*string{&c.ClientID, &c.Group, &c.TransactionalID, &c.Principal, &c.Host, &c.Software} {
				*text = v.String()
			}
			if v.Err() != nil {
				return
			}
			read[s] = &w
		}
	})
	if err != nil {
		leave(waitingKey, err)
		return
	}
	d.waiting, d.waitingStored = read, string(value)
}

func fileKey(id int) string { return fmt.Sprintf("%s%d", filePrefix, id) }

func (f *file) encode() []byte {
	return seal(func(e *varint.Encoder) {
		e.String(f.path)
		e.Uint(f.at.dev)
		e.Uint(f.at.ino)
		flags := uint64(0)
		for i, on := range [...]bool{f.packed, f.done, f.mid} {
			if on {
				flags |= 1 << i
			}
		}
		e.Uint(flags)
		e.Uint(uint64(f.offset))
		e.Uint(uint64(f.size))
		for _, p := range [...]print{f.head, f.tail} {
			e.Uint(uint64(p.n))
			e.Uint(p.sum)
		}
	})
}

func decodeFile(value []byte) (*file, error) {
	f := &file{}
	err := unseal(value, func(d *varint.Decoder) {
		f.path = d.String()
		f.at = inode{d.Uint(), d.Uint()}
		flags := d.Uint()
		f.packed, f.done, f.mid = flags&1 != 0, flags&2 != 0, flags&4 != 0
		offset, size := d.Uint(), d.Uint()
		f.offset, f.size = int64(offset), int64(size)
		for _, p := range [...]*print{&f.head, &f.tail} {
			n := d.Uint()
			p.n, p.sum = int(n), d.Uint()
			if n > headBytes {
				d.Fail()
			}
		}
		if f.offset < 0 || f.size < 0 || int64(f.tail.n) > f.offset || flags > 7 {
			d.Fail()
		}
	})
	return f, err
}
