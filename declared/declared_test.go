package declared

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/lineaged/lineaged/lineage"
)

// folder is a folder tree by path.
type folder map[string]string

func (f folder) open(name string) (value, error) {
	p := newParser(func(at string) ([]byte, error) {
		text, ok := f[at]
		if !ok {
			return nil, fs.ErrNotExist
		}
		return []byte(text), nil
	}, func(at string) string { return at })
	return p.open(name)
}

// asyncAPIOf reads the flows of the file a.yaml of a folder.
func asyncAPIOf(f folder) ([]lineage.DeclaredFlow, error) {
	top, err := f.open("a.yaml")
	if err != nil {
		return nil, err
	}
	_, flows, err := parseAsyncAPI(top)
	return flows, err
}

// told writes a flow in one line.
func told(f lineage.DeclaredFlow) string {
	topic := f.Topic.Text
	if f.Topic.Match != nil {
		topic += "=" + f.Topic.Match.String()
	}
	s := fmt.Sprintf("%s:%d%s %s %v %s", f.File, f.Line, f.Pointer, f.Application.Name, strings.ToUpper(f.Op.String()), topic)
	for _, c := range f.Clients {
		s += " " + strings.TrimSpace(c.Group+" "+c.ClientID)
	}
	for _, x := range f.Servers {
		s += fmt.Sprintf(" %s%v%s", x.Name, x.Hosts, x.Other)
	}
	if f.Problem != "" {
		s += " !" + f.Problem
	}
	return s
}

