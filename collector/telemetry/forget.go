package telemetry

import (
	"strings"

	"github.com/lineaged/lineaged/internal/varint"
	"github.com/lineaged/lineaged/lineage"
)

// Forget returns a position, nil of a client that is one of some persons: it begins anew when it is seen again, and
// what was counted of it stays. What cannot be read is as it was.
func Forget(p *lineage.Persons, key string, value []byte) []byte {
	if !strings.HasPrefix(key, clientKey("")) {
		return value
	}
	d := varint.Decoder{Left: value}
	d.Version(positionsVersion)
	c := decodeClient(&d)
	if c == nil || d.Err() != nil {
		return value
	}
	who := lineage.Client{Instance: c.Instance, ClientID: c.ClientID, Principal: c.Principal, Host: c.Host, Software: c.Software}
	if p.Client(&who) {
		return nil
	}
	return value
}
