package identity

import (
	"cmp"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/lineage"
)

// links are what was seen to be one client's. By them a client gets the names that its access does not bear: a producer
// id the client.id that asked for it, a principal the client that it is.
type links struct {
	of map[handle][]lineage.Link // by what is looked for; once settled, the best first
	// groups are those of readers that were seen to be in one, by host; reads, what these groups read.
	groups map[handle][]lineage.Link
	reads  map[groupTopic]bool
	did    map[deed]map[string]bool // the client.ids under which it was seen
	linked map[lineage.GroupRef]bool
}

// handle is an identity by which a client is looked for: one of the fields that no two clients share, or, of those that
// they may, where it was seen from.
type handle struct {
	cluster         lineage.ClusterID
	producer        lineage.ProducerID
	transactional   string
	instance        string
	principal, host string
}

// deed is what somebody of a principal, from a host, was seen to do to a topic.
type deed struct {
	handle
	topic string
	op    lineage.Op
}

// deedOf returns what an access is; ok is false where nobody says who it was.
func deedOf(a *lineage.Access) (d deed, ok bool) {
	c := &a.Client
	d = deed{handle{cluster: a.Topic.Cluster, principal: c.Principal, host: bare(c.Host)}, a.Topic.Name, a.Op}
	return d, c.Principal != "" && !anybody(c.Principal)
}

// saw takes in that a client of a principal did something under its client.id.
func (l *links) saw(a *lineage.Access) {
	d, ok := deedOf(a)
	if !ok || a.Client.ClientID == "" {
		return
	}
	if l.did == nil {
		l.did = map[deed]map[string]bool{}
	}
	if l.did[d] == nil {
		l.did[d] = map[string]bool{}
	}
	l.did[d][a.Client.ClientID] = true
}

// own are the handles of a client that are its alone.
func own(cluster lineage.ClusterID, c *lineage.Client) (out []handle) {
	if c.Producer != 0 {
		out = append(out, handle{cluster: cluster, producer: c.Producer})
	}
	if c.Instance != "" {
		out = append(out, handle{cluster: cluster, instance: c.Instance})
	}
	if c.TransactionalID != "" {
		out = append(out, handle{cluster: cluster, transactional: c.TransactionalID})
	}
	return out
}

// seenFrom are the handles that several clients may share, the narrower first.
func seenFrom(cluster lineage.ClusterID, c *lineage.Client) (out []handle) {
	if c.Principal == "" || anybody(c.Principal) {
		return nil
	}
	if c.Host != "" {
		out = append(out, handle{cluster: cluster, principal: c.Principal, host: bare(c.Host)})
	}
	return append(out, handle{cluster: cluster, principal: c.Principal})
}

func (l *links) add(x lineage.Link) {
	if l.of == nil {
		l.of = map[handle][]lineage.Link{}
	}
	for _, h := range own(x.Cluster, &x.Client) {
		l.of[h] = append(l.of[h], x)
	}
	if c := &x.Client; c.Group != "" && c.Host != "" && c.TransactionalID == "" {
		if l.groups == nil {
			l.groups, l.reads, l.linked = map[handle][]lineage.Link{}, map[groupTopic]bool{}, map[lineage.GroupRef]bool{}
		}
		at := handle{cluster: x.Cluster, host: bare(c.Host)}
		l.groups[at] = append(l.groups[at], x)
		l.linked[lineage.GroupRef{Cluster: x.Cluster, Group: c.Group}] = true
	}
	if x.Client.ClientID != "" {
		for _, h := range seenFrom(x.Cluster, &x.Client) {
			l.of[h] = append(l.of[h], x)
		}
	}
}

// read notes that a group reads a topic, where it is one of those that readers were seen to be in.
func (l *links) read(ref lineage.GroupRef, topic string) {
	if l.linked[ref] {
		l.reads[groupTopic{ref, topic}] = true
	}
}

// group returns the link of the one group that a reader of a topic without a group can be in: it was seen on the same
// host under the same names, and the group reads the topic.
func (l *links) group(a *lineage.Access) (by lineage.Link, ok bool) {
	c := &a.Client
	for _, x := range l.groups[handle{cluster: a.Topic.Cluster, host: bare(c.Host)}] {
		same := c.ClientID != "" && x.Client.ClientID != "" || c.Principal != "" && x.Client.Principal != "" && !anybody(c.Principal)
		if !same || !agree(c, &x.Client) || !l.reads[groupTopic{lineage.GroupRef{Cluster: a.Topic.Cluster, Group: x.Client.Group}, a.Topic.Name}] {
			continue
		}
		if ok && by.Client.Group != x.Client.Group {
			return lineage.Link{}, false
		}
		if !ok || x.Evidence.LinkRank() < by.Evidence.LinkRank() {
			by, ok = x, true
		}
	}
	return by, ok
}

