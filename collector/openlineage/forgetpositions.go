package openlineage

import (
	"bytes"
	"encoding/json"
	"hash/crc32"
	"strings"

	"github.com/lineaged/lineaged/internal/varint"
	"github.com/lineaged/lineaged/lineage"
)

// parentFacet is the facet of runevent.Facets that names another job.
const parentFacet = "p"

// ForgetPosition returns a position without some persons: what jobs say of themselves and of their runs, as a fact of
// them has it. Names of jobs, datasets and columns stay, and what cannot be read is as it was.
func ForgetPosition(p *lineage.Persons, key string, value []byte) []byte {
	d := varint.Decoder{Left: value}
	version := d.Versions(positionsVersion, runsVersion)
	var now varint.Encoder
	switch {
	case strings.HasPrefix(key, keptPrefix):
		k := decodeKept(&d)
		if done(&d, value) != nil || !k.without(p) {
			return value
		}
		now = k.encode()
	case strings.HasPrefix(key, runPrefix):
		r := decodeRun(&d, version)
		if done(&d, value) != nil || !r.without(p) {
			return value
		}
		now = r.encode()
	default:
		return value
	}
	now.Uint(uint64(crc32.ChecksumIEEE(now)))
	return now
}

// without forgets persons in what is kept of a job, and reports whether it named any.
func (k *kept) without(p *lineage.Persons) bool {
	k.fact.Description = p.Text(k.fact.Description)
	for i := range k.fact.Owners {
		k.fact.Owners[i].Name = p.Text(k.fact.Owners[i].Name)
	}
	for i := range k.fact.Runs {
		for _, text := range [...]*string{&k.fact.Runs[i].Engine, &k.fact.Runs[i].EngineVersion, &k.fact.Runs[i].Failure} {
			*text = p.Text(*text)
		}
	}
	was := k.text
	if text, err := json.Marshal(k.fact); err == nil { // it was read from JSON
		k.text = string(text)
	}
	return k.text != was
}

// without forgets persons in the facets of a run, and reports whether they named any.
func (r *run) without(p *lineage.Persons) (changed bool) {
	for name, x := range r.said {
		if name == parentFacet {
			continue
		}
		d := json.NewDecoder(bytes.NewReader([]byte(x.text)))
		d.UseNumber()
		var v any
		if d.Decode(&v) != nil {
			continue // nothing is made of it either
		}
		found := false
		v = forget(v, func(s string) string {
			now := p.Text(s)
			found = found || now != s
			return now
		})
		if text, err := json.Marshal(v); err == nil && found {
			r.said[name], changed = said{x.at, string(text)}, true
		}
	}
	return changed
}
