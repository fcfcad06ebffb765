package main

import (
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/lineaged/lineaged/answer"
	"github.com/lineaged/lineaged/api"
	"github.com/lineaged/lineaged/internal/config"
	"github.com/lineaged/lineaged/metricsapi"
)

// metricsAPI answers the Metrics API, and who may ask that and nothing else.
type metricsAPI struct {
	answers *metricsapi.API
	token   func() config.Secret
}

func newMetricsAPI(cfg config.Config, asked *answer.Answers, now func() time.Time, log *slog.Logger) (*metricsAPI, error) {
	token, err := cfg.MetricsAPI.Reread()
	if err != nil {
		return nil, err
	}
	return &metricsAPI{metricsapi.New(metricsapi.Options{Answers: asked, Now: now, Log: log}), token}, nil
}

func (m *metricsAPI) questions() map[string]func(api.Gate) http.Handler {
	return map[string]func(api.Gate) http.Handler{
		metricsapi.Prefix: func(g api.Gate) http.Handler { return m.answers.Handler(g) },
	}
}

// or answers who asks the Metrics API with its token by own, and all others by others.
func (m *metricsAPI) or(others, own http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, metricsapi.Prefix) && m.bears(r) {
			own.ServeHTTP(w, r)
			return
		}
		others.ServeHTTP(w, r)
	})
}

// bears reports whether a request bears the token: as such, or as the secret of an API key, which is all that clients
// of the API know. It is compared in a time that tells nothing of it.
func (m *metricsAPI) bears(r *http.Request) bool {
	_, given, _ := r.BasicAuth()
	if scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		given = strings.TrimSpace(token)
	}
	want := m.token()
	if want.IsZero() || given == "" {
		return false
	}
	x, y := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(want.Reveal()))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
