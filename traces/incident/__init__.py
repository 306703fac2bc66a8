"""The incident page: every trace of a window, an agent, a record or a person, each in the sentences of its brief."""
