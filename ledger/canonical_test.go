package ledger

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// TestFieldsAreInOrder holds what canonical takes for granted: that each type's fields stand in the order of their
// keys, that none may be left out, and that none is a fraction or a map.
func TestFieldsAreInOrder(t *testing.T) {
	seen := map[reflect.Type]bool{}
	var look func(reflect.Type)
	look = func(typ reflect.Type) {
		if seen[typ] || typ == reflect.TypeFor[Instant]() || typ.PkgPath() != "" && typ.PkgPath() != reflect.TypeFor[Usage]().PkgPath() {
			return
		}
		seen[typ] = true
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Array:
			look(typ.Elem())
		case reflect.Struct:
			before := ""
			for f := range typ.Fields() {
				if !f.IsExported() {
					continue // it writes itself
				}
				key := f.Tag.Get("json")
				if key <= before || strings.ContainsAny(key, ",-") {
					t.Errorf("%s.%s: the key %q is after %q", typ, f.Name, key, before)
				}
				before = key
				look(f.Type)
			}
		case reflect.String, reflect.Bool, reflect.Int, reflect.Int64, reflect.Uint8:
		default:
			t.Errorf("%s has no place in an entry", typ)
		}
	}
	for _, v := range []any{Usage{}, Withdrawal{}, Coverage{}, Change{}, topicsEntry{}, closeEntry{}, Opening{}, head{}, line{}, seal{}} {
		look(reflect.TypeOf(v))
	}
	if len(seen) < 15 {
		t.Errorf("only %d types were looked at", len(seen))
	}
}

func TestStrings(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		got, err := canonical(BlindSpot{What: in})
		if err != nil {
			t.Fatal(err)
		}
		if whole := `{"source":"","what":"` + want + `"}`; string(got) != whole {
			t.Errorf("%q is written as %s, not %s", in, got, whole)
		}
		var back BlindSpot
		if err := read(got, &back); err != nil || back.What != strings.ToValidUTF8(in, "\uFFFD") && utf8.ValidString(in) {
			t.Errorf("%q is read as %q: %v", in, back.What, err)
		}
	}
	f("", "")
	f(`a"b\c/d`, `a\"b\\c/d`)
	f("\b\t\n\f\r", `\b\t\n\f\r`)
	f("\x00\x01\x1f\x7f", "\\u0000\\u0001\\u001f\x7f")
	f("<b>&amp;</b>", "<b>&amp;</b>")
	f("\u2028\u2029", "\u2028\u2029")
	f(`\u2028 \u003c`, `\\u2028 \\u003c`)
	f("שלום مرحبا \u202e😀", "שלום مرحبا \u202e😀")
	f("a\xffb\xc0\xaf\xed\xa0\x80", "a\uFFFDb\uFFFD\uFFFD\uFFFD\uFFFD\uFFFD")
	f("\uFFFD", "\uFFFD")
	f("é e\u0301", "é e\u0301") // not normalised
}

func TestRead(t *testing.T) {
	const good = `{"before":1,"text":"a"}`
	type pair struct {
		Before int64  `json:"before"`
		Text   string `json:"text"`
	}
	f := func(in string, ok bool) {
		t.Helper()
		if err := read([]byte(in), &pair{}); (err == nil) != ok {
			t.Errorf("%q: %v", in, err)
		}
	}
	f(good, true)
	f(`{"before":-9223372036854775808,"text":"\u0000"}`, true)
	f(`{"before":9223372036854775807,"text":"\u2028"}`, false)
	for _, number := range []string{"9223372036854775808", "-9223372036854775809", "1.0", "1e0", "-0", "01", "+1", "1E2", "0.5", "NaN", `"1"`, "null", "true", "{}", " 1"} {
		f(`{"before":`+number+`,"text":"a"}`, false)
	}
	for _, text := range []string{`"\/"`, `"\u0041"`, `"\ud800"`, `"\udc00\ud800"`, `"\ud83d\ude00"`, `"\U0001"`, "\"\xff\"", "\"\xed\xa0\x80\"", "\"\x01\"", `"\u001F"`, `"\u0009"`, "null", "1", `["a"]`, `'a'`} {
		f(`{"before":1,"text":`+text+`}`, false)
	}
	for _, whole := range []string{
		"", " ", "null", "[]", `"a"`, `{}`, good + " ", good + "\n", " " + good, good + good, good + "\x00", "\ufeff" + good,
		`{"text":"a","before":1}`, `{"before":1}`, `{"before":1,"before":1,"text":"a"}`, `{"before":2,"before":1,"text":"a"}`, `{"Before":1,"text":"a"}`,
		`{"before":1,"text":"a","TEXT":"a"}`, `{"before":1,"text":"a","more":null}`, `{"before": 1,"text":"a"}`, `{"before":1,"text":"a",}`, `{"before":1,"te\u0078t":"a"}`,
	} {
		f(whole, false)
	}
}

