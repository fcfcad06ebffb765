package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/lineaged/lineaged/internal/config"
)

// lockedBuffer is a log that several goroutines write.
type lockedBuffer struct {
	mu sync.Mutex // guards b
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Every mechanism gets in with the right password, none with a wrong one, and no password is ever logged.
func TestSASL(t *testing.T) {
	const right, wrong = "right-canary", "wrong-canary"
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.Superuser(mechanism, "anna", right), kfake.SeedTopics(1, "orders"))
		if err != nil {
			t.Fatal(err)
		}
		defer k.Close()
		for _, password := range []string{right, wrong} {
			t.Run(mechanism+" "+password, func(t *testing.T) {
				cfg := testConfig(t, k.ListenAddrs()[0])
				cfg.Clusters[0].SASL = config.SASL{Mechanism: mechanism, Username: "anna", Password: config.NewSecret(password)}
				if err := cfg.Validate(); err != nil {
					t.Fatal(err)
				}
				var log lockedBuffer
				s := start(t, func(ctx context.Context, stdout io.Writer) error {
					return serve(ctx, cfg, reloader{}, slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})), stdout)
				})
				type clusters struct {
					Clusters []struct {
						Topics *int
						Error  string
					}
				}
				var answer clusters
				eventually(t, 10*time.Second, func() string {
					answer = clusters{}
					if problem := s.query(`{ clusters { topics error } }`, &answer); problem != "" {
						return problem
					}
					in := len(answer.Clusters) == 1 && answer.Clusters[0].Topics != nil && *answer.Clusters[0].Topics == 1
					out := len(answer.Clusters) == 1 && !slices.Contains([]string{"", "no round yet"}, answer.Clusters[0].Error)
					if password == right && !in || password == wrong && !out {
						return fmt.Sprintf("clusters: %+v", answer.Clusters)
					}
					return ""
				})
				t.Logf("error: %q", answer.Clusters[0].Error)
				s.end()
				if text := log.String() + answer.Clusters[0].Error; strings.Contains(text, "canary") {
					t.Errorf("a password is logged:\n%s", text)
				}
				if warned := strings.Contains(log.String(), "plain text"); warned != (mechanism == "PLAIN") {
					t.Errorf("warned of a password in plain text: %v", warned)
				}
			})
		}
	}
}

// A password that is rotated in its file is taken at the next connection.
func TestRotatedPassword(t *testing.T) {
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-256", "anna", "new"))
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	path := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := testConfig(t, k.ListenAddrs()[0])
	cfg.Clusters[0].SASL = config.SASL{Mechanism: "SCRAM-SHA-256", Username: "anna", PasswordFile: config.File(path)}
	kcfg, err := collectorConfig(cfg.Clusters[0], time.Second, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	client, err := dialer(kcfg)()
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := client.Ping(ctx); err == nil {
		t.Fatal("the old password gets in")
	}
	if err := os.WriteFile(path, []byte("new\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := client.Ping(ctx); err != nil {
		t.Errorf("the new password does not get in: %v", err)
	}
}
