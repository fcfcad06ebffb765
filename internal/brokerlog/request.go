package brokerlog

import (
	"bytes"
	"encoding/base64"

	"github.com/lineaged/lineaged/lineage"
)

// Request is a request that a broker has answered. A field that a request of its API does not have is empty, a number
// is -1. What is forwarded to the controller is told by both brokers: only the first of them is read.
type Request struct {
	API     API
	Version int16
	// Client is who asked, as it was seen by the broker.
	ClientID, Principal, Listener []byte
	// Connection is as the broker spells it: addresses of both ends and a number.
	Connection []byte
	// Software and SoftwareVersion are what the client calls itself; empty where it did not.
	Software, SoftwareVersion []byte

	Group, Member, TransactionalID []byte
	// Producer is the id that the request was made with, or, of InitProducerID and EndTxn, that was answered.
	Producer, Epoch int64
	// Instance is the client's instance id of its telemetry, as Kafka spells ids.
	Instance []byte

	// Error is the answer's own code; 0: none. It says nothing of single partitions.
	Error int16
	// Asked: what was asked is told. It is not for a request that came before the logger was switched on.
	Asked bool
	// Answered: the answer is told. It is not where none was wanted, as for acks=0.
	Answered bool

	// Session and SessionEpoch are the fetch session that the request named, Opened the one that the answer named; 0:
	// none.
	Session, SessionEpoch, Opened int64

	Topics    []Topic // that the request named
	Forgotten []Topic // that it took out of its fetch session
	Results   []Topic // that the answer named
}

// Topic is a topic in a request or its answer, by name, id, or both.
type Topic struct {
	Name  []byte
	ID    lineage.TopicID
	Error int16
	Parts []Partition
}

// Partition is a partition in a request or its answer.
type Partition struct {
	Index int32
	Error int16
	// Bytes are those of the records that were sent, or answered; -1: not told.
	Bytes int64
	// Offset is that of a Produce's first record in the log, of a Fetch where it began, of a commit what was committed;
	// -1: not told.
	Offset int64
	// Records is how many records a share fetch acquired, batches in full; 0: none, or not told.
	Records int64
}

// request reads the text after the mark.
func (p *Parser) request(text []byte) (Kind, error) {
	s := scanner{b: text, arena: p.arena[:0]}
	if s.peek() != '{' {
		return RequestLine, ErrOldText
	}
	s.i++
	p.topics, p.parts = p.topics[:0], p.parts[:0]
	r := &p.Request
	*r = Request{API: -1, Version: -1, Producer: -1, Epoch: -1}
	var shape *shape
	var ended bool
	for {
		key, ok := s.key()
		if !ok {
			ended = !s.bad
			break
		}
		switch string(key) {
		case "isForwarded":
			if s.yes() { // the broker that the client asked tells it too
				return Uninteresting, nil
			}
		case "requestHeader":
			r.header(&s)
			switch {
			case s.bad:
				return RequestLine, ErrCut
			case r.API < 0 || r.Version < 0:
				return RequestLine, ErrLayout
			}
			if shape = r.shape(); shape == nil {
				return Uninteresting, nil
			}
		case "request":
			if shape == nil {
				return RequestLine, ErrLayout
			}
			if r.Asked = p.asked(&s, shape); !r.Asked && r.API == Fetch || r.replica() {
				return Uninteresting, nil // a follower's, or maybe
			}
		case "response":
			if shape == nil {
				return RequestLine, ErrLayout
			}
			if r.Answered = p.answered(&s, shape); !r.Answered && shape.mustReply {
				return Uninteresting, nil
			}
		case "connection":
			r.Connection = s.text()
		case "principal":
			r.Principal = s.text()
		case "listener":
			r.Listener = s.text()
		case "clientInformation":
			r.software(&s)
		default:
			s.skip()
		}
	}
	p.arena = s.arena
	switch {
	case !ended:
		return RequestLine, ErrCut
	case shape == nil || r.Connection == nil || r.Principal == nil:
		return RequestLine, ErrLayout
	}
	return RequestLine, nil
}

// shape returns how the request is read; nil: not at all.
func (r *Request) shape() *shape {
	if r.API < 0 || r.API >= apis {
		return nil
	}
	s := interesting[r.API]
	if s != nil && s.newest > 0 && r.Version > s.newest {
		return nil
	}
	return s
}

