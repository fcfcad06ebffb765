// Package ask asks the brokers of a Kafka cluster: each once, all at the same time, with one deadline. It says in a
// short sentence why one did not answer.
//
// It hides that brokers fail one by one: half an answer is an answer. It refuses to ask again: the next round is the
// retry.
package ask

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Answer is what one broker answered; exactly one of Resp and Err is set.
type Answer struct {
	Broker int32
	Req    kmsg.Request
	Resp   kmsg.Response
	Err    error
}

// Each sends one request to each of the brokers, and returns their answers by broker id.
func Each[R kmsg.Request](ctx context.Context, client *kgo.Client, reqs map[int32]R) []Answer {
	answers := make([]Answer, 0, len(reqs))
	for _, id := range slices.Sorted(maps.Keys(reqs)) {
		answers = append(answers, Answer{Broker: id, Req: reqs[id]})
	}
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() { One(ctx, client, &answers[i]) })
	}
	wg.Wait()
	return answers
}

// One asks one broker what the answer's request says.
func One(ctx context.Context, client *kgo.Client, a *Answer) {
	a.Resp, a.Err = client.Broker(int(a.Broker)).Request(ctx, a.Req)
	if a.Err != nil {
		a.Resp, a.Err = nil, fmt.Errorf("broker %d: %w", a.Broker, Plain(a.Err))
	}
}

// Half returns a context with half of the time that is left, so that a broker that hangs does not take the later
// questions with it.
func Half(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(deadline)/2)
}

// ErrNoAnswer is when a broker did not answer in time.
var ErrNoAnswer = errors.New("no answer in time")

// Plain makes an error one short sentence for people.
func Plain(err error) error {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return ErrNoAnswer
	case errors.Is(err, io.EOF):
		return errors.New("the broker closed the connection")
	}
	return err
}

// Denied reports whether a response's code says that the principal may not see this.
func Denied(code int16) bool {
	return code == kerr.TopicAuthorizationFailed.Code || code == kerr.ClusterAuthorizationFailed.Code || code == kerr.GroupAuthorizationFailed.Code
}
