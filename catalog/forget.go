package catalog

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/lineaged/lineaged/lineage"
)

// Forget takes persons out of the edits in a folder that no process has open: who said something, and the texts. Which
// nodes were edited when stays, and so does what the ledger knows of it. It returns how many edits named one of them;
// with dry nothing is changed. A line that is not what was written is left where it is, and is an error where it names
// one of them.
func Forget(dir string, p *lineage.Persons, dry bool) (n int, err error) {
	path := filepath.Join(dir, FileName)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read the catalog's edits: %w", err)
	}
	rest, ok := bytes.CutPrefix(text, []byte(head))
	if !ok {
		return 0, nil // no edit is in it that could be read
	}
	out := []byte(head)
	for line := range bytes.Lines(rest) {
		body, whole := bytes.CutSuffix(line, []byte("\n"))
		if !whole {
			break // it was not acknowledged, and is cut off
		}
		edits, err := decode(body)
		if err != nil {
			for _, name := range p.Names() {
				if bytes.Contains(line, []byte(name)) {
					return n, fmt.Errorf("%s: a line that cannot be read names one of them: remove it by hand: %w", path, err)
				}
			}
			out = append(out, line...)
			continue
		}
		for _, e := range edits {
			if forget(e, p) {
				n++
			}
		}
		if line, err = encode(edits); err != nil {
			return n, err
		}
		out = append(out, line...)
	}
	if n == 0 || dry {
		return n, nil
	}
	return n, replace(path, out)
}

// forget takes persons out of an edit, and reports whether they were in it.
func forget(e *lineage.Edit, p *lineage.Persons) (was bool) {
	if e.By != "" && (p.Text(e.By) != e.By || p.Principal("User:"+e.By) != "User:"+e.By) {
		e.By, was = "", true
	}
	for i := range e.Changes {
		for _, texts := range [][]string{e.Changes[i].Texts, e.Before[i]} {
			for j, s := range texts {
				if texts[j] = p.Text(s); texts[j] != s {
					was = true
				}
			}
		}
	}
	return was
}

// replace writes the log anew, whole or not at all.
func replace(path string, text []byte) error {
	draft := path + ".new"
	f, err := os.OpenFile(draft, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write the catalog's edits anew: %w", err)
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(draft, path)
	}
	if err = errors.Join(err, syncDir(filepath.Dir(path))); err != nil {
		return fmt.Errorf("write the catalog's edits anew: %w", err)
	}
	return nil
}
