package brokerlog

import "bytes"

// Authorization is a right that was asked for.
type Authorization struct {
	Principal, Host []byte
	Operation       Operation
	Allowed         bool
	Resource        Resource
	// Pattern is LITERAL, or PREFIXED for a right asked for all of a prefix; empty in the oldest form.
	Pattern []byte
	Name    []byte
	// Request is the API for which it was asked, as Kafka's Java spells it: Produce, Fetch; empty in the oldest forms.
	Request []byte
}

// Operation is what somebody wants to do.
type Operation uint8

// The operations that matter to who reads and writes; any other is OtherOperation.
const (
	OtherOperation Operation = iota
	OperationRead
	OperationWrite
	OperationCreate
	OperationDelete
	OperationAlter
	OperationDescribe
	OperationClusterAction
	OperationIdempotentWrite
	OperationDescribeConfigs
	OperationAlterConfigs
	operations
)

var (
	operationNames = [operations]string{
		"OTHER", "READ", "WRITE", "CREATE", "DELETE", "ALTER", "DESCRIBE", "CLUSTER_ACTION", "IDEMPOTENT_WRITE", "DESCRIBE_CONFIGS",
		"ALTER_CONFIGS",
	}
	operationTitles = [operations]string{ // as ZooKeeper's authorizer spells them
		"", "Read", "Write", "Create", "Delete", "Alter", "Describe", "ClusterAction", "IdempotentWrite", "DescribeConfigs",
		"AlterConfigs",
	}
)

// String returns the operation as Kafka spells it.
func (o Operation) String() string { return operationNames[o] }

// Resource is what somebody wants to do something to.
type Resource uint8

// The resources that matter; any other is OtherResource.
const (
	OtherResource Resource = iota
	ResourceTopic
	ResourceGroup
	ResourceTransactionalID
	ResourceCluster
	resources
)

var resourceNames = [resources]string{"Other", "Topic", "Group", "TransactionalId", "Cluster"}

// String returns the resource as Kafka spells it.
func (r Resource) String() string { return resourceNames[r] }

var (
	allowedMark   = []byte(" is Allowed ")
	deniedMark    = []byte(" is Denied ")
	operationMark = []byte("peration = ")
	hostMark      = []byte(" from host = ")
	resourceMark  = []byte(" on resource = ")
	requestFor    = []byte(" for request = ")
	countMark     = []byte(" with resourceRefCount = ")
	ruleMark      = []byte(" based on rule ")
	loggerEnd     = []byte(" (kafka.authorizer.logger)")
)

// authorizer reads a line from its mark on. Principals are whatever a certificate says, and groups and transactional
// ids whatever their users say: the first words that can be the line's own decide where a principal ends, and a topic's
// name ends with the first space, since it can hold none.
func (p *Parser) authorizer(text []byte) (Kind, error) {
	text = bytes.TrimRight(text[len(authorizerMark):], "\r\n")
	at, allowed := verdict(text)
	if at < 0 {
		return Other, nil // words that happen to begin so
	}
	a := &p.Authorization
	*a = Authorization{Principal: text[:at], Allowed: allowed}
	rest := text[at:]
	rest = rest[bytes.Index(rest, operationMark)+len(operationMark):]
	operation, rest, ok := bytes.Cut(rest, hostMark)
	if !ok {
		return AuthorizerLine, ErrLayout
	}
	a.Operation = operationOf(operation)
	if a.Host, rest, ok = bytes.Cut(rest, resourceMark); !ok || len(a.Principal) == 0 {
		return AuthorizerLine, ErrLayout
	}
	kind, rest, ok := bytes.Cut(rest, []byte(":"))
	if !ok {
		return AuthorizerLine, ErrLayout
	}
	a.Resource = resourceOf(kind)
	if pattern, name, has := bytes.Cut(rest, []byte(":")); has && patternType(pattern) {
		a.Pattern, rest = pattern, name
	}
	a.Name, a.Request = a.named(rest)
	if len(a.Name) == 0 {
		return AuthorizerLine, ErrLayout
	}
	return AuthorizerLine, nil
}

// verdict returns where the words that say it begin; -1: there are none.
func verdict(text []byte) (at int, allowed bool) {
	for from := 0; ; {
		n := bytes.Index(text[from:], []byte(" is "))
		if n < 0 {
			return -1, false
		}
		at = from + n
		rest := text[at:]
		for _, mark := range [][]byte{allowedMark, deniedMark} {
			if after, ok := bytes.CutPrefix(rest, mark); ok && len(after) > 0 && bytes.HasPrefix(after[1:], operationMark) {
				return at, &mark[0] == &allowedMark[0]
			}
		}
		from = at + 1
	}
}

// named takes the resource's name, and the request, out of the line's end.
func (a *Authorization) named(text []byte) (name, request []byte) {
	text = bytes.TrimSuffix(text, loggerEnd)
	if a.Resource == ResourceTopic {
		space := bytes.IndexByte(text, ' ')
		if space < 0 {
			return text, nil
		}
		name, text = text[:space], text[space:]
	} else {
		end := text
		if rule := bytes.LastIndex(text, ruleMark); rule >= 0 {
			end = text[:rule]
		}
		at := bytes.LastIndex(end, requestFor)
		if at < 0 || !bytes.Contains(end[at:], countMark) {
			return text, nil
		}
		name, text = text[:at], text[at:]
	}
	if after, ok := bytes.CutPrefix(text, requestFor); ok {
		request, _, _ = bytes.Cut(after, countMark)
	}
	return name, request
}

func operationOf(text []byte) Operation {
	for o := OperationRead; o < operations; o++ {
		if string(text) == operationNames[o] || string(text) == operationTitles[o] {
			return o
		}
	}
	return OtherOperation
}

func resourceOf(text []byte) Resource {
	for r := ResourceTopic; r < resources; r++ {
		if string(text) == resourceNames[r] {
			return r
		}
	}
	return OtherResource
}

func patternType(text []byte) bool {
	switch string(text) {
	case "LITERAL", "PREFIXED", "ANY", "MATCH":
		return true
	}
	return false
}
