//go:build race

package api_test

// raced: the race detector makes values larger.
const raced = true
