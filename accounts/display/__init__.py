"""How values are shown to people: words, marks and code points. Strings in, escaped HTML out; no queries, no clock."""
