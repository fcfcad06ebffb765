package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/lineaged/lineaged/collector/openlineage"
	"github.com/lineaged/lineaged/ledger"
	"github.com/lineaged/lineaged/timeseries"
)

func (p *program) backup() *cobra.Command {
	var withKey bool
	cmd := &cobra.Command{
		Use:   "backup DIR TO",
		Short: "Copy a data folder as it is now into a new folder, also while lineaged runs on it",
		Long: `Copies a data folder as it is at one instant into a new or an empty folder, whether or not a lineaged runs on it: that one does not wait, and all
that it had acknowledged is in the copy. Nothing is changed in the data folder. What is damaged in it is said, copied all the same, and the exit code is 1.
OpenLineage events that were acknowledged and are not observed yet are in it. The ledger is copied after the data, as of its newest checkpoint, and verified; one that does not verify is not copied, and the exit code is 1.`,
		Args: namedArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			// Before the data: what is no longer in the journal then is stored.
			held, unread := openlineage.ReadHeld(filepath.Join(args[0], eventsFolder))
			b, err := timeseries.Backup(cmd.Context(), args[0], args[1])
			if err != nil {
				return err
			}
			_, _ = fmt.Fprintf(p.stdout, "backed up as of %s: %s in %s\n", instant(b.At), bytesOf(b.Bytes), count(b.Files, "file"))
			for _, f := range b.Findings {
				_, _ = fmt.Fprintf(p.stdout, "found: %s\n", f)
			}
			if len(b.Findings) > 0 {
				err = errors.New("the backup is whole, and the data folder is damaged: keep the backups before this one")
			}
			return errors.Join(err, p.writeHeld(held, unread, args[1]), p.backupLedger(cmd.Context(), args[0], args[1], withKey))
		},
	}
	cmd.Flags().BoolVar(&withKey, "ledger-key", false, "copy the ledger's key too: who has it can write another history")
	return cmd
}

// writeHeld writes OpenLineage events that were acknowledged and may not be observed yet into a copy of a data folder.
func (p *program) writeHeld(held openlineage.Held, unread error, to string) error {
	if err := cmp.Or(unread, held.Write(filepath.Join(to, eventsFolder))); err != nil {
		return fmt.Errorf("the copy of the data is whole, and OpenLineage events that were not observed yet are not in it: %w", err)
	}
	if held.Events > 0 {
		p.printer()("the journal of OpenLineage events is in it: %s", count(held.Events, "event"))
	}
	if held.Damaged > 0 {
		return fmt.Errorf("the copy is whole, and %s in the journal of OpenLineage events: keep the backups before this one", damaged(held.Damaged))
	}
	return nil
}

func damaged(lines int) string {
	if lines == 1 {
		return "1 line is damaged"
	}
	return fmt.Sprintf("%d lines are damaged", lines)
}

// checkHeld reads the journal of OpenLineage events of a backup.
func checkHeld(dir string) (openlineage.Held, error) {
	held, err := openlineage.ReadHeld(filepath.Join(dir, eventsFolder))
	if err == nil && held.Damaged > 0 {
		err = fmt.Errorf("of the journal of OpenLineage events %s", damaged(held.Damaged))
	}
	return held, err
}

// backupLedger copies the ledger of a data folder, where there is one.
func (p *program) backupLedger(ctx context.Context, dir, to string, withKey bool) error {
	err := p.copyLedger(ctx, dir, to)
	if err != nil {
		return fmt.Errorf("the backup of the data is whole, and the ledger is not in it: %w", err)
	}
	if !ledger.Exists(filepath.Join(to, ledgerFolder)) {
		return nil
	}
	if !withKey {
		p.printer()("the ledger's key is not in it: keep a copy of it somewhere else, or give --ledger-key")
		return nil
	}
	if err := copyKey(dir, to); err != nil {
		return fmt.Errorf("the ledger's key is not in the backup: %w; one that ledger.key_file names is copied by hand", err)
	}
	return nil
}

// copyLedger copies a ledger from one folder into another, and says what it copied.
func (p *program) copyLedger(ctx context.Context, from, to string) error {
	from, to = filepath.Join(from, ledgerFolder), filepath.Join(to, ledgerFolder)
	if !ledger.Exists(from) {
		return nil
	}
	is, err := ledger.Copy(ctx, from, to)
	if err != nil {
		return err
	}
	p.printer()("the ledger is in it and verifies: %s, %s, key %s", entries(is.Checkpoint.Size), count(int(is.Periods), "period"), is.Fingerprint)
	return nil
}

func copyKey(from, to string) error {
	key, err := os.ReadFile(filepath.Join(from, ledgerKey))
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(to, ledgerKey), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(key)
	return errors.Join(err, f.Sync(), f.Close())
}

func (p *program) restore() *cobra.Command {
	return &cobra.Command{
		Use:   "restore BACKUP DIR",
		Short: "Copy a backup into a new folder, after reading all of it; a partial or damaged one is refused",
		Args:  namedArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := checkLedger(args[0]); err != nil {
				return fmt.Errorf("%s cannot be restored: its ledger: %w", args[0], err)
			}
			held, err := checkHeld(args[0])
			if err != nil {
				return fmt.Errorf("%s cannot be restored: %w", args[0], err)
			}
			b, err := timeseries.Restore(cmd.Context(), args[0], args[1])
			if err != nil {
				return err
			}
			_, _ = fmt.Fprintf(p.stdout, "restored as of %s: %s in %s\n", instant(b.At), bytesOf(b.Bytes), count(b.Files, "file"))
			return errors.Join(p.writeHeld(held, nil, args[1]), p.restoreLedger(cmd.Context(), args[0], args[1]))
		},
	}
}

func (p *program) restoreLedger(ctx context.Context, from, to string) error {
	if err := p.copyLedger(ctx, from, to); err != nil {
		return fmt.Errorf("the data is restored, and the ledger is not: %w; remove the folder and restore again", err)
	}
	if !ledger.Exists(filepath.Join(to, ledgerFolder)) {
		return nil
	}
	switch err := copyKey(from, to); {
	case errors.Is(err, fs.ErrNotExist):
		p.printer()("put its key back, as %s or where ledger.key_file names it: it does not go on under another one", filepath.Join(to, ledgerKey))
	case err != nil:
		return fmt.Errorf("the data and the ledger are restored, and its key is not: %w", err)
	}
	p.printer()("what was written to it after the backup is lost, and what is closed anew is another history: an anchor that holds more says so at the start")
	return nil
}

// checkLedger verifies the ledger of a backup, where there is one.
func checkLedger(dir string) error {
	dir = filepath.Join(dir, ledgerFolder)
	if _, err := os.Lstat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	_, err := ledger.Verify(os.DirFS(dir), "", nil)
	return err
}
