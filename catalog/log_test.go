package catalog

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

var (
	orders = lineage.Node{Scope: "west", Kind: lineage.TopicNode, Name: "orders"}
	shop   = lineage.Node{Scope: "shop", Kind: lineage.ApplicationNode, Name: "shop, \"west\" → east"}
	noon   = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	owner  = lineage.Slot{Field: lineage.OwnerField}
	tags   = lineage.Slot{Field: lineage.TagsField}
)

func open(t *testing.T, dir string) *Log {
	t.Helper()
	l, err := Open(dir, 20*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func put(t *testing.T, l *Log, n lineage.Node, at time.Time, by string, changes ...lineage.Change) *lineage.Edit {
	t.Helper()
	made, err := l.Put([]Draft{{Node: n, Changes: changes}}, by, at)
	if err != nil || len(made) != 1 {
		t.Fatalf("got %d edits, %v", len(made), err)
	}
	return made[0]
}

func says(e *lineage.Edited, s lineage.Slot) string {
	if e == nil {
		return "nothing"
	}
	if _, ok := e.Slots[s]; !ok {
		return "nothing"
	}
	return fmt.Sprintf("%q", e.Slots[s].Texts)
}

func TestEditsAreOfTheirTime(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "catalog")
	l := open(t, dir)
	put(t, l, orders, noon, "anna", lineage.Change{Slot: owner, Texts: []string{"team-a"}}, lineage.Change{Slot: tags, Texts: []string{"pii", "gdpr"}})
	put(t, l, shop, noon.Add(time.Minute), "", lineage.Change{Slot: owner, Texts: []string{"team-b"}})
	put(t, l, orders, noon.Add(time.Hour), "ben", lineage.Change{Slot: owner}, lineage.Change{Slot: tags, Texts: []string{}})
	check := func(l *Log) {
		t.Helper()
		f := func(n lineage.Node, end time.Time, s lineage.Slot, want string) {
			t.Helper()
			if got := says(l.Edits().At(n, end), s); got != want {
				t.Errorf("%s of %s at %s: got %s, want %s", s, n.Name, end, got, want)
			}
		}
		f(orders, noon.Add(-21*time.Second), owner, "nothing")
		f(orders, noon.Add(-20*time.Second), owner, `["team-a"]`) // the newest window of an answer ends so long ago
		f(orders, noon.Add(59*time.Minute), tags, `["pii" "gdpr"]`)
		f(orders, noon.Add(time.Hour), owner, "nothing") // taken back
		f(orders, noon.Add(time.Hour), tags, `[]`)       // said to be none
		f(shop, noon.Add(time.Hour), owner, `["team-b"]`)
		if got := [...]int{l.Edits().Until(noon.Add(-time.Hour)), l.Edits().Until(noon), l.Edits().Until(noon.Add(time.Hour))}; got != [...]int{0, 1, 3} {
			t.Errorf("windows have %v edits", got)
		}
		last := l.Edits().Now(orders).Last
		if last.By != "ben" || last.Number != 3 || !slices.Equal(last.Before[0], []string{"team-a"}) || !slices.Equal(last.Before[1], []string{"pii", "gdpr"}) {
			t.Errorf("the last edit is %+v", last)
		}
	}
	check(l)
	_, digest, _ := l.Since("")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, dir)
	check(again)
	if _, now, ok := again.Since(digest); !ok || now != digest {
		t.Errorf("the digest is %s and was %s", now, digest)
	}
}

