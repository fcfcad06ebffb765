package declared

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/lineaged/lineaged/lineage"
)

// applicationKey names the application as answers do, whatever its clients are called.
const applicationKey = "x-lineaged-application"

// asyncAPI is a document while its flows are read.
type asyncAPI struct {
	top     value
	app     *lineage.DeclaredApplication
	servers []lineage.DeclaredServer // the document's own, in their order
	flows   []lineage.DeclaredFlow
	// What several operations refer to is kept once, and what they list is bounded together.
	hosts    map[*yaml.Node]lineage.DeclaredServer
	clientsN int
	patterns int // bytes of expressions
}

// parseAsyncAPI reads the flows that an AsyncAPI 3 document declares for the one application that it describes.
func parseAsyncAPI(top value) (format string, flows []lineage.DeclaredFlow, err error) {
	version, err := top.version("asyncapi")
	if err != nil {
		return "", nil, err
	}
	c, err := top.child("asyncapi")
	if err != nil {
		return "", nil, err
	}
	switch {
	case version == "":
		return "", nil, c.lacks("is not set: this is no AsyncAPI document")
	case version == "2" || strings.HasPrefix(version, "2."):
		return "", nil, c.bad("AsyncAPI 2 is refused: its publish and subscribe say what others may do, the inverse of send and receive; convert the document to 3.0")
	case !regexp.MustCompile(`^3\.[01](\.\d+(-[0-9A-Za-z.-]+)?)?$`).MatchString(version):
		return "", nil, c.bad("is not read: AsyncAPI 3.0 and 3.1 are")
	}
	a := &asyncAPI{top: top, hosts: map[*yaml.Node]lineage.DeclaredServer{}}
	for _, read := range []func() error{a.readApplication, a.readServers, a.readOperations} {
		if err := read(); err != nil {
			return "", nil, err
		}
	}
	return "AsyncAPI " + version, a.flows, nil
}

// readApplication reads who is described: by a name for lineaged, else by the title.
func (a *asyncAPI) readApplication() error {
	info, err := a.top.get("info")
	if err != nil {
		return err
	}
	if !info.there() {
		return info.lacks("is not set")
	}
	a.app = &lineage.DeclaredApplication{Said: info.said()}
	for _, at := range []value{a.top, info} {
		if a.app.Name != "" {
			break
		}
		if a.app.Name, err = at.textOf(applicationKey); err != nil {
			return err
		}
	}
	if a.app.Exact = a.app.Name != ""; !a.app.Exact {
		if a.app.Name, err = info.needed("title"); err != nil {
			return err
		}
	}
	contact, err := info.get("contact")
	if err != nil {
		return err
	}
	name, err := contact.textOf("name")
	if err != nil {
		return err
	}
	email, err := contact.textOf("email")
	if err != nil {
		return err
	}
	a.app.Owner = cmp.Or(name, email)
	tags, err := info.list("tags")
	for _, t := range tags {
		name, err := t.needed("name")
		if err != nil {
			return err
		}
		a.app.Tags = append(a.app.Tags, name)
	}
	return err
}

func (a *asyncAPI) readServers() error {
	all, err := a.top.mapping("servers")
	for _, s := range all {
		one, err := server(s.key, s.value)
		if err != nil {
			return err
		}
		a.servers = append(a.servers, one)
	}
	return err
}

// server reads one server. Variables of its host are what they may be: all that are listed, else the default.
func server(name string, v value) (out lineage.DeclaredServer, err error) {
	out.Name = name
	host, err := v.needed("host")
	if err != nil {
		return out, err
	}
	protocol, err := v.needed("protocol")
	if err != nil {
		return out, err
	}
	if p := strings.ToLower(protocol); p != "kafka" && p != "kafka-secure" {
		out.Other = protocol
		return out, nil
	}
	hosts := []string{host}
	variables, err := v.mapping("variables")
	if err != nil {
		return out, err
	}
	for _, x := range variables {
		values, err := x.texts("enum")
		if err != nil {
			return out, err
		}
		if len(values) == 0 {
			one, err := x.textOf("default")
			if err != nil {
				return out, err
			}
			if one == "" {
				continue
			}
			values = []string{one}
		}
		if len(hosts)*len(values) > mostHosts {
			return out, x.bad("makes more than %d hosts of one", mostHosts)
		}
		var more []string
		for _, h := range hosts {
			for _, value := range values {
				more = append(more, strings.ReplaceAll(h, "{"+x.key+"}", value))
			}
		}
		hosts = more
	}
	out.Hosts, err = hostsOf(v, hosts...)
	return out, err
}

