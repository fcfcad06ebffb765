package closing

import (
	"encoding/json"

	"github.com/lineaged/lineaged/ledger"
)

// differ returns what is to be said in the place of an account, and what of it is withdrawn.
func differ(before []ledger.Statement, now []ledger.Usage) (usage []ledger.Usage, gone []ledger.Withdrawal) {
	type key struct{ topic, operation, node string }
	was := make(map[key]*ledger.Statement, len(before))
	for i := range before {
		b := &before[i]
		was[key{b.Topic, b.Operation, b.Node}] = b
	}
	for i := range now {
		u := now[i]
		k := key{u.Topic, u.Operation, u.Node}
		b := was[k]
		delete(was, k)
		if b != nil {
			if same(&b.Usage, &u) {
				continue
			}
			u.Amends = &b.Index
		}
		usage = append(usage, u)
	}
	for i := range before {
		b := &before[i]
		if was[key{b.Topic, b.Operation, b.Node}] == b {
			gone = append(gone, ledger.Withdrawal{Amends: b.Index, Topic: b.Topic, Operation: b.Operation, Node: b.Node})
		}
	}
	return usage, gone
}

// same reports whether two accounts of a use say the same of it. Owners and tags are by rules, and were right when they
// were written; persons may have been erased since, and words of evidence and bytes follow what the rest says.
func same(a, b *ledger.Usage) bool {
	if a.ClientCount != b.ClientCount || a.Estimated != b.Estimated || a.Observed != b.Observed || len(a.Evidence) != len(b.Evidence) {
		return false
	}
	for i := range a.Evidence {
		if a.Evidence[i].Kind != b.Evidence[i].Kind {
			return false
		}
	}
	return equal(a.Active, b.Active) && equal(a.Records, b.Records) && equal(a.Skipped, b.Skipped) && equal(a.Lost, b.Lost)
}

func equal[T comparable](a, b *T) bool {
	return a == b || a != nil && b != nil && *a == *b
}

// uncovered returns the coverage that is otherwise than it was said.
func uncovered(before, now []ledger.Coverage) (out []ledger.Coverage) {
	was := map[string]string{}
	for _, c := range before {
		was[c.Cluster] = digest(c)
	}
	for _, c := range now {
		if is, ok := was[c.Cluster]; !ok || is != digest(c) {
			out = append(out, c)
		}
	}
	return out
}

// digest is what of a coverage makes it another one.
func digest(c ledger.Coverage) string {
	text, err := json.Marshal([]any{c.Complete, c.Observed, c.GapCount, c.BlindSpotCount})
	if err != nil {
		panic(err) // two numbers, a truth value
	}
	return string(text)
}
