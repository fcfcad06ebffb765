package logs

import (
	"context"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const tick = 10 * time.Second

var (
	t0       = time.Date(2026, 11, 22, 21, 0, 0, 0, time.UTC)
	ordersID = idOf("orders")
)

// idOf is the id of a topic in these tests.
func idOf(name string) (id lineage.TopicID) {
	copy(id[:], name+"################")
	return id
}

// produced is a line of a client that wrote a topic, which the line knows by its id.
func produced(client, topic string, n int) string {
	id := idOf(topic)
	return fmt.Sprintf(`[2026-11-22 21:13:41,%03d] DEBUG Completed request:{"isForwarded":false,"requestHeader":{"requestApiKey":0,"requestApiVersion":13,`+
		`"correlationId":%d,"clientId":%q,"requestApiKeyName":"PRODUCE"},"request":{"transactionalId":null,"acks":-1,"timeoutMs":1500,`+
		`"topicData":[{"topicId":%q,"partitionData":[{"index":0,"recordsSizeInBytes":105}]}]},"response":{"responses":[{"topicId":%q,`+
		`"partitionResponses":[{"index":0,"errorCode":0,"baseOffset":7}]}],"throttleTimeMs":0},"connection":"10.0.0.1:9092-10.0.0.7:54206-2-3",`+
		`"totalTimeMs":7.2,"principal":"User:alice","listener":"PLAINTEXT","clientInformation":{"softwareName":"s","softwareVersion":"1"}} (kafka.request.logger)`,
		n%1000, n, client, base64.RawURLEncoding.EncodeToString(id[:]), base64.RawURLEncoding.EncodeToString(id[:]))
}

// keeper is a sink that keeps what it is given.
type keeper struct {
	positions map[string][]byte
	obs       []lineage.Observation
	refuses   bool
}

func (k *keeper) Append(_ context.Context, obs ...lineage.Observation) error {
	if k.refuses {
		return errors.New("no space")
	}
	for _, o := range obs {
		for _, p := range o.Positions {
			if p.Value == nil {
				delete(k.positions, p.Key)
			} else {
				k.positions[p.Key] = p.Value
			}
		}
	}
	k.obs = append(k.obs, obs...)
	return nil
}

func (k *keeper) Positions(context.Context, lineage.Source) (map[string][]byte, error) {
	return maps.Clone(k.positions), nil
}

// told is a source of one file, and what it has told.
type told struct {
	*testing.T
	path  string
	board *collector.Board
	sink  *keeper
	take  func(ctx context.Context, round time.Time)
	src   *source
	round time.Time
	seen  int
	// config says where the lines are; nil: in the file
	config func() Config
}

func newTold(t *testing.T, wanted func(string) bool) *told {
	t.Helper()
	w := &told{T: t, path: filepath.Join(t.TempDir(), "kafka.log"), board: board(), sink: &keeper{positions: map[string][]byte{}}, round: t0.Add(14 * time.Minute)}
	w.write()
	w.start(wanted)
	t.Cleanup(func() { w.src.input.close() })
	return w
}

func (w *told) start(wanted func(string) bool) {
	w.Helper()
	if w.src != nil {
		w.src.input.close()
	}
	cfg := Config{Files: []string{w.path + "*"}}
	if w.config != nil {
		cfg = w.config()
	}
	cfg.Name, cfg.Wanted, cfg.Interval, cfg.Board = "west", wanted, tick, w.board
	c, err := New(cfg, w.sink)
	if err != nil {
		w.Fatal(err)
	}
	w.src = c.source
	w.take = collector.Runner{Interval: tick, Off: runnerOf(cfg).Off, Log: slog.New(slog.DiscardHandler)}.ByHand(w.src, w.sink)
}

func (w *told) write(lines ...string) {
	w.Helper()
	f, err := os.OpenFile(w.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		w.Fatal(err)
	}
	defer f.Close()
	for _, line := range lines {
		fmt.Fprintln(f, strings.TrimRight(line, "\n"))
	}
}

// lines writes the lines of a file of samples.
func (w *told) lines(sample string) {
	w.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "internal", "brokerlog", "testdata", sample))
	if err != nil {
		w.Fatal(err)
	}
	w.write(string(b))
}

