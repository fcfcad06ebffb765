package metricsapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/metricsapi"
)

// in runs a test in a bubble, on the shop.
func in(t *testing.T, f func(t *testing.T, s *shop)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		s.fill()
		f(t, s)
	})
}

const kafka = `"filter":{"field":"resource.kafka.id","op":"EQ","value":"west"}`

// asks is a query for a metric of the server; more are further keys.
func asks(metric, granularity, interval, more string) string {
	return fmt.Sprintf(`{"aggregations":[{"metric":"io.confluent.kafka.server/%s"}],%s,"granularity":%q,"intervals":[%q]%s}`, metric, kafka, granularity, interval, more)
}

func (s *shop) data(want, body string) {
	s.t.Helper()
	if got := s.has("POST", "cloud/query", body); got != want {
		s.t.Errorf("%s is answered with\n%s, not\n%s", body, got, want)
	}
}

func TestMinutesAreTold(t *testing.T) {
	in(t, func(_ *testing.T, s *shop) {
		all := "2000-01-01T00:00:00Z/PT10M"
		orders := `,"filter":{"op":"AND","filters":[{"field":"resource.kafka.id","op":"EQ","value":"` + string(west) + `"},{"op":"NOT","filter":{"field":"metric.topic","op":"EQ","value":"payments"}}]}`
		// the newest first; the fifth minute was not observed, and is absent
		s.data(`[{"timestamp":"2000-01-01T00:05:00Z","value":600},{"timestamp":"2000-01-01T00:03:00Z","value":600}]`,
			strings.Replace(asks("received_records", "PT1M", "2000-01-01T00:03:00Z/2000-01-01T02:06:00+02:00", orders), kafka+",", "", 1))
		s.data(`[{"timestamp":"2000-01-01T00:00:00Z","value":5400,"metric.topic":"orders"},{"timestamp":"2000-01-01T00:00:00Z","value":2700,"metric.topic":"payments"}]`,
			asks("received_records", "PT1H", all, `,"group_by":["metric.topic"]`))
		s.data(`[{"metric.topic":"orders","points":[{"timestamp":"2000-01-01T00:05:00Z","value":3000},{"timestamp":"2000-01-01T00:00:00Z","value":2400}]}]`,
			asks("received_records", "PT5M", all, `,"group_by":["metric.topic"],"format":"GROUPED","limit":1`))
		s.data(`[{"timestamp":"2000-01-01T00:00:00Z","value":3240,"resource.kafka.id":"west","metric.client_id":"shop-1","metric.principal_id":"User:shop","metric.principal_name":"shop"}]`,
			asks("received_records", "ALL", all, `,"group_by":["resource.kafka.id","metric.client_id","metric.principal_id"]`))
		s.data(`[{"timestamp":"2000-01-01T00:09:00Z","value":60,"metric.consumer_group_id":"billing"}]`,
			asks("consumer_lag_offsets", "PT1M", "now-1m/now", `,"group_by":["metric.consumer_group_id"]`))
		s.data(`[{"timestamp":"2000-01-01T00:05:00Z","value":48},{"timestamp":"2000-01-01T00:00:00Z","value":15}]`, asks("consumer_lag_offsets", "PT5M", all, ""))
		s.data(`[{"timestamp":"2000-01-01T00:09:00Z","value":120000}]`, asks("retained_bytes", "PT1M", "now-1m/now", ""))
		s.data(`[{"timestamp":"2000-01-01T00:09:00Z","value":12}]`, asks("partition_count", "PT1M", "now-1m/now", ""))
		s.data(`[{"timestamp":"2000-01-01T00:09:00Z","value":9000}]`, asks("received_bytes", "PT1M", "now-1m/now", ""))
		s.data(`[{"timestamp":"2000-01-01T00:00:00Z","value":540,"resource.connector.id":"warehouse"}]`,
			`{"aggregations":[{"metric":"io.confluent.kafka.connect/received_records","agg":"SUM"}],"filter":{"field":"resource.connector.id","op":"EQ","value":"warehouse"},"granularity":"ALL","group_by":["resource.connector.id"],"intervals":["2000-01-01T00:00:00Z/PT10M"]}`)
	})
}

