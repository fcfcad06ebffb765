package api_test

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// TestColumns asks for schemas and for the lineage of a column over GraphQL.
func TestColumns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		orders := topic(west, "orders", 1)
		for n := 1; n <= 12; n++ {
			fill := []func(*lineage.Observation){
				w.moved(self(orders), lineage.NoEvidence, 10), w.moved(reads(orders, group("billing")), lineage.GroupOffsets, 10),
			}
			if n == 1 {
				byName := lineage.Topic{Cluster: west, Name: "orders"}
				schema := func(subject string, s lineage.SchemaFact) lineage.Fact {
					s.Topic, s.Origin, s.Subject, s.Version = byName, lineage.FromRegistry, subject, 3
					return lineage.Fact{Key: lineage.FactKey{Source: "registry", Kind: lineage.SchemaFacts, Name: subject}, Schema: &s}
				}
				fill = append(fill, facts(clusterFact("west", west, 1, 1), topicFact("west", orders),
					schema("orders-value", lineage.SchemaFact{
						Part: lineage.ValuePart, ID: 7, Strategy: lineage.TopicName, Format: "AVRO", Columns: []lineage.Column{{Path: "id", Type: "long", Presence: lineage.AlwaysThere}, {Path: "email", Type: "string", Presence: lineage.MayBeMissing}},
					}),
					schema("orders-key", lineage.SchemaFact{Part: lineage.KeyPart, Problem: "it is broken"}),
					lineage.Fact{Key: lineage.FactKey{Source: "openlineage", Kind: lineage.SchemaFacts, Name: "1"}, Schema: &lineage.SchemaFact{
						Topic: byName, Origin: lineage.FromOpenLineage, Columns: []lineage.Column{{Path: "id", Type: "bigint"}},
					}},
				))
			}
			w.observe("west", "all", n, fill...)
		}
		time.Sleep(time.Until(round(12)) + time.Second)
		h := serve(served{History: w.store, Identity: everybody, Clusters: shopConfig, Log: quiet()})
		got := answerOf[json.RawMessage](t, h, `{
			schemas(node:"topic:west/orders", window:{last:"1m"}){node{id} schemaCount schemas{origin source part subject version id strategy compatibility columns{field type optional} columnCount moreColumns problem} coverage{complete}}
			columnLineage(field:"topic:west/orders#email", window:{last:"1m"}){field columnCount columns{field node{id} direction hops inSchema type reads assumed} steps{from to through{id} evidence masked assumed active} stepCount endCount unknownCount unknown{why} cut coverage{complete}}
		}`, "")
		want := `{"schemas":{"node":{"id":"topic:west/orders"},"schemaCount":3,"schemas":[` +
			`{"origin":"REGISTRY","source":"registry","part":"KEY","subject":"orders-key","version":3,"id":null,"strategy":null,"compatibility":null,"columns":null,"columnCount":null,"moreColumns":0,"problem":"it is broken"},` +
			`{"origin":"REGISTRY","source":"registry","part":"VALUE","subject":"orders-value","version":3,"id":7,"strategy":"TOPIC_NAME","compatibility":null,"columns":[{"field":"topic:west/orders#value.id","type":"long","optional":false},{"field":"topic:west/orders#value.email","type":"string","optional":true}],"columnCount":2,"moreColumns":0,"problem":null},` +
			`{"origin":"OPENLINEAGE","source":"openlineage","part":null,"subject":null,"version":null,"id":null,"strategy":null,"compatibility":null,"columns":[{"field":"topic:west/orders#id","type":"bigint","optional":null}],"columnCount":1,"moreColumns":0,"problem":null}],"coverage":{"complete":true}},` +
			`"columnLineage":{"field":"topic:west/orders#value.email","columnCount":2,"columns":[{"field":"topic:west/orders#value.email","node":{"id":"topic:west/orders"},"direction":null,"hops":0,"inSchema":true,"type":"string","reads":false,"assumed":false},` +
			`{"field":"application:shop/billing#value.email","node":{"id":"application:shop/billing"},"direction":"DOWNSTREAM","hops":1,"inSchema":null,"type":null,"reads":true,"assumed":true}],` +
			`"steps":[{"from":"topic:west/orders#value.email","to":"application:shop/billing#value.email","through":{"id":"application:shop/billing"},"evidence":null,"masked":false,"assumed":true,"active":true}],"stepCount":1,"endCount":0,"unknownCount":0,"unknown":[],"cut":false,"coverage":{"complete":true}}}`
		if string(got) != want {
			t.Errorf("answered\n%s\nwant\n%s", got, want)
		}
		lost := answerOf[json.RawMessage](t, h, `{whatIf(lose:["topic:west/orders#email"], window:{last:"1m"}){lostCount starvedCount columnCount columns{field columnCount columns{node{id} hops reads assumed} unknownCount coverage{complete}} coverage{complete}}}`, "")
		if want := `{"whatIf":{"lostCount":0,"starvedCount":0,"columnCount":1,"columns":[{"field":"topic:west/orders#value.email","columnCount":2,"columns":[{"node":{"id":"topic:west/orders"},"hops":0,"reads":false,"assumed":false},` +
			`{"node":{"id":"application:shop/billing"},"hops":1,"reads":true,"assumed":true}],"unknownCount":0,"coverage":{"complete":true}}],"coverage":{"complete":true}}}`; string(lost) != want {
			t.Errorf("without email\n%s\nwant\n%s", lost, want)
		}
		for q, want := range map[string]string{
			`{whatIf(lose:["topic:west/orders#"], window:{last:"1m"}){columnCount}}`:                       "is no column",
			`{whatIf(lose:["topic:west/orders#a"], window:{last:"1m"}){columns(first:1001){field}}}`:       "first must be",
			`{columnLineage(field:"topic:west/orders", window:{last:"1m"}){cut}}`:                          "is no column",
			`{columnLineage(field:"topic:west/none#a", window:{last:"1m"}){cut}}`:                          "no node",
			`{columnLineage(field:"topic:west/orders#a", window:{last:"1m"}){columns(first:1001){field}}}`: "first must be",
			`{schemas(node:"orders", window:{last:"1m"}){schemaCount}}`:                                    "is not kind:scope/name",
		} {
			wantRefused(t, h, q, want)
		}
	})
}
