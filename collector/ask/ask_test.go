package ask

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Of three brokers one hangs and one fails: each is asked once, all at the same time, and two say why they did not
// answer.
func TestEachBrokerIsAskedOnce(t *testing.T) {
	fake, err := kfake.NewCluster(kfake.NumBrokers(3))
	if err != nil {
		t.Fatal(err)
	}
	defer fake.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(fake.ListenAddrs()...), kgo.RequestRetries(0))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{}) // until then it hangs: one that goes on with the deadline may answer just in time
	defer close(ended)
	var mu sync.Mutex // guards asked
	asked := map[int32]int{}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	fake.ControlKey(kmsg.ListGroups.Int16(), func(req kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		at := fake.CurrentNode()
		mu.Lock()
		asked[at]++
		mu.Unlock()
		switch at {
		case 0:
			fake.SleepControl(func() { <-ended })
		case 1:
			return nil, errors.New("cut"), true
		}
		return nil, nil, false
	})
	reqs := map[int32]*kmsg.ListGroupsRequest{}
	for id := range int32(3) {
		reqs[id] = kmsg.NewPtrListGroupsRequest()
	}
	got := Each(ctx, client, reqs)
	mu.Lock()
	defer mu.Unlock()
	if len(got) != 3 {
		t.Fatalf("%d answers", len(got))
	}
	for i, a := range got {
		if int(a.Broker) != i || (a.Err == nil) != (i == 2) || (a.Resp == nil) != (i != 2) || asked[a.Broker] != 1 {
			t.Errorf("answer %d is of broker %d, asked %d times: %v, %v", i, a.Broker, asked[a.Broker], a.Resp, a.Err)
		}
	}
	if err := got[0].Err; !errors.Is(err, ErrNoAnswer) || !strings.HasPrefix(err.Error(), "broker 0: ") {
		t.Errorf("who hangs is told as %v", err)
	}
}

func TestHalfLeavesTimeForOthers(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	half, stop := Half(ctx)
	defer stop()
	if at, ok := half.Deadline(); !ok || time.Until(at) > 31*time.Minute {
		t.Errorf("half of an hour ends in %v", time.Until(at))
	}
	if _, ok := func() (time.Time, bool) { h, stop := Half(t.Context()); defer stop(); return h.Deadline() }(); ok {
		t.Error("half of no time has an end")
	}
}

func TestDenied(t *testing.T) {
	for code, want := range map[int16]bool{0: false, kerr.TopicAuthorizationFailed.Code: true, kerr.GroupAuthorizationFailed.Code: true, kerr.UnknownTopicOrPartition.Code: false} {
		if Denied(code) != want {
			t.Errorf("code %d", code)
		}
	}
}
