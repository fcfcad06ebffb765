package anchor

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

const (
	// mostRecord is how long the record may get: five years of an anchor with time stamps, told each hour, once what is
	// old is thinned out.
	mostRecord = 16 << 20
	// thinAfter is how old a line is before the last of its day stands for the others of its anchor.
	thinAfter = 31 * 24 * time.Hour
)

// bound keeps the record within most bytes: of days that are long over the newest line of each anchor stays, and where
// that is not enough the oldest lines go, to three quarters. The newest of each anchor always stays.
func bound(path string, most int64, now time.Time) error {
	info, err := os.Stat(path)
	if err != nil || info.Size() <= most {
		return err
	}
	type day struct{ anchor, day string }
	type kept struct {
		text []byte
		day  day
	}
	var all []kept
	last, newest := map[day]int{}, map[string]int{} // places in all
	old := now.Add(-thinAfter)
	err = readRecord(path, func(l line) {
		text, err := json.Marshal(l)
		if err != nil {
			return
		}
		x := kept{append(text, '\n'), day{l.Anchor, l.At.UTC().Format(time.DateOnly)}}
		if i, ok := last[x.day]; ok && l.At.Before(old) {
			all[i].text = nil
		}
		last[x.day], newest[l.Anchor] = len(all), len(all)
		all = append(all, x)
	})
	if err != nil {
		return err
	}
	size := int64(0)
	for _, x := range all {
		size += int64(len(x.text))
	}
	var out bytes.Buffer
	for i, x := range all {
		if size > most/4*3 && newest[x.day.anchor] != i {
			size -= int64(len(x.text))
			continue
		}
		out.Write(x.text)
	}
	return replace(path, out.Bytes())
}

// replace writes a file anew, whole or not at all.
func replace(path string, text []byte) error {
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("write the record anew: %w", err)
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(path+".new", path)
	}
	if err == nil {
		var dir *os.File
		if dir, err = os.Open(filepath.Dir(path)); err == nil {
			err = errors.Join(dir.Sync(), dir.Close())
		}
	}
	if err != nil {
		return fmt.Errorf("write the record anew: %w", err)
	}
	return nil
}
