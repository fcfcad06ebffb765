package identity

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// same compares rules by what they say; tags nil and empty are one.
func same(a, b Rules) bool {
	text := func(r *regexp.Regexp) string {
		if r == nil {
			return "none"
		}
		return "pattern " + r.String()
	}
	return slices.EqualFunc(a.Applications, b.Applications, func(x, y Rule) bool {
		for _, f := range fields {
			if text(f.pattern(&x)) != text(f.pattern(&y)) {
				return false
			}
		}
		return x.Name == y.Name && x.Owner == y.Owner && slices.Equal(x.Tags, y.Tags) && sameAbout(x.About, y.About) && x.PerCluster == y.PerCluster
	}) && slices.EqualFunc(a.Topics, b.Topics, func(x, y TopicRule) bool {
		return text(x.Match) == text(y.Match) && x.Owner == y.Owner && slices.Equal(x.Tags, y.Tags) && sameAbout(x.About, y.About)
	}) && slices.EqualFunc(a.Nodes, b.Nodes, func(x, y NodeRule) bool {
		return text(x.Match) == text(y.Match) && x.Owner == y.Owner && slices.Equal(x.Tags, y.Tags) && sameAbout(x.About, y.About)
	})
}

func sameAbout(a, b About) bool {
	return a.Contact == b.Contact && a.Description == b.Description && slices.Equal(a.Stops, b.Stops) && maps.Equal(a.Properties, b.Properties)
}

func TestDecodeIsInverse(t *testing.T) {
	patterns := []*regexp.Regexp{nil, re(""), re("^a$"), re(`(?i)\d+\x00`), re("(" + strings.Repeat("x", 150) + ")")}
	words := []string{"", "a", "team-crm", "\xff\x00", "Süd", string(make([]byte, 200))}
	for seed := range uint64(60) {
		r := rand.New(rand.NewPCG(seed, 1))
		pattern := func() *regexp.Regexp { return patterns[r.IntN(len(patterns))] }
		word := func() string { return words[r.IntN(len(words))] }
		tags := func() []string {
			var out []string
			for range r.IntN(4) {
				out = append(out, word())
			}
			return out
		}
		about := func() (a About) {
			if r.IntN(2) == 0 {
				return a
			}
			a = About{Contact: word(), Description: word(), Stops: tags()}
			for range r.IntN(3) {
				a.Properties = map[string]string{word(): word(), word(): word()}
			}
			return a
		}
		var rules Rules
		for range r.IntN(5) {
			rules.Applications = append(rules.Applications, Rule{
				ClientID: pattern(), Group: pattern(), TransactionalID: pattern(), Principal: pattern(), Unidentified: pattern(),
				Name: word(), Owner: word(), Tags: tags(), PerCluster: r.IntN(2) == 0, About: about(),
			})
		}
		for range r.IntN(5) {
			rules.Topics = append(rules.Topics, TopicRule{Match: pattern(), Owner: word(), Tags: tags(), About: about()})
		}
		for range r.IntN(5) {
			rules.Nodes = append(rules.Nodes, NodeRule{Match: pattern(), Owner: word(), Tags: tags(), About: about()})
		}
		b := Encode(rules)
		back, err := Decode(b)
		if err != nil || !same(rules, back) {
			t.Fatalf("seed %d: got %+v, %v, want %+v", seed, back, err, rules)
		}
		for cut := range b {
			if _, err := Decode(b[:cut]); err == nil {
				t.Fatalf("seed %d: the first %d of %d bytes decode", seed, cut, len(b))
			}
		}
		if _, err := Decode(append(b, 0)); err == nil {
			t.Fatalf("seed %d: a byte too many decodes", seed)
		}
	}
}

// The bytes on disk do not change by accident: docs/format/identity.md explains these.
func TestEncodingIsWhatThePageSays(t *testing.T) {
	got := hex.EncodeToString(Encode(Rules{
		Applications: []Rule{{ClientID: re("^a"), Name: "b", Owner: "c", Tags: []string{"d"}, PerCluster: true}},
		Topics:       []TopicRule{{Match: re("e")}},
		Nodes:        []NodeRule{{Match: re("f"), Owner: "g", Tags: []string{"h"}}},
	}))
	const want = "01" + "01" + "01025e61" + "00" + "00" + "00" + "00" + "0162" + "0163" + "010164" + "01" + "01" + "010165" + "00" + "00" + "01" + "010166" + "0167" + "010168"
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	got = hex.EncodeToString(Encode(Rules{Topics: []TopicRule{{Match: re("e"), About: About{Contact: "c", Stops: []string{"*"}, Properties: map[string]string{"b": "x", "a": "y"}}}}}))
	const more = "02" + "00" + "01" + "010165" + "00" + "00" + "0163" + "00" + "01012a" + "02" + "01610179" + "01620178" + "00"
	if got != more {
		t.Errorf("got %s, want %s", got, more)
	}
	if got := Encode(Rules{}); !bytes.Equal(got, []byte{1, 0, 0, 0}) {
		t.Errorf("no rules: got %x", got)
	}
}

func TestDecodeErrors(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		b, err := hex.DecodeString(in)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Decode(b); err == nil || err.Error() != "decode identity rules: "+want {
			t.Errorf("%s: got error %v, want %q", in, err, want)
		}
	}
	f("", "empty record")
	f("03", "format 3 is not known, only 1 and 2")
	f("02000000", "the rules say no more than format 1 holds")
	f("01", "record is cut short")
	f("01ffffffffffffffff7f", "record is cut short")
	f("01800000", "number is longer than it need be")
	f("0100000002", "1 bytes too many")
	f("01000102", "flag is 2")
	f("010001010128"+"0000", "error parsing regexp: missing closing ): `(`")
}

func FuzzDecode(f *testing.F) {
	f.Add(Encode(Rules{}))
	f.Add(Encode(Rules{Applications: []Rule{{ClientID: re("^(a)"), Name: "$1", Tags: []string{"t"}}}, Topics: []TopicRule{{Match: re("x"), Owner: "o"}}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Decode(b)
		if err != nil {
			if fmt.Sprint(r) != fmt.Sprint(Rules{}) {
				t.Fatal("rules and an error")
			}
			return
		}
		if again := Encode(r); !bytes.Equal(again, b) {
			t.Fatalf("%x decodes and encodes to %x", b, again)
		}
		// Rules need not be good ones, but New must say so rather than panic.
		if res, err := New(r); err == nil {
			res.Resolve(west, access(lineage.Write, lineage.Client{ClientID: "a"}), lineage.Known{})
		}
	})
}
