package logs

import (
	"fmt"
	"slices"
	"time"

	"github.com/lineaged/lineaged/internal/brokerlog"
	"github.com/lineaged/lineaged/lineage"
)

const (
	// recordedFor is for how long after an authorization to write, or to read, the audit log is taken to record more.
	recordedFor = time.Hour
	// skew is by how much a record's clock may be ahead without a word. What is longer ago than old is not dated by
	// when it is read: a refusal is dated, and a right says so.
	skew   = 5 * time.Minute
	old    = time.Hour
	whyOld = "by records from more than an hour before they were read: it was allowed then, and maybe long ago"
	// mostClusters is how many names of clusters are remembered for a round.
	mostClusters = 1000
)

// audit is what is remembered of an audit topic's records, since the start.
type audit struct {
	whose    map[string]owner         // by the records' names of clusters; of the round
	recorded map[lineage.Op]time.Time // newest round in which somebody was allowed to do that
	strange  int                      // records of clusters that nobody watches
	scale    int                      // as last said
	first    string                   // the first of these clusters
	past     map[sight]bool           // what old records tell, and whether no others do; of the round
	ahead    time.Duration            // by how much a record's clock was, at most
	said     time.Duration            // as last said
}

// owner is whose record it is.
type owner uint8

const (
	ours    owner = iota + 1
	another       // watched cluster's, whose own reader has it
	nobodys
)

// record takes in a record of an audit topic. A right that was given is no transfer, and there is no telling which were
// left out: of what the records say nothing is counted but refusals.
func (d *digest) record(value []byte, at when) {
	kind, err := d.parser.Record(value)
	if err != nil {
		d.unparsed(err)
		return
	}
	a := &d.parser.Audit
	if kind != brokerlog.AuditRecord || d.owner(a) != ours {
		return
	}
	d.heard = d.round
	if a.At.After(d.round.Add(skew)) {
		d.audit.ahead = max(d.audit.ahead, a.At.Sub(d.round))
	}
	c := lineage.Client{ClientID: d.text(a.ClientID), Host: d.text(a.Host)}
	if p := d.text(a.Principal); p != anonymous {
		c.Principal = p
	}
	if !a.Allowed {
		for _, r := range a.Resources {
			d.refuse(a, r, at)
		}
		return
	}
	for _, r := range a.Resources {
		d.rule(ruling{d.text(a.Principal), d.text(a.Host), d.text(r.Name), d.text(a.Method), a.Operation, r.Resource}, a.Count, dated(a, at))
	}
	op, ok := a.Access()
	if !ok {
		return
	}
	d.audit.recorded[op] = d.round
	d.link(op, c, lineage.AuditLog)
	for _, r := range a.Resources {
		if r.Resource == brokerlog.ResourceTopic && !r.Prefix {
			t := lineage.Topic{Cluster: d.cluster.ID, Name: d.text(r.Name)}
			s := sight{lineage.Access{Topic: t, Op: op, Client: c}, lineage.AuditLog}
			d.seeTopic(s, false)
			was, known := d.audit.past[s]
			if _, told := d.sights[s]; told && (was || !known) {
				when := dated(a, at)
				d.audit.past[s] = !when.IsZero() && when.Before(d.round.Add(-old))
			}
		}
	}
}

// refuse takes in that somebody may not do something, when it was tried as far as that can be.
func (d *digest) refuse(a *brokerlog.Audit, r brokerlog.AuditResource, at when) {
	when := dated(a, at)
	if when.After(d.round) || when.Before(d.round.Add(-old)) {
		when = d.round
	}
	d.deny(denial{d.text(a.Principal), d.text(r.Name), a.Operation.String(), r.Resource}, a.Host, a.Method, a.Count, when)
}

// dated returns when a record was written, by itself or by its topic.
func dated(a *brokerlog.Audit, at when) time.Time {
	if a.At.IsZero() {
		return at.at
	}
	return a.At
}

// owner says whose a record is: it can name no other cluster's clients.
func (d *digest) owner(a *brokerlog.Audit) owner {
	if len(a.Cluster) == 0 {
		return ours // that of the configuration: these records name none
	}
	if w := d.audit.whose[string(a.Cluster)]; w != 0 {
		if w == nobodys {
			d.audit.strange++
		}
		return w
	}
	w, name := nobodys, d.text(a.Cluster)
	switch own := d.cfg.About; {
	case own == name, own == "" && string(d.cluster.Reported) == name:
		w = ours
	case slices.Contains(d.cfg.Others, name):
		w = another
	default:
		for _, c := range d.cfg.Board.Clusters() {
			if string(c.Reported) == name {
				w = another
			}
		}
	}
	if len(d.audit.whose) < mostClusters {
		d.audit.whose[name] = w
	}
	if w == nobodys {
		if d.audit.strange++; d.audit.first == "" {
			d.audit.first = name
		}
	}
	return w
}

// auditSpots are what an audit topic does not tell.
func (d *digest) auditSpots(say func(what, remedy string)) {
	topic := "the audit topic " + d.cfg.Topic
	if d.badScale > 0 {
		say(fmt.Sprintf("records of %s are no audit records, or do not parse, %d or more; of the first of them: %v", topic, d.badScale, d.firstBad),
			"look whether this is the topic to which Confluent or Redpanda writes its audit log")
	}
	if x := &d.audit; x.strange >= 10*x.scale && x.strange > 0 {
		x.scale = x.strange
	}
	if d.audit.scale > 0 {
		say(fmt.Sprintf("records of %s are of clusters that are not watched, %d or more; the first of them: %q", topic, d.audit.scale, d.audit.first),
			"where one of them is watched, tell its id, as the records have it, in clusters[].audit[].cluster_id")
	}
	if x := &d.audit; x.ahead >= 2*x.said {
		x.said = x.ahead
	}
	if d.audit.said > 0 {
		say(fmt.Sprintf("records of %s are dated up to %s or more into the future; refusals are dated by when they were read", topic, d.audit.said.Round(time.Minute)),
			"set the brokers' clocks, or this machine's")
	}
	if d.round.Sub(later(d.heard, d.began)) >= quietFor {
		say("who writes and reads, as far as "+topic+" would tell: there was no record of this cluster for five minutes",
			"see docs/audit.md: switch the audit log on, and tell by which id its records know this cluster")
		return
	}
	d.unrecorded(say, lineage.Write, "who is allowed to write: "+topic+" holds no authorization to produce, which audit logs do not record unless they are told to",
		"record them, see docs/audit.md: Confluent's category PRODUCE, Redpanda's audit_enabled_event_types with produce")
	d.unrecorded(say, lineage.Read, "who is allowed to read: "+topic+" holds no authorization to consume, which audit logs do not record unless they are told to",
		"record them, see docs/audit.md: Confluent's category CONSUME, Redpanda's audit_enabled_event_types with consume")
}

// unrecorded says that authorizations to do something do not come. That nobody does it can't be told from that.
func (d *digest) unrecorded(say func(what, remedy string), op lineage.Op, what, remedy string) {
	newest, there := d.audit.recorded[op]
	if !there && d.round.Sub(d.began) >= quietFor || there && d.round.Sub(newest) >= recordedFor {
		say(what, remedy)
	}
}
