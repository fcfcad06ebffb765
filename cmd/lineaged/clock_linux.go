package main

import (
	"time"

	"golang.org/x/sys/unix"
)

// spent returns the time since the machine was started, which no setting of its clock changes. A suspended machine's
// time is in it: Go's own monotonic time leaves that out, and the first round after a night would look like a clock
// that jumped.
func spent() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		panic("clock_gettime(CLOCK_BOOTTIME): " + err.Error()) // Linux has had it since 2.6.39
	}
	return time.Duration(t.Nano())
}
