package api

import "time"

// Storage is the schema's type of that name: what the store holds, told by whoever wires it in.
type Storage struct {
	Bytes, FreeBytes *int64
	Series           *float64
	Tiers            []StorageTier
	Silent           int64
	Measured         *time.Duration
	Year             *StorageYear
}

// StorageTier is the schema's type of that name.
type StorageTier struct {
	Step, Retention   time.Duration
	Bytes             int64
	BytesPerSeriesDay *float64
}

// StorageYear is the schema's type of that name.
type StorageYear struct {
	Bytes               int64
	BytesPer10000Series int64
	AtMost              bool
}
