package outbox

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Forget takes away the batches in which somebody is named, and what can't be read, of the receivers that have a folder
// in one; no Queue has them open. It returns how many there were. With dry it changes nothing.
func Forget(folder string, named func(text []byte) bool, dry bool) (batches int, err error) {
	files, err := filepath.Glob(filepath.Join(folder, "*", "*"+suffix+"*"))
	if err != nil {
		return 0, fmt.Errorf("look for what waits for receivers: %w", err)
	}
	changed := map[string]bool{}
	for _, path := range files {
		text, err := os.ReadFile(path)
		if err != nil {
			return batches, fmt.Errorf("read what waits for a receiver: %w", err)
		}
		if strings.HasSuffix(path, suffix) && !named(text) {
			continue
		}
		if batches++; dry {
			continue
		}
		if err := os.Remove(path); err != nil {
			return batches, fmt.Errorf("take away what waits for a receiver: %w", err)
		}
		changed[filepath.Dir(path)] = true
	}
	for dir := range changed {
		if err := syncFolder(dir); err != nil {
			return batches, err
		}
	}
	return batches, nil
}
