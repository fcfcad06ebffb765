package otlp

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
)

func unauthorized() error {
	return refuse(http.StatusUnauthorized, "there is no bearer token that lets you send: set Authorization: Bearer TOKEN")
}

// Bears reports whether a request says that it bears a token, whichever.
func Bears(req *http.Request) bool {
	_, ok := bearer(req)
	return ok
}

func bearer(req *http.Request) (token string, ok bool) {
	scheme, token, ok := strings.Cut(req.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	return token, ok && token != "" && strings.EqualFold(scheme, "Bearer")
}

// sender returns whose token a request bears. All tokens are compared, each in a time that tells nothing of it.
func (r *Receiver) sender(req *http.Request) (from Sender, ok bool) {
	token, _ := bearer(req) // none is compared too, and fits none
	given, found := sha256.Sum256([]byte(token)), 0
	for _, t := range r.options.Tokens() {
		if t.Secret == "" {
			continue
		}
		want := sha256.Sum256([]byte(t.Secret))
		if same := subtle.ConstantTimeCompare(given[:], want[:]); same == 1 && found == 0 {
			from, found = t.Sender, 1
		}
	}
	return from, found == 1
}
