package api

import (
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/graph"
	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/usage"
)

// times multiplies the cost of a list's element by the list's length, and stops growing long before it could overflow.
func times(n, cost int) int {
	n = max(n, 1)
	if cost > most/n {
		return most
	}
	return n*cost + 1
}

// usualLimit is the default limit of a graph.
const usualLimit = 300

// usualFlows is taken for lists of flows that have no limit of their own: the readers and writers of one topic.
const usualFlows = 100

// flowStates is how many states a flow can be in, with that it is not known.
const flowStates = 8

// ratesCompared is what comparing rates for candidates costs: up to a thousand series of 360 points, of which ten are
// an object.
const ratesCompared = 30_000

const (
	// pathsSearched is what looking for paths costs beside them: up to twenty million steps of readers and writers, of
	// which about a thousand are an object.
	pathsSearched = 20_000
	// usualHops is how many hops a path is taken to have.
	usualHops = 10
)

// idsAnObject is how many ids cost what an object does, which has ten fields and is looked up.
const idsAnObject = 20

// balanceRead is what an account costs beside its window: where its readers stood at its start, and who wrote.
const balanceRead = 1000

// chainRead is what it costs to go through the ledger's close entries: some ten thousand of a year.
const chainRead = 5_000

// bucketsSummed is what a timeline costs beside its window and its buckets: up to 400,000 points of series, of which
// ten are an object, and a look at what was observed of each bucket.
const bucketsSummed = 40_000

// graphFiltered is what a graph of all flows of some kinds of evidence costs beside what is drawn: it is built anew.
const graphFiltered = 1000

// lifeFollowed is what it costs to follow one life into the past: up to sixty weeks of evidence are looked at.
const lifeFollowed = 500

// drawn is what a graph costs: as many nodes and stacks as it may have, and the states by which it is folded, which are
// a figure each of up to a thousand nodes' flows.
func drawn(child, limit, fold int, expand []ExpandInput) int {
	cost := times(max(limit, min(limit+expandedNodes*len(expand), mostNodes)), child)
	if fold > 0 {
		cost = add(cost, mostNodes)
	}
	return cost
}

// findingsSought is what looking for findings costs beside them, and beside a second window: how each flow of an estate
// goes is found out, and whom it feeds.
const findingsSought = 5_000

const (
	// usesRead is what a report costs beside its window and what is shown of it: the evidence and the clients of every
	// use are read, and when each was first.
	usesRead = 10_000
	// usualEvidence is how many kinds of evidence a use is taken to have.
	usualEvidence = 3
)

// reportCosts are those of usage reports and of the register of processing.
func reportCosts(c *ComplexityRoot) {
	c.Query.UsageReport = func(child int, _ UsageScopeInput, w WindowInput, _ answer.UsageGroupBy, _ *answer.UsageSource, _ bool) int {
		return add(add(usesRead, w.hours()), child)
	}
	c.Query.ProcessingRegister = func(child int, _ string, w WindowInput, _ *answer.UsageSource, _ bool) int {
		return add(add(2*usesRead, 2*w.hours()), child)
	}
	c.UsageReport.Uses = func(child, first int, _ *string) int { return times(first, child) }
	c.UsageReport.Groups = func(child, first int) int { return times(first, child) }
	c.UsageReport.Administered = c.UsageReport.Groups
	c.UsageReport.Permissions = func(child, first int, _ bool) int { return times(first, child) }
	c.TopicUse.Evidence = func(child int) int { return times(usualEvidence, child) }
	c.TopicUse.Clients = c.TopicUse.Evidence // mostly one or two
	c.ProcessingRegister.Rows, c.ProcessingRegister.Topics = c.UsageReport.Uses, c.UsageReport.Groups
	c.RegisterRow.Places = c.TopicUse.Evidence
}

// costs says what fields cost: as if every list were as long as asked for. For series, see priced.
func costs() (c ComplexityRoot) {
	for _, of := range []func(*ComplexityRoot){
		nodeCosts, graphCosts, listCosts, impactCosts, metadataCosts, changeCosts, columnCosts, reportCosts, coverageCosts,
	} {
		of(&c)
	}
	return c
}

