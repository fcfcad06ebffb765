package mirror

import "github.com/lineaged/lineaged/internal/mm2"

// This file decides which heartbeats are MirrorMaker 2's: anybody may call a topic of his own "heartbeats", and of
// those not a record is read.

// strangers is how many records a topic may hold that are no heartbeats, before there was any, until it is left alone.
const strangers = 10

// proven reports whether the topic called heartbeats is MirrorMaker 2's. A flow of it leaves more than that: its other
// bookkeeping here, copies of the source's heartbeats, or offset syncs for this target on a source; or somebody has
// told lineaged of one. Where the records are none of its all the same, they are not read on while the topic is there.
func (s *source) proven(t target, name string) bool {
	if tp := s.tailed(name); tp != nil && s.words.bad[name] >= strangers && len(s.words.beats) == 0 {
		s.foreign[name] = true
	}
	if s.foreign[name] {
		return false
	}
	for _, in := range t.internal {
		if in.Kind != mm2.HeartbeatTopic || in.Alias != "" {
			return true
		}
	}
	return len(s.cfg.Aliases) > 0 || s.cfg.Board.HasReplicatorOf(s.cfg.Name) || s.isSynced(t)
}

func (s *source) tailed(name string) *tailed {
	if s.tail == nil {
		return nil
	}
	return s.tail.topics[name]
}

// isSynced reports whether a watched cluster keeps offset syncs for a target that may be this one.
func (s *source) isSynced(t target) bool {
	for _, w := range s.cfg.Board.Clusters() {
		if w.ID == t.ID {
			continue
		}
		for _, alias := range s.syncAliases(w.Topics) {
			if target, known := s.resolve(alias, nil); !known || target.ID == t.ID {
				return true
			}
		}
	}
	return false
}

// syncAliases are the targets for which offset syncs are kept among a cluster's topics. A cluster whose topics did not
// change is not looked through again.
func (s *source) syncAliases(topics []string) []string {
	if len(topics) == 0 {
		return nil
	}
	key := topicList{&topics[0], len(topics)}
	aliases, known := s.syncing[key]
	if !known {
		if len(s.syncing) >= syncingKept {
			clear(s.syncing)
		}
		for _, name := range topics {
			if in := mm2.ParseInternal(name); in.Kind == mm2.OffsetSyncTopic {
				aliases = append(aliases, in.Alias)
			}
		}
		s.syncing[key] = aliases
	}
	return aliases
}

// topicList tells a cluster's list of topics from others: the board's are replaced and never changed.
type topicList struct {
	first *string
	n     int
}

// syncingKept bounds the lists that are remembered.
const syncingKept = 1000
