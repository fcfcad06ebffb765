package brokerlog

import (
	"bytes"
	"errors"
	"slices"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// Audit is what a record of an audit topic says: that somebody asked for a right, and whether he has it. Its bytes are
// good until the parser's next call.
type Audit struct {
	Cluster   []byte // by the name that the record has for it; nil: it names none, as Redpanda's
	Principal []byte // as Kafka spells it: User:alice; nil: not told
	Host      []byte
	ClientID  []byte
	Method    []byte // what was asked for: Produce and FetchConsumer, or Redpanda's produce and fetch
	Operation Operation
	Allowed   bool
	Resources []AuditResource
	Count     int64     // how often, 1 at least
	At        time.Time // the last time; zero: not told
}

// AuditResource is what the right is for.
type AuditResource struct {
	Resource Resource
	Name     []byte
	Prefix   bool // all whose names begin so
}

// ErrNoAudit is when a record is none of an audit topic.
var ErrNoAudit = errors.New("it is no audit record of Confluent's or Redpanda's")

const (
	confluentTypes   = "io.confluent."
	confluentRights  = "io.confluent.kafka.server/authorization"
	kafkaMethods     = "kafka."
	redpandaVendor   = "Redpanda"
	redpandaKafka    = "kafka rpc protocol"
	apiActivity      = 6003
	userPrefix       = "User:"
	mostTimes        = 1_000_000_000 // that one record may tell of
	crnCluster       = "/kafka="
	farthestInMillis = 1 << 53
)

// Access returns what the record says that the principal is about to do to topics: to write or to read; ok is false
// where it is neither. READ is asked for by who describes a topic's producers, and sets or deletes a group's offsets,
// too.
func (a *Audit) Access() (op lineage.Op, ok bool) {
	switch string(a.Method) {
	case "Produce", "AddPartitionsToTxn", "AddPartitionToTxn", "produce", "add_partitions_to_txn":
		return lineage.Write, a.Operation == OperationWrite
	case "Fetch", "FetchConsumer", "ShareFetch", "ShareAcknowledge", "fetch", "share_fetch", "share_acknowledge":
		return lineage.Read, a.Operation == OperationRead
	}
	return lineage.Write, false
}

// record is what is taken out of a record before it is known whose it is.
type record struct {
	method, client, host []byte
	// Confluent's
	kind, source, crn, when []byte
	principal, operation    []byte
	granted, decided        bool
	resource                AuditResource
	// Redpanda's; a number that is not told is -1, times are in milliseconds
	class, status, count  int64
	time, start, end      int64
	vendor, service, user []byte
	denied                bool
	resources             []AuditResource
}

// Record reads one record of an audit topic: a CloudEvent of Confluent's, or an OCSF event of Redpanda's. AuditRecord
// is that Parser.Audit is set; Uninteresting is an audit record of something else than a right to Kafka's resources.
// With an error it is Other. The parser keeps the record until the next call.
func (p *Parser) Record(value []byte) (Kind, error) {
	value = bytes.TrimLeft(value, " \t\r\n")
	switch {
	case len(value) == 0 || value[0] != '{':
		return Other, ErrNoAudit
	case len(value) > MaxLine:
		return Other, ErrTooLong
	}
	s := scanner{b: value, arena: p.arena[:0]}
	r := record{time: -1, start: -1, end: -1, class: -1, status: -1, count: -1, resources: p.resources[:0]}
	s.record(&r)
	p.arena, p.resources = s.arena, r.resources
	switch {
	case s.bad || s.peek() != 0:
		return Other, ErrCut
	case bytes.HasPrefix(r.kind, []byte(confluentTypes)):
		return p.confluent(&r)
	case r.class >= 0 && bytes.Contains(r.vendor, []byte(redpandaVendor)):
		return p.redpanda(&r)
	}
	return Other, ErrNoAudit
}

// each steps into an object and calls for each of its keys with the scanner at the value, which is to be passed.
func (s *scanner) each(value func(key []byte)) {
	if !s.open('{') {
		return
	}
	for {
		key, ok := s.key()
		if !ok {
			return
		}
		value(key)
	}
}

func (s *scanner) record(r *record) {
	s.each(func(key []byte) {
		switch string(key) {
		case "type":
			r.kind = s.text()
		case "source":
			r.source = s.text()
		case "time":
			if s.peek() == '"' {
				r.when = s.text()
			} else {
				r.time = s.number()
			}
		case "data":
			s.confluentData(r)
		case "class_uid":
			r.class = s.number()
		case "status_id":
			r.status = s.number()
		case "count":
			r.count = s.number()
		case "start_time":
			r.start = s.number()
		case "end_time":
			r.end = s.number()
		case "metadata":
			s.each(func(key []byte) {
				if string(key) != "product" {
					s.skip()
					return
				}
				s.field("vendor_name", &r.vendor)
			})
		case "api":
			s.each(func(key []byte) {
				switch string(key) {
				case "operation":
					r.method = s.text()
				case "service":
					s.field("name", &r.service)
				default:
					s.skip()
				}
			})
		case "actor":
			s.redpandaActor(r)
		case "resources":
			s.redpandaResources(r)
		case "src_endpoint":
			s.each(func(key []byte) {
				switch string(key) {
				case "ip":
					r.host = s.text()
				case "name":
					r.client = s.text()
				default:
					s.skip()
				}
			})
		default:
			s.skip()
		}
	})
}

// field takes one text out of an object.
func (s *scanner) field(name string, into *[]byte) {
	s.each(func(key []byte) {
		if string(key) == name {
			*into = s.text()
		} else {
			s.skip()
		}
	})
}

func (s *scanner) confluentData(r *record) {
	s.each(func(key []byte) {
		switch string(key) {
		case "methodName":
			r.method = s.text()
		case "resourceName":
			r.crn = s.text()
		case "authenticationInfo":
			s.each(func(key []byte) {
				if string(key) == "principal" {
					r.principal = s.principal()
				} else {
					s.skip()
				}
			})
		case "authorizationInfo":
			s.confluentRight(r)
		case "request":
			s.each(func(key []byte) {
				if string(key) == "client_id" || string(key) == "clientId" {
					r.client = s.text()
				} else {
					s.skip()
				}
			})
		case "requestMetadata":
			s.each(func(key []byte) {
				if string(key) == "client_address" || string(key) == "clientAddress" {
					r.host = s.address(0)
				} else {
					s.skip()
				}
			})
		case "clientAddress":
			r.host = s.address(0)
		default:
			s.skip()
		}
	})
}

func (s *scanner) confluentRight(r *record) {
	s.each(func(key []byte) {
		switch string(key) {
		case "granted":
			switch s.peek() {
			case 't', 'f':
				r.decided = true
			}
			r.granted = s.yes()
		case "operation":
			r.operation = s.text()
		case "resourceType":
			r.resource.Resource = resourceOf(s.text())
		case "resourceName":
			r.resource.Name = s.text()
		case "patternType":
			pattern := s.text()
			r.resource.Prefix = len(pattern) > 0 && string(pattern) != "LITERAL"
		default:
			s.skip()
		}
	})
}

// principal is a text, or in newer records an object of an object with its id.
func (s *scanner) principal() (out []byte) {
	if s.peek() == '"' {
		return s.text()
	}
	take := func() {
		if id := s.text(); len(id) > 0 && out == nil {
			from := len(s.arena)
			s.arena = append(append(s.arena, userPrefix...), id...)
			out = s.arena[from:len(s.arena):len(s.arena)]
		}
	}
	s.each(func(key []byte) {
		if string(key) == "resourceId" {
			take()
			return
		}
		s.each(func(key []byte) {
			if string(key) == "resourceId" {
				take()
			} else {
				s.skip()
			}
		})
	})
	return out
}

// address is a text, or the first of a list of objects with it.
func (s *scanner) address(depth int) (out []byte) {
	switch c := s.peek(); {
	case c == '"':
		return bytes.TrimPrefix(s.text(), []byte("/"))
	case c == '[' && depth == 0 && s.open('['):
		for s.next() {
			if one := s.address(1); out == nil {
				out = one
			}
		}
	case c == '{' && depth < 2:
		s.each(func(key []byte) {
			if string(key) == "ip" {
				out = s.address(2)
			} else {
				s.skip()
			}
		})
	default:
		s.skip()
	}
	return out
}

func (s *scanner) redpandaActor(r *record) {
	s.each(func(key []byte) {
		switch string(key) {
		case "user":
			s.field("name", &r.user)
		case "authorizations":
			if !s.open('[') {
				return
			}
			for s.next() {
				var decision []byte
				s.field("decision", &decision)
				r.denied = r.denied || string(decision) == "denied"
			}
		default:
			s.skip()
		}
	})
}

func (s *scanner) redpandaResources(r *record) {
	if !s.open('[') {
		return
	}
	for s.next() {
		var x AuditResource
		s.each(func(key []byte) {
			switch string(key) {
			case "name":
				x.Name = s.text()
			case "type":
				x.Resource = redpandaResource(s.text())
			default:
				s.skip()
			}
		})
		if len(x.Name) > 0 {
			r.resources = append(r.resources, x)
		}
	}
}

func (p *Parser) confluent(r *record) (Kind, error) {
	method, kafka := bytes.CutPrefix(r.method, []byte(kafkaMethods))
	if string(r.kind) != confluentRights || len(r.method) > 0 && !kafka {
		return Uninteresting, nil
	}
	a := &p.Audit
	*a = Audit{
		Cluster: clusterOf(r.crn), Principal: r.principal, Host: r.host, ClientID: r.client, Method: method,
		Operation: operationOf(r.operation), Allowed: r.granted, Resources: append(r.resources[:0], r.resource), Count: 1,
	}
	p.resources = a.Resources
	if a.Cluster == nil {
		a.Cluster = clusterOf(r.source)
	}
	if t, err := time.Parse(time.RFC3339Nano, string(r.when)); err == nil {
		a.At = t.UTC()
	}
	if a.Cluster == nil || !r.decided || len(r.operation) == 0 || len(r.resource.Name) == 0 || !a.told() {
		return Other, ErrLayout
	}
	return AuditRecord, nil
}

func (p *Parser) redpanda(r *record) (Kind, error) {
	if r.class != apiActivity || string(r.service) != redpandaKafka {
		return Uninteresting, nil
	}
	a := &p.Audit
	*a = Audit{
		Host: r.host, ClientID: r.client, Method: r.method, Operation: redpandaOperation(r.method),
		Allowed: r.status == 1 && !r.denied, Resources: r.resources, Count: min(max(r.count, 1), mostTimes),
	}
	if len(r.user) > 0 {
		from := len(p.arena)
		p.arena = append(append(p.arena, userPrefix...), r.user...)
		a.Principal = p.arena[from:len(p.arena):len(p.arena)]
	}
	if at := max(r.time, r.start, r.end); at > 0 && at < farthestInMillis {
		a.At = time.UnixMilli(at).UTC()
	}
	if r.status != 1 && r.status != 2 && !r.denied || len(a.Method) == 0 || !a.told() {
		return Other, ErrLayout
	}
	if len(a.Resources) == 0 {
		return Uninteresting, nil
	}
	return AuditRecord, nil
}

// told reports whether anything says who it was.
func (a *Audit) told() bool { return len(a.Principal)+len(a.Host)+len(a.ClientID) > 0 }

// clusterOf returns the Kafka cluster that a Confluent resource name is of; nil: of none. It stands before whatever a
// user may name.
func clusterOf(crn []byte) []byte {
	_, id, _ := bytes.Cut(crn, []byte(crnCluster))
	if id, _, _ = bytes.Cut(id, []byte("/")); len(id) == 0 {
		return nil
	}
	return id
}

func redpandaResource(text []byte) Resource {
	switch string(text) {
	case "topic":
		return ResourceTopic
	case "group":
		return ResourceGroup
	case "transactional_id":
		return ResourceTransactionalID
	case "cluster":
		return ResourceCluster
	}
	return OtherResource
}

// redpandaOperation is the right that a request asks for, of its topics or, where it has none, of its group.
func redpandaOperation(method []byte) Operation {
	is := func(names ...string) bool { return slices.Contains(names, string(method)) }
	switch {
	case is("produce", "add_partitions_to_txn"):
		return OperationWrite
	case is("fetch", "share_fetch", "share_acknowledge", "offset_commit", "txn_offset_commit", "join_group", "sync_group", "heartbeat", "leave_group"):
		return OperationRead
	case is("create_topics"):
		return OperationCreate
	case is("delete_topics", "delete_groups", "delete_records"):
		return OperationDelete
	}
	return OtherOperation
}
