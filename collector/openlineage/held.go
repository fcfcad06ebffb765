package openlineage

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Held is the journal of a folder as it is at one instant, for a backup.
type Held struct {
	Events  int // that are whole
	Damaged int // lines that are not what was written
	text    []byte
}

// ReadHeld reads the journal of a folder, also while a Collector has it open: all that was taken before the call is in
// it, but for what is stored as observed already. A folder without one holds nothing.
func ReadHeld(folder string) (h Held, err error) {
	path := filepath.Join(folder, journalName)
	h.text, err = os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Held{}, nil
	}
	if err != nil {
		return h, fmt.Errorf("read the journal of OpenLineage events: %w", err)
	}
	// what stands behind the last line's end is being written, and nobody was told that it was taken
	h.text = h.text[:bytes.LastIndexByte(h.text, '\n')+1]
	first, rest, _ := bytes.Cut(h.text, []byte("\n"))
	if len(h.text) > 0 && !strings.HasPrefix(string(first), journalHead) {
		return h, fmt.Errorf("%s begins with %q: it is of another version of lineaged, or none of its files", path, first[:min(len(first), 100)])
	}
	for line := range bytes.Lines(rest) {
		if _, ok := decodeEntry(bytes.TrimSuffix(line, []byte("\n"))); ok {
			h.Events++
		} else {
			h.Damaged++
		}
	}
	return h, nil
}

// Write writes it into a folder that has none, which is made where it is not there; what holds nothing is not written.
func (h Held) Write(folder string) error {
	if len(h.text) == 0 {
		return nil
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("make the folder of events: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(folder, journalName), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("write the journal of OpenLineage events: %w", err)
	}
	_, err = f.Write(h.text)
	return errors.Join(err, f.Sync(), f.Close(), syncFolder(folder))
}
