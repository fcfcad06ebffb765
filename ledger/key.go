package ledger

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// OriginPrefix is what the origin of each ledger begins with, the first line of its checkpoints.
const OriginPrefix = "lineaged.dev/ledger/"

// Key signs checkpoints. It is the only secret of a ledger.
type Key struct {
	signer note.Signer
	Public string // the verifier key
}

// OpenKey reads a signing key; where there is none and make is true, it makes one with mode 0600. A key that is not
// there is fs.ErrNotExist. Errors never hold what is in the file.
func OpenKey(path string, makeOne bool) (*Key, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && makeOne {
		return makeKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read the ledger's key: %w", err)
	}
	private, public, ok := strings.Cut(strings.TrimSuffix(string(data), "\n"), "\n")
	signer, err := note.NewSigner(private)
	if err != nil || !ok {
		return nil, fmt.Errorf("read the ledger's key: %s does not hold one: two lines, the signer's key and the verifier's", path)
	}
	if err := belongs(signer, public); err != nil {
		return nil, fmt.Errorf("read the ledger's key in %s: %w", path, err)
	}
	return &Key{signer, public}, nil
}

// belongs checks that a verifier's key is that of a signer: it must verify what the other signs.
func belongs(signer note.Signer, public string) error {
	v, err := note.NewVerifier(public)
	if err != nil {
		return errors.New("its second line is no verifier's key")
	}
	text := []byte("a text\n")
	sig, err := signer.Sign(text)
	if err != nil || v.Name() != signer.Name() || !v.Verify(text, sig) {
		return errors.New("its two keys do not belong together")
	}
	return nil
}

func makeKey(path string) (*Key, error) {
	var id [8]byte
	if _, err := rand.Read(id[:]); err != nil {
		return nil, fmt.Errorf("draw the ledger's origin: %w", err)
	}
	private, public, err := note.GenerateKey(rand.Reader, OriginPrefix+hex.EncodeToString(id[:]))
	if err != nil {
		return nil, fmt.Errorf("make the ledger's key: %w", err)
	}
	if err := writeWhole(path, []byte(private+"\n"+public+"\n")); err != nil {
		return nil, fmt.Errorf("make the ledger's key: %w", err)
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		return nil, fmt.Errorf("make the ledger's key: %w", err)
	}
	return &Key{signer, public}, nil
}

// sign signs a text, as a note. What a text is for, its first line says.
func (k *Key) sign(text string) ([]byte, error) { return note.Sign(&note.Note{Text: text}, k.signer) }

// Fingerprint returns what people compare a verifier key by: its SHA-256 in hexadecimal.
func Fingerprint(public string) string {
	sum := sha256.Sum256([]byte(public))
	return hex.EncodeToString(sum[:])
}

// writeWhole replaces a file, of mode 0600, or leaves it as it was: the new one is synced before it has the name, and
// the name too.
func writeWhole(path string, data []byte) error {
	temp := path + ".new"
	if err := writeSynced(temp, data); err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		return fmt.Errorf("give a file its name: %w", err)
	}
	return syncDir(filepath.Dir(path))
}

func writeSynced(path string, data []byte) error {
	// One that is left there could have another mode.
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("write a file: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write a file: %w", err)
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("write a file: %w", err)
	}
	return nil
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("sync a folder: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync a folder: %w", err)
	}
	return nil
}
