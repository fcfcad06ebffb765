package connect

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/lineaged/lineaged/collector"
)

// This file says why a connector does not move what it is configured to.

// how adds to how it is known what of the connector does not run, and since when. What its trace says stays with
// Connect: secrets may stand in it.
func (c *connector) how(known string, d described, round time.Time) string {
	if now := d.halted(); now != c.halted || c.since.IsZero() {
		c.at = ""
		if c.since.IsZero() && !c.born {
			c.at = " at the latest"
		}
		c.halted, c.since = now, round
	}
	switch {
	case c.halted == "":
		return known
	case d.running():
		return fmt.Sprintf("%s; %s since %s%s", known, c.halted, c.since.Format(time.RFC3339), c.at)
	}
	return fmt.Sprintf("%s; configured, and not moving: %s since %s%s", known, c.halted, c.since.Format(time.RFC3339), c.at)
}

// halted says in words what of the connector does not run; empty: all does.
func (d described) halted() string {
	switch state := d.Status.Connector.State; state {
	case "PAUSED", "STOPPED", "DESTROYED":
		return state
	}
	byState := map[string][]string{}
	for _, t := range d.Status.Tasks {
		if t.State != "RUNNING" {
			byState[t.State] = append(byState[t.State], strconv.Itoa(t.ID))
		}
	}
	var all []string
	for _, state := range [...]string{"FAILED", "PAUSED", "UNASSIGNED", "RESTARTING"} {
		switch ids := byState[state]; len(ids) {
		case 0:
		case 1:
			all = append(all, "task "+ids[0]+" "+state)
		default:
			all = append(all, "tasks "+collector.Some(ids)+" "+state)
		}
	}
	if len(d.Status.Tasks) == 0 {
		if d.Status.Connector.State != "RUNNING" {
			return "connector " + d.Status.Connector.State
		}
		return "it has no tasks"
	}
	if all == nil && !d.running() {
		return "its tasks do not run"
	}
	return strings.Join(all, ", ")
}