// next takes a round and returns what it told, in words, sorted.
func (w *told) next() string {
	w.Helper()
	w.round = w.round.Add(tick)
	w.take(w.Context(), w.round)
	var out []string
	who := func(c lineage.Client) string {
		var b strings.Builder
		for _, f := range [...][2]string{
			{"", c.ClientID}, {"group", c.Group}, {"tx", c.TransactionalID}, {"as", c.Principal}, {"at", c.Host}, {"by", c.Software}, {"instance", c.Instance},
		} {
			if f[1] != "" {
				b.WriteString(" " + strings.TrimSpace(f[0]+" "+f[1]))
			}
		}
		if id, ok := c.Producer.Value(); ok {
			fmt.Fprintf(&b, " producer %d", id)
		}
		return b.String()
	}
	for _, o := range w.sink.obs[w.seen:] {
		for _, s := range o.Sightings {
			moved := ""
			if s.Moved {
				moved = " moved"
			}
			out = append(out, fmt.Sprintf("%s %s:%s, %s%s", s.Access.Op, s.Access.Topic.Name, who(s.Access.Client), s.Evidence, moved))
		}
		for _, s := range o.Samples {
			if s.Metric == lineage.Claimed { // see TestClaims
				continue
			}
			out = append(out, fmt.Sprintf("%s %d %s:%s", s.Metric, s.Value, s.Subject.Topic.Name, who(s.Subject.Client)))
		}
		for _, e := range o.Events {
			detail := e.Detail
			if a, ok := lineage.ParseAdministeredUse(detail); ok && e.Type == lineage.Administered {
				detail = a.Words(e.Access.Client)
			}
			out = append(out, fmt.Sprintf("%s %s%s: %s", e.Type, e.Topic.Name, e.Group.Group, detail))
		}
		for _, m := range o.Missing {
			out = append(out, "missing: "+m.Reason)
		}
		for _, f := range o.Facts {
			for _, s := range f.BlindSpots {
				out = append(out, "blind: "+s.What)
			}
		}
	}
	w.seen = len(w.sink.obs)
	slices.Sort(out)
	return strings.ReplaceAll(strings.Join(out, "\n"), filepath.Dir(w.path), "")
}

func (w *told) want(want string) {
	w.Helper()
	if got := w.next(); got != strings.TrimSpace(want) {
		w.Errorf("told:\n%s\nwant:\n%s", got, strings.TrimSpace(want))
	}
}

// What a line says of a writer, a reader and a refusal is told as such, once a round; and links once.
func TestTold(t *testing.T) {
	w := newTold(t, nil)
	w.write("nothing of it")
	w.want("")
	w.write(produced("app", "orders", 1), produced("app", "orders", 2))
	w.want(`
linked 1 : app as User:alice at 10.0.0.7 by s/1
write orders: app as User:alice at 10.0.0.7 by s/1, REQUEST_LOG moved`)
	w.write(produced("app", "orders", 3))
	w.want(`write orders: app as User:alice at 10.0.0.7 by s/1, REQUEST_LOG moved`)
	w.want("")
	allowed := "[2026-11-22 21:13:41,000] DEBUG Principal = User:alice is Allowed operation = %s from host = 10.0.0.7 on resource = %s for request = %s with resourceRefCount = 1 based on rule X (kafka.authorizer.logger)"
	w.write(fmt.Sprintf(allowed, "WRITE", "Topic:LITERAL:orders", "Produce"), fmt.Sprintf(allowed, "READ", "Topic:LITERAL:items", "Fetch"), fmt.Sprintf(allowed, "READ", "Topic:LITERAL:payments", "OffsetCommit"),
		fmt.Sprintf(allowed, "READ", "Topic:LITERAL:items", "DescribeProducers"), fmt.Sprintf(allowed, "DESCRIBE", "Topic:LITERAL:items", "Metadata"),
		fmt.Sprintf(allowed, "READ", "Group:LITERAL:g", "JoinGroup"), fmt.Sprintf(allowed, "READ", "Group:LITERAL:set", "OffsetCommit"), fmt.Sprintf(allowed, "WRITE", "TransactionalId:LITERAL:tx", "InitProducerId"))
	w.want(`
linked 1 : group g as User:alice at 10.0.0.7
linked 1 : tx tx as User:alice at 10.0.0.7
read items: as User:alice at 10.0.0.7, AUTHORIZER_LOG
write orders: as User:alice at 10.0.0.7, AUTHORIZER_LOG`)
	denied := strings.ReplaceAll(allowed, "Allowed", "Denied")
	for range 900 {
		w.write(fmt.Sprintf(denied, "WRITE", "Topic:LITERAL:orders", "Produce"))
	}
	w.write(fmt.Sprintf(denied, "READ", "Group:LITERAL:g", "JoinGroup"))
	w.want(`
ACCESS_DENIED g: User:alice may not READ group g, for JoinGroup, from 10.0.0.7
ACCESS_DENIED orders: User:alice may not WRITE topic orders, for Produce, from 10.0.0.7; 900 times`)
}

