package logs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/lineaged/lineaged/collector"
)

// level is what a broker's logger was set to.
type level struct {
	Level string `json:"level"`
	// Inherited: it had none of its own, or none that differs from the root's.
	Inherited bool `json:"inherited,omitempty"`
}

// on reports whether requests are logged.
func (l level) on() bool { return l.Level == levelOn || l.Level == "TRACE" || l.Level == "ALL" }

// levels are those of brokers, by their ids.
type levels map[int32]level

// memory is the file in which it is remembered what was switched in a cluster and is to be put back.
type memory struct{ path string }

// memoryVersion stands in the file; docs/format/loggers.md has it.
const memoryVersion = 1

var errMemory = errors.New("what was switched can't be read, and nothing is switched until it is looked at")

type remembered struct {
	Version int    `json:"version"`
	Brokers levels `json:"brokers"`
}

func (s *Sampler) memory(w collector.Watched) memory {
	return memory{filepath.Join(s.cfg.Folder, fileBefore+url.PathEscape(string(w.Reported))+fileAfter)}
}

// A file's name has its cluster's id between these.
const fileBefore, fileAfter = "cluster-", ".json"

// Strangers returns the ids of the clusters of which it is remembered in a folder that their loggers were switched, and
// that nobody watches: nobody puts them back. There are none before all that are configured have been seen.
func Strangers(folder string, board *collector.Board) (ids []string) {
	if !board.Settled() {
		return nil
	}
	files, err := os.ReadDir(folder)
	if err != nil {
		return nil // nothing is remembered, or what is can't be read, which who puts it back says
	}
	watched := map[string]bool{}
	for _, w := range board.Clusters() {
		watched[string(w.Reported)] = true
	}
	for _, f := range files {
		escaped, is := strings.CutPrefix(f.Name(), fileBefore)
		escaped, ends := strings.CutSuffix(escaped, fileAfter)
		if id, err := url.PathUnescape(escaped); is && ends && err == nil && !watched[id] {
			ids = append(ids, id)
		}
	}
	return ids
}

// load returns what is to be put back.
func (m memory) load() (levels, error) {
	b, err := os.ReadFile(m.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var r remembered
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err == nil && r.Version != memoryVersion {
		err = fmt.Errorf("its version is %d", r.Version)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", m.path, errMemory, err)
	}
	return r.Brokers, nil
}

// save makes what is to be put back durable.
func (m memory) save(l levels) error {
	if err := m.write(l); err != nil {
		return fmt.Errorf("remember what is switched: %w", err)
	}
	return nil
}

func (m memory) write(l levels) error {
	dir := filepath.Dir(m.path)
	if len(l) == 0 {
		if err := os.Remove(m.path); errors.Is(err, fs.ErrNotExist) {
			return nil
		} else if err != nil {
			return err
		}
		return syncFolder(dir)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	b, err := json.Marshal(remembered{memoryVersion, l})
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), m.path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return syncFolder(dir)
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
