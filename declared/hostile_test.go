package declared

import (
	"fmt"
	"strings"
	"testing"
)

// TestSharedByMany holds that what thousands of operations refer to, by $ref or by alias, is not gone through, nor
// kept, as many times: of a large mapping each key is looked for once, and what makes too much of a small file is
// refused.
func TestSharedByMany(t *testing.T) {
	document := func(top string, operation func(n int) string) string {
		var b strings.Builder
		b.WriteString("asyncapi: 3.0.0\ninfo: {title: x}\nservers: {s: {host: h, protocol: kafka}}\n" + top + "operations:\n")
		for n := range 2_000 {
			fmt.Fprintf(&b, " o%d: {action: receive, %s}\n", n, operation(n))
		}
		return b.String()
	}
	var values []string
	for n := range 9_000 {
		values = append(values, fmt.Sprintf("v%04d", n))
	}
	list := "[" + strings.Join(values, ",") + "]"
	for name, c := range map[string]struct{ text, problem string }{
		"parameters": {document("x: {address: '{p}', parameters: {p: {enum: "+list+"}}}\n", func(int) string { return "channel: {$ref: '#/x'}" }), "the parameters of this file stand for too much"},
		"groups": {document("x: {groupId: {enum: "+list+"}}\n", func(n int) string {
			return fmt.Sprintf("channel: {address: t%d}, bindings: {kafka: {$ref: '#/x'}}", n)
		}), "groups and client ids are listed"},
		"aliases": {document("x: &x ["+strings.TrimSuffix(strings.Repeat("{a: b},", 9_000), ",")+"]\n", func(n int) string {
			return fmt.Sprintf("channel: {address: t%d}, traits: *x", n)
		}), "entries of lists are gone through"},
		"a large mapping": {document("x: {"+strings.Join(values, ": 1, ")+": {address: t}}\n", func(int) string { return "channel: {$ref: '#/x/v8999'}" }), ""},
	} {
		top, err := newParser(func(string) ([]byte, error) { return []byte(c.text), nil }, func(s string) string { return s }).open("a.yaml")
		if err != nil {
			t.Fatal(name, err)
		}
		_, flows, err := parseAsyncAPI(top)
		switch {
		case c.problem == "" && (err != nil || len(flows) != 2_000):
			t.Errorf("%s: %d flows, %v", name, len(flows), err)
		case c.problem != "" && (err == nil || !strings.Contains(err.Error(), c.problem)):
			t.Errorf("%s: %v", name, err)
		}
		if n := len(top.d.p.indexes); c.problem == "" && n > 10_000 {
			t.Errorf("%s: %d mappings were indexed", name, n)
		}
	}
}
