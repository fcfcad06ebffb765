package anchor

import (
	"bytes"
	"crypto"
	_ "crypto/sha256" // the hashes of tokens
	_ "crypto/sha512"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// What RFC 3161 and RFC 5652 have of a time stamp, no more than is looked at.

type algorithm = pkix.AlgorithmIdentifier

type imprint struct {
	Algorithm algorithm
	Sum       []byte
}

type stampRequest struct {
	Version int
	Imprint imprint
	Policy  asn1.ObjectIdentifier `asn1:"optional"`
	Nonce   *big.Int              `asn1:"optional"`
	CertReq bool                  `asn1:"optional"`
}

type stampResponse struct {
	Status struct {
		Status int
		Text   []asn1.RawValue `asn1:"optional"`
		Fail   asn1.BitString  `asn1:"optional"`
	}
	Token asn1.RawValue `asn1:"optional"`
}

type contentInfo struct {
	Type    asn1.ObjectIdentifier
	Content asn1.RawValue `asn1:"explicit,optional,tag:0"`
}

type signedData struct {
	Version      int
	Digests      asn1.RawValue `asn1:"set"`
	Content      contentInfo
	Certificates asn1.RawValue `asn1:"optional,tag:0"`
	Revoked      asn1.RawValue `asn1:"optional,tag:1"`
	Signers      []signerInfo  `asn1:"set"`
}

type signerInfo struct {
	Version    int
	Who        asn1.RawValue // of issuer and serial number, or of a subject's key
	Digest     algorithm
	Attributes asn1.RawValue `asn1:"optional,tag:0"`
	Algorithm  algorithm
	Signature  []byte
	Unsigned   asn1.RawValue `asn1:"optional,tag:1"`
}

type issuerAndSerial struct {
	Issuer asn1.RawValue
	Serial *big.Int
}

type attribute struct {
	Type   asn1.ObjectIdentifier
	Values asn1.RawValue
}

type stampInfo struct {
	Version  int
	Policy   asn1.ObjectIdentifier
	Imprint  imprint
	Serial   *big.Int
	Time     time.Time       `asn1:"generalized"`
	Accuracy []asn1.RawValue `asn1:"optional"`
	Ordering bool            `asn1:"optional"`
	Nonce    *big.Int        `asn1:"optional"`
	Who      asn1.RawValue   `asn1:"optional,tag:0"`
	More     asn1.RawValue   `asn1:"optional,tag:1"`
}

var (
	oidSHA256     = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 1}
	oidSHA384     = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 2}
	oidSHA512     = asn1.ObjectIdentifier{2, 16, 840, 1, 101, 3, 4, 2, 3}
	oidSignedData = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2}
	oidStampInfo  = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 16, 1, 4}
	oidType       = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 3}
	oidDigest     = asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 9, 4}
)

// readASN1 reads one value of ASN.1 and nothing after it.
func readASN1(data []byte, v any, what string) error {
	rest, err := asn1.Unmarshal(data, v)
	if err != nil || len(rest) > 0 {
		return fmt.Errorf("its answer can't be read: %s is not as RFC 3161 has it", what)
	}
	return nil
}

// readStamp returns the token of an authority's answer.
func readStamp(answer []byte) ([]byte, error) {
	var r stampResponse
	if err := readASN1(answer, &r, "the answer"); err != nil {
		return nil, err
	}
	if s := r.Status.Status; s != 0 && s != 1 { // granted, granted with modifications
		return nil, fmt.Errorf("it refuses a time stamp, with status %d", s)
	}
	if len(r.Token.FullBytes) == 0 {
		return nil, errors.New("it grants a time stamp, and there is none in its answer")
	}
	return r.Token.FullBytes, nil
}

// openToken checks a token's signature, and by roots whose it is; nil: that is not verified.
func openToken(token []byte, roots *x509.CertPool) (*stampInfo, error) {
	var outer contentInfo
	var s signedData
	if err := readASN1(token, &outer, "the token"); err != nil {
		return nil, err
	}
	if !outer.Type.Equal(oidSignedData) {
		return nil, errors.New("its time stamp is not signed")
	}
	if err := readASN1(outer.Content.Bytes, &s, "the signed data"); err != nil {
		return nil, err
	}
	var content []byte
	if err := readASN1(s.Content.Content.Bytes, &content, "the content"); err != nil {
		return nil, err
	}
	if !s.Content.Type.Equal(oidStampInfo) || len(s.Signers) != 1 {
		return nil, errors.New("its time stamp is none, or of more than one")
	}
	info := &stampInfo{}
	if err := readASN1(content, info, "the time stamp"); err != nil {
		return nil, err
	}
	certificates, err := x509.ParseCertificates(s.Certificates.Bytes)
	if err != nil {
		return nil, fmt.Errorf("the certificates of its time stamp can't be read: %w", err)
	}
	who, err := s.Signers[0].check(content, certificates)
	if err != nil || roots == nil {
		return info, err
	}
	among := x509.NewCertPool()
	for _, c := range certificates {
		among.AddCert(c)
	}
	_, err = who.Verify(x509.VerifyOptions{Roots: roots, Intermediates: among, CurrentTime: info.Time, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}})
	if err != nil {
		return info, fmt.Errorf("its certificate is not of ca_file: %w", err)
	}
	return info, nil
}

