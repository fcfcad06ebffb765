package anchor

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// The kinds of keys of signed notes: a witness's key may be given as a plain one of Ed25519.
const (
	kindEd25519     = 1
	kindCosignature = 4
)

// cosigner verifies the cosignatures of a witness (C2SP tlog-cosignature, v1 with Ed25519). It is a note.Verifier.
type cosigner struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

// CheckWitnessKey says what is wrong with a witness's verifier key.
func CheckWitnessKey(key string) error {
	_, err := newCosigner(key)
	return err
}

func newCosigner(key string) (*cosigner, error) {
	name, rest, _ := strings.Cut(key, "+")
	hash, text, _ := strings.Cut(rest, "+")
	is, hashErr := strconv.ParseUint(hash, 16, 32)
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || hashErr != nil || len(hash) != 8 || name == "" || strings.ContainsAny(name, " \t\r\n") || len(raw) != 1+ed25519.PublicKeySize {
		return nil, errors.New("is no verifier key of Ed25519, NAME+HASH+KEY")
	}
	if raw[0] != kindEd25519 && raw[0] != kindCosignature {
		return nil, fmt.Errorf("is a key of kind %d, and cosignatures are verified by Ed25519 alone", raw[0])
	}
	if keyHash(name, raw) != uint32(is) {
		return nil, errors.New("is no verifier key: its hash is not that of its name and key")
	}
	public := ed25519.PublicKey(raw[1:])
	return &cosigner{name, keyHash(name, append([]byte{kindCosignature}, public...)), public}, nil
}

func keyHash(name string, key []byte) uint32 {
	sum := sha256.Sum256(append([]byte(name+"\n"), key...))
	return binary.BigEndian.Uint32(sum[:])
}

func (c *cosigner) Name() string    { return c.name }
func (c *cosigner) KeyHash() uint32 { return c.hash }

// Verify checks a cosignature: eight bytes of when, and the signature of that and the checkpoint.
func (c *cosigner) Verify(text, sig []byte) bool {
	if len(sig) != 8+ed25519.SignatureSize {
		return false
	}
	return ed25519.Verify(c.key, fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", binary.BigEndian.Uint64(sig), text), sig[8:])
}

// cosigned checks that a witness's answer has its cosignature of a checkpoint. It returns the checkpoint with it, and
// when it was made. What else is in the answer is left out.
func (c *cosigner) cosigned(checkpoint, answer []byte) ([]byte, time.Time, error) {
	n, err := note.Open(append(append([]byte{}, checkpoint...), answer...), note.VerifierList(c))
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("its answer is no cosignature of the checkpoint by the key of %s: %w", c.name, err)
	}
	sig := n.Sigs[0]
	raw, err := base64.StdEncoding.DecodeString(sig.Base64)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("its cosignature can't be read: %w", err)
	}
	at := binary.BigEndian.Uint64(raw[4:])
	if at == 0 || at > 1<<40 {
		return nil, time.Time{}, fmt.Errorf("its cosignature is of the instant %d", at)
	}
	return fmt.Appendf(append([]byte{}, checkpoint...), "— %s %s\n", sig.Name, sig.Base64), time.Unix(int64(at), 0).UTC(), nil
}
