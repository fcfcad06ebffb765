// Package api answers questions about lineage: GraphQL on /graphql, health on /healthz and /readyz, figures on /metrics.
//
// It presents what package answer says, and nothing else: schema, resolvers, limits and transport. It hides GraphQL's
// types, which never leave it. It refuses to collect, to write, to decide what a window means, and to execute a document
// before it has passed every limit.
package api

import "github.com/lineaged/lineaged/answer"

//go:generate go tool gqlgen generate

//nolint:revive // one comment for all: what is asked, and how things are called, in the words of package answer
type (
	History       = answer.History
	Identity      = answer.Identity
	ClusterConfig = answer.ClusterConfig
	ConnectConfig = answer.ConnectConfig
)
