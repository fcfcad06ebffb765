//go:build linux

package brokerlog

import (
	"bytes"
	"encoding/json"
	"os"
	"syscall"
	"testing"
	"time"
)

// spent is the processor's time that this process has used, which other work on the machine does not change.
func spent() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peer is what encoding/json is to read of a line: the same as Request holds.
type peer struct {
	IsForwarded   bool `json:"isForwarded"`
	RequestHeader struct {
		API      int16  `json:"requestApiKey"`
		Version  int16  `json:"requestApiVersion"`
		ClientID string `json:"clientId"`
	} `json:"requestHeader"`
	Request           json.RawMessage `json:"request"`  // it may be a string
	Response          json.RawMessage `json:"response"` // the same
	Connection        string          `json:"connection"`
	Principal         string          `json:"principal"`
	Listener          string          `json:"listener"`
	ClientInformation struct {
		Name    string `json:"softwareName"`
		Version string `json:"softwareVersion"`
	} `json:"clientInformation"`
}

type peerBody struct {
	TransactionalID *string `json:"transactionalId"`
	Group           string  `json:"groupId"`
	Member          string  `json:"memberId"`
	Producer        int64   `json:"producerId"`
	Session         int64   `json:"sessionId"`
	SessionEpoch    int64   `json:"sessionEpoch"`
	ReplicaID       *int32  `json:"replicaId"`
	ReplicaState    *struct {
		ReplicaID int32 `json:"replicaId"`
	} `json:"replicaState"`
	TopicData []peerTopic `json:"topicData"`
	Topics    []peerTopic `json:"topics"`
	Responses []peerTopic `json:"responses"`
}

type peerTopic struct {
	Name          string          `json:"name"`
	ID            string          `json:"topicId"`
	PartitionData []peerPartition `json:"partitionData"`
	Answers       []peerPartition `json:"partitionResponses"`
	// of a Fetch; of Metadata they hold more, which is not asked for
	Partitions []peerPartition `json:"partitions"`
}

type peerPartition struct {
	Index      int32 `json:"index"`
	Partition  int32 `json:"partitionIndex"`
	Bytes      int64 `json:"recordsSizeInBytes"`
	BaseOffset int64 `json:"baseOffset"`
	Error      int16 `json:"errorCode"`
}

func (p *peer) read(line []byte) error {
	*p = peer{}
	text := line[bytes.Index(line, requestMark)+len(requestMark):]
	text = text[:bytes.LastIndexByte(text, '}')+1]
	if err := json.Unmarshal(text, p); err != nil {
		return err
	}
	var asked, answered peerBody
	for _, body := range []struct {
		raw  json.RawMessage
		into *peerBody
	}{{p.Request, &asked}, {p.Response, &answered}} {
		if len(body.raw) > 0 && body.raw[0] == '{' {
			if err := json.Unmarshal(body.raw, body.into); err != nil {
				return err
			}
		}
	}
	return nil
}

func requestLines(b *testing.B) (lines [][]byte, size int64) {
	b.Helper()
	for _, file := range []string{"testdata/request-4.3.1.log", "testdata/request-3.9.2.log"} {
		text, err := os.ReadFile(file)
		if err != nil {
			b.Fatal(err)
		}
		for line := range bytes.Lines(text) {
			lines = append(lines, line)
		}
		size += int64(len(text))
	}
	return lines, size
}

// BenchmarkRequests reads real lines, each kind once, so with fewer of those that are left early than a broker writes.
// It reports lines a second of one processor, and how many times as many they are as encoding/json reads in the same
// run.
func BenchmarkRequests(b *testing.B) {
	lines, size := requestLines(b)
	var p Parser
	b.SetBytes(size)
	b.ReportAllocs()
	n, begin := 0, spent()
	for b.Loop() {
		for _, line := range lines {
			if _, err := p.Line(line); err != nil {
				b.Fatal(err)
			}
		}
		n += len(lines)
	}
	used := spent() - begin
	rate := float64(n) / used.Seconds()
	var other peer
	m := 0
	begin = spent()
	for spent()-begin < used/4+time.Millisecond {
		for _, line := range lines {
			if err := other.read(line); err != nil {
				b.Fatal(err)
			}
		}
		m += len(lines)
	}
	theirs := float64(m) / (spent() - begin).Seconds()
	b.ReportMetric(rate, "lines/cpu-s")
	b.ReportMetric(rate/theirs, "x-encoding/json")
}

func BenchmarkAuthorizer(b *testing.B) {
	text, err := os.ReadFile("testdata/authorizer.log")
	if err != nil {
		b.Fatal(err)
	}
	var p Parser
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	n, begin := 0, spent()
	for b.Loop() {
		for line := range bytes.Lines(text) {
			if _, err := p.Line(line); err != nil {
				b.Fatal(err)
			}
			n++
		}
	}
	b.ReportMetric(float64(n)/(spent()-begin).Seconds(), "lines/cpu-s")
}
