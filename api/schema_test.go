package api_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/99designs/gqlgen/graphql/introspection"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/lineaged/lineaged/api"
)

func TestIntrospection(t *testing.T) {
	store := newWorld(t).store
	open := serve(served{History: store, Identity: everybody, Log: quiet()})
	if status, body := ask(open, introspection.Query, ""); status != http.StatusOK || !strings.Contains(string(body), "TopicUsage") {
		t.Errorf("%d %.500s", status, body)
	}
	if _, body := ask(open, "{cluster{id}}", ""); !strings.Contains(string(body), "Did you mean") {
		t.Errorf("%s", body)
	}
	shut := serve(served{History: store, Identity: everybody, Log: quiet(), NoIntrospection: true})
	for _, q := range []string{introspection.Query, `{__type(name:"Topic"){name}}`, "{...f} fragment f on Query{__schema{types{name}}}", "{...{__schema{types{name}}}}"} {
		if status, body := ask(shut, q, ""); status != http.StatusBadRequest || strings.Contains(string(body), "TopicUsage") {
			t.Errorf("%s: %d %.500s", q, status, body)
		}
	}
	for _, q := range []string{
		"{cluster{id}}", "{clusters{i}}", "{nodes(txt:1){totalCount}}", "{clusters}", "{nodes(kinds:[TOPICS]){totalCount}}", "{clusters{...on Topics{id}}}",
		"query($a:Strin){nodes(text:$a){totalCount}}",
	} {
		if status, body := ask(shut, q, ""); status != http.StatusBadRequest || strings.Contains(string(body), "Did you mean") {
			t.Errorf("%s: %d %s", q, status, body)
		}
	}
	if status, body := ask(shut, "{__typename clusters{id __typename}}", ""); status != http.StatusOK {
		t.Errorf("%d %s", status, body)
	}
}

func TestSchemaSnapshot(t *testing.T) {
	h := serve(served{History: newWorld(t).store, Identity: everybody, Log: quiet()})
	_, body := ask(h, `{__schema{types{name kind enumValues{name} inputFields{name type{...t}} fields{name args{name defaultValue type{...t}} type{...t}} possibleTypes{name}}}}
		fragment t on __Type{kind name ofType{kind name ofType{kind name ofType{kind name}}}}`, "")
	var got struct {
		Data struct {
			Schema struct{ Types []schemaType } `json:"__schema"`
		}
	}
	if err := json.Unmarshal(body, &got); err != nil || len(got.Data.Schema.Types) == 0 {
		t.Fatalf("%v %.500s", err, body)
	}
	var b strings.Builder
	slices.SortFunc(got.Data.Schema.Types, func(a, b schemaType) int { return strings.Compare(a.Name, b.Name) })
	for _, x := range got.Data.Schema.Types {
		if !strings.HasPrefix(x.Name, "__") {
			x.write(&b)
		}
	}
	const file = "testdata/schema.txt"
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil || string(want) != b.String() {
		t.Errorf("%v: the schema is\n%s", err, &b)
	}
}

type typeRef struct {
	Kind, Name string
	OfType     *typeRef
}

func (r typeRef) String() string {
	switch r.Kind {
	case "NON_NULL":
		return r.OfType.String() + "!"
	case "LIST":
		return "[" + r.OfType.String() + "]"
	}
	return r.Name
}

type schemaField struct {
	Name string
	Args []struct {
		Name         string
		DefaultValue *string
		Type         typeRef
	}
	Type typeRef
}

type schemaType struct {
	Name, Kind    string
	EnumValues    []struct{ Name string }
	PossibleTypes []struct{ Name string }
	InputFields   []schemaField
	Fields        []schemaField
}

func (x schemaType) write(b *strings.Builder) {
	fmt.Fprintf(b, "%s %s\n", strings.ToLower(x.Kind), x.Name)
	for _, e := range x.EnumValues {
		fmt.Fprintf(b, "  %s\n", e.Name)
	}
	for _, p := range x.PossibleTypes {
		fmt.Fprintf(b, "  is %s\n", p.Name)
	}
	for _, f := range append(x.InputFields, x.Fields...) {
		var args []string
		for _, a := range f.Args {
			s := a.Name + ": " + a.Type.String()
			if a.DefaultValue != nil {
				s += " = " + *a.DefaultValue
			}
			args = append(args, s)
		}
		list := ""
		if len(args) > 0 {
			list = "(" + strings.Join(args, ", ") + ")"
		}
		fmt.Fprintf(b, "  %s%s: %s\n", f.Name, list, f.Type)
	}
}

