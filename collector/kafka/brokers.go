package kafka

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/lineaged/lineaged/collector/ask"
)

// brokerAnswer is what one broker answered; exactly one of resp and err is set.
type brokerAnswer struct {
	broker int32
	req    kmsg.Request
	resp   kmsg.Response
	err    error
}

// ask sends one request to each of the brokers at the same time and returns their answers by broker id. A broker has
// half of the time that is left of the round, so that one that hangs does not take the later questions with it.
func (t *take) ask(reqs map[int32]kmsg.Request) []brokerAnswer {
	ctx, cancel := t.half()
	defer cancel()
	answers := make([]brokerAnswer, 0, len(reqs))
	for _, a := range ask.Each(ctx, t.client, reqs) {
		answers = append(answers, brokerAnswer{broker: a.Broker, req: a.Req, resp: a.Resp, err: a.Err})
	}
	return answers
}

// request asks one broker.
func (t *take) request(ctx context.Context, a *brokerAnswer) {
	one := ask.Answer{Broker: a.broker, Req: a.req}
	ask.One(ctx, t.client, &one)
	a.resp, a.err = one.Resp, one.Err
}

// half returns a context with half of the time that is left.
func (t *take) half() (context.Context, context.CancelFunc) { return ask.Half(t.ctx) }

// codeError returns the error of a response's code; nil for none.
func codeError(code int16) error {
	if err := kerr.ErrorForCode(code); err != nil {
		return plainCode(err)
	}
	return nil
}

func plainCode(err error) error {
	if ke, ok := errors.AsType[*kerr.Error](err); ok {
		return fmt.Errorf("the broker answered %s", ke.Message)
	}
	return err
}

// unsupported reports whether the broker does not know the request at all.
func unsupported(err error) bool {
	return errors.Is(err, kerr.UnsupportedVersion) || strings.Contains(err.Error(), "is too old") || strings.Contains(err.Error(), "not supported") || strings.Contains(err.Error(), "does not support")
}

// reasons collects why parts are missing: one sentence for many partitions.
type reasons map[string]int

func (r reasons) add(reason string) { r[reason]++ }

// String lists the reasons, the most frequent first.
func (r reasons) String() string {
	all := make([]string, 0, len(r))
	for s := range r {
		all = append(all, s)
	}
	sort.Slice(all, func(i, j int) bool {
		if r[all[i]] != r[all[j]] {
			return r[all[i]] > r[all[j]]
		}
		return all[i] < all[j]
	})
	const most = 3
	if len(all) > most {
		all = append(all[:most], fmt.Sprintf("and %d other reasons", len(all)-most))
	}
	return strings.Join(all, "; ")
}