// hostsOf splits bootstrap strings, in lower case, each once. One with a user in it is refused, and not repeated: a
// password may stand there too.
func hostsOf(v value, texts ...string) (out []string, err error) {
	for _, text := range texts {
		if strings.Contains(text, "@") {
			return nil, value{d: v.d, n: v.n, at: v.at + "/host", line: v.line}.lacks("holds a user: an address is HOST:PORT")
		}
		for h := range strings.SplitSeq(text, ",") {
			if h = strings.ToLower(strings.TrimSpace(h)); h != "" && !slices.Contains(out, h) && len(out) < mostHosts {
				out = append(out, h)
			}
		}
	}
	return out, nil
}

func (a *asyncAPI) readOperations() error {
	all, err := a.top.mapping("operations")
	if err != nil {
		return err
	}
	for _, op := range all {
		action, err := op.needed("action")
		if err != nil {
			return err
		}
		does := map[string]lineage.Op{"send": lineage.Write, "receive": lineage.Read}
		if does[action] == lineage.OpNone {
			c, _ := op.child("action")
			return c.bad("is neither send nor receive")
		}
		clients, err := a.clients(op.value, does[action])
		if err != nil {
			return err
		}
		channel, err := op.get("channel")
		if err != nil {
			return err
		}
		if !channel.there() {
			return channel.lacks("is not set")
		}
		if err := a.flow(op.said(), does[action], clients, channel); err != nil {
			return err
		}
		// Who sends a request receives its reply, and the other way round.
		reply, err := op.get("reply")
		if err != nil {
			return err
		}
		if channel, err = reply.get("channel"); err != nil {
			return err
		}
		if channel.there() {
			back := map[lineage.Op]lineage.Op{lineage.Write: lineage.Read, lineage.Read: lineage.Write}[does[action]]
			if err := a.flow(reply.said(), back, nil, channel); err != nil {
				return err
			}
		}
	}
	return nil
}

// flow adds what an operation says of a channel.
func (a *asyncAPI) flow(said lineage.Said, op lineage.Op, clients []lineage.Client, channel value) error {
	f := lineage.DeclaredFlow{Said: said, Application: a.app, Op: op, Clients: clients}
	var err error
	if f.Topic, err = a.topicOf(channel); err != nil {
		return err
	}
	if f.Topic.Text == "" {
		f.Problem = "the channel has no address: which topic it is is known at run time only"
	}
	c, err := channel.get("servers")
	if err != nil {
		return err
	}
	refs, err := c.items(sequence)
	if err != nil {
		return err
	}
	for _, r := range refs {
		s, err := r.behind()
		if err != nil {
			return err
		}
		one, known := a.hosts[s.n]
		if !known {
			if one, err = server("", s); err != nil {
				return err
			}
			a.hosts[s.n] = one
		}
		one.Name = r.name()
		f.Servers = append(f.Servers, one)
	}
	if len(refs) == 0 {
		f.Servers = a.servers
	}
	if a.flows = append(a.flows, f); len(a.flows) > mostItems {
		return a.top.bad("says of more than %d flows", mostItems)
	}
	return nil
}

// name is how what stands here is called where a $ref leads to; empty: it stands here itself.
func (v value) name() string {
	ref, err := v.child("$ref")
	if err != nil || ref.n == nil {
		return ""
	}
	return unescape(ref.n.Value[strings.LastIndexByte(ref.n.Value, '/')+1:])
}