// graphCosts are those of graphs, of ways through them and of accounts.
func graphCosts(c *ComplexityRoot) {
	c.Query.Lineage = func(
		child int, _ []string, _ graph.Direction, _ int, _ WindowInput, _ []lineage.EvidenceKind, _, _ bool, limit, fold int, _ []string, expand []ExpandInput,
	) int {
		return drawn(child, limit, fold, expand)
	}
	c.Query.LastLives = func(child int, ids []string, _ WindowInput) int { return times(len(ids), add(lifeFollowed, child)) }
	c.Closure.Ids = func(child, first int, _ *string) int { return first/idsAnObject + child }
	c.Query.Flows = func(
		child int, _ *string, _ WindowInput, _ answer.GroupBy, evidence []lineage.EvidenceKind, _, _ bool, limit, fold int, _ []string, expand []ExpandInput,
	) int {
		cost := drawn(child, limit, fold, expand)
		if len(evidence) > 0 {
			cost = add(cost, graphFiltered)
		}
		return cost
	}
	c.Query.LineageDiff = func(child int, _ []string, _, _ WindowInput, _ time.Duration, _ float64, _ bool, limit int) int {
		return times(limit, child)
	}
	c.Query.Paths = func(child int, _, _ string, _ WindowInput, _ bool, first int) int {
		return add(pathsSearched, times(first, child))
	}
	c.Path.Hops = func(child int) int { return times(usualHops, child) }
	c.Paths.Doubts = func(child, first int) int { return times(first, child) }
	// What was before the window is read too.
	c.Query.FlowBalance = func(child int, _ string, _ WindowInput) int { return add(balanceRead, child) }
	c.Query.PathBalance = func(child int, nodes []string, _ WindowInput) int { return times(len(nodes), add(balanceRead, child)) }
	c.FlowBalance.Readers = func(child int) int { return times(usualFlows, child) }
	c.FlowBalance.Writers = c.FlowBalance.Readers
	c.FlowBalance.Links = c.Application.Groups
}

// nodeCosts are those of what nodes and flows have. Others cost as these do: they come first.
func nodeCosts(c *ComplexityRoot) {
	c.TopicUsage.Writers = func(child int) int { return times(usualFlows, child) }
	c.TopicUsage.Readers = c.TopicUsage.Writers
	c.Ledger.Sealed = func(child int, _ string, _ WindowInput) int { return add(chainRead, child) }
	c.Flow.Clients = func(child, first int) int { return times(first, child) }
	c.Application.Groups = func(child int) int { return times(10, child) }
	c.Topic.Configs = c.Application.Groups
	c.Group.MemberIds = c.Flow.Clients
	c.Connector.Groups, c.StreamJob.Groups, c.Connector.Tasks = c.Application.Groups, c.Application.Groups, c.Application.Groups
	c.Topic.FlowStates = func(child int) int { return times(flowStates, child) }
	c.Application.FlowStates, c.Unidentified.FlowStates, c.Dataset.FlowStates, c.Group.FlowStates = c.Topic.FlowStates, c.Topic.FlowStates, c.Topic.FlowStates, c.Topic.FlowStates
	c.Connector.FlowStates, c.Replicator.FlowStates, c.StreamJob.FlowStates = c.Topic.FlowStates, c.Topic.FlowStates, c.Topic.FlowStates
	c.Job.FlowStates = c.Topic.FlowStates
	c.FlinkJob.Vertices = c.Application.Groups
	c.JobRuns.Owners = c.Application.Groups
	c.Job.Runs = func(child, first int) int { return times(min(first, 30), child) } // no more are kept
	c.StreamJob.Runs = c.Job.Runs
	c.JobRun.Reads = c.Application.Groups // of most a few
	c.JobRun.Writes = c.JobRun.Reads
	c.StreamJob.InnerTopics, c.StreamJob.Subtopologies = c.Application.Groups, c.Application.Groups
}

