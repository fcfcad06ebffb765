package closing

import (
	"context"
	"errors"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/ledger"
	"github.com/lineaged/lineaged/lineage"
)

// Said is what a ledger says of usage, as answers ask for it: what Closer said, the other way round.
type Said struct {
	// Reader returns who reads the ledger as it is now.
	Reader func() *ledger.Reader
}

// Closed is answer.Ledger's.
func (s Said) Closed(ctx context.Context, w lineage.Window) (from, until time.Time, err error) {
	from, until, err = s.Reader().Closed(ctx, w.Start, w.End)
	if errors.Is(err, ledger.ErrNothing) {
		return time.Time{}, time.Time{}, nil
	}
	return from, until, err
}

// Said is answer.Ledger's.
func (s Said) Said(ctx context.Context, w lineage.Window, wanted answer.Wanted, each func(*answer.SaidPeriod) error) error {
	return s.Reader().Within(ctx, w.Start, w.End, onlyOf(wanted), func(a *ledger.Account) error { return each(periodOf(a)) })
}

// onlyOf says what of the ledger has to be looked at for what is wanted.
func onlyOf(wanted answer.Wanted) ledger.Only {
	only := ledger.Only{Keep: func(u *ledger.Usage) bool {
		x := useOf(u)
		return wanted.Wants(&x)
	}}
	if len(wanted.Also) > 0 {
		return only
	}
	switch name := wanted.Scope.Name; wanted.Scope.Of {
	case answer.TopicScope:
		only.Topic = name
	case answer.ClusterScope:
		only.Text = `"topic:` + clusterInID(name) + "/"
	case answer.ApplicationScope:
		only.Text = ledger.Text(ledger.ID(name))
	default:
		only.Text = ledger.Text(name)
	}
	return only
}

func periodOf(a *ledger.Account) *answer.SaidPeriod {
	out := &answer.SaidPeriod{
		Window: lineage.Window{Start: a.Period.Start.Time, End: a.Period.End.Time}, Final: a.Final, Observed: map[string]float64{}, Unlisted: map[string]int{}, Cut: map[string]bool{},
	}
	for i := range a.Statements {
		u := answer.SaidUse{TopicUse: useOf(&a.Statements[i].Usage), Entry: a.Statements[i].Index}
		u.Clients = clientsOf(a.Statements[i].Clients)
		for _, e := range a.Statements[i].Evidence {
			if kind, ok := kinds[e.Kind]; ok {
				u.Evidence = append(u.Evidence, answer.UseEvidence{Kind: kind, Since: e.Since.Time, Detail: told(e.Detail)})
			}
		}
		u.TakeBounds()
		out.Uses = append(out.Uses, u)
	}
	for i := range a.Administered {
		out.Administered = append(out.Administered, administeredOf(&a.Administered[i]))
	}
	for _, c := range a.Coverage {
		name := answer.PartyOf("topic:"+c.Cluster+"/x", "", nil).Scope
		out.Observed[name], out.Unlisted[name] = float64(c.Observed)/1e6, c.GapCount-len(c.Gaps)
		for _, g := range c.Gaps {
			out.Gaps = append(out.Gaps, answer.SaidGap{Cluster: name, Source: g.Source, Window: lineage.Window{Start: g.Start.Time, End: g.End.Time}, Reason: g.Reason})
		}
		out.Cut[name] = len(c.BlindSpots) < c.BlindSpotCount
		for _, b := range c.BlindSpots {
			out.Spots = append(out.Spots, answer.SaidSpot{Cluster: name, BlindSpot: lineage.BlindSpot{Source: b.Source, What: b.What}})
		}
	}
	return out
}

// administeredOf is what an entry says of who administered.
func administeredOf(a *ledger.Administration) answer.UsageAdministered {
	out := answer.UsageAdministered{
		AdministeredUse: lineage.AdministeredUse{Operation: told(a.Operation), Resource: told(a.Resource), Name: a.Name, Request: told(a.Request), Times: a.Times},
		At:              a.At.Time, Cluster: answer.PartyOf("topic:"+a.Cluster+"/x", "", nil).Scope, Principal: person(a.Principal), Host: person(a.Host), Sealed: true,
	}
	if a.Logged != nil {
		out.Logged = a.Logged.Time
	}
	topic := a.Topic
	if topic == "" && out.Resource == "Topic" { // as it was written before entries named it
		topic = lineage.Node{Kind: lineage.TopicNode, Scope: out.Cluster, Name: a.Name}.ID()
	}
	if topic != "" {
		out.Topic = new(answer.PartyOf(topic, "", nil))
	}
	return out
}

// useOf is what an entry says, but for who did it and how that is known. When in its period something moved it does
// not say.
func useOf(u *ledger.Usage) answer.TopicUse {
	out := answer.TopicUse{
		Topic: answer.PartyOf(u.Topic, told(u.TopicOwner), u.TopicTags), Node: answer.PartyOf(u.Node, told(u.Owner), u.Tags), Write: u.Operation == ledger.Write,
		Active: u.Active, Records: u.Records, Bytes: u.Bytes, Skipped: u.Skipped, Lost: u.Lost, Estimated: u.Estimated, AtLeast: u.Active == nil || u.Records == nil,
		ClientCount: u.ClientCount, Observed: float64(u.Observed) / 1e6, Sealed: true,
	}
	if u.Active != nil {
		out.First, out.Last, out.Precision = u.Period.Start.Time, u.Period.End.Time, u.Period.End.Sub(u.Period.Start.Time)
	}
	return out
}

func clientsOf(all []ledger.Client) (out []answer.UseClient) {
	for _, c := range all {
		x := answer.UseClient{
			ClientID: told(c.ClientID), Group: told(c.Group), TransactionalID: told(c.TransactionalID), Principal: person(c.Principal), Host: person(c.Host),
			Software: told(c.Software), Instance: told(c.Instance),
		}
		for _, k := range []lineage.ClientKind{lineage.Connection, lineage.Remainder, lineage.Others} {
			if k.String() == c.Kind {
				x.Kind = k
			}
		}
		out = append(out, x)
	}
	return out
}

// erased stands for who was erased: what is left is a commitment that nobody can open.
const erased = "(erased)"

// person returns a host or a principal.
func person(s *string) string {
	if s != nil && ledger.IsCommitment(*s) {
		return erased
	}
	return told(s)
}

func told(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// kinds are the kinds of evidence by their names.
var kinds = func() map[string]lineage.EvidenceKind {
	out := map[string]lineage.EvidenceKind{}
	for k := lineage.NoEvidence + 1; k < lineage.EvidenceKinds; k++ {
		out[k.String()] = k
	}
	return out
}()
