package brokerlog

// API is the key of a request in Kafka's protocol.
type API int16

// The requests that say who a client is or what it does to a topic.
const (
	Produce                   API = 0
	Fetch                     API = 1
	Metadata                  API = 3
	OffsetCommit              API = 8
	JoinGroup                 API = 11
	InitProducerID            API = 22
	AddPartitionsToTxn        API = 24
	EndTxn                    API = 26
	TxnOffsetCommit           API = 28
	ConsumerGroupHeartbeat    API = 68
	GetTelemetrySubscriptions API = 71
	PushTelemetry             API = 72
	ShareGroupHeartbeat       API = 76
	ShareFetch                API = 78
	ShareAcknowledge          API = 79
	StreamsGroupHeartbeat     API = 88

	apis = 128 // more than any of them
)

// shape is how the lists of topics in a request's and its answer's JSON are called.
type shape struct {
	topics    string // of the request; empty: it has none that is asked for
	results   string // of the answer
	noParts   bool   // what is said of partitions is not asked for
	newest    int16  // the newest version that is of interest, if there is one; 0: each
	mustReply bool   // without the answer the line says nothing
}

// interesting are the requests that are read, by their key.
var interesting = [apis]*shape{
	Produce:      {topics: "topicData", results: "responses"},
	Fetch:        {topics: "topics", results: "responses"},
	Metadata:     {results: "topics", noParts: true, mustReply: true},
	OffsetCommit: {topics: "topics", results: "topics"},
	JoinGroup:    {}, InitProducerID: {mustReply: true},
	// From version 4 on it is the brokers who send it, to verify a transaction that somebody else began.
	AddPartitionsToTxn: {topics: "v3AndBelowTopics", newest: 3},
	EndTxn:             {}, TxnOffsetCommit: {topics: "topics", results: "topics"},
	ConsumerGroupHeartbeat: {}, GetTelemetrySubscriptions: {}, PushTelemetry: {}, ShareGroupHeartbeat: {},
	ShareFetch: {topics: "topics", results: "responses"}, ShareAcknowledge: {topics: "topics", results: "responses"},
	StreamsGroupHeartbeat: {},
}
