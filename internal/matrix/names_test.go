//go:build matrix

package matrix

import (
	"slices"
	"strings"
)

// What a cell is called, and what lineaged should call it.

// seen reports whether the topic is empty until lineaged can have seen the reader's members, so that its count can be
// exact. Else the records are there before the reader is, as is usual.
func (c column) seen() bool { return slices.Contains(tables[0], c.name) && c.mode != "assign" }

func (c cell) topic() string { return c.base() + ".in" }
func (c cell) out() string   { return c.base() + ".out" }

// id is the transactional.id. Of a copier it has nothing of the group's name.
func (c cell) id() string {
	if c.column.mode == "copy" {
		name, _, _ := strings.Cut(c.base(), ".")
		return name + ".mover-0"
	}
	return c.base() + "-0"
}

// alone is the node that a copier's writing is until it is known with whose offsets it goes.
func (c cell) alone() string {
	name, _, _ := strings.Cut(c.base(), ".")
	return "application:west/" + name + ".mover"
}

// application is the node that the cell's client should be; empty: nobody names it.
func (c cell) application() string {
	if c.column.role == "write" && c.column.mode != "transactional" {
		return ""
	}
	return "application:west/" + c.base()
}
