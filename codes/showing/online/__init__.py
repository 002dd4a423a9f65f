"""Online codes: what a thin client without keys of its own shows, read by the city alone."""