func TestWhatIsNotKnownIsAbsent(t *testing.T) {
	in(t, func(_ *testing.T, s *shop) {
		s.data(`[]`, asks("received_records", "PT1M", "2000-01-01T00:04:00Z/PT1M", ""))
		s.data(`[]`, asks("consumer_lag_offsets", "PT1M", "2000-01-01T00:04:00Z/PT1M", ""))
		s.data(`[]`, asks("received_records", "PT1M", "now/PT1H", ""))
		s.data(`[]`, asks("received_records", "PT1M", "1999-12-31T23:00:00Z/PT1H", ""))
		// no minute that has not ended
		s.observe(s.next(61))
		s.data(`[]`, asks("received_records", "PT1M", "2000-01-01T00:10:00Z/PT5M", ""))
	})
}

// Where it is not known what one of those who are put together moved, the sum is not there; that of another minute is,
// and so is what is known of each by itself.
func TestASumThatLacksAPartIsAbsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShop(t)
		orders := topic("orders")
		group := lineage.Access{Topic: orders, Op: lineage.Read, Client: lineage.Client{Group: "billing"}}
		share := lineage.Access{Topic: orders, Op: lineage.Read, Client: lineage.Client{Group: "parcels"}}
		for n := 1; n <= 24; n++ {
			o, shares := s.next(n), s.next(n)
			o.Facts = []lineage.Fact{
				{Key: lineage.FactKey{Source: "west", Kind: lineage.ClusterFacts}, Cluster: &lineage.ClusterFact{ID: west, Brokers: 3, Controller: 1, Topics: 1, Groups: -1}}, fact(orders),
			}
			o.Samples = []lineage.Sample{s.more(lineage.Access{Topic: orders}, lineage.Appended, lineage.NoEvidence, 100), s.more(group, lineage.Records, lineage.GroupOffsets, 90)}
			s.observe(o)
			if n <= 6 || n > 12 { // the second minute of those who share is not observed
				shares.Source.Name = "share-groups"
				shares.Samples = []lineage.Sample{s.more(share, lineage.Records, lineage.ShareOffsets, 10)}
				s.observe(shares)
			}
		}
		time.Sleep(24 * tick)
		s.data(`[{"timestamp":"2000-01-01T00:02:00Z","value":600},{"timestamp":"2000-01-01T00:00:00Z","value":600}]`, asks("sent_records", "PT1M", "2000-01-01T00:00:00Z/PT3M", ""))
		s.data(`[{"timestamp":"2000-01-01T00:02:00Z","value":540,"metric.consumer_group_id":"billing"},{"timestamp":"2000-01-01T00:01:00Z","value":540,"metric.consumer_group_id":"billing"},`+
			`{"timestamp":"2000-01-01T00:00:00Z","value":540,"metric.consumer_group_id":"billing"},{"timestamp":"2000-01-01T00:02:00Z","value":60,"metric.consumer_group_id":"parcels"},`+
			`{"timestamp":"2000-01-01T00:00:00Z","value":60,"metric.consumer_group_id":"parcels"}]`, asks("sent_records", "PT1M", "2000-01-01T00:00:00Z/PT3M", `,"group_by":["metric.consumer_group_id"]`))
	})
}

func TestFunctionsPutTopicsTogether(t *testing.T) {
	in(t, func(_ *testing.T, s *shop) {
		for agg, want := range map[string]string{"SUM": "900", "MAX": "600", "MIN": "300", "AVG": "450", "COUNT": "2"} {
			body := strings.Replace(asks("received_records", "PT1M", "2000-01-01T00:00:00Z/PT1M", ""), `received_records"`, `received_records","agg":"`+agg+`"`, 1)
			s.data(`[{"timestamp":"2000-01-01T00:00:00Z","value":`+want+`}]`, body)
		}
	})
}

