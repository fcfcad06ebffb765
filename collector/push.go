package collector

import (
	"context"
	"errors"
	"slices"
)

// Receipt is what became of what was sent.
type Receipt struct {
	// Rejected counts what is of no use, and Why says in a sentence why, of the first of it.
	Rejected int64
	Why      string
	// Deliver returns nil once all else is durable. See Inbox.Send for its errors.
	Deliver func(ctx context.Context) error
}

// ErrNotYet is when no cluster has been reached that something sent may be about. It is to be sent again.
var ErrNotYet = errors.New("not all clusters have been reached yet")

// Whose says of which of some watched clusters something is that was sent: by a sender that may tell of one, by its
// configured name, or of any (""), and that names a cluster's id, or none (""). why says why it is none's.
func Whose(board *Board, among []string, sender, id string) (cluster, why string, err error) {
	if sender != "" {
		w, known := board.Cluster(sender)
		switch {
		case !slices.Contains(among, sender):
			return "", "what is sent of this cluster is not taken", nil
		case id != "" && known && string(w.Reported) != id:
			return "", "the token is another cluster's than kafka.cluster.id names", nil
		}
		return sender, "", nil
	}
	if id == "" {
		if len(among) == 1 {
			return among[0], "", nil
		}
		return "", "no kafka.cluster.id says which cluster it is about: set it, or use a token that is one cluster's", nil
	}
	n := 0
	for _, name := range among {
		if w, known := board.Cluster(name); known && string(w.Reported) == id {
			cluster, n = name, n+1
		}
	}
	switch {
	case n == 1:
		return cluster, "", nil
	case n > 1:
		return "", "several watched clusters have this kafka.cluster.id: use a token that is one cluster's", nil
	case !board.Settled():
		return "", "", ErrNotYet
	}
	return "", "kafka.cluster.id names no cluster that is watched", nil
}
