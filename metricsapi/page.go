package metricsapi

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// mostLimit and usualLimit bound pages, in groups or descriptors, as the API says.
	mostLimit, usualLimit = 1000, 100
	// pageLife is for how long a page can be gone on from.
	pageLife = time.Hour
)

// readParams reads the parameters of a request, each of which is there once at most.
func readParams(r *http.Request, known ...string) (map[string]string, error) {
	all, err := readMany(r, known...)
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for key, values := range all {
		if len(values) > 1 {
			return nil, bad("%s: it is there %d times", key, len(values))
		}
		out[key] = values[0]
	}
	return out, nil
}

func readMany(r *http.Request, known ...string) (url.Values, error) {
	all, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, bad("parameters: they can't be read: %s", quote(r.URL.RawQuery))
	}
	for key := range all {
		if !slices.Contains(known, key) {
			return nil, bad("%s: it is no parameter: these are %s", quote(key), strings.Join(known, ", "))
		}
	}
	return all, nil
}

// readLimit reads the size of a page; 0 stands for one that was not said.
func readLimit(key string, n int) (int, error) {
	if n < 1 || n > mostLimit {
		return 0, bad("%s: %d is not from 1 to %d", key, n, mostLimit)
	}
	return n, nil
}

// page answers a page of a list.
func page[T any](a *API, r *http.Request, params map[string]string, all []T) (reply, error) {
	size, from := usualLimit, 0
	if text, ok := params["page_size"]; ok {
		n, err := strconv.Atoi(text)
		if err != nil {
			return reply{}, bad("page_size: %s is no number from 1 to %d", quote(text), mostLimit)
		}
		if size, err = readLimit("page_size", n); err != nil {
			return reply{}, err
		}
	}
	asked := []byte(r.URL.Path + " " + params["resource_type"])
	if text, ok := params["page_token"]; ok {
		t, err := a.tokens.read(text, asked, a.now())
		if err != nil {
			return reply{}, err
		}
		from = min(t.From, len(all))
	}
	total := len(all)
	out := listed[T]{Data: all[from:min(from+size, len(all))], Meta: meta{pagination{PageSize: size, TotalSize: &total}}}
	if next := from + size; next < len(all) {
		out.goOn(r, a.tokens.make(token{From: next}, asked, a.now()))
	}
	return inJSON(out), nil
}

// goOn says where the next page is.
func (l *listed[T]) goOn(r *http.Request, token string) {
	q := r.URL.Query()
	q.Set("page_token", token)
	l.Meta.Pagination.Next, l.Links = token, &links{r.URL.Path + "?" + q.Encode()}
}

// token says where a page goes on. Which instant now was stays with it, so that all pages are of one time.
type token struct {
	From  int       `json:"n,omitempty"`
	After []byte    `json:"a,omitempty"` // the key of the group before
	Now   time.Time `json:"w,omitzero"`
	Made  int64     `json:"t"`
	Asked []byte    `json:"q"` // what was asked, hashed
}

// tokens makes and reads tokens. They are signed by a key of this run of the program: another's are as expired.
type tokens struct{ key [32]byte }

func newTokens() *tokens {
	t := &tokens{}
	_, _ = rand.Read(t.key[:]) // it never fails
	return t
}

func (k *tokens) sign(b []byte) []byte {
	m := hmac.New(sha256.New, k.key[:])
	_, _ = m.Write(b) // it never fails
	return m.Sum(nil)[:16]
}

func (k *tokens) make(t token, asked []byte, now time.Time) string {
	sum := sha256.Sum256(asked)
	t.Made, t.Asked = now.Unix(), sum[:8]
	b, err := json.Marshal(t)
	if err != nil {
		panic(err) // texts and numbers
	}
	return base64.RawURLEncoding.EncodeToString(append(k.sign(b), b...))
}

func (k *tokens) read(text string, asked []byte, now time.Time) (t token, err error) {
	b, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(b) < 16 || !hmac.Equal(b[:16], k.sign(b[16:])) || json.Unmarshal(b[16:], &t) != nil {
		return t, bad("page_token: %s is none that was given here, or has expired: ask for the first page", quote(text))
	}
	sum := sha256.Sum256(asked)
	switch age := now.Sub(time.Unix(t.Made, 0)); {
	case !slices.Equal(t.Asked, sum[:8]):
		return t, bad("page_token: %s is of another request: the body and the parameters have to stay the same", quote(text))
	case age > pageLife || age < -pageLife:
		return t, bad("page_token: %s has expired: ask for the first page", quote(text))
	}
	return t, nil
}