// listCosts are those of lists of an estate.
func listCosts(c *ComplexityRoot) {
	c.Query.Nodes = func(
		child int, _ *string, _ []lineage.NodeKind, _, _, _ *string, derived bool, states []*answer.FlowState, _ bool, _ *WindowInput, _ *answer.Order, first int, _ *string,
	) int {
		if derived {
			child = add(child, tagsFollowed/max(first, 1))
		}
		if len(states) > 0 {
			return add(findingsSought, times(first, child)) // how each flow goes is found out for it too
		}
		return times(first, child)
	}
	c.Query.Top = func(child int, _ answer.Metric, _ lineage.NodeKind, _ WindowInput, first int) int {
		return times(first, child)
	}
	c.Query.Events = func(child int, _ WindowInput, _ *string, _ []string, _ []lineage.EventType, first int, _ *string) int {
		return times(first, child)
	}
	c.Query.Timeline = func(child int, _ WindowInput, _ []string, _ *string, buckets int) int {
		return add(bucketsSummed, times(buckets, child))
	}
	c.Cluster.Timeline = func(child int, _ WindowInput, buckets int) int { // there may be ten of them
		return add(bucketsSummed/10, times(buckets, child))
	}
	c.TimelineBucket.Events = func(child int) int { return child } // mostly none
	c.Query.Findings = func(child int, _ WindowInput, _, _ *string, _ []answer.FindingKind, first int, _ *string) int {
		return add(findingsSought, times(first, child))
	}
	c.Finding.With = func(child int) int { return times(mostWith, child) }
	c.Starved.Nearest = c.Finding.With
	c.FindingConnection.ByKind = func(child int) int { return child/usualLimit + 1 }
	c.Query.Clusters = func(child int) int { return times(10, child) }
	c.Query.ClusterSpellings = func(child int, _ bool) int { return times(usualSpellings, child) }
	c.Query.SuggestedJoins = func(child int, _ *WindowInput) int { return times(mostSuggestions, child) }
	c.Query.Declarations = func(child int, _ WindowInput, _, _ *string, _ *answer.DeclaredState, first int, _ *string) int {
		return times(first, child)
	}
	c.Query.UndeclaredFlows = func(child int, _ WindowInput, _ *string, _ bool, first int, _ *string) int {
		return times(first, child)
	}
	c.Query.DataProducts = func(child int, _ WindowInput, _ *string, first int, _ *string) int { return times(first, child) }
	c.Declaration.Pairs = c.Flow.Clients
	c.DataProduct.Ports = c.Application.Groups
	c.DataProductPort.Topics = c.Application.Groups
	// The rates of some hundred programs are compared for it.
	c.Query.Candidates = func(child int, _ string, _ WindowInput, first int) int {
		return add(ratesCompared, times(first, child))
	}
	c.Query.UsageBill = func(child int, _ WindowInput, _ usage.Grouping, _ *string, first int, _ *string) int {
		return times(first, child)
	}
	c.UsageBill.Totals = func(child int) int { return times(10*int(usage.Meters), child)/usualLimit + 1 }
	c.UsageBill.Rules = c.UsageBill.Totals
	// It is there once.
	c.UsageBill.Amplification = func(child, first int) int { return times(first, child)/usualLimit + 1 }
	c.DeclarationConnection.Files = func(child, first int) int { return times(first, child)/usualLimit + 1 }
}

// coverageCosts are those of what is there once, below what multiplies it by a limit.
func coverageCosts(c *ComplexityRoot) {
	c.Lineage.Coverage = func(child int) int { return child/usualLimit + 1 }
	c.LastLives.Coverage, c.LastLife.Coverage, c.UsageBill.Coverage = c.Lineage.Coverage, c.Lineage.Coverage, c.Lineage.Coverage
	c.LineageDiff.CoverageBefore, c.LineageDiff.Coverage = c.Lineage.Coverage, c.Lineage.Coverage
	c.Timeline.Coverage = c.Lineage.Coverage
	c.NodeConnection.Coverage, c.EventConnection.Coverage, c.FindingConnection.Coverage = c.Lineage.Coverage, c.Lineage.Coverage, c.Lineage.Coverage
	c.Candidates.Coverage, c.Paths.Coverage = c.Lineage.Coverage, c.Lineage.Coverage
	c.Ranking.Coverage, c.SuggestedJoins.Coverage = c.Lineage.Coverage, c.Lineage.Coverage
	c.DeclarationConnection.Coverage, c.UndeclaredConnection.Coverage, c.DataProductConnection.Coverage = c.Lineage.Coverage, c.Lineage.Coverage, c.Lineage.Coverage
	c.Coverage.Gaps = func(child, first int) int { return times(first, child) }
	c.Coverage.Stretches = c.Coverage.Gaps
}
