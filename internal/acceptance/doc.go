// Package acceptance holds the tests that decide whether lineaged does what it promises: the real binary, watching a
// real Apache Kafka on which Kafka's own tools write and read, asked over HTTP like any user would.
//
// One file for each promise. What the tools report is the truth that answers are compared with. The package has no code
// of its own besides: it refuses to look inside, so nothing here knows how lineaged works.
//
// LINEAGED_BIN names the binary to test; without it the tests build one. LINEAGED_LONG=1 runs the longer versions.
// The tag script adds TestTime, which looks for answers about the past that are too sure.
package acceptance
