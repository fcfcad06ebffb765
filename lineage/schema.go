package lineage

// SchemaPart is which part of a record a column is in. Its values are part of the storage format.
type SchemaPart uint8

// The parts.
const (
	NoPart    SchemaPart = iota // a dataset has no parts
	KeyPart                     // the key of a topic's records
	ValuePart                   // their value
)

// String returns "", "key" or "value"; for people, a question mark where it is not known.
func (p SchemaPart) String() string {
	if p > ValuePart {
		return "?"
	}
	return [...]string{"", "key", "value"}[p]
}

// SchemaOrigin is who tells of columns. Its values are part of the storage format.
type SchemaOrigin uint8

// The origins.
const (
	FromRegistry    SchemaOrigin = iota + 1 // a schema registry
	FromOpenLineage                         // a job, by the schema facet of its events
)

// SubjectStrategy is how a registry's subject tells which topic it is of. Its values are part of the storage format.
type SubjectStrategy uint8

// The strategies. NoStrategy: the topic can't be told, or nobody needs a subject to tell it.
const (
	NoStrategy      SubjectStrategy = iota
	TopicName                       // TOPIC-key, TOPIC-value
	RecordName                      // the record's full name: of any topic
	TopicRecordName                 // TOPIC-RECORD
	SimpleTopicID                   // TOPIC alone, of Apicurio; key or value is not told
	RecordID                        // the record's name, in a group that is its namespace, of Apicurio: of any topic
	TopicRecordID                   // TOPIC-NAME, NAME the record's, in a group that is its namespace, of Apicurio
)

// SchemaFact is what one source says of the columns of a topic's records, or of a dataset.
type SchemaFact struct {
	// Topic or Dataset is what it is of, the topic by its name; both zero: which topic it is of can't be told.
	Topic   Topic
	Dataset Dataset
	Part    SchemaPart // NoPart of a topic: whether key or value can't be told
	Origin  SchemaOrigin
	// Subject, Version, ID, Strategy and Compatibility are a registry's. Version 0 and ID 0: not told.
	Subject       string
	Version       int
	ID            int
	Strategy      SubjectStrategy
	Compatibility string // as the registry says it; empty: not told
	Format        string // AVRO, JSON, PROTOBUF; of OpenLineage empty
	Record        string // the full name of the outermost record; empty: it has none
	// Columns are in the schema's order, each once: what nests comes after what it is in. Cut is how many more there
	// are. They say nothing where there is a Problem, which is why they could not be read.
	Columns []Column
	Cut     int
	Problem string
}

// Column is a field of a schema.
type Column struct {
	// Path is the names from the outermost record on, see JoinPath. The empty path is the whole where it is no record.
	Path string
	Type string // as the schema calls it
	// Presence is whether every record has it. OpenLineage's facet never says.
	Presence Presence
}

// Presence is whether every record has a column. Its values are part of the storage format.
type Presence uint8

// The presences.
const (
	PresenceNotTold Presence = iota
	MayBeMissing             // a record may lack it, or have null there
	AlwaysThere
)

// TransformKind is what a connector's transformation does to columns. Its values are part of the storage format.
type TransformKind uint8

// The kinds. UnknownTransform: nobody can say what it does, and Transform.Word says why.
const (
	UnknownTransform TransformKind = iota
	KeepColumns                    // all columns stay what they are: RegexRouter, Cast, Filter
	ReplaceColumns                 // Keep, Drop, then Renames
	InsertColumns                  // Fields are made by it
	MaskColumns                    // what stands in Fields is replaced
	HoistColumns                   // all go into Fields[0]
	ExtractColumn                  // the whole becomes what stood in Fields[0]
	FlattenColumns                 // what nests becomes one name, joined by Word
	KeyOfValue                     // the key is made of the value's Fields
	UnwrapChange                   // Debezium's envelope becomes what is in its after; Fields are made by it
)

// Transform is one step of the way through a connector. Its strings are names; no value of a setting stands in it.
type Transform struct {
	Name, Class string
	Kind        TransformKind
	Part        SchemaPart // which part it works on
	Fields      []string
	Keep        []string // ReplaceColumns: those that alone stay; empty: all
	Drop        []string
	Renames     []Rename
	Word        string
}

// Rename is a column's name before and after.
type Rename struct{ From, To string }

// TransformFact is what a connector does to the columns that it moves, in the order in which it does.
type TransformFact struct{ Steps []Transform }

// ColumnsFact is what a job says of which columns of its inputs one of its outputs is made of.
type ColumnsFact struct {
	Mover Node
	// ToTopic or ToDataset is the output.
	ToTopic   Topic
	ToDataset Dataset
	Links     []ColumnLink // sorted
	Cut       int          // how many more there are
}

// ColumnLink is that one column is made of another.
type ColumnLink struct {
	FromTopic   Topic
	FromDataset Dataset
	// From and To are paths; To is empty where all of the output depends on it, as on what rows are chosen by.
	From, To string
	// How is what is done, in the facet's words: DIRECT/IDENTITY, INDIRECT/FILTER; may be empty.
	How    string
	Masked bool
}

// JoinPath is the path of a field within another: their names with dots between, dots and backslashes of a name behind
// a backslash.
func JoinPath(parent, name string) string {
	escaped := make([]byte, 0, len(name))
	for i := range len(name) {
		if name[i] == '.' || name[i] == '\\' {
			escaped = append(escaped, '\\')
		}
		escaped = append(escaped, name[i])
	}
	if parent == "" {
		return string(escaped)
	}
	return parent + "." + string(escaped)
}

// SplitPath is the inverse of JoinPath: the names of a path. The empty path has none.
func SplitPath(path string) (names []string) {
	if path == "" {
		return nil
	}
	name := []byte{}
	for i := 0; i < len(path); i++ {
		switch {
		case path[i] == '\\' && i+1 < len(path):
			i++
			name = append(name, path[i])
		case path[i] == '.':
			names, name = append(names, string(name)), []byte{}
		default:
			name = append(name, path[i])
		}
	}
	return append(names, string(name))
}
