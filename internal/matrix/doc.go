// Package matrix holds lineaged against the clients and engines that people use: real libraries from their registries,
// and Flink, quixstreams, faust and Debezium, on a real Apache Kafka, each of which tells what it truly read and wrote.
// `make matrix` runs it and writes what it found into docs/evidence.md, between the markers.
//
// A library's driver (clients/) carries out the steps of a cell and knows nothing of lineaged; what a cell does, and
// what the truth is, stands here. The tests need the network's registries and some ten minutes, and so are behind the
// build tag `matrix`. What they install goes into the project's cache folder.
package matrix
