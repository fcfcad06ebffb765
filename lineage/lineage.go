// Package lineage is the vocabulary of lineaged: the words that every other package shares.
//
// It says what a cluster, a topic, a client, an access, a flow and an observation are, in plain values that can be
// compared, copied and merged. It hides nothing and does nothing: no clock, no input or output, no third-party code. It
// refuses to hold anything of a record's payload; no type here has a place for one.
//
// Two layers of words meet here. What is seen is an Access: one client's writing or reading of one topic, known by one
// or more kinds of evidence. What is shown is a Flow between two Nodes. Who a client is, and so which node an access
// belongs to, is decided when a question is asked (package identity), never when an observation is stored.
//
// Instants are time.Time in UTC. Windows are half-open.
package lineage

import (
	"encoding/hex"
	"time"
)

// ClusterID is the id that the brokers of a Kafka cluster report of themselves; it never changes in a cluster's life.
type ClusterID string

// Cluster is one watched Kafka cluster under the names that the configuration gives it.
type Cluster struct {
	ID          ClusterID
	Name        string // configured; the cluster id when nobody configured one
	Environment string // scope of application names; the cluster's name when nobody configured one
}

// TopicID is the id a broker gives a topic at its creation (KIP-516). A topic that is deleted and created again under
// its name has another.
type TopicID [16]byte

// String returns the id in hexadecimal.
func (id TopicID) String() string { return hex.EncodeToString(id[:]) }

// Topic is one incarnation of a topic: a re-created topic is another Topic and the same Node.
type Topic struct {
	Cluster ClusterID
	ID      TopicID
	Name    string
}

// Window is the half-open span [Start, End), UTC.
type Window struct {
	Start, End time.Time
}

// Duration returns End less Start.
func (w Window) Duration() time.Duration { return w.End.Sub(w.Start) }

// Contains reports whether t lies in the window.
func (w Window) Contains(t time.Time) bool { return !t.Before(w.Start) && t.Before(w.End) }

// Empty reports whether the window holds no instant.
func (w Window) Empty() bool { return !w.Start.Before(w.End) }

// Overlap returns the part that w and v share; Empty when they share none.
func (w Window) Overlap(v Window) Window {
	if v.Start.After(w.Start) {
		w.Start = v.Start
	}
	if v.End.Before(w.End) {
		w.End = v.End
	}
	return w
}
