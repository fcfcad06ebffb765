package lineage

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// AdministeredUse is what somebody was allowed to do to a topic, a group, a cluster or the like itself, once or more
// often: that he did it, and whether it came about, is not said by who allowed it.
type AdministeredUse struct {
	Operation string // CREATE, DELETE, ALTER, ALTER_CONFIGS; empty: of several kinds, of which no more is told
	Resource  string // Topic, Group, TransactionalId, Cluster, Other
	Name      string
	Request   string    // for which it was asked, as DeleteTopics; empty: that is not told
	Logged    time.Time // as the log has it; zero: that is not told
	Times     int64
}

// Detail is that of an Administered event, which has the principal and the host as the Client of its Access. The name
// stands last, since it may hold anything.
func (a *AdministeredUse) Detail() string {
	word := func(s string) string {
		if s = strings.Join(strings.Fields(s), "_"); s == "" {
			return "-"
		}
		return s
	}
	at := int64(0)
	if !a.Logged.IsZero() {
		at = a.Logged.UnixMilli()
	}
	return fmt.Sprintf("%s %s %s %d %d %s", word(a.Operation), word(a.Resource), word(a.Request), a.Times, at, a.Name)
}

// ParseAdministeredUse reads the detail of an Administered event.
func ParseAdministeredUse(detail string) (a AdministeredUse, ok bool) {
	parts := strings.SplitN(detail, " ", 6)
	if len(parts) != 6 {
		return a, false
	}
	word := func(s string) string { return strings.TrimPrefix(s, "-") }
	times, err := strconv.ParseInt(parts[3], 10, 64)
	at, atErr := strconv.ParseInt(parts[4], 10, 64)
	if err != nil || atErr != nil {
		return a, false
	}
	a = AdministeredUse{Operation: word(parts[0]), Resource: word(parts[1]), Request: word(parts[2]), Times: times, Name: parts[5]}
	if at != 0 {
		a.Logged = time.UnixMilli(at).UTC()
	}
	return a, true
}

// Words says it for people.
func (a *AdministeredUse) Words(who Client) string {
	if a.Operation == "" {
		return fmt.Sprintf("%d more were allowed to administer something; no more is told of them", a.Times)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s was allowed to %s %s %s", who.Principal, a.Operation, strings.ToLower(a.Resource), a.Name)
	if a.Request != "" {
		b.WriteString(", for " + a.Request)
	}
	if who.Host != "" {
		b.WriteString(", from " + who.Host)
	}
	if !a.Logged.IsZero() {
		b.WriteString(", logged " + a.Logged.Format(time.RFC3339))
	}
	if a.Times > 1 {
		fmt.Fprintf(&b, "; %d times", a.Times)
	}
	return b.String()
}
