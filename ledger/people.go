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
	"sync"
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
	path string
	// byValue has an *Opening by its value. Several goroutines that write uses at once read it, and hardly ever write.
	byValue sync.Map

	// mu guards all below where uses are written by several goroutines at once; else the log's own does.
	mu     sync.Mutex
	byHash map[string]Opening
	added  []byte // lines that are not in the file yet
}

func (p *people) open(path string) error {
	p.path, p.byHash = path, map[string]Opening{}
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
		p.know(&o)
	}
	return nil
}

// personal returns a value as it is committed to: cut to its bound, and text.
func personal(value string) string {
	return clip(valid(value), mostText)
}

// of returns the commitment to a value, which is drawn where there is none; nil for nothing.
func (p *people) of(value *string) (commitment *string, err error) {
	if value == nil {
		return commitment, nil
	}
	v := personal(*value)
	if o, ok := p.byValue.Load(v); ok {
		return &o.(*Opening).Commitment, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if o, ok := p.byValue.Load(v); ok { // by now
		return &o.(*Opening).Commitment, nil
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
	p.know(&o)
	return &o.Commitment, nil
}

func (p *people) know(o *Opening) {
	p.byValue.Store(o.Value, o)
	p.byHash[o.Commitment] = *o
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

// erase forgets values, and returns how many were there.
func (p *people) erase(is func(value string) bool) (int, error) {
	kept, n := map[string]Opening{}, 0
	var out []byte
	for _, hash := range slices.Sorted(maps.Keys(p.byHash)) {
		o := p.byHash[hash]
		if is(o.Value) { // under whichever commitment
			n++
			continue
		}
		kept[hash] = o
		line, err := canonical(o)
		if err != nil {
			return 0, err
		}
		out = append(append(out, line...), '\n')
	}
	if n == 0 {
		return 0, nil
	}
	if err := writeWhole(p.path, out); err != nil {
		return 0, fmt.Errorf("erase what a commitment stands for: %w", err)
	}
	for _, o := range p.byHash {
		if is(o.Value) {
			p.byValue.Delete(o.Value)
		}
	}
	p.byHash, p.added = kept, nil
	return n, nil
}

// Forgotten is what Forget did, or would do.
type Forgotten struct {
	Commitments int // that nobody can open any more
	// Stay is how many entries name one of them in the clear, as in the id of a node: they can't be changed.
	Stay int64
}

// Forget forgets persons in a ledger's folder that no process has open: entries that have commitments to them stay, and
// nobody can tell any more what these stand for. names reports whether an entry names one of them in the clear. With
// dry nothing is changed. Bundles and copies of the folder that are out are out of reach.
func Forget(dir string, is func(value string) bool, names func(entry []byte) bool, dry bool) (out Forgotten, err error) {
	var p people
	if err := p.open(filepath.Join(dir, peopleFile)); err != nil {
		return out, err
	}
	for _, o := range p.byHash {
		if is(o.Value) {
			out.Commitments++
		}
	}
	err = eachEntry(os.DirFS(dir), func(_ int64, entry []byte) {
		if names(entry) {
			out.Stay++
		}
	})
	if err != nil || dry {
		return out, err
	}
	// A value that was being written when it was cut short is in none of the lines that can be read.
	if err := os.Remove(p.path + ".new"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return out, fmt.Errorf("erase what a commitment stands for: %w", err)
	}
	_, err = p.erase(is)
	return out, errors.Join(err, forgetJournal(dir))
}
