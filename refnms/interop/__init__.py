"""Other programs, each imported only by who asks for it."""
