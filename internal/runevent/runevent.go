// Package runevent says what an OpenLineage event says: of which job and run, since when, and what it reads and writes.
//
// It is pure: bytes in, values out. It is lenient as docs/openlineage.md has it: refused is only what can't be placed,
// and what breaks the specification otherwise is flagged. It keeps names, times, types of columns and a few facets
// (Facets) alone, cleaned of whatever in them looks like a secret, so that nothing else of an event can reach a disk:
// no SQL, no environment, no configuration, no text of an error. It refuses to say which cluster or node is meant.
package runevent

import (
	"fmt"
	"time"
)

// Kind is what an event is about.
type Kind uint8

// The kinds of events.
const (
	OfRun     Kind = iota + 1 // a run of a job, at a time
	OfJob                     // a job without a run: what it is meant to read and write
	OfDataset                 // a dataset alone
)

// Type is where in its life a run is.
type Type uint8

// The types of a run's events. Other is also what names no known type.
const (
	Other Type = iota
	Start
	Running
	Complete
	Abort
	Fail
)

var types = [...]string{"OTHER", "START", "RUNNING", "COMPLETE", "ABORT", "FAIL"}

// String returns the type as the specification spells it.
func (t Type) String() string {
	if int(t) < len(types) {
		return types[t]
	}
	return types[Other]
}

// Ends reports whether a run is over with it.
func (t Type) Ends() bool { return t == Complete || t == Abort || t == Fail }

// Moves reports whether the run says by it that it has read and written.
func (t Type) Moves() bool { return t == Running || t == Complete }

// Name is the name of a job or a dataset, which is its own within a namespace.
type Name struct {
	Namespace string `json:"s"`
	Name      string `json:"n"`
}

// Way is that what is read at From goes where To is written. A zero From says of To that all ways to it are told.
type Way struct {
	From Name `json:"a,omitzero"`
	To   Name `json:"b"`
}

// Alias is another name of a dataset: a table over a topic is the topic.
type Alias struct {
	Name Name `json:"n"`
	Is   Name `json:"d"`
}

// Event is what one event says.
type Event struct {
	Kind Kind      `json:"k"`
	Type Type      `json:"t,omitempty"`
	Time time.Time `json:"at"`
	Job  Name      `json:"j"`
	Run  string    `json:"r,omitempty"` // its id; empty but OfRun
	// Integration is what runs the job, in its own word (FLINK, SPARK, DBT); empty: not said.
	Integration string `json:"i,omitempty"`
	// EngineID is the run as its engine knows it: Flink's job id; empty: not said.
	EngineID string `json:"e,omitempty"`
	// Streams: the job has no end of its own (STREAMING, SERVICE). Only said where Typed.
	Streams bool `json:"st,omitempty"`
	Typed   bool `json:"ty,omitempty"`
	// Snapshot: what the event does not name the run reads and writes no more. Every is how often such an event comes;
	// 0: not said.
	Snapshot bool          `json:"sn,omitempty"`
	Every    time.Duration `json:"ev,omitempty"`
	// Reads and Writes are the datasets, each once, in the order of the event.
	Reads  []Name `json:"in,omitempty"`
	Writes []Name `json:"out,omitempty"`
	Facets Facets `json:"f,omitzero"`
	// Ways are those through the job that it tells by a lineage facet. Explicit: the job's own facet is there, so that
	// there are no others through this event.
	Ways     []Way `json:"w,omitempty"`
	Explicit bool  `json:"x,omitempty"`
	// Also are other names of datasets, each with the one that it is known by here.
	Also []Alias `json:"al,omitempty"`
	// Schemas and Made are what it says of columns.
	Schemas []Schema `json:"sc,omitempty"`
	Made    []Made   `json:"cl,omitempty"`
	// Derived is what a dataset says of itself; only OfDataset.
	Derived []Derived `json:"dv,omitempty"`
}

// ProblemError is why a body is no event that can be placed.
type ProblemError struct {
	// Pointer is the JSON pointer (RFC 6901) of what is wrong; empty: the body.
	Pointer string
	// Broken: it is no JSON object at all. Else it is one, and lacks what an event needs.
	Broken bool
	Why    string
	// Byte is at which, from 1 on, the body ceases to be JSON. 0: it is JSON, or that is not told.
	Byte int64
}

func (p *ProblemError) Error() string {
	if p.Pointer == "" {
		return p.Why
	}
	return p.Pointer + ": " + p.Why
}

func broken(why string) *ProblemError { return &ProblemError{Broken: true, Why: why} }

func lacks(pointer, format string, args ...any) *ProblemError {
	return &ProblemError{Pointer: pointer, Why: fmt.Sprintf(format, args...)}
}
