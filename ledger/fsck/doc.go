// Package fsck holds a ledger's folder against Tessera's own check of tlog-tiles logs. It has no code but its tests.
package fsck
