package identity

import (
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/lineaged/lineaged/lineage"
)

// TestDeclaredWriters names what nobody names, and nothing else: any other name is better than what a person says.
func TestDeclaredWriters(t *testing.T) {
	r := mustNew(t, Rules{Applications: []Rule{
		{Unidentified: re("^west/orders$"), ClientID: re("^rdkafka$"), Name: "scanner"},
		{Unidentified: re("^west/(o.*)$"), Name: "$1-desk"},
	}})
	first, second := lineage.ByDeclaration+"rule 1: client_id ^rdkafka$, unidentified ^west/orders$", lineage.ByDeclaration+"rule 2: unidentified ^west/(o.*)$"
	f := func(a lineage.Access, known lineage.Known, id, by string) {
		t.Helper()
		n, words := r.Resolve(west, a, known)
		if n.ID() != id || words != by {
			t.Errorf("%+v: got %s by %q, want %s by %q", a.Client, n.ID(), words, id, by)
		}
	}
	none := lineage.Known{}
	f(access(lineage.Write, lineage.Client{Producer: 8}), none, "application:shop/orders-desk", second)
	f(access(lineage.Write, lineage.Client{Kind: lineage.Remainder}), none, "application:shop/orders-desk", second)
	f(access(lineage.Write, lineage.Client{ClientID: "rdkafka"}), none, "application:shop/scanner", first)
	f(access(lineage.Write, lineage.Client{ClientID: "till"}), none, "application:shop/till", "client.id")
	f(access(lineage.Write, lineage.Client{Principal: "User:alice"}), none, "application:shop/alice", lineage.ByPrincipal)
	f(access(lineage.Read, lineage.Client{Group: "billing"}), none, "application:shop/billing", "group id")
	f(access(lineage.Read, lineage.Client{ClientID: "rdkafka"}), none, "application:shop/anonymous", lineage.ByNothing)
	elsewhere := access(lineage.Write, lineage.Client{Producer: 8})
	elsewhere.Topic.Name = "payments"
	f(elsewhere, none, "unidentified:west/payments", lineage.ByNothing)

	by := lineage.Link{Evidence: lineage.RequestLog}
	joined := lineage.Client{Producer: 8, ClientID: "producer-1", Host: "/10.0.0.1"}
	f(access(lineage.Write, lineage.Client{Producer: 8}), lineage.Known{Joined: &lineage.Joined{Client: joined, By: by}}, "application:shop/orders-desk", second)
}

// TestDeclaring holds that the rule which is offered says what it is offered for, whatever the names.
func TestDeclaring(t *testing.T) {
	for _, n := range []lineage.Node{
		{Scope: "shop", Kind: lineage.ApplicationNode, Name: "billing"},
		{Scope: "shop", Kind: lineage.ApplicationNode, Name: "it's $1: #a"},
		{Scope: "west", Kind: lineage.ApplicationNode, Name: "default"},
		{Scope: "shop", Kind: lineage.ApplicationNode, Name: "application:west/odd"},
		{Scope: "west", Kind: lineage.StreamJobNode, Name: "baskets"},
		{Scope: "connect-west", Kind: lineage.ConnectorNode, Name: "jdbc/a b"},
		{Scope: "east", Kind: lineage.ReplicatorNode, Name: "west->east"},
	} {
		for _, topic := range []string{"orders", "orders.v1", "a+b"} {
			text := mustNew(t, Rules{}).Declaring(west, topic, n)
			var file struct {
				Applications []struct {
					Match struct{ Unidentified string }
					Name  string
				}
			}
			if err := yaml.Unmarshal([]byte(text), &file); err != nil || len(file.Applications) != 1 {
				t.Fatalf("%s: %v", text, err)
			}
			rule := file.Applications[0]
			r := mustNew(t, Rules{Applications: []Rule{{Unidentified: re(rule.Match.Unidentified), Name: rule.Name}}})
			for name, want := range map[string]lineage.Node{topic: n, topic + "x": node(west, lineage.UnidentifiedNode, topic+"x"), "ordersxv1": node(west, lineage.UnidentifiedNode, "ordersxv1")} {
				a := access(lineage.Write, lineage.Client{Kind: lineage.Remainder})
				a.Topic.Name = name
				if got, _ := r.Resolve(west, a, lineage.Known{}); got != want {
					t.Errorf("%s: %s: got %s, want %s", text, name, got.ID(), want.ID())
				}
			}
		}
	}
}
