package main

import (
	"bytes"
	"maps"

	"github.com/lineaged/lineaged/internal/config"
	"github.com/lineaged/lineaged/ledger"
)

// configuration returns what is in force as it is printed, without secrets: all of it, and each of its keys that is not
// in another, by the name that the ledger has for it.
func configuration(cfg config.Config) (map[string][]byte, error) {
	var all bytes.Buffer
	if err := cfg.Print(&all); err != nil {
		return nil, err
	}
	out := map[string][]byte{ledger.Configuration: all.Bytes()}
	name := ""
	for line := range bytes.Lines(all.Bytes()) {
		if key, _, ok := bytes.Cut(line, []byte(":")); ok && line[0] >= 'a' && line[0] <= 'z' {
			name = ledger.Configuration + "." + string(key)
		}
		out[name] = append(out[name], line...)
	}
	return out, nil
}

// sources returns what names and owners are given by, and the configuration that is in force, for the ledger.
func sources(cfg config.Config, rules *rules, said *declarations) (func() map[string][]byte, error) {
	configured, err := configuration(cfg)
	if err != nil {
		return nil, err
	}
	return func() map[string][]byte {
		out := maps.Clone(configured)
		if is := rules.configured.Load(); is != nil {
			out = maps.Clone(*is)
		}
		out["rules"], out["declarations"] = *rules.record.Load(), said.text()
		return out
	}, nil
}