func TestNobodyOverwritesWhatHeHasNotSeen(t *testing.T) {
	l := open(t, t.TempDir())
	version := func(n int64) *int64 { return &n }
	set := func(expected *int64, to string) error {
		_, err := l.Put([]Draft{{Node: orders, Expected: expected, Changes: []lineage.Change{{Slot: owner, Texts: []string{to}}}}}, "anna", noon)
		return err
	}
	if err := set(version(0), "a"); err != nil {
		t.Fatal(err)
	}
	c, ok := errors.AsType[*ConflictError](set(version(0), "b"))
	if !ok || c.Last.Number != 1 || c.Last.By != "anna" {
		t.Errorf("got conflict %+v", c)
	}
	if c, ok := errors.AsType[*ConflictError](set(version(2), "b")); !ok {
		t.Errorf("a version that is not there yet: got %v", c)
	}
	if err := set(nil, "c"); err != nil {
		t.Error(err)
	}
	if got := says(l.Edits().Now(orders), owner); got != `["c"]` {
		t.Errorf("got %s", got)
	}
	// Many at once: of those that have seen one version one wins.
	var won sync.Map
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			if set(version(2), fmt.Sprint("w", i)) == nil {
				won.Store(i, true)
			}
		})
	}
	all.Wait()
	n := 0
	won.Range(func(any, any) bool { n++; return true })
	if n != 1 || len(l.Edits().All()) != 3 {
		t.Errorf("%d of 20 editors of one version won, and there are %d edits", n, len(l.Edits().All()))
	}
}