func TestCorpus(t *testing.T) {
	text, err := os.ReadFile("testdata/corpus/asyncapi3_streetlights-kafka.yml")
	if err != nil {
		t.Fatal(err)
	}
	flows, err := asyncAPIOf(folder{"a.yaml": string(text)})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range flows {
		got = append(got, told(f))
	}
	const servers = " my-app-id scram-connections[test.mykafkacluster.org:18092] mtls-connections[test.mykafkacluster.org:28092]"
	const id = `[a-zA-Z0-9._-]+`
	want := []string{
		"a.yaml:74/operations/receiveLightMeasurement Streetlights Kafka API READ smartylighting.streetlights.1.0.event.{streetlightId}.lighting.measured=" +
			`^smartylighting\.streetlights\.1\.0\.event\.` + id + `\.lighting\.measured$` + servers,
		"a.yaml:85/operations/turnOn Streetlights Kafka API WRITE smartylighting.streetlights.1.0.action.{streetlightId}.turn.on=" +
			`^smartylighting\.streetlights\.1\.0\.action\.` + id + `\.turn\.on$` + servers,
		"a.yaml:93/operations/turnOff Streetlights Kafka API WRITE smartylighting.streetlights.1.0.action.{streetlightId}.turn.off=" +
			`^smartylighting\.streetlights\.1\.0\.action\.` + id + `\.turn\.off$` + servers,
		"a.yaml:101/operations/dimLight Streetlights Kafka API WRITE smartylighting.streetlights.1.0.action.{streetlightId}.dim=" +
			`^smartylighting\.streetlights\.1\.0\.action\.` + id + `\.dim$` + servers,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	if text, err = os.ReadFile("testdata/corpus/odcs_kafka-schema.odcs.yaml"); err != nil {
		t.Fatal(err)
	}
	top, err := folder{"c.yaml": string(text)}.open("c.yaml")
	if err != nil {
		t.Fatal(err)
	}
	format, _, c, err := parseProducts(top)
	if err != nil || format != "ODCS v3.0.2" {
		t.Fatal(format, err)
	}
	if diff := cmp.Diff(&lineage.DeclaredContract{
		ID: "orders", Version: "0.0.1", Name: "Orders Event Stream", Topics: []lineage.DeclaredTopic{{Text: "orders"}},
		Servers: []lineage.DeclaredServer{{Name: "my-kafka", Hosts: []string{"kafkabroker1:9092"}}},
	}, c, cmpopts.IgnoreTypes(lineage.Said{})); diff != "" {
		t.Error(diff)
	}
}

// head begins a document whose channel stands on line 5.
const head = "asyncapi: 3.1.0\ninfo: {title: Shop, contact: {email: shop@example.org}, tags: [{name: a}, {name: b}]}\nservers:\n  west: {host: 'k1:9092,K2:9092', protocol: kafka}\n"

func TestAsyncAPI(t *testing.T) {
	f := func(text string, want ...string) {
		t.Helper()
		flows, err := asyncAPIOf(folder{
			"a.yaml":           text,
			"parts/chan.yaml":  "orders: {address: orders, servers: [{$ref: '../a.yaml#/servers/west'}]}\n",
			"parts/sub/g.json": `{"group": {"type": "string", "const": "billing"}}`,
		})
		var got []string
		for _, f := range flows {
			got = append(got, told(f))
		}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s\n%v\n%s", text, err, diff)
		}
	}
	const west = " west[k1:9092 k2:9092]"
	// the binding's topic wins over the address, and an operation's own over its traits, of which the last wins
	f(head+`channels: {c: {address: x, bindings: {kafka: {topic: orders}}}}
operations:
  o:
    action: receive
    channel: {$ref: '#/channels/c'}
    traits: [{bindings: {kafka: {groupId: {const: first}, clientId: {const: one}}}}, {bindings: {kafka: {groupId: {enum: [second, third]}}}}]
  p:
    action: receive
    channel: {$ref: '#/channels/c'}
    bindings: {kafka: {groupId: {const: own}}}
    traits: [{bindings: {kafka: {groupId: {const: first}}}}]
`, "a.yaml:7/operations/o Shop READ orders second third"+west, "a.yaml:11/operations/p Shop READ orders own"+west)
	// what a writer's group is says nothing of who it is; a schema that lists nothing is no name
	f(head+`channels: {c: {address: orders}}
operations:
  o: {action: send, channel: {$ref: '#/channels/c'}, bindings: {kafka: {groupId: {const: g}, clientId: {type: string}}}}
`, "a.yaml:7/operations/o Shop WRITE orders"+west)
	// files beside it, and back
	f(head+`operations:
  o: {action: receive, channel: {$ref: 'parts/chan.yaml#/orders'}, bindings: {kafka: {groupId: {$ref: 'parts/sub/g.json#/group'}}}}
`, "a.yaml:6/operations/o Shop READ orders billing"+west)
	// a reply goes the other way; where it goes is known at run time only
	f(head+`channels: {c: {address: orders}, r: {address: null}}
operations: {o: {action: send, channel: {$ref: '#/channels/c'}, reply: {channel: {$ref: '#/channels/r'}}}}
`, "a.yaml:6/operations/o Shop WRITE orders"+west, "a.yaml:6/operations/o/reply Shop READ "+west+
		" !the channel has no address: which topic it is is known at run time only")
	// several environments, one of which is not Kafka, and a host of parts; parameters that may be a few things only
	f(`{"asyncapi": "3.0.0", "info": {"title": "Shop", "x-lineaged-application": "shop"}, "servers": {
	"prod": {"host": "{zone}.kafka:{port}", "protocol": "kafka-secure", "variables": {"zone": {"enum": ["a", "b"]}, "port": {"default": "9092"}}},
	"mqtt": {"host": "m:1883", "protocol": "mqtt"}},
	"channels": {"c": {"address": "o.{r}.{x}", "parameters": {"r": {"enum": ["eu", "u.s"]}}}},
	"operations": {"o/1": {"action": "send", "channel": {"$ref": "#/channels/c"}}}}`,
		`a.yaml:5/operations/o~11 shop WRITE o.{r}.{x}=^o\.(?:eu|u\.s)\.[a-zA-Z0-9._-]+$ prod[a.kafka:9092 b.kafka:9092] mqtt[]mqtt`)
	// a channel of some servers; what is merged by YAML's own means
	f(head+`  east: &e {host: 'e:9092', protocol: kafka}
  south: {<<: *e, host: 's:9092'}
channels: {c: {address: orders, servers: [{$ref: '#/servers/south'}]}}
operations: {o: {action: send, channel: {$ref: '#/channels/c'}}}
`, "a.yaml:8/operations/o Shop WRITE orders south[s:9092]")

	flows, err := asyncAPIOf(folder{"a.yaml": head + "channels: {c: {address: x}}\noperations: {o: {action: send, channel: {$ref: '#/channels/c'}}}"})
	if err != nil {
		t.Fatal(err)
	}
	want := &lineage.DeclaredApplication{Said: lineage.Said{File: "a.yaml", Line: 2, Pointer: "/info"}, Name: "Shop", Owner: "shop@example.org", Tags: []string{"a", "b"}}
	if diff := cmp.Diff(want, flows[0].Application); diff != "" {
		t.Error(diff)
	}
}

