package kafkatest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// protocols are the names of Kafka's security protocols on the clients' and on the controllers' listener. Controllers
// never use TLS here: it would prove nothing about lineaged.
func (c *Cluster) protocols() (client, controller string) {
	switch {
	case c.opts.Secure && c.opts.TLS:
		return "SASL_SSL", "SASL_PLAINTEXT"
	case c.opts.Secure:
		return "SASL_PLAINTEXT", "SASL_PLAINTEXT"
	case c.opts.TLS:
		return "SSL", "PLAINTEXT"
	default:
		return "PLAINTEXT", "PLAINTEXT"
	}
}

// users of a secure cluster, Admin first; none of an open one.
func (c *Cluster) users() []string {
	if !c.opts.Secure {
		return nil
	}
	return append([]string{Admin}, c.opts.Users...)
}

const (
	plainModule = "org.apache.kafka.common.security.plain.PlainLoginModule"
	scramModule = "org.apache.kafka.common.security.scram.ScramLoginModule"
)

// securityProperties are a node's part of SASL, authorization and TLS.
func (c *Cluster) securityProperties() map[string]string {
	p := map[string]string{}
	client, _ := c.protocols()
	listener := "listener.name." + strings.ToLower(client) + "."
	if c.opts.Secure {
		var users strings.Builder
		for _, u := range c.users() {
			fmt.Fprintf(&users, " user_%s=%q", u, Password(u))
		}
		plain := fmt.Sprintf("%s required username=%q password=%q%s", plainModule, Admin, Password(Admin), users.String())
		p["authorizer.class.name"] = "org.apache.kafka.metadata.authorizer.StandardAuthorizer"
		p["super.users"] = "User:" + Admin
		p["sasl.enabled.mechanisms"] = "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512"
		p["sasl.mechanism.inter.broker.protocol"] = "PLAIN"
		p["sasl.mechanism.controller.protocol"] = "PLAIN"
		// Without this the controllers' listener wants SCRAM too, and the start fails.
		p["listener.name.controller.sasl.enabled.mechanisms"] = "PLAIN"
		p["listener.name.controller.plain.sasl.jaas.config"] = plain + ";"
		p[listener+"plain.sasl.jaas.config"] = plain + ";"
		p[listener+"scram-sha-256.sasl.jaas.config"] = scramModule + " required;"
		p[listener+"scram-sha-512.sasl.jaas.config"] = scramModule + " required;"
	}
	if c.opts.TLS {
		p["ssl.keystore.type"], p["ssl.truststore.type"] = "PEM", "PEM"
		p["ssl.keystore.location"] = c.tls.serverStore
		p["ssl.truststore.location"] = c.tls.CAFile
		if c.opts.MTLS {
			p[listener+"ssl.client.auth"] = "required"
		}
	}
	return p
}

// clientProperties are what a Java client of the given user needs; empty for an open cluster.
func (c *Cluster) clientProperties(user string) string {
	client, _ := c.protocols()
	if client == "PLAINTEXT" {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "security.protocol=%s\n", client)
	if c.opts.Secure {
		fmt.Fprintf(&b, "sasl.mechanism=PLAIN\nsasl.jaas.config=%s required username=%q password=%q;\n", plainModule, user, Password(user))
	}
	if c.opts.TLS {
		fmt.Fprintf(&b, "ssl.truststore.type=PEM\nssl.truststore.location=%s\nssl.keystore.type=PEM\nssl.keystore.location=%s\n",
			c.tls.CAFile, c.tls.clientStore)
	}
	return b.String()
}

// writeUserProperties writes a file of client properties for each user, Admin's also for a cluster without users.
func (c *Cluster) writeUserProperties() error {
	users := c.users()
	if users == nil {
		users = []string{Admin}
	}
	for _, u := range users {
		if err := os.WriteFile(c.propertiesOf(u), []byte(c.clientProperties(u)), 0o600); err != nil {
			return fmt.Errorf("write the properties of user %s: %w", u, err)
		}
	}
	return nil
}

