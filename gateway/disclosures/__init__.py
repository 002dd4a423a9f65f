"""What departments were told about citizens, and the list that the citizen reads of it."""
