//go:build race

package answer_test

// raced: the race detector makes all of it slower by far.
const raced = true
