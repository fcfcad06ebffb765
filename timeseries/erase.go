package timeseries

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/lineage"
	"github.com/lineaged/lineaged/store"
)

// Erasing says who is to be forgotten.
type Erasing struct {
	Persons *lineage.Persons
	// Position returns a position of a source without them, in which one of their names is found; nil: it is removed,
	// and the source begins anew there. Where the function is nil, all of these are removed.
	Position func(of lineage.Source, key string, value []byte) []byte
	// Dry: nothing is changed, and it is told what would be.
	Dry bool
}

// Erased is what Erase did, or would do.
type Erased struct {
	// How many of what is stored named one of them. What is in several files is counted as often.
	Clients, Facts, Events, Texts, Positions int
	Files                                    []string // that were written anew, by name
	Removed                                  []string // that are gone: what was set aside as damaged, and rosters
	// Left are where a name still stands, since it is Kafka's or somebody's configuration: in a topic's name, a
	// group's, a rule.
	Left     []string
	Findings []string // what was damaged before
}

// Erase forgets persons in a data folder that no process has open. In the place of each stands a name that was drawn,
// everywhere the same one, so that all that is answered stays as it is but for who it was. What was set aside as
// damaged is removed, since nobody can read who is in it.
//
// It is done whole or not at all: a folder in which it was cut short is as it was before, or is made as it should be
// when it is next opened.
func Erase(dir string, o Erasing) (Erased, error) { return eraseWith(dir, o, files{}) }

func eraseWith(dir string, o Erasing, f files) (out Erased, err error) {
	f.dry = false // what is written is aside of the folder's files until all is
	r, err := inspect(dir, o.Dry)
	if err != nil {
		return out, err
	}
	lock, err := lockFolder(filepath.Join(dir, "LOCK"))
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, unlockFolder(lock)) }()
	x := &eraser{Erasing: o, out: Erased{Findings: r.Findings}, dir: dir, files: f, clock: newClock(r.Tick), left: map[string]bool{}}
	for _, name := range o.Persons.Names() {
		x.names = append(x.names, []byte(name))
		// As it stands in a position of JSON.
		if written, err := json.Marshal(name); err == nil && len(written) > len(name)+2 {
			x.names = append(x.names, written[1:len(written)-1])
		}
	}
	x.engine = newEngine(Options{Tick: r.Tick, Log: slog.New(slog.DiscardHandler)}, nil, nil)
	defer x.engine.codec.close()
	if !o.Dry {
		if err := errors.Join(x.files.removeFolder(filepath.Join(dir, erasingFolder)), x.files.folder(x.aside("blocks")), x.files.folder(x.aside("log"))); err != nil {
			return out, err
		}
	}
	if err = errors.Join(x.blocks(), x.log(), x.quarantine()); err == nil && !o.Dry {
		err = x.commit()
	}
	if err != nil && !o.Dry {
		err = errors.Join(err, x.files.removeFolder(filepath.Join(dir, erasingFolder)))
	}
	x.out.Left = slices.Sorted(maps.Keys(x.left))
	return x.out, err
}

// eraser goes through the files of a folder.
type eraser struct {
	Erasing
	clock
	dir    string
	files  files
	names  [][]byte
	engine *engine // whose parts are encoded
	vault  *diskVault
	drafts *diskVault
	out    Erased
	left   map[string]bool
}

func (x *eraser) aside(name string) string { return filepath.Join(x.dir, erasingFolder, name) }

// named reports whether bytes have one of the names.
func (x *eraser) named(b []byte) bool {
	return slices.ContainsFunc(x.names, func(name []byte) bool { return bytes.Contains(b, name) })
}

// stays notes where a name is that is not taken away.
func (x *eraser) stays(where string, all ...string) {
	for _, s := range all {
		if x.Persons.Text(s) != s {
			x.left[where] = true
		}
	}
}

// configured notes where a rule may name one of them: it is somebody's text, and is not changed.
func (x *eraser) configured(kind store.RecordKind, record []byte) {
	if x.named(record) {
		x.left[fmt.Sprintf("%s, as they were configured: a version that named them is kept", kind)] = true
	}
}

// text takes the names out of a text.
func (x *eraser) text(s *string) {
	if now := x.Persons.Text(*s); now != *s {
		*s = now
		x.out.Texts++
	}
}