// TestWhoAdministers holds that who was allowed to change something itself is told, of each with when, as often as it
// was, and that a log which is read late does not make it of now.
func TestWhoAdministers(t *testing.T) {
	w := newTold(t, nil)
	w.next()
	says := "[%s] DEBUG Principal = User:ann is %s operation = %s from host = %s on resource = %s for request = %s with resourceRefCount = 1 based on rule X (kafka.authorizer.logger)"
	w.write(
		fmt.Sprintf(says, "2026-11-20T08:00:00.000Z", "Allowed", "DELETE", "10.0.0.7", "Topic:LITERAL:orders", "DeleteTopics"),
		fmt.Sprintf(says, "2026-11-20T08:00:01.000Z", "Allowed", "DELETE", "10.0.0.7", "Topic:LITERAL:orders", "DeleteTopics"),
		// of a zone that nobody knows
		fmt.Sprintf(says, "2026-11-20 08:00:02,000", "Allowed", "DELETE", "10.0.0.8", "Group:LITERAL:a b", "DeleteGroups"),
		fmt.Sprintf(says, "2026-11-20T08:00:03.000Z", "Allowed", "ALTER", "10.0.0.7", "Cluster:LITERAL:kafka-cluster", "CreateAcls"),
		fmt.Sprintf(says, "2026-11-20T08:00:03.000Z", "Allowed", "DESCRIBE_CONFIGS", "10.0.0.7", "Topic:LITERAL:orders", "DescribeConfigs"),
		fmt.Sprintf(says, "2026-11-20T08:00:03.000Z", "Denied", "ALTER_CONFIGS", "10.0.0.7", "Topic:LITERAL:orders", "IncrementalAlterConfigs"),
	)
	w.want(`
ACCESS_DENIED orders: User:ann may not ALTER_CONFIGS topic orders, for IncrementalAlterConfigs, from 10.0.0.7
ADMINISTERED : User:ann was allowed to ALTER cluster kafka-cluster, for CreateAcls, from 10.0.0.7, logged 2026-11-20T08:00:03Z
ADMINISTERED a b: User:ann was allowed to DELETE group a b, for DeleteGroups, from 10.0.0.8
ADMINISTERED orders: User:ann was allowed to DELETE topic orders, for DeleteTopics, from 10.0.0.7, logged 2026-11-20T08:00:01Z; 2 times`)
	for _, e := range w.sink.obs[len(w.sink.obs)-1].Events {
		if !e.At.Equal(w.sink.obs[len(w.sink.obs)-1].Round) || e.Type == lineage.Administered && (e.Access.Op != lineage.OpNone || e.Access.Client.Principal != "User:ann") {
			t.Errorf("%+v", e)
		}
	}
	var many []string
	for i := range mostEvents + 5 {
		many = append(many, fmt.Sprintf(says, "2026-11-20T08:00:03.000Z", "Allowed", "CREATE", "10.0.0.7", fmt.Sprintf("Topic:LITERAL:t%03d", i), "CreateTopics"))
	}
	w.write(many...)
	if got := w.next(); strings.Count(got, "ADMINISTERED") != mostEvents+1 || !strings.Contains(got, "5 more were allowed to administer something") {
		t.Error(got)
	}
}

