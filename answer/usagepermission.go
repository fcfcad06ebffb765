package answer

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/lineage"
)

// UsagePermission is an access control entry, as it stood at the window's end.
type UsagePermission struct {
	Permitted
	Cluster string
	Topics  int // of the scope, that it is about
	Derived int // of them those to which the scope's tag only comes
}

// permissionKey is an entry of a cluster.
type permissionKey struct {
	cluster string
	lineage.Permission
}

// mostCompared bounds how many topics and entries are held against each other: some seconds' work.
const mostCompared = 5_000_000

// permit says who may use the topics of the scope at the window's end, and whether they did: as Permitted says it of
// each of them. Of a program these are the entries of the principals that it was seen with.
func (r *UsageReport) permit(ctx context.Context) error {
	topics, derived := r.permittedTopics()
	if r.asksLedgerOnly() {
		r.Unread = "the ledger does not have access control entries"
		return nil
	}
	v := r.View
	entries := 0
	for _, f := range v.held.FactsOf(lineage.PermissionFacts) {
		if f.Permission != nil {
			entries = max(entries, len(f.Permission.Rules))
		}
	}
	if entries*len(topics) > mostCompared {
		r.Unread = "there are too many topics and access control entries to be compared: ask for less"
		return nil
	}
	of := map[permissionKey]*UsagePermission{}
	gone := leaving(ctx)
	for _, topic := range topics {
		if gone() {
			return ctx.Err()
		}
		all, ok := v.Permitted(topic)
		if !ok {
			r.Unread = "the access control entries of " + topic.Scope + " could not be read"
			return nil
		}
		for _, p := range all {
			if r.Scope.Of == ApplicationScope && !r.isOfProgram(p.Principal) {
				continue
			}
			key := permissionKey{topic.Scope, p.Permission}
			is := of[key]
			if is == nil {
				is = &UsagePermission{Permitted: p, Cluster: topic.Scope}
				of[key] = is
			}
			is.Topics++
			if derived[topic] {
				is.Derived++
			}
			is.Used = usedAnywhere(is.Used, p.Used)
		}
	}
	r.Permissions = make([]UsagePermission, 0, len(of))
	for _, p := range of {
		r.Permissions = append(r.Permissions, *p)
	}
	slices.SortFunc(r.Permissions, func(a, b UsagePermission) int {
		return cmp.Or(strings.Compare(a.Cluster, b.Cluster), strings.Compare(a.Principal, b.Principal), strings.Compare(a.Pattern(), b.Pattern()),
			strings.Compare(a.Operation, b.Operation), strings.Compare(a.Host, b.Host), boolOrder(a.Allowed, b.Allowed))
	})
	return nil
}

func boolOrder(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return -1
	default:
		return 1
	}
}

// usedAnywhere says of two topics whether a right was used on one of them: true of one is true, and false only of both.
func usedAnywhere(a, b *bool) *bool {
	switch {
	case a != nil && *a:
		return a
	case a == nil && (b == nil || !*b):
		return nil
	default: // a is false, or b is true
		return b
	}
}

// permittedTopics are those that the window has of the scope, and to which of them its tag only comes.
func (r *UsageReport) permittedTopics() (out []lineage.Node, derived map[lineage.Node]bool) {
	seen := map[string]bool{}
	derived = map[lineage.Node]bool{}
	add := func(p Party) {
		if seen[p.ID] {
			return
		}
		seen[p.ID] = true
		if n, err := lineage.ParseNodeID(p.ID); err == nil && r.View.topics[n] != nil {
			out = append(out, n)
			derived[n] = p.Way != nil
		}
	}
	for _, t := range r.Topics {
		add(t)
	}
	for i := range r.Uses {
		if r.Uses[i].Held {
			add(r.Uses[i].Topic)
		}
	}
	return out, derived
}

// isOfProgram reports whether one of the clients of the uses has a principal.
func (r *UsageReport) isOfProgram(principal string) bool {
	return slices.ContainsFunc(r.Uses, func(u TopicUse) bool {
		return slices.ContainsFunc(u.Clients, func(c UseClient) bool {
			return c.Principal != "" && (principal == c.Principal || principal == "User:*")
		})
	})
}

// asksLedgerOnly reports whether nothing of the report is of the store.
func (r *UsageReport) asksLedgerOnly() bool {
	return !slices.ContainsFunc(r.Parts, func(p UsagePart) bool { return p.Source == Held })
}

// PermissionsThat returns the permissions, or of those only what is allowed and was not seen to be used; nil: not
// known.
func (r *UsageReport) PermissionsThat(unused bool) []UsagePermission {
	if !unused || r.Permissions == nil {
		return r.Permissions
	}
	out := []UsagePermission{}
	for _, p := range r.Permissions {
		if p.Allowed && (p.Used == nil || !*p.Used) {
			out = append(out, p)
		}
	}
	return out
}
