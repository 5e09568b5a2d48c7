"""What is wrong, or looks wrong, in the inputs of a set-up, before anything is computed."""