func TestWhatIsWrongChangesNothing(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	f := func(want string, drafts ...Draft) {
		t.Helper()
		if _, err := l.Put(drafts, "", noon); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
	say := func(f lineage.Field, key string, texts ...string) Draft {
		return Draft{Node: orders, Changes: []lineage.Change{{Slot: lineage.Slot{Field: f, Key: key}, Texts: texts}}}
	}
	good := Draft{Node: shop, Changes: []lineage.Change{{Slot: owner, Texts: []string{"x"}}}}
	f("is one text", good, Draft{Node: orders, Changes: []lineage.Change{{Slot: owner, Texts: []string{}}}})
	f("is one text", good, say(lineage.OwnerField, "", "a", "b"))
	f("is empty", say(lineage.OwnerField, "", ""))
	f("begins or ends with space", say(lineage.ContactField, "", " a"))
	f("U+0007", say(lineage.ContactField, "", "a\ab"))
	f("U+000A", say(lineage.ContactField, "", "a\nb"))
	f("is not UTF-8", say(lineage.ContactField, "", "a\xffb"))
	f("U+200B", say(lineage.OwnerField, "", "team\u200b")) // else two owners look like one
	f("U+202E", say(lineage.TagsField, "", "iip", "\u202eiip"))
	f("U+200D", say(lineage.TagsField, "", "p\u200dii"))
	f("U+3164", say(lineage.ContactField, "", "\u3164"))
	f("U+034F", say(lineage.OwnerField, "", "te\u034fam"))
	f("U+FE0F", say(lineage.OwnerField, "", "team\ufe0f"))
	f("U+180B", say(lineage.OwnerField, "", "team\u180b"))
	f("U+2800", say(lineage.OwnerField, "", "team\u2800x"))
	f("U+E0100", say(lineage.OwnerField, "", "team\U000e0100"))
	for hidden, texts := range map[string][]string{ // each looks like what it is without
		"U+FE0F": {"Zo\u00eb\ufe0f", "Zoe\u0308\ufe0f", "\u2764\ufe0f\ufe0f\ufe0e", "\u2764\u200d\ufe0f", "a\ufe0f\u20e3", "1\ufe0f", "\ufe0f", "\u5c71\ufe0f", "x\u00a0\ufe0fy"},
		"U+200D": {"\u0442\u0438\u043c\u200d", "\u0442\u0438\u200d\u043c", "\u2764\u200d", "\u2764\ufe0f\u200d", "\U0001F469\u200d\u200d\U0001F4BB", "\u2764\ufe0e\u200d\U0001F525", "\u200d\u0645"},
		"U+200C": {"\u0645\u06cc\u200c", "\u0645\u200d\u200c\u0645", "\u2764\ufe0f\u200c\U0001F525"},
		"U+180B": {"\u1820\u180b\u180b", "\u5c71\u180b"}, "U+E0100": {"\u2764\U000e0100", "\u5c71\U000e0100\U000e0100"},
	} {
		for _, text := range texts {
			f(hidden, say(lineage.OwnerField, "", text))
		}
	}
	f("257 bytes, at most 256", say(lineage.OwnerField, "", strings.Repeat("x", 257)))
	f("4097 bytes, at most 4096", say(lineage.DescriptionField, "", strings.Repeat("x", 4097)))
	f("semicolon", say(lineage.TagsField, "", "a;b"))
	f("stands there twice", say(lineage.TagsField, "", "a", "a"))
	f("only what a node stops can be all", say(lineage.TagsField, "", "*"))
	f("is no key", say(lineage.PropertyField, "a b", "x"))
	f("is no key", say(lineage.PropertyField, "", "x"))
	f("which only properties have", say(lineage.OwnerField, "k", "x"))
	f("is no field", say("colour", "", "red"))
	f("is said twice", Draft{Node: orders, Changes: []lineage.Change{{Slot: owner, Texts: []string{"a"}}, {Slot: owner, Texts: []string{"b"}}}})
	f("is there twice", good, good)
	f("stands for several nodes", Draft{Node: lineage.Node{Scope: "owner", Kind: lineage.GroupNode, Name: "x"}, Changes: good.Changes})
	many := Draft{Node: orders}
	for i := range 51 {
		many.Changes = append(many.Changes, lineage.Change{Slot: lineage.Slot{Field: lineage.PropertyField, Key: fmt.Sprint("k", i)}, Texts: []string{"x"}})
	}
	f("51 properties, at most 50", many)
	if n := len(l.Edits().All()); n > 0 {
		t.Errorf("%d edits were made", n)
	}
	if _, err := os.Stat(filepath.Join(dir, FileName)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file was made: %v", err)
	}
	for _, joined := range []string{
		// words, and a number
		"می\u200cخواهم", "\u0915\u094d\u200d\u0937", "\u1820\u180b\u1828", "\u845b\U000e0100", "\ufa19\ufe00", "\u0600\u0661",
		// pictures
		"\U0001F469\u200d\U0001F4BB", "\u2764\ufe0f", "\u2764\ufe0f\u200d\U0001F525", "\u00a9\ufe0f", "\u2139\ufe0f", "\u203c\ufe0f", "\U0001F3F3\ufe0f\u200d\u26a7\ufe0f", "\u2229\ufe00",
		"step 1\ufe0f\u20e3", "#\ufe0f\u20e3", // keycaps
	} {
		put(t, l, shop, noon, "", lineage.Change{Slot: owner, Texts: []string{joined}})
	}
	put(t, l, orders, noon, "", lineage.Change{Slot: owner, Texts: []string{"a"}})
	if made, err := l.Put([]Draft{say(lineage.OwnerField, "", "a")}, "", noon); err != nil || made != nil {
		t.Errorf("what changes nothing made %v, %v", made, err)
	}
	// Whatever the clock does, edits stand in the order of their time.
	e := put(t, l, orders, noon.Add(-time.Hour), "", lineage.Change{Slot: owner, Texts: []string{"b"}})
	if !e.At.Equal(noon) || says(l.Edits().At(orders, noon), owner) != `["b"]` {
		t.Errorf("an edit under a clock that was set back is of %s", e.At)
	}
}

// A kill leaves any part of what is written last: what was acknowledged before is there, and of the last all or
// nothing.
func TestAnyCutLosesNothingAcknowledged(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	put(t, l, orders, noon, "anna", lineage.Change{Slot: owner, Texts: []string{"a"}})
	first, err := os.ReadFile(filepath.Join(dir, FileName))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Put([]Draft{
		{Node: orders, Changes: []lineage.Change{{Slot: owner, Texts: []string{"b"}}}}, {Node: shop, Changes: []lineage.Change{{Slot: owner, Texts: []string{"c"}}}},
	}, "anna", noon); err != nil {
		t.Fatal(err)
	}
	all, err := os.ReadFile(filepath.Join(dir, FileName))
	if err != nil {
		t.Fatal(err)
	}
	for cut := range len(all) + 1 {
		at := t.TempDir()
		if err := os.WriteFile(filepath.Join(at, FileName), all[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		l, err := Open(at, 0)
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		want := 0
		if cut >= len(first) {
			want = 1
		}
		if cut == len(all) {
			want = 3
		}
		if got := len(l.Edits().All()); got != want || len(l.Damaged()) > 0 {
			t.Fatalf("cut at %d of %d: %d edits, %q, want %d", cut, len(all), got, l.Damaged(), want)
		}
		if cut%11 > 0 && cut < len(all)-1 { // each is waited for until it is on disk
			_ = l.Close()
			continue
		}
		put(t, l, shop, noon.Add(time.Hour), "", lineage.Change{Slot: tags, Texts: []string{"x"}})
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if l, err = Open(at, 0); err != nil || len(l.Edits().All()) != want+1 || len(l.Damaged()) > 0 {
			t.Fatalf("cut at %d and gone on: %v, %q", cut, err, l.Damaged())
		}
		_ = l.Close()
	}
}

func TestDamageIsSaidAndTheRestHolds(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	for i, to := range []string{"a", "b", "c"} {
		put(t, l, lineage.Node{Scope: "west", Kind: lineage.TopicNode, Name: to}, noon.Add(time.Duration(i)*time.Minute), "", lineage.Change{Slot: owner, Texts: []string{to}})
	}
	_ = l.Close()
	path := filepath.Join(dir, FileName)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damaged := bytes.Replace(text, []byte("west/b"), []byte("west/x"), 1)
	if err := os.WriteFile(path, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir)
	if n, d := len(l.Edits().All()), l.Damaged(); n != 2 || len(d) != 1 || !strings.Contains(d[0], "line 3: its checksum") {
		t.Errorf("got %d edits, damage %q", n, d)
	}
	if e := put(t, l, orders, noon.Add(time.Hour), "", lineage.Change{Slot: owner, Texts: []string{"d"}}); e.Number != 4 {
		t.Errorf("it goes on with %d", e.Number)
	}
	if err := os.WriteFile(path, []byte("lineaged catalog 2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, 0); err == nil || !strings.Contains(err.Error(), "another version") {
		t.Errorf("another version: got %v", err)
	}
}

func TestWhatIsAfterADigest(t *testing.T) {
	l := open(t, t.TempDir())
	if _, now, ok := l.Since(""); now != "" || !ok {
		t.Errorf("of nothing the digest is %q", now)
	}
	put(t, l, orders, noon, "", lineage.Change{Slot: owner, Texts: []string{"a"}})
	_, first, _ := l.Since("")
	put(t, l, shop, noon, "", lineage.Change{Slot: owner, Texts: []string{"a"}})
	edits, now, ok := l.Since(first)
	if !ok || len(edits) != 1 || edits[0].Node != shop || now == first {
		t.Errorf("got %v, %s, %t", edits, now, ok)
	}
	if edits, _, ok := l.Since(now); !ok || len(edits) != 0 {
		t.Errorf("after all there are %v, %t", edits, ok)
	}
	if _, _, ok := l.Since(strings.Repeat("0", 64)); ok {
		t.Error("a digest of another log is taken for one of this")
	}
}

func FuzzDecode(f *testing.F) {
	line, err := encode([]*lineage.Edit{{Number: 1, At: noon, From: noon, Node: orders, Changes: []lineage.Change{{Slot: owner, Texts: []string{"a"}}}, Before: [][]string{nil}}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(bytes.TrimSuffix(line, []byte("\n")))
	f.Fuzz(func(t *testing.T, line []byte) {
		edits, err := decode(line)
		if err != nil {
			return
		}
		again, err := encode(edits)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := decode(bytes.TrimSuffix(again, []byte("\n"))); err != nil || len(back) != len(edits) {
			t.Fatalf("%q becomes %q and that %v, %v", line, again, back, err)
		}
	})
}