// settle sorts what is held of each identity, the better evidence first, then the newer.
func (l *links) settle() {
	for _, all := range l.of {
		slices.SortFunc(all, func(a, b lineage.Link) int {
			return cmp.Or(
				cmp.Compare(a.Evidence.LinkRank(), b.Evidence.LinkRank()), b.Since.Compare(a.Since),
				strings.Compare(a.Client.ClientID, b.Client.ClientID), strings.Compare(a.Client.Principal, b.Client.Principal), strings.Compare(a.Client.Host, b.Client.Host),
			)
		})
	}
}

// join returns an access' client with what links say of it, and the best of these; NoEvidence: they say nothing. What
// the client bears itself stays. name says what a client.id names.
func (l *links) join(a *lineage.Access, name func(lineage.Client) string) (lineage.Client, lineage.Link) {
	cluster, c, by := a.Topic.Cluster, a.Client, lineage.Link{}
	if len(l.of)+len(l.groups) == 0 || c.Kind != lineage.Connection || c.Mover.Kind != lineage.NoKind {
		return c, by
	}
	take := func(x *lineage.Link) {
		if agree(&c, &x.Client) && fill(&c, &x.Client) && by.Evidence == lineage.NoEvidence {
			by = *x
		}
	}
	tried := map[handle]bool{}
	for again := true; again; { // what is found may lead on: a producer id to an instance, that to a principal
		again = false
		for _, h := range own(cluster, &c) {
			if tried[h] {
				continue
			}
			tried[h], again = true, true
			for i := range l.of[h] {
				take(&l.of[h][i])
			}
		}
	}
	if c.Group != "" {
		if c.ClientID != "" && c.Host != "" { // a member, whose principal and software its broker's log has
			for _, x := range l.groups[handle{cluster: cluster, host: bare(c.Host)}] {
				if x.Client.Group == c.Group && x.Client.ClientID == c.ClientID {
					take(&x)
				}
			}
		}
		return c, by
	}
	if a.Op == lineage.Read && c.Host != "" {
		if x, ok := l.group(&lineage.Access{Topic: a.Topic, Op: a.Op, Client: c}); ok {
			c.Group = x.Client.Group
			take(&x)
			if by.Evidence == lineage.NoEvidence {
				by = x
			}
			return c, by
		}
	}
	if c.ClientID != "" {
		return c, by
	}
	d, _ := deedOf(&lineage.Access{Topic: a.Topic, Op: a.Op, Client: c})
	for _, h := range seenFrom(cluster, &c) {
		all := l.of[h]
		if did := l.did[d]; len(did) > 0 { // of those that come from there, who was seen to do this
			all = slices.DeleteFunc(slices.Clone(all), func(x lineage.Link) bool { return !did[x.Client.ClientID] })
		}
		if x := oneName(all, name); x != nil {
			take(x)
			break
		}
	}
	return c, by
}

// oneName returns the best link where all have one name.
func oneName(all []lineage.Link, name func(lineage.Client) string) *lineage.Link {
	for i := range all {
		if a, b := name(all[0].Client), name(all[i].Client); a == "" || a != b {
			return nil
		}
	}
	if len(all) == 0 {
		return nil
	}
	return &all[0]
}

// bare is an address as logs and telemetry have it: brokers put a slash in front of that of a group's member.
func bare(host string) string { return strings.TrimPrefix(host, "/") }

// agree reports whether what both bear is the same.
func agree(a, b *lineage.Client) bool {
	for _, f := range [...][2]string{
		{a.ClientID, b.ClientID}, {a.TransactionalID, b.TransactionalID}, {a.Instance, b.Instance}, {a.Principal, b.Principal}, {bare(a.Host), bare(b.Host)},
	} {
		if f[0] != "" && f[1] != "" && f[0] != f[1] {
			return false
		}
	}
	return true
}

// fill takes over what a client does not bear itself, and reports whether that was anything. A group is not taken: who
// reads with it is no reader where it writes.
func fill(c, from *lineage.Client) (took bool) {
	for _, f := range [...][2]*string{
		{&c.ClientID, &from.ClientID},
		{&c.TransactionalID, &from.TransactionalID},
		{&c.Instance, &from.Instance},
		{&c.Principal, &from.Principal},
		{&c.Host, &from.Host},
		{&c.Software, &from.Software},
	} {
		if *f[0] == "" && *f[1] != "" {
			*f[0], took = *f[1], true
		}
	}
	if c.Producer == 0 && from.Producer != 0 && c.Instance == from.Instance && c.Instance != "" {
		c.Producer, took = from.Producer, true
	}
	return took
}

// anybody reports whether a principal is everybody's who does not say who he is.
func anybody(principal string) bool { return strings.EqualFold(principal, "User:ANONYMOUS") }

// principalName returns what a principal names: a user, or of a distinguished name the common name; empty: nobody.
func principalName(principal string) string {
	if anybody(principal) {
		return ""
	}
	_, name, ok := strings.Cut(principal, ":")
	if !ok {
		return ""
	}
	for part := range strings.SplitSeq(name, ",") {
		if key, value, ok := strings.Cut(strings.TrimSpace(part), "="); ok && strings.EqualFold(key, "CN") && value != "" {
			name = value
			break
		}
	}
	return strings.TrimSpace(name)
}