func TestIntervalsAreOfOneAnswer(t *testing.T) {
	in(t, func(_ *testing.T, s *shop) {
		two := `"2000-01-01T00:06:00Z/PT1M","2000-01-01T00:00:00Z/PT2M"`
		one := asks("received_records", "PT1M", "X", "")
		s.data(`[{"timestamp":"2000-01-01T00:06:00Z","value":900},{"timestamp":"2000-01-01T00:01:00Z","value":900},{"timestamp":"2000-01-01T00:00:00Z","value":900}]`,
			strings.Replace(one, `"X"`, two, 1))
		s.data(`[{"timestamp":"2000-01-01T00:00:00Z","value":2700}]`, strings.Replace(strings.Replace(one, `"X"`, two, 1), "PT1M\",\"int", "ALL\",\"int", 1))
	})
}

func TestTheLargestComeFirst(t *testing.T) {
	in(t, func(t *testing.T, s *shop) {
		ask := asks("received_records", "ALL", "2000-01-01T00:00:00Z/PT10M", `,"group_by":["metric.topic"],"limit":1%s`)
		s.data(`[{"timestamp":"2000-01-01T00:00:00Z","value":5400,"metric.topic":"orders"}]`, fmt.Sprintf(ask, ""))
		s.data(`[{"timestamp":"2000-01-01T00:00:00Z","value":2700,"metric.topic":"payments"}]`,
			fmt.Sprintf(ask, `,"order_by":[{"metric":"io.confluent.kafka.server/received_records","order":"ASCENDING"}]`))
		_, body, _ := s.ask("POST", "cloud/query", fmt.Sprintf(ask, ""))
		_, body, _ = s.ask("POST", "cloud/query?page_token="+next(t, body), fmt.Sprintf(ask, ""))
		if !strings.Contains(body, `"payments"`) || next(t, body) != "" {
			t.Errorf("the second page is %s", body)
		}
	})
}

// next returns the token of the next page; empty: there is none.
func next(t *testing.T, body string) string {
	t.Helper()
	var is struct {
		Meta struct {
			Pagination struct {
				Next string `json:"next_page_token"`
			} `json:"pagination"`
		} `json:"meta"`
	}
	if err := json.Unmarshal([]byte(body), &is); err != nil {
		t.Fatal(err)
	}
	return is.Meta.Pagination.Next
}

func TestPagesGoOn(t *testing.T) {
	in(t, func(t *testing.T, s *shop) {
		ask := asks("received_records", "PT1M", "now-2m/now", `,"group_by":["metric.topic"],"limit":1`)
		_, first, _ := s.ask("POST", "cloud/query", ask)
		token := next(t, first)
		s.observe(s.next(61)) // the pages are of one instant
		_, second, _ := s.ask("POST", "cloud/query?page_token="+token, ask)
		if strings.Contains(first, "payments") || !strings.Contains(second, "payments") || strings.Contains(second, "orders") || next(t, second) != "" {
			t.Errorf("the pages are\n%s%s", first, second)
		}
		_, third, _ := s.ask("POST", "cloud/query", strings.Replace(asks("received_records", "PT1M", "now-2m/now", `,"group_by":["metric.topic"]`), kafka,
			`"filter":{"op":"AND","filters":[{"field":"resource.kafka.id","op":"EQ","value":"west"},{"field":"metric.topic","op":"GT","value":"orders"}]}`, 1))
		if a, b := strings.Split(second, `,"meta"`)[0], strings.TrimSuffix(strings.TrimSpace(third), "}"); a != b {
			t.Errorf("by GT it goes on with\n%s, not\n%s", b, a)
		}
		code, said, _ := s.ask("POST", "cloud/query?page_token="+token, asks("received_records", "PT1M", "now-3m/now", `,"group_by":["metric.topic"],"limit":1`))
		if code != http.StatusBadRequest || !strings.Contains(said, "another request") {
			t.Errorf("a token of another request is answered with %d %s", code, said)
		}
		s.sleep()
		code, said, _ = s.ask("POST", "cloud/query?page_token="+token, ask)
		if code != http.StatusBadRequest || !strings.Contains(said, "expired") {
			t.Errorf("a token of long ago is answered with %d %s", code, said)
		}
	})
}

