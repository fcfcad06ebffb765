package otlp

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"

	logs "go.opentelemetry.io/proto/otlp/logs/v1"
	metrics "go.opentelemetry.io/proto/otlp/metrics/v1"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// What is sent is ExportMetricsServiceRequest and ExportLogsServiceRequest, which have the one field that MetricsData
// and LogsData have. Their own packages would bring gRPC with them.

const (
	// maxMessages is how many messages within messages a request may have: two bytes can stand for one, which takes a
	// hundred in memory. 10,000 data points with 10 attributes each are 220,000.
	maxMessages = 1 << 18
	// maxDepth is how deep they may be nested. Logs nest values in values; people do it a few times.
	maxDepth = 64
)

var (
	errMany = fmt.Errorf("it has more than %d parts: send smaller batches", maxMessages)
	errDeep = fmt.Errorf("it is nested more than %d deep", maxDepth)
)

func decodeMetrics(body []byte, f form) (*metrics.MetricsData, error) {
	m := &metrics.MetricsData{}
	if err := decode(body, f, m); err != nil {
		return nil, err
	}
	if f == inJSON {
		return m, unhexMetrics(m)
	}
	return m, nil
}

func decodeLogs(body []byte, f form) (*logs.LogsData, error) {
	m := &logs.LogsData{}
	if err := decode(body, f, m); err != nil {
		return nil, err
	}
	if f == inJSON {
		return m, unhexLogs(m)
	}
	return m, nil
}

// decode decodes a body that is not too much to decode.
func decode(body []byte, f form, m proto.Message) error {
	if f == inJSON {
		if err := countJSON(body); err != nil {
			return err
		}
		if err := (protojson.UnmarshalOptions{DiscardUnknown: true, RecursionLimit: maxDepth}).Unmarshal(body, m); err != nil {
			return errors.New("the body is not OTLP in JSON")
		}
		return nil
	}
	left := maxMessages
	if err := count(m.ProtoReflect().Descriptor(), body, &left, maxDepth); err != nil {
		return err
	}
	if err := (proto.UnmarshalOptions{DiscardUnknown: true, RecursionLimit: maxDepth + 1}).Unmarshal(body, m); err != nil {
		return errors.New("the body is not OTLP in protobuf")
	}
	return nil
}

// count counts the messages within a message down.
func count(d protoreflect.MessageDescriptor, b []byte, left *int, depth int) error {
	if depth == 0 {
		return errDeep
	}
	for len(b) > 0 {
		number, typ, n := protowire.ConsumeField(b)
		if n < 0 {
			return errors.New("the body is not OTLP in protobuf")
		}
		if f := d.Fields().ByNumber(number); typ == protowire.BytesType && f != nil && f.Message() != nil {
			if *left--; *left < 0 {
				return errMany
			}
			_, _, tag := protowire.ConsumeTag(b)
			within, _ := protowire.ConsumeBytes(b[tag:])
			if err := count(f.Message(), within, left, depth-1); err != nil {
				return err
			}
		}
		b = b[n:]
	}
	return nil
}

// countJSON counts the objects of a body.
func countJSON(b []byte) error {
	n, in, escaped := 0, false, false
	for _, c := range b {
		switch {
		case escaped:
			escaped = false
		case in && c == '\\':
			escaped = true
		case c == '"':
			in = !in
		case !in && c == '{':
			if n++; n > maxMessages {
				return errMany
			}
		}
	}
	return nil
}

// unhex turns an id around that was written in hex, as OTLP does in JSON, and read in base64, as protobuf does. Every
// hex text is base64 too, of other bytes.
func unhex(id []byte) ([]byte, error) {
	if len(id) == 0 {
		return nil, nil
	}
	text := base64.StdEncoding.EncodeToString(id)
	b, err := hex.DecodeString(text)
	if err != nil {
		return nil, errors.New("a trace id or span id is not hex")
	}
	return b, nil
}

func unhexMetrics(m *metrics.MetricsData) (err error) {
	turn := func(all []*metrics.Exemplar) {
		for _, x := range all {
			if x == nil || err != nil {
				continue
			}
			if x.TraceId, err = unhex(x.TraceId); err == nil {
				x.SpanId, err = unhex(x.SpanId)
			}
		}
	}
	for _, r := range m.ResourceMetrics {
		for _, s := range r.GetScopeMetrics() {
			for _, x := range s.GetMetrics() {
				for _, p := range x.GetSum().GetDataPoints() {
					turn(p.GetExemplars())
				}
				for _, p := range x.GetGauge().GetDataPoints() {
					turn(p.GetExemplars())
				}
				for _, p := range x.GetHistogram().GetDataPoints() {
					turn(p.GetExemplars())
				}
				for _, p := range x.GetExponentialHistogram().GetDataPoints() {
					turn(p.GetExemplars())
				}
			}
		}
	}
	return err
}

func unhexLogs(m *logs.LogsData) (err error) {
	for _, r := range m.ResourceLogs {
		for _, s := range r.GetScopeLogs() {
			for _, x := range s.GetLogRecords() {
				if x == nil {
					continue
				}
				if x.TraceId, err = unhex(x.TraceId); err != nil {
					return err
				}
				if x.SpanId, err = unhex(x.SpanId); err != nil {
					return err
				}
			}
		}
	}
	return nil
}
