package openlineage

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/lineaged/lineaged/lineage"
)

// Forget erases persons from the journal of a folder, which no Collector has open, and returns how many events named
// them; of a line that is damaged nobody knows whom it names, and it goes. With dry it changes nothing.
func Forget(folder string, persons *lineage.Persons, dry bool) (events int, err error) {
	h, err := ReadHeld(folder)
	if err != nil || len(h.text) == 0 {
		return 0, err
	}
	first, rest, _ := bytes.Cut(h.text, []byte("\n"))
	text := fmt.Appendf(nil, "%s\n", first)
	for line := range bytes.Lines(rest) {
		e, ok := decodeEntry(bytes.TrimSuffix(line, []byte("\n")))
		if !ok {
			continue
		}
		now, changed, err := e.without(persons)
		if err != nil {
			return 0, err
		}
		if !changed {
			text = append(text, line...)
			continue
		}
		events++
		text = append(text, now...)
	}
	path := filepath.Join(folder, journalName)
	if dry {
		return events, nil
	}
	if err := os.Remove(path + ".new"); err != nil && !errors.Is(err, fs.ErrNotExist) { // of one that was cut short
		return 0, fmt.Errorf("remove what was left of the journal of OpenLineage events: %w", err)
	}
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, fmt.Errorf("write the journal of OpenLineage events anew: %w", err)
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return 0, fmt.Errorf("write the journal of OpenLineage events anew: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return 0, fmt.Errorf("write the journal of OpenLineage events anew: %w", err)
	}
	return events, syncFolder(folder)
}

// without returns an entry's line without persons, and whether it named any.
func (e entry) without(persons *lineage.Persons) (line []byte, changed bool, err error) {
	text, err := json.Marshal(e)
	if err != nil {
		return nil, false, fmt.Errorf("read an event: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, false, fmt.Errorf("read an event: %w", err)
	}
	v = forget(v, func(s string) string {
		now := persons.Text(s)
		changed = changed || now != s
		return now
	})
	if !changed {
		return nil, false, nil
	}
	var now entry
	if text, err = json.Marshal(v); err == nil {
		err = json.Unmarshal(text, &now)
	}
	if err != nil {
		return nil, false, fmt.Errorf("erase persons from an event: %w", err)
	}
	line, err = encodeEntry(now)
	return line, true, err
}

// forget returns a JSON value with all its texts, names of members too, as text has them.
func forget(v any, text func(string) string) any {
	switch v := v.(type) {
	case string:
		return text(v)
	case []any:
		for i := range v {
			v[i] = forget(v[i], text)
		}
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, x := range v {
			out[text(name)] = forget(x, text)
		}
		return out
	}
	return v
}
