package logs

import (
	"time"

	"github.com/lineaged/lineaged/internal/brokerlog"
	"github.com/lineaged/lineaged/lineage"
)

// authorization takes in a line of the authorizer. A right that was given is no transfer; and READ is asked for by who
// describes a topic's producers, as lineaged itself does.
func (d *digest) authorization(written time.Time, recent bool) {
	a := &d.parser.Authorization
	if !a.Allowed {
		d.deny(denial{d.text(a.Principal), d.text(a.Name), a.Operation.String(), a.Resource}, a.Host, a.Request, 1, d.round)
		return
	}
	d.rule(ruling{d.text(a.Principal), d.text(a.Host), d.text(a.Name), d.text(a.Request), a.Operation, a.Resource}, 1, written)
	c := lineage.Client{Host: d.text(a.Host)}
	if p := d.text(a.Principal); p != anonymous {
		c.Principal = p
	}
	if a.Resource != brokerlog.ResourceTopic {
		d.authorized(c)
		return
	}
	var op lineage.Op
	switch request := string(a.Request); {
	case a.Operation == brokerlog.OperationWrite && (request == "Produce" || request == "AddPartitionsToTxn" || request == ""):
		op = lineage.Write
	case a.Operation == brokerlog.OperationRead && (request == "Fetch" || request == "ShareFetch" || request == "ShareAcknowledge" || request == ""):
		op = lineage.Read
	default:
		return
	}
	t := lineage.Topic{Cluster: d.cluster.ID, Name: d.text(a.Name)}
	d.seeTopic(sight{lineage.Access{Topic: t, Op: op, Client: c}, lineage.AuthorizerLog}, false)
	if op == lineage.Write {
		d.claims.asked(t, c, recent)
	}
}

// authorized takes in whose a group or a transactional.id is, by who was let in. Who commits a group's offsets may set
// them for others, as an administrator does, and is not it.
func (d *digest) authorized(c lineage.Client) {
	switch a := &d.parser.Authorization; {
	case a.Resource == brokerlog.ResourceGroup && a.Operation == brokerlog.OperationRead:
		switch string(a.Request) {
		case "JoinGroup", "SyncGroup", "Heartbeat", "ConsumerGroupHeartbeat", "ShareGroupHeartbeat", "StreamsGroupHeartbeat":
			c.Group = d.text(a.Name)
			d.link(lineage.Read, c, lineage.AuthorizerLog)
		}
	case a.Resource == brokerlog.ResourceTransactionalID && a.Operation == brokerlog.OperationWrite:
		switch string(a.Request) {
		case "InitProducerId", "Produce", "EndTxn":
			c.TransactionalID = d.text(a.Name)
			d.link(lineage.Write, c, lineage.AuthorizerLog)
		}
	}
}

// deny takes in that something was refused so many times, at last at an instant.
func (d *digest) deny(key denial, host, request []byte, times int64, at time.Time) {
	if key.resource == brokerlog.ResourceTopic && !d.wanted(key.name) {
		return
	}
	x := d.denials[key]
	if x == nil {
		if len(d.denials) >= mostSights {
			d.over++
			return
		}
		x = &denied{host: d.text(host), request: d.text(request)}
		d.denials[key] = x
	}
	x.n += times
	x.hosts = x.hosts || x.host != string(host)
	x.at = later(x.at, at)
}
