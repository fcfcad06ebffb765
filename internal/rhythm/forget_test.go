package rhythm

import (
	"bytes"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

func TestForget(t *testing.T) {
	p, err := lineage.NewPersons([]string{"User:ann"}, []string{"10.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	f := func(who string, c lineage.Client, stays bool) {
		t.Helper()
		x := &flow{lag: -1}
		x.source, x.who = "logs", who
		x.access = lineage.Access{Topic: lineage.Topic{Cluster: "c", Name: "orders"}, Op: lineage.Write, Client: c}
		value := x.encode()
		if got := Forget(p, Prefix+"x", value); stays != bytes.Equal(got, value) || !stays && got != nil {
			t.Errorf("%s %+v becomes %q", who, c, got)
		}
	}
	f("a User:ann", lineage.Client{ClientID: "a", Principal: "User:ann"}, false)
	f("a", lineage.Client{ClientID: "a", Host: "/10.0.0.1"}, false)
	f("a User:ann", lineage.Client{ClientID: "a"}, false)
	f("a User:anna", lineage.Client{ClientID: "a", Principal: "User:anna", Host: "10.0.0.11"}, true)
	for _, key := range []string{beganKey, "other", Prefix + "cut"} {
		if got := Forget(p, key, []byte("x")); string(got) != "x" {
			t.Errorf("%s becomes %q", key, got)
		}
	}
}
