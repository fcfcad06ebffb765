package ledger

import (
	"crypto/sha256"
	"fmt"
	"os"
	"strings"
	"testing"
)

// rules appends an hour with rules that stop tags, and returns the entries that are of such rules or of a change of
// them.
func (b *book) rules(k int, rules ...BreakerRule) (found []string) {
	b.tb.Helper()
	before := b.Newest().Size
	batch := said1(k, use("west/orders", Write, "shop", 1))
	batch.Sources, batch.Breakers = nil, rules
	b.append(batch)
	r := b.Reader()
	for i := before; i < r.Checkpoint().Size; i++ {
		e, err := r.Entry(i)
		if err != nil {
			b.tb.Fatal(err)
		}
		if is, err := typeOf(e); err != nil || is == typeBreaker || is == typeChange {
			found = append(found, string(e))
		}
	}
	if _, err := Verify(os.DirFS(b.dir), "", nil); err != nil {
		b.tb.Fatalf("hour %d: %v", k, err)
	}
	return found
}

// TestLongPatternsOfRules: what is behind the bound of a text is sealed too, of a pattern that is a commitment as well.
func TestLongPatternsOfRules(t *testing.T) {
	for _, field := range []string{"name", FieldPrincipal} {
		b := newBook(t)
		long := strings.Repeat("é", 600) + "|x"
		b.rules(0, stopping("topics", 0, field, long, "pii"))
		if got := b.rules(1, stopping("topics", 0, field, long, "pii")); len(got) > 0 {
			t.Errorf("%s: nobody changed anything, and there is %s", field, got)
		}
		other := long[:len(long)-1] + "y"
		got := strings.Join(b.rules(2, stopping("topics", 0, field, other, "pii")), "\n")
		if !strings.Contains(got, `"type":"change"`) || !strings.Contains(got, `"type":"breaker"`) {
			t.Errorf("%s: it changed behind its bound, and there is %q", field, got)
		}
		if end := fmt.Sprintf("é.sha256-%x", sha256.Sum256([]byte(other))); field == "name" && !strings.Contains(got, end) {
			t.Errorf("%s does not stand for all of it in %s", end, got)
		}
	}
	b := newBook(t)
	long := strings.Repeat("x", 2000)
	b.rules(0, stopping("topics", 0, "name", "a", long+"a"))
	if got := b.rules(1, stopping("topics", 0, "name", "a", long+"b")); len(got) != 2 {
		t.Errorf("a tag changed behind its bound: %q", got)
	}
	many := make([]string, 120)
	b.rules(2, stopping("topics", 0, "name", "a", many...))
	many[110] = "pii"
	if got := b.rules(3, stopping("topics", 0, "name", "a", many...)); len(got) != 2 {
		t.Errorf("a tag changed beyond the first 100: %q", got)
	}
}

