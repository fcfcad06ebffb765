package ledger

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
)

// atOnce does something with each part of so many, on as many processors as there are.
func atOnce(n int, do func(from, to int) error) error {
	const least = 64 // for fewer it is not worth a goroutine
	parts := min(runtime.GOMAXPROCS(0), max(n/least, 1))
	errs := make([]error, parts)
	var all sync.WaitGroup
	for k := range parts {
		part := func() { errs[k] = do(n*k/parts, n*(k+1)/parts) }
		if k == parts-1 {
			part()
			break
		}
		all.Go(part)
	}
	all.Wait()
	return errors.Join(errs...)
}

// usesWriter writes the entries of uses of one period, with room that it has for all of them.
type usesWriter struct {
	people   *people
	period   Period
	clients  []Client
	evidence []Evidence
	room     form
}

// usesRoom is how many bytes are made at a time: those of some hundred entries.
const usesRoom = 64 << 10

// entry returns the entry of a use within its bounds, with persons as commitments. The caller's lists stay as they are.
func (w *usesWriter) entry(u *Usage) ([]byte, error) {
	x := *u
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
			return nil, errors.Join(err, hostErr)
		}
	}
	if cap(w.room) < usesRoom/32 {
		w.room = make(form, 0, usesRoom)
	}
	entry, err := x.written(w.room)
	if err == nil && cap(entry) == cap(w.room) { // it had room
		w.room = w.room[len(entry):len(entry)]
	}
	return slices.Clip(entry), err
}

// written writes the entry to the room that is given, with lists that are cut where it would be too long.
func (u *Usage) written(room form) ([]byte, error) {
	for {
		u.notNil()
		f := room[:0]
		if err := f.usage(u); err != nil || len(f) <= MostEntry {
			return f, err
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
			return nil, fmt.Errorf("what %s did to %s does not fit into an entry", u.Node, u.Topic)
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
