package closing

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/ledger"
	"github.com/lineaged/lineaged/lineage"
)

const (
	// atOnce is of how many flows what the history is asked for is held at once.
	atOnce = 1000
	// mostClients is how many clients of a flow are read: no more are listed in an entry.
	mostClients = 50
)

// used is a flow that uses a topic.
type used struct {
	flow      lineage.Flow
	topic     lineage.Node
	node      lineage.Node
	operation string
}

// usageOf returns who used which topic, or may have, in a view's window.
func usageOf(ctx context.Context, v *answer.View) (out []ledger.Usage, err error) {
	var some []used
	covered := map[lineage.Node]int64{}
	take := func() error {
		more, err := read(ctx, v, some, covered)
		out, some = append(out, more...), some[:0]
		return err
	}
	for _, topic := range v.Topics() {
		writers, readers := v.Usage(topic)
		covered[topic] = millionths(v.Coverage(v.ClustersOf(topic)...).ObservedFraction)
		for _, f := range writers {
			some = append(some, used{f, topic, f.From, ledger.Write})
		}
		for _, f := range readers {
			some = append(some, used{f, topic, f.To, ledger.Read})
		}
		if len(some) >= atOnce {
			if err := take(); err != nil {
				return nil, err
			}
		}
	}
	return out, take()
}

// read makes entries of flows, of those that moved or may have.
func read(ctx context.Context, v *answer.View, some []used, covered map[lineage.Node]int64) (out []ledger.Usage, err error) {
	flows := make([]lineage.Flow, len(some))
	for i := range some {
		flows[i] = some[i].flow
	}
	rows := v.Rows(nil, flows)
	for _, x := range some {
		f := rows.Flow(x.flow)
		if active := f.Active(); active != nil && !*active {
			continue
		}
		u := ledger.Usage{
			Active: f.Active(), Records: f.Records(), Estimated: f.Estimated(), Skipped: f.Skipped(), Lost: f.Lost(), ClientCount: f.ClientCount(),
			Node: ledger.ID(x.node.ID()), Topic: ledger.ID(x.topic.ID()), Operation: x.operation, Observed: covered[x.topic],
		}
		owner, tags := rows.Node(x.node).Describe()
		u.Owner, u.Tags = known(owner), tags
		owner, tags = rows.Node(x.topic).Describe()
		u.TopicOwner, u.TopicTags = known(owner), tags
		if u.Bytes, err = f.Bytes(ctx); err != nil {
			return nil, err
		}
		if err := evidenceAndClients(ctx, f, &u); err != nil {
			return nil, err
		}
		out = append(out, u)
	}
	return out, nil
}

func evidenceAndClients(ctx context.Context, f answer.Flow, u *ledger.Usage) error {
	evidence, err := f.Evidence(ctx)
	if err != nil {
		return err
	}
	for _, e := range evidence {
		u.Evidence = append(u.Evidence, ledger.Evidence{Kind: e.Kind.String(), Since: ledger.At(e.FirstSeen), Detail: known(e.Detail)})
	}
	clients, err := f.Clients(ctx, mostClients)
	if err != nil {
		return err
	}
	for _, c := range clients {
		u.Clients = append(u.Clients, ledger.Client{
			Kind: c.Kind.String(), ClientID: known(c.ClientID), Group: known(c.Group), TransactionalID: known(c.TransactionalID), Principal: known(c.Principal),
			Host: known(c.Host), Software: known(c.Software), Instance: known(c.Instance),
		})
	}
	// In an order that does not hang on how much each moved: an account is compared with a later one.
	slices.SortFunc(u.Clients, func(a, b ledger.Client) int { return strings.Compare(keyOf(a), keyOf(b)) })
	return nil
}

func keyOf(c ledger.Client) (key string) {
	for _, s := range []*string{&c.Kind, c.Group, c.ClientID, c.TransactionalID, c.Principal, c.Host, c.Software, c.Instance} {
		if s != nil {
			key += *s
		}
		key += "\x00"
	}
	return key
}

func known(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// millionths rounds down: 1,000,000 is all.
func millionths(fraction float64) int64 { return int64(math.Floor(fraction*1e6 + 1e-6)) }

// coverageOf returns what was observed of each cluster that is watched or was. told is who administered.
func (c *Closer) coverageOf(ctx context.Context, v *answer.View, told []ledger.Administration) (out []ledger.Coverage, err error) {
	since, err := v.AdministrationTold(ctx)
	if err != nil {
		return nil, err
	}
	unnamed := map[string]int64{}
	for i := range told {
		if told[i].Operation == nil {
			unnamed[told[i].Cluster] += told[i].Times
		}
	}
	seen := map[string]bool{}
	for _, of := range v.Clusters() {
		name := clusterInID(of.Known().Name)
		if seen[name] {
			continue // it is configured twice, and shows under its first name
		}
		seen[name] = true
		var is lineage.Coverage
		if id := of.Known().ID; id != "" {
			is = v.Coverage(id)
		} else {
			is = v.CoverageOf(of.Source())
		}
		x := ledger.Coverage{
			Cluster: name, Complete: is.Complete, Observed: millionths(is.ObservedFraction), GapCount: len(is.Gaps), BlindSpotCount: len(is.BlindSpots),
		}
		for _, g := range is.Gaps {
			x.Gaps = append(x.Gaps, ledger.Gap{Source: v.SourceName(g.Source), Start: ledger.At(g.Window.Start), End: ledger.At(g.Window.End), Reason: g.Reason})
		}
		// What is listed at most is listed from the front, and who asks who administered goes by this.
		if what := untold(since[of.Source()], v.Window().Window); what != "" {
			x.BlindSpots = append(x.BlindSpots, ledger.BlindSpot{Source: of.Known().Name, What: what})
			x.BlindSpotCount++
		}
		for _, b := range is.BlindSpots {
			x.BlindSpots = append(x.BlindSpots, ledger.BlindSpot{Source: b.Source, What: b.What})
		}
		if n := unnamed[name]; n > 0 { // a bundle of one topic has not the entry that says so
			x.BlindSpots = append(x.BlindSpots, ledger.BlindSpot{Source: of.Known().Name, What: fmt.Sprintf("who administers: %d more were allowed to, who and what is not told", n)})
			x.BlindSpotCount++
		}
		out = append(out, x)
	}
	return out, nil
}

// clusterInID returns a cluster's name as the ids of its topics have it.
func clusterInID(name string) string {
	return clusterOf(lineage.Node{Scope: name, Kind: lineage.TopicNode, Name: "x"}.ID())
}

// digests returns the SHA-256 of what names and owners are given by.
func (c *Closer) digests() map[string]string {
	out := map[string]string{}
	for what, data := range c.Sources() {
		sum := sha256.Sum256(data)
		out[what] = hex.EncodeToString(sum[:])
	}
	return out
}
