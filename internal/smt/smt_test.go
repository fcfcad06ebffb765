package smt

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// settingsOf makes a configuration of lines "key=value".
func settingsOf(lines string) func(string) string {
	all := map[string]string{}
	for line := range strings.SplitSeq(lines, "\n") {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		all[key] = value
	}
	return func(key string) string { return all[key] }
}

// say writes a way as "key.a value.b* | ends | unknown".
func say(w Way) string {
	var out []string
	for _, p := range w.Places {
		s := p.Part.String() + "." + p.Path
		if p.Masked {
			s += "*"
		}
		out = append(out, s)
	}
	slices.Sort(out)
	s := strings.Join(out, " ")
	if len(w.Ends) > 0 {
		s += " | " + strings.Join(w.Ends, ", ")
	}
	if w.Unknown != "" {
		s += " ? " + w.Unknown
	}
	return s
}

func TestWays(t *testing.T) {
	const rename = "transforms=r\ntransforms.r.type=org.apache.kafka.connect.transforms.ReplaceField$Value\ntransforms.r.renames=email:contact, id:no\ntransforms.r.exclude=ssn\n"
	only := "transforms=r\ntransforms.r.type=org.apache.kafka.connect.transforms.ReplaceField$Key\ntransforms.r.include=id"
	chain := "transforms=u,r,m,f,k\ntransforms.u.type=io.debezium.transforms.ExtractNewRecordState\ntransforms.u.add.fields=op,source.ts_ms:at\n" +
		"transforms.r.type=org.apache.kafka.connect.transforms.ReplaceField$Value\ntransforms.r.renames=email:contact\n" +
		"transforms.m.type=org.apache.kafka.connect.transforms.MaskField$Value\ntransforms.m.fields=phone\ntransforms.m.replacement=hunter2\n" +
		"transforms.f.type=org.apache.kafka.connect.transforms.Flatten$Value\ntransforms.f.delimiter=_\n" +
		"transforms.k.type=org.apache.kafka.connect.transforms.ValueToKey\ntransforms.k.fields=id"
	const kafka = "org.apache.kafka.connect.transforms."
	for _, x := range []struct{ config, from, forward, back string }{
		{"", "value.a", "value.a", "value.a"},
		{rename, "value.email", "value.contact", " | dropped by the transformation r"},
		{rename, "value.contact.host", "value.contact.host", "value.email.host"},
		{rename, "value.ssn", " | dropped by the transformation r", " | dropped by the transformation r"},
		{rename, "value.contact", "value.contact", "value.email"},
		{rename, "key.email", "key.email", "key.email"},
		{"transforms=r,o\n" + rename[len("transforms=r\n"):] + "transforms.o.type=io.debezium.transforms.openlineage.OpenLineage", "value.email", "value.contact", " | dropped by the transformation r"},
		{rename, "value.", "value.", "value."},
		{only, "key.id", "key.id", "key.id"},
		{only, "key.at", " | dropped by the transformation r", " | dropped by the transformation r"},
		{only, "value.at", "value.at", "value.at"},
		{chain, "value.after.email", "value.contact", ""},
		{chain, "value.after.phone", "value.phone*", ""},
		{chain, "value.after.home.street", "value.home_street", ""},
		{chain, "value.after.id", "key.id value.id", ""},
		{chain, "value.before.email", " | dropped by the transformation u", ""},
		{chain, "value.op", "value.__op", ""},
		{chain, "value.source.ts_ms", "value.__at", ""},
		{chain, "value.contact", "value.contact", "value.after.email"},
		{chain, "key.id", " | dropped by the transformation k", "value.after.id"},
		{chain, "key.no", " | dropped by the transformation k", " | dropped by the transformation k"},
		{chain, "value.home_street", "value.home_street", " ? transformation f: a name with _ in it may be one column's, or that of several that nested"},
		{"transforms=h\ntransforms.h.type=" + kafka + "HoistField$Value\ntransforms.h.field=all", "value.a", "value.all.a", " | made by the transformation h"},
		{"transforms=h\ntransforms.h.type=" + kafka + "HoistField$Value\ntransforms.h.field=all", "value.all.a", "value.all.all.a", "value.a"},
		{"transforms=x\ntransforms.x.type=" + kafka + "ExtractField$Value\ntransforms.x.field=a", "value.a.b", "value.b", "value.a.a.b"},
		{"transforms=x\ntransforms.x.type=" + kafka + "ExtractField$Value\ntransforms.x.field=a", "value.c", " | dropped by the transformation x", "value.a.c"},
		{"transforms=i\ntransforms.i.type=" + kafka + "InsertField$Value\ntransforms.i.static.field=who!\ntransforms.i.static.value=hunter2", "value.who", " | overwritten by the transformation i", " | made by the transformation i"},
		{"transforms=m\ntransforms.m.type=" + kafka + "HeaderFrom$Value\ntransforms.m.fields=a\ntransforms.m.headers=b\ntransforms.m.operation=move", "value.a", " | dropped by the transformation m", ""},
		{"transforms=o\ntransforms.o.type=" + kafka + "RegexRouter\ntransforms.o.predicate=p", "value.a", "value.a", "value.a"},
		{"transforms=r\ntransforms.r.type=" + kafka + "ReplaceField$Value\ntransforms.r.exclude=b\ntransforms.r.predicate=p", "value.a", " ? transformation r: it changes some records only, by a predicate", ""},
		{"transforms=r\ntransforms.r.type=" + kafka + "ReplaceField$Value\ntransforms.r.exclude=${file:/s:x}", "value.a", " ? transformation r: its settings stand elsewhere, as in ${file:…}", ""},
		{"transforms=v\ntransforms.v.type=com.example.Vault", "value.a", " ? transformation v: what the class com.example.Vault does is not known", ""},
		{"transforms=v\ntransforms.v.type=" + kafka + "HoistField$Value", "value.a", " ? transformation v: it names no field", ""},
		{"transforms=x\ntransforms.x.type=" + kafka + "ExtractField$Value\ntransforms.x.field=a.b\ntransforms.x.field.syntax.version=V2", "value.a", " ? transformation x: it names what nests (field.syntax.version V2)", ""},
		{"connector.class=io.confluent.connect.jdbc.JdbcSinkConnector\nfields.whitelist=id,name", "value.email", " | dropped by the transformation fields.whitelist", ""},
	} {
		steps := Read(settingsOf(x.config))
		if kept := fmt.Sprintf("%+v", steps); strings.Contains(kept, "hunter2") {
			t.Errorf("a value of a setting was kept: %s", kept)
		}
		part, path, _ := strings.Cut(x.from, ".")
		from := Place{Part: lineage.ValuePart, Path: path}
		if part == "key" {
			from.Part = lineage.KeyPart
		}
		if got := say(Forward(steps, from)); got != x.forward {
			t.Errorf("%s\n%s leads to %q, want %q", x.config, x.from, got, x.forward)
		}
		if got := say(Back(steps, from)); x.back != "" && got != x.back {
			t.Errorf("%s\n%s is made of %q, want %q", x.config, x.from, got, x.back)
		}
	}
}

