package export

import (
	"context"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/lineage"
)

// roots are the nodes that were asked for: those that the view has, one at least, and those of which it is not known
// whether they were there.
type roots struct{ known, unobserved []lineage.Node }

// findRoots finds nodes by their ids, or by names that only one node bears.
func findRoots(ctx context.Context, v *answer.View, key string, asked []string) (found roots, err error) {
	for _, text := range asked {
		n, err := lineage.ParseNodeID(text)
		if err != nil {
			if n, err = byName(ctx, v, key, text); err != nil {
				return found, err
			}
		}
		switch {
		case slices.Contains(found.known, n), slices.Contains(found.unobserved, n): // named twice
		case v.Has(n):
			found.known = append(found.known, n)
		case v.Unobserved(n):
			found.unobserved = append(found.unobserved, n)
		default:
			return found, v.NoNode(n)
		}
	}
	if len(found.known) == 0 {
		return found, v.NoNode(found.unobserved[0])
	}
	return found, nil
}

// byName returns the only node of a name. The writers of a topic that nothing names bear the topic's, and are found by
// their id.
func byName(ctx context.Context, v *answer.View, key, name string) (lineage.Node, error) {
	const most = 20
	all, err := v.Search(ctx, answer.Search{Text: name, HasText: true, IncludeInternal: true})
	if err != nil {
		return lineage.Node{}, err
	}
	var ids []string
	var is lineage.Node
	for _, p := range all {
		if p.Node.Name == name && p.Node.Kind != lineage.UnidentifiedNode {
			is = p.Node
			ids = append(ids, p.Node.ID())
		}
	}
	switch {
	case len(ids) == 1:
		return is, nil
	case len(ids) == 0 && v.Coverage().ObservedFraction == 0:
		return is, &answer.RefusedError{
			Reason:   answer.Unobserved,
			Sentence: key + ": whether there was a node named " + quote(name) + " is not known: nothing was observed in this window",
			Observed: &answer.Observed{Window: v.Window(), Coverage: v.Coverage()},
		}
	case len(ids) == 0:
		return is, &answer.RefusedError{Reason: answer.Missing, Sentence: key + ": " + quote(name) + " is neither a node's id, such as topic:west/orders, nor the name of one in this window"}
	}
	more := ""
	if len(ids) > most {
		more = " and others"
	}
	return is, senseless("%s: %s is the name of %s: %s%s; give the id of one", key, quote(name), plural(len(ids), "node"), strings.Join(ids[:min(len(ids), most)], ", "), more)
}
