"""How a mini-app ends: announced with a successor, or by its date after an emergency, with the deletion proven."""
