package anchor

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// authority is a time stamp authority: OpenSSL's.
type authority struct {
	tb    testing.TB
	dir   string
	roots *x509.CertPool
	url   string
	turn  func(answer []byte) (int, []byte) // changes what it answers
	query []byte                            // is answered in the place of what was asked
}

func newAuthority(tb testing.TB, key crypto.Signer) *authority {
	tb.Helper()
	if _, err := exec.LookPath("openssl"); err != nil {
		if ci := os.Getenv("CI"); ci != "" && ci != "0" && ci != "false" {
			tb.Fatal("missing: openssl (apt-get install openssl); CI is set, so this is a failure")
		}
		tb.Skip("SKIPPED, no time stamp authority: missing openssl (apt-get install openssl)")
	}
	a := &authority{tb: tb, dir: tb.TempDir(), roots: x509.NewCertPool()}
	root, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "root"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	rootDER, err := x509.CreateCertificate(rand.Reader, ca, ca, root.Public(), root)
	if err != nil {
		tb.Fatal(err)
	}
	if ca, err = x509.ParseCertificate(rootDER); err != nil {
		tb.Fatal(err)
	}
	a.roots.AddCert(ca)
	leaf := &x509.Certificate{SerialNumber: big.NewInt(7), Subject: pkix.Name{CommonName: "time"}, NotBefore: ca.NotBefore, NotAfter: ca.NotAfter, KeyUsage: x509.KeyUsageDigitalSignature}
	// the only use, and critical, as RFC 3161 asks for
	uses, err := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 8}})
	if err != nil {
		tb.Fatal(err)
	}
	leaf.ExtraExtensions = []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Critical: true, Value: uses}}
	der, err := x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), root)
	if err != nil {
		tb.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		tb.Fatal(err)
	}
	a.write("root.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: rootDER}))
	a.write("tsa.pem", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	a.write("tsa.key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}))
	a.write("serial", []byte("01\n"))
	a.write("tsa.cnf", []byte(`[tsa]
default_tsa = one
[one]
serial = serial
signer_cert = tsa.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256
accuracy = secs:1, millisecs:500
clock_precision_digits = 3
ordering = yes
tsa_name = yes
ess_cert_id_chain = no
`))
	server := httptest.NewServer(a)
	tb.Cleanup(server.Close)
	a.url = server.URL
	return a
}

func (a *authority) write(name string, data []byte) {
	a.tb.Helper()
	if err := os.WriteFile(filepath.Join(a.dir, name), data, 0o600); err != nil {
		a.tb.Fatal(err)
	}
}

func (a *authority) openssl(args ...string) ([]byte, error) {
	cmd := exec.CommandContext(a.tb.Context(), "openssl", args...)
	cmd.Dir = a.dir
	return cmd.CombinedOutput()
}

func (a *authority) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query, err := io.ReadAll(r.Body)
	if err != nil || r.Header.Get("Content-Type") != "application/timestamp-query" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if a.query != nil {
		query = a.query
	}
	a.write("query", query)
	if out, err := a.openssl("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query", "-out", "answer"); err != nil {
		a.tb.Errorf("openssl ts: %v: %s", err, out)
	}
	answer, err := os.ReadFile(filepath.Join(a.dir, "answer"))
	if err != nil {
		a.tb.Error(err)
	}
	status := http.StatusOK
	if a.turn != nil {
		status, answer = a.turn(answer)
	}
	w.Header().Set("Content-Type", "application/timestamp-reply")
	w.WriteHeader(status)
	_, _ = w.Write(answer)
}

func ecKey(tb testing.TB) crypto.Signer {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func TestATimeStampIsOfTheCheckpoint(t *testing.T) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []crypto.Signer{rsaKey, ecKey(t)} {
		b := newBook(t)
		a := newAuthority(t, key)
		b.closeHours(1, "test")
		k, said, stop := b.keep(NewTimeStamp(a.url+"/tsr", a.roots))
		if k.held("timestamp:"+a.url+"/tsr") != b.Published().Size {
			t.Fatal(said)
		}
		stop()
		if err := readRecord(k.Record, func(l line) {
			// OpenSSL finds the token that was kept to be of the checkpoint's text.
			a.write("token", l.Token)
			a.write("checkpoint", []byte(l.Checkpoint))
			if out, err := a.openssl("ts", "-verify", "-token_in", "-in", "token", "-data", "checkpoint", "-CAfile", "root.pem"); err != nil {
				t.Errorf("%v: %s", err, out)
			}
			if age := time.Since(l.At); age < 0 || age > time.Minute {
				t.Errorf("it is of %s", l.At)
			}
		}); err != nil {
			t.Error(err)
		}
	}
}

func TestATimeStampThatIsNoneIsNotTaken(t *testing.T) {
	b := newBook(t)
	a := newAuthority(t, ecKey(t))
	b.closeHours(1, "test")
	query := func(text string, nonce *big.Int, certificates bool) []byte {
		sum := sha256.Sum256([]byte(text))
		q, err := asn1.Marshal(stampRequest{Version: 1, Imprint: imprint{algorithm{Algorithm: oidSHA256, Parameters: asn1.NullRawValue}, sum[:]}, Nonce: nonce, CertReq: certificates})
		if err != nil {
			t.Fatal(err)
		}
		return q
	}
	ours := string(b.Published().Text)
	with := func(turn func([]byte) []byte) func([]byte) (int, []byte) {
		return func(answer []byte) (int, []byte) { return http.StatusOK, turn(bytes.Clone(answer)) }
	}
	for name, x := range map[string]struct {
		query []byte
		turn  func([]byte) (int, []byte)
		want  string
	}{
		"another text":   {query: query("other", big.NewInt(9), true), want: "is of another text"},
		"an old answer":  {query: query(ours, big.NewInt(9), true), want: "is not the answer to what was asked"},
		"no nonce":       {query: query(ours, nil, true), want: "is not the answer to what was asked"},
		"no certificate": {query: query(ours, big.NewInt(9), false), want: "certificate"},
		"another hash":   {query: bytes.Replace(query(ours, big.NewInt(9), true), []byte{0x03, 0x04, 0x02, 0x01}, []byte{0x03, 0x04, 0x02, 0x06}, 1), want: "refuses a time stamp, with status 2"},
		"down":           {turn: func([]byte) (int, []byte) { return http.StatusBadGateway, nil }, want: "it answers 502"},
		"nothing":        {turn: with(func([]byte) []byte { return nil }), want: "can't be read"},
		"cut":            {turn: with(func(a []byte) []byte { return a[:len(a)-1] }), want: "can't be read"},
		"more":           {turn: with(func(a []byte) []byte { return append(a, 0) }), want: "can't be read"},
		"another signature": {turn: with(func(a []byte) []byte {
			a[len(a)-1] ^= 1
			return a
		}), want: "signature is wrong"},
		"another time": {turn: with(func(a []byte) []byte {
			at := regexp.MustCompile(`\x18[\x0f-\x15]20[0-9]{12}`).FindIndex(a)
			if at == nil {
				t.Fatal("there is no time in the answer")
			}
			a[at[0]+5] ^= 1
			return a
		}), want: "is of another one"},
	} {
		a.query, a.turn = x.query, x.turn
		anchor := NewTimeStamp(a.url, a.roots)
		k, said, stop := b.keep(anchor)
		stop()
		if k.held(anchor.Name()) != -1 || !strings.Contains(said.String(), x.want) || k.Fork() != nil {
			t.Errorf("%s: held %d, fork %v, %s; want %q", name, k.held(anchor.Name()), k.Fork(), said, x.want)
		}
	}
}

func TestWhoseATimeStampIsIsVerifiedByTheGivenRoots(t *testing.T) {
	b := newBook(t)
	b.closeHours(1, "test")
	a, other := newAuthority(t, ecKey(t)), newAuthority(t, ecKey(t))
	for _, x := range []struct {
		roots *x509.CertPool
		held  int64
	}{{a.roots, b.Published().Size}, {nil, b.Published().Size}, {other.roots, -1}} {
		anchor := NewTimeStamp(a.url, x.roots)
		k, said, stop := b.keep(anchor)
		stop()
		if err := os.Remove(k.Record); err != nil && x.held > 0 {
			t.Error(err)
		}
		if size := k.held(anchor.Name()); size != x.held || (size < 0) != strings.Contains(said.String(), "is not of ca_file") {
			t.Errorf("held %d, want %d: %s", size, x.held, said)
		}
	}
}