// TestBackUndoesForward is the law: where all is said, what a column leads to is made of it, unless it was renamed onto
// another's name.
func TestBackUndoesForward(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	letters := []string{"a", "b", "c", "d"}
	some := func() (out []string) {
		for _, l := range letters {
			if r.IntN(4) == 0 {
				out = append(out, l)
			}
		}
		return out
	}
	said := 0
	for range 5000 {
		var steps []lineage.Transform
		for range r.IntN(4) {
			s := lineage.Transform{Kind: lineage.TransformKind(1 + r.IntN(8)), Part: lineage.SchemaPart(1 + r.IntN(2)), Fields: []string{letters[r.IntN(4)]}}
			switch s.Kind {
			case lineage.ReplaceColumns:
				s.Fields, s.Keep, s.Drop = nil, some(), some()
				s.Renames = []lineage.Rename{{From: letters[r.IntN(4)], To: "new"}}
			case lineage.FlattenColumns:
				s.Fields, s.Word = nil, "_"
			case lineage.KeyOfValue:
				s.Part = lineage.KeyPart
			case lineage.UnwrapChange:
				continue // records that are no change events pass: one place has two
			default:
			}
			steps = append(steps, s)
		}
		from := Place{Part: lineage.SchemaPart(1 + r.IntN(2)), Path: letters[r.IntN(4)]}
		for _, to := range Forward(steps, from).Places {
			if to.Path == "" {
				continue // a part of what it was, which another step may not have left
			}
			w := Back(steps, to)
			if w.Unknown == "" && !slices.ContainsFunc(w.Places, func(p Place) bool {
				// a part of it, or what it is a part of
				within := p.Path == from.Path || strings.HasPrefix(p.Path, from.Path+".") || p.Path == ""
				return p.Part == from.Part && within
			}) {
				t.Fatalf("%+v\n%+v leads to %+v, which is made of %+v", steps, from, to, w)
			}
			said++
		}
	}
	if said < 500 {
		t.Fatalf("only %d ways were looked at", said)
	}
}

func TestTables(t *testing.T) {
	for _, x := range []struct {
		kind OutsideKind
		at   Place
		want string
	}{
		{Table, Place{Part: lineage.ValuePart, Path: "email"}, "email true "},
		{Table, Place{Part: lineage.ValuePart, Path: "home.street"}, " false what of a record nests has no column of its own"},
		{Changes, Place{Part: lineage.ValuePart, Path: "after.email"}, "email true "},
		{Changes, Place{Part: lineage.ValuePart, Path: "op"}, " false "},
		{Table, Place{Part: lineage.KeyPart, Path: "id"}, " false which columns a record's key is, its settings do not say alone"},
	} {
		column, ok, unknown := ToTable(x.kind, x.at)
		if got := fmt.Sprintf("%s %v %s", column, ok, unknown); got != x.want {
			t.Errorf("%+v: %q, want %q", x.at, got, x.want)
		}
	}
	if Outside("com.example.JdbcSinkConnector") != NotKnown {
		t.Error("a class that nobody knows is known")
	}
}
