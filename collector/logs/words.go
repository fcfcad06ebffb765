package logs

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lineaged/lineaged/internal/brokerlog"
	"github.com/lineaged/lineaged/lineage"
)

// tellDenials tells who was refused, the most often first.
func (d *digest) tellDenials(o *lineage.Observation) {
	keys := slices.SortedFunc(maps.Keys(d.denials), func(a, b denial) int {
		return cmp.Or(cmp.Compare(d.denials[b].n, d.denials[a].n), strings.Compare(a.principal, b.principal), strings.Compare(a.name, b.name),
			strings.Compare(a.operation, b.operation), cmp.Compare(a.resource, b.resource))
	})
	rest := int64(0)
	for i, k := range keys {
		x := d.denials[k]
		if i >= mostEvents {
			rest += x.n
			continue
		}
		e := lineage.Event{At: x.at, Type: lineage.AccessDenied, Detail: x.words(k)}
		switch k.resource {
		case brokerlog.ResourceTopic:
			e.Topic = lineage.Topic{Cluster: d.cluster.ID, ID: d.cluster.IDs[k.name], Name: k.name}
		case brokerlog.ResourceGroup:
			e.Group = lineage.GroupRef{Cluster: d.cluster.ID, Group: k.name}
		default: // of no node: the words say it
		}
		o.Events = append(o.Events, e)
	}
	if rest > 0 {
		o.Events = append(o.Events, lineage.Event{
			At: d.round, Type: lineage.AccessDenied, Detail: fmt.Sprintf("%s: %d more refusals, of %d kinds", d.cfg.Name, rest, len(keys)-mostEvents),
		})
	}
}

func (x *denied) words(k denial) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s may not %s %s %s", k.principal, k.operation, strings.ToLower(k.resource.String()), k.name)
	if x.request != "" {
		b.WriteString(", for " + x.request)
	}
	if x.host != "" {
		b.WriteString(", from " + x.host)
	}
	if x.hosts {
		b.WriteString(" and others")
	}
	if x.n > 1 {
		fmt.Fprintf(&b, "; %d times", x.n)
	}
	return b.String()
}

// quiet is after how long without a line that is said.
func (d *digest) quiet() time.Duration {
	if d.sampled {
		return max(quietFor, 2*d.cfg.Sample.cfg.Every)
	}
	return quietFor
}

// spots are what the lines do not tell.
func (d *digest) spots() (spots []lineage.BlindSpot) {
	say := func(what, remedy string) { spots = append(spots, lineage.BlindSpot{What: what, Remedy: remedy}) }
	if d.bad >= 10*d.badScale && d.bad > 0 { // said anew when there are ten times as many, not with each
		d.badScale = d.bad
	}
	if d.cfg.Audit {
		d.auditSpots(say)
		return spots
	}
	if d.badScale > 0 {
		say(fmt.Sprintf("lines of the brokers' logs did not parse, %d or more; of the first of them: %v", d.badScale, d.firstBad),
			"look whether the lines are whole where they are read, and of a broker from 2.8 on")
	}
	if d.cfg.NoRequests {
		say("who writes and reads by its client.id, and how much: "+whyNoRequests, "switch kafka.request.logger on and remove logs.no_request_log: docs/logs.md")
	}
	if !d.unasked.IsZero() && d.round.Sub(d.unasked) < quietFor {
		say("lines of the request log come, and are passed: it is configured to be off (logs.no_request_log)",
			"remove logs.no_request_log, or set kafka.request.logger back on the brokers that still write it: docs/logs.md")
	}
	if d.unresolved > 0 {
		say("the names of some topics that the request log knows by their ids: they are in no answer of the cluster, or were deleted",
			"grant lineaged's principal DESCRIBE on all topics")
	}
	silent := d.round.Sub(later(d.heard, d.began)) >= d.quiet()
	switch {
	case silent && d.cfg.NoRequests:
		say("who writes and reads by its principal: there was no line of the authorizer log for five minutes",
			"see docs/logs.md: set kafka.authorizer.logger to DEBUG on each broker, and name the files that it is written to")
	case silent:
		say("who writes and reads by its client.id and principal: there was no line of the request log or the authorizer log for five minutes",
			"see docs/logs.md: set kafka.request.logger or kafka.authorizer.logger to DEBUG on each broker, and name the files that they are written to")
	}
	return spots
}

const whyNoRequests = "the request log is switched off for good (logs.no_request_log)"

// unread says what could not be read of a log of which no gap is told.
func unread(got result) (spots []lineage.BlindSpot) {
	why := got.missing
	if got.err != nil {
		why = append(why, got.err.Error())
	}
	for _, w := range why {
		spots = append(spots, lineage.BlindSpot{What: "who writes and reads by its principal: " + w, Remedy: "see docs/logs.md: the authorizer log is read where clusters[].logs says"})
	}
	return spots
}
