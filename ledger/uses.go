package ledger

import (
	"errors"
	"fmt"
)

// usesWriter writes the entries of uses of one period, with lists that it has for all of them.
type usesWriter struct {
	people   *people
	period   Period
	form     []byte // of the period
	use      Usage
	clients  []Client
	evidence []Evidence
}

// append writes the entry of a use within its bounds, with persons as commitments. The caller's lists stay as they are.
func (w *usesWriter) append(b []byte, u *Usage) ([]byte, error) {
	w.use = *u
	x := &w.use
	x.Type, x.V, x.Period = typeUsage, version, w.period
	x.Owner, x.TopicOwner = clipped(x.Owner), clipped(x.TopicOwner)
	x.Tags, x.TopicTags = clippedAll(x.Tags), clippedAll(x.TopicTags)
	w.evidence = append(w.evidence[:0], x.Evidence[:min(len(x.Evidence), mostEvidence)]...)
	x.Evidence = w.evidence
	for i := range x.Evidence {
		x.Evidence[i].Detail = clipped(x.Evidence[i].Detail)
	}
	w.clients = append(w.clients[:0], x.Clients[:min(len(x.Clients), mostClients)]...)
	x.Clients = w.clients
	for i := range x.Clients {
		c := &x.Clients[i]
		for _, text := range []**string{&c.ClientID, &c.Group, &c.Host, &c.Instance, &c.Principal, &c.Software, &c.TransactionalID} {
			*text = clipped(*text)
		}
		var err, hostErr error
		c.Host, hostErr = w.people.of(c.Host)
		if c.Principal, err = w.people.of(c.Principal); err != nil || hostErr != nil {
			return b, errors.Join(err, hostErr)
		}
	}
	return x.appendFitting(b, w.form)
}

// appendFitting writes the entry, with lists that are cut where it would be too long.
func (u *Usage) appendFitting(b, period []byte) ([]byte, error) {
	for {
		u.notNil()
		out, err := appendUsage(b, u, period)
		if err != nil || len(out)-len(b) <= MostEntry {
			return out, err
		}
		switch { // how many there were is said by clientCount; the rest of a list goes before all of one does
		case len(u.Tags)+len(u.TopicTags) > mostListed:
			u.Tags, u.TopicTags = u.Tags[:len(u.Tags)/2], u.TopicTags[:len(u.TopicTags)/2]
		case len(u.Clients) > 1 && len(u.Clients) >= len(u.Evidence):
			u.Clients = u.Clients[:len(u.Clients)/2]
		case len(u.Evidence) > 1:
			u.Evidence = u.Evidence[:len(u.Evidence)/2]
		case len(u.Tags)+len(u.TopicTags) > 0:
			u.Tags, u.TopicTags = u.Tags[:len(u.Tags)/2], u.TopicTags[:len(u.TopicTags)/2]
		case len(u.Clients) > 0:
			u.Clients = nil
		default:
			return b, fmt.Errorf("what %s did to %s does not fit into an entry", u.Node, u.Topic)
		}
	}
}

// notNil gives lists that are empty a form of their own: null is what is not known.
func (u *Usage) notNil() {
	if u.Clients == nil {
		u.Clients = []Client{}
	}
	if u.Evidence == nil {
		u.Evidence = []Evidence{}
	}
	if u.Tags == nil {
		u.Tags = []string{}
	}
	if u.TopicTags == nil {
		u.TopicTags = []string{}
	}
}
