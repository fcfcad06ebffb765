package openlineage

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/lineage"
)

func (w *world) hasTopics(names ...string) {
	is := collector.Watched{Source: "west", ID: "id-west", Bootstrap: []string{"b1:9092", "b2:9092"}, Topics: names, IDs: map[string]lineage.TopicID{}}
	for i, n := range names {
		is.IDs[n] = lineage.TopicID{byte(i + 1)}
	}
	w.board.SetCluster(is)
}

// Debezium tells of a topic with its first record, before that is there: it is never a dataset beside the topic. What
// does not appear is one, and then stays in sight however often it is told of.
func TestATopicThatIsMadeAfterItIsTold(t *testing.T) {
	w := newWorld(t)
	w.send(w.event(1, "RUNNING", streaming, "", "kafka://b1:9092/shop.orders kafka://b1:9092/never"))
	w.wants("not there yet")
	w.hasTopics("orders", "shop.orders")
	w.wants("it is there", "streamjob:ns/j write topic id-west/shop.orders moved=true", "streamjob:ns/j write topic id-west/shop.orders pending=1")
	w.wants("the other is waited for")
	w.wants("no longer than three rounds", "streamjob:ns/j write kafka://b1:9092/never moved=true", "streamjob:ns/j write kafka://b1:9092/never pending=1")
	w.send(w.event(1, "RUNNING", streaming, "", "kafka://b1:9092/never"))
	w.wants("told again", "streamjob:ns/j write kafka://b1:9092/never moved=true", "streamjob:ns/j write topic id-west/shop.orders moved=true")
	w.start()
	w.send(w.event(1, "RUNNING", streaming, "", ""))
	w.wants("after a restart", "streamjob:ns/j write kafka://b1:9092/never moved=true", "streamjob:ns/j write topic id-west/shop.orders moved=true")
}

// Debezium on PostgreSQL does not know where its topics are, and says kafka://unknown:unknown. Connect knows, of the
// connector that it is: the events of one that was put up a moment ago wait until Connect was asked.
func TestAConnectorThatDoesNotKnowItsCluster(t *testing.T) {
	w := newWorld(t)
	connect := lineage.Source{Cluster: "connect-west", Name: "connectors"}
	w.board.SetToldAs(connect, t0, nil)
	is := strings.NewReplacer(`"namespace":"ns"`, `"namespace":"cdc"`, `"name":"j"`, `"name":"bill.0"`)
	event := func() string {
		return is.Replace(w.event(1, "RUNNING", streaming, "", "kafka://unknown:unknown/orders"))
	}
	w.send(event(), w.event(2, "RUNNING", streaming, "", "kafka://unknown:unknown/orders"))
	w.wants("Connect was not asked since")
	w.board.SetToldAs(connect, w.at.Add(tick), map[lineage.Node]collector.ToldAs{{Scope: "cdc", Kind: lineage.StreamJobNode, Name: "bill.0"}: {Cluster: "id-west"}})
	w.wants("Connect knows the one, and not the other",
		"streamjob:cdc/bill.0 write topic id-west/orders moved=true", "streamjob:cdc/bill.0 write topic id-west/orders pending=1",
		"streamjob:ns/j write kafka://unknown:unknown/orders moved=true", "streamjob:ns/j write kafka://unknown:unknown/orders pending=1")
	var spelled []string
	all, _ := w.board.Spellings()
	for _, s := range all {
		spelled = append(spelled, fmt.Sprintf("%s by %s is %q", s.Spelling, s.From, s.Cluster))
	}
	if got, want := strings.Join(spelled, "\n"), "kafka://unknown:unknown by cdc is \"west\"\nkafka://unknown:unknown by ns is \"\""; got != want {
		t.Errorf("spellings are\n%s\nwant\n%s", got, want)
	}
}

// A connector of Debezium 3.4 that lost its database says FAIL, twice, and goes on in the same run without a START.
func TestARunThatGoesOnAfterItFailed(t *testing.T) {
	const to = "pg://db:5432/t"
	w := newWorld(t)
	state := func() string {
		for _, o := range slices.Backward(w.obs) {
			for _, f := range o.Facts {
				if f.Runs != nil {
					return f.Runs.Runs[0].State.String()
				}
			}
		}
		return ""
	}
	writes := func(moved, pending string) []string {
		said := []string{"streamjob:ns/j write " + to + " moved=" + moved}
		if pending != "" {
			said = append(said, "streamjob:ns/j write "+to+" pending="+pending)
		}
		return said
	}
	w.send(w.event(1, "RUNNING", streaming, "", to))
	w.wants("it runs", writes("true", "1")...)
	w.send(w.event(1, "FAIL", "", "", ""))
	w.wants("it failed", writes("true", "0")...)
	if is := state(); is != "FAILED" {
		t.Errorf("it is %s", is)
	}
	w.at = w.at.Add(time.Second)
	running := w.event(1, "RUNNING", "", "", "")
	w.send(running)
	w.wants("it goes on", writes("true", "1")...)
	if is := state(); is != "GOES_ON" {
		t.Errorf("after it went on it is %s", is)
	}
	w.start()
	w.send(running)
	w.wants("after a restart it still does", writes("true", "")...)
	w.send(w.event(1, "COMPLETE", "", "", ""))
	w.wants("it ends", writes("true", "0")...)
	w.at = w.at.Add(time.Second)
	w.send(w.event(1, "RUNNING", "", "", ""))
	w.round()
	if is := state(); is != "COMPLETED" {
		t.Errorf("after its COMPLETE it is %s", is)
	}
}

