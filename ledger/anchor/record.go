package anchor

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// line is one of the record of what was anchored when.
type line struct {
	Anchor     string    `json:"anchor"`
	At         time.Time `json:"at"`
	Checkpoint string    `json:"checkpoint"` // a signed note, with signatures of others where there are any
	Size       int64     `json:"size"`
	Token      []byte    `json:"token,omitempty"`
}

// note adds to the record.
func (k *Keeper) note(anchor string, h Held) error {
	l := line{Anchor: anchor, At: h.At.UTC(), Checkpoint: string(h.Checkpoint.Text), Size: h.Checkpoint.Size, Token: h.Token}
	if h.Signed != nil {
		l.Checkpoint = string(h.Signed)
	}
	text, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("write a line: %w", err)
	}
	k.noting.Lock()
	defer k.noting.Unlock()
	f, err := os.OpenFile(k.Record, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open the record: %w", err)
	}
	text = append(text, '\n')
	if info, err := f.Stat(); err == nil && info.Size() > 0 {
		last := make([]byte, 1)
		if _, err := f.ReadAt(last, info.Size()-1); err == nil && last[0] != '\n' {
			text = append([]byte{'\n'}, text...) // after a line that was cut by a kill
		}
	}
	_, err = f.Write(text)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write the record: %w", err)
	}
	return bound(k.Record, mostRecord, k.Now())
}

// remember reads from the record what each anchor held at last. A line was written after the checkpoint that it has was
// synced: one of which the ledger knows nothing is of another history.
func (k *Keeper) remember() {
	newest := map[string]line{}
	if err := readRecord(k.Record, func(l line) { newest[l.Anchor] = l }); err != nil {
		k.Logger.Warn("it can't be read what the anchors of the ledger held", "error", err)
	}
	r := k.Log.Reader()
	for _, a := range k.all {
		l, ok := newest[a.Name()]
		if !ok {
			continue
		}
		c, err := Judge(a.Name(), r, []byte(l.Checkpoint))
		if f, ok := errors.AsType[*ForkError](err); ok && k.fork.CompareAndSwap(nil, f) {
			k.Logger.Error("an anchor held another history than the ledger, which is not written to", "error", f)
		}
		if err == nil {
			a.held.Store(&Held{Checkpoint: c, At: l.At})
		}
	}
}

// readRecord hands on each line that is whole.
func readRecord(path string, take func(line)) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("open the record: %w", err)
	}
	defer func() { _ = f.Close() }()
	for in := bufio.NewReader(f); ; {
		text, err := in.ReadBytes('\n')
		var l line
		if json.Unmarshal(text, &l) == nil {
			take(l)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the record: %w", err)
		}
	}
}
