package timeseries

import (
	"cmp"
	"errors"
	"fmt"
	"sync"
)

// errAbsent is when a vault has no section of that name.
var errAbsent = errors.New("it is not there")

// vault keeps sealed values: files of sections that are written once and never changed. Its methods may be called
// concurrently, but one writer makes a file.
type vault interface {
	// begin starts a file; what was put into it and not finished is forgotten.
	begin(file fileID) error
	// put adds a section to a file that was begun. It can be read once the file is whole.
	put(file fileID, section sectionID, value []byte) error
	// finish makes a file whole and durable; nothing is added to it any more.
	finish(file fileID) error
	// get returns errAbsent when there is no such section, and errCorrupt in an error when it is not what was put. The
	// caller owns the value.
	get(file fileID, section sectionID) ([]byte, error)
	// reading opens a file for who gets many of its sections: get is as above, but that a value holds until the next,
	// and done is called at the end.
	reading(file fileID) (get func(sectionID) ([]byte, error), done func() error, err error)
	// drop removes a file, or what was put into one that was not finished; one that is not there is no error.
	drop(file fileID) error
	// quarantine takes a file out of use, and keeps it for whoever wants to look.
	quarantine(file fileID) error
	// verify reads a file wholly and returns how much that was; the error wraps errCorrupt or errAbsent when a section
	// cannot be read.
	verify(file fileID) (bytes int64, err error)
	// rewrite makes those files anew that are damaged where it costs nothing, and returns which.
	rewrite(those func(fileID) bool) (done []fileID, err error)
	// has returns errAbsent in an error when a whole file, or one of the sections, is not there.
	has(file fileID, sections []sectionID) error
	// list returns the whole files.
	list() []fileID
	size() int64
	// weigh returns the bytes of a whole file, all its copies; 0 where it is not there.
	weigh(file fileID) int64
	close() error
}

// fileID names a file of a vault: a block by its tier and start tick, a generation of the state, or one of the silent.
type fileID struct {
	kind   byte // a tier, stateFile, deadKind or rosterKind
	number int64
	// revision counts how often a block was made anew; below 2^20.
	revision uint32
}

// revisionShift is by how much a revision is shifted where one number stands for a block and its revision: ticks take
// fewer bits until the year 2200. Part of the format.
const revisionShift = 44

// maxRevision is the last revision that a block can have.
const maxRevision = 1<<20 - 1

// word is the number and the revision in one.
func (f fileID) word() uint64 { return uint64(f.number) | uint64(f.revision)<<revisionShift }

// fileOf is the inverse of word.
func fileOf(kind byte, word uint64) fileID {
	return fileID{kind: kind, number: int64(word & (1<<revisionShift - 1)), revision: uint32(word >> revisionShift)}
}

// stateFile is the kind of a file that holds a generation of the state; those below are blocks of the tier of that
// number. Part of the format.
const stateFile = 3

// deadKind is the kind of a file of subjects that were silent for long. Part of the format.
const deadKind = 4

// rosterKind is the kind of a file that says in which files of silent subjects who is. Part of the format.
const rosterKind = 5

// isBlock reports whether a file is a block, of the tier of its kind.
func (f fileID) isBlock() bool { return f.kind < tiers }

func blockFile(tier int, start int64) fileID { return fileID{kind: byte(tier), number: start} }
func stateOf(generation uint64) fileID       { return fileID{kind: stateFile, number: int64(generation)} }

func (f fileID) String() string {
	if f.kind == stateFile {
		return fmt.Sprintf("state %d", f.number)
	}
	if f.kind == deadKind {
		return fmt.Sprintf("silent subjects as of tick %d", f.number)
	}
	if f.kind == rosterKind {
		return fmt.Sprintf("roster %d of silent subjects", f.number)
	}
	if f.revision > 0 {
		return fmt.Sprintf("block of tier %d at tick %d, revision %d", f.kind, f.number, f.revision)
	}
	return fmt.Sprintf("block of tier %d at tick %d", f.kind, f.number)
}

