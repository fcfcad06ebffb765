// Command generate writes the licences of all that is inside the binary into third-party.txt. It needs the modules and
// the UI's packages installed, and fails where one of them has no licence.
package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/lineaged/lineaged/internal/licences"
)

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "licences:", err)
		os.Exit(1)
	}
}

func run(root string) error {
	if !isFolder(filepath.Join(root, "ui", "node_modules")) {
		// So that `go generate ./...` works where nobody works on the UI. That nothing is missing is a test.
		fmt.Fprintln(os.Stderr, "licences: the UI's packages are not installed, the text stays as it is")
		return nil
	}
	parts, err := licences.GoParts(context.Background(), root)
	if err != nil {
		return err
	}
	ui, err := licences.UIParts(root)
	if err != nil {
		return err
	}
	text, err := format(append(parts, ui...))
	if err != nil {
		return err
	}
	return os.WriteFile("third-party.txt", text, 0o644) //nolint:gosec // for all to read
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// format writes each text once, with all whose it is.
func format(parts []licences.Part) ([]byte, error) {
	var order []string
	of := map[string][]string{}
	for _, p := range parts {
		texts, err := textsOf(p)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p, err)
		}
		for _, t := range texts {
			if of[t] == nil {
				order = append(order, t)
			}
			of[t] = append(of[t], strings.TrimSpace(p.String()))
		}
	}
	var b bytes.Buffer
	b.WriteString("What lineaged is built of, each with its licence. lineaged itself is under the Apache License 2.0.\n")
	for _, t := range order {
		fmt.Fprintf(&b, "\n%s\n\n  %s\n\n%s\n", strings.Repeat("~", 80), strings.Join(of[t], "\n  "), t)
	}
	return b.Bytes(), nil
}

// textsOf returns the licences and notices of a part, each once.
func textsOf(p licences.Part) ([]string, error) {
	var out []string
	for _, dir := range p.Dirs {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			if e.IsDir() || !isLicence(e.Name()) {
				continue
			}
			b, err := os.ReadFile(filepath.Join(dir, e.Name()))
			if err != nil {
				return nil, err
			}
			lines := strings.Split(strings.ReplaceAll(string(b), "\r\n", "\n"), "\n")
			for i, l := range lines {
				lines[i] = strings.TrimRight(l, " \t")
			}
			if t := strings.Trim(strings.Join(lines, "\n"), "\n"); !slices.Contains(out, t) {
				out = append(out, t)
			}
		}
	}
	if len(out) == 0 {
		return said(p)
	}
	return out, nil
}

// isLicence reports whether a file says under what terms something is, or has a notice that has to go with it.
func isLicence(name string) bool {
	name = strings.ToLower(name)
	base, ext, _ := strings.Cut(name, ".")
	if ext != "" && ext != "md" && ext != "txt" && ext != "markdown" {
		return false
	}
	for _, word := range []string{"license", "licence", "copying", "notice"} {
		if base == word || strings.HasPrefix(base, word+"-") || strings.HasPrefix(base, word+"_") {
			return true
		}
	}
	return false
}

// said is for packages of the UI that ship no file of their licence and name it: the terms are written out, under the
// name of who made them.
func said(p licences.Part) ([]string, error) {
	b, err := os.ReadFile(filepath.Join(p.Dirs[0], "package.json"))
	if err != nil {
		return nil, errors.New("has no licence")
	}
	var about struct {
		License string
		Author  any
	}
	if err := json.Unmarshal(b, &about); err != nil {
		return nil, err
	}
	author := about.Author
	if m, ok := author.(map[string]any); ok {
		author = m["name"]
	}
	switch about.License {
	case "MIT":
	case "Unlicense":
		return []string{unlicense}, nil
	default:
		return nil, fmt.Errorf("has no file of its licence, %q", about.License)
	}
	if author == nil {
		author = "the authors of " + strings.TrimPrefix(p.Name, "npm ")
	}
	return []string{fmt.Sprintf("MIT License\n\nCopyright (c) %v\n\n%s", author, mit)}, nil
}

const mit = `Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.`

const unlicense = `This is free and unencumbered software released into the public domain.

Anyone is free to copy, modify, publish, use, compile, sell, or distribute this
software, either in source code form or as a compiled binary, for any purpose,
commercial or non-commercial, and by any means.

In jurisdictions that recognize copyright laws, the author or authors of this
software dedicate any and all copyright interest in the software to the public
domain. We make this dedication for the benefit of the public at large and to
the detriment of our heirs and successors. We intend this dedication to be an
overt act of relinquishment in perpetuity of all present and future rights to
this software under copyright law.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN
ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION
WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.

For more information, please refer to <https://unlicense.org/>`
