package page

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func dist() fstest.MapFS {
	return fstest.MapFS{
		".hidden":           {Data: []byte("no")},
		"index.html":        {Data: []byte("<title>app</title>")},
		"assets/index-1.js": {Data: []byte(strings.Repeat("let a = 1;", 100))},
		"assets/empty.css":  {},
	}
}

func TestPackedIsWhatIsOpened(t *testing.T) {
	archive, err := Pack(dist(), "of these")
	if err != nil {
		t.Fatal(err)
	}
	files, sources, err := Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]byte{}
	for name, f := range dist() {
		if name != ".hidden" {
			want[name] = f.Data
		}
	}
	if d := Differences(want, files); len(d) > 0 || sources != "of these" {
		t.Errorf("of sources %q, and %v are not as they were", sources, d)
	}
	again, err := Pack(dist(), "of these")
	if err != nil || !bytes.Equal(archive, again) {
		t.Errorf("the same page makes other bytes (%v)", err)
	}
}

// No byte of a page can be other than it was packed without its being refused, the comment and what nobody reads aside.
func TestDamageIsRefused(t *testing.T) {
	archive, err := Pack(dist(), "")
	if err != nil {
		t.Fatal(err)
	}
	whole, _, err := Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	for i := range archive {
		bad := bytes.Clone(archive)
		bad[i] ^= 0x10
		files, _, err := Open(bad)
		if err != nil {
			continue
		}
		for name, body := range files {
			if w, ok := whole[name]; ok && !bytes.Equal(w, body) {
				t.Fatalf("byte %d changed, and %s is served as something else", i, name)
			}
		}
	}
	if _, _, err := Open(archive[:len(archive)/2]); err == nil {
		t.Error("half an archive is opened")
	}
}

func TestSourcesAreWhatThePageIsBuiltOf(t *testing.T) {
	tree := func(changes map[string]string) fstest.MapFS {
		t := fstest.MapFS{}
		for _, name := range inputs {
			if name == "src" || name == "public" {
				name += "/a.ts"
			}
			t[name] = &fstest.MapFile{Data: []byte(name)}
		}
		t["src/a.test.ts"], t["page.zip"] = &fstest.MapFile{}, &fstest.MapFile{}
		for name, text := range changes {
			t[name] = &fstest.MapFile{Data: []byte(text)}
		}
		return t
	}
	hash := func(root fstest.MapFS) string {
		t.Helper()
		s, err := Sources(root)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	was := hash(tree(nil))
	for _, name := range []string{"src/a.ts", "src/deep/new.tsx", "public/a.ts", "index.html", "graphiql.html", "package-lock.json", "vite.config.ts"} {
		if hash(tree(map[string]string{name: "changed"})) == was {
			t.Errorf("a page is as new as before when %s changes", name)
		}
	}
	for _, name := range []string{"src/a.test.ts", "src/b.test.tsx", "page.zip", "e2e/e2e.mjs", "node_modules/a/a.js", "dist/index.html"} {
		if hash(tree(map[string]string{name: "changed"})) != was {
			t.Errorf("a page is older when %s changes, of which it is not built", name)
		}
	}
	if _, err := Sources(fstest.MapFS{}); err == nil {
		t.Error("no sources have a hash")
	}
}

func TestDifferences(t *testing.T) {
	a := map[string][]byte{"same": {1}, "changed": {1}, "gone": {1}}
	b := map[string][]byte{"same": {1}, "changed": {2}, "new": {1}}
	if got := Differences(a, b); !slices.Equal(got, []string{"changed", "gone", "new"}) {
		t.Errorf("got %v", got)
	}
}