func TestInstants(t *testing.T) {
	f := func(at time.Time, want string) {
		t.Helper()
		got, err := canonical(Period{End: At(at), Start: At(at)})
		if err != nil || string(got) != `{"end":"`+want+`","start":"`+want+`"}` {
			t.Fatalf("%s is written as %s: %v", at, got, err)
		}
		var back Period
		if err := read(got, &back); err != nil || back.Start != At(at) {
			t.Errorf("%s is read as %s: %v", got, back.Start, err)
		}
	}
	f(midnight, "2026-11-01T00:00:00Z")
	f(midnight.Add(120*time.Millisecond), "2026-11-01T00:00:00.12Z")
	f(midnight.Add(1999999), "2026-11-01T00:00:00.001Z")
	f(midnight.In(time.FixedZone("", 3600)), "2026-11-01T00:00:00Z")
	f(time.Time{}, "0001-01-01T00:00:00Z")
	for _, bad := range []string{"2026-11-01T00:00:00.120Z", "2026-11-01T00:00:00+00:00", "2026-11-01t00:00:00z", "2026-11-01T00:00:00.0001Z", "2026-11-01T00:00:00,1Z", "2026-11-01T24:00:00Z", "2026-02-30T00:00:00Z", ""} {
		if err := read([]byte(`{"end":"`+bad+`","start":"`+bad+`"}`), &Period{}); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
	if _, err := canonical(At(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))); err == nil {
		t.Error("the year 10000 is written")
	}
}

// FuzzRead holds that what is read has one form only.
func FuzzRead(f *testing.F) {
	u := use("west/orders", Write, "shop", 7)
	u.Type, u.V = typeUsage, version
	u.notNil()
	seed, err := canonical(&u)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add([]byte(`{"amends":7,"node":"a","operation":"read","period":{"end":"2026-11-01T00:00:00Z","start":"2026-11-01T00:00:00Z"},"topic":"t","type":"withdrawal","v":1}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, into := range []any{&Usage{}, &Withdrawal{}, &Coverage{}, &topicsEntry{}, &closeEntry{}, &head{}, &line{}} {
			if read(data, into) != nil {
				continue
			}
			again, err := canonical(into)
			if err != nil || !bytes.Equal(again, data) {
				t.Fatalf("%q is read, and written as %q: %v", data, again, err)
			}
			if !utf8.Valid(data) || bytes.Contains(data, []byte(`\/`)) {
				t.Fatalf("%q is read", data)
			}
		}
	})
}

// FuzzString holds that any text is written in one form, and read as it was.
func FuzzString(f *testing.F) {
	f.Add("a\u2028\x00\\u2028<\xff")
	f.Fuzz(func(t *testing.T, s string) {
		data, err := canonical(BlindSpot{What: s})
		if err != nil {
			t.Fatal(err)
		}
		var back BlindSpot
		if err := read(data, &back); err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		if utf8.ValidString(s) && back.What != s {
			t.Fatalf("%q is read as %q", s, back.What)
		}
	})
}

// TestUsageIsWrittenOneWay holds the forms that are written by hand against encoding/json's.
func TestUsageIsWrittenOneWay(t *testing.T) {
	draw := rand.New(rand.NewPCG(1, 2))
	text := func() string {
		s := make([]byte, draw.IntN(6))
		for i := range s {
			s[i] = byte(draw.IntN(256))
		}
		return string(s) + []string{"", "\u2028", "é", "<>&", "\x7f"}[draw.IntN(5)]
	}
	var fill func(reflect.Value)
	fill = func(v reflect.Value) {
		switch v.Kind() {
		case reflect.Pointer:
			if draw.IntN(3) > 0 {
				v.Set(reflect.New(v.Type().Elem()))
				fill(v.Elem())
			}
		case reflect.Slice:
			if n := draw.IntN(4) - 1; n >= 0 {
				v.Set(reflect.MakeSlice(v.Type(), n, n))
				for i := range n {
					fill(v.Index(i))
				}
			}
		case reflect.String:
			v.SetString(text())
		case reflect.Bool:
			v.SetBool(draw.IntN(2) == 0)
		case reflect.Int, reflect.Int64:
			v.SetInt(int64(draw.Uint64()) >> draw.IntN(64))
		default: // a structure
			if v.Type() == reflect.TypeFor[Instant]() {
				v.Set(reflect.ValueOf(At(midnight.Add(time.Duration(draw.Int64N(1e15))))))
				return
			}
			for _, field := range v.Fields() {
				fill(field)
			}
		}
	}
	for range 3000 {
		var u Usage
		fill(reflect.ValueOf(&u).Elem())
		got, err := canonical(&u)
		if err != nil {
			t.Fatal(err)
		}
		want, err := byJSON(u)
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%s\nis not\n%s: %v", got, want, err)
		}
	}
	for range 1000 {
		d := topicsEntry{Part: draw.IntN(3), Parts: 3, Type: text(), V: draw.IntN(3)}
		fill(reflect.ValueOf(&d.Next).Elem())
		fill(reflect.ValueOf(&d.Period).Elem())
		for range draw.IntN(4) {
			d.Topics = append(d.Topics, topicRow{text(), draw.Int64(), draw.Int64() - 1<<62})
		}
		got, err := canonical(&d)
		if want, jsonErr := byJSON(d); err != nil || jsonErr != nil || !bytes.Equal(got, want) {
			t.Fatalf("%s\nis not\n%s: %v, %v", got, want, err, jsonErr)
		}
	}
	far := use("a", Read, "b", 1)
	far.Evidence[0].Since = At(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC))
	if _, err := canonical(&far); err == nil {
		t.Error("the year 10000 is written")
	}
}
