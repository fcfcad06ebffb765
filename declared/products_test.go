package declared

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/lineaged/lineaged/lineage"
)

func productsOf(text string) (*lineage.DeclaredProduct, *lineage.DeclaredContract, error) {
	top, err := folder{"a.yaml": text}.open("a.yaml")
	if err != nil {
		return nil, nil, err
	}
	_, p, c, err := parseProducts(top)
	return p, c, err
}

func TestProduct(t *testing.T) {
	p, _, err := productsOf(`apiVersion: v1.0.0
kind: DataProduct
id: baskets
name: Baskets
version: 2
status: active
domain: web
tags: [tier-1]
team:
- {username: a@example.org, name: Ann, role: Owner, dateOut: 2026-01-01}
- {username: b@example.org, role: owner}
- {name: Eve, role: data steward}
inputPorts:
- {name: orders, version: 1.0.0, contractId: orders}
outputPorts:
- {name: totals, version: '1', contractId: totals, type: topic, inputContracts: [{id: orders, version: 1.0.0}]}
- {name: files, version: 1.0.0}
`)
	want := &lineage.DeclaredProduct{
		Said: lineage.Said{File: "a.yaml", Line: 1}, ID: "baskets", Name: "Baskets", Version: "2", Status: "active", Domain: "web", Owner: "b@example.org", Tags: []string{"tier-1"},
		Ports: []lineage.DeclaredPort{
			{Said: lineage.Said{File: "a.yaml", Line: 14, Pointer: "/inputPorts/0"}, Name: "orders", Version: "1.0.0", Input: true, Contract: "orders"},
			{Said: lineage.Said{File: "a.yaml", Line: 16, Pointer: "/outputPorts/0"}, Name: "totals", Version: "1", Contract: "totals"},
			{Said: lineage.Said{File: "a.yaml", Line: 17, Pointer: "/outputPorts/1"}, Name: "files", Version: "1.0.0"},
		},
	}
	if diff := cmp.Diff(want, p); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

const contractHead = "apiVersion: v3.1.0\nkind: DataContract\nid: c\nversion: 1.0.0\nstatus: active\n"

func TestContract(t *testing.T) {
	f := func(text, owner, topics string, servers ...lineage.DeclaredServer) {
		t.Helper()
		_, c, err := productsOf(contractHead + text)
		if err != nil {
			t.Error(text, err)
			return
		}
		var names []string
		for _, x := range c.Topics {
			names = append(names, strings.Join(append([]string{x.Text}, x.Tags...), "+"))
		}
		if got := strings.Join(names, " "); c.Owner != owner || got != topics {
			t.Errorf("%s\nowner %q, topics %q", text, c.Owner, got)
		}
		if diff := cmp.Diff(servers, c.Servers, cmpopts.EquateEmpty()); diff != "" {
			t.Error(text, diff)
		}
	}
	kafka := lineage.DeclaredServer{Name: "k", Hosts: []string{"k1:9092", "k2:9092"}}
	const servers = "servers: [{server: k, type: Kafka, host: 'k1:9092, k2:9092'}]\n"
	f("team: {name: team-a, members: [{username: x, role: owner}]}\n"+servers+"schema: [{name: A, physicalName: a, physicalType: topic, tags: [pii]}, {name: b}, {name: t, physicalType: table}]\n",
		"team-a", "a+pii b", kafka)
	f("team: {members: [{username: x, role: owner}, {username: y, role: owner}]}\n", "", "") // which of both?
	// where something else holds it too, only what is said to be a topic is one
	f("team: [{username: x, role: owner}]\nservers: [{server: k, type: kafka, host: 'k1:9092,k2:9092'}, {server: s, type: s3}]\nschema: [{name: a}, {name: b, physicalType: TOPIC}]\n",
		"x", "b", kafka)
	f("schema: [{name: a}, {name: b, physicalType: topic}]\n", "", "b")
}

func TestProductsRefused(t *testing.T) {
	f := func(problem, text string) {
		t.Helper()
		_, _, err := productsOf(text)
		if _, ok := errors.AsType[*Error](err); !ok || !strings.Contains(err.Error(), problem) {
			t.Errorf("%s\n%v, want %s", text, err, problem)
		}
	}
	f(`a.yaml:1: /kind: "Component": is neither DataProduct (ODPS) nor DataContract (ODCS)`, "kind: Component\n")
	f("is neither DataProduct", "asyncapi: 3.0.0\n")
	f(`a.yaml:2: /apiVersion: "v0.9.0": is not read: ODPS v1.0 is`, "kind: DataProduct\napiVersion: v0.9.0\n")
	f(`a.yaml:2: /apiVersion: "v2.2.2": is not read: ODCS v3.0 and v3.1 are`, "kind: DataContract\napiVersion: v2.2.2\n")
	f(`/id: is not set`, "kind: DataContract\napiVersion: v3.1.0\n")
	f(`/tags: "pii": is not a list`, contractHead+"tags: pii\n")
	f(`/tags/1: "7": is not text: put it in quotes`, contractHead+"tags: [pii, 7]\n")
	f(`/team: "team-a": is not a list`, contractHead+"team: team-a\n")
	f(`/schema: a mapping is not a list`, contractHead+"schema: {a: b}\n")
	f(`/schema/0: has neither physicalName nor name`, contractHead+"schema: [{physicalType: topic}]\n")
	f(`/servers/0/host: a list is not text`, contractHead+"servers: [{type: kafka, host: [a]}]\n")
	f(`/outputPorts/0/name: is not set`, "kind: DataProduct\napiVersion: v1.0.0\nid: p\noutputPorts: [{version: 1.0.0}]\n")
}
