package ledger

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	saltSize         = 16
	commitmentPrefix = "sha256:"
)

// Opening is what a commitment stands for. Without it nobody can tell, not by trying all values either.
type Opening struct {
	Commitment string `json:"commitment"`
	Salt       string `json:"salt"`
	Value      string `json:"value"`
}

// commit returns the commitment to a value.
func commit(salt []byte, value string) string {
	sum := sha256.Sum256(append(bytes.Clone(salt), value...))
	return commitmentPrefix + hex.EncodeToString(sum[:])
}

// opens reports whether it opens its own commitment.
func (o Opening) opens() bool {
	salt, err := hex.DecodeString(o.Salt)
	return err == nil && len(salt) == saltSize && hex.EncodeToString(salt) == o.Salt && commit(salt, o.Value) == o.Commitment
}

// people are the openings of all commitments that were not erased, in a file of lines.
type people struct {
	path    string
	byValue map[string]Opening
	byHash  map[string]Opening
	added   []byte // lines that are not in the file yet
}

func (p *people) open(path string) error {
	p.path, p.byValue, p.byHash = path, map[string]Opening{}, map[string]Opening{}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read what commitments stand for: %w", err)
	}
	for line := range bytes.Lines(data) {
		var o Opening
		if err := read(bytes.TrimSuffix(line, []byte("\n")), &o); err != nil || !o.opens() {
			continue // a line that was cut by a kill: no entry has its commitment
		}
		p.byValue[o.Value], p.byHash[o.Commitment] = o, o
	}
	return nil
}

// personal returns a value as it is committed to: cut to its bound, and text.
func personal(value string) string {
	return clip(strings.ToValidUTF8(value, "\uFFFD"), mostText)
}

// of returns the commitment to a value, which is drawn where there is none; nil for nothing.
func (p *people) of(value *string) (commitment *string, err error) {
	if value == nil {
		return commitment, nil
	}
	v := personal(*value)
	if o, ok := p.byValue[v]; ok {
		return &o.Commitment, nil
	}
	var salt [saltSize]byte
	if _, err := rand.Read(salt[:]); err != nil {
		return nil, fmt.Errorf("draw a salt: %w", err)
	}
	o := Opening{commit(salt[:], v), hex.EncodeToString(salt[:]), v}
	line, err := canonical(o)
	if err != nil {
		return nil, err
	}
	p.added = append(append(p.added, line...), '\n')
	p.byValue[o.Value], p.byHash[o.Commitment] = o, o
	return &o.Commitment, nil
}

// sync writes what was added: before the entries, since an opening that is lost can't be found again.
func (p *people) sync() error {
	if len(p.added) == 0 {
		return nil
	}
	f, err := os.OpenFile(p.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("write what commitments stand for: %w", err)
	}
	// A line that was cut before ends here, so that the next is whole.
	_, err = f.Write(append([]byte("\n"), p.added...))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close(), syncDir(filepath.Dir(p.path))); err != nil {
		return fmt.Errorf("write what commitments stand for: %w", err)
	}
	p.added = nil
	return nil
}

// erase forgets a value, and reports whether it was there.
func (p *people) erase(value string) (bool, error) {
	value = personal(value)
	if _, ok := p.byValue[value]; !ok {
		return false, nil
	}
	kept := map[string]Opening{}
	var out []byte
	for _, hash := range slices.Sorted(maps.Keys(p.byHash)) {
		o := p.byHash[hash]
		if o.Value == value { // under whichever commitment
			continue
		}
		kept[hash] = o
		line, err := canonical(o)
		if err != nil {
			return false, err
		}
		out = append(append(out, line...), '\n')
	}
	if err := writeWhole(p.path, out); err != nil {
		return false, fmt.Errorf("erase what a commitment stands for: %w", err)
	}
	delete(p.byValue, value)
	p.byHash, p.added = kept, nil
	return true, nil
}