// Who sets a group's offsets for others reads nothing, and is not the group; who commits what it fetches reads for it,
// be it a member or not.
func TestWhoSetsOffsetsIsNoReader(t *testing.T) {
	id := idOf("orders")
	topic := base64.RawURLEncoding.EncodeToString(id[:])
	line := func(client string, api int, name, request, response string) string {
		return fmt.Sprintf(`[2026-11-22 21:13:41,000] DEBUG Completed request:{"isForwarded":false,"requestHeader":{"requestApiKey":%d,"requestApiVersion":%d,"correlationId":8,"clientId":%q,`+
			`"requestApiKeyName":%q},"request":%s,"response":%s,"connection":"10.0.0.1:9092-10.0.0.7:54206-2-3","totalTimeMs":7.2,"principal":"User:alice","listener":"PLAINTEXT",`+
			`"clientInformation":{"softwareName":"s","softwareVersion":"1"}} (kafka.request.logger)`, api, map[int]int{1: 17, 8: 10}[api], client, name, request, response)
	}
	commit := func(client, member string) string {
		return line(client, 8, "OFFSET_COMMIT", fmt.Sprintf(`{"groupId":"g","generationIdOrMemberEpoch":-1,"memberId":%q,"groupInstanceId":null,"topics":[{"topicId":%q,"partitions":[{"partitionIndex":0,"committedOffset":12,"committedLeaderEpoch":0,"committedMetadata":""}]}]}`, member, topic),
			fmt.Sprintf(`{"throttleTimeMs":0,"topics":[{"topicId":%q,"partitions":[{"partitionIndex":0,"errorCode":0}]}]}`, topic))
	}
	fetch := line("reader", 1, "FETCH", fmt.Sprintf(`{"maxWaitMs":500,"minBytes":1,"maxBytes":52428800,"isolationLevel":0,"sessionId":0,"sessionEpoch":0,"topics":[{"topicId":%q,"partitions":[{"partition":0,"currentLeaderEpoch":0,"fetchOffset":3,"lastFetchedEpoch":-1,"logStartOffset":-1,"partitionMaxBytes":1048576}]}],"forgottenTopicsData":[],"rackId":""}`, topic),
		`{"throttleTimeMs":0,"errorCode":0,"sessionId":0,"responses":[]}`)
	w := newTold(t, nil)
	w.write(commit("adminclient-1", ""))
	w.want("")
	w.write(commit("member", "member-1"))
	w.want(`
linked 1 : member group g as User:alice at 10.0.0.7 by s/1
read orders: member group g as User:alice at 10.0.0.7 by s/1, REQUEST_LOG`)
	w.write(fetch, commit("reader", ""))
	w.want(`
linked 1 : reader as User:alice at 10.0.0.7 by s/1
linked 1 : reader group g as User:alice at 10.0.0.7 by s/1
read orders: reader as User:alice at 10.0.0.7 by s/1, REQUEST_LOG
read orders: reader group g as User:alice at 10.0.0.7 by s/1, REQUEST_LOG`)
}

// Client ids that are made up, each as long as can be, are not kept for ever.
func TestLongClientIDs(t *testing.T) {
	d := newTold(t, nil).src.digest
	for n := range 40 {
		for i := range 100 {
			c := lineage.Client{ClientID: d.text([]byte(fmt.Sprintf("%d-%d-%s", n, i, strings.Repeat("x", 32_000))))}
			d.told[c] = true
		}
		d.begin(t0.Add(time.Duration(n)*tick), collector.Watched{ID: "west-id"})
	}
	if len(d.strings) > 2_200 || len(d.told) > 2_200 || len(d.strings) == 0 {
		t.Errorf("%d strings and %d links are kept", len(d.strings), len(d.told))
	}
}

