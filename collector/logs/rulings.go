package logs

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/internal/brokerlog"
	"github.com/lineaged/lineaged/lineage"
)

// ruling is what somebody may do to a resource itself, beside writing and reading.
type ruling struct {
	principal, host, name, request string
	operation                      brokerlog.Operation
	resource                       brokerlog.Resource
}

type ruled struct {
	n  int64
	at time.Time // of the newest, as the log has it; zero: that is not told
}

// rule takes in that somebody was allowed to do something so many times, if that is to administer.
func (d *digest) rule(key ruling, times int64, at time.Time) {
	switch key.operation {
	case brokerlog.OperationCreate, brokerlog.OperationDelete, brokerlog.OperationAlter, brokerlog.OperationAlterConfigs:
	default:
		return
	}
	if key.resource == brokerlog.ResourceTopic && !d.wanted(key.name) {
		return
	}
	x := d.rulings[key]
	if x == nil {
		if len(d.rulings) >= mostSights {
			d.over++
			return
		}
		x = &ruled{}
		d.rulings[key] = x
	}
	x.n += times
	x.at = later(x.at, at)
}

// tellRulings tells who administered what, the most often first. It is told of the round, in which it is new, with when
// it was: a log may be read long after it was written.
func (d *digest) tellRulings(o *lineage.Observation) {
	keys := slices.SortedFunc(maps.Keys(d.rulings), func(a, b ruling) int {
		return cmp.Or(cmp.Compare(d.rulings[b].n, d.rulings[a].n), strings.Compare(a.principal, b.principal), strings.Compare(a.name, b.name), strings.Compare(a.host, b.host),
			cmp.Compare(a.operation, b.operation), cmp.Compare(a.resource, b.resource), strings.Compare(a.request, b.request))
	})
	tell := func(a lineage.AdministeredUse, who lineage.Client, k ruling) {
		e := lineage.Event{At: d.round, Type: lineage.Administered, Detail: a.Detail()}
		e.Access.Topic.Cluster, e.Access.Client = d.cluster.ID, who
		switch k.resource {
		case brokerlog.ResourceTopic:
			e.Topic = lineage.Topic{Cluster: d.cluster.ID, ID: d.cluster.IDs[k.name], Name: k.name}
		case brokerlog.ResourceGroup:
			e.Group = lineage.GroupRef{Cluster: d.cluster.ID, Group: k.name}
		default: // of no node: the words say it
		}
		o.Events = append(o.Events, e)
	}
	rest := int64(0)
	for i, k := range keys {
		x := d.rulings[k]
		if i >= mostEvents {
			rest += x.n
			continue
		}
		a := lineage.AdministeredUse{Operation: k.operation.String(), Resource: k.resource.String(), Name: k.name, Request: k.request, Logged: x.at, Times: x.n}
		tell(a, lineage.Client{Principal: k.principal, Host: k.host}, k)
	}
	if rest > 0 {
		tell(lineage.AdministeredUse{Times: rest, Name: d.cfg.Name}, lineage.Client{}, ruling{})
	}
}
