package kafka

import (
	"strings"
	"time"
)

// This file judges whether offsets that a group passed were read (docs/adr/0004-read-or-set.md).

// step is what the committed offset of one partition did between two looks.
type step struct {
	from, to int64 // committed before and now; from below zero: nothing was, or it was lost
	base     int64 // where reading can have gone on from: from, or what was gone of the log after it
	start    int64 // the log's start, read just before to was
	end      int64 // the log's end, read before to was
	fell     bool  // the log was truncated below from since the look before
	beyond   bool  // from lies beyond the log's end, or is held to: nobody read up to there, who comes begins anew
	set      bool  // what is committed now does, and to is the end
	epoch    bool  // the commit bears a leader epoch: consumers' do, mostly, and an administrator's seldom does
	leapt    bool  // it passes what has waited, and ends among what has just come
	age      time.Duration
	ageKnown bool  // age is how long there has been something to read at base; not known: at least that
	waiting  int64 // what waited at the last look
	was      int64 // what was committed before it was lost, of a first commit; below zero: nothing
	then     int64 // where the log ended when the group appeared, of a first commit; below zero: not known
	added    bool  // the partition was added to its topic under observation: who reads it learns of it later
	high     int64 // up to where it had been before it went back, which it has not passed since; below zero: it did not
	again    bool  // it went back from there by a little, which counted nothing
	twice    bool  // it went back from there by more, and by a little then
}

// returned returns by how many offsets a step went back. A position that the log's start has passed is where that is.
func (s step) returned() int64 {
	at := s.base
	if s.from < 0 {
		if at = s.was; at < 0 {
			return 0
		}
	}
	return max(max(at, s.start)-max(s.to, s.start), 0)
}

// stepContext is what is known of the reader and its group in the round of a step.
type stepContext struct {
	groupState
	share     bool          // a share group: what it passes is not always read
	copied    bool          // a replicator writes the topic: MirrorMaker 2 may sync the group's offsets
	compacted compaction    //
	markers   bool          // transactions are written to the topic
	tick      time.Duration //
	since     time.Duration // since the group appeared
	unseen    time.Duration // how long nobody looked: since the look before, less a tick
	pause     time.Duration // since the reader last moved or had nothing to read
	habit     habit
}

// maySet reports whether a commit may be an administrator's, of a group that was there before.
func (c stepContext) maySet(m commit) bool {
	alone := !c.live && !c.wasLive && !c.share && m.leaderEpoch < 0 && !c.habit.believed()
	return (alone || c.parted(m.leaderEpoch >= 0)) && !c.from().IsZero()
}

// strange reports whether a commit bears no leader epoch although the reader's do.
func (c stepContext) strange(epoch bool) bool {
	return !epoch && !c.share && c.habit.epochs && !c.habit.plain
}

// plainly reports whether a commit without a leader epoch shows that the reader's own bear none. Of who has left it may
// be an administrator's.
func (c stepContext) plainly() bool {
	return c.live && (c.wasLive || !c.habit.epochs) || c.habit.believed()
}

// somebody reports whether a reader may have read before this step without committing: a member was there at the last
// look, or it is one that reads without being a member.
func (c stepContext) somebody() bool { return c.wasLive || c.habit.alone > 0 }

// unreachable reports whether an offset that lies so far beyond the end is none up to which anybody has read, although
// the end was read before it.
func (c stepContext) unreachable(ahead int64) bool {
	return ahead > fastest*int64(1+c.tick/time.Second)
}

// parted reports whether a commit may be an administrator's, of a group whose last member has left since the last look
// and whose own commits may bear no leader epoch either.
func (c stepContext) parted(epoch bool) bool {
	return c.wasLive && !c.live && !epoch && !c.share && !c.strange(epoch)
}

// compaction is whether a topic's log has holes.
type compaction uint8

const (
	notCompacted compaction = iota
	isCompacted
	maybeCompacted // the configuration may not be described
)

// habit is how a reader has moved until now.
type habit struct {
	epochs  bool             // its commits have borne leader epochs
	plain   bool             // its commits have borne none, although it had members or went on
	alone   int              // steps forward that it made without a member being seen, up to believedAfter
	most    int64            // the most that it moved in a tick
	pause   time.Duration    // the longest time for which it had something to read and did not commit
	pauses  [2]time.Duration // the last two such times, the newest last
	started bool             // it was seen to begin at the log's start where it had no commit
	brief   bool             // it has moved, or begun, between looks that found nobody; nothing hangs on it
}

