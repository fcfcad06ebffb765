package timeseries

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBackupOfWhatIsNotTheStores: what people edited of nodes is in a backup, and comes back.
func TestBackupOfWhatIsNotTheStores(t *testing.T) {
	t.Parallel()
	from := copied(t, richFolder(t))
	must(t, os.Mkdir(filepath.Join(from, "catalog"), 0o700))
	edits := []byte("lineaged catalog 1\nan edit\n")
	must(t, os.WriteFile(filepath.Join(from, besideFile), edits, 0o600))
	to := filepath.Join(inMemory(t), "backup")
	_, err := Backup(t.Context(), from, to)
	must(t, err)
	list, err := os.ReadFile(filepath.Join(to, listName))
	must(t, err)
	if !strings.HasPrefix(string(list), listBesides+"\n") || !strings.Contains(string(list), " catalog/edits\n") {
		t.Errorf("the list is %s", list)
	}
	back := filepath.Join(inMemory(t), "restored")
	_, err = Restore(t.Context(), to, back)
	must(t, err)
	got, err := os.ReadFile(filepath.Join(back, besideFile))
	if err != nil || !bytes.Equal(got, edits) {
		t.Errorf("%q came back, %v", got, err)
	}
	info, err := os.Stat(filepath.Join(back, besideFile))
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("its mode is %s", info.Mode())
	}
	if _, err := Backup(t.Context(), back, filepath.Join(inMemory(t), "again")); err != nil {
		t.Errorf("a restored folder can't be backed up: %v", err)
	}
	// What is changed, taken away or put beside it is found.
	must(t, os.WriteFile(filepath.Join(to, besideFile), []byte("lineaged catalog 1\nan EDIT\n"), 0o600))
	if _, err := CheckBackup(t.Context(), to); err == nil || !strings.Contains(err.Error(), "catalog/edits is not what was written") {
		t.Errorf("changed: %v", err)
	}
	must(t, os.WriteFile(filepath.Join(to, "catalog", "more"), nil, 0o600))
	must(t, os.WriteFile(filepath.Join(to, besideFile), edits, 0o600))
	if _, err := CheckBackup(t.Context(), to); err == nil || !strings.Contains(err.Error(), "catalog/more is not of the backup") {
		t.Errorf("put beside it: %v", err)
	}
	must(t, os.RemoveAll(filepath.Join(to, "catalog")))
	if _, err := CheckBackup(t.Context(), to); err == nil || !strings.Contains(err.Error(), "catalog/edits is not there") {
		t.Errorf("taken away: %v", err)
	}
}
