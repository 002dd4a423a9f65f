"""Documents in place of codes: a number that staff type, where the city allowed it, for who cannot show any code."""