func (c *Cluster) propertiesOf(user string) string {
	return filepath.Join(c.dir, "client-"+user+".properties")
}

// CA is the certificate authority of a cluster with TLS, as files in PEM.
type CA struct {
	CAFile       string
	ClientCert   string // a client's certificate, its subject CN=lineaged
	ClientKey    string
	StrangerCert string // a certificate that this CA did not sign
	StrangerKey  string
	serverStore  string // key and certificate in one file, as Kafka's PEM stores want them
	clientStore  string
	ca           *x509.Certificate
	caKey        *ecdsa.PrivateKey
	serial       int64
	clientTLS    tls.Certificate
	roots        *x509.CertPool
	dir          string
}

// TLS is the cluster's authority; nil without TLS.
func (c *Cluster) TLS() *CA { return c.tls }

// newAuthority makes an authority, the brokers' certificate and a client's, valid for a day.
func newAuthority(dir string) (*CA, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("make the folder of certificates: %w", err)
	}
	a := &CA{dir: dir, CAFile: filepath.Join(dir, "ca.pem")}
	if err := a.init(); err != nil {
		return nil, fmt.Errorf("make certificates: %w", err)
	}
	return a, nil
}

func (a *CA) init() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	template := a.template("kafkatest CA")
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return err
	}
	if a.ca, err = x509.ParseCertificate(der); err != nil {
		return err
	}
	a.caKey = key
	a.roots = x509.NewCertPool()
	a.roots.AddCert(a.ca)
	if err := writePEM(a.CAFile, &pem.Block{Type: "CERTIFICATE", Bytes: der}); err != nil {
		return err
	}
	if _, _, a.serverStore, err = a.issue("server", a.ca, a.caKey); err != nil {
		return err
	}
	if a.ClientCert, a.ClientKey, a.clientStore, err = a.issue("lineaged", a.ca, a.caKey); err != nil {
		return err
	}
	if a.clientTLS, err = tls.LoadX509KeyPair(a.ClientCert, a.ClientKey); err != nil {
		return err
	}
	a.StrangerCert, a.StrangerKey, _, err = a.issue("stranger", nil, nil)
	return err
}

func (a *CA) template(name string) *x509.Certificate {
	a.serial++
	now := time.Now()
	return &x509.Certificate{
		SerialNumber: big.NewInt(a.serial), Subject: pkix.Name{CommonName: name},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
	}
}

// issue makes a key and a certificate for 127.0.0.1, signed by the given parent or, without one, by itself.
func (a *CA) issue(name string, parent *x509.Certificate, parentKey *ecdsa.PrivateKey) (cert, key, store string, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", "", "", err
	}
	template := a.template(name)
	template.KeyUsage = x509.KeyUsageDigitalSignature
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	template.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	template.DNSNames = []string{"localhost"}
	if parent == nil {
		parent, parentKey = template, private
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &private.PublicKey, parentKey)
	if err != nil {
		return "", "", "", err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return "", "", "", err
	}
	certBlock, keyBlock := &pem.Block{Type: "CERTIFICATE", Bytes: der}, &pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}
	path := func(suffix string) string { return filepath.Join(a.dir, name+suffix) }
	cert, key, store = path(".pem"), path(".key"), path("-store.pem")
	for file, blocks := range map[string][]*pem.Block{cert: {certBlock}, key: {keyBlock}, store: {keyBlock, certBlock}} {
		if err := writePEM(file, blocks...); err != nil {
			return "", "", "", err
		}
	}
	return cert, key, store, nil
}

func writePEM(file string, blocks ...*pem.Block) error {
	var b []byte
	for _, block := range blocks {
		b = append(b, pem.EncodeToMemory(block)...)
	}
	return os.WriteFile(file, b, 0o600)
}
