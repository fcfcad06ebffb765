package ledger

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// MostEntry is how long an entry may be, in bytes: its length has two of them in a tile.
const MostEntry = 65_535

// mostListed bounds what an entry lists of clients, gaps and blind spots. How many there were stands beside it.
const (
	mostClients  = 50
	mostListed   = 100
	mostEvidence = 50
	// mostText bounds a text from elsewhere, in bytes: names in Kafka have at most 249 letters, details are sentences.
	mostText = 1024
)

// The types of entries, and the version of all of them.
const (
	typeUsage, typeWithdrawal, typeCoverage = "usage", "withdrawal", "coverage"
	typeChange, typeTopics, typeClose       = "change", "topics", "close"
	version                                 = 1
)

// The operations of a Usage.
const (
	Read  = "read"
	Write = "write"
)

// Instant is a time as an entry has it: in UTC, no finer than a millisecond.
type Instant struct{ time.Time }

// At returns a time as an entry has it.
func At(t time.Time) Instant { return Instant{t.UTC().Truncate(time.Millisecond)} }

// MarshalJSON writes the fraction of a second as short as it is exact.
func (i Instant) MarshalJSON() ([]byte, error) { return i.appendJSON(nil) }

func (i Instant) appendJSON(b []byte) ([]byte, error) {
	t := i.UTC()
	y, month, day := t.Date()
	if y < 0 || y > 9999 {
		return b, fmt.Errorf("the year %d can't be written", y)
	}
	hour, minute, second := t.Clock()
	const zero = '0'
	tens := func(n int) byte { return zero + byte(n/10%10) }
	ones := func(n int) byte { return zero + byte(n%10) }
	b = append(
		b, '"', tens(y/100), ones(y/100), tens(y), ones(y), '-', tens(int(month)), ones(int(month)), '-', tens(day), ones(day),
		'T', tens(hour), ones(hour), ':', tens(minute), ones(minute), ':', tens(second), ones(second),
	)
	if ms := t.Nanosecond() / int(time.Millisecond); ms > 0 {
		b = append(b, '.', ones(ms/100), tens(ms), ones(ms))
		b = bytes.TrimRight(b, "0")
	}
	return append(b, 'Z', '"'), nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (i *Instant) UnmarshalJSON(data []byte) error {
	var text string
	if err := json.Unmarshal(data, &text); err != nil {
		return fmt.Errorf("read an instant: %w", err)
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return fmt.Errorf("read an instant: %w", err)
	}
	*i = At(t)
	return nil
}

// Period is a span of time, half-open.
type Period struct {
	End   Instant `json:"end"`
	Start Instant `json:"start"`
}

// Evidence is one way in which a use is known.
type Evidence struct {
	Detail *string `json:"detail"`
	Kind   string  `json:"kind"`
	Since  Instant `json:"since"`
}

// Client is who used a topic, as seen. In an entry Host and Principal are commitments.
type Client struct {
	ClientID        *string `json:"clientId"`
	Group           *string `json:"group"`
	Host            *string `json:"host"`
	Instance        *string `json:"instance"`
	Kind            string  `json:"kind"`
	Principal       *string `json:"principal"`
	Software        *string `json:"software"`
	TransactionalID *string `json:"transactionalId"`
}

// Usage is what one node did to one topic in a period. docs/format/ledger.md says what each field is.
type Usage struct {
	Active      *bool      `json:"active"`
	Amends      *int64     `json:"amends"`
	Bytes       *int64     `json:"bytes"`
	ClientCount int        `json:"clientCount"`
	Clients     []Client   `json:"clients"`
	Estimated   bool       `json:"estimated"`
	Evidence    []Evidence `json:"evidence"`
	Lost        *int64     `json:"lost"`
	Node        string     `json:"node"`
	Observed    int64      `json:"observed"`
	Operation   string     `json:"operation"`
	Owner       *string    `json:"owner"`
	Period      Period     `json:"period"`
	Records     *int64     `json:"records"`
	Skipped     *int64     `json:"skipped"`
	Tags        []string   `json:"tags"`
	Topic       string     `json:"topic"`
	TopicOwner  *string    `json:"topicOwner"`
	TopicTags   []string   `json:"topicTags"`
	Type        string     `json:"type"`
	V           int        `json:"v"`
}

// Withdrawal says that what an entry says did not happen.
type Withdrawal struct {
	Amends    int64  `json:"amends"`
	Node      string `json:"node"`
	Operation string `json:"operation"`
	Period    Period `json:"period"`
	Topic     string `json:"topic"`
	Type      string `json:"type"`
	V         int    `json:"v"`
}

// Gap is a span in which a source saw nothing.
type Gap struct {
	End    Instant `json:"end"`
	Reason string  `json:"reason"`
	Source string  `json:"source"`
	Start  Instant `json:"start"`
}

// BlindSpot is what a source can't see.
type BlindSpot struct {
	Source string `json:"source"`
	What   string `json:"what"`
}

// Coverage is what was observed of a cluster in a period.
type Coverage struct {
	BlindSpotCount int         `json:"blindSpotCount"`
	BlindSpots     []BlindSpot `json:"blindSpots"`
	Cluster        string      `json:"cluster"` // as in the ids of its nodes
	Complete       bool        `json:"complete"`
	GapCount       int         `json:"gapCount"`
	Gaps           []Gap       `json:"gaps"`
	Observed       int64       `json:"observed"` // in millionths
	Period         Period      `json:"period"`
	Type           string      `json:"type"`
	V              int         `json:"v"`
}

// Change is a change of what names and owners are given by.
type Change struct {
	After  *string `json:"after"` // SHA-256 in hexadecimal; nil, as of Before: it is not there
	At     Instant `json:"at"`
	Before *string `json:"before"`
	Type   string  `json:"type"`
	V      int     `json:"v"`
	What   string  `json:"what"`
}

// topicRow is a row of a directory: [id, first, count].
type topicRow struct {
	id           string
	first, count int64
}

// MarshalJSON writes the row as a list.
func (r topicRow) MarshalJSON() ([]byte, error) { return json.Marshal([]any{r.id, r.first, r.count}) }

// UnmarshalJSON reads what MarshalJSON writes.
func (r *topicRow) UnmarshalJSON(data []byte) error {
	return unlist(data, &r.id, &r.first, &r.count)
}

// placed is where a cluster's coverage stands: [cluster, index].
type placed struct {
	cluster string
	index   int64
}

// MarshalJSON writes it as a list.
func (p placed) MarshalJSON() ([]byte, error) { return json.Marshal([]any{p.cluster, p.index}) }

// UnmarshalJSON reads what MarshalJSON writes.
func (p *placed) UnmarshalJSON(data []byte) error { return unlist(data, &p.cluster, &p.index) }

// unlist reads a list of as many values as there are places.
func unlist(data []byte, places ...any) error {
	var raw []json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return fmt.Errorf("read a list: %w", err)
	}
	if len(raw) != len(places) {
		return fmt.Errorf("a list has %d values and not %d", len(raw), len(places))
	}
	for i, place := range places {
		if err := json.Unmarshal(raw[i], place); err != nil {
			return fmt.Errorf("read a list: %w", err)
		}
	}
	return nil
}

