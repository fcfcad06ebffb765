package ledger

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
)

func stopping(place string, n int, field, pattern string, tags ...string) BreakerRule {
	return BreakerRule{Place: place, Rule: n, Match: []BreakerMatch{{field, pattern}}, Stops: tags}
}

// TestRulesThatStopTags: all of them stand in each batch that has others than the one before, and in no other; each
// batch says by a digest which hold; and who asks for them has them with where they stand.
func TestRulesThatStopTags(t *testing.T) {
	b := newBook(t)
	masker, topic := stopping("applications", 2, "group", "^masker$", "pii"), stopping("topics", 0, "name", "^masked", "pii", "gdpr")
	person := stopping("applications", 3, FieldPrincipal, "^User:anna$", "*")
	f := func(k int, want int, rules ...BreakerRule) {
		t.Helper()
		before := b.Newest().Size
		batch := said1(k, use("west/orders", Write, "shop", 1))
		batch.Breakers = rules
		given := compact(t, batch)
		b.append(batch)
		if compact(t, batch) != given {
			t.Error("the caller's batch was changed")
		}
		found := 0
		for _, e := range entriesIn(t, b.Log)[before:] {
			if is, err := typeOf([]byte(e)); err != nil || is == typeBreaker {
				found++
			}
		}
		if found != want {
			t.Errorf("hour %d: %d rules are in its batch, not %d", k, found, want)
		}
		if _, err := Verify(os.DirFS(b.dir), "", nil); err != nil {
			t.Errorf("hour %d: %v", k, err)
		}
		s, err := b.Reader().Breakers()
		is, at := s.Rules, s.First
		if err != nil || len(is) != len(rules) {
			t.Errorf("hour %d: %+v, %v", k, is, err)
		}
		for i, r := range is {
			entry, err := b.Reader().Entry(at + int64(i))
			if err != nil || !strings.Contains(string(entry), `"place":"`+rules[i].Place+`"`) || !slices.Equal(r.Stops, rules[i].Stops) || r.Of != len(rules) {
				t.Errorf("hour %d: entry %d is %s, of %+v: %v", k, at+int64(i), entry, rules[i], err)
			}
		}
	}
	f(0, 0)
	f(1, 2, masker, topic)
	f(2, 0, masker, topic)
	b.reopen()
	f(3, 0, masker, topic)
	f(4, 2, topic, masker) // another order is another first match
	f(5, 3, topic, masker, person)
	f(6, 0)
	f(7, 0)
	f(8, 1, topic)
	for _, e := range entriesIn(t, b.Log) {
		if strings.Contains(e, "anna") {
			t.Errorf("a person stands in the clear in %s", e)
		}
	}
	var changes []Change
	for _, c := range of[Change](b, typeChange) {
		if c.What == sourceOfBreakers {
			changes = append(changes, c)
		}
	}
	// Of the first batch it is not known what held before.
	if len(changes) != 4 || *changes[0].After != *changes[1].Before || *changes[2].After != *changes[3].Before || !changes[0].At.Equal(said1(4).Closed) {
		t.Errorf("%+v", changes)
	}
}

// TestRulesThatStopTagsAreChecked: whoever holds the key and leaves one out, or changes one, is found out by the
// digest.
func TestRulesThatStopTagsAreChecked(t *testing.T) {
	f := func(what string, bad bool, change func(entries [][]byte) [][]byte) {
		t.Helper()
		b := newBook(t)
		first := said1(0)
		first.Breakers = []BreakerRule{stopping("topics", 7, "name", "x", "old")}
		b.append(first)
		batch := said1(1, use("west/a", Write, "x", 1))
		batch.Breakers = []BreakerRule{stopping("topics", 0, "name", "a", "pii"), stopping("nodes", 1, "id", "b", "*")}
		b.publishChanged(&batch, change)
		if _, err := Verify(os.DirFS(b.dir), "", nil); (err != nil) != bad {
			t.Errorf("%s: %v", what, err)
		}
	}
	edit := func(from, to string) func([][]byte) [][]byte {
		return func(entries [][]byte) [][]byte {
			for i, e := range entries {
				entries[i] = []byte(strings.Replace(string(e), from, to, 1))
			}
			return entries
		}
	}
	f("as it is", false, func(entries [][]byte) [][]byte { return entries })
	f("another tag", true, edit(`["pii"]`, `["pij"]`))
	f("another number of them", true, edit(`"of":2`, `"of":3`))
	f("another digest", true, func(entries [][]byte) [][]byte {
		var c closeEntry
		last := len(entries) - 1
		if err := json.Unmarshal(entries[last], &c); err != nil {
			t.Fatal(err)
		}
		for i, s := range c.Sources {
			if s.what == sourceOfBreakers {
				c.Sources[i].digest = strings.Repeat("0", 64)
			}
		}
		entries[last], _ = canonical(&c)
		return entries
	})
}

// FuzzBreaker: what is written is read back, whatever the texts.
func FuzzBreaker(f *testing.F) {
	f.Add("topics", "name", "^a\n\"\u2028", "pii")
	f.Fuzz(func(t *testing.T, place, field, pattern, tag string) {
		b := Breaker{At(midnight), BreakerRule{Match: []BreakerMatch{{field, pattern}}, Of: 1, Place: place, Stops: []string{tag}, Type: typeBreaker, V: version}}
		line, err := canonical(b)
		if err != nil {
			t.Fatal(err)
		}
		var back Breaker
		if err := readAs(line, typeBreaker, &back); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	})
}
