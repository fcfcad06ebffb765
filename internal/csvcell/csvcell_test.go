package csvcell

import (
	"strings"
	"testing"
)

func TestGuard(t *testing.T) {
	for in, want := range map[string]string{
		"orders": "orders", "=1+1": "'=1+1", " @x": " '@x", "a;=b": "a;'=b", "a;\"b": "a;'\"b", "'x": "''x", "a-b": "a-b", "＝1": "'＝1", "": "",
	} {
		if got := Guard(in); got != want || Unguard(got) != in {
			t.Errorf("%q becomes %q and that %q, want %q", in, got, Unguard(got), want)
		}
	}
}

func FuzzGuard(f *testing.F) {
	f.Add("=a; 'b;\"c")
	f.Fuzz(func(t *testing.T, s string) {
		s = strings.ToValidUTF8(s, "?")
		if got := Unguard(Guard(s)); got != s {
			t.Fatalf("%q becomes %q and that %q", s, Guard(s), got)
		}
	})
}
