package catalog

// NoTags stands in a sheet for tags that are said to be none, since an empty cell says nothing.
const NoTags = "(none)"
