"""The list of services and the search in it, each subject's own: what serves them is what they are told of."""
