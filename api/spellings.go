package api

import (
	"slices"
	"time"
)

// ClusterSpellings is the schema's type of that name: how others call the watched clusters, told by whoever wires it
// in. Its items are no more than the schema says, in the order of their spellings.
type ClusterSpellings struct {
	Since       time.Time
	Full        bool
	UntoldCount int
	Items       []ClusterSpelling
}

// usualSpellings is taken for how many ways to call a cluster there are: each tool has one or two.
const usualSpellings = 50

// ordered returns s with what can't be told first, alone where untold asks for that, and counted.
func (s *ClusterSpellings) ordered(untold bool) *ClusterSpellings {
	var open, told []ClusterSpelling
	for _, x := range s.Items {
		if x.Problem != nil {
			open = append(open, x)
		} else if !untold {
			told = append(told, x)
		}
	}
	return &ClusterSpellings{s.Since, s.Full, len(open), slices.Concat(open, told)}
}