func TestScalars(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"30s": 30 * time.Second, "10m": 10 * time.Minute, "4h": 4 * time.Hour, "7d": 168 * time.Hour, "1h30m": 90 * time.Minute, "2w": 336 * time.Hour,
		"1y": 8760 * time.Hour, "1d12h": 36 * time.Hour, "250ms": 250 * time.Millisecond, "1m500ms": time.Minute + 500*time.Millisecond, "0s": 0,
	} {
		if got, err := api.UnmarshalDuration(in); err != nil || got != want {
			t.Errorf("%s: %v %v", in, got, err)
		}
	}
	for _, in := range []any{"", "5", "s", "5 m", "-5m", "1.5h", "5m1h", "5m5m", "1000000y", "99999999999999999999s", 5, nil, "5M"} {
		if got, err := api.UnmarshalDuration(in); err == nil {
			t.Errorf("%v: %v", in, got)
		}
	}
	for in, want := range map[string]string{ // one that is too long is one, and what is wrong with it is that
		"99999999d": "is too long", "99999999999999999999s": "is too long", "1000000y": "is too long", "99999999dd": "is no duration", "99999999d1y": "is no duration", "99999999": "is no duration",
	} {
		if _, err := api.UnmarshalDuration(in); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want that it %s", in, err, want)
		}
	}
	for _, d := range []time.Duration{time.Second, 90 * time.Second, 36 * time.Hour, 400 * 24 * time.Hour, time.Minute + 3*time.Millisecond} {
		var b strings.Builder
		api.MarshalDuration(d).MarshalGQL(&b)
		if back, err := api.UnmarshalDuration(strings.Trim(b.String(), `"`)); err != nil || back != d {
			t.Errorf("%v is written %s and read %v, %v", d, &b, back, err)
		}
	}
	if got, err := api.UnmarshalTime("2026-11-22T21:00:00.5+01:00"); err != nil || !got.Equal(time.Date(2026, 11, 22, 20, 0, 0, 5e8, time.UTC)) || got.Location() != time.UTC {
		t.Errorf("%v %v", got, err)
	}
	for _, in := range []any{"2026-11-22", "2026-11-22T20:00:00", "0001-01-01T00:00:00Z", "9999-01-01T00:00:00Z", "now", 5, nil} {
		if got, err := api.UnmarshalTime(in); err == nil {
			t.Errorf("%v: %v", in, got)
		}
	}
	var b strings.Builder
	api.MarshalInt64(1<<62 + 1).MarshalGQL(&b)
	if b.String() != `"4611686018427387905"` {
		t.Error(b.String())
	}
}

