// Package answer says what a window of the history means: who wrote and who read what, by the best evidence, how much,
// since when, and what is not known.
//
// It reads a history through the small interface that it declares, resolves who a client is, applies the rules of
// evidence (one count of several sightings, three answers and not two, members and their groups, ways through a mover),
// builds the graph, and keeps windows ready. An answer is a method of View, an immutable value per window, which many
// may ask at once. Whoever asks about lineage asks here: the API, and what alerts, reports and exports will be.
//
// It hides how views are built, shared and forgotten. It refuses to collect, to write, to speak GraphQL or HTTP, and to
// draw conclusions about walks that package graph draws.
package answer
