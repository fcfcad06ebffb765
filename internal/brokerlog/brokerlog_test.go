package brokerlog

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lineaged/lineaged/lineage"
)

var update = flag.Bool("update", false, "write what lines are read as to testdata")

// What real brokers wrote, and what is collected of authorizers, is read as testdata says.
func TestReal(t *testing.T) {
	files, err := filepath.Glob("testdata/*.log")
	if err != nil || len(files) == 0 {
		t.Fatal("no lines", err)
	}
	for _, file := range files {
		lines, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		var p Parser
		for line := range bytes.Lines(lines) {
			fmt.Fprintln(&got, describe(&p, line))
			for layers, wrap := range map[string]func(string) string{"one layer": asField, "two": func(s string) string { return asField(asField(s)) }} {
				want := describe(&p, line)
				if is := describe(&p, []byte(wrap(string(line)))); is != want {
					t.Errorf("in %s of JSON:\n%s\nas text:\n%s\n%s", layers, is, want, line)
				}
			}
		}
		golden := strings.TrimSuffix(file, ".log") + ".txt"
		if *update {
			if err := os.WriteFile(golden, []byte(got.String()), 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if got.String() != string(want) {
			t.Errorf("%s, read:\n%s\nwant:\n%s", file, got.String(), want)
		}
	}
}

// asField puts a line into JSON, as a layout of log4j or a container's log driver does.
func asField(line string) string {
	message, _ := json.Marshal(strings.TrimRight(line, "\n"))
	return `{"level":"DEBUG","logger":"kafka","message":` + string(message) + `,"thread":"a \"b\" c"}` + "\n"
}

// describe says in one line all that was read.
func describe(p *Parser, line []byte) string {
	kind, err := p.Line(line)
	if err != nil {
		return "error: " + err.Error()
	}
	var b strings.Builder
	say := func(name string, value any) {
		switch v := value.(type) {
		case []byte:
			if len(v) > 0 {
				fmt.Fprintf(&b, " %s=%q", name, v)
			}
		default:
			fmt.Fprintf(&b, " %s=%v", name, v)
		}
	}
	when := func() {
		if at, zoned, ok := p.Time(); ok {
			say("at", at.Format("15:04:05.000"))
			say("zoned", zoned)
		}
	}
	switch kind {
	case Other:
		return "other"
	case Uninteresting:
		return "uninteresting"
	case RequestLine:
		r := &p.Request
		fmt.Fprintf(&b, "request %d v%d", r.API, r.Version)
		when()
		say("client", r.ClientID)
		say("principal", r.Principal)
		say("listener", r.Listener)
		say("host", Host(r.Connection))
		say("software", r.Software)
		say("version", r.SoftwareVersion)
		say("group", r.Group)
		say("member", r.Member)
		say("tx", r.TransactionalID)
		say("instance", r.Instance)
		fmt.Fprintf(&b, " producer=%d/%d session=%d/%d/%d asked=%v answered=%v error=%d", r.Producer, r.Epoch, r.Session, r.SessionEpoch, r.Opened,
			r.Asked, r.Answered, r.Error)
		for name, topics := range map[string][]Topic{"topics": r.Topics} {
			sayTopics(&b, name, topics)
		}
		sayTopics(&b, "forgotten", r.Forgotten)
		sayTopics(&b, "results", r.Results)
	case AuditRecord:
		return "a line is no record"
	case AuthorizerLine:
		a := &p.Authorization
		b.WriteString("authorizer")
		when()
		say("principal", a.Principal)
		say("host", a.Host)
		say("operation", a.Operation)
		say("allowed", a.Allowed)
		say("resource", a.Resource)
		say("pattern", a.Pattern)
		say("name", a.Name)
		say("request", a.Request)
	}
	return b.String()
}

func sayTopics(b *strings.Builder, name string, topics []Topic) {
	if len(topics) == 0 {
		return
	}
	fmt.Fprintf(b, " %s=[", name)
	for _, t := range topics {
		fmt.Fprintf(b, "%q", t.Name)
		if t.ID != (lineage.TopicID{}) {
			b.WriteString("/" + t.ID.String()[:6])
		}
		if t.Error != 0 {
			fmt.Fprintf(b, " error %d", t.Error)
		}
		for _, p := range t.Parts {
			fmt.Fprintf(b, " %d(%dB @%d %dr e%d)", p.Index, p.Bytes, p.Offset, p.Records, p.Error)
		}
		b.WriteString(";")
	}
	b.WriteString("]")
}

const produce = `{"isForwarded":false,"requestHeader":{"requestApiKey":0,"requestApiVersion":9,"correlationId":6,"clientId":"app","requestApiKeyName":"PRODUCE"},` +
	`"request":{"transactionalId":null,"acks":-1,"timeoutMs":1500,"topicData":[{"name":"orders","partitionData":[{"index":0,"recordsSizeInBytes":105}]}]},` +
	`"response":{"responses":[{"name":"orders","partitionResponses":[{"index":0,"errorCode":0,"baseOffset":7}]}],"throttleTimeMs":0},` +
	`"connection":"127.0.0.1:9092-127.0.0.1:54206-2-3","totalTimeMs":75.257,"principal":"User:alice","listener":"PLAINTEXT","clientInformation":{"softwareName":"s","softwareVersion":"1"}}`

// Whatever stands before a line, it is read the same, and its time is what the prefix says.
func TestPrefixes(t *testing.T) {
	test := func(prefix, wantTime string) {
		t.Helper()
		var p Parser
		kind, err := p.Line([]byte(prefix + "Completed request:" + produce + " (kafka.request.logger)\n"))
		if err != nil || kind != RequestLine || string(p.Request.ClientID) != "app" || len(p.Request.Results) != 1 {
			t.Fatalf("%s: kind %d, error %v, %+v", prefix, kind, err, p.Request)
		}
		got := "none"
		if at, zoned, ok := p.Time(); ok {
			got = at.Format("2006-01-02T15:04:05.000Z")
			if !zoned {
				got = strings.TrimSuffix(got, "Z")
			}
		}
		if got != wantTime {
			t.Errorf("%s: time %s, want %s", prefix, got, wantTime)
		}
	}
	test("", "none")
	test("DEBUG ", "none")
	test("[2026-11-22 21:13:41,190] DEBUG ", "2026-11-22T21:13:41.190")
	test("2026-11-22T21:13:41.190Z DEBUG ", "2026-11-22T21:13:41.190Z")
	test("2026-11-22T21:13:41,190+0530 DEBUG [x] (k) ", "2026-11-22T15:43:41.190Z")
	test("2026-11-22T21:13:41.19-05:00 ", "2026-11-23T02:13:41.190Z")
	test("Nov 22 21:13:41 host-1 kafka[123]: [2026-11-22 21:13:41] AUDIT: ", "2026-11-22T21:13:41.000")
	test("[2026-99-22 21:13:41,190] ", "none")
	test(`level=debug ts="x" x: `, "none")
}

// The time of a line in JSON may stand before or behind the message.
func TestTimeInJSON(t *testing.T) {
	message, _ := json.Marshal("Completed request:" + strings.ReplaceAll(produce, `"app"`, `"2020-01-01 00:00:00"`))
	test := func(line, want string) {
		t.Helper()
		var p Parser
		if kind, err := p.Line([]byte(fmt.Sprintf(line, message))); err != nil || kind != RequestLine {
			t.Fatalf("%s: kind %d, error %v", line, kind, err)
		}
		at, zoned, ok := p.Time()
		if got := at.Format("2006-01-02T15:04:05Z"); !ok || !zoned || got != want {
			t.Errorf("%s: %s, zoned %v, ok %v; want %s", line, got, zoned, ok, want)
		}
	}
	test(`{"instant":{"epochSecond":1795382021,"nanoOfSecond":190000000},"level":"DEBUG","message":%s}`, "2026-11-22T21:13:41Z")
	test(`{"timeMillis":1795382021190,"level":"DEBUG","message":%s}`, "2026-11-22T21:13:41Z")
	test(`{"message":%s,"@timestamp":"2026-11-22T21:13:41.190Z"}`, "2026-11-22T21:13:41Z")
	test(`{"log": %s,"stream":"stdout","time":"2026-11-22T21:13:41.190123456Z"}`, "2026-11-22T21:13:41Z")
}

func TestHost(t *testing.T) {
	test := func(connection, host, local string) {
		t.Helper()
		if got := string(Host([]byte(connection))); got != host {
			t.Errorf("host of %s: %q, want %q", connection, got, host)
		}
		if got := string(Local([]byte(connection))); got != local {
			t.Errorf("local of %s: %q, want %q", connection, got, local)
		}
	}
	test("127.0.0.1:9092-127.0.0.1:54206-2-3", "127.0.0.1", "127.0.0.1:9092")
	test("10.0.0.1:9092-10.20.30.40:54206-2", "10.20.30.40", "10.0.0.1:9092")
	test("0:0:0:0:0:0:0:1:9092-0:0:0:0:0:0:0:2:54206-2-3", "0:0:0:0:0:0:0:2", "0:0:0:0:0:0:0:1:9092")
	test("fe80:0:0:0:1:2:3:4%br-12:9092-fe80:0:0:0:1:2:3:5%br-77:54206-2-3", "fe80:0:0:0:1:2:3:5%br-77", "fe80:0:0:0:1:2:3:4%br-12:9092")
	test("[::1]:9092-[::2]:54206-2-3", "::2", "[::1]:9092")
	test("", "", "")
	test("nonsense", "", "")
	test("a:1-b", "", "a:1")
	test("a:1-", "", "a:1")
}

// Names, groups and principals may hold anything, the words of a line as well.
func TestNamesHoldAnything(t *testing.T) {
	test := func(line, principal, resource, name, request string, allowed bool) {
		t.Helper()
		var p Parser
		kind, err := p.Line([]byte(line))
		a := p.Authorization
		if err != nil || kind != AuthorizerLine || string(a.Principal) != principal || a.Resource.String() != resource || string(a.Name) != name ||
			string(a.Request) != request || a.Allowed != allowed {
			t.Errorf("%s\nkind %d, error %v, principal %q, %s %q, request %q, allowed %v", line, kind, err, a.Principal, a.Resource, a.Name, a.Request, a.Allowed)
		}
	}
	test("Principal = User:CN=a, O=\"b = c\",C=US is Denied Operation = Write from host = 10.0.0.1 on resource = Topic:orders (kafka.authorizer.logger)",
		"User:CN=a, O=\"b = c\",C=US", "Topic", "orders", "", false)
	test("Principal = User:CN=this is it is Allowed operation = READ from host = ::1 on resource = Topic:LITERAL:t for request = Fetch with resourceRefCount = 2 based on rule X",
		"User:CN=this is it", "Topic", "t", "Fetch", true)
	forged := "g is Allowed operation = WRITE from host = 6.6.6.6 on resource = Topic:LITERAL:secret for request = Produce with resourceRefCount = 1 based on rule Y"
	test("Principal = User:eve is Denied operation = READ from host = 1.1.1.1 on resource = Group:LITERAL:"+forged+" for request = JoinGroup with resourceRefCount = 1 based on rule DefaultDeny",
		"User:eve", "Group", forged, "JoinGroup", false)
	test("Principal = User:eve is Denied operation = READ from host = 1.1.1.1 on resource = Group:PREFIXED:a:b for request = JoinGroup with resourceRefCount = 1",
		"User:eve", "Group", "a:b", "JoinGroup", false)
	test("Principal = User:eve is Allowed operation = READ from host = 1.1.1.1 on resource = Group:LITERAL:Completed request:{\"isForwarded\":false} for request = X with resourceRefCount = 1",
		"User:eve", "Group", "Completed request:{\"isForwarded\":false}", "X", true)

	var p Parser
	client := `Principal = User:root is Allowed operation = WRITE from host = 1.1.1.1 on resource = Topic:LITERAL:secret}]"\"`
	quoted, _ := json.Marshal(client)
	kind, err := p.Line([]byte("Completed request:" + strings.Replace(produce, `"app"`, string(quoted), 1)))
	if kind != RequestLine || err != nil || string(p.Request.ClientID) != client || string(p.Request.Principal) != "User:alice" {
		t.Errorf("kind %d, error %v, client %q, principal %q", kind, err, p.Request.ClientID, p.Request.Principal)
	}
}

// What does not parse is an error of its own kind, and what is cut anywhere is never half a line.
func TestGarbage(t *testing.T) {
	line := "Completed request:" + produce
	var p Parser
	for n := len("Completed request:"); n < len(line); n++ {
		if kind, err := p.Line([]byte(line[:n])); kind != RequestLine || err == nil {
			t.Fatalf("cut at %d of %d: kind %d, error %v", n, len(line), kind, err)
		}
	}
	test := func(line string, want error) {
		t.Helper()
		if _, err := p.Line([]byte(line)); !errors.Is(err, want) {
			t.Errorf("%.100s: %v, want %v", line, err, want)
		}
	}
	test("Completed request:RequestHeader(apiKey=PRODUCE, apiVersion=8) -- {acks=-1},response:{} from connection a", ErrOldText)
	test("Completed request:"+strings.Replace(produce, `"requestApiKey":0,`, "", 1), ErrLayout)
	test("Completed request:"+strings.Replace(produce, `"principal":"User:alice",`, "", 1), ErrLayout)
	test("Completed request:{}", ErrLayout)
	test("Principal = User:a is Allowed operation = READ on resource = Topic:t", ErrLayout)
	test("Principal = User:a is Allowed operation = READ from host = h on resource = Topic:", ErrLayout)
	test(line+strings.Repeat(" ", MaxLine), ErrTooLong)
	test(line+strings.Repeat(" ", MaxLine-len(line)), nil)
	if kind, err := p.Line([]byte("[x] INFO Principal = somebody else's words")); kind != Other || err != nil {
		t.Errorf("other words: kind %d, error %v", kind, err)
	}
	deep := strings.Replace(produce, `"timeoutMs":1500`, `"timeoutMs":`+strings.Repeat("[", 200_000)+strings.Repeat("]", 200_000), 1)
	test("Completed request:"+deep, nil)
}

// Nothing is allocated for a line, and of what is not of interest nothing is read beyond what shows that.
func TestWork(t *testing.T) {
	lines, err := os.ReadFile("testdata/request-4.3.1.log")
	if err != nil {
		t.Fatal(err)
	}
	var p Parser
	all := func() {
		for line := range bytes.Lines(lines) {
			if _, err := p.Line(line); err != nil {
				t.Fatal(err)
			}
		}
	}
	all()
	if n := testing.AllocsPerRun(20, all); n > 0 {
		t.Errorf("%.0f allocations a time", n)
	}
	for _, before := range []string{
		`Completed request:{"isForwarded":true,`,
		`Completed request:{"isForwarded":false,"requestHeader":{"requestApiKey":12,"requestApiVersion":4,"clientId":"x"},`,
		`Completed request:{"isForwarded":false,"requestHeader":{"requestApiKey":1,"requestApiVersion":12,"clientId":"x"},"request":{"replicaId":2,`,
		`Completed request:{"isForwarded":false,"requestHeader":{"requestApiKey":1,"requestApiVersion":17,"clientId":"x"},"request":{"replicaState":{"replicaId":2,"replicaEpoch":1},`,
	} {
		if kind, err := p.Line([]byte(before + "what is no JSON")); kind != Uninteresting || err != nil {
			t.Errorf("%s: kind %d, error %v: it was read on", before, kind, err)
		}
	}
}

func FuzzLine(f *testing.F) {
	files, _ := filepath.Glob("testdata/*.log")
	for _, file := range files {
		lines, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for line := range bytes.Lines(lines) {
			f.Add(line)
			f.Add([]byte(asField(string(line))))
		}
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		var p Parser
		s := NewSessions(100)
		kind, err := p.Line(line)
		p.Time()
		if err != nil || kind != RequestLine {
			return
		}
		first := describe(&p, line)
		Host(p.Request.Connection)
		s.Fetched(&p.Request, func([]byte, lineage.TopicID) {})
		if again := describe(&p, line); again != first {
			t.Errorf("read twice:\n%s\n%s", first, again)
		}
	})
}
