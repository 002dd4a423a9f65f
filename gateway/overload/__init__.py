"""When more comes than a worker can do: who is let in, who waits a moment, who is refused at once."""