func (x *eraser) access(a *lineage.Access) {
	if x.Persons.Client(&a.Client) {
		x.out.Clients++
	}
	x.stays("the name of a topic", a.Topic.Name)
	x.stays("the name of a group", a.Client.Group)
	x.stays("a transactional.id", a.Client.TransactionalID)
	x.stays("the name of a connector, a replicator or a dataset", a.Client.Mover.Name, a.Dataset.Namespace, a.Dataset.Name)
}

func (x *eraser) missing(list []lineage.Missing) {
	for i := range list {
		x.text(&list[i].Reason)
	}
}

func (x *eraser) event(e *lineage.Event) {
	was := encodeEvent(*e)
	x.access(&e.Access)
	x.text(&e.Detail)
	if encodeEvent(*e) != was {
		x.out.Events++
	}
}

// body returns what is true of a fact without the names.
func (x *eraser) body(key lineage.FactKey, body []byte) []byte {
	if !x.named(body) {
		return body
	}
	r := reader{b: body}
	f := r.factBody(key)
	if r.err != nil {
		return body
	}
	rest := r.b // of a newer version
	x.fact(&f)
	var w writer
	w.factBody(f)
	w.b = append(w.b, rest...)
	if !bytes.Equal(w.b, body) {
		x.out.Facts++
	}
	return w.b
}

func (x *eraser) fact(f *lineage.Fact) {
	p := x.Persons
	switch f.Key.Kind {
	case lineage.ClusterFacts, lineage.ConnectFacts, lineage.ReplicatorFacts:
	case lineage.TopicFacts:
		x.stays("the name of a topic", f.Topic.Topic.Name)
		for _, c := range f.Topic.Configs {
			x.stays("the configuration of a topic", c.Value)
		}
		x.text(&f.Topic.Unseen)
	case lineage.GroupFacts:
		x.stays("the name of a group", f.Group.Ref.Group)
		for i := range f.Group.Members {
			m := &f.Group.Members[i]
			m.ID, m.ClientID, m.Host = p.Text(m.ID), p.Text(m.ClientID), p.Host(m.Host)
		}
	case lineage.BlindSpotFacts:
		for i := range f.BlindSpots {
			x.text(&f.BlindSpots[i].What)
			x.text(&f.BlindSpots[i].Remedy)
		}
	case lineage.ConnectorFacts:
		x.stays("the name of a connector, a replicator or a dataset", f.Key.Name)
		for i := range f.Connector.Tasks {
			x.text(&f.Connector.Tasks[i].Worker)
		}
	case lineage.JobFacts:
		x.stays("the name of a job", f.Key.Name)
		for _, v := range f.Job.Vertices {
			x.stays("the name of a part of a job", v.Name)
		}
	case lineage.SourceFacts:
		x.text(&f.Source.Reason)
	case lineage.SchemaFacts, lineage.TransformFacts, lineage.ColumnsFacts:
		x.columns(f)
	case lineage.RunFacts:
		x.jobRuns(f.Runs)
	case lineage.WaysFacts:
		x.jobWays(f.Ways)
	case lineage.PermissionFacts:
		for i := range f.Permission.Rules {
			r := &f.Permission.Rules[i]
			r.Principal, r.Host = p.Principal(r.Principal), p.Host(r.Host)
		}
	}
}

// position returns a position without the names, and whether it stays.
func (x *eraser) position(of lineage.Source, key string, value []byte) ([]byte, bool) {
	if value == nil {
		return nil, !x.named([]byte(key)) // of one that is gone its key alone is kept
	}
	if !x.named(value) && !x.named([]byte(key)) {
		return value, true
	}
	var now []byte
	if x.Position != nil {
		now = x.Position(of, key, value)
	}
	if !bytes.Equal(now, value) {
		x.out.Positions++
	}
	if now != nil {
		x.stays("what a source goes on from, of a topic, a group, a transactional.id or a job", key, string(now))
	}
	return now, now != nil
}

// names of what is kept in the folder while persons are forgotten in it.
const (
	erasingFolder = "erasing"
	// erasingList is in that folder once all is there that takes the place of something, and says what does.
	erasingList = "COMMIT"
	erasingEnd  = "end"
)

