package api

// mostMembers bounds memberIds(first:).
const mostMembers = 1000

// Group is the schema's type of that name.
type Group struct{ nodeRow }

// Members answers members.
func (g *Group) Members() int { return len(g.is.Members()) }

// MemberIds answers memberIds.
func (g *Group) MemberIds(first int) ([]string, error) {
	if first < 0 || first > mostMembers {
		return nil, badInput("memberIds: first must be 0 to %d", mostMembers)
	}
	all := g.is.Members()
	out := make([]string, 0, min(first, len(all)))
	for _, n := range all[:min(first, len(all))] {
		out = append(out, n.ID())
	}
	return out, nil
}
