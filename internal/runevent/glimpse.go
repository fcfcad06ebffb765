package runevent

// Glimpse is what can be read of an event that is of no use, cleaned, so that its sender can be found. Empty: it can't
// be read.
type Glimpse struct {
	Job      Name
	Run      string // only where it is a UUID
	Producer string // a URI
}

// Look reads what it can of a body.
func Look(body []byte) (g Glimpse) {
	top, p := object(body)
	if p != nil {
		return g
	}
	of := top.within("job")
	if of == nil {
		of = top.within("dataset")
	}
	g.Job = Name{of.word("namespace"), of.word("name")}
	g.Producer = top.word("producer")
	if id, _ := top.within("run").text("runId"); uuid.MatchString(id) {
		g.Run = id
	}
	return g
}

// Word is a short text as somebody says it of himself, cleaned.
func Word(s string) string { return cut(cleanText(s), mostWord) }
