package catalog

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// TestForget takes a person out of the edits: what else was said stays, as of any time, and what the ledger knows of
// it.
func TestForget(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "catalog")
	p, err := lineage.NewPersons([]string{"User:anna"}, []string{"10.1.2.3"})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := Forget(dir, p, false); n != 0 || err != nil {
		t.Errorf("nothing was ever said: %d, %v", n, err)
	}
	l := open(t, dir)
	contact := lineage.Slot{Field: lineage.ContactField}
	put(t, l, orders, noon, "anna", lineage.Change{Slot: owner, Texts: []string{"team-a"}})
	put(t, l, orders, noon.Add(time.Minute), "ben", lineage.Change{Slot: contact, Texts: []string{"User:anna at 10.1.2.3"}})
	put(t, l, orders, noon.Add(time.Hour), "ben", lineage.Change{Slot: contact, Texts: []string{"ben"}})
	put(t, l, shop, noon.Add(2*time.Hour), "annabel", lineage.Change{Slot: owner, Texts: []string{"team-b"}})
	_, digest, _ := l.Since("")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, FileName)
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := Forget(dir, p, true); n != 3 || err != nil {
		t.Errorf("%d edits name her: %v", n, err)
	}
	if is, err := os.ReadFile(path); err != nil || !bytes.Equal(is, before) {
		t.Errorf("looking changes it: %v", err)
	}
	if n, err := Forget(dir, p, false); n != 3 || err != nil {
		t.Errorf("%d edits are changed: %v", n, err)
	}
	is, err := os.ReadFile(path)
	if err != nil || bytes.Contains(is, []byte(`"anna"`)) || bytes.Contains(is, []byte("User:anna")) || bytes.Contains(is, []byte("10.1.2.3")) {
		t.Errorf("%s, %v", is, err)
	}
	l = open(t, dir)
	if _, now, _ := l.Since(""); now != digest || len(l.Damaged()) > 0 {
		t.Errorf("the digest is %s and was %s: %v", now, digest, l.Damaged())
	}
	if got := l.Edits().All(); len(got) != 4 || got[0].By != "" || got[1].By != "ben" || got[3].By != "annabel" {
		t.Errorf("%+v", got)
	}
	if got := says(l.Edits().Now(orders), owner); got != `["team-a"]` {
		t.Error(got)
	}
	if n, err := Forget(dir, p, false); n != 0 || err != nil {
		t.Errorf("again: %d, %v", n, err)
	}
}

func TestForgetWhatCannotBeRead(t *testing.T) {
	p, err := lineage.NewPersons([]string{"User:anna"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	f := func(text string, fails bool) {
		t.Helper()
		dir := t.TempDir()
		path := filepath.Join(dir, FileName)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Forget(dir, p, false)
		is, readErr := os.ReadFile(path)
		if (err != nil) != fails || readErr != nil || string(is) != text {
			t.Errorf("%q becomes %q: %v, %v", text, is, err, readErr)
		}
	}
	f(head+"00000000 damaged\n", false)
	f(head+"00000000 User:anna\n", true)
	f(head, false)
}