// believedAfter is how many steps without a member being seen make a reader: nobody resets offsets again and again in
// small steps.
const believedAfter = 3

// believed reports whether the reader has shown that it reads without being a member.
func (h habit) believed() bool { return h.alone >= believedAfter }

// patience is for how long a reader that lives and lags is taken to be at work without a commit. A pause that came once
// may have been of one that was stuck.
func (h habit) patience() time.Duration { return max(spreadLimit, 2*min(h.pauses[0], h.pauses[1])) }

// verdict is what a step means.
type verdict struct {
	read    int64
	skipped int64
	moved   bool   // records moved, or may have
	bound   string // why read is no measurement, in words that begin with "at most" or "at least"; empty: it is exact
	event   string // how offsets were set, in words; empty: it is not known that they were
}

// fastest is more records a second than anybody reads from one partition.
const fastest = 1_000_000

const (
	boundBegan     = "at most: where it began to read is not known"
	boundSight     = "at least: the group came into sight, and what it read before, while others were watched, is not known"
	boundOnce      = "at most, each record once: it came and went between two looks, and what it passed or read twice does not show"
	boundAtEnd     = "at most: it began near the end, since so many records can't be read in the time"
	boundStands    = "at least: it stands at the end that it found, and whether it has read what was there before is not known"
	boundAlone     = "at most, each record once: nobody was seen in the group, and offsets that somebody sets look alike"
	boundRestarted = "at most, each record once: nobody was in the group at the last look, so that its offsets may have been set meanwhile"
	boundLeft      = "neither at most nor at least: its offsets were set after its last member had left, and what it read before does not show"
	boundParted    = "neither at most nor at least: its last member has left, and whether its offsets were set after that, and what it read before, does not show"
	boundPartBack  = "at least: it went back and its last member has left, set or to read again, and what it read before does not show"
	boundHeld      = "at least: it stands beyond where the log ended a moment before, and the next look tells what that is"
	boundAhead     = "at least: an offset was committed that lies beyond where the log ends, and what was read before does not show"
	boundLeftBack  = "at least: its offsets were set back after its last member had left, and what it read before does not show"
	boundBrief     = "at least: its offsets were set while nobody was seen in the group, and who came, read and went between the two looks does not show"
	boundWent      = "at least: it went back while nobody was seen in the group, set or to read again, and what was read between the two looks does not show"
	boundPlain     = "at most, each record once: the commit bears no leader epoch, which its commits do, so that its offsets may have been set"
	boundJump      = "at most: it passed more than it ever did, or after a longer pause, so that it may have sought forward"
	boundOthers    = "at most, each record once: it passed what had waited, and others are in the group than at the look before, or that is not known, so that its offsets may have been set in between"
	boundReborn    = "at least: the topic was made again, and what was read of it in lives between two looks, or after the last look at the one before, is not known"
	boundRemade    = "neither at most nor at least: the topic was made again, and what was read of it in lives between two looks does not show, nor where it began"
	boundLost      = "at most: its offsets were deleted meanwhile"
	boundUnseen    = "at most, each record once: nobody looked for some time, in which its offsets may have been set"
	boundBack      = "at most: it went back, and how far it read before, and where it began to read again, is not known"
	boundAgain     = "at least: it went back a little, and what it read again before it committed there is not counted"
	boundPassed    = "at least: it went back a little and then to beyond where it had been, and what lies before that is not counted: it may have read it again, or its last commits were lost or came late"
	boundHad       = "at most: it went back and then to beyond where it had been, and what lies before that it may not have read again: its last commits may have been lost"
	boundNeither   = "neither at most nor at least: it went back a little and then forward, and where it read again and what it passed is not known"
	boundBeyond    = "neither at most nor at least: it stood beyond where the log ended, and where it began to read is not known"
	boundReached   = "at least: the log has grown to where it stood beyond the end, and what was read up to there does not show"
	boundFell      = "at most: the log was truncated before it, and it goes on from there"
	boundGone      = "at most: records were gone before it read them, and how many it had read all the same, and where it went on, is not known"
	boundOvertaken = "at most: the log's start passed it, and what it had read of that before is not known"
	boundCompacted = "at most: the topic is compacted, so that some of the offsets hold no record"
	boundMaybe     = "at most: whether the topic is compacted may not be described"
	boundMarkers   = "at most: markers of transactions, and aborted records, are among the offsets"
	boundPutBack   = "neither at most nor at least: its broker has older logs than before, and what it read of those that are gone is not known"
	boundShare     = "at most: rejected and archived records are among those that a share group passes"
)