// A connector that does not know its cluster goes on over a restart, however long Connect takes to answer: its topic
// has not ended, nor is it a dataset. What was never known to be a topic waits three rounds, and is listed then.
func TestAConnectorsTopicOverARestart(t *testing.T) {
	w := newWorld(t)
	connect := lineage.Source{Cluster: "connect-west", Name: "connectors"}
	home := map[lineage.Node]collector.ToldAs{{Scope: "ns", Kind: lineage.StreamJobNode, Name: "j"}: {Cluster: "id-west"}}
	w.board.SetToldAs(connect, t0.Add(tick), home)
	event := func() string { return w.event(1, "RUNNING", streaming, "", "kafka://unknown:unknown/orders") }
	w.send(event())
	w.wants("before", "streamjob:ns/j write topic id-west/orders moved=true", "streamjob:ns/j write topic id-west/orders pending=1")
	w.board.SetToldAs(connect, time.Time{}, nil)
	w.start()
	spark := func() string {
		return strings.Replace(w.event(2, "RUNNING", streaming, "", "kafka://null:-1/orders"), `"name":"j"`, `"name":"spark"`, 1)
	}
	w.send(spark())
	for i := range 3 {
		if i == 1 {
			w.send(event())
		}
		w.wants("Connect has not answered")
	}
	w.wants("the other is given up", "streamjob:ns/spark write kafka://null:-1/orders moved=true", "streamjob:ns/spark write kafka://null:-1/orders pending=1")
	all, _ := w.board.Spellings()
	if !slices.ContainsFunc(all, func(s collector.Spelling) bool { return s.Spelling == "kafka://null:-1" }) {
		t.Errorf("kafka://null:-1 is not among the spellings: %+v", all)
	}
	for range 4 {
		w.wants("Connect has still not answered")
	}
	w.board.SetToldAs(connect, w.at.Add(tick), home)
	w.wants("it has, and the event is told", "streamjob:ns/j write topic id-west/orders moved=true")
	w.wants("and no more than once")
	w.send(w.event(1, "COMPLETE", "", "", ""))
	w.wants("the end", "streamjob:ns/j write topic id-west/orders moved=true", "streamjob:ns/j write topic id-west/orders pending=0")
}

// A name that anybody's connector with the same topic.prefix has is a watched one's where its events tell of that one's
// database, and of no other. Until they tell of any it is waited for; once it was, and what was so before a restart, it
// is not.
func TestANameThatAnybodysConnectorHas(t *testing.T) {
	const own, dev = "postgres://DB:5432/shop.public.orders", "postgres://dev-db:5432/shop.public.orders"
	home := collector.ToldAs{Cluster: "id-west", Places: []string{"db:5432"}}
	for _, x := range []struct {
		name   string
		agreed bool
		reads  string
		want   []string // what the topic is, round by round
	}{
		{"its own table", false, own, []string{"topic id-west/orders"}},
		{"no table yet", false, "", []string{"", "", "", "kafka://unknown:unknown/orders"}},
		{"no table yet, known by earlier ones", true, "", []string{"topic id-west/orders"}},
		{"somebody else's table", false, dev, []string{"kafka://unknown:unknown/orders"}},
		{"somebody else's table beside its own", true, own + " " + dev, []string{"kafka://unknown:unknown/orders"}},
	} {
		w := newWorld(t)
		is := home
		is.Agreed = x.agreed
		w.board.SetToldAs(lineage.Source{Cluster: "connect-west", Name: "connectors"}, t0.Add(tick), map[lineage.Node]collector.ToldAs{{Scope: "ns", Kind: lineage.StreamJobNode, Name: "j"}: is})
		w.send(w.event(1, "RUNNING", streaming, x.reads, "kafka://unknown:unknown/orders"))
		for i, want := range x.want {
			got := ""
			for _, said := range w.round() {
				if far, ok := strings.CutPrefix(said, "streamjob:ns/j write "); ok {
					got, _, _ = strings.Cut(far, " moved")
					got, _, _ = strings.Cut(got, " pending")
				}
			}
			if got != want {
				t.Errorf("%s: in round %d it writes %q, want %q", x.name, i, got, want)
			}
		}
	}
}
