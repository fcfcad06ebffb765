package identity

import (
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// told is a link that evidence told on a day.
func told(day int, k lineage.EvidenceKind, c lineage.Client) lineage.Link {
	return lineage.Link{Cluster: west.ID, Client: c, Evidence: k, Since: time.Date(2026, 3, day, 0, 0, 0, 0, time.UTC)}
}

func TestLinkedClients(t *testing.T) {
	id := lineage.KnownProducer
	k := someKnowledge()
	for _, l := range []lineage.Link{
		told(1, lineage.RequestLog, lineage.Client{Producer: id(100), ClientID: "pricing-1", Principal: "User:alice", Host: "10.0.0.1", Software: "apache-kafka-java/4.3.1"}),
		// a match by counts says otherwise, and later; it is worse evidence
		told(9, lineage.Telemetry, lineage.Client{Producer: id(100), ClientID: "stock-1"}),
		// the id has gone over to another: the newer stands
		told(1, lineage.RequestLog, lineage.Client{Producer: id(101), ClientID: "first-app"}),
		told(2, lineage.RequestLog, lineage.Client{Producer: id(101), ClientID: "second-app"}),
		// by the instance, which telemetry names
		told(1, lineage.Telemetry, lineage.Client{Producer: id(102), Instance: "I1"}),
		told(1, lineage.Telemetry, lineage.Client{Instance: "I1", ClientID: "shipping-7", Principal: "User:bob", Host: "10.0.0.2"}),
		told(1, lineage.Telemetry, lineage.Client{Instance: "I2", ClientID: "shipping-8", Principal: "User:bob", Host: "10.0.0.2"}),
		// two programs of one user on one host
		told(1, lineage.Telemetry, lineage.Client{Instance: "I3", ClientID: "audit", Principal: "User:ops", Host: "10.0.0.3"}),
		told(1, lineage.Telemetry, lineage.Client{Instance: "I4", ClientID: "export", Principal: "User:ops", Host: "10.0.0.3"}),
		told(1, lineage.Telemetry, lineage.Client{Instance: "I5", ClientID: "mirror", Principal: "User:ops", Host: "10.0.0.4"}),
		told(1, lineage.RequestLog, lineage.Client{Producer: id(103), ClientID: "rdkafka", Principal: "User:carol", Host: "10.0.0.5"}),
		told(1, lineage.RequestLog, lineage.Client{TransactionalID: "6f1d3c1e-1111-2222-3333-444444444444", ClientID: "ledger-0"}),
		told(1, lineage.AuthorizerLog, lineage.Client{Group: "a", Principal: "User:dave", Host: "10.0.0.6"}),
		told(1, lineage.AuthorizerLog, lineage.Client{Group: "b", Principal: "User:dave", Host: "10.0.0.6"}),
		told(1, lineage.RequestLog, lineage.Client{Group: "c", ClientID: "reader-1", Principal: "User:frank", Host: "10.0.0.8", Software: "kgo/1"}),
		// everybody is anonymous: that joins nobody
		told(1, lineage.RequestLog, lineage.Client{Producer: id(104), ClientID: "lonely", Principal: "User:ANONYMOUS", Host: "10.0.0.7"}),
	} {
		k.AddLink(l)
	}
	// of the two programs of ops on one host one writes audits
	k.AddAccess(onTopic("audits", lineage.Write, lineage.Client{ClientID: "audit", Principal: "User:ops", Host: "10.0.0.3"}))
	k.AddAccess(onTopic("orders", lineage.Read, lineage.Client{Group: "a"}))
	k.AddAccess(onTopic("payments", lineage.Read, lineage.Client{Group: "a"}))
	k.AddAccess(onTopic("payments", lineage.Read, lineage.Client{Group: "b"}))
	r := mustNew(t, Rules{})
	app := func(name string) lineage.Node { return node1("shop", lineage.ApplicationNode, name) }
	nobody := func(topic string) lineage.Node { return node1("west", lineage.UnidentifiedNode, topic) }
	for _, x := range []struct {
		topic string
		op    lineage.Op
		c     lineage.Client
		want  lineage.Node
		by    string
	}{
		{"orders", lineage.Write, lineage.Client{Producer: id(100)}, app("pricing"), "client.id, joined by REQUEST_LOG"},
		{"orders", lineage.Write, lineage.Client{Producer: id(101)}, app("second-app"), "client.id, joined by REQUEST_LOG"},
		{"orders", lineage.Write, lineage.Client{Producer: id(102)}, app("shipping"), "client.id, joined by TELEMETRY"},
		{"orders", lineage.Write, lineage.Client{Principal: "User:bob", Host: "10.0.0.2"}, app("shipping"), "client.id, joined by TELEMETRY"},
		{"orders", lineage.Write, lineage.Client{Principal: "User:ops", Host: "10.0.0.3"}, app("ops"), "principal"},
		{"audits", lineage.Write, lineage.Client{Principal: "User:ops", Host: "10.0.0.3"}, app("audit"), "client.id, joined by TELEMETRY"},
		{"audits", lineage.Read, lineage.Client{Principal: "User:ops", Host: "10.0.0.3"}, app("ops"), "principal"},
		{"orders", lineage.Write, lineage.Client{Principal: "User:ops", Host: "10.0.0.4"}, app("mirror"), "client.id, joined by TELEMETRY"},
		{"orders", lineage.Write, lineage.Client{Principal: "User:ops"}, app("ops"), "principal"},
		{"orders", lineage.Write, lineage.Client{Producer: id(103)}, app("carol"), "principal, joined by REQUEST_LOG"},
		{"orders", lineage.Write, lineage.Client{TransactionalID: "6f1d3c1e-1111-2222-3333-444444444444"}, app("ledger"), "client.id, joined by REQUEST_LOG"},
		{"orders", lineage.Write, lineage.Client{Producer: id(999)}, nobody("orders"), lineage.ByNothing},
		{"orders", lineage.Write, lineage.Client{Principal: "User:ANONYMOUS", Host: "10.0.0.7"}, nobody("orders"), lineage.ByNothing},
		{"orders", lineage.Write, lineage.Client{Principal: "User:CN=billing,OU=shop,O=x"}, app("billing"), "principal"},
		// of dave's two groups one reads orders, and both payments
		{"orders", lineage.Read, lineage.Client{Principal: "User:dave", Host: "10.0.0.6"}, app("a"), "group id, joined by AUTHORIZER_LOG"},
		{"payments", lineage.Read, lineage.Client{Principal: "User:dave", Host: "10.0.0.6"}, app("dave"), "principal"},
		{"orders", lineage.Read, lineage.Client{Principal: "User:dave", Host: "10.0.0.9"}, app("dave"), "principal"},
		{"orders", lineage.Read, lineage.Client{Principal: "User:erin", Host: "10.0.0.6"}, app("erin"), "principal"},
		// a member bears a slash, and what its broker's log knows of it
		{"orders", lineage.Read, lineage.Client{Group: "c", Member: "m", ClientID: "reader-1", Host: "/10.0.0.8"}, app("c"), "group id"},
		// a writer is not taken into a group
		{"orders", lineage.Write, lineage.Client{Principal: "User:dave", Host: "10.0.0.6"}, app("dave"), "principal"},
	} {
		a := onTopic(x.topic, x.op, x.c)
		if got, by := r.Resolve(west, a, k.Of(a)); got != x.want || by != x.by {
			t.Errorf("%v of %s by %+v: %v by %q, want %v by %q", x.op, x.topic, x.c, got, by, x.want, x.by)
		}
	}
	member := k.Of(onTopic("orders", lineage.Read, lineage.Client{Group: "c", Member: "m", ClientID: "reader-1", Host: "/10.0.0.8"})).Joined
	if member == nil || member.Client.Principal != "User:frank" || member.Client.Software != "kgo/1" || member.Client.Member != "m" {
		t.Errorf("the member is %+v", member)
	}
	known := k.Of(onTopic("orders", lineage.Write, lineage.Client{Producer: id(100)}))
	want := lineage.Client{Producer: id(100), ClientID: "pricing-1", Principal: "User:alice", Host: "10.0.0.1", Software: "apache-kafka-java/4.3.1"}
	if known.Joined == nil || known.Joined.Client != want || known.Joined.By.Evidence != lineage.RequestLog {
		t.Errorf("producer 100 is %+v, want %+v", known.Joined, want)
	}
}

// A rule sees what was joined as if the client had said it.
func TestRulesSeeWhatIsJoined(t *testing.T) {
	r := mustNew(t, Rules{Applications: []Rule{{Principal: re(`^User:alice$`), Name: "pricing-service", Owner: "prices"}}})
	k := NewKnowledge(nil)
	k.AddLink(told(1, lineage.RequestLog, lineage.Client{Producer: lineage.KnownProducer(7), ClientID: "rdkafka", Principal: "User:alice"}))
	a := onTopic("orders", lineage.Write, lineage.Client{Producer: lineage.KnownProducer(7)})
	if got, by := r.Resolve(west, a, k.Of(a)); got.Name != "pricing-service" {
		t.Errorf("named %v by %q", got, by)
	}
}
