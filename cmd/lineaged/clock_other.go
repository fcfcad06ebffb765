//go:build !linux

package main

import "time"

var begun = time.Now()

// spent returns the time since the process was started, which no setting of the machine's clock changes.
func spent() time.Duration { return time.Since(begun) }
