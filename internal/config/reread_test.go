package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestSecretsAreReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "password")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := (SASL{Username: "anna", PasswordFile: File(path)}).Reread(); err == nil {
		t.Error("no error for a file that is not there at the start")
	}
	write("one\n")
	sasl, err := SASL{Username: "anna", PasswordFile: File(path)}.Reread()
	if err != nil {
		t.Fatal(err)
	}
	basic, err := BasicAuth{Username: "anna", PasswordFile: File(path)}.Reread()
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct{ write, want string }{{"one", "one"}, {"two\n", "two"}, {"", "two"}, {"three", "three"}} {
		write(step.write)
		if s, b := sasl().Reveal(), basic().Reveal(); s != step.want || b != step.want {
			t.Errorf("after %q the passwords are %q and %q, want %q", step.write, s, b, step.want)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if s := sasl().Reveal(); s != "three" {
		t.Errorf("without the file the password is %q, want the last one", s)
	}
}

func TestCertificatesAreReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ca.pem")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(selfSigned(t))
	now, err := TLS{CAFile: File(path)}.Reread()
	if err != nil {
		t.Fatal(err)
	}
	first := now()
	if first == nil || now() != first {
		t.Error("settings that did not change are others")
	}
	write("half a certificate")
	if now() != first {
		t.Error("what can't be read is taken")
	}
	write(selfSigned(t))
	second := now()
	if second == first || second.RootCAs.Equal(first.RootCAs) {
		t.Error("the new authority is not taken")
	}
	if off, err := (TLS{}).Reread(); off != nil || err != nil {
		t.Errorf("TLS that is off: %v", err)
	}
}

// selfSigned makes a certificate in PEM.
func selfSigned(t *testing.T) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
}
