"""Where services are offered: the city's places as a tree of GB/T 2260 codes."""
