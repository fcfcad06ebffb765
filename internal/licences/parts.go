package licences

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Part is one thing of others that is in the binary.
type Part struct {
	Name, Version string
	Dirs          []string // where its licences are: its own folder and those of its packages that are used
}

// String names a part as the text does.
func (p Part) String() string { return p.Name + " " + p.Version }

// systems are those that a release is built for.
var systems = []string{"linux", "darwin"}

// GoParts returns Go's own packages and the modules that the program in root is built of, in the order of their names.
func GoParts(ctx context.Context, root string) ([]Part, error) {
	parts := map[string]*Part{}
	for _, system := range systems {
		cmd := exec.CommandContext(ctx, "go", "list", "-deps", "-f",
			"{{if .Standard}}{{else}}{{with .Module}}{{if not .Main}}{{.Path}}\t{{.Version}}\t{{.Dir}}\t{{$.Dir}}{{end}}{{end}}{{end}}", "./cmd/lineaged")
		cmd.Dir, cmd.Env, cmd.Stderr = root, append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0"), os.Stderr
		out, err := cmd.Output()
		if err != nil {
			return nil, fmt.Errorf("list the packages for %s: %w", system, err)
		}
		for line := range strings.Lines(string(out)) {
			f := strings.Split(strings.TrimSpace(line), "\t")
			if len(f) != 4 {
				continue
			}
			p := parts[f[0]]
			if p == nil {
				p = &Part{Name: f[0], Version: f[1]}
				parts[f[0]] = p
			}
			for dir := f[3]; len(dir) >= len(f[2]); dir = filepath.Dir(dir) { // up to the module's own
				if !slices.Contains(p.Dirs, dir) {
					p.Dirs = append(p.Dirs, dir)
				}
			}
		}
	}
	goroot, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("ask for Go's own folder: %w", err)
	}
	all := []Part{{Name: "Go, its runtime and standard library", Dirs: []string{strings.TrimSpace(string(goroot))}}}
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		slices.Sort(parts[name].Dirs)
		all = append(all, *parts[name])
	}
	return all, nil
}

// UIParts returns the packages that the web UI may be bundled of, in the order of their names: all in its lock file
// that are not for development only.
func UIParts(root string) ([]Part, error) {
	text, err := os.ReadFile(filepath.Join(root, "ui", "package-lock.json"))
	if err != nil {
		return nil, err
	}
	var lock struct {
		Packages map[string]struct {
			Version string
			Dev     bool
			Peer    bool
		}
	}
	if err := json.Unmarshal(text, &lock); err != nil {
		return nil, fmt.Errorf("read the lock file: %w", err)
	}
	var all []Part
	for _, at := range slices.Sorted(maps.Keys(lock.Packages)) {
		p := lock.Packages[at]
		if at == "" || p.Dev {
			continue
		}
		_, name, _ := strings.Cut(at[strings.LastIndex(at, "node_modules/"):], "/")
		all = append(all, Part{Name: "npm " + name, Version: p.Version, Dirs: []string{filepath.Join(root, "ui", filepath.FromSlash(path.Clean(at)))}})
	}
	return all, nil
}
