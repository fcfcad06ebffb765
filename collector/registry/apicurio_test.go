package registry

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// to moves a world to another address of the same fake, as if it began.
func (w *world) to(path string) {
	w.sink, w.at, w.cfg.URLs = positions{}, t0, []string{w.URL + path}
	w.restart()
}

// own answers as Apicurio's interface version 3, of openapi.json, does, and nothing else.
type own struct {
	artifacts map[string]*ownArtifact // by GROUP/ID, as they stand in a path
	rules     map[string]string       // by what they are of
	page      int                     // artifacts in one answer at most; 0: what is asked for
	refuse    map[string]int          // status by path
	asked     []string
}

type ownArtifact struct {
	kind     string
	versions []ownVersion
}

type ownVersion struct {
	name, text string
	id         int
	refs       []any
}

func (o *own) put(at, kind, name, text string) {
	x := o.artifacts[at]
	if x == nil {
		x = &ownArtifact{kind: kind}
		o.artifacts[at] = x
	}
	x.versions = append(x.versions, ownVersion{name, text, 10*len(o.artifacts) + len(x.versions), []any{}})
}

func (o *own) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	say := func(status int, x any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(x)
	}
	none := func() { say(http.StatusNotFound, map[string]any{"status": 404, "name": "ArtifactNotFoundException"}) }
	path, in := strings.CutPrefix(r.URL.EscapedPath(), "/apis/registry/v3")
	o.asked = append(o.asked, r.Method+" "+r.URL.EscapedPath())
	switch status := o.refuse[path]; {
	case !in:
		none()
		return
	case status != 0:
		say(status, map[string]any{"status": status})
		return
	case path == "/system/info":
		say(http.StatusOK, map[string]string{"name": "Apicurio Registry (In Memory)", "version": "3.0.9"})
		return
	case path == "/search/artifacts":
		o.list(r.URL.Query(), say)
		return
	}
	if of, ok := strings.CutSuffix(path, "/rules/COMPATIBILITY"); ok {
		if level := o.rules[of]; level != "" {
			say(http.StatusOK, map[string]string{"ruleType": "COMPATIBILITY", "config": level})
			return
		}
		none()
		return
	}
	p := strings.Split(strings.TrimPrefix(path, "/groups/"), "/")
	if len(p) < 5 || p[1] != "artifacts" || p[3] != "versions" {
		none()
		return
	}
	o.version(p, say, none, w)
}

func (o *own) version(p []string, say func(int, any), none func(), w http.ResponseWriter) {
	x := o.artifacts[p[0]+"/"+p[2]]
	if x == nil {
		none()
		return
	}
	for i, v := range x.versions {
		newest := p[4] == "branch=latest" && i == len(x.versions)-1
		switch {
		case p[4] != v.name && !newest:
		case len(p) == 5:
			say(http.StatusOK, map[string]any{"version": v.name, "artifactType": x.kind, "globalId": v.id, "contentId": v.id, "state": "ENABLED", "artifactId": p[2], "groupId": p[0]})
			return
		case p[5] == "content":
			w.Header().Set("Content-Type", "application/x-protobuf")
			_, _ = w.Write([]byte(v.text))
			return
		case p[5] == "references":
			say(http.StatusOK, v.refs)
			return
		}
	}
	none()
}

func (o *own) list(q url.Values, say func(int, any)) {
	all := []map[string]string{}
	for at, x := range o.artifacts {
		group, id, _ := strings.Cut(at, "/")
		if g := q.Get("groupId"); g != "" && g != group {
			continue
		}
		a := map[string]string{"artifactId": id, "artifactType": x.kind}
		if group != "default" {
			a["groupId"] = group
		}
		all = append(all, a)
	}
	slices.SortFunc(all, func(a, b map[string]string) int {
		return strings.Compare(a["artifactId"]+"/"+a["groupId"], b["artifactId"]+"/"+b["groupId"])
	})
	offset, _ := strconv.Atoi(q.Get("offset"))
	limit, _ := strconv.Atoi(q.Get("limit"))
	if o.page > 0 {
		limit = min(limit, o.page)
	}
	part := all[min(offset, len(all)):min(offset+limit, len(all))]
	say(http.StatusOK, map[string]any{"count": len(all), "artifacts": part})
}