// topicsEntry is a part of a batch's directory.
type topicsEntry struct {
	Next   *string    `json:"next"`
	Part   int        `json:"part"`
	Parts  int        `json:"parts"`
	Period Period     `json:"period"`
	Topics []topicRow `json:"topics"`
	Type   string     `json:"type"`
	V      int        `json:"v"`
}

// source is what names and owners were given by: [what, SHA-256 in hexadecimal].
type source struct{ what, digest string }

// MarshalJSON writes it as a list.
func (s source) MarshalJSON() ([]byte, error) { return json.Marshal([]any{s.what, s.digest}) }

// UnmarshalJSON reads what MarshalJSON writes.
func (s *source) UnmarshalJSON(data []byte) error { return unlist(data, &s.what, &s.digest) }

// span is where entries stand: [first, count].
type span [2]int64

// The kinds of batches.
const (
	kindPeriod    = "period"
	kindAmendment = "amendment"
)

// closeEntry is the last of each batch.
type closeEntry struct {
	Closed    Instant  `json:"closed"`
	Coverage  []placed `json:"coverage"`
	Directory span     `json:"directory"`
	Final     Instant  `json:"final"`
	First     int64    `json:"first"`
	Kind      string   `json:"kind"`
	Period    Period   `json:"period"`
	Previous  *int64   `json:"previous"`
	Program   string   `json:"program"`
	Sources   []source `json:"sources"`
	Type      string   `json:"type"`
	V         int      `json:"v"`
}

// typed is what all entries begin with, to tell what they are.
type typed struct {
	Type string `json:"type"`
	V    int    `json:"v"`
}

// ErrVersion says that an entry is of another version of lineaged.
var ErrVersion = errors.New("an entry is of a version that this lineaged does not know")

// typeOf tells what an entry is. Of one in canonical form it need not read all.
func typeOf(data []byte) (string, error) {
	if is, ok := fieldOf(data, `,"type":"`); ok && bytes.Contains(data[bytes.LastIndexByte(data, '"'):], []byte(`":1}`)) {
		return is, nil // all types but one end in "v":1
	}
	var t typed
	if err := json.Unmarshal(data, &t); err != nil {
		return "", fmt.Errorf("read an entry: %w", err)
	}
	if t.V != version {
		return "", fmt.Errorf("%w: type %q, v %d", ErrVersion, t.Type, t.V)
	}
	return t.Type, nil
}

// readAs reads an entry that must be of a type.
func readAs(data []byte, typ string, into any) error {
	is, err := typeOf(data)
	if err != nil {
		return err
	}
	if is != typ {
		return fmt.Errorf("it is of type %q and not %q", is, typ)
	}
	return read(data, into)
}