// judge says what a step means.
func judge(s step, c stepContext) verdict {
	alone := !c.live && !c.wasLive // nobody was seen in the group, at neither look
	strange := c.strange(s.epoch)
	// Nobody is in the group, and its reader's commits bear epochs: this one is not the reader's.
	other := !c.live && strange
	switch {
	case alone && !s.epoch && c.copied && !c.share:
		return verdict{}
	case s.set:
		v := verdict{bound: boundBrief, event: "set beyond the end"}
		if !alone {
			v.bound = boundAhead
		}
		if s.from >= 0 {
			v.skipped = s.to - min(s.base, s.to)
		}
		return v
	case s.from < 0 && (s.beyond || c.parted(s.epoch)) && !c.from().IsZero():
		n := max(s.to-s.start, 0)
		return verdict{read: n, moved: n > 0, bound: map[bool]string{false: boundParted, true: boundBeyond}[s.beyond]}
	case s.from < 0:
		return c.lasting(first(s, c))
	case s.to < s.from && other && c.wasLive:
		return verdict{bound: boundLeftBack, event: "set back"}
	case s.to < s.from && other:
		return verdict{bound: boundBrief, event: "set back"}
	case s.to < s.from && c.parted(s.epoch) && !s.fell:
		return verdict{bound: boundPartBack, event: "went back"}
	case s.to < s.from && alone && !s.epoch && !c.habit.believed(): // set, or it reads again
		return verdict{bound: boundWent, event: "went back"}
	case s.to < s.from:
		return c.lasting(back(s, c))
	case other && !c.wasLive: // somebody may have come, read and gone before
		return verdict{skipped: max(s.to-s.base, 0), bound: boundBrief, event: "set forward"}
	}
	v := verdict{read: s.to - s.base, moved: true}
	switch {
	case other:
		v.bound, v.event = boundLeft, "set forward, from where its last member left it"
	case c.parted(s.epoch):
		v.bound = boundParted
	case s.fell:
		v.bound = boundFell
	case s.beyond:
		v.bound = boundBeyond
	case s.base > s.from && c.somebody():
		// what was gone it may have read all the same, over however many looks, and not committed yet
		v.read, v.bound = s.to-s.from, boundGone
	case s.start > s.base:
		// What it had read before was no more than is plausible for it.
		v.read, v.bound = max(s.to-s.start, 0)+c.plausible(min(s.start, s.to)-s.base), boundOvertaken
	case s.base > s.from:
		v.bound = boundGone
	case c.share:
	// an administrator's bears none, whatever the reader's have shown, and may be followed by the reader's
	case alone && (!c.habit.believed() || !s.epoch || s.leapt):
		v.bound = boundAlone
	case !alone && !c.wasLive:
		v.bound = boundRestarted
	case strange:
		v.bound = boundPlain
	case s.leapt && c.others:
		v.bound = boundOthers
	case c.unseen > spreadLimit:
		v.bound = boundUnseen
	case c.irregular(s):
		v.bound = boundJump
	}
	v.read = max(v.read, 0)
	return s.passing(c.lasting(v))
}

// passing corrects a step from before where the reader had been to there or beyond. Who reads goes on from where it is,
// whatever is committed: where its commits were lost with their coordinator, or somebody committed late, its next one
// passes what it had read once before.
func (s step) passing(v verdict) verdict {
	switch {
	case s.twice && s.high > s.to && !s.fell && v.bound == "": // what it passed of the little does not show
		v.bound = boundNeither
	case s.high <= s.from || s.to < s.high || s.fell:
	case s.again:
		v.read = min(v.read, s.to-s.high)
		if v.bound == "" {
			v.bound = boundPassed
		} else {
			v.bound = boundNeither
		}
	case v.bound == "":
		v.bound = boundHad
	}
	return v
}

// beenAt returns up to where a reader has been after a step, below zero where it is there, whether it went back from
// there by a little, and whether by more and then by a little. A member that commits what lies before it reads it
// again; so does who begins anew.
func (s step) beenAt(v verdict, c stepContext) (high int64, again, twice bool) {
	little := v.bound == boundAgain
	switch {
	case s.from < 0 || s.fell || s.beyond:
		return -1, false, false
	case s.to < s.from && s.high > s.from:
		return s.high, s.again && little, s.twice || little && !s.again
	case s.to < s.from:
		return s.from, little, false
	case s.to >= s.high || c.live:
		return -1, false, false
	}
	return s.high, s.again, s.twice
}

