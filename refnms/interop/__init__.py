"""The model in other people's software. Each bridge is imported only when it is asked for."""
