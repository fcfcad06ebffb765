package kafka

import (
	"maps"
	"strings"
	"testing"
)

// As TestAccountLawOfWindows, while lineaged begins anew now and then from what it saved.
func TestAccountLawOfWindowsOverRestarts(t *testing.T) {
	for seed := range seeds(400) {
		k := newKilling(seed)
		for range 24 {
			k.some(6)
			if k.look(t, seed%4 >= 2); k.r.IntN(5) == 0 {
				k.anew(t)
				k.note("lineaged begins anew")
			}
		}
		if k.hold(); len(k.wrong) > 0 || t.Failed() {
			t.Fatalf("seed %d\n%s\n%s", seed, strings.Join(k.story, "\n"), strings.Join(k.wrong, "\n"))
		}
	}
}

// anew saves the account and restores it within a tick, as restoreTopic does.
func (k *killing) anew(t *testing.T) {
	t.Helper()
	back, err := decodeTopic(k.a.topic.ID, "", (&topic{account: k.a, whole: k.a.ends.Equal(k.round)}).encode(), k.round)
	if err != nil {
		t.Fatal(err)
	}
	back.restored()
	back.account.epochs, back.log = maps.Clone(k.a.epochs), &k.txnLog
	k.a = back.account
	k.a.copied = k.copied
}
