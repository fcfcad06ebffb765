package mcp

import "context"

// UsageInput is what usage takes.
type UsageInput struct {
	Topic string `json:"topic" jsonschema:"id of a topic, as search returns it"`
	Window
}

// Usage is who used a topic.
type Usage struct {
	Topic     Only         `json:"topic"`
	Writers   []UsedBy     `json:"writers" jsonschema:"who wrote, then who may have (active null), then who is known and did not (active false)"`
	Readers   []UsedBy     `json:"readers" jsonschema:"likewise who read"`
	Permitted []Permission `json:"permitted" jsonschema:"who may read or write by access control lists, which is no use; null: they could not be read"`
}

// UsedBy is a flow with its clients.
type UsedBy struct {
	Flow
	Clients     []Client `json:"clients" jsonschema:"connections as seen, the busiest first"`
	ClientCount int      `json:"clientCount"`
}

// Client is a connection as it was seen.
type Client struct {
	Kind            string   `json:"kind"`
	ClientID        *Foreign `json:"clientId"`
	Group           *Foreign `json:"group"`
	TransactionalID *Foreign `json:"transactionalId"`
	Principal       *Foreign `json:"principal"`
	Host            *Foreign `json:"host"`
	Software        *Foreign `json:"software"`
	FirstSeen       string   `json:"firstSeen"`
	LastSeen        string   `json:"lastSeen"`
}

// Permission is one entry of an access control list.
type Permission struct {
	Principal    Foreign `json:"principal"`
	Host         Foreign `json:"host"`
	Operation    string  `json:"operation"`
	Pattern      Foreign `json:"pattern"`
	Allowed      bool    `json:"allowed"`
	UsedInWindow *bool   `json:"usedInWindow" jsonschema:"null: not known"`
}

const usageDocument = `query($topic: ID!, $window: Window!) {
  topicUsage(topic: $topic, window: $window) {
    topic { id } writers { ...Way clients(first: 5) { ...Seen } clientCount } readers { ...Way clients(first: 5) { ...Seen } clientCount }
    permitted { principal host operation pattern allowed usedInWindow } coverage { ...Observed }
  }
}
fragment Seen on Client { kind clientId group transactionalId principal host software firstSeen lastSeen }` + flowFields + coverageFields

// mostUsers is how many of each list of users are shown at first.
const mostUsers = 100

var usageTool = tool[UsageInput, Usage]{
	name: "usage", title: "Who used a topic",
	description: "Compliance: who wrote and who read a topic in a window (the last 24h by default), how much, on what evidence and since when, by which clients, and who else is permitted to. What was not observed in it is in coverage: an empty list with complete false does not say that nobody did.",
	bounds:      bounds{"topic": id},
	answer: func(ctx context.Context, a *asker, in UsageInput) (*Answer[Usage], error) {
		window, err := in.input("24h")
		if err != nil {
			return nil, err
		}
		got, err := ask[struct {
			TopicUsage struct {
				Usage
				Coverage *Coverage
			}
		}](ctx, a, usageDocument, variables("topic", in.Topic, "window", window))
		if err != nil {
			return nil, err
		}
		out := &Answer[Usage]{Coverage: got.TopicUsage.Coverage.bounded(), Result: got.TopicUsage.Usage}
		u := &out.Result
		writers, readers, permitted := len(u.Writers), len(u.Readers), len(u.Permitted)
		u.Writers, u.Readers = boundUsers(u.Writers), boundUsers(u.Readers)
		out.parts = []part{of("result.writers", &u.Writers, writers), of("result.readers", &u.Readers, readers)}
		if u.Permitted != nil {
			u.Permitted = first(u.Permitted, mostUsers)
			out.parts = append(out.parts, of("result.permitted", &u.Permitted, permitted))
		}
		out.Page = a.page(ctx, "/usage", out.Coverage, "topic", in.Topic)
		return out, nil
	},
}

func boundUsers(all []UsedBy) []UsedBy {
	all = first(all, mostUsers)
	for i := range all {
		all[i].bounded()
		all[i].Clients = first(all[i].Clients, 5)
	}
	return all
}
