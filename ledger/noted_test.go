package ledger

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// noteBook is a book whose changes are read as text.
type noteBook struct {
	*book
	k int
}

// closes appends the next period, by sources, and returns the changes that it says.
func (n *noteBook) closes(sources map[string]string) (out []string) {
	n.tb.Helper()
	before := len(of[Change](n.book, typeChange))
	batch := said1(n.k)
	batch.Sources = sources
	n.k++
	n.append(batch)
	side := func(s *string) string {
		if s == nil {
			return "-"
		}
		return *s
	}
	for _, c := range of[Change](n.book, typeChange)[before:] {
		at := ""
		if !c.At.Equal(At(batch.Closed).Time) {
			at = c.At.Format(" 15:04:05")
		}
		out = append(out, fmt.Sprintf("%s %s>%s%s", c.What, side(c.Before), side(c.After), at))
	}
	return out
}

// TestAChangeThatIsTakenBackIsInTheLedger edits the configuration and takes that back, both between two batches, with
// kills in between and after: each is said once, with when it was seen.
func TestAChangeThatIsTakenBackIsInTheLedger(t *testing.T) {
	b := &noteBook{book: newBook(t)}
	usual := map[string]string{"rules": "1", "configuration": "1", "configuration.topics": "a"}
	other := map[string]string{"rules": "2", "configuration": "2", "configuration.topics": "b", "configuration.usage": "c"}
	at := func(minute int) time.Time { return midnight.Add(100*time.Hour + time.Duration(minute)*time.Minute) }
	note := func(minute int, sources map[string]string) {
		t.Helper()
		if err := b.Note(at(minute), sources); err != nil {
			t.Fatal(err)
		}
	}
	f := func(sources map[string]string, want ...string) {
		t.Helper()
		if got := b.closes(sources); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	note(0, usual) // nobody knows what was before
	note(0, map[string]string{"rules": "1", "configuration": "0", "configuration.topics": "z", "configuration.log": "l"})
	b.reopen()
	more := maps.Clone(usual)
	more["configuration.clusters"] = "c" // which nobody knows to be new
	note(1, more)
	b.reopen()
	f(more, "configuration 1>0 04:00:00", "configuration.log ->l 04:00:00", "configuration.topics a>z 04:00:00",
		"configuration 0>1 04:01:00", "configuration.log l>- 04:01:00", "configuration.topics z>a 04:01:00")
	delete(more, "configuration.clusters")
	f(more, "configuration.clusters c>-")
	note(1, usual)
	f(usual)
	note(2, other)
	b.reopen()
	note(3, other)
	note(4, usual)
	b.reopen()
	f(usual, "configuration 1>2 04:02:00", "configuration.topics a>b 04:02:00", "configuration.usage ->c 04:02:00", "rules 1>2 04:02:00",
		"configuration 2>1 04:04:00", "configuration.topics b>a 04:04:00", "configuration.usage c>- 04:04:00", "rules 2>1 04:04:00")
	f(usual) // once
	// A kill after the batch is on disk, and before the file is removed.
	note(5, other)
	noted, err := os.ReadFile(filepath.Join(b.dir, notedFile))
	if err != nil {
		t.Fatal(err)
	}
	f(other, "configuration 1>2 04:05:00", "configuration.topics a>b 04:05:00", "configuration.usage ->c 04:05:00", "rules 1>2 04:05:00")
	if err := os.WriteFile(filepath.Join(b.dir, notedFile), noted, 0o600); err != nil {
		t.Fatal(err)
	}
	b.reopen()
	f(other)
	// Of a line that is cut nothing is known, and the batch has what it came to.
	note(6, usual)
	if noted, err = os.ReadFile(filepath.Join(b.dir, notedFile)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(b.dir, notedFile), noted[:len(noted)-9], 0o600); err != nil {
		t.Fatal(err)
	}
	b.reopen()
	f(usual, "configuration 2>1 04:06:00", "configuration.topics b>a 04:06:00", "configuration.usage c>- 04:06:00", "rules 2>1")
	if _, err := Verify(os.DirFS(b.dir), "", nil); err != nil {
		t.Error(err)
	}
}

// A configuration that is written anew all the time is bounded, and what it came to is said.
func TestChangesThatAreTooManyAreSaidInOne(t *testing.T) {
	b := &noteBook{book: newBook(t)}
	b.closes(map[string]string{"rules": "0"})
	for i := range 2 * mostNoted {
		if err := b.Note(midnight, map[string]string{"rules": fmt.Sprint(i + 1)}); err != nil {
			t.Fatal(err)
		}
	}
	got := b.closes(map[string]string{"rules": "last"})
	if len(got) != mostNoted+1 || got[mostNoted] != fmt.Sprintf("rules %d>last", mostNoted) {
		t.Errorf("%d changes, the last is %q", len(got), got[len(got)-1])
	}
}

// TestWhatIsNotedAfterATornLineIsKept: a kill in the midst of a line leaves a part of it, and what is noted after that
// is on disk all the same.
func TestWhatIsNotedAfterATornLineIsKept(t *testing.T) {
	b := &noteBook{book: newBook(t)}
	rules := func(n string) map[string]string { return map[string]string{"rules": n} }
	note := func(minute int, n string) {
		t.Helper()
		if err := b.Note(midnight.Add(100*time.Hour+time.Duration(minute)*time.Minute), rules(n)); err != nil {
			t.Fatal(err)
		}
	}
	b.closes(rules("1"))
	note(1, "2")
	file := filepath.Join(b.dir, notedFile)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, torn := range [][]byte{text[:len(text)/2], text[:len(text)-1]} {
		if err := os.WriteFile(file, torn, 0o600); err != nil {
			t.Fatal(err)
		}
		b.reopen()
		note(3, "3")
		note(4, "1")
		b.reopen()
		if got := b.closes(rules("1")); len(got) != 2 {
			t.Errorf("after %d of %d bytes the batch says %q", len(torn), len(text), got)
		}
	}
}
