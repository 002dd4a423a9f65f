"""What a venue installs at its gate: reads what a gun typed, signs, asks, and keeps what it saw while offline."""
