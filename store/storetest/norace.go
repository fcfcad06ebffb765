//go:build !race

package storetest

// histories is how many are gone through after each round of which all is asked.
const histories = 4
