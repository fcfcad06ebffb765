// Package api answers questions about lineage: GraphQL on /graphql, health on /healthz and /readyz, figures on
// /metrics.
//
// It presents what package answer says, and nothing else: schema, resolvers, limits and transport. It hides GraphQL's
// types, which never leave it. It refuses to collect, to write, to decide what a window means, and to execute a
// document before it has passed every limit.
package api

//go:generate go tool gqlgen generate
