// Package page is the built web page as one file, which travels with the module so that a Go toolchain alone makes the
// whole program.
//
// It hides the file's form: a zip that is not compressed, as history then holds of a change little more than what
// changed (ADR 26). The same page always makes the same bytes, and the file says which sources it was built of, so that
// one who has no Node can still tell a page that is behind. It refuses to build: what Vite made is handed to it.
package page

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"slices"
	"strings"
)

// inputs are the files and folders of ui/ that the page is built of. The packages in node_modules are there by the
// lock file.
var inputs = []string{"graphiql.html", "index.html", "package-lock.json", "package.json", "public", "src", "tsconfig.json", "vite.config.ts"}

// Sources returns a hash of all that a page is built of, where root is the folder ui. Tests are no part of it.
func Sources(root fs.FS) (string, error) {
	sum := sha256.New()
	for _, input := range inputs {
		err := walk(root, input, func(name string, body []byte) {
			if strings.HasSuffix(name, ".test.ts") || strings.HasSuffix(name, ".test.tsx") {
				return
			}
			of := sha256.Sum256(body)
			fmt.Fprintf(sum, "%x %s\n", of, name) // a hash never fails
		})
		if err != nil {
			return "", fmt.Errorf("read the page's sources: %w", err)
		}
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// walk hands over each file that is not hidden, in the order of their names.
func walk(root fs.FS, from string, each func(name string, body []byte)) error {
	return fs.WalkDir(root, from, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		body, err := fs.ReadFile(root, name)
		if err == nil {
			each(name, body)
		}
		return err
	})
}

// Pack returns the archive of the page that was built into dist, of these sources.
func Pack(dist fs.FS, sources string) ([]byte, error) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	var errs []error
	err := walk(dist, ".", func(name string, body []byte) {
		size := uint64(len(body))
		w, err := z.CreateRaw(&zip.FileHeader{Name: name, CRC32: crc32.ChecksumIEEE(body), CompressedSize64: size, UncompressedSize64: size})
		if err == nil {
			_, err = w.Write(body)
		}
		errs = append(errs, err)
	})
	errs = append(errs, err, z.SetComment(sources), z.Close())
	if err := errors.Join(errs...); err != nil {
		return nil, fmt.Errorf("pack the page: %w", err)
	}
	return b.Bytes(), nil
}

// Open returns the files of an archive by their names, as parts of it, and the sources that they were built of. One
// that is damaged is refused.
func Open(archive []byte) (files map[string][]byte, sources string, err error) {
	z, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return nil, "", fmt.Errorf("open the page: %w", err)
	}
	files = map[string][]byte{}
	for _, f := range z.File {
		at, err := f.DataOffset()
		if err != nil {
			return nil, "", fmt.Errorf("open the page: %s: %w", f.Name, err)
		}
		size := int64(f.UncompressedSize64)
		if f.Method != zip.Store || size < 0 || size > int64(len(archive))-at {
			return nil, "", fmt.Errorf("open the page: %s does not lie in it as it is", f.Name)
		}
		body := archive[at : at+size : at+size]
		if crc32.ChecksumIEEE(body) != f.CRC32 {
			return nil, "", fmt.Errorf("open the page: %s is damaged", f.Name)
		}
		files[f.Name] = body
	}
	return files, z.Comment, nil
}

// Differences names the files that two pages do not have alike, sorted.
func Differences(a, b map[string][]byte) (names []string) {
	for name, body := range a {
		if other, ok := b[name]; !ok || !bytes.Equal(body, other) {
			names = append(names, name)
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}