// ownWorld is a world whose registry answers Apicurio's own interface alone, at the root.
func ownWorld(t *testing.T) (*world, *own) {
	o := &own{artifacts: map[string]*ownArtifact{}, rules: map[string]string{}, refuse: map[string]int{}}
	w := newWorld(t)
	w.answers(o.ServeHTTP)
	w.to("")
	return w, o
}

// TestOwnLife: artifacts come, change and go, and each is told once, over a restart too; a version may have a name.
func TestOwnLife(t *testing.T) {
	w, o := ownWorld(t)
	o.put("default/orders", "AVRO", "1", record(`{"name":"id","type":"int"}`))
	o.put("shop/customers-Order", "AVRO", "1.0.0", record(`{"name":"id","type":"int"}`))
	o.rules["/groups/shop"] = "FULL"
	w.is(w.rounds(), `
		orders v1 10 AVRO NONE of orders : shop.Order: id int 
		shop:customers-Order v0 20 AVRO FULL of customers : shop.Order: id int 
	`)
	w.is(w.rounds(), "")
	o.put("default/orders", "AVRO", "2", record(`{"name":"id","type":"long"}`))
	o.put("shop/customers-Order", "AVRO", "1.1.0", record(``))
	o.put("default/customers-key", "JSON", "1", `{"type":"string"}`)
	w.restart()
	w.is(w.rounds(), `
		customers-key v1 30 JSON NONE of customers key: :  string 
		orders v2 21 AVRO NONE of orders : shop.Order: id long 
		shop:customers-Order v0 21 AVRO FULL of customers : shop.Order:  
		event SCHEMA_CHANGED customers the subject customers-key is new in the registry registry-west
		event SCHEMA_CHANGED orders the subject orders has version 2, and had 1; changed: id (long, was int)
		event SCHEMA_CHANGED customers the subject shop:customers-Order has version 1.1.0, and had 1.0.0; without: id
	`)
	delete(o.artifacts, "shop/customers-Order")
	o.rules["/groups/default/artifacts/orders"] = "BACKWARD"
	w.is(w.rounds(), `
		gone shop:customers-Order
		orders v2 21 AVRO BACKWARD of orders : shop.Order: id long 
		event SCHEMA_CHANGED customers the subject shop:customers-Order is gone from the registry registry-west
		event SCHEMA_CHANGED orders the compatibility of the subject orders is BACKWARD, and was NONE
	`)
}

// TestAnotherInterface: what is told of a subject by another interface is no change of it, also where it is looked at
// only after a restart.
func TestAnotherInterface(t *testing.T) {
	w, o := ownWorld(t)
	w.answers(nil)
	w.to("/apis/ccompat/v7")
	for _, name := range []string{"orders-value", "customers-value"} {
		w.register(name, "JSON", `{"type":"string"}`)
		o.put("default/"+name, "JSON", "1.0.0", `{"type":"string"}`)
	}
	w.is(w.rounds(), `
		customers-value v1 101 JSON BACKWARD of customers value: :  string 
		orders-value v1 100 JSON BACKWARD of orders value: :  string 
	`)
	const unseen = "/groups/default/artifacts/customers-value/versions/branch=latest"
	o.refuse[unseen] = http.StatusInternalServerError
	w.answers(o.ServeHTTP)
	w.cfg.Type, w.cfg.URLs = Apicurio, []string{w.URL}
	w.restart()
	if got := w.rounds(); strings.Contains(got, "event SCHEMA_CHANGED") || !strings.Contains(got, "orders-value v0 10 JSON NONE") {
		t.Errorf("told %s", got)
	}
	delete(o.refuse, unseen)
	w.restart()
	w.is(w.rounds(), `
		customers-value v0 20 JSON NONE of customers value: :  string 
		orders-value v0 10 JSON NONE of orders value: :  string 
	`)
	o.put("default/orders-value", "JSON", "1.1.0", `{"type":"number"}`)
	w.is(w.rounds(), `
		orders-value v0 21 JSON NONE of orders value: :  number 
		event SCHEMA_CHANGED orders the subject orders-value has version 1.1.0, and had 1.0.0; changed:  (number, was string)
	`)
}

