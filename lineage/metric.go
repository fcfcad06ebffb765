package lineage

import "strconv"

// Metric is what a stored series measures. Its values are part of the storage format: never renumber. From 12 on the
// two lowest bits of a number say how its values add up, so that a program that does not know a metric can keep it: 0 a
// gauge, 1 a counter, 2 a counter whose advance says that records moved. 3 is not given. No number exceeds 127.
type Metric uint8

// The stored metrics. All values are whole numbers.
const (
	NoMetric Metric = iota
	// Records counts the records of an access by one kind of evidence (counter).
	Records
	// Appended counts a topic's end offsets' advance, transaction markers included (counter, of the topic).
	Appended
	// Lag is records behind, all partitions of one reader's topic (gauge, of an access).
	Lag
	// LagMillis is how long ago the end of the partition furthest behind was where the reader is now, in milliseconds
	// (gauge, of an access).
	LagMillis
	// LagAtLeast is 1 while LagMillis is a lower bound, because the history of end offsets does not reach back far
	// enough, else 0 (gauge, of an access).
	LagAtLeast
	// Pending is 1 while a reader's progress since its last commit is not known yet: it lives and has records to read
	// (gauge, of an access). Of an access to a dataset, it is 1 while nobody can see whether something moves.
	Pending
	// LogBytes is bytes on disk, one replica of each partition (gauge, of the topic).
	LogBytes
	// Retained is end less start offsets, all partitions (gauge, of the topic).
	Retained
	// Skipped counts the offsets that a reader passed and did not read, because somebody set its offsets (counter, of
	// an access).
	Skipped
	// Lost counts records that were gone before they were read: of a reader or a replication, those that retention, a
	// deletion or a truncation took from before it; of a topic, those that went with a leader (counter).
	Lost
	// Live is 1 while somebody is there to read: members, or commits that still come; 0 when nobody is (gauge, of an
	// access).
	Live

	// What follows up to Claimed nobody asks for: it is what a topic's writing is settled from (package attribution),
	// into Records.

	// Runs is 1 while a mover is seen to run that writes the topic, or may write any of the cluster where the topic has
	// no name, and that no broker counts; 0 while it does not, Unknown while nobody can see it (gauge, of an access).
	Runs Metric = 12
	// Left counts records that no counted writer of a topic accounts for (counter, of the topic).
	Left Metric = 13
	// Linked is 1 while the identities that an access' client bears are seen to be one writer's, and 0 since that was
	// taken back (gauge, of an access, by evidence).
	Linked Metric = 16
	// Mixed counts the same as Left, where counted writers may have written some all the same (counter, of the topic).
	Mixed Metric = 17
	// Markers counts the offsets that ended transactions, and so are no records (counter, of the topic).
	Markers Metric = 21
	// Claimed counts what a source that does not see a topic grow takes a client to have written (counter, of an
	// access).
	Claimed Metric = 25
	// TraceMillis counts the milliseconds that traces took from one topic to another, and Traces how many did: of those
	// that were sampled (counters, of the topic that they came to; Client.Mover is the one in which they began).
	TraceMillis Metric = 29
	Traces      Metric = 33

	// What follows closes the account of a reader: where it was never told it is zero.

	// Unplaced is 1 while records wait in partitions in which a reader or a replication has no position of its own, so
	// that Lag is not all that waits; else 0 (gauge, of an access).
	Unplaced Metric = 36
	// Doubted counts those of Records of which it is not known that they were read: of steps that are "at most"
	// (counter, of an access).
	Doubted Metric = 37
	// Ahead is by how many records the positions of a reader are beyond the ends, which are read a moment before them;
	// Lag has nothing of it (gauge, of an access).
	Ahead Metric = 40
	// Returned counts the offsets by which a reader's positions went back, and that it passes once more (counter, of an
	// access).
	Returned Metric = 41

	// Metrics is more than the number of any metric.
	Metrics Metric = 42
)

// byRule is the first number whose two lowest bits say how its values add up.
const byRule Metric = 12

// Unknown is the value of a gauge that its source has looked for and can't tell: a store answers it as not observed,
// from that reading on.
const Unknown = -1

// Counter reports whether the metric is a total that only grows; the others are gauges.
func (m Metric) Counter() bool {
	return m.Moves() || m == Skipped || m == Lost || m >= byRule && m&3 == 1
}

// Settles reports whether the metric is one that writing is settled from.
func (m Metric) Settles() bool { return m >= byRule && m <= Claimed && m != Markers && m.Known() }

// Known reports whether this program knows the metric.
func (m Metric) Known() bool { return m > NoMetric && m < Metrics && metricNames[m] != "" }

// Moves reports whether an advance of the metric says that records moved.
func (m Metric) Moves() bool { return m == Records || m == Appended || m >= byRule && m&3 == 2 }

var metricNames = [Metrics]string{
	"none", "records", "appended", "lag", "lag_ms", "lag_at_least", "pending", "log_bytes", "retained", "skipped", "lost", "live",
	Runs: "runs", Left: "left", Linked: "linked", Mixed: "mixed", Markers: "markers", Claimed: "claimed",
	TraceMillis: "trace_ms", Traces: "traces",
	Unplaced: "unplaced", Doubted: "doubted", Ahead: "ahead", Returned: "returned",
}

// String returns the metric's name.
func (m Metric) String() string {
	if m != NoMetric && !m.Known() {
		return "metric " + strconv.Itoa(int(m))
	}
	return metricNames[m]
}
