package registry

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
)

// recordOf is the address of a real Apicurio without artifacts, whose answers are written to testdata.
var recordOf = flag.String("record", "", "address of an empty Apicurio 3.0.9 to record answers of")

const recorded = "testdata/apicurio-3.0.9.json"

// kept is a real answer.
type kept struct {
	Status int    `json:"status"`
	Type   string `json:"type"`
	Body   string `json:"body"`
}

// fill makes what the recorded answers are about.
func fill(t *testing.T, url string) {
	post := func(path string, body any) {
		b, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		method := http.MethodPost
		if strings.HasSuffix(path, "/state") {
			method = http.MethodPut
		}
		req, err := http.NewRequestWithContext(t.Context(), method, url+"/apis/registry/v3"+path, bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode >= 300 {
			t.Fatal(path, resp.Status)
		}
	}
	type m = map[string]any
	first := func(version, text string, refs ...m) m {
		kind := "application/json"
		if strings.HasPrefix(text, "syntax") {
			kind = "application/x-protobuf"
		}
		v := m{"content": m{"content": text, "contentType": kind, "references": refs}}
		if version != "" {
			v["version"] = version
		}
		return v
	}
	add := func(group, id, kind string, v m) {
		post("/groups/"+group+"/artifacts", m{"artifactId": id, "artifactType": kind, "firstVersion": v})
	}
	add("default", "orders-value", "AVRO", first("", order("int")))
	post("/groups/default/artifacts/orders-value/versions", first("", order("long")))
	add("default", "customers", "JSON", first("", `{"type":"object","properties":{"email":{"type":"string"}}}`))
	add("default", "events-value", "PROTOBUF", first("", "syntax = \"proto3\";\npackage shop;\nmessage Event { string name = 1; }\n"))
	add("default", "petstore", "OPENAPI", first("", `{"openapi":"3.0.0","info":{"title":"x","version":"1"},"paths":{}}`))
	post("/groups/default/artifacts", m{"artifactId": "empty-value", "artifactType": "AVRO"})
	add("default", "off-value", "AVRO", first("", order("int")))
	post("/groups/default/artifacts/off-value/versions/1/state", m{"state": "DISABLED"})
	add("default", "draft-value", "AVRO", first("", order("int")))
	draft := first("2", order("string"))
	draft["isDraft"] = true
	post("/groups/default/artifacts/draft-value/versions", draft)
	add("shop", "Order", "AVRO", first("1.0.0", order("int")))
	add("shop", "orders-Order", "AVRO", first("", order("double")))
	add("shop", "payments-value", "AVRO", first("", `{"type":"record","name":"Payment","namespace":"shop","fields":[{"name":"order","type":"shop.Order"}]}`,
		m{"groupId": "shop", "artifactId": "Order", "version": "1.0.0", "name": "shop.Order"}))
	add("default", "refunds-value", "AVRO", first("", `{"type":"record","name":"Refund","namespace":"shop","fields":[{"name":"order","type":"shop.Order"}]}`,
		m{"artifactId": "orders-value", "version": "1", "name": "shop.Order"}))
	post("/groups", m{"groupId": "we:ird grp/x"})
	add("we%3Aird%20grp%2Fx", "a/b:c", "JSON", first("", `{"type":"string"}`))
	post("/admin/rules", m{"ruleType": "COMPATIBILITY", "config": "BACKWARD"})
	post("/groups/shop/rules", m{"ruleType": "COMPATIBILITY", "config": "FORWARD"})
	post("/groups/shop/artifacts/payments-value/rules", m{"ruleType": "COMPATIBILITY", "config": "FULL"})
}

func order(kind string) string {
	return `{"type":"record","name":"Order","namespace":"shop","fields":[{"name":"id","type":"` + kind + `"}]}`
}

// replay answers what a real Apicurio has answered, and records it where one is given.
func replay(t *testing.T) http.HandlerFunc {
	answers := map[string]kept{}
	var mu sync.Mutex
	if *recordOf != "" {
		fill(t, *recordOf)
		t.Cleanup(func() {
			b, err := json.MarshalIndent(answers, "", " ")
			if err == nil {
				err = os.WriteFile(recorded, append(b, '\n'), 0o644)
			}
			if err != nil {
				t.Error(err)
			}
		})
	} else {
		b, err := os.ReadFile(recorded)
		if err == nil {
			err = json.Unmarshal(b, &answers)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		uri := r.URL.RequestURI()
		if *recordOf != "" {
			req, err := http.NewRequestWithContext(r.Context(), http.MethodGet, *recordOf+uri, nil)
			if err != nil {
				t.Error(err)
				return
			}
			req.Header = r.Header
			req.Header.Del("Accept-Encoding")
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Error(err)
			}
			answers[uri] = kept{resp.StatusCode, resp.Header.Get("Content-Type"), strings.ReplaceAll(string(body), *recordOf, "http://registry")}
		}
		is, have := answers[uri]
		if !have {
			t.Errorf("%s is not recorded: see -record", uri)
		}
		w.Header().Set("Content-Type", is.Type)
		w.WriteHeader(is.Status)
		_, _ = io.WriteString(w, is.Body)
	}
}

// sorted is what was told but of what is missing, sorted.
func sorted(told string) string {
	lines := strings.SplitAfter(told, "\n")
	lines = slices.DeleteFunc(lines, func(line string) bool { return line == "" || strings.HasPrefix(line, "missing ") })
	slices.Sort(lines)
	return strings.Join(lines, "")
}

// TestRecorded: what a real Apicurio has answered is read by each of its own interfaces, and what Confluent's has too
// is called as there.
func TestRecorded(t *testing.T) {
	w := newWorld(t)
	w.answers(replay(t))
	for _, x := range []struct{ path, group string }{
		{"", "FORWARD"},
		{"/apis/registry/v3", "FORWARD"},
		{"/apis/registry/", "FORWARD"},
		{"/apis/registry/v2", "BACKWARD"}, // which has no rules of groups
	} {
		w.to(x.path)
		told := w.rounds() + w.rounds() + w.rounds()
		w.is(sorted(told), strings.ReplaceAll(`
			blind of which topic these subjects of the registry are, since no topic of the cluster is called as they say: draft-value, events-value, refunds-value
			blind of which topic these subjects of the registry are, since no topic of the cluster is called as they say: draft-value, events-value, refunds-value, shop:payments-value
			blind of which topic these subjects of the registry are, since their name follows none of Apicurio's or Confluent's strategies: we%3Aird grp/x:a/b:c
			blind of which topic these subjects of the registry are, since they are called after a record, in a group that is called as its namespace (RecordIdStrategy), which any topic may hold: shop:Order
			blind what artifacts of the registry say of records that are not Avro, JSON Schema or Protobuf: OPENAPI 1
			blind what artifacts of the registry say of records that are not Avro, JSON Schema or Protobuf: OPENAPI 1
			customers v1 3 JSON BACKWARD of customers : : email string? 
			draft-value v1 1 AVRO BACKWARD of  : shop.Order: id int 
			events-value v1 4 PROTOBUF BACKWARD of  : shop.Event: name string? 
			orders-value v2 2 AVRO BACKWARD of orders value: shop.Order: id long 
			refunds-value v1 12 AVRO BACKWARD of  : shop.Refund: order record shop.Order, order.id int 
			shop:Order v0 1 AVRO GROUP of  : shop.Order: id int 
			shop:orders-Order v1 10 AVRO GROUP of orders : shop.Order: id double 
			shop:payments-value v1 11 AVRO FULL of  : shop.Payment: order record shop.Order, order.id int 
			we%3Aird grp/x:a/b:c v1 13 JSON BACKWARD of  : :  string 
		`, "GROUP", x.group))
	}
	w.to("/apis/ccompat/v7") // which says NONE of what has no rule of its own, whatever the registry's is
	w.is(sorted(w.rounds()+w.rounds()+w.rounds()), `
		blind of which topic these subjects of the registry are, since no topic of the cluster is called as they say: draft-value, events-value, refunds-value
		blind of which topic these subjects of the registry are, since their name follows none of Confluent's strategies: customers
		customers v1 3 JSON NONE of  : : email string? 
		draft-value v1 1 AVRO NONE of  : shop.Order: id int 
		events-value v1 4 PROTOBUF NONE of  : shop.Event: name string? 
		orders-value v2 2 AVRO NONE of orders value: shop.Order: id long 
		refunds-value v1 12 AVRO NONE of  : shop.Refund: order record shop.Order, order.id int 
	`)
}