func TestLabelsAreListed(t *testing.T) {
	in(t, func(t *testing.T, s *shop) {
		for body, want := range map[string]string{
			`{"group_by":["metric.topic"],` + kafka + `}`: `[{"metric.topic":"orders"},{"metric.topic":"payments"}]`,
			`{"group_by":["resource.kafka.id"]}`:          `[{"resource.kafka.id":"` + string(west) + `"}]`,
			`{"group_by":["metric.principal_id"]}`:        `[{"metric.principal_id":"User:shop","metric.principal_name":"shop"}]`,
			`{"group_by":["metric.topic"],"metric":"io.confluent.kafka.server/consumer_lag_offsets","intervals":["now-5m/now"]}`: `[{"metric.topic":"orders"}]`,
		} {
			if got := s.has("POST", "cloud/attributes", body); got != want {
				t.Errorf("%s is answered with %s, not %s", body, got, want)
			}
		}
		_, first, _ := s.ask("POST", "cloud/attributes", `{"group_by":["metric.topic"],"limit":1}`)
		_, second, _ := s.ask("POST", "cloud/attributes?page_token="+next(t, first), `{"group_by":["metric.topic"],"limit":1}`)
		if !strings.Contains(first, "orders") || !strings.Contains(second, "payments") || next(t, second) != "" {
			t.Errorf("the pages are\n%s%s", first, second)
		}
	})
}

func TestDescriptorsAreListed(t *testing.T) {
	in(t, func(t *testing.T, s *shop) {
		all := s.has("GET", "cloud/descriptors/resources", "")
		for _, kind := range []string{"kafka", "connector", "ksql", "schema_registry"} {
			if !strings.Contains(all, `"type":"`+kind+`"`) {
				t.Errorf("%s is not among %s", kind, all)
			}
		}
		if list := s.has("GET", "cloud/descriptors/metrics?resource_type=connector", ""); strings.Contains(list, "kafka.server/") || !strings.Contains(list, "kafka.connect/sent_records") {
			t.Errorf("the metrics of connectors are %s", list)
		}
		if list := s.has("GET", "cloud/descriptors/metrics?resource_type=ksql", ""); list != "[]" {
			t.Errorf("the metrics of ksqlDB are %s", list)
		}
		var got strings.Builder
		path := "cloud/descriptors/metrics?page_size=4"
		for pages := 0; path != ""; pages++ {
			_, body, _ := s.ask("GET", path, "")
			for _, part := range strings.Split(body, `"name":"`)[1:] {
				name, _, _ := strings.Cut(part, `"`)
				got.WriteString(name + "\n")
			}
			if path = ""; next(t, body) != "" {
				path = "cloud/descriptors/metrics?page_size=4&page_token=" + next(t, body)
			}
			if pages > 5 {
				t.Fatal("the pages do not end")
			}
		}
		if n := strings.Count(got.String(), "\n"); n != 9 || strings.Count(got.String(), "received_records") != 2 {
			t.Errorf("by pages there are %d metrics:\n%s", n, got.String())
		}
	})
}

func TestTooManyAtOnceAreToldSo(t *testing.T) {
	in(t, func(t *testing.T, s *shop) {
		s.api = metricsapi.New(metricsapi.Options{Answers: answer.New(answer.Options{History: s.store})}).Handler(open(false))
		code, body, header := s.ask("GET", "cloud/descriptors/resources", "")
		if code != http.StatusTooManyRequests || header.Get("Retry-After") == "" {
			t.Errorf("one too many is answered with %d %s", code, body)
		}
	})
}
