package kafka

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// transactionLog is where the partitions of __transaction_state end. Each coordinator keeps its transactions there,
// with three records at the least for one that ends: that it is going on, that it is to end, and that it has. So it
// bounds the markers of the old protocol, which nothing else tells. None of its records is read.
type transactionLog struct {
	before, now []int64 // by partition, as of the round before and of this one; -1: not known
}

// transactionTopic is the log's name.
const transactionTopic = "__transaction_state"

// next takes in the ends of a round.
func (l *transactionLog) next(tp *topic) {
	l.before, l.now = l.now, nil
	if tp == nil {
		return
	}
	if len(l.before) == 0 && len(tp.parts) > 0 && tp.parts[0].born { // it was made since, with the first transaction
		l.before = make([]int64, len(tp.parts))
	}
	for i := range tp.parts {
		end := int64(-1)
		if tp.parts[i].fresh {
			end = tp.parts[i].end
		}
		l.now = append(l.now, end)
	}
}

// restore takes in the ends of the last round of an earlier run.
func (l *transactionLog) restore(tp *topic) {
	for i := range tp.parts {
		l.now = append(l.now, tp.parts[i].end)
	}
}

// end returns where the partition of a transactional.id's coordinator ends; -1: not known.
func (l *transactionLog) end(id string) int64 {
	if l == nil {
		return -1
	}
	return logEnd(l.now, id)
}

// ended returns how many transactions of a transactional.id can have ended since a reading of it, at most; ok is false
// where it is not known. gap: the round before did not see its partition. Others of the same coordinator's partition
// may be among them.
func (l *transactionLog) ended(id string, prev sequence, gap bool) (n int64, ok bool) {
	if l == nil {
		return 0, false
	}
	since, now := prev.log, logEnd(l.now, id)
	if since < 0 && !gap { // its partition did not move before this round
		since = logEnd(l.before, id)
	}
	if since < 0 || now < since {
		return 0, false
	}
	const records = 3
	return (now - since + records - 1) / records, true // one may have been under way then, and one may be ending
}

// logEnd returns the entry of the partition that Kafka keeps a transactional.id in: by Java's hash of the string.
func logEnd(ends []int64, id string) int64 {
	if len(ends) == 0 || id == "" {
		return -1
	}
	return ends[partitionOf(id, len(ends))]
}

// findTransactionLog looks for the log where this round's metadata did not name it and a transaction shows all the
// same: it was made in the meantime, with the cluster's first transaction, so that all that is in it came since.
func (t *take) findTransactionLog(answers []brokerAnswer) {
	if !t.continuous || !t.sawAll || !t.wanted(transactionTopic) || t.byName[transactionTopic] != nil || !slices.ContainsFunc(answers, showsTransactions) {
		return
	}
	ctx, cancel := t.half()
	defer cancel()
	req := kmsg.NewPtrMetadataRequest()
	rt := kmsg.NewMetadataRequestTopic()
	rt.Topic = new(transactionTopic)
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(ctx, t.cl)
	if err != nil || len(resp.Topics) != 1 || resp.Topics[0].ErrorCode != 0 {
		return
	}
	reqs, ends := map[int32]kmsg.Request{}, make([]int64, len(resp.Topics[0].Partitions))
	for i, p := range resp.Topics[0].Partitions {
		ends[i] = -1
		req, _ := reqs[p.Leader].(*kmsg.ListOffsetsRequest)
		if req == nil {
			req = kmsg.NewPtrListOffsetsRequest()
			req.ReplicaID = -1
			req.Topics = append(req.Topics, kmsg.ListOffsetsRequestTopic{Topic: transactionTopic})
			reqs[p.Leader] = req
		}
		rp := kmsg.NewListOffsetsRequestTopicPartition()
		rp.Partition, rp.Timestamp, rp.CurrentLeaderEpoch = p.Partition, latest, -1
		req.Topics[0].Partitions = append(req.Topics[0].Partitions, rp)
	}
	delete(reqs, -1)
	for _, a := range t.ask(reqs) {
		if a.err != nil {
			continue
		}
		for _, rt := range a.resp.(*kmsg.ListOffsetsResponse).Topics {
			for _, p := range rt.Partitions {
				if p.ErrorCode == 0 && int(p.Partition) < len(ends) {
					ends[p.Partition] = p.Offset
				}
			}
		}
	}
	t.txnLog.before, t.txnLog.now = make([]int64, len(ends)), ends
}

// showsTransactions reports whether an answer shows a transactional producer.
func showsTransactions(a brokerAnswer) bool {
	if a.err != nil {
		return false
	}
	for _, rt := range a.resp.(*kmsg.DescribeProducersResponse).Topics {
		for i := range rt.Partitions {
			if slices.ContainsFunc(readings(&rt.Partitions[i]), func(r producerReading) bool { return r.transactional }) {
				return true
			}
		}
	}
	return false
}
