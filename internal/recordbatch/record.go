package recordbatch

import (
	"encoding/binary"
	"errors"
)

// ErrRecord is when what is unpacked is not the records of a batch. What was given before it stands.
var ErrRecord = errors.New("not the records of a batch")

// Values gives the values of headers of some names, of each record of a batch that was unpacked, in order: each is
// called with the record's number, its timestamp less the batch's first, the name's place in names, and the value,
// which is part of records. Keys and values of the records, and all other headers, are passed over by their lengths.
func Values(records []byte, n int32, names []string, each func(record int, delta int64, name int, value []byte)) error {
	for i := range int(n) {
		length, rest, ok := varint(records)
		if !ok || length < 0 || length > int64(len(rest)) {
			return ErrRecord
		}
		one := rest[:length]
		if records = rest[length:]; !values(one, names, func(delta int64, name int, value []byte) { each(i, delta, name, value) }) {
			return ErrRecord
		}
	}
	if len(records) > 0 {
		return ErrRecord
	}
	return nil
}

// values is of one record: attributes, a timestamp, an offset, key, value, headers.
func values(b []byte, names []string, each func(delta int64, name int, value []byte)) (ok bool) {
	if len(b) == 0 {
		return false
	}
	delta, b, ok := varint(b[1:])
	if !ok {
		return false
	}
	if _, b, ok = varint(b); !ok { // offset
		return false
	}
	for range 2 { // key and value
		if _, b, ok = field(b); !ok {
			return false
		}
	}
	var count int64
	if count, b, ok = varint(b); !ok || count < 0 || count > int64(len(b)) {
		return false
	}
	for range count {
		var key, value []byte
		if key, b, ok = field(b); !ok {
			return false
		}
		if value, b, ok = field(b); !ok {
			return false
		}
		for i, name := range names {
			if string(key) == name {
				each(delta, i, value)
			}
		}
	}
	return len(b) == 0
}

// field returns what a length in front says, nothing for one below zero, and what follows.
func field(b []byte) (value, rest []byte, ok bool) {
	n, b, ok := varint(b)
	if !ok || n > int64(len(b)) {
		return nil, nil, false
	}
	if n < 0 {
		return nil, b, n == -1
	}
	return b[:n], b[n:], true
}

// varint reads a zigzag number.
func varint(b []byte) (v int64, rest []byte, ok bool) {
	v, n := binary.Varint(b)
	if n <= 0 {
		return 0, nil, false
	}
	return v, b[n:], true
}
