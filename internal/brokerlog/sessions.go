package brokerlog

import (
	"bytes"

	"github.com/lineaged/lineaged/lineage"
)

// Sessions remembers what is read in the fetch sessions of all brokers whose lines are read: from its second request on
// a session names only what has changed. A session belongs to a broker, and outlives its client's connection.
//
// What it remembers is bounded: sessions that were not heard of for the longest time are forgotten, and what they read
// shows again once they get records. It is for one goroutine.
type Sessions struct {
	most       int // partitions in each of both
	young, old map[sessionKey]*session
	size       int // partitions in young
}

type sessionKey struct {
	broker string // the address at which it was reached
	id     int64
}

type session struct {
	client, principal string
	topics            map[sessionTopic]*sessionParts
	weight            int // itself, its topics and their partitions
}

type sessionParts struct {
	name  []byte
	parts map[int32]struct{}
}

type sessionTopic struct {
	name string
	id   lineage.TopicID
}

// NewSessions makes one that remembers at least so many partitions of sessions, and at most twice as many.
func NewSessions(partitions int) *Sessions {
	return &Sessions{most: partitions, young: map[sessionKey]*session{}}
}

// Size is how many partitions it remembers.
func (s *Sessions) Size() int {
	n := s.size
	for _, x := range s.old {
		n += x.weight
	}
	return n
}

// Fetched calls yield with each topic that a Fetch asks for, as far as it is known, by its name, or its id, or both; it
// may do so twice.
func (s *Sessions) Fetched(r *Request, yield func(name []byte, id lineage.TopicID)) {
	key := sessionKey{string(Local(r.Connection)), r.Session}
	if r.Session <= 0 || r.SessionEpoch <= 0 { // all of it is named
		if r.Session > 0 {
			s.drop(key)
		}
		for i := range r.Topics {
			yield(r.Topics[i].Name, r.Topics[i].ID)
		}
		if r.SessionEpoch == 0 && r.Opened > 0 && r.Error == 0 {
			key.id = r.Opened
			s.drop(key)
			x := &session{client: string(r.ClientID), principal: string(r.Principal), topics: map[sessionTopic]*sessionParts{}, weight: 1}
			if x.add(r.Topics); x.weight <= s.most {
				s.young[key] = x
				s.size += x.weight
				s.age()
			}
		}
		return
	}
	x := s.find(key)
	if x == nil || x.client != string(r.ClientID) || x.principal != string(r.Principal) {
		for i := range r.Topics {
			yield(r.Topics[i].Name, r.Topics[i].ID)
		}
		return
	}
	before := x.weight
	x.add(r.Topics)
	x.remove(r.Forgotten)
	s.size += x.weight - before
	for t, parts := range x.topics {
		yield(parts.name, t.id)
	}
	if r.Error != 0 || x.weight > s.most {
		s.drop(key)
	}
	s.age()
}

// find returns a session and makes it young.
func (s *Sessions) find(key sessionKey) *session {
	if x := s.young[key]; x != nil {
		return x
	}
	x := s.old[key]
	if x != nil {
		delete(s.old, key)
		s.young[key] = x
		s.size += x.weight
	}
	return x
}

func (s *Sessions) drop(key sessionKey) {
	if x := s.young[key]; x != nil {
		s.size -= x.weight
		delete(s.young, key)
	}
	delete(s.old, key)
}

// age forgets the old ones where the young are too many.
func (s *Sessions) age() {
	if s.size >= s.most {
		s.old, s.young, s.size = s.young, map[sessionKey]*session{}, 0
	}
}

func (x *session) add(topics []Topic) {
	for i := range topics {
		t := &topics[i]
		in := x.topics[sessionTopic{string(t.Name), t.ID}]
		if in == nil {
			in = &sessionParts{name: bytes.Clone(t.Name), parts: map[int32]struct{}{}}
			x.topics[sessionTopic{string(t.Name), t.ID}] = in
			x.weight++
		}
		x.weight -= len(in.parts)
		for _, p := range t.Parts {
			in.parts[p.Index] = struct{}{}
		}
		x.weight += len(in.parts)
	}
}

func (x *session) remove(topics []Topic) {
	for i := range topics {
		key := sessionTopic{string(topics[i].Name), topics[i].ID}
		in := x.topics[key]
		if in == nil {
			continue
		}
		x.weight -= len(in.parts)
		for _, p := range topics[i].Parts {
			delete(in.parts, p.Index)
		}
		x.weight += len(in.parts)
		if len(in.parts) == 0 {
			delete(x.topics, key)
			x.weight--
		}
	}
}
