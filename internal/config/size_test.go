package config

import "testing"

func TestSize(t *testing.T) {
	f := func(text string, want Size, back string) {
		t.Helper()
		var s Size
		err := s.UnmarshalText([]byte(text))
		if (err == nil) != (want > 0) || s != want || want > 0 && s.String() != back {
			t.Errorf("%q is %d (%s), %v; want %d", text, s, s, err, want)
		}
	}
	f("16MiB", 16<<20, "16MiB")
	f("1 GiB", 1<<30, "1GiB")
	f("2048KiB", 2<<20, "2MiB")
	f("1000B", 1000, "1000B")
	f("0MiB", 0, "")
	f("-1MiB", 0, "")
	f("16MB", 0, "")
	f("9999999999GiB", 0, "")
	f("", 0, "")
}
