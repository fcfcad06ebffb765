package runevent

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzShortcuts holds what is quick against what is plain: a body's parts against encoding/json, and what is not looked
// for in a name against looking for it.
func FuzzShortcuts(f *testing.F) {
	for _, text := range []string{
		`{"a":1,"a":"x\u00e9\\","b":{"c":[]},"d":null," e ":" f "}`, `[{"a":1},[],null,"x,]",-1.5e3, true ]`, ` { "inputs" : null } `, `null`, `7`, `""`,
		`{"a\"b":"\ud800","c\\":"\\\""}`, "user:pw@host", "jdbc:oracle:thin:u/p@h", "a://u:p/w@h/x", "password = x y", `{"token":"x"}`, "secret:\tx", "pwd:x", "sig=",
		"postgres://db:5432", "a://b:c", `'secret': 'x'`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if got, want := cleanSettings(text), setting.ReplaceAllString(text, "${1}"+Redacted); got != want {
			t.Errorf("cleaned %q is %q, want %q", text, got, want)
		}
		if !strings.Contains(text, "@") && (bare.MatchString(text) || thin.MatchString(text)) {
			t.Errorf("%q has a user, and no @", text)
		}
		if readable([]byte(text)) != nil || !utf8.ValidString(text) { // what is not, encoding/json mends in names
			return
		}
		var object map[string]json.RawMessage
		_ = json.Unmarshal([]byte(text), &object)
		got := members(text)
		if len(got) != len(object) || (got == nil) != (object == nil) {
			t.Fatalf("members of %s are %q, want %q", text, got, object)
		}
		for name, value := range object {
			if got[name] != string(value) {
				t.Errorf("member %q of %s is %s, want %s", name, text, got[name], value)
			}
			want, is := "", false
			if got.has(name) {
				is = json.Unmarshal(value, &want) == nil
			}
			if s, ok := got.text(name); ok != is || ok && s != want {
				t.Errorf("text %q of %s is %q, %v, want %q, %v", name, text, s, ok, want, is)
			}
		}
		var list []json.RawMessage
		err := json.Unmarshal([]byte(text), &list)
		all, ok := elements(text)
		if ok != (err == nil) || len(all) != len(list) {
			t.Fatalf("elements of %s are %q, %v, want %q, %v", text, all, ok, list, err)
		}
		for i := range list {
			if all[i] != string(list[i]) {
				t.Errorf("element %d of %s is %s, want %s", i, text, all[i], list[i])
			}
		}
	})
}
