"""What a user instantiates, and everything between a pandas object and clean arrays."""