// check checks the signature of a content, and returns whose it is.
func (s *signerInfo) check(content []byte, certificates []*x509.Certificate) (*x509.Certificate, error) {
	hash := hashOf(s.Digest.Algorithm)
	if hash == 0 {
		return nil, fmt.Errorf("its time stamp is by the hash %s, which is none of SHA-256, SHA-384 and SHA-512", s.Digest.Algorithm)
	}
	h := hash.New()
	h.Write(content)
	if err := s.covers(h.Sum(nil)); err != nil {
		return nil, err
	}
	// What is signed are the attributes as a set, which they are not tagged as where they stand.
	signed := bytes.Clone(s.Attributes.FullBytes)
	signed[0] = asn1.TagSet | 0x20
	for _, c := range certificates {
		if !s.by(c) {
			continue
		}
		if err := c.CheckSignature(signatureOf(c.PublicKeyAlgorithm, hash), signed, s.Signature); err != nil {
			return nil, fmt.Errorf("its time stamp's signature is wrong: %w", err)
		}
		return c, nil
	}
	return nil, errors.New("the certificate that signed its time stamp is not with it")
}

// covers checks that the signed attributes are of a content with this hash.
func (s *signerInfo) covers(sum []byte) error {
	var kind, digest bool
	for rest := s.Attributes.Bytes; len(rest) > 0; {
		var a attribute
		var err error
		if rest, err = asn1.Unmarshal(rest, &a); err != nil {
			return errors.New("the attributes of its time stamp can't be read")
		}
		switch {
		case a.Type.Equal(oidType):
			var is asn1.ObjectIdentifier
			if err := readASN1(a.Values.Bytes, &is, "the type"); err != nil {
				return err
			}
			kind = is.Equal(oidStampInfo)
		case a.Type.Equal(oidDigest):
			var is []byte
			if err := readASN1(a.Values.Bytes, &is, "the digest"); err != nil {
				return err
			}
			digest = bytes.Equal(is, sum)
		}
	}
	if !kind || !digest {
		return errors.New("the signature of its time stamp is of another one")
	}
	return nil
}

// by reports whether it names a certificate as the signer's.
func (s *signerInfo) by(c *x509.Certificate) bool {
	if s.Who.Class == asn1.ClassContextSpecific && s.Who.Tag == 0 {
		return len(c.SubjectKeyId) > 0 && bytes.Equal(s.Who.Bytes, c.SubjectKeyId)
	}
	var is issuerAndSerial
	if _, err := asn1.Unmarshal(s.Who.FullBytes, &is); err != nil {
		return false
	}
	return bytes.Equal(is.Issuer.FullBytes, c.RawIssuer) && is.Serial.Cmp(c.SerialNumber) == 0
}

func hashOf(oid asn1.ObjectIdentifier) crypto.Hash {
	switch {
	case oid.Equal(oidSHA256):
		return crypto.SHA256
	case oid.Equal(oidSHA384):
		return crypto.SHA384
	case oid.Equal(oidSHA512):
		return crypto.SHA512
	}
	return 0
}

// signatureOf returns how a key of a kind signs by a hash.
func signatureOf(key x509.PublicKeyAlgorithm, hash crypto.Hash) x509.SignatureAlgorithm {
	by := map[x509.PublicKeyAlgorithm]map[crypto.Hash]x509.SignatureAlgorithm{
		x509.RSA:     {crypto.SHA256: x509.SHA256WithRSA, crypto.SHA384: x509.SHA384WithRSA, crypto.SHA512: x509.SHA512WithRSA},
		x509.ECDSA:   {crypto.SHA256: x509.ECDSAWithSHA256, crypto.SHA384: x509.ECDSAWithSHA384, crypto.SHA512: x509.ECDSAWithSHA512},
		x509.Ed25519: {crypto.SHA512: x509.PureEd25519},
	}
	return by[key][hash]
}
