package main

import (
	"slices"
	"testing"
	"time"

	"github.com/lineaged/lineaged/api"
	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/internal/alias"
	"github.com/lineaged/lineaged/lineage"
)

// TestSpellings: each way to be sure and each not to be has its value in the schema, nothing that is not known is there
// as empty text, and no password is.
func TestSpellings(t *testing.T) {
	b := &collector.Board{}
	b.Configure([]lineage.KnownCluster{{Source: "west", Bootstrap: []string{"b1:9092"}}, {Source: "east", Bootstrap: []string{"kafka:9092"}}, {Source: "far", Bootstrap: []string{"kafka:9092"}}},
		[]lineage.ClusterRule{{Spelling: "prod", Cluster: "west"}, {Spelling: "gone", Cluster: "nobody"}})
	b.SetCluster(collector.Watched{Source: "west", ID: "west-id", Advertised: []string{"b2:9092"}, Topics: []string{"orders"}})
	want := map[string]string{
		"prod": "RULE", "kafka://west-id": "CLUSTER_ID", "b1:9092": "CONFIGURED", "b2:9092": "ADVERTISED", "west": "NAME",
		"unknown:unknown": "NO_ADDRESS", "me:" + "canary" + "@x:1": "NOT_WATCHED", "kafka:9092": "AMBIGUOUS", "s3://bucket": "NOT_KAFKA", "gone": "BAD_RULE",
	}
	for text := range want {
		b.Resolve("events", alias.Question{Spelling: text, From: "jobs"})
	}
	got := spellings(b, time.Unix(1, 0))()
	if got.Full || !got.Since.Equal(time.Unix(1, 0)) || len(got.Items) != len(want) {
		t.Fatalf("%+v", got)
	}
	var values []string
	for _, s := range got.Items {
		told := s.Cluster != nil && s.Basis != nil && s.Problem == nil && s.Why == nil && s.Rule == nil
		if untold := s.Cluster == nil && s.Basis == nil && s.Matched == nil && s.Problem != nil && s.Why != nil; told == untold {
			t.Errorf("%+v", s)
		} else if told && s.Basis.IsValid() {
			values = append(values, string(*s.Basis))
		} else if untold && s.Problem.IsValid() {
			values = append(values, string(*s.Problem))
		}
		if s.Spelling == "x:1" && *s.Problem != api.SpellingProblemNotWatched {
			t.Errorf("%+v", s)
		}
		if s.From == nil || *s.From != "jobs" || !slices.Equal(s.By, []string{"events"}) || s.Candidates == nil {
			t.Errorf("%+v", s)
		}
	}
	slices.Sort(values)
	if want := []string{"ADVERTISED", "AMBIGUOUS", "BAD_RULE", "CLUSTER_ID", "CONFIGURED", "NAME", "NOT_KAFKA", "NOT_WATCHED", "NO_ADDRESS", "RULE"}; !slices.Equal(values, want) {
		t.Errorf("%v, want %v", values, want)
	}
}
