//go:build race

package timeseries

// raced: the race detector makes values larger.
const raced = true
