package closing

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/catalog"
	"github.com/lineaged/lineaged/lineage"
)

// edits are those that are in the ledger, as "number field".
func (w *world) edits() (out []string) {
	w.Helper()
	r := w.log.Reader()
	for i := range r.Checkpoint().Size {
		text, err := r.Entry(i)
		if err != nil {
			w.Fatal(err)
		}
		if !strings.Contains(string(text), `"type":"metadata"`) {
			continue
		}
		var m struct {
			Edit  int64
			Field string
		}
		if err := json.Unmarshal(text, &m); err != nil {
			w.Fatal(err)
		}
		out = append(out, fmt.Sprint(m.Edit, " ", m.Field))
	}
	return out
}

func TestEachEditIsInTheLedgerOnce(t *testing.T) {
	w := newWorld(t)
	dir := filepath.Join(w.dir, "catalog")
	l, err := catalog.Open(dir, 2*tick)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	say := func(owner string) {
		t.Helper()
		n := lineage.Node{Scope: "west", Kind: lineage.TopicNode, Name: "orders"}
		if _, err := l.Put([]catalog.Draft{{Node: n, Changes: []lineage.Change{
			{Slot: lineage.Slot{Field: lineage.OwnerField}, Texts: []string{owner}}, {Slot: lineage.Slot{Field: lineage.ContactField}, Texts: []string{owner + "@example.org"}},
		}}}, "anna", w.now); err != nil {
			t.Fatal(err)
		}
	}
	w.Edits = l
	for n := 1; n < 61; n++ {
		w.ends(n, int64(100*n))
		w.groups(n, int64(50*n))
		if n == 20 || n == 21 || n == 50 {
			say(fmt.Sprint("team-", n))
		}
		if n%9 == 0 { // killed, and started again
			w.step()
			w.start()
			w.Edits = l
		}
	}
	w.step()
	want := "[1 owner 1 contact 2 owner 2 contact 3 owner 3 contact]"
	if got := fmt.Sprint(w.edits()); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	w.verified(nil)
	// The log of edits was put back from an older copy: what is said after that is in the ledger as well.
	other, err := catalog.Open(filepath.Join(w.dir, "older"), 2*tick)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = other.Close() })
	l = other
	say("team-z")
	w.Edits = other
	for n := 61; n < 80; n++ {
		w.ends(n, int64(100*n))
	}
	w.step()
	if got, want := fmt.Sprint(w.edits()), strings.TrimSuffix(want, "]")+" 1 owner 1 contact]"; got != want {
		t.Errorf("after an older copy: got %s, want %s", got, want)
	}
	w.verified(nil)
	if u := w.find(3, writer); u == nil || u.TopicOwner != nil {
		t.Errorf("before anybody said it: %+v", u)
	}
}
