"""Those who scan: devices with their operators and terms, what keeps them honest, what they install."""