// jump is how many times the most that a reader ever moved in a tick is still plausible.
const jump = 4

// calm is the age up to which records are passed by reading them: nobody seeks over what has just come. It is two
// ticks, and no less than two of the common commit intervals; for who passes far more than it ever moved, and that
// waited, it is one.
func (c stepContext) calm(ticks int) time.Duration {
	return max(time.Duration(ticks)*c.tick, 10*time.Second)
}

// irregular reports whether a step passed old records in another way than the reader's own.
func (c stepContext) irregular(s step) bool {
	n, ticks := s.to-s.base, 1+int64(c.unseen/max(c.tick, 1))
	switch {
	case s.ageKnown && s.age < c.calm(1):
		return false
	case s.ageKnown && s.age < c.calm(2):
		return c.habit.most > 0 && min(n, s.waiting) > jump*ticks*c.habit.most
	}
	return n > jump*ticks*c.habit.most || c.pause-c.unseen > max(2*c.habit.pause, c.calm(2))
}

// lasting adds what makes every count of the topic a bound.
func (c stepContext) lasting(v verdict) verdict {
	switch {
	case c.putBack && v.read > 0:
		v.bound = boundPutBack
	case v.bound != "" || v.read == 0:
	case c.share:
		v.bound = boundShare
	case c.markers:
		v.bound = boundMarkers
	case c.compacted == isCompacted:
		v.bound = boundCompacted
	case c.compacted == maybeCompacted:
		v.bound = boundMaybe
	}
	switch {
	case !c.reborn || v.read == 0:
	case v.bound == "":
		v.bound = boundReborn
	case strings.HasPrefix(v.bound, "at most"):
		v.bound = boundRemade
	}
	return v
}

// first judges the first commit on a partition.
func first(s step, c stepContext) verdict {
	switch {
	case c.from().IsZero() && c.sighted:
		return verdict{bound: boundSight}
	case c.from().IsZero():
		return verdict{} // it was there before anybody looked
	}
	if s.was >= s.start && s.to >= s.was && c.live && c.wasLive {
		// it goes on where it was, whatever became of its offsets
		return verdict{read: s.to - s.was, moved: s.to > s.was, bound: boundLost}
	}
	v := verdict{read: max(s.to-s.start, 0)}
	v.moved = v.read > 0
	// the log was, when the group appeared: there is one place only where it can have begun then
	empty := s.was < 0 && s.then >= 0 && s.then <= s.start && !s.added
	switch {
	case v.read == 0:
	case empty && c.wasLive && s.ageKnown && s.age < c.calm(1):
	case empty && !c.wasLive:
		v.bound = boundOnce
	case empty:
		// Members that took the topic up since, or the partition over before anybody had committed there, may have
		// begun at its end.
		v.bound = boundBegan
	case s.was < 0 && s.to == s.then && c.live:
		// as who begins at the end, and commits where it stands
		return verdict{bound: boundStands}
	default:
		v.bound = boundBegan
		if s.then >= 0 && s.to >= s.then && v.read > fastest*int64((c.since+c.tick)/time.Second) {
			v.read, v.bound = s.to-s.then, boundAtEnd
		}
	}
	return v
}

// back judges a reader's return to an earlier offset. Before that it may have read on, as far as the log went: nothing
// shows it.
func back(s step, c stepContext) verdict {
	switch {
	case s.fell && s.to > s.base:
		return verdict{read: s.to - s.base, moved: true, bound: boundFell}
	case c.live && c.wasLive && s.from-s.to <= c.habit.most:
		// a commit that came late, or a little that is read again and counted from here
		return verdict{bound: boundAgain}
	}
	base := s.base
	if c.somebody() { // also what was gone before it was committed
		base = min(base, s.from)
	}
	n := max(s.to-s.start, 0) + max(s.end-base, 0)
	return verdict{read: n, moved: n > 0, bound: boundBack, event: "went back"}
}

// plausible returns how many of so many records a reader may have read since the last look, as it read before.
func (c stepContext) plausible(n int64) int64 {
	if n = max(n, 0); c.habit.most > 0 {
		n = min(n, jump*c.habit.most)
	}
	return n
}
