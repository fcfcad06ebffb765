package identity

import (
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/lineaged/lineaged/lineage"
)

// This file says whose a group is that sink connectors read with. Connect calls it connect-NAME, so that two Connect
// clusters with a sink of one name share one.

// sink is a sink connector that reads with a group. fact is nil of one that is gone, of which only the name is known.
type sink struct {
	node lineage.Node
	name string
	fact *lineage.ConnectorFact
}

// moverTopic is a topic as a mover's own.
type moverTopic struct {
	mover   lineage.Node
	op      lineage.Op
	cluster lineage.ClusterID
	topic   string
}

// ownSink says whose an access of a group is: the only sink's that reads with it, else the only one's that is
// configured to read the topic, else the one that the member's task and host tell. Where none of that decides it is all
// of theirs.
func (k *knowledge) ownSink(ref lineage.GroupRef, a lineage.Access, out *lineage.Known) {
	all := k.connectors[ref]
	if slices.ContainsFunc(all, func(s sink) bool { return s.fact != nil }) {
		// a name that is gone claims nothing that somebody has
		all = only(all, func(s sink) bool { return s.fact != nil })
	}
	every := all
	if len(all) > 1 && a.Topic.Name != "" {
		if reading := only(all, func(s sink) bool {
			return k.configured[moverTopic{s.node, lineage.Read, a.Topic.Cluster, a.Topic.Name}]
		}); len(reading) > 0 {
			all = reading
		}
	}
	if len(all) > 1 && a.Client.Member != "" {
		all = memberOf(all, a.Client)
	}
	nodes := make([]lineage.Node, 0, len(all))
	for _, s := range all {
		nodes = append(nodes, s.node)
	}
	slices.SortFunc(nodes, lineage.Node.Compare)
	switch nodes = slices.Compact(nodes); len(nodes) {
	case 0:
	case 1:
		out.Connector, out.Crowded = nodes[0], !k.left[ref] && all[0].fact != nil && crowded(every, out.Group)
	default:
		out.Sharers = nodes
	}
}

// only returns those for which keep holds, and leaves all as it is.
func only(all []sink, keep func(sink) bool) []sink {
	return slices.DeleteFunc(slices.Clone(all), func(s sink) bool { return !keep(s) })
}

// memberOf returns those of which a member can be a task: who has no task of its number is out, and one alone that runs
// it on the member's host is it where the others' workers are known to be elsewhere.
func memberOf(all []sink, c lineage.Client) []sink {
	id, ok := taskOf(c.ClientID, all[0].name)
	if !ok {
		return all
	}
	with := only(all, func(s sink) bool { return s.host(id) != "" })
	if len(with) == 0 {
		return all
	}
	host := strings.TrimPrefix(c.Host, "/")
	here := only(with, func(s sink) bool { return s.host(id) == host })
	elsewhere := only(with, func(s sink) bool { return s.host(id) != host && net.ParseIP(s.host(id)) != nil })
	if len(here) == 1 && len(elsewhere) == len(with)-1 {
		return here
	}
	return with
}

// host returns where a task runs, as its worker names itself; empty: it has no such task.
func (s sink) host(task int) string {
	for _, t := range s.tasks() {
		if t.ID == task {
			host, _, err := net.SplitHostPort(t.Worker)
			if err != nil {
				host = t.Worker
			}
			if host == "" {
				host = "?"
			}
			return host
		}
	}
	return ""
}

func (s sink) tasks() []lineage.Task {
	if s.fact == nil {
		return nil
	}
	return s.fact.Tasks
}

// taskOf returns the number of the task whose consumer bears a client id, connector-consumer-NAME-TASK.
func taskOf(clientID, connector string) (id int, ok bool) {
	number, ok := strings.CutPrefix(clientID, "connector-consumer-"+connector+"-")
	if !ok {
		return 0, false
	}
	id, err := strconv.Atoi(number)
	return id, err == nil && id >= 0
}

// crowded reports whether a group has members now that bear its sinks' tasks' name and can't be theirs: more of one
// task than there are sinks that are known. Then another Connect cluster that nobody tells of has a sink of that name.
func crowded(all []sink, group *lineage.GroupFact) bool {
	if group == nil {
		return false
	}
	seen := map[int]int{}
	for _, m := range group.Members {
		if id, ok := taskOf(m.ClientID, all[0].name); ok {
			if seen[id]++; seen[id] > len(all) {
				return true
			}
		}
	}
	return false
}
