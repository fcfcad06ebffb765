package ledger

import (
	"fmt"
	"testing"
)

// TestChangesOfConfiguration: what parts of the configuration came, went and became another is said, and that it is
// known for the first time is not.
func TestChangesOfConfiguration(t *testing.T) {
	b := newBook(t)
	k := 0
	f := func(want string, sources map[string]string) {
		t.Helper()
		size := b.Newest().Size
		batch := said1(k)
		batch.Sources = sources
		k++
		b.append(batch)
		got := ""
		for i := size; i < b.Newest().Size; i++ {
			data, err := b.Reader().Entry(i)
			if err != nil {
				t.Fatal(err)
			}
			if is, err := typeOf(data); err != nil || is != typeChange {
				continue
			}
			var c Change
			if err := readAs(data, typeChange, &c); err != nil {
				t.Fatal(err)
			}
			of := func(s *string) string {
				if s == nil {
					return "-"
				}
				return *s
			}
			got += fmt.Sprintf("%s %s>%s;", c.What, of(c.Before), of(c.After))
		}
		if got != want {
			t.Errorf("%v: %q, not %q", sources, got, want)
		}
	}
	f("", map[string]string{"rules": "1"}) // of an older lineaged
	f("", map[string]string{"rules": "1", "configuration": "1", "configuration.clusters": "a", "configuration.log": "b"})
	f("configuration 1>2;configuration.clusters a>c;", map[string]string{"rules": "1", "configuration": "2", "configuration.clusters": "c", "configuration.log": "b"})
	f("configuration 2>3;configuration.log b>-;configuration.usage ->d;rules 1>2;",
		map[string]string{"rules": "2", "configuration": "3", "configuration.clusters": "c", "configuration.usage": "d"})
	f("", map[string]string{"rules": "2"})
	f("", map[string]string{"rules": "2", "configuration": "3", "configuration.clusters": "c"})
}
