package ledger

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Checkpoint is what a signed checkpoint (C2SP tlog-checkpoint) says of a ledger.
type Checkpoint struct {
	Origin string
	Size   int64 // how many entries the ledger had
	Root   tlog.Hash
	Text   []byte // the signed note, with the ledger's own signature alone
}

func sign(key *Key, size int64, root tlog.Hash) (Checkpoint, error) {
	c := Checkpoint{Origin: key.signer.Name(), Size: size, Root: root}
	text, err := key.sign(fmt.Sprintf("%s\n%d\n%s\n", c.Origin, size, base64.StdEncoding.EncodeToString(root[:])))
	if err != nil {
		return c, fmt.Errorf("sign a checkpoint: %w", err)
	}
	c.Text = text
	return c, nil
}

// OpenCheckpoint checks the signature of a checkpoint by a verifier key, and reads it. Signatures of others, as a
// witness's, are not checked, and are not in the Text that is returned.
func OpenCheckpoint(signed []byte, public string) (Checkpoint, error) {
	var c Checkpoint
	text, own, err := openNote(signed, public)
	if err != nil {
		return c, fmt.Errorf("the checkpoint %w", err)
	}
	c.Text = own
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return c, fmt.Errorf("the checkpoint has %d lines and not 3", len(lines)-1)
	}
	name, _, _ := strings.Cut(public, "+")
	if c.Origin = lines[0]; c.Origin != name {
		return c, fmt.Errorf("the checkpoint is of %q and the key of %q", c.Origin, name)
	}
	if c.Size, err = strconv.ParseInt(lines[1], 10, 64); err != nil || c.Size < 0 || strconv.FormatInt(c.Size, 10) != lines[1] {
		return c, fmt.Errorf("the checkpoint's size %q is no size", lines[1])
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize || base64.StdEncoding.EncodeToString(root) != lines[2] {
		return c, fmt.Errorf("the checkpoint's root %q is no hash", lines[2])
	}
	copy(c.Root[:], root)
	return c, nil
}

// openNote checks a note's signature by a verifier key. It returns the text that was signed, and the note with this
// signature alone, in the one form that a note with it has.
func openNote(signed []byte, public string) (text string, own []byte, err error) {
	v, err := note.NewVerifier(public)
	if err != nil || !canonicalKey(public) {
		return "", nil, fmt.Errorf("is of the key %q, which is no verifier key", public)
	}
	n, err := note.Open(signed, note.VerifierList(v))
	if err != nil {
		return "", nil, fmt.Errorf("is not signed by the key %s: %w", Fingerprint(public), err)
	}
	raw, err := base64.StdEncoding.DecodeString(n.Sigs[0].Base64)
	if err != nil {
		return "", nil, fmt.Errorf("has a signature that can't be read: %w", err)
	}
	return n.Text, fmt.Appendf(nil, "%s\n— %s %s\n", n.Text, n.Sigs[0].Name, base64.StdEncoding.EncodeToString(raw)), nil
}

// canonicalKey reports whether a verifier key is spelled in the one way that note writes it: NAME+HASH+KEY, the hash of
// eight digits in lower case.
func canonicalKey(public string) bool {
	name, rest, _ := strings.Cut(public, "+")
	hash, key, _ := strings.Cut(rest, "+")
	n, err := strconv.ParseUint(hash, 16, 32)
	raw, keyErr := base64.StdEncoding.DecodeString(key)
	return err == nil && keyErr == nil && fmt.Sprintf("%s+%08x+%s", name, n, base64.StdEncoding.EncodeToString(raw)) == public
}
