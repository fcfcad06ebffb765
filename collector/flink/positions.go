package flink

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/varint"
	"github.com/lineaged/lineaged/lineage"
)

// Positions say which jobs were told, so that one that is forgotten meanwhile is said to be, and what was found out
// of each that is not told again. See docs/format/positions.md. Key: "job/HASH".
//
// A third, "vanished", says of which runs it was told that Flink knows them no more. Another key, "listed", says that
// jobs were listed, so that one which is not among them is new, and whether jobs were left out of that list, so that it
// need not be.
const (
	positionsVersion = 2
	listedKey        = "listed"
)

// positionKey is of a fixed length whatever the name is.
func positionKey(name string) string {
	sum := sha256.Sum256([]byte(name))
	return "job/" + hex.EncodeToString(sum[:16])
}

func (t *take) savePositions() {
	o := t.main
	for _, key := range append(t.telling.Unreadable(o, len(t.jobs)), t.gone...) {
		o.Positions = append(o.Positions, lineage.Position{Key: key})
	}
	t.gone = nil
	for _, name := range slices.Sorted(maps.Keys(t.batches)) {
		if b := t.batches[name]; b.dirty || !b.kept {
			o.Positions = append(o.Positions, lineage.Position{Key: batchKey(name), Value: b.encode()})
			b.dirty, b.kept = false, true
		}
	}
	if t.unsaved {
		o.Positions = append(o.Positions, lineage.Position{Key: vanishedKey, Value: seal(t.vanished)})
		t.unsaved = false
	}
	if !t.known || t.cut != t.kept {
		o.Positions = append(o.Positions, lineage.Position{Key: listedKey, Value: listedValue(t.cut)})
		t.known, t.kept = true, t.cut
	}
	for _, name := range slices.Sorted(maps.Keys(t.jobs)) {
		if j := t.jobs[name]; j.dirty || !j.kept {
			o.Positions = append(o.Positions, lineage.Position{Key: positionKey(name), Value: j.encode()})
			j.dirty, j.kept = false, true
		}
	}
}

// listedValue says that jobs were listed; cut: not all of them.
func listedValue(cut bool) []byte {
	if cut {
		return []byte{positionsVersion, 1}
	}
	return []byte{positionsVersion}
}

func (j *job) encode() []byte { return j.encodeAs(positionsVersion) }

func (j *job) encodeAs(version uint64) []byte {
	e := varint.Encoder{}
	e.Uint(version)
	e.String(j.name)
	e.Uint(uint64(len(j.also)))
	for _, n := range j.also {
		e.Uint(uint64(n.Kind))
		e.String(n.Scope)
		e.String(n.Name)
	}
	e.Uint(uint64(len(j.groups)))
	for _, g := range j.groups {
		e.String(string(g.Cluster))
		e.String(g.Group)
	}
	e.String(j.writes)
	if version > 1 {
		j.encodeMet(&e)
	}
	e.Uint(uint64(crc32.ChecksumIEEE(e)))
	return e
}

func (j *job) encodeMet(e *varint.Encoder) {
	all := slices.SortedFunc(maps.Values(j.met), func(a, b *met) int { return cmp.Or(cmp.Compare(b.started, a.started), strings.Compare(a.id, b.id)) })
	all = all[:min(len(all), mostMet)]
	e.Uint(uint64(len(all)))
	for _, m := range all {
		e.String(m.id)
		for _, n := range [...]int64{m.started, m.restarts, m.restarting, m.failed} {
			e.Int(n)
		}
		e.Bool(m.begins)
		e.Bool(m.over)
		e.Time(m.at)
	}
}

// Restore implements collector.Source.
func (s *source) Restore(ctx context.Context, sink collector.Sink) error {
	s.forget()
	s.tell.Restore()
	positions, err := sink.Positions(ctx, s.id(partJobs))
	if err != nil {
		return fmt.Errorf("read positions of %s: %w", s.id(partJobs), err)
	}
	for _, key := range slices.Sorted(maps.Keys(positions)) {
		if s.known = true; key == listedKey {
			s.cut = !bytes.Equal(positions[key], listedValue(false))
			s.kept = s.cut
			continue
		}
		if key == vanishedKey {
			if err := unseal(positions[key], &s.vanished); err != nil {
				s.tell.Leave(key, err)
			}
			continue
		}
		if strings.HasPrefix(key, batchPrefix) {
			if err := s.restoreBatch(key, positions[key]); err != nil {
				s.tell.Leave(key, err)
			}
			continue
		}
		j, err := decodeJob(positions[key])
		if err == nil && positionKey(j.name) != key {
			err = errors.New("it is another job's")
		}
		if err != nil {
			s.tell.Leave(key, err)
			s.lost = true
			continue
		}
		s.jobs[j.name] = j
	}
	return nil
}

// seal encodes a position that is JSON: uv version, string JSON, uv CRC-32.
func seal(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // there is nothing in it that is no JSON
	}
	e := varint.Encoder{}
	e.Uint(positionsVersion)
	e.String(string(text))
	e.Uint(uint64(crc32.ChecksumIEEE(e)))
	return e
}

func unseal(value []byte, into any) error {
	d := varint.Decoder{Left: value}
	d.Versions(positionsVersion, positionsVersion)
	text := d.String()
	read := len(value) - len(d.Left)
	if sum := d.Uint(); sum != uint64(crc32.ChecksumIEEE(value[:read])) {
		d.Fail()
	}
	if err := d.Done(); err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return errors.New("it is no JSON")
	}
	return nil
}

func decodeJob(value []byte) (*job, error) {
	d := varint.Decoder{Left: value}
	version := d.Versions(1, positionsVersion)
	j := newJob(d.String())
	j.kept = true
	for range d.Count() {
		n := lineage.Node{Kind: lineage.NodeKind(d.Uint()), Scope: d.String(), Name: d.String()}
		if n.Kind != lineage.StreamJobNode && n.Kind != lineage.JobNode {
			d.Fail()
		}
		if d.Err() != nil {
			break
		}
		j.also = append(j.also, n)
	}
	for range d.Count() {
		if d.Err() != nil {
			break
		}
		j.groups = append(j.groups, lineage.GroupRef{Cluster: lineage.ClusterID(d.String()), Group: d.String()})
	}
	j.writes = d.String()
	if version > 1 { // before, nothing that happened was told
		for range d.Count() {
			if d.Err() != nil {
				break
			}
			m := &met{id: d.String(), started: d.Int(), restarts: d.Int(), restarting: d.Int(), failed: d.Int(), begins: d.Bool(), over: d.Bool(), at: d.Time()}
			j.met[m.id] = m
		}
	}
	read := len(value) - len(d.Left)
	if sum := d.Uint(); sum != uint64(crc32.ChecksumIEEE(value[:read])) {
		d.Fail()
	}
	return j, d.Done()
}
