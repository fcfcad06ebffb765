package telemetry

import (
	"bytes"
	"hash/crc32"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

func TestForget(t *testing.T) {
	p, err := lineage.NewPersons([]string{"User:ann"}, []string{"10.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	f := func(w who, stays bool) {
		t.Helper()
		c := &client{who: w, key: w.key(), series: map[subject]*series{{topic: "orders", op: lineage.Write}: {total: 5}}}
		value := encodeClient(c)
		value.Uint(uint64(crc32.ChecksumIEEE(value)))
		if got := Forget(p, clientKey(c.key), value); stays != bytes.Equal(got, value) || !stays && got != nil {
			t.Errorf("%+v becomes %q", w, got)
		}
	}
	f(who{Instance: "i", Principal: "User:ann"}, false)
	f(who{ClientID: "a", Host: "10.0.0.1"}, false)
	f(who{ClientID: "a", Principal: "User:anna", Host: "10.0.0.10"}, true)
	if got := Forget(p, pushesKey, []byte("x")); string(got) != "x" {
		t.Errorf("%q", got)
	}
}
