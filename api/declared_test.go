package api_test

import (
	"regexp"

	"github.com/lineaged/lineaged/lineage"
)

// declarations are what people declare in worlds, by their names.
var declarations = map[string]*lineage.Declarations{"declared": inTheShop()}

// inTheShop is what people declare of the shop: some of it holds, some does not, and of some nobody knows.
func inTheShop() *lineage.Declarations {
	said := func(line int, pointer string) lineage.Said {
		return lineage.Said{File: "apis/billing.yaml", Line: line, Pointer: pointer}
	}
	servers := []lineage.DeclaredServer{{Name: "production", Hosts: []string{"kafka-1:9092"}}, {Name: "test", Hosts: []string{"test:9092"}}}
	billing := &lineage.DeclaredApplication{Said: said(2, "/info"), Name: "Billing Service", Owner: "team-finance", Tags: []string{"tier-1"}}
	topic := func(name string) lineage.DeclaredTopic { return lineage.DeclaredTopic{Text: name} }
	contract := lineage.Said{File: "contracts/payments.yaml", Line: 1}
	return &lineage.Declarations{
		Clusters: []lineage.KnownCluster{{Source: "west", Bootstrap: []string{"kafka-1:9092"}}},
		Flows: []lineage.DeclaredFlow{
			{Said: said(20, "/operations/read"), Application: billing, Op: lineage.Read, Topic: topic("orders"), Clients: []lineage.Client{{Group: "billing"}}, Servers: servers},
			{Said: said(24, "/operations/write"), Application: billing, Op: lineage.Write, Topic: topic("payments"), Servers: servers},
			{Said: said(28, "/operations/quiet"), Application: billing, Op: lineage.Write, Topic: topic("unused"), Servers: servers[:1]},
			{
				Said: said(32, "/operations/many"), Application: billing, Op: lineage.Read, Servers: servers[:1],
				Topic: lineage.DeclaredTopic{Text: "re{x}s", Prefix: "re", Match: regexp.MustCompile(`^re[a-zA-Z0-9._-]+s$`)},
			},
			{Said: said(36, "/operations/test"), Application: billing, Op: lineage.Write, Topic: topic("orders"), Servers: servers[1:]},
			{
				Said: lineage.Said{File: "lineaged.yaml", Line: 9, Pointer: "/declared/flows/0"},
				Flow: lineage.Flow{
					From: lineage.Node{Kind: lineage.TopicNode, Scope: "west", Name: "customers"}, To: lineage.Node{Kind: lineage.ApplicationNode, Scope: "shop", Name: "crm"},
				},
			},
		},
		Contracts: []lineage.DeclaredContract{{Said: contract, ID: "payments", Version: "1.0.0", Tags: []string{"pci"}, Topics: []lineage.DeclaredTopic{topic("payments")}, Servers: servers[:1]}},
		Products: []lineage.DeclaredProduct{{
			Said: lineage.Said{File: "products/payments.yaml", Line: 1}, ID: "payments", Name: "Payments", Status: "active", Owner: "team-finance",
			Ports: []lineage.DeclaredPort{{Name: "orders", Version: "1.0.0", Input: true, Contract: "orders"}, {Name: "payments", Version: "1.0.0", Contract: "payments"}},
		}},
		Files: []lineage.DeclaredFile{
			{File: "apis/billing.yaml", Format: "AsyncAPI 3.1.0"},
			{File: "apis/old.yaml", Problem: "apis/old.yaml:1: /asyncapi: AsyncAPI 2 is refused"},
			{File: "contracts/payments.yaml", Format: "ODCS v3.1.0", Problem: "contracts/payments.yaml: is empty", Stale: true},
		},
	}
}
