package declared

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.yaml.in/yaml/v3"

	"github.com/lineaged/lineaged/lineage"
)

// random makes values that people could have written, and some that nobody would.
type random struct{ *rand.Rand }

func (r random) name() string {
	const letters = "abcxyz019._- '\"{}/~#%:&*!|>äß\\日"
	all := []rune(letters)
	n := 1 + r.IntN(12)
	var b strings.Builder
	for range n {
		b.WriteRune(all[r.IntN(len(all))])
	}
	return b.String()
}

func (r random) names(most int) (out []string) {
	for range r.IntN(most + 1) {
		out = append(out, r.name())
	}
	return out
}

type object = map[string]any

// model makes flows, and a document that declares them. Channels, servers and bindings stand where they are used, or
// behind a $ref, or behind one of another file.
func (r random) model() (flows []lineage.DeclaredFlow, files folder) {
	components, other := object{}, object{}
	behind := func(v object) object {
		at := fmt.Sprintf("p%d", len(components)+len(other))
		switch r.IntN(3) {
		case 0:
			return v
		case 1:
			components[at] = v
			return object{"$ref": "#/components/" + at}
		}
		other[at] = v
		return object{"$ref": "parts/other.yaml#/" + at}
	}
	app := &lineage.DeclaredApplication{Name: r.name(), Tags: r.names(3), Exact: r.IntN(2) == 0}
	info := object{"title": app.Name}
	if app.Exact {
		info = object{"title": r.name(), applicationKey: app.Name}
	}
	if r.IntN(2) == 0 {
		app.Owner = r.name()
		info["contact"] = behind(object{"name": app.Owner, "email": "x@example.org"})
	}
	var tags []any
	for _, t := range app.Tags {
		tags = append(tags, behind(object{"name": t}))
	}
	info["tags"] = tags
	servers, all := object{}, []lineage.DeclaredServer(nil)
	for i := range r.IntN(3) {
		s := lineage.DeclaredServer{Name: fmt.Sprintf("s%d", i), Hosts: []string{fmt.Sprintf("k%d:9092", r.IntN(3)), "k9:9092"}}
		protocol := "kafka"
		if r.IntN(4) == 0 {
			s.Other, s.Hosts, protocol = "mqtt", nil, "mqtt"
		}
		servers[s.Name] = behind(object{"host": strings.Join(s.Hosts, ",") + "x"[len(s.Hosts)/2:], "protocol": protocol})
		all = append(all, s)
	}
	operations := object{}
	for i := range r.IntN(6) {
		f := lineage.DeclaredFlow{Application: app, Op: lineage.Write, Servers: all}
		channel := object{}
		name := strings.NewReplacer("{", "", "}", "").Replace(r.name())
		if name == "" {
			name = "t"
		}
		switch f.Topic.Text = name; r.IntN(3) {
		case 0:
			channel["address"] = f.Topic.Text
		case 1:
			f.Topic.Text += ".{id}"
			channel["address"] = f.Topic.Text
			f.Topic.Prefix = name + "."
		default:
			channel["address"], channel["bindings"] = r.name(), behind(object{"kafka": behind(object{"topic": f.Topic.Text})})
		}
		if len(all) > 0 && r.IntN(2) == 0 {
			one := r.IntN(len(all))
			channel["servers"] = []any{object{"$ref": "#/servers/" + all[one].Name}}
			f.Servers = all[one : one+1]
		}
		op := object{"action": "send", "channel": behind(channel), "unknown": object{"x": 1}}
		key := "clientId"
		if r.IntN(2) == 0 {
			f.Op, op["action"] = lineage.Read, "receive"
			key = []string{"clientId", "groupId"}[r.IntN(2)]
		}
		for _, x := range r.names(2) {
			c := lineage.Client{ClientID: x}
			if key == "groupId" {
				c = lineage.Client{Group: x}
			}
			f.Clients = append(f.Clients, c)
		}
		if len(f.Clients) > 0 {
			var values []any
			for _, c := range f.Clients {
				values = append(values, c.ClientID+c.Group)
			}
			bindings := behind(object{"kafka": behind(object{key: behind(object{"enum": values})})})
			if r.IntN(2) == 0 {
				op["bindings"] = bindings
			} else {
				op["traits"] = []any{behind(object{"bindings": bindings})}
			}
		}
		operations[fmt.Sprintf("o%d", i)] = behind(op)
		flows = append(flows, f)
	}
	doc := object{"asyncapi": "3.1.0", "info": behind(info), "servers": servers, "operations": operations, "components": components}
	for at, v := range other { // what lies there refers to this file
		text, _ := json.Marshal(v)
		text = []byte(strings.ReplaceAll(strings.ReplaceAll(string(text), `"$ref":"#/`, `"$ref":"../a.yaml#/`), `"$ref":"parts/`, `"$ref":"../parts/`))
		var back any
		if err := json.Unmarshal(text, &back); err != nil {
			panic(err)
		}
		other[at] = back
	}
	files = folder{}
	for name, v := range map[string]any{"a.yaml": doc, "parts/other.yaml": other} {
		text, err := yaml.Marshal(v)
		if r.IntN(3) == 0 {
			text, err = json.MarshalIndent(v, "", "  ")
		}
		if err != nil {
			panic(err)
		}
		files[name] = string(text)
	}
	return flows, files
}

