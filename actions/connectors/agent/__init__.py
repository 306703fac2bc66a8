"""What an agent does with its own hands: governed, handed over, reported; never opened from here."""
