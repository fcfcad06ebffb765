// Command pack makes ui/page.zip of what Vite has built into ui/dist, or says whether that file is up to date. It
// builds nothing itself, and needs no Node.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/lineaged/lineaged/ui/page"
)

const remedy = "run `make generate` and commit ui/page.zip"

func main() {
	root := flag.String("ui", ".", "the folder ui")
	fresh := flag.Bool("fresh", false, "write nothing, and fail where ui/page.zip was built of other sources")
	same := flag.Bool("same", false, "write nothing, and fail where ui/dist holds another page than ui/page.zip")
	flag.Parse()
	run := pack
	switch {
	case *fresh:
		run = isFresh
	case *same:
		run = isSame
	}
	if err := run(*root); err != nil {
		fmt.Fprintln(os.Stderr, "page:", err)
		os.Exit(1)
	}
}

func pack(root string) error {
	sources, err := page.Sources(os.DirFS(root))
	if err != nil {
		return err
	}
	dist := os.DirFS(filepath.Join(root, "dist"))
	archive, err := page.Pack(dist, sources)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(root, "page.zip"), archive, 0o644)
}

func isFresh(root string) error {
	_, of, err := packed(root)
	if err != nil {
		return err
	}
	sources, err := page.Sources(os.DirFS(root))
	if err == nil && of != sources {
		err = errors.New("the sources have changed since ui/page.zip was made: " + remedy)
	}
	return err
}

func isSame(root string) error {
	files, _, err := packed(root)
	if err != nil {
		return err
	}
	archive, err := page.Pack(os.DirFS(filepath.Join(root, "dist")), "")
	if err != nil {
		return err
	}
	built, _, err := page.Open(archive)
	if err != nil {
		return err
	}
	if d := page.Differences(files, built); len(d) > 0 {
		return fmt.Errorf("what is built now is not what ui/page.zip holds (%s): %s", strings.Join(d, ", "), remedy)
	}
	return nil
}

func packed(root string) (files map[string][]byte, sources string, err error) {
	archive, err := os.ReadFile(filepath.Join(root, "page.zip"))
	if err != nil {
		return nil, "", err
	}
	return page.Open(archive)
}
