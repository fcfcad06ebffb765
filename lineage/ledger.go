package lineage

// The types in this file stand between a store, which holds what was told of a topic's writing, and the function that
// it was handed to settle who wrote it (package attribution). Time is in the store's ticks: tick t stands for (t-1, t].

// Ledger is what a store holds of the writing of one topic incarnation in a part of one block. What lies in it is
// settled by it alone: of a claim that reaches over its ends it has the part within; a link is told as it stands now,
// since it holds for all time; and who was not seen by its end only links what it names.
type Ledger struct {
	Topic Topic
	// After is where settling begins: what is told and derived lies after it, and levels are those that hold at it.
	After int64
	// Until is where that part ends.
	Until int64
	// Patience is for how many ticks a step waits for a source that is late, and Silent after how many without a word a
	// source is taken to be switched off.
	Patience, Silent int64
	// Decided is up to where no step waits, late as its sources may be.
	Decided int64
	Told    []Told
	Lookers []Looker
	// Notes say after After why what is left is a bound, by tick, one a tick.
	Notes []Word
}

// Told is one series of the topic, or of its cluster where Access.Topic has no name.
type Told struct {
	Access   Access
	Metric   Metric
	Evidence EvidenceKind
	By       int   // who told it last, in Ledger.Lookers
	Level    int64 // of a gauge, at Ledger.After
	Readings []Reading
}

// Reading is an advance of a counter in (From, To], or a gauge's value from To on.
type Reading struct {
	From, To  int64
	Value     int64
	Estimated bool
	// Beyond: it reaches back to where the store does not hold what else happened together with it.
	Beyond bool
}

// Looker is a source, and when it looked.
type Looker struct {
	Source Source
	Newest int64 // its newest round, whatever that saw
	// Last returns its newest round at or before a tick, 0 where there is none.
	Last func(tick int64) int64
	// Saw reports whether it saw an access in all of (from, to].
	Saw func(a *Access, from, to int64) bool
}

// Settled is what one series is derived to be.
type Settled struct {
	Access   Access
	Metric   Metric
	Evidence EvidenceKind
	By       int // whose word it rests on, in Ledger.Lookers
	Readings []Reading
	Words    []Word // by tick, of each one at most
}

// Word is what a source adds in words from a tick on.
type Word struct {
	At   int64
	Text string
}