// clients returns by which groups or client ids an operation's application shows itself: of its own Kafka binding, else
// of the last of its traits that says one. Both are schemas; what they allow is taken only where they list it.
func (a *asyncAPI) clients(op value, does lineage.Op) ([]lineage.Client, error) {
	traits, err := op.list("traits")
	if err != nil {
		return nil, err
	}
	places := []value{op}
	for _, t := range slices.Backward(traits) {
		places = append(places, t.value)
	}
	keys := []string{"clientId"}
	if does == lineage.Read {
		keys = []string{"groupId", "clientId"}
	}
	for _, key := range keys {
		for _, at := range places {
			schema, err := at.path("bindings", "kafka", key)
			if err != nil {
				return nil, err
			}
			if !schema.there() {
				continue
			}
			values, err := allowed(schema)
			if err != nil {
				return nil, err
			}
			var out []lineage.Client
			for _, x := range values {
				c := lineage.Client{ClientID: x}
				if key == "groupId" {
					c = lineage.Client{Group: x}
				}
				out = append(out, c)
			}
			if a.clientsN += len(out); a.clientsN > mostItems {
				return nil, schema.bad("with it more than %d groups and client ids are listed", mostItems)
			}
			if len(out) > 0 {
				return out, nil
			}
			break // it is said here, and not which
		}
	}
	return nil, nil
}

// path goes down several keys, behind $refs.
func (v value) path(keys ...string) (value, error) {
	var err error
	for _, k := range keys {
		if v, err = v.get(k); err != nil {
			return v, err
		}
	}
	return v, nil
}

// allowed returns the texts that a schema lists: its const, or its enum.
func allowed(schema value) ([]string, error) {
	one, err := schema.textOf("const")
	if err != nil {
		return nil, err
	}
	if one != "" {
		return []string{one}, nil
	}
	all, err := schema.texts("enum")
	return slices.DeleteFunc(all, func(s string) bool { return s == "" }), err
}

// topicOf returns the topic of a channel: of its Kafka binding, else its address; without text: neither is told.
func (a *asyncAPI) topicOf(channel value) (t lineage.DeclaredTopic, err error) {
	t.Said = channel.said()
	binding, err := channel.path("bindings", "kafka")
	if err != nil {
		return t, err
	}
	if t.Text, err = binding.textOf("topic"); err != nil || t.Text != "" {
		return t, err
	}
	if t.Text, err = channel.textOf("address"); err != nil {
		return t, err
	}
	parameters, err := channel.mapping("parameters")
	if err != nil {
		return t, err
	}
	values := map[string][]string{}
	for _, p := range parameters {
		if values[p.key], err = p.texts("enum"); err != nil {
			return t, err
		}
	}
	expression, prefix := pattern(t.Text, values)
	if expression == "" {
		return t, nil
	}
	if a.patterns += len(expression); a.patterns > mostBytesOfPatterns {
		return t, channel.bad("with its address the parameters of this file stand for too much")
	}
	if t.Match, err = regexp.Compile(expression); err != nil {
		return t, channel.bad("the parameters of its address stand for too much")
	}
	t.Prefix = prefix
	return t, nil
}

var parameter = regexp.MustCompile(`\{([A-Za-z0-9_.-]+)\}`)

// pattern makes an expression of an address with parameters: one of the values that a parameter may have, else
// anything. Empty: there are none in it.
func pattern(address string, values map[string][]string) (expression, prefix string) {
	at := parameter.FindAllStringSubmatchIndex(address, -1)
	if at == nil {
		return "", ""
	}
	var b strings.Builder
	b.WriteString("^")
	from := 0
	for _, m := range at {
		b.WriteString(regexp.QuoteMeta(address[from:m[0]]))
		if all := values[address[m[2]:m[3]]]; len(all) > 0 {
			quoted := make([]string, len(all))
			for i, x := range all {
				quoted[i] = regexp.QuoteMeta(x)
			}
			b.WriteString("(?:" + strings.Join(quoted, "|") + ")")
		} else {
			b.WriteString("[a-zA-Z0-9._-]+")
		}
		from = m[1]
	}
	b.WriteString(regexp.QuoteMeta(address[from:]) + "$")
	return b.String(), address[:at[0][0]]
}
