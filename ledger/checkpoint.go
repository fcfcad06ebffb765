package ledger

import (
	"bytes"
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
	Text   []byte // the signed note
}

func sign(key *Key, size int64, root tlog.Hash) (Checkpoint, error) {
	c := Checkpoint{Origin: key.signer.Name(), Size: size, Root: root}
	text := fmt.Sprintf("%s\n%d\n%s\n", c.Origin, size, base64.StdEncoding.EncodeToString(root[:]))
	signed, err := note.Sign(&note.Note{Text: text}, key.signer)
	if err != nil {
		return c, fmt.Errorf("sign a checkpoint: %w", err)
	}
	c.Text = signed
	return c, nil
}

// OpenCheckpoint checks the signature of a checkpoint by a verifier key, and reads it. Signatures of others, as a
// witness's, are let stand and not checked.
func OpenCheckpoint(text []byte, public string) (Checkpoint, error) {
	c := Checkpoint{Text: text}
	v, err := note.NewVerifier(public)
	if err != nil {
		return c, fmt.Errorf("the key %q is no verifier key: %w", public, err)
	}
	n, err := note.Open(text, note.VerifierList(v))
	if err != nil {
		return c, fmt.Errorf("the checkpoint is not signed by the key %s: %w", Fingerprint(public), err)
	}
	lines := strings.Split(n.Text, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return c, fmt.Errorf("the checkpoint has %d lines and not 3", len(lines)-1)
	}
	if c.Origin = lines[0]; c.Origin != v.Name() {
		return c, fmt.Errorf("the checkpoint is of %q and the key of %q", c.Origin, v.Name())
	}
	if c.Size, err = strconv.ParseInt(lines[1], 10, 64); err != nil || c.Size < 0 || strconv.FormatInt(c.Size, 10) != lines[1] {
		return c, fmt.Errorf("the checkpoint's size %q is no size", lines[1])
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize || base64.StdEncoding.EncodeToString(root) != lines[2] {
		return c, fmt.Errorf("the checkpoint's root %q is no hash", lines[2])
	}
	copy(c.Root[:], root)
	return c, nil
}

// sameAs reports whether two checkpoints say the same, whoever signed them too.
func (c Checkpoint) sameAs(o Checkpoint) bool {
	return c.Size == o.Size && bytes.Equal(c.Root[:], o.Root[:]) && c.Origin == o.Origin
}