// sectionID names a section of a file.
type sectionID struct {
	kind   byte
	number int
}

func (s sectionID) compare(o sectionID) int {
	return cmp.Or(cmp.Compare(s.kind, o.kind), cmp.Compare(s.number, o.number))
}

// The sections of a block, and of a generation of the state.
const (
	indexSection   = 'i'
	slabSection    = 's'
	roundsSection  = 'r'
	unionSection   = 'u'
	marksSection   = 'm'
	partSection    = 'v'
	eventsSection  = 'e'
	wordsSection   = 't'
	detailsSection = 'w'
	reasonsSection = 'y'
	manifestPart   = 'M'
	subjectSection = 'd'
	sourceSection  = 'o'
	factSection    = 'f'
	restSection    = 'x'
	lostSection    = 'l'
	lateSection    = 'p'
	awaySection    = 'a'
	deadIndex      = 'n'
	sumSection     = 'h'
)

// The sections of a roster.
const (
	rosterHead          = 'q'
	rosterPageSection   = 'g'
	rosterFilterSection = 'b'
)

// columnOfSlab is no section: the cache keeps the samples of one series by it.
const columnOfSlab = 'c'

// putSection seals a section's content.
func (e *engine) putSection(file fileID, kind byte, number int, content []byte) error {
	if err := e.vault.put(file, sectionID{kind, number}, e.codec.seal(content)); err != nil {
		return fmt.Errorf("write %s, section %c %d: %w", file, kind, number, err)
	}
	return nil
}

// section reads what putSection wrote.
func (e *engine) section(file fileID, kind byte, number int) ([]byte, error) {
	value, err := e.vault.get(file, sectionID{kind, number})
	if err == nil {
		value, err = e.codec.open(value)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s, section %c %d: %w", file, kind, number, err)
	}
	return value, nil
}

// memoryVault keeps values in a map.
type memoryVault struct {
	mu     sync.Mutex // guards values
	values map[fileID]map[sectionID][]byte
}

func newMemoryVault() *memoryVault { return &memoryVault{values: map[fileID]map[sectionID][]byte{}} }

func (m *memoryVault) put(file fileID, section sectionID, value []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.values[file] == nil {
		m.values[file] = map[sectionID][]byte{}
	}
	m.values[file][section] = value
	return nil
}

func (m *memoryVault) begin(file fileID) error { return m.drop(file) }

func (m *memoryVault) finish(fileID) error { return nil }

func (m *memoryVault) quarantine(file fileID) error { return m.drop(file) }

func (m *memoryVault) rewrite(func(fileID) bool) ([]fileID, error) { return nil, nil }

func (m *memoryVault) verify(file fileID) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for s, v := range m.values[file] {
		if err := checkValue(v); err != nil {
			return 0, fmt.Errorf("%s, section %c %d: %w", file, s.kind, s.number, err)
		}
	}
	return 0, nil
}

func (m *memoryVault) get(file fileID, section sectionID) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	v, ok := m.values[file][section]
	if !ok {
		return nil, errAbsent
	}
	return v, nil // never changed in place
}

func (m *memoryVault) reading(file fileID) (get func(sectionID) ([]byte, error), done func() error, err error) {
	return func(s sectionID) ([]byte, error) { return m.get(file, s) }, func() error { return nil }, nil
}

func (m *memoryVault) drop(file fileID) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.values, file)
	return nil
}

func (m *memoryVault) has(file fileID, sections []sectionID) error {
	for _, s := range sections {
		if _, err := m.get(file, s); err != nil {
			return err
		}
	}
	return nil
}

func (m *memoryVault) list() (out []fileID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for f := range m.values {
		out = append(out, f)
	}
	return out
}

func (m *memoryVault) size() int64 { return 0 }

func (m *memoryVault) weigh(file fileID) (n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, v := range m.values[file] {
		n += int64(len(v))
	}
	return n
}

func (m *memoryVault) close() error { return nil }
