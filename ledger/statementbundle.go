package ledger

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

const statementFormat = "lineaged-statement-bundle"

// statementHead is the first line of a bundle of a month's statement.
type statementHead struct {
	Checkpoint string `json:"checkpoint"`
	Format     string `json:"format"`
	Key        string `json:"key"`
	Lines      int    `json:"lines"`
	Month      Period `json:"month"`
	Version    int    `json:"version"`
}

// StatementBundle is a document that proves the statement of a month.
type StatementBundle struct {
	r     *Reader
	month Period
	parts []StatementPart
}

// StatementBundle finds the statement of a month. Where it has none it is ErrNothing.
func (r *Reader) StatementBundle(month Period) (*StatementBundle, error) {
	parts, err := r.Statement(month)
	if err != nil {
		return nil, err
	}
	if len(parts) == 0 {
		return nil, ErrNothing
	}
	return &StatementBundle{r, month, parts}, nil
}

// WriteTo writes the bundle. It holds one part at a time.
func (b *StatementBundle) WriteTo(w io.Writer) (int64, error) {
	out := &bundleWriter{w: bufio.NewWriter(w), hash: sha256.New()}
	err := out.line(statementHead{string(b.r.checkpoint.Text), statementFormat, b.r.key.Public, len(b.parts), b.month, bundleVersion})
	for i := range b.parts {
		if err != nil {
			return out.n, err
		}
		var l line
		if l, err = b.r.lineOf(b.parts[i].Index); err == nil {
			err = out.line(l)
		}
	}
	if err != nil {
		return out.n, err
	}
	signature, err := b.r.key.sign(sealed(statementFormat, out.hash))
	if err != nil {
		return out.n, fmt.Errorf("sign a bundle: %w", err)
	}
	if err = out.line(seal{string(signature)}); err == nil {
		err = out.w.Flush()
	}
	return out.n, err
}

// ProvedStatement is what a bundle of a statement proves: that these are all parts of a statement of the month which
// the ledger has. That it has no other of the month is seen by its folder.
type ProvedStatement struct {
	Month       Period
	Key         string
	Fingerprint string
	Checkpoint  Checkpoint
	Parts       []StatementPart
}

// VerifyStatement checks the bundle of a month's statement offline, as VerifyBundle does that of a topic.
func VerifyStatement(in io.Reader, key string) (*ProvedStatement, error) {
	v := newBundleVerifier(in)
	h := statementHead{}
	text, err := v.first()
	if err != nil {
		return nil, err
	}
	if err := read(text, &h); err != nil {
		return nil, v.bad(-1, "it is no head of a bundle of a statement: %v", err)
	}
	if h.Format != statementFormat || h.Version != bundleVersion || !h.Month.isMonth() {
		return nil, v.bad(-1, "it is of format %q, version %d, and not %q, version %d, of a month", h.Format, h.Version, statementFormat, bundleVersion)
	}
	v.head = head{Checkpoint: h.Checkpoint, Format: h.Format, Key: h.Key, Lines: h.Lines}
	if err := v.openHead(text, key); err != nil {
		return nil, err
	}
	out := &ProvedStatement{Month: h.Month, Key: h.Key, Fingerprint: Fingerprint(h.Key), Checkpoint: v.checkpoint}
	check := stating{}
	for range h.Lines {
		text, err := v.next()
		if errors.Is(err, io.EOF) {
			return nil, v.bad(-1, "there are %d parts and not %d", len(out.Parts), h.Lines)
		}
		if err != nil {
			return nil, err
		}
		i, l, err := v.proveLine(text)
		if err != nil {
			return nil, err
		}
		if n := len(out.Parts); n > 0 && i != out.Parts[0].Index+int64(n) {
			return nil, v.bad(i, "it does not follow the part before")
		}
		if err := check.take(i, l.Entry); err != nil {
			return nil, v.bad(i, "%v", err)
		}
		p := check.parts[len(check.parts)-1]
		if p.Index = i; p.Month != h.Month {
			return nil, v.bad(i, "it is of %s, and not of the head's month", p.Month.Start.Format("2006-01"))
		}
		out.Parts = append(out.Parts, p)
	}
	if n := len(out.Parts); n == 0 || n != out.Parts[0].Parts {
		return nil, v.bad(-1, "its statement has not all its parts")
	}
	return out, v.readSeal()
}

// IsStatementBundle reports whether a file that begins so is the bundle of a month's statement, or says so.
func IsStatementBundle(begins []byte) bool {
	first, _, _ := bytes.Cut(begins, []byte("\n"))
	var h struct {
		Format string `json:"format"`
	}
	return json.Unmarshal(first, &h) == nil && h.Format == statementFormat
}
