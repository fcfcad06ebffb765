package metricsapi_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestWhatMakesNoSenseIsRefused holds that each refusal names the key and the value.
func TestWhatMakesNoSenseIsRefused(t *testing.T) {
	in(t, func(t *testing.T, s *shop) {
		f := func(method, path, body string, status int, says ...string) {
			t.Helper()
			code, text, _ := s.ask(method, path, body)
			if code != status {
				t.Errorf("%s %s %.300s is answered with %d %s, not %d", method, path, body, code, text, status)
			}
			for _, part := range says {
				if !strings.Contains(strings.ReplaceAll(text, `\"`, `"`), part) {
					t.Errorf("%s %s %.300s is answered with %s, and that does not say %s", method, path, body, text, part)
				}
			}
		}
		const hour = "2000-01-01T00:00:00Z/PT1H"
		good := asks("received_records", "PT1M", hour, "")
		query := func(old, now string, says ...string) {
			t.Helper()
			body := strings.Replace(good, old, now, 1)
			if body == good {
				t.Fatalf("%s is not in %s", old, good)
			}
			f("POST", "cloud/query", body, http.StatusBadRequest, says...)
		}
		f("POST", "cloud/query", good, http.StatusOK)
		f("POST", "cloud/query", "", 400, "body")
		f("POST", "cloud/query", "[]", 400, "body: it has to be an object, and is an array")
		f("POST", "cloud/query", `{"aggregations":5}`, 400, "aggregations: it has to be a list, and is a number")
		f("POST", "cloud/query", `{"limit":"5"}`, 400, "limit: it has to be a whole number, and is a string")
		f("POST", "cloud/query", `{"limit":1.5}`, 400, "limit: it has to be a whole number, and is a number 1.5")
		f("POST", "cloud/query", `{"group_by":[1]}`, 400, "group_by: it has to be a string, and is a number")
		f("POST", "cloud/query", `{"filter":"x"}`, 400, "filter: it has to be an object, and is a string")
		f("POST", "cloud/query", good+good, 400, "body", "more than one")
		f("POST", "cloud/query", "{"+strings.Repeat(" ", 1<<20)+"}", 413, "body", "1048576")
		query(`"granularity"`, `"granularitie"`, "granularitie")
		query(`"granularity":"PT1M",`, ``, "granularity", "missing")
		query(`PT1M`, `PT2M`, "granularity", `"PT2M"`)
		query(`"PT1M"`, `1`, "granularity", "number")
		query(hour, "2000-01-01T00:00:00Z/PT6H1M", "intervals[0]", "PT6H1M", "6h")
		query(hour, "2000-01-01T00:00:00Z", "intervals[0]", `"2000-01-01T00:00:00Z"`)
		query(hour, "PT1H/PT1H", "intervals[0]", "two durations")
		query(hour, "now-1x/now", "intervals[0]", "now-1x")
		query(hour, "2000-01-01T00:00:00/PT1H", "intervals[0]", "zone")
		query(hour, "now/now-1h", "intervals[0]", "empty")
		query(hour, "P1M/now", "intervals[0]", "P1M")
		query(hour, "now-99999999d/now", "intervals[0]")
		query(`["`+hour+`"]`, `[]`, "intervals", "one at least")
		query(`["`+hour+`"]`, `["`+hour+`","`+hour+`"]`, "intervals", "overlap")
		query(`received_records"`, `nonsense"`, "aggregations[0].metric", "nonsense")
		query(`received_records"`, `received_records","agg":"P99"`, "aggregations[0].agg", `"P99"`)
		query(`"aggregations":[`, `"aggregations":[{"metric":"io.confluent.kafka.server/sent_records"},`, "aggregations", "2")
		query(`"filter"`, `"group_by":["metric.partition"],"filter"`, "group_by[0]", `"metric.partition"`, "metric.topic")
		query(`"filter"`, `"group_by":["metric.topic","metric.topic"],"filter"`, "group_by[1]", "twice")
		query(`"filter"`, `"format":"GROUPED","filter"`, "format", "group_by")
		query(`"filter"`, `"format":"CSV","filter"`, "format", `"CSV"`)
		query(`"filter"`, `"limit":0,"filter"`, "limit", "0")
		query(`"filter"`, `"limit":1001,"filter"`, "limit", "1001")
		query(`"filter"`, `"order_by":[{"metric":"io.confluent.kafka.server/received_records"}],"filter"`, "order_by", "ALL", "PT1M")
		query(kafka+",", "", "filter", "missing", "resource.kafka.id")
		query(`"west"`, `"east"`, "resource.kafka.id", `"east"`)
		query(`"west"`, `true`, "filter.value", "true")
		query(`"op":"EQ"`, `"op":"LIKE"`, "filter.op", `"LIKE"`)
		query(`resource.kafka.id`, `metric.topic`, "filter", "resource.kafka.id")
		query(`resource.kafka.id`, `metric.nonsense`, "filter", "metric.nonsense")
		query(kafka, `"filter":{"op":"AND","filters":[]}`, "filter", "AND")
		query(kafka, `"filter":{"op":"NOT"}`, "filter", "NOT")
		query(kafka, `"filter":`+strings.Repeat(`{"op":"NOT","filter":`, 20)+`{}`+strings.Repeat("}", 20), "filter", "16 deep")
		query(kafka, `"filter":{"op":"OR","filters":[`+strings.TrimSuffix(strings.Repeat(strings.TrimPrefix(kafka, `"filter":`)+",", 1001), ",")+`]}`, "filter", "1000")
		f("POST", "cloud/query?page_token=x", good, 400, "page_token", "group_by")
		f("POST", "cloud/query?page_token=x", strings.Replace(good, `"filter"`, `"group_by":["metric.topic"],"filter"`, 1), 400, "page_token", `"x"`)
		f("POST", "cloud/query?x=y", good, 400, "x", "page_token")
		f("POST", "nonsense/query", good, 404, "dataset", "nonsense", "cloud, dataflow")
		f("GET", "cloud/query", "", 405, "GET", "POST")
		f("POST", "cloud/nonsense", "{}", 404, "path", "nonsense")
		f("POST", "cloud/attributes", `{}`, 400, "group_by")
		f("POST", "cloud/attributes", `{"group_by":["metric.x"]}`, 400, "group_by[0]", "metric.x")
		f("POST", "cloud/attributes", `{"group_by":["metric.topic"],"limit":-1}`, 400, "limit", "-1")
		f("POST", "cloud/attributes", `{"group_by":["metric.topic"],"metric":"x"}`, 400, "metric", `"x"`)
		f("GET", "cloud/descriptors/metrics?page_size=x", "", 400, "page_size", `"x"`)
		f("GET", "cloud/descriptors/metrics?page_size=1001", "", 400, "page_size", "1001")
		f("GET", "cloud/descriptors/metrics?page_token=x", "", 400, "page_token", `"x"`)
		f("GET", "cloud/descriptors/metrics?resource_type=x", "", 400, "resource_type", `"x"`)
		f("GET", "cloud/descriptors/metrics?page_size=1&page_size=2", "", 400, "page_size", "2 times")
		f("GET", "cloud/export", "", 400, "resource.kafka.id", "missing")
		f("GET", "cloud/export?resource.kafka.id=east", "", 400, "resource.kafka.id", `"east"`)
		f("GET", "cloud/export?resource.kafka.id=west&metric=x", "", 400, "metric", `"x"`)
		f("GET", "cloud/export?resource.kafka.id=west&x=y", "", 400, "x")
	})
}

// TestEveryGranularityHasItsLongestInterval asks for the longest interval, and for a minute more.
func TestEveryGranularityHasItsLongestInterval(t *testing.T) {
	in(t, func(t *testing.T, s *shop) {
		for name, longest := range map[string]string{"PT1M": "PT6H", "PT5M": "P1D", "PT15M": "P4D", "PT30M": "P7D", "PT1H": "", "PT4H": "", "PT6H": "", "PT12H": "", "P1D": "", "ALL": ""} {
			if longest == "" {
				s.has("POST", "cloud/query", asks("received_records", name, "P400D/now", ""))
				continue
			}
			s.has("POST", "cloud/query", asks("received_records", name, longest+"/now", ""))
			more := strings.Replace(longest+"T1M", "PT6HT1M", "PT6H1M", 1)
			if code, body, _ := s.ask("POST", "cloud/query", asks("received_records", name, more+"/now", "")); code != http.StatusBadRequest || !strings.Contains(body, more) {
				t.Errorf("%s of %s is answered with %d %s", name, more, code, body)
			}
		}
	})
}