func TestUIPassesTheLimits(t *testing.T) {
	var all strings.Builder
	err := filepath.WalkDir("../ui/src", func(file string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(file) != ".graphql" {
			return err
		}
		b, err := os.ReadFile(file)
		all.Write(b)
		return err
	})
	if err != nil || all.Len() == 0 {
		t.Fatal("the UI's operations are not found", err)
	}
	doc, err := parser.ParseQuery(&ast.Source{Input: all.String()})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		w := shop(t, 30)
		time.Sleep(time.Until(round(30)) + time.Second)
		h := serve(served{History: w.store, Identity: everybody, Clusters: shopConfig, Log: quiet()})
		for _, op := range doc.Operations {
			// One comes over a websocket, see TestLiveTellsOfChanges, the other is an edit, see TestEditsAreRefused.
			if op.Operation == ast.Subscription || op.Operation == ast.Mutation {
				continue
			}
			// One operation and the fragments that it needs, as the UI sends it.
			needed := map[string]bool{}
			var need func(ast.SelectionSet)
			need = func(set ast.SelectionSet) {
				for _, s := range set {
					switch s := s.(type) {
					case *ast.Field:
						need(s.SelectionSet)
					case *ast.InlineFragment:
						need(s.SelectionSet)
					case *ast.FragmentSpread:
						if !needed[s.Name] {
							needed[s.Name] = true
							need(doc.Fragments.ForName(s.Name).SelectionSet)
						}
					}
				}
			}
			need(op.SelectionSet)
			one := &ast.QueryDocument{Operations: ast.OperationList{op}}
			for _, f := range doc.Fragments {
				if needed[f.Name] {
					one.Fragments = append(one.Fragments, f)
				}
			}
			var text strings.Builder
			formatter.NewFormatter(&text).FormatQueryDocument(one)
			vars := map[string]any{}
			for _, v := range op.VariableDefinitions {
				switch v.Variable {
				case "window":
					vars["window"] = map[string]any{"last": "10m"}
				case "roots":
					vars["roots"] = []string{"topic:west/orders"}
				case "ids": // as many as are followed into the past at once
					vars["ids"] = slices.Repeat([]string{"topic:west/gone"}, 10)
				case "id":
					vars["id"] = map[bool]string{true: "topic:west/orders->application:shop/billing", false: "topic:west/orders"}[op.Name == "FlowDetail"]
				case "lose":
					vars["lose"] = []string{"topic:west/orders", "cluster:west"}
				case "tag":
					vars["tag"] = "pii"
				case "scope":
					vars["scope"] = map[string]any{"cluster": "west"}
				case "topic", "root", "from", "node":
					vars[v.Variable] = "topic:west/orders"
				case "field":
					vars["field"] = "topic:west/orders#value.email"
				case "to":
					vars["to"] = "topic:west/payments"
				case "direction":
					vars["direction"] = "BOTH"
				case "depth":
					vars["depth"] = 15
				case "limit":
					vars["limit"] = 1000
				case "first", "sourcesFirst":
					vars[v.Variable] = 200
				case "text":
					vars["text"] = "o"
				case "fold":
					vars["fold"] = 8
				case "buckets":
					vars["buckets"] = 400
				case "cluster":
					vars["cluster"] = "west"
				case "quiet":
					vars["quiet"] = "1h"
				case "factor":
					vars["factor"] = 2
				case "metricOut":
					vars["metricOut"] = "RECORDS_OUT_PER_SECOND"
				default:
					switch v.Type.Name() {
					case "Metric":
						vars[v.Variable] = "RECORDS_IN_PER_SECOND"
					case "Boolean":
						vars[v.Variable] = true
					case "Window":
						vars[v.Variable] = map[string]any{"last": "10m"}
					case "GroupBy", "UsageGroupBy":
						vars[v.Variable] = "CLUSTER"
					case "BillGrouping":
						vars[v.Variable] = "OWNER_AND_TOPIC"
					case "Duration":
						vars[v.Variable] = "1h"
					case "Float":
						vars[v.Variable] = 2
					case "Int":
						vars[v.Variable] = 60
					}
				}
			}
			b, err := json.Marshal(vars)
			if err != nil {
				t.Fatal(err)
			}
			if status, body := ask(h, text.String(), string(b)); status != http.StatusOK || strings.Contains(string(body), `"errors"`) {
				t.Errorf("%s: %d %.500s", op.Name, status, body)
			}
		}
	})
}

// TestEveryAnswerHasCoverage goes through the root fields: what is answered of a window says what was observed of it.
func TestEveryAnswerHasCoverage(t *testing.T) {
	text, err := os.ReadFile("../schema.graphqls")
	if err != nil {
		t.Fatal(err)
	}
	schema, err := gqlparser.LoadSchema(&ast.Source{Input: string(text)})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range schema.Query.Fields {
		answer := schema.Types[f.Type.Name()]
		if f.Arguments.ForName("window") == nil || answer.Name == "Coverage" || answer.Name == "LineageVersion" {
			continue // a version says nothing of what was observed
		}
		if f.Type.Elem != nil || answer.Fields.ForName("coverage") == nil {
			t.Errorf("%s answers %s, which has no coverage", f.Name, f.Type)
		}
	}
}
