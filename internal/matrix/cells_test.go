package matrix

import (
	"slices"
	"strings"
)

// step is one thing that a driver does. See clients/python/driver.py.
type step struct {
	Do      string `json:"do"`
	N       int    `json:"n,omitempty"`
	To      int64  `json:"to"`
	Seconds int    `json:"seconds,omitempty"`
}

func read(n int) step       { return step{Do: "read", N: n} }
func copyOn(n int) step     { return step{Do: "copy", N: n} }
func seek(to int64) step    { return step{Do: "seek", To: to} }
func rest(seconds int) step { return step{Do: "sleep", Seconds: seconds} }

var (
	commit     = step{Do: "commit"}
	commitLast = step{Do: "commit-last"}
	die        = step{Do: "die"}
	leave      = step{Do: "close"}
	write      = step{Do: "write", N: 200}
)

const (
	partitions = 2
	records    = 600 // in each topic that is read, as many in each partition
	tick       = 5   // seconds
)

// column is what each library is asked to do.
type column struct {
	name, head string
	role, mode string
	steps      []step
	// committed is what the group has told the broker in the end, where that is not what it read; -1: the same.
	committed int64
}

// columns are in the order of the tables. A copier lives longest: that its transactions move its group's offsets shows
// by and by.
var columns = []column{
	{"group", "group", "read", "group", []step{read(200), commit, rest(4), read(200), commit, rest(4), read(200), commit, rest(3), leave}, -1},
	{"kip848", "KIP-848", "read", "kip848", []step{read(200), commit, rest(4), read(200), commit, rest(4), read(200), commit, rest(3), leave}, -1},
	{"assign", "assign with commits", "read", "assign", []step{read(200), commit, rest(6), read(200), commit, rest(6), read(200), commit, rest(1), leave}, -1},
	{"seat", "static member", "read", "static", []step{read(200), commit, rest(4), read(200), commit, rest(4), read(200), commit, rest(3), leave}, -1},
	{"async", "async commits", "read", "async", []step{read(200), rest(4), read(200), rest(4), read(200), rest(4), leave}, -1},
	{"share", "share", "read", "share", []step{read(600), commit, rest(6), leave}, -1},
	{"copy", "exactly-once copy", "read", "copy", append(slices.Repeat([]step{copyOn(5), rest(2)}, records/5), leave), -1},

	{"short", "shorter than a tick", "read", "group", []step{read(600), commit, leave}, -1},
	{"lone", "assign, shorter than a tick", "read", "assign", []step{read(600), commit, leave}, -1},
	{"crash", "dies uncommitted", "read", "group", []step{read(300), commit, read(200), die}, 300},
	{"last", "commits the last offset, not the next", "read", "group", []step{read(300), commitLast, rest(6), read(300), commitLast, rest(3), leave}, records - partitions},
	{"skip", "seeks ahead", "read", "group", []step{read(200), commit, rest(12), seek(250), read(100), commit, rest(3), leave}, -1},
	{"again", "seeks back", "read", "group", []step{read(600), commit, rest(6), seek(0), read(300), commit, rest(6), read(300), commit, rest(3), leave}, -1},

	{"default", "default", "write", "default", []step{write, rest(4), write, rest(4), write, rest(2), leave}, -1},
	{"idempotent", "idempotent", "write", "idempotent", []step{write, rest(4), write, rest(4), write, rest(2), leave}, -1},
	{"transactional", "transactional", "write", "transactional", []step{write, rest(4), write, rest(4), write, rest(2), leave}, -1},
}

// tables are the columns of each table.
var tables = [][]string{
	{"group", "kip848", "assign", "seat", "async", "share", "copy"},
	{"short", "lone", "crash", "last", "skip", "again"},
	{"default", "idempotent", "transactional"},
}

// library is one client library and the driver that knows it.
type library struct {
	name   string // as its driver calls it
	driver string // python, node, go or java
	said   string // with its version
}

var libraries = []library{
	{"kafka-clients", "java", "Java kafka-clients 4.3.1"},
	{"confluent-kafka", "python", "librdkafka (confluent-kafka 2.16.1)"},
	{"aiokafka", "python", "aiokafka 0.14.0"},
	{"kafka-python", "python", "kafka-python 3.0.12"},
	{"kafkajs", "node", "kafkajs 2.2.4"},
	{"@platformatic/kafka", "node", "@platformatic/kafka 1.35.0"},
	{"sarama", "go", "IBM/sarama 1.61.1"},
	{"kafka-go", "go", "segmentio/kafka-go 0.4.51"},
	{"franz-go", "go", "franz-go 1.22.3"},
}

// cell is one library in one column.
type cell struct {
	library library
	column  column
}

// base begins the names of the cell's topics, groups and transactional.ids.
func (c cell) base() string {
	name := c.library.name[strings.LastIndexByte(c.library.name, '@')+1:]
	name, _, _ = strings.Cut(name, "/")
	return name + "." + c.column.name
}
