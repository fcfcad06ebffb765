package lineage

import "time"

// RunState is how a run goes, as far as it said. Its values are part of the storage format.
type RunState uint8

// The states of a run.
const (
	RunGoesOn RunState = iota + 1
	RunCompleted
	RunFailed
	RunAborted
	RunSilent // it has said nothing for longer than a run is taken to go on, and not that it ended

	// RunStates is one more than the greatest state.
	RunStates = RunSilent + 1
)

// String returns the state as the GraphQL enum spells it; for people, a question mark where it is not known.
func (s RunState) String() string {
	if s == 0 || s >= RunStates {
		return "?"
	}
	return [...]string{"GOES_ON", "COMPLETED", "FAILED", "ABORTED", "SILENT"}[s-1]
}

// RunsFact is what a job says of itself and of its runs. No text of an error, no SQL and nothing of an environment or a
// configuration stands here.
type RunsFact struct {
	Job         Node
	Integration string // what runs it, in its own word, e.g. SPARK; empty: not said. So are those that follow
	Type        string // what kind of thing it is there, e.g. QUERY
	Description string
	Owners      []Owner
	Ends        []Node // what the runs read and wrote: topics and datasets
	Runs        []Run  // the newest first
	Older       bool   // there were older ones, which are not kept
}

// Owner is who answers for a job, as he is named there.
type Owner struct{ Name, Type string }

// Run is one run of a job. A zero time and an empty text were not said.
type Run struct {
	ID    string
	State RunState
	// First is the time of its first event. Started: one of them said that it began.
	First                    time.Time
	Started                  bool
	Ended                    time.Time
	NominalStart, NominalEnd time.Time // the time that it is of
	Parent                   ParentRun
	Engine, EngineVersion    string // what processed it
	Failure                  string // the class of its error
	// Reads and Writes are indices into Ends; Cut is how many more there were.
	Reads, Writes []int
	Cut           int
}

// ParentRun is the run that started another, as that one names it. Zero: it names none.
type ParentRun struct{ Namespace, Job, Run string }
