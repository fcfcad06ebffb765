// Package openlineage says what was observed in a window as OpenLineage events, for who reads that format: one event
// for each application, connector, replicator and stream job, with all that it read and wrote.
//
// It hides how each receiver finds its own topics and jobs in an event, and it refuses to say more than was observed:
// an event is a complete snapshot only where all of its window was. It sends nothing (package outbox does) and reads no
// event of others.
package openlineage

import "time"

// The types in this file are the format's, as far as it is written here.

const (
	producer  = "https://github.com/lineaged/lineaged"
	runEvent  = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent"
	jobTypeAt = "https://openlineage.io/spec/facets/2-0-4/JobTypeJobFacet.json#/$defs/JobTypeJobFacet"
	datasetAt = "https://openlineage.io/spec/facets/1-0-1/DatasetTypeDatasetFacet.json#/$defs/DatasetTypeDatasetFacet"
	facetsAt  = "https://raw.githubusercontent.com/lineaged/lineaged/main/docs/format/openlineage-facets.json#/$defs/"
)

// Event is a RunEvent.
type Event struct {
	EventTime time.Time `json:"eventTime"`
	EventType string    `json:"eventType"`
	Producer  string    `json:"producer"`
	SchemaURL string    `json:"schemaURL"`
	Run       Run       `json:"run"`
	Job       Job       `json:"job"`
	Inputs    []Dataset `json:"inputs"`
	Outputs   []Dataset `json:"outputs"`
}

// Run is which run of a job it is. Of its facets there are none, since a receiver writes all of them into a
// description; that they are an empty object is what the compatibility tests' validator asks for.
type Run struct {
	RunID  string   `json:"runId"`
	Facets struct{} `json:"facets"`
}

// Job is who reads and writes.
type Job struct {
	Namespace string    `json:"namespace"`
	Name      string    `json:"name"`
	Facets    JobFacets `json:"facets"`
}

// JobFacets are the facets of a job.
type JobFacets struct {
	JobType  JobType  `json:"jobType"`
	Observed Observed `json:"lineaged_observed"`
}

type facet struct {
	Producer  string `json:"_producer"`
	SchemaURL string `json:"_schemaURL"`
}

// JobType is the facet jobType.
type JobType struct {
	facet
	ProcessingType  string          `json:"processingType"`
	Integration     string          `json:"integration"`
	JobType         string          `json:"jobType"`
	EmissionPattern EmissionPattern `json:"emissionPattern"`
}

// EmissionPattern says whether what is missing in an event has ended.
type EmissionPattern struct {
	EventTrigger     string `json:"eventTrigger"`
	EventContentMode string `json:"eventContentMode"`
	WindowDuration   int64  `json:"windowDuration"` // seconds
}

// Observed is our facet of a job: who it is in lineaged, and how much of the window was observed.
type Observed struct {
	facet
	Node             string    `json:"node"` // its id in lineaged
	Name             string    `json:"name"` // its true name, whatever a receiver needs
	Kind             string    `json:"kind"`
	Start            time.Time `json:"start"`
	End              time.Time `json:"end"`
	Complete         bool      `json:"complete"`
	ObservedFraction float64   `json:"observedFraction"`
	Gaps             []Gap     `json:"gaps"`
	MoreGaps         int       `json:"moreGaps,omitempty"`
	// UnknownFlows are flows of which it is not known whether they moved. They are in no event.
	UnknownFlows int `json:"unknownFlows,omitempty"`
}

// Gap is a time in which a source saw nothing.
type Gap struct {
	Source string    `json:"source"`
	Start  time.Time `json:"start"`
	End    time.Time `json:"end"`
	Reason string    `json:"reason"`
}

// Dataset is what is read or written.
type Dataset struct {
	Namespace    string        `json:"namespace"`
	Name         string        `json:"name"`
	Facets       DatasetFacets `json:"facets"`
	InputFacets  *FlowFacets   `json:"inputFacets,omitempty"`
	OutputFacets *FlowFacets   `json:"outputFacets,omitempty"`
}

// DatasetFacets are the facets of a dataset.
type DatasetFacets struct {
	DatasetType *DatasetType `json:"datasetType,omitempty"` // of topics
}

// DatasetType is the facet datasetType.
type DatasetType struct {
	facet
	DatasetType string `json:"datasetType"`
}

// FlowFacets are the facets of one input or output.
type FlowFacets struct {
	Flow FlowFacet `json:"lineaged_flow"`
}

// FlowFacet is our facet of an input or output: how it is known, and what moved.
type FlowFacet struct {
	facet
	Flow      string     `json:"flow"`              // its id in lineaged
	Records   *int64     `json:"records,omitempty"` // not there: not known
	Estimated bool       `json:"estimated"`
	Evidence  []Evidence `json:"evidence"`
}

// Evidence is what supports a flow. Its details stay at home: they may name principals and hosts.
type Evidence struct {
	Kind      string    `json:"kind"`
	Source    string    `json:"source"`
	FirstSeen time.Time `json:"firstSeen"`
	LastSeen  time.Time `json:"lastSeen"`
}
