package anchor

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/lineaged/lineaged/ledger"
)

// Witness is an anchor that cosigns checkpoints, once it has checked that each goes on from the one before (C2SP
// tlog-witness).
type Witness struct {
	address string
	key     *cosigner
	size    int64 // of the checkpoint that it cosigned at last, as far as is known
}

// NewWitness makes an anchor of a witness at a URL, with its verifier key.
func NewWitness(address, key string) (*Witness, error) {
	c, err := newCosigner(key)
	if err != nil {
		return nil, fmt.Errorf("the key of the witness %w", err)
	}
	return &Witness{address: strings.TrimSuffix(address, "/"), key: c}, nil
}

// Name is Anchor's.
func (w *Witness) Name() string { return "witness:" + bare(w.address) }

// tries is how often a witness may say that it has another size than it has said before.
const tries = 3

// Tell is Anchor's.
func (w *Witness) Tell(ctx context.Context, r *ledger.Reader) (Held, error) {
	is := r.Checkpoint()
	old := min(w.size, is.Size)
	for range tries {
		status, answer, err := w.ask(ctx, r, old)
		if err != nil {
			return Held{}, err
		}
		switch status {
		case http.StatusOK:
			signed, at, err := w.key.cosigned(is.Text, answer)
			if err != nil {
				return Held{}, err
			}
			w.size = is.Size
			return Held{Checkpoint: is, At: at, Signed: signed}, nil
		case http.StatusUnprocessableEntity:
			// The proof was checked before it was sent: what the witness has is another tree.
			return Held{}, &ForkError{Anchor: w.Name(), Held: old, Size: is.Size}
		case http.StatusConflict:
			has, err := strconv.ParseInt(strings.TrimSuffix(string(answer), "\n"), 10, 64)
			switch {
			case err == nil && has > is.Size:
				return Held{}, &ForkError{Anchor: w.Name(), Held: has, Size: is.Size}
			case old == is.Size && (err != nil || has == old):
				// It has a tree of this size, and of another root.
				return Held{}, &ForkError{Anchor: w.Name(), Held: old, Size: is.Size}
			case err != nil || has < 0 || has == old:
				return Held{}, errors.New("it answers 409 and does not say which size it has")
			}
			old = has
		default:
			if is.Size == 0 {
				return Held{}, nil // it need not take the checkpoint of an empty ledger
			}
			return Held{}, fmt.Errorf("it answers %d %s", status, http.StatusText(status))
		}
	}
	return Held{}, fmt.Errorf("it has answered %d times that it has another size", tries)
}

// ask sends the checkpoint, with the proof that it goes on from an old size.
func (w *Witness) ask(ctx context.Context, r *ledger.Reader, old int64) (status int, answer []byte, err error) {
	proof, err := r.Consistency(old)
	if err != nil {
		return 0, nil, err
	}
	var body bytes.Buffer
	fmt.Fprintf(&body, "old %d\n", old)
	for _, h := range proof {
		body.WriteString(base64.StdEncoding.EncodeToString(h[:]) + "\n")
	}
	body.WriteByte('\n')
	body.Write(r.Checkpoint().Text)
	return post(ctx, w.address+"/add-checkpoint", "text/plain; charset=utf-8", &body)
}

// client follows nobody elsewhere, and keeps no connection over the hour to the next checkpoint.
var client = &http.Client{
	Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, ForceAttemptHTTP2: true},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// post returns an answer that is not longer than one may be.
func post(ctx context.Context, address, kind string, body io.Reader) (status int, answer []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, body)
	if err != nil {
		return 0, nil, errors.New("its address is no URL")
	}
	request.Header.Set("Content-Type", kind)
	request.Header.Set("User-Agent", "lineaged")
	response, err := client.Do(request)
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err // without the address
	}
	if err != nil {
		return 0, nil, fmt.Errorf("it can't be asked: %w", err)
	}
	defer func() { _ = response.Body.Close() }() // what was read is read
	answer, err = io.ReadAll(io.LimitReader(response.Body, mostCheckpoint+1))
	if err != nil {
		return 0, nil, fmt.Errorf("its answer can't be read: %w", err)
	}
	if len(answer) > mostCheckpoint {
		return 0, nil, fmt.Errorf("its answer is longer than %d bytes", mostCheckpoint)
	}
	return response.StatusCode, answer, nil
}

// bare is an address without what may be secret in it.
func bare(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