// TestRulesOfAnErasedPerson: to erase whom a rule names changes no rule, and his opening does not come back by it, also
// after a start. A rule that changes is committed to anew.
func TestRulesOfAnErasedPerson(t *testing.T) {
	b := newBook(t)
	person, other := stopping("applications", 3, FieldPrincipal, "^User:ann$", "*"), stopping("topics", 0, "name", "^masked", "pii")
	b.rules(0, person, other)
	if known, err := b.Erase("^User:ann$"); err != nil || !known {
		t.Fatalf("%v, %v", known, err)
	}
	known := func(want bool) {
		t.Helper()
		if text := string(files(t, b.dir)[peopleFile]); strings.Contains(text, "User:ann") != want {
			t.Errorf("the opening is there: %v, want %v", !want, want)
		}
	}
	if got := b.rules(1, person, other); len(got) > 0 {
		t.Errorf("nobody changed anything, and there is %q", got)
	}
	b.reopen()
	if got := b.rules(2, person, other); len(got) > 0 {
		t.Errorf("nobody changed anything, and after a start there is %q", got)
	}
	known(false)
	for name, data := range files(t, b.dir) {
		if name == breakersFile && strings.Contains(string(data), "ann") {
			t.Errorf("a person is in the clear in %s", data)
		}
	}
	other.Stops = []string{"gdpr"}
	before := files(t, b.dir)
	if got := b.rules(3, person, other); len(got) != 3 {
		t.Errorf("a rule was changed, and there is %q", got)
	}
	// Killed after what is beside the ledger was written, and before the batch was.
	for _, name := range []string{breakersFile, peopleFile} {
		before[name] = files(t, b.dir)[name]
	}
	killed := &book{tb: t, dir: folder(t, before), key: b.key}
	killed.reopen()
	if got := killed.rules(3, person, other); len(got) != 3 {
		t.Errorf("a rule was changed, and after a kill there is %q", got)
	}
	if got := killed.rules(4, person, other); len(got) > 0 {
		t.Errorf("nobody changed anything, and after a kill there is %q", got)
	}
	if err := killed.Close(); err != nil {
		t.Error(err)
	}
	known(true)
	if got := b.rules(4, person, other); len(got) > 0 {
		t.Errorf("nobody changed anything again, and there is %q", got)
	}
	// What is beside the ledger may be lost, or be of another state of it.
	if err := os.WriteFile(b.people.path[:len(b.people.path)-len(peopleFile)]+breakersFile, []byte(`{"digest":"x"`), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := b.rules(5, person, other); len(got) > 0 {
		t.Errorf("nobody changed anything, and there is %q", got)
	}
	if got := b.rules(6, person); len(got) != 2 {
		t.Errorf("a rule is gone, and there is %q", got)
	}
}

// TestRulesOutliveWhatIsPruned: rules that nobody changes are in what is held, as long as it is.
func TestRulesOutliveWhatIsPruned(t *testing.T) {
	b := newBook(t)
	rule := stopping("topics", 0, "name", "^masked", "pii")
	b.rules(0, rule)
	for k := 1; k < 60; k++ {
		b.rules(k, rule)
	}
	for _, k := range []int{30, 50} {
		if _, err := b.Prune(hour(k).End.Add(amendable), b.Newest().Size); err != nil {
			t.Fatal(err)
		}
		is, err := b.Reader().Breakers()
		if err != nil || len(is.Rules) != 1 || is.First < b.Minimum() || is.Before != true || is.Rules[0].Match[0].Pattern != "^masked" {
			t.Errorf("pruned to hour %d: %+v, %v", k, is, err)
		}
	}
	changes := 0
	for i := b.Minimum(); i < b.Newest().Size; i++ {
		if e, err := b.Reader().Entry(i); err != nil || strings.Contains(string(e), `"type":"change"`) {
			changes++
		}
	}
	if changes > 0 {
		t.Errorf("to write them down again is %d changes", changes)
	}
}

// TestRulesThatArePruned: of a ledger whose rules were written once it is said that there are some and that they are
// not held, and the next batch has them again.
func TestRulesThatArePruned(t *testing.T) {
	b := newBook(t)
	rule := stopping("topics", 0, "name", "^masked", "pii")
	for k := range 20 {
		b.rules(k, rule)
	}
	is, err := b.Reader().Breakers()
	if err != nil || len(is.Rules) != 1 || is.Before || is.Removed() {
		t.Errorf("%+v, %v", is, err)
	}
	pruned := func() int64 {
		n, err := b.Prune(hour(15).End.Add(amendable), b.Newest().Size)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	if b.reopen(); pruned() != 0 {
		t.Error("the rules that hold were pruned")
	}
	b.ruled = b.Newest().Size // as an older lineaged pruned it
	if pruned() == 0 {
		t.Fatal("nothing was pruned")
	}
	is, err = b.Reader().Breakers()
	if err != nil || len(is.Rules) > 0 || !is.Removed() || len(is.Digest) != 64 {
		t.Errorf("%+v, %v", is, err)
	}
	b.reopen()
	if got := b.rules(20, rule); len(got) != 1 {
		t.Errorf("they are not written down again: %q", got)
	}
	if is, err = b.Reader().Breakers(); err != nil || len(is.Rules) != 1 || !is.Before || is.Removed() {
		t.Errorf("%+v, %v", is, err)
	}
	if got := b.rules(21, rule); len(got) > 0 {
		t.Errorf("they are written down once more: %q", got)
	}
	if got := b.rules(22); len(got) != 1 {
		t.Errorf("none is left: %q", got)
	}
	if is, err = b.Reader().Breakers(); err != nil || len(is.Rules) > 0 || is.Removed() {
		t.Errorf("%+v, %v", is, err)
	}
}