func TestRefused(t *testing.T) {
	f := func(problem string, text string) {
		t.Helper()
		_, err := asyncAPIOf(folder{"a.yaml": text, "b.yaml": "x: {$ref: 'a.yaml#/y'}\n", "list.yaml": "[1]"})
		if _, ok := errors.AsType[*Error](err); !ok || !strings.Contains(err.Error(), problem) {
			t.Errorf("%.200s\n%v, want %s", text, err, problem)
		}
	}
	for _, version := range []string{"2", "2.0.0", "2.6.0", "'2.6.0'", "2.6"} {
		f("AsyncAPI 2 is refused: its publish and subscribe say what others may do", "asyncapi: "+version+"\ninfo: {title: x}\n")
	}
	f(`a.yaml:1: /asyncapi: "4.0.0": is not read`, "asyncapi: 4.0.0")
	f(`a.yaml:1: /asyncapi: "3.2.0": is not read`, "asyncapi: 3.2.0")
	f("is no AsyncAPI document", "openapi: 3.1.0")
	f("is empty", "")
	f("is empty", "---\n")
	f("is not a YAML mapping", "[1, 2]")
	f("is not YAML, see line 2", "a: b\n  c: [\n")
	f("more than one document", "a: b\n---\na: c\n")
	const end = "operations: {o: {action: send, channel: {$ref: '#/channels/c'}}}\n"
	f(`a.yaml:5: /channels/c/address: "12": is not text: put it in quotes`, head+"channels: {c: {address: 12}}\n"+end)
	f(`a.yaml:5: /channels/c/address: a list is not text`, head+"channels: {c: {address: [12]}}\n"+end)
	f(`a.yaml:5: /channels/c: "x": is not a mapping`, head+"channels: {c: x}\n"+end)
	f(`a.yaml:5: /channels/c: "address": stands there twice`, head+"channels: {c: {address: x, address: y}}\n"+end)
	f(`a.yaml:6: /operations/o/channel/$ref: "#/channels/c": leads nowhere`, head+"channels: {}\n"+end)
	f(`a.yaml:5: /operations/o/action: "publish": is neither send nor receive`, head+"operations: {o: {action: publish}}\n")
	f(`/operations/o/channel: is not set`, head+"operations: {o: {action: send}}\n")
	f(`/operations/o/action: is not set`, head+"operations: {o: {channel: {address: x}}}\n")
	f(`/info/title: is not set`, "asyncapi: 3.0.0\ninfo: {}\n")
	f(`/servers/s/host: is not set`, "asyncapi: 3.0.0\ninfo: {title: x}\nservers: {s: {protocol: kafka}}\n")
	f(`makes more than 100 hosts of one`, "asyncapi: 3.0.0\ninfo: {title: x}\nservers: {s: {host: 'a', protocol: kafka, variables: {v: {enum: ["+strings.Repeat("x,", 101)+"]}}}}\n")
	f("is longer than 1000 characters", "asyncapi: 3.0.0\ninfo: {title: "+strings.Repeat("x", 1001)+"}\n")
	f("has more than 10000 entries", "asyncapi: 3.0.0\ninfo: {title: x}\nservers: {"+manyKeys(10_001)+"}\n")
	f("has more than 500000 commas", strings.Repeat("\n", 500_001))
	f("has more than 10 MiB", strings.Repeat("x", mostBytes+1))

	// in a circle: of one, of three, over files, and through a part of itself
	f("a.yaml:5: /channels/c/$ref: \"#/channels/c\": cyclic $ref: a.yaml#/channels/c -> a.yaml#/channels/c", head+"channels: {c: {$ref: '#/channels/c'}}\n"+end)
	f("cyclic $ref: a.yaml#/channels/c -> a.yaml#/channels/d -> a.yaml#/channels/c",
		head+"channels: {c: {$ref: '#/channels/d'}, d: {$ref: '#/channels/c'}}\n"+end)
	f("cyclic $ref: a.yaml#/y -> b.yaml#/x -> a.yaml#/y", head+"y: {$ref: 'b.yaml#/x'}\nchannels: {c: {$ref: '#/y'}}\n"+end)
	f("cyclic $ref", head+"channels: {c: {$ref: '#/channels/c/d'}}\n"+end)
	// and what goes on and on
	var deep strings.Builder
	for i := range 101 {
		fmt.Fprintf(&deep, "x%d: {$ref: '#/x%d'}\n", i, i+1)
	}
	f("more than 100 $refs lead from one to the next", head+"channels: {c: {$ref: '#/x0'}}\n"+deep.String()+end)
	var merged strings.Builder
	merged.WriteString("m0: &m0 {a: b}\n")
	for i := range 60 {
		fmt.Fprintf(&merged, "m%d: &m%d {<<: [*m%d, *m%d, *m%d]}\n", i+1, i+1, i, i, i)
	}
	f("are gone through for this file", merged.String()+head+"channels: {c: *m60}\n"+end)

	for _, ref := range []string{"https://example.org/a.yaml", "//example.org/a.yaml", "file:///etc/passwd", "/etc/passwd", "../b.yaml", "x/../../b.yaml", `..\b.yaml`} {
		f("leads out of the folder", head+"channels: {c: {$ref: '"+ref+"'}}\n"+end)
	}
	f("is not a JSON pointer", head+"channels: {c: {$ref: '#c'}}\n"+end)
	f("c.yaml: file does not exist", head+"channels: {c: {$ref: 'c.yaml'}}\n"+end)
	f("list.yaml: is not a YAML mapping", head+"channels: {c: {$ref: 'list.yaml'}}\n"+end)
}