// All that real brokers' lines say, of two versions.
func TestToldByRealLines(t *testing.T) {
	for _, sample := range []string{"request-4.3.1", "request-3.9.2", "authorizer"} {
		w := newTold(t, nil)
		w.round = time.Date(2026, 11, 26, 13, 5, 10, 0, time.UTC)
		w.next()
		w.lines(sample + ".log")
		if err := os.Chtimes(w.path, time.Time{}, time.Unix(1, 0)); err != nil { // whenever this runs
			t.Fatal(err)
		}
		got := w.next() + "\n"
		golden := filepath.Join("testdata", sample+".txt")
		if *update {
			if err := errors.Join(os.MkdirAll("testdata", 0o700), os.WriteFile(golden, []byte(got), 0o600)); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s tells:\n%s\nwant:\n%s", sample, got, want)
		}
	}
}

var update = flag.Bool("update", false, "write what is told to testdata")

// A line of long ago names, and moves nothing now: whether that is known by the line's zone, by when the file was
// written, or by nothing but the place where it is read.
func TestOldLines(t *testing.T) {
	w := newTold(t, nil)
	old := strings.ReplaceAll(produced("zoned", "orders", 1), "2026-11-22 21:13:41,001", "2026-11-22T19:13:41.001Z")
	bare := strings.TrimPrefix(produced("bare", "orders", 1), "[2026-11-22 21:13:41,001] ")
	w.write(old, bare, produced("plain", "orders", 1), strings.ReplaceAll(produced("late", "orders", 1), "21:13:41", "20:01:00"))
	// The last line was written at 20:01 by its clock, and the file at 18:01: its clock is two hours ahead.
	if err := os.Chtimes(w.path, time.Time{}, time.Date(2026, 11, 22, 18, 1, 0, 0, time.UTC)); err != nil {
		t.Fatal(err)
	}
	w.round = time.Date(2026, 11, 22, 19, 13, 40, 0, time.UTC)
	got := w.next()
	for name, moved := range map[string]bool{"zoned": true, "bare": false, "plain": true, "late": false} {
		if is := strings.Contains(got, "write orders: "+name+" as User:alice at 10.0.0.7 by s/1, REQUEST_LOG moved"); is != moved {
			t.Errorf("%s moved: %v, want %v\n%s", name, is, moved, got)
		}
	}
	w.write(bare)
	if got := w.next(); !strings.Contains(got, "bare as User:alice at 10.0.0.7 by s/1, REQUEST_LOG moved") {
		t.Errorf("of a line without a time that has just been written: %s", got)
	}
}

// A topic that is known by its id waits for its name, over a restart too, for a while.
func TestTopicIDs(t *testing.T) {
	w := newTold(t, nil)
	w.next()
	w.write(produced("app", "later", 1), produced("app", "never", 1))
	w.want(`linked 1 : app as User:alice at 10.0.0.7 by s/1`)
	w.start(nil)
	w.board.SetCluster(collector.Watched{Source: "west", ID: "west-id", Topics: []string{"later"}, IDs: map[string]lineage.TopicID{"later": idOf("later")}})
	asks := `Completed request:{"isForwarded":false,"requestHeader":{"requestApiKey":3,"requestApiVersion":12,"clientId":"x"},"request":{"topics":[]},` +
		`"response":{"topics":[]},"connection":"10.0.0.1:9092-10.0.0.7:54206-2-3","principal":"User:p"}`
	w.write(asks)
	w.want(`write later: app as User:alice at 10.0.0.7 by s/1, REQUEST_LOG moved`)
	for range 8 {
		w.write(asks) // as lineaged itself does in each tick
		if got := w.next(); got != "" {
			t.Fatalf("told again, or too soon: %s", got)
		}
	}
	w.want(`
FLOW_STOPPED : nothing moved in the 1m30s since
blind: the names of some topics that the request log knows by their ids: they are in no answer of the cluster, or were deleted`)

	// An answer in the log itself names it too.
	w.write(produced("app", "answer", 1), `Completed request:{"isForwarded":false,"requestHeader":{"requestApiKey":3,"requestApiVersion":12,"clientId":"x"},"request":{"topics":[]},`+
		`"response":{"topics":[{"errorCode":0,"name":"answered","topicId":"`+base64.RawURLEncoding.EncodeToString([]byte("answer##########"))+
		`"}]},"connection":"10.0.0.1:9092-10.0.0.7:54206-2-3","principal":"User:p"}`)
	w.want(`
FLOW_STARTED : the first that moved since 2026-11-22T21:14:30Z, when watching began
linked 1 : app as User:alice at 10.0.0.7 by s/1
write answered: app as User:alice at 10.0.0.7 by s/1, REQUEST_LOG moved`)
}

