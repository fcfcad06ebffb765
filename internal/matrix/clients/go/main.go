// Command driver is one cell of the matrix with a Go client: it carries out the steps that standard input's JSON names,
// and prints what it truly did. See python/driver.py, whose twin it is.
//
// It is a module of its own, so that the clients that are looked at are no dependencies of lineaged.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

type cell struct {
	Role, Library, Mode, Brokers, Topic, Out, Group, ID string
	Client, User, Password                              string // its client.id, and whom it is to a secured cluster
	Partitions                                          int
	Steps                                               []step
}

func (c cell) brokers() []string { return strings.Split(c.Brokers, ",") }

type step struct {
	Do      string
	N       int
	To      int64
	Seconds int
}

// offsets are by partition.
type offsets map[int32]int64

// unsupported is what a library can't do.
type unsupported string

func (u unsupported) Error() string { return string(u) }

// client is what the steps need of a library. took is called for each record that read hands out.
type client interface {
	read(ctx context.Context, n int, took func(partition int32, offset int64)) error
	commit(ctx context.Context, o offsets) error
	seek(partition int32, offset int64) error
	write(ctx context.Context, n int) error
	// copy writes as many records as were read since the last copy and commits them with the offsets, in one
	// transaction.
	copy(ctx context.Context, n int, o offsets) error
	close() error
}

// limit is for how long a step may wait for records.
const limit = time.Minute

func main() {
	var c cell
	if err := json.NewDecoder(os.Stdin).Decode(&c); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	did := struct {
		Read        int    `json:"read"`
		Wrote       int    `json:"wrote"`
		Unsupported string `json:"unsupported,omitempty"`
	}{}
	tell := func() { _ = json.NewEncoder(os.Stdout).Encode(did) }
	err := run(c, &did.Read, &did.Wrote, tell)
	var u unsupported
	if errors.As(err, &u) {
		did.Unsupported = string(u)
	} else if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	tell()
}

func open(c cell) (client, error) {
	switch c.Library {
	case "franz-go":
		return openFranz(c)
	case "sarama":
		return openSarama(c)
	case "kafka-go":
		return openSegment(c)
	}
	return nil, fmt.Errorf("no library %q", c.Library)
}

func run(c cell, read, wrote *int, tell func()) error {
	cl, err := open(c)
	if err != nil {
		return err
	}
	next, last, fresh := offsets{}, offsets{}, 0
	take := func(n int) error {
		ctx, cancel := context.WithTimeout(context.Background(), limit)
		defer cancel()
		before := *read
		err := cl.read(ctx, n, func(partition int32, offset int64) {
			next[partition], last[partition] = offset+1, offset
			*read++
			fresh++
		})
		if got := *read - before; err == nil && got < n {
			err = fmt.Errorf("%d of %d records came within %s", got, n, limit)
		}
		return err
	}
	ctx := context.Background()
	for _, s := range c.Steps {
		var err error
		switch s.Do {
		case "read":
			err = take(s.N)
		case "copy":
			if err = take(s.N); err == nil {
				err = cl.copy(ctx, fresh, next)
				*wrote += fresh
				fresh = 0
			}
		case "write":
			err = cl.write(ctx, s.N)
			*wrote += s.N
		case "commit":
			err = cl.commit(ctx, next)
		case "commit-last": // the offset of the last record, where Kafka wants that of the next
			err = cl.commit(ctx, last)
		case "seek":
			for p := range int32(c.Partitions) {
				if err = cl.seek(p, s.To); err != nil {
					break
				}
				next[p], last[p] = s.To, max(s.To-1, 0)
			}
		case "sleep":
			time.Sleep(time.Duration(s.Seconds) * time.Second)
		case "die":
			tell()
			os.Exit(0)
		case "close":
			err = cl.close()
		}
		if err != nil {
			return fmt.Errorf("%s: %w", s.Do, err)
		}
	}
	return nil
}
