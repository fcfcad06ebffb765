package lineage

import (
	"testing"
	"time"
)

func TestAdministeredUse(t *testing.T) {
	at := time.Date(2026, 11, 28, 8, 0, 0, int(5*time.Millisecond), time.UTC)
	for _, a := range []AdministeredUse{
		{Operation: "DELETE", Resource: "Topic", Name: "orders", Request: "DeleteTopics", Logged: at, Times: 2},
		{Operation: "DELETE", Resource: "Group", Name: " a  b\n- 1 ", Times: 1},
		{Times: 7, Name: "west"},
		{},
	} {
		if got, ok := ParseAdministeredUse(a.Detail()); !ok || got != a {
			t.Errorf("%+v comes back as %+v, %v", a, got, ok)
		}
	}
	for _, text := range []string{"", "DELETE Topic", "DELETE Topic X many 0 orders", "DELETE Topic X 1 - orders"} {
		if got, ok := ParseAdministeredUse(text); ok {
			t.Errorf("%q is read as %+v", text, got)
		}
	}
}
