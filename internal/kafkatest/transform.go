package kafkatest

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Copier reads a topic and writes its records to another, exactly once.
type Copier struct {
	cancel context.CancelFunc
	stall  sync.Once
	still  chan struct{} // closed: it reads no more
	done   sync.WaitGroup
}

// StartCopier starts a copier with a group and a transactional.id. A transaction takes what there is every 300 ms. The
// test's end stops it.
func (c *Cluster) StartCopier(t testing.TB, group, transactionalID, from, to string) *Copier {
	t.Helper()
	session, err := kgo.NewGroupTransactSession(append(c.ClientOpts(Admin),
		kgo.ClientID(group+"-client"), kgo.ConsumerGroup(group), kgo.ConsumeTopics(from), kgo.TransactionalID(transactionalID), kgo.DefaultProduceTopic(to),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
	)...)
	if err != nil {
		t.Fatalf("copier: %v", err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	k := &Copier{cancel: cancel, still: make(chan struct{})}
	k.done.Go(func() {
		defer session.Close()
		for ctx.Err() == nil {
			select {
			case <-k.still:
				<-ctx.Done()
				return
			default:
			}
			fetches := session.PollFetches(ctx)
			if fetches.NumRecords() == 0 {
				continue
			}
			if err := session.Begin(); err != nil {
				t.Errorf("copier: begin: %v", err)
				return
			}
			fetches.EachRecord(func(r *kgo.Record) {
				session.Produce(ctx, &kgo.Record{Key: r.Key, Value: r.Value}, func(_ *kgo.Record, err error) {
					if err != nil && ctx.Err() == nil {
						t.Errorf("copier: produce: %v", err)
					}
				})
			})
			if _, err := session.End(ctx, kgo.TryCommit); err != nil && ctx.Err() == nil {
				t.Errorf("copier: commit: %v", err)
				return
			}
			select {
			case <-ctx.Done():
			case <-time.After(300 * time.Millisecond):
			}
		}
	})
	t.Cleanup(k.Stop)
	return k
}

// Stall has it read no more, and stay a member of its group.
func (k *Copier) Stall() { k.stall.Do(func() { close(k.still) }) }

// Stop ends the copier and returns when it has left its group. It may be called twice.
func (k *Copier) Stop() {
	k.cancel()
	k.done.Wait()
}
