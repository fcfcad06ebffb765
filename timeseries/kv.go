package timeseries

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// errAbsent is when a kv has no value for a key.
var errAbsent = errors.New("no such key")

// kv keeps sealed values. Its methods may be called concurrently.
type kv interface {
	// get returns errAbsent when there is no value. The caller owns the value.
	get(key []byte) ([]byte, error)
	// write sets and deletes; a nil value deletes. What was written before a crash may be there in part, until sync.
	write(batch []pair) error
	// keys returns the keys with a prefix.
	keys(prefix []byte) ([][]byte, error)
	// sync makes all that was written durable.
	sync() error
	size() int64
	close() error
}

type pair struct{ key, value []byte }

// memoryKV keeps values in a map.
type memoryKV struct {
	mu     sync.Mutex // guards values
	values map[string][]byte
}

func (m *memoryKV) get(key []byte) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.values[string(key)]
	if !ok {
		return nil, errAbsent
	}
	return v, nil // never changed in place
}

func (m *memoryKV) write(batch []pair) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range batch {
		if p.value == nil {
			delete(m.values, string(p.key))
		} else {
			m.values[string(p.key)] = p.value
		}
	}
	return nil
}

func (m *memoryKV) keys(prefix []byte) ([][]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out [][]byte
	for k := range m.values {
		if strings.HasPrefix(k, string(prefix)) {
			out = append(out, []byte(k))
		}
	}
	return out, nil
}

func (m *memoryKV) sync() error  { return nil }
func (m *memoryKV) size() int64  { return 0 }
func (m *memoryKV) close() error { return nil }

// The kinds of keys: the first byte of each.
const (
	formatKey   = 'F' // alone: the version of the whole format
	manifestKey = 'M' // alone: which blocks and which state hold
	blockKey    = 'B' // tier, start, section, number, piece
	stateKey    = 'S' // generation, section, number, piece
)

// The sections of a block, and of the saved state.
const (
	indexSection   = 'i'
	slabSection    = 's'
	roundsSection  = 'r'
	unionSection   = 'u'
	marksSection   = 'm'
	eventsSection  = 'e'
	subjectSection = 'd'
	sourceSection  = 'o'
	factSection    = 'f'
	restSection    = 'x'
)

func blockPrefix(tier int, start int64) []byte {
	return binary.BigEndian.AppendUint64([]byte{blockKey, byte(tier)}, uint64(start))
}

func statePrefix(generation uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{stateKey}, generation)
}

func sectionKey(prefix []byte, section byte, number int) []byte {
	out := append(make([]byte, 0, len(prefix)+7), prefix...)
	return binary.BigEndian.AppendUint32(append(out, section), uint32(number))
}

// pieceBytes is the largest value written: Badger keeps values of up to 1 MiB with their keys, and a transaction must hold it several times.
const pieceBytes = 512 << 10

// putSection writes a section's content, in pieces where it is long.
func (e *engine) putSection(prefix []byte, section byte, number int, content []byte) error {
	key := sectionKey(prefix, section, number)
	value := e.codec.seal(content)
	var batch []pair
	for piece := 0; ; piece++ {
		n := min(len(value), pieceBytes)
		last := n == len(value)
		v := make([]byte, 0, n+1)
		if last {
			v = append(v, 1)
		} else {
			v = append(v, 0)
		}
		batch = append(batch, pair{binary.BigEndian.AppendUint16(slices.Clip(key), uint16(piece)), append(v, value[:n]...)})
		if value = value[n:]; last {
			break
		}
	}
	if err := e.kv.write(batch); err != nil {
		return fmt.Errorf("write %s: %w", describeKey(key), err)
	}
	return nil
}

// section reads what putSection wrote.
func (e *engine) section(prefix []byte, section byte, number int) ([]byte, error) {
	key := sectionKey(prefix, section, number)
	var value []byte
	for piece := 0; ; piece++ {
		v, err := e.kv.get(binary.BigEndian.AppendUint16(slices.Clip(key), uint16(piece)))
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", describeKey(key), err)
		}
		if len(v) == 0 || v[0] > 1 {
			return nil, fmt.Errorf("read %s: %w: a piece does not say whether it is the last", describeKey(key), errCorrupt)
		}
		value = append(value, v[1:]...)
		if v[0] == 1 {
			break
		}
	}
	content, err := e.codec.open(value)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", describeKey(key), err)
	}
	return content, nil
}

// describeKey names a key for people.
func describeKey(key []byte) string {
	switch {
	case len(key) >= 15 && key[0] == blockKey:
		return fmt.Sprintf("block of tier %d at tick %d, section %c %d", key[1], binary.BigEndian.Uint64(key[2:]), key[10], binary.BigEndian.Uint32(key[11:]))
	case len(key) >= 14 && key[0] == stateKey:
		return fmt.Sprintf("state %d, section %c %d", binary.BigEndian.Uint64(key[1:]), key[9], binary.BigEndian.Uint32(key[10:]))
	default:
		return fmt.Sprintf("key %q", key)
	}
}
