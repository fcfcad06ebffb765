package answer

import (
	"fmt"
	"slices"
	"time"

	"github.com/lineaged/lineaged/lineage"
)

// nothing says why nobody speaks of a part, where these sources were asked.
func (s UsageSource) nothing() string {
	switch s {
	case Sealed:
		return "the ledger has no closed period of this time, and nobody else was asked"
	case Held:
		return "the store has nothing of this time, and nobody else was asked"
	default:
		return "neither the store nor the ledger has anything of this time"
	}
}

// Doubts says in sentences what the report does not show.
func (r *UsageReport) Doubts() (out []string) {
	for _, p := range r.Parts {
		of := p.Window.Start.UTC().Format(time.RFC3339) + " to " + p.Window.End.UTC().Format(time.RFC3339)
		switch {
		case p.Source == Nobody:
			out = append(out, "of "+of+" nothing is known: "+r.Source.nothing())
		case p.Observed == 0:
			out = append(out, "of "+of+" nothing was observed")
		case p.Observed < 1:
			out = append(out, "of "+of+" a part was not observed: see the gaps")
		}
		if p.Source == Sealed {
			out = append(out, fmt.Sprintf("%s is as the ledger has it, whole periods: by the names, owners and tags of then", of))
		}
		if p.Amendable {
			out = append(out, "what comes late can still amend what the ledger says of "+of)
		}
	}
	out = append(out, r.derivationDoubts()...)
	if r.Unread != "" {
		out = append(out, "who is permitted is not known: "+r.Unread)
	}
	out = append(out, r.administrationDoubts()...)
	if (r.Scope.Of == TagScope || r.Scope.Of == OwnerScope) && len(r.Uses)+len(r.Topics) == 0 {
		out = append(out, "nothing of which anything is known in this window bears the "+r.Scope.Of.String()+": it may be spelled otherwise")
	}
	if slices.ContainsFunc(r.Uses, func(u TopicUse) bool { return u.Node.Kind == lineage.UnidentifiedNode }) {
		out = append(out, "some of what was written is of writers whom nothing names")
	}
	return out
}

// derivationDoubts says of a tag to which topics it is not known to come.
func (r *UsageReport) derivationDoubts() (out []string) {
	if r.Scope.Of != TagScope {
		return nil
	}
	if r.BearersOnly {
		return []string{"as asked, topics are left out that do not bear the tag and to which it only comes along flows"}
	}
	for _, p := range r.Parts {
		if p.Source == Sealed {
			out = append(out, "of "+p.Window.Start.UTC().Format(time.RFC3339)+" to "+p.Window.End.UTC().Format(time.RFC3339)+
				" topics are left out that did not bear the tag and to which it only came: the ledger does not say who passed it on, nor who administered these")
		}
	}
	if r.unnamed > 0 {
		out = append(out, fmt.Sprintf("to what %d writers wrote whom nothing names the tag may have come: what they read is not known", r.unnamed))
	}
	return out
}
