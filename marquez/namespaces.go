package marquez

import "slices"

// namespace has no owner, and nobody made it: things were seen in it.
type namespace struct {
	Name        string   `json:"name"`
	CreatedAt   *instant `json:"createdAt"`
	UpdatedAt   *instant `json:"updatedAt"`
	OwnerName   *string  `json:"ownerName"`
	Description *string  `json:"description"`
	IsHidden    bool     `json:"isHidden"`
}

func (a *API) namespaces(q *question) (any, error) {
	p, err := q.page()
	if err != nil {
		return nil, err
	}
	all := []namespace{}
	for _, n := range of(p, q.estate.namespaces) {
		all = append(all, namespace{Name: n})
	}
	return struct {
		Namespaces []namespace `json:"namespaces"`
	}{all}, nil
}

func (a *API) namespace(q *question) (any, error) {
	n, err := q.namespace()
	return namespace{Name: n}, err
}

// namespace returns the one that the path names.
func (q *question) namespace() (string, error) {
	n := q.PathValue("ns")
	if _, found := slices.BinarySearch(q.estate.namespaces, n); !found {
		return "", missing("Namespace '%s' not found.", cutShort(n))
	}
	return n, nil
}

// within returns those of a list that are in a namespace and shown in lists.
func within(all []entry, ns string) (some []entry) {
	for _, x := range all {
		if x.Namespace == ns && !x.hidden {
			some = append(some, x)
		}
	}
	return some
}
