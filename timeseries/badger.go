package timeseries

const (
	memTableSize     = 16 << 20
	valueLogFileSize = 64 << 20
)

func (e *engine) save() error { return nil }
