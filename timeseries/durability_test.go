package timeseries_test

import "os"

func childFolder() string { return os.Getenv("TIMESERIES_CHILD") }

func child(string) {}