// follower is what replica makes of Epoch for a moment: no client's fetch has one.
const follower = -2

func (r *Request) replica() bool { return r.API == Fetch && r.Epoch == follower }

func (r *Request) header(s *scanner) {
	if !s.open('{') {
		return
	}
	for {
		key, ok := s.key()
		if !ok {
			return
		}
		switch string(key) {
		case "requestApiKey":
			r.API = API(s.number())
		case "requestApiVersion":
			r.Version = int16(s.number())
		case "clientId":
			r.ClientID = s.text()
		default:
			s.skip()
		}
	}
}

func (r *Request) software(s *scanner) {
	if !s.open('{') {
		return
	}
	for {
		key, ok := s.key()
		if !ok {
			return
		}
		switch string(key) {
		case "softwareName":
			r.Software = known(s.text())
		case "softwareVersion":
			r.SoftwareVersion = known(s.text())
		default:
			s.skip()
		}
	}
}

// known returns nothing for what a broker writes where a client did not say it.
func known(text []byte) []byte {
	if string(text) == "unknown" {
		return nil
	}
	return text
}

// asked reads what was asked, and reports whether it is told.
func (p *Parser) asked(s *scanner, shape *shape) bool {
	if !s.open('{') {
		return false
	}
	r := &p.Request
	for {
		key, ok := s.key()
		if !ok {
			return true
		}
		switch string(key) {
		case "transactionalId", "v3AndBelowTransactionalId":
			r.TransactionalID = s.text()
		case "groupId":
			r.Group = s.text()
		case "memberId":
			r.Member = s.text()
		case "producerId", "v3AndBelowProducerId":
			r.Producer = s.number()
		case "producerEpoch", "v3AndBelowProducerEpoch":
			r.Epoch = s.number()
		case "clientInstanceId":
			r.Instance = s.text()
		case "sessionId":
			r.Session = s.number()
		case "sessionEpoch", "shareSessionEpoch":
			r.SessionEpoch = s.number()
		case "replicaId":
			if s.number() >= 0 {
				r.Epoch = follower
				return true
			}
		case "replicaState":
			if replicaOf(s) >= 0 {
				r.Epoch = follower
				return true
			}
		case "forgottenTopicsData":
			r.Forgotten = p.list(s, shape)
		default:
			if string(key) == shape.topics {
				r.Topics = p.list(s, shape)
			} else {
				s.skip()
			}
		}
	}
}

func replicaOf(s *scanner) int64 {
	id := int64(-1)
	if !s.open('{') {
		return id
	}
	for {
		key, ok := s.key()
		if !ok {
			return id
		}
		if string(key) == "replicaId" {
			id = s.number()
		} else {
			s.skip()
		}
	}
}

// answered reads what was answered, and reports whether it is told.
func (p *Parser) answered(s *scanner, shape *shape) bool {
	if !s.open('{') {
		return false
	}
	r := &p.Request
	for {
		key, ok := s.key()
		if !ok {
			return true
		}
		switch string(key) {
		case "errorCode":
			r.Error = int16(s.number())
		case "memberId":
			if member := s.text(); len(member) > 0 { // given to who had none yet
				r.Member = member
			}
		case "producerId":
			// Who ends a transaction is told the id that is used for the next one.
			if id := s.number(); r.API == InitProducerID || r.API == EndTxn && id >= 0 {
				r.Producer = id
			}
		case "producerEpoch":
			if epoch := s.number(); r.API == InitProducerID || r.API == EndTxn && epoch >= 0 {
				r.Epoch = epoch
			}
		case "clientInstanceId":
			if id := s.text(); len(id) > 0 {
				r.Instance = id
			}
		case "sessionId":
			r.Opened = s.number()
		default:
			if string(key) == shape.results {
				r.Results = p.list(s, shape)
			} else {
				s.skip()
			}
		}
	}
}

// list reads a list of topics.
func (p *Parser) list(s *scanner, shape *shape) []Topic {
	if !s.open('[') {
		return nil
	}
	from := len(p.topics)
	for s.next() {
		if t, ok := p.topic(s, shape); ok {
			p.topics = append(p.topics, t)
		}
	}
	return p.topics[from:len(p.topics):len(p.topics)]
}