// What may hold a password is not repeated.
func TestErrorsQuoteNoPasswords(t *testing.T) {
	const canary = "hunter2"
	for _, text := range []string{
		"asyncapi: 3.0.0\ninfo: {title: x}\nservers: {s: {protocol: kafka, host: 'user:hunter2@k:9092'}}\n",
		"asyncapi: 3.0.0\ninfo: {title: x}\nservers: {s: {protocol: kafka, host: '{u}k:9092', variables: {u: {default: 'user:hunter2@'}}}}\n",
		"asyncapi: 3.0.0\ninfo: {$ref: 'https://user:hunter2@example.org/a.yaml'}\n",
	} {
		if _, err := asyncAPIOf(folder{"a.yaml": text}); err == nil || strings.Contains(err.Error(), canary) {
			t.Errorf("%s\n%v", text, err)
		}
	}
	if _, _, err := productsOf(contractHead + "servers: [{type: kafka, host: 'user:hunter2@k:9092'}]\n"); err == nil || strings.Contains(err.Error(), canary) {
		t.Error(err)
	}
}

func manyKeys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "k%d: {host: h, protocol: kafka}, ", i)
	}
	return b.String()
}

// A $ref in a circle where nobody looks, as in a schema of a tree, is none of our business.
func TestCircleInASchema(t *testing.T) {
	flows, err := asyncAPIOf(folder{"a.yaml": head + `channels: {c: {address: x, messages: {m: {payload: {$ref: '#/s'}}}}}
s: {properties: {child: {$ref: '#/s'}}}
operations: {o: {action: send, channel: {$ref: '#/channels/c'}}}
`})
	if err != nil || len(flows) != 1 {
		t.Error(flows, err)
	}
}
