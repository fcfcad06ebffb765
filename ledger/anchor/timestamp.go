package anchor

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"net/http"

	"github.com/lineaged/lineaged/ledger"
)

// TimeStamp is an anchor that is a time stamp authority (RFC 3161): it signs when it saw a checkpoint's text. What it
// signed before it can't be asked.
type TimeStamp struct {
	address string
	roots   *x509.CertPool
}

// NewTimeStamp makes an anchor of a time stamp authority at a URL. Its certificate must come from one of the roots;
// nil: whose it is, is not verified.
func NewTimeStamp(address string, roots *x509.CertPool) *TimeStamp { return &TimeStamp{address, roots} }

// Name is Anchor's.
func (t *TimeStamp) Name() string { return "timestamp:" + bare(t.address) }

// Tell is Anchor's.
func (t *TimeStamp) Tell(ctx context.Context, r *ledger.Reader) (Held, error) {
	is := r.Checkpoint()
	if is.Size == 0 {
		return Held{}, nil
	}
	sum := sha256.Sum256(is.Text)
	nonce, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 64))
	if err != nil {
		return Held{}, fmt.Errorf("draw a nonce: %w", err)
	}
	query, err := asn1.Marshal(stampRequest{Version: 1, Imprint: imprint{algorithm{Algorithm: oidSHA256, Parameters: asn1.NullRawValue}, sum[:]}, Nonce: nonce, CertReq: true})
	if err != nil {
		return Held{}, fmt.Errorf("write the request: %w", err)
	}
	status, answer, err := post(ctx, t.address, "application/timestamp-query", bytes.NewReader(query))
	if err != nil {
		return Held{}, err
	}
	if status != http.StatusOK {
		return Held{}, fmt.Errorf("it answers %d %s", status, http.StatusText(status))
	}
	token, err := readStamp(answer)
	if err != nil {
		return Held{}, err
	}
	info, err := openToken(token, t.roots)
	switch {
	case err != nil:
		return Held{}, err
	case !info.Imprint.Algorithm.Algorithm.Equal(oidSHA256) || !bytes.Equal(info.Imprint.Sum, sum[:]):
		return Held{}, errors.New("its time stamp is of another text")
	case info.Nonce == nil || info.Nonce.Cmp(nonce) != 0:
		return Held{}, errors.New("its time stamp is not the answer to what was asked")
	}
	return Held{Checkpoint: is, At: info.Time.UTC(), Token: token}, nil
}