// TestOwnPages: a list of several pages is read to its end, and does not tell alone that something is gone, since what
// goes between two pages hides another.
func TestOwnPages(t *testing.T) {
	w, o := ownWorld(t)
	for i := range 7 {
		o.put(fmt.Sprintf("default/s%d", i), "JSON", "1", `{"type":"string"}`)
	}
	o.page = 3
	told := w.rounds() + w.rounds()
	for i := range 7 {
		if !strings.Contains(told, fmt.Sprintf("s%d v1", i)) {
			t.Errorf("s%d was not told in %s", i, told)
		}
	}
	all := o.artifacts
	hidden := map[string]*ownArtifact{}
	for at, x := range all {
		if at != "default/s1" && at != "default/s5" {
			hidden[at] = x
		}
	}
	w.answers(func(rw http.ResponseWriter, r *http.Request) { // s5 is hidden, s1 is gone
		o.artifacts = hidden
		if !strings.Contains(r.URL.Path, "/search/") {
			o.artifacts = map[string]*ownArtifact{"default/s5": all["default/s5"]}
			maps.Copy(o.artifacts, hidden)
		}
		o.ServeHTTP(rw, r)
	})
	w.is(w.rounds()+w.rounds(), `
		gone s1
		blind of which topic these subjects of the registry are, since their name follows none of Apicurio's or Confluent's strategies: s0, s2, s3, s4, s5 and 1 more
		event SCHEMA_CHANGED  the subject s1 is gone from the registry registry-west
	`)
	o.page = 0
	for i := range mostPages * 2 {
		hidden[fmt.Sprintf("default/t%d", i)] = all["default/s0"]
	}
	o.page, o.asked = 1, nil
	w.round()
	lists := 0
	for _, asked := range o.asked {
		if strings.HasSuffix(asked, "/search/artifacts") {
			lists++
		}
	}
	if lists != mostPages {
		t.Errorf("%d requests for one list", lists)
	}
}

// TestOwnGroups: one group is read where it is named; else all, but those that another entry reads.
func TestOwnGroups(t *testing.T) {
	w, o := ownWorld(t)
	for _, at := range []string{"default/orders-value", "shop/orders-value", "x/orders-value"} {
		o.put(at, "JSON", "1", `{"type":"string"}`)
	}
	w.cfg.Group = "shop"
	w.to("")
	w.is(w.rounds(), "orders-value v1 20 JSON NONE of orders value: :  string \n")
	w.cfg.Group, w.cfg.Leave = "", []string{"shop"}
	w.restart() // under the same name: what others are there now were not made now, and none was deleted
	w.is(w.rounds(), `
		orders-value v1 10 JSON NONE of orders value: :  string 
		x:orders-value v1 30 JSON NONE of orders value: :  string 
	`)
	a, b := newApicurio(nil, &Config{}, false), newApicurio(nil, &Config{Group: "a"}, false)
	names := map[string]bool{}
	for _, group := range []string{"default", "a", "a:b", "a%3Ab", "%"} {
		for _, id := range []string{"x", "b:x", "a:x", ":x"} {
			name := a.name(group, id)
			if g, i := a.artifact(name); g != group || i != id || names[name] {
				t.Errorf("%q %q is called %q, which is %q %q", group, id, name, g, i)
			}
			names[name] = true
			if g, i := b.artifact(b.name("a", id)); g != "a" || i != id {
				t.Errorf("of the group a %q is %q %q", id, g, i)
			}
		}
	}
}