// Whatever is declared, and through however many $refs, is what is read.
func TestRandomDocuments(t *testing.T) {
	n := 2000
	for seed := range n {
		r := random{rand.New(rand.NewPCG(uint64(seed), 1))}
		want, files := r.model()
		got, err := asyncAPIOf(files)
		if diff := cmp.Diff(want, got, cmpopts.IgnoreTypes(lineage.Said{}), cmpopts.IgnoreFields(lineage.DeclaredTopic{}, "Match"), cmpopts.EquateEmpty()); err != nil || diff != "" {
			t.Fatalf("seed %d: %v\n%s\n%s\n%s", seed, err, diff, files["a.yaml"], files["parts/other.yaml"])
		}
		for _, f := range got {
			if f.Topic.Prefix == "" {
				continue
			}
			for name, match := range map[string]bool{f.Topic.Prefix + "1-a": true, f.Topic.Prefix: false, "x" + f.Topic.Prefix + "1": false} {
				if f.Topic.Match.MatchString(name) != match {
					t.Errorf("%q of %q: %v", name, f.Topic.Text, !match)
				}
			}
		}
	}
}

// FuzzAsyncAPI holds that no text stops or stalls the reading of others, and that what is wrong is said as such.
func FuzzAsyncAPI(f *testing.F) {
	for seed := range uint64(20) {
		_, files := random{rand.New(rand.NewPCG(seed, 2))}.model()
		f.Add(files["a.yaml"], files["parts/other.yaml"])
	}
	f.Add(head+"channels: {c: &c {<<: *c, address: x}}\noperations: {o: {action: send, channel: *c}}", "a: &a [*a]")
	f.Fuzz(func(t *testing.T, a, b string) {
		flows, err := asyncAPIOf(folder{"a.yaml": a, "parts/other.yaml": b})
		wellSaid(t, err)
		for _, x := range flows {
			if x.Application == nil || x.Application.Name == "" || x.Op == lineage.OpNone || x.File == "" || x.Line < 1 || (x.Topic.Text == "") != (x.Problem != "") {
				t.Errorf("%+v", x)
			}
		}
	})
}

// FuzzProducts is FuzzAsyncAPI for products and contracts.
func FuzzProducts(f *testing.F) {
	f.Add(contractHead + "team: {name: a}\nservers: [{type: kafka, host: 'a:1'}]\nschema: [{name: a, physicalType: topic}]\n")
	f.Add("kind: DataProduct\napiVersion: v1.0.0\nid: p\nteam: [{role: owner, name: x}]\noutputPorts: [{name: a, version: 1, contractId: c}]\n")
	f.Fuzz(func(t *testing.T, text string) {
		p, c, err := productsOf(text)
		wellSaid(t, err)
		if err == nil && (p == nil) == (c == nil) {
			t.Error("neither or both")
		}
	})
}

func wellSaid(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	if text := err.Error(); len(text) > 5000 || !strings.Contains(text, ": ") {
		t.Errorf("%d bytes: %.300s", len(text), text)
	}
}