// TestASecondBrokersLog: what it tells of first has not begun, when it is switched on later than the first one.
func TestASecondBrokersLog(t *testing.T) {
	w := newTold(t, nil)
	w.board.SetCluster(collector.Watched{Source: "west", ID: "west-id", Topics: []string{"orders"}, IDs: map[string]lineage.TopicID{"orders": idOf("orders")}})
	said := ""
	for n := range 40 {
		w.write(produced("app", "orders", n))
		if n >= 20 {
			w.write(strings.ReplaceAll(produced("old", "orders", n), "10.0.0.1:9092", "10.0.0.2:9092"))
		}
		if n >= 30 {
			w.write(strings.ReplaceAll(produced("new", "orders", n), "10.0.0.1:9092", "10.0.0.2:9092"))
		}
		if got := w.next(); strings.Contains(got, "FLOW_STARTED") {
			said += fmt.Sprint(n, " ")
		}
	}
	if said != "30 " {
		t.Errorf("flows began in rounds %s", said)
	}
}

// What is not watched is not told, and neither is who is nobody.
func TestNotTold(t *testing.T) {
	w := newTold(t, func(topic string) bool { return topic != "orders" })
	w.next()
	w.write(strings.ReplaceAll(produced("app", "orders", 1), "User:alice", "User:ANONYMOUS"),
		"Principal = User:ANONYMOUS is Denied operation = READ from host = h on resource = Topic:LITERAL:orders for request = Fetch with resourceRefCount = 1")
	w.want("")
	w.start(nil)
	w.want("")
	w.write(strings.ReplaceAll(produced("app", "orders", 1), "User:alice", "User:ANONYMOUS"))
	w.want("write orders: app at 10.0.0.7 by s/1, REQUEST_LOG moved")
}

// Lines that do not parse are counted and said once, and again when they are ten times as many; that there is none at
// all is said too. A refused round tells all of it again.
func TestGarbageIsSaid(t *testing.T) {
	w := newTold(t, nil)
	w.write("Completed request:{")
	w.sink.refuses = true
	w.next()
	w.sink.refuses = false
	w.want("blind: lines of the brokers' logs did not parse, 1 or more; of the first of them: the line ends within its JSON, or is not JSON")
	for range 5 {
		w.write("Completed request:{")
	}
	w.want("")
	for range 50 {
		w.write("Principal = a is Allowed operation = X")
	}
	if got := w.next(); !strings.Contains(got, "did not parse, 5") {
		t.Errorf("ten times as many: %s", got)
	}
	for range 29 {
		w.next()
	}
	w.write(strings.Repeat("another's line\n", 10))
	if got := w.next(); !strings.Contains(got, "no line of the request log or the authorizer log for five minutes") {
		t.Errorf("no line of either for five minutes: %s", got)
	}
}

// However much a round says, what is told of it is bounded, and that is said.
func TestToldIsBounded(t *testing.T) {
	w := newTold(t, nil)
	w.next()
	var all []string
	for i := range mostSights + 10 {
		all = append(all, produced(fmt.Sprint("c", i), "orders", i))
	}
	for i := range 200 {
		all = append(all, fmt.Sprintf("Principal = User:u%d is Denied operation = READ from host = h on resource = Topic:LITERAL:orders for request = Fetch with resourceRefCount = 1", i))
	}
	w.write(all...)
	got := w.next()
	if n := strings.Count(got, "write orders"); n != mostSights {
		t.Errorf("%d accesses are told", n)
	}
	if n := strings.Count(got, "ACCESS_DENIED"); n != mostEvents+1 || !strings.Contains(got, "100 more refusals, of 100 kinds") {
		t.Errorf("%d denials are told", n)
	}
	if !strings.Contains(got, "missing: the logs of one round say more than is kept of one") {
		t.Error("that there was more is not said")
	}
}