// TestOwnRights: what may not be asked is not known, and said; it is not the registry's.
func TestOwnRights(t *testing.T) {
	w, o := ownWorld(t)
	o.put("default/orders-value", "JSON", "1", `{"type":"string"}`)
	o.refuse["/admin/rules/COMPATIBILITY"] = http.StatusForbidden
	w.is(w.rounds(), `
		orders-value v1 10 JSON  of orders value: :  string 
		blind the compatibility rules of the registry as a whole, which the registry refuses to tell
	`)
	delete(o.refuse, "/admin/rules/COMPATIBILITY")
	o.refuse["/groups/default/artifacts/orders-value/rules/COMPATIBILITY"] = http.StatusForbidden
	w.to("")
	w.is(w.rounds(), `
		orders-value v1 10 JSON  of orders value: :  string 
		blind the compatibility rules of single subjects, which the registry refuses to tell
	`)
}

// TestOwnFaults: a schema without end, HTML in its place, another server's JSON.
func TestOwnFaults(t *testing.T) {
	w, o := ownWorld(t)
	o.put("default/orders-value", "JSON", "1", `{"type":"string"}`)
	instead := func(part string, answer http.HandlerFunc) {
		w.answers(func(rw http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, part) {
				answer(rw, r)
				return
			}
			o.ServeHTTP(rw, r)
		})
		w.to("")
	}
	html := func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write([]byte("<html>" + canary)) }
	instead("/content", html)
	w.is(w.round(), `missing schemas of orders-value: URL: answers "text/html" and not JSON: is it the REST interface of a schema registry?`+"\n")
	instead("/content", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		_, _ = rw.Write(bytes.Repeat([]byte(" "), mostBytes+1))
	})
	w.is(w.round(), `
		orders-value v0 0  NONE of orders value: :  its text is larger than can be read
		blind the columns of these subjects of the registry, whose schemas can't be read: orders-value
	`)
	instead("/search", func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "application/json")
		_, _ = rw.Write([]byte(`{"` + canary + `":1}`))
	})
	w.is(w.round(), "event SOURCE_LOST  registry-west/schemas: URL: the answer is not the JSON of a schema registry\nmissing URL: the answer is not the JSON of a schema registry\n")
	instead("", html)
	const nobody = `URL: answers "text/html" and not JSON: is it the REST interface of a schema registry?; nor does it answer Apicurio's own`
	w.is(w.round(), "event SOURCE_LOST  registry-west/schemas: "+nobody+"\nmissing "+nobody+"\n")
	w.is(w.round(), "missing "+nobody+"\n")
	w.answers(o.ServeHTTP)
	w.is(w.round(), "orders-value v1 10 JSON NONE of orders value: :  string \nevent SOURCE_RECOVERED  registry-west/schemas\n")
}

