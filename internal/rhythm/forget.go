package rhythm

import (
	"strings"

	"github.com/lineaged/lineaged/internal/varint"
	"github.com/lineaged/lineaged/lineage"
)

// Forget returns a position, nil of a flow of some persons: when they are seen again it is as if they never had been.
// What cannot be read is as it was.
func Forget(p *lineage.Persons, key string, value []byte) []byte {
	if key == beganKey || !strings.HasPrefix(key, Prefix) {
		return value
	}
	d := varint.Decoder{Left: value}
	d.Version(positionsVersion)
	f := decodeFlow(&d)
	if d.Done() != nil {
		return value
	}
	if p.Client(&f.access.Client) || p.Text(f.who) != f.who {
		return nil
	}
	return value
}
