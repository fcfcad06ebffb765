package ledger

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func checkFolder(tb testing.TB, b *book) {
	tb.Helper()
	if _, err := Verify(os.DirFS(b.dir), b.key.Public, nil); err != nil {
		tb.Fatal(err)
	}
}

func TestCommitments(t *testing.T) {
	var p people
	if err := p.open(filepath.Join(tempDir(t), peopleFile)); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, value := range []string{"", "a", "User:alice", "10.0.0.1", "\xff\xfe", "שלום", strings.Repeat("é", 2000)} {
		c, err := p.of(&value)
		if err != nil || seen[*c] || !strings.HasPrefix(*c, commitmentPrefix) || len(*c) != len(commitmentPrefix)+64 {
			t.Fatalf("%q: %v, %v", value, c, err)
		}
		seen[*c] = true
		again, err := p.of(&value)
		if err != nil || *again != *c {
			t.Errorf("%q has two commitments", value)
		}
		if o := p.byHash[*c]; !o.opens() {
			t.Errorf("%q does not open its commitment", o.Value)
		}
	}
	if c, err := p.of(nil); c != nil || err != nil {
		t.Errorf("nobody is %v, %v", c, err)
	}
	if err := p.sync(); err != nil {
		t.Fatal(err)
	}
	var again people
	if err := again.open(p.path); err != nil || len(again.byHash) != len(seen) {
		t.Errorf("%d of %d are read again: %v", len(again.byHash), len(seen), err)
	}
	if info, err := os.Stat(p.path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
}

func TestOpeningsOpen(t *testing.T) {
	o := Opening{Salt: strings.Repeat("0a", saltSize), Value: "alice"}
	o.Commitment = commit(bytes.Repeat([]byte{10}, saltSize), "alice")
	f := func(want bool, change func(*Opening)) {
		t.Helper()
		x := o
		change(&x)
		if x.opens() != want {
			t.Errorf("%+v opens: %v", x, !want)
		}
	}
	f(true, func(*Opening) {})
	f(false, func(o *Opening) { o.Value = "alicE" })
	f(false, func(o *Opening) { o.Salt = strings.ToUpper(o.Salt) })
	f(false, func(o *Opening) { o.Salt += "00" })
	f(false, func(o *Opening) { o.Salt, o.Value = o.Salt[:2*saltSize-2], "\n"+o.Value }) // the salt's last byte, moved
	f(false, func(o *Opening) { o.Commitment = strings.ToUpper(o.Commitment) })
}

func TestErase(t *testing.T) {
	b := newBook(t)
	const person = "User:erase-me-4711"
	u := use("west/orders", Write, "shop", 1)
	value := person
	u.Clients[0].Principal = &value
	b.append(said1(0, u))
	b.append(said1(1, u))
	if bundle := b.bundle("west/orders", midnight, midnight.Add(2*time.Hour)); bytes.Count(bundle, []byte(person)) != 2 {
		t.Fatal("the bundle does not have the person in the clear")
	}
	if err := os.WriteFile(filepath.Join(b.dir, peopleFile+".new"), []byte(person), 0o644); err != nil { // of a kill
		t.Fatal(err)
	}
	root := b.Newest()
	if ok, err := b.Erase("User:nobody"); ok || err != nil {
		t.Errorf("nobody is erased: %v, %v", ok, err)
	}
	if ok, err := b.Erase(person); !ok || err != nil {
		t.Fatalf("%v, %v", ok, err)
	}
	for name, data := range files(t, b.dir) {
		if bytes.Contains(data, []byte(person)) || bytes.Contains(data, []byte("erase-me")) {
			t.Errorf("%s has the person", name)
		}
	}
	if info, err := os.Stat(filepath.Join(b.dir, peopleFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	b.reopen()
	if _, err := Verify(os.DirFS(b.dir), "", root.Text); err != nil {
		t.Errorf("the tree does not verify: %v", err)
	}
	bundle := b.bundle("west/orders", midnight, midnight.Add(2*time.Hour))
	proved, err := VerifyBundle(bytes.NewReader(bundle), "")
	if err != nil || bytes.Contains(bundle, []byte(person)) {
		t.Fatalf("the bundle: %v", err)
	}
	c := proved.Periods[0].Usage[0].Clients[0]
	if !strings.HasPrefix(*c.Principal, commitmentPrefix) || !strings.HasPrefix(*c.Host, "10.") {
		t.Errorf("%s, %s", *c.Principal, *c.Host)
	}
	b.append(said1(2, u)) // who comes again is another
	again := b.account(2).Statements[0].Clients[0]
	if *again.Principal != person {
		t.Errorf("%s", *again.Principal)
	}
	var before, after Usage
	all := of[Usage](b, typeUsage)
	before, after = all[0], all[2]
	if *before.Clients[0].Principal == *after.Clients[0].Principal {
		t.Error("who was erased is found by who came again")
	}
}

// TestForget erases from a folder that nobody has open.
func TestForget(t *testing.T) {
	b := newBook(t)
	u := use("west/orders", Write, "shop", 1)
	value, host := "User:ann", "/10.1.2.3"
	u.Clients[0].Principal, u.Clients[0].Host = &value, &host
	b.append(said1(0, u))
	named := use("west/orders", Write, "ann", 1)
	b.append(said1(1, named, u))
	if _, err := b.Log.append(roomOf(t, []byte("ann is in the journal"))); err != nil {
		t.Fatal(err)
	}
	is := func(s string) bool { return s == value || s == host }
	names := func(entry []byte) bool { return bytes.Contains(entry, []byte("ann")) }
	for _, dry := range []bool{true, false} {
		got, err := Forget(b.dir, is, names, dry)
		if err != nil || got.Commitments != 2 || got.Stay != 2 {
			t.Errorf("%+v, %v", got, err)
		}
		data, err := os.ReadFile(filepath.Join(b.dir, peopleFile))
		if err != nil || bytes.Contains(data, []byte("ann")) != dry || bytes.Contains(data, []byte("10.1.2.3")) != dry || len(data) == 0 {
			t.Errorf("dry %v: %s, %v", dry, data, err)
		}
	}
	if got, err := Forget(b.dir, is, names, false); err != nil || got.Commitments != 0 {
		t.Errorf("again: %+v, %v", got, err)
	}
	if got, err := Forget(t.TempDir(), is, names, false); err != nil || got != (Forgotten{}) {
		t.Errorf("a folder without a ledger: %+v, %v", got, err)
	}
}

// TestEraseAllOfAValue: a file may have two commitments to a value, where an older one was put back.
func TestEraseAllOfAValue(t *testing.T) {
	b := newBook(t)
	b.append(said1(0, use("west/orders", Write, "shop", 1)))
	path := filepath.Join(b.dir, peopleFile)
	var lines []byte
	for k := range 2 {
		salt := bytes.Repeat([]byte{byte(k)}, saltSize)
		line, err := canonical(Opening{Commitment: commit(salt, "twice"), Salt: strings.Repeat([]string{"00", "01"}[k], saltSize), Value: "twice"})
		if err != nil {
			t.Fatal(err)
		}
		lines = append(append(lines, line...), '\n')
	}
	if err := os.WriteFile(path, lines, 0o600); err != nil {
		t.Fatal(err)
	}
	b.reopen()
	if ok, err := b.Erase("twice"); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if data, err := os.ReadFile(path); err != nil || bytes.Contains(data, []byte("twice")) {
		t.Errorf("%q, %v", data, err)
	}
}

// TestWhoIsNotText: a client's host or principal need not be UTF-8; what it is committed to can be read again.
func TestWhoIsNotText(t *testing.T) {
	b := newBook(t)
	raw := "User:\xff\xfe"
	u := use("west/orders", Write, "shop", 1)
	u.Clients[0].Principal = &raw
	b.append(said1(0, u))
	b.reopen()
	proved, err := VerifyBundle(bytes.NewReader(b.bundle("west/orders", midnight, midnight.Add(time.Hour))), "")
	if err != nil {
		t.Fatal(err)
	}
	if got := *proved.Periods[0].Usage[0].Clients[0].Principal; got != "User:\uFFFD" {
		t.Errorf("it is %q", got)
	}
	if ok, err := b.Erase(raw); !ok || err != nil {
		t.Errorf("it is not erased: %v, %v", ok, err)
	}
}

func TestKeys(t *testing.T) {
	path := filepath.Join(tempDir(t), "ledger.key")
	if _, err := OpenKey(path, false); !os.IsNotExist(err) && !strings.Contains(err.Error(), "no such file") {
		t.Errorf("a lost key: %v", err)
	}
	key, err := OpenKey(path, true)
	if err != nil {
		t.Fatal(err)
	}
	again, err := OpenKey(path, true)
	if err != nil || again.Public != key.Public || !canonicalKey(key.Public) {
		t.Errorf("%v, %v", again, err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	secret, public, _ := strings.Cut(string(data), "\n")
	foreign := newKey(t)
	for what, text := range map[string]string{
		"nothing": "", "half": string(data[:len(data)/2]), "one line": secret + "\n", "another's public key": secret + "\n" + foreign.Public + "\n", "two public keys": public + public, "upper case": strings.ToUpper(string(data)),
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := OpenKey(path, true)
		if err == nil {
			t.Errorf("%s is a key", what)
		} else if len(secret) > 0 && strings.Contains(err.Error(), secret[len(secret)-20:]) {
			t.Errorf("%s: the error tells the key", what)
		}
		if is, _ := os.ReadFile(path); string(is) != text {
			t.Errorf("%s: the file was changed", what)
		}
	}
}