// quarantine has what was set aside removed.
func (x *eraser) quarantine() error {
	names, err := os.ReadDir(filepath.Join(x.dir, "quarantine"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	for _, n := range names {
		x.out.Removed = append(x.out.Removed, filepath.Join("quarantine", n.Name()))
	}
	return nil
}

// commit makes what was written aside the folder's.
func (x *eraser) commit() error {
	var list strings.Builder
	for _, name := range x.out.Files {
		fmt.Fprintf(&list, "+%s\n", filepath.ToSlash(name))
	}
	for _, name := range x.out.Removed {
		fmt.Fprintf(&list, "-%s\n", filepath.ToSlash(name))
	}
	list.WriteString(erasingEnd + "\n")
	if err := errors.Join(x.files.syncDir(x.aside("blocks")), x.files.syncDir(x.aside("log"))); err != nil {
		return err
	}
	if err := x.put(x.aside(erasingList), []byte(list.String())); err != nil {
		return fmt.Errorf("forget persons: %w", err)
	}
	return finishErasing(x.dir, x.files)
}

// put writes a file whole, and makes it durable.
func (x *eraser) put(path string, b []byte) error {
	f, err := x.files.create(path+draftSuffix, os.O_TRUNC)
	if err != nil {
		return noSpace(err)
	}
	if err = x.files.write(f, b); err == nil {
		err = x.files.sync(f)
	}
	if err = errors.Join(noSpace(err), f.Close()); err != nil {
		return err
	}
	if err := x.files.rename(path+draftSuffix, path); err != nil {
		return noSpace(err)
	}
	return x.files.syncDir(filepath.Dir(path))
}

// readErasing returns what an erasure that was decided has not done yet; ok is false where there is none, or one that
// was cut short before it was decided.
func readErasing(dir string) (lines []string, ok bool, err error) {
	b, err := os.ReadFile(filepath.Join(dir, erasingFolder, erasingList))
	if errors.Is(err, os.ErrNotExist) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	lines = strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
	if lines[len(lines)-1] != erasingEnd {
		return nil, false, fmt.Errorf("%w: %s of an erasure has no end", errCorrupt, erasingList)
	}
	return lines[:len(lines)-1], true, nil
}

// notErasing refuses a folder in which persons are being forgotten: of some of its files a copy would have what was
// before, and of others what is to be.
func notErasing(dir string) error {
	if _, err := os.Lstat(filepath.Join(dir, erasingFolder)); !errors.Is(err, os.ErrNotExist) {
		return errors.Join(err, fmt.Errorf("persons are being forgotten in %s, or that was cut short: back it up when that is done", dir))
	}
	return nil
}

// finishErasing does what an erasure that was cut short had decided, and removes what one had not. It may be called
// again.
func finishErasing(dir string, f files) error {
	lines, ok, err := readErasing(dir)
	if err != nil {
		return err
	}
	aside := filepath.Join(dir, erasingFolder)
	if !ok {
		return f.removeFolder(aside)
	}
	for _, line := range lines {
		name := filepath.FromSlash(line[1:])
		if !filepath.IsLocal(name) {
			return fmt.Errorf("%w: an erasure names %q", errCorrupt, name)
		}
		to := filepath.Join(dir, name)
		switch line[0] {
		case '+':
			_, err := os.Lstat(filepath.Join(aside, name))
			if errors.Is(err, os.ErrNotExist) {
				continue // it is there already
			}
			if err == nil {
				err = f.rename(filepath.Join(aside, name), to)
			}
			if err != nil {
				return noSpace(err)
			}
		case '-':
			if err := f.remove(to); err != nil {
				return err
			}
		}
	}
	for _, folder := range []string{"blocks", "log", "quarantine"} {
		if _, err := os.Stat(filepath.Join(dir, folder)); err == nil {
			if err := f.syncDir(filepath.Join(dir, folder)); err != nil {
				return err
			}
		}
	}
	return f.removeFolder(aside)
}

// removeFolder removes a folder with what is in it: of an erasure the list first, so that what is left is nothing.
func (f files) removeFolder(path string) error {
	if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err := f.remove(filepath.Join(path, erasingList)); err != nil {
		return err
	}
	if err := f.syncDir(path); err != nil || f.dry {
		return err
	}
	if err := f.before(opRemove, path); err != nil {
		return err
	}
	if err := os.RemoveAll(path); err != nil {
		return err
	}
	return f.syncDir(filepath.Dir(path))
}

// log writes the segments anew that name somebody.
func (x *eraser) log() error {
	names, err := os.ReadDir(filepath.Join(x.dir, "log"))
	if err != nil {
		return err
	}
	for _, n := range names {
		var number uint64
		if _, err := fmt.Sscanf(n.Name(), "%020d.log", &number); err != nil || n.Name() != segmentName(number) {
			continue
		}
		if err := x.segment(n.Name(), number); err != nil {
			return fmt.Errorf("forget persons in %s: %w", n.Name(), err)
		}
	}
	return nil
}

// unreadable is a frame that cannot be read: it stands for what could not, which may name somebody.
var unreadable = bytes.Repeat([]byte{0xff}, frameBytes)

func (x *eraser) segment(name string, number uint64) error {
	path := filepath.Join(x.dir, "log", name)
	b, err := readAround(path)
	if err != nil || len(b) < headerBytes {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	before := x.out
	out, damaged, err := x.frames(b, number)
	if err != nil {
		return err
	}
	if !damaged && !x.changed(before) {
		return nil
	}
	name = filepath.Join("log", name)
	x.out.Files = append(x.out.Files, name)
	if x.Dry {
		return nil
	}
	to := x.aside(name)
	if err := x.put(to, out); err != nil {
		return err
	}
	return os.Chtimes(to, info.ModTime(), info.ModTime()) // the log is read as of when it was written to last
}

// changed reports whether anything was found since.
func (x *eraser) changed(before Erased) bool {
	n := func(e Erased) [5]int { return [5]int{e.Clients, e.Facts, e.Events, e.Texts, e.Positions} }
	return n(x.out) != n(before)
}

// frames returns a segment without the names. What cannot be read of it is left out, and stays damage.
func (x *eraser) frames(b []byte, number uint64) (out []byte, hurt bool, err error) {
	generation := uint64(0)
	switch err := checkHeader(b, x.step, number); {
	case err == nil:
		r := reader{b: b[28:]}
		generation = uint64(r.u32()) | uint64(r.u32())<<32
	case !errors.Is(err, errCorrupt):
		return nil, false, err
	default:
		hurt = true
	}
	e := newEngine(Options{Tick: x.step, Log: x.engine.log}, nil, nil)
	defer e.codec.close()
	l := &appendLog{clock: x.clock, current: &segment{number: number}}
	t := &replayTables{}
	out = segmentHeader(x.step, number, generation)
	for rest := b[headerBytes:]; len(rest) > 0; {
		payload, err := readFrame(rest)
		var all []*commit
		seen := len(t.accesses)
		if err == nil {
			all, err = e.decodeFrame(payload, t)
		}
		if err != nil {
			if torn(rest) && nextFrame(rest[1:]) < 0 {
				return out, hurt, nil // the last write, which was never acknowledged
			}
			return append(out, unreadable...), true, nil
		}
		for _, n := range t.accesses[seen:] {
			x.access(&n.access)
		}
		w := writer{b: make([]byte, frameBytes)}
		l.tables.differ.grown = 0
		for _, c := range all {
			x.acknowledged(c)
			l.encode(&w, c)
		}
		sealFrame(w.b)
		out = append(out, w.b...)
		rest = rest[frameBytes+len(payload):]
	}
	return out, hurt, nil
}

// acknowledged takes the names out of what the log holds, but for its accesses.
func (x *eraser) acknowledged(c *commit) {
	for i := range c.lost {
		x.text(&c.lost[i].reason)
	}
	if c.small != nil {
		x.configured(c.kind, c.small)
	}
	for _, r := range c.records {
		for i := range r.sightings {
			x.text(&r.sightings[i].detail)
		}
		for i := range r.facts {
			f := &r.facts[i]
			if body := f.bytes(); body != nil {
				f.body = string(x.body(f.fact.Key, body))
			}
		}
		for i := range r.events {
			x.event(&r.events[i])
		}
		x.missing(r.missing)
		kept := r.positions[:0]
		for _, p := range r.positions {
			now, stays := x.position(r.src.name, p.Key, p.Value)
			if !stays && x.named([]byte(p.Key)) {
				continue // its key would say who it was
			}
			kept = append(kept, lineage.Position{Key: p.Key, Value: now})
		}
		r.positions = kept
	}
}
