"""What a citizen shows: grants of a phone, online codes, paper; and what ends or rests them."""