func (p *Parser) topic(s *scanner, shape *shape) (t Topic, ok bool) {
	if !s.open('{') {
		return t, false
	}
	for {
		key, more := s.key()
		if !more {
			return t, !s.bad
		}
		switch string(key) {
		case "name", "topic":
			t.Name = s.text()
		case "topicId":
			t.ID = topicID(s)
		case "errorCode":
			t.Error = int16(s.number())
		case "partitions", "partitionData", "partitionResponses":
			if shape.noParts {
				s.skip()
			} else {
				t.Parts = p.partitions(s)
			}
		default:
			s.skip()
		}
	}
}

func (p *Parser) partitions(s *scanner) []Partition {
	if !s.open('[') {
		return nil
	}
	from := len(p.parts)
	for s.next() {
		part := Partition{Index: -1, Bytes: -1, Offset: -1}
		if s.peek() != '{' {
			part.Index = int32(s.number())
		} else {
			part.read(s)
		}
		p.parts = append(p.parts, part)
	}
	return p.parts[from:len(p.parts):len(p.parts)]
}

func (part *Partition) read(s *scanner) {
	s.i++
	for {
		key, ok := s.key()
		if !ok {
			return
		}
		switch string(key) {
		case "index", "partitionIndex", "partition":
			part.Index = int32(s.number())
		case "errorCode":
			part.Error = int16(s.number())
		case "recordsSizeInBytes":
			part.Bytes = s.number()
		case "baseOffset", "fetchOffset", "committedOffset":
			part.Offset = s.number()
		case "acquiredRecords":
			part.Records = acquired(s)
		default:
			s.skip()
		}
	}
}

// acquired adds up ranges of offsets.
func acquired(s *scanner) (n int64) {
	if !s.open('[') {
		return 0
	}
	for s.next() {
		if !s.open('{') {
			continue
		}
		first, last := int64(0), int64(-1)
		for {
			key, ok := s.key()
			if !ok {
				break
			}
			switch string(key) {
			case "firstOffset":
				first = s.number()
			case "lastOffset":
				last = s.number()
			default:
				s.skip()
			}
		}
		n += max(0, last-first+1)
	}
	return n
}

// topicID reads a topic's id, 22 characters of base64; zero for anything else, and where the request knows the topic by
// name.
func topicID(s *scanner) (id lineage.TopicID) {
	text := s.text()
	if len(text) != 22 {
		return id
	}
	var b [18]byte
	if n, err := base64.RawURLEncoding.Decode(b[:], text); err == nil && n == len(id) {
		copy(id[:], b[:])
	}
	return id
}

// Host returns the client's address, without its port, out of a connection as the broker spells it: LOCAL:PORT-REMOTE:
// PORT-NUMBER, and one number more from 4.0 on. An address of IPv6 stands in it without brackets, and the name of its
// zone may hold a hyphen. nil: it is not spelled so.
func Host(connection []byte) []byte {
	remote := afterLocal(connection)
	for {
		hyphen := bytes.LastIndexByte(remote, '-')
		if hyphen < 0 || !digits(remote[hyphen+1:]) {
			break
		}
		remote = remote[:hyphen]
	}
	colon := bytes.LastIndexByte(remote, ':')
	if colon < 0 || !digits(remote[colon+1:]) {
		return nil
	}
	return bytes.TrimSuffix(bytes.TrimPrefix(remote[:colon], []byte("[")), []byte("]"))
}

// Local returns the address and port at which the broker was reached; nil: the connection is not spelled so.
func Local(connection []byte) []byte {
	rest := afterLocal(connection)
	if rest == nil {
		return nil
	}
	return connection[:len(connection)-len(rest)-1]
}

// afterLocal returns what follows the first port and a hyphen.
func afterLocal(connection []byte) []byte {
	for at := 0; ; {
		n := bytes.IndexByte(connection[at:], ':')
		if n < 0 {
			return nil
		}
		at += n + 1
		end := at
		for end < len(connection) && connection[end] >= '0' && connection[end] <= '9' {
			end++
		}
		if end > at && end < len(connection) && connection[end] == '-' {
			return connection[end+1:]
		}
	}
}

func digits(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(b) > 0
}