// TestDetection: which interface answers is found with one question for each, said once, and found anew where it goes.
// A server that is down is none of them.
func TestDetection(t *testing.T) {
	w, o := ownWorld(t)
	o.put("default/orders-value", "JSON", "1", `{"type":"string"}`)
	var log bytes.Buffer
	w.cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
	w.to("")
	w.answers(func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusServiceUnavailable) })
	w.asked = nil
	w.round()
	if len(w.asked) != 1 {
		t.Errorf("asked a server that is down %q", w.asked)
	}
	w.answers(o.ServeHTTP)
	o.asked = nil
	w.round()
	if want := []string{"GET /subjects", "GET /apis/registry/v3/system/info", "GET /apis/registry/v3/search/artifacts"}; !slices.Equal(o.asked[:3], want) {
		t.Errorf("asked %q", o.asked)
	}
	w.rounds()
	if n := strings.Count(log.String(), "a schema registry is read"); n != 1 || !strings.Contains(log.String(), "Apicurio's interface v3") {
		t.Errorf("said %d times: %s", n, log.String())
	}
	w.answers(nil) // Confluent's, at the address's root
	w.to("/apis/ccompat/v7")
	w.register("orders-value", "JSON", `{"type":"string"}`)
	w.is(w.round(), "orders-value v1 100 JSON BACKWARD of orders value: :  string \n")

	for _, x := range []struct{ kind, url, want string }{
		{"", "http://a", "Confluent's interface http://a, Apicurio's interface v3 http://a/apis/registry/v3, Apicurio's interface v2 http://a/apis/registry/v2"},
		{"", "http://a/apis/ccompat/v7", "Confluent's interface http://a/apis/ccompat/v7"},
		{Apicurio, "http://a/x/apis/ccompat/v7/", "Apicurio's interface v3 http://a/x/apis/registry/v3, Apicurio's interface v2 http://a/x/apis/registry/v2"},
		{Apicurio, "http://a/apis/registry/v2", "Apicurio's interface v2 http://a/apis/registry/v2"},
		{Confluent, "http://a", "Confluent's interface http://a"},
		{Confluent, "http://a/apis/registry/v3", "its type is confluent, and its address Apicurio's own interface"},
	} {
		doors, err := doorsOf(&Config{Type: x.kind, URLs: []string{x.url}})
		var got []string
		for _, d := range doors {
			got = append(got, d.what+" "+d.urls[0])
		}
		if err != nil {
			got = []string{err.Error()}
		}
		if strings.Join(got, ", ") != x.want {
			t.Errorf("%s %s: %q", x.kind, x.url, got)
		}
	}
	if _, err := doorsOf(&Config{URLs: []string{"http://a", "http://b/apis/registry/v3"}}); err == nil {
		t.Error("addresses of different interfaces")
	}
}

// TestOwnNaming: an artifact's topic is told by Apicurio's strategies too, where one reading alone is left.
func TestOwnNaming(t *testing.T) {
	a := newApicurio(nil, &Config{}, false)
	there := map[string]bool{"orders": true, "Order": true, "orders-value": true, "x": true}
	for _, x := range []struct{ subject, record, want string }{
		{"x-value", "shop.Order", "x value 1 "},
		{"x", "shop.Order", "x  4 "},
		{"shop:x", "", "x  4 "},
		{"shop:Refund", "shop.Refund", "  5 " + whyRecordID},
		{"shop:orders-Refund", "shop.Refund", "orders  6 "},
		{"orders-shop.Refund", "shop.Refund", "orders  3 "},
		{"shop.Refund", "shop.Refund", "  2 " + whyRecord},
		{"shop:Order", "shop.Order", "  0 " + whyTwo},   // a topic is called so too
		{"orders-value", "shop.Order", "  0 " + whyTwo}, // the value of orders, or all of orders-value
		{"other:orders-Refund", "shop.Refund", "  0 " + whyOtherID},
		{"gone-value", "", "  0 " + whyNoTopic},
	} {
		is := a.of(x.subject, x.record, topics{there: func(topic string) bool { return there[topic] }})
		if got := fmt.Sprintf("%s %s %d %s", is.topic, is.part, is.strategy, is.why); got != x.want {
			t.Errorf("%s of %q: %q, want %q", x.subject, x.record, got, x.want)
		}
	}
}

// TestSaved: what is saved is read again, and by an older version as long as versions are numbers.
func TestSaved(t *testing.T) {
	for _, s := range []saved{{3, "FULL", ""}, {0, "", "1.0.0"}} {
		if got, err := decode(s.encode()); err != nil || got != s {
			t.Errorf("%+v is read as %+v, %v", s, got, err)
		}
	}
	if b := (saved{3, "FULL", ""}).encode(); b[0] != 1 {
		t.Errorf("a number is saved in version %d", b[0])
	}
	if _, err := decodeScope(encodeScope("a")[1:]); err == nil {
		t.Error("half a scope is read")
	}
}
