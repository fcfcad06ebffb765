package brokerlog

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

// fetch makes the line of a Fetch: topics and forgotten are TOPIC:PARTITION.
func fetch(broker, client string, session, epoch, opened int, topics, forgotten []string) string {
	list := func(all []string) string {
		var out []string
		for _, t := range all {
			name, part, _ := strings.Cut(t, ":")
			out = append(out, fmt.Sprintf(`{"topic":%q,"partitions":[{"partition":%s}]}`, name, part))
		}
		return "[" + strings.Join(out, ",") + "]"
	}
	return fmt.Sprintf(`Completed request:{"isForwarded":false,"requestHeader":{"requestApiKey":1,"requestApiVersion":12,"clientId":%q},`+
		`"request":{"replicaId":-1,"sessionId":%d,"sessionEpoch":%d,"topics":%s,"forgottenTopicsData":%s},`+
		`"response":{"errorCode":0,"sessionId":%d,"responses":[]},"connection":"%s-10.0.0.9:4000-1","principal":"User:p"}`,
		client, session, epoch, list(topics), list(forgotten), opened, broker)
}

func TestSessions(t *testing.T) {
	s := NewSessions(1000)
	var p Parser
	test := func(line, want string) {
		t.Helper()
		if kind, err := p.Line([]byte(line)); kind != RequestLine || err != nil {
			t.Fatalf("kind %d, error %v: %s", kind, err, line)
		}
		var got []string
		s.Fetched(&p.Request, func(name []byte, _ lineage.TopicID) { got = append(got, string(name)) })
		slices.Sort(got)
		if is := strings.Join(slices.Compact(got), " "); is != want {
			t.Errorf("%q, want %q: %s", is, want, line)
		}
	}
	const a, b = "10.0.0.1:9092", "10.0.0.2:9092"
	test(fetch(a, "x", 0, 0, 7, []string{"orders:0", "orders:1", "items:0"}, nil), "items orders")
	test(fetch(a, "x", 7, 1, 7, nil, nil), "items orders")
	test(fetch(b, "x", 7, 1, 7, nil, nil), "") // another broker's
	test(fetch(a, "y", 7, 2, 7, nil, nil), "") // a session of that number was another client's
	test(fetch(a, "x", 7, 2, 7, []string{"more:3"}, []string{"orders:0"}), "items more orders")
	test(fetch(a, "x", 7, 3, 7, nil, []string{"orders:1", "never:1"}), "items more")
	test(fetch(a, "x", 7, 4, 7, []string{"items:0"}, []string{"more:3"}), "items")
	test(fetch(a, "x", 7, -1, 0, nil, nil), "") // closed
	test(fetch(a, "x", 7, 5, 7, nil, nil), "")
	if s.Size() != 0 {
		t.Errorf("%d are remembered of nothing", s.Size())
	}
	test(fetch(a, "x", 0, -1, 0, []string{"once:0"}, nil), "once")
	test(fetch(a, "x", 9, 3, 9, []string{"seen:0"}, nil), "seen") // began before anybody looked
}

// However many sessions there are, what is remembered is bounded, and it is those that were heard of last.
func TestSessionsAreBounded(t *testing.T) {
	s := NewSessions(100)
	var p Parser
	names := func(line string) (n int) {
		if _, err := p.Line([]byte(line)); err != nil {
			t.Fatal(err)
		}
		s.Fetched(&p.Request, func([]byte, lineage.TopicID) { n++ })
		return n
	}
	names(fetch("a:1", "kept", 0, 0, 5_000_000, []string{"t:0"}, nil))
	for i := range 1000 {
		names(fetch("a:1", "x", 0, 0, 1+i, []string{"t:0", "t:1", "u:0"}, nil))
		if s.Size() > 210 {
			t.Fatalf("%d are remembered", s.Size())
		}
		if names(fetch("a:1", "kept", 5_000_000, 1, 5_000_000, nil, nil)) != 1 {
			t.Fatalf("forgotten after %d others, though it was heard of all the time", i)
		}
	}
	for part := range 500 {
		names(fetch("a:1", "kept", 5_000_000, 1, 5_000_000, []string{fmt.Sprintf("t:%d", part)}, nil))
	}
	if s.Size() > 210 {
		t.Errorf("%d are remembered of one that grows", s.Size())
	}
}
