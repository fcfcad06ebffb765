// Package licences holds the licences of all that is inside the binary and is not ours: Go's own packages, the modules
// that lineaged is built of, and what the web UI is bundled of.
//
// The text is generated from the module graph and the UI's lock file, so that what is shipped says whose it is. The
// package refuses to judge licences: it shows their words.
package licences

import _ "embed" // the text

//go:generate go run ./generate ../..

//go:embed third-party.txt
var text string

// Text returns each licence with those that it is of.
func Text() string { return text }
