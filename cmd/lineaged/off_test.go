package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/lineaged/lineaged/attribution"
	"github.com/lineaged/lineaged/collector"
	"github.com/lineaged/lineaged/collector/logs"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store/storetest"
	"github.com/lineaged/lineaged/timeseries"
)

// offWorld is a cluster whose topic orders grows by 100 records every ten seconds, which one client writes by whom the
// request log alone knows, and what is followed of its logs.
type offWorld struct {
	*testing.T
	store timeseries.Store
	begun time.Time
	file  string
	board *collector.Board
	grew  atomic.Int64
}

const (
	offTick  = 10 * time.Second
	offTicks = 20 // of each part
)

// Observe implements collector.Source, for what the cluster's own source tells.
func (w *offWorld) Observe(_ context.Context, round time.Time) []lineage.Observation {
	topic := steadyTopic.Topic
	w.board.SetCluster(collector.Watched{Source: "west", ID: topic.Cluster, Size: 1, Topics: []string{topic.Name}, IDs: map[string]lineage.TopicID{topic.Name: topic.ID}})
	var samples []lineage.Sample
	for _, m := range [...]lineage.Metric{lineage.Appended, lineage.Left} {
		samples = append(samples, lineage.Sample{Subject: steadyTopic, Metric: m, Value: w.grew.Load()})
	}
	return []lineage.Observation{{Source: lineage.Source{Cluster: "west", Name: "ends"}, Round: round, Interval: offTick, At: round, Samples: samples}}
}

func (w *offWorld) Missed(time.Time, string) []lineage.Observation { return nil }
func (w *offWorld) Restore(context.Context, collector.Sink) error  { return nil }

// run watches for offTicks. The request log tells of what is written where it is on, the authorizer's always.
func (w *offWorld) run(on, noRequestLog bool) {
	w.Helper()
	log := slog.New(slog.DiscardHandler)
	s := &sink{Store: w.store, clock: collector.NewClock(offTick, nil, nil, storetest.Newest(w.T, w.store, "west"), log), log: log}
	l, err := logs.New(logs.Config{
		Name: "west", Files: []string{w.file}, NoRequests: noRequestLog, Interval: offTick, Clock: s.clock, Board: w.board, Log: log,
	}, s)
	if err != nil {
		w.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(w.Context(), offTicks*offTick)
	defer cancel()
	var all sync.WaitGroup
	all.Go(func() { _ = (collector.Runner{Interval: offTick, Clock: s.clock, Log: log}).Run(ctx, w, s) })
	all.Go(func() { _ = l.Run(ctx) })
	for range offTicks {
		time.Sleep(offTick / 2)
		w.write(on)
		time.Sleep(offTick / 2)
	}
	all.Wait()
}

func (w *offWorld) write(on bool) {
	f, err := os.OpenFile(w.file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		w.Fatal(err)
	}
	defer f.Close()
	at := time.Now().Format("[2006-01-02 15:04:05,000]")
	fmt.Fprintln(f, at+` DEBUG Principal = User:alice is Allowed operation = WRITE from host = 10.0.0.7 on resource = Topic:LITERAL:orders for request = Produce with resourceRefCount = 1 based on rule MatchingAcl(x) (kafka.authorizer.logger)`)
	if on {
		fmt.Fprintf(f, `%s DEBUG Completed request:{"isForwarded":false,"requestHeader":{"requestApiKey":0,"requestApiVersion":9,"correlationId":7,"clientId":"shop","requestApiKeyName":"PRODUCE"},`+
			`"request":{"transactionalId":null,"acks":-1,"timeoutMs":1500,"topicData":[{"name":"orders","partitionData":[{"index":0,"recordsSizeInBytes":105}]}]},`+
			`"response":{"responses":[{"name":"orders","partitionResponses":[{"index":0,"errorCode":0,"baseOffset":%d}]}],"throttleTimeMs":0},"connection":"10.0.0.1:9092-10.0.0.7:54206-2-3",`+
			`"totalTimeMs":7.2,"principal":"User:alice","listener":"PLAINTEXT","clientInformation":{"softwareName":"s","softwareVersion":"1"}} (kafka.request.logger)`+"\n", at, w.grew.Load())
	}
	w.grew.Add(100)
}

// want holds what is said of some ticks: the gaps, how many records shop wrote, 0 where it is not known whether it
// wrote at all.
func (w *offWorld) want(from, to int, least, most float64, gaps ...string) {
	w.Helper()
	at := func(n int) time.Time { return w.begun.Add(time.Duration(n) * offTick) }
	a := storetest.Ask(w.T, w.store, lineage.Window{Start: at(from), End: at(to)})
	var got []string
	for _, g := range a.Coverage().Gaps {
		got = append(got, fmt.Sprintf("%s %d-%d", g.Source.Name, g.Window.Start.Sub(w.begun)/offTick, g.Window.End.Sub(w.begun)/offTick))
	}
	if !slices.Equal(got, gaps) {
		w.Errorf("from %d to %d: gaps %q, want %q", from, to, got, gaps)
	}
	for i, x := range a.Rows.Access {
		if x.Client.ClientID != "shop" {
			continue
		}
		n := 0.0
		for j, end := a.Series.Of(int32(i)); j < end; j++ {
			if a.Series.Metric[j] == lineage.Records {
				n = a.Series.Amount[j].Total
			}
		}
		if a.Rows.Unobserved[i] != (most == 0) || n < least || n > most {
			w.Errorf("from %d to %d: shop wrote %v, unobserved %v; want %v to %v", from, to, n, a.Rows.Unobserved[i], least, most)
		}
		return
	}
	w.Errorf("from %d to %d: shop is not known", from, to)
}

// A request log that falls silent is a gap. Where the configuration says that it is off for good, while the
// authorizer's goes on, it is one until the first round with that configuration, and none from then on: who was known
// by it alone is not observed any more, and not seen to rest. Taken back, it is waited for again.
func TestRequestLogThatIsOffIsNoGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &offWorld{T: t, begun: time.Now(), file: filepath.Join(t.TempDir(), "kafka.log"), board: &collector.Board{}}
		w.store = timeseries.NewMemory(timeseries.Options{Tick: offTick, Settle: attribution.Settle})
		defer func() { _ = w.store.Close() }()
		w.run(true, false)
		w.want(3, 18, 1400, 1600)
		w.run(false, false)
		w.want(30, 39, 0, 0, "log-files 30-39")
		w.run(false, true)
		w.want(3, 18, 1400, 1600)
		w.want(30, 39, 0, 0, "log-files 30-39")
		w.want(42, 59, 0, 0)
		w.run(true, true) // it comes all the same, and is passed
		w.want(62, 79, 0, 0)
		w.run(true, false)
		w.want(83, 98, 1400, 1600)
		w.run(false, false)
		w.want(110, 119, 0, 0, "log-files 110-119")
	})
}
